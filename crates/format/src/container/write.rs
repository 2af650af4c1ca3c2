//! Writing of files.

use super::bytes::put_varint;
use super::{ContainerError, File, Section};

/// Writes a file: header, metadata, latents.
///
/// # Errors
/// [`ContainerError::BadParameter`] for a side of zero, a λ that is not finite and positive, or a
/// section of 2^32 bytes or more.
pub fn write(file: &File) -> Result<Vec<u8>, ContainerError> {
    let metadata =
        [(Section::Icc, &file.metadata.icc), (Section::Exif, &file.metadata.exif), (Section::Xmp, &file.metadata.xmp)];
    let mut out = Vec::new();
    file.header.write(&mut out)?;
    for (section, payload) in metadata {
        if let Some(payload) = payload {
            put_section(&mut out, section, payload)?;
        }
    }
    for (level, payload) in (1..).zip(&file.latents) {
        put_section(&mut out, Section::Latent(level), payload)?;
    }
    Ok(out)
}

fn put_section(out: &mut Vec<u8>, section: Section, payload: &[u8]) -> Result<(), ContainerError> {
    let length = u32::try_from(payload.len())
        .map_err(|_| ContainerError::BadParameter("a section must be shorter than 4 GiB"))?;
    let begin = out.len();
    out.push(section.kind());
    put_varint(out, length);
    out.extend_from_slice(payload);
    let checksum = crc32fast::hash(&out[begin..]);
    out.extend_from_slice(&checksum.to_le_bytes());
    Ok(())
}
