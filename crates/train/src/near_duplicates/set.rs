//! A set of images whose files have names.

use std::{fs, path::Path};

use crate::{data::Images, error::Result};

/// A folder of images or a pack, and what its images are called.
pub struct Set {
    images: Images,
    names: Vec<String>,
}

impl Set {
    /// Opens a folder, with its subfolders, or a pack. Images are called by the paths of their
    /// files: those of a pack by the table beside it, or if that is not there as in records.
    ///
    /// # Errors
    /// Errors of [`Images::open`].
    pub fn open(path: &Path) -> Result<Self> {
        let images = Images::open(path, 0)?;
        let names = match &images {
            Images::Folder(folder) => (0..images.len()).map(|i| folder.path(i).display().to_string()).collect(),
            Images::Pack(_) => {
                let table = fs::read_to_string(path.with_extension("tsv")).unwrap_or_default();
                let sources = table.lines().skip(1).map(|line| line.split('\t').next().unwrap_or(line).to_owned());
                let sources: Vec<String> = sources.collect();
                // A table of another pack says nothing about this one.
                if sources.len() == images.len() {
                    sources
                } else {
                    (0..images.len()).map(|i| images.name(i)).collect()
                }
            }
        };
        Ok(Self { images, names })
    }

    /// The images.
    #[must_use]
    pub fn images(&self) -> &Images {
        &self.images
    }

    /// What image `index` is called.
    #[must_use]
    pub fn name(&self, index: usize) -> &str {
        &self.names[index % self.names.len()]
    }
}
