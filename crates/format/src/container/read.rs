//! Reading of files, whole or in part.

use super::bytes::{ReadError, Reader};
use super::{ContainerError, File, Header, LATENT_LEVELS, Metadata, Section};

/// Limits of what a file may ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// Largest number of pixels, with both sides padded to multiples of
    /// [`CANVAS_UNIT`](super::CANVAS_UNIT). The default is 2^28.
    pub max_pixels: u64,
    /// Largest number of bytes of all metadata together. The default is 64 MiB.
    pub max_metadata_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_pixels: 1 << 28, max_metadata_bytes: 64 << 20 }
    }
}

impl Limits {
    /// No limits, for trusted files.
    #[must_use]
    pub fn none() -> Self {
        Self { max_pixels: u64::MAX, max_metadata_bytes: u64::MAX }
    }

    fn check(what: &'static str, value: u64, limit: u64) -> Result<(), ContainerError> {
        if value > limit { Err(ContainerError::OverLimit { what, value, limit }) } else { Ok(()) }
    }
}

/// The readable part of a file that may be damaged or cut short.
#[derive(Debug, Clone, PartialEq)]
pub struct Prefix {
    /// The header.
    pub header: Header,
    /// The metadata blobs that are whole.
    pub metadata: Metadata,
    /// The latents z1, z2, … before the first that is damaged or missing: 0 to 4 of them.
    pub latents: Vec<Vec<u8>>,
    /// The first problem, or `None` for a whole file.
    pub problem: Option<ContainerError>,
}

/// Reads a whole file.
///
/// Allocates at most as much memory as the length of `bytes`.
///
/// # Errors
/// Every kind of [`ContainerError`].
pub fn parse(bytes: &[u8], limits: &Limits) -> Result<File, ContainerError> {
    let prefix = parse_prefix(bytes, limits)?;
    if let Some(problem) = prefix.problem {
        return Err(problem);
    }
    let latents: [Vec<u8>; LATENT_LEVELS] =
        prefix.latents.try_into().map_err(|_| ContainerError::CutShort { section: Section::Next })?;
    Ok(File { header: prefix.header, metadata: prefix.metadata, latents })
}

/// Reads the header alone. Returns it and the position of the first section.
///
/// # Errors
/// Every kind of [`ContainerError`], for the header.
pub fn parse_header(bytes: &[u8], limits: &Limits) -> Result<(Header, usize), ContainerError> {
    let (header, position) = Header::read(bytes)?;
    Limits::check("padded pixel count", header.padded_pixels(), limits.max_pixels)?;
    Ok((header, position))
}

/// Reads the whole part of a damaged file, or of any prefix of a file that contains its header.
///
/// Damaged metadata is left out. Reading ends at a damaged or missing latent, since finer latents
/// depend on coarser ones.
///
/// # Errors
/// Errors of the header, [`ContainerError::OverLimit`] and [`ContainerError::UnsupportedSection`].
/// Damage and missing bytes behind the header are reported in [`Prefix::problem`].
pub fn parse_prefix(bytes: &[u8], limits: &Limits) -> Result<Prefix, ContainerError> {
    let (header, position) = parse_header(bytes, limits)?;
    let mut prefix = Prefix { header, metadata: Metadata::default(), latents: Vec::new(), problem: None };
    let mut reader = Reader::new(bytes, position);
    let mut metadata_bytes = 0u64;
    while prefix.latents.len() < LATENT_LEVELS {
        match next_section(&mut reader) {
            Err(error) => {
                prefix.problem.get_or_insert(error);
                return Ok(prefix);
            }
            Ok((section, None)) => {
                prefix.problem.get_or_insert(ContainerError::Damaged { section });
                if !section.is_ancillary() {
                    return Ok(prefix);
                }
            }
            Ok((section, Some(payload))) => {
                let in_place = match section {
                    Section::Latent(level) => {
                        let expected = usize::from(level) == prefix.latents.len() + 1;
                        if expected {
                            prefix.latents.push(payload.to_vec());
                        }
                        expected
                    }
                    Section::Unknown(kind) if !section.is_ancillary() => {
                        return Err(ContainerError::UnsupportedSection(kind));
                    }
                    Section::Icc | Section::Exif | Section::Xmp => {
                        metadata_bytes += payload.len() as u64;
                        Limits::check("size of the metadata in bytes", metadata_bytes, limits.max_metadata_bytes)?;
                        let before_latents = prefix.latents.is_empty();
                        before_latents && store(&mut prefix.metadata, section, payload)
                    }
                    _ => true,
                };
                if !in_place {
                    prefix.problem.get_or_insert(ContainerError::Damaged { section });
                    return Ok(prefix);
                }
            }
        }
    }
    if !reader.at_end() {
        prefix.problem.get_or_insert(ContainerError::Damaged { section: Section::Next });
    }
    Ok(prefix)
}

/// Stores a blob. Returns whether it is the first of its kind.
fn store(metadata: &mut Metadata, section: Section, payload: &[u8]) -> bool {
    let blob = match section {
        Section::Icc => &mut metadata.icc,
        Section::Exif => &mut metadata.exif,
        _ => &mut metadata.xmp,
    };
    let first = blob.is_none();
    if first {
        *blob = Some(payload.to_vec());
    }
    first
}

/// Reads the next section and its payload, `None` if its checksum is wrong.
fn next_section<'a>(reader: &mut Reader<'a>) -> Result<(Section, Option<&'a [u8]>), ContainerError> {
    let begin = reader.position;
    let kind = reader.byte().map_err(|_| ContainerError::CutShort { section: Section::Next })?;
    let section = Section::from_kind(kind);
    let wrong = |error| match error {
        ReadError::End => ContainerError::CutShort { section },
        ReadError::Malformed => ContainerError::Damaged { section },
    };
    let length = reader.varint().map_err(wrong)?;
    let length = usize::try_from(length).map_err(|_| wrong(ReadError::End))?;
    let payload = reader.take(length).map_err(wrong)?;
    let computed = crc32fast::hash(reader.since(begin));
    let stored = u32::from_le_bytes(reader.array().map_err(wrong)?);
    Ok((section, (computed == stored).then_some(payload)))
}
