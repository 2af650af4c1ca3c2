//! Buffers that begin on a cache line: a 64-byte load that straddles two lines costs two.

use std::marker::PhantomData;

/// One cache line.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

/// Numbers for which all bits zero mean 0 and any bits are valid.
pub trait Number: Copy + private::Sealed {}

mod private {
    pub trait Sealed {}
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        impl private::Sealed for $type {}
        impl Number for $type {}
    )*};
}
numbers!(f32 i32 i16 i8);

/// A slice of numbers whose first value lies on a 64-byte boundary.
#[derive(Clone)]
pub struct Aligned<T: Number = f32> {
    lines: Vec<Line>,
    len: usize,
    of: PhantomData<T>,
}

impl<T: Number> Aligned<T> {
    /// A slice of `len` zeros.
    pub fn zeros(len: usize) -> Aligned<T> {
        let lines = len.div_ceil(size_of::<Line>() / size_of::<T>());
        Aligned { lines: vec![Line([0; 64]); lines], len, of: PhantomData }
    }

    /// A copy of `values`.
    pub fn copy_of(values: &[T]) -> Aligned<T> {
        let mut aligned = Aligned::zeros(values.len());
        aligned.copy_from_slice(values);
        aligned
    }

    /// Makes the slice at least `len` values long. Its values are then any numbers.
    pub fn reserve(&mut self, len: usize) {
        if self.len < len {
            *self = Aligned::zeros(len);
        }
    }
}

impl<T: Number> std::ops::Deref for Aligned<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: the lines hold at least `len` values, any bits are valid ones, and a line is
        // aligned more strictly than a value.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl<T: Number> std::ops::DerefMut for Aligned<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as in `deref`; the borrow is unique.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}

impl<T: Number + std::fmt::Debug> std::fmt::Debug for Aligned<T> {
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
        let mut short = Aligned::<i16>::zeros(33);
        short[32] = -1;
        assert_eq!((short.len(), short[32]), (33, -1));
    }
}
