//! Other codecs, measured on the same images with real files.

#[cfg(feature = "peers")]
mod avif;
mod jpeg;
#[cfg(feature = "peers")]
mod webp;

use std::path::{Path, PathBuf};

use heirloom_codec::Image;
use heirloom_eval::anchors::Anchor;
use heirloom_eval::{Curve, Point, RealFile, mean};
use heirloom_io::{ReadOptions, read, read_file};

use crate::batch;
use crate::failure::Failure;

/// Another image codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    Jpeg,
    Webp,
    Avif,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg here",
            Self::Webp => "webp here",
            Self::Avif => "avif here",
        }
    }

    /// Crate and settings.
    fn source(self) -> &'static str {
        match self {
            Self::Jpeg => "measured here: crate jpeg-encoder 0.7, 4:2:0, progressive, optimised Huffman tables",
            Self::Webp => "measured here: libwebp by crate webp 0.3, lossy, method 6",
            Self::Avif => "measured here: rav1e by crate ravif 0.13, 8 bits, speed 4; libaom decodes",
        }
    }

    /// Quality settings of the curve's points; for a photograph from about 0.1 to 2 bits per pixel.
    fn qualities(self) -> &'static [u8] {
        match self {
            Self::Jpeg => &[5, 10, 20, 35, 50, 70, 85, 93],
            Self::Webp => &[1, 10, 25, 45, 65, 80, 90, 96],
            Self::Avif => &[20, 30, 40, 50, 60, 70, 80, 90],
        }
    }

    fn encode(self, image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Jpeg => jpeg::encode(image, quality),
            #[cfg(feature = "peers")]
            Self::Webp => webp::encode(image, quality),
            #[cfg(feature = "peers")]
            Self::Avif => avif::encode(image, quality),
            #[cfg(not(feature = "peers"))]
            Self::Webp | Self::Avif => Err(absent()),
        }
    }

    /// Refuses a codec that was not built in.
    pub fn check(self) -> Result<(), Failure> {
        match self {
            #[cfg(not(feature = "peers"))]
            Self::Webp | Self::Avif => Err(absent()),
            _ => Ok(()),
        }
    }

    fn decode(self, bytes: &[u8]) -> Result<Image, Failure> {
        match self {
            #[cfg(feature = "peers")]
            Self::Avif => avif::decode(bytes),
            _ => Ok(read(bytes, &ReadOptions::default())?),
        }
    }

    /// Measures the codec's curve on `images`, with files in the folder `scratch`.
    pub fn measure(
        self,
        images: &[PathBuf],
        dataset: &str,
        scratch: &Path,
        threads: usize,
        quiet: bool,
    ) -> Result<Anchor, Failure> {
        let qualities = self.qualities();
        let case = |i: usize| (&images[i / qualities.len()], qualities[i % qualities.len()]);
        let name = |i| format!("{} as {} of quality {}", case(i).0.display(), self.name(), case(i).1);
        let points = batch::collect(images.len() * qualities.len(), threads, quiet, name, |i| {
            let (image, quality) = case(i);
            self.point(image, quality, &scratch.join(format!("{i}.{self:?}")))
        })?;
        let mean_at =
            |k: usize, value: fn(&Point) -> f64| mean(points.iter().skip(k).step_by(qualities.len()).map(value));
        let means = (0..qualities.len()).map(|k| Point { bpp: mean_at(k, |p| p.bpp), psnr: mean_at(k, |p| p.psnr) });
        Ok(Anchor {
            curve: Curve::new(self.name(), means.collect())?,
            source: self.source().into(),
            dataset: dataset.into(),
            images: images.len(),
        })
    }

    /// Measures one image at one quality.
    fn point(self, image: &Path, quality: u8, scratch: &Path) -> Result<Point, Failure> {
        let original = read_file(image, &ReadOptions::default())?;
        let file = RealFile::write(&original, scratch, |image| self.encode(image, quality))?;
        let decoded = file.decode(|bytes| self.decode(bytes))?;
        Ok(Point { bpp: file.bpp(), psnr: decoded.psnr })
    }
}

#[cfg(not(feature = "peers"))]
fn absent() -> Failure {
    Failure::usage(
        "this program was built with jpeg only; 'cargo build --release -p heirloom-cli --features peers' adds webp and avif, \
         and needs a C compiler and CMake",
    )
}
