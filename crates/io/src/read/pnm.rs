//! PBM, PGM, PPM and PAM, plain and raw (the netpbm formats P1 to P7).

use heirloom_codec::image::{Image, Metadata};

use super::frame::{Frame, to_8_bits};
use super::options::{Depth, ReadOptions};
use super::refusals::{cut_short, damaged};
use crate::ReadError;

/// Reads the first image of a file. White and black of bitmaps become 255 and 0.
///
/// A buffer is allocated only when the file is long enough for the samples that its header
/// announces.
pub(super) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Image, ReadError> {
    let kind = bytes[1];
    let mut rest = Rest(&bytes[2..]);
    let Header { width, height, depth, max } = Header::read(kind, &mut rest)?;
    if !(1..=4).contains(&depth) {
        return Err(ReadError::Unsupported(format!("has {depth} samples per pixel; grey (1) and RGB (3) are read")));
    }
    let bits = if max > 255 { 16 } else { 8 };
    let frame = Frame::new((width, height), depth < 3, depth % 2 == 0, bits, options)?;
    let is_bitmap = matches!(kind, b'1' | b'4');
    if !is_bitmap && max != 255 && options.depth == Depth::Refuse {
        return Err(ReadError::Unsupported(format!(
            "has samples up to {max} instead of 255; convert it first, for example `magick IN -depth 8 OUT.png`"
        )));
    }
    let max = u16::try_from(max).ok().filter(|max| *max > 0);
    let max = max.ok_or_else(|| damaged("has a maximum that no PNM file can have"))?;
    let frame = frame.reduced();
    let count = frame.samples()?;
    let samples = match kind {
        // A bitmap needs one digit per sample, other plain formats a digit and a space.
        b'1' => {
            rest.holds(count)?;
            (0..count).map(|_| rest.bit().map(|bit| 255 * (1 - bit))).collect::<Result<_, _>>()?
        }
        b'2' | b'3' => {
            rest.holds((2 * count).saturating_sub(1))?;
            (0..count).map(|_| rest.sample(max)).collect::<Result<_, _>>()?
        }
        b'4' => {
            let width = width as usize;
            let row = width.div_ceil(8);
            let raw = rest.raw(row * height as usize)?;
            let mut samples = frame.buffer()?;
            for (to, from) in samples.chunks_exact_mut(width.max(1)).zip(raw.chunks_exact(row.max(1))) {
                to.iter_mut().enumerate().for_each(|(x, to)| *to = 255 * (1 - (from[x / 8] >> (7 - x % 8) & 1)));
            }
            samples
        }
        _ if max > 255 => rest
            .raw(count.checked_mul(2).ok_or_else(cut_short)?)?
            .as_chunks::<2>()
            .0
            .iter()
            .map(|&two| in_range(u16::from_be_bytes(two).into(), max))
            .collect::<Result<_, _>>()?,
        _ if max < 255 => rest.raw(count)?.iter().map(|&one| in_range(one.into(), max)).collect::<Result<_, _>>()?,
        _ => rest.raw(count)?.to_vec(),
    };
    frame.image(samples, Metadata::default())
}

/// A sample as 8 bits.
fn in_range(value: u32, max: u16) -> Result<u8, ReadError> {
    match u16::try_from(value) {
        Ok(value) if value <= max => Ok(to_8_bits(value, max)),
        _ => Err(ReadError::Damaged(format!("is a PNM file with a sample of {value}, more than {max}"))),
    }
}

/// Size in pixels, samples per pixel, and the sample value of full brightness.
#[derive(Default)]
struct Header {
    width: u32,
    height: u32,
    depth: u32,
    max: u32,
}

impl Header {
    fn read(kind: u8, rest: &mut Rest) -> Result<Self, ReadError> {
        match kind {
            b'7' => rest.pam(),
            b'1' | b'4' => Ok(Self { width: rest.number()?, height: rest.number()?, depth: 1, max: 1 }),
            _ => {
                let depth = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
                Ok(Self { width: rest.number()?, height: rest.number()?, depth, max: rest.number()? })
            }
        }
    }
}

/// The part of a file that is not read yet.
struct Rest<'a>(&'a [u8]);

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
                b"TUPLTYPE" => self.0 = &self.0[self.0.iter().take_while(|byte| **byte != b'\n').count()..],
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

    /// A sample in plain digits, as 8 bits.
    fn sample(&mut self, max: u16) -> Result<u8, ReadError> {
        in_range(self.number()?, max)
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
