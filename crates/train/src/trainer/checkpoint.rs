//! Checkpoints: everything that a run needs to continue as if it had never stopped.
//!
//! One file: 8 bytes of magic, the length of a JSON header (u64, little endian), the header, then
//! weights, both moments and the average as little-endian f32, and last the BLAKE3 of everything
//! before. It is written to a temporary name, synced and renamed, so a file with a checkpoint's
//! name is complete.

use std::{
    fs,
    path::{Path, PathBuf},
};

use heirloom_codec::model::Spec;
use heirloom_io::atomic::write_durably;
use serde::{Deserialize, Serialize};

use super::{config::Config, network_config::NetworkConfig, optimiser::State};
use crate::error::{Result, TrainError};

const MAGIC: &[u8; 8] = b"HEIRTRN1";
const PREFIX: &str = "checkpoint-";
const SUFFIX: &str = ".bin";

/// The JSON header.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// Steps done, skipped ones included; the number of the next step.
    pub step: u64,
    /// Updates done.
    pub updates: u64,
    /// Steps skipped because their gradient was not usable.
    pub skipped: u64,
    /// Number of skipped steps since the last update.
    #[serde(default)]
    pub in_a_row: u32,
    /// Running mean of the gradients' norms, see [`super::guard`].
    #[serde(default)]
    pub typical_norm: f32,
    /// Spec of the proposed network; none for a baseline, which the configuration describes in
    /// full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spec: Option<Spec>,
    pub config: Config,
    /// Number of weights.
    pub weights: usize,
    /// Hash of the training images.
    pub data_manifest: String,
    /// Hash of what is replayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replay_manifest: Option<String>,
}

impl Header {
    /// Network of the weights.
    #[must_use]
    pub fn network(&self) -> NetworkConfig {
        let own = self.spec.as_ref().map(|spec| NetworkConfig::Full(Box::new(spec.clone())));
        own.unwrap_or_else(|| self.config.network.clone())
    }
}

/// A checkpoint in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    pub header: Header,
    pub state: State,
}

impl Checkpoint {
    /// Writes the checkpoint into the run's folder and removes all checkpoints but the newest
    /// `keep`.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, run: &Path, keep: usize) -> Result<PathBuf> {
        let path = run.join(format!("{PREFIX}{:09}{SUFFIX}", self.header.step));
        let header = serde_json::to_vec(&self.header).map_err(|e| TrainError::Checkpoint(e.to_string()))?;
        let mut bytes = Vec::with_capacity(16 * self.state.weights.len() + header.len() + 64);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&(header.len() as u64).to_le_bytes());
        bytes.extend_from_slice(&header);
        for buffer in [&self.state.weights, &self.state.m, &self.state.v, &self.state.ema] {
            bytes.extend(buffer.iter().flat_map(|v| v.to_le_bytes()));
        }
        let hash = blake3::hash(&bytes);
        bytes.extend_from_slice(hash.as_bytes());
        write_durably(&path, &bytes)?;
        let mut all = list(run)?;
        all.truncate(all.len().saturating_sub(keep));
        for old in all {
            fs::remove_file(&old).map_err(TrainError::io("remove", &old))?;
        }
        Ok(path)
    }

    /// Reads the checkpoint at `path`, or the newest one of a run's folder.
    ///
    /// # Errors
    /// Errors of [`Self::newest`] and [`Self::read`], and a folder without a checkpoint.
    pub fn named(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Self::read(path);
        }
        Self::newest(path)?.ok_or_else(|| TrainError::Checkpoint(format!("there is none in {}", path.display())))
    }

    /// Reads the newest undamaged checkpoint of a run's folder, or none. Damaged ones are logged
    /// and skipped.
    ///
    /// # Errors
    /// A folder that cannot be read, or whose checkpoints are all damaged.
    pub fn newest(run: &Path) -> Result<Option<Self>> {
        let all = list(run)?;
        for path in all.iter().rev() {
            match Self::read(path) {
                Ok(checkpoint) => return Ok(Some(checkpoint)),
                Err(e) => log::warn!("skipped {}: {e}", path.display()),
            }
        }
        if all.is_empty() {
            Ok(None)
        } else {
            Err(TrainError::Checkpoint(format!("all in {} are damaged", run.display())))
        }
    }

    /// Reads a checkpoint file.
    ///
    /// # Errors
    /// A file that cannot be read, or is damaged.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(TrainError::io("read", path))?;
        let bad = |what: &str| TrainError::Checkpoint(format!("{}: {what}", path.display()));
        let Some((body, hash)) = bytes.split_last_chunk::<32>() else { return Err(bad("it is truncated")) };
        let Some(rest) = body.strip_prefix(MAGIC) else { return Err(bad("it is not a checkpoint")) };
        if blake3::hash(body).as_bytes() != hash {
            return Err(bad("it is damaged: its hash does not match"));
        }
        let Some((length, rest)) = rest.split_first_chunk::<8>() else { return Err(bad("it is truncated")) };
        let length = u64::from_le_bytes(*length);
        let Some((header, rest)) = usize::try_from(length).ok().and_then(|n| rest.split_at_checked(n)) else {
            return Err(bad("it is truncated"));
        };
        let header: Header = serde_json::from_slice(header).map_err(|e| bad(&e.to_string()))?;
        let count = header.weights;
        if count != header.network().system().map_err(|e| bad(&e.to_string()))?.0.len()
            || rest.len() != count.saturating_mul(16)
        {
            return Err(bad("the number of weights is not that of the network"));
        }
        let buffer = |i: usize| -> Vec<f32> {
            rest[4 * i * count..4 * (i + 1) * count]
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect()
        };
        let state = State { weights: buffer(0), m: buffer(1), v: buffer(2), ema: buffer(3), updates: header.updates };
        Ok(Self { header, state })
    }
}

/// Folder of a run, given the folder or one of its checkpoints.
#[must_use]
pub fn folder_of(run: &Path) -> &Path {
    match run.parent() {
        _ if run.is_dir() => run,
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Checkpoint files, oldest first.
fn list(run: &Path) -> Result<Vec<PathBuf>> {
    let mut out: Vec<PathBuf> = fs::read_dir(run)
        .map_err(TrainError::io("read the folder", run))?
        .filter_map(|entry| entry.ok().map(|e| e.path()))
        .filter(|path| {
            let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            name.strip_prefix(PREFIX).and_then(|n| n.strip_suffix(SUFFIX)).is_some_and(|n| n.parse::<u64>().is_ok())
        })
        .collect();
    out.sort();
    Ok(out)
}
