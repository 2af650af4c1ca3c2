//! Matrices in slices, with extents that were checked.

use crate::extent::reach;

/// A row-major matrix within a slice: element (i, j) is `values[i·stride + j]`. Rows may overlap.
#[derive(Clone, Copy, Debug)]
pub struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> Matrix<'a> {
    /// A matrix of `rows` rows that begin `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short for it.
    #[inline(always)]
    pub fn new(values: &'a [f32], rows: usize, columns: usize, stride: usize) -> Matrix<'a> {
        assert!(reach([(rows, stride)], columns) <= values.len(), "slice too short for its matrix");
        Matrix { values, rows, columns, stride }
    }

    /// The values, row after row.
    #[inline(always)]
    pub fn values(&self) -> &'a [f32] {
        self.values
    }

    /// Number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline(always)]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Values from the beginning of a row to that of the next.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[inline(always)]
    pub fn row(&self, i: usize) -> &'a [f32] {
        assert!(i < self.rows, "no such row");
        &self.values[i * self.stride..][..self.columns]
    }
}

/// A row-major matrix within a slice that a product is written to; what lies between its rows stays
/// as it is.
#[derive(Debug)]
pub struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// A matrix of `rows` rows that begin `stride` values apart.
    ///
    /// # Panics
    /// If the slice is too short for it, or if rows overlap.
    #[inline(always)]
    pub fn new(values: &'a mut [f32], rows: usize, columns: usize, stride: usize) -> MatrixMut<'a> {
        assert!(reach([(rows, stride)], columns) <= values.len(), "slice too short for its matrix");
        assert!(stride >= columns || rows <= 1, "rows overlap");
        MatrixMut { values, rows, columns, stride }
    }

    /// Number of rows.
    #[inline(always)]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[inline(always)]
    pub fn columns(&self) -> usize {
        self.columns
    }

    /// Values from the beginning of a row to that of the next.
    #[inline(always)]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// The slice.
    #[inline(always)]
    pub fn into_values(self) -> &'a mut [f32] {
        self.values
    }
}

#[cfg(test)]
mod portable {
    use super::*;

    #[test]
    fn a_matrix_ends_with_its_last_row() {
        let mut values = [0.0; 11];
        assert_eq!(Matrix::new(&values, 3, 3, 4).row(2).len(), 3);
        assert_eq!(MatrixMut::new(&mut values, 3, 3, 4).into_values().len(), 11);
        assert_eq!(Matrix::new(&[], 0, 3, 4).rows(), 0);
    }

    #[test]
    #[should_panic(expected = "slice too short for its matrix")]
    fn a_matrix_longer_than_its_slice_is_refused() {
        Matrix::new(&[0.0; 10], 3, 3, 4);
    }

    /// 3·0xAAAAAAAAAAAAAAAB is 1 modulo 2⁶⁴: with wrapping arithmetic, this matrix would be short.
    #[test]
    #[should_panic(expected = "slice too short for its matrix")]
    fn a_stride_that_overflows_is_refused() {
        Matrix::new(&[0.0; 64], 4, 16, 0xAAAA_AAAA_AAAA_AAAB_u64 as usize);
    }

    #[test]
    #[should_panic(expected = "slice too short for its matrix")]
    fn a_stride_that_overflows_is_refused_for_outputs_too() {
        MatrixMut::new(&mut [0.0; 64], 4, 16, 0xAAAA_AAAA_AAAA_AAAB_u64 as usize);
    }

    #[test]
    #[should_panic(expected = "rows overlap")]
    fn outputs_do_not_overlap() {
        MatrixMut::new(&mut [0.0; 64], 4, 16, 15);
    }
}
