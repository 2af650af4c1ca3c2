//! Whether the paper's findings show in the measurements: a verdict and its numbers for each panel.

use serde::Serialize;

use super::{
    model::{Change, System},
    outcome::{MeasuredCurve, Outcome},
    panel::{Condition, Subject},
};
use heirloom_train::trainer::learn_config::Strategy;

/// Mean loss of PSNR in dB beyond which old files count as broken.
const BROKEN: f64 = 0.3;
/// Mean loss of PSNR in dB up to which old files count as preserved.
const PRESERVED: f64 = 0.1;
/// Points of BD-rate by which replay may be worse than learning end to end and still count as on a
/// par.
const ON_A_PAR: f64 = 3.0;
/// BD-rate in per cent up to which one model for all rates counts as good as one for each.
const VARIABLE_RATE_COST: f64 = 10.0;
/// Least gain in dB at an end of a curve that counts.
const GAIN: f64 = 0.1;

const ENCODER: Condition = Condition::Learned(Strategy::Encoder);
const END_TO_END: Condition = Condition::Learned(Strategy::EndToEnd);
const REPLAY: Condition = Condition::Learned(Strategy::Replay);

/// Whether a finding of the paper shows in the measurements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Shows,
    /// It shows for some systems.
    Partly,
    Not,
}

/// A finding of the paper, compared with the measurements.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// The paper's claim.
    pub claim: &'static str,
    pub verdict: Verdict,
    /// The measured numbers.
    pub evidence: String,
}

impl Finding {
    /// Judges the finding of a panel.
    #[must_use]
    pub fn of(outcome: &Outcome) -> Self {
        match outcome.panel.subject {
            Subject::OldFiles(_) => old_files(outcome),
            Subject::NewFiles(Change::Data | Change::Nothing) => new_images(outcome),
            Subject::NewFiles(Change::Higher) => new_rates(outcome, Change::Higher),
            Subject::NewFiles(Change::Lower) => new_rates(outcome, Change::Lower),
            Subject::VariableRate => variable_rate(outcome),
            Subject::EncoderOnly => encoder_only(outcome),
        }
    }
}

/// Verdict from whether the finding holds for each system.
fn verdict(holds: &[bool]) -> Verdict {
    match (holds.iter().any(|h| *h), holds.iter().all(|h| *h)) {
        (true, true) => Verdict::Shows,
        (true, false) => Verdict::Partly,
        _ => Verdict::Not,
    }
}

/// Mean change of PSNR in dB between two curves at the same λ.
fn change(before: &MeasuredCurve, after: &MeasuredCurve) -> f64 {
    let pairs = before.means.iter().zip(&after.means);
    pairs.map(|(b, a)| a.psnr - b.psnr).sum::<f64>() / before.means.len().max(1) as f64
}

fn old_files(outcome: &Outcome) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for system in System::VARIABLE {
        let curve = |condition| outcome.curve(system, condition);
        let (Some(old), Some(free), Some(replay)) = (curve(Condition::Pretrained), curve(END_TO_END), curve(REPLAY))
        else {
            continue;
        };
        let (free_change, replay_change) = (change(old, free), change(old, replay));
        holds.push(free_change < -BROKEN && replay_change >= -PRESERVED);
        let refused =
            if free.refused.is_some() { " (the decoder refuses the files and was given their latents)" } else { "" };
        evidence.push(format!(
            "{}: {free_change:+.2} dB after learning end to end{refused}, {replay_change:+.2} dB with replay",
            system.title()
        ));
    }
    Finding {
        claim: "Learning end to end breaks old files; with replay they are as good or better.",
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "no BD-rate".into(), |v| format!("{v:+.1} %"))
}

fn new_images(outcome: &Outcome) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for system in System::VARIABLE {
        let bd = |condition| outcome.curve(system, condition).and_then(MeasuredCurve::bd_rate);
        let (free, replay) = (bd(END_TO_END), bd(REPLAY));
        holds.push(matches!((free, replay), (Some(f), Some(r)) if r < 0.0 && r - f <= ON_A_PAR));
        evidence.push(format!(
            "{}: {} with replay, {} end to end, {} with the encoder alone, {} with more of the old images instead",
            system.title(),
            percent(replay),
            percent(free),
            percent(bd(ENCODER)),
            percent(bd(Condition::Control))
        ));
    }
    Finding {
        claim: "On new images, replay is on a par with learning end to end and better than the pre-trained model (BD-rate against the \
                latter).",
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn new_rates(outcome: &Outcome, change: Change) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for system in System::VARIABLE {
        let end = |condition| {
            let means = &outcome.curve(system, condition)?.means;
            if change == Change::Higher { means.last() } else { means.first() }.copied()
        };
        let (Some(old), Some(replay), Some(free)) = (end(Condition::Pretrained), end(REPLAY), end(END_TO_END)) else {
            continue;
        };
        holds.push(match change {
            Change::Lower => replay.bpp < old.bpp && replay.psnr < old.psnr,
            _ => replay.psnr > old.psnr + GAIN,
        });
        let bd = outcome.curve(system, REPLAY).and_then(MeasuredCurve::bd_rate);
        evidence.push(format!(
            "{}: the end moves from {:.3} bpp, {:.2} dB to {:.3} bpp, {:.2} dB with replay ({:.3} bpp, {:.2} dB end to end); {} where \
             both have points",
            system.title(),
            old.bpp,
            old.psnr,
            replay.bpp,
            replay.psnr,
            free.bpp,
            free.psnr,
            percent(bd)
        ));
    }
    Finding {
        claim: match change {
            Change::Lower => "With replay models reach lower rates.",
            _ => "With replay models reach higher rates.",
        },
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn variable_rate(outcome: &Outcome) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for (system, single) in [(System::MshVr, System::Msh), (System::GmaVr, System::Gma)] {
        let bd = outcome.curve(system, Condition::Pretrained).and_then(MeasuredCurve::bd_rate);
        holds.push(bd.is_some_and(|bd| bd <= VARIABLE_RATE_COST));
        evidence.push(format!("{} against {}: {}", system.title(), single.title(), percent(bd)));
    }
    Finding {
        claim: "One model for all rates is about as good as one for each (BD-rate).",
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn encoder_only(outcome: &Outcome) -> Finding {
    let end = |condition| outcome.curve(System::MshVr, condition).and_then(|curve| curve.means.last()).copied();
    let claim = "If only the encoder learns, rates above the old maximum are out of reach.";
    match (end(Condition::Pretrained), end(ENCODER), end(END_TO_END)) {
        (Some(old), Some(encoder), Some(free)) => Finding {
            claim,
            verdict: verdict(&[free.psnr > old.psnr + GAIN && encoder.psnr - old.psnr < (free.psnr - old.psnr) / 2.0]),
            evidence: format!(
                "from {:.2} dB before learning ({:.3} bpp) to {:.2} dB with the encoder alone ({:.3} bpp) and {:.2} dB end to end ({:.3} bpp)",
                old.psnr, old.bpp, encoder.psnr, encoder.bpp, free.psnr, free.bpp
            ),
        },
        _ => Finding { claim, verdict: Verdict::Not, evidence: "not measured".into() },
    }
}
