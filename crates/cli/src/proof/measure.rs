//! Measuring with real files: the old model writes them, both models decode them.

use std::path::{Path, PathBuf};

use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Model};
use heirloom_eval::proof::{FileProof, NewFile};
use heirloom_eval::{RealFile, forced};
use heirloom_io::{ReadOptions, read_file};
use heirloom_store::hex;

use super::Pair;
use crate::batch;
use crate::failure::Failure;
use crate::folder;

/// Measures every image at every λ.
pub fn files(
    pair: &Pair,
    images: &[PathBuf],
    lambdas: &[f32],
    threads: usize,
    quiet: bool,
) -> Result<Vec<FileProof>, Failure> {
    let scratch = folder::scratch()?;
    let case = |i: usize| (&images[i / lambdas.len()], lambdas[i % lambdas.len()]);
    let name = |i| format!("{} at λ {}", case(i).0.display(), case(i).1);
    batch::collect(images.len() * lambdas.len(), threads, quiet, name, |i| {
        let (image, lambda) = case(i);
        file(pair, image, lambda, &scratch.path().join(format!("{i}.hlm")))
    })
}

fn file(pair: &Pair, image: &Path, lambda: f32, scratch: &Path) -> Result<FileProof, Failure> {
    let original = read_file(image, &ReadOptions::default())?;
    let old_file = RealFile::write(&original, scratch, |image| encode(&pair.old, image, lambda))?;
    let latents = latents(&pair.old, old_file.bytes())?;
    let psnr_old = old_file.decode(|bytes| decode(&pair.old, bytes))?.psnr;
    let by_new = self::latents(&pair.new, old_file.bytes())
        .and_then(|found| Ok((found, old_file.decode(|bytes| decode(&pair.new, bytes))?.psnr)));
    let (identical, problem, psnr_new) = match by_new {
        Ok((found, psnr)) => (found == latents, None, Some(psnr)),
        Err(failure) => {
            let image = forced::decode(&pair.new, old_file.bytes());
            let psnr = image.map(|image| old_file.psnr(&image)).transpose()?;
            (false, Some(failure.message), psnr)
        }
    };
    let new_file = if pair.new.metadata().lambda.encoder.contains(lambda) {
        let file = RealFile::write(&original, scratch, |image| encode(&pair.new, image, lambda))?;
        let psnr = file.decode(|bytes| decode(&pair.new, bytes))?.psnr;
        Some(NewFile { bytes: file.size(), bpp: file.bpp(), psnr })
    } else {
        None
    };
    Ok(FileProof {
        image: image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        width: original.width(),
        height: original.height(),
        lambda,
        bytes: old_file.size(),
        bpp: old_file.bpp(),
        latents: hex(&latents),
        identical,
        problem,
        psnr_old,
        psnr_new,
        new_file,
    })
}

fn encode(model: &Model, image: &Image, lambda: f32) -> Result<Vec<u8>, Failure> {
    Ok(model.encode(image, &EncodeOptions::new(lambda).with_lossless(heirloom_codec::Lossless::Never))?)
}

/// Hash of the latents that a model finds in a file.
fn latents(model: &Model, bytes: &[u8]) -> Result<[u8; 32], Failure> {
    Ok(model.decode_latents(bytes, &DecodeOptions::exact())?.hash())
}

/// Decodes with strict arithmetic, so that the numbers are the same on every machine.
fn decode(model: &Model, bytes: &[u8]) -> Result<Image, Failure> {
    Ok(model.decode(bytes, &DecodeOptions::exact())?)
}
