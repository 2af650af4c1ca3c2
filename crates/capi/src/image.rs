//! Images and files as structures of C.

use std::ffi::c_void;
use std::ptr;

use codec::{Image, Metadata, PixelFormat, Samples};

use crate::pointers;
use crate::status::{Failure, Result};

/// Bytes that belong to somebody else; null and 0 if there are none.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct heirloom_blob {
    /// The first byte.
    pub data: *const u8,
    /// Number of bytes.
    pub size: usize,
}

/// An image, and its metadata. Initialise it with `{0}`.
///
/// Images that this library makes belong to it and are freed by heirloom_image_free(). For encoding, fill in
/// all members but `owner`, which stays null.
#[repr(C)]
pub struct heirloom_image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// 1: grey; 2: grey, alpha; 3: red, green, blue; 4: red, green, blue, alpha. Alpha is not premultiplied.
    pub channels: u32,
    /// Bits of a sample: 8 or 16. Samples of 16 bits are in this machine's byte order. All values are in use.
    pub bits: u32,
    /// Rows from the top, pixels from the left. Null where only metadata was read.
    pub pixels: *mut c_void,
    /// Bytes from one row to the next; in images to encode, 0 stands for rows without gaps.
    pub stride: usize,
    /// ICC profile.
    pub icc: heirloom_blob,
    /// Exif: a TIFF structure, without the prefix that it has in JPEG files.
    pub exif: heirloom_blob,
    /// XMP packet, in UTF-8.
    pub xmp: heirloom_blob,
    /// What this library frees.
    pub owner: *mut c_void,
}

/// A file in memory, which heirloom_bytes_free() frees.
#[repr(C)]
pub struct heirloom_bytes {
    /// The first byte.
    pub data: *mut u8,
    /// Number of bytes.
    pub size: usize,
}

/// What the pointers of a `heirloom_image` point to.
struct Owner {
    samples: Option<Samples>,
    metadata: Metadata,
}

impl heirloom_image {
    /// An image without pixels.
    pub const EMPTY: Self = {
        let none = heirloom_blob { data: ptr::null(), size: 0 };
        Self {
            width: 0,
            height: 0,
            channels: 0,
            bits: 0,
            pixels: ptr::null_mut(),
            stride: 0,
            icc: none,
            exif: none,
            xmp: none,
            owner: ptr::null_mut(),
        }
    };

    /// The structure of an image with its pixels.
    pub fn of(mut image: Image) -> Self {
        let (size, format) = ((image.width(), image.height()), image.format());
        let metadata = std::mem::take(&mut image.metadata);
        Self::new(size, format, Some(image.into_samples()), metadata)
    }

    /// The structure of an image, perhaps without pixels.
    pub fn new(size: (u32, u32), format: PixelFormat, samples: Option<Samples>, metadata: Metadata) -> Self {
        let mut owner = Box::new(Owner { samples, metadata });
        let pixels = match &mut owner.samples {
            Some(Samples::U8(samples)) => samples.as_mut_ptr().cast(),
            Some(Samples::U16(samples)) => samples.as_mut_ptr().cast(),
            None => ptr::null_mut(),
        };
        let blob = |bytes: &Option<Vec<u8>>| {
            let bytes = bytes.as_deref().unwrap_or_default();
            heirloom_blob { data: if bytes.is_empty() { ptr::null() } else { bytes.as_ptr() }, size: bytes.len() }
        };
        Self {
            width: size.0,
            height: size.1,
            channels: format.channels() as u32,
            bits: format.bits(),
            pixels,
            stride: size.0 as usize * format.channels() * format.bits() as usize / 8,
            icc: blob(&owner.metadata.icc),
            exif: blob(&owner.metadata.exif),
            xmp: blob(&owner.metadata.xmp),
            owner: Box::into_raw(owner).cast(),
        }
    }

    /// A copy of an image from C.
    ///
    /// # Safety
    /// `pixels` points to `height` rows, of which each begins `stride` bytes after the one before it; the
    /// blobs point to their bytes.
    pub unsafe fn to_image(&self) -> Result<Image> {
        let (channels, bits) = (self.channels as usize, self.bits);
        let format = PixelFormat::ALL.into_iter().find(|f| (f.channels(), f.bits()) == (channels, bits));
        let format = format.ok_or_else(|| {
            Failure::bad_parameter(format!("there are no images of {channels} channels of {bits} bits"))
        })?;
        let row = self.width as usize * channels * bits as usize / 8;
        let (stride, height) = (if self.stride == 0 { row } else { self.stride }, self.height as usize);
        if row == 0 || height == 0 {
            return Err(Failure::bad_parameter(format!("an image has no pixels: {} × {}", self.width, self.height)));
        }
        if stride < row {
            return Err(Failure::bad_parameter(format!(
                "a row has {row} bytes, which is more than the stride {stride}"
            )));
        }
        let size = stride.checked_mul(height - 1).and_then(|size| size.checked_add(row));
        let size = size.ok_or_else(|| Failure::bad_parameter("there cannot be so many bytes"))?;
        // SAFETY: the caller promises the rows; the last one ends here.
        let all = unsafe { pointers::bytes(self.pixels.cast_const().cast(), size) }?;
        let rows = || all.chunks(stride).flat_map(|line| &line[..row]);
        let samples = if bits == 8 {
            Samples::U8(rows().copied().collect())
        } else {
            // Rows have an even number of bytes, so that pairs do not straddle them.
            let bytes: Vec<u8> = rows().copied().collect();
            Samples::U16(bytes.as_chunks().0.iter().map(|&pair| u16::from_ne_bytes(pair)).collect())
        };
        let mut image = Image::from_samples(self.width, self.height, format, samples)?;
        let blob = |blob: &heirloom_blob| {
            // SAFETY: the caller promises the bytes.
            let bytes = unsafe { pointers::bytes(blob.data, blob.size) }?;
            Ok::<_, Failure>((!bytes.is_empty()).then(|| bytes.to_vec()))
        };
        let metadata = &mut image.metadata;
        (metadata.icc, metadata.exif, metadata.xmp) = (blob(&self.icc)?, blob(&self.exif)?, blob(&self.xmp)?);
        Ok(image)
    }
}

impl heirloom_bytes {
    /// The structure of a file.
    pub fn of(bytes: Vec<u8>) -> Self {
        let bytes = Box::leak(bytes.into_boxed_slice());
        Self { data: bytes.as_mut_ptr(), size: bytes.len() }
    }
}

/// Frees an image that this library has made, and clears the structure. Doing it again, or with an image
/// whose `owner` is null, does nothing.
///
/// # Safety
/// `image` is null or points to a heirloom_image whose `owner` is null or was set by this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_image_free(image: *mut heirloom_image) {
    // SAFETY: the caller promises the structure.
    let Some(image) = (unsafe { image.as_mut() }) else { return };
    if !image.owner.is_null() {
        // SAFETY: it comes from `Box::into_raw`, and is freed once, since the structure is cleared.
        drop(unsafe { Box::from_raw(image.owner.cast::<Owner>()) });
        *image = heirloom_image::EMPTY;
    }
}

/// Frees a file that heirloom_encode() has made, and clears the structure. Doing it again does nothing.
///
/// # Safety
/// `bytes` is null or points to a heirloom_bytes that is cleared or was filled by this library.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_bytes_free(bytes: *mut heirloom_bytes) {
    // SAFETY: the caller promises the structure.
    let Some(bytes) = (unsafe { bytes.as_mut() }) else { return };
    if !bytes.data.is_null() {
        // SAFETY: it comes from `Box::leak`, and is freed once, since the structure is cleared.
        drop(unsafe { Box::from_raw(ptr::slice_from_raw_parts_mut(bytes.data, bytes.size)) });
        (bytes.data, bytes.size) = (ptr::null_mut(), 0);
    }
}
