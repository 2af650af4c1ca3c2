//! CCITT Group 3 of one dimension, which the library `tiff` does not decode.

use fax::Color;
use fax::decoder::{decode_g3, pels};

/// The lines of a strip, as rows of bits that begin at whole bytes, 1 for black. Lines that are lacking
/// are not there.
pub(super) fn lines(strip: &[u8], width: u16, rows: usize) -> Vec<u8> {
    let row_bytes = usize::from(width).div_ceil(8);
    let mut packed = Vec::with_capacity(row_bytes * rows);
    let mut line = |transitions: &[u16]| {
        if packed.len() == row_bytes * rows {
            return; // the library goes on to the end of the strip
        }
        let start = packed.len();
        packed.resize(start + row_bytes, 0u8);
        for (x, colour) in pels(transitions, width).enumerate() {
            if colour == Color::Black {
                packed[start + x / 8] |= 0x80 >> (x % 8);
            }
        }
    };
    // `None` stands for a strip without the six marks of an end, which many lack.
    let _: Option<()> = decode_g3(strip.iter().copied(), &mut line);
    packed
}
