//! Buffers that many tasks fill: memory is cleared by the task that fills it, not beforehand by one
//! thread.

use rayon::prelude::*;

/// Makes `N` buffers of the given lengths, cuts each into parts of the given sizes (the last may be
/// shorter) and runs `task(i, parts)` in parallel with the i-th part of each, cleared to zero. All
/// must give the same number of parts. Returns the buffers and what the tasks returned, in order.
pub fn in_parts<const N: usize, R: Send>(
    lengths: [usize; N],
    sizes: [usize; N],
    task: impl Fn(usize, [&mut [f32]; N]) -> R + Sync,
) -> ([Vec<f32>; N], Vec<R>) {
    let (buffers, [], results) = in_mixed_parts((lengths, sizes), ([], []), |i, parts, []| task(i, parts));
    (buffers, results)
}

/// Like [`in_parts`] for buffers that begin on a cache line: vectors of 16 values that lie across
/// two lines cost twice as much.
pub fn in_aligned_parts<const N: usize, R: Send>(
    lengths: [usize; N],
    sizes: [usize; N],
    task: impl Fn(usize, [&mut [f32]; N]) -> R + Sync,
) -> ([AlignedVec; N], Vec<R>) {
    let ([], buffers, results) = in_mixed_parts(([], []), (lengths, sizes), |i, [], parts| task(i, parts));
    (buffers, results)
}

/// Like [`in_parts`] for `N` plain and `M` aligned buffers, each with lengths and sizes of parts.
pub fn in_mixed_parts<const N: usize, const M: usize, R: Send>(
    plain: ([usize; N], [usize; N]),
    aligned: ([usize; M], [usize; M]),
    task: impl Fn(usize, [&mut [f32]; N], [&mut [f32]; M]) -> R + Sync,
) -> ([Vec<f32>; N], [AlignedVec; M], Vec<R>) {
    let mut vecs: [Vec<f32>; N] = plain.0.map(Vec::with_capacity);
    let mut lines = aligned.0.map(AlignedVec::with_capacity);
    let first = std::array::from_fn(|i| Cut::new(vecs[i].as_mut_ptr(), plain.0[i], plain.1[i]));
    let second = std::array::from_fn(|i| {
        // SAFETY: `with_capacity` left room for `offset` values before those of the buffer.
        let start = unsafe { lines[i].values.as_mut_ptr().add(lines[i].offset) };
        Cut::new(start, aligned.0[i], aligned.1[i])
    });
    let count = first.iter().chain(&second).map(Cut::count).max().unwrap_or(0);
    assert!(first.iter().chain(&second).all(|cut| cut.count() == count), "buffers differ in their parts");
    let results = (0..count)
        .into_par_iter()
        // SAFETY: the buffers have room for their lengths and are used by nothing else meanwhile,
        // and each part is taken by one task.
        .map(|i| unsafe { task(i, first.map(|cut| cut.part(i)), second.map(|cut| cut.part(i))) })
        .collect();
    for (buffer, length) in vecs.iter_mut().zip(plain.0) {
        // SAFETY: the capacity is at least `length`, and taking every part has cleared all of it.
        unsafe { buffer.set_len(length) };
    }
    for (buffer, length) in lines.iter_mut().zip(aligned.0) {
        // SAFETY: as above; the values before the offset were cleared by `with_capacity`.
        unsafe { buffer.values.set_len(buffer.offset + length) };
    }
    (vecs, lines, results)
}

/// Rows of a weight gradient that one task sums: a divisor of `length`, near 32.
pub fn part_of(length: usize) -> usize {
    (1..=32).rev().find(|n| length.is_multiple_of(*n)).unwrap_or(1)
}

/// A slice of `f32` that begins on a cache line.
#[derive(Debug)]
pub struct AlignedVec {
    values: Vec<f32>,
    offset: usize,
}

impl AlignedVec {
    /// Room for `length` values from a cache line on. Those before it are cleared, the others are
    /// not yet part of the vector.
    fn with_capacity(length: usize) -> AlignedVec {
        const LINE: usize = 16;
        let mut values: Vec<f32> = Vec::with_capacity(length.saturating_add(LINE));
        let offset = values.as_ptr().align_offset(LINE * size_of::<f32>());
        let offset = if offset < LINE { offset } else { 0 };
        values.resize(offset, 0.0);
        AlignedVec { values, offset }
    }
}

impl std::ops::Deref for AlignedVec {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values[self.offset..]
    }
}

/// Memory of `length` values in parts of `size`, each of which one task may take.
#[derive(Clone, Copy)]
struct Cut {
    start: *mut f32,
    length: usize,
    size: usize,
}

// SAFETY: only `in_mixed_parts` uses it, and gives disjoint parts to its tasks.
unsafe impl Send for Cut {}

// SAFETY: as above.
unsafe impl Sync for Cut {}

impl Cut {
    fn new(start: *mut f32, length: usize, size: usize) -> Cut {
        assert!(size > 0, "a part must hold something");
        Cut { start, length, size }
    }

    fn count(&self) -> usize {
        self.length.div_ceil(self.size)
    }

    /// The i-th part, cleared.
    ///
    /// # Safety
    /// The memory is valid for writing `length` values for as long as the part is used, `i` is
    /// below the count, and nobody else uses this part.
    unsafe fn part<'a>(self, i: usize) -> &'a mut [f32] {
        let first = i * self.size;
        let length = self.size.min(self.length - first);
        // SAFETY: promised by the caller; the values are written (as zeros) before a reference to
        // them exists.
        unsafe {
            let start = self.start.add(first);
            std::ptr::write_bytes(start, 0, length);
            std::slice::from_raw_parts_mut(start, length)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cleared_and_disjoint_and_results_in_order() {
        let ([a, b], results) = in_parts([10, 25], [4, 10], |i, [a, b]| {
            assert!(a.iter().chain(b.iter()).all(|v| *v == 0.0));
            a.fill(i as f32 + 1.0);
            b[0] = -1.0;
            (i, a.len(), b.len())
        });
        assert_eq!(results, [(0, 4, 10), (1, 4, 10), (2, 2, 5)]);
        assert_eq!(a, [1.0, 1.0, 1.0, 1.0, 2.0, 2.0, 2.0, 2.0, 3.0, 3.0]);
        assert_eq!(b.iter().filter(|v| **v == -1.0).count(), 3);
        let ([aligned], _) = in_aligned_parts([100], [30], |i, [part]| part.fill(i as f32));
        assert!(aligned.len() == 100 && aligned.as_ptr().addr().is_multiple_of(64));
        assert_eq!((aligned[29], aligned[30], aligned[99]), (0.0, 1.0, 3.0));
        let ([empty], none) = in_parts([0], [3], |_, [_]| ());
        assert!(empty.is_empty() && none.is_empty());
    }
}
