//! Results of a panel: its curves, and their BD-rates.

use heirloom_eval::{BdRate, Curve, Interpolation, Point, anchors, bd_rate};
use serde::Serialize;

use super::{
    measurement::{Mean, RateKind},
    model::System,
    panel::{Condition, Line, Panel, Subject},
    runner::Runner,
};
use heirloom_train::error::Result;

/// The curve that every curve is compared with.
const ANCHOR: &str = "vtm-22.0";
/// Name of the anchor in reports.
const ANCHOR_NAME: &str = "VTM 22.0";

/// A BD-rate, or the reason why there is none.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// Name of the other curve.
    pub against: String,
    /// BD-rate by piecewise cubic interpolation.
    pub pchip: Option<BdRate>,
    /// BD-rate by one cubic polynomial, as in older papers.
    pub cubic: Option<BdRate>,
    /// Number of points of either curve that were not used, because another point of the same curve
    /// is as good at no higher rate.
    pub left_out: usize,
    /// Why there is no BD-rate.
    pub refused: Option<String>,
}

/// A measured curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct MeasuredCurve {
    #[serde(skip)]
    pub line: Line,
    pub name: String,
    pub rate: RateKind,
    /// See [`super::measurement::Measured::refused`].
    pub refused: Option<String>,
    /// Means in ascending order of λ.
    pub means: Vec<Mean>,
    pub comparisons: Vec<Comparison>,
}

/// A panel with its measured curves.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Outcome {
    #[serde(skip)]
    pub panel: Panel,
    pub id: &'static str,
    pub title: &'static str,
    pub dataset: String,
    pub images: usize,
    pub curves: Vec<MeasuredCurve>,
    /// Curve of VTM 22.0, if the images are those that it was measured on.
    #[serde(skip)]
    pub anchor: Option<Curve>,
}

impl Outcome {
    /// Collects the measurements of a panel.
    ///
    /// # Errors
    /// A measurement that has not been done.
    pub fn of(runner: &Runner, panel: &Panel) -> Result<Self> {
        let images = runner.inputs.test_images(panel.set);
        let anchor = if images.kodak { Some(anchors::get(ANCHOR)?) } else { None };
        let mut curves = panel.lines.iter().map(|line| measured_curve(runner, line)).collect::<Result<Vec<_>>>()?;
        let before: Vec<MeasuredCurve> =
            curves.iter().filter(|curve| curve.line.condition == Condition::Pretrained).cloned().collect();
        for curve in &mut curves {
            let system = reference(panel.subject, curve.line.system);
            let own = before.iter().find(|own| own.line.system == system && own.line != curve.line);
            let points = curve.points();
            let measured = (curve.name.as_str(), points.as_slice());
            let own = own.map(|own| compare((&own.name, &own.points()), measured));
            let others = anchor.iter().map(|anchor| compare((ANCHOR_NAME, anchor.points()), measured));
            curve.comparisons = own.into_iter().chain(others).collect();
        }
        let (id, title) = (panel.id, panel.title);
        let (dataset, images) = (images.name.clone(), images.count);
        Ok(Self { panel: panel.clone(), id, title, dataset, images, curves, anchor })
    }

    /// Curve of a system under a condition.
    #[must_use]
    pub fn curve(&self, system: System, condition: Condition) -> Option<&MeasuredCurve> {
        self.curves.iter().find(|curve| (curve.line.system, curve.line.condition) == (system, condition))
    }
}

/// System whose pre-trained curve a system is compared with: itself, or where variable rate is the
/// subject, the system with one model for each rate.
fn reference(subject: Subject, system: System) -> System {
    match (subject, system) {
        (Subject::VariableRate, System::MshVr) => System::Msh,
        (Subject::VariableRate, System::GmaVr) => System::Gma,
        _ => system,
    }
}

fn measured_curve(runner: &Runner, line: &Line) -> Result<MeasuredCurve> {
    let (mut means, mut refused, mut rate) = (Vec::new(), None, RateKind::Estimate);
    for measurement in &line.measurements {
        let measured = runner.measured(measurement)?;
        rate = measured.rate;
        refused = refused.or(measured.refused);
        means.extend(measured.means);
    }
    means.sort_by(|a: &Mean, b| a.lambda.total_cmp(&b.lambda));
    Ok(MeasuredCurve { line: line.clone(), name: line.name(), rate, refused, means, comparisons: Vec::new() })
}

impl MeasuredCurve {
    /// Points in ascending order of λ.
    #[must_use]
    pub fn points(&self) -> Vec<Point> {
        self.means.iter().map(|mean| mean.point()).collect()
    }

    /// BD-rate in per cent against the pre-trained curve that the panel compares it with.
    #[must_use]
    pub fn bd_rate(&self) -> Option<f64> {
        let own = self.comparisons.first().filter(|own| own.against != ANCHOR_NAME)?;
        own.pchip.map(|bd| bd.percent)
    }
}

/// Compares two curves, each given by name and points.
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
