//! Comparison of the entropy branches of two models.

use std::fmt;

use super::{Branch, LambdaRange, ModelFile, Spec, Values};

/// The first difference between two entropy branches. Any difference makes the files of one
/// unreadable for the other.
#[derive(Clone, Debug, PartialEq)]
pub enum EntropyDifference {
    /// A number of the spec that latents depend on.
    Spec {
        /// Name of the field.
        field: &'static str,
        /// Values in the first model.
        old: Vec<usize>,
        /// Values in the second model.
        new: Vec<usize>,
    },
    /// The entropy branch's λ range.
    Range {
        /// Range of the first model.
        old: LambdaRange,
        /// Range of the second model.
        new: LambdaRange,
    },
    /// The newer model lacks add-ons.
    AddOns {
        /// Number of the old model's add-ons.
        old: usize,
        /// Number of the newer model's.
        new: usize,
    },
    /// Values of tensors.
    Tensors {
        /// Name of the first tensor that differs, in alphabetical order.
        name: String,
        /// Position of the first value that differs in this tensor.
        index: usize,
        /// The value in the first model.
        old: String,
        /// The value in the second model.
        new: String,
        /// Number of values that differ, over all tensors of the branch.
        values: usize,
        /// Number of tensors that differ.
        tensors: usize,
        /// Number of tensors of the branch.
        of_tensors: usize,
    },
}

impl fmt::Display for EntropyDifference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Spec { field, old, new } => {
                write!(
                    f,
                    "the networks have different shapes: {field} is {old:?} in the old model and {new:?} in the new one"
                )
            }
            Self::Range { old, new } => write!(
                f,
                "the λ range of the entropy branch is {} to {} in the old model and {} to {} in the new one",
                old.low, old.high, new.low, new.high
            ),
            Self::AddOns { old, new } => {
                write!(f, "the old model has {old} add-on{}, the new one {new}", if *old == 1 { "" } else { "s" })
            }
            Self::Tensors { name, index, old, new, values, tensors, of_tensors } => write!(
                f,
                "the tensor {name:?} differs: value {index} is {old} in the old model and {new} in the new one; \
                 {values} value{} in {tensors} of {of_tensors} entropy tensors differ{}",
                if *values == 1 { "" } else { "s" },
                if *values == 1 { "s" } else { "" },
            ),
        }
    }
}

impl ModelFile {
    /// Compares this model's entropy branch with that of `newer`, bit by bit: spec, λ range and
    /// every tensor. `None` if they are equal, whatever ids the two models state.
    #[must_use]
    pub fn entropy_difference(&self, newer: &Self) -> Option<EntropyDifference> {
        let fields = entropy_fields(&self.metadata.spec).into_iter().zip(entropy_fields(&newer.metadata.spec));
        for ((field, old), (_, new)) in fields {
            if old != new {
                return Some(EntropyDifference::Spec { field, old, new });
            }
        }
        let (old, new) = (self.metadata.lambda.entropy, newer.metadata.lambda.entropy);
        if old.canonical_bytes() != new.canonical_bytes() {
            return Some(EntropyDifference::Range { old, new });
        }
        let (own, of_newer) = (self.metadata.lineage.add_ons.len(), newer.metadata.lineage.add_ons.len());
        if own > of_newer {
            return Some(EntropyDifference::AddOns { old: own, new: of_newer });
        }
        let mut first = None;
        let (mut values, mut tensors, mut of_tensors) = (0, 0, 0);
        let add_ons = (1..=own).flat_map(|number| self.weights.add_on(number).zip(newer.weights.add_on(number)));
        let branch = self.weights.branch(Branch::Entropy).zip(newer.weights.branch(Branch::Entropy));
        for ((name, old), (_, new)) in branch.chain(add_ons) {
            of_tensors += 1;
            let differing = differences(&old.values, &new.values);
            if let Some(&index) = differing.first() {
                tensors += 1;
                values += differing.len();
                first.get_or_insert_with(|| (name.to_owned(), index, old.values.show(index), new.values.show(index)));
            }
        }
        first.map(|(name, index, old, new)| EntropyDifference::Tensors {
            name,
            index,
            old,
            new,
            values,
            tensors,
            of_tensors,
        })
    }
}

/// Positions of the values that differ in any bit.
fn differences(old: &Values, new: &Values) -> Vec<usize> {
    let positions = |equal: &dyn Fn(usize) -> bool, len: usize| (0..len).filter(|&i| !equal(i)).collect();
    match (old, new) {
        (Values::Integers(a), Values::Integers(b)) => positions(&|i| b.get(i) == a.get(i), a.len().max(b.len())),
        (Values::Floats(a), Values::Floats(b)) => {
            let bits = |values: &[f32], i: usize| values.get(i).map(|value| value.to_bits());
            positions(&|i| bits(a, i) == bits(b, i), a.len().max(b.len()))
        }
        _ => (0..old.len().max(new.len())).collect(),
    }
}

/// Names and values of the numbers of a spec that are hashed into the entropy id.
fn entropy_fields(spec: &Spec) -> [(&'static str, Vec<usize>); 8] {
    [
        ("widths, without s4", spec.widths[1..].to_vec()),
        ("kernels, without s4", spec.kernels[1..].to_vec()),
        ("latents", spec.latents.to_vec()),
        ("embedding", vec![spec.embedding]),
        ("entropy_in", spec.entropy_in.to_vec()),
        ("entropy_out", spec.entropy_out.to_vec()),
        ("learned_steps", vec![usize::from(spec.learned_steps)]),
        ("context", spec.context.to_vec()),
    ]
}
