//! Memory for the intermediate results of a task, kept per thread: clearing fresh memory each time
//! takes a tenth of a step.

use std::cell::Cell;

thread_local! {
    static SPARE: Cell<[Vec<f32>; 2]> = const { Cell::new([Vec::new(), Vec::new()]) };
}

/// Two buffers borrowed from the thread: one to cut slices from, one that grows as needed. They go
/// back when dropped.
pub struct Scratch([Vec<f32>; 2]);

impl Scratch {
    /// The thread's buffers, or new ones if those are taken already.
    pub fn take() -> Scratch {
        Scratch(SPARE.take())
    }

    /// Slices of these lengths. They hold values of earlier tasks: write before you read.
    pub fn slices<const N: usize>(&mut self, lengths: [usize; N]) -> [&mut [f32]; N] {
        self.slices_and_spare(lengths).0
    }

    /// The same slices as [`Scratch::slices`], and the other buffer.
    pub fn slices_and_spare<const N: usize>(&mut self, lengths: [usize; N]) -> ([&mut [f32]; N], &mut Vec<f32>) {
        let [buffer, spare] = &mut self.0;
        let total = lengths.iter().sum();
        if buffer.len() < total {
            buffer.resize(total, 0.0);
        }
        let mut rest = buffer.as_mut_slice();
        let slices = lengths.map(|length| {
            let (slice, after) = std::mem::take(&mut rest).split_at_mut(length);
            rest = after;
            slice
        });
        (slices, spare)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        SPARE.set(std::mem::take(&mut self.0));
    }
}
