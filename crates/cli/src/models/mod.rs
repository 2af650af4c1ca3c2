//! The flags that name models, and what the errors of finding one mean for the exit status.

mod add;

use std::path::PathBuf;

use heirloom_codec::model::{LambdaError, LambdaRange, ModelError};
use heirloom_format::container::Header;
use heirloom_store::{GenerationSelector, ModelRef, ModelSet, SelectError, Store, StoreError, StoredModel};

use crate::failure::{Failure, Kind};

pub use add::add;

/// Quality without `--quality` and `--lambda`.
const DEFAULT_QUALITY: f32 = 50.0;

/// The flag that names the store.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StoreFlag {
    /// Folder of the model store [default: $HEIRLOOM_MODELS, else heirloom/models in the user's
    /// data folder]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// The flags that say which models there are.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ModelFlags {
    /// Model to use: a file, 'default', or 8 or more digits of the generation id of a model in the
    /// store [default: default]
    #[arg(long, value_name = "FILE|ID")]
    model: Option<ModelRef>,

    #[command(flatten)]
    store: StoreFlag,
}

/// The flags that trade size against quality.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RateFlags {
    /// Quality from 0 (smallest file) to 100 (best image) [default: 50]
    ///
    /// Qualities are evenly spaced on a logarithmic scale over the model's range of λ: λ = low ·
    /// (high / low)^(Q / 100). With the range 32 to 1024 the qualities 0, 20, 40, 60, 80 and 100
    /// are λ = 32, 64, 128, 256, 512 and 1024.
    #[arg(short, long, value_name = "Q", value_parser = quality, conflicts_with = "lambda")]
    quality: Option<f32>,

    /// Rate-distortion multiplier λ: the file minimises bits per pixel + λ · mean squared error, of
    /// samples in -1 to 1
    #[arg(long, value_name = "L")]
    lambda: Option<f32>,
}

fn quality(text: &str) -> Result<f32, String> {
    match text.parse() {
        Ok(q) if (0.0..=100.0).contains(&q) => Ok(q),
        _ => Err("a quality is a number from 0 to 100".into()),
    }
}

impl StoreFlag {
    /// Lists the models of the store, without reading weights.
    pub fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(self.store.as_deref())?)
    }

    /// Lists the models of a store that is about to be created, or exists.
    pub fn open_or_empty(&self) -> Result<Store, Failure> {
        Ok(Store::open_or_empty(self.store.as_deref())?)
    }
}

impl ModelFlags {
    /// The models that the flags name.
    pub fn load(&self) -> Result<ModelSet, Failure> {
        Ok(ModelSet::new(self.store.open()?, self.model.as_ref())?)
    }
}

impl RateFlags {
    /// The λ that the flags ask for, within the range of a model's encoder.
    pub fn lambda(&self, range: LambdaRange) -> Result<f32, Failure> {
        match self.lambda {
            Some(lambda) => Ok(range.check(lambda)?),
            None => Ok(range.at_quality(self.quality.unwrap_or(DEFAULT_QUALITY))),
        }
    }
}

/// The values of λ to measure at: those given, each once and in ascending order, or `count` evenly
/// spaced ones.
pub fn lambdas(given: &[f32], count: u8, range: LambdaRange) -> Result<Vec<f32>, Failure> {
    if given.is_empty() {
        return Ok(range.log_spaced(count));
    }
    let mut lambdas = given.iter().map(|&lambda| range.check(lambda)).collect::<Result<Vec<f32>, _>>()?;
    lambdas.sort_by(f32::total_cmp);
    lambdas.dedup();
    Ok(lambdas)
}

/// The model that decodes files with this header.
pub fn reader<'a>(
    models: &'a ModelSet,
    header: &Header,
    selector: Option<&GenerationSelector>,
) -> Result<&'a StoredModel, Failure> {
    models.reader(header, selector).map_err(|error| {
        let mut failure = Failure::from(error);
        // One of these may be the model that is missing.
        for unreadable in models.unreadable() {
            failure.message += &format!("; in the store, {unreadable}");
        }
        failure
    })
}

impl From<ModelError> for Failure {
    /// A model that is newer than this program is not supported; any other defect is damage.
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Version { .. } | ModelError::TooLarge(_) => Self::unsupported(error.to_string()),
            _ => Self::damaged(error.to_string()),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Model { source, .. } => Self::from(source.clone()).kind,
            StoreError::Unknown { .. } => Kind::Unsupported,
            StoreError::Ambiguous { .. } => Kind::Usage,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

impl From<SelectError> for Failure {
    fn from(error: SelectError) -> Self {
        match &error {
            SelectError::Ambiguous { .. } => Self::usage(error.to_string()),
            _ => Self::unsupported(format!(
                "{error}; give a model file with --model FILE, or add it to the store with 'heirloom models add FILE'"
            )),
        }
    }
}

impl From<LambdaError> for Failure {
    fn from(error: LambdaError) -> Self {
        Self::usage(error.to_string())
    }
}
