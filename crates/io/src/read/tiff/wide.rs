//! Samples that are signed, floating-point, or of more than 16 bits, as unsigned ones of 8 or 16.

use tiff::decoder::DecodingResult;

/// The samples of a strip or tile that need no more than 16 bits, and how many. `None` if these are
/// unsigned samples of at most 16 bits already, or if it takes [`Range`] to convert them.
pub(super) fn integers(stored: &DecodingResult) -> Option<Vec<u16>> {
    Some(match stored {
        DecodingResult::I8(samples) => samples.iter().map(|&v| u16::from(v as u8 ^ 0x80)).collect(),
        DecodingResult::I16(samples) => samples.iter().map(|&v| v as u16 ^ 0x8000).collect(),
        DecodingResult::U32(samples) => samples.iter().map(|&v| (v >> 16) as u16).collect(),
        DecodingResult::I32(samples) => samples.iter().map(|&v| (v >> 16) as u16 ^ 0x8000).collect(),
        DecodingResult::U64(samples) => samples.iter().map(|&v| (v >> 48) as u16).collect(),
        DecodingResult::I64(samples) => samples.iter().map(|&v| (v >> 48) as u16 ^ 0x8000).collect(),
        _ => return None,
    })
}

/// What is said of integers that are not kept as they are.
pub(super) fn integers_note(signed: bool, bits: u16) -> String {
    let shift = 1u64 << (bits.min(16) - 1);
    match (signed, bits > 16) {
        (true, false) => format!("its signed samples were raised by {shift}, so that none is negative"),
        (true, true) => format!("its signed samples of {bits} bits were cut to 16 and raised by {shift}"),
        (false, _) => format!("its samples of {bits} bits were cut to 16"),
    }
}

/// The least and the largest of floating-point samples, which become 0 and 65535. Samples from 0 to 1
/// keep their meaning: their range is all of that.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Range {
    low: f64,
    high: f64,
}

impl Default for Range {
    fn default() -> Self {
        Self { low: 0.0, high: 1.0 }
    }
}

impl Range {
    /// Takes the samples of a strip or tile into account.
    pub(super) fn cover(&mut self, stored: &DecodingResult) {
        for value in floats(stored).into_iter().flatten().filter(|value| value.is_finite()) {
            self.low = self.low.min(value);
            self.high = self.high.max(value);
        }
    }

    /// The samples of a strip or tile; NaN becomes 0. `None` unless they are floating-point.
    pub(super) fn converted(self, stored: &DecodingResult) -> Option<Vec<u16>> {
        let scale = 65535.0 / (self.high - self.low);
        let convert = |value: f64| ((value - self.low) * scale).round() as u16;
        floats(stored).map(|values| values.map(convert).collect())
    }

    pub(super) fn note(self) -> String {
        format!("its floating-point samples were rounded to 16 bits, {} to {} becoming 0 to 65535", self.low, self.high)
    }
}

fn floats(stored: &DecodingResult) -> Option<Box<dyn Iterator<Item = f64> + '_>> {
    Some(match stored {
        DecodingResult::F16(samples) => Box::new(samples.iter().map(|v| v.to_f64())),
        DecodingResult::F32(samples) => Box::new(samples.iter().map(|&v| v.into())),
        DecodingResult::F64(samples) => Box::new(samples.iter().copied()),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_and_long_integers() {
        assert_eq!(integers(&DecodingResult::I8(vec![-128, -1, 0, 127])), Some(vec![0, 127, 128, 255]));
        assert_eq!(integers(&DecodingResult::I16(vec![i16::MIN, 0, i16::MAX])), Some(vec![0, 0x8000, 0xffff]));
        assert_eq!(integers(&DecodingResult::U32(vec![0, 0xffff, 0x1_0000, u32::MAX])), Some(vec![0, 0, 1, 0xffff]));
        assert_eq!(
            integers(&DecodingResult::I32(vec![i32::MIN, -1, 0, i32::MAX])),
            Some(vec![0, 0x7fff, 0x8000, 0xffff])
        );
        assert_eq!(integers(&DecodingResult::U64(vec![u64::MAX])), Some(vec![0xffff]));
        assert_eq!(integers(&DecodingResult::I64(vec![-1, 0])), Some(vec![0x7fff, 0x8000]));
        assert_eq!(integers(&DecodingResult::U16(vec![1])), None);
    }

    #[test]
    fn floats_fill_the_range() {
        let shown = |values: Vec<f32>| {
            let (mut range, stored) = (Range::default(), DecodingResult::F32(values));
            range.cover(&stored);
            range.converted(&stored).unwrap_or_default()
        };
        assert_eq!(shown(vec![0.0, 0.5, 1.0, f32::NAN]), [0, 32768, 65535, 0]);
        assert_eq!(shown(vec![0.25, 0.75]), [16384, 49151]);
        assert_eq!(shown(vec![-100.0, 0.0, 100.0, f32::INFINITY]), [0, 32768, 65535, 65535]);
        assert_eq!(Range::default().converted(&DecodingResult::U8(vec![1])), None);
        let mut range = Range::default();
        range.cover(&DecodingResult::F64(vec![-3.0, 5.5]));
        assert!(range.note().contains("-3 to 5.5"), "{}", range.note());
    }
}
