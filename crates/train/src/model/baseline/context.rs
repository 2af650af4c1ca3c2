//! The masked context: predicts a latent from those decoded before it.

use burn::tensor::Tensor;

use super::{declaration::Declaration, gma, transform::Transform};
use crate::{
    model::{linear::LinearIds, parameters::Weights},
    ops::{self, Passes},
};

/// Side of the window.
const SIDE: usize = 5;
/// Taps before the middle one, in the order of decoding.
const BEFORE: usize = SIDE * SIDE / 2;

/// A 5×5 convolution that sees two rows above and two pixels to the left, and the perceptron that
/// combines it with the hyper-latent.
pub struct Context {
    prediction: LinearIds,
    parameters: Transform,
}

impl Context {
    /// Declares the context of a latent with `n` channels.
    pub fn new(d: &mut Declaration, n: usize) -> Self {
        // All taps are parameters, as the paper counts them; masked ones are never read.
        let deviation = (1.0 / (BEFORE * n) as f32).sqrt();
        let prediction = d.linear("entropy.context", SIDE * SIDE * n, 2 * n, deviation);
        Self { prediction, parameters: gma::parameters(d, n) }
    }

    /// Predicts scales and means `[B, H, W, 2n]` from the output of the hyper-synthesis, `[B, H, W,
    /// 2n]`, and the latents `[B, H, W, n]`.
    pub fn run(&self, w: &Weights, activated: Option<&Tensor<2>>, hyper: Tensor<4>, latent: Tensor<4>) -> Tensor<4> {
        let [b, height, width, n] = latent.dims();
        let zeros = |shape: [usize; 4]| Tensor::<4>::zeros(shape, &latent.device());
        let reach = SIDE / 2;
        let side = zeros([b, height, reach, n]);
        let padded = Tensor::cat(vec![side.clone(), latent.clone(), side], 2);
        let padded = Tensor::cat(vec![zeros([b, reach, width + 2 * reach, n]), padded], 1);
        let taps = (0..BEFORE).map(|tap| {
            let (y, x) = (tap / SIDE, tap % SIDE);
            padded.clone().slice([0..b, y..y + height, x..x + width, 0..n])
        });
        let weight = w.matrix(self.prediction.weight).slice([0..BEFORE * n, 0..2 * n]);
        let prediction = ops::dense(taps.collect(), weight, w.vector(self.prediction.bias), Passes::SINGLE);
        self.parameters.run(w, activated, Tensor::cat(vec![hyper, prediction], 3))
    }
}
