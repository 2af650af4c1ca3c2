//! A decoded file of an archive, and the crops that are cut from it.

use heirloom_format::container::Header;
use heirloom_kernels::Map;

/// Latents of a file, and what its old image lacks of the original.
#[derive(Clone)]
pub struct ArchivedFile {
    /// z1 to z4.
    pub maps: [Map; 4],
    /// The original minus the old image, in 8-bit steps, in RGB and without padding; none without
    /// an original.
    pub shift: Option<Vec<i16>>,
}

impl ArchivedFile {
    /// Bytes of memory that it takes.
    pub fn bytes(&self) -> usize {
        4 * self.maps.iter().map(|m| m.data.len()).sum::<usize>() + 2 * self.shift.as_ref().map_or(0, Vec::len)
    }
}

/// Appends a square of a map to `out`.
pub fn cut(map: &Map, top: usize, left: usize, side: usize, out: &mut Vec<f32>) {
    for y in top..top + side {
        let from = (y * map.width + left) * map.channels;
        out.extend_from_slice(&map.data[from..from + side * map.channels]);
    }
}

/// Appends a square of the shift to `out`, on the [-1, 1] scale: zeros beyond the image, or if
/// there is no shift.
pub fn cut_shift(values: Option<&[i16]>, header: &Header, corner: (usize, usize), side: usize, out: &mut Vec<f32>) {
    let (width, height) = (header.width as usize, header.height as usize);
    for y in corner.0..corner.0 + side {
        for x in corner.1..corner.1 + side {
            let pixel = values.filter(|_| x < width && y < height).map(|v| &v[(y * width + x) * 3..][..3]);
            out.extend((0..3).map(|c| pixel.map_or(0.0, |p| f32::from(p[c]) / 127.5)));
        }
    }
}

#[cfg(test)]
mod tests {
    use heirloom_format::container::PixelFormat;

    use super::*;

    fn header(width: u32, height: u32) -> Header {
        let (entropy_id, generation_id) = ([0; 8], [0; 4]);
        let pixel_format = PixelFormat::Rgb8;
        Header { width, height, pixel_format, tiling: None, lambda: 64.0, entropy_id, generation: 0, generation_id }
    }

    #[test]
    fn squares_are_cut_where_they_are() {
        let data = (0..4 * 6 * 2).map(|v| v as f32).collect();
        let map = Map { height: 4, width: 6, channels: 2, data };
        let mut out = Vec::new();
        cut(&map, 1, 3, 2, &mut out);
        // Row y, column x has 12 y + 2 x and the next.
        assert_eq!(out, [18.0, 19.0, 20.0, 21.0, 30.0, 31.0, 32.0, 33.0]);
    }

    #[test]
    fn shifts_end_with_the_image() {
        let values: Vec<i16> = (0..3 * 2 * 3).collect();
        let mut out = Vec::new();
        cut_shift(Some(&values), &header(3, 2), (1, 2), 2, &mut out);
        let steps: Vec<i32> = out.iter().map(|v| (v * 127.5).round() as i32).collect();
        assert_eq!(steps, [15, 16, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
