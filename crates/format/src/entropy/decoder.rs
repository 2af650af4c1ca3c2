//! rANS decoder: bytes to residuals.

use super::scale::check_arguments;
use super::tables::{Span, TABLES, Tables};
use super::{EntropyError, LOWER, MAX_MAGNITUDE, PRECISION, SLOT_MASK, STATE_BYTES};

/// Reads `out.len()` residuals, each with the table of its scale index. No bytes mean that all are
/// zero.
///
/// Time and memory depend on the lengths of the arguments alone. After an error the contents of
/// `out` are meaningless.
///
/// # Errors
/// [`EntropyError::LengthMismatch`] and [`EntropyError::BadScaleIndex`] for the arguments;
/// [`EntropyError::CutShort`] and [`EntropyError::Damaged`] for the bytes. Damage that the
/// container's checksum missed, or indices that are not the encoder's, are found with near
/// certainty: all states must end where the encoder began, and all words must be used.
pub fn decode_section(bytes: &[u8], indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
    check_arguments(out.len(), indices)?;
    let Some(head) = bytes.first() else {
        out.fill(0);
        return Ok(());
    };
    if out.is_empty() {
        return Err(EntropyError::Damaged("there are bytes but no residuals"));
    }
    match head & 3 {
        0 => decode::<1>(bytes, indices, out),
        1 => decode::<2>(bytes, indices, out),
        2 => decode::<4>(bytes, indices, out),
        _ => decode::<8>(bytes, indices, out),
    }
}

/// The words not yet read.
#[derive(Clone, Copy)]
struct Words<'a> {
    words: &'a [[u8; 2]],
    /// Number of words requested so far; greater than the length of `words` if there were too few.
    position: usize,
}

impl Words<'_> {
    /// Brings a state back above its lower bound. Reads zeros past the end; the caller checks
    /// `position` after the last residual.
    #[inline(always)]
    fn refill(&mut self, x: u64) -> u64 {
        let word = self.words.get(self.position).map_or(0, |word| u16::from_le_bytes(*word));
        let refilled = (x << 16) | u64::from(word);
        let low = x < LOWER;
        self.position += usize::from(low);
        if low { refilled } else { x }
    }
}

/// Reads one equiprobable bit; returns it with the state.
fn pop_bit(x: u64, words: &mut Words<'_>) -> (u32, u64) {
    let bit = ((x >> 15) & 1) as u32;
    (bit, words.refill(((x >> PRECISION) << 15) | (x & 0x7fff)))
}

/// Reads the rest of an escaped magnitude whose escape begins at `centre`; returns it with the
/// state and the position. State and words are passed by value to keep them in registers.
#[cold]
#[inline(never)]
fn pop_escaped(mut x: u64, mut words: Words<'_>, centre: u32) -> Result<(i32, u64, usize), EntropyError> {
    let mut bit;
    let mut length = 0;
    loop {
        (bit, x) = pop_bit(x, &mut words);
        if bit == 0 {
            break;
        }
        length += 1;
        if length > MAX_MAGNITUDE.ilog2() {
            return Err(EntropyError::Damaged("an escape code is too long"));
        }
    }
    let mut excess = 1;
    for _ in 0..length {
        (bit, x) = pop_bit(x, &mut words);
        excess = (excess << 1) | bit;
    }
    let magnitude = (centre - 1 + excess).cast_signed();
    if magnitude > MAX_MAGNITUDE {
        return Err(EntropyError::Damaged("a residual is too large"));
    }
    Ok((magnitude, x, words.position))
}

/// Reads one residual; returns it with the state.
#[inline(always)]
fn pop_residual(x: u64, words: &mut Words<'_>, tables: &Tables, index: u8) -> Result<(i32, u64), EntropyError> {
    let index = (index & 63) as usize;
    let Span { base, centre } = tables.spans[index];
    let slot = (x & SLOT_MASK) as u32;
    let mut position = usize::from(tables.first[(index << 8) | (slot >> 8) as usize]);
    let (offset, frequency) = loop {
        let entry = tables.decode[usize::from(base) + position];
        let offset = slot - u32::from(entry.start);
        if offset < u32::from(entry.frequency) {
            break (offset, entry.frequency);
        }
        position += 1;
    };
    let mut x = words.refill(u64::from(frequency) * (x >> PRECISION) + u64::from(offset));
    let mut value = position as i32 - i32::from(centre);
    if (position as u32).wrapping_sub(1) >= 2 * u32::from(centre) - 1 {
        let negative = value < 0;
        (value, x, words.position) = pop_escaped(x, *words, u32::from(centre))?;
        if negative {
            value = -value;
        }
    }
    Ok((value, x))
}

/// Reads the states in front of the words.
fn read_states<const N: usize>(bytes: &[u8]) -> Result<([u64; N], &[u8]), EntropyError> {
    let little_endian = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    let long = bytes.first().is_some_and(|head| head & 4 != 0);
    let head_bytes = 4 + usize::from(long);
    let split = head_bytes + (N - 1) * STATE_BYTES;
    let (states_bytes, rest) = bytes.split_at_checked(split).ok_or(EntropyError::CutShort)?;
    let (head, others) = states_bytes.split_at(head_bytes);
    let mut states = [0; N];
    states[0] = little_endian(head) >> 3;
    for (state, bytes) in states[1..].iter_mut().zip(others.chunks_exact(STATE_BYTES)) {
        *state = little_endian(bytes);
    }
    let canonical = long == (states[0] >= 1 << 29);
    if !canonical || states.iter().any(|state| !(LOWER..LOWER << 16).contains(state)) {
        return Err(EntropyError::Damaged("a coder state is out of range"));
    }
    Ok((states, rest))
}

/// Reads all residuals; residual i uses state i mod N.
fn decode<const N: usize>(bytes: &[u8], indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
    let tables = &*TABLES;
    let (mut states, rest) = read_states::<N>(bytes)?;
    let (words, odd) = rest.as_chunks::<2>();
    if !odd.is_empty() {
        return Err(EntropyError::Damaged("half a word is left over"));
    }
    let mut words = Words { words, position: 0 };
    let (index_chunks, index_rest) = indices.as_chunks::<N>();
    let (out_chunks, out_rest) = out.as_chunks_mut::<N>();
    for (indices, values) in index_chunks.iter().zip(out_chunks) {
        for lane in 0..N {
            (values[lane], states[lane]) = pop_residual(states[lane], &mut words, tables, indices[lane])?;
        }
    }
    for (lane, (index, value)) in index_rest.iter().zip(out_rest).enumerate() {
        (*value, states[lane]) = pop_residual(states[lane], &mut words, tables, *index)?;
    }
    if words.position > words.words.len() {
        return Err(EntropyError::CutShort);
    }
    if words.position < words.words.len() {
        return Err(EntropyError::Damaged("words are left over"));
    }
    if states != [LOWER; N] {
        return Err(EntropyError::Damaged("a final coder state is wrong"));
    }
    Ok(())
}
