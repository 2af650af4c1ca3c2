//! The library's log on the console: progress on stdout, warnings on stderr.

use std::io::Write;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Prints the messages of the library as they are.
struct Console;

/// Starts printing progress and warnings.
pub fn start() {
    // It fails only if there is a logger already.
    if log::set_logger(&Console).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

/// Stops printing progress.
pub fn set_quiet(quiet: bool) {
    if quiet {
        log::set_max_level(LevelFilter::Warn);
    }
}

impl Log for Console {
    fn enabled(&self, metadata: &Metadata) -> bool {
        // Not the messages of other libraries.
        ["heirloom_train", "heirloom_experiment"].iter().any(|name| metadata.target().starts_with(name))
    }

    fn log(&self, record: &Record) {
        if self.enabled(record.metadata()) {
            // A closed pipe must not end a long training.
            let _ = if record.level() <= Level::Warn {
                writeln!(std::io::stderr(), "{}", record.args())
            } else {
                writeln!(std::io::stdout(), "{}", record.args())
            };
        }
    }

    fn flush(&self) {}
}
