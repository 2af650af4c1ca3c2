//! Multi-scale structural similarity (Wang, Simoncelli and Bovik 2003) of 8-bit RGB images.
//!
//! The conventions are those of published numbers of learned codecs: five scales; an 11-tap
//! Gaussian window with σ = 1.5, without padding; K₁ = 0.01 and K₂ = 0.03; the mean over the three
//! channels; negative terms set to zero; and 2×2 average pooling between scales, where an odd side
//! is padded by one line of zeros on both ends.

use crate::EvalError;

const WEIGHTS: [f64; 5] = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333];
const TAPS: usize = 11;
const SIGMA: f64 = 1.5;
const C1: f64 = (0.01 * 255.0) * (0.01 * 255.0);
const C2: f64 = (0.03 * 255.0) * (0.03 * 255.0);

/// Smallest length of a side in pixels: the window must fit into the coarsest of the five scales.
pub const LEAST_SIDE: usize = (TAPS - 1) * 16 + 1;

/// One channel at one scale, row by row, with values in 0..=255.
struct Plane {
    width: usize,
    height: usize,
    data: Vec<f64>,
}

/// MS-SSIM between two interleaved 8-bit RGB images of `width` × `height` pixels; 1 means equal, 0
/// unrelated.
///
/// # Errors
/// [`EvalError::Shape`] if a buffer is not `3 · width · height` long, [`EvalError::TooSmall`] if a
/// side is shorter than [`LEAST_SIDE`].
pub fn ms_ssim(a: &[u8], b: &[u8], width: usize, height: usize) -> Result<f64, EvalError> {
    let samples = width.checked_mul(height).and_then(|n| n.checked_mul(3));
    for buffer in [a, b] {
        if samples != Some(buffer.len()) {
            return Err(EvalError::Shape {
                expected: format!("3 × {width} × {height} samples"),
                found: format!("{} samples", buffer.len()),
            });
        }
    }
    if width.min(height) < LEAST_SIDE {
        return Err(EvalError::TooSmall { metric: "MS-SSIM", least: LEAST_SIDE, found: width.min(height) });
    }
    let channel = |p: &[u8], c: usize| Plane {
        width,
        height,
        data: p.iter().skip(c).step_by(3).map(|&v| f64::from(v)).collect(),
    };
    Ok((0..3).map(|c| channel_ms_ssim(channel(a, c), channel(b, c))).sum::<f64>() / 3.0)
}

fn channel_ms_ssim(mut a: Plane, mut b: Plane) -> f64 {
    let window = gaussian();
    let last = WEIGHTS.len() - 1;
    let mut product = 1.0;
    for (scale, weight) in WEIGHTS.into_iter().enumerate() {
        let (ssim, contrast) = ssim(&a, &b, &window);
        let term = if scale == last { ssim } else { contrast };
        product *= term.max(0.0).powf(weight);
        if scale != last {
            a = halve(&a);
            b = halve(&b);
        }
    }
    product
}

/// Mean SSIM and mean contrast-structure term over all full windows.
fn ssim(a: &Plane, b: &Plane, window: &[f64; TAPS]) -> (f64, f64) {
    let blur = |f: &dyn Fn(usize) -> f64| filter(a.width, a.height, f, window);
    let mean_a = blur(&|i| a.data[i]);
    let mean_b = blur(&|i| b.data[i]);
    let square_a = blur(&|i| a.data[i] * a.data[i]);
    let square_b = blur(&|i| b.data[i] * b.data[i]);
    let product = blur(&|i| a.data[i] * b.data[i]);
    let (mut ssim, mut contrast) = (0.0, 0.0);
    for i in 0..mean_a.len() {
        let (ma, mb) = (mean_a[i], mean_b[i]);
        let variances = (square_a[i] - ma * ma) + (square_b[i] - mb * mb);
        let covariance = product[i] - ma * mb;
        let cs = (2.0 * covariance + C2) / (variances + C2);
        contrast += cs;
        ssim += cs * (2.0 * ma * mb + C1) / (ma * ma + mb * mb + C1);
    }
    let count = mean_a.len() as f64;
    (ssim / count, contrast / count)
}

/// Applies the window where it lies inside the image as a whole; `value(i)` is the sample with
/// index `i`.
fn filter(width: usize, height: usize, value: &dyn Fn(usize) -> f64, window: &[f64; TAPS]) -> Vec<f64> {
    let (out_width, out_height) = (width + 1 - TAPS, height + 1 - TAPS);
    let mut rows = vec![0.0; out_width * height];
    let mut line = vec![0.0; width];
    for y in 0..height {
        for (x, sample) in line.iter_mut().enumerate() {
            *sample = value(y * width + x);
        }
        for (x, out) in rows[y * out_width..][..out_width].iter_mut().enumerate() {
            *out = line[x..x + TAPS].iter().zip(window).map(|(s, w)| s * w).sum();
        }
    }
    let mut out = vec![0.0; out_width * out_height];
    for (y, out_row) in out.chunks_exact_mut(out_width).enumerate() {
        for (k, weight) in window.iter().enumerate() {
            for (o, r) in out_row.iter_mut().zip(&rows[(y + k) * out_width..][..out_width]) {
                *o += r * weight;
            }
        }
    }
    out
}

/// Averages 2×2 samples. An odd side is first padded by one line of zeros on both ends, which
/// count.
fn halve(plane: &Plane) -> Plane {
    let (pad_x, pad_y) = (plane.width % 2, plane.height % 2);
    let (width, height) = (plane.width / 2 + pad_x, plane.height / 2 + pad_y);
    let at = |x: usize, y: usize| match (x.checked_sub(pad_x), y.checked_sub(pad_y)) {
        (Some(x), Some(y)) if x < plane.width && y < plane.height => plane.data[y * plane.width + x],
        _ => 0.0,
    };
    let mut data = Vec::with_capacity(width * height);
    for y in 0..height {
        for x in 0..width {
            let (x, y) = (2 * x, 2 * y);
            data.push((at(x, y) + at(x + 1, y) + at(x, y + 1) + at(x + 1, y + 1)) / 4.0);
        }
    }
    Plane { width, height, data }
}

fn gaussian() -> [f64; TAPS] {
    let mut window = [0.0; TAPS];
    for (i, w) in window.iter_mut().enumerate() {
        let distance = i as f64 - (TAPS / 2) as f64;
        *w = (-distance * distance / (2.0 * SIGMA * SIGMA)).exp();
    }
    let sum: f64 = window.iter().sum();
    window.map(|w| w / sum)
}
