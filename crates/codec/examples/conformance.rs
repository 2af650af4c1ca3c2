//! Writes the conformance set of a generation: small files, and hashes of what they decode to.
//!
//! `cargo run --release -p heirloom-codec --example conformance -- NAME.safetensors
//! conformance/NAME`
//!
//! Published files are kept forever. An existing set is replaced only with `--force`, which is for
//! sets that are not published yet.

use std::error::Error;
use std::fs;
use std::path::Path;

use heirloom_codec::image::PixelFormat;
use heirloom_codec::{DecodeOptions, EncodeOptions, Image, Lossless, Model};
use heirloom_format::container::{Cicp, Metadata, Resolution, TileColour, parse};
use images::{Kind, image};
use set::{Entry, Manifest, Older, digest, metadata_digest, pixel_digest};

#[allow(clippy::unwrap_used)] // shared with tests
#[path = "../tests/images/mod.rs"]
mod images;
#[allow(dead_code)] // shared with tests
#[path = "../tests/conformance_set/mod.rs"]
mod set;

/// Kind, width, height, format and λ. The canvases have 1 to 48 units of 64 × 64; the ninth has
/// metadata.
const IMAGES: [(Kind, u32, u32, PixelFormat, f32); 22] = [
    (Kind::Flat, 1, 1, PixelFormat::Rgb8, 32.0),
    (Kind::Noise, 1, 1, PixelFormat::Grey8, 1024.0),
    (Kind::Flat, 64, 64, PixelFormat::Grey8, 256.0),
    (Kind::Noise, 64, 64, PixelFormat::Rgb8, 1024.0),
    (Kind::Photo, 64, 64, PixelFormat::Rgb8, 32.0),
    (Kind::Photo, 64, 64, PixelFormat::Grey8, 1024.0),
    (Kind::Noise, 63, 65, PixelFormat::Grey8, 90.5),
    (Kind::Photo, 63, 65, PixelFormat::Rgb8, 133.7),
    (Kind::Photo, 65, 63, PixelFormat::Rgb8, 256.0),
    (Kind::Photo, 7, 129, PixelFormat::Rgb8, 512.0),
    (Kind::Noise, 7, 129, PixelFormat::Rgb8, 48.0),
    (Kind::Photo, 1, 300, PixelFormat::Grey8, 64.0),
    (Kind::Flat, 300, 1, PixelFormat::Rgb8, 1024.0),
    (Kind::Noise, 192, 192, PixelFormat::Rgb8, 1024.0),
    (Kind::Photo, 500, 333, PixelFormat::Rgb8, 1024.0),
    (Kind::Photo, 250, 190, PixelFormat::Grey8, 100.0),
    (Kind::Photo, 70, 90, PixelFormat::GreyAlpha8, 200.0),
    (Kind::Photo, 64, 64, PixelFormat::Grey16, 1024.0),
    (Kind::Photo, 90, 64, PixelFormat::Rgb16, 700.0),
    (Kind::Photo, 64, 50, PixelFormat::GreyAlpha16, 64.0),
    (Kind::Photo, 40, 64, PixelFormat::Rgba16, 512.0),
    (Kind::Photo, 64, 80, PixelFormat::Rgba8, 300.0),
];

/// Images of which each is in tiles of 128 × 128, stored as the encoder sees fit or without loss.
const TILED: [(Kind, u32, u32, PixelFormat, f32, Lossless); 3] = [
    (Kind::Photo, 300, 200, PixelFormat::Rgba8, 400.0, Lossless::Never),
    (Kind::Flat, 250, 140, PixelFormat::Rgb8, 1024.0, Lossless::WhereBetter),
    (Kind::Photo, 140, 30, PixelFormat::Rgb16, 64.0, Lossless::Always),
];

/// The range of λ in [`IMAGES`]. A wider range of a generation adds one image at each end.
const REACHED: [f32; 2] = [32.0, 1024.0];

/// Largest size of a set in bytes, since it stays in the repository forever.
const MOST_BYTES: usize = 300_000;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let force = arguments.iter().position(|a| a == "--force").map(|at| arguments.remove(at)).is_some();
    let [model_path, out] = arguments.as_slice() else {
        return Err("usage: conformance MODEL OUTDIR [--force]".into());
    };
    let out = Path::new(out);
    let manifest_path = out.join("manifest.json");
    if manifest_path.exists() && !force {
        let path = manifest_path.display();
        return Err(format!(
            "{path} exists, and published files are kept forever; --force replaces an unpublished set"
        )
        .into());
    }
    let model = Model::from_bytes(&fs::read(model_path)?)?;
    if model.metadata().preview {
        eprintln!("note: the model is a preview; do not publish this set");
    }

    fs::create_dir_all(out)?;
    for entry in fs::read_dir(out)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "hlm") {
            fs::remove_file(path)?;
        }
    }
    let lineage = &model.metadata().lineage;
    let range = model.metadata().lambda.encoder;
    let mut images = IMAGES.to_vec();
    for (lambda, beyond) in [(range.low, range.low < REACHED[0]), (range.high, range.high > REACHED[1])] {
        if beyond {
            images.push((Kind::Photo, 190, 130, PixelFormat::Rgb8, lambda));
        }
    }
    let mut manifest = Manifest {
        entropy_id: lineage.entropy_id.to_string(),
        generation: lineage.generation,
        generation_id: lineage.generation_id.to_string(),
        files: Vec::new(),
        older: Vec::new(),
    };
    let alone = images.into_iter().map(|(kind, width, height, format, lambda)| {
        (image(kind, width, height, format), kind, EncodeOptions::new(lambda).with_lossless(Lossless::Never))
    });
    let tiled = TILED.into_iter().map(|(kind, width, height, format, lambda, lossless)| {
        let mut options = EncodeOptions::new(lambda).with_lossless(lossless);
        options.tiles.side = 128;
        (image(kind, width, height, format), kind, options)
    });
    let mut total = 0;
    for (number, (image, kind, options)) in alone.chain(tiled).enumerate() {
        let (entry, bytes) = write_one(&model, number, image, kind, &options)?;
        fs::write(out.join(&entry.name), &bytes)?;
        total += bytes.len();
        manifest.files.push(entry);
    }
    manifest.older = older(&model, out)?;
    fs::write(&manifest_path, serde_json::to_string_pretty(&manifest)? + "\n")?;
    println!("{} files, {total} bytes, and those of {} older sets", manifest.files.len(), manifest.older.len());
    if total > MOST_BYTES {
        return Err(format!("{total} bytes are too many, {MOST_BYTES} are allowed; shrink IMAGES").into());
    }
    Ok(())
}

/// Results of the model for the other sets in the folder of `out`, by earlier generations of its
/// lineage.
fn older(model: &Model, out: &Path) -> Result<Vec<Older>, Box<dyn Error>> {
    let lineage = &model.metadata().lineage;
    let mut found = Vec::new();
    let sets = fs::canonicalize(out)?.parent().map(Path::to_owned).ok_or("the set must lie in a folder of sets")?;
    for folder in fs::read_dir(sets)? {
        let folder = folder?.path();
        let Ok(text) = fs::read(folder.join("manifest.json")) else { continue };
        let manifest: Manifest = serde_json::from_slice(&text)?;
        if manifest.entropy_id != lineage.entropy_id.to_string() || manifest.generation >= lineage.generation {
            continue;
        }
        let mut pixels = Vec::new();
        for entry in &manifest.files {
            let bytes = fs::read(folder.join(&entry.name))?;
            let latents = model.decode_latents(&bytes, &DecodeOptions::default())?;
            if blake3::Hash::from_bytes(latents.hash()).to_hex().as_str() != entry.latents {
                return Err(format!("{} decodes to other latents than were written", entry.name).into());
            }
            pixels.push(pixel_digest(&model.decode(&bytes, &DecodeOptions::default())?));
        }
        let set = folder.file_name().and_then(|name| name.to_str()).ok_or("the set's name is no Unicode")?;
        found.push(Older { set: set.to_owned(), pixels });
    }
    found.sort_by(|a, b| a.set.cmp(&b.set));
    Ok(found)
}

/// Encodes an image, and hashes what it decodes to.
fn write_one(
    model: &Model,
    number: usize,
    mut image: Image,
    kind: Kind,
    options: &EncodeOptions,
) -> Result<(Entry, Vec<u8>), Box<dyn Error>> {
    if number == 8 {
        image.metadata = Metadata {
            icc: Some((0..=255).collect()),
            exif: Some(b"MM\0\x2a\0\0\0\x08\0\0\0\0\0\0".to_vec()),
            xmp: Some(b"<x:xmpmeta xmlns:x='adobe:ns:meta/'/>".to_vec()),
            cicp: Some(Cicp { primaries: 12, transfer: 13, matrix: 0, full_range: true }),
            resolution: Some(Resolution { x: 11811, y: 11811, per_metre: true }),
        };
    }
    let (bytes, summary) = model.encode_with_summary(&image, options)?;
    let (same, report) = model.encode_with_report(&image, options)?;
    let latents = model.decode_latents(&bytes, &DecodeOptions::default())?;
    if same != bytes || latents != report.latents {
        return Err("the file does not decode to the latents that were encoded".into());
    }
    let decoded = model.decode(&bytes, &DecodeOptions::default())?;
    let (width, height, format) = (image.width(), image.height(), image.format().name());
    let image = format!("{kind:?}").to_lowercase();
    let entry = Entry {
        name: format!("{number:02}-{image}-{width}x{height}-{format}.hlm"),
        image,
        width,
        height,
        format: format.to_owned(),
        lambda: options.lambda,
        tiles: summary.tiles,
        lossless_tiles: summary.lossless_tiles,
        file: digest(&bytes),
        latents: blake3::Hash::from_bytes(latents.hash()).to_hex().to_string(),
        pixels: Some(pixel_digest(&decoded)),
        metadata: metadata_digest(&decoded.metadata),
    };
    // Number of coder states of each section: the low two bits of the payload are its logarithm.
    let file = parse(&bytes, &DecodeOptions::default().limits)?;
    let states = file.tiles.iter().map(|tile| match &tile.colour {
        TileColour::Latents(latents) => {
            latents.each_ref().map(|payload| payload.first().map_or(0, |first| 1 << (first & 3)))
        }
        TileColour::Lossless(_) => [0; 4],
    });
    let states: Vec<[u32; 4]> = states.collect();
    println!("{:32} λ = {:6} {:6} bytes, coder states {states:?}", entry.name, entry.lambda, bytes.len());
    Ok((entry, bytes))
}
