//! Rate-distortion figures as SVG.
//!
//! Every series has its own marker and dash pattern besides its colour, so that a figure is
//! readable in black and white. The caption says what was measured.

mod svg;
mod ticks;

use crate::{Curve, EvalError, Point};
use svg::Svg;

/// Colours that are distinguishable with any colour vision (after Okabe and Ito), darkened for
/// lines on white.
const COLOURS: [&str; 6] = ["#0072b2", "#d55e00", "#00795a", "#a3447e", "#8a6a00", "#2b8cbe"];
const DASHES: [&str; 4] = ["", "7 3", "2 3", "9 3 2 3"];
const WIDTH: f64 = 900.0;
const HEIGHT: f64 = 540.0;
/// Left, top, right and bottom edge of the plotting area.
const AREA: [f64; 4] = [64.0, 64.0, 674.0, 478.0];

/// Role of a curve in a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The subject of the figure, drawn thick and black.
    Main,
    /// A curve that is compared with the subject.
    Plain,
    /// A curve for orientation, which the axes need not cover.
    Background,
}

/// One line of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// The points in the order in which the line connects them; it need not rise.
    pub points: Vec<Point>,
    /// Role in the figure.
    pub role: Role,
}

impl Series {
    /// Makes a line of a curve.
    pub fn new(curve: &Curve, role: Role) -> Self {
        Self { name: curve.name().into(), points: curve.points().to_vec(), role }
    }

    fn is_main(&self) -> bool {
        self.role == Role::Main
    }
}

/// A rate-distortion figure: PSNR over bits per pixel.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// Title.
    pub title: String,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images that each point is the mean of.
    pub images: usize,
    /// Lowest and highest λ of the curves, if they have any.
    pub lambda: Option<(f32, f32)>,
    /// The curves, in the order of the legend.
    pub series: Vec<Series>,
}

impl Figure {
    /// Draws the figure as a complete SVG document.
    ///
    /// The axes cover all curves with a margin, except those in the background unless there are no
    /// others. Lines outside the axes are clipped.
    ///
    /// # Errors
    /// [`EvalError::Curve`] if the figure has no curve.
    pub fn to_svg(&self) -> Result<String, EvalError> {
        let view = View::around(&self.series)
            .ok_or_else(|| EvalError::Curve { name: self.title.clone(), reason: "a figure needs a curve".into() })?;
        let mut svg = Svg::new(WIDTH, HEIGHT);
        self.captions(&mut svg);
        axes(&mut svg, &view);
        svg.open_clip(AREA);
        // The main curves come last, so that they lie on top.
        let mut order: Vec<usize> = (0..self.series.len()).collect();
        order.sort_by_key(|&i| self.series[i].is_main());
        for &i in &order {
            let style = self.style(i);
            let points: Vec<(f64, f64)> =
                self.series[i].points.iter().map(|p| (view.x(p.bpp), view.y(p.psnr))).collect();
            svg.path(&points, style.colour, style.width, style.dash);
            for &at in &points {
                svg.marker(style.marker, at, style.size, style.colour, style.filled);
            }
        }
        svg.close_clip();
        self.legend(&mut svg);
        Ok(svg.finish())
    }

    fn captions(&self, svg: &mut Svg) {
        svg.text((AREA[0], 28.0), 17.0, "start", true, &self.title);
        let plural = if self.images == 1 { "" } else { "s" };
        let mut line = format!("{}, mean over {} image{plural}", self.dataset, self.images);
        if let Some((low, high)) = self.lambda {
            line += &format!(", λ {low} to {high}");
        }
        svg.text((AREA[0], 49.0), 13.0, "start", false, &line);
        svg.text(((AREA[0] + AREA[2]) / 2.0, HEIGHT - 18.0), 14.0, "middle", false, "rate (bits per pixel)");
        svg.vertical_text((20.0, (AREA[1] + AREA[3]) / 2.0), 14.0, "PSNR of 8-bit RGB (dB)");
    }

    fn legend(&self, svg: &mut Svg) {
        for (i, series) in self.series.iter().enumerate() {
            let style = self.style(i);
            let y = AREA[1] + 12.0 + 24.0 * i as f64;
            svg.path(&[(AREA[2] + 16.0, y), (AREA[2] + 60.0, y)], style.colour, style.width, style.dash);
            svg.marker(style.marker, (AREA[2] + 38.0, y), style.size, style.colour, style.filled);
            svg.text((AREA[2] + 68.0, y + 4.5), 13.0, "start", series.is_main(), &series.name);
        }
    }

    fn style(&self, index: usize) -> Style {
        let series = &self.series[index];
        // Main curves are counted separately, so that another codec looks the same beside one or
        // two models.
        let rank = self.series[..index].iter().filter(|s| s.is_main() == series.is_main()).count();
        let dash = DASHES[if series.is_main() { rank } else { rank / 6 + rank } % DASHES.len()];
        Style {
            colour: if series.is_main() { "#000000" } else { COLOURS[rank % COLOURS.len()] },
            dash,
            width: if series.is_main() { 2.6 } else { 1.4 },
            size: if series.is_main() { 5.2 } else { 4.2 },
            marker: rank % svg::MARKERS,
            filled: series.is_main() || (rank / svg::MARKERS) % 2 == 1,
        }
    }
}

struct Style {
    colour: &'static str,
    dash: &'static str,
    width: f64,
    size: f64,
    marker: usize,
    filled: bool,
}

/// Ranges of both axes.
struct View {
    bpp: (f64, f64),
    psnr: (f64, f64),
}

impl View {
    fn around(series: &[Series]) -> Option<Self> {
        let alone = series.iter().all(|s| s.role == Role::Background);
        let points = || series.iter().filter(|s| alone || s.role != Role::Background).flat_map(|s| &s.points);
        points().next()?;
        let span = |value: fn(&Point) -> f64| {
            points().map(value).fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), v| (l.min(v), h.max(v)))
        };
        let (_, bpp) = span(|p| p.bpp);
        let (low, high) = span(|p| p.psnr);
        let margin = ((high - low) * 0.08).max(0.5);
        Some(Self { bpp: (0.0, bpp * 1.08), psnr: (low - margin, high + margin) })
    }

    fn x(&self, bpp: f64) -> f64 {
        AREA[0] + (bpp - self.bpp.0) / (self.bpp.1 - self.bpp.0) * (AREA[2] - AREA[0])
    }

    fn y(&self, psnr: f64) -> f64 {
        AREA[3] - (psnr - self.psnr.0) / (self.psnr.1 - self.psnr.0) * (AREA[3] - AREA[1])
    }
}

fn axes(svg: &mut Svg, view: &View) {
    let (ticks, digits) = ticks::nice(view.bpp.0, view.bpp.1, 9);
    for bpp in ticks {
        let x = view.x(bpp);
        svg.line((x, AREA[1]), (x, AREA[3]), "#d9d9d9", 1.0);
        svg.text((x, AREA[3] + 19.0), 13.0, "middle", false, &format!("{bpp:.digits$}"));
    }
    let (ticks, digits) = ticks::nice(view.psnr.0, view.psnr.1, 9);
    for psnr in ticks {
        let y = view.y(psnr);
        svg.line((AREA[0], y), (AREA[2], y), "#d9d9d9", 1.0);
        svg.text((AREA[0] - 8.0, y + 4.5), 13.0, "end", false, &format!("{psnr:.digits$}"));
    }
    svg.frame(AREA, "#404040");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::anchors;

    fn figure() -> Figure {
        Figure {
            title: "Kodak: <ours> & others".into(),
            dataset: "Kodak".into(),
            images: 24,
            lambda: Some((32.0, 1024.0)),
            series: anchors::all()
                .unwrap()
                .into_iter()
                .map(|a| {
                    Series::new(&a.curve, if a.curve.name() == "qarv-base" { Role::Main } else { Role::Background })
                })
                .collect(),
        }
    }

    #[test]
    fn says_on_what_it_was_measured_and_names_every_curve() {
        let svg = figure().to_svg().unwrap();
        assert!(svg.contains("Kodak, mean over 24 images, λ 32 to 1024"));
        for name in anchors::NAMES {
            assert!(svg.contains(&format!(">{name}</text>")), "{name}");
        }
    }

    #[test]
    fn escapes_what_would_break_the_document() {
        let svg = figure().to_svg().unwrap();
        assert!(svg.contains("Kodak: &lt;ours&gt; &amp; others"));
    }

    #[test]
    fn no_two_series_look_alike_without_colour() {
        let figure = figure();
        let mut looks: Vec<_> = (0..figure.series.len())
            .map(|i| figure.style(i))
            .map(|s| (s.marker, s.filled, s.dash, s.width.to_bits()))
            .collect();
        looks.sort_unstable();
        looks.dedup();
        assert_eq!(looks.len(), figure.series.len());
    }

    #[test]
    fn points_are_where_the_axes_say() {
        let curve = Curve::new("c", vec![Point { bpp: 0.5, psnr: 30.0 }, Point { bpp: 1.0, psnr: 40.0 }]);
        let series = [Series::new(&curve.unwrap(), Role::Background)];
        let view = View::around(&series).unwrap();
        assert_eq!((view.x(0.0), view.x(1.08)), (AREA[0], AREA[2]));
        assert!((view.y(35.0) - (AREA[1] + AREA[3]) / 2.0).abs() < 1e-9);
    }

    #[test]
    fn an_empty_figure_is_refused() {
        let empty = Figure { series: vec![], ..figure() };
        assert!(empty.to_svg().is_err());
    }
}
