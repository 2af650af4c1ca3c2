//! What becomes of the sums of a product.

use super::input::Quantiser;
use crate::layers::pointwise::gelu;
use crate::simd::Simd;

/// Takes the outputs of a product, 16 columns of one row at a time.
pub(crate) trait Finish<S: Simd> {
    /// Takes the outputs of row `row`, columns `first..first + used`, 1 ≤ `used` ≤ 16.
    fn take(&mut self, row: usize, first: usize, used: usize, outputs: S::V);
}

/// Writes outputs to rows `stride` values apart.
pub(crate) struct Write<'a> {
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl<S: Simd> Finish<S> for Write<'_> {
    #[inline(always)]
    fn take(&mut self, row: usize, first: usize, used: usize, outputs: S::V) {
        let out = &mut self.out[row * self.stride + first..][..used];
        match out.as_mut_array::<16>() {
            Some(out) => S::store(outputs, out),
            None => {
                let mut values = [0.0; 16];
                S::store(outputs, &mut values);
                out.copy_from_slice(&values[..used]);
            }
        }
    }
}

/// Adds outputs to rows `stride` values apart.
pub(crate) struct Add<'a> {
    pub out: &'a mut [f32],
    pub stride: usize,
}

impl<S: Simd> Finish<S> for Add<'_> {
    #[inline(always)]
    fn take(&mut self, row: usize, first: usize, used: usize, outputs: S::V) {
        let out = &mut self.out[row * self.stride + first..][..used];
        match out.as_mut_array::<16>() {
            Some(out) => S::store(S::add(outputs, S::load(out)), out),
            None => {
                let mut values = [0.0; 16];
                S::store(outputs, &mut values);
                out.iter_mut().zip(values).for_each(|(out, value)| *out += value);
            }
        }
    }
}

/// Adds outputs to the pixels of a tile, which begin at `offsets`. `used` is always 16.
pub(crate) struct AddAt<'a> {
    pub out: &'a mut [f32],
    pub offsets: &'a [usize],
}

impl<S: Simd> Finish<S> for AddAt<'_> {
    #[inline(always)]
    fn take(&mut self, row: usize, first: usize, _: usize, outputs: S::V) {
        if let Some(out) = self.out[self.offsets[row] + first..].first_chunk_mut::<16>() {
            S::store(S::add(outputs, S::load(out)), out);
        }
    }
}

/// Writes the GELU of outputs as integers, the input of another product, to rows `stride` values
/// apart. `used` is always 16.
pub(crate) struct GeluQuantise<'a, S: Simd> {
    pub out: &'a mut [i16],
    pub stride: usize,
    pub quantiser: Quantiser<S>,
}

impl<S: Simd> Finish<S> for GeluQuantise<'_, S> {
    #[inline(always)]
    fn take(&mut self, row: usize, first: usize, _: usize, outputs: S::V) {
        if let Some(out) = self.out[row * self.stride + first..].first_chunk_mut::<16>() {
            self.quantiser.store(gelu::<S>(outputs), out);
        }
    }
}
