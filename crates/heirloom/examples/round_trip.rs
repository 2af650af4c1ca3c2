//! Encodes a synthetic image with the default model, and decodes it.
//!
//! `cargo run --release -p heirloom --example round_trip`

use heirloom::{EncodeOptions, Image, PixelFormat};

fn main() -> heirloom::Result<()> {
    let (width, height) = (320_u32, 240_u32);
    let pixels = (0..height).flat_map(|y| (0..width).flat_map(move |x| [(x / 2) as u8, y as u8, ((x ^ y) / 2) as u8]));
    let image = Image::new(width, height, PixelFormat::Rgb8, pixels.collect())?;

    let bytes = heirloom::encode(&image, &EncodeOptions::quality(50.0))?;
    let decoded = heirloom::decode(&bytes)?;

    let squares = image.data().iter().zip(decoded.data()).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
    let mse = squares.sum::<f64>() / image.data().len() as f64;
    println!(
        "{width} × {height}: {} bytes, {:.3} bits per pixel, PSNR {:.2} dB",
        bytes.len(),
        heirloom::info(&bytes)?.bits_per_pixel(),
        10.0 * (255.0 * 255.0 / mse).log10()
    );
    Ok(())
}
