//! Reading and writing of integers.

/// Why a value could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ReadError {
    /// The bytes end too early.
    End,
    /// A varint is not in its shortest form, or exceeds 32 bits.
    Malformed,
}

/// A position in a byte slice.
#[derive(Clone)]
pub(super) struct Reader<'a> {
    pub bytes: &'a [u8],
    pub position: usize,
}

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8], position: usize) -> Self {
        Self { bytes, position }
    }

    pub fn at_end(&self) -> bool {
        self.position >= self.bytes.len()
    }

    /// Reads the next `count` bytes.
    pub fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let end = self.position.checked_add(count).ok_or(ReadError::End)?;
        let taken = self.bytes.get(self.position..end).ok_or(ReadError::End)?;
        self.position = end;
        Ok(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        self.take(N)?.try_into().map_err(|_| ReadError::End)
    }

    pub fn byte(&mut self) -> Result<u8, ReadError> {
        Ok(self.array::<1>()?[0])
    }

    /// Reads an unsigned number below 2^32: seven bits per byte, low bits first, the high bit set
    /// on all bytes but the last.
    pub fn varint(&mut self) -> Result<u32, ReadError> {
        let mut value = 0u64;
        for shift in [0, 7, 14, 21, 28] {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                if byte == 0 && shift > 0 {
                    return Err(ReadError::Malformed);
                }
                return u32::try_from(value).map_err(|_| ReadError::Malformed);
            }
        }
        Err(ReadError::Malformed)
    }

    /// The bytes from `begin` to the current position.
    pub fn since(&self, begin: usize) -> &'a [u8] {
        self.bytes.get(begin..self.position).unwrap_or_default()
    }
}

/// Appends a number in the form that [`Reader::varint`] reads.
pub(super) fn put_varint(out: &mut Vec<u8>, mut value: u32) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
