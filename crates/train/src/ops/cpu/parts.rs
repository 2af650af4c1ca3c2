//! Results that many tasks write: memory is cleared by the task that fills it, not beforehand by one thread.

use rayon::prelude::*;

/// Makes `N` buffers of the given lengths, cuts each into parts of the given sizes (the last may be shorter) and runs
/// `task(i, parts)` in parallel with the i-th part of each, cleared to zero. All must give the same number of parts.
/// Returns the buffers and what the tasks returned, in order.
pub fn in_parts<const N: usize, R: Send>(
    lengths: [usize; N],
    sizes: [usize; N],
    task: impl Fn(usize, [&mut [f32]; N]) -> R + Sync,
) -> ([Vec<f32>; N], Vec<R>) {
    let mut buffers: [Vec<f32>; N] = lengths.map(Vec::with_capacity);
    let pointers = std::array::from_fn(|i| Shared(buffers[i].as_mut_ptr()));
    // SAFETY: each pointer is valid for writing its length, and nothing else uses the buffers meanwhile.
    let results = unsafe { run(pointers, lengths, sizes, task) };
    for (buffer, length) in buffers.iter_mut().zip(lengths) {
        // SAFETY: the capacity is at least `length`, and `run` has cleared every part, which together are all of it.
        unsafe { buffer.set_len(length) };
    }
    (buffers, results)
}

/// As [`in_parts`] for one buffer that begins on a cache line.
pub fn in_aligned_parts(length: usize, size: usize, task: impl Fn(usize, &mut [f32]) + Sync) -> AlignedVec {
    const LINE: usize = 16;
    let mut values: Vec<f32> = Vec::with_capacity(length + LINE);
    let offset = values.as_ptr().align_offset(LINE * size_of::<f32>());
    let offset = if offset < LINE { offset } else { 0 };
    // SAFETY: the capacity leaves room for `offset` values before the `length` ones; the former are cleared here.
    unsafe {
        std::ptr::write_bytes(values.as_mut_ptr(), 0, offset);
        run([Shared(values.as_mut_ptr().add(offset))], [length], [size], |i, [part]| task(i, part));
        values.set_len(offset + length);
    }
    AlignedVec { values, offset }
}

/// A slice of `f32` that begins on a cache line.
pub struct AlignedVec {
    values: Vec<f32>,
    offset: usize,
}

impl std::ops::Deref for AlignedVec {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        &self.values[self.offset..]
    }
}

/// A pointer that tasks may share: each uses another part of what it points to.
#[derive(Clone, Copy)]
struct Shared(*mut f32);
// SAFETY: only `run` uses it, and gives disjoint parts to its tasks.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

/// # Safety
/// Each pointer is valid for writing as many values as `lengths` says, for the time of the call.
unsafe fn run<const N: usize, R: Send>(
    pointers: [Shared; N],
    lengths: [usize; N],
    sizes: [usize; N],
    task: impl Fn(usize, [&mut [f32]; N]) -> R + Sync,
) -> Vec<R> {
    let count = lengths[0].div_ceil(sizes[0]);
    assert!((0..N).all(|i| sizes[i] > 0 && lengths[i].div_ceil(sizes[i]) == count), "buffers differ in their parts");
    (0..count)
        .into_par_iter()
        .map(|part| {
            let parts = std::array::from_fn(|i| {
                let first = part * sizes[i];
                let length = sizes[i].min(lengths[i] - first);
                // SAFETY: `first + length` is at most the buffer's length; parts of different tasks do not overlap;
                // the values are written (as zeros) before a reference to them exists.
                unsafe {
                    let start = pointers[i].0.add(first);
                    std::ptr::write_bytes(start, 0, length);
                    std::slice::from_raw_parts_mut(start, length)
                }
            });
            task(part, parts)
        })
        .collect()
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
        let aligned = in_aligned_parts(100, 30, |i, part| part.fill(i as f32));
        assert!(aligned.len() == 100 && aligned.as_ptr().addr().is_multiple_of(64));
        assert_eq!((aligned[29], aligned[30], aligned[99]), (0.0, 1.0, 3.0));
        let ([empty], none) = in_parts([0], [3], |_, [_]| ());
        assert!(empty.is_empty() && none.is_empty());
    }
}
