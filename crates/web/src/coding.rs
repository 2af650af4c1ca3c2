//! Requests of a page, as calls of the codec.

use heirloom::{Decoder, EncodeOptions, Encoder, ErrorKind, Image, Info, Lossless, Model, Rect, Scale};

use crate::failure::{Failure, kind_name};

/// Most memory that a call may take unless the page says otherwise: 1 GiB. Modules address 4 GiB, which
/// few devices have for one page.
pub const DEFAULT_MEMORY: u64 = 1 << 30;

/// What a page wants of a file.
#[derive(Clone, Debug, Default)]
pub struct Decode {
    /// Left, top, width and height in pixels of the part to decode; all of the image if `None`.
    pub crop: Option<Vec<u32>>,
    /// 1, 2, 4, 8 or 16: pixels of the image for each decoded one, in each direction. 0 means 1.
    pub scale: u32,
    /// Whether an image at a scale of 8 or 16 may be blurred, for the sake of time.
    pub quick: bool,
    /// Most pixels that the image may have, both sides rounded up to multiples of 64; 2^28 if `None`.
    pub max_pixels: Option<f64>,
    /// Most bytes of memory, the file apart; [`DEFAULT_MEMORY`] if `None`.
    pub max_memory: Option<f64>,
}

impl Decode {
    fn decoder(&self, model: &Model) -> Result<Decoder, Failure> {
        let mut decoder = Decoder::with_model(model.clone()).max_memory(whole(self.max_memory, DEFAULT_MEMORY)?);
        decoder = match self.crop.as_deref() {
            None => decoder,
            Some(&[x, y, width, height]) => decoder.crop(Rect { x, y, width, height }),
            Some(_) => return Err(Failure::parameter("crop must be [x, y, width, height]")),
        };
        if let Some(pixels) = self.max_pixels {
            decoder = decoder.max_pixels(whole(Some(pixels), 0)?);
        }
        Ok(decoder.scale(scale(self.scale)?).quick(self.quick))
    }
}

/// Decodes a file.
///
/// # Errors
/// A request that cannot be, and every error of the codec.
pub fn decode(model: &Model, file: &[u8], request: &Decode) -> Result<Image, Failure> {
    request.decoder(model)?.decode(file).map_err(|error| missing(error, file))
}

/// What a page wants of an image.
#[derive(Clone, Debug, Default)]
pub struct Encode {
    /// 0 (smallest file) to 100 (best image); 50 if nothing is given.
    pub quality: Option<f32>,
    /// λ, instead of a quality.
    pub lambda: Option<f32>,
    /// Most bytes of the file, instead of a quality.
    pub target_bytes: Option<f64>,
    /// Least PSNR in dB, instead of a quality.
    pub target_psnr: Option<f64>,
    /// `auto` (where it is better), `never` or `always`.
    pub lossless: Option<String>,
    /// Most bytes of memory, the image and the file apart; [`DEFAULT_MEMORY`] if `None`.
    pub max_memory: Option<f64>,
}

/// Encodes an image.
///
/// # Errors
/// A request that cannot be, and every error of the codec.
pub fn encode(model: &Model, image: &Image, request: &Encode) -> Result<Vec<u8>, Failure> {
    let rates = [
        request.quality.map(EncodeOptions::quality),
        request.lambda.map(EncodeOptions::lambda),
        request.target_bytes.map(|bytes| whole(Some(bytes), 0)).transpose()?.map(EncodeOptions::target_size),
        request.target_psnr.map(EncodeOptions::target_psnr),
    ];
    let mut rates = rates.into_iter().flatten();
    let options = rates.next().unwrap_or_default();
    if rates.next().is_some() {
        return Err(Failure::parameter("give one of quality, lambda, targetBytes and targetPsnr"));
    }
    let (lossless, keep) = match request.lossless.as_deref() {
        None | Some("auto") => (Lossless::WhereBetter, false),
        Some("never") => (Lossless::Never, false),
        Some("always") => (Lossless::Always, true),
        Some(other) => {
            return Err(Failure::parameter(format!("lossless is '{other}'; choose auto, never or always")));
        }
    };
    let memory = whole(request.max_memory, DEFAULT_MEMORY)?;
    let options = options.with_lossless(lossless).with_hidden_colour(keep).with_max_memory(memory);
    Ok(Encoder::with_model(model.clone()).options(options).encode(image)?)
}

/// Reads what a file says about itself, and checks it, without a model.
///
/// # Errors
/// A file that is not sound.
pub fn info(file: &[u8]) -> Result<Info, Failure> {
    Ok(heirloom::info(file)?)
}

/// The message for a file of another lineage, which names a method of Rust's `Decoder`.
fn missing(error: heirloom::Error, file: &[u8]) -> Failure {
    let mut failure = Failure::from(error);
    if failure.kind == kind_name(ErrorKind::UnknownModel)
        && let Ok(info) = heirloom::info(file)
    {
        let id: String = info.entropy_id.iter().map(|byte| format!("{byte:02x}")).collect();
        failure.message = format!(
            "the file needs a model with the entropy id {id}… (generation {} wrote it); load the codec \
             with that model",
            info.generation
        );
    }
    failure
}

fn scale(divisor: u32) -> Result<Scale, Failure> {
    match divisor {
        0 | 1 => Ok(Scale::Full),
        2 => Ok(Scale::Half),
        4 => Ok(Scale::Quarter),
        8 => Ok(Scale::Eighth),
        16 => Ok(Scale::Sixteenth),
        other => Err(Failure::parameter(format!("scale is {other}; choose 1, 2, 4, 8 or 16"))),
    }
}

/// A number of JavaScript that counts something.
fn whole(value: Option<f64>, default: u64) -> Result<u64, Failure> {
    match value {
        None => Ok(default),
        Some(value) if value >= 0.0 => Ok(value as u64),
        Some(value) => Err(Failure::parameter(format!("{value} is not a number of bytes or pixels"))),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking
    use std::sync::OnceLock;

    use super::*;
    use heirloom::PixelFormat;

    fn model() -> &'static Model {
        static MODEL: OnceLock<Model> = OnceLock::new();
        MODEL.get_or_init(|| Model::from_bytes(heirloom_default_model::bytes()).unwrap())
    }

    /// A ramp, which the network codes well.
    fn image() -> Image {
        let pixels = (0..70 * 50u32).flat_map(|i| [(i % 70 * 3) as u8, (i / 70 * 5) as u8, 90]).collect();
        Image::new(70, 50, PixelFormat::Rgb8, pixels).unwrap()
    }

    fn message<T: std::fmt::Debug>(result: Result<T, Failure>) -> (&'static str, String) {
        let failure = result.unwrap_err();
        (failure.kind, failure.message)
    }

    #[test]
    fn a_request_decodes_what_the_library_decodes() {
        let file = encode(model(), &image(), &Encode::default()).unwrap();
        let same = Encoder::with_model(model().clone()).encode(&image()).unwrap();
        assert!(file == same);
        let whole = decode(model(), &file, &Decode::default()).unwrap();
        assert_eq!(whole, Decoder::with_model(model().clone()).decode(&file).unwrap());
        let part = Decode { crop: Some(vec![10, 20, 30, 20]), scale: 2, ..Decode::default() };
        let part = decode(model(), &file, &part).unwrap();
        assert_eq!((part.width(), part.height()), (15, 10));
        let small = decode(model(), &file, &Decode { scale: 8, quick: true, ..Decode::default() }).unwrap();
        assert_eq!((small.width(), small.height()), (9, 7));
        assert_eq!(info(&file).unwrap().width, 70);
    }

    #[test]
    fn what_cannot_be_is_refused_with_a_reason() {
        let file = encode(model(), &image(), &Encode { quality: Some(10.0), ..Encode::default() }).unwrap();
        let ask = |request: Decode| message(decode(model(), &file, &request));
        assert_eq!(ask(Decode { scale: 3, ..Decode::default() }).1, "scale is 3; choose 1, 2, 4, 8 or 16");
        assert_eq!(ask(Decode { crop: Some(vec![1]), ..Decode::default() }).0, "bad-parameter");
        assert_eq!(ask(Decode { crop: Some(vec![60, 0, 20, 1]), ..Decode::default() }).0, "bad-parameter");
        assert_eq!(ask(Decode { max_pixels: Some(100.0), ..Decode::default() }).0, "over-limit");
        assert_eq!(ask(Decode { max_memory: Some(100.0), ..Decode::default() }).0, "over-limit");
        assert_eq!(ask(Decode { max_memory: Some(f64::NAN), ..Decode::default() }).0, "bad-parameter");
        let wants = |request: Encode| message(encode(model(), &image(), &request));
        let two = Encode { quality: Some(1.0), lambda: Some(9.0), ..Encode::default() };
        assert_eq!(wants(two).1, "give one of quality, lambda, targetBytes and targetPsnr");
        assert_eq!(wants(Encode { lossless: Some("so".into()), ..Encode::default() }).0, "bad-parameter");
    }

    #[test]
    fn failures_have_the_codecs_messages_and_kinds() {
        let file = encode(model(), &image(), &Encode::default()).unwrap();
        let cut = &file[..file.len() - 1];
        let want = Decoder::with_model(model().clone()).decode(cut).unwrap_err().to_string();
        assert_eq!(message(decode(model(), cut, &Decode::default())), ("cut-short", want));
        assert_eq!(message(info(b"no")).0, "not-heirloom");
        // The entropy id is behind the checksum of the header, so that the file is made of a model that
        // differs in it.
        let mut other = file.clone();
        let half = other.len() / 2;
        other[half] ^= 1;
        assert_eq!(message(decode(model(), &other, &Decode::default())).0, "damaged");
    }
}
