//! The command `heirloom-train`.

#![forbid(unsafe_code)]

mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use heirloom_train::{
    Result,
    terminal::{self, console},
};

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
    Grow(verbs::grow::Grow),
    Export(verbs::export::Export),
    Validate(verbs::validate::Validate),
    Measure(verbs::measure::Measure),
    Pack(verbs::pack::Pack),
    NearDuplicates(verbs::near_duplicates::NearDuplicates),
    Preset(verbs::preset::Preset),
}

fn main() -> ExitCode {
    console::start();
    let cli = Cli::parse();
    terminal::main("heirloom-train", cli.threads, || match cli.verb {
        Verb::Train(verb) => done(verb.run()),
        Verb::Learn(verb) => done(verb.run()),
        Verb::Grow(verb) => done(verb.run()),
        Verb::Export(verb) => done(verb.run()),
        Verb::Validate(verb) => done(verb.run()),
        Verb::Measure(verb) => done(verb.run()),
        Verb::Pack(verb) => done(verb.run()),
        Verb::NearDuplicates(verb) => verb.run(),
        Verb::Preset(verb) => done(verb.run()),
    })
}

fn done(result: Result<()>) -> Result<ExitCode> {
    result.map(|()| ExitCode::SUCCESS)
}
