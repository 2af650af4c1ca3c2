//! What is known of a latent before it is decoded.

use heirloom_kernels::Map;

/// The distribution of one latent, before the latent is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Prior {
    /// Mean μ of each value.
    pub mean: Map,
    /// Raw scale of each symbol: σ = exp(softplus(raw + 2.3) − 2.3).
    pub raw_scale: Map,
    /// Quantisation step Δ of each channel; empty if all are 1.
    pub steps: Vec<f32>,
}
