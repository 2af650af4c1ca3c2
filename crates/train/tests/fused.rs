//! The fused CPU operations against the framework's own: values and all gradients, over many shapes.

use burn::tensor::{Device, Distribution, Tensor};
use heirloom_train::ops::fused::Layer;
use heirloom_train::ops::{BlockParams, fused, stock};

fn random<const D: usize>(shape: [usize; D], scale: f64, device: &Device) -> Tensor<D> {
    Tensor::random(shape, Distribution::Uniform(-scale, scale), device).require_grad()
}

fn check<const D: usize>(what: &str, ours: &Tensor<D>, theirs: &Tensor<D>) {
    assert_eq!(ours.dims(), theirs.dims(), "{what}: shapes differ");
    let a: Vec<f32> = ours.clone().into_data().to_vec().unwrap();
    let b: Vec<f32> = theirs.clone().into_data().to_vec().unwrap();
    let norm = |x: &mut dyn Iterator<Item = f64>| x.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(&b).map(|(a, b)| f64::from(a - b)));
    let size = norm(&mut b.iter().map(|b| f64::from(*b)));
    assert!(difference <= 2e-5 * size + 1e-6, "{what}: relative error {:.2e}", difference / size);
}

#[test]
fn block_equals_the_stock_block() {
    let device = Device::flex().autodiff();
    for (b, h, w, c, k) in
        [(1, 1, 1, 16, 3), (2, 2, 2, 32, 3), (3, 4, 5, 48, 5), (2, 16, 11, 32, 7), (1, 40, 33, 64, 7)]
    {
        let x = random([b, h, w, c], 1.0, &device);
        let modulation = random([b, 2 * c], 0.5, &device);
        let params = || {
            (
                random([k * k, c], 0.3, &device),
                random([c], 0.3, &device),
                random([c, 2 * c], 0.3, &device),
                random([2 * c], 0.3, &device),
                random([2 * c, c], 0.3, &device),
                random([c], 0.3, &device),
                random([c], 1.0, &device),
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
        };
        let weights = random([b, h, w, c], 1.0, &device);
        let ours = fused::block(x.clone(), modulation.clone(), block(), k);
        let theirs = stock::block(x.clone(), modulation.clone(), block(), k);
        let name = |part: &str| format!("block {b}x{h}x{w}x{c} k{k}: {part}");
        check(&name("output"), &ours, &theirs);
        let (mine, other) = ((ours * weights.clone()).sum().backward(), (theirs * weights).sum().backward());
        macro_rules! same {
            ($part:expr, $t:expr) => {
                check(&name($part), &$t.grad(&mine).unwrap(), &$t.grad(&other).unwrap());
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

#[test]
fn layers_equal_the_stock_layers() {
    let device = Device::flex().autodiff();
    for (kind, b, h, w, inputs, outputs) in [
        (Layer::Dense, 2, 5, 7, 24, 40),
        (Layer::Dense, 1, 1, 1, 16, 3),
        (Layer::Down(4), 2, 8, 12, 3, 32),
        (Layer::Down(2), 1, 6, 4, 20, 48),
        (Layer::Up(2), 2, 3, 5, 32, 16),
        (Layer::Up(4), 1, 4, 3, 16, 3),
        (Layer::Conv3x3, 2, 4, 6, 16, 12),
        (Layer::Conv3x3, 1, 1, 1, 32, 16),
        (Layer::Conv3x3, 1, 9, 2, 8, 64),
    ] {
        let (rows, columns) = match kind {
            Layer::Dense => (inputs, outputs),
            Layer::Down(r) => (r * r * inputs, outputs),
            Layer::Up(r) => (inputs, r * r * outputs),
            Layer::Conv3x3 => (9 * inputs, outputs),
        };
        let x = random([b, h, w, inputs], 1.0, &device);
        let (weight, bias) = (random([rows, columns], 0.5, &device), random([columns], 0.5, &device));
        let (a, u, v) = (x.clone(), weight.clone(), bias.clone());
        let theirs = match kind {
            Layer::Dense => stock::dense(a, u, v),
            Layer::Down(r) => stock::down(a, u, v, r),
            Layer::Up(r) => stock::up(a, u, v, r),
            Layer::Conv3x3 => stock::conv3x3(a, u, v),
        };
        let ours = fused::layer(kind, x.clone(), weight.clone(), bias.clone());
        let name = |part: &str| format!("{kind:?} {b}x{h}x{w} {inputs} to {outputs}: {part}");
        check(&name("output"), &ours, &theirs);
        let factors = random(ours.dims(), 1.0, &device);
        let (mine, other) = ((ours * factors.clone()).sum().backward(), (theirs * factors).sum().backward());
        check(&name("x"), &x.grad(&mine).unwrap(), &x.grad(&other).unwrap());
        check(&name("weight"), &weight.grad(&mine).unwrap(), &weight.grad(&other).unwrap());
        check(&name("bias"), &bias.grad(&mine).unwrap(), &bias.grad(&other).unwrap());
    }
}
