//! Round trips with the default model: threads and instruction sets change no byte, latent or
//! pixel. `round_trip.rs` does the same with hundreds of images and a tiny network.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::{DecodeOptions, EncodeOptions, Lossless, Model};
use heirloom_format::container::PixelFormat::{self, Grey8, Rgb8};
use heirloom_kernels::Isa;
use images::{Kind, image};

mod images;

/// The network alone, which here is far from serving images well.
fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

/// Kind, width, height, format, λ, and whether the scalar instruction set is tested: with fused
/// multiply-add in software it takes seconds per tile.
const CASES: [(Kind, u32, u32, PixelFormat, f32, bool); 5] = [
    (Kind::Photo, 130, 100, Rgb8, 32.0, false),
    (Kind::Noise, 65, 40, Rgb8, 1024.0, false),
    (Kind::Photo, 1, 200, Grey8, 181.5, false),
    (Kind::Flat, 64, 9, Rgb8, 256.0, false),
    (Kind::Photo, 33, 17, Rgb8, 700.0, true),
];

#[test]
fn machines_and_threads_never_change_a_bit() {
    let model = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
    let pools = [1, 2, 4].map(|threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap());
    for (kind, width, height, format, lambda, scalar) in CASES {
        let image = image(kind, width, height, format);
        let (bytes, report) = model.encode_with_report(&image, &network_only(lambda)).unwrap();
        let expected = [false, true].map(|exact| {
            let mut options = DecodeOptions::default();
            options.exact = exact;
            model.reconstruct(&report.latents, &options).unwrap()
        });
        for isa in Isa::available() {
            for pool in &pools {
                let threads = pool.current_num_threads();
                let slow = isa == Isa::Scalar && !cfg!(target_arch = "aarch64");
                if slow && !(scalar && threads == 2) {
                    continue;
                }
                let what = format!("{kind:?} {width}×{height}, λ = {lambda}, {isa:?}, {threads} threads");
                let mut there = network_only(lambda);
                there.isa = Some(isa);
                assert!(pool.install(|| model.encode(&image, &there)).unwrap() == bytes, "bytes differ, {what}");
                let mut back = DecodeOptions::default();
                back.isa = Some(isa);
                let latents = pool.install(|| model.decode_latents(&bytes, &back)).unwrap();
                assert!(latents == report.latents, "latents differ, {what}");
                for (exact, expected) in [false, true].into_iter().zip(&expected) {
                    back.exact = exact;
                    let pixels = pool.install(|| model.decode(&bytes, &back)).unwrap();
                    assert!(pixels == *expected, "pixels differ, exact = {exact}, {what}");
                }
            }
        }
    }
}
