//! `heirloom models list`

use heirloom_store::StoredModel;
use serde_json::{Value, json};

use crate::failure::{ExitCode, Failure, exit_code};
use crate::models::StoreFlag;
use crate::print;

/// List the default model and the models of the store
///
/// Models with the same entropy id belong to one lineage, and decode each other's files. Files of
/// the store that cannot be read are reported on standard error, and determine the exit status.
#[derive(clap::Args)]
pub struct List {
    #[command(flatten)]
    store: StoreFlag,

    /// Print one JSON object per line, of schema heirloom-models/1
    #[arg(long)]
    json: bool,
}

impl List {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut store = self.store.open()?;
        store.models.sort_by_key(|m| (m.lineage().entropy_id, m.lineage().generation));
        let mut lineage = None;
        for model in &store.models {
            if self.json {
                print::line(as_json(model));
                continue;
            }
            let id = model.lineage().entropy_id;
            if lineage != Some(id) {
                print::line(format_args!("lineage {id}"));
                lineage = Some(id);
            }
            print::line(format_args!("  {}", as_line(model)));
        }
        if !self.json {
            let folder = store.folder.as_ref().map_or_else(|| "none".into(), |folder| folder.display().to_string());
            print::line(format_args!("store: {folder}"));
        }
        let failures: Vec<Failure> = store.unreadable.into_iter().map(Failure::from).collect();
        for failure in &failures {
            eprintln!("heirloom: {failure}");
        }
        Ok(exit_code(&failures.iter().map(|failure| failure.kind).collect::<Vec<_>>()))
    }
}

/// A model as JSON, in `list` and `show`.
pub fn as_json(model: &StoredModel) -> Value {
    json!({
        "schema": "heirloom-models/1",
        "name": model.name(),
        "bytes": model.bytes(),
        "parameters": model.metadata().spec.parameter_count(),
        "model": model.metadata(),
    })
}

fn as_line(model: &StoredModel) -> String {
    let m = model.metadata();
    let range = m.lambda.encoder;
    let mut text = format!("{}  λ {} to {}", model.generation(), range.low, range.high);
    if m.preview {
        text += "  preview";
    }
    if m.record.is_some() {
        text += "  published";
    }
    text + &format!("  {}", model.name())
}
