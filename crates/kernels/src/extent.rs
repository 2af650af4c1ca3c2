//! Checks that strided accesses stay within a slice.

/// Number of values that strided accesses need: `Σ (countᵢ − 1)·strideᵢ + width`, for `counts` and
/// strides given in pairs. Zero if a count or the width is zero.
///
/// The result saturates: where the true number does not fit, it is larger than any slice, so that
/// comparing it with a length is safe for all arguments.
#[inline(always)]
pub(crate) fn reach<const N: usize>(steps: [(usize, usize); N], width: usize) -> usize {
    let mut total = width;
    for (count, stride) in steps {
        if count == 0 || width == 0 {
            return 0;
        }
        total = total.saturating_add((count - 1).saturating_mul(stride));
    }
    total
}

#[cfg(test)]
mod portable {
    use super::reach;

    #[test]
    fn the_last_access_decides_and_overflow_saturates() {
        assert_eq!(reach([(3, 10), (4, 2)], 5), 31);
        assert_eq!(reach([(0, 10), (4, 2)], 5), 0);
        assert_eq!(reach([(3, 10)], 0), 0);
        // Three times this stride is 1 more than 2⁶⁵.
        assert_eq!(reach([(4, 0xAAAA_AAAA_AAAA_AAAB_u64 as usize)], 1), usize::MAX);
        assert_eq!(reach([(usize::MAX, usize::MAX), (2, 1)], usize::MAX), usize::MAX);
    }
}
