//! `heirloom info`

use std::path::PathBuf;

use heirloom_eval::bits_per_pixel;
use heirloom_format::container::{File, Limits, Tile, TileColour, parse};
use heirloom_store::{GenerationSelector, ModelSet, StoredModel, hex};
use serde_json::{Value, json};

use crate::failure::{ExitCode, Failure, exit_code};
use crate::location::Location;
use crate::models::{self, ModelFlags};
use crate::print;

/// Show what .hlm files hold, without decoding them
///
/// Prints size, λ, metadata, the ids of the model that wrote the file, and whether a model here
/// decodes it. Every checksum is verified.
#[derive(clap::Args)]
pub struct Info {
    /// Files to show; '-' is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Print one JSON object per line, of schema heirloom-info/1
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    models: ModelFlags,
}

impl Info {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let models = self.models.load()?;
        let mut failures = Vec::new();
        for path in &self.files {
            match self.one(&Location::new(path), &models) {
                Ok(text) => print::line(text),
                Err(failure) => {
                    eprintln!("heirloom: {failure}");
                    failures.push(failure.kind);
                }
            }
        }
        Ok(exit_code(&failures))
    }

    fn one(&self, location: &Location, models: &ModelSet) -> Result<String, Failure> {
        let bytes = location.read()?;
        let file = parse(&bytes, &Limits::none()).map_err(|e| Failure::from(e).about(location))?;
        // A missing model is not a failure of this verb, but part of its answer.
        let here = Here {
            writer: models::reader(models, &file.header, Some(&GenerationSelector::Writer)).ok(),
            decoder: models::reader(models, &file.header, None).ok(),
        };
        Ok(if self.json {
            as_json(location, bytes.len(), &file, &here).to_string()
        } else {
            as_text(location, bytes.len(), &file, &here)
        })
    }
}

/// The models here that concern a file.
struct Here<'a> {
    /// The one that wrote it.
    writer: Option<&'a StoredModel>,
    /// The one that decodes it by default.
    decoder: Option<&'a StoredModel>,
}

fn blobs(file: &File) -> [(&'static str, Option<usize>); 3] {
    let m = &file.metadata;
    [
        ("icc", m.icc.as_ref().map(Vec::len)),
        ("exif", m.exif.as_ref().map(Vec::len)),
        ("xmp", m.xmp.as_ref().map(Vec::len)),
    ]
}

fn latent_bytes(file: &File) -> [usize; 4] {
    let mut sums = [0; 4];
    for tile in &file.tiles {
        if let TileColour::Latents(latents) = &tile.colour {
            sums.iter_mut().zip(latents).for_each(|(sum, latent)| *sum += latent.len());
        }
    }
    sums
}

fn lossless_bytes(file: &File) -> usize {
    let bytes = |tile: &Tile| match &tile.colour {
        TileColour::Lossless(stream) => stream.len(),
        TileColour::Latents(_) => 0,
    };
    file.tiles.iter().map(bytes).sum()
}

fn alpha_bytes(file: &File) -> usize {
    file.tiles.iter().filter_map(|tile| tile.alpha.as_ref()).map(Vec::len).sum()
}

/// The numbers of the tiles that are stored without loss.
fn lossless_tiles(file: &File) -> Vec<usize> {
    let is_lossless = |(_, tile): &(usize, &Tile)| matches!(tile.colour, TileColour::Lossless(_));
    file.tiles.iter().enumerate().filter(is_lossless).map(|(number, _)| number).collect()
}

fn tiles_text(file: &File) -> String {
    let grid = file.header.tiles();
    let lossless = lossless_tiles(file);
    let size = match file.header.tiling {
        None => "1".to_owned(),
        Some(t) => format!("{} × {} of {} × {}, overlap {}", grid.columns(), grid.rows(), t.width, t.height, t.overlap),
    };
    match lossless.len() {
        0 => size,
        count if count == file.tiles.len() => format!("{size}; all lossless"),
        count if count <= 20 => {
            let numbers: Vec<String> = lossless.iter().map(ToString::to_string).collect();
            format!("{size}; lossless: {}", numbers.join(", "))
        }
        count => format!("{size}; {count} lossless"),
    }
}

fn model_json(model: Option<&StoredModel>) -> Value {
    model.map_or(Value::Null, |model| {
        let lineage = model.lineage();
        json!({
            "name": model.name(),
            "generation": lineage.generation,
            "generation_id": lineage.generation_id.to_string(),
        })
    })
}

fn as_json(location: &Location, length: usize, file: &File, here: &Here<'_>) -> Value {
    let h = &file.header;
    let metadata: serde_json::Map<String, Value> = blobs(file).into_iter().map(|(k, n)| (k.into(), json!(n))).collect();
    json!({
        "schema": "heirloom-info/1",
        "file": location.to_string(),
        "bytes": length,
        "bits_per_pixel": bits_per_pixel(length as u64, h.width, h.height),
        "width": h.width,
        "height": h.height,
        "pixel_format": h.pixel_format.name(),
        "lambda": h.lambda,
        "entropy_id": hex(&h.entropy_id),
        "generation": h.generation,
        "generation_id": hex(&h.generation_id),
        "tiles": file.tiles.len(),
        "tile_size": h.tiling.map(|t| json!([t.width, t.height])),
        "tile_overlap": h.tiling.map(|t| t.overlap),
        "lossless_tiles": lossless_tiles(file),
        "latent_bytes": latent_bytes(file),
        "lossless_bytes": lossless_bytes(file),
        "alpha_bytes": alpha_bytes(file),
        "metadata_bytes": metadata,
        "decodable_here": here.decoder.is_some(),
        "exact_here": here.writer.is_some(),
        "writer": model_json(here.writer),
        "decoder": model_json(here.decoder),
    })
}

fn as_text(location: &Location, length: usize, file: &File, here: &Here<'_>) -> String {
    let h = &file.header;
    let bpp = bits_per_pixel(length as u64, h.width, h.height);
    let latents = latent_bytes(file).into_iter().enumerate().map(|(i, bytes)| format!("z{} {bytes}", i + 1));
    let others = [("lossless", lossless_bytes(file)), ("alpha", alpha_bytes(file))];
    let others = others.into_iter().filter(|(_, bytes)| *bytes > 0).map(|(name, bytes)| format!("{name} {bytes}"));
    let sections: Vec<String> = latents.chain(others).collect();
    let metadata: Vec<String> = blobs(file).into_iter().filter_map(|(k, n)| n.map(|n| format!("{k} {n}"))).collect();
    let metadata = if metadata.is_empty() { "none".to_owned() } else { metadata.join(", ") + " bytes" };
    let name = |model: Option<&StoredModel>| {
        model.map_or_else(|| "no model here".into(), |m| format!("{}: {}", m.generation(), m.name()))
    };
    let status = match (here.writer, here.decoder) {
        (_, None) => {
            "not decodable: there is no model of its lineage here; give one with --model FILE, or add one with 'heirloom \
             models add FILE'"
        }
        (None, _) => "decodable, not exact: another generation of its lineage is here",
        _ => "decodable and exact: the generation that wrote it is here",
    };
    format!(
        "{location}\n  image        {} × {} {}\n  size           {length} bytes, {bpp:.4} bits per pixel\n  λ              {}\n  \
         sections       {} bytes\n  tiles          {}\n  metadata       {metadata}\n  entropy id     {}…\n  generation     {} ({}…)\n  \
         written by     {}\n  decoded by     {}\n  here           {status}",
        h.width,
        h.height,
        h.pixel_format.name(),
        h.lambda,
        sections.join(", "),
        tiles_text(file),
        hex(&h.entropy_id),
        h.generation,
        hex(&h.generation_id),
        name(here.writer),
        name(here.decoder),
    )
}
