//! The committed frequencies in the layout of the coder.

use std::sync::LazyLock;

use super::scale::check_arguments;
use super::tables_data::{FREQUENCIES, RADIUS, THRESHOLDS};
use super::{EntropyError, MAX_MAGNITUDE, PRECISION, SCALES};

/// The position of one scale's table in the flat lists. Its entries are, in this order: the escape
/// of negative values, −radius, …, 0, …, radius, the escape of positive values.
#[derive(Clone, Copy, Default)]
pub(super) struct Span {
    /// Position of the first entry.
    pub base: u16,
    /// Number of entries before that of zero, radius + 1: the magnitude at which escapes begin.
    pub centre: u16,
}

/// An entry for the decoder.
#[derive(Clone, Copy)]
pub(super) struct DecodeEntry {
    pub start: u16,
    pub frequency: u16,
}

/// An entry for the encoder: division by the frequency as a multiplication.
///
/// For 2 <= f < 2^16 and x < 2^36, floor(x·ceil(2^64/f) / 2^64) = floor(x/f), since the excess
/// x/2^64 < 1/f never reaches the next integer. For f = 1 the factor 2^64 does not fit; 2^64 − 1
/// gives x − 1, and `bias` compensates.
#[derive(Clone, Copy)]
pub(super) struct EncodeEntry {
    pub reciprocal: u64,
    pub bias: u32,
    pub frequency: u16,
}

/// All tables.
pub(super) struct Tables {
    pub spans: [Span; SCALES],
    pub decode: Vec<DecodeEntry>,
    pub encode: Vec<EncodeEntry>,
    /// For each scale and each value of a slot's upper eight bits, the first entry (within its
    /// table) that may contain the slot.
    pub first: Box<[u8; SCALES << 8]>,
}

/// The tables, built from the committed integers on first use.
pub(super) static TABLES: LazyLock<Tables> = LazyLock::new(build);

/// Committed frequencies of one scale: those of magnitudes 0..=radius, then that of an escape.
/// `None` from index 64 on.
///
/// The frequency of a non-zero magnitude applies to each sign, as does that of the escape; all of
/// them sum to 2^16.
#[must_use]
pub fn frequencies(index: usize) -> Option<&'static [u16]> {
    let lengths = RADIUS.iter().map(|radius| *radius as usize + 2);
    let begin = lengths.clone().take(index).sum::<usize>();
    let length = lengths.clone().nth(index)?;
    FREQUENCIES.get(begin..begin + length)
}

fn build() -> Tables {
    let mut spans = [Span::default(); SCALES];
    let mut decode = Vec::new();
    let mut encode = Vec::new();
    let mut first = Box::new([0u8; SCALES << 8]);
    for (index, span) in spans.iter_mut().enumerate() {
        let half = frequencies(index).unwrap_or_default();
        *span = Span { base: decode.len() as u16, centre: half.len() as u16 - 1 };
        let mut start = 0u32;
        let negative = half.iter().skip(1).rev();
        for (position, frequency) in negative.chain(half.iter()).enumerate() {
            let wide = u32::from(*frequency);
            decode.push(DecodeEntry { start: start as u16, frequency: *frequency });
            encode.push(if wide == 1 {
                EncodeEntry { reciprocal: u64::MAX, bias: start + (1 << PRECISION) - 1, frequency: 1 }
            } else {
                EncodeEntry { reciprocal: u64::MAX / u64::from(wide) + 1, bias: start, frequency: *frequency }
            });
            // Later entries that begin in the same bucket do not own it: the search goes upwards.
            let buckets = start.div_ceil(256) as usize..(start + wide).div_ceil(256) as usize;
            first[index << 8..(index + 1) << 8][buckets].fill(position as u8);
            start += wide;
        }
    }
    Tables { spans, decode, encode, first }
}

/// Length in bits of the Exp-Golomb code of an escaped value, whose `excess` is magnitude − radius
/// and at least 1.
pub(super) fn escape_bits(excess: u32) -> u32 {
    2 * excess.ilog2() + 1
}

/// Information of the residuals under the integer tables, in bits: the size by a perfect coder.
///
/// # Errors
/// See [`encode_section`](super::encode_section).
pub fn estimated_bits(symbols: &[i32], indices: &[u8]) -> Result<f64, EntropyError> {
    check_arguments(symbols.len(), indices)?;
    let tables = &*TABLES;
    let mut bits = 0.0;
    for (position, (value, index)) in symbols.iter().zip(indices).enumerate() {
        let magnitude = value.unsigned_abs();
        if magnitude > MAX_MAGNITUDE.unsigned_abs() {
            return Err(EntropyError::TooLarge { position, value: *value });
        }
        let span = tables.spans[(index & 63) as usize];
        let reach = i32::from(span.centre);
        let entry = i32::from(span.base) + reach + value.clamp(&-reach, &reach);
        let frequency = f64::from(tables.encode[entry as usize].frequency);
        bits += f64::from(PRECISION) - frequency.log2();
        if magnitude >= u32::from(span.centre) {
            bits += f64::from(escape_bits(magnitude - u32::from(span.centre) + 1));
        }
    }
    Ok(bits)
}

/// BLAKE3 of all committed integers: the 64 radii as bytes, the frequencies as little-endian 16-bit
/// numbers, the bit patterns of the thresholds as little-endian 32-bit numbers. `docs/FORMAT.md`
/// states the value.
#[must_use]
pub fn tables_hash() -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&RADIUS);
    for frequency in FREQUENCIES {
        hasher.update(&frequency.to_le_bytes());
    }
    for threshold in THRESHOLDS {
        hasher.update(&threshold.to_le_bytes());
    }
    *hasher.finalize().as_bytes()
}
