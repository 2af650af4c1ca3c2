//! The model store: what may be added, and which of its models decodes a file.
#![allow(clippy::unwrap_used)]

mod common;

use common::{Sandbox, child, default, rgb, stranger, tiny, tiny_child};
use heirloom_codec::model::ModelFile;
use serde_json::Value;

fn id(model: &ModelFile) -> String {
    model.metadata.lineage.generation_id.to_string()
}

/// A sandbox with models of two lineages as files: tiny, its child and grandchild, a fork of the
/// child, and a stranger.
fn sandbox() -> (Sandbox, [ModelFile; 5]) {
    let sandbox = Sandbox::new();
    let second = tiny_child();
    let third = child(&second, "reconstruction.image.bias", -0.5);
    let models = [tiny(), second, third, child(&tiny(), "reconstruction.start", 0.5), stranger()];
    for (name, model) in ["tiny", "child", "grandchild", "fork", "stranger"].into_iter().zip(&models) {
        sandbox.put(&format!("{name}.safetensors"), &model.to_bytes().unwrap());
    }
    sandbox.save("a.png", rgb(80, 50));
    (sandbox, models)
}

#[test]
fn lineages_and_generations_live_side_by_side() {
    let (sandbox, models) = sandbox();
    sandbox.does("models add tiny.safetensors child.safetensors stranger.safetensors");
    let lineage = models[0].metadata.lineage.entropy_id.to_string();
    let folder = format!("models/{}", &lineage[..16]);
    assert_eq!(
        sandbox.get(&format!("{folder}/gen1-{}.safetensors", &id(&models[1])[..16])),
        sandbox.get("child.safetensors"),
        "the very bytes"
    );
    let list = sandbox.says("models list");
    for text in [&lineage, &models[4].metadata.lineage.entropy_id.to_string(), "default (in this program)"] {
        assert!(list.contains(text), "{list}");
    }
    let json = sandbox.says("models list --json");
    let found: Vec<Value> = json.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(found.len(), 4);
    assert!(found.iter().all(|model| model["schema"] == "heirloom-models/1"));

    // A file finds its lineage without a flag.
    for (model, name) in [("tiny", "a"), ("stranger", "b")] {
        sandbox.does(&format!("encode a.png -o {name}.hlm --model {model}.safetensors"));
        sandbox.does(&format!("decode {name}.hlm -o x.ppm --exact --force"));
        sandbox.does(&format!("decode {name}.hlm -o y.ppm --exact --force --model {model}.safetensors --store models"));
        assert_eq!(sandbox.get("x.ppm"), sandbox.get("y.ppm"));
    }
    // A store on the command line replaces that of the environment.
    sandbox.refuses("decode b.hlm -o z.ppm --store elsewhere", 1, "elsewhere: the model store cannot be read");
    std::fs::create_dir(sandbox.path("elsewhere")).unwrap();
    sandbox.refuses("decode b.hlm -o z.ppm --store elsewhere", 3, "needs a model with the entropy id ");
}

#[test]
fn the_newest_generation_decodes_unless_told_otherwise() {
    let (sandbox, models) = sandbox();
    sandbox.does("encode a.png --lambda 200 --model tiny.safetensors");
    sandbox.does("encode a.png -o new.hlm --lambda 200 --model grandchild.safetensors");
    let by = |model: &str| sandbox.does(&format!("decode a.hlm -o - --format ppm --generation newest --store {model}"));
    for name in ["tiny", "child", "grandchild"] {
        std::fs::create_dir(sandbox.path(name)).unwrap();
        sandbox.does(&format!("models add {name}.safetensors --store {name}"));
    }
    let (first, second, third) = (by("tiny"), by("child"), by("grandchild"));
    assert!(first != second && second != third && first != third);

    sandbox.does("models add tiny.safetensors child.safetensors grandchild.safetensors");
    let with = |flags: &str| sandbox.does(&format!("decode a.hlm -o - --format ppm {flags}"));
    assert_eq!(with(""), third, "the newest");
    assert_eq!(with("--generation 1"), second);
    assert_eq!(with(&format!("--generation {}", &id(&models[1])[..8])), second);
    assert_eq!(with("--generation writer"), first);
    assert_eq!(with("--model child.safetensors"), second, "a given model goes first");
    assert_eq!(with(&format!("--model {}", &id(&models[1])[..12])), second, "given by id");
    assert_eq!(with("--model child.safetensors --generation 0"), first);
    assert_eq!(with("--exact"), with("--exact --generation writer"));
    assert_eq!(with("--exact --model grandchild.safetensors"), with("--exact"), "exact is always by the writer");

    sandbox.refuses("decode a.hlm -o - --exact --generation 2", 3, "only generation 0 of its lineage");
    sandbox.refuses("decode a.hlm -o - --generation 7", 3, "generation 7 of its lineage");
    sandbox.refuses(
        "decode a.hlm -o - --generation ffffffffff",
        3,
        "a generation of its lineage whose id begins with ffffffffff",
    );
    sandbox.refuses("decode a.hlm -o - --generation old", 2, "a generation is its number, 8 or more");
    sandbox.refuses(
        "decode a.hlm -o - --model ffffffffff",
        3,
        "no model here has a generation id that begins with ffffffffff",
    );
    // An older generation decodes a newer one's file too.
    let output = sandbox.heirloom("decode new.hlm -o new.ppm --generation 0").output().unwrap();
    let line = String::from_utf8(output.stderr).unwrap();
    assert!(line.contains("by generation 0, generation 2 wrote it"), "{line}");
}

#[test]
fn a_writer_that_is_not_here_is_named() {
    let (sandbox, models) = sandbox();
    sandbox.does("models add child.safetensors");
    sandbox.does("encode a.png --model tiny.safetensors");
    let error = sandbox.refuses("decode a.hlm -o - --exact", 3, "generation 0 (");
    assert!(error.contains(&id(&models[0])[..8]) && error.contains("which wrote it, is not here"), "{error}");
    assert!(error.contains(&id(&models[1])[..8]) && error.contains("heirloom models add FILE"), "{error}");
    let info: Value = serde_json::from_str(&sandbox.says("info --json a.hlm")).unwrap();
    assert_eq!((&info["writer"], &info["exact_here"]), (&Value::Null, &false.into()));
    assert_eq!(info["decoder"]["generation_id"], id(&models[1]));
    let text = sandbox.says("info a.hlm");
    assert!(text.contains("written by     no model here") && text.contains("decoded by     generation 1 ("), "{text}");
}

#[test]
fn a_successor_of_the_writer_goes_before_a_fork() {
    let (sandbox, models) = sandbox();
    let fork_child = child(&models[3], "reconstruction.start", 0.5);
    sandbox.put("fork-child.safetensors", &fork_child.to_bytes().unwrap());
    // The child wrote the file. A child of the fork has a higher number, but never learned from the
    // writer.
    sandbox.does("models add tiny.safetensors child.safetensors fork-child.safetensors");
    sandbox.does("encode a.png --model child.safetensors");
    let decoder = || serde_json::from_str::<Value>(&sandbox.says("info --json a.hlm")).unwrap()["decoder"].clone();
    assert_eq!(decoder()["generation_id"], id(&models[1]));
    sandbox.does("encode a.png --model tiny.safetensors --force");
    // The parent of fork-child is not here, so nothing shows that it learned from tiny. That of
    // child is known.
    assert_eq!(decoder()["generation_id"], id(&models[1]));
    sandbox.does("models add fork.safetensors --force");
    assert_eq!(decoder()["generation_id"], id(&fork_child));
    sandbox.refuses("decode a.hlm -o - --generation 1", 2, "not one model but several");

    let tree = sandbox.says("models lineage");
    let depth = |model: &ModelFile| {
        let line = tree.lines().find(|line| line.contains(&id(model)[..16])).unwrap_or_else(|| panic!("{tree}"));
        line.len() - line.trim_start().len()
    };
    assert_eq!([&models[0], &models[1], &models[3], &fork_child].map(depth), [2, 4, 4, 6], "{tree}");
    let only = sandbox.says("models lineage stranger.safetensors");
    assert!(only.contains(&id(&models[4])[..16]) && !only.contains(&id(&models[0])[..16]), "{only}");
}

#[test]
fn what_is_wrong_is_not_added() {
    let (sandbox, models) = sandbox();
    sandbox.does("models add child.safetensors");
    sandbox.refuses("models add child.safetensors", 1, "is in the store already");
    sandbox.does("models add child.safetensors --force");
    sandbox.refuses("models add fork.safetensors", 1, "another generation 1 of its lineage is here already");

    let mut altered = sandbox.get("grandchild.safetensors");
    let last = altered.len() - 2;
    altered[last] ^= 1;
    sandbox.put("altered.safetensors", &altered);
    sandbox.refuses("models add altered.safetensors", 4, "its contents hash to");
    sandbox.put("cut.safetensors", &altered[..altered.len() / 2]);
    sandbox.refuses("models add cut.safetensors", 4, "cut.safetensors: this is not a model file");
    sandbox.refuses("models add missing.safetensors", 1, "missing.safetensors");
    sandbox.put("default.safetensors", &default().to_bytes().unwrap());
    sandbox.refuses("models add default.safetensors", 1, "is the default model");
    // Nothing of all this is left in the store.
    assert_eq!(sandbox.says("models list --json").lines().count(), 2);

    // One bad file does not keep the others from being added, or from being used.
    sandbox.refuses("models add cut.safetensors tiny.safetensors", 4, "cut.safetensors");
    sandbox.put("models/bad.safetensors", b"not a model");
    sandbox.refuses("models list", 4, "bad.safetensors");
    sandbox.does("encode a.png --model tiny.safetensors");
    sandbox.does("decode a.hlm -o b.png --exact");
    sandbox.does("encode a.png -o s.hlm --model stranger.safetensors");
    let error = sandbox.refuses("decode s.hlm -o c.png", 3, "needs a model with the entropy id");
    let needed = &models[4].metadata.lineage.entropy_id.to_string()[..16];
    assert!(error.contains(needed) && error.contains("bad.safetensors"), "{error}");
}

#[test]
fn a_model_altered_in_the_store_is_refused_when_it_is_used() {
    let (sandbox, models) = sandbox();
    sandbox.does("models add tiny.safetensors");
    sandbox.does("encode a.png --model tiny.safetensors");
    let lineage = models[0].metadata.lineage.clone();
    let path = format!(
        "models/{:.16}/gen0-{:.16}.safetensors",
        lineage.entropy_id.to_string(),
        lineage.generation_id.to_string()
    );
    let mut altered = sandbox.get(&path);
    let last = altered.len() - 2;
    altered[last] ^= 1;
    sandbox.put(&path, &altered);
    sandbox.refuses("decode a.hlm -o b.png", 4, "the file was altered");
}

#[test]
fn evaluation_and_comparison_are_by_the_model_that_wrote() {
    let (sandbox, _) = sandbox();
    std::fs::create_dir(sandbox.path("set")).unwrap();
    sandbox.save("set/a.png", rgb(64, 64));
    let eval = |json: &str| {
        sandbox.does(&format!("eval set --lambdas 100 --json {json} --model tiny.safetensors"));
        let report = heirloom_eval::Report::from_json(&String::from_utf8(sandbox.get(json)).unwrap()).unwrap();
        report.records[0].quality.psnr
    };
    let before = eval("before.json");
    sandbox.does("models add child.safetensors");
    assert_eq!(eval("after.json"), before);
}

#[test]
fn the_store_is_where_the_environment_says() {
    let (sandbox, _) = sandbox();
    let add = |variables: &[(&str, &str)]| {
        let mut command = sandbox.heirloom("models add child.safetensors");
        for variable in ["HEIRLOOM_MODELS", "XDG_DATA_HOME", "HOME"] {
            command.env_remove(variable);
        }
        command.envs(variables.iter().map(|(name, value)| (*name, sandbox.path(value)))).output().unwrap()
    };
    for (variables, folder) in [
        (&[("HOME", "h")][..], "h/.local/share/heirloom/models"),
        (&[("HOME", "h"), ("XDG_DATA_HOME", "x")], "x/heirloom/models"),
        (&[("HOME", "h"), ("XDG_DATA_HOME", "x"), ("HEIRLOOM_MODELS", "m")], "m"),
    ] {
        assert!(add(variables).status.success());
        assert!(sandbox.path(folder).is_dir(), "{folder}");
    }
    let nowhere = add(&[]);
    assert_eq!(nowhere.status.code(), Some(2));
    assert!(String::from_utf8(nowhere.stderr).unwrap().contains("give --store DIR or set HEIRLOOM_MODELS"));
}
