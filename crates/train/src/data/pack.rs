//! A pack: decoded images in one file, of which a crop needs but a few rows. No image is decoded or
//! hashed when a pack is opened.
//!
//! All numbers are little-endian.
//!
//! | bytes | content |
//! |---|---|
//! | 8 | magic, `HEIRPACK` |
//! | 4 | version, 1 |
//! | 4 | zero |
//! | 8 | number of images n |
//! | 32 | manifest: BLAKE3 of the names, sizes and hashes of the image files |
//! | 32 | BLAKE3 of the 56 bytes before and the index |
//! | n × 48 | index: offset in the file (8), width (4), height (4), BLAKE3 of the name (32) |
//! | the rest | pixels: RGB, one byte per value, row by row; they may begin after a gap |

use std::{
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
};

use super::image::RgbImage;
use crate::error::{Result, TrainError};

/// Extension of packs.
pub const EXTENSION: &str = "pack";
const MAGIC: &[u8; 8] = b"HEIRPACK";
const VERSION: u32 = 1;
/// Bytes before the hash of the index.
const PREFIX: usize = 56;
/// Bytes before the index.
pub(super) const HEADER: usize = PREFIX + 32;
/// Bytes of an entry of the index.
pub(super) const ENTRY: usize = 48;

/// An image of a pack.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Entry {
    /// First byte of its pixels in the file.
    pub offset: u64,
    pub width: u32,
    pub height: u32,
    /// BLAKE3 of its name.
    pub name: [u8; 32],
}

impl Entry {
    /// Number of bytes of its pixels.
    pub fn bytes(&self) -> u64 {
        3 * u64::from(self.width) * u64::from(self.height)
    }

    /// First byte after its pixels.
    fn end(&self) -> Option<u64> {
        let pixels = u64::from(self.width).checked_mul(u64::from(self.height))?;
        self.offset.checked_add(pixels.checked_mul(3)?)
    }
}

/// Header and index of a pack with these images.
pub(super) fn header(entries: &[Entry], manifest: &[u8; 32]) -> Vec<u8> {
    let mut prefix = Vec::with_capacity(PREFIX);
    prefix.extend_from_slice(MAGIC);
    prefix.extend_from_slice(&VERSION.to_le_bytes());
    prefix.extend_from_slice(&[0; 4]);
    prefix.extend_from_slice(&(entries.len() as u64).to_le_bytes());
    prefix.extend_from_slice(manifest);
    let mut index = Vec::with_capacity(entries.len() * ENTRY);
    for entry in entries {
        index.extend_from_slice(&entry.offset.to_le_bytes());
        index.extend_from_slice(&entry.width.to_le_bytes());
        index.extend_from_slice(&entry.height.to_le_bytes());
        index.extend_from_slice(&entry.name);
    }
    let hash = index_hash(&prefix, &index);
    [&prefix[..], hash.as_bytes(), &index].concat()
}

fn index_hash(prefix: &[u8], index: &[u8]) -> blake3::Hash {
    blake3::Hasher::new().update(prefix).update(index).finalize()
}

/// An opened pack.
pub struct Pack {
    file: File,
    path: PathBuf,
    entries: Vec<Entry>,
    manifest: String,
}

impl Pack {
    /// Opens a pack and checks its index.
    ///
    /// # Errors
    /// A file that cannot be read, is no pack, is of another version, or is damaged.
    pub fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).map_err(TrainError::io("read", path))?;
        let length = file.metadata().map_err(TrainError::io("read", path))?.len();
        let refuse = |reason: &str| TrainError::Data(format!("{}: {reason}", path.display()));
        let damaged = |reason: &str| refuse(&format!("the pack is damaged: {reason}; write it again"));

        let mut header = [0; HEADER];
        if length < HEADER as u64 {
            return Err(refuse("it is no pack of heirloom-train pack (nor a folder of images)"));
        }
        read_at(&file, &mut header, 0).map_err(TrainError::io("read", path))?;
        let (prefix, hash) = header.split_at(PREFIX);
        if !prefix.starts_with(MAGIC) {
            return Err(refuse("it is no pack of heirloom-train pack (nor a folder of images)"));
        }
        let version = u32::from_le_bytes(array(&prefix[8..]));
        if version != VERSION {
            return Err(refuse(&format!("it is a pack of version {version}; this program reads version {VERSION}")));
        }
        let count = u64::from_le_bytes(array(&prefix[16..]));
        let size = count.checked_mul(ENTRY as u64).filter(|size| HEADER as u64 + size <= length);
        let Some(size) = size.and_then(|size| usize::try_from(size).ok()) else {
            return Err(damaged("its index is truncated"));
        };
        let mut index = vec![0; size];
        read_at(&file, &mut index, HEADER as u64).map_err(TrainError::io("read", path))?;
        if index_hash(prefix, &index).as_bytes() != hash {
            return Err(damaged("the hash of its index does not match"));
        }
        let entries: Vec<Entry> = index
            .chunks_exact(ENTRY)
            .map(|bytes| Entry {
                offset: u64::from_le_bytes(array(bytes)),
                width: u32::from_le_bytes(array(&bytes[8..])),
                height: u32::from_le_bytes(array(&bytes[12..])),
                name: array(&bytes[16..]),
            })
            .collect();
        if entries.is_empty() {
            return Err(refuse("the pack holds no image"));
        }
        if entries.iter().any(|entry| entry.width == 0 || entry.height == 0) {
            return Err(damaged("an image has no pixels"));
        }
        if entries.iter().any(|entry| entry.end().is_none_or(|end| end > length)) {
            return Err(damaged("it is truncated"));
        }
        let manifest = blake3::Hash::from_bytes(array(&prefix[24..])).to_hex().to_string();
        Ok(Self { file, path: path.to_owned(), entries, manifest })
    }

    /// Number of images, at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is no image; always false.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// BLAKE3 (hexadecimal) of the names, sizes and content hashes of the image files, and of how
    /// they were shrunk. The same as that of the folder if the pack holds one folder as it is.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// First 16 digits of the hash of the name of image `index`.
    #[must_use]
    pub fn name(&self, index: usize) -> String {
        blake3::Hash::from_bytes(self.entry(index).name).to_hex()[..16].to_owned()
    }

    /// Width and height of image `index` in pixels.
    #[must_use]
    pub fn size(&self, index: usize) -> (usize, usize) {
        let entry = self.entry(index);
        (entry.width as usize, entry.height as usize)
    }

    /// Image `index` with only these rows read; the others are black.
    ///
    /// # Errors
    /// A file that can no longer be read.
    pub fn rows(&self, index: usize, rows: Range<usize>) -> Result<RgbImage> {
        let (width, height) = self.size(index);
        let (first, end) = (rows.start.min(height) * width * 3, rows.end.min(height) * width * 3);
        let mut rgb = vec![0; width * height * 3];
        if first < end {
            read_at(&self.file, &mut rgb[first..end], self.entry(index).offset + first as u64)
                .map_err(TrainError::io("read", &self.path))?;
        }
        Ok(RgbImage { width, height, rgb })
    }

    fn entry(&self, index: usize) -> &Entry {
        &self.entries[index % self.entries.len()]
    }
}

/// The first bytes of a slice that is long enough.
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[..N]);
    out
}

/// Fills `out` from a position of a file, without moving the file's own position.
fn read_at(file: &File, out: &mut [u8], position: u64) -> io::Result<()> {
    #[cfg(unix)]
    return std::os::unix::fs::FileExt::read_exact_at(file, out, position);
    #[cfg(windows)]
    {
        let mut done = 0;
        while done < out.len() {
            match std::os::windows::fs::FileExt::seek_read(file, &mut out[done..], position + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                n => done += n,
            }
        }
        Ok(())
    }
}
