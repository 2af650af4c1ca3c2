//! Near-duplicates are found however they were changed, and unrelated images are not.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use common::Scratch;
use fast_image_resize::{
    FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer,
    images::{Image, ImageRef},
};
use heirloom_codec::image::PixelFormat;
use heirloom_io::{Format, WriteOptions, write_with};
use heirloom_train::{
    data::{RgbImage, pack_writer},
    near_duplicates::{DEFAULT_DISTANCE, Pair, Part, Set, near_duplicates},
    random::Random,
};

/// A scene of a sky, a ground and thirty overlapping discs and beams of all sizes.
fn scene(n: u64, width: usize, height: usize) -> RgbImage {
    let mut random = Random::new(21, n, 0);
    let colour = |random: &mut Random| -> [f32; 3] { std::array::from_fn(|_| 255.0 * random.unit()) };
    let (sky, ground, horizon) = (colour(&mut random), colour(&mut random), 0.3 + 0.4 * random.unit());
    let shapes: Vec<_> = (0..30)
        .map(|_| {
            let (x, y) = (random.unit(), random.unit());
            let (a, b) = (0.02 + 0.2 * random.unit().powi(2), 0.02 + 0.2 * random.unit().powi(2));
            (x, y, a, b, random.below(2) == 0, colour(&mut random))
        })
        .collect();
    let mut rgb = Vec::new();
    for v in 0..height {
        for u in 0..width {
            let (x, y) = (u as f32 / width as f32, v as f32 / height as f32);
            let shade = 0.8 + 0.2 * (9.0 * x + 5.0 * y).sin();
            let mut pixel = if y < horizon { sky } else { ground };
            for (cx, cy, a, b, round, colour) in &shapes {
                let (dx, dy) = ((x - cx).abs() / a, (y - cy).abs() / b);
                if if *round { dx.hypot(dy) < 1.0 } else { dx.max(dy) < 1.0 } {
                    pixel = *colour;
                }
            }
            rgb.extend(pixel.map(|v| (v * shade) as u8));
        }
    }
    RgbImage { width, height, rgb }
}

fn resized(image: &RgbImage, width: usize, height: usize) -> RgbImage {
    let source = ImageRef::new(image.width as u32, image.height as u32, &image.rgb, PixelType::U8x3).unwrap();
    let mut target = Image::new(width as u32, height as u32, PixelType::U8x3);
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3));
    Resizer::new().resize(&source, &mut target, &options).unwrap();
    RgbImage { width, height, rgb: target.into_vec() }
}

fn cropped(image: &RgbImage, [x, y, width, height]: [usize; 4]) -> RgbImage {
    let row = |v: usize| image.rgb[3 * (v * image.width + x)..][..3 * width].iter().copied();
    RgbImage { width, height, rgb: (y..y + height).flat_map(row).collect() }
}

fn mirrored(image: &RgbImage) -> RgbImage {
    let row = |row: &[u8]| row.rchunks_exact(3).flatten().copied().collect::<Vec<_>>();
    RgbImage { rgb: image.rgb.chunks_exact(3 * image.width).flat_map(row).collect(), ..*image }
}

fn paler(image: &RgbImage) -> RgbImage {
    RgbImage { rgb: image.rgb.iter().map(|v| 70 + v / 2).collect(), ..*image }
}

fn save(path: &Path, image: &RgbImage) {
    let mut bytes = format!("P6\n{} {}\n255\n", image.width, image.height).into_bytes();
    bytes.extend(&image.rgb);
    fs::write(path, bytes).unwrap();
}

fn save_jpeg(path: &Path, image: &RgbImage, quality: u8) {
    let (width, height) = (image.width as u32, image.height as u32);
    let image = heirloom_codec::Image::new(width, height, PixelFormat::Rgb8, image.rgb.clone()).unwrap();
    let mut options = WriteOptions::default();
    options.jpeg_quality = quality;
    fs::write(path, write_with(&image, Format::Jpeg, &options).unwrap().bytes).unwrap();
}

/// Folders `test`, with six scenes, and `images`, with six other scenes and the changed images of
/// the first; and the latter's names, with what should be said of them.
fn prepared(scratch: &Scratch) -> (PathBuf, Vec<(&'static str, usize, bool, Part)>) {
    let (images, test) = (scratch.images(), scratch.0.join("test"));
    fs::create_dir_all(&test).unwrap();
    let originals: Vec<RgbImage> = (0..6).map(|n| scene(n, 480, 320)).collect();
    for (n, original) in originals.iter().enumerate() {
        save(&test.join(format!("{n}.ppm")), original);
        save(&images.join(format!("other{n}.ppm")), &scene(100 + n as u64, 400, if n % 2 == 0 { 400 } else { 267 }));
    }
    save(&images.join("same.ppm"), &originals[0]);
    save(&images.join("small.ppm"), &resized(&originals[0], 183, 122));
    save(&images.join("stretched.ppm"), &resized(&originals[1], 500, 320));
    save_jpeg(&images.join("jpeg.jpg"), &resized(&originals[1], 320, 213), 15);
    save(&images.join("mirrored.ppm"), &mirrored(&originals[2]));
    save(&images.join("paler.ppm"), &paler(&originals[3]));
    save(&images.join("crop.ppm"), &cropped(&originals[3], [151, 62, 317, 205]));
    save_jpeg(&images.join("square.jpg"), &resized(&cropped(&originals[4], [13, 7, 301, 301]), 256, 256), 50);
    save(&images.join("mirrored-crop.ppm"), &mirrored(&cropped(&originals[5], [40, 60, 330, 230])));
    // And one of which the test image is a part.
    let larger = scene(200, 960, 720);
    save(&test.join("part.ppm"), &resized(&cropped(&larger, [300, 211, 560, 430]), 336, 258));
    save(&images.join("larger.ppm"), &larger);
    let expected = vec![
        ("crop.ppm", 3, false, Part::First),
        ("jpeg.jpg", 1, false, Part::Whole),
        ("larger.ppm", 6, false, Part::Second),
        ("mirrored-crop.ppm", 5, true, Part::First),
        ("mirrored.ppm", 2, true, Part::Whole),
        ("paler.ppm", 3, false, Part::Whole),
        ("same.ppm", 0, false, Part::Whole),
        ("small.ppm", 0, false, Part::Whole),
        ("square.jpg", 4, false, Part::First),
        ("stretched.ppm", 1, false, Part::Whole),
    ];
    (test, expected)
}

#[test]
fn changed_copies_and_crops_are_found_and_nothing_else() {
    let scratch = Scratch::new("near-duplicates");
    let (test, expected) = prepared(&scratch);
    let sets = |path: &Path| [Set::open(path).unwrap()];
    let all = near_duplicates(&sets(&scratch.images()), &sets(&test), 1.0).unwrap();
    let of = |path: &str| Path::new(path).file_name().unwrap().to_string_lossy().into_owned();
    let (mut found, others): (Vec<Pair>, Vec<Pair>) =
        all.into_iter().partition(|pair| pair.distance <= DEFAULT_DISTANCE);
    found.sort_by_key(|pair| of(&pair.image));
    for pair in found.iter().chain(&others) {
        eprintln!("{pair:?}");
    }
    let known = |pair: &Pair| {
        let name = of(&pair.against);
        (of(&pair.image), if name == "part.ppm" { 6 } else { name[..1].parse().unwrap() }, pair.mirrored, pair.part)
    };
    let expected: Vec<_> =
        expected.into_iter().map(|(name, n, mirror, part)| (name.to_owned(), n, mirror, part)).collect();
    assert_eq!(found.iter().map(known).collect::<Vec<_>>(), expected);
    // There is room below the threshold, and nothing else comes near it.
    assert!(found.iter().all(|pair| pair.distance < 0.05), "{found:?}");
    assert!(others.iter().all(|pair| pair.distance > 0.4), "{others:?}");
    assert!(found.iter().find(|pair| pair.image.ends_with("same.ppm")).unwrap().distance < 1e-5);
}

#[test]
fn the_command_names_pairs_and_its_exit_status_says_whether_there_are_any() {
    let scratch = Scratch::new("near-duplicates-command");
    let (test, expected) = prepared(&scratch);
    let run = |images: &[&Path], arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_heirloom-train"));
        command.arg("near-duplicates").args(images).arg("--against").arg(&test).args(arguments);
        let out = command.output().unwrap();
        (out.status.code(), String::from_utf8(out.stdout).unwrap(), String::from_utf8(out.stderr).unwrap())
    };
    let (status, said, _) = run(&[&scratch.images()], &[]);
    assert_eq!(status, Some(3));
    assert!(said.contains("mirrored.ppm is ") && said.contains("2.ppm, mirrored\n"), "{said}");
    assert!(said.lines().any(|line| line.contains("larger.ppm contains ") && line.contains("part.ppm")), "{said}");
    assert!(said.ends_with(&format!("16 images against 7: {} near-duplicates\n", expected.len())), "{said}");

    // A pack, with and without the table that names its sources.
    let pack = scratch.0.join("images.pack");
    pack_writer::write_pack(&[scratch.images()], &pack, pack_writer::PackOptions::default()).unwrap();
    let (_, named, _) = run(&[&pack], &["--json"]);
    let lines: Vec<serde_json::Value> = named.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), expected.len());
    assert!(lines.iter().any(|line| line["image"].as_str().unwrap().ends_with("crop.ppm") && line["part"] == "first"));
    fs::remove_file(scratch.0.join("images.tsv")).unwrap();
    let (status, unnamed, _) = run(&[&pack], &["--json"]);
    assert_eq!((status, unnamed.lines().count(), unnamed.contains("crop.ppm")), (Some(3), expected.len(), false));

    let others = scratch.0.join("others");
    fs::create_dir(&others).unwrap();
    for n in 0..3 {
        save(&others.join(format!("{n}.ppm")), &scene(300 + n, 300, 200));
    }
    let (status, said, _) = run(&[&others], &[]);
    assert_eq!((status, said.as_str()), (Some(0), "3 images against 7: 0 near-duplicates\n"));
    assert_eq!(run(&[&others], &["--json"]).1, "");
    let (status, _, said) = run(&[&others], &["--max-distance", "2"]);
    assert_eq!(status, Some(1));
    assert!(said.contains("--max-distance"), "{said}");
    let (status, _, said) = run(&[&scratch.0.join("nowhere")], &[]);
    assert!(status == Some(1) && said.contains("nowhere"), "{said}");
}
