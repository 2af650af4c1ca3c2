//! Files of every format, read as the library `image` reads them or refused.

use std::io::Cursor;

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, codecs::pnm};
use tiff::{
    encoder::{Compression, DeflateLevel, TiffEncoder, colortype},
    tags::Tag,
};

use super::{Alpha, Depth, ReadOptions, catching_panics, read_noting};
use crate::{Image, PixelFormat, ReadError, Samples};

pub(super) const WIDTH: u32 = 53;
pub(super) const HEIGHT: u32 = 38;

/// Reads with the default options, as the command does.
fn read(bytes: &[u8]) -> Result<Image, ReadError> {
    super::read(bytes, &ReadOptions::default())
}

/// Samples without repetitions and without large jumps, which JPEG would blur.
pub(super) fn samples(channels: u32) -> Vec<u8> {
    let sample = |x: u32, y: u32, c: u32| (x * (3 + c) + y * 2 + (x / 9 + y / 7) % 2 * 40) as u8;
    (0..HEIGHT).flat_map(|y| (0..WIDTH).flat_map(move |x| (0..channels).map(move |c| sample(x, y, c)))).collect()
}

fn dynamic(channels: u32) -> DynamicImage {
    match channels {
        1 => image::GrayImage::from_raw(WIDTH, HEIGHT, samples(1)).unwrap().into(),
        _ => image::RgbImage::from_raw(WIDTH, HEIGHT, samples(3)).unwrap().into(),
    }
}

/// Grey or RGB files in every format, with each of its encodings.
fn files(channels: u32) -> Vec<(String, Vec<u8>)> {
    let mut files = Vec::new();
    let mut put = |name: String, bytes: Vec<u8>| files.push((name, bytes));
    for format in [ImageFormat::Png, ImageFormat::WebP, ImageFormat::Tiff, ImageFormat::Pnm, ImageFormat::Bmp] {
        let mut bytes = Cursor::new(Vec::new());
        dynamic(channels).write_to(&mut bytes, format).unwrap();
        put(format!("{format:?}"), bytes.into_inner());
    }
    use jpeg_encoder::SamplingFactor::{F_1_1, F_1_2, F_2_1, F_2_2, F_4_1};
    for factor in [F_1_1, F_2_1, F_1_2, F_2_2, F_4_1] {
        for progressive in [false, true] {
            let mut bytes = Vec::new();
            let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 80);
            encoder.set_sampling_factor(factor);
            encoder.set_progressive(progressive);
            let color = if channels == 1 { jpeg_encoder::ColorType::Luma } else { jpeg_encoder::ColorType::Rgb };
            encoder.encode(&samples(channels), WIDTH as u16, HEIGHT as u16, color).unwrap();
            put(format!("JPEG {factor:?}, progressive {progressive}"), bytes);
        }
    }
    for (name, packing) in [
        ("bare", Compression::Uncompressed),
        ("LZW", Compression::Lzw),
        ("deflate", Compression::Deflate(DeflateLevel::Fast)),
        ("PackBits", Compression::Packbits),
    ] {
        put(format!("TIFF {name}"), tiff_file(&[(channels, &[])], packing));
    }
    put("plain PNM".into(), pnm_file(channels, pnm::SampleEncoding::Ascii));
    put("raw PNM".into(), pnm_file(channels, pnm::SampleEncoding::Binary));
    files
}

fn pnm_file(channels: u32, encoding: pnm::SampleEncoding) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (kind, color) = match channels {
        1 => (pnm::PnmSubtype::Graymap(encoding), ExtendedColorType::L8),
        _ => (pnm::PnmSubtype::Pixmap(encoding), ExtendedColorType::Rgb8),
    };
    let encoder = pnm::PnmEncoder::new(&mut bytes).with_subtype(kind);
    encoder.write_image(&samples(channels), WIDTH, HEIGHT, color).unwrap();
    bytes
}

/// A file of images, each with tags of its own.
fn tiff_file(images: &[(u32, &[(Tag, u16)])], packing: Compression) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut bytes).unwrap().with_compression(packing);
    for (channels, tags) in images {
        macro_rules! write {
            ($kind:ty) => {{
                let mut image = encoder.new_image::<$kind>(WIDTH, HEIGHT).unwrap();
                for (tag, value) in *tags {
                    image.encoder().write_tag(*tag, *value).unwrap();
                }
                image.write_data(&samples(*channels)).unwrap();
            }};
        }
        if *channels == 1 { write!(colortype::Gray8) } else { write!(colortype::RGB8) }
    }
    bytes.into_inner()
}

/// A PNG file, with chunks before its last one.
fn png_file(color: png::ColorType, depth: png::BitDepth, data: &[u8], last: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, WIDTH, HEIGHT);
    encoder.set_color(color);
    encoder.set_depth(depth);
    if color == png::ColorType::Indexed {
        encoder.set_palette((0..48).map(|i| i * 5).collect::<Vec<u8>>());
    }
    let mut writer = encoder.write_header().unwrap();
    writer.write_image_data(data).unwrap();
    for (name, content) in last {
        writer.write_chunk(png::chunk::ChunkType(**name), content).unwrap();
    }
    writer.finish().unwrap();
    bytes
}

#[test]
fn every_format_is_read_as_the_library_image_reads_it() {
    for channels in [1, 3] {
        for (name, bytes) in files(channels) {
            let image = read(&bytes).unwrap_or_else(|failure| panic!("{name}: {failure}"));
            assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT), "{name}");
            // Libraries for JPEG round differently: by up to 4 of 255. That of `image` does more than round.
            let (expected, tolerance) = if name.starts_with("JPEG") {
                (jpeg_decoder::Decoder::new(&bytes[..]).decode().unwrap(), 4)
            } else {
                (image::load_from_memory(&bytes).unwrap().into_bytes(), 0)
            };
            let worst = image.data().iter().zip(&expected).map(|(a, b)| a.abs_diff(*b)).max();
            assert!(worst <= Some(tolerance), "{name} of {channels} channels: {worst:?}");
            let lossless = !name.starts_with("JPEG") && image.data().len() == samples(channels).len();
            assert!(!lossless || image.data() == samples(channels), "{name} of {channels} channels");
        }
    }
}

#[test]
fn lossy_webp() {
    // 9 × 6 pixels by libwebp, as no encoder of the tests writes this kind.
    let bytes = b"RIFF@\0\0\0WEBPVP8 4\0\0\0\xb0\x01\0\x9d\x01*\x09\0\x06\0\x04\0h%\xb0\x02t\x01\x0e\xb4\xf3\xa0\0\xfe\
        \xec\xe0\xadG^\xa6\xfb\xc0\xc3\x88}\xe4\x8b\x17]\xca\xe4\x8e\xc8b\xbc\x1c\xb3W\x7f\x1d \0";
    let expected = image::load_from_memory(bytes).unwrap();
    let image = read(bytes).unwrap();
    assert_eq!((image.width(), image.height(), image.data()), (9, 6, expected.as_bytes()));
}

#[test]
fn few_bits_and_palettes() {
    use png::{BitDepth, ColorType};
    for (color, depth) in [
        (ColorType::Grayscale, BitDepth::One),
        (ColorType::Grayscale, BitDepth::Two),
        (ColorType::Grayscale, BitDepth::Four),
        (ColorType::Indexed, BitDepth::Four),
    ] {
        let row = (WIDTH as usize * depth as usize).div_ceil(8);
        let data: Vec<u8> = (0..row * HEIGHT as usize).map(|i| (i * 37 % 251) as u8).collect();
        let bytes = png_file(color, depth, &data, &[]);
        let expected = image::load_from_memory(&bytes).unwrap();
        assert_eq!(read(&bytes).unwrap().data(), expected.as_bytes(), "{color:?} {depth:?}");
    }
}

#[test]
fn bitmaps() {
    let expected = [0, 255, 0, 255, 255, 0, 255, 255, 0, 255, 255, 0];
    for file in [
        &b"P1\n# a comment\n3 4\n1 0 1\n0 0 1 # another\n0 0 1 0 0 1\n"[..],
        b"P1 3 4 101001001001",
        b"P4\n3 4\n\xbf\x20\x20\x3f",
        b"P2 3 4 255 0 255 0 255 255 0 255 255 0 255 255 0",
    ] {
        let image = read(file).unwrap();
        assert_eq!((image.width(), image.height(), image.format()), (3, 4, PixelFormat::Grey8));
        assert_eq!(image.data(), expected);
    }
}

#[test]
fn metadata_after_the_pixels_of_a_png() {
    let exif = b"II*\0\x08\0\0\0\0\0";
    let xmp = b"XML:com.adobe.xmp\0\0\0\0\0<x/>";
    let bytes = png_file(png::ColorType::Rgb, png::BitDepth::Eight, &samples(3), &[(b"eXIf", exif), (b"iTXt", xmp)]);
    let metadata = read(&bytes).unwrap().metadata;
    assert_eq!(metadata.exif.as_deref(), Some(&exif[..]));
    assert_eq!(metadata.xmp.as_deref(), Some(&b"<x/>"[..]));
}

#[test]
fn what_is_left_out_is_noted_and_refused_if_strict() {
    let page: (u32, &[(Tag, u16)]) = (3, &[]);
    let smaller: (u32, &[(Tag, u16)]) = (1, &[(Tag::NewSubfileType, 1)]);
    let tiff = |images: &[_]| tiff_file(images, Compression::Uncompressed);
    let comment = png_file(png::ColorType::Rgb, png::BitDepth::Eight, &samples(3), &[(b"tEXt", b"Author\0me")]);
    for (file, note) in [
        (tiff(&[page, smaller]), None),
        (tiff(&[page, smaller, page]), Some("only the first of its 2 pages was taken; --frame N chooses another")),
        (comment, Some("its 1 text was left out")),
        (b"P2 1 1 15\n7".to_vec(), Some("its samples of up to 15 were scaled to 8 bits")),
        (b"P5 1 1 65535\n\0\0".to_vec(), None),
    ] {
        let read = read_noting(&file, &ReadOptions::default()).unwrap();
        assert_eq!(read.notes, note.into_iter().collect::<Vec<_>>());
        let strict = ReadOptions { strict: true, ..ReadOptions::default() };
        let strict = read_noting(&file, &strict);
        match note {
            None => assert_eq!(strict.unwrap(), read),
            Some(note) => assert!(strict.unwrap_err().to_string().contains(note)),
        }
    }
}

#[test]
fn pages_are_chosen_by_number() {
    let file = tiff_file(&[(3, &[]), (1, &[(Tag::NewSubfileType, 1)]), (1, &[])], Compression::Lzw);
    let page = |frame| super::read(&file, &ReadOptions { frame: Some(frame), ..ReadOptions::default() });
    assert_eq!(page(0).unwrap().data(), samples(3));
    assert_eq!(page(1).unwrap().data(), samples(1));
    assert_eq!(page(2).unwrap_err().to_string(), "has no frame 2; it has frames 0 to 1");
    let single = super::read(b"P5 1 1 255 x", &ReadOptions { frame: Some(1), ..ReadOptions::default() });
    assert_eq!(single.unwrap_err().to_string(), "has no frame 1; it has only frame 0");
}

#[test]
fn files_that_are_not_read() {
    for (file, says) in [
        (&b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 5\nMAXVAL 255\nENDHDR\nabcde"[..], "has 5 samples per pixel"),
        (b"P6 4000000000 4000000000 255\n", "is too large to read"),
        (b"\0\0\0\x20ftypavif", "is an AVIF image"),
        (b"\0\0\0\x18ftypheic", "is a HEIF image"),
        (b"\x89HLM\r\n\x1a\n", "is a Heirloom file"),
        (b"%PDF-1.7", "is not a PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM or JPEG XL image"),
    ] {
        let error = read(file).unwrap_err();
        assert!(matches!(&error, ReadError::Unsupported(text) if text.contains(says)), "{error}");
    }
    let small = ReadOptions { max_bytes: 5, ..ReadOptions::default() };
    assert!(super::read(b"P6 1 2 255 123456", &small).unwrap_err().to_string().contains("need more than"));
    assert!(super::read(b"P5 5 1 255 12345", &small).is_ok());
}

#[test]
fn damaged_pnm_files() {
    for (file, says) in [
        (&b"P5 2 2 255\nabc"[..], "cut short"),
        (b"P4 9 2\nabc", "cut short"),
        (b"P3 1 1 255 1 2", "cut short"),
        (b"P1 2 1 1", "cut short"),
        (b"P7\nWIDTH 1\nHEI", "cut short"),
        (b"P7\nWIDTH 1\nBREADTH 1\n", "an unknown line in its header"),
        (b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 3\nMAXVAL 255\nENDHDR\nab", "cut short"),
        (b"P2 1", "cut short"),
        (b"P1 2 1 12", "without a 0 or 1"),
        (b"P2 1 1 255 256", "a sample of 256"),
        (b"P2 1 x", "without a number"),
        (b"P2 1 99999999999", "without a number"),
        (b"P2 0 1 255", "both sides must be at least 1"),
    ] {
        let error = read(file).unwrap_err();
        assert!(matches!(&error, ReadError::Damaged(text) if text.contains(says)), "{error}");
    }
}

#[test]
fn files_that_are_cut_short() {
    for (name, bytes) in files(3) {
        let whole = read(&bytes).unwrap();
        // The last number of a text loses digits without anybody noticing.
        for end in (0..bytes.len() - 3).step_by(7) {
            if let Ok(image) = read(&bytes[..end]) {
                assert!(image.data() == whole.data(), "{name} cut to {end} bytes");
            }
        }
    }
}

/// Images of 16 bits, of alpha and of both, in the formats that have them.
fn files_to_reduce() -> Vec<(String, Vec<u8>)> {
    let deep = |channels: u32| {
        samples(channels)
            .iter()
            .zip(samples(channels).iter().rev())
            .map(|(a, b)| u16::from_be_bytes([*a, *b]))
            .collect::<Vec<u16>>()
    };
    let images: [(&str, DynamicImage); 6] = [
        (
            "grey of 16 bits",
            image::ImageBuffer::<image::Luma<u16>, _>::from_raw(WIDTH, HEIGHT, deep(1)).unwrap().into(),
        ),
        ("RGB of 16 bits", image::ImageBuffer::<image::Rgb<u16>, _>::from_raw(WIDTH, HEIGHT, deep(3)).unwrap().into()),
        ("grey and alpha", image::GrayAlphaImage::from_raw(WIDTH, HEIGHT, samples(2)).unwrap().into()),
        ("RGB and alpha", image::RgbaImage::from_raw(WIDTH, HEIGHT, samples(4)).unwrap().into()),
        (
            "grey and alpha of 16 bits",
            image::ImageBuffer::<image::LumaA<u16>, _>::from_raw(WIDTH, HEIGHT, deep(2)).unwrap().into(),
        ),
        (
            "RGB and alpha of 16 bits",
            image::ImageBuffer::<image::Rgba<u16>, _>::from_raw(WIDTH, HEIGHT, deep(4)).unwrap().into(),
        ),
    ];
    let mut files = Vec::new();
    for (name, image) in images {
        for format in [ImageFormat::Png, ImageFormat::Tiff, ImageFormat::Pnm, ImageFormat::WebP, ImageFormat::Bmp] {
            let mut bytes = Cursor::new(Vec::new());
            // Not every format can hold every image.
            if image.write_to(&mut bytes, format).is_ok() {
                files.push((format!("{name} as {format:?}"), bytes.into_inner()));
            }
        }
    }
    files
}

#[test]
fn alpha_and_16_bits_are_kept_or_reduced_as_asked() {
    let files = files_to_reduce();
    assert!(files.len() > 12, "{}", files.len());
    for (name, bytes) in files {
        let expected = image::load_from_memory(&bytes).unwrap();
        let kept = read(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(kept.data() == expected.as_bytes(), "{name}");
        assert_eq!(DynamicImage::from(kept).color(), expected.color(), "{name}");
        let reduced = super::read(&bytes, &ReadOptions::reduce()).unwrap();
        assert!(*reduced.to_rgb() == *expected.to_rgb8().as_raw(), "{name}");
        assert!(!reduced.format().has_alpha() && reduced.format().bits() == 8, "{name}");
        let shallow = ReadOptions { depth: Depth::Reduce, ..ReadOptions::default() };
        let shallow = super::read(&bytes, &shallow).unwrap().format();
        assert_eq!((shallow.bits(), shallow.has_alpha()), (8, expected.color().has_alpha()), "{name}");
    }
}

#[test]
fn opaque_alpha_is_dropped_and_other_alpha_flattened_when_asked() {
    let pam = |alpha: u8| [&b"P7\nWIDTH 1\nHEIGHT 1\nDEPTH 2\nMAXVAL 255\nENDHDR\n"[..], &[100, alpha]].concat();
    let opaque = read_noting(&pam(255), &ReadOptions::default()).unwrap();
    assert_eq!((opaque.image.format(), opaque.image.data()), (PixelFormat::Grey8, &[100][..]));
    assert!(opaque.notes.is_empty());
    assert_eq!(read(&pam(254)).unwrap().format(), PixelFormat::GreyAlpha8);
    let over = |colour| super::read(&pam(51), &ReadOptions { alpha: Alpha::Flatten(colour), ..ReadOptions::default() });
    let grey = over([0xffff; 3]).unwrap();
    assert_eq!((grey.format(), grey.data()), (PixelFormat::Grey8, &[224][..]));
    let red = over([0xffff, 0, 0]).unwrap();
    assert_eq!((red.format(), red.data()), (PixelFormat::Rgb8, &[224, 20, 20][..]));
}

#[test]
fn pnm_files_of_any_maximum_are_scaled() {
    for file in [&b"P2 4 1 15 0 1 7 15"[..], b"P5 4 1 15 \x00\x01\x07\x0f"] {
        assert_eq!(read(file).unwrap().data(), [0, 17, 119, 255]);
    }
    let deep = read(b"P5 4 1 3855 \0\0\x01\x01\x07\x07\x0f\x0f").unwrap();
    assert_eq!(deep.samples(), &Samples::U16(vec![0, 0x1111, 0x7777, 0xffff]));
    let above = read(b"P5 1 1 15 \x10").unwrap_err();
    assert!(above.to_string().contains("a sample of 16, more than 15"), "{above}");
}

/// A BMP file with a header of 40 bytes; a negative height means rows from top to bottom.
fn bmp_file(height: i32, bits: u16, compression: u32, between: &[u8], pixels: &[u8]) -> Vec<u8> {
    let offset = 54 + between.len() as u32;
    let mut bytes = [&b"BM\0\0\0\0\0\0\0\0"[..], &offset.to_le_bytes(), &40u32.to_le_bytes()].concat();
    bytes.extend(3i32.to_le_bytes());
    bytes.extend(height.to_le_bytes());
    bytes.extend([1, 0]);
    bytes.extend(bits.to_le_bytes());
    bytes.extend(compression.to_le_bytes());
    bytes.extend([0; 12]);
    bytes.extend(((between.len() / 4) as u32).to_le_bytes());
    bytes.extend([0; 4]);
    bytes.extend(between);
    bytes.extend(pixels);
    bytes
}

#[test]
fn bitmaps_of_windows() {
    let palette: Vec<u8> = (0..16).flat_map(|i| [i, 2 * i, 3 * i, 0]).collect();
    let masks: Vec<u8> =
        [0x00ff_0000u32, 0x0000_ff00, 0x0000_00ff].iter().flat_map(|mask| mask.to_le_bytes()).collect();
    let bytes: Vec<u8> = (1..=24).collect();
    for (height, bits, compression, between, pixels) in [
        (2, 24, 0, &[][..], &bytes[..]),
        (-2, 24, 0, &[], &bytes),
        (2, 32, 0, &[], &bytes),
        (-2, 32, 3, &masks, &bytes),
        (2, 8, 0, &palette, &[1, 2, 3, 0, 4, 15, 6, 0]),
        (2, 4, 0, &palette, &[0x12, 0x30, 0, 0, 0x4f, 0x60, 0, 0]),
        (-2, 1, 0, &palette[..8], &[0x40, 0, 0, 0, 0xa0, 0, 0, 0]),
    ] {
        let file = bmp_file(height, bits, compression, between, pixels);
        let expected = image::load_from_memory_with_format(&file, ImageFormat::Bmp).unwrap();
        let image = read(&file).unwrap_or_else(|error| panic!("{bits} bits: {error}"));
        assert_eq!((image.width(), image.height()), (3, 2));
        assert!(image.data() == expected.to_rgb8().as_raw(), "{bits} bits, height {height}");
        let cut = read(&file[..file.len() - 4]).unwrap_err();
        assert!(matches!(cut, ReadError::Damaged(_)), "{cut}");
    }
    // Without alpha that means something: all of it 0.
    let masks: Vec<u8> = [0xff0000u32, 0xff00, 0xff, 0xff00_0000].iter().flat_map(|mask| mask.to_le_bytes()).collect();
    let mut file =
        bmp_file(-2, 32, 3, &masks, &bytes.iter().map(|v| if v % 4 == 0 { 0 } else { *v }).collect::<Vec<_>>());
    file[14] = 56; // the header with four masks
    let image = read_noting(&file, &ReadOptions::default()).unwrap();
    assert_eq!(image.image.format(), PixelFormat::Rgb8);
    assert_eq!(image.notes, ["its alpha channel, which is 0 everywhere, was left out"]);
}

#[test]
fn bitmaps_of_os2() {
    let palette: Vec<u8> = (0..16).flat_map(|i| [i, 2 * i, 3 * i, 0]).collect();
    let windows = bmp_file(2, 8, 0, &palette, &[1, 2, 3, 0, 4, 15, 6, 0]);
    let mut os2 = [&windows[..54], &[0; 24], &windows[54..]].concat();
    os2[14] = 64;
    os2[10] += 24;
    assert_eq!(read(&os2).unwrap(), read(&windows).unwrap());
}

#[test]
fn a_panic_becomes_an_error() {
    let caught = catching_panics::<()>(|| panic!("index 7 is out of bounds"));
    assert!(matches!(caught, Err(ReadError::Internal(text)) if text == "index 7 is out of bounds"));
}

/// Files of the formats that hold little beside their pixels.
#[test]
fn simple_formats() {
    let rgba: DynamicImage = image::RgbaImage::from_raw(WIDTH, HEIGHT, samples(4)).unwrap().into();
    for image in [dynamic(1), dynamic(3), rgba] {
        for format in [ImageFormat::Tga, ImageFormat::Qoi, ImageFormat::Gif] {
            let mut bytes = Cursor::new(Vec::new());
            if image.write_to(&mut bytes, format).is_err() {
                continue; // not every format can hold every image
            }
            let bytes = bytes.into_inner();
            let expected = image::load_from_memory_with_format(&bytes, format).unwrap();
            let image = read(&bytes).unwrap_or_else(|error| panic!("{format:?}: {error}"));
            assert_eq!((image.width(), image.height()), (WIDTH, HEIGHT), "{format:?}");
            assert!(*image.to_rgb() == *expected.to_rgb8().as_raw(), "{format:?}");
            for end in [0, 1, 17, bytes.len() / 2] {
                assert!(read(&bytes[..end]).is_err(), "{format:?} cut to {end} bytes");
            }
        }
    }
}

#[test]
fn jpeg_xl() {
    // 5 × 3 pixels of RGB, and of 16-bit grey in a container, by libjxl, as no encoder of the tests writes it.
    let rgb = b"\xff\x0a\x10\x50\x10\x50\x5c\x08\x08\x02\x01\0\xd8\0\x4b\x12\xc5\x82\x85\x24\x92\xab\xbb\xa3\x24\xa5\xdc\x67\x3f\
        \xc5\x01\x10\x08\x84\xc0\x0b\x10\xa0\x02\xc1\x5d\x6d\xa6\x38\x9d\x4e\x67\xc4\x40\xb4\xba\x32\x72\x35\x24\x8a\xe7\
        \xd9\x2f\x89\x23\x44\x79\x74\x6f\x92\x76\0";
    let image = read(rgb).unwrap();
    assert_eq!((image.width(), image.height(), image.format()), (5, 3, PixelFormat::Rgb8));
    let expected: Vec<u8> = (0..3).flat_map(|y| (0..5).flat_map(move |x| [x * 50, y * 100, (x + y) * 20])).collect();
    assert_eq!((image.data(), &image.metadata.icc), (&expected[..], &None));
    let grey = b"\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl \0\0\0\0jxl \0\0\0\x09jxll\x0a\0\0\0\x3ejxlc\xff\x0a\x10\x50\xfc\0\xc5\x85\x08\
        \x02\x01\0\xa0\0\x4b\x12\xc5\x82\x85\x24\x96\x06\x37\x19\xad\x39\x13\x3a\xa5\x7c\x84\x99\x61\x66\x98\x19\x66\x96\0\xf7\
        \xe7\x9d\xbe\x29\xda\x50\xc9\x5f\xef\x03\x92\x31\x47\xac";
    let expected: Vec<u16> = (0..3).flat_map(|y| (0..5).map(move |x| x * 13107 + y)).collect();
    let image = read(grey).unwrap();
    assert_eq!((image.samples(), &image.metadata.icc), (&Samples::U16(expected), &None));
    assert!(read(&rgb[..40]).is_err());
}

/// The header of a TGA file says how many bits of its fourth channel are alpha; plain or in runs.
#[test]
fn alpha_of_tga() {
    let file = |kind: u8, alpha_bits: u8, pixels: &[u8]| {
        [&[0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 1, 0, 32, 0x20 | alpha_bits][..], pixels].concat()
    };
    for (kind, pixels) in [(2, &[3, 2, 1, 9, 6, 5, 4, 0][..]), (10, &[1, 3, 2, 1, 9, 6, 5, 4, 0])] {
        let with = read(&file(kind, 8, pixels)).unwrap();
        assert_eq!((with.format(), with.data()), (PixelFormat::Rgba8, &[1, 2, 3, 9, 4, 5, 6, 0][..]));
        let without = read(&file(kind, 0, pixels)).unwrap();
        assert_eq!((without.format(), without.data()), (PixelFormat::Rgb8, &[1, 2, 3, 4, 5, 6][..]));
    }
}

#[test]
fn frames_of_animations() {
    let colours = [[200, 0, 0, 255], [0, 200, 0, 255], [0, 0, 200, 255]];
    let mut bytes = Vec::new();
    let mut encoder = image::codecs::gif::GifEncoder::new(&mut bytes);
    let frames = colours.map(|colour| image::Frame::new(image::RgbaImage::from_pixel(4, 3, image::Rgba(colour))));
    encoder.encode_frames(frames).unwrap();
    drop(encoder);
    let first = read_noting(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(first.image.data()[..3], colours[0][..3]);
    assert_eq!(first.notes, ["only the first of its frames was taken; --frame N chooses another"]);
    let frame = |frame| super::read(&bytes, &ReadOptions { frame: Some(frame), ..ReadOptions::default() });
    assert_eq!(frame(2).unwrap().data()[..3], colours[2][..3]);
    assert_eq!(frame(3).unwrap_err().to_string(), "has no frame 3; it has frames 0 to 2");

    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 4, 3);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_animated(3, 0).unwrap();
    let mut writer = encoder.write_header().unwrap();
    colours.iter().for_each(|colour| writer.write_image_data(&colour.repeat(12)).unwrap());
    writer.finish().unwrap();
    let first = read_noting(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(first.image.data()[..3], colours[0][..3]);
    assert_eq!(first.notes, ["only the first of its 3 frames was taken; --frame N chooses another"]);
    let second = super::read(&bytes, &ReadOptions { frame: Some(1), ..ReadOptions::default() }).unwrap();
    assert_eq!(second.data()[..3], colours[1][..3]);
}
