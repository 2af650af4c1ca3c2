//! Figures of the panels: one per system, which compares its strategies, and one for all systems.

use heirloom_eval::{
    Figure,
    plot::{Role, Series},
};

use super::{
    model::System,
    outcome::{MeasuredCurve, Outcome},
    panel::{Condition, Subject},
};
use heirloom_train::{error::Result, trainer::learn_config::Strategy};

const REPLAY: Condition = Condition::Learned(Strategy::Replay);

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Chart {
    /// File name, such as `fig8a-ours.svg`.
    pub name: String,
    pub title: String,
    pub svg: String,
}

impl Chart {
    /// Draws the figures of a panel.
    ///
    /// # Errors
    /// A panel without curves.
    pub fn of(outcome: &Outcome) -> Result<Vec<Self>> {
        match outcome.panel.subject {
            Subject::OldFiles(_) => systems(outcome).collect(),
            Subject::NewFiles(_) => systems(outcome).chain(std::iter::once(all_with_replay(outcome))).collect(),
            Subject::VariableRate | Subject::EncoderOnly => {
                let strategies = outcome.panel.subject == Subject::EncoderOnly;
                let label = |curve: &MeasuredCurve| {
                    if strategies { curve.line.condition.name() } else { curve.line.system.title() }
                };
                let series = outcome.curves.iter().map(|curve| series(curve, label(curve).into(), Role::Plain));
                Ok(vec![chart(outcome, "", "", series.collect())?])
            }
        }
    }
}

/// One figure per system with its strategies; replay is highlighted.
fn systems(outcome: &Outcome) -> impl Iterator<Item = Result<Chart>> {
    System::VARIABLE.into_iter().map(|system| {
        let own = outcome.curves.iter().filter(|curve| curve.line.system == system);
        let lines = own.map(|curve| {
            let role = if curve.line.condition == REPLAY { Role::Main } else { Role::Plain };
            series(curve, curve.line.condition.name().into(), role)
        });
        chart(outcome, &format!("-{}", system.name()), &format!(", {}", system.title()), lines.collect())
    })
}

/// One figure of all systems before and after learning with replay; ours is highlighted.
fn all_with_replay(outcome: &Outcome) -> Result<Chart> {
    let curves = outcome.curves.iter().filter(|curve| [Condition::Pretrained, REPLAY].contains(&curve.line.condition));
    let lines = curves.map(|curve| {
        let ours = curve.line.system == System::Ours && curve.line.condition == REPLAY;
        series(curve, curve.name.clone(), if ours { Role::Main } else { Role::Plain })
    });
    chart(outcome, "-replay", ", all systems", lines.collect())
}

fn series(curve: &MeasuredCurve, name: String, role: Role) -> Series {
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
    let svg = figure.to_svg()?;
    Ok(Chart { name: format!("fig{}{suffix}.svg", outcome.id), title, svg })
}
