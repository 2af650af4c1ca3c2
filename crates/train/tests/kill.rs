//! A run that is killed at random moments and resumed equals one that was not, bit for bit.
//!
//! The real program is started and ended by SIGKILL: it gets no chance to tidy up. The long test is
//! run by `cargo test --release -p heirloom-train --test kill -- --ignored --nocapture`.
#![allow(clippy::unwrap_used)] // a test fails by panicking
#![cfg(unix)]

mod common;

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use common::{Scratch, draw, metrics, with_options};
use heirloom_codec::{
    internals::reference,
    model::{ModelFile, Spec},
};
use heirloom_train::{
    random::Random,
    trainer::{Config, config::Phase, network_config::NetworkConfig},
};

/// Starts the program on the run `out`, whether or not there is something to resume. If there is a
/// model, it is learned from.
fn start(scratch: &Scratch, out: &Path) -> Child {
    let parent = scratch.0.join("parent.safetensors");
    let mut command = Command::new(env!("CARGO_BIN_EXE_heirloom-train"));
    command.arg(if parent.exists() { "learn" } else { "train" });
    if parent.exists() {
        command.arg("--from").arg(parent).arg("--replay-data").arg(scratch.images());
    }
    command
        .args(["--quiet", "--resume", "--config"])
        .arg(scratch.0.join("settings.toml"))
        .arg("--data")
        .arg(scratch.images())
        .arg("--out")
        .arg(out)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// The last step that the metrics speak of, 0 if there are none yet.
fn reached(run: &Path) -> u64 {
    let text = fs::read_to_string(run.join("metrics.jsonl")).unwrap_or_default();
    let step = |line: &str| serde_json::from_str::<serde_json::Value>(line).ok()?.get("step")?.as_u64();
    text.lines().filter_map(step).max().unwrap_or(0)
}

/// Name and bytes of every checkpoint.
fn checkpoints(run: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(run).unwrap().map(|entry| entry.unwrap().path());
    files
        .filter(|path| path.extension().is_some_and(|e| e == "bin"))
        .map(|path| (path.file_name().unwrap().into(), fs::read(path).unwrap()))
        .collect()
}

/// Trains uninterrupted, then once more with `kills` kills: the first at any moment of the
/// program's start, the others at any moment of random later steps. Compares all metrics and all
/// checkpoints.
fn compare(name: &str, config: &Config, parent: Option<&ModelFile>, kills: u64) {
    let seed = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut random = Random::new(seed, 0, 0);
    let scratch = Scratch::new(name);
    draw(&scratch.images(), 5);
    fs::write(scratch.0.join("settings.toml"), config.to_toml().unwrap()).unwrap();
    if let Some(parent) = parent {
        fs::write(scratch.0.join("parent.safetensors"), parent.to_bytes().unwrap()).unwrap();
    }
    let (whole, killed) = (scratch.0.join("whole"), scratch.0.join("killed"));

    let began = Instant::now();
    assert!(start(&scratch, &whole).wait().unwrap().success());
    let whole_run = began.elapsed();
    let step = whole_run / config.steps as u32;

    for kill in 0..kills {
        let before = reached(&killed);
        let mut child = start(&scratch, &killed);
        if kill == 0 {
            thread::sleep((2 * step).mul_f32(random.unit()));
        } else {
            let target = before + 1 + random.below(((config.steps - 5 - before) / (kills - kill)) as usize) as u64;
            let limit = Instant::now() + 20 * whole_run + Duration::from_secs(20);
            while reached(&killed) < target {
                assert!(Instant::now() < limit, "seed {seed}: step {target} is never reached");
                assert!(child.try_wait().unwrap().is_none(), "seed {seed}: the program ended before step {target}");
                thread::sleep(step / 20);
            }
            thread::sleep(step.mul_f32(random.unit()));
        }
        child.kill().unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(9), "seed {seed}: the program ended before it was killed");
        eprintln!("kill {} after step {}", kill + 1, reached(&killed));
    }
    assert!(start(&scratch, &killed).wait().unwrap().success());

    assert_eq!(metrics(&whole).last().unwrap()["step"], config.steps);
    assert_eq!(metrics(&whole), metrics(&killed), "seed {seed}");
    let (whole, killed) = (checkpoints(&whole), checkpoints(&killed));
    assert!(whole.keys().eq(killed.keys()), "seed {seed}: {:?} {:?}", whole.keys(), killed.keys());
    assert!(whole == killed, "seed {seed}: checkpoints differ");
}

/// `tiny` with a line of metrics for every step, and probes that the kills can hit.
fn tiny(steps: u64) -> Config {
    Config { steps, log_every: 1, checkpoint_every: 7, probe_every: 10, ..Config::preset("tiny").unwrap() }
}

#[test]
#[ignore = "takes half a minute"]
fn a_run_killed_at_random_steps_equals_one_that_was_not_over_200_steps() {
    compare("kill-long", &tiny(200), None, 6);
}

#[test]
fn a_short_run_that_is_killed_equals_one_that_was_not() {
    let phases = vec![Phase { from_step: 0, crop: 64, batch: 1 }];
    let network = NetworkConfig::Full(Box::new(with_options(Spec::tiny())));
    let config = Config { network, phases, checkpoint_every: 3, probe_images: 1, rounded: 0.5, ..tiny(20) };
    compare("kill-short", &config, None, 3);
}

#[test]
fn learning_that_is_killed_equals_learning_that_was_not() {
    let spec = Spec::tiny();
    let parent = reference::model(spec).unwrap();
    let phases = vec![Phase { from_step: 0, crop: 64, batch: 2 }];
    compare("kill-learn", &Config { phases, checkpoint_every: 3, probe_images: 1, ..tiny(20) }, Some(&parent), 3);
}
