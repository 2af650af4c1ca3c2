//! Declaration of a baseline's parameters and their initial values, layer by layer.

use crate::{
    model::{
        linear::LinearIds,
        parameters::{Layout, MatrixId, VectorId},
    },
    random::Random,
};

/// Stream of the random numbers of the initial values.
const STREAM: u64 = 0xBA5E;

/// Initial values of a parameter.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// All the same value.
    Value(f32),
    /// Normal with this deviation, clamped to three deviations.
    Normal(f32),
    /// Uniform in [-1/2, 1/2).
    Centred,
    /// A square matrix: first value on the diagonal, second elsewhere.
    Diagonal(f32, f32),
    /// The same row everywhere.
    Rows([f32; 3]),
}

/// The parameters declared so far.
pub struct Declaration {
    pub layout: Layout,
    /// Initial values of each entry of the layout.
    starts: Vec<Start>,
    /// Length of the λ embedding; none without λ.
    pub embedding: Option<usize>,
}

impl Declaration {
    /// No parameter yet.
    pub fn new(embedding: Option<usize>) -> Self {
        Self { layout: Layout::default(), starts: Vec::new(), embedding }
    }

    /// Declares a matrix `[rows, columns]`.
    pub fn matrix(&mut self, name: String, rows: usize, columns: usize, start: Start) -> MatrixId {
        self.starts.push(start);
        self.layout.add_matrix(name, rows, columns)
    }

    /// Declares a vector.
    pub fn vector(&mut self, name: String, len: usize, start: Start) -> VectorId {
        self.starts.push(start);
        self.layout.add_vector(name, len)
    }

    /// Declares a normally distributed matrix, and a bias of zeros.
    pub fn linear(&mut self, name: &str, rows: usize, columns: usize, deviation: f32) -> LinearIds {
        LinearIds {
            weight: self.matrix(format!("{name}.weight"), rows, columns, Start::Normal(deviation)),
            bias: self.vector(format!("{name}.bias"), columns, Start::Value(0.0)),
        }
    }

    /// Returns the layout, and the initial values of each of its parameters.
    pub fn finish(self) -> (Layout, Vec<Start>) {
        (self.layout, self.starts)
    }
}

impl Start {
    /// Fills a parameter of `columns` columns. All values are functions of seed and index.
    pub fn fill(self, out: &mut [f32], columns: usize, seed: u64, index: usize) {
        let mut random = Random::new(seed, STREAM, index as u64);
        match self {
            Self::Value(value) => out.fill(value),
            Self::Normal(deviation) => out.fill_with(|| random.normal().clamp(-3.0, 3.0) * deviation),
            Self::Centred => random.fill_centred(out),
            Self::Diagonal(on, beside) => {
                out.fill(beside);
                out.iter_mut().step_by(columns + 1).for_each(|v| *v = on);
            }
            Self::Rows(row) => out.iter_mut().zip(row.iter().cycle()).for_each(|(v, of)| *v = *of),
        }
    }
}
