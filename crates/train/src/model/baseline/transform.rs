//! Transforms: chains of layers, residual blocks and attention.

use burn::tensor::{Tensor, activation};

use super::{
    activation::{ConditionedActivation, Function},
    declaration::Declaration,
    layers::{Convolution, Kind},
    normalisation::Normalisation,
};
use crate::{model::parameters::Weights, ops};

/// A chain of parts, numbered from 0 in the names of their parameters.
pub struct Transform {
    name: &'static str,
    parts: Vec<Part>,
}

enum Part {
    /// A convolution and its activation.
    Plain(Convolution, ConditionedActivation),
    Residual(Box<Residual>),
    Attention(Box<Attention>),
}

/// Activation of a plain layer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    None,
    Leaky,
    Gdn,
    InverseGdn,
}

/// Change of the resolution by a residual block.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Resampling {
    Same,
    Half,
    Double,
}

impl Transform {
    /// A transform without parts. `name` begins with the branch: `encoder.`, `entropy.` or
    /// `reconstruction.`.
    pub fn new(name: &'static str) -> Self {
        Self { name, parts: Vec::new() }
    }

    fn next(&self, part: &str) -> String {
        format!("{}.{}.{part}", self.name, self.parts.len())
    }

    /// Adds a convolution.
    pub fn plain(
        mut self,
        d: &mut Declaration,
        kind: Kind,
        inputs: usize,
        outputs: usize,
        activation: Activation,
    ) -> Self {
        let convolution = Convolution::new(d, &self.next("conv"), kind, inputs, outputs);
        let function = match activation {
            Activation::None => None,
            Activation::Leaky => Some(Function::Leaky),
            Activation::Gdn | Activation::InverseGdn => {
                let inverse = activation == Activation::InverseGdn;
                Some(Function::Normalise(Normalisation::new(d, &self.next("gdn"), outputs, inverse)))
            }
        };
        let activation = function.map_or_else(ConditionedActivation::none, |function| {
            ConditionedActivation::new(d, &self.next("modulation"), outputs, function)
        });
        self.parts.push(Part::Plain(convolution, activation));
        self
    }

    /// Adds the last layer, whose output is the image.
    pub fn image(mut self, d: &mut Declaration, kind: Kind, inputs: usize) -> Self {
        let convolution = Convolution::image(d, &self.next("image"), kind, inputs);
        self.parts.push(Part::Plain(convolution, ConditionedActivation::none()));
        self
    }

    /// Adds a residual block (Cheng et al., 2020, figure 6): two 3×3 convolutions, the first of
    /// which changes the resolution.
    pub fn residual(mut self, d: &mut Declaration, step: Resampling, inputs: usize, outputs: usize) -> Self {
        let name = self.next("");
        let part = |part: &str| format!("{name}{part}");
        let (first, skip) = match step {
            Resampling::Same => (Kind::Same, None),
            Resampling::Half => (Kind::Half(3), Some(Kind::PointHalf)),
            Resampling::Double => (Kind::Double, Some(Kind::Double)),
        };
        let conv1 = Convolution::new(d, &part("conv1"), first, inputs, outputs);
        let activation1 = ConditionedActivation::new(d, &part("modulation1"), outputs, Function::Leaky);
        let conv2 = Convolution::new(d, &part("conv2"), Kind::Same, outputs, outputs);
        let function = match step {
            Resampling::Same => Function::Leaky,
            _ => Function::Normalise(Normalisation::new(d, &part("gdn"), outputs, step == Resampling::Double)),
        };
        let activation2 = ConditionedActivation::new(d, &part("modulation2"), outputs, function);
        let skip = skip.map(|kind| Convolution::new(d, &part("skip"), kind, inputs, outputs));
        self.parts.push(Part::Residual(Box::new(Residual { conv1, activation1, conv2, activation2, skip })));
        self
    }

    /// Adds simplified attention (Cheng et al., 2020, figure 5).
    pub fn attention(mut self, d: &mut Declaration, channels: usize) -> Self {
        let mut units = |side: &str| -> [Unit; 3] {
            std::array::from_fn(|i| Unit::new(d, &self.next(&format!("{side}.{i}")), channels))
        };
        let (trunk, mask) = (units("trunk"), units("mask"));
        let gate = Convolution::new(d, &self.next("gate"), Kind::Point, channels, channels);
        self.parts.push(Part::Attention(Box::new(Attention { trunk, mask, gate })));
        self
    }

    /// Applies the transform. `activated` is the branch's embedding of λ, `[B, E]`; none without λ.
    pub fn run(&self, w: &Weights, activated: Option<&Tensor<2>>, x: Tensor<4>) -> Tensor<4> {
        self.parts.iter().fold(x, |x, part| match part {
            Part::Plain(convolution, activation) => activation.run(w, activated, convolution.run(w, x)),
            Part::Residual(block) => block.run(w, activated, x),
            Part::Attention(attention) => attention.run(w, x),
        })
    }
}

struct Residual {
    conv1: Convolution,
    activation1: ConditionedActivation,
    conv2: Convolution,
    activation2: ConditionedActivation,
    skip: Option<Convolution>,
}

impl Residual {
    fn run(&self, w: &Weights, activated: Option<&Tensor<2>>, x: Tensor<4>) -> Tensor<4> {
        let y = self.activation1.run(w, activated, self.conv1.run(w, x.clone()));
        let y = self.activation2.run(w, activated, self.conv2.run(w, y));
        let x = match &self.skip {
            Some(skip) => skip.run(w, x),
            None => x,
        };
        x + y
    }
}

/// x + trunk(x) · σ(gate(mask(x)))
struct Attention {
    trunk: [Unit; 3],
    mask: [Unit; 3],
    gate: Convolution,
}

impl Attention {
    fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let through = |units: &[Unit; 3]| units.iter().fold(x.clone(), |x, unit| unit.run(w, x));
        let (trunk, mask) = (through(&self.trunk), through(&self.mask));
        x + trunk * activation::sigmoid(self.gate.run(w, mask))
    }
}

/// A residual bottleneck: 1×1 to half the channels, 3×3, 1×1 back, with ReLU between them and after
/// the sum.
struct Unit {
    convolutions: [Convolution; 3],
}

impl Unit {
    fn new(d: &mut Declaration, name: &str, channels: usize) -> Self {
        let half = channels / 2;
        let shapes = [(Kind::Point, channels, half), (Kind::Same, half, half), (Kind::Point, half, channels)];
        let convolutions = std::array::from_fn(|i| {
            let (kind, inputs, outputs) = shapes[i];
            Convolution::new(d, &format!("{name}.conv{}", i + 1), kind, inputs, outputs)
        });
        Self { convolutions }
    }

    fn run(&self, w: &Weights, x: Tensor<4>) -> Tensor<4> {
        let [first, middle, last] = &self.convolutions;
        let relu = |x| ops::leaky(x, 0.0);
        let y = relu(first.run(w, x.clone()));
        let y = last.run(w, relu(middle.run(w, y)));
        relu(x + y)
    }
}
