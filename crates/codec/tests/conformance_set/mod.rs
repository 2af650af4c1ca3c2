//! The conformance sets: files of published generations, and hashes of what they must decode to
//! forever.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// `conformance/<generation>/manifest.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Id of the lineage of the model that wrote the set. Its weights need not be in the
    /// repository.
    pub entropy_id: String,
    pub generation: u32,
    pub generation_id: String,
    pub files: Vec<Entry>,
    /// Results of this model for the files of earlier generations of its lineage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub older: Vec<Older>,
}

/// Files of another set, decoded by a later generation. The latents are those of their own
/// manifest.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Older {
    /// Name of the set's folder.
    pub set: String,
    /// Hashes for each of its files, in their order.
    pub pixels: Vec<Pixels>,
}

/// Hashes of pixels, as in [`Entry`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pixels {
    pub exact: String,
    pub fused: String,
}

/// A file of a set. Hashes are BLAKE3, in hexadecimal digits.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    pub name: String,
    /// Kind of the image.
    pub image: String,
    pub width: u32,
    pub height: u32,
    /// As `PixelFormat::name` says it.
    pub format: String,
    pub lambda: f32,
    /// Number of tiles.
    pub tiles: u64,
    /// Number of tiles that are stored without loss.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lossless_tiles: u64,
    /// Hash of the file.
    pub file: String,
    /// `Latents::hash`: the same with every generation of the lineage.
    pub latents: String,
    /// Hash of the pixels by exact decoding with the model that wrote the file; none if its weights
    /// are not in the repository.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact_pixels: Option<String>,
    /// Hash of the pixels with fused multiply-add, the default; none as above.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fused_pixels: Option<String>,
    /// Hash of ICC profile, Exif, XMP, CICP and resolution, concatenated; none without metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
}

/// The root of the workspace.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Hexadecimal digits of the BLAKE3 of `bytes`.
pub fn digest(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// Hash of the samples of an image, those of 16 bits as little-endian bytes.
pub fn pixel_digest(image: &heirloom_codec::Image) -> String {
    match image.samples().as_u16() {
        None => digest(image.data()),
        Some(samples) => digest(&samples.iter().flat_map(|sample| sample.to_le_bytes()).collect::<Vec<u8>>()),
    }
}

#[allow(clippy::trivially_copy_pass_by_ref)] // the signature that serde calls
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Hash of metadata as in [`Entry::metadata`].
pub fn metadata_digest(metadata: &heirloom_format::container::Metadata) -> Option<String> {
    let cicp = metadata.cicp.map(|c| vec![c.primaries, c.transfer, c.matrix, c.full_range.into()]);
    let resolution =
        metadata.resolution.map(|r| [&r.x.to_le_bytes()[..], &r.y.to_le_bytes()[..], &[r.per_metre.into()]].concat());
    let blobs = [&metadata.icc, &metadata.exif, &metadata.xmp, &cicp, &resolution];
    if blobs.iter().all(|blob| blob.is_none()) {
        return None;
    }
    Some(digest(&blobs.into_iter().flatten().flatten().copied().collect::<Vec<u8>>()))
}
