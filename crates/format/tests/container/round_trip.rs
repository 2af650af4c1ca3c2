//! What is written is read again, and written in the same bytes for ever.

use heirloom_format::container::{
    Cicp, ContainerError, File, Head, Header, Limits, MAGIC, Metadata, Part, PixelFormat, Resolution, Seekable, Tile,
    TileColour, Tiling, VERSION, write,
};
use proptest::prelude::*;

use super::files::{header, header_length, latents, parse_default, plain, rich};

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
