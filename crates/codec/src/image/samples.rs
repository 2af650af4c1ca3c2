//! Samples of 8 or 16 bits.

use std::borrow::Cow;

/// The samples of an image: rows from top to bottom, channels interleaved.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Samples {
    /// 0 to 255.
    U8(Vec<u8>),
    /// 0 to 65535.
    U16(Vec<u16>),
}

impl Samples {
    /// Number of samples.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Self::U8(samples) => samples.len(),
            Self::U16(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bits per sample: 8 or 16.
    #[must_use]
    pub fn bits(&self) -> u32 {
        match self {
            Self::U8(_) => 8,
            Self::U16(_) => 16,
        }
    }

    /// The samples, if they have 8 bits.
    #[must_use]
    pub fn as_u8(&self) -> Option<&[u8]> {
        match self {
            Self::U8(samples) => Some(samples),
            Self::U16(_) => None,
        }
    }

    /// The samples, if they have 16 bits.
    #[must_use]
    pub fn as_u16(&self) -> Option<&[u16]> {
        match self {
            Self::U8(_) => None,
            Self::U16(samples) => Some(samples),
        }
    }

    /// The memory of the samples; 16 bits in the byte order of this machine.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::U8(samples) => samples,
            Self::U16(samples) => bytemuck::cast_slice(samples),
        }
    }

    /// The samples as 8 bits; 16 bits are scaled by 255/65535 and rounded to nearest.
    #[must_use]
    pub fn to_u8(&self) -> Cow<'_, [u8]> {
        match self {
            Self::U8(samples) => Cow::Borrowed(samples),
            Self::U16(samples) => samples.iter().map(|&v| to_8_bits(v)).collect(),
        }
    }

    /// The samples as 16 bits; 8 bits are scaled by 257, which is exact.
    #[must_use]
    pub fn to_u16(&self) -> Cow<'_, [u16]> {
        match self {
            Self::U8(samples) => samples.iter().map(|&v| u16::from(v) * 257).collect(),
            Self::U16(samples) => Cow::Borrowed(samples),
        }
    }
}

impl From<Vec<u8>> for Samples {
    fn from(samples: Vec<u8>) -> Self {
        Self::U8(samples)
    }
}

impl From<Vec<u16>> for Samples {
    fn from(samples: Vec<u16>) -> Self {
        Self::U16(samples)
    }
}

/// A sample of 16 bits as 8 bits, rounded to nearest.
pub(crate) fn to_8_bits(value: u16) -> u8 {
    ((u32::from(value) * 255 + 32767) / 65535) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depths_are_converted_to_the_nearest() {
        for value in 0..=u16::MAX {
            assert_eq!(f64::from(to_8_bits(value)), (f64::from(value) / 257.0).round(), "{value}");
        }
        let bytes = Samples::U8((0..=255).collect());
        let wide = Samples::U16(bytes.to_u16().into_owned());
        assert_eq!(wide.to_u8(), bytes.to_u8());
        assert_eq!((bytes.len(), wide.len(), wide.as_bytes().len()), (256, 256, 512));
        assert_eq!((bytes.as_u16(), wide.as_u8()), (None, None));
    }
}
