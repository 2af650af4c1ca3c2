//! The averaged weights of a baseline as a file, which a run that learns from a baseline keeps.
//!
//! 8 bytes of magic, the length of a JSON header (u64, little endian), the header, the weights as
//! little-endian f32, and last the BLAKE3 of everything before, which is also the generation's id.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heirloom_codec::model::{GenerationId, LambdaRanges};
use heirloom_io::atomic::write_durably;
use serde::{Deserialize, Serialize};

use crate::{
    error::{Result, TrainError},
    trainer::network_config::NetworkConfig,
};

const MAGIC: &[u8; 8] = b"HEIRSNP1";

/// The JSON header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    pub network: NetworkConfig,
    pub ranges: LambdaRanges,
    /// Steps that the run had done.
    pub steps: u64,
    /// Hash of the training images.
    pub data_manifest: String,
}

/// Averaged weights with their network and λ ranges.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    header: Header,
    values: Vec<f32>,
    id: GenerationId,
}

impl Snapshot {
    /// Makes a snapshot of flat weights.
    ///
    /// # Errors
    /// Numbers that JSON cannot hold.
    pub fn new(header: Header, values: Vec<f32>) -> Result<Self> {
        let mut snapshot = Self { header, values, id: GenerationId([0; 32]) };
        let bytes = snapshot.body()?;
        snapshot.id = GenerationId(*blake3::hash(&bytes).as_bytes());
        Ok(snapshot)
    }

    /// Id of the generation.
    #[must_use]
    pub fn id(&self) -> GenerationId {
        self.id
    }

    /// Network of the weights.
    #[must_use]
    pub fn network(&self) -> &NetworkConfig {
        &self.header.network
    }

    /// λ range of each branch.
    #[must_use]
    pub fn ranges(&self) -> LambdaRanges {
        self.header.ranges
    }

    /// Flat weights.
    #[must_use]
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// File of the snapshot with this id in a folder.
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
        Ok(write_durably(path, &bytes)?)
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let bad = |what: &str| TrainError::Checkpoint(format!("{}: {what}", path.display()));
        let Some((body, hash)) = bytes.split_last_chunk::<32>() else { return Err(bad("it is truncated")) };
        if blake3::hash(body).as_bytes() != hash {
            return Err(bad("it is damaged: its hash does not match"));
        }
        let Some(rest) = body.strip_prefix(MAGIC) else { return Err(bad("it is not a snapshot")) };
        let Some((length, rest)) = rest.split_first_chunk::<8>() else { return Err(bad("it is truncated")) };
        let length = usize::try_from(u64::from_le_bytes(*length)).ok();
        let Some((header, rest)) = length.and_then(|n| rest.split_at_checked(n)) else {
            return Err(bad("it is truncated"));
        };
        let header: Header = serde_json::from_slice(header).map_err(|e| bad(&e.to_string()))?;
        let count = header.network.system().map_err(|e| bad(&e.to_string()))?.0.len();
        if rest.len() != count.saturating_mul(4) {
            return Err(bad("the number of weights is not that of the network"));
        }
        let values = rest.chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]])).collect();
        Ok(Self { header, values, id: GenerationId(*hash) })
    }

    /// The file without its hash.
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
