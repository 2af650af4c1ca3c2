//! A report as one self-contained HTML page.

use std::fmt::Write;

use super::{
    chart::Chart,
    finding::Verdict,
    outcome::{Comparison, Outcome},
    report::{Report, Section},
};

const STYLE: &str = include_str!("report.css");

/// The page.
pub fn html(report: &Report) -> String {
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>Experiments in backward-compatible learning</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n\
         <h1>Experiments in backward-compatible learning</h1>\n<p>{}, scale <b>{}</b>. {}.</p>\n",
        escape(&report.program),
        escape(&report.scale),
        escape(&report.machine)
    );
    if let Some(note) = &report.settings.note {
        let _ = writeln!(page, "<p>{}</p>", escape(note));
    }
    page += "<h2>Findings</h2>\n<table>\n<tr><th>Figure</th><th>The paper</th><th>Result</th><th>Measured</th></tr>\n";
    for section in &report.sections {
        let (word, class) = verdict(section.finding.verdict);
        let _ = writeln!(
            page,
            "<tr><td><a href=\"#fig{0}\">{0}</a></td><td>{1}</td><td class=\"{class}\">{word}</td><td>{2}</td></tr>",
            section.outcome.id,
            escape(section.finding.claim),
            escape(&section.finding.evidence)
        );
    }
    page += "</table>\n<p>Rates of <i>ours</i> are those of real files, read back from disk. The other systems write no \
             files: their rates are estimates from probabilities. PSNR is of 8-bit RGB, mean over the images. A model that could not have read \
             not have read, as its entropy branch has changed, it was given the latents that the writer finds; in truth there would be no image \
             at all.</p>\n";
    for section in &report.sections {
        page += &section_html(section);
    }
    page + &appendix(report)
}

fn appendix(report: &Report) -> String {
    let mut text = String::from("<h2>Images</h2>\n<table>\n<tr><th>For</th><th>Set</th><th>Images</th></tr>\n");
    for source in &report.sources {
        let _ = writeln!(
            text,
            "<tr><td>{}</td><td>{}</td><td class=\"number\">{}</td></tr>",
            source.role,
            escape(&source.name),
            source.images
        );
    }
    text += "</table>\n<h2>Settings</h2>\n<pre>";
    text += &escape(&report.settings.to_toml().unwrap_or_default());
    let total: f64 = report.tasks.iter().map(|time| time.seconds).sum();
    let _ = write!(
        text,
        "</pre>\n<h2>Times</h2>\n<p>{:.1} hours in all, without what was read and checked between tasks.</p>\n\
         <table>\n<tr><th>Task</th><th>Minutes</th></tr>\n",
        total / 3600.0
    );
    for time in &report.tasks {
        let minutes = time.seconds / 60.0;
        let _ = writeln!(text, "<tr><td>{}</td><td class=\"number\">{minutes:.1}</td></tr>", escape(&time.task));
    }
    text + "</table>\n</body>\n</html>\n"
}

fn section_html(section: &Section) -> String {
    let Outcome { id, title, dataset, images, .. } = &section.outcome;
    let mut text = format!("<h2 id=\"fig{id}\">{id}. {title}</h2>\n");
    let (word, class) = verdict(section.finding.verdict);
    let _ = writeln!(
        text,
        "<p>{} <span class=\"{class}\">{word}.</span> {}.</p>",
        escape(section.finding.claim),
        escape(&section.finding.evidence)
    );
    text += "<div class=\"charts\">\n";
    for chart in &section.charts {
        let _ = writeln!(text, "<figure>{}</figure>", inline(chart));
    }
    text += "</div>\n<table>\n<tr><th>Curve</th><th>Rate</th><th>λ: bpp / dB</th><th>BD-rate against</th><th>PCHIP</th><th>cubic</th></tr>\n";
    for curve in &section.outcome.curves {
        let points: Vec<String> =
            curve.means.iter().map(|m| format!("{:.0}: {:.3} / {:.2}", m.lambda, m.bpp, m.psnr)).collect();
        let rows = curve.comparisons.len().max(1);
        let refused = if curve.refused.is_some() { " (given latents of files that it refuses)" } else { "" };
        let _ = write!(
            text,
            "<tr><td rowspan=\"{rows}\">{}{refused}</td><td rowspan=\"{rows}\">{}</td><td rowspan=\"{rows}\" class=\"points\">{}</td>",
            escape(&curve.name),
            curve.rate.name(),
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

/// A figure as part of the page, with ids that differ from those of other figures.
fn inline(chart: &Chart) -> String {
    let own = format!("area-{}", chart.name.trim_end_matches(".svg"));
    chart.svg.replace("id=\"area\"", &format!("id=\"{own}\"")).replace("url(#area)", &format!("url(#{own})"))
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
