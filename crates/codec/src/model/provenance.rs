//! How the weights of a model came to be.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::GenerationId;

/// What learned when a generation was made from another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Strategy {
    /// Encoder and reconstruction branch learned, while files of earlier generations were replayed.
    Replay,
    /// As by replay, and besides new heads of the entropy branch, which became an add-on.
    AddOn,
    /// Only the encoder learned.
    Encoder,
    /// All branches learned. The result is another lineage.
    EndToEnd,
}

impl Strategy {
    /// The name that model files have for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Replay => "replay",
            Self::AddOn => "add-on",
            Self::Encoder => "encoder",
            Self::EndToEnd => "end-to-end",
        }
    }

    /// Whether files of earlier generations are replayed.
    #[must_use]
    pub const fn replays(self) -> bool {
        matches!(self, Self::Replay | Self::AddOn)
    }
}

impl fmt::Display for Strategy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Strategy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Replay, Self::AddOn, Self::Encoder, Self::EndToEnd]
            .into_iter()
            .find(|strategy| strategy.name() == text)
            .ok_or_else(|| {
                format!("the strategy {text:?} is unknown; it must be replay, add-on, encoder or end-to-end")
            })
    }
}

/// How the weights came to be. Neither id covers it.
///
/// Fields that this version does not know are kept in `unknown` and written back.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    /// Hash of the list of training files.
    pub data_manifest: Option<String>,
    /// Number of training steps.
    pub steps: Option<u64>,
    /// Seed of the run.
    pub seed: Option<u64>,
    /// Revision of the program that trained.
    pub code_revision: Option<String>,
    /// Further facts by name. Those with a meaning to programs have methods below.
    pub notes: BTreeMap<String, String>,
    /// Fields of a newer version.
    #[serde(flatten)]
    pub unknown: BTreeMap<String, Value>,
}

const STRATEGY: &str = "strategy";
const LEARNED_FROM: &str = "learned_from";
const REPLAY_SHARE: &str = "replay_share";
const REPLAY_MANIFEST: &str = "replay_manifest";
const TRAINER: &str = "trainer";

impl Provenance {
    /// What learned; `None` for a model that was trained from scratch, or by a strategy that this
    /// version does not know.
    #[must_use]
    pub fn strategy(&self) -> Option<Strategy> {
        self.parsed(STRATEGY)
    }

    /// Sets what learned.
    pub fn set_strategy(&mut self, strategy: Strategy) {
        self.set(STRATEGY, strategy);
    }

    /// The generation whose weights learning started from. Unlike the lineage's parent, it is also
    /// known for a model that became another lineage.
    #[must_use]
    pub fn learned_from(&self) -> Option<GenerationId> {
        self.parsed(LEARNED_FROM)
    }

    /// Sets the generation whose weights learning started from.
    pub fn set_learned_from(&mut self, id: GenerationId) {
        self.set(LEARNED_FROM, id);
    }

    /// The share of a batch that was replayed, from 0 to 1.
    #[must_use]
    pub fn replay_share(&self) -> Option<f64> {
        self.parsed(REPLAY_SHARE)
    }

    /// Sets the share of a batch that was replayed.
    pub fn set_replay_share(&mut self, share: f64) {
        self.set(REPLAY_SHARE, share);
    }

    /// Hash of the list of replayed images or files.
    #[must_use]
    pub fn replay_manifest(&self) -> Option<&str> {
        self.notes.get(REPLAY_MANIFEST).map(String::as_str)
    }

    /// Sets the hash of the list of replayed images or files.
    pub fn set_replay_manifest(&mut self, hash: &str) {
        self.set(REPLAY_MANIFEST, hash);
    }

    /// Name and version of the program that trained.
    #[must_use]
    pub fn trainer(&self) -> Option<&str> {
        self.notes.get(TRAINER).map(String::as_str)
    }

    /// Sets name and version of the program that trained.
    pub fn set_trainer(&mut self, program: &str) {
        self.set(TRAINER, program);
    }

    fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.notes.get(name)?.parse().ok()
    }

    fn set(&mut self, name: &str, value: impl ToString) {
        self.notes.insert(name.to_owned(), value.to_string());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_fields_are_notes_in_the_file() {
        let mut provenance = Provenance::default();
        assert_eq!(provenance.strategy(), None);
        provenance.set_strategy(Strategy::EndToEnd);
        provenance.set_learned_from(GenerationId([0xab; 32]));
        provenance.set_replay_share(0.5);
        provenance.set_replay_manifest("00ff");
        provenance.set_trainer("trainer 1");
        let notes = [
            ("learned_from", "ab".repeat(32)),
            ("replay_manifest", "00ff".to_owned()),
            ("replay_share", "0.5".to_owned()),
            ("strategy", "end-to-end".to_owned()),
            ("trainer", "trainer 1".to_owned()),
        ];
        assert_eq!(provenance.notes, notes.map(|(name, value)| (name.to_owned(), value)).into());
        assert_eq!(provenance.strategy(), Some(Strategy::EndToEnd));
        assert_eq!(provenance.learned_from(), Some(GenerationId([0xab; 32])));
        assert_eq!((provenance.replay_share(), provenance.replay_manifest()), (Some(0.5), Some("00ff")));
        assert_eq!(provenance.trainer(), Some("trainer 1"));
        provenance.notes.insert("strategy".into(), "of tomorrow".into());
        assert_eq!(provenance.strategy(), None);
    }

    #[test]
    fn unknown_fields_are_kept() {
        let text =
            r#"{"data_manifest":null,"steps":3,"seed":null,"code_revision":null,"notes":{},"energy":{"kwh":1.5}}"#;
        let provenance: Provenance = serde_json::from_str(text).unwrap();
        assert_eq!(provenance.steps, Some(3));
        assert_eq!(serde_json::to_string(&provenance).unwrap(), text);
    }
}
