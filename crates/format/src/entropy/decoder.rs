//! rANS decoder: bytes to residuals.

use super::scale::check_arguments;
use super::tables::{Span, TABLES, Tables};
use super::{EntropyError, LOWER, MAX_MAGNITUDE, MAX_STATES_LOG2, PRECISION, SLOT_MASK, STATE_BYTES};

/// Largest number of interleaved states.
const MAX_STATES: usize = 1 << MAX_STATES_LOG2;

/// Reads `out.len()` residuals, each with the table of its scale index. No bytes mean that all are
/// zero.
///
/// Time and memory depend on the lengths of the arguments alone. After an error the contents of
/// `out` are meaningless.
///
/// # Errors
/// See [`SectionDecoder`].
pub fn decode_section(bytes: &[u8], indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
    check_arguments(out.len(), indices)?;
    if out.is_empty() && !bytes.is_empty() {
        return Err(EntropyError::Damaged("there are bytes but no residuals"));
    }
    let mut decoder = SectionDecoder::new(bytes)?;
    decoder.read(indices, out)?;
    decoder.finish()
}

/// Reads the residuals of a section part by part, so that the indices of a part may depend on
/// residuals before it.
///
/// All methods return [`EntropyError::LengthMismatch`] and [`EntropyError::BadScaleIndex`] for
/// arguments, and [`EntropyError::CutShort`] and [`EntropyError::Damaged`] for the bytes. Damage
/// that the container's checksum missed, or indices that are not the encoder's, are found with near
/// certainty by [`Self::finish`]: all states must end where the encoder began, and all words must
/// be used.
#[derive(Debug)]
pub struct SectionDecoder<'a> {
    /// `None` if all residuals are zero.
    stream: Option<Stream<'a>>,
}

/// A section that has bytes.
#[derive(Debug)]
struct Stream<'a> {
    words: Words<'a>,
    states: [u64; MAX_STATES],
    /// Number of states in use, a power of two.
    count: usize,
    /// The state of the next residual.
    next: usize,
}

impl<'a> SectionDecoder<'a> {
    /// Reads the states at the beginning of a section.
    ///
    /// # Errors
    /// See [`SectionDecoder`].
    pub fn new(bytes: &'a [u8]) -> Result<Self, EntropyError> {
        let Some(head) = bytes.first() else { return Ok(Self { stream: None }) };
        let count = 1 << (head & 3);
        let (states, rest) = read_states(bytes, count)?;
        let (words, odd) = rest.as_chunks::<2>();
        if !odd.is_empty() {
            return Err(EntropyError::Damaged("half a word is left over"));
        }
        Ok(Self { stream: Some(Stream { words: Words { words, position: 0 }, states, count, next: 0 }) })
    }

    /// Reads the next `out.len()` residuals.
    ///
    /// # Errors
    /// See [`SectionDecoder`].
    pub fn read(&mut self, indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
        check_arguments(out.len(), indices)?;
        match &mut self.stream {
            None => {
                out.fill(0);
                Ok(())
            }
            Some(stream) => match stream.count {
                1 => stream.read::<1>(indices, out),
                2 => stream.read::<2>(indices, out),
                4 => stream.read::<4>(indices, out),
                _ => stream.read::<8>(indices, out),
            },
        }
    }

    /// Checks that the section ends here.
    ///
    /// # Errors
    /// See [`SectionDecoder`].
    pub fn finish(self) -> Result<(), EntropyError> {
        let Some(Stream { words, states, count, .. }) = self.stream else { return Ok(()) };
        if words.position > words.words.len() {
            return Err(EntropyError::CutShort);
        }
        if words.position < words.words.len() {
            return Err(EntropyError::Damaged("words are left over"));
        }
        if states[..count].iter().any(|&state| state != LOWER) {
            return Err(EntropyError::Damaged("a final coder state is wrong"));
        }
        Ok(())
    }
}

/// The words not yet read.
#[derive(Clone, Copy, Debug)]
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
fn read_states(bytes: &[u8], count: usize) -> Result<([u64; MAX_STATES], &[u8]), EntropyError> {
    let little_endian = |bytes: &[u8]| bytes.iter().rev().fold(0u64, |value, byte| (value << 8) | u64::from(*byte));
    let long = bytes.first().is_some_and(|head| head & 4 != 0);
    let head_bytes = 4 + usize::from(long);
    let split = head_bytes + (count - 1) * STATE_BYTES;
    let (states_bytes, rest) = bytes.split_at_checked(split).ok_or(EntropyError::CutShort)?;
    let (head, others) = states_bytes.split_at(head_bytes);
    let mut states = [0; MAX_STATES];
    states[0] = little_endian(head) >> 3;
    for (state, bytes) in states[1..].iter_mut().zip(others.chunks_exact(STATE_BYTES)) {
        *state = little_endian(bytes);
    }
    let canonical = long == (states[0] >= 1 << 29);
    if !canonical || states[..count].iter().any(|state| !(LOWER..LOWER << 16).contains(state)) {
        return Err(EntropyError::Damaged("a coder state is out of range"));
    }
    Ok((states, rest))
}

impl Stream<'_> {
    /// Reads residuals with `N` states, the number of this stream.
    fn read<const N: usize>(&mut self, indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
        let tables = &*TABLES;
        // Residuals up to the one that the first state reads.
        let head = ((N - self.next) % N).min(out.len());
        let (head_indices, indices) = indices.split_at(head);
        let (head_out, out) = out.split_at_mut(head);
        self.read_few(head_indices, head_out)?;
        let (index_chunks, index_rest) = indices.as_chunks::<N>();
        let (out_chunks, out_rest) = out.as_chunks_mut::<N>();
        // Copies, which stay in registers.
        let mut words = self.words;
        let mut states: [u64; N] = std::array::from_fn(|lane| self.states[lane]);
        for (indices, values) in index_chunks.iter().zip(out_chunks) {
            for lane in 0..N {
                (values[lane], states[lane]) = pop_residual(states[lane], &mut words, tables, indices[lane])?;
            }
        }
        self.words = words;
        self.states[..N].copy_from_slice(&states);
        self.read_few(index_rest, out_rest)
    }

    /// Reads residuals one by one.
    fn read_few(&mut self, indices: &[u8], out: &mut [i32]) -> Result<(), EntropyError> {
        for (index, value) in indices.iter().zip(out) {
            let state = &mut self.states[self.next];
            (*value, *state) = pop_residual(*state, &mut self.words, &TABLES, *index)?;
            self.next = (self.next + 1) % self.count;
        }
        Ok(())
    }
}
