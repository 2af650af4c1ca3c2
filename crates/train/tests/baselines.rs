//! The baselines with the formula's weights give the vectors that the authors' MSH-VR and
//! CompressAI's Cheng2020Attention gave.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::{collections::BTreeMap, fs, path::Path};

use burn::tensor::{Device, Tensor, TensorData};
use heirloom_codec::internals::reference::{self, ReferenceMap, Vectors};
use heirloom_train::{
    data::RgbImage,
    model::{
        Layout, Quantise, Weights,
        baseline::{Baseline, BaselineSpec, Kind},
    },
    trainer::step,
};

const TOLERANCE: f64 = 1e-4;

fn data(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data").join(name)).unwrap()
}

/// The formula of the reference vectors (their README, "weights").
fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let count = shape.iter().product();
    let u = reference::uniform(name, count);
    if name.ends_with(".beta") {
        u.map(|u| 1.0 + 0.1 * u).collect()
    } else if name.ends_with(".gamma") {
        let diagonal = |i: usize| if i.is_multiple_of(shape[0] + 1) { 0.2 } else { 0.0 };
        u.enumerate().map(|(i, u)| diagonal(i) + 0.02 * (u + 1.0)).collect()
    } else if name.starts_with("entropy_bottleneck.") {
        u.map(|u| 0.5 * u).collect()
    } else if shape.len() >= 2 {
        let fan =
            if transposed(name, shape) { shape[0] * shape[2] * shape[3] / 4 } else { shape[1..].iter().product() };
        let scale = (3.0 / fan as f32).sqrt();
        u.map(|u| scale * u).collect()
    } else {
        u.map(|u| 0.1 * u).collect()
    }
}

/// MSH-VR alone has transposed convolutions: the 5×5 ones of its syntheses.
fn transposed(name: &str, shape: &[usize]) -> bool {
    shape.len() == 4 && shape[2] == 5 && (name.starts_with("g_s.") || name.starts_with("h_s."))
}

/// The PyTorch name of one of our parameters, and whether it ends in a pixel shuffle.
fn theirs(kind: Kind, name: &str) -> (String, bool) {
    let parts: Vec<&str> = name.split('.').collect();
    let last = parts[parts.len() - 1];
    if let [branch, "lambda", layer, _] = parts[..] {
        let branch = match branch {
            "entropy" => "em",
            "encoder" => "enc",
            _ => "dec",
        };
        return (format!("lmb_embedding_{branch}.{}.{last}", if layer == "fc1" { 0 } else { 2 }), false);
    }
    if parts[1] == "prior" {
        let (what, i) = last.split_at(last.len() - 1);
        let what = [("matrix", "matrices"), ("bias", "biases"), ("factor", "factors")].iter().find(|w| w.0 == what);
        return (format!("entropy_bottleneck.{}.{i}", what.unwrap().1), false);
    }
    if parts[1] == "context" {
        return (format!("context_prediction.{last}"), false);
    }
    let transform = match (parts[0], parts[1]) {
        ("encoder", "analysis") => "g_a",
        ("encoder", "hyper") => "h_a",
        ("entropy", "hyper") => "h_s",
        ("entropy", "parameters") => "entropy_parameters",
        _ => "g_s",
    };
    let index: usize = parts[2].parse().unwrap();
    if kind == Kind::MshVr {
        return match parts[3] {
            "conv" | "image" => (format!("{transform}.{}.{last}", 3 * index), false),
            "gdn" => (format!("{transform}.{}.{last}", 3 * index + 1), false),
            _ => (format!("{transform}.{}.embedding_layer.1.{last}", 3 * index + 2), false),
        };
    }
    let doubles = transform == "g_s" && [2, 4, 7].contains(&index);
    match (transform, &parts[3..]) {
        ("h_s", _) if index % 2 == 1 => (format!("h_s.{}.0.{last}", 2 * index), true),
        ("h_a" | "h_s" | "entropy_parameters", _) => (format!("{transform}.{}.{last}", 2 * index), false),
        (_, ["image", _]) => (format!("g_s.{index}.0.{last}"), true),
        (_, ["conv", _]) => (format!("{transform}.{index}.{last}"), false),
        (_, ["gate", _]) => (format!("{transform}.{index}.conv_b.3.{last}"), false),
        (_, [side, unit, conv, _]) => {
            let side = if *side == "trunk" { "conv_a" } else { "conv_b" };
            let conv = 2 * (conv[4..].parse::<usize>().unwrap() - 1);
            (format!("{transform}.{index}.{side}.{unit}.conv.{conv}.{last}"), false)
        }
        (_, ["conv1", _]) if doubles => (format!("g_s.{index}.subpel_conv.0.{last}"), true),
        (_, ["conv2", _]) if doubles => (format!("g_s.{index}.conv.{last}"), false),
        (_, ["skip", _]) if doubles => (format!("g_s.{index}.upsample.0.{last}"), true),
        (_, ["gdn", _]) if doubles => (format!("g_s.{index}.igdn.{last}"), false),
        (_, [part, _]) => (format!("{transform}.{index}.{part}.{last}"), false),
        (_, other) => panic!("{other:?}"),
    }
}

/// A PyTorch tensor in our layout: matrices `[in, out]`, taps in rows, shuffled channels last.
fn ours(name: &str, shape: &[usize], values: Vec<f32>, shuffled: bool) -> Vec<f32> {
    let column = |c: usize, channels: usize| if shuffled { c % 4 * (channels / 4) + c / 4 } else { c };
    let mut out = vec![0f32; values.len()];
    match *shape {
        [channels] => (0..channels).for_each(|c| out[column(c, channels)] = values[c]),
        [outputs, inputs] => {
            (0..values.len()).for_each(|i| out[i % inputs * outputs + i / inputs] = values[i]);
        }
        [first, second, height, width] => {
            let taps = height * width;
            for (i, value) in values.iter().enumerate() {
                let (a, b, tap) = (i / (second * taps), i / taps % second, i % taps);
                let (input, output, inputs, outputs) =
                    if transposed(name, shape) { (a, b, first, second) } else { (b, a, second, first) };
                out[(tap * inputs + input) * outputs + column(output, outputs)] = *value;
            }
        }
        _ => out = values,
    }
    out
}

/// The formula's weights in our layout. Every tensor of the file of shapes is used once, or the
/// test fails.
fn weights(kind: Kind, layout: &Layout, shapes: &str) -> Vec<f32> {
    let mut shapes: BTreeMap<String, Vec<usize>> = serde_json::from_slice(&data(shapes)).unwrap();
    let mut values = Vec::new();
    for entry in layout.entries() {
        if entry.name == "entropy.prior.quantiles" {
            // They keep the start value of CompressAI, and are not in the file.
            values.extend([-10.0, 0.0, 10.0].iter().cycle().take(entry.len));
            continue;
        }
        let (name, shuffled) = theirs(kind, &entry.name);
        let shape = shapes.remove(&name).unwrap_or_else(|| panic!("no {name} for {}", entry.name));
        let converted = ours(&name, &shape, formula(&name, &shape), shuffled);
        assert_eq!(converted.len(), entry.len, "{name}");
        values.extend(converted);
    }
    assert!(shapes.is_empty(), "not used: {:?}", shapes.keys());
    values
}

fn check(kind: Kind, file: &str, shapes: &str) {
    let bytes = data(file);
    let vectors = Vectors::from_bytes(&bytes).unwrap();
    let (layout, system) = Baseline::new(&BaselineSpec::paper(kind)).unwrap();
    // With gradients switched on, so that the path that trains is the one that is tested.
    let device = Device::flex().autodiff();
    let weights = Weights::new(&layout, &weights(kind, &layout, shapes), &device, |_| true);
    let (height, width, rgb) = vectors.image().unwrap();
    let pixels = RgbImage { width, height, rgb }.padded(64).0;
    let lambdas = vectors.lambdas();
    assert_eq!(lambdas.is_empty(), !kind.follows_lambda());
    let prefixes = lambdas.iter().map(|lambda| (*lambda, format!("lambda{lambda}."))).chain(
        // Files of systems that know no λ.
        lambdas.is_empty().then(|| (1.0, String::new())),
    );
    for (lambda, prefix) in prefixes {
        let map = |name: &str| -> ReferenceMap { vectors.map_named(&format!("{prefix}{name}")).unwrap() };
        let tensor = |name: &str| -> Tensor<4> {
            let ReferenceMap { shape: [h, w, c], data } = map(name);
            Tensor::from_data(TensorData::new(data, [1, h, w, c]), &device)
        };
        let given = [tensor("z_hat"), tensor("y_hat")];
        let x = step::images(pixels.clone(), 1, height, width, &device);
        // CompressAI's images are in [0, 1].
        let x = if kind.follows_lambda() { x } else { x.add_scalar(1.0).mul_scalar(0.5) };
        let conditions = system.conditions(&weights, &[lambda], None, &device);
        let pass = system.pass(&weights, &conditions, Some(x), Quantise::Given(&given));
        let image = system.image(&weights, &conditions, given[1].clone());
        let near = |name: &str, got: Tensor<4>| {
            let got = got.try_into_vec_as::<f32>().unwrap();
            let distance = reference::distance(&got, &map(name).data);
            assert!(distance <= TOLERANCE, "{name} at λ {lambda}: {distance:e}");
        };
        near("y", pass.y.unwrap());
        near("z", pass.z.unwrap());
        near("y_scale", pass.scale);
        near("y_mean", pass.mean);
        near("x_hat", image);
        if kind.follows_lambda() {
            let likelihood = |bits: Tensor<4>| bits.mul_scalar(-std::f32::consts::LN_2).exp();
            let [z, y] = pass.bits;
            near("z_likelihood", likelihood(z));
            near("y_likelihood", likelihood(y));
        }
    }
}

#[test]
fn msh_vr_gives_the_reference_vectors() {
    check(Kind::MshVr, "reference-msh-vr.safetensors", "msh-vr-shapes.json");
}

#[test]
fn gma_gives_the_reference_vectors() {
    check(Kind::Gma, "reference-gma.safetensors", "gma-shapes.json");
}

#[test]
fn the_paper_counts_the_same_parameters() {
    for (kind, parameters) in [(Kind::MshVr, 19_157_155), (Kind::Gma, 29_631_788)] {
        assert_eq!(Baseline::new(&BaselineSpec::paper(kind)).unwrap().0.len(), parameters, "{}", kind.name());
    }
}
