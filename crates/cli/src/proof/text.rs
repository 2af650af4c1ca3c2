//! A proof as text for the terminal.

use heirloom_eval::proof::{ComparedModel, Proof};

/// Table of the measurements per λ.
pub fn table(proof: &Proof) -> String {
    let mut text = format!(
        "old  {}\nnew  {}\n{} ({} images)\n\n{:>8} {:>7} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n",
        compared_model(&proof.old),
        compared_model(&proof.new),
        proof.dataset,
        proof.images,
        "λ",
        "files",
        "same",
        "old bpp",
        "by old",
        "by new",
        "change",
        "new bpp",
        "new dB",
        "worst",
        "image"
    );
    for p in &proof.points {
        let number = |value: Option<f64>, digits: usize| value.map_or_else(|| "-".into(), |v| format!("{v:.digits$}"));
        let signed = |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{v:+.3}"));
        text += &format!(
            "{:>8.6} {:>7} {:>7} {:>9.4} {:>9.3} {:>9} {:>9} {:>9} {:>9} {:>9}  {}\n",
            format!("{}", p.lambda),
            p.files,
            p.identical,
            p.bpp,
            p.psnr_old,
            number(p.psnr_new, 3),
            signed(p.difference),
            number(p.new_files.map(|n| n.bpp), 4),
            number(p.new_files.map(|n| n.psnr), 3),
            signed(p.worst),
            p.worst_image,
        );
    }
    text + "\nfiles: number of files that old wrote; same: those in which new finds the same latents;\n\
            by old, by new: their mean PSNR in dB; new bpp, new dB: files that new wrote and decoded\n"
}

/// Conclusions: BD-rate, worst case and verdict.
pub fn summary(proof: &Proof) -> String {
    let mut text = match (&proof.bd_rate, &proof.bd_rate_refused) {
        (Some(bd), _) => format!(
            "new files against old ones: {:+.2} % bits at equal PSNR (BD-rate, {:.2} to {:.2} dB)\n",
            bd.percent, bd.psnr_low, bd.psnr_high
        ),
        (None, reason) => {
            format!("new files against old ones: no BD-rate ({})\n", reason.as_deref().unwrap_or_default())
        }
    };
    if let Some((file, difference)) = proof.worst() {
        text += &format!(
            "worst case: {} at λ {}, {:.3} dB by old, {:.3} dB by new ({difference:+.3})\n",
            file.image,
            file.lambda,
            file.psnr_old,
            file.psnr_new.unwrap_or(f64::NAN)
        );
    }
    text + &format!("verdict: {}\n", verdict(proof))
}

fn verdict(proof: &Proof) -> String {
    match (proof.decodable, proof.stable) {
        (true, true) => format!("decodable and stable (no λ loses more than {} dB on average)", proof.tolerance_db),
        (true, false) => "decodable, but not stable".into(),
        (false, _) => "not decodable".into(),
    }
}

fn compared_model(compared_model: &ComparedModel) -> String {
    format!("{}, generation {} ({:.16}…)", compared_model.name, compared_model.generation, compared_model.generation_id)
}
