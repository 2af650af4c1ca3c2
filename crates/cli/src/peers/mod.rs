//! Other codecs, measured on the same images with real files.

#[cfg(feature = "peers")]
mod avif;
mod jpeg;
mod jxl;
#[cfg(feature = "peers")]
mod webp;

use std::path::{Path, PathBuf};

use heirloom_codec::Image;
use heirloom_eval::record::{self, PeerPoint};
use heirloom_eval::{Qualities, RealFile, mean};
use heirloom_io::{ReadOptions, read, read_file};

use crate::batch;
use crate::failure::Failure;

/// Another image codec.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Peer {
    Jpeg,
    Jxl,
    Webp,
    Avif,
}

impl Peer {
    fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg here",
            Self::Jxl => "jxl here",
            Self::Webp => "webp here",
            Self::Avif => "avif here",
        }
    }

    /// Crate or program, and settings.
    fn source(self) -> Result<String, Failure> {
        Ok(match self {
            Self::Jpeg => "measured here: crate jpeg-encoder 0.7, 4:2:0, progressive, optimised Huffman tables".into(),
            Self::Jxl => format!("measured here: {}, effort {}", jxl::version()?, jxl::EFFORT),
            Self::Webp => "measured here: libwebp by crate webp 0.3, lossy, method 6".into(),
            Self::Avif => "measured here: rav1e by crate ravif 0.13, 8 bits, speed 4; libaom decodes".into(),
        })
    }

    /// Quality settings of the curve's points; for a photograph from about 0.1 to 2 bits per pixel.
    fn qualities(self) -> &'static [u8] {
        match self {
            Self::Jpeg => &[5, 10, 20, 35, 50, 70, 85, 93],
            Self::Jxl => &[5, 12, 25, 40, 60, 75, 88, 95],
            Self::Webp => &[1, 10, 25, 45, 65, 80, 90, 96],
            Self::Avif => &[20, 30, 40, 50, 60, 70, 80, 90],
        }
    }

    fn encode(self, image: &Image, quality: u8, scratch: &Path) -> Result<Vec<u8>, Failure> {
        match self {
            Self::Jpeg => jpeg::encode(image, quality),
            Self::Jxl => jxl::encode(image, quality, scratch),
            #[cfg(feature = "peers")]
            Self::Webp => webp::encode(image, quality),
            #[cfg(feature = "peers")]
            Self::Avif => avif::encode(image, quality),
            #[cfg(not(feature = "peers"))]
            Self::Webp | Self::Avif => Err(absent()),
        }
    }

    /// Refuses a codec that was not built in or is not installed.
    pub fn check(self) -> Result<(), Failure> {
        match self {
            Self::Jxl => jxl::version().map(drop),
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

    /// Measures the codec on `images`, with files in the folder `scratch`.
    pub fn measure(
        self,
        images: &[PathBuf],
        scratch: &Path,
        threads: usize,
        quiet: bool,
    ) -> Result<record::Peer, Failure> {
        let qualities = self.qualities();
        let case = |i: usize| (&images[i / qualities.len()], qualities[i % qualities.len()]);
        let name = |i| format!("{} as {} of quality {}", case(i).0.display(), self.name(), case(i).1);
        let points = batch::collect(images.len() * qualities.len(), threads, quiet, name, |i| {
            let (image, quality) = case(i);
            self.point(image, quality, &scratch.join(format!("{i}.{self:?}")))
        })?;
        let means = (0..qualities.len()).map(|k| {
            let of_all: Vec<PeerPoint> = points.iter().skip(k).step_by(qualities.len()).copied().collect();
            let measured: Vec<Qualities> = of_all.iter().map(|p| p.quality).collect();
            PeerPoint { bpp: mean(of_all.iter().map(|p| p.bpp)), quality: Qualities::mean(&measured) }
        });
        Ok(record::Peer { codec: self.name().into(), source: self.source()?, points: means.collect() })
    }

    /// Measures one image at one quality.
    fn point(self, image: &Path, quality: u8, scratch: &Path) -> Result<PeerPoint, Failure> {
        let original = read_file(image, &ReadOptions::default())?;
        let file = RealFile::write(&original, scratch, |image| self.encode(image, quality, scratch))?;
        let decoded = file.decode(|bytes| self.decode(bytes))?;
        Ok(PeerPoint { bpp: file.bpp(), quality: qualities(&original, &decoded.image)? })
    }
}

/// Qualities of a decoded image.
pub fn qualities(original: &Image, decoded: &Image) -> Result<Qualities, Failure> {
    let (width, height) = (original.width() as usize, original.height() as usize);
    Ok(Qualities::of(&original.to_rgb(), &decoded.to_rgb(), width, height)?)
}

#[cfg(not(feature = "peers"))]
fn absent() -> Failure {
    Failure::usage(
        "this program was built without webp and avif; 'cargo build --release -p heirloom-cli --features peers' adds them, \
         and needs a C compiler and CMake",
    )
}
