//! Converts between a model file and the form in which this crate keeps it.
//!
//! `cargo run -p heirloom-default-model --example planes -- split MODEL.safetensors MODEL.planes`
//!
//! `cargo run -p heirloom-default-model --example planes -- join MODEL.planes MODEL.safetensors`

use std::error::Error;
use std::{env, fs};

#[path = "../src/planes.rs"]
mod planes;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [direction, input, output] = arguments.as_slice() else {
        return Err("usage: planes split|join INPUT OUTPUT".into());
    };
    let bytes = fs::read(input)?;
    let converted = match direction.as_str() {
        "split" => planes::split(&bytes),
        "join" => planes::join(&bytes),
        other => return Err(format!("'{other}' is neither 'split' nor 'join'").into()),
    };
    fs::write(output, converted)?;
    Ok(())
}
