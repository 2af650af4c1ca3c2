//! The verbs that report: info, models, eval and compare; and those that heirloom-train does.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Sandbox, grey, rgb, tiny, tiny_child};
use serde_json::Value;

#[test]
fn info_as_json_has_every_field_of_its_schema() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(70, 45));
    sandbox.save("b.png", grey(20, 20));
    sandbox.does("encode a.png b.png --lambda 256 --model tiny.safetensors");
    let text = String::from_utf8(sandbox.does("info --json a.hlm b.hlm --model tiny.safetensors")).unwrap();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    let a = lines[0].as_object().unwrap();
    let bytes = sandbox.get("a.hlm").len();
    let id = tiny().metadata.lineage.entropy_id.to_string();
    for (key, value) in [
        ("schema", "heirloom-info/1".into()),
        ("file", "a.hlm".into()),
        ("bytes", bytes.into()),
        ("bits_per_pixel", (bytes as f64 * 8.0 / (70.0 * 45.0)).into()),
        ("width", 70.into()),
        ("height", 45.into()),
        ("pixel_format", "rgb8".into()),
        ("lambda", 256.0.into()),
        ("entropy_id", id[..16].into()),
        ("generation", 0.into()),
        ("decodable_here", true.into()),
        ("exact_here", true.into()),
        ("tiles", 1.into()),
        ("tile_size", Value::Null),
        ("tile_overlap", Value::Null),
        ("lossless_tiles", serde_json::json!([])),
        ("lossless_bytes", 0.into()),
        ("alpha_bytes", 0.into()),
        ("metadata_bytes", serde_json::json!({ "icc": null, "exif": null, "xmp": null })),
    ] {
        assert_eq!(a[key], value, "{key}");
    }
    assert_eq!(a["generation_id"].as_str().unwrap().len(), 8);
    let latents: Vec<u64> = a["latent_bytes"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap()).collect();
    assert_eq!(latents.len(), 4);
    assert!(latents.iter().sum::<u64>() < bytes as u64);
    let id = tiny().metadata.lineage.generation_id.to_string();
    let model = serde_json::json!({ "name": "tiny.safetensors", "generation": 0, "generation_id": id });
    assert_eq!((&a["writer"], &a["decoder"]), (&model, &model));
    assert_eq!(a.len(), 23);
    assert_eq!(lines[1]["pixel_format"], "grey8");
}

#[test]
fn info_tells_what_the_models_here_can_do() {
    let sandbox = Sandbox::new();
    sandbox.put("child.safetensors", &tiny_child().to_bytes().unwrap());
    sandbox.save("a.png", rgb(70, 45));
    sandbox.does("encode a.png --model tiny.safetensors");
    let says = |flags: &str| String::from_utf8(sandbox.does(&format!("info a.hlm {flags}"))).unwrap();
    assert!(says("").contains("not decodable: there is no model of its lineage here"));
    assert!(says("--model child.safetensors").contains("decodable, not exact"));
    assert!(says("--model tiny.safetensors").contains("decodable and exact"));
    sandbox.refuses("info a.png", 4, "a.png: not a Heirloom file");
}

#[test]
fn models_show_their_identity() {
    let sandbox = Sandbox::new();
    sandbox.put("child.safetensors", &tiny_child().to_bytes().unwrap());
    let text = sandbox.says("models show tiny.safetensors child.safetensors");
    let lineage = tiny_child().metadata.lineage;
    assert!(text.contains(&lineage.entropy_id.to_string()) && text.contains(&lineage.parent.unwrap().to_string()));
    let line: Value = serde_json::from_str(&sandbox.says("models show --json child.safetensors")).unwrap();
    assert_eq!(line["schema"], "heirloom-models/1");
    assert_eq!(line["model"]["lineage"]["generation"], 1);
    let line: Value = serde_json::from_str(&sandbox.says("models --json")).unwrap();
    assert_eq!(line["name"], "default (in this program)");
}

#[test]
fn eval_counts_real_bytes() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    sandbox.save("set/b.png", rgb(180, 170));
    sandbox.save("set/a.png", grey(64, 64));
    sandbox.put("set/readme.txt", b"no image");
    let table = sandbox.does("eval set --lambdas 32,1024 --json r.json --model tiny.safetensors");
    let table = String::from_utf8(table).unwrap();
    assert!(table.contains("on set (2 images)") && table.contains("1024"), "{table}");

    let report = heirloom_eval::Report::from_json(&String::from_utf8(sandbox.get("r.json")).unwrap()).unwrap();
    assert_eq!((report.images, report.records.len(), report.points.len()), (2, 4, 2));
    for record in &report.records {
        sandbox.does(&format!(
            "encode set/{} -o x.hlm --force --lambda {} --model tiny.safetensors",
            record.image, record.lambda
        ));
        assert_eq!(record.bytes, sandbox.get("x.hlm").len() as u64);
        sandbox.does("decode x.hlm -o x.png --force --model tiny.safetensors");
        let original = sandbox.load(&format!("set/{}", record.image)).to_rgb8();
        assert_eq!(record.quality.psnr, heirloom_eval::psnr(&original, &sandbox.load("x.png").to_rgb8()).unwrap());
        assert_eq!(record.quality.ms_ssim.is_some(), record.image == "b.png");
        // The difference to the real rate is tested in the codec; it is large for a model of random
        // weights.
        assert!(record.estimated_bpp.is_finite() && record.estimated_bpp > 0.0, "{record:?}");
    }
    sandbox.refuses("eval set --json r.json --model tiny.safetensors", 1, "r.json: exists already");
    std::fs::create_dir(sandbox.path("empty")).unwrap();
    sandbox.refuses("eval empty --model tiny.safetensors", 1, "empty: has no images");
}

#[test]
fn eval_compares_with_a_given_curve() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    sandbox.save("set/a.png", rgb(64, 64));
    let curve =
        r#"{"codec":"other","source":"by hand","dataset":"set","images":1,"bpp":[1,2,3,4],"psnr":[90,91,92,93]}"#;
    sandbox.put("other.json", curve.as_bytes());
    let table = sandbox.does("eval set --lambdas 32,1024 --anchor other.json --model tiny.safetensors");
    let table = String::from_utf8(table).unwrap();
    // Two points are not a curve.
    assert!(table.contains("other") && !table.contains("webp"), "{table}");
    assert!(table.contains("4 points or more") || table.contains("does not rise"), "{table}");
}

#[test]
fn a_folder_is_not_kodak_by_its_name() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("Kodak")).unwrap();
    sandbox.save("Kodak/kodim01.png", rgb(64, 64));
    sandbox.does("eval Kodak --lambdas 32 --json k.json --model tiny.safetensors");
    let report = heirloom_eval::Report::from_json(&String::from_utf8(sandbox.get("k.json")).unwrap()).unwrap();
    assert!(report.anchors.is_empty());
}

#[test]
fn eval_measures_other_codecs_by_their_files() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    sandbox.save("set/a.png", rgb(200, 150));
    let table = sandbox.says("eval set --lambdas 32 --with jpeg --plot p.svg --json p.json --model tiny.safetensors");
    assert!(table.contains("jpeg here"), "{table}");
    let report = heirloom_eval::Report::from_json(&String::from_utf8(sandbox.get("p.json")).unwrap()).unwrap();
    assert_eq!((report.peers[0].codec.as_str(), report.peers[0].points.len()), ("jpeg here", 8));
    // Not at equal MS-SSIM: the image is too small.
    assert_eq!(report.anchors.len(), if cfg!(feature = "peers") { 2 } else { 1 });
    let svg = String::from_utf8(sandbox.get("p.svg")).unwrap();
    assert!(svg.contains(">jpeg here</text>"));
    // Eight markers of the points, and one in the legend.
    let jpeg = svg.split("<g clip-path").nth(1).unwrap().split("</g>").next().unwrap();
    assert_eq!(jpeg.matches("<circle").count() + jpeg.matches("<polygon").count(), 8 + 1, "{jpeg}");
    sandbox.refuses("eval set --lambdas 32 --with jpg --model tiny.safetensors", 2, "jpg");
    // On an empty path there is no program.
    let mut without = sandbox.heirloom("eval set --lambdas 32 --with jxl --model tiny.safetensors");
    let refused = without.env("PATH", "").output().unwrap();
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(refused.status.code() == Some(2) && error.contains("libjxl-tools"), "{error}");
    sandbox.save("set/a.png", rgb(200, 170));
    let table = sandbox.says("eval set --lambdas 32 --with jpeg --model tiny.safetensors");
    assert!(table.lines().any(|line| line.starts_with("jpeg here") && line.contains("MS-SSIM")), "{table}");
    if !cfg!(feature = "peers") {
        sandbox.refuses("eval set --lambdas 32 --with jpeg,avif --model tiny.safetensors", 2, "--features peers");
    }
}

#[test]
fn compare_draws_three_panels() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(160, 120));
    sandbox.does("compare a.png -o sheet.png --model tiny.safetensors");
    let sheet = sandbox.load("sheet.png");
    assert!(sheet.width() > 3 * 160 && sheet.height() > 120);
    sandbox.does("compare a.png -o zoomed.png --crop 10,10,100,80 --zoom 3 --model tiny.safetensors");
    assert!(sandbox.load("zoomed.png").width() > 3 * 300);
    sandbox.refuses(
        "compare a.png -o x.png --crop 100,0,100,10 --model tiny.safetensors",
        2,
        "outside the image of 160 x 120",
    );
}

#[cfg(unix)]
#[test]
fn training_is_handed_over() {
    use std::os::unix::fs::PermissionsExt;
    let sandbox = Sandbox::new();
    let program = sandbox.path("heirloom");
    std::fs::copy(assert_cmd::cargo::cargo_bin("heirloom"), &program).unwrap();
    let run = |path: &std::path::Path| {
        let mut command = assert_cmd::Command::new(&program);
        command.args(["--threads", "2", "train", "--preset", "small", "--help"]).env("PATH", path).output().unwrap()
    };
    let absent = run(std::path::Path::new("/nowhere"));
    let error = String::from_utf8(absent.stderr).unwrap();
    assert_eq!(absent.status.code(), Some(2));
    assert!(error.contains("cargo build --release -p heirloom-train"), "{error}");

    let helper = sandbox.path("heirloom-train");
    sandbox.put("heirloom-train", b"#!/bin/sh\necho \"$@\"\nexit 7\n");
    std::fs::set_permissions(&helper, std::fs::Permissions::from_mode(0o755)).unwrap();
    let found = run(std::path::Path::new("/nowhere"));
    assert_eq!(found.status.code(), Some(7));
    assert_eq!(String::from_utf8(found.stdout).unwrap(), "--threads 2 train --preset small --help\n");
}

#[test]
fn help_documents_the_exit_status() {
    let sandbox = Sandbox::new();
    let text = String::from_utf8(sandbox.does("--help")).unwrap();
    assert!(text.contains("Exit status:") && text.contains("needs a model that is not here"), "{text}");
    for verb in ["encode", "decode", "info", "eval", "compare", "models"] {
        assert!(String::from_utf8(sandbox.does(&format!("{verb} --help"))).unwrap().contains("Usage: heirloom"));
    }
}

/// `heirloom info *.hlm | head -1`, with a reader that is gone before the first line.
#[test]
#[cfg(unix)]
fn a_closed_pipe_ends_a_report_silently() {
    let sandbox = Sandbox::new();
    sandbox.save("a.png", rgb(70, 45));
    sandbox.does("encode a.png --model tiny.safetensors");
    for verb in ["info a.hlm", "info --json a.hlm", "models list", "models show tiny.safetensors"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = std::process::Command::new(assert_cmd::cargo::cargo_bin!("heirloom"));
        command.args(verb.split(' ')).current_dir(sandbox.path("")).env("HEIRLOOM_MODELS", sandbox.path("models"));
        let output = command.stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(141), "{verb}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{verb}");
    }
}

#[test]
fn manual_pages_and_completions_are_installed() {
    let sandbox = Sandbox::new();
    sandbox.does("manual prefix");
    let page = String::from_utf8(sandbox.get("prefix/share/man/man1/heirloom-encode.1")).unwrap();
    assert!(page.contains("target\\-size"), "{page}");
    for file in ["man/man1/heirloom.1", "bash-completion/completions/heirloom.bash", "zsh/site-functions/_heirloom"] {
        assert!(!sandbox.get(&format!("prefix/share/{file}")).is_empty(), "{file}");
    }
    let fish = String::from_utf8(sandbox.get("prefix/share/fish/vendor_completions.d/heirloom.fish")).unwrap();
    assert!(fish.contains("quality"), "{fish}");
    sandbox.put("file", b"");
    sandbox.refuses("manual file", 1, "file/share/man/man1");
}
