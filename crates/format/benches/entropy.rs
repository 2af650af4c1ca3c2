//! Nanoseconds per residual, encoding and decoding: `cargo bench -p heirloom-format --bench
//! entropy`.

use std::hint::black_box;
use std::time::Instant;

use heirloom_format::entropy::{decode_section, encode_section, encode_section_with, estimated_bits, scale_indices};

const COUNT: usize = 1 << 17;

/// Without `--bench` cargo is testing.
fn repeats() -> usize {
    if std::env::args().any(|argument| argument == "--bench") { 200 } else { 1 }
}

/// Gaussian-like residuals: the sum of four uniform numbers, scaled.
fn sample(mut index: impl FnMut(u64) -> u8) -> (Vec<i32>, Vec<u8>) {
    let mut state = 1u64;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..COUNT)
        .map(|_| {
            let index = index(next());
            let sigma = 0.11 * (20.0f64 / 0.11).powf(f64::from(index) / 63.0);
            let sum: f64 = (0..4).map(|_| next() as f64 / (1u64 << 31) as f64 - 0.5).sum();
            ((sum * sigma * 3f64.sqrt()).round() as i32, index)
        })
        .unzip()
}

/// Best time of several, in nanoseconds per residual.
fn best(mut run: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..repeats() {
        let begin = Instant::now();
        run();
        best = best.min(begin.elapsed().as_secs_f64());
    }
    best * 1e9 / COUNT as f64
}

fn main() {
    let raw: Vec<f32> = (0..COUNT).map(|i| ((i * 7919) % 8191) as f32 / 900.0 - 4.5).collect();
    let mut scales = vec![0u8; COUNT];
    let time = best(|| scale_indices(black_box(&raw), black_box(&mut scales)));
    println!("scale_indices: {time:.2} ns");

    type Choice = fn(u64) -> u8;
    let choices: [(&str, Choice); 4] = [
        ("scales 0..64 uniformly", |r| (r % 64) as u8),
        ("low rate (one in 32 busy)", |r| if r.is_multiple_of(32) { 30 } else { 4 }),
        ("scale 24", |_| 24),
        ("scale 63", |_| 63),
    ];
    for (name, choice) in choices {
        let (symbols, indices) = sample(choice);
        let bits = estimated_bits(&symbols, &indices).unwrap_or(f64::NAN) / COUNT as f64;
        println!("{name}: {bits:.3} bit");
        for states in [0, 1, 2, 4, 8] {
            let encode = || match states {
                0 => encode_section(black_box(&symbols), black_box(&indices)),
                _ => encode_section_with(states, black_box(&symbols), black_box(&indices)),
            };
            let Ok(bytes) = encode() else { continue };
            let mut out = vec![0; COUNT];
            let encoding = best(|| drop(black_box(encode())));
            let decoding = best(|| {
                let _ = black_box(decode_section(black_box(&bytes), &indices, black_box(&mut out)));
            });
            assert!(out == symbols, "round trip");
            let label = if states == 0 { "default".into() } else { format!("{states} states") };
            println!("  {label}: encode {encoding:.2} ns, decode {decoding:.2} ns, {} bytes", bytes.len());
        }
    }
}
