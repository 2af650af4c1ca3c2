//! The paper's experiments at the smallest scale: from pre-training to the report, by the program.
#![allow(clippy::unwrap_used)] // a test fails by panicking

#[path = "../../train/tests/common/mod.rs"]
mod common;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use common::{Scratch, draw};
use heirloom_train::random::Random;
use serde_json::Value;

/// The program on drawn images, which are old and new, training and test at once.
fn experiment(scratch: &Scratch, out: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_heirloom-experiment"));
    command.args(arguments);
    for flag in ["--data", "--new", "--old-test", "--new-test"] {
        command.arg(flag).arg(scratch.images());
    }
    command.arg("--out").arg(out).stdout(Stdio::piped());
    command
}

fn said(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// When each task was done.
fn done(out: &Path) -> BTreeMap<PathBuf, SystemTime> {
    let tasks = names(&out.join("tasks")).into_iter().map(|name| out.join("tasks").join(name).join("done.json"));
    tasks.map(|path| (path.clone(), fs::metadata(&path).unwrap().modified().unwrap())).collect()
}

#[test]
fn everything_runs_from_pre_training_to_the_report_and_only_once() {
    let scratch = Scratch::new("experiment");
    draw(&scratch.images(), 3);
    let out = scratch.0.join("out");
    let printed = said(experiment(&scratch, &out, &["all", "--scale", "smoke"]));
    assert!(printed.contains("103 of 103 tasks to do"), "{printed}");

    let systems = ["ours", "msh-vr", "gma-vr"];
    let mut figures: Vec<String> = ["fig11.svg", "fig12.svg"].map(String::from).into();
    for figure in ["8", "9", "10"] {
        figures.extend(systems.iter().flat_map(|s| ["a", "b"].map(|part| format!("fig{figure}{part}-{s}.svg"))));
        figures.push(format!("fig{figure}b-replay.svg"));
    }
    figures.sort();
    assert_eq!(names(&out.join("figures")), figures);

    let report: Value = serde_json::from_str(&fs::read_to_string(out.join("report.json")).unwrap()).unwrap();
    let sections = report["sections"].as_array().unwrap();
    let ids: Vec<&str> = sections.iter().map(|section| section["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["8a", "8b", "9a", "9b", "10a", "10b", "11", "12"]);
    for section in sections {
        assert!(!section["finding"]["evidence"].as_str().unwrap().is_empty());
        for curve in section["curves"].as_array().unwrap() {
            let (name, old) = (curve["name"].as_str().unwrap(), section["id"].as_str().unwrap().ends_with('a'));
            assert!(curve["means"].as_array().unwrap().len() >= 4, "{name}");
            assert_eq!(curve["rate"] == "files", name.starts_with("ours"), "{name}");
            // What learned end to end reads no old file.
            assert_eq!(curve["refused"].is_string(), old && name == "ours, end-to-end", "{name}");
        }
    }

    let page = fs::read_to_string(out.join("report.html")).unwrap();
    assert_eq!(page.matches("<svg").count(), figures.len());
    let outside = page.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for request in ["http", "src=", "<link", "@import", "<script"] {
        assert!(!outside.contains(request), "{request}");
    }
    let points: usize = sections
        .iter()
        .flat_map(|section| section["curves"].as_array().unwrap())
        .map(|curve| curve["means"].as_array().unwrap().len())
        .sum();
    assert_eq!(fs::read_to_string(out.join("points.csv")).unwrap().lines().count(), 1 + points);

    let before = done(&out);
    assert_eq!(before.len(), 103);
    assert!(said(experiment(&scratch, &out, &["all", "--scale", "smoke"])).contains("0 of 103 tasks to do"));
    assert_eq!(done(&out), before);

    // Another number of steps for learning leaves what does not learn as it is.
    let settings = said(experiment(&scratch, &out, &["all", "--scale", "smoke", "--print-settings"]));
    let file = scratch.0.join("settings.toml");
    fs::write(&file, settings.replace("steps = 12", "steps = 13")).unwrap();
    let plan = said(experiment(&scratch, &out, &["all", "--dry-run", "--settings", file.to_str().unwrap()]));
    let (mut kept, mut again) = (0, 0);
    for line in plan.lines().filter(|line| !line.contains("tasks to do")) {
        let learned = ["-data-", "-higher-", "-lower-", "-nothing-"].iter().any(|change| line.contains(change));
        assert_eq!(line.contains(" to do"), learned, "{line}");
        *(if learned { &mut again } else { &mut kept }) += 1;
    }
    // 11 trainings from scratch and their 14 measurements, three of them on new images too.
    assert_eq!((kept, again), (25, 78));
    assert_eq!(done(&out), before);
}

#[test]
#[cfg(unix)]
fn killed_at_random_moments_it_goes_on_to_the_same_points() {
    let scratch = Scratch::new("experiment-killed");
    draw(&scratch.images(), 3);
    let (whole, killed) = (scratch.0.join("whole"), scratch.0.join("killed"));
    let arguments = ["fig12", "--scale", "smoke", "--quiet"];
    let begun = SystemTime::now();
    said(experiment(&scratch, &whole, &arguments));
    let took = begun.elapsed().unwrap();
    let seed = begun.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut random = Random::new(seed, 0, 0);
    for _ in 0..4 {
        let mut child = experiment(&scratch, &killed, &arguments).spawn().unwrap();
        thread::sleep(Duration::from_secs_f64(took.as_secs_f64() * 0.6 * f64::from(random.unit())));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    said(experiment(&scratch, &killed, &arguments));
    let points = |out: &Path| fs::read_to_string(out.join("points.csv")).unwrap();
    assert_eq!(points(&whole), points(&killed), "seed {seed}");
}

#[test]
fn unusable_folders_and_settings_are_named() {
    let scratch = Scratch::new("experiment-refused");
    let refused = |arguments: &[&str]| {
        let output = experiment(&scratch, &scratch.0.join("out"), arguments).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(refused(&["fig12", "--scale", "smoke"]).contains("holds no images"));
    draw(&scratch.images(), 1);
    assert!(refused(&["fig13"]).contains("fig13"));
    let file = scratch.0.join("settings.toml");
    fs::write(&file, "points = 4\n").unwrap();
    assert!(refused(&["fig12", "--settings", file.to_str().unwrap()]).contains("settings.toml"));
}
