//! An image of several images side by side, with captions.

use heirloom_codec::image::{Image, PixelFormat};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use crate::failure::Failure;

/// White space around panels, in pixels.
const MARGIN: usize = 12;
/// Most pixels of the whole image.
const MAX_PIXELS: usize = 1 << 28;

/// Text under a panel, one line per field.
pub struct Caption {
    pub name: String,
    pub size: String,
    pub quality: String,
}

/// A rectangle in an image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    x: u32,
    y: u32,
    width: u32,
    height: u32,
}

/// Reads `X,Y,WIDTH,HEIGHT`.
pub fn region(text: &str) -> Result<Region, String> {
    let numbers: Vec<u32> = text.split(',').map(|n| n.trim().parse()).collect::<Result<_, _>>().unwrap_or_default();
    match numbers[..] {
        [x, y, width, height] if width > 0 && height > 0 => Ok(Region { x, y, width, height }),
        _ => Err("a crop is X,Y,WIDTH,HEIGHT in pixels, for example 100,50,320,240".into()),
    }
}

impl Region {
    /// The requested rectangle, which must lie in the image; the whole image without a request.
    pub fn inside(asked: Option<Self>, image: &Image) -> Result<Self, Failure> {
        let (width, height) = (image.width(), image.height());
        let region = asked.unwrap_or(Self { x: 0, y: 0, width, height });
        let fits = |start: u32, length: u32, side: u32| start.checked_add(length).is_some_and(|end| end <= side);
        if fits(region.x, region.width, width) && fits(region.y, region.height, height) {
            Ok(region)
        } else {
            Err(Failure::usage(format!("the crop lies outside the image of {width} x {height} pixels")))
        }
    }
}

/// Draws the same region of all panels in a row, each with its caption.
pub fn side_by_side(panels: [&Image; 3], captions: &[Caption; 3], region: Region, zoom: u32) -> Result<Image, Failure> {
    let zoom = zoom as usize;
    let (panel_width, panel_height) = (region.width as usize * zoom, region.height as usize * zoom);
    let longest = captions.iter().flat_map(|c| [c.name.len(), c.size.len(), c.quality.len()]).max().unwrap_or(0);
    let font = font_for(longest, panel_width);
    // A panel narrower than its caption gets room for it.
    let column = panel_width.max(longest * get_raster_width(FontWeight::Bold, font));
    let line = font.val() + 2;
    let width = panels.len() * (column + MARGIN) + MARGIN;
    let height = MARGIN + panel_height + MARGIN / 2 + 3 * line + MARGIN;
    if width.saturating_mul(height) > MAX_PIXELS {
        return Err(Failure::usage("the sheet would be too large; use --crop or a smaller --zoom"));
    }
    let mut sheet = Sheet { width, data: vec![255; width * height * 3] };
    for (i, (panel, caption)) in panels.into_iter().zip(captions).enumerate() {
        let left = MARGIN + i * (column + MARGIN);
        sheet.paste(panel, region, zoom, (left, MARGIN));
        let below = MARGIN + panel_height + MARGIN / 2;
        sheet.text(&caption.name, (left, below), FontWeight::Bold, font);
        sheet.text(&caption.size, (left, below + line), FontWeight::Regular, font);
        sheet.text(&caption.quality, (left, below + 2 * line), FontWeight::Regular, font);
    }
    Image::new(width as u32, height as u32, PixelFormat::Rgb8, sheet.data).map_err(|e| Failure::failed(e.to_string()))
}

/// The largest font in which `letters` fit into `width` pixels.
fn font_for(letters: usize, width: usize) -> RasterHeight {
    [RasterHeight::Size24, RasterHeight::Size20]
        .into_iter()
        .find(|&size| letters * get_raster_width(FontWeight::Bold, size) <= width)
        .unwrap_or(RasterHeight::Size16)
}

struct Sheet {
    width: usize,
    data: Vec<u8>,
}

impl Sheet {
    fn paste(&mut self, image: &Image, region: Region, zoom: usize, (left, top): (usize, usize)) {
        let samples = image.to_rgb();
        let source_width = image.width() as usize;
        for y in 0..region.height as usize * zoom {
            let source = ((region.y as usize + y / zoom) * source_width + region.x as usize) * 3;
            let row = &samples[source..source + region.width as usize * 3];
            let target = ((top + y) * self.width + left) * 3;
            let out = &mut self.data[target..target + region.width as usize * zoom * 3];
            for (x, pixel) in out.chunks_exact_mut(3).enumerate() {
                pixel.copy_from_slice(&row[x / zoom * 3..x / zoom * 3 + 3]);
            }
        }
    }

    /// Black text; letters that the font lacks are left out.
    fn text(&mut self, text: &str, (left, top): (usize, usize), weight: FontWeight, size: RasterHeight) {
        for (i, letter) in text.chars().enumerate() {
            let Some(raster) = get_raster(letter, weight, size) else { continue };
            let left = left + i * get_raster_width(weight, size);
            for (y, row) in raster.rows().enumerate() {
                let target = ((top + y) * self.width + left) * 3;
                for (pixel, ink) in self.data[target..].chunks_exact_mut(3).zip(row) {
                    pixel.fill(255 - ink);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crops() {
        let region_of = |x, y, width, height| Region { x, y, width, height };
        assert_eq!(region("1, 2,3,4"), Ok(region_of(1, 2, 3, 4)));
        assert!(region("1,2,3").is_err() && region("1,2,0,4").is_err() && region("a,b,c,d").is_err());
        let image = Image::new(10, 8, PixelFormat::Grey8, vec![0; 80]).unwrap();
        assert_eq!(Region::inside(None, &image), Ok(region_of(0, 0, 10, 8)));
        assert!(Region::inside(Some(region_of(5, 0, 5, 8)), &image).is_ok());
        assert!(Region::inside(Some(region_of(5, 0, 6, 8)), &image).is_err());
        assert!(Region::inside(Some(region_of(u32::MAX, 0, 6, 8)), &image).is_err());
    }

    #[test]
    fn panels_show_the_region_enlarged() {
        let image = Image::new(10, 8, PixelFormat::Grey8, (0..80).collect()).unwrap();
        let captions =
            ["a", "b", "c"].map(|name| Caption { name: name.into(), size: String::new(), quality: String::new() });
        let region = Region { x: 3, y: 2, width: 4, height: 5 };
        let sheet = side_by_side([&image; 3], &captions, region, 3).unwrap();
        let at = |x: usize, y: usize| sheet.data()[(y * sheet.width() as usize + x) * 3];
        // The first and the last pixel of the region, at both ends of their squares.
        assert_eq!([at(MARGIN, MARGIN), at(MARGIN + 2, MARGIN + 2)], [23, 23]);
        assert_eq!([at(MARGIN + 11, MARGIN + 14), at(MARGIN + 12, MARGIN + 14)], [66, 255]);
    }
}
