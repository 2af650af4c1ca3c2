//! `heirloom info`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_eval::bits_per_pixel;
use heirloom_format::container::{File, Limits, parse};
use heirloom_store::{GenerationSelector, ModelSet, StoredModel, hex};
use serde_json::{Value, json};

use crate::failure::{Failure, exit_code};
use crate::location::Location;
use crate::models::{self, ModelFlags};

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
                Ok(text) => println!("{text}"),
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
        "latent_bytes": file.latents.each_ref().map(Vec::len),
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
    let latents: Vec<String> =
        file.latents.iter().enumerate().map(|(i, l)| format!("z{} {}", i + 1, l.len())).collect();
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
         latents        {} bytes\n  metadata       {metadata}\n  entropy id     {}…\n  generation     {} ({}…)\n  \
         written by     {}\n  decoded by     {}\n  here           {status}",
        h.width,
        h.height,
        h.pixel_format.name(),
        h.lambda,
        latents.join(", "),
        hex(&h.entropy_id),
        h.generation,
        hex(&h.generation_id),
        name(here.writer),
        name(here.decoder),
    )
}
