//! `heirloom info`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_codec::container::{File, Limits, parse};
use heirloom_codec::image::PixelFormat;
use heirloom_eval::bits_per_pixel;
use serde_json::{Value, json};

use crate::coding;
use crate::failure::{Failure, exit_code};
use crate::models::{self, Fit};
use crate::places::Place;

/// Show what .hlm files hold, without decoding them
///
/// Every checksum is verified. With --json each file is one line: an object of schema `heirloom-info/1`.
#[derive(clap::Args)]
pub struct Info {
    /// Files to look at; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// One JSON object per line
    #[arg(long)]
    json: bool,

    /// Model file to match the files with, beside the model in this program
    #[arg(long, value_name = "FILE")]
    model: Option<PathBuf>,
}

impl Info {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut cards = vec![models::embedded_card()?];
        if let Some(file) = &self.model {
            cards.push(models::card(file)?);
        }
        let mut failures = Vec::new();
        for path in &self.files {
            match self.one(&Place::new(path), &cards) {
                Ok(text) => println!("{text}"),
                Err(failure) => {
                    eprintln!("heirloom: {failure}");
                    failures.push(failure.kind);
                }
            }
        }
        Ok(exit_code(&failures))
    }

    fn one(&self, place: &Place, cards: &[models::Card]) -> Result<String, Failure> {
        let bytes = place.read()?;
        let file = parse(&bytes, &Limits::none()).map_err(|e| coding::container_failure(&e).of(place))?;
        let fit = cards.iter().map(|card| card.fit(&file.header)).max().unwrap_or(Fit::None);
        Ok(if self.json {
            as_json(place, bytes.len(), &file, fit).to_string()
        } else {
            as_text(place, bytes.len(), &file, fit)
        })
    }
}

fn format_name(format: PixelFormat) -> &'static str {
    match format {
        PixelFormat::Rgb8 => "rgb8",
        PixelFormat::Grey8 => "grey8",
        _ => "unknown",
    }
}

fn blobs(file: &File) -> [(&'static str, Option<usize>); 3] {
    let m = &file.metadata;
    [
        ("icc", m.icc.as_ref().map(Vec::len)),
        ("exif", m.exif.as_ref().map(Vec::len)),
        ("xmp", m.xmp.as_ref().map(Vec::len)),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

fn as_json(place: &Place, length: usize, file: &File, fit: Fit) -> Value {
    let h = &file.header;
    let metadata: serde_json::Map<String, Value> = blobs(file).into_iter().map(|(k, n)| (k.into(), json!(n))).collect();
    json!({
        "schema": "heirloom-info/1",
        "file": place.to_string(),
        "bytes": length,
        "bits_per_pixel": bits_per_pixel(length as u64, h.width, h.height),
        "width": h.width,
        "height": h.height,
        "pixel_format": format_name(h.pixel_format),
        "lambda": h.lambda,
        "entropy_id": hex(&h.entropy_id),
        "generation": h.generation,
        "generation_id": hex(&h.generation_id),
        "latent_bytes": file.latents.each_ref().map(Vec::len),
        "metadata_bytes": metadata,
        "decodable_here": fit >= Fit::Lineage,
        "exact_here": fit == Fit::Generation,
    })
}

fn as_text(place: &Place, length: usize, file: &File, fit: Fit) -> String {
    let h = &file.header;
    let bpp = bits_per_pixel(length as u64, h.width, h.height);
    let latents: Vec<String> =
        file.latents.iter().enumerate().map(|(i, l)| format!("z{} {}", i + 1, l.len())).collect();
    let metadata: Vec<String> = blobs(file).into_iter().filter_map(|(k, n)| n.map(|n| format!("{k} {n}"))).collect();
    let metadata = if metadata.is_empty() { "none".to_owned() } else { metadata.join(", ") + " bytes" };
    let here = match fit {
        Fit::Generation => "decodable and exact: the generation that wrote it is here",
        Fit::Lineage => "decodable, not exact: another generation of its lineage is here",
        Fit::None => "not decodable: no model of its lineage is here; give one with --model",
    };
    format!(
        "{place}\n  picture        {} × {} {}\n  size           {length} bytes, {bpp:.4} bits per pixel\n  λ              {}\n  \
         latents        {} bytes\n  metadata       {metadata}\n  entropy id     {}…\n  generation     {} ({}…)\n  here           {here}",
        h.width,
        h.height,
        format_name(h.pixel_format),
        h.lambda,
        latents.join(", "),
        hex(&h.entropy_id),
        h.generation,
        hex(&h.generation_id),
    )
}
