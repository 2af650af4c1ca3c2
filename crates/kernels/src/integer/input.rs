//! How the input of a product becomes integers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::simd::Simd;

/// Width of the integers that a product reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bits {
    /// Within ±127.
    Eight,
    /// Within ±32,767.
    Sixteen,
}

impl Bits {
    /// The largest magnitude.
    pub fn limit(self) -> i32 {
        match self {
            Bits::Eight => 127,
            Bits::Sixteen => 32_767,
        }
    }
}

/// The largest magnitude that a quantised input reached: what a calibration looks at.
#[derive(Debug, Default)]
pub struct Peak(AtomicU32);

impl Peak {
    /// The largest magnitude so far, 0 to the limit of the input.
    pub fn get(&self) -> u32 {
        self.0.load(Relaxed)
    }
}

/// How the input of a product becomes integers: a value a becomes round(min(max(a·r, −m), m)), ties
/// to even. NaN becomes −m.
#[derive(Clone, Debug)]
pub struct Input {
    multiplier: f32,
    bits: Bits,
    peak: Option<Arc<Peak>>,
}

impl Input {
    /// Inputs multiplied by `multiplier`, r, and limited by `bits`.
    pub fn new(multiplier: f32, bits: Bits) -> Input {
        Input { multiplier, bits, peak: None }
    }

    /// Records the largest magnitude of every input in `peak`. This takes a little time.
    pub fn observed(self, peak: Arc<Peak>) -> Input {
        Input { peak: Some(peak), ..self }
    }

    /// The multiplier r.
    pub fn multiplier(&self) -> f32 {
        self.multiplier
    }

    /// Width of the integers.
    pub fn bits(&self) -> Bits {
        self.bits
    }

    /// Takes note of quantised values, if someone asked for it.
    #[inline]
    pub(crate) fn observe(&self, values: &[i16]) {
        if let Some(peak) = &self.peak {
            let largest = values.iter().fold(0, |largest, &q| q.unsigned_abs().max(largest));
            peak.0.fetch_max(u32::from(largest), Relaxed);
        }
    }

    /// Takes note of quantised values in pairs, if someone asked for it.
    #[inline]
    pub(crate) fn observe_pairs(&self, pairs: &[i32]) {
        if let Some(peak) = &self.peak {
            let of_pair = |pair: i32| (pair as i16).unsigned_abs().max(((pair >> 16) as i16).unsigned_abs());
            let largest = pairs.iter().fold(0, |largest, &pair| of_pair(pair).max(largest));
            peak.0.fetch_max(u32::from(largest), Relaxed);
        }
    }

    /// A quantiser with its constants in vectors.
    #[inline(always)]
    pub(crate) fn quantiser<S: Simd>(&self) -> Quantiser<S> {
        Quantiser {
            multiplier: S::splat(self.multiplier),
            limit: S::splat(self.bits.limit() as f32),
            low: S::splat(-(self.bits.limit() as f32)),
        }
    }

    /// Quantises `values` into `out`, as many as both have.
    #[inline(always)]
    pub(crate) fn quantise<S: Simd>(&self, values: &[f32], out: &mut [i16]) {
        let quantiser = self.quantiser::<S>();
        let len = values.len().min(out.len());
        let (vectors, rest) = values[..len].as_chunks::<16>();
        let (out_vectors, out_rest) = out[..len].as_chunks_mut::<16>();
        for i in 0..vectors.len() {
            quantiser.store(S::load(&vectors[i]), &mut out_vectors[i]);
        }
        if !rest.is_empty() {
            let (mut padded, mut shorts) = ([0.0; 16], [0; 16]);
            padded[..rest.len()].copy_from_slice(rest);
            quantiser.store(S::load(&padded), &mut shorts);
            out_rest.copy_from_slice(&shorts[..rest.len()]);
        }
    }
}

/// An [`Input`] in vectors of an instruction set.
#[derive(Clone, Copy)]
pub(crate) struct Quantiser<S: Simd> {
    multiplier: S::V,
    limit: S::V,
    low: S::V,
}

impl<S: Simd> Quantiser<S> {
    /// Integers of values.
    #[inline(always)]
    pub fn integers(&self, values: S::V) -> S::I {
        self.limited(S::mul(values, self.multiplier))
    }

    /// Integers of values that were multiplied already.
    #[inline(always)]
    pub fn limited(&self, values: S::V) -> S::I {
        S::to_int(S::min(S::max(values, self.low), self.limit))
    }

    /// Writes the integers of values.
    #[inline(always)]
    pub fn store(&self, values: S::V, out: &mut [i16; 16]) {
        // SAFETY: the reference covers 16 values.
        unsafe { S::store_short(self.integers(values), out.as_mut_ptr()) }
    }
}

#[cfg(test)]
mod portable {
    use super::*;
    use crate::simd::{Engine, Isa, Job};

    struct Quantise<'a>(&'a Input, &'a [f32]);

    impl Job for Quantise<'_> {
        type Output = Vec<i16>;
        #[inline(always)]
        fn run<S: Simd>(self) -> Vec<i16> {
            let mut out = vec![0; self.1.len()];
            self.0.quantise::<S>(self.1, &mut out);
            out
        }
    }

    #[test]
    fn values_are_rounded_to_even_and_limited() {
        let values = [0.25, 0.75, -0.25, -1.25, 1e30, -1e30, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1e-40, -0.0];
        for isa in Isa::available() {
            let engine = Engine::at(isa).unwrap();
            let eight = engine.run(Quantise(&Input::new(2.0, Bits::Eight), &values));
            assert_eq!(eight, [0, 2, 0, -2, 127, -127, 127, -127, -127, 0, 0], "{isa:?}");
            let sixteen = engine.run(Quantise(&Input::new(2.0, Bits::Sixteen), &values));
            assert_eq!(sixteen[4..9], [32_767, -32_767, 32_767, -32_767, -32_767], "{isa:?}");
        }
    }

    #[test]
    fn every_instruction_set_rounds_like_the_standard_library() {
        let values: Vec<f32> = (0..=u32::MAX).step_by(104_729).map(f32::from_bits).collect();
        let input = Input::new(37.5, Bits::Sixteen);
        let want: Vec<i16> = values
            .iter()
            .map(|x| if x.is_nan() { -32_767 } else { (x * 37.5).clamp(-32_767.0, 32_767.0).round_ties_even() as i16 })
            .collect();
        for isa in Isa::available() {
            assert!(Engine::at(isa).unwrap().run(Quantise(&input, &values)) == want, "{isa:?}");
        }
    }
}
