//! What is refused, with which words and which exit status.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Workshop, grey, rgb, stranger};
use image::DynamicImage;

#[test]
fn nothing_is_overwritten_without_force() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(20, 20));
    shop.put("a.hlm", b"precious");
    shop.refuses("encode a.png --model tiny.safetensors", 1, "a.hlm: exists already; --force replaces it");
    assert_eq!(shop.get("a.hlm"), b"precious");
    shop.does("encode a.png --force --model tiny.safetensors");
    assert_ne!(shop.get("a.hlm"), b"precious");

    let before = shop.get("a.png");
    shop.refuses("decode a.hlm --model tiny.safetensors", 1, "a.png: exists already");
    assert_eq!(shop.get("a.png"), before);
}

#[test]
fn no_half_files_and_no_temporary_files_are_left() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(20, 20));
    shop.put("cut.hlm", b"\x89HLM\r\n\x1a\n");
    shop.does("encode a.png --model tiny.safetensors");
    shop.refuses("decode cut.hlm", 4, "cut short");
    assert_eq!(shop.names(), ["a.hlm", "a.png", "cut.hlm", "tiny.safetensors"]);
}

#[test]
fn pixels_that_would_have_to_change() {
    let shop = Workshop::new();
    let image = DynamicImage::from(rgb(20, 20));
    shop.save("alpha.png", image.to_rgba8());
    shop.save("grey-alpha.png", image.to_luma_alpha8());
    shop.save("deep.png", image.to_rgb16());
    shop.save("deep-alpha.png", image.to_rgba16());
    shop.save("deep.tiff", image.to_luma16());
    shop.save("float.tiff", image.to_rgb32f());
    shop.put("odd.ppm", b"P6\n1 1\n100\nabc");
    for (file, says) in [
        ("alpha.png", "has an alpha channel, which this version does not code; convert it first"),
        ("grey-alpha.png", "has an alpha channel"),
        ("deep.png", "has more than 8 bits per sample"),
        ("deep-alpha.png", "has an alpha channel and more than 8 bits per sample"),
        ("deep.tiff", "-depth 8"),
        ("float.tiff", "more than 8 bits per sample"),
        ("odd.ppm", "has samples up to 100 instead of 255"),
    ] {
        shop.refuses(&format!("encode {file} --model tiny.safetensors"), 3, says);
    }
}

#[test]
fn damaged_and_foreign_images() {
    let shop = Workshop::new();
    for name in ["a.png", "a.jpg", "a.webp", "a.tiff", "a.ppm"] {
        shop.save(name, rgb(90, 60));
        let whole = shop.get(name);
        let cut = format!("cut-{name}");
        shop.put(&cut, &whole[..whole.len() * 3 / 4]);
        shop.refuses(&format!("encode {cut} --model tiny.safetensors"), 4, &cut);
    }
    let mut broken = shop.get("a.png");
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    shop.put("broken.png", &broken);
    shop.refuses("encode broken.png --model tiny.safetensors", 4, "broken.png");
    shop.put("empty.png", b"");
    shop.refuses("encode empty.png", 4, "empty.png: the file is empty");
    shop.put("text.png", b"hello");
    shop.refuses("encode text.png", 3, "text.png: is not a PNG, JPEG, WebP, TIFF or PNM image");
    shop.refuses("encode missing.png", 1, "missing.png");
    shop.save("a.png", grey(9, 9));
    shop.does("encode a.png --model tiny.safetensors");
    shop.refuses("encode a.hlm --force -o b.hlm", 3, "is a Heirloom file");
}

#[test]
fn damaged_and_foreign_heirloom_files() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(90, 60));
    shop.does("encode a.png --model tiny.safetensors");
    let whole = shop.get("a.hlm");
    shop.put("cut.hlm", &whole[..whole.len() - 3]);
    shop.refuses("decode cut.hlm --model tiny.safetensors", 4, "cut.hlm: the file is cut short in");
    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    shop.put("broken.hlm", &broken);
    shop.refuses("decode broken.hlm --model tiny.safetensors", 4, "broken.hlm: the file is damaged in");
    shop.put("newer.hlm", &{
        let mut newer = whole.clone();
        newer[8] = 200;
        newer
    });
    shop.refuses("decode newer.hlm --model tiny.safetensors", 3, "format version 200");
    shop.refuses("decode a.png -o b.png", 4, "a.png: not a Heirloom file");
    shop.refuses("decode missing.hlm", 1, "missing.hlm");
    shop.put("text-mode.hlm", &String::from_utf8_lossy(&whole).into_owned().into_bytes());
    shop.refuses("decode text-mode.hlm", 4, "re-encoded as UTF-8");
}

#[test]
fn models_that_do_not_fit() {
    let shop = Workshop::new();
    shop.put("stranger.safetensors", &stranger().to_bytes().unwrap());
    shop.save("a.png", rgb(40, 40));
    shop.does("encode a.png --model tiny.safetensors");
    shop.refuses("decode a.hlm -o b.png", 3, "a.hlm: needs a model of the lineage with the entropy id ");
    shop.refuses("decode a.hlm -o b.png --model stranger.safetensors", 3, "give a model file of it with --model");
    shop.put("bad.safetensors", b"not a model");
    shop.refuses("decode a.hlm -o b.png --model bad.safetensors", 4, "bad.safetensors");
    shop.refuses("decode a.hlm -o b.png --model missing.safetensors", 1, "missing.safetensors");
}

#[test]
fn several_files_go_on_after_a_failure() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(30, 30));
    shop.save("b.png", DynamicImage::from(rgb(30, 30)).to_rgba8());
    shop.save("c.png", rgb(30, 30));
    shop.refuses("encode a.png b.png c.png --model tiny.safetensors", 3, "1 of 3 files failed");
    assert!(shop.path("a.hlm").is_file() && shop.path("c.hlm").is_file() && !shop.path("b.hlm").exists());
    shop.put("d.png", b"");
    shop.refuses("encode b.png d.png --model tiny.safetensors", 1, "2 of 2 files failed");
}

#[test]
fn bad_command_lines() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(30, 30));
    shop.save("a.jpg", rgb(30, 30));
    shop.refuses("encode", 2, "Usage");
    shop.refuses("frobnicate", 2, "unrecognized subcommand");
    shop.refuses("encode a.png a.jpg", 2, "a.png and a.jpg would both be written to a.hlm");
    shop.refuses("encode a.png a.jpg -o -", 2, "several inputs cannot go to standard output");
    shop.refuses("encode - a.jpg", 2, "standard input (-) has no name");
    shop.refuses("decode a.hlm -o a.webp", 2, "'.webp' names no format that is written");
    shop.refuses("encode a.png --threads 0", 2, "--threads");
    shop.refuses(
        "encode a.png -o missing/folder/a.hlm --model tiny.safetensors",
        1,
        "missing/folder/a.hlm: cannot write",
    );
}

#[cfg(unix)]
#[test]
fn devices_and_links_are_not_replaced() {
    let shop = Workshop::new();
    shop.save("a.png", rgb(30, 30));
    shop.does("encode a.png -o /dev/null --model tiny.safetensors");
    assert!(!std::path::Path::new("/dev/null").is_file());

    shop.put("target.hlm", b"old");
    std::os::unix::fs::symlink("target.hlm", shop.path("link.hlm")).unwrap();
    shop.refuses("encode a.png -o link.hlm --model tiny.safetensors", 1, "exists already");
    shop.does("encode a.png -o link.hlm --force --model tiny.safetensors");
    assert!(shop.path("link.hlm").is_symlink() && shop.get("target.hlm").starts_with(b"\x89HLM"));
}

#[cfg(unix)]
#[test]
fn new_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let shop = Workshop::new();
    shop.save("a.png", rgb(30, 30));
    shop.does("encode a.png --model tiny.safetensors");
    let mode = |name: &str| std::fs::metadata(shop.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("a.hlm"), mode("a.png"));
}
