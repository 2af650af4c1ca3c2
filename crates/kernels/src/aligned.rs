//! Buffers that begin on a cache line: a 64-byte load that straddles two lines costs two.

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

/// A slice of `f32` whose first value lies on a 64-byte boundary. If the length of a row is a
/// multiple of 16, every row does.
#[derive(Clone)]
pub struct Aligned {
    lines: Vec<Line>,
    len: usize,
}

impl Aligned {
    /// A slice of `len` zeros.
    pub fn zeros(len: usize) -> Aligned {
        Aligned { lines: vec![Line([0.0; 16]); len.div_ceil(16)], len }
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[f32]) -> Aligned {
        let mut aligned = Aligned::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }
}

impl std::ops::Deref for Aligned {
    type Target = [f32];
    fn deref(&self) -> &[f32] {
        // SAFETY: `Line` is 16 `f32` without padding, and `len` is at most 16 times the number of
        // lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl std::ops::DerefMut for Aligned {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as in `deref`; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl std::fmt::Debug for Aligned {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod portable {
    use super::*;

    #[test]
    fn values_begin_on_a_cache_line_and_end_where_they_should() {
        for len in [0, 1, 16, 33] {
            let mut aligned = Aligned::zeros(len);
            aligned.iter_mut().enumerate().for_each(|(i, x)| *x = i as f32);
            let copy = Aligned::copy_of(&aligned);
            assert!(copy.len() == len && copy.as_ptr().addr().is_multiple_of(64));
            assert!(copy.iter().enumerate().all(|(i, x)| *x == i as f32));
        }
    }
}
