//! The command `heirloom`.
//!
//! `verbs` holds one file per verb; the rest is what verbs share: files and streams (`location`), which output belongs
//! to which input (`jobs`), the codec with its models (`models`, `coding`), the proof that a newer
//! model keeps an older one's files (`proof`), several files at once (`batch`) and failures
//! with their exit status (`failure`).
#![forbid(unsafe_code)]

mod batch;
mod coding;
mod failure;
mod folder;
mod jobs;
mod location;
mod models;
mod output_format;
mod peers;
mod proof;
mod verbs;

use std::num::NonZero;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

const EXIT_STATUS: &str = "\
Exit status:
  0  everything was done
  1  a file could not be read or written, or several files failed for different reasons
  2  the command line asks for something that cannot be done
  3  a file is sound but not supported, or needs a model that is not here
  4  a file is damaged, cut short, or not what it says it is
  5  models verify, models publish: the new model does not decode the old one's files
  6  models verify, models publish: it decodes them, but makes their images worse
With several files the rest is done after a failure; the status is the failures' own if they are all of one kind.";

/// Images into small files that every later model still decodes.
///
/// Heirloom is a learned image codec. Its files (.hlm) carry the id of the model family that decodes them, and a model
/// that has learned more still decodes every file of its family. A default model is inside this program.
#[derive(Parser)]
#[command(name = "heirloom", version, after_help = EXIT_STATUS, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,

    #[command(flatten)]
    common: Common,
}

/// Flags of every verb.
#[derive(clap::Args)]
struct Common {
    /// Number of threads to work on [default: one per core]; the results do not depend on it
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// Print nothing but errors
    #[arg(long, global = true)]
    quiet: bool,
}

#[derive(Subcommand)]
enum Verb {
    Encode(verbs::encode::Encode),
    Decode(verbs::decode::Decode),
    Info(verbs::info::Info),
    Eval(verbs::eval::Eval),
    Compare(verbs::compare::Compare),
    Models(verbs::models::Models),
    /// Train a model from scratch (by heirloom-train)
    #[command(disable_help_flag = true)]
    Train(verbs::handover::Arguments),
    /// Teach a model new images or rates; old files stay decodable (by heirloom-train)
    #[command(disable_help_flag = true)]
    Learn(verbs::handover::Arguments),
    /// Write the weights of a training run as a model file (by heirloom-train)
    #[command(disable_help_flag = true)]
    Export(verbs::handover::Arguments),
    /// Estimate rate and PSNR of a training run (by heirloom-train)
    #[command(disable_help_flag = true)]
    Validate(verbs::handover::Arguments),
    /// Estimate rate and PSNR of each image, also of old latents in a newer decoder (by heirloom-train)
    #[command(disable_help_flag = true)]
    Measure(verbs::handover::Arguments),
    /// Compare all systems and strategies: the paper's experiments (by heirloom-train)
    #[command(disable_help_flag = true)]
    Experiment(verbs::handover::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let common = &cli.common;
    let threads = batch::threads(common.threads);
    // The codec works on the global pool. It is built here, once, so building it cannot fail for being there already.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    if let Err(error) = pool {
        return report(Err(Failure::failed(format!("cannot start {threads} threads: {error}"))));
    }
    report(match &cli.verb {
        Verb::Encode(verb) => verb.run(threads, common.quiet),
        Verb::Decode(verb) => verb.run(threads, common.quiet),
        Verb::Info(verb) => verb.run(),
        Verb::Eval(verb) => verb.run(threads, common.quiet),
        Verb::Compare(verb) => verb.run(common.quiet),
        Verb::Models(verb) => verb.run(threads, common.quiet),
        Verb::Train(arguments) => arguments.hand_over("train", common),
        Verb::Learn(arguments) => arguments.hand_over("learn", common),
        Verb::Export(arguments) => arguments.hand_over("export", common),
        Verb::Validate(arguments) => arguments.hand_over("validate", common),
        Verb::Measure(arguments) => arguments.hand_over("measure", common),
        Verb::Experiment(arguments) => arguments.hand_over("experiment", common),
    })
}

fn report(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        eprintln!("heirloom: {failure}");
        ExitCode::from(failure.kind as u8)
    })
}
