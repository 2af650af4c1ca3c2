//! Convolutions that keep, halve or double the resolution.

use burn::tensor::Tensor;

use super::declaration::Declaration;
use crate::{
    model::{linear::LinearIds, parameters::Weights},
    ops::{self, Passes},
};

/// Kind of a convolution. The rows of its matrix are in the order (ky, kx, cin).
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
    /// 3×3 to four times the channels, then depth-to-space with 2×2 blocks: columns in the order
    /// (ry, rx, c).
    Double,
    /// Transposed 5×5 with stride 2.
    Transposed,
}

/// A convolution with zero padding.
pub struct Convolution {
    kind: Kind,
    linear: LinearIds,
}

impl Convolution {
    /// Declares `name.weight` and `name.bias`.
    pub fn new(d: &mut Declaration, name: &str, kind: Kind, inputs: usize, outputs: usize) -> Self {
        let (taps, inputs_seen, columns) = match kind {
            Kind::Point | Kind::PointHalf => (1, 1.0, outputs),
            Kind::Same => (9, 9.0, outputs),
            Kind::Half(k) => (k * k, (k * k) as f32, outputs),
            Kind::Double => (9, 9.0, 4 * outputs),
            // Every output pixel sees a quarter of the taps.
            Kind::Transposed => (25, 6.25, outputs),
        };
        // A third of the variance that would keep that of the input: residual sums and inverse
        // normalisations add to it.
        let deviation = (1.0 / (3.0 * inputs_seen * inputs as f32)).sqrt();
        Self { kind, linear: d.linear(name, taps * inputs, columns, deviation) }
    }

    /// Declares the last layer before the image. Its first images are nearly grey, not noise.
    pub fn image(d: &mut Declaration, name: &str, kind: Kind, inputs: usize) -> Self {
        let (taps, columns) = if kind == Kind::Double { (9, 12) } else { (25, 3) };
        let deviation = 0.1 * (1.0 / (taps * inputs) as f32).sqrt();
        Self { kind, linear: d.linear(name, taps * inputs, columns, deviation) }
    }

    /// Maps `[B, H, W, In]` to `[B, H', W', Out]`. H and W must be even where they are halved.
    pub fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (w.matrix(self.linear.weight), w.vector(self.linear.bias));
        match self.kind {
            Kind::Point => ops::dense(vec![x], weight, bias, Passes::SINGLE),
            Kind::PointHalf => {
                let [b, h, w, c] = x.dims();
                ops::dense(
                    vec![ops::space_to_depth(x).slice([0..b, 0..h / 2, 0..w / 2, 0..c])],
                    weight,
                    bias,
                    Passes::SINGLE,
                )
            }
            Kind::Same => ops::conv3x3(x, weight, bias, Passes::SINGLE),
            Kind::Half(k) => ops::conv3x3(ops::space_to_depth(x), of_squares(weight, k), bias, Passes::SINGLE),
            Kind::Double => ops::depth_to_space(ops::conv3x3(x, weight, bias, Passes::SINGLE)),
            Kind::Transposed => {
                let inputs = x.dims()[3];
                ops::depth_to_space(ops::conv3x3(x, phases(weight, inputs), bias.repeat_dim(0, 4), Passes::SINGLE))
            }
        }
    }
}

/// Pads taps `[k, k, rest]` with zeros to `[6, 6, rest]`, `before` of them in front.
fn pad_to_six(taps: Tensor<3>, before: usize) -> Tensor<3> {
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

/// Matrix of a k×k convolution with stride 2, as that of a 3×3 convolution after space-to-depth: it
/// sees the rows 2y − 2 to 2y + 3, and the taps begin at row 2y − k/2.
fn of_squares(weight: Tensor<2>, k: usize) -> Tensor<2> {
    let [rows, outputs] = weight.dims();
    let inputs = rows / (k * k);
    pad_to_six(weight.reshape([k, k, inputs * outputs]), 2 - k / 2)
        .reshape([3, 2, 3, 2, inputs * outputs])
        .permute([0, 2, 1, 3, 4])
        .reshape([36 * inputs, outputs])
}

/// Matrix of a transposed 5×5 convolution with stride 2, as that of a 3×3 convolution before
/// depth-to-space: input row y − 1 + t adds to row 2y + r through tap 2 (2 − t) + r.
fn phases(weight: Tensor<2>, inputs: usize) -> Tensor<2> {
    let outputs = weight.dims()[1];
    pad_to_six(weight.reshape([5, 5, inputs * outputs]), 0)
        .reshape([3, 2, 3, 2, inputs, outputs])
        .flip([0, 2])
        .permute([0, 2, 4, 1, 3, 5])
        .reshape([9 * inputs, 4 * outputs])
}
