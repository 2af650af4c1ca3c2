//! File to image.

use codec::{Decoder, Model, Rect, Scale};

use crate::image::heirloom_image;
use crate::pointers;
use crate::status::{Failure, guard, heirloom_status, report};
use crate::threads;

/// Options of decoding. May be used by several threads at once while none of them changes it.
pub struct heirloom_decoder {
    decoder: Decoder,
}

impl heirloom_decoder {
    fn change(&mut self, change: impl FnOnce(Decoder) -> Decoder) {
        self.decoder = change(self.decoder.clone());
    }
}

/// A decoder with the default model, for whole images of at most 2^28 pixels, in at most 2 GiB of memory.
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_decoder_new() -> *mut heirloom_decoder {
    Box::into_raw(Box::new(heirloom_decoder { decoder: Decoder::new() }))
}

/// Frees a decoder.
///
/// # Safety
/// `decoder` is null, or comes from heirloom_decoder_new() and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_free(decoder: *mut heirloom_decoder) {
    if !decoder.is_null() {
        // SAFETY: it comes from `Box::into_raw`.
        drop(unsafe { Box::from_raw(decoder) });
    }
}

/// Decodes only a part of each image, in pixels. Only its tiles are decoded. A part that is not within the
/// image is an error of decoding.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_set_crop(
    decoder: *mut heirloom_decoder,
    x: u32,
    y: u32,
    width: u32,
    height: u32,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises the decoder.
        let decoder = unsafe { pointers::unique(decoder, "decoder") }?;
        decoder.change(|decoder| decoder.crop(Rect { x, y, width, height }));
        Ok(())
    })
}

/// Decodes a smaller copy of each image, of which each pixel is the mean of a square of `divisor` × `divisor`
/// pixels: 1, 2, 4, 8 or 16, the last of which leaves out the finest detail. Its sides are rounded up. For
/// thumbnails.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_set_scale(decoder: *mut heirloom_decoder, divisor: u32) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises the decoder.
        let decoder = unsafe { pointers::unique(decoder, "decoder") }?;
        let scales = [Scale::Full, Scale::Half, Scale::Quarter, Scale::Eighth, Scale::Sixteenth];
        let scale = scales.into_iter().find(|scale| scale.divisor() == divisor);
        let scale =
            scale.ok_or_else(|| Failure::bad_parameter(format!("the divisor {divisor} is none of 1, 2, 4, 8, 16")))?;
        decoder.change(|decoder| decoder.scale(scale));
        Ok(())
    })
}

/// Whether a copy for the divisors 8 and 16 may be blurred, of about 30 dB at 8, in a fraction of the time.
/// The default is false.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_set_quick(decoder: *mut heirloom_decoder, quick: bool) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises the decoder.
        unsafe { pointers::unique(decoder, "decoder") }?.change(|decoder| decoder.quick(quick));
        Ok(())
    })
}

/// Whether pixels must be those that a file had when it was written, which only the generation that wrote it
/// gives. The default is false: the newest generation decodes.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_set_exact(decoder: *mut heirloom_decoder, exact: bool) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises the decoder.
        unsafe { pointers::unique(decoder, "decoder") }?.change(|decoder| decoder.exact(exact));
        Ok(())
    })
}

/// Sets the most bytes of memory to work in, instead of 2 GiB and 2^28 pixels. An image that needs more is
/// refused before memory is allocated.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_set_max_memory(
    decoder: *mut heirloom_decoder,
    bytes: u64,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises the decoder.
        let decoder = unsafe { pointers::unique(decoder, "decoder") }?;
        decoder.change(|decoder| decoder.max_memory(bytes).max_pixels(u64::MAX));
        Ok(())
    })
}

/// Adds a model, from the bytes of a model file, for files of other lineages and generations than the default
/// model's.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), and nobody else uses it meanwhile; `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decoder_add_model(
    decoder: *mut heirloom_decoder,
    data: *const u8,
    size: usize,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises both.
        let (decoder, bytes) = unsafe { (pointers::unique(decoder, "decoder")?, pointers::bytes(data, size)?) };
        let model = threads::run(|| Ok(Model::from_bytes(bytes)?))?;
        decoder.change(|decoder| decoder.model(model));
        Ok(())
    })
}

/// Decodes a file. If it fails, the image is cleared.
///
/// # Safety
/// `decoder` comes from heirloom_decoder_new(), or is null for the default options; `data` points to `size`
/// bytes, `image` to a structure that is filled in, of which nothing is freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decode(
    decoder: *const heirloom_decoder,
    data: *const u8,
    size: usize,
    image: *mut heirloom_image,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises all of them.
        let (bytes, result) = unsafe { (pointers::bytes(data, size)?, pointers::unique(image, "image")?) };
        *result = heirloom_image::EMPTY;
        // SAFETY: the same.
        let decoder = unsafe { options(decoder) };
        *result = heirloom_image::of(threads::run(|| Ok(decoder.decode(bytes)?))?);
        Ok(())
    })
}

/// Decodes what is left of a file that is damaged or cut short behind its header. There is an image, with less
/// detail where bytes are missing, whenever `pixels` is not null; the status and heirloom_last_error() say what
/// is wrong with the file.
///
/// # Safety
/// As heirloom_decode().
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_decode_partial(
    decoder: *const heirloom_decoder,
    data: *const u8,
    size: usize,
    image: *mut heirloom_image,
) -> heirloom_status {
    let mut problem = None;
    let status = guard(|| {
        // SAFETY: the caller promises all of them.
        let (bytes, result) = unsafe { (pointers::bytes(data, size)?, pointers::unique(image, "image")?) };
        *result = heirloom_image::EMPTY;
        // SAFETY: the same.
        let decoder = unsafe { options(decoder) };
        let partial = threads::run(|| Ok(decoder.decode_partial(bytes)?))?;
        *result = heirloom_image::of(partial.image);
        problem = partial.problem;
        Ok(())
    });
    problem.map_or(status, |problem| report(problem.into()))
}

/// # Safety
/// `decoder` comes from heirloom_decoder_new(), or is null.
unsafe fn options(decoder: *const heirloom_decoder) -> Decoder {
    // SAFETY: the caller promises the decoder.
    unsafe { decoder.as_ref() }.map_or_else(Decoder::new, |decoder| decoder.decoder.clone())
}
