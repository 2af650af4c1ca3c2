//! What came out, for people and for programs: JSON, CSV, figures, and one HTML page that needs nothing else.

use std::{fmt::Write, fs, path::Path};

use serde::Serialize;

use super::{
    chart::Chart,
    finding::{Finding, Verdict},
    measured::Rate,
    outcome::{Comparison, Outcome},
    settings::Settings,
    task::{Images, Inputs},
};
use crate::{Result, TrainError, trainer::files};

/// Version of the JSON form; a reader should refuse one that it does not know.
const SCHEMA: &str = "heirloom-experiment/1";
const STYLE: &str = include_str!("report.css");

/// A task and what it took.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Spent {
    pub task: String,
    /// Its folder under `tasks/`.
    pub folder: String,
    pub seconds: f64,
}

/// A set of images.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Source {
    role: &'static str,
    name: String,
    images: usize,
}

/// A panel, and what follows from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Section {
    #[serde(flatten)]
    pub outcome: Outcome,
    pub finding: Finding,
    #[serde(skip)]
    charts: Vec<Chart>,
}

/// Everything that came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    schema: &'static str,
    program: String,
    /// The name of the scale or of the file of settings.
    scale: String,
    machine: String,
    sources: Vec<Source>,
    settings: Settings,
    pub sections: Vec<Section>,
    tasks: Vec<Spent>,
}

impl Report {
    /// Draws conclusions and figures.
    ///
    /// # Errors
    /// A panel without curves.
    pub fn new(inputs: &Inputs, scale: String, outcomes: Vec<Outcome>, tasks: Vec<Spent>) -> Result<Self> {
        let source = |role, images: &Images| Source { role, name: images.name.clone(), images: images.count };
        let section = |outcome: Outcome| {
            let (finding, charts) = (Finding::of(&outcome), Chart::of(&outcome)?);
            Ok(Section { outcome, finding, charts })
        };
        Ok(Self {
            schema: SCHEMA,
            program: concat!("heirloom-train ", env!("CARGO_PKG_VERSION")).into(),
            scale,
            machine: heirloom_eval::machine::describe(rayon::current_num_threads()),
            sources: vec![
                source("pre-training, new rates and replay", &inputs.data),
                source("the new kind of images", &inputs.new),
                source("test, old kind", &inputs.old_test),
                source("test, new kind", &inputs.new_test),
            ],
            settings: inputs.settings.clone(),
            sections: outcomes.into_iter().map(section).collect::<Result<_>>()?,
            tasks,
        })
    }

    /// Writes `report.json`, `points.csv`, `figures/*.svg` and `report.html`.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn write(&self, out: &Path) -> Result<()> {
        let figures = out.join("figures");
        fs::create_dir_all(&figures).map_err(TrainError::io("make the folder", &figures))?;
        let json = serde_json::to_string_pretty(self).map_err(|e| TrainError::Data(format!("the report: {e}")))?;
        files::replace(&out.join("report.json"), (json + "\n").as_bytes())?;
        files::replace(&out.join("points.csv"), self.csv().as_bytes())?;
        for chart in self.sections.iter().flat_map(|section| &section.charts) {
            files::replace(&figures.join(&chart.name), chart.svg.as_bytes())?;
        }
        files::replace(&out.join("report.html"), self.html().as_bytes())
    }

    /// Every point of every curve.
    fn csv(&self) -> String {
        let mut text = String::from("figure,system,strategy,rate,lambda,bpp,psnr\n");
        for section in &self.sections {
            for curve in &section.outcome.curves {
                let (system, strategy) = (curve.line.system.name(), curve.line.how.name());
                for mean in &curve.means {
                    let _ = writeln!(
                        text,
                        "{},{system},{strategy},{},{},{:.6},{:.4}",
                        section.outcome.id,
                        rate(curve.rate),
                        mean.lambda,
                        mean.bpp,
                        mean.psnr
                    );
                }
            }
        }
        text
    }

    fn html(&self) -> String {
        let mut page = format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <title>Experiments in backward-compatible learning</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
             <h1>Experiments in backward-compatible learning</h1>\n<p>{}, scale <b>{}</b>. {}.</p>\n",
            escape(&self.program),
            escape(&self.scale),
            escape(&self.machine)
        );
        if let Some(note) = &self.settings.note {
            let _ = writeln!(page, "<p>{}</p>", escape(note));
        }
        page +=
            "<h2>Findings</h2>\n<table>\n<tr><th>Figure</th><th>The paper</th><th>Here</th><th>Measured</th></tr>\n";
        for section in &self.sections {
            let (word, class) = verdict(section.finding.verdict);
            let _ = writeln!(
                page,
                "<tr><td><a href=\"#fig{0}\">{0}</a></td><td>{1}</td><td class=\"{class}\">{word}</td><td>{2}</td></tr>",
                section.outcome.id,
                escape(section.finding.claim),
                escape(&section.finding.evidence)
            );
        }
        page += "</table>\n<p>Rates of <i>ours</i> are those of real files, read back from disk and decoded by strict arithmetic. The other systems write no \
                 files: their rates are estimates from probabilities. PSNR is of 8-bit RGB, mean over the images. Where a model reads what it could \
                 not have read, as its entropy branch has changed, it was given the latents that the writer finds; in truth there would be no image \
                 at all.</p>\n";
        for section in &self.sections {
            page += &section.html();
        }
        page + &self.appendix()
    }

    fn appendix(&self) -> String {
        let mut text = String::from("<h2>Images</h2>\n<table>\n<tr><th>For</th><th>Set</th><th>Images</th></tr>\n");
        for source in &self.sources {
            let _ = writeln!(
                text,
                "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>",
                source.role,
                escape(&source.name),
                source.images
            );
        }
        text += "</table>\n<h2>Settings</h2>\n<pre>";
        text += &escape(&self.settings.to_toml().unwrap_or_default());
        let total: f64 = self.tasks.iter().map(|spent| spent.seconds).sum();
        let _ = write!(
            text,
            "</pre>\n<h2>Times</h2>\n<p>{:.1} hours in all, without what was read and checked between tasks.</p>\n\
             <table>\n<tr><th>Task</th><th>Minutes</th></tr>\n",
            total / 3600.0
        );
        for spent in &self.tasks {
            let minutes = spent.seconds / 60.0;
            let _ = writeln!(text, "<tr><td>{}</td><td class=\"number\">{minutes:.1}</td></tr>", escape(&spent.task));
        }
        text + "</table>\n</body>\n</html>\n"
    }
}

impl Section {
    fn html(&self) -> String {
        let Outcome { id, title, dataset, images, .. } = &self.outcome;
        let mut text = format!("<h2 id=\"fig{id}\">{id}. {title}</h2>\n");
        let (word, class) = verdict(self.finding.verdict);
        let _ = writeln!(
            text,
            "<p>{} <span class=\"{class}\">{word}.</span> {}.</p>",
            escape(self.finding.claim),
            escape(&self.finding.evidence)
        );
        text += "<div class=\"charts\">\n";
        for chart in &self.charts {
            let _ = writeln!(text, "<figure>{}</figure>", inline(chart));
        }
        text += "</div>\n<table>\n<tr><th>Curve</th><th>Rate</th><th>λ: bpp / dB</th><th>BD-rate against</th><th>PCHIP</th><th>cubic</th></tr>\n";
        for curve in &self.outcome.curves {
            let points: Vec<String> =
                curve.means.iter().map(|m| format!("{:.0}: {:.3} / {:.2}", m.lambda, m.bpp, m.psnr)).collect();
            let rows = curve.comparisons.len().max(1);
            let refused = if curve.refused.is_some() { " (given latents of files that it refuses)" } else { "" };
            let _ = write!(
                text,
                "<tr><td rowspan=\"{rows}\">{}{refused}</td><td rowspan=\"{rows}\">{}</td><td rowspan=\"{rows}\" class=\"points\">{}</td>",
                escape(&curve.name),
                rate(curve.rate),
                points.join("<br>")
            );
            match curve.comparisons.split_first() {
                None => text += "<td></td><td></td><td></td></tr>\n",
                Some((first, rest)) => {
                    let _ = writeln!(text, "{}</tr>", cells(first));
                    rest.iter().for_each(|other| text += &format!("<tr>{}</tr>\n", cells(other)));
                }
            }
        }
        let _ = writeln!(text, "</table>\n<p>{} images of {}.</p>", images, escape(dataset));
        text
    }
}

fn cells(comparison: &Comparison) -> String {
    let left_out = match comparison.left_out {
        0 => String::new(),
        1 => " (without 1 point)".into(),
        n => format!(" (without {n} points)"),
    };
    let against = escape(&comparison.against) + &left_out;
    match (&comparison.pchip, &comparison.refused) {
        (Some(bd), _) => {
            let cubic = comparison.cubic.map_or_else(|| "-".into(), |bd| format!("{:+.1} %", bd.percent));
            format!("<td>{against}</td><td class=\"number\">{:+.1} %</td><td class=\"number\">{cubic}</td>", bd.percent)
        }
        (None, reason) => {
            format!("<td>{against}</td><td colspan=\"2\">{}</td>", escape(reason.as_deref().unwrap_or("-")))
        }
    }
}

/// A figure as part of the page: its names must not be those of another.
fn inline(chart: &Chart) -> String {
    let own = format!("area-{}", chart.name.trim_end_matches(".svg"));
    chart.svg.replace("id=\"area\"", &format!("id=\"{own}\"")).replace("url(#area)", &format!("url(#{own})"))
}

fn rate(rate: Rate) -> &'static str {
    match rate {
        Rate::Files => "files",
        Rate::Estimate => "estimate",
    }
}

fn verdict(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Shows => ("Shows", "shows"),
        Verdict::Partly => ("Shows in part", "partly"),
        Verdict::Not => ("Does not show", "not"),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
