//! Exif and TIFF directories: the orientation and resolution of an image, and Exif made of what
//! other formats say in their own words.
//!
//! Exif is a TIFF structure: a byte order, and directories of entries with a tag, a kind, a number
//! of values, and the values or their position.

/// Number of columns of pixels per unit.
pub(crate) const X_RESOLUTION: u16 = 282;
/// Number of rows of pixels per unit.
pub(crate) const Y_RESOLUTION: u16 = 283;
/// Unit of the resolution: 2 = inch, 3 = centimetre.
pub(crate) const RESOLUTION_UNIT: u16 = 296;
/// How the image is to be turned and mirrored, 1 to 8.
pub(crate) const ORIENTATION: u16 = 274;
/// Position of the directory of Exif proper.
pub(crate) const EXIF_DIRECTORY: u16 = 34665;
/// Position of the directory of the place.
pub(crate) const GPS_DIRECTORY: u16 = 34853;

const TEXT: u16 = 2;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;

/// Most entries that a directory may have.
const MAX_ENTRIES: usize = 4096;

/// One entry of a directory, with its values in the byte order of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) tag: u16,
    kind: u16,
    count: u32,
    value: Vec<u8>,
}

impl Entry {
    /// The value of a text, without the zero at its end.
    pub(crate) fn text(&self) -> Option<&str> {
        let text = std::str::from_utf8(&self.value).ok().filter(|_| self.kind == TEXT)?;
        Some(text.trim_end_matches('\0'))
    }

    /// Whether an image without the entry is shown just the same: an upright orientation, and a
    /// resolution without a unit or of one pixel per unit.
    pub(crate) fn says_nothing(&self) -> bool {
        match self.tag {
            ORIENTATION => matches!(self.value[..], [1, 0] | [0, 1]),
            RESOLUTION_UNIT => true,
            X_RESOLUTION | Y_RESOLUTION => {
                let parts = self.value.first_chunk::<4>().zip(self.value.last_chunk::<4>());
                self.value.len() == 8 && parts.is_some_and(|(numerator, denominator)| numerator == denominator)
            }
            _ => false,
        }
    }
}

/// A TIFF structure, and its byte order.
#[derive(Clone, Copy)]
pub(crate) struct Tiff<'a> {
    bytes: &'a [u8],
    big_endian: bool,
}

impl<'a> Tiff<'a> {
    /// `None` for what is not a classic TIFF structure.
    pub(crate) fn new(bytes: &'a [u8]) -> Option<Self> {
        let big_endian = match bytes.get(..4)? {
            b"II*\0" => false,
            b"MM\0*" => true,
            _ => return None,
        };
        Some(Self { bytes, big_endian })
    }

    fn short(&self, at: usize) -> Option<u16> {
        let two = self.bytes.get(at..at.checked_add(2)?)?.try_into().ok()?;
        Some(if self.big_endian { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    }

    fn long(&self, at: usize) -> Option<u32> {
        let four = self.bytes.get(at..at.checked_add(4)?)?.try_into().ok()?;
        Some(if self.big_endian { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) })
    }

    /// Position of the first directory.
    fn first(&self) -> Option<usize> {
        self.long(4).map(|at| at as usize)
    }

    /// The entries of the directory at a position that can be read.
    fn directory(&self, at: usize) -> Vec<Entry> {
        let count = usize::from(self.short(at).unwrap_or(0)).min(MAX_ENTRIES);
        (0..count).filter_map(|i| self.entry(at + 2 + 12 * i)).collect()
    }

    fn entry(&self, at: usize) -> Option<Entry> {
        let (tag, kind, count) = (self.short(at)?, self.short(at + 2)?, self.long(at + 4)?);
        let length = (count as usize).checked_mul(match kind {
            1 | 2 | 6 | 7 => 1,
            3 | 8 => 2,
            4 | 9 | 11 => 4,
            5 | 10 | 12 => 8,
            _ => return None,
        })?;
        let start = if length <= 4 { at + 8 } else { self.long(at + 8)? as usize };
        let value = self.bytes.get(start..start.checked_add(length)?)?.to_vec();
        Some(Entry { tag, kind, count, value })
    }

    /// The entries of the first directory.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        self.first().map(|at| self.directory(at)).unwrap_or_default()
    }

    /// The entries of the directory that an entry of the first one points to.
    pub(crate) fn sub_entries(&self, tag: u16) -> Vec<Entry> {
        let entry = self.entries().into_iter().find(|entry| entry.tag == tag && entry.kind == LONG && entry.count == 1);
        let at = entry.and_then(|entry| Tiff { bytes: &entry.value, ..*self }.long(0));
        at.map(|at| self.directory(at as usize)).unwrap_or_default()
    }

    /// Exif of the entries that `keep` takes from the first directory, and of the directories of
    /// Exif proper and of the place; `None` if nothing is left.
    pub(crate) fn to_exif(self, keep: impl Fn(u16) -> bool) -> Option<Vec<u8>> {
        let mut entries: Vec<Entry> = self.entries().into_iter().filter(|entry| keep(entry.tag)).collect();
        let (exif, gps) = (self.sub_entries(EXIF_DIRECTORY), self.sub_entries(GPS_DIRECTORY));
        if entries.is_empty() && exif.is_empty() && gps.is_empty() {
            return None;
        }
        let mut out = Out::new(self.big_endian);
        // The places of the directories are filled in when they are known.
        for (tag, directory) in [(EXIF_DIRECTORY, &exif), (GPS_DIRECTORY, &gps)] {
            if !directory.is_empty() {
                entries.push(Entry { tag, kind: LONG, count: 1, value: vec![0; 4] });
            }
        }
        entries.sort_by_key(|entry| entry.tag);
        out.directory(&entries);
        for (tag, directory) in [(EXIF_DIRECTORY, exif), (GPS_DIRECTORY, gps)] {
            if let Some(i) = entries.iter().position(|entry| entry.tag == tag) {
                let place = out.bytes.len() as u32;
                out.put_long(8 + 2 + 12 * i + 8, place);
                out.directory(&directory);
            }
        }
        Some(out.bytes)
    }
}

/// A TIFF structure being written.
struct Out {
    bytes: Vec<u8>,
    big_endian: bool,
}

impl Out {
    fn new(big_endian: bool) -> Self {
        let bytes = if big_endian { b"MM\0*\0\0\0\x08".to_vec() } else { b"II*\0\x08\0\0\0".to_vec() };
        Self { bytes, big_endian }
    }

    fn short(&mut self, value: u16) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn long(&mut self, value: u32) {
        self.bytes.extend(if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() });
    }

    fn put_long(&mut self, at: usize, value: u32) {
        let four = if self.big_endian { value.to_be_bytes() } else { value.to_le_bytes() };
        self.bytes[at..at + 4].copy_from_slice(&four);
    }

    /// Appends a directory that no other follows, and its values.
    fn directory(&mut self, entries: &[Entry]) {
        let mut values = self.bytes.len() + 2 + 12 * entries.len() + 4;
        self.short(entries.len() as u16);
        for Entry { tag, kind, count, value } in entries {
            self.short(*tag);
            self.short(*kind);
            self.long(*count);
            if value.len() <= 4 {
                self.bytes.extend(value);
                self.bytes.extend(std::iter::repeat_n(0, 4 - value.len()));
            } else {
                self.long(values as u32);
                values += value.len().next_multiple_of(2);
            }
        }
        self.long(0);
        for Entry { value, .. } in entries.iter().filter(|entry| entry.value.len() > 4) {
            self.bytes.extend(value);
            self.bytes.extend(std::iter::repeat_n(0, value.len() % 2));
        }
    }
}

/// An entry of one 16-bit value, little-endian.
pub(crate) fn short(tag: u16, value: u16) -> Entry {
    Entry { tag, kind: SHORT, count: 1, value: value.to_le_bytes().to_vec() }
}

#[cfg(test)]
/// The entries of a resolution in pixels per unit (2 = inch, 3 = centimetre), little-endian.
pub(crate) fn resolution(x: (u32, u32), y: (u32, u32), unit: u16) -> [Entry; 3] {
    let rational = |tag, (numerator, denominator): (u32, u32)| Entry {
        tag,
        kind: RATIONAL,
        count: 1,
        value: [numerator.to_le_bytes(), denominator.to_le_bytes()].concat(),
    };
    [rational(X_RESOLUTION, x), rational(Y_RESOLUTION, y), short(RESOLUTION_UNIT, unit)]
}

/// Exif of little-endian entries, in the order of their tags.
pub(crate) fn built(entries: &[Entry]) -> Vec<u8> {
    let mut out = Out::new(false);
    out.directory(entries);
    out.bytes
}

/// The orientation of an image by its Exif: 1 to 8, if there is one.
pub(crate) fn orientation(exif: &[u8]) -> Option<u16> {
    let tiff = Tiff::new(exif)?;
    let at = orientation_at(tiff)?;
    tiff.short(at).filter(|turn| (1..=8).contains(turn))
}

/// Changes the orientation, where there is one.
pub(crate) fn set_orientation(exif: &mut [u8], turn: u16) {
    let Some(tiff) = Tiff::new(exif) else { return };
    let (Some(at), big_endian) = (orientation_at(tiff), tiff.big_endian) else { return };
    exif[at..at + 2].copy_from_slice(&if big_endian { turn.to_be_bytes() } else { turn.to_le_bytes() });
}

fn orientation_at(tiff: Tiff<'_>) -> Option<usize> {
    let directory = tiff.first()?;
    let count = usize::from(tiff.short(directory)?).min(MAX_ENTRIES);
    let at = (0..count).map(|i| directory + 2 + 12 * i).find(|&at| tiff.short(at) == Some(ORIENTATION))?;
    (tiff.short(at + 2) == Some(SHORT) && tiff.short(at + 8).is_some()).then_some(at + 8)
}

/// The resolution of an image by its Exif in pixels per inch, horizontal and vertical.
pub(crate) fn pixels_per_inch(exif: &[u8]) -> Option<(f64, f64)> {
    let tiff = Tiff::new(exif)?;
    let entries = tiff.entries();
    let find = |tag| entries.iter().find(|entry| entry.tag == tag);
    let rational = |tag| {
        let entry = find(tag).filter(|entry| entry.kind == RATIONAL && entry.count == 1)?;
        let value = Tiff { bytes: &entry.value, ..tiff };
        let (numerator, denominator) = (value.long(0)?, value.long(4)?);
        (numerator > 0 && denominator > 0).then(|| f64::from(numerator) / f64::from(denominator))
    };
    let unit = find(RESOLUTION_UNIT).and_then(|entry| Tiff { bytes: &entry.value, ..tiff }.short(0)).unwrap_or(2);
    let factor = match unit {
        2 => 1.0,
        3 => 2.54,
        _ => return None,
    };
    Some((rational(X_RESOLUTION)? * factor, rational(Y_RESOLUTION)? * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_found_again() {
        let mut entries = vec![short(ORIENTATION, 6)];
        entries.extend(resolution((300, 1), (600, 2), 2));
        let mut exif = built(&entries);
        assert_eq!(orientation(&exif), Some(6));
        assert_eq!(pixels_per_inch(&exif), Some((300.0, 300.0)));
        assert_eq!(Tiff::new(&exif).unwrap().entries(), entries);
        set_orientation(&mut exif, 1);
        assert_eq!(orientation(&exif), Some(1));
        for end in 0..exif.len() {
            let _ = (orientation(&exif[..end]), pixels_per_inch(&exif[..end]));
        }
        assert_eq!(orientation(b"II*\0\x08\0\0\0\0\0"), None);
        assert_eq!(orientation(b"GIF89a"), None);
    }

    #[test]
    fn directories_are_copied_in_either_byte_order() {
        for big_endian in [false, true] {
            let mut out = Out::new(big_endian);
            let text = |tag| Entry { tag, kind: 2, count: 5, value: b"make\0".to_vec() };
            let place = 8 + 2 + 12 * 3 + 4 + 6;
            let mut pointer = Out { bytes: Vec::new(), big_endian };
            pointer.long(place);
            out.directory(&[
                Entry { tag: 256, kind: SHORT, count: 1, value: vec![1, 1] },
                text(271),
                Entry { tag: EXIF_DIRECTORY, kind: LONG, count: 1, value: pointer.bytes },
            ]);
            assert_eq!(out.bytes.len(), place as usize);
            out.directory(&[text(0x9286)]);
            let exif = Tiff::new(&out.bytes).unwrap().to_exif(|tag| tag == 271).unwrap();
            let copy = Tiff::new(&exif).unwrap();
            assert_eq!(copy.entries().iter().map(|entry| entry.tag).collect::<Vec<_>>(), [271, EXIF_DIRECTORY]);
            assert_eq!(copy.entries()[0], text(271));
            assert_eq!(copy.sub_entries(EXIF_DIRECTORY), [text(0x9286)]);
        }
    }
}
