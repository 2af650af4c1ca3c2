//! Windows bitmaps without compression: palettes of 1, 4 or 8 bits, and 24 or 32 bits per pixel.

use heirloom_codec::image::{Image, Metadata};

use super::frame::Frame;
use super::options::ReadOptions;
use super::refusals::{cut_short, damaged};
use crate::ReadError;

/// Pixels as they are, without bit masks or compression.
const PLAIN: u32 = 0;
/// Pixels whose channels lie where bit masks say.
const MASKS: u32 = 3;
/// Masks of red, green and blue that mean the same as [`PLAIN`].
const PLAIN_MASKS: [u32; 3] = [0x00ff_0000, 0x0000_ff00, 0x0000_00ff];

/// Reads a BMP file. The fourth byte of 32 bits per pixel is not alpha in this format unless a mask
/// says so.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let header = Header::read(bytes)?;
    let frame = Frame::new((header.width, header.height), false, header.alpha, 8, options)?;
    // Rows are padded to multiples of four bytes.
    let row = (u64::from(header.width) * u64::from(header.bits)).div_ceil(32) * 4;
    let length = usize::try_from(row.saturating_mul(header.height.into())).map_err(|_| cut_short())?;
    let row = row as usize;
    let pixels = bytes.get(header.pixels..).and_then(|rest| rest.get(..length)).ok_or_else(cut_short)?;
    let palette = header.palette(bytes)?;
    let mut samples = frame.buffer()?;
    let width = header.width as usize;
    let channels = frame.channels();
    for (y, to) in samples.chunks_exact_mut((width * channels).max(1)).enumerate() {
        let from = if header.top_down { y } else { header.height as usize - 1 - y };
        let from = &pixels[from * row..][..row];
        for (x, to) in to.chunks_exact_mut(channels).enumerate() {
            let [blue, green, red] = match header.bits {
                bits @ (24 | 32) => {
                    let at = x * usize::from(bits / 8);
                    [from[at], from[at + 1], from[at + 2]]
                }
                bits => {
                    let bits = usize::from(bits);
                    let index = from[x * bits / 8] >> (8 - bits - x * bits % 8) & (0xff >> (8 - bits));
                    *palette.get(usize::from(index)).ok_or_else(|| damaged("has a colour outside of its palette"))?
                }
            };
            to[..3].copy_from_slice(&[red, green, blue]);
        }
    }
    frame.image(samples, Metadata::default())
}

struct Header {
    width: u32,
    height: u32,
    /// Whether the first row is the upper one.
    top_down: bool,
    bits: u16,
    /// Whether the fourth byte of a pixel is alpha.
    alpha: bool,
    /// Offset of the pixels in the file.
    pixels: usize,
    /// Offset of the palette in the file, and its number of colours.
    palette: (usize, usize),
    /// Bytes per colour of the palette.
    colour: usize,
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, ReadError> {
        let word = |at: usize| bytes.get(at..at + 2).map(|b| u16::from_le_bytes([b[0], b[1]])).ok_or_else(cut_short);
        let number =
            |at: usize| -> Result<u32, ReadError> { Ok(u32::from(word(at)?) | u32::from(word(at + 2)?) << 16) };
        let (pixels, size) = (number(10)? as usize, number(14)? as usize);
        let palette = 14 + size;
        if size == 12 {
            let bits = word(24)?;
            check(bits, PLAIN)?;
            let colours = if bits <= 8 { 1 << bits } else { 0 };
            return Ok(Self {
                width: word(18)?.into(),
                height: word(20)?.into(),
                top_down: false,
                bits,
                alpha: false,
                pixels,
                palette: (palette, colours),
                colour: 3,
            });
        }
        if size < 40 {
            return Err(damaged("has a BMP header of no known length"));
        }
        let (width, height) = (number(18)? as i32, number(22)? as i32);
        let (bits, compression, used) = (word(28)?, number(30)?, number(46)? as usize);
        check(bits, compression)?;
        let mut alpha = false;
        if compression == MASKS {
            // The masks are part of longer headers, and follow one of 40 bytes at the same place.
            if bits != 32 || [number(54)?, number(58)?, number(62)?] != PLAIN_MASKS {
                return Err(not_read("unusual bit masks"));
            }
            alpha = size >= 56 && number(66)? != 0;
        }
        let most = if bits <= 8 { 1 << bits } else { 0 };
        let colours = if used == 0 { most } else { used.min(most) };
        Ok(Self {
            width: u32::try_from(width).map_err(|_| damaged("has a negative width"))?,
            height: height.unsigned_abs(),
            top_down: height < 0,
            bits,
            alpha,
            pixels,
            palette: (palette, colours),
            colour: 4,
        })
    }

    /// The colours of the palette: blue, green, red.
    fn palette(&self, bytes: &[u8]) -> Result<Vec<[u8; 3]>, ReadError> {
        let (at, colours) = self.palette;
        let table = bytes.get(at..).and_then(|rest| rest.get(..colours * self.colour)).ok_or_else(cut_short)?;
        Ok(table.chunks_exact(self.colour).map(|colour| [colour[0], colour[1], colour[2]]).collect())
    }
}

fn check(bits: u16, compression: u32) -> Result<(), ReadError> {
    match (bits, compression) {
        (1 | 4 | 8 | 24 | 32, PLAIN) | (32, MASKS) => Ok(()),
        (16, _) => Err(not_read("16 bits per pixel")),
        (_, PLAIN | MASKS) => Err(damaged("has a BMP header with an impossible depth")),
        _ => Err(not_read("compressed pixels")),
    }
}

fn not_read(what: &str) -> ReadError {
    ReadError::Unsupported(format!(
        "is a BMP image with {what}, which is not read; convert it first, for example `magick IN OUT.png`"
    ))
}
