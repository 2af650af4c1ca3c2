//! The inner loops of every product: tiles of outputs that stay in registers over a whole sum.
//!
//! Loops here run over indices of constant ranges. Iterators over arrays are not inlined for
//! certain when a crate is compiled in several units, and a tile that has an address is kept in
//! memory.

use super::matrix::Matrix;
use super::packed::PANEL;
use super::start::Start;
use crate::extent::reach;
use crate::simd::{Job, Simd};

/// Left side of a product: factor (m, k) is `data[m·row + k·step]`.
#[derive(Clone, Copy)]
pub struct Left<'a> {
    pub data: &'a [f32],
    pub row: usize,
    pub step: usize,
}

impl<'a> Left<'a> {
    /// The rows of a matrix.
    #[inline(always)]
    pub fn rows_of(matrix: Matrix<'a>) -> Left<'a> {
        Left { data: matrix.values(), row: matrix.stride(), step: 1 }
    }
}

/// Right side of a product, at most [`PANEL`] columns: factor (k, n) is `data[k·step + n]`.
#[derive(Clone, Copy)]
pub struct Right<'a> {
    pub data: &'a [f32],
    pub step: usize,
}

/// What a lane of both sides holds, and how it is multiplied.
pub trait Factors<S: Simd> {
    /// `sum + a·b` in each lane.
    fn multiply_add(a: S::V, b: S::V, sum: S::V) -> S::V;
}

/// One `f32` value per lane.
pub struct Single;

impl<S: Simd> Factors<S> for Single {
    #[inline(always)]
    fn multiply_add(a: S::V, b: S::V, sum: S::V) -> S::V {
        S::mul_add(a, b, sum)
    }
}

/// A product of `m` ≥ 1 rows and 1 to [`PANEL`] columns, with sums of `k` factors. Reads `columns`
/// of the right side, rounded up to a multiple of 16.
pub struct Columns<'a> {
    pub m: usize,
    pub k: usize,
    pub left: Left<'a>,
    pub right: Right<'a>,
    pub columns: usize,
    pub start: Start<'a>,
    /// Rows `stride` values apart.
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl Job for Columns<'_> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd>(self) {
        self.run_with::<S, Single>();
    }
}

impl Columns<'_> {
    /// Panics if a slice is too short for the shapes.
    fn check(&self) {
        let Columns { m, k, left, right, columns, .. } = *self;
        let width = columns.next_multiple_of(16);
        assert!(m > 0 && columns > 0 && columns <= PANEL, "not a panel of columns");
        assert!(reach([(m, left.row), (k, left.step)], 1) <= left.data.len(), "left matrix too short");
        assert!(reach([(k, right.step)], width) <= right.data.len(), "right matrix too short");
        assert!(reach([(m, self.stride)], columns) <= self.out.len(), "output too short");
        if let Start::Bias(bias) = self.start {
            assert!(bias.len() >= columns, "bias too short");
        }
    }

    /// Computes the product, tile by tile.
    #[inline(always)]
    pub fn run_with<S: Simd, F: Factors<S>>(mut self) {
        self.check();
        let (m, columns) = (self.m, self.columns);
        let mut row = 0;
        while row < m {
            let mut first = 0;
            let step = match m - row {
                6.. if S::WIDE && columns == 64 => 6,
                8.. if S::WIDE && columns < 64 => 8,
                4.. => 4,
                2.. if S::WIDE => 2,
                _ => 1,
            };
            // SAFETY: `check` has passed, and every tile lies within rows `row..row + step` ≤ m and
            // within the columns rounded up to 16, of which it uses those that are there.
            unsafe {
                if S::WIDE && columns == 64 {
                    match step {
                        6 => self.tile::<S, F, 6, 4>(row, 0, 64),
                        4 => self.tile::<S, F, 4, 4>(row, 0, 64),
                        2 => self.tile::<S, F, 2, 4>(row, 0, 64),
                        _ => self.tile::<S, F, 1, 4>(row, 0, 64),
                    }
                    first = 64;
                } else if S::WIDE && columns >= 32 {
                    match step {
                        8 => self.tile::<S, F, 8, 2>(row, 0, 32),
                        4 => self.tile::<S, F, 4, 2>(row, 0, 32),
                        2 => self.tile::<S, F, 2, 2>(row, 0, 32),
                        _ => self.tile::<S, F, 1, 2>(row, 0, 32),
                    }
                    first = 32;
                }
                while first < columns {
                    let used = if columns - first < 16 { columns - first } else { 16 };
                    match step {
                        8 => self.tile::<S, F, 8, 1>(row, first, used),
                        4 => self.tile::<S, F, 4, 1>(row, first, used),
                        2 => self.tile::<S, F, 2, 1>(row, first, used),
                        _ => self.tile::<S, F, 1, 1>(row, first, used),
                    }
                    first += 16;
                }
            }
            row += step;
        }
    }

    /// One register tile: `R` rows × `16·N` columns from `first` on.
    ///
    /// # Safety
    /// [`Columns::check`] has passed; rows `row..row + R` are below `m`; `first + 16·N` is at most
    /// the number of columns rounded up to 16; the first `used` of those columns are below
    /// `columns`, and `used` is `16·N` unless `N` is 1.
    #[inline(always)]
    unsafe fn tile<S: Simd, F: Factors<S>, const R: usize, const N: usize>(
        &mut self,
        row: usize,
        first: usize,
        used: usize,
    ) {
        let Columns { k, left, right, start, stride, .. } = *self;
        let whole = used == 16 * N;
        let edge = if whole { 16 } else { used };
        // SAFETY: all accesses lie in the extents that `check` has found to be within the slices,
        // for the rows, columns and factors that the caller promises.
        unsafe {
            let out = self.out.as_mut_ptr().add(row * stride + first);
            let mut sums = [[S::splat(0.0); N]; R];
            match start {
                Start::Zero => {}
                Start::Bias(bias) => {
                    for j in 0..N {
                        let v = load_some::<S>(bias.as_ptr().add(first + 16 * j), edge);
                        for r in 0..R {
                            sums[r][j] = v;
                        }
                    }
                }
                Start::Output => {
                    for r in 0..R {
                        for j in 0..N {
                            sums[r][j] = load_some::<S>(out.add(r * stride + 16 * j), edge);
                        }
                    }
                }
            }
            let mut a = left.data.as_ptr().wrapping_add(row * left.row);
            let mut b = right.data.as_ptr().wrapping_add(first);
            for _ in 0..k {
                let mut columns = [S::splat(0.0); N];
                for j in 0..N {
                    columns[j] = S::load_ptr(b.add(16 * j));
                }
                for r in 0..R {
                    let x = S::splat(*a.add(r * left.row));
                    for j in 0..N {
                        sums[r][j] = F::multiply_add(x, columns[j], sums[r][j]);
                    }
                }
                // Beyond the slices after the last factor, where nothing is read.
                a = a.wrapping_add(left.step);
                b = b.wrapping_add(right.step);
            }
            for r in 0..R {
                for j in 0..N {
                    store_some::<S>(sums[r][j], out.add(r * stride + 16 * j), edge);
                }
            }
        }
    }
}

/// Reads `used` values; the other lanes are zero.
///
/// # Safety
/// `x` is valid for reading `used` ≤ 16 values.
#[inline(always)]
unsafe fn load_some<S: Simd>(x: *const f32, used: usize) -> S::V {
    if used == 16 {
        // SAFETY: promised by the caller.
        return unsafe { S::load_ptr(x) };
    }
    let mut v = [0.0; 16];
    // SAFETY: `used` values are readable, and no more than the array holds.
    unsafe { std::ptr::copy_nonoverlapping(x, v.as_mut_ptr(), used) };
    S::load(&v)
}

/// Writes the first `used` lanes.
///
/// # Safety
/// `x` is valid for writing `used` ≤ 16 values.
#[inline(always)]
unsafe fn store_some<S: Simd>(v: S::V, x: *mut f32, used: usize) {
    if used == 16 {
        // SAFETY: promised by the caller.
        unsafe { S::store_ptr(v, x) };
        return;
    }
    let mut values = [0.0; 16];
    S::store(v, &mut values);
    // SAFETY: `used` values are writable, and no more than the array holds.
    unsafe { std::ptr::copy_nonoverlapping(values.as_ptr(), x, used) };
}
