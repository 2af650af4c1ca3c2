//! How well two images agree where one of them lies within the other.

use super::{thumbnail::Thumbnail, window::Window};

/// Cells across and down while the window is still far from its place, and at the end.
const COARSE: usize = 12;
const FINE: usize = 32;
/// Distance at the coarse stage from which on images are taken for different ones.
const HOPELESS: f32 = 0.6;

/// Differences of neighbouring cells, across and down, each without its mean and all together of
/// norm 1: what remains of an image when brightness, contrast and even shading are taken away.
/// Zeros if the image has no structure.
fn structure<const N: usize>(cells: &[[f32; N]; N]) -> Vec<f32> {
    let across = cells.iter().flat_map(|row| row.windows(2).map(|pair| pair[1] - pair[0]));
    let down = cells.windows(2).flat_map(|rows| rows[0].iter().zip(&rows[1]).map(|(a, b)| b - a));
    let mut all: Vec<f32> = across.chain(down).collect();
    let half = all.len() / 2;
    for part in all.chunks_exact_mut(half) {
        let mean = part.iter().sum::<f32>() / half as f32;
        part.iter_mut().for_each(|v| *v -= mean);
    }
    let norm = all.iter().map(|v| v * v).sum::<f32>().sqrt();
    // A root mean square below a hundredth of a grey level is rounding, not structure.
    let factor = if norm > 0.01 * (all.len() as f32).sqrt() { 1.0 / norm } else { 0.0 };
    all.iter_mut().for_each(|v| *v *= factor);
    all
}

fn mirror<const N: usize>(mut cells: [[f32; N]; N]) -> [[f32; N]; N] {
    cells.iter_mut().for_each(|row| row.reverse());
    cells
}

/// 1 minus the correlation of the structures of a window and of another image as a whole: 0 for the
/// same image, about 1 for unrelated ones.
fn distance<const N: usize>(image: &Thumbnail, window: Window, target: &[f32]) -> f32 {
    let here = structure(&image.cells::<N>(window));
    1.0 - here.iter().zip(target).map(|(a, b)| a * b).sum::<f32>()
}

/// Moves and resizes a window of `image` step by step towards the smallest distance from `target`.
/// The first steps are a tenth of the window, the last a fraction `last` of it.
fn refined<const N: usize>(image: &Thumbnail, start: Window, target: &[f32], last: f32) -> (Window, f32) {
    let (mut best, mut least) = (start, distance::<N>(image, start, target));
    let (width, height) = image.size();
    let mut step = 0.1;
    while step > last {
        let mut better = false;
        // Its place, its size, and its aspect.
        for [x, y, w, h] in [
            [1.0, 0.0, 0.0, 0.0],
            [0.0, 1.0, 0.0, 0.0],
            [-0.5, -0.5, 1.0, 1.0],
            [-0.5, 0.0, 1.0, 0.0],
            [0.0, -0.5, 0.0, 1.0],
        ] {
            for sign in [-step, step] {
                let mut next = Window {
                    x: best.x + sign * x * best.width,
                    y: best.y + sign * y * best.height,
                    width: (best.width * (1.0 + sign * w)).min(width),
                    height: (best.height * (1.0 + sign * h)).min(height),
                };
                next.x = next.x.clamp(0.0, width - next.width);
                next.y = next.y.clamp(0.0, height - next.height);
                let distance = distance::<N>(image, next, target);
                if distance < least {
                    (best, least, better) = (next, distance, true);
                }
            }
        }
        if !better {
            step /= 2.0;
        }
    }
    (best, least)
}

/// The window of `image` near `start` that looks most like `other` (mirrored, if so asked) and
/// their distance: 0 for the same image, about 1 for unrelated ones.
#[must_use]
pub fn align(image: &Thumbnail, start: Window, other: &Thumbnail, mirrored: bool) -> (Window, f32) {
    let whole = other.whole();
    let (coarse, fine) = (other.cells::<COARSE>(whole), other.cells::<FINE>(whole));
    let (coarse, fine) = if mirrored { (mirror(coarse), mirror(fine)) } else { (coarse, fine) };
    let (window, distance) = refined::<COARSE>(image, start, &structure(&coarse), 0.02);
    if distance > HOPELESS {
        return (window, distance);
    }
    refined::<FINE>(image, window, &structure(&fine), 0.004)
}
