//! Writing a pack: the images of some folders, decoded, in one file.

use std::{
    fs::{self, File},
    io::{BufWriter, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use heirloom_io::atomic::write_durably;
use rayon::prelude::*;

use super::{
    folder::{image_files, manifest_line, relative_name},
    image::RgbImage,
    pack::{ENTRY, Entry, HEADER, header},
};
use crate::error::{Result, TrainError};

/// Images that are decoded at once, for each thread.
const IMAGES_PER_THREAD: usize = 4;

/// Selection and size of the images of a pack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PackOptions {
    /// Images with a longer side beyond this are shrunk to it.
    pub max_side: Option<usize>,
    /// Images whose shorter side, once shrunk, is below this are left out.
    pub min_side: Option<usize>,
}

/// Counts of a written pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackSummary {
    /// Number of images.
    pub images: usize,
    /// Images left out because they are too small.
    pub too_small: usize,
    /// Files left out because they cannot be decoded.
    pub unreadable: usize,
    /// Size of the pack.
    pub bytes: u64,
}

/// An image on its way into the pack.
struct Packed {
    image: RgbImage,
    /// Line of the manifest.
    line: String,
    /// BLAKE3 (hexadecimal) of its file.
    hash: String,
    name: String,
}

/// Writes the images of `folders` and their subfolders into the pack `out`, in the order of folders
/// and paths, and a table beside it with the extension `tsv`: source path, BLAKE3, width and height
/// of each image. Files that cannot be decoded are logged and left out.
///
/// # Errors
/// A folder that cannot be read, no image that can be packed, or a file that cannot be written.
pub fn write_pack(folders: &[PathBuf], out: &Path, options: PackOptions) -> Result<PackSummary> {
    let mut sources = Vec::new();
    for root in folders {
        sources.extend(image_files(root)?.into_iter().map(|path| (root.as_path(), path)));
    }
    let partial = out.with_extension("partial");
    let failed = || TrainError::io("write", out);
    let mut file = BufWriter::new(File::create(&partial).map_err(failed())?);
    // The index may turn out shorter, and is written last.
    let mut offset = (HEADER + sources.len() * ENTRY) as u64;
    file.seek(SeekFrom::Start(offset)).map_err(failed())?;

    let mut summary = PackSummary { images: 0, too_small: 0, unreadable: 0, bytes: 0 };
    let (mut entries, mut manifest) = (Vec::new(), blake3::Hasher::new());
    let mut table = String::from("source\tblake3\twidth\theight\n");
    for chunk in sources.chunks(IMAGES_PER_THREAD * rayon::current_num_threads()) {
        let prepared: Vec<_> =
            chunk.par_iter().map(|(root, path)| prepare(root, path, options).map(|packed| (path, packed))).collect();
        for result in prepared {
            let (path, packed) = match result {
                Ok((path, Some(packed))) => (path, packed),
                Ok((_, None)) => {
                    summary.too_small += 1;
                    continue;
                }
                Err(reason) => {
                    log::warn!("left out {reason}");
                    summary.unreadable += 1;
                    continue;
                }
            };
            let Packed { image, line, hash, name } = packed;
            file.write_all(&image.rgb).map_err(failed())?;
            let [width, height] = [image.width, image.height].map(|side| side as u32);
            let entry = Entry { offset, width, height, name: *blake3::hash(name.as_bytes()).as_bytes() };
            offset += entry.bytes();
            entries.push(entry);
            manifest.update(line.as_bytes());
            let source = path.to_string_lossy().replace(['\t', '\n', '\r'], " ");
            table += &format!("{source}\t{hash}\t{width}\t{height}\n");
        }
    }
    (summary.images, summary.bytes) = (entries.len(), offset);
    if entries.is_empty() {
        drop(file);
        fs::remove_file(&partial).map_err(TrainError::io("remove", &partial))?;
        return Err(TrainError::Data(format!(
            "there is nothing to pack: {} images are too small, {} files cannot be decoded",
            summary.too_small, summary.unreadable
        )));
    }
    if let Some(side) = options.max_side {
        manifest.update(format!("max-side\t{side}\n").as_bytes());
    }
    file.seek(SeekFrom::Start(0)).map_err(failed())?;
    file.write_all(&header(&entries, manifest.finalize().as_bytes())).map_err(failed())?;
    file.into_inner().map_err(|e| failed()(e.into_error()))?.sync_all().map_err(failed())?;
    write_durably(&out.with_extension("tsv"), table.as_bytes())?;
    fs::rename(&partial, out).map_err(failed())?;
    Ok(summary)
}

/// Decodes a file, and shrinks its image; none if that is too small.
fn prepare(root: &Path, path: &Path, options: PackOptions) -> std::result::Result<Option<Packed>, String> {
    let failed = |reason: String| format!("{}: {reason}", path.display());
    let bytes = fs::read(path).map_err(|e| failed(e.to_string()))?;
    let image = shrunk(RgbImage::decode(&bytes).map_err(failed)?, options.max_side).map_err(failed)?;
    if options.min_side.is_some_and(|least| image.width.min(image.height) < least) {
        return Ok(None);
    }
    let name = relative_name(root, path);
    let (line, hash) = (manifest_line(&name, &bytes), blake3::hash(&bytes).to_hex().to_string());
    Ok(Some(Packed { image, line, hash, name }))
}

/// The image, shrunk so that its longer side is at most `max_side` pixels.
fn shrunk(image: RgbImage, max_side: Option<usize>) -> std::result::Result<RgbImage, String> {
    let longer = image.width.max(image.height);
    let Some(side) = max_side.filter(|side| longer > *side) else { return Ok(image) };
    let scaled = |length: usize| ((length * side + longer / 2) / longer).max(1);
    let (width, height) = (scaled(image.width), scaled(image.height));
    let failed = |e: &dyn std::fmt::Display| format!("cannot be shrunk: {e}");
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.rgb, PixelType::U8x3);
    let source = source.map_err(|e| failed(&e))?;
    let mut target = Image::new(width as u32, height as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut target, &options).map_err(|e| failed(&e))?;
    Ok(RgbImage { width, height, rgb: target.into_vec() })
}
