//! What a model is: its [`Spec`], its [`Weights`], who it is ([`EntropyId`], [`GenerationId`]) and the file that
//! carries all of it ([`ModelFile`]).

mod compare;
mod error;
mod file;
mod identity;
pub mod import;
mod lambda_range;
mod layout;
mod metadata;
mod record;
mod spec;
mod weights;
mod widen;

pub use compare::EntropyDifference;
pub use error::ModelError;
pub use file::{METADATA_KEY, MODEL_FORMAT_VERSION, ModelFile};
pub use identity::{EntropyId, GenerationId, IdError};
pub use lambda_range::{LambdaError, LambdaRange, LambdaRanges};
pub use metadata::{Lineage, Metadata, Provenance};
pub use record::{Proof, ProofPoint, Record};
pub use spec::{LEVELS, STAGES, STRIDES, Spec};
pub use weights::{Tensor, Weights};
