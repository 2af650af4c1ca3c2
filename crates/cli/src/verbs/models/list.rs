//! `heirloom models list`

use std::process::ExitCode;

use heirloom_store::Member;
use serde_json::{Value, json};

use crate::failure::{Failure, exit_code};
use crate::models::StoreFlag;

/// List the models at hand: the one in this program and those of the store
///
/// Two models with the same entropy id are of one lineage, and decode each other's files. Files of the store that cannot be read
/// are named on standard error, and give the exit status.
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    store: StoreFlag,

    /// One JSON object per line, of schema `heirloom-models/1`
    #[arg(long)]
    json: bool,
}

impl List {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut store = self.store.open()?;
        store.members.sort_by_key(|m| (m.lineage().entropy_id, m.lineage().generation));
        let mut lineage = None;
        for member in &store.members {
            if self.json {
                println!("{}", as_json(member));
                continue;
            }
            let id = member.lineage().entropy_id;
            if lineage != Some(id) {
                println!("lineage {id}");
                lineage = Some(id);
            }
            println!("  {}", as_line(member));
        }
        if !self.json {
            let place = store.folder.as_ref().map_or_else(|| "none".into(), |folder| folder.display().to_string());
            println!("store: {place}");
        }
        let failures: Vec<Failure> = store.unreadable.into_iter().map(Failure::from).collect();
        for failure in &failures {
            eprintln!("heirloom: {failure}");
        }
        Ok(exit_code(&failures.iter().map(|failure| failure.kind).collect::<Vec<_>>()))
    }
}

/// A model as JSON: what `list` and `show` write.
pub fn as_json(member: &Member) -> Value {
    json!({
        "schema": "heirloom-models/1",
        "name": member.name(),
        "bytes": member.bytes(),
        "parameters": member.metadata().spec.parameter_count(),
        "model": member.metadata(),
    })
}

fn as_line(member: &Member) -> String {
    let m = member.metadata();
    let range = m.lambda.encoder;
    let mut text = format!("{}  λ {} to {}", member.generation(), range.low, range.high);
    if m.preview {
        text += "  preview";
    }
    if m.record.is_some() {
        text += "  published";
    }
    text + &format!("  {}", member.name())
}
