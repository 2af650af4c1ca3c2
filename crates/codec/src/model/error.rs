//! Errors of model files and weights.

use std::fmt;

/// A model file, or a set of weights, that cannot be used.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ModelError {
    /// The bytes are not a safetensors file, or a damaged one.
    NotAModel(String),
    /// The Heirloom metadata of the file is missing or unusable.
    Metadata(String),
    /// The file was written by a newer version of this software.
    Version {
        /// Version of the file.
        found: u32,
        /// Newest version that this crate reads.
        supported: u32,
    },
    /// A number of the spec is out of bounds or inconsistent.
    Spec(String),
    /// A tensor of the spec is missing.
    Missing(String),
    /// A tensor does not belong to the spec.
    Extra(String),
    /// The shape of a tensor is not that of the spec.
    Shape {
        /// Name of the tensor.
        name: String,
        /// Shape of the tensor.
        found: Vec<usize>,
        /// Shape by the spec.
        expected: Vec<usize>,
    },
    /// A tensor is stored in another type than its kind requires.
    Type {
        /// Name of the tensor.
        name: String,
        /// Type of the tensor.
        found: String,
    },
    /// Values of a tensor that nothing can be computed with.
    Unusable {
        /// Name of the tensor.
        name: String,
        /// What is wrong with it.
        why: String,
    },
    /// An image could not be coded while ranges were calibrated.
    Calibration(String),
    /// A weight is NaN or infinite.
    NotFinite {
        /// Name of the tensor.
        name: String,
        /// Position of the weight in the tensor.
        index: usize,
    },
    /// An id is not that of the weights.
    Identity {
        /// `entropy`, `add-on's entropy` or `generation`.
        which: &'static str,
        /// The id in the metadata.
        stated: String,
        /// The id of the weights.
        computed: String,
    },
    /// The model does not fit in the memory that the caller allows.
    TooLarge(String),
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAModel(why) => write!(f, "this is not a model file, or a damaged one: {why}"),
            Self::Metadata(why) => write!(f, "the metadata of the model file is unusable: {why}"),
            Self::Version { found, supported } => write!(
                f,
                "the model file has format version {found}, but only version {supported} can be read{}",
                if found > supported { "; use a newer program" } else { ", as version 1 was that of preview lineages" }
            ),
            Self::Spec(why) => write!(f, "the model's spec is invalid: {why}"),
            Self::Missing(name) => write!(f, "the model lacks the tensor {name:?}"),
            Self::Extra(name) => write!(f, "the model has a tensor {name:?} that does not belong to its spec"),
            Self::Shape { name, found, expected } => {
                write!(f, "the tensor {name:?} has shape {found:?}, but its spec requires {expected:?}")
            }
            Self::Type { name, found } => {
                write!(f, "the tensor {name:?} is stored as {found}; weights must be I8, everything else F32")
            }
            Self::Calibration(why) => write!(f, "calibration failed: {why}"),
            Self::Unusable { name, why } => write!(f, "the tensor {name:?} is unusable: {why}"),
            Self::NotFinite { name, index } => {
                write!(f, "weight {index} of the tensor {name:?} is not a finite number")
            }
            Self::Identity { which, stated, computed } => write!(
                f,
                "the model states the {which} id {stated}, but its contents hash to {computed}: the file was altered"
            ),
            Self::TooLarge(why) => write!(f, "the model is too large: {why}"),
        }
    }
}

impl std::error::Error for ModelError {}
