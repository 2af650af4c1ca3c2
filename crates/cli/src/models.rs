//! The models at hand: the one in this program and one given by file.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use heirloom_codec::Model;
use heirloom_codec::container::Header;
use heirloom_codec::model::{LambdaRange, Metadata, ModelError, ModelFile};

use crate::failure::Failure;

/// The default model.
const EMBEDDED: &[u8] = include_bytes!(env!("HEIRLOOM_DEFAULT_MODEL_PATH"));
const EMBEDDED_NAME: &str = "default (in this program)";

/// How well a model fits a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fit {
    /// It cannot decode the file.
    None,
    /// It is of the file's lineage: it decodes the file to its own picture.
    Lineage,
    /// It wrote the file.
    Generation,
}

/// How well a model with these metadata fits a file with this header.
fn fit(metadata: &Metadata, header: &Header) -> Fit {
    let lineage = &metadata.lineage;
    if !lineage.entropy_id.0.starts_with(&header.entropy_id) {
        Fit::None
    } else if lineage.generation_id.0.starts_with(&header.generation_id) {
        Fit::Generation
    } else {
        Fit::Lineage
    }
}

/// What a model says about itself.
pub struct Card {
    pub name: String,
    pub bytes: usize,
    pub parameters: usize,
    pub metadata: Metadata,
}

impl Card {
    fn new(name: String, bytes: &[u8]) -> Result<Self, Failure> {
        let file = ModelFile::from_bytes(bytes).map_err(|e| refusal(&e).of(&name))?;
        Ok(Self { name, bytes: bytes.len(), parameters: file.metadata.spec.parameter_count(), metadata: file.metadata })
    }

    pub fn fit(&self, header: &Header) -> Fit {
        fit(&self.metadata, header)
    }
}

/// The card of the model in this program.
pub fn embedded_card() -> Result<Card, Failure> {
    Card::new(EMBEDDED_NAME.into(), EMBEDDED)
}

/// The card of a model file.
pub fn card(path: &Path) -> Result<Card, Failure> {
    Card::new(path.display().to_string(), &read(path)?)
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|e| Failure::failed(format!("{}: {e}", path.display())))
}

/// A model that is newer than this program is not supported; any other defect is damage.
fn refusal(error: &ModelError) -> Failure {
    match error {
        ModelError::Version { .. } | ModelError::TooLarge(_) => Failure::unsupported(error.to_string()),
        _ => Failure::damaged(error.to_string()),
    }
}

/// Models ready to work.
pub struct Models {
    writer: Model,
    writer_name: String,
    /// The model in this program, when the writer is another one; built when a file asks for it.
    other: Option<OnceLock<Result<Model, Failure>>>,
}

impl Models {
    /// The model of `path` before the one in this program; only the latter without a path.
    pub fn load(path: Option<&Path>) -> Result<Self, Failure> {
        match path {
            None => Ok(Self { writer: embedded()?, writer_name: EMBEDDED_NAME.into(), other: None }),
            Some(path) => {
                let name = path.display().to_string();
                let writer = build(&read(path)?).map_err(|e| e.of(&name))?;
                Ok(Self { writer, writer_name: name, other: Some(OnceLock::new()) })
            }
        }
    }

    /// The model that encodes.
    pub fn writer(&self) -> &Model {
        &self.writer
    }

    /// Name and generation of the model that encodes, in words.
    pub fn writer_name(&self) -> String {
        let lineage = &self.writer.metadata().lineage;
        format!(
            "{}, generation {} of lineage {:.16}",
            self.writer_name,
            lineage.generation,
            lineage.entropy_id.to_string()
        )
    }

    /// The model that fits the header best, or a failure that names the lineage it needs.
    pub fn reader(&self, header: &Header) -> Result<(&Model, Fit), Failure> {
        let mut best = (&self.writer, fit(self.writer.metadata(), header));
        if let (true, Some(cell)) = (best.1 < Fit::Generation, &self.other) {
            let other = cell.get_or_init(embedded).as_ref().map_err(Clone::clone)?;
            let fit = fit(other.metadata(), header);
            if fit > best.1 {
                best = (other, fit);
            }
        }
        if best.1 > Fit::None {
            return Ok(best);
        }
        let id: String = header.entropy_id.iter().map(|b| format!("{b:02x}")).collect();
        Err(Failure::unsupported(format!(
            "needs a model of the lineage with the entropy id {id}…, which is not here; give a model file of it with --model"
        )))
    }

    /// The values of λ that the encoding model was trained for.
    pub fn lambda_range(&self) -> LambdaRange {
        self.writer.metadata().lambda.encoder
    }

    /// Refuses a λ outside of the encoding model's range.
    pub fn check_lambda(&self, lambda: f32) -> Result<f32, Failure> {
        let range = self.lambda_range();
        if range.contains(lambda) {
            Ok(lambda)
        } else {
            Err(Failure::usage(format!(
                "λ = {lambda} is outside of the model's range, {} to {}",
                range.low, range.high
            )))
        }
    }

    /// λ of a quality from 0 to 100 over the encoding model's range.
    pub fn quality_to_lambda(&self, quality: f32) -> f32 {
        quality_to_lambda(quality, self.lambda_range())
    }
}

/// low · (high / low)^(quality / 100); the ends are exact.
pub fn quality_to_lambda(quality: f32, range: LambdaRange) -> f32 {
    let ratio = f64::from(range.high) / f64::from(range.low);
    range.clamp((f64::from(range.low) * ratio.powf(f64::from(quality) / 100.0)) as f32)
}

fn embedded() -> Result<Model, Failure> {
    build(EMBEDDED).map_err(|e| e.of(EMBEDDED_NAME))
}

fn build(bytes: &[u8]) -> Result<Model, Failure> {
    Model::from_bytes(bytes).map_err(|e| refusal(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quality_spreads_lambda_evenly_on_a_logarithmic_scale() {
        let found = [0.0, 20.0, 40.0, 60.0, 80.0, 100.0].map(|q| quality_to_lambda(q, LambdaRange::PRETRAINING));
        for (found, expected) in found.into_iter().zip([32.0, 64.0, 128.0, 256.0, 512.0, 1024.0]) {
            assert!((found / expected - 1.0).abs() < 1e-6, "{found} instead of {expected}");
        }
        assert_eq!((found[0], found[5]), (32.0, 1024.0));
    }
}
