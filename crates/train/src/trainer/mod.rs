//! Training: configuration and presets, schedule, optimiser, checkpoints, metrics, evaluation and
//! export.
//!
//! [`run::Run`] opens a run's folder and restores its newest checkpoint; [`training_loop`] does the
//! steps. Nothing here knows how replayed images are drawn: [`training_loop::finish`] takes them
//! from an iterator that [`crate::replay`] makes.

pub mod by_name;
pub mod calibration;
pub mod checkpoint;
pub mod compensation;
pub mod config;
pub mod evaluate;
pub mod export;
pub mod grow;
pub mod guard;
pub mod learn_config;
pub mod metrics;
pub mod network_config;
pub mod optimiser;
pub mod orthogonal;
pub mod presets;
mod rounding;
pub mod run;
pub mod schedule;
pub mod start;
pub mod step;
pub mod training_loop;

pub use config::Config;
pub use run::Options;
pub use training_loop::train;
