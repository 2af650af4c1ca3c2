//! The proof that a newer model keeps an older one's files.
//!
//! `pair` compares the entropy branches, `measure` writes and decodes files, `text` prints the
//! result. The conclusions are drawn by `heirloom_eval::proof`.

mod measure;
mod pair;
mod text;

use std::path::PathBuf;
use std::time::Instant;

use heirloom_eval::machine;
use heirloom_eval::proof::{ComparedModel, Evidence, Proof};

use crate::failure::{Failure, Kind};
use crate::folder;
use crate::models;

pub use pair::Pair;
pub use text::{summary, table};

/// Number of λ without --lambdas: the fewest that make a BD-rate.
const DEFAULT_POINTS: u8 = 4;

/// The flags for the files that the old model writes.
#[derive(Debug, clap::Args)]
pub struct Measuring {
    /// Folder of images to measure on; subfolders are ignored
    #[arg(long, value_name = "DIR")]
    images: PathBuf,

    /// Values of λ to measure at [default: four, evenly spaced on a logarithmic scale over the old
    /// model's range]
    #[arg(long, value_name = "L,L,…", value_delimiter = ',')]
    lambdas: Vec<f32>,
}

/// Images that a proof is measured on.
pub struct Images {
    paths: Vec<PathBuf>,
    dataset: String,
    hash: String,
}

impl Measuring {
    /// Lists and hashes the images of the folder.
    pub fn images(&self) -> Result<Images, Failure> {
        let paths = folder::images(&self.images)?;
        let (dataset, hash) = (folder::dataset(&self.images, &paths), folder::hash(&paths)?);
        Ok(Images { paths, dataset, hash })
    }

    /// Writes files with the old model of a pair, decodes them with both, and draws the
    /// conclusions. A λ outside the old model's range is refused.
    pub fn prove(&self, pair: &Pair, images: &Images, threads: usize, quiet: bool) -> Result<Proof, Failure> {
        let lambdas = models::lambdas(&self.lambdas, DEFAULT_POINTS, pair.old.metadata().lambda.encoder)?;
        let start = Instant::now();
        let files = measure::files(pair, &images.paths, &lambdas, threads, quiet)?;
        Ok(Proof::new(Evidence {
            program: program(),
            old: compared_model(pair.old.metadata(), &pair.old_name),
            new: compared_model(pair.new.metadata(), &pair.new_name),
            dataset: images.dataset.clone(),
            images_hash: images.hash.clone(),
            images: images.paths.len(),
            entropy: pair.broken.clone(),
            machine: machine::describe(threads),
            seconds: start.elapsed().as_secs_f64(),
            files,
        }))
    }
}

/// The failure for a proof that does not hold.
pub fn failure(proof: &Proof) -> Option<Failure> {
    let kind = match (proof.decodable, proof.stable) {
        (_, true) => return None,
        (true, false) => Kind::NotStable,
        (false, false) => Kind::NotDecodable,
    };
    Some(Failure::new(kind, proof.broken.join("; ")).about(&proof.new.name))
}

/// Name and version of this program.
pub fn program() -> String {
    format!("heirloom {}", env!("CARGO_PKG_VERSION"))
}

fn compared_model(metadata: &heirloom_codec::model::Metadata, name: &str) -> ComparedModel {
    let lineage = &metadata.lineage;
    ComparedModel {
        name: name.into(),
        generation: lineage.generation,
        generation_id: lineage.generation_id.to_string(),
        entropy_id: lineage.entropy_id.to_string(),
    }
}
