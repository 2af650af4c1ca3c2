//! Material for the replay of a step, before a teacher has processed it.

/// Images or latents for one step. All of them belong to one earlier generation.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplaySample {
    /// Index of the generation among the teachers.
    pub teacher: usize,
    /// Side of the crops in pixels.
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
    /// Latents of files.
    Latents {
        /// z1 to z4, each with the side of a crop: NHWC values of all crops.
        maps: Vec<(usize, Vec<f32>)>,
        /// Correction that is added to the old generation's image, NHWC on the [-1, 1] scale; none
        /// if there is no original.
        shift: Option<Vec<f32>>,
    },
}
