//! Encoding and decoding, over files, folders and pipes.
#![allow(clippy::unwrap_used)]

mod common;

use std::time::Duration;

use image::DynamicImage;

use common::{Sandbox, grey, rgb, tiny_child};
use heirloom_eval::psnr;

#[test]
fn sizes_and_pixel_formats_are_kept() {
    let sandbox = Sandbox::new();
    for (width, height) in [(1, 1), (64, 64), (65, 3), (100, 70)] {
        sandbox.save("a.png", rgb(width, height));
        sandbox.save("b.png", grey(width, height));
        sandbox.does("encode a.png b.png --force --model tiny.safetensors");
        sandbox.does("decode a.hlm b.hlm -o out/ --force --model tiny.safetensors");
        let (a, b) = (sandbox.load("out/a.png"), sandbox.load("out/b.png"));
        assert_eq!((a.width(), a.height(), a.color()), (width, height, image::ColorType::Rgb8));
        assert_eq!((b.width(), b.height(), b.color()), (width, height, image::ColorType::L8));
    }
}

#[test]
fn the_model_in_the_program_resembles_the_image() {
    let sandbox = Sandbox::new();
    let image = image::RgbImage::from_fn(96, 80, |x, y| image::Rgb([(x * 2) as u8, (y * 3) as u8, 90]));
    sandbox.save("a.png", image.clone());
    sandbox.does("encode a.png -q 100");
    sandbox.does("decode a.hlm -o b.png");
    let found = psnr(&image, sandbox.load("b.png").as_rgb8().unwrap()).unwrap();
    assert!(found > 20.0, "{found} dB");
}

#[test]
fn pipes_give_the_same_bytes_as_files() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(80, 50));
    sandbox.does("encode a.png --model tiny.safetensors");
    sandbox.does("decode a.hlm -o b.ppm --model tiny.safetensors");

    let coded = sandbox
        .heirloom("encode - --model tiny.safetensors")
        .write_stdin(sandbox.get("a.png"))
        .output()
        .unwrap()
        .stdout;
    assert_eq!(coded, sandbox.get("a.hlm"));
    let decoded =
        sandbox.heirloom("decode - --format ppm --model tiny.safetensors").write_stdin(coded).output().unwrap().stdout;
    assert_eq!(decoded, sandbox.get("b.ppm"));
    assert_eq!(sandbox.does("encode a.png -o - --model tiny.safetensors"), sandbox.get("a.hlm"));
}

#[test]
fn large_images_go_through_row_by_row() {
    let sandbox = Sandbox::new();
    let gradient = |width, height| image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 90]));
    sandbox.save("a.png", gradient(2200, 2300));
    sandbox.save("a.ppm", gradient(2200, 2300));
    let coded = sandbox.does("encode a.png -o - --model tiny.safetensors");
    // A sixteenth of this is less than the 15.18 MB of the samples.
    let limited = "--max-memory 242MB --model tiny.safetensors";
    for input in ["a.png", "a.ppm"] {
        sandbox.does(&format!("encode {input} -o {input}.hlm {limited}"));
        assert_eq!(sandbox.get(&format!("{input}.hlm")), coded);
        assert_eq!(sandbox.does(&format!("encode {input} -o - {limited}")), coded);
    }
    sandbox.does("decode a.png.hlm -o whole.png --model tiny.safetensors");
    sandbox.does(&format!("decode a.png.hlm -o rows.png {limited}"));
    sandbox.does(&format!("decode a.png.hlm -o rows.ppm {limited}"));
    for rows in ["rows.png", "rows.ppm"] {
        assert!(sandbox.load(rows) == sandbox.load("whole.png"), "{rows}");
    }
    // What takes the whole image is refused before it is read.
    sandbox.save("a.bmp", gradient(2200, 2300));
    sandbox.refuses("encode a.bmp --max-memory 10MB --model tiny.safetensors", 3, "is too large to read");
    // Nothing is left of a file that fails behind its first tiles.
    let mut damaged = coded;
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    sandbox.put("b.hlm", &damaged);
    sandbox.refuses(&format!("decode b.hlm -o b.png {limited}"), 4, "b.hlm");
    assert!(!sandbox.names().iter().any(|name| name == "b.png" || name.ends_with(".part")), "{:?}", sandbox.names());
}

#[test]
fn threads_do_not_change_the_result() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(200, 150));
    let with = |n: u32| sandbox.does(&format!("encode a.png -o - --threads {n} --model tiny.safetensors"));
    assert_eq!(with(1), with(3));
    sandbox.does("encode a.png --model tiny.safetensors");
    let with = |n: u32| sandbox.does(&format!("decode a.hlm -o - --threads {n} --model tiny.safetensors"));
    assert_eq!(with(1), with(3));
}

#[test]
fn effort_saves_bytes_or_errors_and_says_so() {
    let sandbox = Sandbox::new();
    let image = image::RgbImage::from_fn(150, 90, |x, y| {
        let wave = (f64::from(x * y) / 300.0).sin() * 60.0 + (f64::from(x + 2 * y) / 11.0).cos() * 50.0;
        image::Rgb([(128.0 + wave) as u8, (120.0 + wave * 0.9) as u8, (100.0 + wave * 0.7) as u8])
    });
    sandbox.save("a.png", image);
    let with = |flags: &str| sandbox.does(&format!("encode a.png -o - --lossless=never {flags}"));
    let refined = with("--effort 4 --threads 2");
    assert_ne!(refined, with(""));
    assert_eq!(with("--effort 1"), with(""));
    for threads in [1, 3] {
        assert_eq!(refined, with(&format!("--effort 4 --threads {threads}")), "{threads} threads");
    }
    let said = sandbox.heirloom("encode a.png --effort 2 --force").output().unwrap().stderr;
    assert!(String::from_utf8_lossy(&said).contains("effort saved"), "{}", String::from_utf8_lossy(&said));
    for wrong in ["0", "10", "much"] {
        let refused = sandbox.heirloom(&format!("encode a.png --effort {wrong}")).output().unwrap();
        assert_eq!(refused.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&refused.stderr).contains("from 1 to 9"));
    }
}

#[test]
fn a_search_that_is_killed_leaves_no_file_under_the_final_name() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(500, 400));
    // From its start to the midst of the search.
    for after in [20, 300, 1500] {
        let mut child = sandbox.starts("encode a.png --effort 9");
        std::thread::sleep(Duration::from_millis(after));
        assert!(child.try_wait().unwrap().is_none(), "it ended before it could be killed");
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!sandbox.path("a.hlm").exists(), "killed after {after} ms");
    }
}

#[test]
fn quality_and_lambda() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(80, 50));
    let with = |flag: &str| sandbox.does(&format!("encode a.png -o - --model tiny.safetensors {flag}"));
    assert_eq!(with("-q 0"), with("--lambda 32"));
    assert_eq!(with("-q 100"), with("--lambda 1024"));
    assert_eq!(with(""), with("-q 50"));
    assert_ne!(with("-q 0"), with("-q 100"));
    sandbox.refuses("encode a.png -q 101", 2, "a quality is a number from 0 to 100");
    sandbox.refuses("encode a.png -q nan", 2, "a quality is a number from 0 to 100");
    sandbox.refuses("encode a.png -q 50 --lambda 99", 2, "cannot be used with");
    sandbox.refuses(
        "encode a.png --lambda 4096 --model tiny.safetensors",
        2,
        "λ = 4096 is outside the model's range, 32 to 1024",
    );
}

#[test]
fn metadata_travel_verbatim() {
    let sandbox = Sandbox::new();
    let mut info = png::Info::with_size(40, 30);
    info.color_type = png::ColorType::Rgb;
    info.bit_depth = png::BitDepth::Eight;
    let (icc, exif) =
        ((0..700u32).map(|i| (i * i) as u8).collect::<Vec<u8>>(), b"MM\0*\0\0\0\x08\0\0\0\0\0\0".to_vec());
    info.icc_profile = Some((&icc).into());
    info.exif_metadata = Some((&exif).into());
    let mut file = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut file, info).unwrap();
    encoder.add_itxt_chunk("XML:com.adobe.xmp".into(), "<x:xmpmeta/>".into()).unwrap();
    encoder.write_header().unwrap().write_image_data(&rgb(40, 30)).unwrap();
    sandbox.put("a.png", &file);

    sandbox.does("encode a.png --model tiny.safetensors");
    for output in ["b.png", "b.jpg"] {
        sandbox.does(&format!("decode a.hlm -o {output} --model tiny.safetensors"));
        let bytes = sandbox.get(output);
        use image::ImageDecoder;
        let mut decoder = image::ImageReader::new(std::io::Cursor::new(&bytes))
            .with_guessed_format()
            .unwrap()
            .into_decoder()
            .unwrap();
        assert_eq!(decoder.icc_profile().unwrap().as_ref(), Some(&icc), "{output}");
        assert_eq!(decoder.exif_metadata().unwrap().as_ref(), Some(&exif), "{output}");
        assert_eq!(decoder.xmp_metadata().unwrap().as_deref(), Some(&b"<x:xmpmeta/>"[..]), "{output}");
    }
    let output = sandbox.heirloom("decode a.hlm -o b.ppm --model tiny.safetensors").output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("left out: ICC profile, Exif, XMP"));
}

#[test]
fn every_format_is_read_and_written() {
    let sandbox = Sandbox::new();
    for input in ["a.png", "a.jpg", "a.webp", "a.tiff", "a.ppm", "a.gif", "a.bmp", "a.qoi", "a.tga"] {
        sandbox.save(input, rgb(70, 40));
        sandbox.does(&format!("encode {input} --force --model tiny.safetensors"));
    }
    for output in ["b.png", "b.ppm", "b.jpg", "b.jpeg", "b.webp", "b.tif", "b.qoi"] {
        sandbox.does(&format!("decode a.hlm -o {output} --force --model tiny.safetensors"));
        assert_eq!(sandbox.load(output).width(), 70);
    }
}

#[test]
fn alpha_and_16_bits_travel() {
    let sandbox = Sandbox::new();
    let image = image::ImageBuffer::from_fn(40, 30, |x, y| {
        image::Rgba([(x * 1500) as u16, (y * 2000) as u16, 30_000, if x < 20 { 0 } else { (y * 2184) as u16 }])
    });
    sandbox.save("a.png", DynamicImage::ImageRgba16(image.clone()));
    sandbox.does("encode a.png --model tiny.safetensors");
    for output in ["b.png", "b.tif"] {
        sandbox.does(&format!("decode a.hlm -o {output} --model tiny.safetensors"));
        let decoded = sandbox.load(output);
        assert_eq!(decoded.color(), image::ColorType::Rgba16, "{output}");
        let alpha = |image: &DynamicImage| image.to_rgba16().pixels().map(|p| p.0[3]).collect::<Vec<u16>>();
        assert!(alpha(&decoded) == alpha(&image.clone().into()), "{output}");
    }
    sandbox.does("encode a.png --background white --depth 8 --force --model tiny.safetensors");
    sandbox.does("decode a.hlm -o c.png --model tiny.safetensors");
    assert_eq!(sandbox.load("c.png").color(), image::ColorType::Rgb8);
    let output = sandbox.heirloom("decode a.hlm -o d.ppm --upright --model tiny.safetensors").output().unwrap();
    assert!(output.status.success());
}

#[test]
fn generations_of_a_lineage_read_each_other() {
    let sandbox = Sandbox::new();
    sandbox.put("child.safetensors", &tiny_child().to_bytes().unwrap());
    sandbox.save("a.png", rgb(80, 50));
    sandbox.does("encode a.png --model tiny.safetensors");
    let own = sandbox.does("decode a.hlm -o - --exact --model tiny.safetensors");
    let other = sandbox.does("decode a.hlm -o - --model child.safetensors");
    assert_ne!(own, other);
    sandbox.refuses("decode a.hlm -o - --exact --model child.safetensors", 3, "generation 0");
}
