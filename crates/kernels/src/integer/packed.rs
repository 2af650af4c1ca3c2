//! Weights of integer products, laid out for the inner loop.

use crate::aligned::Aligned;

/// Columns of a panel.
pub const PANEL: usize = 16;

/// A matrix of 8-bit weights, widened to 16 bits and stored as panels of 16 columns: within a
/// panel, row pair after row pair, and for each pair 16 columns of two weights. Columns and rows
/// that only fill up a panel or a pair are zero.
#[derive(Clone, Debug)]
pub struct Packed {
    data: Aligned<i16>,
    pairs: usize,
}

impl Packed {
    /// Packs a row-major `[Σ segments, n]` slice. The rows of each segment, an input of its own,
    /// are filled up to pairs.
    ///
    /// # Panics
    /// If the slice has another length.
    pub fn new(weight: &[i8], segments: &[usize], n: usize) -> Packed {
        let k: usize = segments.iter().sum();
        assert!(n > 0 && weight.len() == k * n, "the matrix is not {k} × {n}");
        let pairs: usize = segments.iter().map(|k| k.div_ceil(2)).sum();
        let mut data = Aligned::<i16>::zeros(n.div_ceil(PANEL) * pairs * 2 * PANEL);
        for (p, panel) in data.chunks_exact_mut((pairs * 2 * PANEL).max(1)).enumerate() {
            let columns = p * PANEL..n.min((p + 1) * PANEL);
            let mut out = panel.as_chunks_mut::<{ 2 * PANEL }>().0.iter_mut();
            let mut first = 0;
            for &segment in segments {
                let rows = &weight[first * n..(first + segment) * n];
                first += segment;
                for pair in rows.chunks(2 * n) {
                    let (Some(out), (even, odd)) = (out.next(), pair.split_at(n)) else { break };
                    let whole =
                        (even[columns.clone()].first_chunk(), odd.get(columns.clone()).and_then(<[i8]>::first_chunk));
                    if let (Some(even), Some(odd)) = whole {
                        interleave(even, odd, out);
                        continue;
                    }
                    for (out, &w) in out.iter_mut().step_by(2).zip(&even[columns.clone()]) {
                        *out = i16::from(w);
                    }
                    if !odd.is_empty() {
                        for (out, &w) in out.iter_mut().skip(1).step_by(2).zip(&odd[columns.clone()]) {
                            *out = i16::from(w);
                        }
                    }
                }
            }
        }
        Packed { data, pairs }
    }

    /// The weights, panel after panel.
    #[inline(always)]
    pub fn data(&self) -> &[i16] {
        &self.data
    }

    /// Number of row pairs.
    #[inline(always)]
    pub fn pairs(&self) -> usize {
        self.pairs
    }
}

/// One row pair of a whole panel.
fn interleave(even: &[i8; PANEL], odd: &[i8; PANEL], out: &mut [i16; 2 * PANEL]) {
    for column in 0..PANEL {
        out[2 * column] = i16::from(even[column]);
        out[2 * column + 1] = i16::from(odd[column]);
    }
}
