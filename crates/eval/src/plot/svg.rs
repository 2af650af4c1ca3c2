//! The few SVG elements that a figure needs.

use std::fmt::Write;

/// Number of different markers.
pub(super) const MARKERS: usize = 6;

/// A document under construction; coordinates are in pixels from the upper left corner.
pub(super) struct Svg {
    body: String,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        let body = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"DejaVu Sans, Verdana, Helvetica, Arial, sans-serif\">\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n"
        );
        Self { body }
    }

    pub(super) fn finish(self) -> String {
        self.body + "</svg>\n"
    }

    fn push(&mut self, element: std::fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.body, "{element}");
    }

    pub(super) fn text(&mut self, at: (f64, f64), size: f64, anchor: &str, bold: bool, text: &str) {
        let weight = if bold { " font-weight=\"bold\"" } else { "" };
        let text = escape(text);
        self.push(format_args!(
            "<text x=\"{:.1}\" y=\"{:.1}\" font-size=\"{size}\" text-anchor=\"{anchor}\"{weight} fill=\"#1a1a1a\">{text}</text>",
            at.0, at.1
        ));
    }

    /// Text that runs upwards, centred on `at`.
    pub(super) fn vertical_text(&mut self, at: (f64, f64), size: f64, text: &str) {
        let (x, y, text) = (at.0, at.1, escape(text));
        self.push(format_args!(
            "<text transform=\"translate({x:.1} {y:.1}) rotate(-90)\" font-size=\"{size}\" text-anchor=\"middle\" fill=\"#1a1a1a\">{text}</text>"
        ));
    }

    pub(super) fn line(&mut self, a: (f64, f64), b: (f64, f64), colour: &str, width: f64) {
        self.path(&[a, b], colour, width, "");
    }

    pub(super) fn path(&mut self, points: &[(f64, f64)], colour: &str, width: f64, dash: &str) {
        let mut d = String::new();
        for (i, (x, y)) in points.iter().enumerate() {
            let _ = write!(d, "{}{x:.2} {y:.2}", if i == 0 { 'M' } else { 'L' });
        }
        let dash = if dash.is_empty() { String::new() } else { format!(" stroke-dasharray=\"{dash}\"") };
        self.push(format_args!(
            "<path d=\"{d}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"{width}\" stroke-linejoin=\"round\"{dash}/>"
        ));
    }

    /// Marker `kind` (0..[`MARKERS`]) of about `size` pixels radius.
    pub(super) fn marker(&mut self, kind: usize, at: (f64, f64), size: f64, colour: &str, filled: bool) {
        let (x, y) = at;
        let paint =
            format!("fill=\"{}\" stroke=\"{colour}\" stroke-width=\"1.4\"", if filled { colour } else { "#ffffff" });
        // Corners in units of `size`, chosen so that all shapes look equally large.
        let corners: &[(f64, f64)] = match kind {
            0 => {
                self.push(format_args!("<circle cx=\"{x:.2}\" cy=\"{y:.2}\" r=\"{:.2}\" {paint}/>", size * 0.95));
                return;
            }
            1 => &[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
            2 => &[(0.0, -1.15), (1.1, 0.8), (-1.1, 0.8)],
            3 => &[(0.0, -1.25), (1.05, 0.0), (0.0, 1.25), (-1.05, 0.0)],
            4 => &[(0.0, 1.15), (1.1, -0.8), (-1.1, -0.8)],
            _ => &[
                (-1.1, -0.35),
                (-0.35, -0.35),
                (-0.35, -1.1),
                (0.35, -1.1),
                (0.35, -0.35),
                (1.1, -0.35),
                (1.1, 0.35),
                (0.35, 0.35),
                (0.35, 1.1),
                (-0.35, 1.1),
                (-0.35, 0.35),
                (-1.1, 0.35),
            ],
        };
        let mut list = String::new();
        for (dx, dy) in corners {
            let _ = write!(list, "{:.2},{:.2} ", x + dx * size, y + dy * size);
        }
        self.push(format_args!("<polygon points=\"{}\" {paint}/>", list.trim_end()));
    }

    pub(super) fn frame(&mut self, [left, top, right, bottom]: [f64; 4], colour: &str) {
        self.push(format_args!(
            "<rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"none\" stroke=\"{colour}\"/>",
            right - left,
            bottom - top
        ));
    }

    /// Clips what follows to a box, until [`Svg::close_clip`].
    pub(super) fn open_clip(&mut self, [left, top, right, bottom]: [f64; 4]) {
        self.push(format_args!(
            "<clipPath id=\"area\"><rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\"/></clipPath>\n<g clip-path=\"url(#area)\">",
            right - left,
            bottom - top
        ));
    }

    pub(super) fn close_clip(&mut self) {
        self.push(format_args!("</g>"));
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
