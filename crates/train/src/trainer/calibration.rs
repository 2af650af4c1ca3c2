//! Images that an export calibrates the steps of integers on.

use std::path::Path;

use heirloom_codec::{
    Image, artificial_images,
    image::PixelFormat,
    model::{LambdaRanges, MARGIN, ModelFile, QuantisedWeights, Ranges, Spec, Weights},
};

use burn::tensor::Device;
use heirloom_format::container::CANVAS_UNIT;
use heirloom_kernels::Bits;
use rayon::prelude::*;

use super::{by_name, compensation::compensate, step};
use crate::{
    data::{Images, RgbImage},
    error::{Result, TrainError},
    model::{
        network::Network,
        parameters::{Layout, Weights as Observed},
        quantise::Quantise,
        system::System,
    },
};

/// Images that are read besides the artificial ones, at most.
const MOST_IMAGES: usize = 12;
/// Largest side of a calibration image; the centre of larger ones is taken.
const SIDE: usize = 256;
/// The largest reach of an input as a multiple of its root mean square, for integers of 16 bits in
/// steps whose error is a quarter of a per cent. Where the inputs of a calibration go beyond, the
/// margin above them shrinks, to none at all: a few outliers would make all other inputs coarse.
const FINEST: f32 = 284.0;
/// Part of the names of the products of contexts.
const CONTEXT: &str = ".context.";
/// End of the name of the product that sees symbols.
const SYMBOLS: &str = ".context.depthwise";
/// Values of λ at which each image is coded.
const LAMBDAS: u8 = 5;

/// Images that an export calibrates on.
#[derive(Clone, Debug)]
pub struct Calibration {
    /// Artificial images, then others.
    images: Vec<Image>,
    /// Number of artificial images.
    artificial: usize,
}

impl Calibration {
    /// Artificial images alone. They reach further than most photographs.
    #[must_use]
    pub fn artificial() -> Self {
        let images = artificial_images();
        Self { artificial: images.len(), images }
    }

    /// The centres of some images of a folder or a pack, evenly chosen, and artificial images.
    ///
    /// # Errors
    /// A folder without usable images.
    pub fn read(path: &Path) -> Result<Self> {
        Self::of(&Images::open(path, 0)?)
    }

    /// The centres of some images, evenly chosen, and artificial images.
    ///
    /// # Errors
    /// An image that cannot be read.
    pub fn of(images: &Images) -> Result<Self> {
        let mut calibration = Self::artificial();
        let count = images.len().min(MOST_IMAGES);
        for number in 0..count {
            let centre = images.image(number * images.len() / count)?.centre(SIDE);
            calibration.images.push(converted(centre)?);
        }
        Ok(calibration)
    }

    /// The largest inputs of a network's products while it codes these images.
    ///
    /// # Errors
    /// Weights that are not finite or cannot be rounded.
    fn ranges(&self, spec: &Spec, lambda: &LambdaRanges, weights: &Weights) -> Result<Ranges> {
        let lambdas = lambda.encoder.log_spaced(LAMBDAS);
        heirloom_codec::calibrate(spec, lambda, weights, &self.images, &lambdas)
            .map_err(|e| TrainError::Model(e.to_string()))
    }

    /// A network's weights as integers that change as little as possible of what it makes of these
    /// images; see [`super::compensation`].
    ///
    /// # Errors
    /// A network with numbers out of range, weights of another one, or some that are not finite.
    pub fn quantised(&self, spec: &Spec, lambda: &LambdaRanges, weights: &Weights) -> Result<QuantisedWeights> {
        let layout = Layout::new(spec);
        let mut values = by_name::values(&layout, weights)?;
        let observed = self.observed(spec, &layout, lambda, &values)?;
        let (mut rest, mut products, mut typical) = (values.as_mut_slice(), Vec::new(), Vec::new());
        for entry in layout.entries() {
            let (part, after) = rest.split_at_mut(entry.len);
            rest = after;
            let (Some(product), [rows, columns]) = (entry.name.strip_suffix(".weight"), &entry.shape[..]) else {
                continue;
            };
            if let Some(moments) = observed.take_moments(layout.matrix(&entry.name)?)? {
                typical.push((product, moments.root_mean_square(*rows)));
                products.push((part, *columns, moments.sums));
            }
        }
        products.into_par_iter().with_max_len(1).for_each(|(part, columns, sums)| compensate(part, columns, &sums));
        let weights = by_name::weights(&layout, &values);
        let mut ranges = self.ranges(spec, lambda, &weights)?;
        for (product, typical) in typical {
            if let Some(largest) = ranges.get(product) {
                ranges.set(product, reach(product, largest, typical) / MARGIN);
            }
        }
        for (product, largest) in ranges.clone().iter().filter(|(product, _)| product.ends_with(SYMBOLS)) {
            ranges.set(product, reach_of_symbols(largest) / MARGIN);
        }
        QuantisedWeights::from_floats(spec, &weights, &ranges).map_err(|e| TrainError::Model(e.to_string()))
    }

    /// The images but artificial ones, which would outweigh all others; those where there are no
    /// others.
    fn typical(&self) -> &[Image] {
        let others = &self.images[self.artificial..];
        if others.is_empty() { &self.images } else { others }
    }

    /// The network's weights after it has coded the images, with the moments of what its products
    /// saw.
    fn observed(&self, spec: &Spec, layout: &Layout, lambda: &LambdaRanges, values: &[f32]) -> Result<Observed> {
        let (network, device) = (Network::new(spec, layout)?, Device::flex());
        let observed = Observed::new(layout, values, &device, |_| false).with_moments();
        for image in self.typical() {
            let rgb = image.to_rgb().into_owned();
            let image = RgbImage { width: image.width() as usize, height: image.height() as usize, rgb };
            let (pixels, height, width) = image.padded(CANVAS_UNIT);
            let x = step::images(pixels, 1, height, width, &device);
            for value in lambda.encoder.log_spaced(LAMBDAS) {
                network.code(&observed, x.clone(), &[value], Some(lambda), Quantise::Round);
            }
        }
        Ok(observed)
    }

    /// A model of generation 0 of a network's weights.
    ///
    /// # Errors
    /// See [`Self::quantised`].
    pub fn model(&self, spec: &Spec, lambda: LambdaRanges, weights: &Weights) -> Result<ModelFile> {
        let quantised = self.quantised(spec, &lambda, weights)?;
        ModelFile::new(spec.clone(), lambda, quantised).map_err(|e| TrainError::Model(e.to_string()))
    }

    /// The model with a thumbnail head that is fitted to these images.
    ///
    /// # Errors
    /// See [`Self::quantised`].
    pub fn with_thumbnail(&self, model: ModelFile) -> Result<ModelFile> {
        let lambdas = model.metadata.lambda.encoder.log_spaced(LAMBDAS);
        model.with_thumbnail(self.typical(), &lambdas).map_err(|e| TrainError::Model(e.to_string()))
    }
}

/// How far the integers of an input reach, by the largest that a calibration found and the root mean
/// square.
///
/// A context may not reach all that was found: where it saturates, it only predicts less well.
fn reach(product: &str, largest: f32, typical: f32) -> f32 {
    let least = if product.contains(CONTEXT) { 0.0 } else { largest };
    (FINEST * typical).clamp(least, MARGIN * largest)
}

/// How far the integers of a context's symbols reach. These are whole numbers, and remain exact if
/// one of them is a power of two in steps.
fn reach_of_symbols(largest: f32) -> f32 {
    let limit = Bits::Sixteen.limit() as f32;
    limit / (limit / (1.5 * largest)).log2().floor().exp2()
}

fn converted(image: RgbImage) -> Result<Image> {
    let (width, height) = (image.width as u32, image.height as u32);
    Image::new(width, height, PixelFormat::Rgb8, image.rgb).map_err(|e| TrainError::Model(e.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outliers_shrink_the_margin_but_stay_within_reach() {
        assert_eq!(reach("x.expand", 8.0, 1.0), MARGIN * 8.0);
        assert_eq!(reach("x.expand", 142.0, 1.0), FINEST);
        assert_eq!(reach("x.expand", 600.0, 1.0), 600.0);
        assert_eq!(reach("z.context.expand", 600.0, 1.0), FINEST);
        assert_eq!(reach("x.expand", 1.0, 0.0), 1.0);
    }

    #[test]
    fn symbols_are_exact() {
        for largest in [0.7, 3.0, 100.0, 623.0] {
            let multiplier = Bits::Sixteen.limit() as f32 / reach_of_symbols(largest);
            assert!((multiplier.log2() - multiplier.log2().round()).abs() < 1e-6, "{multiplier}");
            assert!(reach_of_symbols(largest) >= 1.5 * largest && reach_of_symbols(largest) < 3.1 * largest);
        }
    }

    #[test]
    fn a_model_reaches_the_inputs_of_its_calibration_and_changes_little() {
        let spec = Spec::tiny();
        let layout = Layout::new(&spec);
        let network = Network::new(&spec, &layout).unwrap();
        let values = network.initial(&layout, crate::model::initial::Initial { seed: 3, layer_scale: 0.2 });
        let weights = by_name::weights(&layout, &values);
        let lambda = LambdaRanges::all(heirloom_codec::model::LambdaRange { low: 32.0, high: 1024.0 });
        let calibration = Calibration::artificial();
        let quantised = calibration.quantised(&spec, &lambda, &weights).unwrap();
        let plain = calibration.ranges(&spec, &lambda, &weights).unwrap();
        for loss in quantised.losses(&spec, &weights).unwrap() {
            assert!(loss.weight_error < 0.05, "{loss:?}");
            // The plain ranges are those of other weights, with which the peaks differ somewhat.
            let peak = plain.get(&loss.product).unwrap();
            assert!(peak <= 1e-6 || (loss.reach > 0.7 * peak && loss.reach < 1.4 * MARGIN * peak), "{loss:?} {peak}");
        }
    }
}
