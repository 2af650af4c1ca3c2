//! Real files of real images: written by the old model, read back from disk, decoded by both.

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Model};
use heirloom_eval::proof::{FileProof, NewFile};
use heirloom_eval::{bits_per_pixel, psnr};
use heirloom_format::container::{Limits, parse, write};

use super::Pair;
use heirloom_io::ReadOptions;

use crate::failure::Failure;
use crate::models::hex;
use crate::{batch, coding};

/// Every image at every λ. One failure fails the whole.
pub fn files(
    pair: &Pair,
    images: &[PathBuf],
    lambdas: &[f32],
    threads: usize,
    quiet: bool,
) -> Result<Vec<FileProof>, Failure> {
    let scratch = tempfile::tempdir().map_err(|e| Failure::failed(format!("cannot make a temporary folder: {e}")))?;
    batch::collect(images.len() * lambdas.len(), threads, quiet, |i| {
        let (image, lambda) = (&images[i / lambdas.len()], lambdas[i % lambdas.len()]);
        one(pair, image, lambda, &scratch.path().join(format!("{i}.hlm")))
            .map_err(|e| e.about(format_args!("{} at λ {lambda}", image.display())))
    })
}

fn one(pair: &Pair, image: &Path, lambda: f32, scratch: &Path) -> Result<FileProof, Failure> {
    let original = heirloom_io::read_file(image, &ReadOptions::default())?;
    let quality =
        |decoded: &Image| psnr(&original.to_rgb(), &decoded.to_rgb()).map_err(|e| Failure::failed(e.to_string()));
    let bpp = |bytes: &[u8]| bits_per_pixel(bytes.len() as u64, original.width(), original.height());

    let bytes = on_disk(&pair.old, &original, lambda, scratch)?;
    let latents = latents(&pair.old, &bytes)?;
    let psnr_old = quality(&decode(&pair.old, &bytes)?)?;
    let (identical, problem, psnr_new) = match (self::latents(&pair.new, &bytes), decode(&pair.new, &bytes)) {
        (Ok(found), Ok(image)) => (found == latents, None, Some(quality(&image)?)),
        (Err(failure), _) | (_, Err(failure)) => {
            let forced = forced(&pair.new, &bytes);
            (false, Some(failure.message), forced.as_ref().map(&quality).transpose()?)
        }
    };
    let range = pair.new.metadata().lambda.encoder;
    let new_file = if range.contains(lambda) {
        let bytes = on_disk(&pair.new, &original, lambda, scratch)?;
        let psnr = quality(&decode(&pair.new, &bytes)?)?;
        Some(NewFile { bytes: bytes.len() as u64, bpp: bpp(&bytes), psnr })
    } else {
        None
    };
    Ok(FileProof {
        image: image.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        width: original.width(),
        height: original.height(),
        lambda,
        bytes: bytes.len() as u64,
        bpp: bpp(&bytes),
        latents: hex(&latents),
        identical,
        problem,
        psnr_old,
        psnr_new,
        new_file,
    })
}

/// Writes a file and reads it back.
fn on_disk(model: &Model, image: &Image, lambda: f32, scratch: &Path) -> Result<Vec<u8>, Failure> {
    let coded = model.encode(image, &EncodeOptions::new(lambda)).map_err(|e| coding::encode_failure(&e))?;
    fs::write(scratch, coded).map_err(disk)?;
    let bytes = fs::read(scratch).map_err(disk)?;
    fs::remove_file(scratch).map_err(disk)?;
    Ok(bytes)
}

/// Hash of the latents that a model finds in a file.
fn latents(model: &Model, bytes: &[u8]) -> Result<[u8; 32], Failure> {
    let found = model.decode_latents(bytes, &DecodeOptions::exact()).map_err(|e| coding::decode_failure(&e))?;
    Ok(found.hash())
}

/// The image of a file by strict arithmetic, so that the numbers do not depend on the machine.
fn decode(model: &Model, bytes: &[u8]) -> Result<Image, Failure> {
    model.decode(bytes, &DecodeOptions::exact()).map_err(|e| coding::decode_failure(&e))
}

/// What a model that refuses a file would make of it: it shows what its lineage's id protects from. The id in the header is
/// replaced by the model's own, and a latent that cannot be read by what the model expects.
fn forced(model: &Model, bytes: &[u8]) -> Option<Image> {
    let mut file = parse(bytes, &Limits::none()).ok()?;
    file.header.entropy_id.copy_from_slice(&model.metadata().lineage.entropy_id.0[..8]);
    let partial = model.decode_partial(&write(&file).ok()?, &DecodeOptions::exact()).ok()?;
    Some(partial.image)
}

fn disk(error: std::io::Error) -> Failure {
    Failure::failed(error.to_string())
}
