//! PBM, PGM, PPM and PAM, plain and raw (the netpbm formats P1 to P7).

use heirloom_codec::image::{Image, Metadata};

use super::{Frame, cut};
use crate::failure::Failure;

/// Reads the first image of a file. White and black of bitmaps become 255 and 0.
pub fn read(bytes: &[u8]) -> Result<Image, Failure> {
    let kind = bytes[1];
    let mut rest = Rest(&bytes[2..]);
    let header = match kind {
        b'7' => rest.pam()?,
        b'1' | b'4' => Header { width: rest.number()?, height: rest.number()?, depth: 1, most: 1 },
        _ => {
            let depth = if matches!(kind, b'3' | b'6') { 3 } else { 1 };
            Header { width: rest.number()?, height: rest.number()?, depth, most: rest.number()? }
        }
    };
    let Header { width, height, depth, most } = header;
    if !(1..=4).contains(&depth) {
        return Err(Failure::unsupported(format!(
            "has {depth} samples per pixel; grey and RGB are coded, with 1 and 3"
        )));
    }
    let frame = Frame::new((width, height), depth < 3, depth % 2 == 0, if most > 255 { 16 } else { 8 })?;
    if !matches!(kind, b'1' | b'4') && most != 255 {
        return Err(Failure::unsupported(format!(
            "has samples up to {most} instead of 255; convert it first, for example `magick IN -depth 8 OUT.png`"
        )));
    }
    let mut samples = frame.room()?;
    match kind {
        b'1' => samples.iter_mut().try_for_each(|to| rest.bit().map(|bit| *to = 255 * (1 - bit)))?,
        b'2' | b'3' => samples.iter_mut().try_for_each(|to| rest.sample().map(|value| *to = value))?,
        b'4' => {
            let width = width as usize;
            let row = width.div_ceil(8);
            let raw = rest.raw(row * height as usize)?;
            for (to, from) in samples.chunks_exact_mut(width.max(1)).zip(raw.chunks_exact(row.max(1))) {
                to.iter_mut().enumerate().for_each(|(x, to)| *to = 255 * (1 - (from[x / 8] >> (7 - x % 8) & 1)));
            }
        }
        _ => {
            let raw = rest.raw(samples.len())?;
            samples.copy_from_slice(raw);
        }
    }
    frame.image(samples, Metadata::default())
}

/// Sides in pixels, samples per pixel and the value of the brightest.
#[derive(Default)]
struct Header {
    width: u32,
    height: u32,
    depth: u32,
    most: u32,
}

/// What is left of a file.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    /// Leaves out white space, and comments from `#` to the end of the line.
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

    /// The lines of a PAM file up to `ENDHDR`. What its samples are is told by how many there are.
    fn pam(&mut self) -> Result<Header, Failure> {
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
                b"MAXVAL" => header.most = self.number()?,
                b"TUPLTYPE" => self.0 = &self.0[self.0.iter().take_while(|byte| **byte != b'\n').count()..],
                _ if rest.is_empty() => return Err(cut()),
                _ => return Err(Failure::damaged("the PAM file has a line that is none of its header")),
            }
        }
    }

    fn number(&mut self) -> Result<u32, Failure> {
        self.skip();
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (number, rest) = self.0.split_at(digits);
        if rest.is_empty() && digits == 0 {
            return Err(cut());
        }
        self.0 = rest;
        let number = std::str::from_utf8(number).ok().and_then(|number| number.parse().ok());
        number.ok_or_else(|| Failure::damaged("the PNM file has no number where one should be"))
    }

    fn sample(&mut self) -> Result<u8, Failure> {
        let value = self.number()?;
        u8::try_from(value)
            .map_err(|_| Failure::damaged(format!("the PNM file has a sample of {value}, more than 255")))
    }

    /// A digit of a plain bitmap, which needs no space around it.
    fn bit(&mut self) -> Result<u8, Failure> {
        self.skip();
        let (first, rest) = self.0.split_first().ok_or_else(cut)?;
        self.0 = rest;
        match first {
            b'0' | b'1' => Ok(first - b'0'),
            _ => Err(Failure::damaged("the PNM file has no 0 or 1 where one should be")),
        }
    }

    /// Raw samples, which begin after a single white space.
    fn raw(&self, length: usize) -> Result<&'a [u8], Failure> {
        self.0.get(1..).and_then(|raw| raw.get(..length)).ok_or_else(cut)
    }
}
