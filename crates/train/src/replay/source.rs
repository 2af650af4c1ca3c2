//! Source of replayed images: old images, or files. Every choice is a function of seed and
//! step.

use fast_image_resize::Resizer;

use super::{
    archive::Archive,
    sample::{Content, ReplaySample},
};
use crate::{
    data::{
        images::Images,
        sampler::{BatchSampler, BatchShape},
    },
    error::Result,
    random::{Random, mix},
};

const TEACHER_STREAM: u64 = 0x7EAC;
/// Makes order, crops and λ of replayed images differ from those of new images, which may be the
/// same ones.
const REPLAYED: u64 = 0x5EED_0F0D;

/// Source of what is replayed.
pub enum ReplaySource {
    /// Old images. For each step one generation is drawn, each as often, that codes them.
    Images {
        images: Images,
        /// Sampler of crops. Its range of λ is not used.
        sampler: BatchSampler,
        /// Range of λ of each teacher's encoder.
        ranges: Vec<[f32; 2]>,
    },
    /// Old files. Each step replays files of one generation, drawn as often as it has files.
    Archive(Archive),
}

impl ReplaySource {
    /// Replays old images. `sampler` is that of the new images, `ranges` are the ranges of λ of the
    /// teachers' encoders.
    #[must_use]
    pub fn of_images(images: Images, sampler: BatchSampler, ranges: Vec<[f32; 2]>) -> Self {
        let sampler = BatchSampler { seed: mix(sampler.seed ^ REPLAYED), ..sampler };
        Self::Images { images, sampler, ranges }
    }

    /// Number of images or files.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Images { images, .. } => images.len(),
            Self::Archive(archive) => archive.len(),
        }
    }

    /// Whether there is nothing to replay; always false.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// BLAKE3 (hexadecimal) of all names and contents.
    #[must_use]
    pub fn manifest(&self) -> &str {
        match self {
            Self::Images { images, .. } => images.manifest(),
            Self::Archive(archive) => archive.manifest(),
        }
    }

    /// Draws what `step` replays.
    ///
    /// # Errors
    /// An image or file that can no longer be read.
    pub fn sample(&self, step: u64, shape: BatchShape, resizer: &mut Resizer) -> Result<ReplaySample> {
        match self {
            Self::Images { images, sampler, ranges } => {
                let teacher = Random::new(sampler.seed, TEACHER_STREAM, step).below(ranges.len());
                let lambda = ranges.get(teacher).copied().unwrap_or(sampler.lambda);
                let batch = BatchSampler { lambda, ..sampler.clone() }.batch(images, step, shape, resizer)?;
                let content = Content::Images(batch.pixels);
                Ok(ReplaySample { teacher, crop: batch.crop, lambdas: batch.lambdas, content })
            }
            Self::Archive(archive) => archive.sample(step, shape),
        }
    }
}
