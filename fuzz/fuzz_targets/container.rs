#![no_main]

// Shared with the tests of heirloom-format, which run it over the seeds and over random inputs.
#[path = "../../crates/format/tests/fuzz/container.rs"]
mod container;

libfuzzer_sys::fuzz_target!(|input: &[u8]| container::run(input));
