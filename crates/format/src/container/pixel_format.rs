//! The formats of decoded pixels.

/// The format of decoded pixels: grey or RGB, with or without alpha, 8 or 16 bits per sample.
///
/// The network codes grey as three equal channels, and the decoder returns their mean. Alpha is
/// straight (the colour is not multiplied by it) and stands behind the colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PixelFormat {
    /// Red, green, blue, eight bits each.
    Rgb8,
    /// One grey channel of eight bits.
    Grey8,
    /// Grey and alpha, eight bits each.
    GreyAlpha8,
    /// Red, green, blue, alpha, eight bits each.
    Rgba8,
    /// One grey channel of 16 bits.
    Grey16,
    /// Red, green, blue, 16 bits each.
    Rgb16,
    /// Grey and alpha, 16 bits each.
    GreyAlpha16,
    /// Red, green, blue, alpha, 16 bits each.
    Rgba16,
}

impl PixelFormat {
    /// All formats.
    pub const ALL: [Self; 8] = [
        Self::Rgb8,
        Self::Grey8,
        Self::GreyAlpha8,
        Self::Rgba8,
        Self::Grey16,
        Self::Rgb16,
        Self::GreyAlpha16,
        Self::Rgba16,
    ];

    /// The format of 1 (grey) or 3 (RGB) colour channels, with or without alpha, of 8 or 16 bits;
    /// `None` for other numbers.
    #[must_use]
    pub fn new(colour_channels: usize, alpha: bool, bits: u8) -> Option<Self> {
        let fits =
            |f: &Self| f.colour_channels() == colour_channels && f.has_alpha() == alpha && f.bits() == u32::from(bits);
        Self::ALL.into_iter().find(fits)
    }

    /// Number of samples per pixel, alpha included: 1 to 4.
    #[must_use]
    pub fn channels(self) -> usize {
        self.colour_channels() + usize::from(self.has_alpha())
    }

    /// Number of colour samples per pixel: 1 (grey) or 3 (RGB).
    #[must_use]
    pub fn colour_channels(self) -> usize {
        if self.is_grey() { 1 } else { 3 }
    }

    /// Whether the colour is grey.
    #[must_use]
    pub fn is_grey(self) -> bool {
        matches!(self, Self::Grey8 | Self::GreyAlpha8 | Self::Grey16 | Self::GreyAlpha16)
    }

    /// Whether an alpha sample stands behind the colour of every pixel.
    #[must_use]
    pub fn has_alpha(self) -> bool {
        matches!(self, Self::GreyAlpha8 | Self::Rgba8 | Self::GreyAlpha16 | Self::Rgba16)
    }

    /// Bits per sample: 8 or 16.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Rgb8 | Self::Grey8 | Self::GreyAlpha8 | Self::Rgba8 => 8,
            Self::Grey16 | Self::Rgb16 | Self::GreyAlpha16 | Self::Rgba16 => 16,
        }
    }

    /// The same format without alpha.
    #[must_use]
    pub fn without_alpha(self) -> Self {
        match self {
            Self::GreyAlpha8 => Self::Grey8,
            Self::Rgba8 => Self::Rgb8,
            Self::GreyAlpha16 => Self::Grey16,
            Self::Rgba16 => Self::Rgb16,
            opaque => opaque,
        }
    }

    /// The same format with alpha.
    #[must_use]
    pub fn with_alpha(self) -> Self {
        match self {
            Self::Grey8 => Self::GreyAlpha8,
            Self::Rgb8 => Self::Rgba8,
            Self::Grey16 => Self::GreyAlpha16,
            Self::Rgb16 => Self::Rgba16,
            alpha => alpha,
        }
    }

    /// The format of one grey channel of the same depth.
    #[must_use]
    pub fn grey(self) -> Self {
        if self.bits() == 8 { Self::Grey8 } else { Self::Grey16 }
    }

    /// Name in lower case, as in `rgb8` and `grey-alpha16`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Rgb8 => "rgb8",
            Self::Grey8 => "grey8",
            Self::GreyAlpha8 => "grey-alpha8",
            Self::Rgba8 => "rgba8",
            Self::Grey16 => "grey16",
            Self::Rgb16 => "rgb16",
            Self::GreyAlpha16 => "grey-alpha16",
            Self::Rgba16 => "rgba16",
        }
    }

    /// The byte of a header: bit 0 for grey, bit 1 for 16 bits, bit 2 for alpha.
    pub(super) fn byte(self) -> u8 {
        u8::from(self.is_grey()) | u8::from(self.bits() == 16) << 1 | u8::from(self.has_alpha()) << 2
    }

    /// The format of a byte of a header; `None` if a reserved bit is set.
    pub(super) fn from_byte(byte: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.byte() == byte)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixel_formats_are_what_their_parts_say() {
        let mut bytes: Vec<u8> = PixelFormat::ALL.map(PixelFormat::byte).to_vec();
        for format in PixelFormat::ALL {
            assert_eq!(PixelFormat::from_byte(format.byte()), Some(format));
            let (colours, alpha, bits) = (format.colour_channels(), format.has_alpha(), format.bits() as u8);
            assert_eq!(PixelFormat::new(colours, alpha, bits), Some(format));
            assert_eq!(PixelFormat::new(colours, false, bits), Some(format.without_alpha()));
            assert_eq!(PixelFormat::new(colours, true, bits), Some(format.with_alpha()));
            assert_eq!(format.channels(), colours + usize::from(alpha));
            assert_eq!(format.byte(), u8::from(format.is_grey()) | u8::from(bits == 16) << 1 | u8::from(alpha) << 2);
        }
        bytes.sort_unstable();
        assert_eq!(bytes, [0, 1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(PixelFormat::from_byte(8), None);
        assert_eq!(PixelFormat::new(2, false, 8), None);
        assert_eq!(PixelFormat::new(3, false, 10), None);
    }
}
