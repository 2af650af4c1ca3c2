//! The compiled half of the Python package `heirloom`; the other half, which users call, is in
//! `python/heirloom`.
//!
//! What is done where: Python turns files, arrays and arguments of many kinds into few, and pixels into
//! bytes; this module takes those (`coding`, `info`, `input`), chooses a model (`models`), works in threads
//! of its own (`pool`), and raises the package's exceptions (`errors`). It also reads and writes image files
//! (`files`) and carries the command (`command`).
#![deny(unsafe_code)]

mod coding;
mod command;
mod errors;
mod files;
mod info;
mod input;
mod models;
mod pool;

use pyo3::prelude::*;

#[pymodule]
mod _heirloom {
    #[pymodule_export]
    use crate::coding::{decode, encode, prepare};
    #[pymodule_export]
    use crate::command::run_command;
    #[pymodule_export]
    use crate::files::{decode_file, encode_file, extensions};
    #[pymodule_export]
    use crate::info::{Info, head, info};
    #[pymodule_export]
    use crate::models::{Model, models};
    #[pymodule_export]
    use crate::pool::{set_threads, threads};
    use pyo3::prelude::*;
    use pyo3::types::PyBytes;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        module.add("MAGIC", PyBytes::new(module.py(), &heirloom_format::container::MAGIC))?;
        module.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
