//! Reference vectors: weights made by a formula, so that two implementations can be compared
//! without a checkpoint. The tests of this crate and of the training graph share them.

use crate::model::{
    LATENT_LEVELS, LambdaRange, LambdaRanges, ModelError, ModelFile, QuantisedWeights, Ranges, Spec, Weights, import,
};

/// λ of the vectors kept in `tests/data`.
pub const LAMBDA: f32 = 256.0;

/// The weights of the reference vectors, with the names and layouts of this crate.
///
/// # Errors
/// An invalid spec.
pub fn weights(spec: &Spec) -> Result<Weights, ModelError> {
    let shapes: std::collections::HashMap<_, _> = import::pytorch_parameters(spec).into_iter().collect();
    import::from_pytorch(spec, |name| {
        let shape = shapes.get(name)?.clone();
        let data = formula(name, &shape);
        Some((shape, data))
    })
}

/// The weights of the reference vectors as integers, for inputs of up to 64.
///
/// # Errors
/// An invalid spec.
pub fn quantised(spec: &Spec) -> Result<QuantisedWeights, ModelError> {
    QuantisedWeights::from_floats(spec, &weights(spec)?, &Ranges::uniform(spec, 16.0))
}

/// A model of generation 0 with the weights of [`quantised`] and the range of λ of the paper's
/// pre-training.
///
/// # Errors
/// An invalid spec.
pub fn model(spec: Spec) -> Result<ModelFile, ModelError> {
    let weights = quantised(&spec)?;
    ModelFile::new(spec, LambdaRanges::all(LambdaRange::PRETRAINING), weights)
}

/// Values of the PyTorch tensor `name`: uniform numbers u in [-1, 1) of SplitMix64, seeded with the
/// FNV-1a hash of the name, and scaled by kind of tensor.
#[must_use]
pub fn formula(name: &str, shape: &[usize]) -> Vec<f32> {
    let (base, scale) = if shape.len() == 4 && name.ends_with(".gamma") {
        (0.5, 0.25)
    } else if shape.len() >= 2 {
        let fan: usize = shape[1..].iter().product();
        (0.0, (3.0 / fan as f32).sqrt())
    } else {
        (0.0, 0.1)
    };
    uniform(name, shape.iter().product()).map(|u| base + scale * u).collect()
}

/// The formula's numbers u in [-1, 1) for the tensor `name`, exact in `f32`.
pub fn uniform(name: &str, count: usize) -> impl Iterator<Item = f32> + use<> {
    let seed = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    (0..count as u64).map(move |index| mixed(seed, index))
}

fn mixed(seed: u64, index: u64) -> f32 {
    let mut z = seed.wrapping_add((index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    (z >> 40) as f32 / 8_388_608.0 - 1.0
}

/// Relative L2 distance ‖a − b‖ / ‖b‖ of a result `a` from its reference `b`; infinite if their
/// lengths differ.
#[must_use]
pub fn distance(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::INFINITY;
    }
    let square = |x: f64| x * x;
    let error: f64 = a.iter().zip(b).map(|(&a, &b)| square(f64::from(a) - f64::from(b))).sum();
    let norm: f64 = b.iter().map(|&b| square(f64::from(b))).sum();
    (error / norm).sqrt()
}

/// A feature map of a reference file, channels last.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceMap {
    /// Height, width, channels.
    pub shape: [usize; 3],
    /// Row-major values, channels fastest.
    pub data: Vec<f32>,
}

/// A file of reference vectors.
pub struct Vectors<'a> {
    tensors: safetensors::SafeTensors<'a>,
}

impl<'a> Vectors<'a> {
    /// Opens the bytes of a safetensors file.
    ///
    /// # Errors
    /// Bytes that are not a safetensors file.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, ModelError> {
        let tensors =
            safetensors::SafeTensors::deserialize(bytes).map_err(|error| ModelError::NotAModel(error.to_string()))?;
        Ok(Self { tensors })
    }

    /// The image: height, width and row-major RGB.
    #[must_use]
    pub fn image(&self) -> Option<(usize, usize, Vec<u8>)> {
        let view = self.tensors.tensor("image_u8").ok()?;
        let &[3, height, width] = view.shape() else { return None };
        let plane = height * width;
        let data = view.data();
        let interleaved = (0..plane).flat_map(|i| [data[i], data[plane + i], data[2 * plane + i]]).collect();
        Some((height, width, interleaved))
    }

    /// Values of λ for which the file has vectors, ascending.
    #[must_use]
    pub fn lambdas(&self) -> Vec<f32> {
        let names = self.tensors.names();
        let mut found: Vec<f32> =
            names.iter().filter_map(|name| name.strip_prefix("lambda")?.strip_suffix(".x_hat")?.parse().ok()).collect();
        found.sort_by(f32::total_cmp);
        found
    }

    /// A vector of floats, such as `embedding_em`, for one λ.
    #[must_use]
    pub fn vector(&self, lambda: f32, name: &str) -> Option<Vec<f32>> {
        self.values(&format!("lambda{lambda}.{name}"))
    }

    fn values(&self, name: &str) -> Option<Vec<f32>> {
        let view = self.tensors.tensor(name).ok()?;
        (view.dtype() == safetensors::Dtype::F32)
            .then(|| view.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect())
    }

    /// A feature map, stored channels first, such as `z1.latent`, for one λ.
    #[must_use]
    pub fn map(&self, lambda: f32, name: &str) -> Option<ReferenceMap> {
        self.map_named(&format!("lambda{lambda}.{name}"))
    }

    /// A feature map by its full name, for files without λ.
    #[must_use]
    pub fn map_named(&self, name: &str) -> Option<ReferenceMap> {
        let view = self.tensors.tensor(name).ok()?;
        let &[channels, height, width] = view.shape() else { return None };
        let planes = self.values(name)?;
        let area = height * width;
        let data = (0..area).flat_map(|i| (0..channels).map(move |c| (c, i))).map(|(c, i)| planes[c * area + i]);
        Some(ReferenceMap { shape: [height, width, channels], data: data.collect() })
    }

    /// The latents z1..z4 that every reference tensor was computed from.
    #[must_use]
    pub fn latents(&self, lambda: f32) -> Option<Vec<ReferenceMap>> {
        (1..=LATENT_LEVELS).map(|level| self.map(lambda, &format!("z{level}.latent"))).collect()
    }
}
