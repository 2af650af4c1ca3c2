//! Files to test with, and ways to read and damage them.

use heirloom_format::container::{
    Cicp, ContainerError, File, Head, Header, Limits, Metadata, Part, PixelFormat, Resolution, Tile, TileColour,
    Tiling, parse, parse_header,
};

pub fn header() -> Header {
    Header {
        width: 768,
        height: 512,
        pixel_format: PixelFormat::Rgb8,
        tiling: None,
        lambda: 181.25,
        entropy_id: *b"\x01\x02\x03\x04\xfe\xfd\x89\x0a",
        generation: 3,
        generation_id: [9, 8, 7, 6],
    }
}

pub fn payload(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + seed * 17 + 5) as u8).collect()
}

pub fn latents() -> [Vec<u8>; 4] {
    [payload(21, 1), payload(90, 2), payload(150, 3), payload(133, 4)]
}

/// One tile.
pub fn plain() -> File {
    let tile = Tile { alpha: None, colour: TileColour::Latents(latents()) };
    File { header: header(), metadata: Metadata::default(), tiles: vec![tile] }
}

/// One tile and all metadata.
pub fn rich() -> File {
    let metadata = Metadata {
        icc: Some(b"an ICC profile".to_vec()),
        exif: Some(b"II*\0 some Exif".to_vec()),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
        cicp: Some(Cicp { primaries: 9, transfer: 16, matrix: 0, full_range: true }),
        resolution: Some(Resolution { x: 2835, y: 2834, per_metre: true }),
    };
    File { metadata, ..plain() }
}

/// Six tiles with alpha, of which two are lossless.
pub fn tiled() -> File {
    let tiling = Some(Tiling { width: 320, height: 256, overlap: 4 });
    let header = Header { tiling, pixel_format: PixelFormat::Rgba8, height: 500, ..header() };
    let tile = |i: usize| Tile {
        alpha: Some(payload(i * 9, i)),
        colour: if i == 1 || i == 4 {
            TileColour::Lossless(payload(200 + i, i))
        } else {
            TileColour::Latents([payload(5, i), payload(20 + i, i), payload(30, i), payload(40, 2 * i)])
        },
    };
    File { header, tiles: (0..6).map(tile).collect(), ..rich() }
}

/// The latents of a tile that can still be read.
pub fn readable(head: &Head, bytes: &[u8], tile: u32) -> usize {
    (1..=4).take_while(|&level| head.section(&bytes, tile, Part::Latent(level)).is_ok()).count()
}

pub fn read_head(bytes: &[u8]) -> Result<Head, ContainerError> {
    Head::read(&bytes, &Limits::default())
}

pub fn parse_default(bytes: &[u8]) -> Result<File, ContainerError> {
    parse(bytes, &Limits::default())
}

/// A section as the specification states it, written without the library.
pub fn raw_section(kind: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 128);
    let mut bytes = vec![kind, payload.len() as u8];
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

pub fn header_length(bytes: &[u8]) -> usize {
    parse_header(bytes, &Limits::default()).unwrap().1
}

pub fn insert(bytes: &[u8], position: usize, what: &[u8]) -> Vec<u8> {
    [&bytes[..position], what, &bytes[position..]].concat()
}
