//! The fused CPU operations against the framework's own: values and all gradients, over many
//! shapes.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::cell::RefCell;

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_train::{
    ops::{
        BlockParams, Passes, Precision,
        fused::{self, Layer},
        rate, stock,
    },
    random::Random,
};

/// Makes leaves with uniform values in [-scale, scale), the same in every run.
struct Leaves {
    random: RefCell<Random>,
    device: Device,
}

impl Leaves {
    fn new() -> Self {
        Self { random: RefCell::new(Random::new(1, 0, 0)), device: Device::flex().autodiff() }
    }

    fn leaf<const D: usize>(&self, shape: [usize; D], scale: f32) -> Tensor<D> {
        let mut random = self.random.borrow_mut();
        let values = (0..shape.iter().product()).map(|_| scale * (2.0 * random.unit() - 1.0)).collect();
        Tensor::from_data(TensorData::new::<f32, _>(values, shape), &self.device).require_grad()
    }
}

fn check<const D: usize>(what: &str, ours: &Tensor<D>, theirs: &Tensor<D>) {
    check_within(2e-5, what, ours, theirs);
}

/// Products of rounded values are off by the rounding, 2⁻⁹ of a value at most.
fn tolerance(precision: Precision) -> f64 {
    if precision == Precision::Single { 2e-5 } else { 1e-2 }
}

fn check_within<const D: usize>(tolerance: f64, what: &str, ours: &Tensor<D>, theirs: &Tensor<D>) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}: shapes differ");
    let a = ours.clone().try_into_vec_as::<f32>().unwrap();
    let b = theirs.clone().try_into_vec_as::<f32>().unwrap();
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(&b).map(|(a, b)| f64::from(a - b)));
    let size = norm(&mut b.iter().map(|b| f64::from(*b)));
    assert!(difference <= tolerance * size + 1e-6, "{what}: relative error {:.2e}", difference / size);
}

#[test]
fn block_equals_the_stock_block() {
    let leaves = Leaves::new();
    for (b, h, w, c, k) in [
        (1, 1, 1, 16, 3),
        (2, 3, 1, 16, 7),
        (2, 2, 2, 32, 3),
        (1, 5, 3, 16, 9),
        (3, 4, 5, 48, 5),
        (2, 16, 11, 32, 7),
        (1, 40, 33, 64, 7),
    ] {
        let x = leaves.leaf([b, h, w, c], 1.0);
        let modulation = leaves.leaf([b, 2 * c], 0.5);
        let params = || {
            (
                leaves.leaf([k * k, c], 0.3),
                leaves.leaf([c], 0.3),
                leaves.leaf([c, 2 * c], 0.3),
                leaves.leaf([2 * c], 0.3),
                leaves.leaf([2 * c, c], 0.3),
                leaves.leaf([c], 0.3),
                leaves.leaf([c], 1.0),
            )
        };
        let p = params();
        let block = || BlockParams {
            depthwise_weight: p.0.clone(),
            depthwise_bias: p.1.clone(),
            expand_weight: p.2.clone(),
            expand_bias: p.3.clone(),
            project_weight: p.4.clone(),
            project_bias: p.5.clone(),
            layer_scale: p.6.clone(),
            precision: Precision::Single,
        };
        let weights = leaves.leaf([b, h, w, c], 1.0);
        for precision in [Precision::Single, Precision::Bf16] {
            let ours = fused::block(x.clone(), modulation.clone(), BlockParams { precision, ..block() }, k);
            let theirs = stock::block(x.clone(), modulation.clone(), block(), k);
            let name = |part: &str| format!("block {b}x{h}x{w}x{c} k{k}, {precision:?}: {part}");
            check_within(tolerance(precision), &name("output"), &ours, &theirs);
            let (mine, other) =
                ((ours * weights.clone()).sum().backward(), (theirs * weights.clone()).sum().backward());
            macro_rules! same {
                ($part:expr, $t:expr) => {
                    check_within(
                        tolerance(precision),
                        &name($part),
                        &$t.grad(&mine).unwrap(),
                        &$t.grad(&other).unwrap(),
                    );
                };
            }
            same!("x", x);
            same!("modulation", modulation);
            same!("depthwise weight", p.0);
            same!("depthwise bias", p.1);
            same!("expand weight", p.2);
            same!("expand bias", p.3);
            same!("project weight", p.4);
            same!("project bias", p.5);
            same!("layer scale", p.6);
        }
    }
}

#[test]
fn layers_equal_the_stock_layers() {
    let leaves = Leaves::new();
    for (kind, b, h, w, inputs, outputs) in [
        (Layer::Down(4), 2, 8, 12, 3, 32),
        (Layer::Down(2), 1, 6, 4, 20, 48),
        (Layer::Up(2), 2, 3, 5, 32, 16),
        (Layer::Up(4), 1, 4, 3, 16, 3),
        (Layer::Conv3x3, 2, 4, 6, 16, 12),
        (Layer::Conv3x3, 1, 1, 1, 32, 16),
        (Layer::Conv3x3, 1, 9, 2, 8, 64),
    ] {
        let (rows, columns) = match kind {
            Layer::Down(r) => (r * r * inputs, outputs),
            Layer::Up(r) => (inputs, r * r * outputs),
            Layer::Conv3x3 => (9 * inputs, outputs),
        };
        let x = leaves.leaf([b, h, w, inputs], 1.0);
        let (weight, bias) = (leaves.leaf([rows, columns], 0.5), leaves.leaf([columns], 0.5));
        let (a, u, v) = (x.clone(), weight.clone(), bias.clone());
        let theirs = match kind {
            Layer::Down(r) => stock::down(a, u, v, r),
            Layer::Up(r) => stock::up(a, u, v, r),
            Layer::Conv3x3 => stock::conv3x3(a, u, v),
        };
        let factors = leaves.leaf(theirs.dims(), 1.0);
        let other = (theirs.clone() * factors.clone()).sum().backward();
        for precision in [Precision::Single, Precision::Bf16] {
            let passes = Passes { forward: precision, backward: precision };
            let ours = fused::layer(kind, x.clone(), weight.clone(), bias.clone(), passes);
            let name = |part: &str| format!("{kind:?} {b}x{h}x{w} {inputs} to {outputs}, {precision:?}: {part}");
            let tolerance = tolerance(precision);
            check_within(tolerance, &name("output"), &ours, &theirs);
            let mine = (ours * factors.clone()).sum().backward();
            check_within(tolerance, &name("x"), &x.grad(&mine).unwrap(), &x.grad(&other).unwrap());
            check_within(tolerance, &name("weight"), &weight.grad(&mine).unwrap(), &weight.grad(&other).unwrap());
            check_within(tolerance, &name("bias"), &bias.grad(&mine).unwrap(), &bias.grad(&other).unwrap());
        }
    }
}

#[test]
fn dense_layers_equal_stock_layers_of_joined_channels() {
    let leaves = Leaves::new();
    for (b, h, w, inputs, outputs) in
        [(2, 5, 7, vec![24], 40), (1, 1, 1, vec![16], 3), (2, 9, 17, vec![16, 5], 33), (1, 12, 12, vec![8, 32, 48], 64)]
    {
        let maps: Vec<_> = inputs.iter().map(|c| leaves.leaf([b, h, w, *c], 1.0)).collect();
        let (weight, bias) = (leaves.leaf([inputs.iter().sum(), outputs], 0.5), leaves.leaf([outputs], 0.5));
        let theirs = stock::dense(Tensor::cat(maps.clone(), 3), weight.clone(), bias.clone());
        let factors = leaves.leaf(theirs.dims(), 1.0);
        let other = (theirs.clone() * factors.clone()).sum().backward();
        for precision in [Precision::Single, Precision::Bf16] {
            let passes = Passes { forward: precision, backward: precision };
            let ours = fused::dense(maps.clone(), weight.clone(), bias.clone(), passes);
            let name = |part: &str| format!("{b}x{h}x{w} {inputs:?} to {outputs}, {precision:?}: {part}");
            let tolerance = tolerance(precision);
            check_within(tolerance, &name("output"), &ours, &theirs);
            let mine = (ours * factors.clone()).sum().backward();
            for x in &maps {
                check_within(tolerance, &name("x"), &x.grad(&mine).unwrap(), &x.grad(&other).unwrap());
            }
            check_within(tolerance, &name("weight"), &weight.grad(&mine).unwrap(), &weight.grad(&other).unwrap());
            check_within(tolerance, &name("bias"), &bias.grad(&mine).unwrap(), &bias.grad(&other).unwrap());
        }
    }
}

#[test]
fn activations_equal_their_statement_in_tensors() {
    let leaves = Leaves::new();
    for (b, h, w, c) in [(1, 1, 1, 1), (2, 3, 5, 7), (3, 16, 11, 48), (2, 64, 40, 96)] {
        let (x, by, weigh) =
            (leaves.leaf([b, h, w, c], 1.0), leaves.leaf([b, 2 * c], 0.5), leaves.leaf([b, h, w, c], 1.0));
        for slope in [0.0, 0.01] {
            let (ours, theirs) = (fused::leaky(x.clone(), slope), stock::leaky(x.clone(), slope));
            check("leaky", &ours, &theirs);
            let gradient = |y: Tensor<4>| x.grad(&(y * weigh.clone()).sum().backward()).unwrap();
            check("leaky by x", &gradient(ours), &gradient(theirs));
        }
        let (ours, theirs) = (fused::modulate(x.clone(), by.clone()), stock::modulate(x.clone(), by.clone()));
        check("modulate", &ours, &theirs);
        let gradients = |y: Tensor<4>| {
            let gradients = (y * weigh.clone()).sum().backward();
            (x.grad(&gradients).unwrap(), by.grad(&gradients).unwrap())
        };
        let (ours, theirs) = (gradients(ours), gradients(theirs));
        check("modulate by x", &ours.0, &theirs.0);
        check("modulate by scale and shift", &ours.1, &theirs.1);
    }
}

#[test]
fn shuffles_equal_their_statement_in_tensors() {
    let leaves = Leaves::new();
    for (b, h, w, c) in [(1, 2, 2, 4), (2, 6, 4, 12), (3, 10, 16, 48)] {
        let (x, weigh) = (leaves.leaf([b, h, w, c], 1.0), leaves.leaf([b * h * w * c, 1, 1, 1], 1.0));
        let gradient = |y: Tensor<4>| {
            let n = y.dims();
            x.grad(&(y * weigh.clone().reshape(n)).sum().backward()).unwrap()
        };
        for (ours, theirs) in [
            (fused::space_to_depth(x.clone()), stock::space_to_depth(x.clone())),
            (fused::depth_to_space(x.clone()), stock::depth_to_space(x.clone())),
        ] {
            check("shuffle", &ours, &theirs);
            check("shuffle by x", &gradient(ours), &gradient(theirs));
        }
    }
}

#[test]
fn rate_and_distortion_equal_their_statement_in_tensors() {
    let leaves = Leaves::new();
    let (b, h, w, c) = (3, 2, 5, 7);
    // Residuals far beyond the scales too, where the density stands for the probability.
    for (range, scales) in [(0.7, 1.0), (3.0, 2.5), (60.0, 4.0)] {
        let prior = leaves.leaf([b, h, w, 2 * c], scales);
        let latent = leaves.leaf([b, h, w, c], range);
        let factors = leaves.leaf([b], 1.0);
        let (ours, theirs) = (fused::bits(prior.clone(), latent.clone()), rate::bits(prior.clone(), latent.clone()));
        check("bits", &ours, &theirs);
        let (mine, other) = ((ours * factors.clone()).sum().backward(), (theirs * factors.clone()).sum().backward());
        check("by prior", &prior.grad(&mine).unwrap(), &prior.grad(&other).unwrap());
        check("by latent", &latent.grad(&mine).unwrap(), &latent.grad(&other).unwrap());

        let target = leaves.leaf([b, h, w, c], range);
        let ours = fused::squared_error(latent.clone(), target.clone());
        let theirs = rate::per_image((latent.clone() - target.clone()).square());
        check("squared error", &ours, &theirs);
        let (mine, other) = ((ours * factors.clone()).sum().backward(), (theirs * factors).sum().backward());
        check("by image", &latent.grad(&mine).unwrap(), &latent.grad(&other).unwrap());
        check("by target", &target.grad(&mine).unwrap(), &target.grad(&other).unwrap());
    }
}
