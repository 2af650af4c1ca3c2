//! The container: round trips, overhead, damage, truncation, limits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod damage;
mod files;
mod limits;
mod round_trip;
mod rules;
