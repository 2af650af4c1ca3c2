//! Progress of a search while it goes on.

use std::fmt;

/// What a search for better symbols has done since its last report.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// Pixels that this stands for. All of a search together stand for those of the image's tiles, padded
    /// to whole canvases.
    pub pixels: f64,
    /// The share of bits and error that has been saved so far of the part of the image that is searched,
    /// by the model's estimate.
    pub saved: f64,
}

/// A function that is called with progress, from any thread, at each step.
#[derive(Clone, Copy)]
pub struct ProgressCallback(pub fn(Progress));

impl PartialEq for ProgressCallback {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::fn_addr_eq(self.0, other.0)
    }
}

impl fmt::Debug for ProgressCallback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProgressCallback")
    }
}
