//! Where windows lie.

/// Approximate number of pixels that one task works on.
pub const TASK_PIXELS: usize = 128;

/// Where the window of each coarse pixel lies in the fine map.
///
/// Row y of image b of the coarse map uses `segments` fine rows; segment s of pixel x is the
/// `length` values from `b·image + (y·step + s)·pitch + x·pixel` on. Rows of the weight are ordered
/// (segment, value).
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    pub(super) batch: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) segments: usize,
    pub(super) step: usize,
    pub(super) pitch: usize,
    pub(super) image: usize,
    pub(super) pixel: usize,
    pub(super) length: usize,
}

impl Windows {
    /// Windows of r×r fine pixels, without overlap. `height` and `width` are those of the coarse
    /// map.
    pub fn shuffle(batch: usize, height: usize, width: usize, r: usize, fine_channels: usize) -> Windows {
        let pitch = width * r * fine_channels;
        let length = r * fine_channels;
        Windows { batch, height, width, segments: r, step: r, pitch, image: height * r * pitch, pixel: length, length }
    }

    /// 3×3 windows of a fine map that has one zero pixel on each side.
    pub fn conv3x3(batch: usize, height: usize, width: usize, channels: usize) -> Windows {
        let pitch = (width + 2) * channels;
        let image = (height + 2) * pitch;
        Windows { batch, height, width, segments: 3, step: 1, pitch, image, pixel: channels, length: 3 * channels }
    }

    /// Fine rows of a window.
    pub fn segments(&self) -> usize {
        self.segments
    }

    /// Values of each segment.
    pub fn length(&self) -> usize {
        self.length
    }

    pub(super) fn rows(&self) -> usize {
        self.batch * self.height
    }

    /// Where a segment of a row's first window begins.
    #[inline(always)]
    pub(super) fn offset(&self, row: usize, segment: usize) -> usize {
        row / self.height * self.image + (row % self.height * self.step + segment) * self.pitch
    }

    /// Values of the fine map from the beginning of a segment to the end of the row's last window.
    pub(super) fn span(&self) -> usize {
        (self.width - 1) * self.pixel + self.length
    }
}
