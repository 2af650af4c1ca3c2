//! The memory that a picture takes stays under the estimate by which pictures are refused, and is not far below it.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use heirloom_codec::image::{Image, PixelFormat};
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_codec::network::memory;
use heirloom_codec::{DecodeOptions, EncodeOptions, Model, reference};

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all calls go to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Relaxed) + layout.size();
        PEAK.fetch_max(now, Relaxed);
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Relaxed);
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Most bytes taken at once during `work`, beyond those taken before.
fn peak<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let before = NOW.load(Relaxed);
    PEAK.store(before, Relaxed);
    let result = work();
    (result, (PEAK.load(Relaxed) - before) as u64)
}

// One test only: others running beside it would be counted too.
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
        // Buffers that do not grow with the picture: bands of rows and tiles.
        assert!(taken < estimate + (4 << 20), "{what}: {taken} bytes taken, {estimate} estimated");
        assert!(taken > estimate / 2, "{what}: {taken} bytes taken, {estimate} estimated");
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        let (bytes, taken) = peak(|| model.encode(&image, &EncodeOptions::new(100.0)).unwrap());
        check("encoding", taken, memory::encoding(&spec, pixels));
        let (_, taken) = peak(|| model.decode(&bytes, &DecodeOptions::default()).unwrap());
        check("decoding", taken, memory::decoding(&spec, pixels));
    });
}
