//! The input of a product.

/// One input of a product: value (m, k) is `data[m·row + k]`. Rows may overlap. Where `k` is odd,
/// the value after the last of a row may be any number, but must exist.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    pub data: &'a [i16],
    pub row: usize,
    pub k: usize,
}
