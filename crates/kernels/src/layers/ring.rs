//! The rows that a band of a map keeps while a block overwrites them.

use crate::aligned::Aligned;
use crate::integer::{Depthwise, PairRow};
use crate::simd::Simd;

/// The original row `y` counted from the band's first row, or `None` beyond the map's edge.
#[inline(always)]
pub fn original<'a>(above: &'a [f32], rows: &'a [f32], below: &'a [f32], row: usize, y: isize) -> Option<&'a [f32]> {
    let (from, at) = if y < 0 {
        (above, above.len() as isize / row as isize + y)
    } else if y < (rows.len() / row) as isize {
        (rows, y)
    } else {
        (below, y - (rows.len() / row) as isize)
    };
    let at = usize::try_from(at).ok()? * row;
    from.get(at..at + row)
}

/// The last `tile_rows + k − 1` original rows, as integers and with zeros left and right.
pub struct Ring<'a> {
    rows: Aligned<i32>,
    /// Values of a padded row.
    padded: usize,
    depthwise: &'a Depthwise,
}

impl<'a> Ring<'a> {
    /// A ring for the rows that `tile_rows` rows of outputs see.
    pub fn new(tile_rows: usize, width: usize, depthwise: &'a Depthwise) -> Ring<'a> {
        let padded = depthwise.row_length(width);
        Ring { rows: Aligned::zeros((tile_rows + depthwise.kernel() - 1) * padded), padded, depthwise }
    }

    #[inline(always)]
    fn offset(&self, y: isize) -> usize {
        let count = self.rows.len() / self.padded;
        (y + self.depthwise.radius() as isize) as usize % count * self.padded
    }

    /// Stores a row, or zeros where the map has none.
    #[inline(always)]
    pub fn fill<S: Simd>(&mut self, y: isize, source: Option<&[f32]>) {
        let at = self.offset(y);
        let (input, channels, radius) = (self.depthwise.input(), self.depthwise.channels(), self.depthwise.radius());
        let out = &mut self.rows[at..at + self.padded];
        PairRow { input, channels, radius, out }.fill::<S>(source);
    }

    /// Row `y` from the leftmost tap of output column `x` on.
    #[inline(always)]
    pub fn row(&self, y: isize, x: usize) -> &[i32] {
        let at = self.offset(y);
        &self.rows[at + x * self.depthwise.channels()..at + self.padded]
    }
}
