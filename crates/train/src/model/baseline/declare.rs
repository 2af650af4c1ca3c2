//! Building a baseline: each layer declares its parameters, and how they start.

use crate::{
    model::{Layout, MatrixId, VectorId, linear::LinearIds},
    random::Random,
};

/// Stream of the random numbers of the start values.
const STREAM: u64 = 0xBA5E;

/// How a parameter starts.
#[derive(Clone, Copy, Debug)]
pub enum Start {
    /// All the same.
    Value(f32),
    /// Normal with this deviation, cut off at three of them.
    Normal(f32),
    /// Uniform in [-1/2, 1/2).
    Centred,
    /// A square matrix: this on the diagonal, that beside it.
    Diagonal(f32, f32),
    /// Every row the same.
    Rows([f32; 3]),
}

/// The parameters declared so far.
pub struct Declaration {
    pub layout: Layout,
    /// Of each entry of the layout.
    starts: Vec<Start>,
    /// Length of the λ embedding; none without λ.
    pub embedding: Option<usize>,
}

impl Declaration {
    /// Nothing yet.
    pub fn new(embedding: Option<usize>) -> Self {
        Self { layout: Layout::default(), starts: Vec::new(), embedding }
    }

    /// A matrix `[rows, columns]`.
    pub fn matrix(&mut self, name: String, rows: usize, columns: usize, start: Start) -> MatrixId {
        self.starts.push(start);
        self.layout.add_matrix(name, rows, columns)
    }

    /// A vector.
    pub fn vector(&mut self, name: String, len: usize, start: Start) -> VectorId {
        self.starts.push(start);
        self.layout.add_vector(name, len)
    }

    /// A matrix and a bias that starts with zeros.
    pub fn linear(&mut self, name: &str, rows: usize, columns: usize, deviation: f32) -> LinearIds {
        LinearIds {
            weight: self.matrix(format!("{name}.weight"), rows, columns, Start::Normal(deviation)),
            bias: self.vector(format!("{name}.bias"), columns, Start::Value(0.0)),
        }
    }

    /// Layout and start values: of each parameter, in the order of the layout.
    pub fn finish(self) -> (Layout, Vec<Start>) {
        (self.layout, self.starts)
    }
}

impl Start {
    /// Fills a parameter with `columns` columns; all choices are functions of seed and index.
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
