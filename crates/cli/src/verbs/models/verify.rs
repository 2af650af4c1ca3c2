//! `heirloom models verify`

use std::path::PathBuf;

use heirloom_store::ModelRef;

use crate::failure::{ExitCode, Failure};
use crate::location::Location;
use crate::models::StoreFlag;
use crate::print;
use crate::proof::{self, Measuring, Pair};

/// Prove that a new model keeps the files of an old one
///
/// The entropy branches are compared bit by bit. Then OLD writes a real file of every image at
/// every λ. Both models read it back from disk, look up its latents, and decode it. The numbers are
/// the same on every machine. NEW also writes files of its own, for a BD-rate against those of OLD.
///
/// NEW is 'decodable' if it has the entropy branch of OLD and finds the latents of OLD in every
/// file. It is 'stable' if, besides, the mean PSNR of OLD's files falls by no more than 0.05 dB at
/// any λ. The exit status is 0 for both, 6 for decodable alone, and 5 for neither.
#[derive(clap::Args)]
pub struct Verify {
    /// Old model: a file, 'default', or 8 or more digits of the generation id of a model in the
    /// store
    #[arg(value_name = "OLD")]
    old: ModelRef,

    /// New model, named in the same way
    #[arg(value_name = "NEW")]
    new: ModelRef,

    #[command(flatten)]
    measuring: Measuring,

    #[command(flatten)]
    store: StoreFlag,

    /// Write all results, with one record per file, as JSON of schema heirloom-verify/1
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

impl Verify {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let json = self.json.as_deref().map(Location::new);
        json.iter().try_for_each(|output| output.check_writable(self.force))?;
        let images = self.measuring.images()?;
        let store = self.store.open()?;
        let pair = Pair::load(&store.find(&self.old)?, &store.find(&self.new)?)?;
        let proof = self.measuring.prove(&pair, &images, threads, quiet)?;
        print::text(format_args!("{}\n{}", proof::table(&proof), proof::summary(&proof)));
        if let Some(output) = json {
            output.write(proof.to_json()?.as_bytes(), self.force)?;
        }
        proof::failure(&proof).map_or(Ok(ExitCode::SUCCESS), Err)
    }
}
