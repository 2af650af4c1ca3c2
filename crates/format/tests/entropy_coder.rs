//! The rANS coder: round trips, code length, and behaviour on foreign bytes.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use heirloom_format::entropy::{
    EntropyError, MAX_MAGNITUDE, SectionDecoder, decode_section, encode_section, encode_section_with, estimated_bits,
};
use proptest::prelude::*;

/// Uniform numbers, enough for tests.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn unit(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
    }

    fn gaussian(&mut self, sigma: f64) -> i32 {
        let radius = (-2.0 * self.unit().ln()).sqrt();
        (sigma * radius * (std::f64::consts::TAU * self.unit()).cos()).round() as i32
    }
}

fn sigma(index: u8) -> f64 {
    0.11 * (20.0f64 / 0.11).powf(f64::from(index) / 63.0)
}

/// Gaussian residuals, each of the scale of its index.
fn sample(count: usize, seed: u64, mut index: impl FnMut(&mut Random) -> u8) -> (Vec<i32>, Vec<u8>) {
    let mut random = Random(seed);
    (0..count)
        .map(|_| {
            let index = index(&mut random);
            (random.gaussian(sigma(index)), index)
        })
        .unzip()
}

fn decode(bytes: &[u8], indices: &[u8]) -> Result<Vec<i32>, EntropyError> {
    let mut out = vec![i32::MIN; indices.len()];
    decode_section(bytes, indices, &mut out)?;
    Ok(out)
}

fn residual() -> impl Strategy<Value = i32> {
    prop_oneof![
        6 => -3..=3,
        3 => -120..=120,
        1 => -MAX_MAGNITUDE..=MAX_MAGNITUDE,
        1 => prop::sample::select(vec![MAX_MAGNITUDE, -MAX_MAGNITUDE, MAX_MAGNITUDE - 1, 1 << 19, 0]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn round_trip(pairs in prop::collection::vec((residual(), 0u8..64), 0..600), log_states in 0u32..4) {
        let (symbols, indices): (Vec<i32>, Vec<u8>) = pairs.into_iter().unzip();
        let bytes = encode_section_with(1 << log_states, &symbols, &indices).unwrap();
        prop_assert_eq!(&decode(&bytes, &indices).unwrap(), &symbols);
        let bytes = encode_section(&symbols, &indices).unwrap();
        prop_assert_eq!(&decode(&bytes, &indices).unwrap(), &symbols);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200),
                                   indices in prop::collection::vec(0u8..64, 0..300)) {
        // Bytes that can be decoded are the encoder's own, since the code is unique for a given
        // number of states.
        if let Ok(symbols) = decode(&bytes, &indices) {
            let states = bytes.first().map_or(1, |head| 1 << (head & 3));
            let again = encode_section_with(states, &symbols, &indices).unwrap();
            prop_assert!(again == bytes || symbols.iter().all(|s| *s == 0));
        }
    }
}

#[test]
fn every_count_and_every_number_of_states() {
    for states in [1, 2, 4, 8] {
        for count in 0..40 {
            let (symbols, indices) = sample(count, count as u64, |random| (random.next() % 64) as u8);
            let bytes = encode_section_with(states, &symbols, &indices).unwrap();
            assert_eq!(decode(&bytes, &indices).unwrap(), symbols, "{states} states, {count} residuals");
        }
    }
}

#[test]
fn every_value_near_every_escape() {
    for index in 0..64u8 {
        let symbols: Vec<i32> = (-300..=300).collect();
        let indices = vec![index; symbols.len()];
        let bytes = encode_section(&symbols, &indices).unwrap();
        assert_eq!(decode(&bytes, &indices).unwrap(), symbols, "scale {index}");
    }
}

#[test]
fn zeros_cost_nothing() {
    for count in [0, 1, 100_000] {
        let indices = vec![63; count];
        assert!(encode_section(&vec![0; count], &indices).unwrap().is_empty());
        assert_eq!(decode(&[], &indices).unwrap(), vec![0; count]);
    }
    assert!(matches!(decode(&[0], &[]), Err(EntropyError::Damaged(_))));
}

#[test]
fn code_length_is_ideal() {
    type Choice = fn(&mut Random) -> u8;
    let choices: [(&str, Choice); 5] = [
        ("all scales", |random| (random.next() % 64) as u8),
        ("small", |random| (random.next() % 8 + 4) as u8),
        ("middle", |_| 27),
        ("large", |_| 63),
        ("mostly small", |random| if random.next().is_multiple_of(50) { 30 } else { 6 }),
    ];
    for (name, choice) in choices {
        let (symbols, indices) = sample(100_000, 7, choice);
        let ideal = estimated_bits(&symbols, &indices).unwrap() / 8.0;
        for states in [1, 2, 4, 8] {
            let bytes = encode_section_with(states, &symbols, &indices).unwrap();
            assert_eq!(decode(&bytes, &indices).unwrap(), symbols);
            // Per state: 36 bits written, up to 16 of them information; the first saves half a byte
            // or so.
            let excess = bytes.len() as f64 - ideal - 4.5 * states as f64;
            assert!(excess < 1.0e-4 * ideal + 1.0, "{name}, {states} states: {} bytes for {ideal:.1}", bytes.len());
        }
    }
}

#[test]
fn short_sections_carry_few_bytes_beyond_their_information() {
    let (mut sum, mut worst) = (0.0, 0.0f64);
    for seed in 0..500 {
        let (symbols, indices) = sample(300, seed, |random| (random.next() % 40 + 12) as u8);
        let bytes = encode_section(&symbols, &indices).unwrap();
        let excess = bytes.len() as f64 - estimated_bits(&symbols, &indices).unwrap() / 8.0;
        sum += excess / 500.0;
        worst = worst.max(excess);
    }
    assert!(sum < 3.8 && worst < 5.0, "mean {sum}, worst {worst} bytes");
}

#[test]
fn truncation_is_always_found() {
    for states in [1, 4] {
        let (symbols, indices) = sample(700, 3, |random| (random.next() % 64) as u8);
        let bytes = encode_section_with(states, &symbols, &indices).unwrap();
        for length in 1..bytes.len() {
            let result = decode(&bytes[..length], &indices);
            assert!(result.is_err(), "{states} states, {length} of {} bytes", bytes.len());
        }
        let mut longer = bytes.clone();
        longer.extend_from_slice(&[0, 0]);
        assert!(matches!(decode(&longer, &indices), Err(EntropyError::Damaged(_))));
    }
}

#[test]
fn changed_bytes_and_changed_indices_are_found() {
    for states in [1, 4] {
        let (symbols, indices) = sample(500, 11, |random| (random.next() % 64) as u8);
        let bytes = encode_section_with(states, &symbols, &indices).unwrap();
        let mut missed = 0;
        for position in 0..bytes.len() {
            for change in [1u8, 0x10, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[position] ^= change;
                missed += usize::from(decode(&damaged, &indices).is_ok());
            }
        }
        // The bits of a slot that select between values of one symbol come back in the state, so
        // every change shows.
        assert_eq!(missed, 0, "{states} states");
        for position in (0..indices.len()).step_by(17) {
            let mut other = indices.clone();
            other[position] ^= 1;
            assert!(decode(&bytes, &other).is_err(), "index {position} changed");
        }
    }
}

#[test]
fn wrong_arguments_are_reported() {
    let bad = EntropyError::BadScaleIndex { position: 1, index: 64 };
    assert_eq!(encode_section(&[1, 2], &[0, 64]), Err(bad.clone()));
    assert_eq!(decode(&[1, 2, 3], &[0, 64]), Err(bad));
    let mismatch = EntropyError::LengthMismatch { symbols: 1, indices: 2 };
    assert_eq!(encode_section(&[1], &[0, 0]), Err(mismatch.clone()));
    assert_eq!(decode_section(&[], &[0, 0], &mut [0]), Err(mismatch));
    let large = MAX_MAGNITUDE + 1;
    for value in [large, -large, i32::MIN, i32::MAX] {
        let error = EntropyError::TooLarge { position: 0, value };
        assert_eq!(encode_section(&[value], &[0]), Err(error.clone()));
        assert_eq!(estimated_bits(&[value], &[0]), Err(error));
    }
    assert_eq!(encode_section_with(3, &[1], &[0]), Err(EntropyError::BadStateCount(3)));
}

/// Bytes of format version 1, fixed forever.
#[test]
fn known_bytes() {
    let symbols = [0, 1, -1, 2, 0, 0, -7, 30, 0, 500, -3];
    let indices = [0, 10, 20, 30, 40, 50, 60, 63, 5, 25, 35];
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let one = encode_section_with(1, &symbols, &indices).unwrap();
    let four = encode_section_with(4, &symbols, &indices).unwrap();
    assert_eq!((hex(&one).as_str(), hex(&four).as_str()), (KNOWN_ONE, KNOWN_FOUR));
    let specification = include_str!("../../../docs/FORMAT.md");
    assert!(specification.contains(KNOWN_ONE) && specification.contains(KNOWN_FOUR), "the example of docs/FORMAT.md");
}

const KNOWN_ONE: &str = "30fe47075f1f92ef7be0d197";
const KNOWN_FOUR: &str = "ea7ec40390faf36100980b2dde00e1e2a66200df830080";

#[test]
fn a_section_can_be_read_in_parts() {
    let symbols: Vec<i32> = (0..1003).map(|i| (i * 7919 % 23) - 11).collect();
    let indices: Vec<u8> = (0..1003).map(|i| (i * 31 % 64) as u8).collect();
    for states in [1, 2, 4, 8] {
        let bytes = encode_section_with(states, &symbols, &indices).unwrap();
        for cuts in [vec![0, 1003], vec![0, 1, 2, 500, 1003], vec![0, 3, 3, 10, 17, 1003]] {
            let mut out = vec![0; symbols.len()];
            let mut decoder = SectionDecoder::new(&bytes).unwrap();
            for part in cuts.windows(2) {
                decoder.read(&indices[part[0]..part[1]], &mut out[part[0]..part[1]]).unwrap();
            }
            decoder.finish().unwrap();
            assert_eq!(out, symbols, "{states} states, {cuts:?}");
        }
        let mut short = SectionDecoder::new(&bytes).unwrap();
        short.read(&indices[..1002], &mut vec![0; 1002]).unwrap();
        assert!(short.finish().is_err(), "{states} states");
    }
}
