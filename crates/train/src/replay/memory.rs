//! What is replayed: for each step a batch of old images, or of latents out of old files. All choices are functions of
//! seed and step.

use std::sync::Arc;

use fast_image_resize::Resizer;

use super::archive::Archive;
use crate::{
    Result,
    data::{
        Folder,
        loader::{Plan, Shape},
    },
    random::{Random, mix},
};

const TEACHER_STREAM: u64 = 0x7EAC;
/// Sets the order, crops and λ of replayed images apart from those of new ones, which may be of the same folder.
const REPLAYED: u64 = 0x5EED_0F0D;

/// What one step replays. All of it is of one earlier generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Remembered {
    /// Index of the generation among the teachers.
    pub teacher: usize,
    /// Side of the crops.
    pub crop: usize,
    /// λ of each crop.
    pub lambdas: Vec<f32>,
    pub content: Content,
}

/// Old images, or latents.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// NHWC values in [-1, 1].
    Images(Vec<f32>),
    /// z1 to z4, each with its side: NHWC values of all crops.
    Latents {
        maps: Vec<(usize, Vec<f32>)>,
        /// What is to be added to the old generation's image, NHWC on the [-1, 1] scale; none for nothing.
        shift: Option<Vec<f32>>,
    },
}

/// Where replay draws from.
pub enum Memory {
    /// Old images. For each step one generation, all alike, is drawn to code them.
    Images {
        folder: Arc<Folder>,
        /// Its range of λ is not used.
        plan: Plan,
        /// Range of λ of each teacher's encoder.
        ranges: Vec<[f32; 2]>,
    },
    /// Old files. Each step replays files of one generation, drawn as often as it has files.
    Archive(Archive),
}

impl Memory {
    /// A memory of old images: `plan` is that of the new ones, `ranges` those of the teachers' encoders.
    #[must_use]
    pub fn of_images(folder: Folder, plan: &Plan, ranges: Vec<[f32; 2]>) -> Self {
        let plan = Plan { seed: mix(plan.seed ^ REPLAYED), ..plan.clone() };
        Self::Images { folder: Arc::new(folder), plan, ranges }
    }

    /// Number of images or files.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Images { folder, .. } => folder.len(),
            Self::Archive(archive) => archive.len(),
        }
    }

    /// Never, but customary.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// BLAKE3 (hexadecimal) of the names and contents.
    #[must_use]
    pub fn manifest(&self) -> &str {
        match self {
            Self::Images { folder, .. } => folder.manifest(),
            Self::Archive(archive) => archive.manifest(),
        }
    }

    /// What `step` replays.
    ///
    /// # Errors
    /// An image or file that can no longer be read.
    pub fn recall(&self, step: u64, shape: Shape, resizer: &mut Resizer) -> Result<Remembered> {
        match self {
            Self::Images { folder, plan, ranges } => {
                let teacher = Random::new(plan.seed, TEACHER_STREAM, step).below(ranges.len());
                let lambda = ranges.get(teacher).copied().unwrap_or(plan.lambda);
                let batch = Plan { lambda, ..plan.clone() }.batch(folder, step, shape, resizer)?;
                let content = Content::Images(batch.pixels);
                Ok(Remembered { teacher, crop: batch.crop, lambdas: batch.lambdas, content })
            }
            Self::Archive(archive) => archive.recall(step, shape),
        }
    }
}
