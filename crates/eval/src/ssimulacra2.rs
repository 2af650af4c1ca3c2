//! SSIMULACRA 2 (Sneyers, Cloudinary, 2022) of 8-bit sRGB images, by the crate of that name.

use ssimulacra2::{ColorPrimaries, Rgb, TransferCharacteristic, compute_frame_ssimulacra2};

use crate::EvalError;

/// Smallest length of a side in pixels.
pub const LEAST_SIDE: usize = 8;

/// SSIMULACRA 2 of an interleaved 8-bit sRGB image `b` of `width` × `height` pixels against its original
/// `a`: 100 if they are equal, about 90 where the difference cannot be seen, 70 for high, 50 for medium
/// and 30 for low quality. It has no lower bound.
///
/// # Errors
/// [`EvalError::Shape`] if a buffer is not `3 · width · height` long, [`EvalError::TooSmall`] if a
/// side is shorter than [`LEAST_SIDE`].
pub fn ssimulacra2(a: &[u8], b: &[u8], width: usize, height: usize) -> Result<f64, EvalError> {
    if width.min(height) < LEAST_SIDE {
        return Err(EvalError::TooSmall { metric: "SSIMULACRA 2", least: LEAST_SIDE, found: width.min(height) });
    }
    let image = |samples: &[u8]| {
        let (pixels, rest) = samples.as_chunks::<3>();
        let pixels: Vec<[f32; 3]> = pixels.iter().map(|pixel| pixel.map(|v| f32::from(v) / 255.0)).collect();
        let image = Rgb::new(pixels, width, height, TransferCharacteristic::SRGB, ColorPrimaries::BT709);
        image.ok().filter(|_| rest.is_empty()).ok_or_else(|| EvalError::Shape {
            expected: format!("3 × {width} × {height} samples"),
            found: format!("{} samples", samples.len()),
        })
    };
    compute_frame_ssimulacra2(image(a)?, image(b)?)
        .map_err(|error| EvalError::Shape { expected: "two images".into(), found: error.to_string() })
}
