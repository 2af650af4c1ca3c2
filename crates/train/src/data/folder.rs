//! The images of a folder: found, checked, hashed, and kept decoded while they fit in memory.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::RgbImage;
use crate::{Result, TrainError};

/// Ends of the names of images.
pub(crate) const EXTENSIONS: [&str; 11] =
    ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "ppm", "pgm", "pnm", "jfif"];

struct Item {
    path: PathBuf,
    /// Decoded, while the budget lasts.
    image: Option<RgbImage>,
}

/// A folder of images (with its subfolders), in the order of their paths.
pub struct Folder {
    items: Vec<Item>,
    manifest: String,
}

impl Folder {
    /// Reads every image once. Those that cannot be decoded are named on stderr and left out; decoded ones are kept
    /// as long as they fit in `budget` bytes, the others are decoded again whenever they are needed.
    ///
    /// # Errors
    /// A folder that cannot be read, or that holds no usable image.
    pub fn open(root: &Path, budget: usize) -> Result<Self> {
        let mut paths = Vec::new();
        walk(root, &EXTENSIONS, &mut paths)?;
        paths.sort();
        if paths.is_empty() {
            return Err(TrainError::Data(format!(
                "{} holds no images (looked for {})",
                root.display(),
                EXTENSIONS.join(", ")
            )));
        }
        let kept = std::sync::atomic::AtomicUsize::new(0);
        let read: Vec<std::result::Result<(Item, String), String>> = paths
            .into_par_iter()
            .map(|path| {
                let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().replace('\\', "/");
                let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
                let image = RgbImage::decode(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
                let line = format!("{}\t{}\t{}\n", name, bytes.len(), blake3::hash(&bytes).to_hex());
                let size = image.rgb.len();
                let fits = kept.fetch_add(size, std::sync::atomic::Ordering::Relaxed) + size <= budget;
                Ok((Item { path, image: fits.then_some(image) }, line))
            })
            .collect();
        let (mut items, mut hasher) = (Vec::new(), blake3::Hasher::new());
        for result in read {
            match result {
                Ok((item, line)) => {
                    hasher.update(line.as_bytes());
                    items.push(item);
                }
                Err(reason) => eprintln!("left out {reason}"),
            }
        }
        if items.is_empty() {
            return Err(TrainError::Data(format!("no file in {} could be decoded", root.display())));
        }
        Ok(Self { items, manifest: hasher.finalize().to_hex().to_string() })
    }

    /// Number of images, at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Never, but customary.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// BLAKE3 (hexadecimal) of the names, sizes and content hashes of all images.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// File of image `index`.
    #[must_use]
    pub fn path(&self, index: usize) -> &Path {
        &self.items[index % self.items.len()].path
    }

    /// RgbImage `index`.
    ///
    /// # Errors
    /// An image that is not in memory and can no longer be read.
    pub fn image(&self, index: usize) -> Result<Cow<'_, RgbImage>> {
        let item = &self.items[index % self.items.len()];
        match &item.image {
            Some(image) => Ok(Cow::Borrowed(image)),
            None => RgbImage::open(&item.path)
                .map(Cow::Owned)
                .map_err(|e| TrainError::Data(format!("{}: {e}", item.path.display()))),
        }
    }
}

/// Appends the files under `folder`, with its subfolders, whose names end with one of `extensions` (lower case).
pub(crate) fn walk(folder: &Path, extensions: &[&str], out: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(TrainError::io("read the folder", folder))? {
        let entry = entry.map_err(TrainError::io("read the folder", folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(TrainError::io("look at", &path))?;
        if kind.is_dir() {
            walk(&path, extensions, out)?;
        } else {
            let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
            if extension.is_some_and(|e| extensions.contains(&e.as_str())) {
                out.push(path);
            }
        }
    }
    Ok(())
}
