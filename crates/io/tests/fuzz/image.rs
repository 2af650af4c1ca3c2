//! Any bytes as an image file: no panic, and no more memory for samples than allowed.

use heirloom_io::{ReadError, ReadOptions, read_noting};

/// Most bytes of samples.
const LIMIT: u64 = 1 << 22;

/// Fails by panicking. Returns the message of a panic of a library, which is caught and becomes an
/// error: a defect of the library that its users are spared.
pub fn run(input: &[u8]) -> Option<String> {
    let mut caught = None;
    let mut options = ReadOptions::default();
    options.max_bytes = LIMIT;
    options.upright = true;
    for lenient in [false, true] {
        options.lenient = lenient;
        match read_noting(input, &options) {
            Ok(read) => assert!(read.image.data().len() as u64 <= LIMIT),
            Err(ReadError::Internal(text)) => caught = Some(text),
            Err(_) => {}
        }
    }
    caught
}
