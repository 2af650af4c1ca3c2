//! `heirloom models show`

use heirloom_store::{ModelRef, StoredModel};

use super::list::as_json;
use crate::failure::{ExitCode, Failure};
use crate::models::StoreFlag;
use crate::print;

/// Show what is known about models: ids, origin, and what was proven when they were published
///
/// Every weight is read and checked against the ids.
#[derive(clap::Args)]
pub struct Show {
    /// Models to show, each a file, 'default', or 8 or more digits of the generation id of a model
    /// in the store
    #[arg(required = true, value_name = "FILE|ID")]
    models: Vec<ModelRef>,

    #[command(flatten)]
    store: StoreFlag,

    /// Print one JSON object per line, of schema heirloom-models/1
    #[arg(long)]
    json: bool,
}

impl Show {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let store = self.store.open()?;
        for model in &self.models {
            let model = store.find(model)?;
            model.load()?;
            if self.json { print::line(as_json(&model)) } else { print::text(as_text(&model)) }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_text(model: &StoredModel) -> String {
    let m = model.metadata();
    let parent = m.lineage.parent.map_or_else(|| "none".into(), |id| id.to_string());
    let mut text = format!(
        "{}\n  generation     {}{}\n  entropy id     {}\n  generation id  {}\n  parent         {parent}\n  λ range        {} to {}\n  \
         parameters     {}\n  size           {} bytes\n",
        model.name(),
        m.lineage.generation,
        if m.preview { " (preview: files made with it may become undecodable)" } else { "" },
        m.lineage.entropy_id,
        m.lineage.generation_id,
        m.lambda.encoder.low,
        m.lambda.encoder.high,
        m.spec.parameter_count(),
        model.bytes(),
    );
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            text += &format!("  {name:<14} {value}\n");
        }
    };
    for id in &m.lineage.add_ons {
        line("add-on", id.to_string());
    }
    line("licence", m.licence.clone());
    let p = &m.provenance;
    line("data manifest", p.data_manifest.clone().unwrap_or_default());
    line("steps", p.steps.map(|n| n.to_string()).unwrap_or_default());
    line("seed", p.seed.map(|n| n.to_string()).unwrap_or_default());
    line("code", p.code_revision.clone().unwrap_or_default());
    for (name, note) in &p.notes {
        line("note", format!("{name}: {note}"));
    }
    for proof in m.record.iter().flat_map(|record| &record.proofs) {
        line(
            "proven",
            format!(
                "keeps the files of generation {} ({:.16}…), {} images of {}",
                proof.generation,
                proof.generation_id.to_string(),
                proof.images,
                proof.dataset
            ),
        );
        for point in &proof.points {
            let number = |value: Option<f64>| value.map_or_else(|| "infinite".into(), |v| format!("{v:.3}"));
            line(
                "",
                format!(
                    "λ {}: {} dB as it decoded them, {} dB now (at worst {:+.3} dB, {})",
                    point.lambda,
                    number(point.psnr_old),
                    number(point.psnr_new),
                    point.worst.unwrap_or(f64::INFINITY),
                    point.worst_image
                ),
            );
        }
    }
    text
}
