//! `heirloom models publish`

use std::collections::BTreeMap;
use std::path::PathBuf;

use heirloom_codec::model::{self, ModelFile, Record};
use heirloom_eval::proof::Proof;
use heirloom_io::FileId;
use heirloom_store::{ModelRef, StoredModel, ancestors};

use super::card;
use crate::failure::{ExitCode, Failure, Kind};
use crate::location::Location;
use crate::models::StoreFlag;
use crate::print;
use crate::proof::{self, Images, Measuring, Pair};

/// Publish a new model as the next generation of an old one, with the proof that it keeps old files
///
/// Does what 'models verify' does, with OLD and with every generation before it that is here. A
/// model that is not decodable and stable is refused, with the exit status of 'models verify'. The
/// published file gets the number after that of OLD, OLD as its parent, and a record of all proofs.
/// A card with the same facts in words is written beside it, with the extension .md.
#[derive(clap::Args)]
pub struct Publish {
    /// Generation that NEW learned from: a file, 'default', or 8 or more digits of the generation
    /// id of a model in the store
    #[arg(value_name = "OLD")]
    old: ModelRef,

    /// Model to publish, named in the same way
    #[arg(value_name = "NEW")]
    new: ModelRef,

    #[command(flatten)]
    measuring: Measuring,

    /// Model file to write
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,

    #[command(flatten)]
    store: StoreFlag,

    /// Replace existing files
    #[arg(short, long)]
    force: bool,
}

impl Publish {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        let (output, card_output) = (Location::new(&self.output), Location::File(self.output.with_extension("md")));
        if output == Location::Stdio || output == card_output {
            return Err(Failure::usage("the output must be a model file, such as -o model.safetensors"));
        }
        [&output, &card_output].into_iter().try_for_each(|output| output.check_writable(self.force))?;
        let images = self.measuring.images()?;
        let store = self.store.open()?;
        let (old, new) = (store.find(&self.old)?, store.find(&self.new)?);
        let sources = [&old, &new].map(|model| model.path().and_then(FileId::of));
        if output.file_id().is_some_and(|id| sources.contains(&Some(id))) {
            return Err(Failure::usage(format!(
                "{output}: would overwrite a model that is compared; choose another -o"
            )));
        }
        let pair = unbroken(Pair::load(&old, &new)?)?;
        let mut file = successor(&old, new.load()?).map_err(|e| e.about(new.name()))?;

        let mut proofs = vec![self.prove(&pair, &images, threads, quiet)?];
        drop(pair);
        let (ancestors, missing) = ancestors(old.lineage(), &store.models);
        for ancestor in ancestors {
            let pair = unbroken(Pair::load(ancestor, &new)?)?;
            proofs.push(self.prove(&pair, &images, threads, quiet)?);
        }
        if let Some(id) = missing.filter(|_| !quiet) {
            eprintln!(
                "heirloom: generation {id} is not here, so nothing is proven for the files of it and its ancestors"
            );
        }
        let record = Record {
            program: proof::program(),
            proofs: proofs.iter().map(recorded).collect::<Result<_, _>>()?,
            unknown: BTreeMap::new(),
        };
        file.metadata.record = Some(record);
        let bytes = file.to_bytes()?;
        let text = card::text(&self.output, &file, &bytes, &proofs);
        output.write(&bytes, self.force)?;
        card_output.write(text.as_bytes(), self.force)?;
        if !quiet {
            eprintln!("{output}: generation {}; its card is {card_output}", file.metadata.lineage.generation);
        }
        Ok(ExitCode::SUCCESS)
    }

    fn prove(&self, pair: &Pair, images: &Images, threads: usize, quiet: bool) -> Result<Proof, Failure> {
        let proof = self.measuring.prove(pair, images, threads, quiet)?;
        if !quiet {
            print::text(format_args!("{}\n{}\n", proof::table(&proof), proof::summary(&proof)));
        }
        match proof::failure(&proof) {
            None => Ok(proof),
            Some(failure) => Err(Failure::new(
                failure.kind,
                format!("not published, for the files of {}: {failure}", proof.old.name),
            )),
        }
    }
}

/// Refuses, before anything is measured, a pair whose entropy branches differ.
fn unbroken(pair: Pair) -> Result<Pair, Failure> {
    match &pair.broken {
        None => Ok(pair),
        Some(broken) => Err(Failure::new(Kind::NotDecodable, format!("{}: not published: {broken}", pair.new_name))),
    }
}

/// The new model with its place in the lineage.
fn successor(old: &StoredModel, mut new: ModelFile) -> Result<ModelFile, Failure> {
    let (before, lineage) = (old.metadata(), &mut new.metadata.lineage);
    let parent = before.lineage.generation_id;
    if lineage.generation_id == parent {
        return Err(Failure::usage("not published: it has the same weights as the old model"));
    }
    if let Some(other) = lineage.parent.filter(|id| *id != parent) {
        return Err(Failure::usage(format!(
            "not published: it learned from {other}, not from {parent} ({}); publish it as the successor of {other}",
            old.name()
        )));
    }
    lineage.generation = before
        .lineage
        .generation
        .checked_add(1)
        .ok_or_else(|| Failure::unsupported("the generations of this lineage have used up all numbers"))?;
    lineage.parent = Some(parent);
    // Whether files stay decodable is a property of the whole lineage.
    new.metadata.preview = before.preview;
    if new.metadata.licence.is_empty() {
        new.metadata.licence.clone_from(&before.licence);
    }
    Ok(new)
}

/// The part of a proof that a model file keeps.
fn recorded(proof: &Proof) -> Result<model::Proof, Failure> {
    let finite = |value: f64| value.is_finite().then_some(value);
    let latents: String = proof.files.iter().map(|file| file.latents.as_str()).collect();
    Ok(model::Proof {
        generation: proof.old.generation,
        generation_id: proof.old.generation_id.parse().map_err(|e| Failure::failed(format!("{e}")))?,
        dataset: proof.dataset.clone(),
        images: proof.images,
        images_hash: proof.images_hash.clone(),
        latents_hash: blake3::hash(latents.as_bytes()).to_hex().to_string(),
        tolerance_db: proof.tolerance_db,
        points: proof
            .points
            .iter()
            .map(|point| model::ProofPoint {
                lambda: point.lambda,
                psnr_old: finite(point.psnr_old),
                psnr_new: point.psnr_new.and_then(finite),
                difference: point.difference.and_then(finite),
                worst: point.worst.and_then(finite),
                worst_image: point.worst_image.clone(),
                unknown: BTreeMap::new(),
            })
            .collect(),
        bd_rate: proof.bd_rate.map(|bd| bd.percent),
        unknown: BTreeMap::new(),
    })
}
