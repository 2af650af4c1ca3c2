//! Which format a file has, by its content and never by its name.

/// A format that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    WebP,
    Tiff,
    Gif,
    Bmp,
    Qoi,
    Pnm,
    JpegXl,
    Tga,
}

/// The format of a file, by its first bytes; TGA, which has no signature, by its whole header.
pub(crate) fn kind(bytes: &[u8]) -> Option<Kind> {
    Some(match bytes {
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Kind::Png,
        [0xff, 0xd8, 0xff, ..] => Kind::Jpeg,
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Kind::WebP,
        [b'I', b'I', 42 | 43, 0, ..] | [b'M', b'M', 0, 42 | 43, ..] => Kind::Tiff,
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Kind::Gif,
        [b'B', b'M', ..] => Kind::Bmp,
        [b'q', b'o', b'i', b'f', ..] => Kind::Qoi,
        [b'P', b'1'..=b'7', ..] => Kind::Pnm,
        [0xff, 0x0a, ..] | [0, 0, 0, 12, b'J', b'X', b'L', b' ', b'\r', b'\n', 0x87, b'\n', ..] => Kind::JpegXl,
        _ if is_tga(bytes) => Kind::Tga,
        _ => return None,
    })
}

/// What a file is that is not read, to tell what to do with it.
pub(super) fn other(bytes: &[u8]) -> &'static str {
    let brand = |names: &[&[u8]]| bytes.get(4..8) == Some(b"ftyp") && names.iter().any(|n| bytes.get(8..12) == Some(n));
    match bytes {
        [0x89, b'H', b'L', b'M', ..] => "is a Heirloom file, not an image to encode; `heirloom decode` reads it",
        _ if brand(&[b"avif", b"avis"]) => {
            "is an AVIF image, which is not read; convert it first, for example `avifdec IN OUT.png`"
        }
        _ if brand(&[b"heic", b"heix", b"mif1", b"heim", b"hevc"]) => {
            "is a HEIF image, which is not read; convert it first, for example `heif-convert IN OUT.png`"
        }
        _ => {
            "is not a PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM or JPEG XL image; convert it first, for example \
             `magick IN OUT.png`"
        }
    }
}

/// Whether all fields of a TGA header have values that go together.
fn is_tga(bytes: &[u8]) -> bool {
    let Some(header) = bytes.first_chunk::<18>() else { return false };
    let [_, map, kind, _, _, map_low, map_high, map_bits, ..] = *header;
    let (width, height) = (u16::from_le_bytes([header[12], header[13]]), u16::from_le_bytes([header[14], header[15]]));
    let (bits, descriptor) = (header[16], header[17]);
    let entries = u16::from_le_bytes([map_low, map_high]);
    let map_fits = match map {
        0 => entries == 0 || matches!(kind, 2 | 3 | 10 | 11),
        1 => entries > 0 && matches!(map_bits, 15 | 16 | 24 | 32),
        _ => false,
    };
    let kind_fits = match kind {
        1 | 9 => map == 1 && matches!(bits, 8 | 16),
        2 | 10 => matches!(bits, 15 | 16 | 24 | 32),
        3 | 11 => matches!(bits, 8 | 16),
        _ => false,
    };
    map_fits && kind_fits && width > 0 && height > 0 && descriptor & 0xc0 == 0 && descriptor & 0x0f <= 8
}
