//! The command `heirloom-train`.

#![forbid(unsafe_code)]

mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use heirloom_train::terminal::{self, console};

/// Train the Heirloom image codec.
#[derive(Parser)]
#[command(name = "heirloom-train", version)]
struct Cli {
    /// Number of CPU threads [default: one per core].
    #[arg(long, global = true)]
    threads: Option<usize>,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    Train(verbs::train::Train),
    Learn(Box<verbs::learn::Learn>),
    Export(verbs::export::Export),
    Validate(verbs::validate::Validate),
    Measure(verbs::measure::Measure),
    Pack(verbs::pack::Pack),
    Preset(verbs::preset::Preset),
}

fn main() -> ExitCode {
    console::start();
    let cli = Cli::parse();
    terminal::main("heirloom-train", cli.threads, || match cli.verb {
        Verb::Train(verb) => verb.run(),
        Verb::Learn(verb) => verb.run(),
        Verb::Export(verb) => verb.run(),
        Verb::Validate(verb) => verb.run(),
        Verb::Measure(verb) => verb.run(),
        Verb::Pack(verb) => verb.run(),
        Verb::Preset(verb) => verb.run(),
    })
}
