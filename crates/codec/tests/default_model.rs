//! Round trips with the default model: threads and instruction sets change no byte, latent or
//! pixel. `round_trip.rs` does the same with hundreds of images and a tiny network.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::image::Image;
use heirloom_codec::{DecodeOptions, EncodeOptions, Lossless, Model, Scale};
use heirloom_format::container::PixelFormat::{self, Grey8, Rgb8};
use heirloom_kernels::Isa;
use images::{Kind, image};

mod images;
#[path = "../benches/sample/mod.rs"]
mod sample;

/// The network alone, which here is far from serving images well.
fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

/// Kind, width, height, format and λ.
const CASES: [(Kind, u32, u32, PixelFormat, f32); 5] = [
    (Kind::Photo, 130, 100, Rgb8, 32.0),
    (Kind::Noise, 65, 40, Rgb8, 1024.0),
    (Kind::Photo, 1, 200, Grey8, 181.5),
    (Kind::Flat, 64, 9, Rgb8, 256.0),
    (Kind::Photo, 33, 17, Rgb8, 700.0),
];

/// What a thumbnail of z1 to z3 looks like: not sharp, but the image. On the photographs of Kodak it
/// has 31.5 and 35.3 dB on average; this one is more difficult than most.
#[test]
fn quick_thumbnails_are_near_the_image() {
    let model = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
    let image = Image::new(512, 384, Rgb8, sample::photograph(512, 384).unwrap()).unwrap();
    for (scale, least) in [(Scale::Eighth, 27.0), (Scale::Sixteenth, 29.0)] {
        let small = |lossless, quick| {
            let mut options = DecodeOptions::default();
            (options.scale, options.quick) = (scale, quick);
            let bytes = model.encode(&image, &EncodeOptions::new(256.0).with_lossless(lossless)).unwrap();
            model.decode(&bytes, &options).unwrap()
        };
        let (truth, quick) = (small(Lossless::Always, false), small(Lossless::Never, true));
        let squares = truth.data().iter().zip(quick.data()).map(|(&a, &b)| f64::from(a.abs_diff(b)).powi(2));
        let psnr = 10.0 * (65025.0 / (squares.sum::<f64>() / truth.data().len() as f64)).log10();
        assert!(psnr > least, "{scale:?}: {psnr:.2} dB");
    }
}

#[test]
fn machines_and_threads_never_change_a_bit() {
    let model = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
    let pools = [1, 2, 4].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for (kind, width, height, format, lambda) in CASES {
        let image = image(kind, width, height, format);
        let (bytes, report) = model.encode_with_report(&image, &network_only(lambda)).unwrap();
        let expected = model.reconstruct(&report.latents, &DecodeOptions::default()).unwrap();
        for isa in Isa::available() {
            for pool in &pools {
                let threads = pool.current_num_threads();
                let what = format!("{kind:?} {width}×{height}, λ = {lambda}, {isa:?}, {threads} threads");
                let mut there = network_only(lambda);
                there.isa = Some(isa);
                assert!(pool.install(|| model.encode(&image, &there)).unwrap() == bytes, "bytes differ, {what}");
                let mut back = DecodeOptions::default();
                back.isa = Some(isa);
                let latents = pool.install(|| model.decode_latents(&bytes, &back)).unwrap();
                assert!(latents == report.latents, "latents differ, {what}");
                let pixels = pool.install(|| model.decode(&bytes, &back)).unwrap();
                assert!(pixels == expected, "pixels differ, {what}");
            }
        }
    }
}
