//! Whole folders: a tree like that of the inputs, what is done is not done again, and a run that was
//! killed goes on.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use common::{Sandbox, grey, rgb};
use serde_json::Value;

/// A folder `in` with images in subfolders, a file that is no image, and one that is damaged.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    for folder in ["in/b/c", "in/d"] {
        fs::create_dir_all(sandbox.path(folder)).unwrap();
    }
    sandbox.save("in/a.png", rgb(40, 30));
    sandbox.save("in/a.jpg", rgb(30, 40));
    sandbox.save("in/b/c/x.png", grey(20, 20));
    sandbox.save("in/d/y.bmp", rgb(25, 25));
    sandbox.put("in/d/notes.txt", b"nothing to see");
    sandbox.put("in/d/broken.png", b"\x89PNG\r\n\x1a\nbroken");
    sandbox
}

const ENCODE: &str = "encode -r in -o out --lambda 64 --model tiny.safetensors";

/// Status of each file by its path, from `--json`.
fn statuses(stdout: &[u8]) -> Vec<(String, String)> {
    let objects = stdout.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    let mut found: Vec<(String, String)> = objects
        .map(|line| serde_json::from_slice::<Value>(line).unwrap())
        .map(|object| (object["input"].as_str().unwrap().into(), object["status"].as_str().unwrap().into()))
        .collect();
    found.sort();
    found
}

fn count(stdout: &[u8], status: &str) -> usize {
    statuses(stdout).iter().filter(|(_, found)| found == status).count()
}

#[test]
fn a_tree_is_mirrored_and_done_once() {
    let sandbox = sandbox();
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    fs::File::options().append(true).open(sandbox.path("in/a.png")).unwrap().set_modified(old).unwrap();
    let first = sandbox.heirloom(&format!("{ENCODE} --json")).output().unwrap();
    assert_eq!(first.status.code(), Some(4), "one file is damaged");
    assert_eq!((count(&first.stdout, "done"), count(&first.stdout, "failed")), (4, 1));
    for name in ["a.png.hlm", "a.jpg.hlm", "b/c/x.png.hlm", "d/y.bmp.hlm"] {
        assert!(sandbox.path("out").join(name).is_file(), "{name}");
    }
    assert_eq!(fs::metadata(sandbox.path("out/a.png.hlm")).unwrap().modified().unwrap(), old);
    assert!(!sandbox.path("out/d/broken.png.hlm").exists() && !sandbox.path("out/d/notes.txt.hlm").exists());

    // Nothing is done twice, but what failed is tried again.
    let second = sandbox.heirloom(&format!("{ENCODE} --json")).output().unwrap();
    assert_eq!((count(&second.stdout, "skipped"), count(&second.stdout, "failed")), (4, 1));
    // A changed input, a lost result and another setting are done again.
    sandbox.save("in/a.png", rgb(41, 30));
    fs::remove_file(sandbox.path("out/d/y.bmp.hlm")).unwrap();
    let third = sandbox.heirloom(&format!("{ENCODE} --json")).output().unwrap();
    assert_eq!((count(&third.stdout, "done"), count(&third.stdout, "skipped")), (2, 2));
    let other = sandbox.heirloom(&format!("{ENCODE} --json").replace("64", "65")).output().unwrap();
    assert_eq!(count(&other.stdout, "done"), 4);

    // And back.
    sandbox.does("decode -r out -o back --model tiny.safetensors");
    assert!(sandbox.path("back/b/c/x.png.png").is_file());
    let said = String::from_utf8(first.stderr).unwrap();
    assert!(said.contains("4 files done") && said.contains("1 of 5 files failed"), "{said}");
}

#[test]
fn nothing_is_done_on_a_dry_run_or_without_folders() {
    let sandbox = sandbox();
    let said = sandbox.heirloom(&format!("{ENCODE} --dry-run")).output().unwrap();
    assert!(said.status.success() && String::from_utf8(said.stderr).unwrap().contains("a.png.hlm"));
    assert!(!sandbox.path("out").exists());
    sandbox.refuses("encode -r in/a.png -o out --model tiny.safetensors", 2, "is not a folder");
    sandbox.refuses("encode -r in -o in --model tiny.safetensors", 2, "both input and output");
    sandbox.refuses("encode -r in --model tiny.safetensors", 2, "--output");
    // The output may lie within the input.
    let inside =
        sandbox.heirloom("encode -r in -o in/out --lambda 64 --model tiny.safetensors --json").output().unwrap();
    assert_eq!(count(&inside.stdout, "done"), 4);
    let again =
        sandbox.heirloom("encode -r in -o in/out --lambda 64 --model tiny.safetensors --json").output().unwrap();
    assert_eq!((count(&again.stdout, "skipped"), count(&again.stdout, "done")), (4, 0));
}

#[test]
fn a_run_that_is_killed_goes_on_where_it_was() {
    let sandbox = sandbox();
    fs::create_dir_all(sandbox.path("many")).unwrap();
    for i in 0..60 {
        sandbox.save(&format!("many/{i:03}.png"), rgb(60 + i, 50));
    }
    let command = "encode -r many -o done --lambda 64 --model tiny.safetensors --json --threads 1";
    let mut child = sandbox.starts(command);
    while files(&sandbox.path("done")) < 10 {
        std::thread::sleep(Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let before = files(&sandbox.path("done"));
    assert!(before < 60, "all was done before it could be killed");
    let rest = sandbox.heirloom(command).output().unwrap();
    assert!(rest.status.success());
    // At most the result whose line in the journal was missing is done again.
    let skipped = count(&rest.stdout, "skipped");
    assert!(skipped + 1 >= before && skipped + count(&rest.stdout, "done") == 60, "{skipped} of {before} skipped");
    assert_eq!(files(&sandbox.path("done")), 60);
}

/// Number of results in a folder.
fn files(folder: &Path) -> usize {
    fs::read_dir(folder).map_or(0, |entries| {
        entries.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|e| e == "hlm")).count()
    })
}
