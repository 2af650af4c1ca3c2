//! The command `heirloom-train`.

#![forbid(unsafe_code)]

mod console;
mod device;
mod verbs;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

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
    Experiment(Box<verbs::experiment::Experiment>),
    Pack(verbs::pack::Pack),
    Preset(verbs::preset::Preset),
}

fn main() -> ExitCode {
    heirloom_kernels::allocator::keep_freed();
    console::start();
    let cli = Cli::parse();
    if let Some(threads) = cli.threads
        && let Err(e) = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global()
    {
        eprintln!("heirloom-train: cannot start {threads} threads: {e}");
        return ExitCode::FAILURE;
    }
    // Runs on a thread of the pool, because a step enters and leaves the pool hundreds of times.
    let result = rayon::scope(|_| match cli.verb {
        Verb::Train(verb) => verb.run(),
        Verb::Learn(verb) => verb.run(),
        Verb::Export(verb) => verb.run(),
        Verb::Validate(verb) => verb.run(),
        Verb::Measure(verb) => verb.run(),
        Verb::Experiment(verb) => verb.run(),
        Verb::Pack(verb) => verb.run(),
        Verb::Preset(verb) => verb.run(),
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            eprintln!("heirloom-train: {e}");
            ExitCode::FAILURE
        }
    }
}
