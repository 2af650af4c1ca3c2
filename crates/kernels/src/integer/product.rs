//! The inner loops of every integer product: tiles of sums that stay in registers.
//!
//! Loops here run over indices of constant ranges. Iterators over arrays are not inlined for
//! certain when a crate is compiled in several units, and a tile that has an address is kept in
//! memory.

use super::finish::Finish;
use super::left::Left;
use super::linear::Linear;
use super::packed::{PANEL, Packed};
#[cfg(target_arch = "x86_64")]
use super::tiles;
use crate::extent::reach;
use crate::simd::Simd;

/// Hands the outputs of `m` rows to `finish`: for each column Σ q·w over the values of all
/// segments, times gain, plus bias.
///
/// # Panics
/// If the segments are not those of the weights, or too short for `m` rows.
#[inline(always)]
pub(crate) fn multiply<S: Simd, F: Finish<S>>(segments: &[Left<'_>], linear: &Linear, m: usize, finish: &mut F) {
    assert!(segments.iter().map(|left| left.k).eq(linear.segments().iter().copied()), "inputs are not the layer's");
    for left in segments {
        assert!(reach([(m, left.row)], left.k.next_multiple_of(2)) <= left.data.len(), "input too short");
    }
    let panels = linear.outputs().div_ceil(PANEL);
    assert!(linear.gain.len() >= panels * PANEL && linear.bias.len() >= panels * PANEL);
    #[cfg(target_arch = "x86_64")]
    if S::TILES && tiles::are_faster(segments) {
        // SAFETY: instruction sets with tiles are those with AMX-INT8; the rows lie within the
        // segments' data.
        return unsafe { tiles::multiply(segments, linear, m, finish) };
    }
    let packed = linear.packed();
    let pairs = packed.pairs();
    assert!(packed.data().len() >= panels * pairs * 2 * PANEL);
    assert_eq!(segments.iter().map(|left| left.k.div_ceil(2)).sum::<usize>(), pairs, "inputs are not the layer's");
    let tiles = Tiles { segments, linear, packed, pairs };
    let mut panel = 0;
    while panel < panels {
        // SAFETY: the assertions above have passed; every tile lies within the `m` rows and the
        // panels.
        unsafe {
            if S::WIDE && panel + 4 <= panels {
                tiles.rows::<S, F, 4>(panel, m, finish);
                panel += 4;
            } else if S::WIDE && panel + 2 <= panels {
                tiles.rows::<S, F, 2>(panel, m, finish);
                panel += 2;
            } else {
                tiles.rows::<S, F, 1>(panel, m, finish);
                panel += 1;
            }
        }
    }
}

struct Tiles<'a> {
    segments: &'a [Left<'a>],
    linear: &'a Linear,
    packed: &'a Packed,
    pairs: usize,
}

impl Tiles<'_> {
    /// All rows of `N` panels.
    ///
    /// # Safety
    /// The assertions of [`multiply`] have passed, and `panel + N` is at most the number of panels.
    #[inline(always)]
    unsafe fn rows<S: Simd, F: Finish<S>, const N: usize>(&self, panel: usize, m: usize, finish: &mut F) {
        let mut row = 0;
        while row < m {
            // SAFETY: promised by the caller; rows `row..row + step` are below `m`.
            unsafe {
                match m - row {
                    6.. if !S::NARROW => {
                        self.tile::<S, F, 6, N>(panel, row, finish);
                        row += 6;
                    }
                    3.. if !S::NARROW => {
                        self.tile::<S, F, 3, N>(panel, row, finish);
                        row += 3;
                    }
                    2.. if S::NARROW => {
                        self.tile::<S, F, 2, N>(panel, row, finish);
                        row += 2;
                    }
                    _ => {
                        self.tile::<S, F, 1, N>(panel, row, finish);
                        row += 1;
                    }
                }
            }
        }
    }

    /// One register tile: `R` rows × `N` panels.
    ///
    /// # Safety
    /// As for [`Self::rows`]; rows `row..row + R` exist.
    #[inline(always)]
    unsafe fn tile<S: Simd, F: Finish<S>, const R: usize, const N: usize>(
        &self,
        panel: usize,
        row: usize,
        finish: &mut F,
    ) {
        let mut sums = [[S::splat_int(0); N]; R];
        // SAFETY: all accesses lie in the extents that `multiply` has found to be within the
        // slices.
        unsafe {
            let stride = self.pairs * 2 * PANEL;
            let mut b = self.packed.data().as_ptr().add(panel * stride);
            for left in self.segments {
                let mut a = left.data.as_ptr().add(row * left.row);
                for _ in 0..left.k.div_ceil(2) {
                    let mut columns = [S::splat_int(0); N];
                    for j in 0..N {
                        columns[j] = S::load_int(b.add(j * stride).cast());
                    }
                    for r in 0..R {
                        let x = S::splat_pair(a.add(r * left.row));
                        for j in 0..N {
                            sums[r][j] = S::dot(sums[r][j], x, columns[j]);
                        }
                    }
                    // Beyond the slices after the last pair, where nothing is read.
                    a = a.wrapping_add(2);
                    b = b.wrapping_add(2 * PANEL);
                }
            }
            for j in 0..N {
                let first = (panel + j) * PANEL;
                let used = PANEL.min(self.linear.outputs() - first);
                let gain = S::load_ptr(self.linear.gain.as_ptr().add(first));
                let bias = S::load_ptr(self.linear.bias.as_ptr().add(first));
                for r in 0..R {
                    let outputs = S::add(S::mul(S::to_float(sums[r][j]), gain), bias);
                    finish.take(row + r, first, used, outputs);
                }
            }
        }
    }
}

#[cfg(test)]
mod portable {
    use super::super::{Bits, Input, Write};
    use super::*;
    use crate::simd::{Engine, Isa, Job, Scalar};
    use crate::testing::integers;

    struct Product<'a> {
        segments: &'a [Left<'a>],
        linear: &'a Linear,
        m: usize,
    }

    impl Job for Product<'_> {
        type Output = Vec<f32>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<f32> {
            let n = self.linear.outputs();
            let mut out = vec![7.0; self.m * (n + 2)];
            multiply::<S, _>(self.segments, self.linear, self.m, &mut Write { out: &mut out, stride: n + 2 });
            out
        }
    }

    #[test]
    fn a_product_is_the_plain_sum_on_every_instruction_set() {
        let rows: &[usize] = if cfg!(miri) { &[1, 7] } else { &[1, 2, 3, 5, 6, 8, 13, 40] };
        let columns: &[usize] = if cfg!(miri) { &[3, 65] } else { &[1, 15, 16, 17, 32, 48, 63, 64, 65, 96, 112, 150] };
        for &m in rows {
            for &n in columns {
                for (k0, k1) in [(10, 0), (7, 3), (1, 64), (3, 5), (200, 67)] {
                    let (stride0, stride1) = (k0 + 3, k1 + 1);
                    let a0: Vec<i16> = integers(m * stride0 + 8, 32_767, 1).iter().map(|&x| x as i16).collect();
                    let a1: Vec<i16> = integers(m * stride1 + 8, 32_767, 2).iter().map(|&x| x as i16).collect();
                    let w: Vec<i8> = integers((k0 + k1) * n, 127, 3).iter().map(|&x| x as i8).collect();
                    let gain: Vec<f32> = (0..n).map(|j| 1e-6 * (j + 1) as f32).collect();
                    let bias: Vec<f32> = (0..n).map(|j| j as f32 - 3.3).collect();
                    let want: Vec<f32> = (0..m * (n + 2))
                        .map(|i| {
                            let (i, j) = (i / (n + 2), i % (n + 2));
                            if j >= n {
                                return 7.0;
                            }
                            let first = (0..k0).map(|k| i32::from(a0[i * stride0 + k]) * i32::from(w[k * n + j]));
                            let second =
                                (0..k1).map(|k| i32::from(a1[i * stride1 + k]) * i32::from(w[(k0 + k) * n + j]));
                            first.chain(second).sum::<i32>() as f32 * gain[j] + bias[j]
                        })
                        .collect();
                    let input = Input::new(1.0, Bits::Sixteen);
                    let linear = Linear::new(&w, &[k0, k1], &gain, &bias, input).unwrap();
                    let segments = [Left { data: &a0, row: stride0, k: k0 }, Left { data: &a1, row: stride1, k: k1 }];
                    let job = || Product { segments: &segments, linear: &linear, m };
                    for isa in Isa::available() {
                        assert_eq!(Engine::at(isa).unwrap().run(job()), want, "{m} × {n}, {isa:?}");
                    }
                    assert_eq!(job().run::<Scalar<false, true>>(), want, "{m} × {n}, wide tiles");
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "input too short")]
    fn inputs_that_are_too_short_are_refused() {
        let linear = Linear::new(&[1; 4], &[4], &[1.0], &[0.0], Input::new(1.0, Bits::Eight)).unwrap();
        let segments = [Left { data: &[1; 7], row: 4, k: 4 }];
        Engine::default().run(Product { segments: &segments, linear: &linear, m: 2 });
    }
}
