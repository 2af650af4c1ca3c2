//! What JavaScript sees. Types and errors are documented in `npm/src`, which is what pages call.
//!
//! Exceptions are `Error`s with a `kind`. A panic ends the call by a trap; [`last_panic`] then tells what
//! it was, and the module is not used again.
#![allow(clippy::too_many_arguments)] // JavaScript passes options one by one

use std::sync::{Mutex, PoisonError};

use heirloom::{Cicp, Image, Model, Resolution};
use wasm_bindgen::prelude::*;

use crate::coding::{self, Decode, Encode};
use crate::failure::Failure;
use crate::{about, pixels, png_file};

static PANIC: Mutex<Option<String>> = Mutex::new(None);

/// Runs once, when the module starts.
#[wasm_bindgen(start)]
pub fn start() {
    std::panic::set_hook(Box::new(|panic| {
        *PANIC.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic.to_string());
    }));
}

/// The message of the panic that a trap came from.
#[wasm_bindgen(js_name = lastPanic)]
pub fn last_panic() -> Option<String> {
    PANIC.lock().unwrap_or_else(PoisonError::into_inner).take()
}

/// The instruction set of this module: `simd128` or `scalar`.
#[wasm_bindgen(js_name = instructionSet)]
pub fn instruction_set() -> String {
    if cfg!(target_feature = "simd128") { "simd128" } else { "scalar" }.into()
}

/// What a file says about itself, as JSON.
#[wasm_bindgen]
pub fn info(file: &[u8]) -> Result<String, JsValue> {
    let info = coding::info(file).map_err(thrown)?;
    Ok(about::json(&info).to_string())
}

/// A model in memory.
#[wasm_bindgen(js_name = Model)]
pub struct BoundModel(Model);

#[wasm_bindgen(js_class = Model)]
impl BoundModel {
    /// Reads a model file.
    #[wasm_bindgen(constructor)]
    pub fn new(file: &[u8]) -> Result<Self, JsValue> {
        Ok(Self(Model::from_bytes(file).map_err(|error| thrown(error.into()))?))
    }

    /// Lowest and highest λ that it encodes with.
    #[wasm_bindgen(getter, js_name = lambdaRange)]
    pub fn lambda_range(&self) -> Vec<f32> {
        let range = self.0.lambda_range();
        vec![*range.start(), *range.end()]
    }

    /// Decodes a file.
    pub fn decode(
        &self,
        file: &[u8],
        quick: bool,
        crop: Option<Vec<u32>>,
        scale: Option<u32>,
        max_pixels: Option<f64>,
        max_memory: Option<f64>,
    ) -> Result<Pixels, JsValue> {
        let request = Decode { crop, scale: scale.unwrap_or(1), quick, max_pixels, max_memory };
        Ok(Pixels(coding::decode(&self.0, file, &request).map_err(thrown)?))
    }

    /// Encodes an image.
    pub fn encode(
        &self,
        image: &Pixels,
        quality: Option<f32>,
        lambda: Option<f32>,
        target_bytes: Option<f64>,
        target_psnr: Option<f64>,
        lossless: Option<String>,
        max_memory: Option<f64>,
    ) -> Result<Vec<u8>, JsValue> {
        let request = Encode { quality, lambda, target_bytes, target_psnr, lossless, max_memory };
        coding::encode(&self.0, &image.0, &request).map_err(thrown)
    }
}

/// An image in memory.
#[wasm_bindgen]
pub struct Pixels(Image);

#[wasm_bindgen]
impl Pixels {
    /// Makes an image of its bytes.
    #[wasm_bindgen(constructor)]
    pub fn new(width: u32, height: u32, format: &str, bytes: Vec<u8>) -> Result<Self, JsValue> {
        Ok(Self(pixels::image(width, height, format, bytes).map_err(thrown)?))
    }

    /// Width in pixels.
    #[wasm_bindgen(getter)]
    pub fn width(&self) -> u32 {
        self.0.width()
    }

    /// Height in pixels.
    #[wasm_bindgen(getter)]
    pub fn height(&self) -> u32 {
        self.0.height()
    }

    /// Name of the pixel format.
    #[wasm_bindgen(getter)]
    pub fn format(&self) -> String {
        self.0.format().name().into()
    }

    /// The samples, those of 16 bits little endian.
    pub fn bytes(&self) -> Vec<u8> {
        pixels::bytes(&self.0)
    }

    /// A PNG file of the image.
    pub fn png(&self) -> Result<Vec<u8>, JsValue> {
        png_file::write(&self.0).map_err(thrown)
    }

    /// ICC profile.
    #[wasm_bindgen(getter)]
    pub fn icc(&self) -> Option<Vec<u8>> {
        self.0.metadata.icc.clone()
    }

    /// Exif.
    #[wasm_bindgen(getter)]
    pub fn exif(&self) -> Option<Vec<u8>> {
        self.0.metadata.exif.clone()
    }

    /// XMP.
    #[wasm_bindgen(getter)]
    pub fn xmp(&self) -> Option<Vec<u8>> {
        self.0.metadata.xmp.clone()
    }

    /// Primaries, transfer, matrix, and 1 for the full range.
    #[wasm_bindgen(getter)]
    pub fn cicp(&self) -> Option<Vec<u8>> {
        self.0.metadata.cicp.map(|code| vec![code.primaries, code.transfer, code.matrix, code.full_range.into()])
    }

    /// Pixels per unit in a row and in a column, and 1 where the unit is the metre.
    #[wasm_bindgen(getter)]
    pub fn resolution(&self) -> Option<Vec<u32>> {
        self.0.metadata.resolution.map(|size| vec![size.x, size.y, size.per_metre.into()])
    }

    /// Sets the metadata, in the forms of the getters.
    #[wasm_bindgen(js_name = setMetadata)]
    pub fn set_metadata(
        &mut self,
        icc: Option<Vec<u8>>,
        exif: Option<Vec<u8>>,
        xmp: Option<Vec<u8>>,
        cicp: Option<Vec<u8>>,
        resolution: Option<Vec<u32>>,
    ) {
        let metadata = &mut self.0.metadata;
        (metadata.icc, metadata.exif, metadata.xmp) = (icc, exif, xmp);
        metadata.cicp = match cicp.as_deref() {
            Some(&[primaries, transfer, matrix, full]) => {
                Some(Cicp { primaries, transfer, matrix, full_range: full != 0 })
            }
            _ => None,
        };
        metadata.resolution = match resolution.as_deref() {
            Some(&[x, y, metre]) if x > 0 && y > 0 => Some(Resolution { x, y, per_metre: metre != 0 }),
            _ => None,
        };
    }
}

#[wasm_bindgen]
extern "C" {
    /// An exception.
    type Error;

    #[wasm_bindgen(constructor)]
    fn new(message: &str) -> Error;

    #[wasm_bindgen(method, setter)]
    fn set_kind(this: &Error, kind: &str);
}

/// An `Error` with the kind of a failure.
fn thrown(failure: Failure) -> JsValue {
    let error = Error::new(&failure.message);
    error.set_kind(failure.kind);
    error.into()
}
