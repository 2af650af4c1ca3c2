//! Errors of encoding and decoding.

use std::fmt;

use super::{LatentError, StreamError, Target};
use crate::image::ImageError;
use crate::model::{EntropyId, LambdaError, ModelError};
use heirloom_format::container::{ContainerError, Part, Rect, Section};
use heirloom_format::entropy::EntropyError;
use heirloom_kernels::Isa;

/// The reason why an image was not encoded.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum EncodeError {
    /// λ is outside the range that the model's encoder was trained for.
    Lambda(LambdaError),
    /// The model was written without its encoder, and only decodes.
    NoEncoder,
    /// The image needs more memory than the options allow.
    Memory {
        /// Bytes of feature maps needed, an upper estimate.
        needed: u64,
        /// Bytes allowed.
        allowed: u64,
    },
    /// This machine lacks the instruction set of the options.
    Isa(Isa),
    /// More effort than 1 is asked of a program that was built without it.
    NoEffort,
    /// The weights of the model do not fit its spec.
    Model(ModelError),
    /// A latent cannot be coded.
    Entropy(EntropyError),
    /// The file cannot be written, for example because its metadata is too long.
    Container(ContainerError),
    /// The rows are not those of an image.
    Image(ImageError),
    /// No λ of the model meets the target.
    Target {
        /// The target.
        target: Target,
        /// The size or PSNR that comes nearest.
        reached: f64,
    },
    /// Rows cannot be read, or the file cannot be written, and why.
    Io {
        /// Kind of the failure.
        kind: std::io::ErrorKind,
        /// What the system says.
        message: String,
    },
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
    /// Reading or writing failed.
    Io,
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
        /// Number of the tile, counted from 0 in rows from the top; `None` in a file of one tile.
        tile: Option<u32>,
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
    /// A lossless stream, of colour or alpha, cannot be decoded.
    Stream {
        /// The section that holds it.
        section: Section,
        /// What is wrong.
        error: StreamError,
    },
    /// The crop of the options is empty, or not within the image.
    Crop {
        /// The crop that was asked for.
        crop: Rect,
        /// Width of the image in pixels.
        width: u32,
        /// Height of the image in pixels.
        height: u32,
    },
    /// A tile has no latents, because it is stored without loss.
    NoLatents,
    /// The decoded rows cannot be written, and why.
    Sink(String),
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
                ContainerError::Io { .. } => Fault::Io,
            },
            Self::UnknownModel { .. } => Fault::UnknownModel,
            Self::Entropy { error: EntropyError::CutShort, .. } => Fault::CutShort,
            Self::Entropy { .. } | Self::Stream { .. } => Fault::Damaged,
            Self::Sink(_) => Fault::Io,
            Self::Memory { .. } => Fault::OverLimit,
            Self::Image(ImageError::Unsupported { .. }) => Fault::Unsupported,
            Self::Isa(_) | Self::Latents(_) | Self::Image(_) | Self::Crop { .. } | Self::NoLatents => {
                Fault::BadParameter
            }
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lambda(error) => error.fmt(f),
            Self::NoEncoder => {
                f.write_str("the model only decodes: it was written without its encoder; encode with the whole model")
            }
            Self::Memory { needed, allowed } => memory(f, *needed, *allowed),
            Self::Isa(isa) => no_isa(f, *isa),
            Self::NoEffort => f.write_str("this program was built without encoding effort; encode with effort 1"),
            Self::Model(error) => error.fmt(f),
            Self::Entropy(error) => error.fmt(f),
            Self::Container(error) => error.fmt(f),
            Self::Image(error) => error.fmt(f),
            Self::Target { target: Target::Bytes(bytes), reached } => write!(
                f,
                "a file of {bytes} bytes cannot be reached: the smallest that this model makes of the image has {reached:.0} bytes; \
                 choose a larger size, or make the image smaller"
            ),
            Self::Target { target: Target::Psnr(psnr), reached } => write!(
                f,
                "a PSNR of {psnr} dB cannot be reached: the highest that this model gives the image is {reached:.2} dB; choose a \
                 lower one, or store the image without loss"
            ),
            Self::Io { message, .. } => f.write_str(message),
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
            Self::Entropy { tile, latent, error } => {
                let section = Section::Tile { tile: *tile, part: Part::Latent(*latent) };
                write!(f, "{section}: {error}")
            }
            Self::Stream { section, error } => write!(f, "{section}: {error}"),
            Self::Crop { crop, width, height } => write!(
                f,
                "the crop of {} × {} pixels at ({}, {}) is empty or reaches beyond the image of {width} × {height}",
                crop.width, crop.height, crop.x, crop.y
            ),
            Self::NoLatents => f.write_str("a tile of the image is stored without loss and has no latents"),
            Self::Sink(message) => write!(f, "the image cannot be written: {message}"),
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
            Self::Model(error) => Some(error),
            Self::NoEncoder
            | Self::NoEffort
            | Self::Memory { .. }
            | Self::Isa(_)
            | Self::Target { .. }
            | Self::Io { .. } => None,
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
            Self::Stream { error, .. } => Some(error),
            Self::UnknownModel { .. }
            | Self::Memory { .. }
            | Self::Isa(_)
            | Self::Crop { .. }
            | Self::NoLatents
            | Self::Sink(_) => None,
        }
    }
}

impl From<LambdaError> for EncodeError {
    fn from(error: LambdaError) -> Self {
        Self::Lambda(error)
    }
}

impl From<ModelError> for EncodeError {
    fn from(error: ModelError) -> Self {
        Self::Model(error)
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

impl From<std::io::Error> for EncodeError {
    fn from(error: std::io::Error) -> Self {
        Self::Io { kind: error.kind(), message: error.to_string() }
    }
}

impl From<std::io::Error> for DecodeError {
    fn from(error: std::io::Error) -> Self {
        Self::Sink(error.to_string())
    }
}

impl From<DecodeError> for EncodeError {
    /// What the encoder decodes to look at its work can only fail for reasons of the machine.
    fn from(error: DecodeError) -> Self {
        match error {
            DecodeError::Isa(isa) => Self::Isa(isa),
            DecodeError::Image(error) => Self::Image(error),
            other => Self::Io { kind: std::io::ErrorKind::Other, message: other.to_string() },
        }
    }
}
