//! Headers that announce more than the file holds. Alone in its program, as it looks at the peak of
//! the program's memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_io::{ReadError, ReadOptions, read};

/// Most memory that this program has ever had in use, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

#[test]
fn a_pnm_header_alone_takes_no_memory_for_pixels() {
    let before = peak_mib();
    for header in
        ["P1 40000 40000 1", "P2 26000 26000 255 1", "P3 26000 26000 255 1", "P4 40000 40000 ", "P6 26000 26000 255 "]
    {
        let error = read(header.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert!(matches!(&error, ReadError::Damaged(text) if text == "is cut short"), "{header}: {error}");
    }
    let grown = peak_mib() - before;
    assert!(grown < 64, "{grown} MiB for a file of some bytes");
}
