//! Encoding effort: smaller or better files, which every decoder of the lineage reads.
#![cfg(feature = "effort")]
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::sync::Mutex;

use heirloom_codec::image::PixelFormat;
use heirloom_codec::internals::reference;
use heirloom_codec::model::Spec;
use heirloom_codec::{
    DecodeOptions, Effort, EncodeError, EncodeOptions, Image, Lossless, Model, Progress, ProgressCallback, Target,
    TileOptions,
};
use heirloom_format::container::{Limits, TileColour, parse};

#[allow(dead_code)] // other tests use the other kinds
mod images;
#[path = "../benches/sample/mod.rs"]
mod sample;

/// The upper left part of the sample photograph.
fn photograph(width: u32, height: u32) -> Image {
    let pixels = sample::photograph(width, height).unwrap();
    Image::new(width, height, PixelFormat::Rgb8, pixels).unwrap()
}

fn model() -> Model {
    Model::from_bytes(heirloom_default_model::bytes()).unwrap()
}

fn options(lambda: f32, effort: u8) -> EncodeOptions {
    EncodeOptions::new(lambda).with_effort(Effort::new(effort).unwrap())
}

/// The loss in bits that effort makes less, as a reader of the file finds it.
fn loss(model: &Model, bytes: &[u8], image: &Image, lambda: f64) -> f64 {
    let shown = model.decode(bytes, &DecodeOptions::default()).unwrap().to_rgb().into_owned();
    let rgb = image.to_rgb();
    let squares: f64 = rgb.iter().zip(&shown).map(|(&a, &b)| (f64::from(a.abs_diff(b)) / 127.5).powi(2)).sum();
    8.0 * bytes.len() as f64 + lambda * squares / 3.0
}

#[test]
fn a_photograph_costs_less_and_its_coarse_latents_are_the_same() {
    let (model, image) = (model(), photograph(192, 160));
    for lambda in [32.0, 512.0] {
        let plain = model.encode(&image, &options(lambda, 1)).unwrap();
        assert_eq!(plain, model.encode(&image, &EncodeOptions::new(lambda)).unwrap());
        let (refined, summary) = model.encode_with_summary(&image, &options(lambda, 4)).unwrap();
        let losses = [&plain, &refined].map(|bytes| loss(&model, bytes, &image, f64::from(lambda)));
        let saved = 1.0 - losses[1] / losses[0];
        assert!(saved > 0.01, "λ {lambda}: {saved}");
        assert!((summary.saved - saved).abs() < 0.005, "{} is said, {saved} is true", summary.saved);
        let latents = [&plain, &refined].map(|bytes| {
            let file = parse(bytes, &Limits::default()).unwrap();
            match file.tiles.into_iter().next().unwrap().colour {
                TileColour::Latents(sections) => sections,
                TileColour::Lossless(_) => panic!("stored without loss"),
            }
        });
        assert_eq!(latents[0][..2], latents[1][..2]);
        assert_ne!(latents[0][3], latents[1][3]);
    }
}

/// Also with everything that a later lineage may have, weights that have learned nothing, images
/// smaller than a canvas, several tiles, and several parts of a tile.
#[test]
fn it_is_never_worse_and_comes_out_the_same_again() {
    let with_options =
        Spec { latents: [16; 4], learned_steps: true, context: [0, 8, 16, 16], linear_path: true, ..Spec::tiny() };
    let untrained = Model::new(reference::model(with_options).unwrap()).unwrap();
    let trained = model();
    let photo = |width, height, format| images::image(images::Kind::Photo, width, height, format);
    let mut tiled = options(100.0, 2);
    tiled.tiles = TileOptions { side: 64, overlap: 4 };
    let cases = [
        (&untrained, photo(70, 50, PixelFormat::Rgb8), options(100.0, 3)),
        (&untrained, photo(1, 1, PixelFormat::Rgb8), options(300.0, 2)),
        (&untrained, photo(900, 70, PixelFormat::Rgb8), options(64.0, 2)),
        (&trained, photo(100, 90, PixelFormat::Rgb8), tiled),
        (&trained, images::image(images::Kind::Noise, 65, 40, PixelFormat::Rgb8), options(8.0, 3)),
    ];
    for (model, image, options) in cases {
        let options = options.with_lossless(Lossless::Never);
        let plain = model.encode(&image, &options.with_effort(Effort::default())).unwrap();
        let refined = model.encode(&image, &options).unwrap();
        assert_eq!(refined, model.encode(&image, &options).unwrap(), "{options:?}");
        let losses = [&plain, &refined].map(|bytes| loss(model, bytes, &image, f64::from(options.lambda)));
        // Pixels that tiles share count twice.
        assert!(losses[1] <= losses[0] * 1.001, "{losses:?} with {options:?}");
    }
}

#[test]
fn a_progress_callback_is_told_of_every_pixel_and_of_what_is_saved() {
    static HEARD: Mutex<Vec<Progress>> = Mutex::new(Vec::new());
    let image = photograph(192, 160);
    let mut options = options(64.0, 4);
    options.progress = Some(ProgressCallback(|progress| HEARD.lock().unwrap().push(progress)));
    let (_, summary) = model().encode_with_summary(&image, &options).unwrap();
    let heard = HEARD.lock().unwrap();
    let pixels: f64 = heard.iter().map(|progress| progress.pixels).sum();
    assert!((pixels - 192.0 * 192.0).abs() < 1e-3, "{pixels}");
    assert!(heard.is_sorted_by(|a, b| a.saved <= b.saved));
    let saved = heard.last().unwrap().saved;
    assert!((saved / summary.saved - 1.0).abs() < 0.3, "{saved} and {}", summary.saved);
}

#[test]
fn alpha_grey_and_lossless_images_take_it() {
    let model = model();
    for format in [PixelFormat::GreyAlpha16, PixelFormat::Rgba8, PixelFormat::Grey16] {
        let image = images::image(images::Kind::Photo, 80, 70, format);
        let bytes = model.encode(&image, &options(64.0, 2)).unwrap();
        let shown = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        assert_eq!((shown.width(), shown.height(), shown.format()), (80, 70, format));
        let lossless = options(64.0, 9).with_lossless(Lossless::Always);
        let plain = EncodeOptions::new(64.0).with_lossless(Lossless::Always);
        assert_eq!(model.encode(&image, &lossless).unwrap(), model.encode(&image, &plain).unwrap());
    }
}

#[test]
fn targets_are_met_with_effort_too() {
    let (model, image) = (model(), photograph(128, 96));
    let errors = |image: &Image, most: u64| {
        [1, 3].map(|effort| {
            let file = model.encode_to(image, Target::Bytes(most), &options(64.0, effort)).unwrap().bytes;
            assert!(file.len() as u64 <= most);
            error(&model, &file, image)
        })
    };
    for most in [400, 600, 800] {
        let [plain, refined] = errors(&image, most);
        assert!(refined <= plain, "{refined} and {plain} in {most} bytes");
    }
    let [plain, refined] = errors(&photograph(192, 160), 1500);
    assert!(refined < plain, "{refined} and {plain}");
    let psnr = model.encode_to(&image, Target::Psnr(30.0), &options(64.0, 3)).unwrap();
    let error = psnr.summary.mean_squared_error.unwrap();
    assert!(10.0 * (255.0 * 255.0 / error).log10() >= 30.0);
    let impossible = model.encode_to(&image, Target::Bytes(90), &options(64.0, 2));
    assert!(matches!(impossible, Err(EncodeError::Target { .. })), "{impossible:?}");
}

/// Mean squared error of what a file shows.
fn error(model: &Model, bytes: &[u8], image: &Image) -> f64 {
    let shown = model.decode(bytes, &DecodeOptions::default()).unwrap();
    let pairs = image.data().iter().zip(shown.data());
    pairs.map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2)).sum::<f64>() / image.data().len() as f64
}
