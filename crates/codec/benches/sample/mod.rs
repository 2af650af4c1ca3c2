//! A photograph of any size.

use std::error::Error;
use std::fs::File;
use std::io::BufReader;

/// RGB samples of `width` × `height` pixels: the sample image of this repository, mirrored at its
/// edges repeatedly, so that a pixel costs the same at any size.
///
/// # Errors
/// A sample image that is missing, or not RGB.
pub fn photograph(width: u32, height: u32) -> Result<Vec<u8>, Box<dyn Error>> {
    let file = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/../../assets/sample.png"))?;
    let mut reader = png::Decoder::new(BufReader::new(file)).read_info()?;
    let mut sample = vec![0; reader.output_buffer_size().ok_or("the sample is too large")?];
    let info = reader.next_frame(&mut sample)?;
    if info.color_type != png::ColorType::Rgb {
        return Err("the sample is not an RGB image".into());
    }
    let place = |position: u32, side: u32| {
        let position = position % (2 * side);
        position.min(2 * side - 1 - position) as usize
    };
    let columns: Vec<usize> = (0..width).map(|x| 3 * place(x, info.width)).collect();
    let rows = (0..height).map(|y| &sample[place(y, info.height) * info.line_size..][..info.line_size]);
    Ok(rows.flat_map(|row| columns.iter().flat_map(move |&x| [row[x], row[x + 1], row[x + 2]])).collect())
}
