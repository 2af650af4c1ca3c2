//! `heirloom models lineage`

use std::path::PathBuf;
use std::process::ExitCode;

use heirloom_codec::model::{EntropyId, GenerationId};
use heirloom_store::{Member, Store};

use crate::failure::Failure;
use crate::models::StoreFlag;

/// Show which generation learned from which
///
/// One tree per lineage; a generation stands under the one it learned from. Parents that are not here are named.
#[derive(clap::Args)]
pub struct Lineage {
    /// Only the lineage of this model: a file, the first digits of a generation id in the store, or 'default'
    #[arg(value_name = "FILE|ID")]
    model: Option<PathBuf>,

    #[command(flatten)]
    store: StoreFlag,
}

impl Lineage {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let store = self.store.open()?;
        let asked_for = self.model.as_ref().map(|model| store.find(model)).transpose()?;
        let Store { mut members, unreadable, .. } = store;
        let only = asked_for.as_ref().map(|member| member.lineage().entropy_id);
        members.extend(asked_for);
        members.sort_by_key(|m| (m.lineage().entropy_id, m.lineage().generation, id(m)));
        members.dedup_by_key(|m| id(m));
        let mut lineages: Vec<EntropyId> = members.iter().map(|m| m.lineage().entropy_id).collect();
        lineages.dedup();
        for lineage in lineages.into_iter().filter(|id| only.is_none_or(|only| only == *id)) {
            println!("lineage {lineage}");
            let here: Vec<&Member> = members.iter().filter(|m| m.lineage().entropy_id == lineage).collect();
            print!("{}", tree(&here));
        }
        for error in &unreadable {
            eprintln!("heirloom: {error}");
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn id(member: &Member) -> GenerationId {
    member.lineage().generation_id
}

/// The members of a lineage, in ascending number, each under its parent.
fn tree(members: &[&Member]) -> String {
    let mut text = String::new();
    for member in members {
        match member.lineage().parent {
            None => branch(member, members, 1, &mut text),
            Some(parent) if members.iter().all(|m| id(m) != parent) => {
                text += &format!("  (not here: {parent})\n");
                branch(member, members, 2, &mut text);
            }
            Some(_) => {}
        }
    }
    text
}

fn branch(member: &Member, members: &[&Member], depth: usize, text: &mut String) {
    // No chain of parents is longer than the lineage has members, unless a file lies and it runs in a circle.
    if depth > members.len() + 2 {
        return;
    }
    let m = member.metadata();
    let range = m.lambda.encoder;
    *text += &format!("{}{}  λ {} to {}", "  ".repeat(depth), member.generation(), range.low, range.high);
    if let Some(proof) = m.record.as_ref().and_then(|record| record.proofs.first()) {
        let least = proof.points.iter().filter_map(|point| point.difference).min_by(f64::total_cmp);
        *text += &format!("  published, {:+.3} dB on its parent's files at least", least.unwrap_or(f64::INFINITY));
    }
    *text += &format!("  {}\n", member.name());
    for child in members.iter().filter(|m| m.lineage().parent == Some(id(member))) {
        branch(child, members, depth + 1, text);
    }
}
