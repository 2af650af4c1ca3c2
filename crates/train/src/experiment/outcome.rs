//! What came out: the curves of each panel, and their BD-rates.

use heirloom_eval::{BdRate, Curve, Interpolation, Point, anchors, bd_rate};
use serde::Serialize;

use super::{
    measured::{Mean, Rate},
    model::System,
    panel::{How, Line, Panel, Subject},
    workshop::Workshop,
};
use crate::{Result, TrainError};

/// The curve to compare with, and its name for people.
pub const ANCHOR: &str = "vtm-22.0";

/// A BD-rate, or why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    pub against: String,
    /// Of piecewise cubics.
    pub pchip: Option<BdRate>,
    /// Of one cubic polynomial, as in older papers.
    pub cubic: Option<BdRate>,
    /// Points of either curve that were not used, as another of the same curve costs no more and is no worse.
    pub left_out: usize,
    pub refused: Option<String>,
}

/// A curve that was measured.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drawn {
    #[serde(skip)]
    pub line: Line,
    pub name: String,
    pub rate: Rate,
    /// See [`super::measured::Measured::refused`].
    pub refused: Option<String>,
    /// By ascending λ.
    pub means: Vec<Mean>,
    pub comparisons: Vec<Comparison>,
}

/// A panel with its curves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    #[serde(skip)]
    pub panel: Panel,
    pub id: &'static str,
    pub title: &'static str,
    pub dataset: String,
    pub images: usize,
    pub curves: Vec<Drawn>,
    /// That of [`ANCHOR`], where these are the images that it was measured on.
    #[serde(skip)]
    pub anchor: Option<Curve>,
}

impl Outcome {
    /// Gathers what was measured for a panel.
    ///
    /// # Errors
    /// A measurement that is not done.
    pub fn of(workshop: &Workshop, panel: &Panel) -> Result<Self> {
        let images = workshop.inputs.set(panel.set);
        let anchor = if images.kodak { Some(anchors::get(ANCHOR).map_err(told)?) } else { None };
        let mut curves = panel.lines.iter().map(|line| drawn(workshop, line)).collect::<Result<Vec<_>>>()?;
        let before: Vec<Drawn> = curves.iter().filter(|curve| curve.line.how == How::Before).cloned().collect();
        for curve in &mut curves {
            let system = reference(panel.subject, curve.line.system);
            let own = before.iter().find(|own| own.line.system == system && own.line != curve.line);
            let points = curve.points();
            let measured = (curve.name.as_str(), points.as_slice());
            let own = own.map(|own| compare((&own.name, &own.points()), measured));
            let others = anchor.iter().map(|anchor| compare(("VTM 22.0", anchor.points()), measured));
            curve.comparisons = own.into_iter().chain(others).collect();
        }
        let (id, title) = (panel.id, panel.title);
        let (dataset, images) = (images.name.clone(), images.count);
        Ok(Self { panel: panel.clone(), id, title, dataset, images, curves, anchor })
    }

    /// The curve of a system.
    #[must_use]
    pub fn curve(&self, system: System, how: How) -> Option<&Drawn> {
        self.curves.iter().find(|curve| (curve.line.system, curve.line.how) == (system, how))
    }
}

/// What a system's curves are compared with: itself before it learned; where one model for all rates is the subject, those for one
/// rate each.
fn reference(subject: Subject, system: System) -> System {
    match (subject, system) {
        (Subject::VariableRate, System::MshVr) => System::Msh,
        (Subject::VariableRate, System::GmaVr) => System::Gma,
        _ => system,
    }
}

fn drawn(workshop: &Workshop, line: &Line) -> Result<Drawn> {
    let (mut means, mut refused, mut rate) = (Vec::new(), None, Rate::Estimate);
    for measurement in &line.measurements {
        let measured = workshop.measured(measurement)?;
        rate = measured.rate;
        refused = refused.or(measured.refused);
        means.extend(measured.means);
    }
    means.sort_by(|a: &Mean, b| a.lambda.total_cmp(&b.lambda));
    Ok(Drawn { line: line.clone(), name: line.name(), rate, refused, means, comparisons: Vec::new() })
}

impl Drawn {
    /// The points, by ascending λ.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.means.iter().map(|mean| mean.point()).collect()
    }

    /// BD-rate against the system before it learned, or whatever else its own panel compares it with, in per cent.
    #[must_use]
    pub fn bd_rate(&self) -> Option<f64> {
        let own = self.comparisons.first().filter(|own| own.against != "VTM 22.0")?;
        own.pchip.map(|bd| bd.percent)
    }
}

/// Compares two curves, each a name and points.
fn compare(anchor: (&str, &[Point]), test: (&str, &[Point])) -> Comparison {
    let curves = Curve::pareto(anchor.0, anchor.1).and_then(|old| Ok((old, Curve::pareto(test.0, test.1)?)));
    let by = |interpolation| {
        let (anchor, test) = curves.as_ref().map_err(Clone::clone)?;
        bd_rate(anchor, test, interpolation)
    };
    let used = curves.as_ref().map(|(anchor, test)| anchor.points().len() + test.points().len());
    let pchip = by(Interpolation::Pchip);
    Comparison {
        against: anchor.0.into(),
        cubic: by(Interpolation::Cubic).ok(),
        left_out: used.map_or(0, |used| anchor.1.len() + test.1.len() - used),
        refused: pchip.as_ref().err().map(ToString::to_string),
        pchip: pchip.ok(),
    }
}

fn told(e: heirloom_eval::EvalError) -> TrainError {
    TrainError::Data(e.to_string())
}
