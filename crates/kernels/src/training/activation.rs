//! What follows the convolutions of the baselines: leaky ReLU, and a scale and a shift per channel
//! and image.

use super::parts::in_parts;

/// Values of a task.
const PART: usize = 1 << 14;

/// Leaky ReLU: `x` where it is positive, else `slope · x`.
#[must_use]
pub fn leaky(x: &[f32], slope: f32) -> Vec<f32> {
    let ([out], _) = in_parts([x.len()], [PART], |i, [out]| {
        let x = &x[i * PART..][..out.len()];
        for j in 0..out.len() {
            out[j] = if x[j] > 0.0 { x[j] } else { slope * x[j] };
        }
    });
    out
}

/// Gradient of [`leaky`]'s input, from that of its output.
#[must_use]
pub fn leaky_backward(x: &[f32], gradient: &[f32], slope: f32) -> Vec<f32> {
    let ([out], _) = in_parts([x.len()], [PART], |i, [out]| {
        let (x, gradient) = (&x[i * PART..][..out.len()], &gradient[i * PART..][..out.len()]);
        for j in 0..out.len() {
            out[j] = if x[j] > 0.0 { gradient[j] } else { slope * gradient[j] };
        }
    });
    out
}

/// The shift and the scale of each channel of an image.
fn of_image(by: &[f32], image: usize, channels: usize) -> (&[f32], &[f32]) {
    by[image * 2 * channels..][..2 * channels].split_at(channels)
}

/// Values of a task: whole pixels of one image.
fn part(pixels: usize, channels: usize) -> usize {
    let fits = (PART / channels).max(1);
    let divides = (1..=fits.min(pixels)).rev().find(|n| pixels.is_multiple_of(*n));
    divides.unwrap_or(1) * channels
}

/// `x · (1 + scale) + shift` per channel; `by` is `[images, 2·channels]`, shifts before scales.
#[must_use]
pub fn modulate(x: &[f32], by: &[f32], images: usize, channels: usize) -> Vec<f32> {
    let size = x.len() / images;
    let part = part(size / channels, channels);
    let ([out], _) = in_parts([x.len()], [part], |i, [out]| {
        let (shift, scale) = of_image(by, i * part / size, channels);
        let pixels = out.chunks_exact_mut(channels).zip(x[i * part..].chunks_exact(channels));
        for (out, x) in pixels {
            for c in 0..channels {
                out[c] = x[c] * (1.0 + scale[c]) + shift[c];
            }
        }
    });
    out
}

/// Gradients of [`modulate`]'s inputs, from that of its output.
#[must_use]
pub fn modulate_backward(
    x: &[f32],
    by: &[f32],
    gradient: &[f32],
    images: usize,
    channels: usize,
) -> (Vec<f32>, Vec<f32>) {
    let size = x.len() / images;
    let ([dx, dby], _) = in_parts([x.len(), by.len()], [size, 2 * channels], |i, [dx, dby]| {
        let (_, scale) = of_image(by, i, channels);
        let (dshift, dscale) = dby.split_at_mut(channels);
        let inputs = x[i * size..].chunks_exact(channels).zip(gradient[i * size..].chunks_exact(channels));
        for (dx, (x, g)) in dx.chunks_exact_mut(channels).zip(inputs) {
            for c in 0..channels {
                dx[c] = g[c] * (1.0 + scale[c]);
                dshift[c] += g[c];
                dscale[c] += g[c] * x[c];
            }
        }
    });
    (dx, dby)
}
