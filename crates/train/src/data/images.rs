//! Images to learn from or to measure: a folder of image files, or a pack.

use std::{borrow::Cow, ops::Range, path::Path};

use super::{folder::Folder, image::RgbImage, pack::Pack};
use crate::error::Result;

/// A set of images in a fixed order, at least one.
pub enum Images {
    Folder(Folder),
    Pack(Pack),
}

impl Images {
    /// Opens a folder, with its subfolders, or a pack. Of a folder, decoded images are kept while
    /// they fit in `budget` bytes.
    ///
    /// # Errors
    /// A folder or file that cannot be read, a damaged pack, or a folder without a usable image.
    pub fn open(path: &Path, budget: usize) -> Result<Self> {
        if path.is_file() { Pack::open(path).map(Self::Pack) } else { Folder::open(path, budget).map(Self::Folder) }
    }

    /// Number of images, at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::Folder(folder) => folder.len(),
            Self::Pack(pack) => pack.len(),
        }
    }

    /// Whether there is no image; always false.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// BLAKE3 (hexadecimal) of the names, sizes and content hashes of all image files.
    #[must_use]
    pub fn manifest(&self) -> &str {
        match self {
            Self::Folder(folder) => folder.manifest(),
            Self::Pack(pack) => pack.manifest(),
        }
    }

    /// Name of image `index` in records: that of its file without its folder, or in a pack the
    /// first digits of the hash of its name.
    #[must_use]
    pub fn name(&self, index: usize) -> String {
        match self {
            Self::Folder(folder) => folder.path(index).file_name().unwrap_or_default().to_string_lossy().into_owned(),
            Self::Pack(pack) => pack.name(index),
        }
    }

    /// Width and height of image `index` in pixels.
    #[must_use]
    pub fn size(&self, index: usize) -> (usize, usize) {
        match self {
            Self::Folder(folder) => folder.size(index),
            Self::Pack(pack) => pack.size(index),
        }
    }

    /// Image `index`.
    ///
    /// # Errors
    /// An image that can no longer be read.
    pub fn image(&self, index: usize) -> Result<Cow<'_, RgbImage>> {
        self.rows(index, 0..self.size(index).1)
    }

    /// Image `index`, of which only some rows are needed. Other rows may be black.
    ///
    /// # Errors
    /// An image that can no longer be read.
    pub fn rows(&self, index: usize, rows: Range<usize>) -> Result<Cow<'_, RgbImage>> {
        match self {
            Self::Folder(folder) => folder.image(index),
            Self::Pack(pack) => pack.rows(index, rows).map(Cow::Owned),
        }
    }
}
