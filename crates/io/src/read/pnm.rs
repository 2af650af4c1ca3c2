//! PBM, PGM, PPM and PAM, plain and raw (the netpbm formats P1 to P7).
//!
//! The library `image` allocates what a header announces, and says of a file that is cut short only
//! that it could not fill a buffer.

use heirloom_codec::image::{Image, Metadata, Samples};

use super::reading::{Reading, image, zeros};
use super::refusals::{cut_short, damaged};
use crate::ReadError;

/// Reads the first image of a file. White and black of bitmaps become 255 and 0. Samples up to 255
/// are scaled to 8 bits, others to 16.
///
/// A buffer is allocated only when the file is long enough for the samples that its header
/// announces.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    reading.frame(1, "images")?;
    let kind = bytes[1];
    let mut rest = Rest(&bytes[2..]);
    let Header { width, height, depth, max, is_bitmap } = Header::read(kind, &mut rest)?;
    if !(1..=4).contains(&depth) {
        return Err(ReadError::Unsupported(format!("has {depth} samples per pixel; images of 1 to 4 are read")));
    }
    let max = u16::try_from(max).ok().filter(|max| *max > 0);
    let max = max.ok_or_else(|| damaged("has a maximum that no PNM file can have"))?;
    let count = reading.count(width, height, depth as usize, if max > 255 { 2 } else { 1 })?;
    if !is_bitmap && !matches!(max, 255 | 65535) {
        reading.note(format!("its samples of up to {max} were scaled to {} bits", if max > 255 { 16 } else { 8 }));
    }
    let samples = match kind {
        // A bitmap needs one digit per sample, other plain formats a digit and a space.
        b'1' => {
            rest.holds(count)?;
            Samples::U8((0..count).map(|_| rest.bit().map(|bit| 255 * (1 - bit))).collect::<Result<_, _>>()?)
        }
        b'4' => {
            let width = width as usize;
            let row = width.div_ceil(8);
            let raw = rest.raw(row * height as usize)?;
            let mut samples = zeros::<u8>(count)?;
            for (to, from) in samples.chunks_exact_mut(width.max(1)).zip(raw.chunks_exact(row.max(1))) {
                to.iter_mut().enumerate().for_each(|(x, to)| *to = 255 * (1 - (from[x / 8] >> (7 - x % 8) & 1)));
            }
            Samples::U8(samples)
        }
        b'2' | b'3' => {
            rest.holds((2 * count).saturating_sub(1))?;
            collected(max, (0..count).map(|_| rest.number()))?
        }
        _ if max > 255 => {
            let raw = rest.raw(count.checked_mul(2).ok_or_else(cut_short)?)?;
            collected(max, raw.as_chunks::<2>().0.iter().map(|&two| Ok(u16::from_be_bytes(two).into())))?
        }
        _ if max < 255 => collected(max, rest.raw(count)?.iter().map(|&one| Ok(one.into())))?,
        _ => Samples::U8(rest.raw(count)?.to_vec()),
    };
    let alpha = depth % 2 == 0;
    image((width, height), if depth < 3 { 1 } else { 3 }, alpha, samples, Metadata::default())
}

/// Samples of up to `max` as 8 or 16 bits, rounded to nearest.
fn collected(max: u16, values: impl Iterator<Item = Result<u32, ReadError>>) -> Result<Samples, ReadError> {
    let scaled = |value: Result<u32, ReadError>, full: u32| match value? {
        value if value <= u32::from(max) => Ok((value * full + u32::from(max) / 2) / u32::from(max)),
        value => Err(ReadError::Damaged(format!("is a PNM file with a sample of {value}, more than {max}"))),
    };
    Ok(if max > 255 {
        Samples::U16(values.map(|value| scaled(value, 65535).map(|v| v as u16)).collect::<Result<_, _>>()?)
    } else {
        Samples::U8(values.map(|value| scaled(value, 255).map(|v| v as u8)).collect::<Result<_, _>>()?)
    })
}

/// Size in pixels, samples per pixel, and the sample value of full brightness.
#[derive(Default)]
pub(crate) struct Header {
    pub width: u32,
    pub height: u32,
    pub depth: u32,
    pub max: u32,
    pub is_bitmap: bool,
}

impl Header {
    pub fn read(kind: u8, rest: &mut Rest) -> Result<Self, ReadError> {
        match kind {
            b'7' => rest.pam(),
            b'1' | b'4' => {
                Ok(Self { width: rest.number()?, height: rest.number()?, depth: 1, max: 1, is_bitmap: true })
            }
            _ => {
                let depth = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
                Ok(Self { width: rest.number()?, height: rest.number()?, depth, max: rest.number()?, is_bitmap: false })
            }
        }
    }
}

/// The part of a file that is not read yet.
pub(crate) struct Rest<'a>(pub &'a [u8]);

impl<'a> Rest<'a> {
    /// Skips white space, and comments from `#` to the end of the line.
    fn skip(&mut self) {
        while let [first, ..] = self.0 {
            let length = match first {
                b'#' => self.0.iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count(),
                byte if byte.is_ascii_whitespace() || *byte == 0x0b => 1,
                _ => return,
            };
            self.0 = &self.0[length..];
        }
    }

    /// Reads the header of a PAM file up to `ENDHDR`. The number of samples per pixel alone says
    /// what they are; the tuple type is ignored.
    fn pam(&mut self) -> Result<Header, ReadError> {
        let mut header = Header::default();
        loop {
            self.skip();
            let length = self.0.iter().take_while(|byte| !byte.is_ascii_whitespace()).count();
            let (name, rest) = self.0.split_at(length);
            self.0 = rest;
            match name {
                b"ENDHDR" => return Ok(header),
                b"WIDTH" => header.width = self.number()?,
                b"HEIGHT" => header.height = self.number()?,
                b"DEPTH" => header.depth = self.number()?,
                b"MAXVAL" => header.max = self.number()?,
                b"TUPLTYPE" => {
                    let line = self.0.iter().take_while(|byte| **byte != b'\n').count();
                    header.is_bitmap |= self.0[..line].trim_ascii().starts_with(b"BLACKANDWHITE");
                    self.0 = &self.0[line..];
                }
                _ if rest.is_empty() => return Err(cut_short()),
                _ => return Err(damaged("is a PAM file with an unknown line in its header")),
            }
        }
    }

    fn number(&mut self) -> Result<u32, ReadError> {
        self.skip();
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        if rest.is_empty() && digits == 0 {
            return Err(cut_short());
        }
        self.0 = rest;
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        number.ok_or_else(|| damaged("is a PNM file without a number where one must be"))
    }

    /// Checks that no fewer than `length` bytes are left.
    fn holds(&self, length: usize) -> Result<(), ReadError> {
        if self.0.len() < length { Err(cut_short()) } else { Ok(()) }
    }

    /// One digit of a plain bitmap; no space is needed between digits.
    fn bit(&mut self) -> Result<u8, ReadError> {
        self.skip();
        let (first, rest) = self.0.split_first().ok_or_else(cut_short)?;
        self.0 = rest;
        match first {
            b'0' | b'1' => Ok(first - b'0'),
            _ => Err(damaged("is a PNM file without a 0 or 1 where one must be")),
        }
    }

    /// `length` bytes of raw samples, which begin after a single white-space character.
    fn raw(&self, length: usize) -> Result<&'a [u8], ReadError> {
        self.0.get(1..).and_then(|raw| raw.get(..length)).ok_or_else(cut_short)
    }
}
