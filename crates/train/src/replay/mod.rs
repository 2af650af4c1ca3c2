//! Learning from a model without making its files look worse: knowledge replay (Duan et al., CVPR
//! 2024, section 4.1).
//!
//! [`request`] turns what a caller asks for into a run. [`parent`] and [`ancestors`] find the model
//! to learn from and those before it, each a [`generation`], which for a baseline is a [`snapshot`]
//! of a run. A [`learning_plan`] says what learns from which start, and makes the model that comes
//! of it. [`source`] draws what is replayed, from old images or from an [`archive`] of files; a
//! [`teacher`] turns that into latents and targets, and [`batches`] does so ahead of the steps. The
//! steps are those of [`crate::trainer`].

pub mod ancestors;
pub mod archive;
mod archived_file;
pub mod batches;
pub mod generation;
pub mod learning_plan;
pub mod parent;
pub mod request;
pub mod sample;
pub mod snapshot;
pub mod source;
pub mod teacher;

pub use generation::Generation;
pub use learning_plan::{LearningPlan, exported};
pub use parent::ParentRef;
pub use request::{Request, learn};
pub use sample::ReplaySample;
pub use snapshot::Snapshot;
pub use source::ReplaySource;
pub use teacher::Teacher;
