//! The layers of the baselines: convolutions that keep, halve or double the resolution, divisive normalisation, and the affine
//! map by which λ acts.

use burn::tensor::Tensor;

use super::{
    bound::at_least,
    declare::{Declaration, Start},
};
use crate::{
    model::{MatrixId, VectorId, Weights, linear::LinearIds},
    ops::{self, Precision},
};

/// What a convolution does. Rows of its matrix are in the order (ky, kx, cin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// 1×1.
    Point,
    /// 1×1 on every other pixel.
    PointHalf,
    /// 3×3.
    Same,
    /// k×k (3 or 5) with stride 2.
    Half(usize),
    /// 3×3 to four times the channels, spread over 2×2 squares: columns in the order (ry, rx, c).
    Double,
    /// Transposed 5×5 with stride 2: each pixel adds to 5×5 pixels around its own two by two.
    Transposed,
}

/// A convolution, zero outside.
pub struct Convolution {
    kind: Kind,
    linear: LinearIds,
}

impl Convolution {
    /// Declares `name.weight` and `name.bias`.
    pub fn new(d: &mut Declaration, name: &str, kind: Kind, inputs: usize, outputs: usize) -> Self {
        let (taps, seen, columns) = match kind {
            Kind::Point | Kind::PointHalf => (1, 1.0, outputs),
            Kind::Same => (9, 9.0, outputs),
            Kind::Half(k) => (k * k, (k * k) as f32, outputs),
            Kind::Double => (9, 9.0, 4 * outputs),
            // Every output pixel sees a quarter of the taps.
            Kind::Transposed => (25, 6.25, outputs),
        };
        // A third of the variance that would keep that of the input: residual sums and inverse normalisations add to it.
        let deviation = (1.0 / (3.0 * seen * inputs as f32)).sqrt();
        Self { kind, linear: d.linear(name, taps * inputs, columns, deviation) }
    }

    /// The last layer before the image: its first images are nearly grey, not noise.
    pub fn image(d: &mut Declaration, name: &str, kind: Kind, inputs: usize) -> Self {
        let (taps, columns) = if kind == Kind::Double { (9, 12) } else { (25, 3) };
        let deviation = 0.1 * (1.0 / (taps * inputs) as f32).sqrt();
        Self { kind, linear: d.linear(name, taps * inputs, columns, deviation) }
    }

    /// `[B, H, W, In]` to `[B, H', W', Out]`; H and W are even where they are halved.
    pub fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (w.matrix(self.linear.weight), w.vector(self.linear.bias));
        match self.kind {
            Kind::Point => ops::dense(vec![x], weight, bias, Precision::Single),
            Kind::PointHalf => {
                let [b, h, w, c] = x.dims();
                ops::dense(
                    vec![ops::squares(x).slice([0..b, 0..h / 2, 0..w / 2, 0..c])],
                    weight,
                    bias,
                    Precision::Single,
                )
            }
            Kind::Same => ops::conv3x3(x, weight, bias, Precision::Single),
            Kind::Half(k) => ops::conv3x3(ops::squares(x), of_squares(weight, k), bias, Precision::Single),
            Kind::Double => ops::spread(ops::conv3x3(x, weight, bias, Precision::Single)),
            Kind::Transposed => {
                let inputs = x.dims()[3];
                ops::spread(ops::conv3x3(x, phases(weight, inputs), bias.repeat_dim(0, 4), Precision::Single))
            }
        }
    }
}

/// Taps `[k, k, rest]` amid 6×6, `before` zeros before them.
fn amid_six(taps: Tensor<3>, before: usize) -> Tensor<3> {
    let [k, _, rest] = taps.dims();
    let device = taps.device();
    let along = |taps: Tensor<3>, axis: usize| {
        let zeros = |n: usize| {
            let mut shape = taps.dims();
            shape[axis] = n;
            Tensor::<3>::zeros(shape, &device)
        };
        let (first, last) = (zeros(before), zeros(6 - k - before));
        let parts = [(before > 0, first), (true, taps), (before + k < 6, last)];
        Tensor::cat(parts.into_iter().filter(|(some, _)| *some).map(|(_, part)| part).collect(), axis)
    };
    along(along(taps, 0), 1).reshape([6, 6, rest])
}

/// The matrix of a k×k convolution with stride 2 as that of a 3×3 convolution of [`ops::squares`]: it sees rows 2y − 2 to 2y + 3, of
/// which the taps are those from 2y − k/2 on.
fn of_squares(weight: Tensor<2>, k: usize) -> Tensor<2> {
    let [rows, outputs] = weight.dims();
    let inputs = rows / (k * k);
    amid_six(weight.reshape([k, k, inputs * outputs]), 2 - k / 2)
        .reshape([3, 2, 3, 2, inputs * outputs])
        .permute([0, 2, 1, 3, 4])
        .reshape([36 * inputs, outputs])
}

/// The matrix of a transposed 5×5 convolution with stride 2 as that of a 3×3 convolution to [`ops::squares`]: input row y − 1 + t adds
/// to row 2y + r through tap 2 (2 − t) + r.
fn phases(weight: Tensor<2>, inputs: usize) -> Tensor<2> {
    let outputs = weight.dims()[1];
    amid_six(weight.reshape([5, 5, inputs * outputs]), 0)
        .reshape([3, 2, 3, 2, inputs, outputs])
        .flip([0, 2])
        .permute([0, 2, 4, 1, 3, 5])
        .reshape([9 * inputs, 4 * outputs])
}

/// Stored values are square roots, plus this before the root is taken (so that no gradient vanishes at zero).
const PEDESTAL: f32 = 1.0 / (1u64 << 36) as f32;
/// Least stored γ: an effective γ of 0.
const LEAST_GAMMA: f32 = 1.0 / (1u64 << 18) as f32;
/// Least effective β.
const LEAST_BETA: f32 = 1e-6;

/// Divisive normalisation (Ballé et al., 2016, "Density modeling of images using a generalized normalization transformation"):
/// x / √(β + γ x²), with γ over the channels of a pixel; or its approximate inverse, x · √(β + γ x²).
pub struct Normalisation {
    gamma: MatrixId,
    beta: VectorId,
    inverse: bool,
}

impl Normalisation {
    /// Declares `name.gamma`, whose rows are the channels that are squared, and `name.beta`.
    pub fn new(d: &mut Declaration, name: &str, channels: usize, inverse: bool) -> Self {
        let stored = |effective: f32| (effective + PEDESTAL).sqrt();
        let start = Start::Diagonal(stored(0.1), stored(0.0));
        Self {
            gamma: d.matrix(format!("{name}.gamma"), channels, channels, start),
            beta: d.vector(format!("{name}.beta"), channels, Start::Value(stored(1.0))),
            inverse,
        }
    }

    /// The least stored value of the parameter called `name`, if it is one of a normalisation.
    pub fn least(name: &str) -> Option<f32> {
        if name.ends_with(".gamma") {
            Some(LEAST_GAMMA)
        } else {
            name.ends_with(".beta").then(|| (LEAST_BETA + PEDESTAL).sqrt())
        }
    }

    fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let gamma = at_least(w.matrix(self.gamma), LEAST_GAMMA).square().sub_scalar(PEDESTAL);
        let beta = at_least(w.vector(self.beta), (LEAST_BETA + PEDESTAL).sqrt()).square().sub_scalar(PEDESTAL);
        let norm = ops::dense(vec![x.clone().square()], gamma, beta, Precision::Single).sqrt();
        if self.inverse { x * norm } else { x / norm }
    }
}

/// Slope of LeakyReLU below zero.
const LEAK: f32 = 0.01;

/// What follows a convolution.
pub enum Bend {
    None,
    /// LeakyReLU.
    Leaky,
    Normalise(Normalisation),
}

/// A bend, and how λ moves its result: x · (1 + scale) + shift per channel.
pub struct Bent {
    bend: Bend,
    affine: Option<LinearIds>,
}

impl Bent {
    /// Nothing follows.
    pub fn none() -> Self {
        Self { bend: Bend::None, affine: None }
    }

    /// Declares the affine map `name`, where there is λ.
    pub fn new(d: &mut Declaration, name: &str, channels: usize, bend: Bend) -> Self {
        let affine = d.embedding.map(|embedding| {
            // Its input, GELU of an embedding, is small: this keeps shift and scale well below 1.
            let deviation = 0.5 * (1.0 / embedding as f32).sqrt();
            d.linear(name, embedding, 2 * channels, deviation)
        });
        Self { bend, affine }
    }

    /// `activated` is GELU(embedding), `[B, E]`; none without λ.
    pub fn run(&self, w: &Weights, activated: Option<&Tensor<2>>, x: Tensor<4>) -> Tensor<4> {
        let x = match &self.bend {
            Bend::None => x,
            Bend::Leaky => ops::leaky(x, LEAK),
            Bend::Normalise(normalisation) => normalisation.run(w, x),
        };
        let (Some(affine), Some(activated)) = (&self.affine, activated) else { return x };
        ops::modulate(x, affine.linear(w, activated.clone()))
    }
}
