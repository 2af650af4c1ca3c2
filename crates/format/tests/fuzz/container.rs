//! Any bytes as a file: no panic, and what parses is written back alike.
//!
//! The checksums are put right first in every second input (by its length), as no fuzzer guesses them.

use heirloom_format::container::{Head, Limits, MAGIC, Part, VERSION, parse, parse_header, write};

fn crc32(bytes: &[u8]) -> u32 {
    bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 & 0u32.wrapping_sub(crc & 1)))
    }) ^ !0
}

/// A file with valid checksums whose fields come from the input.
fn build(mut input: &[u8]) -> Vec<u8> {
    let mut take = |count: usize| {
        let (taken, rest) = input.split_at(count.min(input.len()));
        input = rest;
        taken
    };
    let mut file = MAGIC.to_vec();
    file.push(VERSION);
    let length = take(1).first().map_or(0, |byte| usize::from(byte & 63));
    file.extend_from_slice(take(length));
    let checksum = crc32(&file[8..]);
    file.extend_from_slice(&checksum.to_le_bytes());
    loop {
        let head = take(2);
        let [kind, length] = head else { return file };
        let begin = file.len();
        file.push(*kind);
        file.push(length & 0x7f);
        file.extend_from_slice(take(usize::from(length & 0x7f)));
        let checksum = crc32(&file[begin..]);
        file.extend_from_slice(&checksum.to_le_bytes());
    }
}

/// Fails by panicking.
pub fn run(input: &[u8]) {
    let built;
    let bytes = if input.len().is_multiple_of(2) {
        input
    } else {
        built = build(input);
        &built
    };
    let limits = Limits::default();
    let header = parse_header(bytes, &limits);
    let head = Head::read(&bytes, &limits);
    if let Ok(head) = &head {
        assert!(header.is_ok());
        for number in 0..head.tiles().len().min(100) as u32 {
            for part in [Part::Alpha, Part::Lossless, Part::Latent(1), Part::Latent(4)] {
                let _ = head.section(&bytes, number, part);
            }
        }
    }
    if let Ok(file) = parse(bytes, &limits) {
        assert!(head.is_ok_and(|head| head.check().is_ok() && head.tiles().len() == file.tiles.len()));
        let written = write(&file).expect("what was parsed can be written");
        // Unknown sections are dropped, nothing else changes.
        assert!(written.len() <= bytes.len());
        assert_eq!(parse(&written, &limits).expect("own output"), file);
    }
}
