//! The gradients of the CPU operations against finite differences of their own forward passes,
//! along random directions.
//!
//! The loss is Σ factor · output, summed in f64. Differences are central of fourth order (Fornberg
//! 1988, table 1): (8 (L(h) − L(−h)) − (L(2h) − L(−2h))) / 12h.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_kernels::training::block::{self, Shape, Weights};
use heirloom_train::{
    ops::{
        Passes, Precision,
        fused::{self, Layer},
    },
    random::Random,
};

/// Largest error, as a share of the gradient's norm: what a direction of random signs is expected
/// to give.
const TOLERANCE: f64 = 1e-3;
const STEP: f32 = 1.0 / 128.0;
const DIRECTIONS: usize = 3;

fn uniform(random: &mut Random, count: usize, scale: f32) -> Vec<f32> {
    (0..count).map(|_| scale * (2.0 * random.unit() - 1.0)).collect()
}

fn read<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.try_into_vec_as::<f32>().unwrap()
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Checks the gradient of every input: `inputs` and `gradients` are its values and its gradient.
fn check(
    what: &str,
    names: &[&str],
    inputs: &[Vec<f32>],
    gradients: &[Vec<f32>],
    random: &mut Random,
    loss: impl Fn(&[Vec<f32>]) -> f64,
) {
    assert!(names.len() == inputs.len() && names.len() == gradients.len());
    for (i, name) in names.iter().enumerate() {
        let size = dot(&gradients[i], &gradients[i]).sqrt();
        assert!(size > 0.0, "{what}: the gradient of {name} is zero");
        for _ in 0..DIRECTIONS {
            let direction: Vec<f32> = inputs[i].iter().map(|_| if random.below(2) == 0 { 1.0 } else { -1.0 }).collect();
            let at = |t: f32| {
                let mut moved = inputs.to_vec();
                moved[i].iter_mut().zip(&direction).for_each(|(x, d)| *x += t * d);
                loss(&moved)
            };
            let near = at(STEP) - at(-STEP);
            let far = at(2.0 * STEP) - at(-2.0 * STEP);
            let want = (8.0 * near - far) / (12.0 * f64::from(STEP));
            let error = (dot(&gradients[i], &direction) - want).abs() / size;
            assert!(error <= TOLERANCE, "{what}: {name}: {error:.1e} of the norm {size:.2e}");
        }
    }
}

const BLOCK: [&str; 9] = [
    "x",
    "modulation",
    "depthwise weight",
    "depthwise bias",
    "expand weight",
    "expand bias",
    "project weight",
    "project bias",
    "layer scale",
];

fn weights(inputs: &[Vec<f32>]) -> Weights<'_> {
    Weights {
        depthwise_weight: &inputs[2],
        depthwise_bias: &inputs[3],
        expand_weight: &inputs[4],
        expand_bias: &inputs[5],
        project_weight: &inputs[6],
        project_bias: &inputs[7],
        layer_scale: &inputs[8],
    }
}

#[test]
fn block_gradients_are_those_of_the_forward_pass() {
    // The last has several tiles and tasks.
    for (n, (batch, height, width, channels, kernel)) in [
        (1, 1, 1, 16, 3),
        (2, 3, 1, 16, 5),
        (1, 2, 2, 32, 7),
        (2, 1, 3, 16, 7),
        (1, 4, 5, 48, 3),
        (3, 2, 5, 16, 5),
        (2, 21, 40, 16, 7),
    ]
    .into_iter()
    .enumerate()
    {
        let shape = Shape { batch, height, width, channels, kernel, precision: Precision::Single };
        let mut random = Random::new(1, 1, n as u64);
        let pixels = batch * height * width;
        let inputs: Vec<Vec<f32>> = [
            (pixels * channels, 1.0),
            (batch * 2 * channels, 0.5),
            (kernel * kernel * channels, 1.0),
            (channels, 0.5),
            (channels * 2 * channels, 0.5),
            (2 * channels, 0.5),
            (2 * channels * channels, 0.5),
            (channels, 0.5),
            (channels, 1.0),
        ]
        .into_iter()
        .map(|(count, scale)| uniform(&mut random, count, scale))
        .collect();
        let factor = uniform(&mut random, pixels * channels, 1.0);
        let (_, saved) = block::forward(shape, weights(&inputs), &inputs[0], &inputs[1]);
        let backward = |learn| block::backward(shape, weights(&inputs), &inputs[0], &inputs[1], &saved, &factor, learn);
        let (g, frozen) = (backward(true), backward(false));
        // What does not learn changes nothing of what goes through it.
        assert!(frozen.x == g.x && frozen.modulation == g.modulation && frozen.weights.is_none());
        let w = g.weights.unwrap();
        let gradients = [
            g.x,
            g.modulation,
            w.depthwise_weight,
            w.depthwise_bias,
            w.expand_weight,
            w.expand_bias,
            w.project_weight,
            w.project_bias,
            w.layer_scale,
        ];
        check(&format!("{shape:?}"), &BLOCK, &inputs, &gradients, &mut random, |inputs| {
            dot(&block::forward(shape, weights(inputs), &inputs[0], &inputs[1]).0, &factor)
        });
    }
}

#[test]
fn layer_gradients_are_those_of_the_forward_pass() {
    // No kind: a 1×1 layer.
    for (n, (kind, b, h, w, inputs, outputs)) in [
        (None, 1, 1, 1, 16, 5),
        (None, 2, 2, 3, 1, 2),
        (None, 1, 3, 5, 5, 40),
        (None, 2, 13, 17, 3, 16),
        (Some(Layer::Down(2)), 1, 2, 2, 5, 3),
        (Some(Layer::Down(2)), 2, 4, 6, 16, 32),
        (Some(Layer::Down(4)), 2, 4, 20, 3, 16),
        (Some(Layer::Up(2)), 1, 1, 1, 16, 5),
        (Some(Layer::Up(2)), 2, 3, 2, 32, 16),
        (Some(Layer::Up(4)), 1, 2, 5, 16, 3),
        (Some(Layer::Conv3x3), 1, 1, 1, 16, 5),
        (Some(Layer::Conv3x3), 2, 3, 2, 2, 3),
        (Some(Layer::Conv3x3), 1, 2, 3, 32, 16),
        (Some(Layer::Conv3x3), 2, 9, 5, 16, 1),
        (Some(Layer::Conv3x3), 1, 30, 11, 3, 16),
    ]
    .into_iter()
    .enumerate()
    {
        let (rows, columns) = match kind {
            None => (inputs, outputs),
            Some(Layer::Down(r)) => (r * r * inputs, outputs),
            Some(Layer::Up(r)) => (inputs, r * r * outputs),
            Some(Layer::Conv3x3) => (9 * inputs, outputs),
        };
        let run = |x: Tensor<4>, weight, bias| match kind {
            None => fused::dense(vec![x], weight, bias, Passes::SINGLE),
            Some(kind) => fused::layer(kind, x, weight, bias, Passes::SINGLE),
        };
        let mut random = Random::new(1, 2, n as u64);
        let values: Vec<Vec<f32>> = [(b * h * w * inputs, 1.0), (rows * columns, 0.5), (columns, 0.5)]
            .map(|(n, s)| uniform(&mut random, n, s))
            .into();
        let tensors = |values: &[Vec<f32>], device: &Device| {
            let data = |i: usize, shape: &[usize]| TensorData::new(values[i].clone(), shape.to_vec());
            (
                Tensor::<4>::from_data(data(0, &[b, h, w, inputs]), device),
                Tensor::<2>::from_data(data(1, &[rows, columns]), device),
                Tensor::<1>::from_data(data(2, &[columns]), device),
            )
        };

        let (x, weight, bias) = tensors(&values, &Device::flex().autodiff());
        let (x, weight, bias) = (x.require_grad(), weight.require_grad(), bias.require_grad());
        let out = run(x.clone(), weight.clone(), bias.clone());
        let dims = out.dims();
        let factor = uniform(&mut random, dims.iter().product(), 1.0);
        let factors = Tensor::<4>::from_data(TensorData::new(factor.clone(), dims.to_vec()), &out.device());
        let back = (out * factors).sum().backward();
        let gradients =
            [read(x.grad(&back).unwrap()), read(weight.grad(&back).unwrap()), read(bias.grad(&back).unwrap())];
        let what = format!("{kind:?} {b}x{h}x{w}, {inputs} to {outputs}");
        check(&what, &["x", "weight", "bias"], &values, &gradients, &mut random, |values| {
            let (x, weight, bias) = tensors(values, &Device::flex());
            dot(&read(run(x, weight, bias)), &factor)
        });
    }
}
