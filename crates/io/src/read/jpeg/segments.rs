//! The marker segments of a JPEG file: what it is, and its metadata.
//!
//! Read as libjpeg does: bytes between segments are skipped, and so is what no segment can be.

use std::ops::Range;

/// Start of the APP1 segment of Exif.
const EXIF: &[u8] = b"Exif\0\0";
/// Start of the APP1 segment of XMP.
const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
/// Start of the APP1 segments of the part of XMP that does not fit into one segment.
const EXTENDED_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
/// Start of the APP2 segments of an ICC profile.
const ICC: &[u8] = b"ICC_PROFILE\0";
/// Start of the APP2 segment that lists further images (CIPA DC-007).
const MULTI_PICTURE: &[u8] = b"MPF\0";
/// Start of the APP13 segment of Photoshop.
const PHOTOSHOP: &[u8] = b"Photoshop 3.0\0";

/// The frame header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Frame {
    /// Marker code, 0xC0 to 0xCF: how the frame is coded.
    pub(super) code: u8,
    pub(super) bits: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    /// Name of each component.
    pub(super) ids: Vec<u8>,
    /// Sampling factors of each component, horizontal and vertical.
    pub(super) sampling: Vec<(u8, u8)>,
}

/// What the segments before and between the scans say.
#[derive(Debug, Default)]
pub(super) struct Segments<'a> {
    pub(super) frame: Option<Frame>,
    /// Number of components of each scan.
    pub(super) scans: Vec<u8>,
    /// In parts, where it does not fit into one segment.
    pub(super) exif: Option<Vec<u8>>,
    pub(super) xmp: Option<&'a [u8]>,
    /// Parts of the ICC profile: number, count, content.
    icc: Vec<(u8, u8, &'a [u8])>,
    /// Unit (1 = inch, 2 = centimetre) and pixels per unit.
    pub(super) density: Option<(u8, u16, u16)>,
    /// Whether an Adobe segment is there, and its colour transform.
    pub(super) adobe: Option<u8>,
    /// What is there that is not kept, in words.
    pub(super) dropped: Vec<&'static str>,
    /// Whether the marker of the end of the image was found.
    pub(super) ended: bool,
}

impl<'a> Segments<'a> {
    /// Reads the segments up to the end of the image.
    pub(super) fn read(bytes: &'a [u8]) -> Self {
        let mut segments = Self::default();
        let mut at = 2;
        while let Some((code, content)) = next(bytes, &mut at) {
            if code == 0xd9 {
                segments.ended = true;
                if segments.frame.is_some() {
                    break;
                }
                continue;
            }
            segments.take(code, &bytes[content]);
        }
        segments
    }

    fn take(&mut self, code: u8, content: &'a [u8]) {
        match code {
            0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) && self.frame.is_none() => {
                self.frame = frame(code, content)
            }
            0xda => self.scans.extend(content.first()),
            0xe0 => {
                if let Some(&[unit, x1, x2, y1, y2]) = content.strip_prefix(b"JFIF\0").and_then(|c| c.get(2..7)) {
                    self.density = Some((unit, u16::from_be_bytes([x1, x2]), u16::from_be_bytes([y1, y2])));
                }
            }
            0xe1 => {
                let part = |start: &[u8]| content.strip_prefix(start);
                if let Some(exif) = part(EXIF) {
                    self.exif.get_or_insert_default().extend(exif);
                } else if let Some(xmp) = part(XMP) {
                    self.xmp.get_or_insert(xmp);
                } else if part(EXTENDED_XMP).is_some() {
                    self.drop("its extended XMP");
                }
            }
            0xe2 => {
                if let Some([number, count, part @ ..]) = content.strip_prefix(ICC) {
                    self.icc.push((*number, *count, part));
                } else if content.starts_with(MULTI_PICTURE) {
                    self.drop("its further images (such as a gain map or a preview)");
                }
            }
            0xed if content.starts_with(PHOTOSHOP) => self.drop("its Photoshop data (IPTC)"),
            0xee => self.adobe = content.strip_prefix(b"Adobe").and_then(|c| c.get(6).copied()).or(self.adobe),
            0xfe => self.drop("its comment"),
            _ => {}
        }
    }

    fn drop(&mut self, what: &'static str) {
        if !self.dropped.contains(&what) {
            self.dropped.push(what);
        }
    }

    /// The ICC profile of its parts in the order of their numbers, whatever these begin with. A
    /// profile that is there twice is taken once.
    pub(super) fn icc(&self) -> Option<Vec<u8>> {
        let mut parts: Vec<_> = self.icc.iter().collect();
        parts.sort_by_key(|(number, ..)| *number);
        parts.dedup();
        let whole: Vec<u8> = parts.iter().flat_map(|(.., part)| *part).copied().collect();
        // A profile begins with its length; what stands behind is not part of it.
        let length = u32::from_be_bytes(*whole.first_chunk::<4>()?) as usize;
        let profile = whole.get(..length).filter(|_| length >= 128).map(<[u8]>::to_vec);
        Some(profile.unwrap_or(whole))
    }
}

/// The next marker with its segment, behind `at`: its code, and where its content stands.
pub(super) fn next(bytes: &[u8], at: &mut usize) -> Option<(u8, Range<usize>)> {
    loop {
        // In coded data and elsewhere, FF 00 and restart markers are no segments.
        let skipped = bytes.get(*at..)?.iter().position(|byte| *byte == 0xff)?;
        *at += skipped + 1;
        let code = *bytes.get(*at)?;
        match code {
            0xff => continue,
            0x00 | 0x01 | 0xd0..=0xd8 => *at += 1,
            0xd9 => {
                *at += 1;
                return Some((code, *at..*at));
            }
            _ => {
                let length = usize::from(u16::from_be_bytes([*bytes.get(*at + 1)?, *bytes.get(*at + 2)?]));
                let content = *at + 3..(*at + 1 + length.max(2)).min(bytes.len());
                *at = content.end;
                return Some((code, content.start.min(content.end)..content.end));
            }
        }
    }
}

fn frame(code: u8, content: &[u8]) -> Option<Frame> {
    let [bits, h1, h2, w1, w2, count, components @ ..] = content else { return None };
    let ids = components.chunks_exact(3).take(usize::from(*count)).map(|c| c[0]).collect();
    let sampling = components.chunks_exact(3).take(usize::from(*count)).map(|c| (c[1] >> 4, c[1] & 15)).collect();
    let (width, height) = (u16::from_be_bytes([*w1, *w2]), u16::from_be_bytes([*h1, *h2]));
    Some(Frame { code, bits: *bits, width, height, ids, sampling })
}

impl Frame {
    /// Number of components.
    pub(super) fn components(&self) -> usize {
        self.sampling.len()
    }

    /// Whether each sample is coded on its own, without transform.
    pub(super) fn is_lossless(&self) -> bool {
        matches!(self.code, 0xc3 | 0xcb)
    }

    /// Whether a later component has more samples than the first, or a number of them that does not
    /// divide the largest.
    pub(super) fn has_fine_chroma(&self) -> bool {
        let Some(&(h, v)) = self.sampling.first() else { return false };
        self.sampling.iter().any(|&(a, b)| a > h || b > v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(code: u8, content: &[u8]) -> Vec<u8> {
        [&[0xff, code], &(content.len() as u16 + 2).to_be_bytes()[..], content].concat()
    }

    #[test]
    fn segments_are_found_behind_junk() {
        let bytes = [
            vec![0xff, 0xd8, 7, 7],
            segment(0xe1, b"Exif\0\0II"),
            vec![1, 2, 0xff, 0xff],
            segment(0xc0, &[8, 0, 5, 0, 6, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1])[1..].to_vec(),
            segment(0xda, &[1, 1, 0]),
            vec![0x12, 0xff, 0x00, 0xff, 0xd0, 0x34],
            segment(0xda, &[2, 2, 0]),
            vec![0xff, 0xd9],
            segment(0xfe, b"trailing"),
        ]
        .concat();
        let segments = Segments::read(&bytes);
        assert_eq!(segments.exif.as_deref(), Some(&b"II"[..]));
        let frame = segments.frame.as_ref().unwrap();
        assert_eq!((frame.width, frame.height, frame.bits, frame.code), (6, 5, 8, 0xc0));
        assert_eq!(frame.sampling, [(2, 2), (1, 1), (1, 1)]);
        assert_eq!(segments.scans, [1, 2]);
        assert!(segments.ended && segments.dropped.is_empty());
        for end in 0..bytes.len() {
            Segments::read(&bytes[..end]);
        }
    }

    #[test]
    fn profiles_in_parts_in_any_numbering() {
        let profile: Vec<u8> = [&300u32.to_be_bytes()[..], &[5; 296]].concat();
        let part = |number, count, part: &[u8]| segment(0xe2, &[ICC, &[number, count], part].concat());
        for parts in [
            [part(1, 2, &profile[..100]), part(2, 2, &profile[100..])],
            [part(2, 2, &profile[100..]), part(1, 2, &profile[..100])],
            [part(0, 2, &profile[..100]), part(1, 2, &profile[100..])],
            [part(1, 1, &profile), part(1, 1, &profile)],
            [part(0, 0, &profile), vec![]],
        ] {
            let bytes = [&[0xff, 0xd8][..], &parts.concat()].concat();
            assert_eq!(Segments::read(&bytes).icc(), Some(profile.clone()));
        }
        assert_eq!(Segments::read(&[0xff, 0xd8]).icc(), None);
    }
}
