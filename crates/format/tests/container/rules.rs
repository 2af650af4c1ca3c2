//! Which sections and headers a file may have.

use heirloom_format::container::{ContainerError, File, Header, Part, Section, Tiling, write};

use super::files::{header, header_length, insert, latents, parse_default, plain, raw_section, read_head, rich, tiled};

#[test]
fn unknown_sections_follow_the_critical_bit() {
    for file in [plain(), tiled()] {
        let bytes = write(&file).unwrap();
        let begin = header_length(&bytes);
        let ancillary = insert(&bytes, begin, &raw_section(0xf0, b"from the future"));
        assert_eq!(parse_default(&ancillary).unwrap(), file);
        for kind in [0x10, 0] {
            let critical = insert(&bytes, begin, &raw_section(kind, b"from the future"));
            assert_eq!(parse_default(&critical), Err(ContainerError::UnsupportedSection(kind)));
        }
    }
}

#[test]
fn order_and_number_of_sections_are_fixed() {
    let bytes = write(&rich()).unwrap();
    let begin = header_length(&bytes);
    let icc = raw_section(0x81, b"an ICC profile");
    let damaged = |section| Err(ContainerError::Damaged { section });
    let latent = |level| Section::Tile { tile: None, part: Part::Latent(level) };
    // Twice.
    assert_eq!(parse_default(&insert(&bytes, begin, &icc)), damaged(Section::Icc));
    // Behind a latent.
    let bytes = write(&plain()).unwrap();
    let z1 = raw_section(1, &latents()[0]);
    let z2 = raw_section(2, &latents()[1]);
    assert_eq!(parse_default(&insert(&bytes, begin + z1.len(), &icc)), damaged(Section::Icc));
    // Latents twice or out of order.
    assert_eq!(parse_default(&insert(&bytes, begin, &z1)), damaged(latent(1)));
    assert_eq!(parse_default(&insert(&bytes, begin, &z2)), damaged(latent(2)));
    // Anything after the last latent.
    assert_eq!(parse_default(&[&bytes[..], &[0]].concat()), damaged(Section::Next));
    // An index where there is one tile, alpha where there is none.
    assert_eq!(parse_default(&insert(&bytes, begin, &raw_section(7, &[0]))), damaged(Section::Index));
    let alpha = Section::Tile { tile: None, part: Part::Alpha };
    assert_eq!(parse_default(&insert(&bytes, begin, &raw_section(6, &[]))), damaged(alpha));
    // Metadata that is no colour space, and no resolution.
    for (kind, payload) in [(0x84, &[1, 13, 0, 2][..]), (0x84, &[1, 13, 0]), (0x85, &[0; 9]), (0x85, &[1; 8])] {
        let head = read_head(&insert(&bytes, begin, &raw_section(kind, payload))).unwrap();
        assert!(matches!(head.check(), Err(ContainerError::Damaged { .. })));
        assert_eq!((head.metadata.cicp, head.metadata.resolution), (None, None));
    }
}

#[test]
fn impossible_headers_are_refused() {
    for header in [
        Header { width: 0, ..header() },
        Header { height: 0, ..header() },
        Header { lambda: 0.0, ..header() },
        Header { lambda: f32::NAN, ..header() },
        Header { lambda: f32::INFINITY, ..header() },
        Header { width: 4097, height: 4097, ..header() },
        Header { tiling: Some(Tiling { width: 768, height: 512, overlap: 0 }), ..header() },
        Header { tiling: Some(Tiling { width: 0, height: 64, overlap: 9 }), ..header() },
    ] {
        let result = write(&File { header, ..plain() });
        assert!(matches!(result, Err(ContainerError::BadParameter(_))));
    }
    // A reserved pixel format under a good checksum: the byte behind version, width and height of
    // two bytes each.
    let bytes = write(&plain()).unwrap();
    let begin = header_length(&bytes);
    for reserved in [0x10, 0x20, 0x40, 0x80] {
        let mut future = bytes.clone();
        future[13] |= reserved;
        let checksum = crc32fast::hash(&future[8..begin - 4]).to_le_bytes();
        future[begin - 4..begin].copy_from_slice(&checksum);
        assert!(matches!(parse_default(&future), Err(ContainerError::BadParameter(_))));
    }
}

#[test]
fn tiles_must_fit_the_header() {
    let bad = [
        File { tiles: Vec::new(), ..plain() },
        File { tiles: tiled().tiles[..1].to_vec(), ..plain() },
        File { tiles: tiled().tiles[..5].to_vec(), ..tiled() },
    ];
    for file in bad {
        assert!(matches!(write(&file), Err(ContainerError::BadParameter(_))));
    }
}
