//! Refinement of large canvases, part by part, so that memory does not grow with them.

use heirloom_kernels::Map;

use super::descent::descend;
use super::graph::{Branches, Goal};
use super::{FIRST, LEVELS};
use crate::model::{STRIDES, Spec};
use crate::network::Window;
use crate::progress::Progress;

/// Longest side of a part, in positions of z3 (stride 16).
const SIDE: usize = 48;
/// What surrounds a part: its symbols do not change, but their neighbours' depend on them.
const MARGIN: usize = 4;

/// What is refined: a canvas of the network.
pub struct Canvas<'a> {
    /// Its pixels, RGB in [-1, 1].
    pub image: &'a Map,
    /// The part of it that is seen, as height and width; what is beyond only pads it.
    pub seen: (usize, usize),
    /// The features of entropy and reconstruction branch where z3 begins, before its blocks.
    pub features: [&'a Map; 2],
    /// λ of the loss, bits per pixel + λ · mean squared error.
    pub lambda: f32,
}

/// Refines the symbols of z3 and z4 in `steps` steps: `residuals` are those of the posterior means,
/// (q − μ) ÷ Δ, whose nearest integers the encoder would code. `report` is told of each step.
#[must_use]
pub fn refine(
    branches: &Branches,
    canvas: &Canvas<'_>,
    residuals: [Map; LEVELS],
    steps: usize,
    report: &dyn Fn(Progress),
) -> [Map; LEVELS] {
    let whole = Window::whole(residuals[0].height, residuals[0].width);
    let stride = STRIDES[Spec::stage_of_level(FIRST)];
    let mut values = residuals;
    for part in parts(whole) {
        let around = part.grown(MARGIN, whole);
        let [entropy, reconstruction] = canvas.features.map(|map| around.of(map, whole).into_owned());
        let start = branches.start(entropy, reconstruction);
        let pixels = around.finer(stride);
        let image = pixels.of(canvas.image, whole.finer(stride));
        let seen = (
            canvas.seen.0.min(pixels.bottom) - pixels.top.min(canvas.seen.0),
            canvas.seen.1.min(pixels.right) - pixels.left.min(canvas.seen.1),
        );
        let goal = Goal { image: &image, seen, weight: canvas.lambda / 3.0 };
        let own: [Map; LEVELS] = std::array::from_fn(|level| {
            around.finer(1 << level).of(&values[level], whole.finer(1 << level)).into_owned()
        });
        let free = within(part, around);
        let pixels = area(part.finer(stride)) as f64 / steps as f64;
        let symbols = descend(branches, &start, own, free, goal, steps, |saved| report(Progress { pixels, saved }));
        for (level, (whole, symbols)) in values.iter_mut().zip(&symbols).enumerate() {
            paste(whole, symbols, part.finer(1 << level), free.finer(1 << level));
        }
    }
    values
}

/// The most pixels that are refined at a time, of a canvas of `height` × `width` pixels.
#[must_use]
pub fn largest_part(height: usize, width: usize) -> u64 {
    let stride = STRIDES[Spec::stage_of_level(FIRST)];
    let whole = Window::whole(height / stride, width / stride);
    let pixels = |part: Window| area(part.grown(MARGIN, whole).finer(stride));
    parts(whole).into_iter().map(pixels).max().unwrap_or_default()
}

/// Number of positions.
fn area(Window { top, left, bottom, right }: Window) -> u64 {
    (bottom - top) as u64 * (right - left) as u64
}

/// Parts of nearly the same size.
fn parts(whole: Window) -> Vec<Window> {
    let cuts = |length: usize| {
        let count = length.div_ceil(SIDE);
        (0..count).map(move |i| (i * length / count, (i + 1) * length / count))
    };
    let row = |(top, bottom)| cuts(whole.right).map(move |(left, right)| Window { top, left, bottom, right });
    cuts(whole.bottom).flat_map(row).collect()
}

/// A window as a part of another one.
fn within(part: Window, around: Window) -> Window {
    let (y, x) = (around.top, around.left);
    Window { top: part.top - y, left: part.left - x, bottom: part.bottom - y, right: part.right - x }
}

/// Copies the window `source` of a part to the window `target` of the whole.
fn paste(whole: &mut Map, part: &Map, target: Window, source: Window) {
    let channels = whole.channels;
    let length = (target.right - target.left) * channels;
    for y in 0..target.bottom - target.top {
        let from = ((source.top + y) * part.width + source.left) * channels;
        let to = ((target.top + y) * whole.width + target.left) * channels;
        whole.data[to..to + length].copy_from_slice(&part.data[from..from + length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_go_back_to_where_they_came_from() {
        let mut map = Map::zeros(60, 110, 3);
        map.data.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
        let whole = Window::whole(60, 110);
        let mut copy = Map::zeros(60, 110, 3);
        for part in parts(whole) {
            let around = part.grown(MARGIN, whole);
            paste(&mut copy, &around.of(&map, whole), part, within(part, around));
        }
        assert_eq!(copy, map);
    }

    #[test]
    fn parts_cover_the_whole_once() {
        for (height, width) in [(1, 1), (32, 48), (49, 97), (128, 128)] {
            let mut seen = vec![0; height * width];
            for part in parts(Window::whole(height, width)) {
                assert!(part.bottom - part.top <= SIDE && part.right - part.left <= SIDE);
                for y in part.top..part.bottom {
                    (part.left..part.right).for_each(|x| seen[y * width + x] += 1);
                }
            }
            assert!(seen.iter().all(|&count| count == 1), "{height} × {width}");
        }
    }
}
