#![no_main]

// Shared with the tests of heirloom-format, which run it over the seeds and over random inputs.
#[path = "../../crates/format/tests/fuzz/section.rs"]
mod section;

libfuzzer_sys::fuzz_target!(|input: &[u8]| section::run(input));
