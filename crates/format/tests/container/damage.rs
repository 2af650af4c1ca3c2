//! Damage and truncation are noticed, and cost no more than they must.

use heirloom_format::container::{ContainerError, Head, Limits, Part, Section, TransferDamage, VERSION, write};

use super::files::{header_length, latents, parse_default, plain, read_head, readable, rich, tiled};

#[test]
fn every_truncation_is_reported() {
    for file in [plain(), rich(), tiled()] {
        let bytes = write(&file).unwrap();
        let begin = header_length(&bytes);
        let mut before = 0;
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let error = parse_default(cut).unwrap_err();
            if length == 0 {
                assert_eq!(error, ContainerError::NotHeirloom(None));
                continue;
            }
            assert!(matches!(error, ContainerError::CutShort { .. }), "{length} bytes: {error:?}");
            match read_head(cut) {
                Err(error) => {
                    assert!(length < begin);
                    assert_eq!(error, ContainerError::CutShort { section: Section::Header });
                }
                Ok(head) => {
                    assert!(length >= begin);
                    assert!(head.check().is_err() || head.check_end(&cut).is_err());
                    let now = readable(&head, cut, 0);
                    assert!(now >= before);
                    before = now;
                }
            }
        }
        assert_eq!(before, if file.tiles.len() == 1 { 3 } else { 4 });
    }
}

#[test]
fn every_changed_byte_is_reported() {
    for file in [plain(), rich(), tiled()] {
        let bytes = write(&file).unwrap();
        for position in 0..bytes.len() {
            for change in (1..=255u8).step_by(if file.tiles.len() > 1 { 13 } else { 1 }) {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                let error = parse_default(&damaged).expect_err("a changed byte went unnoticed");
                match position {
                    0..8 => assert!(matches!(error, ContainerError::NotHeirloom(_)), "{position}: {error:?}"),
                    8 => assert_eq!(error, ContainerError::UnsupportedVersion(VERSION ^ change)),
                    _ => assert!(
                        matches!(error, ContainerError::Damaged { .. } | ContainerError::CutShort { .. }),
                        "{position} ^ {change}: {error:?}"
                    ),
                }
                let _ = read_head(&damaged);
            }
        }
    }
}

#[test]
fn damage_names_the_section_and_spares_the_others() {
    let bytes = write(&rich()).unwrap();
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    let latent = |level| Section::Tile { tile: None, part: Part::Latent(level) };
    let sections = [
        (Section::Icc, find(b"an ICC"), 4),
        (Section::Exif, find(b"II*"), 4),
        (Section::Xmp, find(b"<x:"), 4),
        (latent(1), find(&latents()[0]), 0),
        (latent(2), find(&latents()[1]), 1),
        (latent(3), find(&latents()[2]), 2),
        (latent(4), find(&latents()[3]), 3),
    ];
    for (section, position, usable) in sections {
        let mut damaged = bytes.clone();
        damaged[position + 3] ^= 0x40;
        assert_eq!(parse_default(&damaged), Err(ContainerError::Damaged { section }));
        let head = read_head(&damaged).unwrap();
        assert_eq!(readable(&head, &damaged, 0), usable);
        assert_eq!(head.metadata.icc.is_some(), section != Section::Icc);
    }
}

/// Every byte behind the metadata belongs to one section of one tile, or to the index, which can be
/// done without.
#[test]
fn damage_costs_one_section_of_one_tile() {
    let file = tiled();
    let bytes = write(&file).unwrap();
    let whole = read_head(&bytes).unwrap();
    let parts = |tile: u32| [&[Part::Alpha], whole.tile(tile).colour_parts()].concat();
    let sections: Vec<(u32, Part)> = (0..6).flat_map(|tile| parts(tile).into_iter().map(move |p| (tile, p))).collect();
    let first = sections.iter().map(|&(tile, part)| whole.tile(tile).span(part).unwrap().position).min().unwrap();
    for position in header_length(&bytes)..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[position] ^= 0x11;
        let head = read_head(&damaged).unwrap();
        let lost: Vec<_> =
            sections.iter().filter(|&&(tile, part)| head.section(&damaged.as_slice(), tile, part).is_err()).collect();
        if (position as u64) < first {
            // Metadata and index. A wrong kind or length hides where the next section begins.
            assert!(head.check().is_err());
            assert!(lost.is_empty() || lost.len() == sections.len());
        } else {
            assert!(head.check().is_ok());
            assert_eq!(lost.len(), 1, "byte {position}");
        }
    }
    // An index whose payload is damaged costs nothing.
    let index = Head::read(&bytes.as_slice(), &Limits::default()).unwrap();
    let mut damaged = bytes.clone();
    damaged[first as usize - 6] ^= 1;
    let head = read_head(&damaged).unwrap();
    assert_eq!(head.check(), Err(ContainerError::Damaged { section: Section::Index }));
    assert_eq!(head.tiles(), index.tiles());
}

#[test]
fn transfer_damage_is_recognised() {
    let bytes = write(&plain()).unwrap();
    let replace = |from: &[u8], to: &[u8]| {
        let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
        [&bytes[..at], to, &bytes[at + from.len()..]].concat()
    };
    let seven_bit: Vec<u8> = bytes.iter().map(|byte| byte & 0x7f).collect();
    for (damaged, hint) in [
        (seven_bit, Some(TransferDamage::SevenBit)),
        (replace(b"\r\n", b"\n"), Some(TransferDamage::LineEnds)),
        (replace(b"\r\n", b"\r\r\n"), Some(TransferDamage::LineEnds)),
        (replace(b"\x1a\n", b"\x1a\r\n"), Some(TransferDamage::LineEnds)),
        (replace(b"\r\n", b"\r"), None),
        (replace(b"\x89", "\u{89}".as_bytes()), Some(TransferDamage::Reencoded)),
        (replace(b"\x89", "\u{fffd}".as_bytes()), Some(TransferDamage::Reencoded)),
        (b"\x89PNG\r\n\x1a\n".to_vec(), None),
        (Vec::new(), None),
    ] {
        assert_eq!(parse_default(&damaged), Err(ContainerError::NotHeirloom(hint)));
    }
}
