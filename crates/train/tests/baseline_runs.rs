//! Runs of narrow baselines on drawn images: they learn, resume to the bit, learn further with
//! every strategy, and are measured.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::{fs, path::PathBuf};

use burn::tensor::{Device, Tensor, TensorData};
use common::{Scratch, draw, metrics};
use heirloom_train::{
    TrainError,
    data::Images,
    measure::{TrainedSystem, measure},
    model::{
        Quantise, Weights,
        baseline::{BaselineSpec, Kind},
        initial::Initial,
    },
    random::Random,
    replay::{Request, Snapshot, learn, parent},
    trainer::{
        self, Config, Options,
        calibration::Calibration,
        checkpoint::Checkpoint,
        config::{Optimiser, Phase},
        export,
        learn_config::Strategy,
        network_config::NetworkConfig,
    },
};

const ALL: [Kind; 4] = [Kind::Msh, Kind::MshVr, Kind::Gma, Kind::GmaVr];

fn network(system: Kind) -> NetworkConfig {
    let m = (!system.has_context()).then_some(12);
    let embedding = system.follows_lambda().then_some(16);
    NetworkConfig::Baseline(BaselineSpec { system, n: 8, m, embedding })
}

fn config(system: Kind, steps: u64) -> Config {
    Config {
        network: network(system),
        lambda: if system.follows_lambda() { [32.0, 1024.0] } else { [256.0, 256.0] },
        steps,
        phases: vec![Phase { from_step: 0, crop: 64, batch: 2 }],
        log_every: 2,
        checkpoint_every: 4,
        probe_every: 4,
        probe_images: 1,
        rounded: 0.5,
        ..Config::preset("tiny").unwrap()
    }
}

fn options(scratch: &Scratch, run: &str) -> Options {
    Options { resume: true, ..common::options(scratch, run) }
}

fn request(scratch: &Scratch, from: &str, settings: &str) -> Request {
    let path = scratch.0.join(format!("settings-{}.toml", blake3::hash(settings.as_bytes()).to_hex()));
    let usual =
        "phases = [{ from_step = 0, crop = 64, batch = 4 }]\nprobe_every = 0\nlog_every = 2\ncheckpoint_every = 4";
    fs::write(&path, format!("preset = \"learn-tiny\"\n{usual}\n{settings}\n")).unwrap();
    Request {
        from: Some(scratch.0.join(from).into()),
        replay_data: Some(scratch.images()),
        config: Some(path),
        steps: Some(8),
        ..Request::default()
    }
}

#[test]
fn runs_that_are_stopped_and_resumed_end_as_those_that_were_not() {
    let scratch = Scratch::new("baseline-resume");
    draw(&scratch.images(), 3);
    for system in ALL {
        let name = system.name();
        let config = Config { optimiser: Optimiser::Muon, ..config(system, 8) };
        let of = |run: &str| options(&scratch, &format!("{name}-{run}"));
        let whole = trainer::train(&config, &of("whole")).unwrap();
        trainer::train(&config, &Options { stop_at: Some(4), ..of("parts") }).unwrap();
        let parts = trainer::train(&config, &of("parts")).unwrap();
        assert!(whole == parts, "{name}");
        assert_eq!(metrics(&of("whole").out), metrics(&of("parts").out), "{name}");
        assert_eq!(Config::from_file(&of("whole").out.join("config.toml")).unwrap(), config);
        let said = export::model(&whole, &Calibration::artificial(), false).unwrap_err().to_string();
        assert!(said.contains(name) && said.contains("learn --from RUN"), "{said}");
        let as_stored = Config { rounded_weights: 0.5, ..config };
        assert!(as_stored.check().unwrap_err().to_string().contains("rounded_weights must be 0"), "{name}");
    }
}

#[test]
fn narrow_baselines_learn_one_small_folder() {
    let scratch = Scratch::new("baseline-learn");
    draw(&scratch.images(), 2);
    for system in [Kind::MshVr, Kind::GmaVr] {
        let config = Config {
            lambda: [128.0, 128.0],
            probe_every: 0,
            log_every: 20,
            checkpoint_every: 160,
            rounded: 0.0,
            ..config(system, 160)
        };
        let run = options(&scratch, system.name());
        trainer::train(&config, &run).unwrap();
        let losses: Vec<f64> = metrics(&run.out).iter().map(|m| m["loss"].as_f64().unwrap()).collect();
        assert!(losses.last().unwrap() < &(0.5 * losses[0]), "{}: {losses:?}", system.name());
    }
}

#[test]
fn gradients_are_those_of_the_forward_pass() {
    // Of bits + error, along a direction within each parameter; noise is fixed. Central differences
    // of fourth order.
    for system in [Kind::MshVr, Kind::GmaVr] {
        let (layout, network) = network(system).system().unwrap();
        let mut values = network.initial(&layout, Initial { seed: 3, layer_scale: 0.0 });
        // Deviations well above their bound, below which the gradient is not the derivative, on
        // purpose.
        let (last, scales) = if system == Kind::MshVr { ("entropy.hyper.2", 12) } else { ("entropy.parameters.2", 8) };
        let bias = layout.entry(&format!("{last}.conv.bias")).unwrap().offset;
        values[bias..bias + scales].fill(3.0);
        let mut pixels = vec![0f32; 64 * 64 * 3];
        Random::new(1, 1, 1).fill_centred(&mut pixels);
        let run = |values: &[f32], device: &Device| {
            let w = Weights::new(&layout, values, device, |_| true);
            let x = Tensor::<4>::from_data(TensorData::new(pixels.clone(), [1, 64, 64, 3]), device);
            let coded = network.code(&w, x.clone(), &[100.0], None, Quantise::Noise { seed: 1, step: 0 });
            (w, coded.bits, (coded.image - x).square())
        };
        // Summed in double precision, for the sake of the differences.
        let loss = |values: &[f32]| -> f64 {
            let (_, bits, error) = run(values, &Device::flex());
            let parts = [bits.try_into_vec_as::<f32>().unwrap(), error.try_into_vec_as::<f32>().unwrap()];
            parts.iter().flatten().map(|v| f64::from(*v)).sum()
        };
        let total = loss(&values);
        let (weights, bits, error) = run(&values, &Device::flex().autodiff());
        let mut gradient = vec![0f32; layout.len()];
        let mut back = (bits.sum() + error.sum()).backward();
        weights.gradients(&layout, &mut back, &mut gradient).unwrap();
        let mut checked = 0;
        for (index, entry) in layout.entries().iter().enumerate() {
            let part = entry.offset..entry.offset + entry.len;
            let size = gradient[part.clone()].iter().map(|g| f64::from(*g).powi(2)).sum::<f64>().sqrt();
            // What the loss hardly feels drowns in its rounding; in attention, ReLUs of values near
            // zero bend within the step.
            if size < 1e-3 * total || entry.name.contains(".trunk.") || entry.name.contains(".mask.") {
                continue;
            }
            let mut random = Random::new(9, 9, index as u64);
            // Into the gradient, with a random part: the derivative along it is large, and not the
            // norm alone.
            let direction: Vec<f64> =
                gradient[part.clone()].iter().map(|g| f64::from(*g) / size * f64::from(0.5 + random.unit())).collect();
            let along = |t: f64| {
                let mut moved = values.clone();
                moved[part.clone()].iter_mut().zip(&direction).for_each(|(v, d)| *v += (t * d) as f32);
                loss(&moved)
            };
            let h = 4e-3;
            let want = (8.0 * (along(h) - along(-h)) - (along(2.0 * h) - along(-2.0 * h))) / (12.0 * h);
            let got: f64 = gradient[part].iter().zip(&direction).map(|(g, d)| f64::from(*g) * d).sum();
            let error = (got - want).abs() / want.abs();
            // Units that bend within the step move the difference by some per cent.
            assert!(error < 0.05, "{}: {}: {got} against {want}", system.name(), entry.name);
            checked += 1;
        }
        assert!(checked >= 20, "only {checked} parameters of {} were checked", system.name());
    }
}

#[test]
fn every_strategy_moves_what_it_says_and_keeps_old_latents_readable() {
    let scratch = Scratch::new("baseline-strategies");
    draw(&scratch.images(), 3);
    for system in ALL {
        let name = system.name();
        let parent = trainer::train(&config(system, 4), &options(&scratch, name)).unwrap();
        let layout = network(system).system().unwrap().0;
        for (strategy, branches) in [
            (Strategy::Replay, ["encoder.", "reconstruction."].as_slice()),
            (Strategy::Encoder, &["encoder."]),
            (Strategy::EndToEnd, &["encoder.", "entropy.", "reconstruction."]),
        ] {
            let mut request = Request { strategy: Some(strategy), ..request(&scratch, name, "") };
            if strategy != Strategy::Replay {
                request.replay_data = None;
            }
            let run = format!("{name}-{}", strategy.name());
            let child = learn(&request, &options(&scratch, &run)).unwrap();
            let mut moved = [0; 3];
            for entry in layout.entries() {
                let part = entry.offset..entry.offset + entry.len;
                let same = parent.state.ema[part.clone()] == child.state.ema[part];
                let branch = ["encoder.", "entropy.", "reconstruction."].iter().position(|b| entry.name.starts_with(b));
                let branch = branch.unwrap_or_else(|| panic!("{} is of no branch", entry.name));
                moved[branch] += usize::from(!same);
            }
            let free = ["encoder.", "entropy.", "reconstruction."].map(|branch| branches.contains(&branch));
            assert_eq!(moved.map(|n| n > 0), free, "{name} {strategy:?}");
        }
        // Half of a batch of four is replayed.
        let lines = metrics(&scratch.0.join(format!("{name}-replay")));
        assert!(lines.iter().all(|line| line["replay_loss"].as_f64().unwrap() > 0.0), "{name}");

        let open = |run: &str| TrainedSystem::open(&scratch.0.join(run), &Device::flex()).unwrap();
        let images = Images::open(&scratch.images(), 1 << 30).unwrap();
        let of = |decoder: Option<&TrainedSystem>| {
            let report = measure(&open(name), decoder, &images, "drawn", 2, &[256.0]).unwrap();
            assert_eq!((report.images, report.records.len(), &*report.system), (2, 2, name));
            report
        };
        let own = of(None);
        let encoder = of(Some(&open(&format!("{name}-encoder"))));
        // The decoder is the parent's, to the bit.
        assert_eq!(own.records, encoder.records);
        let replayed = of(Some(&open(&format!("{name}-replay"))));
        assert_eq!(own.points[0].estimated_bpp, replayed.points[0].estimated_bpp);
        assert_ne!(own.points[0].psnr, replayed.points[0].psnr);
        assert!(replayed.to_json().unwrap().contains("\"estimated_bpp\""));
    }
}

#[test]
fn rates_grow_in_systems_that_follow_lambda_only() {
    let scratch = Scratch::new("baseline-rates");
    draw(&scratch.images(), 2);
    let wide = Some([32.0, 4096.0]);
    trainer::train(&config(Kind::MshVr, 4), &options(&scratch, "msh-vr")).unwrap();
    let child =
        learn(&Request { lambda: wide, ..request(&scratch, "msh-vr", "") }, &options(&scratch, "wide")).unwrap();
    assert_eq!(child.header.config.lambda, [32.0, 4096.0]);
    let (snapshot, before) = parent::snapshot_of(&scratch.0.join("wide")).unwrap();
    assert_eq!((snapshot.ranges().entropy.high, snapshot.ranges().encoder.high, before.len()), (1024.0, 4096.0, 1));
    // The chain goes on, and brings its first generation along.
    let third = learn(&request(&scratch, "wide", ""), &options(&scratch, "third")).unwrap();
    let settings = third.header.config.learn.unwrap();
    assert_eq!((settings.from, settings.ancestors), (snapshot.id(), vec![before[0].id()]));

    trainer::train(&config(Kind::Msh, 4), &options(&scratch, "msh")).unwrap();
    let refused = |request: Request, why: &str| {
        let said = learn(&request, &options(&scratch, "refused")).unwrap_err().to_string();
        assert!(said.contains(why), "{said}");
    };
    refused(Request { lambda: wide, ..request(&scratch, "msh", "") }, "codes at one λ, 256");
    refused(Request { lambda: Some([64.0, 64.0]), ..request(&scratch, "msh", "") }, "codes at one λ, 256");
    let archive = Request { replay_data: None, replay_archive: Some(scratch.images()), ..request(&scratch, "msh", "") };
    refused(archive, "replay old images");
}

#[test]
fn a_learning_run_resumes_and_needs_its_parent_no_more() {
    let scratch = Scratch::new("baseline-learning-resume");
    draw(&scratch.images(), 3);
    trainer::train(&config(Kind::GmaVr, 4), &options(&scratch, "parent")).unwrap();
    let request = request(&scratch, "parent", "");
    let whole = learn(&request, &options(&scratch, "whole")).unwrap();
    learn(&request, &Options { stop_at: Some(4), ..options(&scratch, "parts") }).unwrap();
    fs::remove_dir_all(scratch.0.join("parent")).unwrap();
    let resumed = Request { from: None, config: None, ..request };
    let parts = learn(&resumed, &options(&scratch, "parts")).unwrap();
    assert!(whole == parts);

    // A damaged snapshot is refused.
    let models: Vec<PathBuf> =
        fs::read_dir(scratch.0.join("parts/models")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut bytes = fs::read(&models[0]).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&models[0], &bytes).unwrap();
    assert!(matches!(Snapshot::read(&models[0]), Err(TrainError::Checkpoint(_))));
    for length in [0, 7, 40, middle] {
        fs::write(&models[0], &bytes[..length]).unwrap();
        assert!(matches!(Snapshot::read(&models[0]), Err(TrainError::Checkpoint(_))));
    }
    // A run of the proposed network is exported, not learned from as it is.
    let tiny = Config { probe_every: 0, ..Config::preset("tiny").unwrap() };
    let run = Options { stop_at: Some(1), ..options(&scratch, "proposed") };
    let checkpoint: Checkpoint = trainer::train(&tiny, &run).unwrap();
    assert!(checkpoint.header.spec.is_some());
    assert!(parent::snapshot_of(&run.out).unwrap_err().to_string().contains("export"));
}
