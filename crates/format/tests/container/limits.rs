//! Limits come before memory, and no more is read than is needed.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use heirloom_format::container::{
    ContainerError, File, Head, Header, Limits, Part, Section, Source, TileColour, Tiling, parse, parse_header, write,
};

use super::files::{header, header_length, parse_default, plain, raw_section, read_head, rich, tiled};

/// A source that counts what is read of it.
struct Counting<'a>(&'a [u8], AtomicU64);

impl Source for Counting<'_> {
    fn length(&self) -> u64 {
        self.0.length()
    }

    fn read_at(&self, position: u64, length: usize) -> Result<Cow<'_, [u8]>, ContainerError> {
        let bytes = self.0.read_at(position, length)?;
        self.1.fetch_add(bytes.len() as u64, Relaxed);
        Ok(bytes)
    }
}

#[test]
fn one_tile_is_read_without_the_others() {
    let mut file = tiled();
    for tile in &mut file.tiles {
        tile.colour = TileColour::Latents([vec![1; 10_000], vec![2; 10_000], vec![3; 10_000], vec![4; 100_000]]);
    }
    let bytes = write(&file).unwrap();
    let source = Counting(&bytes, AtomicU64::new(0));
    let head = Head::read(&source, &Limits::default()).unwrap();
    assert!(source.1.load(Relaxed) < 400);
    for level in 1..4 {
        head.section(&source, 3, Part::Latent(level)).unwrap();
    }
    assert!((30_000..31_000).contains(&source.1.load(Relaxed)));
}

/// A header alone, with a right checksum.
fn header_bytes(header: Header) -> Vec<u8> {
    let tiles = vec![plain().tiles[0].clone(); header.tiles().count() as usize];
    let mut bytes = write(&File { header, tiles, ..plain() }).unwrap();
    bytes.truncate(parse_header(&bytes, &Limits::none()).unwrap().1);
    bytes
}

#[test]
fn limits_come_before_memory() {
    let tiling = Some(Tiling { width: 4096, height: 4096, overlap: 4 });
    let huge = header_bytes(Header { width: 1 << 20, height: 1 << 20, tiling, ..header() });
    assert!(matches!(read_head(&huge), Err(ContainerError::OverLimit { limit, .. }) if limit == 1 << 28));
    let head = Head::read(&huge.as_slice(), &Limits::none()).unwrap();
    assert_eq!(head.check(), Err(ContainerError::CutShort { section: Section::Next }));
    // An index that is shorter than the tiles are many.
    let short = [&huge[..], &raw_section(7, &[0; 100])].concat();
    let head = Head::read(&short.as_slice(), &Limits::none()).unwrap();
    assert_eq!(head.check(), Err(ContainerError::Damaged { section: Section::Index }));
    assert!(head.tiles().is_empty());

    // The padding of a thin image counts.
    let tiling = Some(Tiling { width: 64, height: 4096, overlap: 0 });
    let thin = Header { width: 1, height: 1 << 23, tiling, ..header() };
    assert_eq!(thin.padded_pixels(), 64 << 23);
    assert!(matches!(read_head(&header_bytes(thin)), Err(ContainerError::OverLimit { .. })));

    let bytes = write(&rich()).unwrap();
    let mut limits = Limits::default();
    limits.max_metadata_bytes = 52;
    let error = parse(&bytes, &limits).unwrap_err();
    assert!(matches!(error, ContainerError::OverLimit { value: 53, limit: 52, .. }), "{error:?}");
    limits.max_metadata_bytes = 53;
    assert!(parse(&bytes, &limits).is_ok());
}

#[test]
fn a_giant_length_allocates_nothing() {
    let bytes = write(&plain()).unwrap();
    let begin = header_length(&bytes);
    let giant = [&bytes[..begin], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]].concat();
    assert_eq!(
        parse_default(&giant),
        Err(ContainerError::CutShort { section: Section::Tile { tile: None, part: Part::Latent(1) } })
    );
    // Longer than 32 bits, and not in the shortest form.
    for length in [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0x81, 0x00], &[0xff; 6]] {
        let bad = [&bytes[..begin], &[1], length, &[0; 40]].concat();
        assert_eq!(
            parse_default(&bad),
            Err(ContainerError::Damaged { section: Section::Tile { tile: None, part: Part::Latent(1) } })
        );
    }
}
