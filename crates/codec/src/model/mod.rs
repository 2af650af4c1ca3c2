//! Models: [`Spec`], the [`Weights`] of learning and the [`QuantisedWeights`] of a model file, the
//! ids that follow from them ([`EntropyId`], [`GenerationId`]), and the file that carries all of it
//! ([`ModelFile`]).

pub mod add_on;
mod branch;
mod compare;
mod error;
mod file;
mod header;
mod identity;
pub mod import;
mod lambda_range;
mod layout;
mod metadata;
mod parameters;
mod provenance;
mod quantise;
mod quantised;
mod record;
mod spec;
mod thumbnail;
mod weights;
mod widen;

pub use add_on::MAX_ADD_ONS;
pub use branch::Branch;
pub use compare::EntropyDifference;
pub use error::ModelError;
pub use file::ModelFile;
pub use header::{METADATA_KEY, MODEL_FORMAT_VERSION};
pub use heirloom_format::container::LATENT_LEVELS;
pub use identity::{EncoderHash, EntropyId, GenerationId, IdError};
pub use lambda_range::{LambdaError, LambdaRange, LambdaRanges};
pub use metadata::{Lineage, Metadata};
pub use provenance::{Provenance, Strategy};
pub use quantise::{MARGIN, ProductLoss, Ranges, round_weights, weight_steps};
pub use quantised::{QuantisedTensor, QuantisedWeights, TensorKind, Values};
pub use record::{Proof, ProofPoint, Record};
pub use spec::{CONTEXT_KERNEL, LINEAR_RATIO, STAGES, STEP_COEFFICIENTS, STRIDES, Spec};
pub use thumbnail::{THUMBNAIL, THUMBNAIL_COLUMNS, THUMBNAIL_LEVEL, THUMBNAIL_STRIDE};
pub use weights::{Tensor, Weights};
