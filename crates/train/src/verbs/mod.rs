//! One file per verb: its flags, and what it does.

pub mod export;
pub mod grow;
pub mod learn;
pub mod measure;
pub mod near_duplicates;
pub mod pack;
pub mod preset;
pub mod train;
pub mod validate;
