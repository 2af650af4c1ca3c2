//! The command `heirloom`, for `heirloom` on the path and `python -m heirloom`.

use std::ffi::OsString;

use pyo3::prelude::*;

/// Runs the command and returns its exit status. The first argument is the program's name.
#[pyfunction]
pub fn run_command(py: Python<'_>, arguments: Vec<OsString>) -> u8 {
    py.detach(|| heirloom_cli::run(arguments)).into()
}
