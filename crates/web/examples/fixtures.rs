//! Writes what the tests of the WebAssembly build compare with: files of random images, and what this build, which
//! uses the processor's own instructions, decodes them to.
//!
//! ```sh
//! RAYON_NUM_THREADS=1 cargo run --release -p heirloom-web --example fixtures -- OUT COUNT [PNG…]
//! ```
//!
//! For each of COUNT random images and of the PNG files (8-bit RGB), `OUT/NAME.hlm` is a file, `OUT/NAME.raw` its
//! pixels, and `OUT/NAME.source` the pixels it was made of. `OUT/list.json` says how, and how long decoding takes in
//! milliseconds: the mean of five times, of the processor where Linux tells, so that other programs do not matter.

use std::error::Error;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use heirloom::{Image, Model};
use heirloom_web::coding::{Decode, Encode, decode, encode};
use heirloom_web::pixels;
use serde_json::{Value, json};

/// Numbers of a linear congruential generator (Knuth's MMIX), from the upper bits.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % u64::from(end)) as u32
    }
}

const FORMATS: [&str; 8] = ["grey8", "grey-alpha8", "rgb8", "rgba8", "grey16", "grey-alpha16", "rgb16", "rgba16"];

/// Waves and noise of random strength, which neither the network nor a lossless stream has an easy time with.
fn random_image(random: &mut Random) -> Result<Image, Box<dyn Error>> {
    let (width, height) = (1 + random.below(260), 1 + random.below(200));
    let format = FORMATS[random.below(8) as usize];
    let deep = format.ends_with("16");
    let channels = match format.trim_end_matches(char::is_numeric) {
        "grey" => 1,
        "grey-alpha" => 2,
        "rgb" => 3,
        _ => 4,
    };
    let (noise, slope) = (random.below(60), 1 + random.below(9));
    let mut bytes = Vec::new();
    for y in 0..height {
        for x in 0..width {
            for c in 0..channels {
                let wave = (x * slope + y * (c + 1)) % 256;
                let value = if wave < 128 { 2 * wave } else { 511 - 2 * wave };
                let value = (value + random.below(noise + 1)).min(255) as u8;
                bytes.extend(if deep { [random.below(256) as u8, value].to_vec() } else { vec![value] });
            }
        }
    }
    pixels::image(width, height, format, bytes).map_err(|failure| failure.message.into())
}

fn read_png(path: &Path) -> Result<Image, Box<dyn Error>> {
    let mut reader = png::Decoder::new(BufReader::new(File::open(path)?)).read_info()?;
    let mut bytes = vec![0; reader.output_buffer_size().ok_or("the image is too large")?];
    let info = reader.next_frame(&mut bytes)?;
    bytes.truncate(info.buffer_size());
    pixels::image(info.width, info.height, "rgb8", bytes).map_err(|failure| failure.message.into())
}

/// Time that this process has computed for, which Linux counts in hundredths of a second.
fn processor_time() -> Option<Duration> {
    let text = fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(10 * ticks))
}

/// The mean of five times in milliseconds, and the result.
fn timed<T>(work: impl Fn() -> T) -> (f64, T) {
    let mut result = work();
    let (begin, processor) = (Instant::now(), processor_time());
    for _ in 0..5 {
        result = work();
    }
    let time = match (processor, processor_time()) {
        (Some(begin), Some(end)) => end.saturating_sub(begin),
        _ => begin.elapsed(),
    };
    (time.as_secs_f64() * 200.0, result)
}

fn write(out: &Path, name: &str, model: &Model, image: &Image, options: &Encode) -> Result<Value, Box<dyn Error>> {
    let failed = |failure: heirloom_web::failure::Failure| format!("{name}: {}", failure.message);
    let file = encode(model, image, options).map_err(failed)?;
    let (time, decoded) = timed(|| decode(model, &file, &Decode::default()));
    let quick = Decode { scale: 8, quick: true, ..Decode::default() };
    let (quick_time, _) = timed(|| decode(model, &file, &quick));
    let decoded = decoded.map_err(failed)?;
    fs::write(out.join(name).with_extension("hlm"), &file)?;
    fs::write(out.join(name).with_extension("raw"), pixels::bytes(&decoded))?;
    fs::write(out.join(name).with_extension("source"), pixels::bytes(image))?;
    Ok(json!({
        "name": name,
        "width": image.width(),
        "height": image.height(),
        "format": image.format().name(),
        "lambda": options.lambda,
        "lossless": options.lossless,
        "milliseconds": time,
        "quickMilliseconds": quick_time,
    }))
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let out = PathBuf::from(arguments.next().ok_or("usage: fixtures OUT COUNT [PNG…]")?);
    let count: u32 = arguments.next().and_then(|count| count.to_str()?.parse().ok()).ok_or("COUNT is a number")?;
    fs::create_dir_all(&out)?;
    let model = Model::from_bytes(heirloom_default_model::bytes())?;
    let mut random = Random(21);
    let mut list = Vec::new();
    for number in 0..count {
        let image = random_image(&mut random)?;
        let lossless = ["never", "auto", "never", "always"][random.below(4) as usize];
        let lambda = model.lambda_range().start() * 2f32.powi(random.below(11) as i32);
        let options = Encode { lambda: Some(lambda), lossless: Some(lossless.into()), ..Encode::default() };
        list.push(write(&out, &format!("random-{number:03}"), &model, &image, &options)?);
    }
    for path in arguments.map(PathBuf::from) {
        let name = path.file_stem().and_then(|stem| stem.to_str()).ok_or("an image without a name")?;
        let options = Encode { lambda: Some(128.0), lossless: Some("never".into()), ..Encode::default() };
        list.push(write(&out, name, &model, &read_png(&path)?, &options)?);
    }
    fs::write(out.join("list.json"), serde_json::to_string_pretty(&list)?)?;
    println!("{} files in {}", list.len(), out.display());
    Ok(())
}
