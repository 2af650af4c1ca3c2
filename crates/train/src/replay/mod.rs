//! Learning from a model without making its files look worse: knowledge replay (Duan et al., CVPR 2024, section 4.1).
//!
//! [`request`] is what the command line asks for; [`models`] finds the model and its ancestors, each a [`generation`], which for a
//! baseline is a [`snapshot`] of a run; [`lesson`] says what learns, from
//! which start, and makes the child. [`memory`] draws what is replayed, from [`archive`] or from old images, and
//! [`teacher`] turns it into latents and targets; [`supply`] does so ahead of the steps. The loop is the one of [`crate::trainer`].

pub mod archive;
pub mod generation;
pub mod lesson;
pub mod memory;
pub mod models;
pub mod request;
pub mod settings;
pub mod snapshot;
pub mod supply;
pub mod teacher;

pub use generation::Generation;
pub use lesson::Lesson;
pub use memory::Memory;
pub use request::{Request, learn};
pub use settings::{Learn, Source, Strategy};
pub use snapshot::Snapshot;
pub use supply::{Learning, Supply};
pub use teacher::{Recalled, Teacher};
