//! rANS encoder: residuals to bytes.

use super::scale::check_arguments;
use super::tables::{EncodeEntry, TABLES, Tables, escape_bits};
use super::{EntropyError, LOWER, MAX_MAGNITUDE, MAX_STATES_LOG2, PRECISION, STATE_BYTES};

/// Roughly estimated bits from which the speed of interleaved states is worth their bytes, 0.15 %
/// at this size.
const INTERLEAVE_FROM_BITS: u64 = 1 << 16;
/// Number of residuals from which states are interleaved whatever the size.
const INTERLEAVE_FROM_SYMBOLS: usize = 1 << 21;
/// Number of interleaved states of long sections.
const MANY_STATES: usize = 4;

/// Codes residuals, each with the table of its scale index. If all are zero, there are no bytes.
///
/// The number of interleaved states follows from the estimated size. The bytes depend on the
/// arguments alone.
///
/// # Errors
/// [`EntropyError::LengthMismatch`], [`EntropyError::BadScaleIndex`], or [`EntropyError::TooLarge`]
/// for magnitudes above [`MAX_MAGNITUDE`].
pub fn encode_section(symbols: &[i32], indices: &[u8]) -> Result<Vec<u8>, EntropyError> {
    let (rough_bits, all_zero) = survey(symbols, indices)?;
    if all_zero {
        return Ok(Vec::new());
    }
    let long = rough_bits >= INTERLEAVE_FROM_BITS || symbols.len() >= INTERLEAVE_FROM_SYMBOLS;
    Ok(if long { encode::<MANY_STATES>(symbols, indices) } else { encode::<1>(symbols, indices) })
}

/// Codes residuals like [`encode_section`], with `states` interleaved states: 1, 2, 4 or 8. The
/// decoder reads them all.
///
/// # Errors
/// Those of [`encode_section`], and [`EntropyError::BadStateCount`].
pub fn encode_section_with(states: usize, symbols: &[i32], indices: &[u8]) -> Result<Vec<u8>, EntropyError> {
    let (_, all_zero) = survey(symbols, indices)?;
    match states {
        1 | 2 | 4 | 8 if all_zero => Ok(Vec::new()),
        1 => Ok(encode::<1>(symbols, indices)),
        2 => Ok(encode::<2>(symbols, indices)),
        4 => Ok(encode::<4>(symbols, indices)),
        8 => Ok(encode::<8>(symbols, indices)),
        _ => Err(EntropyError::BadStateCount(states)),
    }
}

/// Checks the arguments; returns an estimate of the size in bits, and whether all residuals are
/// zero.
fn survey(symbols: &[i32], indices: &[u8]) -> Result<(u64, bool), EntropyError> {
    check_arguments(symbols.len(), indices)?;
    let largest = symbols.iter().fold(0, |largest, value| value.unsigned_abs().max(largest));
    if largest > MAX_MAGNITUDE.unsigned_abs() {
        let bad = symbols.iter().enumerate().find(|(_, value)| value.unsigned_abs() > MAX_MAGNITUDE.unsigned_abs());
        if let Some((position, value)) = bad {
            return Err(EntropyError::TooLarge { position, value: *value });
        }
    }
    // A sample is enough. The step is odd, so that it visits all channels of interleaved data.
    let tables = &*TABLES;
    let step = (symbols.len() / 4096) | 1;
    let bits: u64 = symbols
        .iter()
        .zip(indices)
        .step_by(step)
        .map(|(value, index)| {
            let span = tables.spans[(index & 63) as usize];
            let magnitude = value.unsigned_abs();
            if magnitude >= u32::from(span.centre) {
                return u64::from(PRECISION + escape_bits(magnitude - u32::from(span.centre) + 1));
            }
            let entry = i32::from(span.base) + i32::from(span.centre) + value;
            u64::from(tables.encode[entry as usize].frequency.leading_zeros())
        })
        .sum();
    Ok((bits * step as u64, largest == 0))
}

/// Largest number of words of one residual: the escape, and an Exp-Golomb code of at most 41 bits.
const WORDS_PER_RESIDUAL: usize = 42;
/// Number of residuals between two checks of the buffer size; a multiple of every number of states.
const BLOCK: usize = 64;

/// The stream of 16-bit words, last word first, while a block is coded: room for the whole block,
/// and the number of words in use. It is passed by value, as are the states, to keep them in
/// registers.
struct Words<'a> {
    room: &'a mut [u16],
    length: usize,
}

impl Words<'_> {
    /// Moves the low word of a state to the stream if the state is at least `limit`. Without
    /// branches, since they could not be predicted.
    #[inline(always)]
    fn shrink(&mut self, x: u64, limit: u64) -> u64 {
        if let Some(word) = self.room.get_mut(self.length) {
            *word = x as u16;
        }
        let high = x >= limit;
        self.length += usize::from(high);
        x >> (u32::from(high) << 4)
    }
}

/// Pushes a symbol of the table onto the state.
#[inline(always)]
fn push(x: u64, words: &mut Words<'_>, entry: EncodeEntry) -> u64 {
    let frequency = u64::from(entry.frequency);
    // From (LOWER >> PRECISION) << 16 per unit of frequency on, the state would outgrow its 36
    // bits.
    let x = words.shrink(x, frequency << 20);
    let quotient = ((u128::from(x) * u128::from(entry.reciprocal)) >> 64) as u64;
    x + u64::from(entry.bias) + quotient * ((1 << PRECISION) - frequency)
}

/// Pushes one equiprobable bit onto the state.
fn push_bit(x: u64, words: &mut Words<'_>, bit: u32) -> u64 {
    let x = words.shrink(x, 1 << 35);
    ((x >> 15) << 16) | (u64::from(bit) << 15) | (x & 0x7fff)
}

/// Pushes the Exp-Golomb code of `excess` >= 1 onto the state, in the reverse of reading order.
/// Returns the state and the number of words in use.
#[cold]
#[inline(never)]
fn push_excess(mut x: u64, room: &mut [u16], length: usize, excess: u32) -> (u64, usize) {
    let mut words = Words { room, length };
    let digits = excess.ilog2();
    for position in 0..digits {
        x = push_bit(x, &mut words, (excess >> position) & 1);
    }
    x = push_bit(x, &mut words, 0);
    for _ in 0..digits {
        x = push_bit(x, &mut words, 1);
    }
    (x, words.length)
}

#[inline(always)]
fn push_residual(mut x: u64, words: &mut Words<'_>, tables: &Tables, value: i32, index: u8) -> u64 {
    let span = tables.spans[(index & 63) as usize];
    let centre = u32::from(span.centre);
    // Position in the table; the escapes are at 0 and 2·centre. No branch on the sign, which could
    // not be predicted.
    let mut position = value.wrapping_add(i32::from(span.centre)).cast_unsigned();
    if position.wrapping_sub(1) >= 2 * centre - 1 {
        (x, words.length) = push_excess(x, words.room, words.length, value.unsigned_abs() - centre + 1);
        position = if value < 0 { 0 } else { 2 * centre };
    }
    push(x, words, tables.encode[usize::from(span.base) + position as usize])
}

/// Codes checked residuals from the last to the first; residual i uses state i mod N.
fn encode<const N: usize>(symbols: &[i32], indices: &[u8]) -> Vec<u8> {
    const { assert!(N.is_power_of_two() && N.ilog2() <= MAX_STATES_LOG2) };
    let tables = &*TABLES;
    let mut states = [LOWER; N];
    let mut buffer: Vec<u16> = Vec::new();
    let mut length = 0;
    for (symbols, indices) in symbols.chunks(BLOCK).zip(indices.chunks(BLOCK)).rev() {
        if buffer.len() < length + BLOCK * WORDS_PER_RESIDUAL {
            buffer.resize(2 * buffer.len() + BLOCK * WORDS_PER_RESIDUAL, 0);
        }
        let mut words = Words { room: &mut buffer, length };
        let (symbol_chunks, symbol_rest) = symbols.as_chunks::<N>();
        let (index_chunks, index_rest) = indices.as_chunks::<N>();
        for ((state, value), index) in states.iter_mut().zip(symbol_rest).zip(index_rest).rev() {
            *state = push_residual(*state, &mut words, tables, *value, *index);
        }
        for (values, indices) in symbol_chunks.iter().zip(index_chunks).rev() {
            for lane in (0..N).rev() {
                states[lane] = push_residual(states[lane], &mut words, tables, values[lane], indices[lane]);
            }
        }
        length = words.length;
    }

    let words = buffer.get(..length).unwrap_or_default();
    let mut bytes = Vec::with_capacity(N * STATE_BYTES + 2 * words.len());
    // The first state shares its bytes with the number of states, in the 3 bits below it, and has a
    // fifth byte only if needed.
    let head = (states[0] << 3) | u64::from(N.ilog2());
    if head < 1 << 32 {
        bytes.extend_from_slice(&head.to_le_bytes()[..4]);
    } else {
        bytes.extend_from_slice(&(head | 4).to_le_bytes()[..5]);
    }
    for state in &states[1..] {
        bytes.extend_from_slice(&state.to_le_bytes()[..STATE_BYTES]);
    }
    for word in words.iter().rev() {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes
}
