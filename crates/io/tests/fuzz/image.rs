//! Any bytes as an image file: no panic, even one that is caught, and no more memory for samples
//! than allowed.

use heirloom_io::{ReadError, ReadOptions, read_noting};

/// Most bytes of samples.
const LIMIT: u64 = 1 << 22;

/// Fails by panicking.
pub fn run(input: &[u8]) {
    let mut options = ReadOptions::default();
    options.max_bytes = LIMIT;
    options.upright = true;
    for lenient in [false, true] {
        options.lenient = lenient;
        match read_noting(input, &options) {
            Ok(read) => assert!(read.image.data().len() as u64 <= LIMIT),
            Err(ReadError::Internal(text)) => panic!("a reader panicked: {text}"),
            Err(_) => {}
        }
    }
}
