//! Sections of a file.

use std::borrow::Cow;

use super::bytes::put_varint;
use super::{ContainerError, Section, Source};

/// Where a section lies in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// Position of the kind byte.
    pub position: u64,
    /// Number of bytes of the payload.
    pub length: u32,
}

impl Span {
    /// Number of bytes of the whole section: kind, length, payload and checksum.
    #[must_use]
    pub fn section_bytes(&self) -> u64 {
        let varint = 1 + u64::from((self.length | 1).ilog2() / 7);
        1 + varint + u64::from(self.length) + 4
    }

    /// Position behind the section.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.position.saturating_add(self.section_bytes())
    }
}

/// Appends a section: kind, length, payload, checksum.
pub(super) fn put_section(out: &mut Vec<u8>, kind: u8, payload: &[u8]) -> Result<(), ContainerError> {
    let length = u32::try_from(payload.len())
        .map_err(|_| ContainerError::BadParameter("a section must be shorter than 4 GiB"))?;
    let begin = out.len();
    out.push(kind);
    put_varint(out, length);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[begin..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(())
}

/// Kind and span of the section at a position, without reading its payload. `None` at the end of
/// the source.
pub(super) fn frame_at(source: &dyn Source, position: u64) -> Result<Option<(u8, Span)>, ContainerError> {
    let bytes = source.read_at(position, 6)?;
    let Some(&kind) = bytes.first() else { return Ok(None) };
    let section = Section::from_kind(kind);
    let mut reader = super::bytes::Reader::new(&bytes, 1);
    let length = reader.varint().map_err(|error| error.of(section))?;
    Ok(Some((kind, Span { position, length })))
}

/// Reads a section whose kind and place are known, and checks both and its checksum. Returns its
/// payload.
pub(super) fn payload_at(
    source: &dyn Source,
    kind: u8,
    span: Span,
    section: Section,
) -> Result<Cow<'_, [u8]>, ContainerError> {
    let total = usize::try_from(span.section_bytes()).map_err(|_| ContainerError::CutShort { section })?;
    let bytes = source.read_at(span.position, total)?;
    let damaged = ContainerError::Damaged { section };
    let mut head = vec![kind];
    put_varint(&mut head, span.length);
    if bytes.len() < total {
        return Err(ContainerError::CutShort { section });
    }
    let (body, checksum) = bytes.split_at(total - 4);
    if !body.starts_with(&head) || checksum != crc32fast::hash(body).to_le_bytes() {
        return Err(damaged);
    }
    let range = head.len()..total - 4;
    Ok(match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[range]),
        Cow::Owned(mut bytes) => {
            bytes.truncate(range.end);
            bytes.drain(..range.start);
            Cow::Owned(bytes)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_know_the_bytes_of_their_section() {
        for length in [0usize, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152] {
            let mut out = Vec::new();
            put_section(&mut out, 3, &vec![7; length]).unwrap();
            let span = Span { position: 0, length: length as u32 };
            assert_eq!(span.section_bytes(), out.len() as u64, "{length}");
            assert_eq!(frame_at(&out.as_slice(), 0).unwrap(), Some((3, span)));
        }
    }
}
