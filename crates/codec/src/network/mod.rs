//! The networks, built from [`heirloom_kernels`]: [`Encoder`] (image to latents), [`EntropyBranch`]
//! (latents to the distributions of latents) and [`Reconstruction`] (latents to image); Duan et
//! al., CVPR 2024, section 4.2 and supplement 7. `docs/ARITHMETIC.md` fixes the arithmetic.

mod block;
mod build;
mod encoder;
mod entropy_branch;
pub mod lambda;
pub mod memory_estimate;
mod quantise;
mod reconstruction;
pub mod strict_math;
mod trace;

pub use encoder::{Encoder, EncoderWalk};
pub use entropy_branch::{EntropyBranch, EntropyWalk, Prior};
pub use quantise::{dequantise, quantise};
pub use reconstruction::{Reconstruction, ReconstructionWalk};
pub use trace::{LevelTrace, Trace};

use crate::model::{LambdaRanges, ModelError, Spec, Weights};

/// The three branches of a model, packed for the kernels.
#[derive(Debug)]
pub struct Network {
    /// Image to latents.
    pub encoder: Encoder,
    /// Latents to distributions of latents; frozen within a lineage.
    pub entropy: EntropyBranch,
    /// Latents to image.
    pub reconstruction: Reconstruction,
}

impl Network {
    /// Packs weights into layers. The memory of the weights is released while layers are built.
    /// Each branch clamps λ to its own range.
    ///
    /// # Errors
    /// An invalid spec or range, or weights that do not fit the spec.
    pub fn new(spec: &Spec, lambda: &LambdaRanges, weights: Weights) -> Result<Self, ModelError> {
        lambda.validate()?;
        let [mut encoder, mut entropy, mut reconstruction] = build::Builder::of_branches(spec, weights)?;
        let (encoder, (entropy, reconstruction)) = rayon::join(
            || Encoder::new(&mut encoder, lambda.encoder),
            || {
                rayon::join(
                    || EntropyBranch::new(&mut entropy, lambda.entropy),
                    || Reconstruction::new(&mut reconstruction, lambda.reconstruction),
                )
            },
        );
        Ok(Self { encoder: encoder?, entropy: entropy?, reconstruction: reconstruction? })
    }
}
