//! What the sums of a product start from.

/// What an output starts from.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// One value per column.
    Bias(&'a [f32]),
    /// What the output already holds.
    Output,
    /// Zero.
    Zero,
}

impl<'a> Start<'a> {
    /// The bias, or zero if it is empty.
    pub fn bias_or_zero(bias: &'a [f32]) -> Start<'a> {
        if bias.is_empty() { Start::Zero } else { Start::Bias(bias) }
    }

    /// The start of `columns` columns from `first` on.
    #[inline(always)]
    pub(super) fn columns(self, first: usize, columns: usize) -> Self {
        match self {
            Start::Bias(bias) => Start::Bias(&bias[first..first + columns]),
            other => other,
        }
    }
}
