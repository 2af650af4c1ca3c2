//! JPEG XL, by the program `cjxl` of libjxl.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, Output};

use heirloom_codec::Image;

use crate::failure::Failure;

const PROGRAM: &str = "cjxl";
/// Time that is spent on smaller files, 1 to 9; the program's own default.
pub const EFFORT: u8 = 7;

/// Encodes by files in the folder of `scratch`, which is a path that nobody else uses.
pub fn encode(image: &Image, quality: u8, scratch: &Path) -> Result<Vec<u8>, Failure> {
    let (source, target) = (scratch.with_extension("ppm"), scratch.with_extension("jxl"));
    let failed = |e: std::io::Error| Failure::failed(format!("{}: {e}", source.display()));
    let mut pixels = format!("P6\n{} {}\n255\n", image.width(), image.height()).into_bytes();
    pixels.extend_from_slice(&image.to_rgb());
    fs::write(&source, pixels).map_err(failed)?;
    let flags = ["-q", &quality.to_string(), "-e", &EFFORT.to_string(), "--num_threads=0", "--quiet"];
    let done = run(Command::new(PROGRAM).args([&source, &target]).args(flags))?;
    if !done.status.success() {
        return Err(Failure::failed(format!("{PROGRAM}: {}", String::from_utf8_lossy(&done.stderr).trim())));
    }
    let coded = fs::read(&target).map_err(failed);
    [&source, &target].into_iter().try_for_each(fs::remove_file).map_err(failed)?;
    coded
}

/// Name and version of the program.
pub fn version() -> Result<String, Failure> {
    let said = run(Command::new(PROGRAM).arg("--version"))?.stdout;
    let said = String::from_utf8_lossy(&said);
    // `cjxl v0.7.0 [AVX2,…]`
    Ok(said.split(" [").next().unwrap_or(PROGRAM).trim().into())
}

fn run(command: &mut Command) -> Result<Output, Failure> {
    command.output().map_err(|error| match error.kind() {
        ErrorKind::NotFound => Failure::usage(format!(
            "jxl is measured by the program {PROGRAM}, which is not installed; Debian has it in the package libjxl-tools"
        )),
        _ => Failure::failed(format!("{PROGRAM}: {error}")),
    })
}
