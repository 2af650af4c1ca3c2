//! What a file says about itself.

use std::ffi::c_char;

use heirloom_format::container::{Head, Limits, MAGIC};

use crate::image::heirloom_image;
use crate::pointers;
use crate::status::{guard, heirloom_status};

/// What a file says about itself.
#[repr(C)]
pub struct heirloom_info {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Number of channels, 1 to 4, as in heirloom_image.
    pub channels: u32,
    /// Bits of a sample: 8 or 16.
    pub bits: u32,
    /// The rate-distortion multiplier that the image was encoded with.
    pub lambda: f32,
    /// Number of the generation that wrote the file.
    pub generation: u32,
    /// Number of tiles.
    pub tiles: usize,
    /// Number of tiles that are stored without loss.
    pub lossless_tiles: usize,
    /// Names the lineage of models that decode the file: 16 hexadecimal digits and a 0.
    pub entropy_id: [c_char; 17],
    /// Names the generation that wrote the file: 8 hexadecimal digits and a 0.
    pub generation_id: [c_char; 9],
}

/// Whether bytes are the beginning of a Heirloom file. The first 8 suffice.
///
/// # Safety
/// `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_is_heirloom(data: *const u8, size: usize) -> bool {
    // SAFETY: the caller promises the bytes.
    unsafe { pointers::bytes(data, size) }.is_ok_and(|bytes| bytes.starts_with(&MAGIC))
}

/// Reads what a file says about itself, and verifies all of its checksums. No pixels are decoded.
///
/// # Safety
/// `data` points to `size` bytes, `info` to a structure that is filled in.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_read_info(data: *const u8, size: usize, info: *mut heirloom_info) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises both.
        let (bytes, result) = unsafe { (pointers::bytes(data, size)?, pointers::unique(info, "info")?) };
        let info = codec::info(bytes)?;
        *result = heirloom_info {
            width: info.width,
            height: info.height,
            channels: info.pixel_format.channels() as u32,
            bits: info.pixel_format.bits(),
            lambda: info.lambda,
            generation: info.generation,
            tiles: info.tiles.len(),
            lossless_tiles: info.lossless_tiles(),
            entropy_id: hex(&info.entropy_id),
            generation_id: hex(&info.generation_id),
        };
        Ok(())
    })
}

/// Reads size, format and metadata of an image, which stand at the beginning of a file. No pixels are decoded,
/// and what follows may be missing. The image is freed by heirloom_image_free().
///
/// # Safety
/// `data` points to `size` bytes, `image` to a structure that is filled in, of which nothing is freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_read_head(
    data: *const u8,
    size: usize,
    image: *mut heirloom_image,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises both.
        let (bytes, result) = unsafe { (pointers::bytes(data, size)?, pointers::unique(image, "image")?) };
        *result = heirloom_image::EMPTY;
        let head = Head::read(&bytes, &Limits::default())?;
        let size = (head.header.width, head.header.height);
        *result = heirloom_image::new(size, head.header.pixel_format, None, head.metadata);
        Ok(())
    })
}

/// The version of this library, such as "0.1.0".
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Hexadecimal digits, and a 0 at the end.
fn hex<const N: usize>(bytes: &[u8]) -> [c_char; N] {
    let digits =
        bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]).map(|digit| b"0123456789abcdef"[usize::from(digit)]);
    let mut text = [0; N];
    text.iter_mut().take(N - 1).zip(digits).for_each(|(to, digit)| *to = digit as c_char);
    text
}
