//! Feature maps.

use rayon::prelude::*;

/// A feature map: `data[(y·width + x)·channels + c]` (NHWC of one image).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Map {
    /// Number of rows.
    pub height: usize,
    /// Number of columns.
    pub width: usize,
    /// Values of a pixel.
    pub channels: usize,
    /// The values, `height·width·channels`.
    pub data: Vec<f32>,
}

impl Map {
    /// A map of zeros.
    pub fn zeros(height: usize, width: usize, channels: usize) -> Map {
        Map { height, width, channels, data: vec![0.0; height * width * channels] }
    }

    /// A map that repeats one pixel.
    pub fn filled(height: usize, width: usize, pixel: &[f32]) -> Map {
        let data = pixel.iter().copied().cycle().take(height * width * pixel.len()).collect();
        Map { height, width, channels: pixel.len(), data }
    }

    /// Adds a map of the same shape.
    pub fn add(&mut self, other: &Map) {
        let row = (self.width * self.channels).max(1);
        self.data.par_chunks_mut(row).zip(other.data.par_chunks(row)).for_each(|(sum, more)| {
            sum.iter_mut().zip(more).for_each(|(sum, more)| *sum += more);
        });
    }

    /// Number of pixels.
    pub fn pixels(&self) -> usize {
        self.height * self.width
    }
}
