//! Learned quantisation steps, spatial context and linear path: without effect at first, causal, and with the
//! gradients of what they compute.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use burn::tensor::{Device, Tensor, TensorData};
use common::with_options;
use heirloom_train::{
    data::Batch,
    model::{
        Forward, Layout, LevelOutput, Network, Quantise, Spec, System, Weights,
        initial::{Initial, initial},
    },
    random::Random,
    trainer::step::{self, Balance, Cost, Learner, StepInput},
};

const SIDE: usize = 128;
const LAMBDAS: [f32; 2] = [20.0, 3000.0];

/// Two smooth images with some noise, in [-1, 1].
fn pixels() -> Vec<f32> {
    let mut random = Random::new(3, 1, 0);
    let count = LAMBDAS.len() * SIDE * SIDE;
    let value = |i: usize, c: usize| ((i % SIDE) as f32 * 0.11 + (i / SIDE) as f32 * 0.07 + c as f32).sin();
    (0..count).flat_map(|i| std::array::from_fn::<f32, 3, _>(|c| 0.7 * value(i, c) + 0.3 * random.unit())).collect()
}

struct Subject {
    layout: Layout,
    network: Network,
    values: Vec<f32>,
}

impl Subject {
    /// A network with initial weights.
    fn new(spec: &Spec) -> Self {
        let layout = Layout::new(spec);
        let network = Network::new(spec, &layout).unwrap();
        let values = initial(spec, &layout, Initial { seed: 5, layer_scale: 0.2 });
        Self { layout, network, values }
    }

    /// The network with options that have an effect.
    fn trained() -> Self {
        let mut subject = Self::new(&with_options(Spec::tiny()));
        let mut random = Random::new(3, 2, 0);
        for (name, scale) in [("step", 0.3), ("context", 0.3), ("linear", 0.05)] {
            for range in subject.option(name) {
                subject.values[range].iter_mut().for_each(|v| *v += scale * random.normal());
            }
        }
        subject
    }

    /// Ranges of the flat buffer of an option's tensors.
    fn option(&self, name: &str) -> Vec<std::ops::Range<usize>> {
        let part = format!(".{name}");
        let entries = self.layout.entries().iter().filter(|entry| entry.name.contains(&part));
        entries.map(|entry| entry.offset..entry.offset + entry.len).collect()
    }

    fn weights(&self, values: &[f32], device: &Device) -> Weights {
        Weights::new(&self.layout, values, device, |_| true)
    }

    /// Cost and gradient of a step on [`pixels`].
    fn learn(&self, quantise: Quantise) -> (Cost, Vec<f32>) {
        let device = Device::flex().autodiff();
        let weights = self.weights(&self.values, &device);
        let learner = Learner {
            network: &self.network,
            layout: &self.layout,
            ranges: None,
            balance: Balance { exponent: 0.5, middle: 256.0 },
            device: &device,
        };
        let batch = Batch { step: 0, crop: SIDE, pixels: pixels(), lambdas: LAMBDAS.to_vec() };
        let mut gradient = vec![0.0; self.layout.len()];
        let input = StepInput { fresh: Some(batch), replay: None };
        let cost = learner.learn(&weights, input, quantise, &mut gradient).unwrap();
        (cost, gradient)
    }

    /// Latent levels of the images in [`pixels`].
    fn levels(&self, quantise: Quantise) -> Vec<LevelOutput> {
        let device = Device::flex();
        self.levels_with(&self.weights(&self.values, &device), quantise, &device)
    }

    fn levels_with(&self, weights: &Weights, quantise: Quantise, device: &Device) -> Vec<LevelOutput> {
        self.forward(weights, quantise, device).levels
    }

    fn forward(&self, weights: &Weights, quantise: Quantise, device: &Device) -> Forward {
        let embeddings = self.network.embed(weights, &LAMBDAS, None, device);
        let x = step::images(pixels(), LAMBDAS.len(), SIDE, SIDE, device);
        let features = self.network.features(weights, &embeddings, x);
        let grid = [LAMBDAS.len(), SIDE / 64, SIDE / 64];
        self.network.top_down(weights, &embeddings, Some(&features), grid, quantise, device)
    }
}

fn read<const D: usize>(tensor: &Tensor<D>) -> Vec<f32> {
    tensor.clone().try_into_vec_as::<f32>().unwrap()
}

fn relative(a: &[f32], b: &[f32]) -> f64 {
    assert_eq!(a.len(), b.len());
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|v| v * v).sum::<f64>().sqrt();
    let difference = norm(&mut a.iter().zip(b).map(|(a, b)| f64::from(*a) - f64::from(*b)));
    difference / norm(&mut b.iter().map(|b| f64::from(*b)))
}

#[test]
fn options_have_no_effect_at_first() {
    let (plain, mut more) = (Subject::new(&Spec::tiny()), Subject::new(&with_options(Spec::tiny())));
    // Initial values depend on a parameter's place in the list, which options change.
    for entry in plain.layout.entries() {
        let offset = more.layout.entry(&entry.name).unwrap().offset;
        more.values[offset..offset + entry.len].copy_from_slice(&plain.values[entry.offset..entry.offset + entry.len]);
    }
    assert!(more.values.len() > plain.values.len());
    let quantisers = [Quantise::Noise { seed: 1, step: 2 }, Quantise::Mixed { seed: 1, step: 2 }];
    for quantise in quantisers {
        let ((old, old_gradient), (new, new_gradient)) = (plain.learn(quantise), more.learn(quantise));
        let (old, new) = (old.fresh.unwrap(), new.fresh.unwrap());
        for (old, new) in [(old.loss, new.loss), (old.bpp, new.bpp), (old.mse, new.mse)] {
            assert!((old - new).abs() <= 1e-5 * old, "{old} {new}");
        }
        for entry in plain.layout.entries() {
            let offset = more.layout.entry(&entry.name).unwrap().offset;
            let new = &new_gradient[offset..offset + entry.len];
            let old = &old_gradient[entry.offset..entry.offset + entry.len];
            assert!(relative(new, old) < 1e-4 || new == old, "{}: {}", entry.name, relative(new, old));
        }
        // They begin to learn at once, but for what only a correction would pass on.
        for (name, moving) in
            [("step", true), ("context.project", true), ("context.expand", false), ("linear.weight", true)]
        {
            for range in more.option(name) {
                assert_eq!(new_gradient[range].iter().any(|v| *v != 0.0), moving, "{name}");
            }
        }
    }
    let device = Device::flex();
    let image = |subject: &Subject| {
        let x = step::images(pixels(), LAMBDAS.len(), SIDE, SIDE, &device);
        let weights = subject.weights(&subject.values, &device);
        let coded = subject.network.code(&weights, x, &LAMBDAS, None, Quantise::Round);
        (read(&coded.image), read(&coded.bits))
    };
    let (old, new) = (image(&plain), image(&more));
    assert!(relative(&new.0, &old.0) < 1e-5 && relative(&new.1, &old.1) < 1e-5);
}

#[test]
fn the_second_half_alone_sees_symbols_of_its_level_and_only_those_of_the_first() {
    let subject = Subject::trained();
    let latents: Vec<Tensor<4>> = subject.levels(Quantise::Round).into_iter().map(|level| level.latent).collect();
    let priors = |latents: &[Tensor<4>]| -> Vec<Vec<f32>> {
        subject.levels(Quantise::Given(latents)).iter().map(|level| read(&level.prior)).collect()
    };
    let before = priors(&latents);
    for level in [0, 1, 2] {
        let [batch, height, width, channels] = latents[level].dims();
        let positions = (0..height).flat_map(|y| (0..width).map(move |x| (y, x)));
        // Every position of z1 and z2; further below an odd number apart, so that both halves are met.
        for (y, x) in positions.step_by(if level < 2 { 1 } else { 7 }) {
            let mut moved = latents.clone();
            let mut values = read(&latents[level]);
            values[(y * width + x) * channels] += 2.0;
            let data = TensorData::new(values, [batch, height, width, channels]);
            moved[level] = Tensor::from_data(data, &Device::flex());
            let after = priors(&moved);
            assert!(after[..level] == before[..level], "a coarser level saw z{}", level + 1);
            let mut seen = 0;
            for (i, (new, old)) in after[level].iter().zip(&before[level]).enumerate() {
                let place = i / (2 * channels);
                let (image, v, u) = (place / (height * width), place / width % height, place % width);
                let near = image == 0 && v.abs_diff(y) <= 2 && u.abs_diff(x) <= 2;
                let may_change = (y + x) % 2 == 0 && (v + u) % 2 == 1 && near;
                assert!(new == old || may_change, "z{}: ({v}, {u}) saw ({y}, {x})", level + 1);
                seen += usize::from(new != old);
            }
            assert_eq!(seen > 0, (y + x) % 2 == 0, "z{}: ({y}, {x})", level + 1);
        }
    }
}

#[test]
fn rounded_latents_are_whole_steps_from_the_means_that_decode_them() {
    let subject = Subject::trained();
    let mut symbols = 0;
    for (i, level) in subject.levels(Quantise::Round).iter().enumerate() {
        let name = format!("entropy.z{}.step", i + 1);
        let entry = subject.layout.entry(&name).unwrap();
        let coefficients = &subject.values[entry.offset..entry.offset + entry.len];
        let (latent, mean, counted) = (read(&level.latent), read(&level.prior_mean()), read(&level.counted));
        let [_, height, width, channels] = level.latent.dims();
        for (n, ((latent, mean), counted)) in latent.iter().zip(&mean).zip(&counted).enumerate() {
            let t = (f64::from(LAMBDAS[n / (channels * height * width)]) / 256.0).ln() / 32f64.ln();
            let coefficient = |power: usize| f64::from(coefficients[power * channels + n % channels]);
            let delta = (coefficient(0) + coefficient(1) * t + coefficient(2) * t * t).exp();
            let symbol = f64::from(latent - mean) / delta;
            assert!((symbol - symbol.round()).abs() < 1e-3, "z{}: {symbol}", i + 1);
            assert!((f64::from(counted - mean) - symbol).abs() < 1e-3);
            symbols += usize::from(symbol.round() != 0.0);
        }
    }
    assert!(symbols > 100, "only {symbols} symbols are not zero: this shows nothing");
}

/// What the loss is made of: priors, latents as seen and latents as counted, the image, and a random factor
/// for each value. The rate itself is left out, as it jumps where a probability falls below 1e-6.
fn weighed(Forward { levels, image }: &Forward) -> Vec<(Tensor<4>, Vec<f32>)> {
    let mut random = Random::new(3, 3, 0);
    let parts = levels.iter().flat_map(|level| [&level.prior, &level.latent, &level.counted]).chain([image]);
    parts.map(|part| (part.clone(), (0..part.dims().iter().product()).map(|_| random.normal()).collect())).collect()
}

#[test]
fn gradients_of_options_are_those_of_the_forward_pass() {
    const STEP: f32 = 1.0 / 128.0;
    let subject = Subject::trained();
    let quantise = Quantise::Noise { seed: 1, step: 0 };
    let device = Device::flex().autodiff();
    let weights = subject.weights(&subject.values, &device);
    let parts = weighed(&subject.forward(&weights, quantise, &device)).into_iter().map(|(part, factors)| {
        let factors = Tensor::<4>::from_data(TensorData::new(factors, part.dims()), &device);
        (part * factors).sum()
    });
    let mut gradients = parts.reduce(|sum, part| sum + part).unwrap().backward();
    let mut gradient = vec![0.0; subject.layout.len()];
    weights.gradients(&subject.layout, &mut gradients, &mut gradient).unwrap();

    let total = |values: &[f32]| -> f64 {
        let device = Device::flex();
        let forward = subject.forward(&subject.weights(values, &device), quantise, &device);
        let dot = |(part, factors): (Tensor<4>, Vec<f32>)| -> f64 {
            read(&part).iter().zip(factors).map(|(a, b)| f64::from(*a) * f64::from(b)).sum()
        };
        weighed(&forward).into_iter().map(dot).sum()
    };
    let mut random = Random::new(3, 4, 0);
    for entry in subject.layout.entries() {
        if ![".step", ".context.", ".linear."].iter().any(|part| entry.name.contains(part)) {
            continue;
        }
        let part = &gradient[entry.offset..entry.offset + entry.len];
        let size = part.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>().sqrt();
        assert!(size > 0.0, "the gradient of {} is zero", entry.name);
        let direction: Vec<f32> = part.iter().map(|_| if random.below(2) == 0 { 1.0 } else { -1.0 }).collect();
        let at = |t: f32| {
            let mut values = subject.values.clone();
            values[entry.offset..].iter_mut().zip(&direction).for_each(|(v, d)| *v += t * d);
            total(&values)
        };
        // Central differences of fourth order, as in the test of the kernels' gradients.
        let (near, far) = (at(STEP) - at(-STEP), at(2.0 * STEP) - at(-2.0 * STEP));
        let want = (8.0 * near - far) / (12.0 * f64::from(STEP));
        let got: f64 = part.iter().zip(&direction).map(|(g, d)| f64::from(*g) * f64::from(*d)).sum();
        let error = (got - want).abs() / size;
        assert!(error < 1e-3, "{}: {error:.1e} of the norm {size:.2e}", entry.name);
    }
}

#[test]
fn the_distortion_moves_a_step_by_the_error_of_rounding() {
    let subject = Subject::trained();
    let device = Device::flex().autodiff();
    let weights = subject.weights(&subject.values, &device);
    let levels = subject.levels_with(&weights, Quantise::Mixed { seed: 1, step: 0 }, &device);
    let level = levels.last().unwrap();
    let (latent, q) = (read(&level.latent), read(level.posterior_mean.as_ref().unwrap()));
    let mut random = Random::new(3, 5, 0);
    let factors: Vec<f32> = latent.iter().map(|_| random.normal()).collect();
    let weighed = Tensor::<4>::from_data(TensorData::new(factors.clone(), level.latent.dims()), &device);
    let mut gradients = (level.latent.clone() * weighed).sum().backward();
    let mut gradient = vec![0.0; subject.layout.len()];
    weights.gradients(&subject.layout, &mut gradients, &mut gradient).unwrap();

    // With z = q + Δe and ln Δ = Σ a_n tⁿ, ∂z/∂a_n = Δe tⁿ = (z − q) tⁿ.
    let [_, height, width, channels] = level.latent.dims();
    let mut want = vec![0f64; 3 * channels];
    for (i, ((latent, q), factor)) in latent.iter().zip(&q).zip(&factors).enumerate() {
        let t = (f64::from(LAMBDAS[i / (channels * height * width)]) / 256.0).ln() / 32f64.ln();
        for power in 0..3 {
            want[power * channels + i % channels] += f64::from(factor * (latent - q)) * t.powi(power as i32);
        }
    }
    let entry = subject.layout.entry("entropy.z4.step").unwrap();
    let got = &gradient[entry.offset..entry.offset + entry.len];
    let want: Vec<f32> = want.into_iter().map(|v| v as f32).collect();
    assert!(relative(got, &want) < 1e-4, "{got:?} {want:?}");
}
