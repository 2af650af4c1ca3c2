//! The networks, built from [`heirloom_kernels`]: [`Encoder`] (image to latents), [`EntropyBranch`]
//! (latents to the distributions of latents) and [`Reconstruction`] (latents to image); Duan et
//! al., CVPR 2024, section 4.2 and supplement 7. `docs/ARITHMETIC.md` fixes the arithmetic.

mod block;
mod build;
mod context;
mod encoder;
mod entropy_branch;
pub mod lambda;
pub mod memory_estimate;
mod prior;
mod quantise;
mod reconstruction;
mod steps;
pub mod strict_math;
mod trace;
mod window;

pub use build::Peaks;
pub use context::is_first;
pub use encoder::{Encoder, EncoderWalk};
pub use entropy_branch::{EntropyBranch, EntropyWalk};
pub use prior::Prior;
#[cfg(feature = "effort")]
pub use quantise::quantise_residuals;
pub use quantise::{dequantise, quantise};
pub use reconstruction::{Reconstruction, ReconstructionWalk};
pub use trace::{LevelTrace, Trace};
pub use window::Window;

use crate::model::{Branch, LambdaRanges, ModelError, QuantisedWeights, Spec};

/// The three branches of a model, packed for the kernels.
#[derive(Debug)]
pub struct Network {
    /// Image to latents; `None` in models that only decode.
    pub encoder: Option<Encoder>,
    /// Latents to distributions of latents; frozen within a lineage.
    pub entropy: EntropyBranch,
    /// Latents to image.
    pub reconstruction: Reconstruction,
}

impl Network {
    /// Packs weights into layers. Each branch clamps λ to its own range.
    ///
    /// # Errors
    /// An invalid spec or range, or weights that do not fit the spec.
    pub fn new(spec: &Spec, lambda: &LambdaRanges, weights: &QuantisedWeights) -> Result<Self, ModelError> {
        Ok(Self::build(spec, lambda, weights, false)?.0)
    }

    /// A network that records the largest integers that the inputs of its products reach. It gives
    /// the same results, a little more slowly.
    ///
    /// # Errors
    /// See [`Self::new`].
    pub fn observed(
        spec: &Spec,
        lambda: &LambdaRanges,
        weights: &QuantisedWeights,
    ) -> Result<(Self, Peaks), ModelError> {
        Self::build(spec, lambda, weights, true)
    }

    fn build(
        spec: &Spec,
        lambda: &LambdaRanges,
        weights: &QuantisedWeights,
        observed: bool,
    ) -> Result<(Self, Peaks), ModelError> {
        lambda.validate()?;
        spec.validate()?;
        let builder = || build::Builder::new(spec, weights, observed);
        let (mut first, mut second, mut third) = (builder(), builder(), builder());
        let (encoder, (entropy, reconstruction)) = rayon::join(
            || weights.branch(Branch::Encoder).next().map(|_| Encoder::new(&mut first, lambda.encoder)).transpose(),
            || {
                rayon::join(
                    || EntropyBranch::new(&mut second, lambda.entropy),
                    || Reconstruction::new(&mut third, lambda.reconstruction),
                )
            },
        );
        let network = Self { encoder: encoder?, entropy: entropy?, reconstruction: reconstruction? };
        let peaks = [first, second, third].into_iter().flat_map(build::Builder::into_peaks).collect();
        Ok((network, peaks))
    }
}
