//! `heirloom models`

use std::path::PathBuf;
use std::process::ExitCode;

use serde_json::json;

use crate::failure::Failure;
use crate::models::{self, Card};

/// Show the model in this program and model files
///
/// Two models of one lineage have the same entropy id, and decode each other's files.
#[derive(clap::Args)]
pub struct Models {
    /// Model files to show beside the model in this program
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// One JSON object per line
    #[arg(long)]
    json: bool,
}

impl Models {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let mut cards = vec![models::embedded_card()?];
        for file in &self.files {
            cards.push(models::card(file)?);
        }
        for card in &cards {
            if self.json { println!("{}", as_json(card)) } else { print!("{}", as_text(card)) }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn as_json(card: &Card) -> serde_json::Value {
    json!({ "schema": "heirloom-models/1", "name": card.name, "bytes": card.bytes, "parameters": card.parameters, "model": card.metadata })
}

fn as_text(card: &Card) -> String {
    let m = &card.metadata;
    let parent = m.lineage.parent.map_or_else(|| "none".into(), |id| id.to_string());
    let mut text = format!(
        "{}\n  generation     {}{}\n  entropy id     {}\n  generation id  {}\n  parent         {parent}\n  λ range        {} to {}\n  \
         parameters     {}\n  size           {} bytes\n",
        card.name,
        m.lineage.generation,
        if m.preview { " (preview: files made with it may become undecodable)" } else { "" },
        m.lineage.entropy_id,
        m.lineage.generation_id,
        m.lambda.encoder.low,
        m.lambda.encoder.high,
        card.parameters,
        card.bytes,
    );
    if !m.licence.is_empty() {
        text += &format!("  licence        {}\n", m.licence);
    }
    text
}
