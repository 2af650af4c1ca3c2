//! The files of a report: JSON, CSV, figures, and one self-contained HTML page.

use std::{fmt::Write, fs, path::Path};

use heirloom_io::atomic::write_durably;

use super::{page, report::Report};
use heirloom_train::error::{Result, TrainError};

/// Writes `report.json`, `points.csv`, `figures/*.svg` and `report.html` into the folder `out`.
///
/// # Errors
/// A folder that cannot be written.
pub fn write(report: &Report, out: &Path) -> Result<()> {
    let figures = out.join("figures");
    fs::create_dir_all(&figures).map_err(TrainError::io("create the folder", &figures))?;
    let json = serde_json::to_string_pretty(report).map_err(|e| TrainError::Data(format!("the report: {e}")))?;
    write_durably(&out.join("report.json"), (json + "\n").as_bytes())?;
    write_durably(&out.join("points.csv"), csv(report).as_bytes())?;
    for chart in report.sections.iter().flat_map(|section| &section.charts) {
        write_durably(&figures.join(&chart.name), chart.svg.as_bytes())?;
    }
    Ok(write_durably(&out.join("report.html"), page::html(report).as_bytes())?)
}

/// Every point of every curve.
fn csv(report: &Report) -> String {
    let mut text = String::from("figure,system,strategy,rate,lambda,bpp,psnr\n");
    for section in &report.sections {
        for curve in &section.outcome.curves {
            let (system, strategy) = (curve.line.system.name(), curve.line.condition.name());
            for mean in &curve.means {
                let _ = writeln!(
                    text,
                    "{},{system},{strategy},{},{},{:.6},{:.4}",
                    section.outcome.id,
                    curve.rate.name(),
                    mean.lambda,
                    mean.bpp,
                    mean.psnr
                );
            }
        }
    }
    text
}
