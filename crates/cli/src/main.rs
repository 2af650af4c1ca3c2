//! The program `heirloom`.
#![forbid(unsafe_code)]

fn main() -> heirloom_cli::ExitCode {
    heirloom_kernels::allocator::keep_freed();
    heirloom_cli::run(std::env::args_os())
}
