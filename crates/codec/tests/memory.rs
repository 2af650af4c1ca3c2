//! The memory that an image takes is below the estimate by which images are refused, and not far
//! below.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod counting_allocator;

use counting_allocator::peak;
use heirloom_codec::image::{Image, PixelFormat};
use heirloom_codec::internals::network::memory_estimate;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_codec::{DecodeOptions, EncodeOptions, Lossless, Model};

fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

// A single test, since memory of tests that run at the same time would be counted too.
#[test]
fn memory_stays_under_its_estimate() {
    let spec = Spec { widths: [32, 64, 96, 64, 32], latents: [32, 32, 64, 8], ..Spec::tiny() };
    let weights = reference::weights(&spec).unwrap();
    let file = ModelFile::new(spec.clone(), LambdaRanges::all(LambdaRange::PRETRAINING), weights).unwrap();
    let model = Model::new(file).unwrap();
    let (width, height) = (1024, 960);
    let data = (0..width * height * 3).map(|i| (i * 7 % 256) as u8).collect();
    let image = Image::new(width, height, PixelFormat::Rgb8, data).unwrap();
    let pixels = u64::from(width * height);

    let check = |what: &str, taken: u64, estimate: u64| {
        println!("{what}: {taken} bytes taken, {estimate} estimated");
        // Buffers that do not grow with the image: bands of rows and tiles.
        assert!(taken < estimate + (4 << 20), "{what}: {taken} bytes taken, {estimate} estimated");
        assert!(taken > estimate / 2, "{what}: {taken} bytes taken, {estimate} estimated");
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        let (bytes, taken) = peak(|| model.encode(&image, &network_only(100.0)).unwrap());
        check("encoding", taken, memory_estimate::encoding(&spec, pixels));
        let (_, taken) = peak(|| model.decode(&bytes, &DecodeOptions::default()).unwrap());
        check("decoding", taken, memory_estimate::decoding(&spec, pixels));
    });
}
