//! Images of a folder: found, checked, hashed, and kept decoded while they fit in memory.

use std::{
    borrow::Cow,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use heirloom_io::EXTENSIONS;
use rayon::prelude::*;

use super::image::RgbImage;
use crate::error::{Result, TrainError};

struct Item {
    path: PathBuf,
    width: usize,
    height: usize,
    /// The decoded image; none if the budget was used up.
    image: Option<RgbImage>,
}

/// The images of a folder and its subfolders, in the order of their paths.
pub struct Folder {
    items: Vec<Item>,
    manifest: String,
}

impl Folder {
    /// Reads every image once. Images that cannot be decoded are logged and left out. Decoded
    /// images are kept while they fit in `budget` bytes; the others are decoded again whenever they
    /// are needed.
    ///
    /// # Errors
    /// A folder that cannot be read, or that holds no usable image.
    pub fn open(root: &Path, budget: usize) -> Result<Self> {
        let kept = AtomicUsize::new(0);
        let read = |path: PathBuf| -> std::result::Result<(Item, String), String> {
            let name = relative_name(root, &path);
            let bytes = std::fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?;
            let image = RgbImage::decode(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            let line = manifest_line(&name, &bytes);
            let (width, height, size) = (image.width, image.height, image.rgb.len());
            let fits = kept.fetch_add(size, Ordering::Relaxed) + size <= budget;
            Ok((Item { path, width, height, image: fits.then_some(image) }, line))
        };
        let read: Vec<_> = image_files(root)?.into_par_iter().map(read).collect();
        let (mut items, mut hasher) = (Vec::new(), blake3::Hasher::new());
        for result in read {
            match result {
                Ok((item, line)) => {
                    hasher.update(line.as_bytes());
                    items.push(item);
                }
                Err(reason) => log::warn!("left out {reason}"),
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

    /// Whether there is no image; always false.
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

    /// Width and height of image `index` in pixels.
    #[must_use]
    pub fn size(&self, index: usize) -> (usize, usize) {
        let item = &self.items[index % self.items.len()];
        (item.width, item.height)
    }

    /// Image `index`.
    ///
    /// # Errors
    /// An image that is not in memory and can no longer be read, or has changed its size.
    pub fn image(&self, index: usize) -> Result<Cow<'_, RgbImage>> {
        let item = &self.items[index % self.items.len()];
        if let Some(image) = &item.image {
            return Ok(Cow::Borrowed(image));
        }
        let failed = |reason: &str| TrainError::Data(format!("{}: {reason}", item.path.display()));
        let image = RgbImage::open(&item.path).map_err(|e| failed(&e))?;
        if (image.width, image.height) != (item.width, item.height) {
            return Err(failed("it has changed since the start"));
        }
        Ok(Cow::Owned(image))
    }
}

/// The image files of a folder and its subfolders, in the order of their paths.
///
/// # Errors
/// A folder that cannot be read, or that holds no image.
pub fn image_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    walk(root, &EXTENSIONS, &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        let extensions = EXTENSIONS.join(", ");
        return Err(TrainError::Data(format!("{} holds no images (looked for {extensions})", root.display())));
    }
    Ok(paths)
}

/// Path of a file in a folder, with `/` between its parts on every system.
pub fn relative_name(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().replace('\\', "/")
}

/// The part of the manifest of a set of images that a file with these bytes is.
pub(crate) fn manifest_line(name: &str, bytes: &[u8]) -> String {
    format!("{name}\t{}\t{}\n", bytes.len(), blake3::hash(bytes).to_hex())
}

/// Appends the files in `folder` and its subfolders with one of these extensions (in lower case).
///
/// # Errors
/// A folder that cannot be read.
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
