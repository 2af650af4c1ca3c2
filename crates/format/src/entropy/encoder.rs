//! rANS encoder: residuals to bytes.

use super::scale::check_arguments;
use super::tables::{EncodeEntry, TABLES, Tables, escape_bits};
use super::{EntropyError, LOWER, MAX_MAGNITUDE, MAX_STATES_LOG2, PRECISION, STATE_BYTES};

/// From this many bits on (roughly estimated) the speed of interleaved states is worth their bytes (0.15 % here).
const INTERLEAVE_FROM_BITS: u64 = 1 << 16;
/// From this many residuals on speed matters whatever the size.
const INTERLEAVE_FROM_SYMBOLS: usize = 1 << 21;
/// Interleaved states of long sections.
const MANY_STATES: usize = 4;

/// Codes residuals, each with the table of its scale index. All zeros (or none) give no bytes.
///
/// The number of interleaved states follows from the estimated size; the bytes depend on nothing but the arguments.
///
/// # Errors
/// [`EntropyError::LengthMismatch`], [`EntropyError::BadScaleIndex`], or [`EntropyError::TooLarge`] for magnitudes above
/// [`MAX_MAGNITUDE`].
pub fn encode_section(symbols: &[i32], indices: &[u8]) -> Result<Vec<u8>, EntropyError> {
    let (rough_bits, all_zero) = survey(symbols, indices)?;
    if all_zero {
        return Ok(Vec::new());
    }
    let long = rough_bits >= INTERLEAVE_FROM_BITS || symbols.len() >= INTERLEAVE_FROM_SYMBOLS;
    Ok(if long { encode::<MANY_STATES>(symbols, indices) } else { encode::<1>(symbols, indices) })
}

/// [`encode_section`] with a given number of interleaved states: 1, 2, 4 or 8. The decoder reads all of them alike.
///
/// # Errors
/// As [`encode_section`], and [`EntropyError::BadStateCount`].
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

/// Checks the arguments; returns an estimate of the size in bits, and whether all residuals are zero.
fn survey(symbols: &[i32], indices: &[u8]) -> Result<(u64, bool), EntropyError> {
    check_arguments(symbols.len(), indices)?;
    let largest = symbols.iter().fold(0, |largest, value| value.unsigned_abs().max(largest));
    if largest > MAX_MAGNITUDE.unsigned_abs() {
        let bad = symbols.iter().enumerate().find(|(_, value)| value.unsigned_abs() > MAX_MAGNITUDE.unsigned_abs());
        if let Some((position, value)) = bad {
            return Err(EntropyError::TooLarge { position, value: *value });
        }
    }
    // A sample is enough. The step is odd, so that it meets all channels of interleaved data.
    let tables = &*TABLES;
    let step = (symbols.len() / 4096) | 1;
    let bits: u64 = symbols
        .iter()
        .zip(indices)
        .step_by(step)
        .map(|(value, index)| {
            let place = tables.places[(index & 63) as usize];
            let magnitude = value.unsigned_abs();
            if magnitude >= u32::from(place.centre) {
                return u64::from(PRECISION + escape_bits(magnitude - u32::from(place.centre) + 1));
            }
            let entry = i32::from(place.base) + i32::from(place.centre) + value;
            u64::from(tables.encode[entry as usize].frequency.leading_zeros())
        })
        .sum();
    Ok((bits * step as u64, largest == 0))
}

/// Most words that one residual gives: the escape, and an Exp-Golomb code of at most 41 bits.
const WORDS_PER_RESIDUAL: usize = 42;
/// Residuals between two looks at the room for words; a multiple of every number of states.
const BLOCK: usize = 64;

/// The stream of 16-bit words, last word first, while a block is coded: room for the whole block, and the words in use.
/// It is handed on by value, as are the states: whatever has an address would live in memory, not in registers.
struct Words<'a> {
    room: &'a mut [u16],
    length: usize,
}

impl Words<'_> {
    /// Moves the low word of a state to the stream if the state is not below `limit`. Free of branches, since whether
    /// it happens cannot be predicted.
    #[inline(always)]
    fn shrink(&mut self, x: u64, limit: u64) -> u64 {
        if let Some(place) = self.room.get_mut(self.length) {
            *place = x as u16;
        }
        let high = x >= limit;
        self.length += usize::from(high);
        x >> (u32::from(high) << 4)
    }
}

/// Puts a symbol of the table on the state.
#[inline(always)]
fn push(x: u64, words: &mut Words<'_>, entry: EncodeEntry) -> u64 {
    let frequency = u64::from(entry.frequency);
    // From (LOWER >> PRECISION) << 16 per unit of frequency on, the state would outgrow its 36 bits.
    let x = words.shrink(x, frequency << 20);
    let quotient = ((u128::from(x) * u128::from(entry.reciprocal)) >> 64) as u64;
    x + u64::from(entry.bias) + quotient * ((1 << PRECISION) - frequency)
}

/// Puts one equiprobable bit on the state.
fn push_bit(x: u64, words: &mut Words<'_>, bit: u32) -> u64 {
    let x = words.shrink(x, 1 << 35);
    ((x >> 15) << 16) | (u64::from(bit) << 15) | (x & 0x7fff)
}

/// Puts the Exp-Golomb code of `excess` >= 1 on the state, in the reverse of the order it is read. Returns the state and
/// the number of words in use.
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
    let place = tables.places[(index & 63) as usize];
    let centre = u32::from(place.centre);
    // Position in the table; the escapes are at 0 and 2·centre. No branch on the sign, which cannot be predicted.
    let mut position = value.wrapping_add(i32::from(place.centre)).cast_unsigned();
    if position.wrapping_sub(1) >= 2 * centre - 1 {
        (x, words.length) = push_excess(x, words.room, words.length, value.unsigned_abs() - centre + 1);
        position = if value < 0 { 0 } else { 2 * centre };
    }
    push(x, words, tables.encode[usize::from(place.base) + position as usize])
}

/// Codes checked residuals from the last to the first; residual i lives on state i mod N.
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
    // The first state shares its bytes with the number of states: 3 bits below it, and a fifth byte only where needed.
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
