//! The thumbnail head: one product that makes a small image of the entropy branch's feature after z3.
//!
//! Models may do without. It is not learned with the network but fitted to it, and since it sees
//! nothing but the frozen branch, all generations of a lineage can share it.

use super::{QuantisedWeights, Spec, TensorKind};

/// Name of the product.
pub const THUMBNAIL: &str = "reconstruction.thumbnail";
/// Index of the latent level whose feature it sees: z3.
pub const THUMBNAIL_LEVEL: usize = 2;
/// Columns: 2 × 2 pixels of RGB for each position.
pub const THUMBNAIL_COLUMNS: usize = 12;
/// Pixels of the image for each pixel of a thumbnail, in each direction.
pub const THUMBNAIL_STRIDE: usize = 8;

impl Spec {
    /// The tensors of a thumbnail head, as in [`Self::quantised_parameters`].
    pub(super) fn thumbnail_parameters(&self) -> Vec<(String, Vec<usize>, TensorKind)> {
        let (rows, columns) = (self.level_width(THUMBNAIL_LEVEL), THUMBNAIL_COLUMNS);
        [
            ("weight", vec![rows, columns], TensorKind::Weight),
            ("gain", vec![columns], TensorKind::Float),
            ("input", vec![2], TensorKind::Input),
            ("bias", vec![columns], TensorKind::Float),
        ]
        .map(|(part, shape, kind)| (format!("{THUMBNAIL}.{part}"), shape, kind))
        .into()
    }
}

impl QuantisedWeights {
    /// Whether there is a thumbnail head.
    #[must_use]
    pub fn has_thumbnail(&self) -> bool {
        self.iter().any(|(name, _)| is_thumbnail(name))
    }

    /// Takes the thumbnail head of another model of the same entropy branch, if it has one.
    pub(super) fn take_thumbnail(&mut self, from: &Self) {
        for (name, tensor) in from.iter().filter(|(name, _)| is_thumbnail(name)) {
            self.insert(name.to_owned(), tensor.clone());
        }
    }
}

/// Whether the tensor called `name` is one of a thumbnail head.
pub(super) fn is_thumbnail(name: &str) -> bool {
    name.strip_prefix(THUMBNAIL).is_some_and(|rest| rest.starts_with('.'))
}
