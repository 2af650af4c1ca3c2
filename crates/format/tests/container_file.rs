//! The container: round trips, overhead, damage, truncation, limits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use heirloom_format::container::{
    ContainerError, File, Header, Limits, MAGIC, Metadata, PixelFormat, Section, TransferDamage, VERSION, parse,
    parse_header, parse_prefix, write,
};
use proptest::prelude::*;

fn header() -> Header {
    Header {
        width: 768,
        height: 512,
        pixel_format: PixelFormat::Rgb8,
        lambda: 181.25,
        entropy_id: *b"\x01\x02\x03\x04\xfe\xfd\x89\x0a",
        generation: 3,
        generation_id: [9, 8, 7, 6],
    }
}

fn plain() -> File {
    let payload = |length: usize, seed: usize| (0..length).map(|i| (i * 31 + seed * 17 + 5) as u8).collect::<Vec<u8>>();
    File {
        header: header(),
        metadata: Metadata::default(),
        latents: [payload(21, 1), payload(90, 2), payload(150, 3), payload(133, 4)],
    }
}

fn rich() -> File {
    let metadata = Metadata {
        icc: Some(b"an ICC profile".to_vec()),
        exif: Some(b"II*\0 some Exif".to_vec()),
        xmp: Some(b"<x:xmpmeta/>".to_vec()),
    };
    File { metadata, ..plain() }
}

fn parse_default(bytes: &[u8]) -> Result<File, ContainerError> {
    parse(bytes, &Limits::default())
}

/// A section as the specification states it, written without the library.
fn raw_section(kind: u8, payload: &[u8]) -> Vec<u8> {
    assert!(payload.len() < 128);
    let mut bytes = vec![kind, payload.len() as u8];
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn header_length(bytes: &[u8]) -> usize {
    parse_header(bytes, &Limits::default()).unwrap().1
}

fn insert(bytes: &[u8], position: usize, what: &[u8]) -> Vec<u8> {
    [&bytes[..position], what, &bytes[position..]].concat()
}

prop_compose! {
    fn any_file()(
        width in 1u32..16_384, height in 1u32..8_192, grey in any::<bool>(), lambda in 1e-6f32..1e6,
        entropy_id in any::<[u8; 8]>(), generation in any::<u32>(), generation_id in any::<[u8; 4]>(),
        blobs in prop::array::uniform3(prop::option::of(prop::collection::vec(any::<u8>(), 0..300))),
        latents in prop::array::uniform4(prop::collection::vec(any::<u8>(), 0..300)),
    ) -> File {
        let [icc, exif, xmp] = blobs;
        let pixel_format = if grey { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
        let header = Header { width, height, pixel_format, lambda, entropy_id, generation, generation_id };
        File { header, metadata: Metadata { icc, exif, xmp }, latents }
    }
}

proptest! {
    #[test]
    fn round_trip(file in any_file()) {
        let bytes = write(&file).unwrap();
        prop_assert_eq!(parse_default(&bytes).unwrap(), file.clone());
        let prefix = parse_prefix(&bytes, &Limits::default()).unwrap();
        prop_assert_eq!(prefix.problem, None);
        prop_assert_eq!(prefix.latents.as_slice(), file.latents.as_slice());
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse_default(&bytes);
        // Behind the magic number, and behind the header, to reach more code.
        let _ = parse_default(&[&MAGIC[..], &[VERSION], &bytes].concat());
        let whole = write(&rich()).unwrap();
        let begin = header_length(&whole);
        let spliced = [&whole[..begin], &bytes].concat();
        if let Ok(file) = parse_default(&spliced) {
            prop_assert_eq!(write(&file).unwrap(), spliced);
        }
    }

    #[test]
    fn lambda_is_kept_to_the_bit(bits in any::<u32>()) {
        let lambda = f32::from_bits(bits);
        let file = File { header: Header { lambda, ..header() }, ..plain() };
        match write(&file) {
            Ok(bytes) => prop_assert_eq!(parse_default(&bytes).unwrap().header.lambda.to_bits(), bits),
            Err(error) => {
                prop_assert!(!(lambda.is_finite() && lambda > 0.0));
                prop_assert!(matches!(error, ContainerError::BadParameter(_)));
            }
        }
    }
}

#[test]
fn overhead_is_small() {
    let file = plain();
    let payload: usize = file.latents.iter().map(Vec::len).sum();
    // Header 35; per section 1 (kind) + 1 or 2 (length, two bytes from 128 on) + 4 (checksum).
    assert_eq!(write(&file).unwrap().len() - payload, 35 + 6 + 6 + 7 + 7);
}

#[test]
fn every_truncation_is_reported() {
    for file in [plain(), rich()] {
        let bytes = write(&file).unwrap();
        let begin = header_length(&bytes);
        let mut whole_before = 0;
        for length in 0..bytes.len() {
            let cut = &bytes[..length];
            let error = parse_default(cut).unwrap_err();
            if length == 0 {
                assert_eq!(error, ContainerError::NotHeirloom(None));
                continue;
            }
            assert!(matches!(error, ContainerError::CutShort { .. }), "{length} bytes: {error:?}");
            match parse_prefix(cut, &Limits::default()) {
                Err(error) => {
                    assert!(length < begin);
                    assert_eq!(error, ContainerError::CutShort { section: Section::Header });
                }
                Ok(prefix) => {
                    assert!(length >= begin);
                    assert!(prefix.problem.is_some());
                    assert!(prefix.latents.len() >= whole_before);
                    whole_before = prefix.latents.len();
                    assert_eq!(prefix.latents[..], file.latents[..whole_before]);
                }
            }
        }
        assert_eq!(whole_before, 3);
    }
}

#[test]
fn every_changed_byte_is_reported() {
    for file in [plain(), rich()] {
        let bytes = write(&file).unwrap();
        for position in 0..bytes.len() {
            for change in 1..=255u8 {
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
                let _ = parse_prefix(&damaged, &Limits::default());
            }
        }
    }
}

#[test]
fn damage_names_the_section_and_spares_the_others() {
    let file = rich();
    let bytes = write(&file).unwrap();
    let find = |needle: &[u8]| bytes.windows(needle.len()).position(|window| window == needle).unwrap();
    let sections = [
        (Section::Icc, find(b"an ICC"), 4),
        (Section::Exif, find(b"II*"), 4),
        (Section::Xmp, find(b"<x:"), 4),
        (Section::Latent(1), find(&file.latents[0]), 0),
        (Section::Latent(2), find(&file.latents[1]), 1),
        (Section::Latent(3), find(&file.latents[2]), 2),
        (Section::Latent(4), find(&file.latents[3]), 3),
    ];
    for (section, position, usable) in sections {
        let mut damaged = bytes.clone();
        damaged[position + 3] ^= 0x40;
        assert_eq!(parse_default(&damaged), Err(ContainerError::Damaged { section }));
        let prefix = parse_prefix(&damaged, &Limits::default()).unwrap();
        assert_eq!(prefix.problem, Some(ContainerError::Damaged { section }));
        assert_eq!(prefix.latents.len(), usable);
        assert_eq!(prefix.metadata.icc.is_some(), section != Section::Icc);
    }
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

#[test]
fn limits_come_before_memory() {
    let huge = Header { width: u32::MAX, height: u32::MAX, ..header() };
    let bytes = write(&File { header: huge, ..plain() }).unwrap();
    assert!(matches!(parse_default(&bytes), Err(ContainerError::OverLimit { limit, .. }) if limit == 1 << 28));
    assert!(parse(&bytes, &Limits::none()).is_ok());

    // The padding of a thin image counts.
    let thin = Header { width: 1, height: 1 << 23, ..header() };
    assert_eq!(thin.padded_pixels(), 64 << 23);
    let bytes = write(&File { header: thin, ..plain() }).unwrap();
    assert!(matches!(parse_default(&bytes), Err(ContainerError::OverLimit { .. })));

    let bytes = write(&rich()).unwrap();
    let mut limits = Limits::default();
    limits.max_metadata_bytes = 39;
    let error = parse(&bytes, &limits).unwrap_err();
    assert!(matches!(error, ContainerError::OverLimit { value: 40, limit: 39, .. }), "{error:?}");
    limits.max_metadata_bytes = 40;
    assert!(parse(&bytes, &limits).is_ok());
}

#[test]
fn a_giant_length_allocates_nothing() {
    let bytes = write(&plain()).unwrap();
    let begin = header_length(&bytes);
    let giant = [&bytes[..begin], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]].concat();
    assert_eq!(parse_default(&giant), Err(ContainerError::CutShort { section: Section::Latent(1) }));
    // Longer than 32 bits, and not in the shortest form.
    for length in [&[0xff, 0xff, 0xff, 0xff, 0x1f][..], &[0x81, 0x00], &[0xff; 6]] {
        let bad = [&bytes[..begin], &[1], length, &[0; 40]].concat();
        assert_eq!(parse_default(&bad), Err(ContainerError::Damaged { section: Section::Latent(1) }));
    }
}

#[test]
fn unknown_sections_follow_the_critical_bit() {
    let bytes = write(&plain()).unwrap();
    let begin = header_length(&bytes);
    let z1_end = begin + raw_section(1, &plain().latents[0]).len();
    for position in [begin, z1_end] {
        let ancillary = insert(&bytes, position, &raw_section(0xf0, b"from the future"));
        assert_eq!(parse_default(&ancillary).unwrap(), plain());
        let critical = insert(&bytes, position, &raw_section(0x10, b"from the future"));
        assert_eq!(parse_default(&critical), Err(ContainerError::UnsupportedSection(0x10)));
        let zero = insert(&bytes, position, &raw_section(0, b""));
        assert_eq!(parse_default(&zero), Err(ContainerError::UnsupportedSection(0)));
    }
}

#[test]
fn order_and_number_of_sections_are_fixed() {
    let bytes = write(&rich()).unwrap();
    let begin = header_length(&bytes);
    let icc = raw_section(0x81, b"an ICC profile");
    let damaged = |section| Err(ContainerError::Damaged { section });
    // Twice.
    assert_eq!(parse_default(&insert(&bytes, begin, &icc)), damaged(Section::Icc));
    // Behind a latent.
    let bytes = write(&plain()).unwrap();
    let z1 = raw_section(1, &plain().latents[0]);
    let z2 = raw_section(2, &plain().latents[1]);
    assert_eq!(parse_default(&insert(&bytes, begin + z1.len(), &icc)), damaged(Section::Icc));
    // Latents twice or out of order.
    assert_eq!(parse_default(&insert(&bytes, begin, &z1)), damaged(Section::Latent(1)));
    assert_eq!(parse_default(&insert(&bytes, begin, &z2)), damaged(Section::Latent(2)));
    // Anything after the last latent.
    assert_eq!(parse_default(&[&bytes[..], &[0]].concat()), damaged(Section::Next));
}

#[test]
fn impossible_headers_are_refused() {
    for header in [
        Header { width: 0, ..header() },
        Header { height: 0, ..header() },
        Header { lambda: 0.0, ..header() },
        Header { lambda: f32::NAN, ..header() },
        Header { lambda: f32::INFINITY, ..header() },
    ] {
        let result = write(&File { header, ..plain() });
        assert!(matches!(result, Err(ContainerError::BadParameter(_))));
    }
    // A reserved pixel format under a good checksum: the byte behind version, width and height of
    // two bytes each.
    let bytes = write(&plain()).unwrap();
    let begin = header_length(&bytes);
    let mut future = bytes.clone();
    future[13] = PixelFormat::ALL.len() as u8;
    let checksum = crc32fast::hash(&future[8..begin - 4]).to_le_bytes();
    future[begin - 4..begin].copy_from_slice(&checksum);
    assert!(matches!(parse_default(&future), Err(ContainerError::BadParameter(_))));
}

/// Bytes of format version 1, fixed forever.
#[test]
fn known_bytes() {
    let file = File { latents: [vec![0xaa], vec![], vec![1, 2], vec![3]], ..plain() };
    let hex: String = write(&file).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, KNOWN);
}

const KNOWN: &str = "89484c4d0d0a1a0a0180068004000040354301020304fefd890a030908070678bf6e8b0101aa92c89bd102007d70ef7303020102f1f460c704010335115a78";
