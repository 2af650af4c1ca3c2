//! Writes `src/entropy/tables_data.rs`, the integer tables of the format, to standard output:
//! `cargo run -p heirloom-format --example make_tables > tables_data.rs`

mod generator;

fn main() {
    print!("{}", generator::source(&generator::generate()));
}
