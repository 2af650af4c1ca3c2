//! Converts a PNG to Heirloom or back, by means of the `image` crate.
//!
//! `cargo run --release -p heirloom --features image --example convert -- IN OUT`

use std::error::Error;
use std::path::Path;

use heirloom::{EncodeOptions, Image};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args_os().skip(1).collect();
    let [input, output] = arguments.as_slice() else { return Err("usage: convert IN OUT".into()) };
    heirloom::image_hook::register();
    let image = image::open(input)?;
    if Path::new(output).extension().is_some_and(|extension| extension == heirloom::image_hook::EXTENSION) {
        let image = Image::try_from(image)?;
        std::fs::write(output, heirloom::encode(&image, &EncodeOptions::default())?)?;
    } else {
        image.save(output)?;
    }
    Ok(())
}
