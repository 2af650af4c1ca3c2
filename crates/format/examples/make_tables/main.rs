//! Writes the source file with the integer tables of the format to standard output:
//! `cargo run -p heirloom-codec --example make_tables > crates/codec/src/entropy/tables_data.rs`

mod generator;

fn main() {
    print!("{}", generator::source(&generator::generate()));
}
