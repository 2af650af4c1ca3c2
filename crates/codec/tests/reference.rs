//! Agreement with reference vectors: outputs of the PyTorch model of the paper's authors, with
//! weights made by a formula and given the same latents, at each layer that the reference records.
//!
//! `tests/data` has the vectors for λ = 256. `HEIRLOOM_REFERENCE=file` runs the test on another
//! file of vectors.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::image::{Image, PixelFormat};
use heirloom_codec::internals::network::{Network, Trace};
use heirloom_codec::internals::pixels::to_network;
use heirloom_codec::internals::reference::{self, ReferenceMap, Vectors, distance};
use heirloom_codec::model::{LambdaRange, LambdaRanges, Spec};
use heirloom_kernels::{Engine, Map};

/// The weights have 8 bits here. The trainer's own test compares floats, to 1e-4.
const TOLERANCE: f64 = 0.05;

fn to_map(map: ReferenceMap) -> Map {
    let [height, width, channels] = map.shape;
    Map { height, width, channels, data: map.data }
}

/// ln σ for σ = exp(softplus(raw + 2.3) − 2.3): scales are compared by ratio.
fn log_scale(raw: &[f32]) -> Vec<f32> {
    raw.iter().map(|&raw| ((f64::from(raw) + 2.3).exp().ln_1p() - 2.3) as f32).collect()
}

/// Compares every tensor. Returns the largest distance, and the name of its tensor.
fn compare(trace: &Trace, vectors: &Vectors<'_>, lambda: f32) -> (f64, String) {
    let mut worst = (0.0, String::new());
    let mut check = |name: String, ours: &[f32], theirs: &[f32]| {
        let distance = distance(ours, theirs);
        assert!(distance <= TOLERANCE, "λ = {lambda}, {name}: relative distance {distance:e}");
        if distance > worst.0 {
            worst = (distance, name);
        }
    };
    for (name, ours) in [
        ("embedding_enc", &trace.encoder_embedding),
        ("embedding_em", &trace.entropy_embedding),
        ("embedding_dec", &trace.reconstruction_embedding),
    ] {
        check(name.to_owned(), ours, &vectors.vector(lambda, name).unwrap());
    }
    let map = |name: &str| vectors.map(lambda, name).unwrap().data;
    for (stride, feature) in [8, 16, 32, 64].into_iter().zip(&trace.features) {
        let name = format!("enc_s{stride}");
        check(name.clone(), &feature.data, &map(&name));
    }
    assert_eq!(trace.levels.len(), 4);
    for (number, level) in (1..).zip(&trace.levels) {
        let name = |part: &str| format!("z{number}.{part}");
        check(name("prior_mean"), &level.prior_mean.data, &map(&name("prior_mean")));
        check(name("posterior_mean"), &level.posterior_mean.data, &map(&name("posterior_mean")));
        let theirs: Vec<f32> = map(&name("prior_scale")).iter().map(|scale| scale.ln()).collect();
        check(name("prior_scale"), &log_scale(&level.prior_raw_scale.data), &theirs);
    }
    check("x_hat".to_owned(), &trace.image.data, &map("x_hat"));
    worst
}

#[test]
fn every_layer_agrees_with_the_reference() {
    let path = std::env::var("HEIRLOOM_REFERENCE")
        .unwrap_or_else(|_| concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/reference-ours.safetensors").to_owned());
    let bytes = std::fs::read(path).unwrap();
    let vectors = Vectors::from_bytes(&bytes).unwrap();
    let (height, width, rgb) = vectors.image().unwrap();
    let image = Image::new(width as u32, height as u32, PixelFormat::Rgb8, rgb).unwrap();

    let spec = Spec::base();
    let lambdas = vectors.lambdas();
    // A range that clamps none of them.
    let ranges = LambdaRanges::all(LambdaRange { low: lambdas[0], high: *lambdas.last().unwrap() });
    let network = Network::new(&spec, &ranges, &reference::quantised(&spec).unwrap()).unwrap();
    assert!(lambdas.contains(&reference::LAMBDA));
    for lambda in lambdas {
        let latents: Vec<Map> = vectors.latents(lambda).unwrap().into_iter().map(to_map).collect();
        let trace = network.trace(Engine::default(), lambda, to_network(&image), &latents).unwrap();
        let (distance, name) = compare(&trace, &vectors, lambda);
        println!("λ = {lambda}: at most {distance:e} ({name})");
    }
}
