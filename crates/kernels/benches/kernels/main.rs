//! Each integer kernel in GOP/s, and as a share of the integer peak that the same threads reach
//! between the samples, on every instruction set that the machine has:
//!
//!     cargo bench -p heirloom-kernels --bench kernels [-- FILTER]
//!
//! Only multiply-adds of products and convolutions are counted, as two operations each; layer norm,
//! GELU and the like take time and count as none. Shares are of the peak of vectors on the best
//! instruction set, so those of AMX, which multiplies by tiles, can exceed 100 %.

#![allow(clippy::expect_used)] // a bench may panic

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{Criterion, SamplingMode, Throughput};
use heirloom_kernels::{Bits, Block, Depthwise, Engine, Input, Isa, Linear, Map};
use rayon::{ThreadPool, ThreadPoolBuilder};

use rate::Rate;

mod peak;
mod rate;

type Bench = Criterion<Rate>;

fn main() {
    let mut bench = Criterion::default()
        .with_measurement(Rate(WallTime))
        .sample_size(20)
        .warm_up_time(Duration::from_millis(200))
        .measurement_time(Duration::from_millis(600))
        .nresamples(2000)
        .configure_from_args();
    let pools: Vec<ThreadPool> =
        [1, 2].iter().filter_map(|&threads| ThreadPoolBuilder::new().num_threads(threads).build().ok()).collect();
    peaks(&mut bench, &pools);
    dense(&mut bench, &pools);
    depthwise(&mut bench, &pools[..1]);
    blocks(&mut bench, &pools);
    layers(&mut bench, &pools);
    bench.final_summary();
}

/// Times `kernel`, which does `operations` operations a call, on each instruction set and pool.
fn time(bench: &mut Bench, pools: &[ThreadPool], name: &str, operations: usize, mut kernel: impl FnMut(Engine) + Send) {
    let mut group = bench.benchmark_group(name);
    group.throughput(Throughput::Elements(operations as u64)).sampling_mode(SamplingMode::Flat);
    for engine in Isa::available().into_iter().filter_map(Engine::at) {
        for pool in pools {
            rate::restart();
            group.bench_function(format!("{:?}, threads: {}", engine.isa(), pool.current_num_threads()), |bencher| {
                pool.install(|| bencher.iter(|| kernel(engine)));
            });
        }
    }
    group.finish();
}

/// What the shares are shares of.
fn peaks(bench: &mut Bench, pools: &[ThreadPool]) {
    for pool in pools {
        let operations = pool.install(|| peak::on_all_threads(Engine::default()));
        time(bench, std::slice::from_ref(pool), "registers only", operations as usize, |engine| {
            std::hint::black_box(peak::on_all_threads(engine));
        });
    }
}

/// Numbers about [-½, ½].
fn numbers(count: usize) -> Vec<f32> {
    (0..count as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 8) as f32 / (1 << 24) as f32 - 0.5).collect()
}

fn weights(count: usize) -> Vec<i8> {
    numbers(count).iter().map(|x| (x * 100.0) as i8).collect()
}

fn map(height: usize, width: usize, channels: usize) -> Map {
    Map { height, width, channels, data: numbers(height * width * channels) }
}

fn input() -> Input {
    Input::new(4000.0, Bits::Sixteen)
}

fn linear(segments: &[usize], outputs: usize) -> Linear {
    let (gain, bias) = (vec![1e-6; outputs], numbers(outputs));
    let inputs: usize = segments.iter().sum();
    Linear::new(&weights(inputs * outputs), segments, &gain, &bias, input()).expect("the shapes fit")
}

fn convolution(kernel: usize, channels: usize) -> Depthwise {
    let (gain, bias) = (vec![1e-6; channels], numbers(channels));
    let weights = weights(kernel * kernel * channels);
    Depthwise::new(kernel, channels, &weights, &gain, &bias, input()).expect("the shapes fit")
}

/// The 1×1 layer.
fn dense(bench: &mut Bench, pools: &[ThreadPool]) {
    let (height, width) = (32, 64);
    for (inputs, outputs) in [(64, 128), (128, 64), (128, 256), (256, 128), (384, 768), (768, 384)] {
        let (layer, map) = (linear(&[inputs], outputs), map(height, width, inputs));
        let operations = 2 * height * width * inputs * outputs;
        time(bench, pools, &format!("dense {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.dense(&layer, &[&map]));
        });
    }
}

fn depthwise(bench: &mut Bench, pools: &[ThreadPool]) {
    for kernel in [7, 5, 3] {
        let (layer, map) = (convolution(kernel, 128), map(32, 64, 128));
        let operations = 2 * kernel * kernel * map.data.len();
        time(bench, pools, &format!("depthwise {kernel}x{kernel}"), operations, |engine| {
            std::hint::black_box(engine.depthwise(&layer, &map));
        });
    }
}

/// Whole ConvNeXt blocks: those of the default model's five stages and of the base model's first
/// three, on the maps of an image of 768 × 512.
fn blocks(bench: &mut Bench, pools: &[ThreadPool]) {
    let stages =
        [(7, 64, 4), (7, 128, 8), (7, 192, 16), (5, 128, 32), (3, 64, 64), (7, 128, 4), (7, 256, 8), (7, 384, 16)];
    for (kernel, c, stride) in stages {
        let block = Block::new(convolution(kernel, c), linear(&[c], 2 * c), linear(&[2 * c], c));
        let (block, modulation) = (block.expect("the shapes fit"), numbers(2 * c));
        let mut map = map(512 / stride, 768 / stride, c);
        let operations = map.pixels() * 2 * c * (kernel * kernel + 4 * c);
        time(bench, pools, &format!("block {kernel}x{kernel}, {c} channels at 1:{stride}"), operations, |engine| {
            engine.block(&block, &modulation, &mut map);
        });
    }
}

/// The layers between blocks, of the default model's shapes on the maps of an image of 768 × 512.
fn layers(bench: &mut Bench, pools: &[ThreadPool]) {
    for (inputs, outputs, stride) in [(128, 32, 8), (192, 128, 16)] {
        let (layer, map) = (linear(&[3 * inputs; 3], outputs), map(512 / stride, 768 / stride, inputs));
        let operations = 2 * 9 * inputs * outputs * map.pixels();
        time(bench, pools, &format!("3x3 {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.conv3x3(&layer, &map));
        });
    }
    for (inputs, outputs, stride, r) in [(3, 64, 1, 4), (64, 128, 4, 2), (128, 192, 8, 2)] {
        let (layer, map) = (linear(&vec![r * inputs; r], outputs), map(512 / stride, 768 / stride, inputs));
        let operations = 2 * inputs * outputs * map.pixels();
        time(bench, pools, &format!("down by {r}, {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.down(&layer, r, &map));
        });
    }
    for (inputs, outputs, stride, r) in [(192, 128, 16, 2), (128, 64, 8, 2), (64, 3, 4, 4)] {
        let (layer, map) = (linear(&[inputs], r * r * outputs), map(512 / stride, 768 / stride, inputs));
        let operations = 2 * r * r * inputs * outputs * map.pixels();
        time(bench, pools, &format!("up by {r}, {inputs} to {outputs}"), operations, |engine| {
            std::hint::black_box(engine.up(&layer, r, &map));
        });
    }
}
