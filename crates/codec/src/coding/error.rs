//! Errors of encoding and decoding.

use std::fmt;

use super::LatentError;
use crate::image::ImageError;
use crate::model::{EntropyId, LambdaError};
use heirloom_format::container::ContainerError;
use heirloom_format::entropy::EntropyError;
use heirloom_kernels::Isa;

/// The reason why an image was not encoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// λ is outside the range that the model's encoder was trained for.
    Lambda(LambdaError),
    /// The image needs more memory than the options allow.
    Memory {
        /// Bytes of feature maps needed, an upper estimate.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// This machine lacks the instruction set of the options.
    Isa(Isa),
    /// A latent cannot be coded.
    Entropy(EntropyError),
    /// The file cannot be written, for example because its metadata is too long.
    Container(ContainerError),
    /// The image has pixels that are not coded.
    Image(ImageError),
}

/// The kind of a decoding error: whose fault it is, and so what can be done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The bytes are not a Heirloom file.
    NotHeirloom,
    /// A newer version of this software may read the file.
    Unsupported,
    /// The file was altered.
    Damaged,
    /// The file's end is missing.
    CutShort,
    /// Another model is needed.
    UnknownModel,
    /// The file asks for more than the caller allows.
    OverLimit,
    /// A parameter of the file or of the call is impossible.
    BadParameter,
}

/// The reason why a file was not decoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum DecodeError {
    /// The structure of the file is wrong.
    Container(ContainerError),
    /// The file belongs to another lineage than the model.
    UnknownModel {
        /// First bytes of the entropy id that the file names.
        needed: [u8; 8],
        /// Generation that wrote the file.
        generation: u32,
        /// Entropy id of the model that was used.
        present: EntropyId,
    },
    /// The coded bytes of a latent cannot be decoded.
    Entropy {
        /// 1 (z1, coarse) to 4 (z4, fine).
        latent: u8,
        /// What is wrong.
        error: EntropyError,
    },
    /// The image needs more memory than the options allow.
    Memory {
        /// Bytes of feature maps needed, an upper estimate.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// This machine lacks the instruction set of the options.
    Isa(Isa),
    /// The given latents do not fit the model.
    Latents(LatentError),
    /// The size in the header is not that of an image.
    Image(ImageError),
}

impl DecodeError {
    /// The kind of error.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self {
            Self::Container(error) => match error {
                ContainerError::NotHeirloom(_) => Fault::NotHeirloom,
                ContainerError::UnsupportedVersion(_) | ContainerError::UnsupportedSection(_) => Fault::Unsupported,
                ContainerError::Damaged { .. } => Fault::Damaged,
                ContainerError::CutShort { .. } => Fault::CutShort,
                ContainerError::OverLimit { .. } => Fault::OverLimit,
                ContainerError::BadParameter(_) => Fault::BadParameter,
            },
            Self::UnknownModel { .. } => Fault::UnknownModel,
            Self::Entropy { error: EntropyError::CutShort, .. } => Fault::CutShort,
            Self::Entropy { .. } => Fault::Damaged,
            Self::Memory { .. } => Fault::OverLimit,
            Self::Image(ImageError::Unsupported { .. }) => Fault::Unsupported,
            Self::Isa(_) | Self::Latents(_) | Self::Image(_) => Fault::BadParameter,
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda(error) => error.fmt(f),
            Self::Memory { needed, allowed } => memory(f, *needed, *allowed),
            Self::Isa(isa) => no_isa(f, *isa),
            Self::Entropy(error) => error.fmt(f),
            Self::Container(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Container(error) => error.fmt(f),
            Self::UnknownModel { needed, generation, present } => {
                f.write_str("the file needs a model whose entropy id begins with ")?;
                needed.iter().try_for_each(|byte| write!(f, "{byte:02x}"))?;
                write!(
                    f,
                    " (generation {generation} of that lineage wrote it), but this model's is {present}; decode it \
                     with a model of that lineage"
                )
            }
            Self::Entropy { latent, error } => write!(f, "latent z{latent}: {error}"),
            Self::Memory { needed, allowed } => memory(f, *needed, *allowed),
            Self::Isa(isa) => no_isa(f, *isa),
            Self::Latents(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
        }
    }
}

fn memory(f: &mut fmt::Formatter<'_>, needed: u64, allowed: u64) -> fmt::Result {
    write!(
        f,
        "the image needs up to {} MiB of memory, but only {} MiB are allowed; raise the limit if you trust the image",
        needed.div_ceil(1 << 20),
        allowed >> 20
    )
}

fn no_isa(f: &mut fmt::Formatter<'_>, isa: Isa) -> fmt::Result {
    write!(f, "this machine lacks the instruction set {isa:?}; choose one of {:?}", Isa::available())
}

impl std::error::Error for EncodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Entropy(error) => Some(error),
            Self::Container(error) => Some(error),
            Self::Lambda(error) => Some(error),
            Self::Image(error) => Some(error),
            Self::Memory { .. } | Self::Isa(_) => None,
        }
    }
}

impl std::error::Error for DecodeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Container(error) => Some(error),
            Self::Entropy { error, .. } => Some(error),
            Self::Latents(error) => Some(error),
            Self::Image(error) => Some(error),
            Self::UnknownModel { .. } | Self::Memory { .. } | Self::Isa(_) => None,
        }
    }
}

impl From<LambdaError> for EncodeError {
    fn from(error: LambdaError) -> Self {
        Self::Lambda(error)
    }
}

impl From<ImageError> for EncodeError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}

impl From<ContainerError> for EncodeError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}

impl From<EntropyError> for EncodeError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl From<ContainerError> for DecodeError {
    fn from(error: ContainerError) -> Self {
        Self::Container(error)
    }
}

impl From<LatentError> for DecodeError {
    fn from(error: LatentError) -> Self {
        Self::Latents(error)
    }
}

impl From<ImageError> for DecodeError {
    fn from(error: ImageError) -> Self {
        Self::Image(error)
    }
}
