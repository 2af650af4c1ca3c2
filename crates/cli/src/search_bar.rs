//! The progress bar of the search that `--effort` spends time on.

use std::io::IsTerminal;
use std::sync::{Mutex, OnceLock};

use heirloom_codec::{Progress, ProgressCallback};
use indicatif::{ProgressBar, ProgressStyle};

/// The bar of the one image that is encoded: a callback is a function, and cannot own it.
static BAR: OnceLock<Mutex<Search>> = OnceLock::new();

struct Search {
    bar: ProgressBar,
    /// Pixels of the image.
    pixels: f64,
    done: f64,
}

/// Shows a bar on standard error, if that is a terminal, for the only image of this process.
pub fn begin(width: u32, height: u32) -> Option<ProgressCallback> {
    if !std::io::stderr().is_terminal() {
        return None;
    }
    let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed} (left: {eta})  {msg}");
    let pixels = f64::from(width) * f64::from(height);
    let bar = ProgressBar::new(pixels as u64).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    BAR.set(Mutex::new(Search { bar, pixels, done: 0.0 })).is_ok().then_some(ProgressCallback(|progress| {
        if let Some(Ok(mut search)) = BAR.get().map(Mutex::lock) {
            search.report(progress);
        }
    }))
}

/// Takes the bar away.
pub fn end() {
    if let Some(Ok(search)) = BAR.get().map(Mutex::lock) {
        search.bar.finish_and_clear();
    }
}

impl Search {
    fn report(&mut self, progress: Progress) {
        self.done += progress.pixels;
        // A target takes several passes over the image; padding is a little more than the image.
        if self.done > self.pixels * 1.5 {
            self.done = progress.pixels;
            self.bar.reset();
        }
        self.bar.set_position(self.done.min(self.pixels) as u64);
        self.bar.set_message(format!("{:.1} % saved", 100.0 * progress.saved));
    }
}
