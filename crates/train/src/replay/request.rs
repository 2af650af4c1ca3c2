//! From what a caller asks for to a run: begun, or continued from what its folder says.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heirloom_store::Store;

use super::{
    Generation, Learning, Lesson, Memory,
    archive::{Archive, Opening},
    models,
    settings::{Source, Strategy},
};
use crate::{
    Result, TrainError,
    data::{Folder, loader::Plan},
    trainer::{Config, Options, checkpoint::Checkpoint, presets, run},
};

/// Share of a batch that is replayed unless told otherwise (method, knowledge replay).
const SHARE: f64 = 0.5;

/// What to learn, from what. A run that is continued has its own settings: what is given must be the same.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// The model to learn from: a file, the first digits of a generation id in the store, `default`, or the folder of a run of a
    /// baseline.
    pub from: Option<PathBuf>,
    pub strategy: Option<Strategy>,
    /// Lowest and highest λ of new images; the range of the model's encoder if none.
    pub lambda: Option<[f32; 2]>,
    /// Folder of old images.
    pub replay_data: Option<PathBuf>,
    /// Folder of files that earlier generations wrote.
    pub replay_archive: Option<PathBuf>,
    /// Folder of the originals of these files.
    pub originals: Option<PathBuf>,
    /// Share of a batch that is replayed.
    pub replay_share: Option<f64>,
    /// Model files of earlier generations.
    pub ancestors: Vec<PathBuf>,
    /// Folder of the model store, where the other earlier generations are looked for.
    pub store: Option<PathBuf>,
    /// Whether generations that are not at hand may be left out.
    pub without_missing: bool,
    /// Configuration (TOML).
    pub config: Option<PathBuf>,
    pub steps: Option<u64>,
    pub seed: Option<u64>,
}

/// Learns, and returns the last checkpoint.
///
/// # Errors
/// Settings that contradict each other or the run, models or files that cannot be used, and all errors of training.
pub fn learn(request: &Request, options: &Options) -> Result<Checkpoint> {
    let of_run = options.out.join("config.toml");
    let (mut config, lesson) = if options.resume && of_run.exists() {
        let config = resumed(&of_run, request.config.as_deref())?;
        let lesson = Lesson::of_run(&options.out, &config)?;
        (config, lesson)
    } else {
        begin(request)?
    };
    config.steps = request.steps.unwrap_or(config.steps);
    config.seed = request.seed.unwrap_or(config.seed);
    config.check()?;
    agree(request, &config, &lesson)?;
    let memory = memory(request, &config, &lesson)?;
    run::run(&config, options, Some(Learning { lesson, memory }))
}

/// Configuration and lesson of a new run.
fn begin(request: &Request) -> Result<(Config, Lesson)> {
    let Some(from) = &request.from else {
        return Err(TrainError::Config("give the model to learn from with --from".into()));
    };
    let store = Store::open(request.store.as_deref())?;
    let (parent, before) = Generation::named(from, &store)?;
    let strategy = request.strategy.unwrap_or(Strategy::Replay);
    let source = match (&request.replay_data, &request.replay_archive) {
        (Some(_), Some(_)) => {
            return Err(TrainError::Config("give --replay-data or --replay-archive, not both".into()));
        }
        (Some(_), None) => Some(Source::Data),
        (None, Some(_)) => Some(Source::Archive),
        (None, None) => None,
    };
    let usual = if strategy == Strategy::Replay { SHARE } else { 0.0 };
    let share = request.replay_share.unwrap_or(usual);

    let mut config = configuration(request.config.as_deref(), &parent)?;
    if config.network.resolved() != parent.network() {
        return Err(TrainError::Config("network is that of the model to learn from; leave it out".into()));
    }
    if config.learn.is_some() {
        return Err(TrainError::Config("[learn] is for a run's own folder; use the flags of learn instead".into()));
    }
    config.lambda = request.lambda.unwrap_or(config.lambda);
    let ancestors = match (&parent, source) {
        (Generation::File(file), Some(source)) => {
            // An archive's latents need no encoder: a generation that is gone only lacks its own images as targets.
            let lenient = request.without_missing || source == Source::Archive;
            let files = models::ancestors(file, &request.ancestors, store, lenient)?;
            files.into_iter().map(Generation::from).collect()
        }
        (_, None) if !request.ancestors.is_empty() => {
            return Err(TrainError::Config("without replay there is no use for --ancestor".into()));
        }
        (Generation::Snapshot(_), _) if !request.ancestors.is_empty() => {
            return Err(TrainError::Config("a run brings along what it learned from: leave out --ancestor".into()));
        }
        (Generation::Snapshot(_), Some(_)) => before,
        (_, None) => Vec::new(),
    };
    let lesson = Lesson::new(strategy, parent, ancestors, config.lambda)?;
    let learn = lesson.settings(source, share);
    for prefix in learn.frozen() {
        if !config.freeze.iter().any(|there| there == prefix) {
            config.freeze.push((*prefix).to_owned());
        }
    }
    config.learn = Some(learn);
    Ok((config, lesson))
}

/// A run's own configuration, with the settings of a file over it. What the run learns from, and its λ, stay.
fn resumed(of_run: &Path, file: Option<&Path>) -> Result<Config> {
    let run = Config::from_file(of_run)?;
    let Some(path) = file else { return Ok(run) };
    let base = |name: Option<&str>| name.map_or_else(|| Ok(run.clone()), Config::preset);
    let given = read(path, base)?;
    Ok(Config { network: run.network, lambda: run.lambda, freeze: run.freeze, learn: run.learn, ..given })
}

fn read(path: &Path, base: impl FnOnce(Option<&str>) -> Result<Config>) -> Result<Config> {
    let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
    Config::from_toml_over(&text, base).map_err(|e| TrainError::Config(format!("{}: {e}", path.display())))
}

/// The file's settings over those of the preset that it names, or of the one for a network of this size.
fn configuration(file: Option<&Path>, parent: &Generation) -> Result<Config> {
    let network = parent.network();
    let base = |name: Option<&str>| -> Result<Config> {
        let preset = Config::preset(name.unwrap_or(presets::learning(&network)))?;
        Ok(Config { network: network.clone(), lambda: parent.ranges().encoder.into(), ..preset })
    };
    match file {
        None => base(None),
        Some(path) => read(path, base),
    }
}

/// Refuses what contradicts the settings of a run that goes on.
fn agree(request: &Request, config: &Config, lesson: &Lesson) -> Result<()> {
    let Some(learn) = &config.learn else {
        return Err(TrainError::Config("the configuration lacks [learn]".into()));
    };
    let differs = |flag: &str, own: String| {
        Err(TrainError::Config(format!(
            "the run was begun with {flag} {own}; leave the flag out, or begin another run"
        )))
    };
    if request.strategy.is_some_and(|strategy| strategy != learn.strategy) {
        return differs("--strategy", learn.strategy.name().into());
    }
    if request.replay_share.is_some_and(|share| share != learn.replay_share) {
        return differs("--replay-share", learn.replay_share.to_string());
    }
    if request.lambda.is_some_and(|lambda| lambda != config.lambda) {
        return differs("--lambda", format!("{}:{}", config.lambda[0], config.lambda[1]));
    }
    let wants = [
        (Source::Data, "--replay-data", &request.replay_data),
        (Source::Archive, "--replay-archive", &request.replay_archive),
    ];
    for (source, flag, given) in wants {
        match (learn.replay == Some(source), given) {
            (true, None) => return Err(TrainError::Config(format!("the run replays; give {flag} again"))),
            (false, Some(_)) => {
                return Err(TrainError::Config(format!("the run was begun without {flag}; leave it out")));
            }
            _ => {}
        }
    }
    if request.originals.is_some() && learn.replay != Some(Source::Archive) {
        return Err(TrainError::Config("--originals are those of an archive; give --replay-archive".into()));
    }
    if let Some(from) = &request.from {
        let id = Generation::id_of(from, &Store::open(request.store.as_deref())?)?;
        if id != learn.from {
            return differs("--from", format!("generation {}", lesson.parent().id()));
        }
    }
    Ok(())
}

fn memory(request: &Request, config: &Config, lesson: &Lesson) -> Result<Option<Memory>> {
    let budget = config.cache_mib << 20;
    if let Some(root) = &request.replay_archive {
        let crop = config.phases.iter().map(|phase| phase.crop).max().unwrap_or(64);
        let opening = Opening { root, originals: request.originals.as_deref(), crop, budget, seed: config.seed };
        let files: Vec<_> = lesson.teachers.iter().map(|teacher| teacher.file().cloned()).collect::<Result<_>>()?;
        return Archive::open(opening, &files).map(|archive| Some(Memory::Archive(archive)));
    }
    let Some(root) = &request.replay_data else { return Ok(None) };
    let plan = Plan { seed: config.seed, augmentation: config.augmentation.clone(), lambda: config.lambda };
    let ranges = lesson.teachers.iter().map(|teacher| teacher.ranges().encoder.into()).collect();
    Ok(Some(Memory::of_images(Folder::open(root, budget)?, &plan, ranges)))
}
