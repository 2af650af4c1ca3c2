//! The part `[learn]` of the configuration of a run that learns from a model.

pub use heirloom_codec::model::Strategy;
use heirloom_codec::model::{Branch, GenerationId, Spec, add_on::is_head};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::error::{Result, TrainError};

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
    /// Choice of the branches that learn, by its name.
    #[serde(serialize_with = "write_name", deserialize_with = "read_name")]
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

    /// How the names of weights begin that do not learn, in a network of `spec`, or in a baseline.
    /// Without new images the encoder has nothing to learn from.
    #[must_use]
    pub fn frozen(&self, spec: Option<&Spec>) -> Vec<String> {
        let branches: &[Branch] = match self.strategy {
            Strategy::Replay if self.replay_share == 1.0 => &[Branch::Entropy, Branch::Encoder],
            Strategy::Replay => &[Branch::Entropy],
            Strategy::Encoder => &[Branch::Entropy, Branch::Reconstruction],
            Strategy::AddOn => return spec.map(all_but_heads).unwrap_or_default(),
            _ => &[],
        };
        branches.iter().map(|branch| branch.prefix().to_owned()).collect()
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
        if !self.strategy.replays() && (share > 0.0 || self.replay.is_some()) {
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
        if self.strategy == Strategy::AddOn && share == 1.0 {
            return refuse("an add-on learns from new images: choose a replay share below 1".into());
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

/// How the names of all weights of the entropy branch begin that are not of its heads.
fn all_but_heads(spec: &Spec) -> Vec<String> {
    let names = spec.parameters().into_iter().map(|(name, _)| name);
    let others = names.filter(|name| name.starts_with(Branch::Entropy.prefix()) && !is_head(name));
    let layer = |name: String| name.split_inclusive('.').take(3).collect::<String>();
    let mut prefixes: Vec<String> = others.map(layer).collect();
    prefixes.dedup();
    prefixes
}

fn write_name<S: Serializer>(strategy: &Strategy, serializer: S) -> std::result::Result<S::Ok, S::Error> {
    serializer.serialize_str(strategy.name())
}

fn read_name<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Strategy, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
