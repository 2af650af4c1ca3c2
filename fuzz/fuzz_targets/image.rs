#![no_main]

// Shared with the tests of heirloom-io, which run it over files of every format and altered ones.
#[path = "../../crates/io/tests/fuzz/image.rs"]
mod image;

libfuzzer_sys::fuzz_target!(
    init: {
        // The fuzzer would end at a panic that is caught, too.
        std::panic::set_hook(Box::new(|_| {}));
    },
    |input: &[u8]| {
        let _ = image::run(input);
    }
);
