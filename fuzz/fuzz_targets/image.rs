#![no_main]

// Shared with the tests of heirloom-io, which run it over files of every format and altered ones.
#[path = "../../crates/io/tests/fuzz/image.rs"]
mod image;

libfuzzer_sys::fuzz_target!(|input: &[u8]| image::run(input));
