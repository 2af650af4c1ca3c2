//! Each kernel in GFLOP/s, and as a share of the fused peak that the same threads reach between the
//! samples:
//!
//!     cargo bench -p heirloom-kernels --bench kernels [-- FILTER]
//!
//! Only multiply-adds of products and convolutions are counted, as two operations each; layer norm,
//! GELU and the like take time and count as none. Strict arithmetic needs two instructions for what
//! fused arithmetic does in one: where both go to the same units, its own peak is half of the fused
//! peak.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Criterion, SamplingMode, Throughput};
use heirloom_kernels::layers::depthwise;
use heirloom_kernels::product::{self, Matrix, MatrixMut, Start};
use heirloom_kernels::{Arithmetic, Block, Conv3x3, Dense, Down, Engine, Job, Map, Simd, Up};
use rayon::{ThreadPool, ThreadPoolBuilder};

use flops::Flops;

mod flops;
mod peak;

type Bench = Criterion<Flops>;

fn main() {
    let mut bench = Criterion::default()
        .with_measurement(Flops(WallTime))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .nresamples(2000)
        .configure_from_args();
    let pools: Vec<ThreadPool> =
        [1, 2].iter().filter_map(|&threads| ThreadPoolBuilder::new().num_threads(threads).build().ok()).collect();
    peaks(&mut bench, &pools);
    dense(&mut bench, &pools);
    transposed(&mut bench, &pools[..1]);
    depthwise(&mut bench, &pools[..1]);
    blocks(&mut bench, &pools);
    layers(&mut bench, &pools);
    bench.final_summary();
}

/// Times `kernel`, which does `operations` operations a call, in both arithmetics on each pool.
fn time(bench: &mut Bench, pools: &[ThreadPool], name: &str, operations: usize, mut kernel: impl FnMut(Engine) + Send) {
    let mut group = bench.benchmark_group(name);
    group.throughput(Throughput::Elements(operations as u64)).sampling_mode(SamplingMode::Flat);
    for (arithmetic, label) in [(Arithmetic::Fused, "fused"), (Arithmetic::Strict, "strict")] {
        let engine = Engine::new(arithmetic);
        for pool in pools {
            flops::restart();
            group.bench_function(format!("{label}, threads: {}", pool.current_num_threads()), |bencher| {
                pool.install(|| bencher.iter(|| kernel(engine)));
            });
        }
    }
    group.finish();
}

/// What the shares are shares of, and what strict arithmetic can reach at best.
fn peaks(bench: &mut Bench, pools: &[ThreadPool]) {
    for pool in pools {
        let operations = pool.install(|| peak::on_all_threads(Arithmetic::Fused));
        time(bench, std::slice::from_ref(pool), "registers only", operations as usize, |engine| {
            std::hint::black_box(peak::on_all_threads(engine.arithmetic()));
        });
    }
}

/// Numbers about [-½, ½].
fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5).collect()
}

fn map(height: usize, width: usize, channels: usize) -> Map {
    Map { height, width, channels, data: numbers(height * width * channels) }
}

/// The 1×1 layer.
fn dense(bench: &mut Bench, pools: &[ThreadPool]) {
    let (height, width) = (32, 64);
    for (inputs, outputs) in [(64, 128), (128, 64), (128, 256), (256, 128), (384, 768), (768, 384)] {
        let layer = Dense::new(&numbers(inputs * outputs), &numbers(outputs), inputs, outputs);
        let map = map(height, width, inputs);
        let operations = 2 * height * width * inputs * outputs;
        time(bench, pools, &format!("dense {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.dense(&layer, &[&map]));
        });
    }
}

/// The gradient of a 1×1 layer's weights, as one thread of a training step computes it for some
/// pixels.
struct WeightGradient<'a> {
    shape: [usize; 3],
    inputs: &'a [f32],
    gradient: &'a [f32],
    out: &'a mut [f32],
    scratch: &'a mut Vec<f32>,
}

impl Job for WeightGradient<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { shape: [m, pixels, n], inputs, gradient, out, scratch } = self;
        let (inputs, gradient) = (Matrix::new(inputs, pixels, m, m), Matrix::new(gradient, pixels, n, n));
        product::multiply_transposed::<S>(inputs, gradient, Start::Output, MatrixMut::new(out, m, n, n), scratch);
    }
}

fn transposed(bench: &mut Bench, pools: &[ThreadPool]) {
    for shape @ [m, pixels, n] in [[64, 256, 128], [128, 256, 256], [256, 256, 128], [384, 256, 768]] {
        let (inputs, gradient) = (numbers(m * pixels), numbers(pixels * n));
        let (mut out, mut scratch) = (vec![0.0; m * n], Vec::new());
        time(bench, pools, &format!("weight gradient {m} by {n}"), 2 * m * pixels * n, |engine| {
            let (out, scratch) = (&mut out, &mut scratch);
            engine.run(WeightGradient { shape, inputs: &inputs, gradient: &gradient, out, scratch });
        });
    }
}

/// The depthwise part of a block's tile.
struct Tile<'a> {
    taps: &'a [&'a [f32]],
    kernel: usize,
    channels: usize,
    weights: &'a [f32],
    out: &'a mut [f32],
    width: usize,
}

impl Job for Tile<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self) {
        let Self { taps, kernel, channels, weights, out, width } = self;
        depthwise::rows::<S>(taps, kernel, channels, weights, &weights[..channels], out, width);
    }
}

fn depthwise(bench: &mut Bench, pools: &[ThreadPool]) {
    let (channels, height, width) = (128, 8, 32);
    for kernel in [7, 5, 3] {
        let row = (width + kernel - 1) * channels;
        let source = numbers((height + kernel - 1) * row);
        let rows: Vec<&[f32]> = source.chunks_exact(row).collect();
        let taps: Vec<&[f32]> = rows.windows(kernel).flatten().copied().collect();
        let weights = numbers(kernel * kernel * channels);
        let mut out = vec![0.0; height * width * channels];
        let operations = 2 * kernel * kernel * out.len();
        time(bench, pools, &format!("depthwise {kernel}x{kernel}"), operations, |engine| {
            engine.run(Tile { taps: &taps, kernel, channels, weights: &weights, out: &mut out, width });
        });
    }
}

/// Whole ConvNeXt blocks: those of the default model's five stages and of the base model's first
/// three, on the maps of an image of 768 × 512.
fn blocks(bench: &mut Bench, pools: &[ThreadPool]) {
    let stages =
        [(7, 64, 4), (7, 128, 8), (7, 192, 16), (5, 128, 32), (3, 64, 64), (7, 128, 4), (7, 256, 8), (7, 384, 16)];
    for (kernel, c, stride) in stages {
        let (scale, small) = (numbers(2 * c), vec![1e-6; c]);
        let (depth, expand, project) = (numbers(kernel * kernel * c), numbers(2 * c * c), numbers(2 * c * c));
        let block = Block::new(kernel, c, &depth, &scale[..c], &expand, &scale, &project, &small, &small);
        let mut map = map(512 / stride, 768 / stride, c);
        let operations = map.pixels() * 2 * c * (kernel * kernel + 4 * c);
        time(bench, pools, &format!("block {kernel}x{kernel}, {c} channels at 1:{stride}"), operations, |engine| {
            engine.block(&block, &scale, &mut map);
        });
    }
}

/// The layers between blocks, of the default model's shapes on the maps of an image of 768 × 512.
fn layers(bench: &mut Bench, pools: &[ThreadPool]) {
    for (inputs, outputs, stride) in [(128, 32, 8), (192, 128, 16)] {
        let layer = Conv3x3::new(&numbers(9 * inputs * outputs), &numbers(outputs), inputs, outputs);
        let map = map(512 / stride, 768 / stride, inputs);
        let operations = 2 * 9 * inputs * outputs * map.pixels();
        time(bench, pools, &format!("3x3 {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.conv3x3(&layer, &map));
        });
    }
    for (inputs, outputs, stride, r) in [(3, 64, 1, 4), (64, 128, 4, 2), (128, 192, 8, 2)] {
        let layer = Down::new(&numbers(r * r * inputs * outputs), &numbers(outputs), inputs, outputs, r);
        let map = map(512 / stride, 768 / stride, inputs);
        let operations = 2 * inputs * outputs * map.pixels();
        time(bench, pools, &format!("down by {r}, {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.down(&layer, &map));
        });
    }
    for (inputs, outputs, stride, r) in [(192, 128, 16, 2), (128, 64, 8, 2), (64, 3, 4, 4)] {
        let layer = Up::new(&numbers(r * r * inputs * outputs), &numbers(r * r * outputs), inputs, outputs, r);
        let map = map(512 / stride, 768 / stride, inputs);
        let operations = 2 * r * r * inputs * outputs * map.pixels();
        time(bench, pools, &format!("up by {r}, {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.up(&layer, &map));
        });
    }
}
