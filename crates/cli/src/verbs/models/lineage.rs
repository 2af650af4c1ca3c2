//! `heirloom models lineage`

use heirloom_codec::model::{EntropyId, GenerationId};
use heirloom_store::{ModelRef, Store, StoredModel};

use crate::failure::{ExitCode, Failure};
use crate::models::StoreFlag;
use crate::print;

/// Show which generation learned from which
///
/// Prints one tree per lineage, with each generation below the one it learned from. Parents that
/// are not here are named.
#[derive(clap::Args)]
pub struct Lineage {
    /// Show only the lineage of this model: a file, 'default', or 8 or more digits of the
    /// generation id of a model in the store
    #[arg(value_name = "FILE|ID")]
    model: Option<ModelRef>,

    #[command(flatten)]
    store: StoreFlag,
}

impl Lineage {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let store = self.store.open()?;
        let asked_for = self.model.as_ref().map(|model| store.find(model)).transpose()?;
        let Store { mut models, unreadable, .. } = store;
        let only = asked_for.as_ref().map(|model| model.lineage().entropy_id);
        models.extend(asked_for);
        models.sort_by_key(|m| (m.lineage().entropy_id, m.lineage().generation, id(m)));
        models.dedup_by_key(|m| id(m));
        let mut lineages: Vec<EntropyId> = models.iter().map(|m| m.lineage().entropy_id).collect();
        lineages.dedup();
        for lineage in lineages.into_iter().filter(|id| only.is_none_or(|only| only == *id)) {
            print::line(format_args!("lineage {lineage}"));
            let here: Vec<&StoredModel> = models.iter().filter(|m| m.lineage().entropy_id == lineage).collect();
            print::text(tree(&here));
        }
        for error in &unreadable {
            eprintln!("heirloom: {error}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn id(model: &StoredModel) -> GenerationId {
    model.lineage().generation_id
}

/// The models of a lineage in ascending number, each below its parent.
fn tree(models: &[&StoredModel]) -> String {
    let mut text = String::new();
    for model in models {
        match model.lineage().parent {
            None => branch(model, models, 1, &mut text),
            Some(parent) if models.iter().all(|m| id(m) != parent) => {
                text += &format!("  (not here: {parent})\n");
                branch(model, models, 2, &mut text);
            }
            Some(_) => {}
        }
    }
    text
}

fn branch(model: &StoredModel, models: &[&StoredModel], depth: usize, text: &mut String) {
    // A longer chain of parents is a circle, which only files that were tampered with can form.
    if depth > models.len() + 2 {
        return;
    }
    let m = model.metadata();
    let range = m.lambda.encoder;
    *text += &format!("{}{}  λ {} to {}", "  ".repeat(depth), model.generation(), range.low, range.high);
    if let Some(proof) = m.record.as_ref().and_then(|record| record.proofs.first()) {
        let least = proof.points.iter().filter_map(|point| point.difference).min_by(f64::total_cmp);
        *text += &format!("  published, {:+.3} dB on its parent's files at least", least.unwrap_or(f64::INFINITY));
    }
    *text += &format!("  {}\n", model.name());
    for child in models.iter().filter(|m| m.lineage().parent == Some(id(model))) {
        branch(child, models, depth + 1, text);
    }
}
