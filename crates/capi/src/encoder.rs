//! Image to file.

use codec::{EncodeOptions, Encoder, Lossless, Model};

use crate::image::{heirloom_bytes, heirloom_image};
use crate::pointers;
use crate::status::{Failure, Result, guard, heirloom_status};
use crate::threads;

/// Options of encoding. May be used by several threads at once while none of them changes it.
#[derive(Clone)]
pub struct heirloom_encoder {
    /// Quality, λ, or a target.
    rate: EncodeOptions,
    lossless: heirloom_lossless,
    effort: u8,
    max_memory: Option<u64>,
    model: Option<Model>,
}

/// When tiles of an image are stored without loss.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum heirloom_lossless {
    /// Where the model would make them worse or larger, as in most screenshots and drawings.
    WhereBetter = 0,
    /// Always, also the colour beneath wholly transparent pixels.
    Always = 1,
    /// Never.
    Never = 2,
}

impl heirloom_encoder {
    fn new() -> Self {
        Self {
            rate: EncodeOptions::default(),
            lossless: heirloom_lossless::WhereBetter,
            effort: 1,
            max_memory: None,
            model: None,
        }
    }

    fn encoder(&self) -> Encoder {
        let options = match self.lossless {
            heirloom_lossless::WhereBetter => self.rate,
            heirloom_lossless::Always => self.rate.with_lossless(Lossless::Always).with_hidden_colour(true),
            heirloom_lossless::Never => self.rate.with_lossless(Lossless::Never),
        };
        let options = options.with_effort(self.effort);
        let options = self.max_memory.map_or(options, |bytes| options.with_max_memory(bytes));
        self.model.clone().map_or_else(Encoder::new, Encoder::with_model).options(options)
    }
}

/// An encoder with the default model, of quality 50, in at most 2 GiB of memory.
#[unsafe(no_mangle)]
pub extern "C" fn heirloom_encoder_new() -> *mut heirloom_encoder {
    Box::into_raw(Box::new(heirloom_encoder::new()))
}

/// Frees an encoder.
///
/// # Safety
/// `encoder` is null, or comes from heirloom_encoder_new() and is not used any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_free(encoder: *mut heirloom_encoder) {
    if !encoder.is_null() {
        // SAFETY: it comes from `Box::into_raw`.
        drop(unsafe { Box::from_raw(encoder) });
    }
}

/// # Safety
/// `encoder` comes from heirloom_encoder_new() or is null, and nobody else uses it meanwhile.
unsafe fn change(
    encoder: *mut heirloom_encoder,
    change: impl FnOnce(&mut heirloom_encoder) -> Result<()>,
) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    guard(|| change(unsafe { pointers::unique(encoder, "encoder") }?))
}

/// # Safety
/// `encoder` comes from heirloom_encoder_new() or is null, and nobody else uses it meanwhile.
unsafe fn set_rate(encoder: *mut heirloom_encoder, rate: EncodeOptions) -> heirloom_status {
    let set = |encoder: &mut heirloom_encoder| {
        encoder.rate = rate;
        Ok(())
    };
    // SAFETY: the caller promises the encoder.
    unsafe { change(encoder, set) }
}

/// Sets the quality, from 0 (smallest file) to 100 (best image), instead of what was set before.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_quality(encoder: *mut heirloom_encoder, quality: f32) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    unsafe { set_rate(encoder, EncodeOptions::quality(quality)) }
}

/// Sets the rate-distortion multiplier instead of a quality.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_lambda(encoder: *mut heirloom_encoder, lambda: f32) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    unsafe { set_rate(encoder, EncodeOptions::lambda(lambda)) }
}

/// Sets the largest size of a file in bytes instead of a quality: the best image within it.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_target_size(
    encoder: *mut heirloom_encoder,
    bytes: u64,
) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    unsafe { set_rate(encoder, EncodeOptions::target_size(bytes)) }
}

/// Sets the lowest PSNR in dB instead of a quality: the smallest file with it.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_target_psnr(
    encoder: *mut heirloom_encoder,
    psnr: f64,
) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    unsafe { set_rate(encoder, EncodeOptions::target_psnr(psnr)) }
}

/// Sets when tiles are stored without loss: a value of heirloom_lossless.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_lossless(
    encoder: *mut heirloom_encoder,
    lossless: u32,
) -> heirloom_status {
    // As a number, since C may pass values that are not of the enumeration.
    let known = [heirloom_lossless::WhereBetter, heirloom_lossless::Always, heirloom_lossless::Never];
    let found = known.into_iter().find(|known| *known as u32 == lossless);
    let found = found.ok_or_else(|| Failure::bad_parameter(format!("{lossless} is no value of heirloom_lossless")));
    // SAFETY: the caller promises the encoder.
    unsafe { change(encoder, |encoder| found.map(|found| encoder.lossless = found)) }
}

/// Sets how much time to spend on a smaller or better file, from 1, the default, to 9: 5 takes over a
/// minute for a megapixel on two cores, and each step about 1.7 times as long.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_effort(encoder: *mut heirloom_encoder, effort: u32) -> heirloom_status {
    let found = u8::try_from(effort).ok().filter(|effort| (1..=9).contains(effort));
    let found = found.ok_or_else(|| Failure::bad_parameter(format!("effort {effort} is not from 1 to 9")));
    // SAFETY: the caller promises the encoder.
    unsafe { change(encoder, |encoder| found.map(|found| encoder.effort = found)) }
}

/// Sets the most bytes of memory to work in. An image that needs more is refused before memory is allocated.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_max_memory(
    encoder: *mut heirloom_encoder,
    bytes: u64,
) -> heirloom_status {
    // SAFETY: the caller promises the encoder.
    unsafe {
        change(encoder, |encoder| {
            encoder.max_memory = Some(bytes);
            Ok(())
        })
    }
}

/// Sets the model, from the bytes of a model file, instead of the default model.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), and nobody else uses it meanwhile; `data` points to `size` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encoder_set_model(
    encoder: *mut heirloom_encoder,
    data: *const u8,
    size: usize,
) -> heirloom_status {
    let set = |encoder: &mut heirloom_encoder| {
        // SAFETY: the caller promises the bytes.
        let bytes = unsafe { pointers::bytes(data, size) }?;
        encoder.model = Some(threads::run(|| Ok(Model::from_bytes(bytes)?))?);
        Ok(())
    };
    // SAFETY: the caller promises the encoder.
    unsafe { change(encoder, set) }
}

/// Encodes an image into a file, the same one as the command `heirloom encode` writes. It is freed by
/// heirloom_bytes_free(). If it fails, the structure is cleared.
///
/// # Safety
/// `encoder` comes from heirloom_encoder_new(), or is null for the default options; `image` points to an image,
/// of which `pixels` points to `height` rows, and blobs to their bytes; `file` points to a structure that is
/// filled in, of which nothing is freed before.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn heirloom_encode(
    encoder: *const heirloom_encoder,
    image: *const heirloom_image,
    file: *mut heirloom_bytes,
) -> heirloom_status {
    guard(|| {
        // SAFETY: the caller promises all of them.
        let (image, result) = unsafe { (pointers::shared(image, "image")?, pointers::unique(file, "file")?) };
        *result = heirloom_bytes { data: std::ptr::null_mut(), size: 0 };
        // SAFETY: the same.
        let encoder = unsafe { encoder.as_ref() }.map_or_else(heirloom_encoder::new, Clone::clone).encoder();
        // SAFETY: the same.
        let image = unsafe { image.to_image() }?;
        *result = heirloom_bytes::of(threads::run(|| Ok(encoder.encode(&image)?))?);
        Ok(())
    })
}
