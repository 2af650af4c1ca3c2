//! From averaged weights to a model file.

use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec, Tensor, Weights};

use super::checkpoint::{Checkpoint, Header};
use crate::{Result, TrainError, model::Layout};

/// A model file's weights from flat values.
#[must_use]
pub fn weights(layout: &Layout, values: &[f32]) -> Weights {
    let mut out = Weights::default();
    for entry in layout.entries() {
        let data = values[entry.offset..entry.offset + entry.len].to_vec();
        out.insert(entry.name.clone(), Tensor { shape: entry.shape.clone(), data });
    }
    out
}

/// Flat values from a model file's weights.
///
/// # Errors
/// A tensor that is missing or has another shape.
pub fn values(layout: &Layout, weights: &Weights) -> Result<Vec<f32>> {
    let mut out = vec![0f32; layout.len()];
    for entry in layout.entries() {
        let tensor =
            weights.get(&entry.name).ok_or_else(|| TrainError::Parameter(format!("{} is missing", entry.name)))?;
        if tensor.shape != entry.shape || tensor.data.len() != entry.len {
            return Err(TrainError::Parameter(format!(
                "{} has shape {:?}, the network wants {:?}",
                entry.name, tensor.shape, entry.shape
            )));
        }
        out[entry.offset..entry.offset + entry.len].copy_from_slice(&tensor.data);
    }
    Ok(out)
}

/// The spec of a checkpoint's network, if the codec can run it.
///
/// # Errors
/// A baseline.
pub fn codec_spec(header: &Header) -> Result<&Spec> {
    header.spec.as_ref().ok_or_else(|| {
        TrainError::Model(format!(
            "the codec runs the proposed network only, not the baseline {}: its runs can be measured (heirloom-train validate) and \
             learned from (heirloom-train learn --from RUN), but make no model files",
            header.config.network.name()
        ))
    })
}

/// The model of a checkpoint of training from scratch: its averaged weights, rounded to bf16 unless `full` is set.
///
/// # Errors
/// A baseline, or weights that are not finite.
pub fn model(checkpoint: &Checkpoint, full: bool, preview: bool) -> Result<ModelFile> {
    let header = &checkpoint.header;
    let spec = codec_spec(header)?;
    let weights = weights(&Layout::new(spec), &checkpoint.state.ema);
    let weights = if full { weights } else { weights.rounded_to_bf16() };
    let [low, high] = header.config.lambda;
    let mut file = ModelFile::new(spec.clone(), LambdaRanges::all(LambdaRange { low, high }), weights)
        .map_err(|e| TrainError::Model(e.to_string()))?;
    describe(&mut file, header, preview);
    Ok(file)
}

/// Says in a model how its weights came to be.
pub fn describe(file: &mut ModelFile, header: &Header, preview: bool) {
    file.metadata.preview = preview;
    file.metadata.provenance.data_manifest = Some(header.data_manifest.clone());
    file.metadata.provenance.steps = Some(header.step);
    file.metadata.provenance.seed = Some(header.config.seed);
    file.metadata
        .provenance
        .notes
        .insert("trainer".into(), concat!("heirloom-train ", env!("CARGO_PKG_VERSION")).into());
}
