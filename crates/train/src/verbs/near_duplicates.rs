//! `heirloom-train near-duplicates`

use std::{path::PathBuf, process::ExitCode};

use clap::Args;
use heirloom_train::{
    Result, TrainError,
    near_duplicates::{DEFAULT_DISTANCE, Pair, Part, Set, near_duplicates},
};

/// Exit status if near-duplicates were found.
const FOUND: u8 = 3;

/// Find images to learn from that are, or nearly are, images of a test set.
///
/// Images are found if they were resized, recompressed, mirrored, changed in brightness or contrast,
/// or cropped to no less than half of their sides. Each pair is printed with its distance: 0 for the
/// same image, about 1 for unrelated ones. The exit status is 0 if there is none, 3 if there are
/// some, and 1 if an error ended the search.
#[derive(Args)]
pub struct NearDuplicates {
    /// Images to learn from: folders with their subfolders, or packs.
    #[arg(required = true, value_name = "TRAIN")]
    images: Vec<PathBuf>,
    /// Images of test sets: folders with their subfolders, or packs.
    #[arg(long, required = true, num_args = 1.., value_name = "TEST")]
    against: Vec<PathBuf>,
    /// Largest distance of near-duplicates, 0 to 1.
    #[arg(long, value_name = "DISTANCE", default_value_t = DEFAULT_DISTANCE)]
    max_distance: f32,
    /// Print one JSON object per pair.
    #[arg(long)]
    json: bool,
}

impl NearDuplicates {
    pub fn run(&self) -> Result<ExitCode> {
        if !(0.0..=1.0).contains(&self.max_distance) {
            return Err(TrainError::Config("--max-distance must be within 0 to 1".into()));
        }
        let open = |paths: &[PathBuf]| paths.iter().map(|path| Set::open(path)).collect::<Result<Vec<_>>>();
        let (images, against) = (open(&self.images)?, open(&self.against)?);
        let pairs = near_duplicates(&images, &against, self.max_distance)?;
        for pair in &pairs {
            if self.json {
                println!("{}", serde_json::to_string(pair).map_err(|e| TrainError::Data(e.to_string()))?);
            } else {
                println!("{}", described(pair));
            }
        }
        if !self.json {
            let count = |sets: &[Set]| sets.iter().map(|set| set.images().len()).sum::<usize>();
            println!("{} images against {}: {} near-duplicates", count(&images), count(&against), pairs.len());
        }
        Ok(if pairs.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(FOUND) })
    }
}

/// A pair in one line.
fn described(pair: &Pair) -> String {
    let part = match pair.part {
        Part::Whole => "is",
        Part::First => "is part of",
        Part::Second => "contains",
    };
    let mirrored = if pair.mirrored { ", mirrored" } else { "" };
    format!("{:.3}  {} {part} {}{mirrored}", pair.distance, pair.image, pair.against)
}
