//! The rows that a band of a map keeps while a block overwrites them.

use crate::aligned::Aligned;

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

/// The last `tile_rows + k − 1` original rows, each with zeros left and right.
pub struct Ring {
    pub rows: Aligned,
    /// Values of a padded row.
    pub padded: usize,
    /// Pixels of padding on each side.
    pub radius: usize,
    /// Channels.
    pub c: usize,
}

impl Ring {
    #[inline(always)]
    fn offset(&self, y: isize) -> usize {
        let count = self.rows.len() / self.padded;
        (y + self.radius as isize) as usize % count * self.padded
    }

    /// Stores a row, or zeros where the map has none.
    #[inline(always)]
    pub fn fill(&mut self, y: isize, source: Option<&[f32]>) {
        let (at, margin) = (self.offset(y), self.radius * self.c);
        let inner = &mut self.rows[at + margin..at + self.padded - margin];
        match source {
            Some(source) => inner.copy_from_slice(source),
            None => inner.fill(0.0),
        }
    }

    /// Row `y` from the leftmost tap of output column `x` on.
    #[inline(always)]
    pub fn row(&self, y: isize, x: usize) -> &[f32] {
        let at = self.offset(y);
        &self.rows[at + x * self.c..at + self.padded]
    }
}
