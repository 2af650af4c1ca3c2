//! Whether what the paper found shows in what was measured, in a sentence for each panel.

use serde::Serialize;

use super::{
    model::{Change, System},
    outcome::{Drawn, Outcome},
    panel::{How, Subject},
};
use crate::replay::Strategy;

/// Old files that lose more than this, on average over λ, are broken; in dB.
const BROKEN: f64 = 0.3;
/// Old files that lose no more than this are kept; in dB.
const KEPT: f64 = 0.1;
/// How far replay may stay behind learning end to end to be on a par with it, in points of BD-rate.
const ON_A_PAR: f64 = 3.0;
/// One model for all rates may need so many per cent more than one for each.
const PRICE: f64 = 10.0;
/// What an end of the curve must gain to count, in dB.
const GAIN: f64 = 0.1;

const ENCODER: How = How::By(Strategy::Encoder);
const END_TO_END: How = How::By(Strategy::EndToEnd);
const REPLAY: How = How::By(Strategy::Replay);

/// Whether a finding of the paper shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Shows,
    /// For some systems.
    Partly,
    Not,
}

/// A finding of the paper, and what was measured of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// What the paper says.
    pub claim: &'static str,
    pub verdict: Verdict,
    /// The numbers.
    pub evidence: String,
}

impl Finding {
    /// That of a panel.
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

/// From what holds of each system.
fn verdict(holds: &[bool]) -> Verdict {
    match (holds.iter().any(|h| *h), holds.iter().all(|h| *h)) {
        (true, true) => Verdict::Shows,
        (true, false) => Verdict::Partly,
        _ => Verdict::Not,
    }
}

/// Mean change of PSNR between two curves at the same λ, in dB.
fn change(before: &Drawn, after: &Drawn) -> f64 {
    let pairs = before.means.iter().zip(&after.means);
    pairs.map(|(b, a)| a.psnr - b.psnr).sum::<f64>() / before.means.len().max(1) as f64
}

fn old_files(outcome: &Outcome) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for system in System::VARIABLE {
        let curve = |how| outcome.curve(system, how);
        let (Some(old), Some(free), Some(replay)) = (curve(How::Before), curve(END_TO_END), curve(REPLAY)) else {
            continue;
        };
        let (free_change, replay_change) = (change(old, free), change(old, replay));
        holds.push(free_change < -BROKEN && replay_change >= -KEPT);
        let refused = if free.refused.is_some() { " (the decoder refuses the files; given their latents)" } else { "" };
        evidence.push(format!(
            "{}: {free_change:+.2} dB after learning end to end{refused}, {replay_change:+.2} dB with replay",
            system.title()
        ));
    }
    Finding {
        claim: "Learning end to end breaks old files; with replay they look as good or better.",
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
        let of = |how| outcome.curve(system, how).and_then(Drawn::bd_rate);
        let (free, replay) = (of(END_TO_END), of(REPLAY));
        holds.push(matches!((free, replay), (Some(f), Some(r)) if r < 0.0 && r - f <= ON_A_PAR));
        evidence.push(format!(
            "{}: {} with replay, {} end to end, {} with the encoder alone, {} with more of the old images instead",
            system.title(),
            percent(replay),
            percent(free),
            percent(of(ENCODER)),
            percent(of(How::Control))
        ));
    }
    Finding {
        claim: "On new images replay is on a par with learning end to end, and better than before (BD-rate against before).",
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn new_rates(outcome: &Outcome, change: Change) -> Finding {
    let (mut holds, mut evidence) = (Vec::new(), Vec::new());
    for system in System::VARIABLE {
        let end = |how| {
            let means = &outcome.curve(system, how)?.means;
            if change == Change::Higher { means.last() } else { means.first() }.copied()
        };
        let (Some(old), Some(replay), Some(free)) = (end(How::Before), end(REPLAY), end(END_TO_END)) else {
            continue;
        };
        holds.push(match change {
            Change::Lower => replay.bpp < old.bpp && replay.psnr < old.psnr,
            _ => replay.psnr > old.psnr + GAIN,
        });
        let bd = outcome.curve(system, REPLAY).and_then(Drawn::bd_rate);
        evidence.push(format!(
            "{}: the end moves from {:.3} bpp, {:.2} dB to {:.3} bpp, {:.2} dB with replay ({:.3} bpp, {:.2} dB end to end); {} where \
             both have files",
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
        let bd = outcome.curve(system, How::Before).and_then(Drawn::bd_rate);
        holds.push(bd.is_some_and(|bd| bd <= PRICE));
        evidence.push(format!("{} against {}: {}", system.title(), single.title(), percent(bd)));
    }
    Finding {
        claim: "One model for all rates is about as good as one for each (BD-rate).",
        verdict: verdict(&holds),
        evidence: evidence.join("; "),
    }
}

fn encoder_only(outcome: &Outcome) -> Finding {
    let end = |how| outcome.curve(System::MshVr, how).and_then(|curve| curve.means.last()).copied();
    let claim = "If only the encoder learns, rates above the old maximum are out of reach.";
    match (end(How::Before), end(ENCODER), end(END_TO_END)) {
        (Some(old), Some(encoder), Some(free)) => Finding {
            claim,
            verdict: verdict(&[free.psnr > old.psnr + GAIN && encoder.psnr - old.psnr < (free.psnr - old.psnr) / 2.0]),
            evidence: format!(
                "from {:.2} dB before ({:.3} bpp) to {:.2} dB with the encoder alone ({:.3} bpp) and {:.2} dB end to end ({:.3} bpp)",
                old.psnr, old.bpp, encoder.psnr, encoder.bpp, free.psnr, free.bpp
            ),
        },
        _ => Finding { claim, verdict: Verdict::Not, evidence: "not measured".into() },
    }
}
