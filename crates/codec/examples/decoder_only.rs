//! Writes a model file without its encoder: half as large, for programs that only decode.
//!
//! ```sh
//! cargo run --release -p heirloom-codec --example decoder_only -- OUT.safetensors [MODEL.safetensors]
//! ```
//!
//! Without `MODEL`, it is the default model.

use std::error::Error;
use std::{env, fs};

use heirloom_codec::model::ModelFile;

fn main() -> Result<(), Box<dyn Error>> {
    let mut paths = env::args_os().skip(1);
    let out = paths.next().ok_or("usage: decoder_only OUT.safetensors [MODEL.safetensors]")?;
    let model = match paths.next() {
        Some(path) => ModelFile::from_bytes(&fs::read(path)?)?,
        None => ModelFile::from_bytes(heirloom_default_model::bytes())?,
    };
    let bytes = model.without_encoder().to_bytes()?;
    fs::write(&out, &bytes)?;
    println!("{}: {} bytes", out.to_string_lossy(), bytes.len());
    Ok(())
}
