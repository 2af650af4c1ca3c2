//! The bodies of the fuzz targets in `fuzz/`, over their seeds, and over random inputs and altered seeds. What a fuzzer found
//! becomes a seed.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use std::fs;
use std::path::Path;

#[path = "fuzz/container.rs"]
mod container;
#[path = "fuzz/section.rs"]
mod section;

/// Random and altered inputs for each target.
const RUNS: u64 = 20_000;

/// A generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}

fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(target);
    let mut seeds: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    seeds.sort();
    assert!(!seeds.is_empty());
    seeds
}

/// Random bytes, or a seed that was altered, shortened or lengthened in a few places.
fn input(random: &mut Random, seeds: &[(String, Vec<u8>)]) -> Vec<u8> {
    if random.below(4) == 0 {
        let length = random.below(300);
        return (0..length).map(|_| random.next() as u8).collect();
    }
    let mut bytes = seeds[random.below(seeds.len())].1.clone();
    for _ in 0..=random.below(4) {
        let position = random.below(bytes.len() + 1);
        match (random.below(4), position < bytes.len()) {
            (0, true) => bytes[position] = random.next() as u8,
            (1, true) => bytes[position] ^= 1 << random.below(8),
            (2, true) => drop(bytes.drain(position..bytes.len().min(position + 1 + random.below(8)))),
            _ => bytes.insert(position, [0, 0xff, 0x80, random.next() as u8][random.below(4)]),
        }
    }
    bytes
}

fn fuzz(target: &str, run: fn(&[u8])) {
    let seeds = seeds(target);
    for (name, bytes) in &seeds {
        println!("{name}");
        run(bytes);
    }
    for number in 0..RUNS {
        let bytes = input(&mut Random(number), &seeds);
        let outcome = std::panic::catch_unwind(|| run(&bytes));
        assert!(outcome.is_ok(), "input {number} of {target}: {bytes:?}");
    }
}

#[test]
fn containers() {
    fuzz("container", container::run);
}

#[test]
fn sections() {
    fuzz("section", section::run);
}
