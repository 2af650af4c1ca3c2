//! Learning as a caller asks for it: begins a run, or continues one with the settings of its
//! folder.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heirloom_codec::model::Spec;
use heirloom_format::container::CANVAS_UNIT;
use heirloom_store::Store;

use super::{
    ancestors::ancestors,
    archive::{Archive, ArchiveOptions},
    batches::ReplayBatches,
    generation::Generation,
    learning_plan::LearningPlan,
    parent::{self, ParentRef},
    source::ReplaySource,
};
use crate::{
    data::images::Images,
    error::{Result, TrainError},
    trainer::{
        checkpoint::Checkpoint,
        config::Config,
        export,
        learn_config::{ReplayKind, Strategy},
        presets,
        run::{self, Options, Parent, Run},
        start, training_loop,
    },
};

/// Default share of a batch that is replayed (Duan et al., CVPR 2024, section 4.1).
const SHARE: f64 = 0.5;

/// A request to learn from a model. A run that is continued has its own settings, which these must
/// not contradict.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// Model to learn from. Not needed for a run that is continued.
    pub from: Option<ParentRef>,
    /// Strategy; replay if none.
    pub strategy: Option<Strategy>,
    /// Lowest and highest λ of new images; those of the model's encoder if none.
    pub lambda: Option<[f32; 2]>,
    /// Old images: a folder or a pack.
    pub replay_data: Option<PathBuf>,
    /// Folder of files that earlier generations wrote.
    pub replay_archive: Option<PathBuf>,
    /// Folder of the originals of those files.
    pub originals: Option<PathBuf>,
    /// Share of a batch that is replayed.
    pub replay_share: Option<f64>,
    /// Model files of earlier generations.
    pub ancestors: Vec<PathBuf>,
    /// Folder of the model store, which is searched for the other earlier generations.
    pub store: Option<PathBuf>,
    /// Whether missing generations may be left out.
    pub without_missing: bool,
    /// Configuration file (TOML).
    pub config: Option<PathBuf>,
    /// Total number of steps, instead of the configuration's.
    pub steps: Option<u64>,
    /// Seed, instead of the configuration's.
    pub seed: Option<u64>,
}

/// Learns and returns the last checkpoint.
///
/// # Errors
/// Settings that contradict each other or the run, unusable models or files, and all errors of
/// training.
pub fn learn(request: &Request, options: &Options) -> Result<Checkpoint> {
    let file = options.out.join("config.toml");
    let (mut config, plan) = if options.resume && file.exists() {
        let config = resumed(&file, request.config.as_deref())?;
        let plan = LearningPlan::of_run(&options.out, &config)?;
        (config, plan)
    } else {
        begin(request)?
    };
    config.steps = request.steps.unwrap_or(config.steps);
    config.seed = request.seed.unwrap_or(config.seed);
    config.check()?;
    check_agreement(request, &config, &plan)?;
    let source = replay_source(request, &config, &plan)?;
    let replay_manifest = source.as_ref().map(|source| source.manifest().to_owned());
    let parent = Parent { start: plan.start.clone(), ranges: plan.ranges, replay_manifest };
    let run = Run::open(&config, options, Some(parent))?;
    // Before the configuration: a folder that has one has the models too.
    plan.write_models(&options.out)?;
    let replay: Option<run::ReplayBatches> = match source {
        None => None,
        Some(source) => Some(Box::new(ReplayBatches::start(&config, &plan, source, run.step(), &options.device)?)),
    };
    training_loop::finish(run, replay)
}

/// Configuration and plan of a new run.
fn begin(request: &Request) -> Result<(Config, LearningPlan)> {
    let Some(from) = &request.from else {
        return Err(TrainError::Config("give the model to learn from with --from".into()));
    };
    let store = Store::open(request.store.as_deref())?;
    let (parent, before) = parent::read(from, &store)?;
    let strategy = request.strategy.unwrap_or(Strategy::Replay);
    if strategy == Strategy::AddOn {
        parent.file()?;
    }
    let replay = match (&request.replay_data, &request.replay_archive) {
        (Some(_), Some(_)) => {
            return Err(TrainError::Config("give --replay-data or --replay-archive, not both".into()));
        }
        (Some(_), None) => Some(ReplayKind::Images),
        (None, Some(_)) => Some(ReplayKind::Archive),
        (None, None) => None,
    };
    let default = if strategy.replays() { SHARE } else { 0.0 };
    let share = request.replay_share.unwrap_or(default);

    let mut config = initial_config(request.config.as_deref(), &parent)?;
    check_network(&config, &parent, strategy)?;
    if config.learn.is_some() {
        return Err(TrainError::Config(
            "the part [learn] belongs to a run's own folder; use the flags of learn instead".into(),
        ));
    }
    config.lambda = request.lambda.unwrap_or(config.lambda);
    let ancestors = match (&parent, replay) {
        (Generation::File(file), Some(replay)) => {
            // An archive's latents need no encoder: of a missing generation only its images are
            // lacking.
            let lenient = request.without_missing || replay == ReplayKind::Archive;
            let files = ancestors(file, &request.ancestors, store, lenient)?;
            files.into_iter().map(Generation::from).collect()
        }
        (_, None) if !request.ancestors.is_empty() => {
            return Err(TrainError::Config("nothing is replayed: leave out --ancestor".into()));
        }
        (Generation::Snapshot(_), _) if !request.ancestors.is_empty() => {
            return Err(TrainError::Config("a run keeps the models that it learned from: leave out --ancestor".into()));
        }
        (Generation::Snapshot(_), Some(_)) => before,
        (_, None) => Vec::new(),
    };
    if let Generation::File(file) = &parent {
        start::report_lacking(&config, &export::floats(file)?);
    }
    let plan = LearningPlan::new(strategy, parent, ancestors, &config)?;
    let learn = plan.config(replay, share);
    for prefix in learn.frozen(config.network.spec().as_ref()) {
        if !config.freeze.contains(&prefix) {
            config.freeze.push(prefix);
        }
    }
    config.learn = Some(learn);
    Ok((config, plan))
}

/// A run's own configuration with the settings of a file over it. The model that it learns from and
/// its range of λ stay.
fn resumed(own: &Path, file: Option<&Path>) -> Result<Config> {
    let run = Config::from_file(own)?;
    let Some(path) = file else { return Ok(run) };
    let base = |name: Option<&str>| name.map_or_else(|| Ok(run.clone()), Config::preset);
    let given = read(path, base)?;
    Ok(Config { network: run.network, lambda: run.lambda, freeze: run.freeze, learn: run.learn, ..given })
}

fn read(path: &Path, base: impl FnOnce(Option<&str>) -> Result<Config>) -> Result<Config> {
    let text = fs::read_to_string(path).map_err(TrainError::io("read", path))?;
    Config::from_toml_over(&text, base).map_err(|e| TrainError::Config(format!("{}: {e}", path.display())))
}

/// Checks that the network is the parent's, or adds blocks and options to branches that learn.
fn check_network(config: &Config, parent: &Generation, strategy: Strategy) -> Result<()> {
    let (network, old) = (config.network.resolved(), parent.network());
    if network == old {
        return Ok(());
    }
    let refuse = |message: &str| Err(TrainError::Config(message.into()));
    let (Some(new), Some(old)) = (network.spec(), old.spec()) else {
        return refuse("the network is that of the run to learn from; leave out the key network");
    };
    let encoder_alone = Spec { encoder_blocks: new.encoder_blocks, ..old.clone() };
    if !new.extends(&old) {
        refuse(
            "the network is that of the model to learn from, or the same with more blocks or options; change the key \
             network, or leave it out",
        )
    } else if strategy != Strategy::EndToEnd && new.entropy_bytes() != old.entropy_bytes() {
        refuse(
            "learned_steps, context and blocks of the entropy branch would make old files unreadable; they can only be \
             added with --strategy end-to-end",
        )
    } else if strategy == Strategy::Encoder && new != encoder_alone {
        refuse("the strategy encoder adds blocks to the encoder alone: leave the rest of the key network as it is")
    } else {
        Ok(())
    }
}

/// The settings of a file over those of the preset that it names, or of the one for the parent's
/// size. The network is the parent's, unless the preset that is named has the same with options.
fn initial_config(file: Option<&Path>, parent: &Generation) -> Result<Config> {
    let network = parent.network();
    let base = |name: Option<&str>| -> Result<Config> {
        let preset = Config::preset(name.unwrap_or(presets::learning(&network)))?;
        let adds_options = preset.network.spec().is_some_and(|spec| Some(spec.without_options()) == network.spec());
        let network = if adds_options { preset.network } else { network.clone() };
        Ok(Config { network, lambda: parent.ranges().encoder.into(), ..preset })
    };
    match file {
        None => base(None),
        Some(path) => read(path, base),
    }
}

/// Refuses a request that contradicts the settings of the run.
fn check_agreement(request: &Request, config: &Config, plan: &LearningPlan) -> Result<()> {
    let Some(learn) = &config.learn else {
        return Err(TrainError::Config("the configuration lacks [learn]".into()));
    };
    let differs = |flag: &str, own: String| {
        Err(TrainError::Config(format!(
            "the run was begun with {flag} {own}; leave out the flag, or begin another run"
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
    let sources = [
        (ReplayKind::Images, "--replay-data", &request.replay_data),
        (ReplayKind::Archive, "--replay-archive", &request.replay_archive),
    ];
    for (kind, flag, given) in sources {
        match (learn.replay == Some(kind), given) {
            (true, None) => return Err(TrainError::Config(format!("the run replays; give {flag} again"))),
            (false, Some(_)) => {
                return Err(TrainError::Config(format!("the run was begun without {flag}; leave it out")));
            }
            _ => {}
        }
    }
    if request.originals.is_some() && learn.replay != Some(ReplayKind::Archive) {
        return Err(TrainError::Config("--originals are those of an archive; give --replay-archive".into()));
    }
    if let Some(from) = &request.from {
        let id = parent::id(from, &Store::open(request.store.as_deref())?)?;
        if id != learn.from {
            return differs("--from", format!("generation {}", plan.parent().id()));
        }
    }
    Ok(())
}

/// Opens what is replayed; none without replay.
fn replay_source(request: &Request, config: &Config, plan: &LearningPlan) -> Result<Option<ReplaySource>> {
    let budget = config.cache_mib << 20;
    if let Some(root) = &request.replay_archive {
        let crop = config.phases.iter().map(|phase| phase.crop).max().unwrap_or(CANVAS_UNIT);
        let options = ArchiveOptions { root, originals: request.originals.as_deref(), crop, budget, seed: config.seed };
        let files: Vec<_> = plan.teachers.iter().map(|teacher| teacher.file().cloned()).collect::<Result<_>>()?;
        return Archive::open(options, &files).map(|archive| Some(ReplaySource::Archive(archive)));
    }
    let Some(root) = &request.replay_data else { return Ok(None) };
    let ranges = plan.teachers.iter().map(|teacher| teacher.ranges().encoder.into()).collect();
    Ok(Some(ReplaySource::of_images(Images::open(root, budget)?, config.sampler(), ranges)))
}
