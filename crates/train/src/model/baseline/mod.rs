//! The systems that the paper compares the proposed model with (method, "systems compared"): the mean-scale hyperprior (Minnen et
//! al., 2018, "Joint autoregressive and hierarchical priors", without its context model), attention with a masked context (Cheng et
//! al., 2020), and both made to follow λ by an affine map per channel after every GDN and every LeakyReLU.
//!
//! [`spec`] says which, and how wide. [`transform`] strings the layers of [`layers`] together, [`msh`] and [`gma`] say to which
//! transforms; [`factorised`] is the prior of the hyper-latent, [`context`] the masked context. [`hyperprior`] runs it all.
//!
//! Feature maps are NHWC, matrices `[in, out]` and images in [-1, 1], as in the proposed model.

mod bound;
mod context;
mod declare;
mod factorised;
mod gma;
pub mod hyperprior;
mod layers;
mod msh;
pub mod spec;
mod system;
mod transform;

pub use hyperprior::{Baseline, Pass};
pub use spec::{BaselineSpec, Kind};
