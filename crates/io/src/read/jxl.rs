//! JPEG XL, read by the library `jxl-oxide`.

use heirloom_codec::image::{Cicp, Image, Metadata, Samples};
use jxl_oxide::{AllocTracker, EnumColourEncoding, JxlImage, JxlThreadPool, Moxcms, RenderingIntent};

use super::reading::{Reading, image, zeros};
use super::refusals::{cut_short, of_library};
use crate::ReadError;

/// Primaries and transfer characteristics of sRGB.
const SRGB: [u8; 2] = [1, 13];

/// Reads a frame of a JPEG XL file. Its pixels are upright already, whatever its orientation says.
pub(super) fn read(bytes: &[u8], reading: &mut Reading<'_>) -> Result<Image, ReadError> {
    // The library works on 32-bit floats.
    let limit = usize::try_from(reading.options.max_bytes.saturating_mul(4)).unwrap_or(usize::MAX);
    let builder =
        JxlImage::builder().pool(JxlThreadPool::rayon_global()).alloc_tracker(AllocTracker::with_limit(limit));
    let mut file = builder.read(bytes).map_err(|error| refusal(&*error))?;
    let (width, height) = (file.width(), file.height());
    reading.count(width, height, file.pixel_format().channels(), 4)?;
    if !file.is_loading_done() {
        reading.tolerate(cut_short())?;
    }
    if file.pixel_format().has_black() {
        reading.note("its CMYK colours were converted to sRGB");
        file.set_cms(Moxcms);
        file.request_color_encoding(EnumColourEncoding::srgb(RenderingIntent::Relative));
    }
    let frames = u32::try_from(file.num_loaded_keyframes()).unwrap_or(u32::MAX);
    let frame = reading.frame(frames.max(1), "frames")?;
    let bits = file.image_header().metadata.bit_depth.bits_per_sample();
    if bits > 16 {
        reading.note(format!("its samples of {bits} bits were reduced to 16"));
    }
    let render = if frames == 0 { file.render_loading_frame() } else { file.render_frame(frame as usize) };
    let render = render.map_err(|error| refusal(&*error))?;
    let mut stream = render.stream();
    let channels = stream.channels() as usize;
    let count = reading.count(stream.width(), stream.height(), channels, 2)?;
    let samples = if bits > 8 {
        let mut samples = zeros::<u16>(count)?;
        stream.write_to_buffer(&mut samples);
        Samples::U16(samples)
    } else {
        let mut samples = zeros::<u8>(count)?;
        stream.write_to_buffer(&mut samples);
        Samples::U8(samples)
    };
    let size = (stream.width(), stream.height());
    let alpha = channels == 2 || channels == 4;
    image(size, channels - usize::from(alpha), alpha, samples, metadata(&file, reading)?)
}

fn metadata(file: &JxlImage, reading: &mut Reading<'_>) -> Result<Metadata, ReadError> {
    let cicp = file.rendered_cicp().filter(|_| file.original_icc().is_none());
    let is_srgb = cicp.is_some_and(|code| code[..2] == SRGB);
    let icc = cicp.is_none().then(|| file.rendered_icc());
    let cicp = cicp.filter(|_| !is_srgb).map(|[primaries, transfer, ..]| Cicp {
        primaries,
        transfer,
        matrix: 0,
        full_range: true,
    });
    let boxes = file.aux_boxes();
    let exif = boxes.first_exif().map_err(|error| refusal(&*error))?;
    let mut exif = exif.has_data().then(|| exif.unwrap().payload().to_vec());
    if let Some(exif) = &mut exif {
        crate::exif::set_orientation(exif, 1);
    }
    let xmp = boxes.first_xml();
    let xmp = xmp.has_data().then(|| xmp.unwrap().to_vec());
    let extra = file.image_header().metadata.ec_info.iter().filter(|channel| !channel.is_alpha()).count();
    if extra > 0 && !file.pixel_format().has_black() {
        reading.note(format!("its {extra} extra channels beside colour and alpha were left out"));
    }
    Ok(Metadata { icc, exif, xmp, cicp, ..Metadata::default() })
}

fn refusal(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ReadError {
    let text = error.to_string();
    if text.contains("end of file") || text.contains("not enough data") { cut_short() } else { of_library(&text) }
}
