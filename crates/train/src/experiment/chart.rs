//! Panels as figures: one for each system, in which its strategies are compared, and one for all systems.

use heirloom_eval::{
    Figure,
    plot::{Role, Series},
};

use super::{
    model::System,
    outcome::{Drawn, Outcome},
    panel::{How, Subject},
};
use crate::{Result, TrainError, replay::Strategy};

const REPLAY: How = How::By(Strategy::Replay);

/// A figure and the name of its file.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// `fig8a-ours.svg`
    pub name: String,
    pub title: String,
    pub svg: String,
}

impl Chart {
    /// Those of a panel.
    ///
    /// # Errors
    /// A panel without curves.
    pub fn of(outcome: &Outcome) -> Result<Vec<Self>> {
        match outcome.panel.subject {
            Subject::OldFiles(_) => systems(outcome).collect(),
            Subject::NewFiles(_) => systems(outcome).chain(std::iter::once(all_with_replay(outcome))).collect(),
            Subject::VariableRate | Subject::EncoderOnly => {
                let strategies = outcome.panel.subject == Subject::EncoderOnly;
                let label = |curve: &Drawn| if strategies { curve.line.how.name() } else { curve.line.system.title() };
                let series = outcome.curves.iter().map(|curve| series(curve, label(curve).into(), Role::Plain));
                Ok(vec![chart(outcome, "", "", series.collect())?])
            }
        }
    }
}

/// For each system its strategies; replay stands out.
fn systems(outcome: &Outcome) -> impl Iterator<Item = Result<Chart>> {
    System::VARIABLE.into_iter().map(|system| {
        let own = outcome.curves.iter().filter(|curve| curve.line.system == system);
        let lines = own.map(|curve| {
            let role = if curve.line.how == REPLAY { Role::Main } else { Role::Plain };
            series(curve, curve.line.how.name().into(), role)
        });
        chart(outcome, &format!("-{}", system.name()), &format!(", {}", system.title()), lines.collect())
    })
}

/// Each system before and after it learned with replay; ours stands out.
fn all_with_replay(outcome: &Outcome) -> Result<Chart> {
    let some = outcome.curves.iter().filter(|curve| [How::Before, REPLAY].contains(&curve.line.how));
    let lines = some.map(|curve| {
        let ours = curve.line.system == System::Ours && curve.line.how == REPLAY;
        series(curve, curve.name.clone(), if ours { Role::Main } else { Role::Plain })
    });
    chart(outcome, "-replay", ", all systems", lines.collect())
}

fn series(curve: &Drawn, name: String, role: Role) -> Series {
    Series { name, points: curve.points(), role }
}

fn chart(outcome: &Outcome, suffix: &str, part: &str, mut series: Vec<Series>) -> Result<Chart> {
    series.extend(outcome.anchor.iter().map(|anchor| Series::new(anchor, Role::Background)));
    let lambdas = || outcome.curves.iter().flat_map(|curve| &curve.means).map(|mean| mean.lambda);
    let title = format!("{}{part}", outcome.title);
    let figure = Figure {
        title: title.clone(),
        dataset: outcome.dataset.clone(),
        images: outcome.images,
        lambda: lambdas().min_by(f32::total_cmp).zip(lambdas().max_by(f32::total_cmp)),
        series,
    };
    let svg = figure.to_svg().map_err(|e| TrainError::Data(e.to_string()))?;
    Ok(Chart { name: format!("fig{}{suffix}.svg", outcome.id), title, svg })
}
