//! A baseline's averaged weights, as a file: what a run that learns from a baseline keeps of it.
//!
//! 8 bytes of magic, the length of a JSON header (u64, little endian), the header, the weights as little-endian f32, and last the
//! BLAKE3 of all before, which is also the generation's id.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heirloom_codec::model::{GenerationId, LambdaRange, LambdaRanges};
use serde::{Deserialize, Serialize};

use super::{Generation, Lesson, Strategy};
use crate::{
    Result, TrainError,
    trainer::{
        checkpoint::{self, Checkpoint},
        config::NetworkConfig,
        files,
    },
};

const MAGIC: &[u8; 8] = b"HEIRSNP1";

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Header {
    network: NetworkConfig,
    ranges: LambdaRanges,
    /// Steps done, and hash of the training images.
    steps: u64,
    data_manifest: String,
}

/// Averaged weights, and what is to be known of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    header: Header,
    values: Vec<f32>,
    id: GenerationId,
}

impl Snapshot {
    /// That of a run's checkpoint, named by the run's folder or by itself, and the generations before it, newest first.
    ///
    /// # Errors
    /// A checkpoint that cannot be read, or is of a network that makes model files.
    pub fn of_run(path: &Path) -> Result<(Self, Vec<Generation>)> {
        let Checkpoint { header, state } = Checkpoint::named(path)?;
        if header.spec.is_some() {
            return Err(TrainError::Config(format!(
                "{} is a run, not a model: write its model with heirloom-train export, and learn from that",
                path.display()
            )));
        }
        let (ranges, ancestors) = match &header.config.learn {
            None => (LambdaRanges::all(LambdaRange::from(header.config.lambda)), Vec::new()),
            Some(learn) => {
                let lesson = Lesson::of_run(checkpoint::folder_of(path), &header.config)?;
                // What learned end to end reads no older files.
                let before = if learn.strategy == Strategy::EndToEnd { Vec::new() } else { lesson.teachers };
                (lesson.ranges, before)
            }
        };
        let network = header.config.network.clone();
        let header = Header { network, ranges, steps: header.step, data_manifest: header.data_manifest };
        let mut snapshot = Self { header, values: state.ema, id: GenerationId([0; 32]) };
        let bytes = snapshot.body()?;
        snapshot.id = GenerationId(*blake3::hash(&bytes).as_bytes());
        Ok((snapshot, ancestors))
    }

    /// The generation's id.
    #[must_use]
    pub fn id(&self) -> GenerationId {
        self.id
    }

    /// The network.
    #[must_use]
    pub fn network(&self) -> &NetworkConfig {
        &self.header.network
    }

    /// λ range of each branch.
    #[must_use]
    pub fn ranges(&self) -> LambdaRanges {
        self.header.ranges
    }

    /// The weights, flat.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Where a folder keeps the snapshot with this id.
    #[must_use]
    pub fn path(folder: &Path, id: GenerationId) -> PathBuf {
        folder.join(format!("snapshot-{:.16}.bin", id.to_string()))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut bytes = self.body()?;
        bytes.extend_from_slice(&self.id.0);
        files::replace(path, &bytes)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let bad = |what: &str| TrainError::Checkpoint(format!("{}: {what}", path.display()));
        let Some((body, hash)) = bytes.split_last_chunk::<32>() else { return Err(bad("it is cut short")) };
        if blake3::hash(body).as_bytes() != hash {
            return Err(bad("it is damaged (its hash does not match)"));
        }
        let Some(rest) = body.strip_prefix(MAGIC) else { return Err(bad("it is no snapshot")) };
        let Some((length, rest)) = rest.split_first_chunk::<8>() else { return Err(bad("it is cut short")) };
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let Some((header, rest)) = length.and_then(|n| rest.split_at_checked(n)) else {
            return Err(bad("it is cut short"));
        };
        let header: Header = serde_json::from_slice(header).map_err(|e| bad(&e.to_string()))?;
        let count = header.network.system().map_err(|e| bad(&e.to_string()))?.0.len();
        if rest.len() != count.saturating_mul(4) {
            return Err(bad("the number of weights is not that of the network"));
        }
        let values = rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Self { header, values, id: GenerationId(*hash) })
    }

    fn body(&self) -> Result<Vec<u8>> {
        let header = serde_json::to_vec(&self.header).map_err(|e| TrainError::Checkpoint(e.to_string()))?;
        let mut bytes = Vec::with_capacity(4 * self.values.len() + header.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend(self.values.iter().flat_map(|v| v.to_le_bytes()));
        Ok(bytes)
    }
}
