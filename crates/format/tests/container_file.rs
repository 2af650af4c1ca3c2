//! The container: round trips, overhead, damage, truncation, limits.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use heirloom_format::container::{
    Cicp, ContainerError, File, Head, Header, Limits, MAGIC, Metadata, Part, PixelFormat, Resolution, Section,
    Seekable, Source, Tile, TileColour, Tiling, TransferDamage, VERSION, parse, parse_header, write,
};
use proptest::prelude::*;
use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

fn header() -> Header {
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

fn payload(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|i| (i * 31 + seed * 17 + 5) as u8).collect()
}

fn latents() -> [Vec<u8>; 4] {
    [payload(21, 1), payload(90, 2), payload(150, 3), payload(133, 4)]
}

/// One tile.
fn plain() -> File {
    let tile = Tile { alpha: None, colour: TileColour::Latents(latents()) };
    File { header: header(), metadata: Metadata::default(), tiles: vec![tile] }
}

/// One tile and all metadata.
fn rich() -> File {
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
fn tiled() -> File {
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
fn readable(head: &Head, bytes: &[u8], tile: u32) -> usize {
    (1..=4).take_while(|&level| head.section(&bytes, tile, Part::Latent(level)).is_ok()).count()
}

fn read_head(bytes: &[u8]) -> Result<Head, ContainerError> {
    Head::read(&bytes, &Limits::default())
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
    fn any_tile()(
        alpha in prop::collection::vec(any::<u8>(), 0..100), lossless in any::<bool>(),
        latents in prop::array::uniform4(prop::collection::vec(any::<u8>(), 0..300)),
    ) -> Tile {
        let colour =
            if lossless { TileColour::Lossless(latents.concat()) } else { TileColour::Latents(latents) };
        Tile { alpha: Some(alpha), colour }
    }
}

prop_compose! {
    fn any_file()(
        width in 1u32..4096, height in 1u32..4096, format in 0usize..8, lambda in 1e-6f32..1e6,
        tile in prop::option::of((8u32..64, 8u32..64, 0u8..64)),
        entropy_id in any::<[u8; 8]>(), generation in any::<u32>(), generation_id in any::<[u8; 4]>(),
        blobs in prop::array::uniform3(prop::option::of(prop::collection::vec(any::<u8>(), 0..300))),
        cicp in prop::option::of(any::<(u8, u8, u8, bool)>()), resolution in prop::option::of((1u32.., 1u32.., any::<bool>())),
        tiles in prop::collection::vec(any_tile(), 64),
    ) -> File {
        let [icc, exif, xmp] = blobs;
        let cicp = cicp.map(|(primaries, transfer, matrix, full_range)| Cicp { primaries, transfer, matrix, full_range });
        let resolution = resolution.map(|(x, y, per_metre)| Resolution { x, y, per_metre });
        let pixel_format = PixelFormat::ALL[format];
        let tiling = tile.map(|(width, height, overlap)| Tiling { width: width * 64, height: height * 64, overlap });
        let tiling = tiling.filter(|tiling| width > tiling.width || height > tiling.height);
        let header = Header { width, height, pixel_format, tiling, lambda, entropy_id, generation, generation_id };
        let count = header.tiles().count() as usize;
        let mut tiles: Vec<Tile> = tiles.into_iter().cycle().take(count).collect();
        if !pixel_format.has_alpha() {
            tiles.iter_mut().for_each(|tile| tile.alpha = None);
        }
        File { header, metadata: Metadata { icc, exif, xmp, cicp, resolution }, tiles }
    }
}

proptest! {
    #[test]
    fn round_trip(file in any_file()) {
        let bytes = write(&file).unwrap();
        prop_assert_eq!(parse_default(&bytes).unwrap(), file.clone());
        // The same through a file, section by section.
        let source = Seekable::new(std::io::Cursor::new(&bytes)).unwrap();
        let head = Head::read(&source, &Limits::default()).unwrap();
        prop_assert!(head.check().is_ok() && head.check_end(&source).is_ok());
        for (number, tile) in (0u32..).zip(&file.tiles) {
            let section = |part| head.section(&source, number, part).unwrap().into_owned();
            prop_assert_eq!(tile.alpha.clone(), tile.alpha.as_ref().map(|_| section(Part::Alpha)));
            match &tile.colour {
                TileColour::Lossless(payload) => prop_assert_eq!(payload, &section(Part::Lossless)),
                TileColour::Latents(latents) => for level in 1..=4 {
                    prop_assert_eq!(&latents[level - 1], &section(Part::Latent(level as u8)));
                }
            }
        }
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
    let payload: usize = latents().iter().map(Vec::len).sum();
    // Header 35; per section 1 (kind) + 1 or 2 (length, two bytes from 128 on) + 4 (checksum).
    assert_eq!(write(&file).unwrap().len() - payload, 35 + 6 + 6 + 7 + 7);
}

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

/// Bytes of format version 2, fixed forever.
#[test]
fn known_bytes() {
    let tile = |alpha, colour| Tile { alpha, colour };
    let latents = || TileColour::Latents([vec![0xaa], vec![], vec![1, 2], vec![3]]);
    let one = File { tiles: vec![tile(None, latents())], ..plain() };
    let tiling = Some(Tiling { width: 64, height: 128, overlap: 4 });
    let header = Header { width: 100, height: 90, pixel_format: PixelFormat::GreyAlpha16, tiling, ..header() };
    let two = File {
        header,
        metadata: Metadata { icc: None, exif: None, xmp: None, ..rich().metadata },
        tiles: vec![tile(Some(vec![]), latents()), tile(Some(vec![7]), TileColour::Lossless(vec![8, 9]))],
    };
    for (file, known) in [(one, KNOWN), (two, KNOWN_TILES)] {
        let hex: String = write(&file).unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, known);
    }
}

const KNOWN: &str = "89484c4d0d0a1a0a0280068004000040354301020304fefd890a030908070645868bfd0101aa92c89bd102007d70ef7303020102f1f460c704010335115a78";
const KNOWN_TILES: &str = "89484c4d0d0a1a0a02645a0f0102040040354301020304fefd890a0309080706a229b986840409100001c18d4ad78509130b0000120b0000016c1225e307070002000201010507b6df07060079b583170601074201b37c0101aa92c89bd105020809ecc91ba402007d70ef7303020102f1f460c704010335115a78";
