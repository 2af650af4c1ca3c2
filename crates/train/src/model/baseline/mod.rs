//! The systems that the paper compares the proposed network with (Duan et al., CVPR 2024, section
//! 5.2): the mean-scale hyperprior (Minnen et al., 2018, "Joint autoregressive and hierarchical
//! priors", without its context model), attention with a masked context (Cheng et al., 2020), and
//! variants of both that follow λ by an affine map per channel after every GDN and every LeakyReLU.
//!
//! [`spec`] names a baseline and its widths. `transform` chains the layers of `layers`; `msh`
//! and `gma` define the transforms of each system. `factorised` is the prior of the
//! hyper-latent, `context` the masked context, [`hyperprior`] the whole system.
//!
//! Feature maps are NHWC, matrices `[in, out]`, and images in [-1, 1], as in the proposed network.

mod activation;
mod bound;
mod context;
mod declaration;
mod factorised;
mod gma;
pub mod hyperprior;
mod layers;
mod msh;
mod normalisation;
pub mod spec;
mod system;
mod transform;

pub use hyperprior::{Baseline, Pass};
pub use spec::{BaselineSpec, Kind};
