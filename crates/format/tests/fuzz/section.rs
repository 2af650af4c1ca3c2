//! Any bytes as coded latents: no panic, and what decodes is encoded to the same bytes; any residuals: a round trip.

use heirloom_format::entropy::{MAX_MAGNITUDE, decode_section, encode_section_with};

/// Fails by panicking.
pub fn run(input: &[u8]) {
    let [count, seed, bytes @ ..] = input else { return };
    let count = usize::from(*count) * 3;
    let indices: Vec<u8> = (0..count).map(|i| ((i * usize::from(seed | 1) + i / 7) % 64) as u8).collect();
    let mut symbols = vec![0; count];
    if decode_section(bytes, &indices, &mut symbols).is_ok() {
        let states = bytes.first().map_or(1, |head| 1 << (head & 3));
        let again = encode_section_with(states, &symbols, &indices).expect("what was decoded can be encoded");
        assert!(again == bytes || symbols.iter().all(|symbol| *symbol == 0));
    }

    // The same bytes as residuals: small ones, and now and then four bytes as a large one.
    let mut residuals = Vec::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if let (0x80, [a, b, c, d, tail @ ..]) = (*first, tail) {
            rest = tail;
            residuals.push(i32::from_le_bytes([*a, *b, *c, *d]) % (MAX_MAGNITUDE + 1));
        } else {
            residuals.push(i32::from(first.cast_signed()));
        }
    }
    let indices: Vec<u8> = (0..residuals.len()).map(|i| ((i * 5 + usize::from(*seed)) % 64) as u8).collect();
    for states in [1, 2, 4, 8] {
        let coded = encode_section_with(states, &residuals, &indices).expect("residuals are in range");
        let mut decoded = vec![0; residuals.len()];
        decode_section(&coded, &indices, &mut decoded).expect("own output");
        assert_eq!(decoded, residuals);
    }
}
