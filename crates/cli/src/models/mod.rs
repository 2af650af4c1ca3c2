//! The models at hand: one given on the command line, and those of the store, the one in this program among them.

mod add;
mod choice;

use std::path::PathBuf;

use heirloom_codec::Model;
use heirloom_codec::model::{LambdaError, LambdaRange, ModelError};
use heirloom_format::container::Header;
use heirloom_store::{Member, Store, StoreError};

use crate::failure::{Failure, Kind};

pub use add::add;
pub use choice::{Wish, hex};

/// The flag that names the store.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct StoreFlag {
    /// Folder of the model store [default: $HEIRLOOM_MODELS, else heirloom/models in the user's data folder]
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

/// The flags that say which models are at hand.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ModelFlags {
    /// Model: a file, the first digits of a generation id in the store, or 'default' [default: the model in this program]
    #[arg(long, value_name = "FILE|ID")]
    model: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

impl StoreFlag {
    /// Looks what is in the store; reads no weights.
    pub fn open(&self) -> Result<Store, Failure> {
        Ok(Store::open(self.store.as_deref())?)
    }

    /// As [`Self::open`], for a store that is about to be made.
    pub fn open_or_empty(&self) -> Result<Store, Failure> {
        Ok(Store::open_or_empty(self.store.as_deref())?)
    }
}

/// A model that is newer than this program is not supported; any other defect is damage.
pub fn refusal(error: &ModelError) -> Failure {
    match error {
        ModelError::Version { .. } | ModelError::TooLarge(_) => Failure::unsupported(error.to_string()),
        _ => Failure::damaged(error.to_string()),
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let kind = match &error {
            StoreError::Model { source, .. } => refusal(source).kind,
            StoreError::Unknown { .. } => Kind::Unsupported,
            StoreError::Ambiguous { .. } => Kind::Usage,
            _ => Kind::Failed,
        };
        Self::new(kind, error.to_string())
    }
}

/// Models ready to work.
pub struct Models {
    /// The model of the command line first, where there is one.
    members: Vec<Member>,
    given: bool,
    unreadable: Vec<StoreError>,
}

impl Models {
    /// The models that the flags name, those of the store, and the one in this program.
    pub fn load(flags: &ModelFlags) -> Result<Self, Failure> {
        let store = flags.store.open()?;
        let given = flags.model.as_ref().map(|model| store.find(model)).transpose()?;
        let is_given = given.is_some();
        let members = given.into_iter().chain(store.members).collect();
        Ok(Self { members, given: is_given, unreadable: store.unreadable })
    }

    /// The member that encodes: the one of the command line, else the one in this program.
    fn writing(&self) -> Result<&Member, Failure> {
        self.members.first().ok_or_else(|| Failure::failed("there is no model"))
    }

    /// The model that encodes.
    pub fn writer(&self) -> Result<&Model, Failure> {
        Ok(self.writing()?.model()?)
    }

    /// Name and generation of the model that encodes, in words.
    pub fn writer_name(&self) -> Result<String, Failure> {
        let writer = self.writing()?;
        let lineage = writer.lineage();
        Ok(format!(
            "{}, generation {} of lineage {:.16}",
            writer.name(),
            lineage.generation,
            lineage.entropy_id.to_string()
        ))
    }

    /// The model that decodes files with this header: the one wished for; without a wish the one of the command line if it is
    /// of the file's lineage, else the newest.
    pub fn reader(&self, header: &Header, wish: Option<&Wish>) -> Result<&Member, Failure> {
        if let (None, true, Some(given)) = (wish, self.given, self.members.first())
            && given.lineage().reads(header)
        {
            return Ok(given);
        }
        choice::choose(&self.members, header, wish.unwrap_or(&Wish::Newest)).map_err(|mut failure| {
            // One of these may be the model that is wanted.
            for unreadable in &self.unreadable {
                failure.message += &format!("; in the store, {unreadable}");
            }
            failure
        })
    }

    /// The values of λ that the encoding model was trained for.
    pub fn lambda_range(&self) -> Result<LambdaRange, Failure> {
        Ok(self.writing()?.metadata().lambda.encoder)
    }

    /// Refuses a λ outside of the encoding model's range.
    pub fn check_lambda(&self, lambda: f32) -> Result<f32, Failure> {
        Ok(self.lambda_range()?.check(lambda)?)
    }

    /// λ of a quality from 0 to 100 over the encoding model's range.
    pub fn quality_to_lambda(&self, quality: f32) -> Result<f32, Failure> {
        Ok(self.lambda_range()?.at_quality(quality))
    }
}

impl From<LambdaError> for Failure {
    fn from(error: LambdaError) -> Self {
        Self::usage(error.to_string())
    }
}
