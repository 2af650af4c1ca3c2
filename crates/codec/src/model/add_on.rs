//! Add-ons of the entropy branch: other heads on the same frozen features.
//!
//! The heads of a latent level turn the entropy branch's feature into the distributions of symbols:
//! prior, context and quantisation steps. An add-on is another set of them for all levels. Everything
//! else of the entropy branch stays as it is, so the features of given latents do too. A file written
//! with an add-on names the add-on's entropy id instead of the branch's.

use super::{Branch, QuantisedTensor, QuantisedWeights, Spec, TensorKind};

/// Most add-ons that a model has.
pub const MAX_ADD_ONS: usize = 16;

/// The parts of a latent level that are heads, as names begin after the level's.
const HEADS: [&str; 3] = ["prior.", "context.", "step"];

/// Whether a tensor of the entropy branch belongs to a head.
#[must_use]
pub fn is_head(name: &str) -> bool {
    let part = name.strip_prefix(Branch::Entropy.prefix()).and_then(|name| name.split_once('.'));
    part.is_some_and(|(level, part)| level.starts_with('z') && HEADS.iter().any(|head| part.starts_with(head)))
}

/// The name in add-on `number`, from 1, of a tensor of the entropy branch.
#[must_use]
pub(crate) fn name_in_add_on(number: usize, name: &str) -> String {
    format!("{}{}", prefix(number), name.trim_start_matches(Branch::Entropy.prefix()))
}

fn prefix(number: usize) -> String {
    format!("add_on{number}.")
}

impl Spec {
    /// Every tensor of add-on `number`, as in [`Self::quantised_parameters`].
    #[must_use]
    pub(super) fn add_on_parameters(&self, number: usize) -> Vec<(String, Vec<usize>, TensorKind)> {
        let mut listed = self.quantised_parameters();
        listed.retain(|(name, _, _)| is_head(name));
        listed.iter_mut().for_each(|(name, _, _)| *name = name_in_add_on(number, name));
        listed
    }

    /// Number of weights of an add-on.
    #[must_use]
    pub fn add_on_parameter_count(&self) -> usize {
        let heads = self.parameters().into_iter().filter(|(name, _)| is_head(name));
        heads.map(|(_, shape)| shape.iter().product::<usize>()).sum()
    }
}

impl QuantisedWeights {
    /// Number of add-ons.
    #[must_use]
    pub fn add_ons(&self) -> usize {
        (1..=MAX_ADD_ONS).take_while(|&number| self.add_on(number).next().is_some()).count()
    }

    /// The tensors of add-on `number`, from 1, in the order of their names.
    pub fn add_on(&self, number: usize) -> impl Iterator<Item = (&str, &QuantisedTensor)> {
        let prefix = prefix(number);
        self.iter().filter(move |(name, _)| name.starts_with(&prefix))
    }

    /// Adds the heads of the entropy branch of `heads` as the next add-on.
    pub fn push_add_on(&mut self, heads: &Self) {
        let number = self.add_ons() + 1;
        for (name, tensor) in heads.branch(Branch::Entropy).filter(|(name, _)| is_head(name)) {
            self.insert(name_in_add_on(number, name), tensor.clone());
        }
    }

    /// Takes the add-ons of `from` instead of its own.
    pub fn take_add_ons(&mut self, from: &Self) {
        self.retain(|name| !name.starts_with("add_on"));
        for (name, tensor) in from.iter().filter(|(name, _)| name.starts_with("add_on")) {
            self.insert(name.to_owned(), tensor.clone());
        }
    }

    /// The weights of a model without add-ons whose heads are those of add-on `number`; the branch's own
    /// if it is 0.
    #[must_use]
    pub fn with_heads(&self, number: usize) -> Self {
        let mut out = self.clone();
        out.take_add_ons(&Self::default());
        for (name, tensor) in self.branch(Branch::Entropy).filter(|(name, _)| is_head(name)) {
            let other = self.get(&name_in_add_on(number, name)).filter(|_| number > 0);
            out.insert(name.to_owned(), other.unwrap_or(tensor).clone());
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_what_turns_features_into_distributions() {
        for name in ["entropy.z1.prior.weight", "entropy.z3.context.expand.bias", "entropy.z4.step"] {
            assert!(is_head(name), "{name}");
        }
        for name in [
            "entropy.z1.latent.weight",
            "entropy.z2.in0.expand.bias",
            "entropy.lambda.fc1.bias",
            "encoder.z1.mean.bias",
        ] {
            assert!(!is_head(name), "{name}");
        }
        assert_eq!(name_in_add_on(2, "entropy.z1.prior.bias"), "add_on2.z1.prior.bias");
    }

    #[test]
    fn an_add_on_is_a_small_part_of_a_network() {
        let latents = [64, 64, 128, 32];
        let with_options = Spec { latents, learned_steps: true, context: [0, 0, 96, 64], ..Spec::scaled(64, 128) };
        for spec in [Spec::base(), with_options] {
            assert!(spec.add_on_parameter_count() * 100 < 3 * spec.parameter_count(), "{spec:?}");
        }
    }
}
