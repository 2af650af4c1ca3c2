//! Turning and mirroring pixels.

use heirloom_codec::image::{Image, Samples};

use crate::exif;

/// The image as its Exif orientation says that it is to be shown. The orientation becomes 1 (upright)
/// in the metadata; without one, nothing changes.
#[must_use]
pub fn upright(mut image: Image) -> Image {
    let turn = image.metadata.exif.as_deref().and_then(exif::orientation).unwrap_or(1);
    if turn == 1 {
        return image;
    }
    if let Some(exif) = &mut image.metadata.exif {
        exif::set_orientation(exif, 1);
    }
    let (width, height, channels) = (image.width() as usize, image.height() as usize, image.format().channels());
    let samples = match image.samples() {
        Samples::U8(data) => turned(data, width, height, channels, turn).into(),
        Samples::U16(data) => turned(data, width, height, channels, turn).into(),
    };
    let (new_width, new_height) = if turn >= 5 { (height, width) } else { (width, height) };
    let metadata = std::mem::take(&mut image.metadata);
    let format = image.format();
    // Turning keeps the number of samples, so this cannot fail; the image as it was is the last resort.
    let mut turned = Image::from_samples(new_width as u32, new_height as u32, format, samples).unwrap_or(image);
    turned.metadata = metadata;
    turned
}

/// The pixels in the order of the upright image; `turn` is an Exif orientation, 2 to 8.
fn turned<T: Copy>(data: &[T], width: usize, height: usize, channels: usize, turn: u16) -> Vec<T> {
    let (new_width, new_height) = if turn >= 5 { (height, width) } else { (width, height) };
    let mut out = Vec::with_capacity(data.len());
    for y in 0..new_height {
        for x in 0..new_width {
            // The stored column and row of the pixel that is shown at x, y (Exif 2.32, 4.6.4 A).
            let (column, row) = match turn {
                2 => (width - 1 - x, y),
                3 => (width - 1 - x, height - 1 - y),
                4 => (x, height - 1 - y),
                5 => (y, x),
                6 => (y, height - 1 - x),
                7 => (width - 1 - y, height - 1 - x),
                _ => (width - 1 - y, x),
            };
            out.extend_from_slice(&data[(row * width + column) * channels..][..channels]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use heirloom_codec::image::PixelFormat;

    #[test]
    fn all_orientations() {
        // The letter F, as it is stored for each orientation (2 to 8).
        let shown = ["##", "# ", "##", "# "];
        let stored: [&[&str]; 7] = [
            &["##", " #", "##", " #"],
            &[" #", "##", " #", "##"],
            &["# ", "##", "# ", "##"],
            &["####", "# # "],
            &["# # ", "####"],
            &[" # #", "####"],
            &["####", " # #"],
        ];
        for (turn, rows) in (2u16..).zip(stored) {
            let data: Vec<u8> = rows.concat().into_bytes();
            let mut image = Image::new(rows[0].len() as u32, rows.len() as u32, PixelFormat::Grey8, data).unwrap();
            image.metadata.exif = Some(exif::built(&[exif::short(exif::ORIENTATION, turn)]));
            let image = upright(image);
            assert_eq!((image.width(), image.height()), (2, 4), "{turn}");
            assert_eq!(String::from_utf8_lossy(image.data()), shown.concat(), "{turn}");
            assert_eq!(exif::orientation(image.metadata.exif.as_deref().unwrap()), Some(1));
            assert_eq!(upright(image.clone()), image, "never twice");
        }
    }
}
