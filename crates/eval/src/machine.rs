//! A description of the machine that measured.

use std::fs;

/// Operating system, architecture, name of the processor if known, and number of threads.
///
/// ```
/// assert!(heirloom_eval::machine::describe(2).ends_with(", 2 threads"));
/// ```
#[must_use]
pub fn describe(threads: usize) -> String {
    let (system, architecture) = (std::env::consts::OS, std::env::consts::ARCH);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':').map(|(_, name)| name.trim()));
    let name = name.map(|name| format!(", {name}")).unwrap_or_default();
    format!("{system} {architecture}{name}, {threads} thread{}", if threads == 1 { "" } else { "s" })
}
