//! Images that an export calibrates the steps of integers on.

use std::path::Path;

use heirloom_codec::{
    Image, artificial_images,
    image::PixelFormat,
    model::{LambdaRanges, ModelFile, Ranges, Spec, Weights},
};

use crate::{
    data::{Images, RgbImage},
    error::{Result, TrainError},
};

/// Images that are read besides the artificial ones, at most.
const MOST_IMAGES: usize = 12;
/// Largest side of a calibration image; the centre of larger ones is taken.
const SIDE: usize = 256;
/// Values of λ at which each image is coded.
const LAMBDAS: u8 = 5;

/// Images that an export calibrates on.
#[derive(Clone, Debug)]
pub struct Calibration {
    images: Vec<Image>,
}

impl Calibration {
    /// Artificial images alone. They reach further than most photographs.
    #[must_use]
    pub fn artificial() -> Self {
        Self { images: artificial_images() }
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
    pub fn ranges(&self, spec: &Spec, lambda: &LambdaRanges, weights: &Weights) -> Result<Ranges> {
        let lambdas = lambda.encoder.log_spaced(LAMBDAS);
        heirloom_codec::calibrate(spec, lambda, weights, &self.images, &lambdas)
            .map_err(|e| TrainError::Model(e.to_string()))
    }

    /// A model of generation 0 of a network's weights.
    ///
    /// # Errors
    /// See [`Self::ranges`].
    pub fn model(&self, spec: &Spec, lambda: LambdaRanges, weights: &Weights) -> Result<ModelFile> {
        let lambdas = lambda.encoder.log_spaced(LAMBDAS);
        ModelFile::calibrated(spec.clone(), lambda, weights, &self.images, &lambdas)
            .map_err(|e| TrainError::Model(e.to_string()))
    }

    /// The model with a thumbnail head that is fitted to these images.
    ///
    /// # Errors
    /// See [`Self::ranges`].
    pub fn with_thumbnail(&self, model: ModelFile) -> Result<ModelFile> {
        let lambdas = model.metadata.lambda.encoder.log_spaced(LAMBDAS);
        model.with_thumbnail(&self.images, &lambdas).map_err(|e| TrainError::Model(e.to_string()))
    }
}

fn converted(image: RgbImage) -> Result<Image> {
    let (width, height) = (image.width as u32, image.height as u32);
    Image::new(width, height, PixelFormat::Rgb8, image.rgb).map_err(|e| TrainError::Model(e.to_string()))
}
