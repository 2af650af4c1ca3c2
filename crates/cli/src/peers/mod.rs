//! Other codecs, to draw their curves on the same images: real files by their Rust crates.

#[cfg(feature = "peers")]
mod avif;
mod jpeg;
#[cfg(feature = "peers")]
mod webp;

use std::fs;
use std::path::{Path, PathBuf};

use heirloom_codec::Image;
use heirloom_eval::anchors::Anchor;
use heirloom_eval::{Curve, Point, bits_per_pixel, mean, psnr};

use heirloom_io::ReadOptions;

use crate::batch;
use crate::failure::Failure;

/// Another codec.
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

    /// Which crate and which settings.
    fn source(self) -> &'static str {
        match self {
            Self::Jpeg => "measured here: crate jpeg-encoder 0.7, 4:2:0, progressive, optimised Huffman tables",
            Self::Webp => "measured here: libwebp by crate webp 0.3, lossy, method 6",
            Self::Avif => "measured here: rav1e by crate ravif 0.13, 8 bits, speed 4; libaom decodes",
        }
    }

    /// Quality settings of the curve's points, from about 0.1 to 2 bits per pixel of a photograph.
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

    /// Refuses a codec that was not built in, before anything is measured.
    pub fn check(self) -> Result<(), Failure> {
        match self {
            #[cfg(not(feature = "peers"))]
            Self::Webp | Self::Avif => Err(absent()),
            _ => Ok(()),
        }
    }

    /// The samples of a file as interleaved RGB.
    fn decode(self, bytes: &[u8]) -> Result<Vec<u8>, Failure> {
        match self {
            #[cfg(feature = "peers")]
            Self::Avif => avif::decode(bytes),
            _ => Ok(heirloom_io::read(bytes, &ReadOptions::default())?.to_rgb().into_owned()),
        }
    }

    /// The codec's curve on `images`: files are written to `scratch`, read back and decoded.
    pub fn measure(
        self,
        images: &[PathBuf],
        dataset: &str,
        scratch: &Path,
        threads: usize,
        quiet: bool,
    ) -> Result<Anchor, Failure> {
        let qualities = self.qualities();
        let points = batch::collect(images.len() * qualities.len(), threads, quiet, |i| {
            let (image, quality) = (&images[i / qualities.len()], qualities[i % qualities.len()]);
            self.one(image, quality, &scratch.join(format!("{i}.{self:?}")))
                .map_err(|e| e.about(format_args!("{} as {} of quality {quality}", image.display(), self.name())))
        })?;
        let of = |k: usize, value: fn(&Point) -> f64| mean(points.iter().skip(k).step_by(qualities.len()).map(value));
        let means = (0..qualities.len()).map(|k| Point { bpp: of(k, |p| p.bpp), psnr: of(k, |p| p.psnr) });
        Ok(Anchor {
            curve: Curve::new(self.name(), means.collect()).map_err(|e| Failure::failed(e.to_string()))?,
            source: self.source().into(),
            dataset: dataset.into(),
            images: images.len(),
        })
    }

    fn one(self, image: &Path, quality: u8, file: &Path) -> Result<Point, Failure> {
        let disk = |e: std::io::Error| Failure::failed(e.to_string());
        let original = heirloom_io::read_file(image, &ReadOptions::default())?;
        fs::write(file, self.encode(&original, quality)?).map_err(disk)?;
        let bytes = fs::read(file).map_err(disk)?;
        fs::remove_file(file).map_err(disk)?;
        let psnr = psnr(&original.to_rgb(), &self.decode(&bytes)?).map_err(|e| Failure::failed(e.to_string()))?;
        Ok(Point { bpp: bits_per_pixel(bytes.len() as u64, original.width(), original.height()), psnr })
    }
}

#[cfg(not(feature = "peers"))]
fn absent() -> Failure {
    Failure::usage(
        "this program knows jpeg only; webp and avif come with `cargo build --release -p heirloom --features peers`, which needs a C \
         compiler and CMake",
    )
}
