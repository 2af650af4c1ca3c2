//! The training graph with the formula's weights gives the reference vectors.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use std::path::{Path, PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::{
    internals::reference::{self, ReferenceMap, Vectors},
    model::Spec,
};
use heirloom_train::{
    data::RgbImage,
    model::{Layout, Network, Quantise, Weights},
    trainer::{export, step},
};

const TOLERANCE: f64 = 1e-4;

/// The vectors kept with the codec, or the file that `HEIRLOOM_REFERENCE` names.
fn file() -> PathBuf {
    if let Some(path) = std::env::var_os("HEIRLOOM_REFERENCE") {
        return path.into();
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../codec/tests/data/reference-ours.safetensors")
}

fn tensor(map: &ReferenceMap, device: &Device) -> Tensor<4> {
    let [h, w, c] = map.shape;
    Tensor::from_data(TensorData::new(map.data.clone(), [1, h, w, c]), device)
}

#[test]
fn the_training_graph_gives_the_reference_vectors() {
    let bytes = std::fs::read(file()).expect("the file of reference vectors");
    let vectors = Vectors::from_bytes(&bytes).unwrap();
    let spec = Spec::base();
    let layout = Layout::new(&spec);
    let values = export::values(&layout, &reference::weights(&spec).unwrap()).unwrap();
    // With gradients switched on, so that the path that trains is the one that is tested.
    let device = Device::flex().autodiff();
    let weights = Weights::new(&layout, &values, &device, |_| true);
    let network = Network::new(&spec, &layout).unwrap();
    let (height, width, rgb) = vectors.image().unwrap();
    let (pixels, padded_height, padded_width) = RgbImage { width, height, rgb }.padded(64);
    let lambdas = vectors.lambdas();
    assert!(!lambdas.is_empty());
    for lambda in lambdas {
        let x = step::images(pixels.clone(), 1, padded_height, padded_width, &device);
        let latents: Vec<Tensor<4>> = vectors.latents(lambda).unwrap().iter().map(|map| tensor(map, &device)).collect();
        let embeddings = network.embed(&weights, &[lambda], None, &device);
        let features = network.features(&weights, &embeddings, x);
        let grid = [1, padded_height / 64, padded_width / 64];
        let out = network.top_down(&weights, &embeddings, Some(&features), grid, Quantise::Given(&latents), &device);

        let check = |name: &str, got: Tensor<4>, logarithm: bool| {
            let mut want = vectors.map(lambda, name).unwrap_or_else(|| panic!("no {name}")).data;
            let mut got = got.try_into_vec_as::<f32>().unwrap();
            if logarithm {
                want.iter_mut().chain(&mut got).for_each(|v| *v = v.ln());
            }
            let distance = reference::distance(&got, &want);
            assert!(distance <= TOLERANCE, "{name} at λ {lambda}: {distance:e}");
        };
        for (i, stride) in [8, 16, 32, 64].iter().enumerate() {
            check(&format!("enc_s{stride}"), features.stages[i + 1].clone(), false);
        }
        for (i, level) in out.levels.iter().enumerate() {
            let name = |part: &str| format!("z{}.{part}", i + 1);
            check(&name("posterior_mean"), level.posterior_mean.clone().unwrap(), false);
            check(&name("prior_mean"), level.prior_mean(), false);
            check(&name("prior_scale"), level.prior_scale(), true);
        }
        check("x_hat", out.image, false);
    }
}
