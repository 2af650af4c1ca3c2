//! `models verify` and `models publish`: good pairs pass, bad ones fail with the reason.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Sandbox, child, default, rgb, stranger, tiny, tiny_child};
use heirloom_codec::model::{Branch, GenerationId, LambdaRange, LambdaRanges, ModelFile};
use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Model};
use heirloom_format::container::PixelFormat;
use serde_json::Value;

const FLAGS: &str = "--images set --lambdas 32,1024";

fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    sandbox.save("set/a.png", rgb(80, 50));
    sandbox.save("set/b.png", rgb(33, 64));
    sandbox
}

fn save(sandbox: &Sandbox, name: &str, model: &ModelFile) {
    sandbox.put(&format!("{name}.safetensors"), &model.to_bytes().unwrap());
}

/// PSNR of the sandbox's first image at λ 32, written by `old` and decoded by `new`, from the codec
/// itself.
fn quality(old: &ModelFile, new: &ModelFile) -> f64 {
    let pixels = rgb(80, 50).into_raw();
    let image = Image::new(80, 50, PixelFormat::Rgb8, pixels.clone()).unwrap();
    let bytes = Model::new(old.clone())
        .unwrap()
        .encode(&image, &EncodeOptions::new(32.0).with_lossless(heirloom_codec::Lossless::Never))
        .unwrap();
    let decoded = Model::new(new.clone()).unwrap().decode(&bytes, &DecodeOptions::default()).unwrap();
    heirloom_eval::psnr(&pixels, decoded.data()).unwrap()
}

/// Children of a model with a better and with a worse decoder. Shifting all pixels of a random
/// network raises or lowers its error; the codec itself finds out which.
fn better_and_worse(parent: &ModelFile) -> [ModelFile; 2] {
    let mut children = [0.1, -0.1].map(|by| child(parent, "reconstruction.image.bias", by));
    let before = quality(parent, parent);
    let found = children.each_ref().map(|child| quality(parent, child) - before);
    if found[0] < found[1] {
        children.reverse();
    }
    assert!(found.iter().any(|d| *d > 0.05) && found.iter().any(|d| *d < -0.05), "{found:?}");
    children
}

#[test]
fn a_good_pair_passes_with_its_numbers() {
    let sandbox = sandbox();
    let (old, [new, _]) = (tiny(), better_and_worse(&tiny()));
    save(&sandbox, "new", &new);
    let text = sandbox.says(&format!("models verify tiny.safetensors new.safetensors {FLAGS} --json p.json"));
    assert!(text.contains("verdict: decodable and stable") && text.contains("worst case: "), "{text}");
    assert!(text.contains("no BD-rate (the curve"), "two λ are no curve: {text}");

    let proof: Value = serde_json::from_slice(&sandbox.get("p.json")).unwrap();
    assert_eq!((&proof["schema"], &proof["images"]), (&"heirloom-verify/1".into(), &2.into()));
    assert_eq!(
        (&proof["decodable"], &proof["stable"], &proof["broken"]),
        (&true.into(), &true.into(), &serde_json::json!([]))
    );
    assert_eq!(proof["old"]["generation_id"], old.metadata.lineage.generation_id.to_string());
    assert_eq!(proof["new"]["generation"], 1);
    let files = proof["files"].as_array().unwrap();
    assert_eq!(files.len(), 4);
    let first = files.iter().find(|f| f["image"] == "a.png" && f["lambda"] == 32.0).unwrap();
    assert_eq!(first["psnr_old"], quality(&old, &old));
    assert_eq!(first["psnr_new"], quality(&old, &new));
    assert_eq!(first["new_file"]["psnr"], quality(&new, &new));
    assert!(files.iter().all(|f| f["identical"] == true && f["problem"] == Value::Null));
    // The bytes are those of the file that the command writes.
    sandbox.does("encode set/a.png -o a.hlm --lambda 32 --model tiny.safetensors");
    assert_eq!(first["bytes"], sandbox.get("a.hlm").len());

    sandbox.refuses(
        &format!("models verify tiny.safetensors new.safetensors {FLAGS} --json p.json"),
        1,
        "exists already",
    );
    sandbox.refuses(
        "models verify tiny.safetensors new.safetensors --images set --lambdas 4",
        2,
        "outside the model's range",
    );
    sandbox.refuses("models verify tiny.safetensors new.safetensors --images models", 1, "models");
}

#[test]
fn the_numbers_do_not_depend_on_threads() {
    let sandbox = sandbox();
    save(&sandbox, "new", &tiny_child());
    let files = |threads: u32| {
        let command =
            format!("models verify tiny.safetensors new.safetensors {FLAGS} --force --json p.json --threads {threads}");
        sandbox.heirloom(&command).output().unwrap();
        serde_json::from_slice::<Value>(&sandbox.get("p.json")).unwrap()["files"].clone()
    };
    assert_eq!(files(1), files(3));
}

/// The file of a model, with a bit of one value of a tensor flipped.
fn flipped(model: &ModelFile, tensor: &str, value: usize) -> Vec<u8> {
    let mut bytes = model.to_bytes().unwrap();
    let (length, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let (start, _) = header.info(tensor).unwrap().data_offsets;
    let at = if tensor.ends_with(".weight") { value } else { 4 * value + 1 };
    bytes[8 + length + start + at] ^= 0x40;
    bytes
}

#[test]
fn one_flipped_bit_in_an_entropy_tensor() {
    let sandbox = sandbox();
    let verify = format!("models verify tiny.safetensors new.safetensors {FLAGS} --json p.json --force");
    // Another z3 may choose tables that do not fit the coded bytes of z4. Another mean of z4 is
    // never an error of the coder.
    for (tensor, value, may_break) in [("entropy.z3.prior.weight", 5, true), ("entropy.z4.prior.bias", 0, false)] {
        sandbox.put("new.safetensors", &flipped(&tiny_child(), tensor, value));
        let error = sandbox.refuses(&verify, 5, "claims the old one's entropy id, but its entropy branch was altered");
        let named = format!("\"{tensor}\" differs: value {value} is ");
        for part in ["new.safetensors", &named, "1 value in 1 of "] {
            assert!(error.contains(part), "'{part}' is not in: {error}");
        }
        assert!(error.contains("4 of 4 files of the old model do not keep their latents"), "{error}");
        let proof: Value = serde_json::from_slice(&sandbox.get("p.json")).unwrap();
        assert_eq!((&proof["decodable"], &proof["stable"]), (&false.into(), &false.into()));
        for file in proof["files"].as_array().unwrap() {
            assert!(file["identical"] == false && (may_break || file["problem"].is_null()), "{file}");
        }
    }
    sandbox.refuses(
        &format!("models publish tiny.safetensors new.safetensors {FLAGS} -o p.safetensors"),
        5,
        "was altered",
    );
}

#[test]
fn add_ons_are_kept_to_the_bit() {
    let sandbox = sandbox();
    let mut weights = tiny_child().weights;
    let mut heads = tiny().weights;
    heads.floats_mut("entropy.z4.prior.bias").unwrap().iter_mut().for_each(|value| *value += 0.25);
    weights.push_add_on(&heads);
    let old = tiny().child(tiny().metadata.lambda, weights).unwrap();
    let [new, _] = better_and_worse(&old);
    save(&sandbox, "old", &old);
    save(&sandbox, "new", &new);
    let id = old.metadata.lineage.add_ons[0].to_string();
    assert!(sandbox.says("models show new.safetensors").contains(&format!("  add-on         {id}\n")));
    sandbox
        .heirloom(&format!("models verify tiny.safetensors old.safetensors {FLAGS} --json p.json"))
        .output()
        .unwrap();
    let proof: Value = serde_json::from_slice(&sandbox.get("p.json")).unwrap();
    assert_eq!(proof["decodable"], true);
    let verify = |new: &str| format!("models verify old.safetensors {new}.safetensors {FLAGS}");
    assert!(sandbox.says(&verify("new")).contains("verdict: decodable and stable"));

    for (flag, older_reads) in [("", Some(false)), (" --add-ons never", Some(true)), (" --add-ons auto", None)] {
        let encode = "encode set/a.png -o a.hlm --force --lambda 32 --lossless=never --model old.safetensors";
        sandbox.does(&format!("{encode}{flag}"));
        sandbox.does("decode a.hlm -o b.png --force --model new.safetensors");
        let by_tiny = sandbox.heirloom("decode a.hlm -o b.png --force --model tiny.safetensors").output().unwrap();
        assert!(older_reads.is_none_or(|reads| reads == by_tiny.status.success()), "{flag}");
    }

    sandbox.put("bad.safetensors", &flipped(&new, "add_on1.z3.prior.bias", 2));
    let error =
        sandbox.refuses(&verify("bad"), 5, "claims the old one's entropy id, but its entropy branch was altered");
    assert!(error.contains("\"add_on1.z3.prior.bias\" differs: value 2 is "), "{error}");
    sandbox.refuses("models show bad.safetensors", 4, "the add-on's entropy id");
    save(&sandbox, "plain", &tiny_child());
    let error = sandbox.refuses(&verify("plain"), 5, "the new model does not keep the old one's add-ons");
    assert!(error.contains("the old model has 1 add-on, the new one 0"), "{error}");
}

#[test]
fn an_end_to_end_model() {
    let sandbox = sandbox();
    let mut weights = tiny_child().weights;
    for (name, _) in tiny().weights.branch(Branch::Entropy).filter(|(name, _)| name.ends_with(".gain")) {
        weights.floats_mut(name).unwrap().iter_mut().for_each(|value| *value *= 1.01);
    }
    let mut new = ModelFile::new(tiny().metadata.spec, tiny().metadata.lambda, weights).unwrap();
    let notes = &mut new.metadata.provenance.notes;
    notes.insert("strategy".into(), "end-to-end".into());
    notes.insert("learned_from".into(), tiny().metadata.lineage.generation_id.to_string());
    save(&sandbox, "new", &new);
    let command = format!("models verify tiny.safetensors new.safetensors {FLAGS} --json p.json");
    let error = sandbox.refuses(&command, 5, "the new model learned end to end, its entropy branch included");
    let ids = [&tiny(), &new].map(|model| model.metadata.lineage.entropy_id.to_string());
    assert!(ids.iter().all(|id| error.contains(id)), "{error}");
    assert!(error.contains("4 of 4 files of the old model do not keep their latents"), "{error}");
    let proof: Value = serde_json::from_slice(&sandbox.get("p.json")).unwrap();
    let file = &proof["files"][0];
    assert!(file["problem"].as_str().unwrap().contains("needs a model whose entropy id begins with"), "{file}");
    assert!(file["psnr_new"].is_number(), "what it would make of the file is measured: {file}");
    sandbox.refuses(
        &format!("models publish tiny.safetensors new.safetensors {FLAGS} -o p.safetensors"),
        5,
        "not published",
    );
}

#[test]
fn foreign_lineages() {
    let sandbox = sandbox();
    save(&sandbox, "stranger", &stranger());
    let with = |new: &str, says: &str| {
        sandbox.refuses(&format!("models verify tiny.safetensors {new}.safetensors {FLAGS}"), 5, says)
    };
    with("stranger", "the new model is of another lineage: its entropy id is");
    with("stranger", "entropy.z1.prior.bias");
    // With another λ range of the entropy branch, the same weights read files differently.
    let ranges = LambdaRanges::all(LambdaRange { low: 32.0, high: 4096.0 });
    save(&sandbox, "range", &ModelFile::new(tiny().metadata.spec, ranges, tiny().weights).unwrap());
    with("range", "the λ range of the entropy branch is 32 to 1024 in the old model and 32 to 4096 in the new one");
    sandbox.refuses(
        &format!("models verify default tiny.safetensors {FLAGS}"),
        5,
        "the networks have different shapes",
    );
}

#[test]
fn a_decoder_made_worse_on_purpose() {
    let sandbox = sandbox();
    let [_, worse] = better_and_worse(&tiny());
    save(&sandbox, "worse", &worse);
    let command = format!("models verify tiny.safetensors worse.safetensors {FLAGS} --json p.json");
    let error = sandbox.refuses(&command, 6, "the old model's files lose ");
    assert!(error.contains("0.05 dB are allowed; the worst is ") && error.contains(".png, -"), "{error}");
    let proof: Value = serde_json::from_slice(&sandbox.get("p.json")).unwrap();
    assert_eq!((&proof["decodable"], &proof["stable"]), (&true.into(), &false.into()));
    let command = format!("models publish tiny.safetensors worse.safetensors {FLAGS} -o p.safetensors");
    sandbox.refuses(
        &command,
        6,
        "not published, for the files of tiny.safetensors: worse.safetensors: the old model's files lose",
    );
    assert!(!sandbox.path("p.safetensors").exists() && !sandbox.path("p.md").exists());
}

#[test]
fn what_is_no_model_is_no_proof() {
    let sandbox = sandbox();
    sandbox.put("cut.safetensors", &tiny().to_bytes().unwrap()[..5000]);
    let mut altered = tiny_child().to_bytes().unwrap();
    let last = altered.len() - 2;
    altered[last] ^= 1; // a tensor of the reconstruction branch
    sandbox.put("altered.safetensors", &altered);
    let with = |pair: &str, status: i32, says: &str| {
        sandbox.refuses(&format!("models verify {pair} {FLAGS}"), status, says);
    };
    with("tiny.safetensors cut.safetensors", 4, "cut.safetensors: this is not a model file");
    with("tiny.safetensors altered.safetensors", 4, "states the generation id");
    with("altered.safetensors tiny.safetensors", 4, "altered.safetensors");
    with("tiny.safetensors missing.safetensors", 1, "missing.safetensors");
}

#[test]
fn a_published_model_carries_its_record() {
    let sandbox = sandbox();
    let [new, _] = better_and_worse(&tiny());
    // A model as the trainer may leave it: without number, parent and licence.
    let mut plain = ModelFile::new(new.metadata.spec.clone(), new.metadata.lambda, new.weights.clone()).unwrap();
    plain.metadata.provenance.notes.insert("data".into(), "faces | a line\nand another".into());
    save(&sandbox, "new", &plain);
    let publish = format!("models publish tiny.safetensors new.safetensors {FLAGS} -o out.safetensors");
    sandbox.does(&publish);
    let out = ModelFile::from_bytes(&sandbox.get("out.safetensors")).unwrap();
    assert_eq!(out.weights, new.weights);
    assert_eq!(out.metadata.lineage, new.metadata.lineage, "number and parent are those of a child");
    let record = out.metadata.record.clone().unwrap();
    assert_eq!(record.proofs.len(), 1);
    let proof = &record.proofs[0];
    assert_eq!((proof.generation, proof.generation_id), (0, tiny().metadata.lineage.generation_id));
    assert_eq!((proof.images, proof.dataset.as_str(), proof.points.len()), (2, "set", 2));
    assert!(proof.points.iter().all(|point| point.difference.unwrap() > 0.0 && point.psnr_new > point.psnr_old));
    let card = String::from_utf8(sandbox.get("out.md")).unwrap();
    let file_hash = blake3::hash(&sandbox.get("out.safetensors")).to_hex().to_string();
    let id = out.metadata.lineage.generation_id.to_string();
    for part in [
        "# out",
        "Generation 1",
        &id,
        &file_hash,
        &proof.images_hash,
        "## Files of generation 0",
        "faces \\| a line and another",
    ] {
        assert!(card.contains(part), "'{part}' is not in: {card}");
    }
    assert!(sandbox.says("models show out.safetensors").contains("keeps the files of generation 0"));

    sandbox.refuses(&publish, 1, "out.safetensors: exists already");
    sandbox.does(&(publish + " --force"));
    assert_eq!(ModelFile::from_bytes(&sandbox.get("out.safetensors")).unwrap(), out, "the same record again");
    sandbox.does("models add out.safetensors");
    assert!(sandbox.says("models").contains("published"));
    assert!(sandbox.says("models lineage").contains("dB on its parent's files at least"));
}

#[test]
fn publishing_refuses_what_does_not_belong() {
    let sandbox = sandbox();
    let mut other = tiny_child();
    other.metadata.lineage.parent = Some(GenerationId([7; 32]));
    save(&sandbox, "other", &other);
    let publish = |new: &str| format!("models publish tiny.safetensors {new}.safetensors {FLAGS} -o out.safetensors");
    sandbox.refuses(&publish("other"), 2, "it learned from 0707");
    sandbox.refuses(&publish("tiny"), 2, "it has the same weights as the old model");
    sandbox.refuses(&publish("other").replace("out.safetensors", "out.md"), 2, "the output must be a model file");
    assert!(!sandbox.path("out.safetensors").exists());
}

#[test]
fn a_chain_is_proven_against_every_generation_that_is_here() {
    let sandbox = sandbox();
    let second = child(&tiny(), "encoder.z4.mean.bias", 0.25); // another encoder, the same decoder
    let third = child(&second, "encoder.z3.mean.bias", 0.25);
    save(&sandbox, "second", &second);
    save(&sandbox, "third", &third);
    let publish = format!("models publish second.safetensors third.safetensors {FLAGS} -o out.safetensors --force");
    let output = sandbox.heirloom(&publish).output().unwrap();
    let notes = String::from_utf8(output.stderr).unwrap();
    let parent = tiny().metadata.lineage.generation_id.to_string();
    assert!(
        output.status.success() && notes.contains(&format!("generation {parent} is not here, so nothing is proven")),
        "{notes}"
    );
    sandbox.does("models add tiny.safetensors second.safetensors");
    sandbox.does(&publish);
    let out = ModelFile::from_bytes(&sandbox.get("out.safetensors")).unwrap();
    assert_eq!(out.metadata.lineage.generation, 2);
    let record = out.metadata.record.unwrap();
    assert_eq!(record.proofs.iter().map(|proof| proof.generation).collect::<Vec<_>>(), [1, 0]);
    assert!(record.proofs.iter().flat_map(|proof| &proof.points).all(|point| point.difference == Some(0.0)));
}

#[test]
fn small_losses_do_not_add_up_over_generations() {
    let sandbox = sandbox();
    let better = better_and_worse(&tiny())[0].weights.floats("reconstruction.image.bias").unwrap()[0];
    let downhill = if better > tiny().weights.floats("reconstruction.image.bias").unwrap()[0] { -1.0 } else { 1.0 };
    let shifted = |parent: &ModelFile, by: f32| child(parent, "reconstruction.image.bias", by);
    // Each generation loses a little less than the tolerance.
    let step = (1..200)
        .map(|n| downhill * n as f32 / 1000.0)
        .find(|&by| quality(&tiny(), &shifted(&tiny(), by)) < quality(&tiny(), &tiny()) - 0.03);
    let first = shifted(&tiny(), step.unwrap());
    save(&sandbox, "first", &first);
    save(&sandbox, "second", &shifted(&first, step.unwrap()));
    sandbox.does(&format!("models verify tiny.safetensors first.safetensors {FLAGS}"));
    sandbox.does(&format!("models verify first.safetensors second.safetensors {FLAGS}"));
    sandbox.does("models add tiny.safetensors");
    let publish = format!("models publish first.safetensors second.safetensors {FLAGS} -o out.safetensors --quiet");
    let error = sandbox.refuses(&publish, 6, "not published, for the files of ");
    assert!(error.contains("models/") && error.contains("gen0-"), "the writer is named: {error}");
}

#[test]
fn the_model_in_this_program_against_a_wider_generation() {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    let image = |x: u32, y: u32| image::Rgb([(x * 2) as u8, (y * 3) as u8, (128 + 60 * ((x / 9 + y / 7) % 2)) as u8]);
    sandbox.save("set/a.png", image::RgbImage::from_fn(128, 96, image));
    let old = default();
    let range = old.metadata.lambda.encoder;
    let wider = LambdaRange { low: range.low / 4.0, high: range.high * 4.0 };
    let ranges = LambdaRanges { encoder: wider, reconstruction: wider, ..old.metadata.lambda };
    save(&sandbox, "new", &old.child(ranges, old.weights.clone()).unwrap());
    let text = sandbox.says("models publish default new.safetensors --images set -o out.safetensors");
    assert!(text.contains("new files against old ones: ") && text.contains("+0.00 % bits"), "{text}");
    let out = ModelFile::from_bytes(&sandbox.get("out.safetensors")).unwrap();
    assert_eq!(out.metadata.preview, old.metadata.preview, "as its lineage");
    assert_eq!(out.metadata.licence, old.metadata.licence);
    assert_eq!(out.metadata.record.unwrap().proofs[0].points.len(), 4);

    // It codes at higher λ, and the old model reads its files.
    sandbox.does("models add out.safetensors");
    sandbox.does(&format!("encode set/a.png -o far.hlm --lambda {} --model out.safetensors", wider.high));
    sandbox.does("decode far.hlm -o new.png");
    sandbox.does(&format!("decode far.hlm -o old.png --generation {}", old.metadata.lineage.generation));
    let beyond = format!("encode set/a.png -o x.hlm --lambda {}", wider.high);
    sandbox.refuses(&beyond, 2, &format!("outside the model's range, {} to {}", range.low, range.high));
}
