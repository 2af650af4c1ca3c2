//! PGM, PPM, and PAM for images with alpha: lossless, without metadata.

use heirloom_codec::image::{Image, PixelFormat};

use super::{Lost, Written, big_endian};

pub(super) fn write(image: &Image) -> Written {
    let mut lost = Lost::default();
    lost.metadata("PPM", &image.metadata);
    let header = header(image.width(), image.height(), image.format());
    lost.with([header.as_bytes(), &big_endian(image.samples())].concat())
}

/// What stands before the samples.
pub(crate) fn header(width: u32, height: u32, format: PixelFormat) -> String {
    let max = if format.bits() == 8 { 255 } else { 65535 };
    match (format.is_grey(), format.has_alpha()) {
        (true, false) => format!("P5\n{width} {height}\n{max}\n"),
        (false, false) => format!("P6\n{width} {height}\n{max}\n"),
        (grey, true) => {
            let (depth, kind) = if grey { (2, "GRAYSCALE_ALPHA") } else { (4, "RGB_ALPHA") };
            format!("P7\nWIDTH {width}\nHEIGHT {height}\nDEPTH {depth}\nMAXVAL {max}\nTUPLTYPE {kind}\nENDHDR\n")
        }
    }
}
