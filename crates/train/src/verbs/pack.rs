//! `heirloom-train pack`

use std::path::PathBuf;

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    data::pack_writer::{PackOptions, write_pack},
};

/// Decode the images of folders into one file that --data takes in place of a folder.
///
/// A run on a pack starts at once and decodes nothing. Beside the pack FILE.pack, FILE.tsv lists
/// the source path, BLAKE3, width and height of each image.
#[derive(Args)]
pub struct Pack {
    /// Folders of images, with their subfolders.
    #[arg(required = true, value_name = "DIR")]
    folders: Vec<PathBuf>,
    /// Pack to write.
    #[arg(long, short, value_name = "FILE.pack")]
    output: PathBuf,
    /// Shrink images whose longer side has more pixels than this to it.
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(1..))]
    max_side: Option<u32>,
    /// Leave out images whose shorter side, once shrunk, has fewer pixels than this.
    #[arg(long, value_name = "PIXELS")]
    min_side: Option<u32>,
    /// Overwrite an existing pack.
    #[arg(long)]
    force: bool,
}

impl Pack {
    pub fn run(self) -> Result<()> {
        if self.output.exists() && !self.force {
            let output = self.output.display();
            return Err(TrainError::Config(format!("{output} already exists; --force overwrites it")));
        }
        if self.output.extension().is_none_or(|extension| extension == "tsv") {
            let output = self.output.display();
            return Err(TrainError::Config(format!("{output} needs another extension, such as .pack")));
        }
        let side = |side: Option<u32>| side.map(|side| side as usize);
        let options = PackOptions { max_side: side(self.max_side), min_side: side(self.min_side) };
        let summary = write_pack(&self.folders, &self.output, options)?;
        println!(
            "{}: {} images, {} bytes; left out {} too small and {} unreadable",
            self.output.display(),
            summary.images,
            summary.bytes,
            summary.too_small,
            summary.unreadable
        );
        Ok(())
    }
}
