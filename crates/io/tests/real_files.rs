//! Kinds of files that were read wrongly, refused for a wrong reason, or that ended the program:
//! found in public collections, and built here.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_io::{Image, PixelFormat, ReadError, ReadOptions, read, read_noting};

const WIDTH: usize = 37;
const HEIGHT: usize = 29;

/// A smooth plane of a slope, which JPEG hardly changes.
fn plane(width: usize, height: usize, base: usize, slope: usize) -> Vec<u8> {
    (0..height)
        .flat_map(|y| (0..width).map(move |x| (base + slope * (x * 64 / width + y * 64 / height)) as u8))
        .collect()
}

/// The segments of a grey JPEG file that hold quantisation and Huffman tables, and its coded data.
struct Grey {
    quantisation: Vec<u8>,
    huffman: Vec<u8>,
    data: Vec<u8>,
}

impl Grey {
    fn new(plane: &[u8], width: usize, height: usize) -> Self {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 95);
        encoder.set_optimized_huffman_tables(true);
        encoder.encode(plane, width as u16, height as u16, jpeg_encoder::ColorType::Luma).unwrap();
        let mut grey = Self { quantisation: Vec::new(), huffman: Vec::new(), data: Vec::new() };
        let mut at = 2;
        loop {
            let (code, length) = (bytes[at + 1], usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]])));
            let segment = &bytes[at..at + 2 + length];
            match code {
                0xdb => grey.quantisation.extend(segment),
                0xc4 => grey.huffman.extend(segment),
                0xda => {
                    grey.data = bytes[at + 2 + length..bytes.len() - 2].to_vec();
                    return grey;
                }
                _ => {}
            }
            at += 2 + length;
        }
    }
}

fn segment(code: u8, content: &[u8]) -> Vec<u8> {
    [&[0xff, code], &(content.len() as u16 + 2).to_be_bytes()[..], content].concat()
}

/// A baseline JPEG file with a scan of its own for each component: sampling factors and samples.
fn scans(first: &[u8], components: &[((usize, usize), Vec<u8>)]) -> Vec<u8> {
    let most = |factor: fn(&(usize, usize)) -> usize| components.iter().map(|(s, _)| factor(s)).max().unwrap();
    let (h, v) = (most(|s| s.0), most(|s| s.1));
    let greys: Vec<Grey> = components
        .iter()
        .map(|(s, samples)| Grey::new(samples, (WIDTH * s.0).div_ceil(h), (HEIGHT * s.1).div_ceil(v)))
        .collect();
    let mut frame = vec![8, 0, HEIGHT as u8, 0, WIDTH as u8, components.len() as u8];
    for (i, ((h, v), _)) in components.iter().enumerate() {
        frame.extend([i as u8 + 1, (h << 4 | v) as u8, 0]);
    }
    let mut bytes = [&[0xff, 0xd8][..], first, &greys[0].quantisation, &segment(0xc0, &frame)].concat();
    for (i, grey) in greys.iter().enumerate() {
        bytes.extend(&grey.huffman);
        bytes.extend(segment(0xda, &[1, i as u8 + 1, 0, 0, 63, 0]));
        bytes.extend(&grey.data);
    }
    bytes.extend([0xff, 0xd9]);
    bytes
}

/// Luma and chroma planes for sampling factors, and the RGB image that they mean.
fn ycbcr(factors: [(usize, usize); 3]) -> (Vec<((usize, usize), Vec<u8>)>, Vec<[f32; 3]>) {
    let most = |factor: fn(&(usize, usize)) -> usize| factors.iter().map(factor).max().unwrap();
    let (h, v) = (most(|s| s.0), most(|s| s.1));
    let make = |i: usize| {
        let (base, slope) = [(60, 1), (100, 1), (200, 0)][i];
        let (width, height) = ((WIDTH * factors[i].0).div_ceil(h), (HEIGHT * factors[i].1).div_ceil(v));
        (factors[i], plane(width, height, base, slope))
    };
    let at = |base: f32, slope: f32, x: usize, y: usize| {
        base + slope * (x as f32 * 64.0 / WIDTH as f32 + y as f32 * 64.0 / HEIGHT as f32)
    };
    let pixel = |x, y| {
        let (luma, cb, cr) = (at(60.0, 1.0, x, y), at(100.0, 1.0, x, y) - 128.0, 200.0 - 128.0);
        [luma + 1.402 * cr, luma - 0.344 * cb - 0.714 * cr, luma + 1.772 * cb].map(|v: f32| v.clamp(0.0, 255.0))
    };
    let image = (0..HEIGHT).flat_map(|y| (0..WIDTH).map(move |x| pixel(x, y))).collect();
    ([0, 1, 2].map(make).into(), image)
}

#[track_caller]
fn assert_near(image: &Image, expected: &[[f32; 3]], what: &str) {
    assert_eq!((image.width(), image.height()), (WIDTH as u32, HEIGHT as u32));
    let error: f32 = image.to_rgb().iter().zip(expected.as_flattened()).map(|(a, b)| (f32::from(*a) - b).abs()).sum();
    let mean = error / expected.as_flattened().len() as f32;
    assert!(mean < 6.0, "{what}: the mean error is {mean}");
}

#[test]
fn jpeg_of_a_scan_for_each_component() {
    let full = (1, 1);
    for factors in [
        [full, full, full],
        [(2, 2), full, full],
        [(1, 2), full, full],
        [(2, 1), full, full],
        [(4, 1), full, full],
        // Chroma finer than luma.
        [full, (2, 2), (2, 2)],
        [full, (2, 1), full],
    ] {
        let (components, expected) = ycbcr(factors);
        let image = read(&scans(&[], &components), &ReadOptions::default()).unwrap();
        assert_near(&image, &expected, &format!("{factors:?}"));
    }
}

#[test]
fn jpeg_cut_short_is_refused_however_it_ends() {
    let ends = [&b""[..], b"\xff\xd9"];
    for first in [[(1, 1), (2, 2), (2, 2)], [(2, 2), (1, 1), (1, 1)]] {
        let whole = scans(&[], &ycbcr(first).0);
        for (tenths, end) in [3, 5, 8, 9].into_iter().flat_map(|tenths| ends.map(|end| (tenths, end))) {
            let cut = [&whole[..whole.len() * tenths / 10], end].concat();
            let error = read(&cut, &ReadOptions::default()).unwrap_err();
            assert!(matches!(error, ReadError::Damaged(_)), "{first:?}, {tenths}: {error}");
        }
    }
    let (components, expected) = ycbcr([(2, 2), (1, 1), (1, 1)]);
    let whole = scans(&[], &components);
    let mut lenient = ReadOptions::default();
    lenient.lenient = true;
    let mut interleaved = Vec::new();
    let samples: Vec<u8> = (0..WIDTH * HEIGHT * 3).map(|i| (i / 16 * 37 % 251) as u8).collect();
    let encoder = jpeg_encoder::Encoder::new(&mut interleaved, 90);
    encoder.encode(&samples, WIDTH as u16, HEIGHT as u16, jpeg_encoder::ColorType::Rgb).unwrap();
    let full = read(&interleaved, &ReadOptions::default()).unwrap();
    let taken = read_noting(&interleaved[..interleaved.len() * 2 / 3], &lenient).unwrap();
    assert_eq!((taken.image.width(), taken.image.height()), (WIDTH as u32, HEIGHT as u32));
    assert_eq!(taken.image.data()[..WIDTH * 3], full.data()[..WIDTH * 3]);
    assert!(taken.notes[0].contains("what could be read was taken"), "{:?}", taken.notes);
    let sound = read_noting(&whole, &lenient).unwrap();
    assert!(sound.notes.is_empty());
    assert_near(&sound.image, &expected, "sound");
}

#[test]
fn jpeg_with_bytes_between_its_segments_and_behind_its_end() {
    let (components, _) = ycbcr([(1, 1); 3]);
    let plain = read(&scans(&[], &components), &ReadOptions::default()).unwrap();
    let junk = [&segment(0xfe, b"a comment")[..], b"junk\xff\0", &segment(0xfe, b"another"), b"more"].concat();
    let mut bytes = scans(&junk, &components);
    bytes.extend(b"behind the end \xff\xd8\xff\xe0");
    let read = read_noting(&bytes, &ReadOptions::default()).unwrap();
    assert_eq!(read.image, plain);
    assert_eq!(read.notes, ["its comment was left out"]);
}

/// The segment that says how four components, or three of RGB, are stored.
fn adobe(transform: u8) -> Vec<u8> {
    segment(0xee, &[b"Adobe\0\x64\0\0\0\0", &[transform][..]].concat())
}

#[test]
fn jpeg_of_rgb_and_cmyk() {
    let planes: Vec<_> = (0..4).map(|i| ((1, 1), plane(WIDTH, HEIGHT, 20 + 30 * i, i % 2))).collect();
    let rgb = read(&scans(&adobe(0), &planes[..3]), &ReadOptions::default()).unwrap();
    let expected: Vec<[f32; 3]> = (0..WIDTH * HEIGHT).map(|i| [0, 1, 2].map(|c| planes[c].1[i].into())).collect();
    assert_near(&rgb, &expected, "RGB");

    // Adobe stores ink as 255 − ink, so the product of ink and black is that of the light let through.
    let cmyk = read_noting(&scans(&adobe(0), &planes), &ReadOptions::default()).unwrap();
    let light = |i: usize| [0, 1, 2].map(|c| f32::from(planes[c].1[i]) * f32::from(planes[3].1[i]) / 255.0);
    assert_near(&cmyk.image, &(0..WIDTH * HEIGHT).map(light).collect::<Vec<_>>(), "CMYK");
    assert_eq!(cmyk.notes, ["its CMYK colours were converted to sRGB without a profile, as plain inks"]);
}

#[test]
fn jpeg_of_arithmetic_coding_and_of_12_bits() {
    use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress, compress_arithmetic};
    let samples: Vec<u8> = (0..3).flat_map(|c| plane(WIDTH, HEIGHT, 20 * c, 1)).collect();
    let huffman = compress(&samples, WIDTH, HEIGHT, PixelFormat::Rgb, 90, Subsampling::S420).unwrap();
    let arithmetic = compress_arithmetic(&samples, WIDTH, HEIGHT, PixelFormat::Rgb, 90, Subsampling::S420).unwrap();
    let read = |bytes: &[u8]| read(bytes, &ReadOptions::default()).unwrap();
    assert_eq!(read(&huffman), read(&arithmetic));

    let deep: Vec<i16> = (0..WIDTH * HEIGHT).map(|i| (i * 4095 / (WIDTH * HEIGHT)) as i16).collect();
    let bytes = libjpeg_turbo_rs::compress_12bit(&deep, WIDTH, HEIGHT, 1, 95, Subsampling::S444).unwrap();
    let image = read(&bytes);
    let found = image.samples().as_u16().unwrap();
    let worst = found.iter().zip(&deep).map(|(a, b)| a.abs_diff((i32::from(*b) * 65535 / 4095) as u16)).max().unwrap();
    assert!(worst < 1500, "{worst} of 65535");
}

/// A TIFF file in tiles of 16 × 16, of RGB in separate planes.
fn tiled_planar_tiff(samples: &[u8]) -> Vec<u8> {
    let (across, down) = (WIDTH.div_ceil(16), HEIGHT.div_ceil(16));
    let tiles = across * down * 3;
    let mut data = Vec::new();
    for tile in 0..tiles {
        let (channel, place) = (tile / (across * down), tile % (across * down));
        for (y, x) in (0..16).flat_map(|y| (0..16).map(move |x| (y, x))) {
            let (x, y) = (place % across * 16 + x, place / across * 16 + y);
            data.push(if x < WIDTH && y < HEIGHT { samples[(y * WIDTH + x) * 3 + channel] } else { 0 });
        }
    }
    let (offsets, counts, bits) = (8 + data.len(), 8 + data.len() + 4 * tiles, 8 + data.len() + 8 * tiles);
    let directory = bits + 6;
    let tags: [(u16, u16, usize, usize); 12] = [
        (256, 4, 1, WIDTH),
        (257, 4, 1, HEIGHT),
        (258, 3, 3, bits),
        (259, 3, 1, 1),
        (262, 3, 1, 2),
        (277, 3, 1, 3),
        (284, 3, 1, 2),
        (322, 4, 1, 16),
        (323, 4, 1, 16),
        (324, 4, tiles, offsets),
        (325, 4, tiles, counts),
        (339, 3, 1, 1),
    ];
    let mut bytes = [&b"II*\0"[..], &(directory as u32).to_le_bytes(), &data].concat();
    (0..tiles).for_each(|i| bytes.extend(((8 + 256 * i) as u32).to_le_bytes()));
    (0..tiles).for_each(|_| bytes.extend(256u32.to_le_bytes()));
    bytes.extend([8, 0, 8, 0, 8, 0]);
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([(count as u32).to_le_bytes(), (value as u32).to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn tiff_of_tiles_in_planes() {
    let samples: Vec<u8> = (0..WIDTH * HEIGHT * 3).map(|i| (i * 7 % 251) as u8).collect();
    let image = read(&tiled_planar_tiff(&samples), &ReadOptions::default()).unwrap();
    assert_eq!((image.format(), image.data()), (PixelFormat::Rgb8, &samples[..]));
}

/// A grey TIFF file of one strip, with the given bits, photometric interpretation, order of bits and
/// palette.
fn grey_tiff(bits: u16, photometric: u16, order: u16, palette: &[u16], data: &[u8]) -> Vec<u8> {
    let (map, directory) = (8 + data.len(), 8 + data.len() + 2 * palette.len());
    let mut tags = vec![
        (256u16, 4u16, 1, 4),
        (257, 4, 1, 1),
        (258, 3, 1, bits.into()),
        (259, 3, 1, 1),
        (262, 3, 1, photometric.into()),
        (266, 3, 1, order.into()),
        (273, 4, 1, 8),
        (278, 4, 1, 1),
        (279, 4, 1, data.len()),
    ];
    if !palette.is_empty() {
        tags.push((320, 3, palette.len(), map));
    }
    let mut bytes = [&b"II*\0"[..], &(directory as u32).to_le_bytes(), data].concat();
    palette.iter().for_each(|v| bytes.extend(v.to_le_bytes()));
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([(count as u32).to_le_bytes(), (value as u32).to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn tiff_of_palettes_few_bits_and_reversed_bits() {
    let read = |bytes: &[u8]| read(bytes, &ReadOptions::default()).unwrap();
    assert_eq!(read(&grey_tiff(2, 1, 1, &[], &[0b00_01_10_11])).data(), [0, 85, 170, 255]);
    assert_eq!(read(&grey_tiff(2, 0, 1, &[], &[0b00_01_10_11])).data(), [255, 170, 85, 0]);
    assert_eq!(read(&grey_tiff(4, 1, 2, &[], &[0x80, 0xf4])).data(), [0, 17, 34, 255]);
    let twelve = read(&grey_tiff(12, 1, 1, &[], &[0x00, 0x08, 0x00, 0xff, 0xff, 0x00]));
    let of_12 = |v: u32| ((v * 65535 + 2047) / 4095) as u16;
    assert_eq!(twelve.samples().as_u16(), Some(&[0, 0x800, 0xfff, 0xf00].map(of_12)[..]));
    let palette: Vec<u16> =
        [[0, 10, 20, 30], [0, 0, 255, 0], [7, 0, 0, 255]].concat().iter().map(|v| v * 257).collect();
    let image = read(&grey_tiff(2, 3, 1, &palette, &[0b00_01_10_11]));
    assert_eq!((image.format(), image.data()), (PixelFormat::Rgb8, &[0, 0, 7, 10, 0, 0, 20, 255, 0, 30, 0, 255][..]));
}

/// A PNG file of one grey or RGB pixel, with chunks before its pixels.
fn png(color: png::ColorType, chunks: &[(&[u8; 4], &[u8])]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 1, 1);
    encoder.set_color(color);
    let mut writer = encoder.write_header().unwrap();
    chunks.iter().for_each(|(name, content)| writer.write_chunk(png::chunk::ChunkType(**name), content).unwrap());
    writer.write_image_data(&[9; 3][..color.samples()]).unwrap();
    writer.finish().unwrap();
    bytes
}

#[test]
fn colour_spaces_of_png() {
    let linear = 100_000u32.to_be_bytes();
    let of_srgb = 45_455u32.to_be_bytes();
    let metadata = |color, chunks: &[_]| read(&png(color, chunks), &ReadOptions::default()).unwrap().metadata;
    for (color, space) in [(png::ColorType::Rgb, b"RGB "), (png::ColorType::Grayscale, b"GRAY")] {
        let icc = metadata(color, &[(b"gAMA", &linear)]).icc.unwrap();
        assert_eq!(&icc[16..20], space);
        assert_eq!(metadata(color, &[(b"gAMA", &of_srgb)]).icc, None);
        // An sRGB chunk overrules gAMA.
        assert_eq!(metadata(color, &[(b"gAMA", &linear), (b"sRGB", &[0])]).icc, None);
    }
    let pq = metadata(png::ColorType::Rgb, &[(b"cICP", &[9, 16, 0, 1]), (b"pHYs", &[0, 0, 46, 35, 0, 0, 46, 35, 1])]);
    let (cicp, resolution) = (pq.cicp.unwrap(), pq.resolution.unwrap());
    assert_eq!((cicp.primaries, cicp.transfer, cicp.full_range), (9, 16, true));
    assert_eq!((resolution.x, resolution.y, resolution.per_metre), (11811, 11811, true));
}

#[test]
fn messages_have_no_debug_text() {
    let mut broken = png(png::ColorType::Rgb, &[]);
    let at = broken.windows(4).position(|four| four == b"IDAT").unwrap();
    broken[at + 6] ^= 0x55;
    let error = read(&broken, &ReadOptions::default()).unwrap_err().to_string();
    assert!(error.starts_with("is damaged: ") && !error.contains('{'), "{error}");
    let mut lenient = ReadOptions::default();
    lenient.lenient = true;
    let taken = read_noting(&broken, &lenient);
    assert!(taken.is_ok(), "{taken:?}");
}
