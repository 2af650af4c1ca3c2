//! WebP, lossy.

use heirloom_codec::Image;
use webp::{Encoder, WebPConfig};

use crate::failure::Failure;

pub fn encode(image: &Image, quality: u8) -> Result<Vec<u8>, Failure> {
    let mut config = WebPConfig::new().map_err(|()| Failure::failed("libwebp has no configuration"))?;
    config.quality = f32::from(quality);
    config.method = 6;
    let rgb = image.to_rgb();
    let coded = Encoder::from_rgb(&rgb, image.width(), image.height())
        .encode_advanced(&config)
        .map_err(|e| Failure::failed(format!("libwebp: {e:?}")))?;
    Ok(coded.to_vec())
}
