//! Why a model is refused.

use std::fmt;

/// Why a model file, or a set of weights, cannot be used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are no safetensors file, or one that is damaged.
    NotAModel(String),
    /// The file is safetensors but lacks, or has unusable, Heirloom metadata.
    Metadata(String),
    /// The file was written by a newer version of this software.
    Version {
        /// What the file says.
        found: u32,
        /// The newest version read here.
        supported: u32,
    },
    /// A number of the spec is out of bounds or inconsistent.
    Spec(String),
    /// A tensor that the spec asks for is not there.
    Missing(String),
    /// A tensor is there that the spec does not know.
    Extra(String),
    /// A tensor has another shape than the spec asks for.
    Shape {
        /// Which tensor.
        name: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the spec asks for.
        expected: Vec<usize>,
    },
    /// A tensor is stored in a type other than F32 or BF16.
    Type {
        /// Which tensor.
        name: String,
        /// The type it has.
        found: String,
    },
    /// A weight is NaN or infinite.
    NotFinite {
        /// Which tensor.
        name: String,
        /// Position of the weight in it.
        index: usize,
    },
    /// The weights are not those that the metadata name.
    Identity {
        /// Which id: "entropy" or "generation".
        which: &'static str,
        /// What the metadata say.
        stated: String,
        /// What the weights hash to.
        computed: String,
    },
    /// The model does not fit in the memory the caller allows.
    TooLarge(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAModel(why) => write!(f, "this is no safetensors model file, or a damaged one: {why}"),
            Self::Metadata(why) => write!(f, "the model file's metadata are unusable: {why}"),
            Self::Version { found, supported } => write!(
                f,
                "the model file has format version {found}, this program reads up to {supported}: use a newer program"
            ),
            Self::Spec(why) => write!(f, "the model's spec is invalid: {why}"),
            Self::Missing(name) => write!(f, "the model lacks the tensor {name:?}"),
            Self::Extra(name) => write!(f, "the model has a tensor {name:?} that its spec does not know"),
            Self::Shape { name, found, expected } => {
                write!(f, "the tensor {name:?} has shape {found:?}, its spec asks for {expected:?}")
            }
            Self::Type { name, found } => {
                write!(f, "the tensor {name:?} is stored as {found}; only F32 and BF16 are read")
            }
            Self::NotFinite { name, index } => {
                write!(f, "the weight {index} of tensor {name:?} is not a finite number")
            }
            Self::Identity { which, stated, computed } => write!(
                f,
                "the model says its {which} id is {stated}, but its contents hash to {computed}: the file was altered"
            ),
            Self::TooLarge(why) => write!(f, "the model is too large: {why}"),
        }
    }
}

impl std::error::Error for ModelError {}
