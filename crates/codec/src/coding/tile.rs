//! A tile: between its pixels and the payloads of its sections.

use std::borrow::Cow;

use super::canvas::{CodedCanvas, Setting, Wanted};
use super::latents::grid;
use super::lossless;
use super::pixels::{self, Rows};
use super::safety_net::{self, Verdict};
#[cfg(feature = "effort")]
use super::search;
use super::{AddOns, DecodeError, EncodeError, EncodeOptions, Lossless, Model};
use crate::image::convert::{from_network, to_network};
use crate::image::{Image, ImageError, PixelFormat, Samples};
use crate::model::LATENT_LEVELS;
use crate::network::Window;
use heirloom_format::container::{ContainerError, Head, Part, Rect, Source, Tile, TileColour};
use heirloom_kernels::Map;

/// Latents of a tile, and their estimated bits.
pub(super) type TileReport = ([Map; LATENT_LEVELS], [f64; LATENT_LEVELS]);

/// A tile that was encoded.
pub(super) struct EncodedTile {
    pub tile: Tile,
    pub pixels: u64,
    /// Mean squared error of the colour that decoders show, of samples in [-1, 1], if it was
    /// measured.
    pub error: Option<f64>,
    /// Loss in bits of what the encoder chose at first, and of the tile; 0 where nothing was searched.
    pub losses: [f64; 2],
    /// Latents and estimates, if they were asked for, and the tile has latents.
    pub report: Option<TileReport>,
}

impl EncodedTile {
    fn without_loss(alpha: Option<Vec<u8>>, stream: Vec<u8>, pixels: u64) -> Self {
        let tile = Tile { alpha, colour: TileColour::Lossless(stream) };
        Self { tile, pixels, error: Some(0.0), losses: [0.0; 2], report: None }
    }
}

/// What is to be decoded of a tile.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    /// The part of the image, which lies within the tile.
    pub shown: Rect,
    /// Number of latents, from z1 on; the others are replaced by what the model expects.
    pub latents: usize,
    /// Whether a tile of which something is damaged is of no use.
    pub strict: bool,
}

/// A tile that was decoded.
pub(super) struct DecodedTile {
    /// The part that was asked for; `None` if nothing of its colour could be read.
    pub image: Option<Image>,
    /// Number of whole latents; all of them for a lossless tile.
    pub latents: usize,
    /// What is wrong with the tile.
    pub problem: Option<DecodeError>,
}

/// The coded latents of a tile, z1 to z4, as far as they are there.
pub(super) type Sections<'a> = [Option<Cow<'a, [u8]>>; LATENT_LEVELS];

impl Model {
    pub(super) fn encode_tile(
        &self,
        setting: Setting,
        mut image: Image,
        options: &EncodeOptions,
        report: bool,
    ) -> Result<EncodedTile, EncodeError> {
        let pixels = u64::from(image.width()) * u64::from(image.height());
        let alpha = encode_alpha(&image)?;
        if options.lossless == Lossless::Always {
            let colour = lossless_colour(&image, options, usize::MAX).ok_or_else(too_large)?;
            return Ok(EncodedTile::without_loss(alpha, colour, pixels));
        }
        let original = (options.lossless == Lossless::WhereBetter && image.format().has_alpha()).then(|| image.clone());
        if !options.keep_hidden_colour {
            image.fill_hidden_colour();
        }
        let input = to_network(&image);
        let (colour, _) = image.split_alpha();
        let (coded, error, losses) = self.encode_colour(setting, input, &colour, options, report)?;
        if let Some(error) = error
            && options.lossless == Lossless::WhereBetter
            && let Verdict::Lossless(stream) =
                safety_net::judge(coded.bytes(), error, pixels, setting.lambda, &colour, |limit| {
                    lossless_colour(original.as_ref().unwrap_or(&colour), options, limit)
                })
        {
            return Ok(EncodedTile::without_loss(alpha, stream, pixels));
        }
        let colour = TileColour::Latents(coded.latents);
        Ok(EncodedTile { tile: Tile { alpha, colour }, pixels, error, losses, report: coded.report })
    }

    /// Codes a canvas, with as much effort as the options ask for. Returns what is best at its λ, the
    /// error of `colour` that decoders show, if it was measured, and the losses before and after.
    fn encode_colour(
        &self,
        setting: Setting,
        input: Map,
        colour: &Image,
        options: &EncodeOptions,
        report: bool,
    ) -> Result<(CodedCanvas, Option<f64>, [f64; 2]), EncodeError> {
        let steps = options.effort.steps();
        // [`AddOns::WhereBetter`] compares a file with one of [`AddOns::Never`].
        let compared = options.add_ons != AddOns::Newest;
        let measured = options.lossless == Lossless::WhereBetter || steps > 0 || compared;
        let wanted = Wanted { reconstruction: measured, report, residuals: steps > 0 };
        #[cfg(feature = "effort")]
        let target = (steps > 0).then(|| input.clone());
        let mut coded = self.encode_canvas(setting, input, wanted)?;
        let error = shown_error(&mut coded, colour)?;
        #[cfg(feature = "effort")]
        if let (Some(target), Some(residuals), Some(first)) = (target, coded.residuals.take(), error) {
            let seen = (colour.height() as usize, colour.width() as usize);
            let wanted = Wanted { residuals: false, ..wanted };
            let mut refined = search::refine(self, setting, &target, seen, residuals, options, wanted)?;
            drop(target);
            let error = shown_error(&mut refined, colour)?;
            let pixels = (seen.0 * seen.1) as f64;
            let loss = |bytes: usize, error: f64| 8.0 * bytes as f64 + f64::from(setting.lambda) * error * pixels;
            let before = loss(coded.bytes(), first);
            let after = error.map_or(f64::INFINITY, |error| loss(refined.bytes(), error));
            return Ok(match after < before {
                true => (refined, error, [before, after]),
                false => (coded, Some(first), [before, before]),
            });
        }
        Ok((coded, error, [0.0; 2]))
    }

    /// Decodes the part `need.shown` of a tile from its sections. What cannot be read is left out, and
    /// reported as the tile's problem; if that is an error for the caller, no work is wasted on it.
    ///
    /// # Errors
    /// A tile that needs another model or instruction set, and a source that fails.
    pub(super) fn decode_tile(
        &self,
        head: &Head,
        source: &dyn Source,
        number: u32,
        rect: Rect,
        setting: Setting,
        need: Need,
    ) -> Result<DecodedTile, DecodeError> {
        let entry = head.tile(number);
        let format = head.header.pixel_format;
        let mut tile = if entry.lossless {
            let section = head.section(source, number, Part::Lossless);
            let image = decode_stream(section, |bytes| {
                let image = lossless::decode(bytes, rect.width, rect.height, format.without_alpha())
                    .map_err(|error| DecodeError::Stream { section: head.name(number, Part::Lossless), error })?;
                Ok(cut(image, rect, need.shown)?)
            })?;
            match image {
                Ok(image) => DecodedTile { image: Some(image), latents: LATENT_LEVELS, problem: None },
                Err(problem) => DecodedTile { image: None, latents: 0, problem: Some(problem) },
            }
        } else {
            self.decode_latent_tile(head, source, number, rect, setting, need)?
        };
        if format.has_alpha()
            && let Some(colour) = tile.image.take()
        {
            let (alpha, problem) = decode_alpha(head, source, number, rect, need.shown)?;
            tile.problem = tile.problem.or(problem);
            tile.image = Some(colour.with_alpha(&alpha)?);
        }
        Ok(tile)
    }

    fn decode_latent_tile(
        &self,
        head: &Head,
        source: &dyn Source,
        number: u32,
        rect: Rect,
        setting: Setting,
        Need { shown, latents: needed, strict }: Need,
    ) -> Result<DecodedTile, DecodeError> {
        self.check_lineage(&head.header)?;
        let (sections, problem) = latent_sections(head, source, number, needed)?;
        if sections[0].is_none() || (strict && problem.is_some()) {
            // Without z1 the network would show what it expects of any image, which takes as long
            // as a whole tile.
            return Ok(DecodedTile { image: None, latents: 0, problem });
        }
        let bytes = sections.each_ref().map(|section| section.as_deref());
        let pixels = within(shown, rect);
        let window = pixels.coarser(4);
        let mut canvas = self.decode_canvas(setting, grid(rect), window, bytes)?;
        if let Some(DecodeError::Entropy { tile, .. }) = &mut canvas.problem {
            *tile = head.header.tiling.map(|_| number);
        }
        let format = head.header.pixel_format.without_alpha();
        let image = from_network(&pixels.of(&canvas.map, window.finer(4)), shown.width, shown.height, format)?;
        // Latents that nobody needs count as whole.
        let latents = if canvas.latents == needed { LATENT_LEVELS } else { canvas.latents };
        Ok(DecodedTile { image: Some(image), latents, problem: canvas.problem.or(problem) })
    }
}

/// The mean squared error of the colour, of samples in [-1, 1], that decoders show of a canvas whose
/// reconstruction was asked for.
fn shown_error(coded: &mut CodedCanvas, colour: &Image) -> Result<Option<f64>, ImageError> {
    let Some(map) = coded.reconstruction.take() else { return Ok(None) };
    let shown = from_network(&map, colour.width(), colour.height(), colour.format())?;
    Ok(Some(safety_net::error(colour, &shown)))
}

/// The payload of the alpha section: `None` without alpha, empty if the tile is opaque.
fn encode_alpha(image: &Image) -> Result<Option<Vec<u8>>, EncodeError> {
    if !image.format().has_alpha() {
        return Ok(None);
    }
    if image.is_opaque() {
        return Ok(Some(Vec::new()));
    }
    let (_, alpha) = image.clone().split_alpha();
    let stream = alpha.as_ref().and_then(lossless::encode_png);
    stream.map(Some).ok_or_else(too_large)
}

/// The lossless stream of the colour, which may be missing if it is longer than the limit.
fn lossless_colour(image: &Image, options: &EncodeOptions, limit: usize) -> Option<Vec<u8>> {
    if options.keep_hidden_colour || !image.format().has_alpha() {
        let (colour, _) = image.clone().split_alpha();
        return lossless::encode(&colour, limit);
    }
    // Transparent black costs least.
    let colour = image.clone().split_alpha().0;
    let channels = image.format().channels();
    let samples = match image.samples() {
        Samples::U8(data) => Samples::U8(without_hidden(data, channels)),
        Samples::U16(data) => Samples::U16(without_hidden(data, channels)),
    };
    let colour = Image::from_samples(colour.width(), colour.height(), colour.format(), samples).ok()?;
    lossless::encode(&colour, limit)
}

fn without_hidden<T: Copy + Default + PartialEq>(data: &[T], channels: usize) -> Vec<T> {
    let colour = |pixel: &[T]| {
        let hidden = pixel[channels - 1] == T::default();
        let pixel: Vec<T> = pixel[..channels - 1].iter().map(|&v| if hidden { T::default() } else { v }).collect();
        pixel
    };
    data.chunks_exact(channels).flat_map(colour).collect()
}

/// The sections of the first `count` latents of a tile, up to the first that is damaged, and what is
/// wrong with it.
///
/// # Errors
/// A source that fails.
pub(super) fn latent_sections<'a>(
    head: &Head,
    source: &'a dyn Source,
    number: u32,
    count: usize,
) -> Result<(Sections<'a>, Option<DecodeError>), DecodeError> {
    let mut sections = Sections::default();
    for (level, place) in (1..).zip(&mut sections).take(count) {
        match head.section(source, number, Part::Latent(level)) {
            Ok(section) => *place = Some(section),
            Err(error @ ContainerError::Io { .. }) => return Err(error.into()),
            Err(error) => return Ok((sections, Some(error.into()))),
        }
    }
    Ok((sections, None))
}

/// The part `shown` of a tile's alpha: opaque if it cannot be read, together with the reason.
///
/// # Errors
/// A source that fails.
pub(super) fn decode_alpha(
    head: &Head,
    source: &dyn Source,
    number: u32,
    rect: Rect,
    shown: Rect,
) -> Result<(Image, Option<DecodeError>), DecodeError> {
    let format = head.header.pixel_format;
    let alpha = decode_stream(head.section(source, number, Part::Alpha), |bytes| {
        if bytes.is_empty() {
            return Ok(opaque(shown, format)?);
        }
        let alpha = lossless::decode_png(bytes, rect.width, rect.height, format.grey())
            .map_err(|error| DecodeError::Stream { section: head.name(number, Part::Alpha), error })?;
        Ok(cut(alpha, rect, shown)?)
    })?;
    Ok(match alpha {
        Ok(alpha) => (alpha, None),
        Err(problem) => (opaque(shown, format)?, Some(problem)),
    })
}

/// A part of the image as pixels of a tile.
fn within(part: Rect, tile: Rect) -> Window {
    let (top, left) = ((part.y - tile.y) as usize, (part.x - tile.x) as usize);
    Window { top, left, bottom: top + part.height as usize, right: left + part.width as usize }
}

/// A part of the image, cut out of a tile.
fn cut(image: Image, tile: Rect, part: Rect) -> Result<Image, ImageError> {
    if part == tile {
        return Ok(image);
    }
    let (format, channels) = (image.format(), image.format().channels());
    let Window { top, left, bottom, right } = within(part, tile);
    let window = pixels::Window { x: left * channels, y: top, width: (right - left) * channels, height: bottom - top };
    let rows = Rows { samples: image.into_samples(), stride: tile.width as usize * channels };
    Image::from_samples(part.width, part.height, format, rows.cut(window))
}

/// The alpha channel of an opaque part.
fn opaque(rect: Rect, format: PixelFormat) -> Result<Image, ImageError> {
    let count = rect.width as usize * rect.height as usize;
    let samples = match format.bits() {
        8 => Samples::U8(vec![u8::MAX; count]),
        _ => Samples::U16(vec![u16::MAX; count]),
    };
    Image::from_samples(rect.width, rect.height, format.grey(), samples)
}

/// Decodes the stream of a section. The outer error is the source's, the inner one the section's.
fn decode_stream(
    section: Result<Cow<'_, [u8]>, ContainerError>,
    decode: impl FnOnce(&[u8]) -> Result<Image, DecodeError>,
) -> Result<Result<Image, DecodeError>, DecodeError> {
    match section {
        Ok(bytes) => Ok(decode(&bytes)),
        Err(error @ ContainerError::Io { .. }) => Err(error.into()),
        Err(error) => Ok(Err(error.into())),
    }
}

fn too_large() -> EncodeError {
    EncodeError::Container(ContainerError::BadParameter("a tile cannot be written as a PNG or WebP stream"))
}
