//! What a reader does with images that the codec cannot represent as they are.

/// What to do with an alpha channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Alpha {
    /// Refuse the image.
    #[default]
    Refuse,
    /// Drop the channel; the colours stay as they are stored.
    Drop,
}

/// What to do with samples that are not of 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Depth {
    /// Refuse the image.
    #[default]
    Refuse,
    /// Scale the samples linearly to 0..=255 and round to nearest.
    Reduce,
}

/// How images are read. The default refuses whatever would have to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadOptions {
    /// What to do with an alpha channel.
    pub alpha: Alpha,
    /// What to do with samples of more than 8 bits, and of PNM files with a maximum other than 255.
    pub depth: Depth,
}

impl ReadOptions {
    /// Options that make an 8-bit image without alpha out of any image: alpha is dropped, samples
    /// are reduced to 8 bits.
    #[must_use]
    pub fn reduce() -> Self {
        Self { alpha: Alpha::Drop, depth: Depth::Reduce }
    }
}
