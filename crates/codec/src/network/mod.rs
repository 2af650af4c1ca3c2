//! The networks, built from [`heirloom_kernels`]: [`Encoder`] (image to latents), [`EntropyBranch`] (latents to the
//! distributions of latents) and [`Reconstruction`] (latents to image). Source: Duan et al., CVPR 2024, section 4.2 and
//! supplement 7. `docs/ARITHMETIC.md` fixes the arithmetic.

mod build;
mod encoder;
mod entropy_branch;
pub mod lambda;
pub mod memory;
mod reconstruction;
pub mod strict_math;
mod trace;

pub use encoder::{Encoder, EncoderWalk};
pub use entropy_branch::{EntropyBranch, EntropyWalk, Prior, dequantise, quantise};
pub use reconstruction::{Reconstruction, ReconstructionWalk};
pub use trace::{LevelTrace, Trace};

use crate::model::{ModelError, Spec, Weights};

/// All three networks of a model, packed for the kernels.
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
    /// Packs weights into layers. The memory of the weights is given back while layers are built.
    ///
    /// # Errors
    /// An invalid spec, or weights that are not those of the spec.
    pub fn new(spec: &Spec, weights: Weights) -> Result<Self, ModelError> {
        let [mut encoder, mut entropy, mut reconstruction] = build::Builder::of_networks(spec, weights)?;
        let (encoder, (entropy, reconstruction)) = rayon::join(
            || Encoder::new(&mut encoder),
            || rayon::join(|| EntropyBranch::new(&mut entropy), || Reconstruction::new(&mut reconstruction)),
        );
        Ok(Self { encoder: encoder?, entropy: entropy?, reconstruction: reconstruction? })
    }
}
