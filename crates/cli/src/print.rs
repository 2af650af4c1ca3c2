//! Standard output.

use std::fmt::Display;
use std::io::{self, Write};

/// What a shell reports for a program that wrote to a closed pipe.
const CLOSED_PIPE: i32 = 141;

/// Prints a line. Where nobody reads any more (`heirloom info *.hlm | head -1`), the command ends without
/// a word; if the line cannot be written for another reason, it fails.
pub fn line(what: impl Display) {
    text(format_args!("{what}\n"));
}

/// Prints text as it is; see [`line`].
pub fn text(what: impl Display) {
    let mut out = io::stdout().lock();
    let Err(error) = write!(out, "{what}").and_then(|()| out.flush()) else { return };
    heirloom_io::atomic::remove_temporaries();
    if error.kind() == io::ErrorKind::BrokenPipe {
        std::process::exit(CLOSED_PIPE);
    }
    eprintln!("heirloom: standard output: {error}");
    std::process::exit(crate::failure::Kind::Failed as i32);
}
