//! The memory that an image takes is below the estimate by which images are refused, and not far
//! below.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod counting_allocator;

use counting_allocator::peak;
use heirloom_codec::image::{Image, Metadata, PixelFormat, Samples};
use heirloom_codec::internals::network::memory_estimate;
use heirloom_codec::internals::reference;
use heirloom_codec::model::Spec;
use heirloom_codec::{DecodeError, DecodeOptions, EncodeError, EncodeOptions, Lossless, Model, RowSink, RowSource};
use heirloom_format::container::Source;

fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

// A single test, since memory of tests that run at the same time would be counted too.
#[test]
fn memory_stays_under_its_estimate() {
    let plain = Spec { widths: [32, 64, 96, 64, 32], latents: [32, 32, 64, 8], ..Spec::tiny() };
    let latents = [32, 32, 64, 32];
    let options = Spec { learned_steps: true, latents, context: [0, 0, 48, 32], linear_path: true, ..plain.clone() };
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
    let model = Model::new(reference::model(plain.clone()).unwrap()).unwrap();
    pool.install(|| {
        for spec in [plain, options] {
            let model = Model::new(reference::model(spec.clone()).unwrap()).unwrap();
            let (bytes, taken) = peak(|| model.encode(&image, &network_only(100.0)).unwrap());
            check("encoding", taken, memory_estimate::encoding(&spec, pixels));
            #[cfg(feature = "effort")]
            {
                let options = network_only(100.0).with_effort(heirloom_codec::Effort::new(2).unwrap());
                let (_, taken) = peak(|| model.encode(&image, &options).unwrap());
                // Four parts with their margins.
                let part = 36 * 34 * 16 * 16;
                let estimate = memory_estimate::refining(&spec, 2, part);
                check("effort", taken, estimate + memory_estimate::encoding(&spec, pixels));
            }
            let (_, taken) = peak(|| model.decode(&bytes, &DecodeOptions::default()).unwrap());
            check("decoding", taken, memory_estimate::decoding(&spec, pixels));
        }
        for lossless in [Lossless::Never, Lossless::WhereBetter, Lossless::Always] {
            tiles_stay_within_the_limit(&model, lossless);
        }
    });
}

/// Buffers that do not grow with the image, for each of two threads.
const FIXED: u64 = 6 << 20;

/// An image of many rows of tiles, of which no row is kept.
struct Rows {
    next: u32,
    seen: u64,
}

const SIZE: (u32, u32) = (500, 1400);

impl RowSource for Rows {
    fn size(&self) -> (u32, u32) {
        SIZE
    }

    fn format(&self) -> PixelFormat {
        PixelFormat::Rgba8
    }

    fn read_rows(&mut self, count: u32) -> std::io::Result<Samples> {
        let rows = self.next..self.next + count;
        self.next += count;
        // Noise, for which the slow search for repetitions is not tried.
        let noise = |x: u32, y: u32| ((x.wrapping_mul(0x9e37_79b1) ^ y.wrapping_mul(0x85eb_ca77)) >> 11) as u8;
        Ok(Samples::U8(rows.flat_map(|y| (0..SIZE.0 * 4).map(move |x| noise(x, y))).collect()))
    }
}

impl RowSink for Rows {
    fn begin(&mut self, _: u32, _: u32, _: PixelFormat, _: &Metadata) -> std::io::Result<()> {
        Ok(())
    }

    fn write_rows(&mut self, rows: &Samples) -> std::io::Result<()> {
        self.seen += rows.len() as u64;
        Ok(())
    }
}

/// The least limit that is accepted, and a larger one, are not exceeded, however high the image is.
fn tiles_stay_within_the_limit(model: &Model, lossless: Lossless) {
    let mut options = EncodeOptions::new(100.0).with_lossless(lossless);
    options.tiles.side = 256;
    options.max_memory = 0;
    let mut rows = Rows { next: 0, seen: 0 };
    let mut spool = std::io::Cursor::new(Vec::with_capacity(32 << 20));
    let mut file = Vec::with_capacity(32 << 20);
    let error = model.encode_rows(&mut rows, &Metadata::default(), &options, &mut spool, &mut file).unwrap_err();
    let EncodeError::Memory { needed, .. } = error else { panic!("{error}") };
    for limit in [needed, 2 * needed] {
        options.max_memory = limit;
        rows.next = 0;
        spool.set_position(0);
        file.clear();
        let encode = || model.encode_rows(&mut rows, &Metadata::default(), &options, &mut spool, &mut file).unwrap();
        let (summary, taken) = peak(encode);
        println!("{lossless:?}: {taken} bytes taken, {limit} allowed, file of {} bytes", summary.bytes);
        assert!(summary.bytes < 32 << 20 && summary.tiles == 12);
        assert!(taken < limit + FIXED, "{lossless:?}: {taken} bytes taken, {limit} allowed");
    }
    let mut options = DecodeOptions::default();
    options.max_memory = 0;
    let error = model.decode_rows(&file, &options, &mut rows).unwrap_err();
    let DecodeError::Memory { needed, .. } = error else { panic!("{error}") };
    assert!(needed < 40 << 20, "{needed} bytes for one row of tiles");
    for limit in [needed, 2 * needed] {
        options.max_memory = limit;
        rows.seen = 0;
        let (_, taken) = peak(|| model.decode_rows(&file, &options, &mut rows).unwrap());
        println!("{lossless:?}: {taken} bytes taken, {limit} allowed, of {} bytes", file.length());
        assert_eq!(rows.seen, u64::from(SIZE.0 * SIZE.1 * 4));
        assert!(taken < limit + FIXED, "{lossless:?}: {taken} bytes taken, {limit} allowed");
    }
}
