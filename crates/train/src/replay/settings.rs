//! What a run's configuration says about learning from a model.

use clap::ValueEnum;
use heirloom_codec::model::GenerationId;
use serde::{Deserialize, Serialize};

use crate::{Result, TrainError};

/// What of the model learns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Encoder and reconstruction learn, the entropy branch is frozen, and old files are replayed.
    Replay,
    /// Only the encoder learns: images of old files cannot change.
    Encoder,
    /// Everything learns, also what reads old files: for experiments.
    EndToEnd,
}

impl Strategy {
    /// As it is written in configurations and in the notes of a model.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::Encoder => "encoder",
            Self::EndToEnd => "end-to-end",
        }
    }
}

/// Where replayed latents come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Old images, coded by the encoders of earlier generations.
    Data,
    /// Files that earlier generations wrote.
    Archive,
}

/// The part `[learn]` of a run's configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learn {
    pub strategy: Strategy,
    /// The generation whose weights learning starts from.
    pub from: GenerationId,
    /// The generations before that one whose encoders or files are replayed too, newest first.
    pub ancestors: Vec<GenerationId>,
    /// Where replayed latents come from; none without replay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay: Option<Source>,
    /// Share of a batch that is replayed.
    pub replay_share: f64,
}

impl Learn {
    /// How many images of a batch are replayed.
    #[must_use]
    pub fn replayed(&self, batch: usize) -> usize {
        (self.replay_share * batch as f64).round() as usize
    }

    /// Beginnings of the names of parameters that do not learn. Without new images the encoder has nothing to learn from.
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
    /// What does not fit.
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
                "replay needs what earlier generations coded: give --replay-data OLD_IMAGES or --replay-archive DIR_OF_HLM \
                 (or --replay-share 0, without which old files may come to look worse)"
                    .into()
            } else {
                "with --replay-share 0 nothing is replayed: leave out --replay-data and --replay-archive".into()
            });
        }
        for batch in batches {
            let replayed = self.replayed(batch);
            if share > 0.0 && share < 1.0 && (replayed == 0 || replayed == batch) {
                return refuse(format!(
                    "a batch of {batch} cannot be split by the replay share {share}; take a larger batch"
                ));
            }
        }
        Ok(())
    }
}
