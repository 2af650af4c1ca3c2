//! What the default model makes of images: the safety net, and targets of size and PSNR.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::image::PixelFormat;
use heirloom_codec::{DecodeOptions, EncodeError, EncodeOptions, Image, Lossless, Model, Scale, Target};

#[path = "../benches/sample/mod.rs"]
mod sample;

/// The upper left part of the sample photograph.
fn photograph(width: u32, height: u32) -> Image {
    let pixels = sample::photograph(width, height).unwrap();
    Image::new(width, height, PixelFormat::Rgb8, pixels).unwrap()
}

fn model() -> Model {
    Model::from_bytes(heirloom_default_model::bytes()).unwrap()
}

fn psnr(a: &Image, b: &Image) -> f64 {
    let (a, b) = (a.to_rgb(), b.to_rgb());
    let squares: f64 = a.iter().zip(&*b).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum();
    10.0 * (255.0 * 255.0 * a.len() as f64 / squares).log10()
}

/// Squares of saturated colours, as in pixel art.
fn pixel_art(width: u32, height: u32, square: u32) -> Image {
    let colours = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 0], [0, 0, 0], [255, 255, 255]];
    let pixel = |x: u32, y: u32| colours[((x / square * 7 + y / square * 11) % 13 % 6) as usize];
    let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| pixel(x, y))).collect();
    Image::new(width, height, PixelFormat::Rgb8, data).unwrap()
}

#[test]
fn graphics_are_never_ruined_and_photographs_stay_with_the_network() {
    let model = model();
    for lambda in [64.0, 1024.0] {
        let art = pixel_art(128, 96, 2);
        let (bytes, summary) = model.encode_with_summary(&art, &EncodeOptions::new(lambda)).unwrap();
        assert_eq!((summary.tiles, summary.lossless_tiles, summary.mean_squared_error), (1, 1, Some(0.0)));
        assert!(bytes.len() < 400, "{} bytes", bytes.len());
        assert!(model.decode(&bytes, &DecodeOptions::default()).unwrap() == art);
        let alone = model.encode(&art, &EncodeOptions::new(lambda).with_lossless(Lossless::Never)).unwrap();
        let shown = model.decode(&alone, &DecodeOptions::default()).unwrap();
        let (alone, error) = (alone.len(), psnr(&shown, &art));
        assert!(error < 25.0 && alone > bytes.len(), "{alone} bytes, {error} dB: so the net is needed");

        let photo = photograph(160, 120);
        let (bytes, summary) = model.encode_with_summary(&photo, &EncodeOptions::new(lambda)).unwrap();
        assert_eq!(summary.lossless_tiles, 0);
        let decoded = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        let measured = 10.0 * (255.0 * 255.0 / summary.mean_squared_error.unwrap()).log10();
        assert!((measured - psnr(&photo, &decoded)).abs() < 1e-6, "the encoder measures what decoders show");
    }
}

/// Half of the image is a photograph, half pixel art: each tile is stored as suits it.
#[test]
fn each_tile_is_judged_on_its_own() {
    let model = model();
    let (photo, art) = (photograph(128, 128), pixel_art(128, 128, 8));
    let rows = photo.data().chunks(384).zip(art.data().chunks(384));
    let data = rows.flat_map(|(photo, art)| [photo, art].concat()).collect();
    let both = Image::new(256, 128, PixelFormat::Rgb8, data).unwrap();
    let mut options = EncodeOptions::new(512.0);
    (options.tiles.side, options.tiles.overlap) = (128, 0);
    let (bytes, summary) = model.encode_with_summary(&both, &options).unwrap();
    assert_eq!((summary.tiles, summary.lossless_tiles), (2, 1));
    let decoded = model.decode(&bytes, &DecodeOptions::default()).unwrap();
    let right = |image: &Image| -> Vec<u8> { image.data().chunks(768).flat_map(|row| row[384..].to_vec()).collect() };
    assert!(right(&decoded) == art.data());
}

#[test]
fn sixteen_bits_are_seen_and_given() {
    let model = model();
    // A ramp within three values of 8 bits: 16-bit samples in between survive.
    let data: Vec<u16> = (0..64 * 64).map(|i| 0x8000 + (i % 64 * 12) as u16).collect();
    let ramp = Image::new16(64, 64, PixelFormat::Grey16, data).unwrap();
    let bytes = model.encode(&ramp, &EncodeOptions::new(1024.0).with_lossless(Lossless::Never)).unwrap();
    let decoded = model.decode(&bytes, &DecodeOptions::default()).unwrap();
    let values = decoded.samples().as_u16().unwrap();
    assert!(values.iter().filter(|&&value| value % 257 != 0).count() > 3000, "not multiples of 8-bit values");
}

#[test]
fn sizes_are_never_exceeded_and_nearly_used() {
    let model = model();
    let photo = photograph(320, 240);
    let options = EncodeOptions::new(64.0);
    for target in [2500, 5000] {
        let found = model.encode_to(&photo, Target::Bytes(target), &options).unwrap();
        let length = found.bytes.len() as u64;
        assert!(length <= target && length * 100 >= target * 98, "{length} of {target} bytes");
        assert_eq!(found.summary.bytes, length);
        assert!(found.passes <= 6, "{} passes", found.passes);
        let again = model.encode_to(&photo, Target::Bytes(target), &options).unwrap();
        assert!(again.bytes == found.bytes);
    }
    let bpp = Target::bits_per_pixel(0.5, &photo);
    assert_eq!(bpp, Target::Bytes(4800));
    // More than the network can use, and less than a lossless file: the best of the network.
    let most = model.encode_to(&photo, Target::Bytes(20_000), &options).unwrap();
    assert!(most.lambda > 0.5 * model.metadata().lambda.encoder.high && most.summary.lossless_tiles == 0);
    // Room for a lossless file.
    let all = model.encode_to(&photo, Target::Bytes(1 << 20), &options).unwrap();
    assert_eq!(all.summary.lossless_tiles, 1);
    let error = model.encode_to(&photo, Target::Bytes(300), &options).unwrap_err();
    assert!(matches!(error, EncodeError::Target { target: Target::Bytes(300), reached } if reached > 300.0));
    assert!(error.to_string().contains("300 bytes cannot be reached"), "{error}");
}

/// Whoever gives as many bytes as a lossless file takes gets one.
#[test]
fn a_size_with_room_for_all_loses_nothing() {
    let model = model();
    // All that costs bits is in the middle, so that the search begins with a λ that is too low.
    let middle = photograph(160, 120);
    let mut data = vec![255; 320 * 240 * 3];
    for (to, from) in data.chunks_exact_mut(320 * 3).skip(60).zip(middle.data().chunks_exact(160 * 3)) {
        to[80 * 3..240 * 3].iter_mut().zip(from).for_each(|(to, from)| *to = from & 0xc0);
    }
    let poster = Image::new(320, 240, PixelFormat::Rgb8, data).unwrap();
    let options = EncodeOptions::new(64.0);
    let all = model.encode(&poster, &options.with_lossless(Lossless::Always)).unwrap().len() as u64;
    for percent in [100, 104, 110, 130, 180] {
        let found = model.encode_to(&poster, Target::Bytes(all * percent / 100), &options).unwrap();
        assert!(found.bytes.len() as u64 <= all && found.summary.lossless_tiles == 1, "{percent} %");
    }
    let less = model.encode_to(&poster, Target::Bytes(all * 9 / 10), &options).unwrap();
    assert!(less.bytes.len() as u64 <= all * 9 / 10 && less.summary.lossless_tiles == 0);
}

#[test]
fn a_psnr_is_never_missed() {
    let model = model();
    let photo = photograph(200, 150);
    for target in [31.0, 33.5] {
        let found = model.encode_to(&photo, Target::Psnr(target), &EncodeOptions::new(64.0)).unwrap();
        let reached = psnr(&photo, &model.decode(&found.bytes, &DecodeOptions::default()).unwrap());
        assert!((target..target + 0.5).contains(&reached), "{reached} dB for {target}");
    }
    for impossible in [60.0, f64::NAN] {
        let error = model.encode_to(&photo, Target::Psnr(impossible), &EncodeOptions::new(64.0)).unwrap_err();
        assert!(matches!(error, EncodeError::Target { .. }), "{error}");
    }
}

#[test]
fn small_copies_look_like_the_image() {
    let model = model();
    let photo = photograph(256, 192);
    let bytes = model.encode(&photo, &EncodeOptions::new(1024.0)).unwrap();
    let mut options = DecodeOptions::default();
    for scale in [Scale::Half, Scale::Eighth, Scale::Sixteenth] {
        options.scale = scale;
        let small = model.decode(&bytes, &options).unwrap();
        let s = scale.divisor();
        let mean = |x: u32, y: u32, c: u32| {
            let squares = (0..s * s).map(|i| photo.data()[(((y * s + i / s) * 256 + x * s + i % s) * 3 + c) as usize]);
            (squares.map(u32::from).sum::<u32>() / (s * s)) as u8
        };
        let (w, h) = (256 / s, 192 / s);
        let data = (0..h).flat_map(|y| (0..w).flat_map(move |x| (0..3).map(move |c| mean(x, y, c)))).collect();
        let expected = Image::new(w, h, PixelFormat::Rgb8, data).unwrap();
        assert!(psnr(&small, &expected) > 30.0, "{scale:?}: {} dB", psnr(&small, &expected));
    }
}
