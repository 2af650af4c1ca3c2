//! Reads images and writes what was read for other programs to compare with.
//!
//! `read_all FOLDER [as-stored] < NAMES` reads the files named on standard input, one a line, and prints a line
//! for each, separated by tabs: its number from 0, milliseconds, `ok`, width, height, pixel format
//! and notes, or its number, milliseconds, the kind of error, and the error. The samples go to
//! FOLDER/NUMBER.raw (16 bits in the byte order of the machine), metadata to NUMBER.icc, .exif and
//! .xmp. Orientation is applied, unless `as-stored` is given.

use std::error::Error;
use std::io::BufRead;
use std::path::PathBuf;
use std::time::Instant;

use heirloom_io::{ReadError, ReadOptions, read_noting};

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args_os().nth(1).ok_or("usage: read_all FOLDER [as-stored] < NAMES")?);
    std::panic::set_hook(Box::new(|_| {}));
    let mut options = ReadOptions::default();
    options.upright = std::env::args().nth(2).as_deref() != Some("as-stored");
    for (number, name) in std::io::stdin().lock().lines().enumerate() {
        let bytes = std::fs::read(name?)?;
        let start = Instant::now();
        let read = read_noting(&bytes, &options);
        let milliseconds = start.elapsed().as_millis();
        let kind = match &read {
            Ok(read) => {
                let (image, path) = (&read.image, |ending| folder.join(format!("{number}.{ending}")));
                std::fs::write(path("raw"), image.data())?;
                let m = &image.metadata;
                for (ending, blob) in [("icc", &m.icc), ("exif", &m.exif), ("xmp", &m.xmp)] {
                    if let Some(blob) = blob {
                        std::fs::write(path(ending), blob)?;
                    }
                }
                let (width, height, format) = (image.width(), image.height(), image.format().name());
                println!("{number}\t{milliseconds}\tok\t{width}\t{height}\t{format}\t{}", read.notes.join("; "));
                continue;
            }
            Err(ReadError::Damaged(_)) => "damaged",
            Err(ReadError::Unsupported(_)) => "unsupported",
            Err(ReadError::Internal(_)) => "panic",
            Err(_) => "failed",
        };
        let text = read.map(drop).err().map(|error| error.to_string().replace(['\n', '\t'], " ")).unwrap_or_default();
        println!("{number}\t{milliseconds}\t{kind}\t{text}");
    }
    Ok(())
}
