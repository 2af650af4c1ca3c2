//! What a file says about itself, as JSON.

use heirloom::Info;
use serde_json::{Value, json};

/// The facts of [`Info`] as an object of JSON; `Info` of the npm package has its type.
#[must_use]
pub fn json(info: &Info) -> Value {
    let blob = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(Vec::len);
    json!({
        "width": info.width,
        "height": info.height,
        "format": info.pixel_format.name(),
        "bytes": info.file_bytes,
        "bitsPerPixel": info.bits_per_pixel(),
        "lambda": info.lambda,
        "entropyId": hex(&info.entropy_id),
        "generation": info.generation,
        "generationId": hex(&info.generation_id),
        "tiles": info.tiles.len(),
        "losslessTiles": info.lossless_tiles(),
        "latentBytes": info.latent_bytes,
        "alphaBytes": info.alpha_bytes,
        "losslessBytes": info.lossless_bytes,
        "metadataBytes": {
            "icc": blob(&info.metadata.icc),
            "exif": blob(&info.metadata.exif),
            "xmp": blob(&info.metadata.xmp),
        },
    })
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking
    use super::*;
    use heirloom::{Encoder, Image, Model, PixelFormat};

    #[test]
    fn the_facts_are_those_of_the_file() {
        let model = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
        let mut image = Image::new(65, 2, PixelFormat::GreyAlpha8, vec![200; 260]).unwrap();
        image.metadata.exif = Some(b"II*\0\x08\0\0\0\0\0".to_vec());
        let file = Encoder::with_model(model).lambda(256.0).encode(&image).unwrap();
        let facts = json(&heirloom::info(&file).unwrap());
        assert_eq!(
            (&facts["width"], &facts["height"], &facts["format"]),
            (&json!(65), &json!(2), &json!("grey-alpha8"))
        );
        assert_eq!((&facts["bytes"], &facts["lambda"]), (&json!(file.len()), &json!(256.0)));
        assert_eq!(facts["metadataBytes"], json!({ "icc": null, "exif": 10, "xmp": null }));
        assert_eq!(facts["entropyId"].as_str().unwrap().len(), 16);
    }
}
