//! Windows: the possible crops of an image.

/// A rectangle of a thumbnail, in its pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Window {
    pub x: f32,
    pub y: f32,
    pub width: f32,
    pub height: f32,
}

/// Smallest side of a window as a share of the largest with the same aspect.
const SMALLEST: f32 = 0.5;
/// Ratio of the sides of windows that follow each other in size.
const RATIO: f32 = 0.88;
/// Distance of neighbouring windows as a share of their sides.
const STEP: f32 = 1.0 / 12.0;
/// Ratio of aspects that follow each other.
const ASPECT_RATIO: f32 = 1.08;

/// Class of an image's aspect: width over height, rounded on a logarithmic scale.
#[must_use]
pub fn aspect_class(width: usize, height: usize) -> i32 {
    ((width as f32 / height as f32).ln() / ASPECT_RATIO.ln()).round() as i32
}

/// Aspect of a class.
fn aspect(class: i32) -> f32 {
    ASPECT_RATIO.powi(class)
}

/// All windows of one class of aspects in an image of `width` by `height` pixels, largest first.
#[must_use]
pub fn windows((width, height): (f32, f32), class: i32) -> Vec<Window> {
    let aspect = aspect(class);
    let widest = width.min(height * aspect);
    let mut out = Vec::new();
    let mut share = 1.0;
    while share >= SMALLEST {
        let (w, h) = (share * widest, share * widest / aspect);
        let places = |free: f32, side: f32| {
            let steps = (free / (STEP * side)).ceil() as usize;
            (0..=steps).map(move |i| free * i as f32 / steps.max(1) as f32)
        };
        for y in places(height - h, h) {
            out.extend(places(width - w, w).map(|x| Window { x, y, width: w, height: h }));
        }
        share *= RATIO;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_in_the_image_and_close_to_any_crop() {
        let (width, height) = (192.0, 128.0);
        for class in [-9, 0, 5, 14] {
            let windows = windows((width, height), class);
            let inside = |w: &Window| {
                w.x >= 0.0 && w.y >= 0.0 && w.x + w.width <= width + 1e-3 && w.y + w.height <= height + 1e-3
            };
            assert!(windows.iter().all(inside), "{class}");
            let widest = windows[0].width;
            for share in [0.55, 0.7, 0.95] {
                let (w, h) = (share * widest, share * widest / aspect(class));
                for (x, y) in [(0.0, 0.0), (0.3 * (width - w), 0.8 * (height - h)), (width - w, height - h)] {
                    // The worst distance of any corner, as a share of the side.
                    let distance = |o: &Window| {
                        let across = (o.x - x).abs().max((o.x + o.width - x - w).abs()) / w;
                        let down = (o.y - y).abs().max((o.y + o.height - y - h).abs()) / h;
                        across.max(down)
                    };
                    let nearest = windows.iter().map(distance).fold(f32::INFINITY, f32::min);
                    assert!(nearest < 0.12, "{class} {share}: {nearest}");
                }
            }
        }
    }

    #[test]
    fn classes_of_aspects_are_symmetric() {
        assert_eq!(aspect_class(512, 512), 0);
        assert_eq!(aspect_class(768, 512), -aspect_class(512, 768));
        assert!((aspect(aspect_class(768, 512)) - 1.5).abs() < 0.06);
    }
}
