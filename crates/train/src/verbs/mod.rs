//! One file per verb that has more to say than a few lines.

pub mod learn;
