//! The command `heirloom`, as a library of one function, so that other programs can carry the command: the
//! Python package does.
//!
//! `verbs` holds one file per verb. The other modules are shared by verbs: files and streams
//! (`location`), which output belongs to which input (`jobs`), the codec (`coding`) with its models
//! (`models`), how images are read and written (`image_flags`, `output_format`), folders of images (`folder`), whole
//! trees (`tree`) with their `journal`, other codecs (`peers`), the proof that a newer model keeps an older one's files (`proof`), several
//! files at once (`batch`), the page of `view` and its server (`page`), standard output (`print`), and failures with
//! their exit status (`failure`).
#![forbid(unsafe_code)]

mod batch;
mod coding;
mod failure;
mod folder;
mod image_flags;
mod jobs;
mod journal;
mod location;
mod models;
mod output_format;
mod page;
mod peers;
mod print;
mod proof;
mod search_bar;
mod tree;
mod verbs;

use std::ffi::OsString;
use std::num::NonZero;

use clap::{Parser, Subcommand};

pub use failure::ExitCode;
use failure::Failure;

const EXIT_STATUS: &str = "\
Exit status:
  0  everything was done
  1  a file could not be read or written, an internal error, or failures of several kinds
  2  the command line asks for something that cannot be done
  3  a file is sound but not supported, or needs a model that is not here
  4  a file is damaged, cut short, or not what it claims to be
  5  models verify, models publish: the new model does not decode the files of the old one
  6  models verify, models publish: the new model decodes them, but makes their images worse
If a file fails, the other ones are still done. The exit status is that of the failures if they are all of one kind, else 1.";

/// A learned image codec: small files that every later model still decodes.
///
/// Heirloom files (.hlm) carry the id of the model lineage that decodes them. A model that has
/// learned more still decodes every file of its lineage. A default model is built into this
/// program.
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
    /// Number of threads; results do not depend on it [default: one per core]
    #[arg(long, global = true, value_name = "N")]
    threads: Option<NonZero<usize>>,

    /// Print nothing but errors and warnings
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
    View(verbs::view::View),
    Models(verbs::models::Models),
    /// Train a model from scratch (runs heirloom-train)
    #[command(disable_help_flag = true)]
    Train(verbs::handover::Arguments),
    /// Teach a model new kinds of images or new rates; old files stay decodable (runs
    /// heirloom-train)
    #[command(disable_help_flag = true)]
    Learn(verbs::handover::Arguments),
    /// Write the weights of a training run as a model file (runs heirloom-train)
    #[command(disable_help_flag = true)]
    Export(verbs::handover::Arguments),
    /// Estimate rate and PSNR of a training run (runs heirloom-train)
    #[command(disable_help_flag = true)]
    Validate(verbs::handover::Arguments),
    /// Estimate rate and PSNR of each image, also of old latents in a newer decoder (runs
    /// heirloom-train)
    #[command(disable_help_flag = true)]
    Measure(verbs::handover::Arguments),
    /// Run the paper's experiments: compare systems and learning strategies (runs heirloom-experiment)
    #[command(disable_help_flag = true)]
    Experiment(verbs::handover::Arguments),
    Manual(verbs::manual::Manual),
}

/// Runs the command with these arguments, of which the first is the program's name, and returns its exit
/// status.
///
/// It makes this process its own: it builds rayon's global pool, handles signals, and silences panics that
/// are reported as failures. Errors in the arguments, and `--help`, end the process.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = Cli::parse_from(arguments);
    let common = &cli.common;
    let threads = batch::threads(common.threads);
    batch::silence_guarded_panics();
    // Not where a signal is ignored, as under nohup: it stays so. Without a handler, an end by a signal
    // may leave a temporary file behind, which is no reason not to work.
    let _ = ctrlc::try_set_handler(end_by_signal);
    // The codec works on the global pool, which is built here, before anything could have built it.
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
        Verb::View(verb) => verb.run(common.quiet),
        Verb::Models(verb) => verb.run(threads, common.quiet),
        Verb::Train(arguments) => arguments.train("train", common.threads),
        Verb::Learn(arguments) => arguments.train("learn", common.threads),
        Verb::Export(arguments) => arguments.train("export", common.threads),
        Verb::Validate(arguments) => arguments.train("validate", common.threads),
        Verb::Measure(arguments) => arguments.train("measure", common.threads),
        Verb::Experiment(arguments) => arguments.experiment(common.threads),
        Verb::Manual(verb) => verb.run(),
    })
}

/// Ends the program, as an interrupt (Ctrl-C), hang-up or termination asks for.
fn end_by_signal() {
    /// What a shell reports for a program that was interrupted.
    const INTERRUPTED: i32 = 130;
    heirloom_io::atomic::remove_temporaries();
    std::process::exit(INTERRUPTED);
}

fn report(result: Result<ExitCode, Failure>) -> ExitCode {
    result.unwrap_or_else(|failure| {
        eprintln!("heirloom: {failure}");
        ExitCode::from(failure.kind as u8)
    })
}
