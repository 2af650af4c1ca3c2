//! Stored samples of a TIFF image as grey or RGB.

use heirloom_codec::image::{Metadata, Samples};

use super::common::Photometric;
use crate::ReadError;
use crate::profile;
use crate::read::reading::Reading;
use crate::read::refusals::{damaged, unsupported};

/// Value of the tag ExtraSamples for colour that is multiplied by alpha.
const ASSOCIATED: u16 = 1;
/// Value of the tag ExtraSamples for alpha that stands on its own.
const UNASSOCIATED: u16 = 2;

/// The samples of an image as they are stored, interleaved.
pub(super) struct Stored {
    /// 0 to 2^bits − 1.
    pub(super) samples: Vec<u16>,
    pub(super) photometric: Photometric,
    pub(super) bits: u8,
    pub(super) per_pixel: usize,
    /// What the samples behind the colour mean.
    pub(super) extra: Vec<u16>,
    /// Palette: all red values, all green ones, all blue ones, of 16 bits.
    pub(super) map: Vec<u16>,
    pub(super) is_jpeg: bool,
}

/// Interleaved grey (1) or RGB (3) samples, perhaps with alpha behind them.
pub(super) struct Colours {
    pub(super) channels: usize,
    pub(super) alpha: bool,
    pub(super) samples: Samples,
}

impl Stored {
    pub(super) fn converted(
        mut self,
        reading: &mut Reading<'_>,
        metadata: &mut Metadata,
    ) -> Result<Colours, ReadError> {
        let stored = match self.photometric {
            Photometric::WhiteIsZero | Photometric::BlackIsZero | Photometric::Palette => 1,
            Photometric::Rgb | Photometric::YCbCr | Photometric::CieLab => 3,
            Photometric::Cmyk => 4,
        };
        if self.per_pixel < stored {
            return Err(damaged("is a TIFF file of fewer samples than its colours need"));
        }
        // Four samples of RGB mean alpha even without a word on it.
        let kind = self.extra.first().copied().unwrap_or(if stored == 3 { UNASSOCIATED } else { 0 });
        let alpha = self.per_pixel > stored && stored < 4 && matches!(kind, ASSOCIATED | UNASSOCIATED);
        let taken = stored + usize::from(alpha);
        if self.per_pixel > taken {
            reading.note(format!("its {} extra channels were left out", self.per_pixel - taken));
            self.samples =
                self.samples.chunks_exact(self.per_pixel).flat_map(|pixel| &pixel[..taken]).copied().collect();
        }
        let max = ((1u32 << self.bits) - 1) as u16;
        if alpha && kind == ASSOCIATED {
            divide_by_alpha(&mut self.samples, taken, max);
        }
        match self.photometric {
            Photometric::Cmyk => return Ok(inks(&self.samples, max, reading, metadata)),
            Photometric::Palette => return self.palette(alpha),
            // The library inverts grey without alpha itself.
            Photometric::WhiteIsZero if self.per_pixel > 1 || self.bits == 12 => {
                self.samples.iter_mut().step_by(taken).for_each(|v| *v = max - *v);
            }
            Photometric::YCbCr if !self.is_jpeg || self.bits != 8 => {
                return Err(unsupported(
                    "has YCbCr colours without JPEG compression, which are not read; convert it first, for example \
                     `magick IN OUT.png`",
                ));
            }
            Photometric::YCbCr => self.samples.chunks_exact_mut(taken).for_each(ycbcr_to_rgb),
            Photometric::CieLab => {
                reading.note("its CIE L*a*b* colours were converted to sRGB");
                metadata.icc = None;
                self.samples.chunks_exact_mut(taken).for_each(|pixel| lab_to_srgb(pixel, max));
            }
            _ => {}
        }
        let samples = match self.bits {
            16 => Samples::U16(self.samples),
            8 => Samples::U8(self.samples.iter().map(|&v| v as u8).collect()),
            ..8 => Samples::U8(self.samples.iter().map(|&v| scaled(v, max, 255) as u8).collect()),
            _ => Samples::U16(self.samples.iter().map(|&v| scaled(v, max, 65535)).collect()),
        };
        Ok(Colours { channels: stored, alpha, samples })
    }

    /// Colours out of the palette; of 8 bits if no low byte of it says more than the high one does.
    fn palette(self, alpha: bool) -> Result<Colours, ReadError> {
        let entries = 1usize << self.bits;
        if self.map.len() < 3 * entries {
            return Err(damaged("is a TIFF file with too few colours in its palette"));
        }
        let max = (entries - 1) as u16;
        let pixels = self.samples.chunks_exact(1 + usize::from(alpha));
        let colours = pixels.flat_map(|pixel| {
            let index = usize::from(pixel[0]) % entries;
            let colour = [0, entries, 2 * entries].map(|plane| self.map[plane + index]);
            colour.into_iter().chain(pixel.get(1).map(|&alpha| scaled(alpha, max, 65535)))
        });
        let is_shallow = self.map.iter().all(|v| v % 257 == 0 || v & 0xff == 0);
        let samples = if is_shallow {
            Samples::U8(colours.map(|v| (v >> 8) as u8).collect())
        } else {
            Samples::U16(colours.collect())
        };
        Ok(Colours { channels: 3, alpha, samples })
    }
}

/// A sample of up to `max` as one of up to `full`, rounded to nearest.
fn scaled(value: u16, max: u16, full: u32) -> u16 {
    ((u32::from(value) * full + u32::from(max) / 2) / u32::from(max)) as u16
}

/// Straight colour out of colour that is multiplied by alpha.
fn divide_by_alpha(samples: &mut [u16], channels: usize, max: u16) {
    for pixel in samples.chunks_exact_mut(channels) {
        let alpha = u32::from(pixel[channels - 1]);
        for colour in &mut pixel[..channels - 1] {
            let straight = (u32::from(*colour) * u32::from(max) + alpha / 2).checked_div(alpha).unwrap_or(0);
            *colour = straight.min(u32::from(max)) as u16;
        }
    }
}

/// YCbCr of 8 bits as in JFIF: ITU-R BT.601 of full range.
fn ycbcr_to_rgb(pixel: &mut [u16]) {
    let [y, cb, cr] = [0, 1, 2].map(|i| f32::from(pixel[i]));
    let (cb, cr) = (cb - 128.0, cr - 128.0);
    let rgb = [y + 1.402 * cr, y - 0.344_136 * cb - 0.714_136 * cr, y + 1.772 * cb];
    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from.round().clamp(0.0, 255.0) as u16);
}

/// CIE L*a*b* of white D50, with L* from 0 to `max` and signed a* and b*, as sRGB.
fn lab_to_srgb(pixel: &mut [u16], max: u16) {
    /// D50.
    const WHITE: [f64; 3] = [0.964_22, 1.0, 0.825_21];
    /// XYZ of D50 to linear sRGB (Bradford).
    const TO_SRGB: [[f64; 3]; 3] = [
        [3.133_856_1, -1.616_866_7, -0.490_614_6],
        [-0.978_768_4, 1.916_141_5, 0.033_454_0],
        [0.071_945_3, -0.228_991_4, 1.405_242_7],
    ];
    let full = f64::from(max);
    let signed = |v: u16| if v > max / 2 { f64::from(v) - full - 1.0 } else { f64::from(v) } * 255.0 / full;
    let y = (f64::from(pixel[0]) / full * 100.0 + 16.0) / 116.0;
    let cube = |t: f64| if t > 6.0 / 29.0 { t.powi(3) } else { (t - 4.0 / 29.0) * 108.0 / 841.0 };
    let xyz = [y + signed(pixel[1]) / 500.0, y, y - signed(pixel[2]) / 200.0];
    let xyz: [f64; 3] = std::array::from_fn(|i| WHITE[i] * cube(xyz[i]));
    for (to, row) in pixel.iter_mut().zip(TO_SRGB) {
        let linear: f64 = row.iter().zip(xyz).map(|(a, b)| a * b).sum();
        let value = if linear <= 0.003_130_8 { 12.92 * linear } else { 1.055 * linear.powf(1.0 / 2.4) - 0.055 };
        *to = (value.clamp(0.0, 1.0) * full).round() as u16;
    }
}

fn inks(stored: &[u16], max: u16, reading: &mut Reading<'_>, metadata: &mut Metadata) -> Colours {
    let inks: Vec<u8> = stored.iter().map(|&v| scaled(v, max, 255) as u8).collect();
    let (rgb, by_profile) = profile::cmyk_to_srgb(&inks, metadata.icc.as_deref());
    metadata.icc = None;
    reading.note(profile::cmyk_note(by_profile));
    Colours { channels: 3, alpha: false, samples: Samples::U8(rgb) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_other_spaces() {
        let converted = |mut pixel: [u16; 3], convert: &dyn Fn(&mut [u16])| {
            convert(&mut pixel);
            pixel
        };
        assert_eq!(converted([255, 128, 128], &ycbcr_to_rgb), [255; 3]);
        assert_eq!(converted([76, 85, 255], &ycbcr_to_rgb), [254, 0, 0]);
        let lab = |pixel| converted(pixel, &|pixel| lab_to_srgb(pixel, 255));
        assert_eq!((lab([0, 0, 0]), lab([255, 0, 0])), ([0; 3], [255; 3]));
        // The red of sRGB is L* 54.3, a* 80.8, b* 69.9.
        let red = lab([138, 81, 70]);
        assert!(red[0] >= 252 && red[1] < 12 && red[2] < 12, "{red:?}");
        let green = lab([224, 256 - 79, 81]);
        assert!(green[0] < 60 && green[1] >= 252 && green[2] < 40, "{green:?}");
    }

    #[test]
    fn premultiplied_colour_is_made_straight() {
        let mut samples = [64, 32, 0, 128, 9, 9, 9, 0, 300, 2, 3, 255];
        divide_by_alpha(&mut samples, 4, 255);
        assert_eq!(samples, [128, 64, 0, 128, 0, 0, 0, 0, 255, 2, 3, 255]);
    }
}
