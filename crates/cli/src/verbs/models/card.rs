//! The card of a published model: what its file records, in words, as Markdown.

use std::path::Path;

use heirloom_codec::model::ModelFile;
use heirloom_eval::proof::Proof;

/// Card of the model whose file `output` has these `bytes`.
pub fn text(output: &Path, file: &ModelFile, bytes: &[u8], proofs: &[Proof]) -> String {
    let m = &file.metadata;
    let name = output.file_stem().unwrap_or_default().to_string_lossy();
    let parent = m.lineage.parent.map(|id| id.to_string()).unwrap_or_default();
    let mut text = format!("# {name}\n\nGeneration {} of its lineage.", m.lineage.generation);
    if m.preview {
        text += " **A preview**: later versions may drop this lineage, and files made with it.";
    }
    text += "\n\n| | |\n|---|---|\n";
    let mut row = |name: &str, value: String| {
        if !value.is_empty() {
            text += &format!("| {name} | {value} |\n");
        }
    };
    row("entropy id", format!("`{}`", m.lineage.entropy_id));
    m.lineage.add_ons.iter().for_each(|id| row("add-on", format!("`{id}`")));
    row("generation id", format!("`{}`", m.lineage.generation_id));
    row("learned from", format!("`{parent}`"));
    row("file", format!("{} bytes, BLAKE3 `{}`", bytes.len(), blake3::hash(bytes).to_hex()));
    row(
        "network",
        format!("{} weights; widths {:?}, latents {:?}", m.spec.parameter_count(), m.spec.widths, m.spec.latents),
    );
    let (encoder, entropy) = (m.lambda.encoder, m.lambda.entropy);
    row("λ", format!("{} to {} (entropy branch: {} to {})", encoder.low, encoder.high, entropy.low, entropy.high));
    let p = &m.provenance;
    row("data manifest", p.data_manifest.as_ref().map(|hash| format!("`{hash}`")).unwrap_or_default());
    row("steps", p.steps.map(|n| n.to_string()).unwrap_or_default());
    row("seed", p.seed.map(|n| n.to_string()).unwrap_or_default());
    row("code", p.code_revision.clone().unwrap_or_default());
    for (name, note) in &p.notes {
        // A line break or a bar would break the table.
        row(&cell(name), cell(note));
    }
    row("licence", m.licence.clone());
    for proof in proofs {
        text += &section(proof);
    }
    text
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}

fn section(proof: &Proof) -> String {
    let number = |value: f64| if value.is_finite() { format!("{value:.3}") } else { "∞".into() };
    let mut text = format!(
        "\n## Files of generation {}\n\nWritten by `{}`, from the {} images of {} (BLAKE3 `{}`). Every file decodes to the \
         same latents. No λ may lose more than {} dB on average.\n\n\
         | λ | files | bpp | PSNR dB before | now | change | worst | new files: bpp | PSNR dB |\n|---|---|---|---|---|---|---|---|---|\n",
        proof.old.generation,
        proof.old.generation_id,
        proof.images,
        cell(&proof.dataset),
        proof.images_hash,
        proof.tolerance_db,
    );
    for p in &proof.points {
        let (bpp, psnr) =
            p.new_files.map_or_else(|| ("–".into(), "–".into()), |n| (format!("{:.4}", n.bpp), number(n.psnr)));
        text += &format!(
            "| {} | {} | {:.4} | {} | {} | {:+.3} | {:+.3} ({}) | {bpp} | {psnr} |\n",
            p.lambda,
            p.files,
            p.bpp,
            number(p.psnr_old),
            p.psnr_new.map(number).unwrap_or_default(),
            p.difference.unwrap_or(f64::NAN),
            p.worst.unwrap_or(f64::NAN),
            cell(&p.worst_image),
        );
    }
    text += &match (&proof.bd_rate, &proof.bd_rate_refused) {
        (Some(bd), _) => format!(
            "\nNew files against those of generation {}: {:+.2} % bits at equal PSNR (BD-rate, {:.2} to {:.2} dB).\n",
            proof.old.generation, bd.percent, bd.psnr_low, bd.psnr_high
        ),
        (None, reason) => format!("\nNo BD-rate: {}.\n", reason.as_deref().unwrap_or_default()),
    };
    text + &format!("\nMeasured by {} in {:.0} s ({}).\n", proof.program, proof.seconds, cell(&proof.machine))
}
