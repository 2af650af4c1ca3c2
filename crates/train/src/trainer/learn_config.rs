//! The part `[learn]` of the configuration of a run that learns from a model.

use clap::ValueEnum;
use heirloom_codec::model::GenerationId;
use serde::{Deserialize, Serialize};

use crate::error::{Result, TrainError};

/// Choice of the branches that learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Encoder and reconstruction branch learn while old images or files are replayed; the entropy
    /// branch is frozen.
    Replay,
    /// Only the encoder learns, so images of old files cannot change.
    Encoder,
    /// Everything learns, so old files become unreadable. For experiments.
    EndToEnd,
}

impl Strategy {
    /// Name in configurations and in the provenance of a model.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Encoder => "encoder",
            Self::EndToEnd => "end-to-end",
        }
    }
}

/// Kind of material that is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReplayKind {
    /// Old images, coded by the encoders of earlier generations.
    #[serde(rename = "data")]
    Images,
    /// Files that earlier generations wrote.
    Archive,
}

/// Settings of learning from a model.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LearnConfig {
    pub strategy: Strategy,
    /// Generation whose weights learning starts from.
    pub from: GenerationId,
    /// Generations before that one whose images or files are replayed too, newest first.
    pub ancestors: Vec<GenerationId>,
    /// Kind of material that is replayed; none without replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<ReplayKind>,
    /// Share of a batch that is replayed.
    pub replay_share: f64,
}

impl LearnConfig {
    /// Number of replayed images in a batch of `batch` images.
    #[must_use]
    pub fn replayed(&self, batch: usize) -> usize {
        (self.replay_share * batch as f64).round() as usize
    }

    /// Prefixes of the names of parameters that do not learn. Without new images the encoder has
    /// nothing to learn from.
    #[must_use]
    pub fn frozen(&self) -> &'static [&'static str] {
        match self.strategy {
            Strategy::Replay if self.replay_share == 1.0 => &["entropy.", "encoder."],
            Strategy::Replay => &["entropy."],
            Strategy::Encoder => &["entropy.", "reconstruction."],
            Strategy::EndToEnd => &[],
        }
    }

    /// Checks that the settings fit together, for batches of these sizes.
    ///
    /// # Errors
    /// Settings that contradict each other.
    pub fn check(&self, batches: impl IntoIterator<Item = usize>) -> Result<()> {
        let share = self.replay_share;
        let refuse = |message: String| Err(TrainError::Config(message));
        if !(0.0..=1.0).contains(&share) {
            return refuse(format!("replay_share is {share}; it must be within 0 to 1"));
        }
        if self.strategy != Strategy::Replay && (share > 0.0 || self.replay.is_some()) {
            return refuse(format!(
                "the strategy {} replays nothing: leave out --replay-data, --replay-archive and --replay-share",
                self.strategy.name()
            ));
        }
        if (share > 0.0) != self.replay.is_some() {
            return refuse(if share > 0.0 {
                "replay needs old images or files: give --replay-data OLD_IMAGES or --replay-archive DIR_OF_HLM \
                 (or --replay-share 0, which lets old files get worse)"
                    .into()
            } else {
                "with --replay-share 0 nothing is replayed: leave out --replay-data and --replay-archive".into()
            });
        }
        for batch in batches {
            let replayed = self.replayed(batch);
            if share > 0.0 && share < 1.0 && (replayed == 0 || replayed == batch) {
                return refuse(format!(
                    "a batch of {batch} cannot be split by a replay share of {share}; use a larger batch"
                ));
            }
        }
        Ok(())
    }
}
