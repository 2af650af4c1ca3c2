//! `heirloom models`, with one file per verb.

mod add;
mod card;
mod lineage;
mod list;
mod publish;
mod show;
mod verify;

use clap::Subcommand;

use crate::failure::{ExitCode, Failure};

/// Manage models: list, add and show them, prove that a new one keeps old files, publish it
///
/// The model store is a folder with models of any lineage and generation. Decoding a file finds the
/// model it needs by the id in its header. The default model, which is part of this program, always
/// belongs to the store. Without a verb, the models are listed.
#[derive(clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Models {
    #[command(subcommand)]
    verb: Option<Verb>,

    #[command(flatten)]
    list: list::List,
}

#[derive(Subcommand)]
enum Verb {
    List(list::List),
    Add(add::Add),
    Show(show::Show),
    Lineage(lineage::Lineage),
    Verify(verify::Verify),
    Publish(publish::Publish),
}

impl Models {
    pub fn run(&self, threads: usize, quiet: bool) -> Result<ExitCode, Failure> {
        match &self.verb {
            None => self.list.run(),
            Some(Verb::List(verb)) => verb.run(),
            Some(Verb::Add(verb)) => verb.run(quiet),
            Some(Verb::Show(verb)) => verb.run(),
            Some(Verb::Lineage(verb)) => verb.run(),
            Some(Verb::Verify(verb)) => verb.run(threads, quiet),
            Some(Verb::Publish(verb)) => verb.run(threads, quiet),
        }
    }
}
