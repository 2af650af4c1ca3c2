//! Images of every format, written and read again.

use super::*;
use crate::exif::{ORIENTATION, built, resolution, short};
use heirloom_codec::image::{Cicp, Resolution};

use crate::{PixelFormat, ReadOptions, read, read_noting};

fn image(format: PixelFormat) -> Image {
    let count = 20 * 12 * format.channels();
    let mut image = if format.bits() == 8 {
        Image::new(20, 12, format, (0..count).map(|i| (i * 7 % 251) as u8).collect()).unwrap()
    } else {
        Image::new16(20, 12, format, (0..count).map(|i| (i * 1777 % 65521) as u16).collect()).unwrap()
    };
    // The header of a profile says for which colours it is.
    let mut icc: Vec<u8> = 3000u32.to_be_bytes().into_iter().chain((4..3000u32).map(|i| (i % 255) as u8)).collect();
    icc[16..20].copy_from_slice(if format.is_grey() { b"GRAY" } else { b"RGB " });
    image.metadata.icc = Some(icc);
    let mut entries = vec![short(ORIENTATION, 6)];
    entries.extend(resolution((30000, 100), (15000, 100), 2));
    image.metadata.exif = Some(built(&entries));
    image.metadata.xmp = Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec());
    image
}

#[test]
fn png_and_tiff_keep_everything() {
    for format in [Format::Png, Format::Tiff] {
        for pixels in PixelFormat::ALL {
            let Written { bytes, lost } = write(&image(pixels), format).unwrap();
            assert_eq!(lost, None);
            let read = read_noting(&bytes, &ReadOptions::default()).unwrap();
            assert_eq!(read.notes, [""; 0]);
            assert!(read.image.samples() == image(pixels).samples(), "{format:?} {pixels:?}");
            assert_eq!(read.image.format(), pixels);
            assert_eq!(read.image.metadata, image(pixels).metadata, "{format:?} {pixels:?}");
        }
    }
}

#[test]
fn pnm_keeps_the_samples_and_says_what_it_lost() {
    for pixels in PixelFormat::ALL {
        let Written { bytes, lost } = write(&image(pixels), Format::Ppm).unwrap();
        assert_eq!(lost.as_deref(), Some("PPM holds no metadata; left out: ICC profile, Exif, XMP"));
        let mut bare = image(pixels);
        bare.metadata = Default::default();
        assert_eq!(read(&bytes, &ReadOptions::default()).unwrap(), bare);
    }
}

#[test]
fn webp_and_qoi_keep_8_bits() {
    for format in [Format::WebP, Format::Qoi] {
        for pixels in PixelFormat::ALL {
            let image = image(pixels);
            let Written { bytes, lost } = write(&image, format).unwrap();
            let lost = lost.unwrap_or_default();
            assert_eq!(lost.contains("16-bit samples were rounded"), pixels.bits() == 16, "{lost}");
            assert_eq!(lost.contains("QOI holds no metadata"), format == Format::Qoi, "{lost}");
            let read = read(&bytes, &ReadOptions::default()).unwrap();
            assert_eq!(read.to_rgb(), image.to_rgb(), "{format:?} {pixels:?}");
            assert_eq!(read.format().has_alpha(), pixels.has_alpha());
            assert!(format == Format::Qoi || read.metadata == image.metadata);
        }
    }
}

#[test]
fn jpeg_keeps_the_metadata() {
    for pixels in [PixelFormat::Rgb8, PixelFormat::Grey8] {
        let Written { bytes, lost } = write(&image(pixels), Format::Jpeg).unwrap();
        assert_eq!(lost, None);
        let found = read(&bytes, &ReadOptions::default()).unwrap();
        assert_eq!((found.width(), found.height(), found.format()), (20, 12, pixels));
        assert_eq!(found.metadata, image(pixels).metadata);
    }
}

#[test]
fn jpeg_puts_alpha_on_a_background() {
    let clear = Image::new(8, 8, PixelFormat::GreyAlpha8, vec![0; 128]).unwrap();
    for (background, grey) in [([u16::MAX; 3], 255), ([0x8080; 3], 128)] {
        let options = WriteOptions { background, ..WriteOptions::default() };
        let Written { bytes, lost } = write_with(&clear, Format::Jpeg, &options).unwrap();
        assert!(lost.unwrap().contains("put on a background"));
        let found = read(&bytes, &ReadOptions::default()).unwrap();
        assert!(found.data().iter().all(|v| v.abs_diff(grey) <= 1), "{:?}", found.data());
    }
}

#[test]
fn code_points_go_into_png() {
    let mut image = image(PixelFormat::Rgb16);
    image.metadata.icc = None;
    image.metadata.cicp = Some(Cicp { primaries: 9, transfer: 16, matrix: 0, full_range: true });
    image.metadata.resolution = Some(Resolution { x: 11811, y: 5906, per_metre: true });
    let Written { bytes, .. } = write(&image, Format::Png).unwrap();
    let at = bytes.windows(4).position(|four| four == b"cICP").unwrap();
    assert_eq!(bytes[at + 4..at + 8], [9, 16, 0, 1]);
    assert_eq!(read(&bytes, &ReadOptions::default()).unwrap(), image);
    // Formats without a place for code points get a profile.
    for format in [Format::Jpeg, Format::WebP, Format::Tiff] {
        let written = write(&image, format).unwrap();
        let found = read(&written.bytes, &ReadOptions::default()).unwrap().metadata;
        assert_eq!(found.icc, crate::profile::of_cicp(9, 16), "{format:?}");
    }
    let jpeg = write(&image, Format::Jpeg).unwrap();
    assert_eq!(read(&jpeg.bytes, &ReadOptions::default()).unwrap().metadata.resolution, image.metadata.resolution);
}
