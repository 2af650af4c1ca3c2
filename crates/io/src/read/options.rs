//! How an image is read.

/// What to do with an alpha channel. One that is wholly opaque is always dropped: nothing changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Alpha {
    /// Keep it.
    #[default]
    Keep,
    /// Drop it; the colours stay as they are stored.
    Drop,
    /// Put the image on an opaque background of this colour: red, green, blue, 0 to 65535 each.
    Flatten([u16; 3]),
}

/// What to do with samples of more than 8 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Depth {
    /// Keep them as 16 bits.
    #[default]
    Keep,
    /// Scale them linearly to 0..=255 and round to nearest.
    Reduce,
}

/// Which metadata is left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Strip {
    /// Nothing.
    #[default]
    Nothing,
    /// What does not change how the image is shown: Exif but for its orientation, and XMP.
    Safe,
    /// Everything, the colour profile and the orientation too.
    All,
}

/// Default of [`ReadOptions::max_bytes`].
const MAX_BYTES: u64 = 2 << 30;

/// How images are read.
///
/// ```
/// use heirloom_io::ReadOptions;
///
/// let mut options = ReadOptions::default();
/// options.upright = true;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ReadOptions {
    /// What to do with an alpha channel.
    pub alpha: Alpha,
    /// What to do with samples of more than 8 bits.
    pub depth: Depth,
    /// Number of the frame or page to read, from 0. Without it, the first one is read, and a note
    /// says that there are more.
    pub frame: Option<u32>,
    /// Takes what can be read of a damaged file, with a note, instead of refusing it.
    pub lenient: bool,
    /// Refuses a file if anything in it would not be kept to the bit: whatever there would be a note
    /// on.
    pub strict: bool,
    /// Turns and mirrors the pixels as the Exif orientation says, and resets it.
    pub upright: bool,
    /// Which metadata is left out.
    pub strip: Strip,
    /// Most bytes that the samples of an image may take. Checked before they are allocated.
    pub max_bytes: u64,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            alpha: Alpha::default(),
            depth: Depth::default(),
            frame: None,
            lenient: false,
            strict: false,
            upright: false,
            strip: Strip::default(),
            max_bytes: MAX_BYTES,
        }
    }
}

impl ReadOptions {
    /// Options that make an 8-bit image without alpha out of any image: alpha is dropped, samples
    /// are reduced to 8 bits.
    #[must_use]
    pub fn reduce() -> Self {
        Self { alpha: Alpha::Drop, depth: Depth::Reduce, ..Self::default() }
    }
}
