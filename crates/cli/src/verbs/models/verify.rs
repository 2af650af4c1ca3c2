//! `heirloom models verify`

use std::path::PathBuf;
use std::process::ExitCode;

use crate::failure::Failure;
use crate::location::Location;
use crate::models::StoreFlag;
use crate::proof::{self, Measuring, Pair};

/// Prove that a new model keeps the files of an old one
///
/// The entropy branches are compared bit by bit. Then OLD writes a real file of every image at every λ; both models read it back from
/// disk, must find the same latents in it, and decode it with strict arithmetic, so that the numbers are the same on every
/// machine. NEW writes files of its own, for a BD-rate against OLD's.
///
/// The verdict is `decodable` if NEW has OLD's entropy branch and finds OLD's latents in every file, and `stable` if besides, at every
/// λ, the mean PSNR of OLD's files falls by no more than 0.05 dB. Exit status 0 says both, 6 decodable alone, 5 neither.
#[derive(clap::Args)]
pub struct Verify {
    /// The older model: a file, the first digits of a generation id in the store, or 'default'
    #[arg(value_name = "OLD")]
    old: PathBuf,

    /// The newer model, likewise
    #[arg(value_name = "NEW")]
    new: PathBuf,

    #[command(flatten)]
    measuring: Measuring,

    #[command(flatten)]
    store: StoreFlag,

    /// Write everything, with one record per file, as JSON of schema `heirloom-verify/1`
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// Replace an existing file
    #[arg(short, long)]
    force: bool,
}

impl Verify {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let json = self.json.as_deref().map(Location::new);
        json.iter().try_for_each(|place| place.check_writable(self.force))?;
        let images = self.measuring.images()?;
        let store = self.store.open()?;
        let pair = Pair::load(&store.find(&self.old)?, &store.find(&self.new)?)?;
        let proof = self.measuring.prove(&pair, &images, threads, quiet)?;
        print!("{}\n{}", proof::table(&proof), proof::summary(&proof));
        if let Some(place) = json {
            let text = proof.to_json().map_err(|e| Failure::failed(e.to_string()))?;
            place.write(text.as_bytes(), self.force)?;
        }
        proof::failure(&proof).map_or(Ok(ExitCode::SUCCESS), Err)
    }
}
