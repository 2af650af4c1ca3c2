//! Better latents than the encoder's for one image: gradient steps on the latents z3 and z4, which are
//! nearly all of a file, for the loss of this image (Campos et al., CVPR Workshops 2019; Yang, Bamler and
//! Mandt, NeurIPS 2020). z1 and z2 stay as the encoder chose them.
//!
//! It computes in floats, by the kernels of learning, and only proposes symbols. What a file then holds
//! is coded by the arithmetic that decoders know, and kept if it really is better.

mod blocks;
mod context;
mod descent;
mod graph;
mod layers;
mod parameters;
mod rounding;
mod windows;

pub use graph::Branches;
pub use windows::{Canvas, largest_part, refine};

/// The first latent level that is refined: z3.
pub const FIRST: usize = 2;
/// Number of levels that are refined.
pub const LEVELS: usize = crate::model::LATENT_LEVELS - FIRST;
