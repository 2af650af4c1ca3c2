//! Fitting a model's thumbnail head by least squares.

use super::{DecodeOptions, EncodeOptions, Lossless, Model};
use crate::image::{Image, convert::to_network};
use crate::model::{ModelError, ModelFile, THUMBNAIL, THUMBNAIL_COLUMNS, THUMBNAIL_LEVEL, THUMBNAIL_STRIDE, Tensor};
use heirloom_kernels::{Engine, Isa, Map};

/// How much of the mean square of a feature is added to each, so that features that hardly vary do
/// not get large weights.
const RIDGE: f64 = 1e-7;

impl ModelFile {
    /// The same model with a thumbnail head: what makes of the entropy branch's feature after z3 the
    /// least squared error against `images`, coded at `lambdas` and shrunk to an eighth. Ids are
    /// computed anew.
    ///
    /// # Errors
    /// An image or λ that cannot be encoded, or a model without encoder.
    pub fn with_thumbnail(self, images: &[Image], lambdas: &[f32]) -> Result<Self, ModelError> {
        let model = Model::new(self.clone())?;
        let channels = self.metadata.spec.level_width(THUMBNAIL_LEVEL);
        let mut squares = Squares::new(channels + 1);
        let mut largest = 0f32;
        for image in images {
            let target = cell_means(&to_network(image), THUMBNAIL_STRIDE);
            for &lambda in lambdas {
                let feature = model.feature_of(image, lambda)?;
                largest = feature.data.iter().fold(largest, |largest, v| largest.max(v.abs()));
                squares.add(&feature, &target);
            }
        }
        let solution = squares.solve();
        let (weight, bias) = solution.split_at(channels * THUMBNAIL_COLUMNS);
        let weight = Tensor { shape: vec![channels, THUMBNAIL_COLUMNS], data: weight.to_vec() };
        let mut weights = self.weights.clone();
        weights.add_product(THUMBNAIL, &weight, Some(bias), None, largest);
        self.with_weights(weights)
    }
}

impl Model {
    /// The entropy branch's feature after z3 of an image coded at `lambda`.
    fn feature_of(&self, image: &Image, lambda: f32) -> Result<Map, ModelError> {
        let failed = |error: &dyn std::fmt::Display| ModelError::Calibration(error.to_string());
        let mut options = EncodeOptions::new(lambda).with_lossless(Lossless::Never);
        options.max_memory = u64::MAX;
        let bytes = self.encode(image, &options).map_err(|error| failed(&error))?;
        let latents = self.decode_latents(&bytes, &DecodeOptions::default()).map_err(|error| failed(&error))?;
        let Some(latents) = latents.single() else { return Err(failed(&"it is larger than a tile")) };
        let engine = Engine::at(Isa::best()).ok_or_else(|| failed(&"no instruction set"))?;
        let mut walk = self.network.entropy.walk(engine, lambda, latents[0].height, latents[0].width);
        for (level, latent) in latents.iter().enumerate().take(THUMBNAIL_LEVEL + 1) {
            if level > 0 {
                walk.advance();
            }
            walk.enter();
            walk.absorb(latent);
        }
        Ok(walk.feature().clone())
    }
}

/// The means of squares of `side` × `side` pixels. Height and width are multiples of `side`.
pub(super) fn cell_means(map: &Map, side: usize) -> Map {
    let mut means = Map::zeros(map.height / side, map.width / side, map.channels);
    let row = means.width * means.channels;
    for (y, pixels) in map.data.chunks_exact((map.width * map.channels).max(1)).enumerate() {
        let means = &mut means.data[y / side * row..][..row];
        for (mean, cell) in means.chunks_exact_mut(map.channels).zip(pixels.chunks_exact(side * map.channels)) {
            for pixel in cell.chunks_exact(map.channels) {
                mean.iter_mut().zip(pixel).for_each(|(mean, value)| *mean += value);
            }
        }
    }
    let scale = 1.0 / (side * side) as f32;
    means.data.iter_mut().for_each(|mean| *mean *= scale);
    means
}

/// Normal equations of linear least squares: AᵀA and AᵀB, where a row of A is a feature and a 1.
struct Squares {
    inputs: usize,
    /// The lower triangle of AᵀA, row by row.
    gram: Vec<f64>,
    products: Vec<f64>,
}

impl Squares {
    fn new(inputs: usize) -> Self {
        Self { inputs, gram: vec![0.0; inputs * inputs], products: vec![0.0; inputs * THUMBNAIL_COLUMNS] }
    }

    /// Adds all positions of a feature. Each is to become 2 × 2 pixels of `target`.
    fn add(&mut self, feature: &Map, target: &Map) {
        let mut row = vec![1.0; self.inputs];
        for (i, position) in feature.data.chunks_exact(feature.channels).enumerate() {
            row.iter_mut().zip(position).for_each(|(out, &value)| *out = f64::from(value));
            let (y, x) = (i / feature.width, i % feature.width);
            let pixel = |ry: usize| &target.data[((2 * y + ry) * target.width + 2 * x) * 3..][..6];
            let wanted = [pixel(0), pixel(1)].concat();
            for (i, &a) in row.iter().enumerate() {
                let gram = &mut self.gram[i * self.inputs..][..=i];
                gram.iter_mut().zip(&row).for_each(|(sum, b)| *sum += a * b);
                let products = &mut self.products[i * THUMBNAIL_COLUMNS..][..THUMBNAIL_COLUMNS];
                products.iter_mut().zip(&wanted).for_each(|(sum, &b)| *sum += a * f64::from(b));
            }
        }
    }

    /// The weights, one row for each input, by Cholesky's decomposition.
    fn solve(mut self) -> Vec<f32> {
        let n = self.inputs;
        let trace: f64 = (0..n).map(|i| self.gram[i * n + i]).sum();
        for i in 0..n {
            self.gram[i * n + i] += RIDGE * trace / n as f64 + f64::MIN_POSITIVE;
            for j in 0..=i {
                let (a, b) = (&self.gram[i * n..][..j], &self.gram[j * n..][..j]);
                let rest = self.gram[i * n + j] - a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                self.gram[i * n + j] =
                    if i == j { rest.max(f64::MIN_POSITIVE).sqrt() } else { rest / self.gram[j * n + j] };
            }
        }
        let (lower, x) = (&self.gram, &mut self.products);
        for c in 0..THUMBNAIL_COLUMNS {
            let at = |i: usize| i * THUMBNAIL_COLUMNS + c;
            for i in 0..n {
                let known: f64 = (0..i).map(|j| lower[i * n + j] * x[at(j)]).sum();
                x[at(i)] = (x[at(i)] - known) / lower[i * n + i];
            }
            for i in (0..n).rev() {
                let known: f64 = (i + 1..n).map(|j| lower[j * n + i] * x[at(j)]).sum();
                x[at(i)] = (x[at(i)] - known) / lower[i * n + i];
            }
        }
        x.iter().map(|&value| value as f32).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_map_is_found_again() {
        let weight = |i: usize, c: usize| ((i * 7 + c * 3) % 11) as f32 - 5.0;
        let mut feature = Map::zeros(6, 5, 4);
        feature.data.iter_mut().enumerate().for_each(|(i, v)| *v = ((i * i * 37 + i * 11) % 101) as f32 / 50.0 - 1.0);
        let mut target = Map::zeros(12, 10, 3);
        for (i, value) in target.data.iter_mut().enumerate() {
            let (y, x, c) = (i / 30, i / 3 % 10, i % 3);
            let column = (y % 2 * 2 + x % 2) * 3 + c;
            let position = &feature.data[(y / 2 * 5 + x / 2) * 4..][..4];
            *value = weight(4, column) + position.iter().enumerate().map(|(i, v)| v * weight(i, column)).sum::<f32>();
        }
        let mut squares = Squares::new(5);
        squares.add(&feature, &target);
        for (i, found) in squares.solve().into_iter().enumerate() {
            let expected = weight(i / THUMBNAIL_COLUMNS, i % THUMBNAIL_COLUMNS);
            assert!((found - expected).abs() < 0.01, "{i}: {found} {expected}");
        }
    }

    #[test]
    fn cells_are_averaged() {
        let map = Map { height: 2, width: 4, channels: 1, data: vec![1.0, 3.0, 0.0, 0.0, 5.0, 7.0, 0.0, 2.0] };
        assert_eq!(cell_means(&map, 2).data, [4.0, 0.5]);
    }
}
