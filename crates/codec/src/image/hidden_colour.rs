//! Colour that nobody sees, beneath pixels that are wholly transparent.

use super::{Image, Samples};

impl Image {
    /// Replaces the colour of wholly transparent pixels by a smooth continuation of the visible
    /// colour around it, which costs few bits and does not bleed into visible edges. Without alpha,
    /// or without transparent pixels, nothing changes; if all pixels are transparent, their colour
    /// becomes 0.
    ///
    /// Push and pull (Gortler et al., "The Lumigraph", 1996, section 3.4): a pyramid of means of
    /// visible colour, each level half as large, is interpolated back into the gaps of the level
    /// below. Visible pixels are not touched.
    pub fn fill_hidden_colour(&mut self) {
        if !self.format().has_alpha() {
            return;
        }
        let (width, height) = (self.width() as usize, self.height() as usize);
        let channels = self.format().channels();
        match self.samples_mut() {
            Samples::U8(data) => fill(data, width, height, channels, 0, f32::from, |v| v.round() as u8),
            Samples::U16(data) => fill(data, width, height, channels, 0, f32::from, |v| v.round() as u16),
        }
    }
}

/// Mean colours, and whether a mean has any visible pixel behind it.
struct Level {
    width: usize,
    height: usize,
    /// Interleaved colour, `colours` values per cell.
    means: Vec<f32>,
    known: Vec<bool>,
}

fn fill<T: Copy + PartialEq>(
    data: &mut [T],
    width: usize,
    height: usize,
    channels: usize,
    transparent: T,
    to_float: impl Fn(T) -> f32,
    from_float: impl Fn(f32) -> T,
) {
    let colours = channels - 1;
    if data.chunks_exact(channels).all(|pixel| pixel[colours] != transparent) {
        return;
    }
    let visible = |x: usize, y: usize| {
        let pixel = &data[(y * width + x) * channels..][..channels];
        (pixel[colours] != transparent).then_some(pixel)
    };
    let mut levels = vec![halved(width, height, colours, |x, y, sum| {
        visible(x, y).map(|pixel| sum.iter_mut().zip(pixel).for_each(|(sum, &v)| *sum += to_float(v))).is_some()
    })];
    while let Some(last) = levels.last().filter(|level| level.width * level.height > 1) {
        let next = halved(last.width, last.height, colours, |x, y, sum| {
            let cell = y * last.width + x;
            let means = &last.means[cell * colours..][..colours];
            sum.iter_mut().zip(means).for_each(|(sum, v)| *sum += if last.known[cell] { *v } else { 0.0 });
            last.known[cell]
        });
        levels.push(next);
    }
    // From the single mean of the coarsest level back to the finest one.
    for fine in (0..levels.len() - 1).rev() {
        let (finer, coarser) = levels.split_at_mut(fine + 1);
        let (fine, coarse) = (&mut finer[fine], &coarser[0]);
        for y in 0..fine.height {
            for x in 0..fine.width {
                let cell = y * fine.width + x;
                if !fine.known[cell] {
                    coarse.at(x, y, colours, &mut fine.means[cell * colours..][..colours]);
                }
            }
        }
    }
    let mut colour = [0.0; 3];
    for y in 0..height {
        for x in 0..width {
            let pixel = &mut data[(y * width + x) * channels..][..channels];
            if pixel[colours] == transparent {
                levels[0].at(x, y, colours, &mut colour[..colours]);
                pixel[..colours].iter_mut().zip(&colour).for_each(|(to, &from)| *to = from_float(from));
            }
        }
    }
}

/// A level of half the size: `add(x, y, sum)` adds the colour of a cell to a sum, and says whether
/// it is known.
fn halved(width: usize, height: usize, colours: usize, add: impl Fn(usize, usize, &mut [f32]) -> bool) -> Level {
    let (half_width, half_height) = (width.div_ceil(2), height.div_ceil(2));
    let mut level = Level {
        width: half_width,
        height: half_height,
        means: vec![0.0; half_width * half_height * colours],
        known: vec![false; half_width * half_height],
    };
    for y in 0..half_height {
        for x in 0..half_width {
            let cell = y * half_width + x;
            let sum = &mut level.means[cell * colours..][..colours];
            let mut count = 0u8;
            for (i, j) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                let (x, y) = (2 * x + i, 2 * y + j);
                count += u8::from(x < width && y < height && add(x, y, sum));
            }
            level.known[cell] = count > 0;
            sum.iter_mut().for_each(|sum| *sum /= f32::from(count.max(1)));
        }
    }
    level
}

impl Level {
    /// The colour at a cell of the next finer level, interpolated from the four nearest means.
    fn at(&self, x: usize, y: usize, colours: usize, colour: &mut [f32]) {
        let (x0, x1) = neighbours(x, self.width);
        let (y0, y1) = neighbours(y, self.height);
        for (c, colour) in colour.iter_mut().enumerate() {
            let mean = |x: usize, y: usize| self.means[(y * self.width + x) * colours + c];
            *colour = (9.0 * mean(x0, y0) + 3.0 * (mean(x1, y0) + mean(x0, y1)) + mean(x1, y1)) / 16.0;
        }
    }
}

/// The two cells of a level next to a cell of the next finer one, the nearer one first.
fn neighbours(fine: usize, length: usize) -> (usize, usize) {
    let near = fine / 2;
    let far = if fine.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(length - 1) };
    (near, far)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::PixelFormat;

    /// A slanted ramp, of which `hidden` says which pixels are transparent; those are 255.
    fn ramp(width: u32, height: u32, hidden: impl Fn(u32, u32) -> bool) -> Image {
        let pixel = |x, y| if hidden(x, y) { [255, 0, 255, 0] } else { [40 + 2 * x as u8, 60 + y as u8, 90, 1] };
        let data = (0..height).flat_map(|y| (0..width).flat_map(move |x| [x, y])).collect::<Vec<_>>();
        let data = data.chunks(2).flat_map(|at| pixel(at[0], at[1])).collect();
        Image::new(width, height, PixelFormat::Rgba8, data).unwrap()
    }

    #[test]
    fn gaps_are_filled_smoothly_and_the_rest_is_untouched() {
        for (width, height) in [(64, 48), (37, 5), (1, 40)] {
            let hidden = |x: u32, y: u32| x > 10 && x < 40 && y % 17 > 3;
            let before = ramp(width, height, hidden);
            let mut after = before.clone();
            after.fill_hidden_colour();
            let whole = ramp(width, height, |_, _| false);
            for (i, ((before, after), ideal)) in
                before.data().chunks(4).zip(after.data().chunks(4)).zip(whole.data().chunks(4)).enumerate()
            {
                if before[3] == 1 {
                    assert_eq!(before, after);
                } else {
                    assert_eq!(after[3], 0);
                    let worst = after[..3].iter().zip(ideal).map(|(a, b)| a.abs_diff(*b)).max().unwrap();
                    assert!(worst < 40, "pixel {i} of {width} × {height}: {after:?}, ramp {ideal:?}");
                }
            }
        }
    }

    #[test]
    fn images_without_anything_to_see() {
        let mut empty = ramp(5, 3, |_, _| true);
        empty.fill_hidden_colour();
        assert_eq!(empty.data(), [0; 60]);
        let mut opaque = Image::new16(1, 1, PixelFormat::Grey16, vec![7]).unwrap();
        opaque.fill_hidden_colour();
        assert_eq!(opaque.samples().as_u16(), Some(&[7][..]));
        let mut one = Image::new16(2, 1, PixelFormat::GreyAlpha16, vec![7000, 1, 9, 0]).unwrap();
        one.fill_hidden_colour();
        assert_eq!(one.samples().as_u16(), Some(&[7000, 1, 7000, 0][..]));
    }
}
