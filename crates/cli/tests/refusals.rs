//! Refused inputs: messages and exit status.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Sandbox, grey, rgb, stranger};
use image::DynamicImage;

#[test]
fn nothing_is_overwritten_without_force() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(20, 20));
    sandbox.put("a.hlm", b"precious");
    sandbox.refuses("encode a.png --model tiny.safetensors", 1, "a.hlm: exists already; --force replaces it");
    assert_eq!(sandbox.get("a.hlm"), b"precious");
    sandbox.does("encode a.png --force --model tiny.safetensors");
    assert_ne!(sandbox.get("a.hlm"), b"precious");

    let before = sandbox.get("a.png");
    sandbox.refuses("decode a.hlm --model tiny.safetensors", 1, "a.png: exists already");
    assert_eq!(sandbox.get("a.png"), before);
}

#[test]
fn no_half_files_and_no_temporary_files_are_left() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(20, 20));
    sandbox.put("cut.hlm", b"\x89HLM\r\n\x1a\n");
    sandbox.does("encode a.png --model tiny.safetensors");
    sandbox.refuses("decode cut.hlm", 4, "cut short");
    assert_eq!(sandbox.names(), ["a.hlm", "a.png", "cut.hlm", "tiny.safetensors"]);
}

#[test]
fn what_is_not_kept_is_said_and_refused_if_strict() {
    let sandbox = Sandbox::new();
    sandbox.put("odd.ppm", b"P6\n1 1\n100\nabc");
    sandbox.save("float.tiff", DynamicImage::from(rgb(20, 20)).to_rgb32f());
    let encode = |flags: &str| {
        let output = sandbox.heirloom(&format!("encode -f odd.ppm --model tiny.safetensors {flags}")).output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    let warning = "heirloom: warning: odd.ppm: its samples of up to 100 were scaled to 8 bits\n";
    assert!(encode("").starts_with(warning));
    assert_eq!(encode("--quiet"), warning);
    sandbox.refuses(
        "encode -f odd.ppm --strict --model tiny.safetensors",
        3,
        "odd.ppm: would not be kept whole: its samples",
    );
    sandbox.refuses("encode odd.ppm --strict --lenient", 2, "cannot be used with");
    let rounded = "its floating-point samples were rounded to 16 bits";
    sandbox.refuses("encode float.tiff --strict --model tiny.safetensors", 3, rounded);
    sandbox.refuses("encode -f odd.ppm --frame 1 --model tiny.safetensors", 3, "has no frame 1; it has only frame 0");
    sandbox.refuses("encode odd.ppm --background reddish", 2, "a colour is a name such as white");
}

#[test]
fn damaged_and_foreign_images() {
    let sandbox = Sandbox::new();
    for name in ["a.png", "a.jpg", "a.webp", "a.tiff", "a.ppm"] {
        sandbox.save(name, rgb(90, 60));
        let whole = sandbox.get(name);
        let cut = format!("cut-{name}");
        sandbox.put(&cut, &whole[..whole.len() * 3 / 4]);
        sandbox.refuses(&format!("encode {cut} --model tiny.safetensors"), 4, &cut);
    }
    let mut broken = sandbox.get("a.png");
    let middle = broken.len() / 2;
    broken[middle] ^= 0x55;
    sandbox.put("broken.png", &broken);
    sandbox.refuses("encode broken.png --model tiny.safetensors", 4, "broken.png");
    sandbox.put("empty.png", b"");
    sandbox.refuses("encode empty.png", 4, "empty.png: is empty");
    sandbox.put("text.png", b"hello");
    sandbox.refuses(
        "encode text.png",
        3,
        "text.png: is not a PNG, JPEG, WebP, TIFF, GIF, BMP, QOI, TGA, PNM or JPEG XL image",
    );
    sandbox.refuses("encode missing.png", 1, "missing.png");
    sandbox.save("a.png", grey(9, 9));
    sandbox.does("encode a.png --model tiny.safetensors");
    sandbox.refuses("encode a.hlm --force -o b.hlm", 3, "is a Heirloom file");
}

#[test]
fn damaged_and_foreign_heirloom_files() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(90, 60));
    sandbox.does("encode a.png --model tiny.safetensors");
    let whole = sandbox.get("a.hlm");
    sandbox.put("cut.hlm", &whole[..whole.len() - 3]);
    sandbox.refuses("decode cut.hlm --model tiny.safetensors", 4, "cut.hlm: the file is cut short in");
    let mut broken = whole.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    sandbox.put("broken.hlm", &broken);
    sandbox.refuses("decode broken.hlm --model tiny.safetensors", 4, "broken.hlm: the file is damaged in");
    sandbox.put("newer.hlm", &{
        let mut newer = whole.clone();
        newer[8] = 200;
        newer
    });
    sandbox.refuses("decode newer.hlm --model tiny.safetensors", 3, "format version 200");
    sandbox.refuses("decode a.png -o b.png", 4, "a.png: not a Heirloom file");
    sandbox.refuses("decode missing.hlm", 1, "missing.hlm");
    sandbox.put("text-mode.hlm", &String::from_utf8_lossy(&whole).into_owned().into_bytes());
    sandbox.refuses("decode text-mode.hlm", 4, "re-encoded as UTF-8");
}

#[test]
fn models_that_do_not_fit() {
    let sandbox = Sandbox::new();
    sandbox.put("stranger.safetensors", &stranger().to_bytes().unwrap());
    sandbox.save("a.png", rgb(40, 40));
    sandbox.does("encode a.png --model tiny.safetensors");
    sandbox.refuses("decode a.hlm -o b.png", 3, "a.hlm: needs a model with the entropy id ");
    sandbox.refuses("decode a.hlm -o b.png --model stranger.safetensors", 3, "give a model file with --model FILE");
    sandbox.put("bad.safetensors", b"not a model");
    sandbox.refuses("decode a.hlm -o b.png --model bad.safetensors", 4, "bad.safetensors");
    sandbox.refuses(
        "decode a.hlm -o b.png --model missing.safetensors",
        1,
        "missing.safetensors: there is no such model",
    );
}

#[test]
fn several_files_go_on_after_a_failure() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(30, 30));
    sandbox.put("b.png", b"neither");
    sandbox.save("c.png", rgb(30, 30));
    sandbox.refuses("encode a.png b.png c.png --model tiny.safetensors", 3, "1 of 3 files failed");
    assert!(sandbox.path("a.hlm").is_file() && sandbox.path("c.hlm").is_file() && !sandbox.path("b.hlm").exists());
    sandbox.put("d.png", b"");
    sandbox.refuses("encode b.png d.png --model tiny.safetensors", 1, "2 of 2 files failed");
}

#[test]
fn an_input_is_never_overwritten() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(30, 30));
    sandbox.does("encode a.png --model tiny.safetensors");
    let (image, file) = (sandbox.get("a.png"), sandbox.get("a.hlm"));
    std::fs::hard_link(sandbox.path("a.png"), sandbox.path("link.png")).unwrap();
    for command in [
        "encode a.png -o a.png --force",
        "encode a.png -o ./a.png --force",
        "encode a.png -o link.png --force",
        "encode a.hlm --force",
        "decode a.hlm -o a.hlm --format png --force",
        "compare a.png -o a.png --force --model tiny.safetensors",
    ] {
        sandbox.refuses(command, 2, "would overwrite the input");
    }
    assert_eq!((sandbox.get("a.png"), sandbox.get("a.hlm")), (image, file));
    let weights = sandbox.get("tiny.safetensors");
    let publish = "models publish default tiny.safetensors --images . -o tiny.safetensors --force";
    sandbox.refuses(publish, 2, "would overwrite a model");
    assert_eq!(sandbox.get("tiny.safetensors"), weights);
}

/// A JPEG file with more chroma than luma samples, at which a reader of before panicked.
#[test]
fn chroma_finer_than_luma() {
    let sandbox = Sandbox::new();
    sandbox.put("b.jpg", include_bytes!("data/chroma-larger-than-luma.jpg"));
    let output = sandbox.heirloom("encode b.jpg --model tiny.safetensors").output().unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(!error.contains("internal") && !error.contains("reader fail"), "{error}");
}

#[test]
fn a_header_without_pixels_is_cut_short() {
    let sandbox = Sandbox::new();
    sandbox.put("a.ppm", b"P6\n26000 26000\n255\n");
    sandbox.refuses("encode a.ppm --model tiny.safetensors", 4, "a.ppm: is cut short");
}

#[test]
fn bad_command_lines() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(30, 30));
    sandbox.save("a.jpg", rgb(30, 30));
    sandbox.refuses("encode", 2, "Usage");
    sandbox.refuses("frobnicate", 2, "unrecognized subcommand");
    sandbox.refuses("encode a.png x/a.png -o out", 2, "a.png and x/a.png would both be written to out/a.png.hlm");
    sandbox.refuses("encode a.png a.jpg -o -", 2, "several inputs cannot go to standard output");
    sandbox.refuses("encode - a.jpg", 2, "standard input (-) has no name");
    sandbox.refuses("decode a.hlm -o a.gif", 2, "a.gif: images are not written in a format of this name");
    sandbox.refuses("encode a.png --threads 0", 2, "--threads");
    sandbox.refuses(
        "encode a.png -o missing/folder/a.hlm --model tiny.safetensors",
        1,
        "missing/folder/a.hlm: cannot be written",
    );
}

#[cfg(unix)]
#[test]
fn devices_and_links_are_not_replaced() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(30, 30));
    sandbox.does("encode a.png -o /dev/null --model tiny.safetensors");
    assert!(!std::path::Path::new("/dev/null").is_file());

    sandbox.put("target.hlm", b"old");
    std::os::unix::fs::symlink("target.hlm", sandbox.path("link.hlm")).unwrap();
    sandbox.refuses("encode a.png -o link.hlm --model tiny.safetensors", 1, "exists already");
    sandbox.does("encode a.png -o link.hlm --force --model tiny.safetensors");
    assert!(sandbox.path("link.hlm").is_symlink() && sandbox.get("target.hlm").starts_with(b"\x89HLM"));
}

#[cfg(unix)]
#[test]
fn new_files_have_ordinary_permissions() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(30, 30));
    sandbox.does("encode a.png --model tiny.safetensors");
    let mode = |name: &str| std::fs::metadata(sandbox.path(name)).unwrap().permissions().mode();
    assert_eq!(mode("a.hlm"), mode("a.png"));
}
