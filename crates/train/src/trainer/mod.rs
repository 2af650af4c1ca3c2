//! The training loop: configuration and presets, schedule, optimiser, checkpoints, metrics, validation, measuring and export.

pub mod checkpoint;
pub mod config;
pub mod evaluate;
pub mod export;
pub mod files;
pub mod guard;
pub mod measure;
pub mod metrics;
pub mod optimiser;
pub mod orthogonal;
pub mod presets;
pub mod run;
pub mod schedule;
pub mod step;

pub use config::Config;
pub use run::{Options, train};
