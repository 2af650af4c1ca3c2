//! What a file says about its image besides pixels.

/// Metadata of the image, carried verbatim.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Metadata {
    /// ICC colour profile.
    pub icc: Option<Vec<u8>>,
    /// Exif: the TIFF structure, without the `Exif\0\0` prefix of JPEG.
    pub exif: Option<Vec<u8>>,
    /// XMP packet.
    pub xmp: Option<Vec<u8>>,
    /// Coding-independent code points of the colour space.
    pub cicp: Option<Cicp>,
    /// Size of pixels in print.
    pub resolution: Option<Resolution>,
}

/// Coding-independent code points (ITU-T H.273), as in the `cICP` chunk of PNG. They come before an
/// ICC profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cicp {
    /// Colour primaries.
    pub primaries: u8,
    /// Transfer characteristics.
    pub transfer: u8,
    /// Matrix coefficients; 0 (RGB) for all images of this format.
    pub matrix: u8,
    /// Whether samples use their full range.
    pub full_range: bool,
}

/// How densely pixels lie, as in the `pHYs` chunk of PNG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Resolution {
    /// Pixels per unit in a row, at least 1.
    pub x: u32,
    /// Pixels per unit in a column, at least 1.
    pub y: u32,
    /// Whether the unit is the metre. Otherwise only the ratio of both means something.
    pub per_metre: bool,
}

impl Cicp {
    pub(super) fn to_bytes(self) -> [u8; 4] {
        [self.primaries, self.transfer, self.matrix, u8::from(self.full_range)]
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[primaries, transfer, matrix, full_range] = bytes else { return None };
        (full_range < 2).then_some(Self { primaries, transfer, matrix, full_range: full_range == 1 })
    }
}

impl Resolution {
    pub(super) fn to_bytes(self) -> [u8; 9] {
        let mut bytes = [0; 9];
        bytes[..4].copy_from_slice(&self.x.to_le_bytes());
        bytes[4..8].copy_from_slice(&self.y.to_le_bytes());
        bytes[8] = u8::from(self.per_metre);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let &[a, b, c, d, e, f, g, h, unit] = bytes else { return None };
        let (x, y) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        (x > 0 && y > 0 && unit < 2).then_some(Self { x, y, per_metre: unit == 1 })
    }
}
