//! The bounds of a spec, and the list of its tensors.

use heirloom_format::container::LATENT_LEVELS;

use super::layout::entries;
use super::{ModelError, Spec};

/// Largest channel count of any feature map or latent that a spec may ask for.
const MAX_WIDTH: usize = 2048;
/// Every width is a multiple of this.
const WIDTH_UNIT: usize = 16;
/// Largest depthwise kernel.
const MAX_KERNEL: usize = 15;
/// Largest λ embedding.
const MAX_EMBEDDING: usize = 2048;
/// Largest number of consecutive blocks.
const MAX_BLOCKS: usize = 64;
/// Largest number of parameters of a whole network (4 GiB as `f32`).
const MAX_PARAMETERS: usize = 1 << 30;

impl Spec {
    /// Checks every number against its bounds.
    ///
    /// # Errors
    /// [`ModelError::Spec`] naming the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), ModelError> {
        self.check_bounds()?;
        in_range("the number of parameters", count(&self.listed()), 1, MAX_PARAMETERS)
    }

    /// Checks all bounds but that of the number of parameters.
    fn check_bounds(&self) -> Result<(), ModelError> {
        for (stage, &width) in self.widths.iter().enumerate() {
            in_range(&format!("widths[{stage}]"), width, 1, MAX_WIDTH)?;
            if !width.is_multiple_of(WIDTH_UNIT) {
                return Err(ModelError::Spec(format!(
                    "widths[{stage}] is {width}: a width must be a multiple of {WIDTH_UNIT}, the lanes of its sums"
                )));
            }
        }
        for (stage, &kernel) in self.kernels.iter().enumerate() {
            in_range(&format!("kernels[{stage}]"), kernel, 1, MAX_KERNEL)?;
            if kernel % 2 == 0 {
                return Err(ModelError::Spec(format!(
                    "kernels[{stage}] is {kernel}: a kernel must be odd, so that it has a centre"
                )));
            }
        }
        for (level, &channels) in self.latents.iter().enumerate() {
            in_range(&format!("latents[{level}]"), channels, 1, MAX_WIDTH)?;
        }
        for (level, &hidden) in self.context.iter().enumerate() {
            in_range(&format!("context[{level}]"), hidden, 0, MAX_WIDTH)?;
            let channels = self.latents[level];
            if hidden > 0 && !channels.is_multiple_of(WIDTH_UNIT) {
                return Err(ModelError::Spec(format!(
                    "latents[{level}] is {channels}: a latent with a context must have a multiple of {WIDTH_UNIT} channels"
                )));
            }
        }
        in_range("embedding", self.embedding, 4, MAX_EMBEDDING)?;
        if !self.embedding.is_multiple_of(2) {
            return Err(ModelError::Spec(format!(
                "embedding is {}: it must be even (one half cosines, one half sines)",
                self.embedding
            )));
        }
        for (name, counts) in [
            ("encoder_blocks", self.encoder_blocks.as_slice()),
            ("entropy_in", &self.entropy_in),
            ("entropy_out", &self.entropy_out),
            ("reconstruction_in", &self.reconstruction_in),
            ("reconstruction_out", &self.reconstruction_out),
            ("tail_blocks", &[self.tail_blocks]),
        ] {
            for &count in counts {
                in_range(name, count, 0, MAX_BLOCKS)?;
            }
        }
        if self.entropy_out[LATENT_LEVELS - 1] != 0 {
            return Err(ModelError::Spec(format!(
                "entropy_out of z4 is {}: the entropy branch ends with z4, so it must be 0",
                self.entropy_out[LATENT_LEVELS - 1]
            )));
        }
        Ok(())
    }

    /// Every tensor of the network, as its name and shape, in the order of the network's layers.
    /// Empty for a spec that [`Self::validate`] refuses.
    ///
    /// This is the only list of tensors: model files, the training graph and imports follow it.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        let listed = if self.check_bounds().is_ok() { self.listed() } else { Vec::new() };
        if count(&listed) <= MAX_PARAMETERS { listed } else { Vec::new() }
    }

    /// Number of weights of the whole network; 0 for a spec that [`Self::validate`] refuses.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        count(&self.parameters())
    }

    /// The tensors of a spec whose numbers are within their bounds.
    fn listed(&self) -> Vec<(String, Vec<usize>)> {
        entries(self).into_iter().map(|entry| (entry.name, entry.shape)).collect()
    }
}

fn count(parameters: &[(String, Vec<usize>)]) -> usize {
    let weights = |shape: &[usize]| shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n));
    parameters.iter().map(|(_, shape)| weights(shape)).fold(0, usize::saturating_add)
}

fn in_range(name: &str, value: usize, low: usize, high: usize) -> Result<(), ModelError> {
    if (low..=high).contains(&value) {
        Ok(())
    } else {
        Err(ModelError::Spec(format!("{name} is {value}, allowed is {low} to {high}")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::STAGES;
    use super::*;

    #[test]
    fn the_base_spec_has_the_papers_parameter_count() {
        assert_eq!(Spec::base().parameter_count(), 35_510_160);
        assert!(Spec::base().validate().is_ok());
        assert!(Spec::tiny().validate().is_ok());
        assert!(Spec::scaled(64, 128).validate().is_ok());
    }

    #[test]
    fn names_are_unique() {
        let parameters = Spec::base().parameters();
        let names: std::collections::BTreeSet<_> = parameters.iter().map(|(name, _)| name).collect();
        assert_eq!(names.len(), parameters.len());
    }

    #[test]
    fn bad_numbers_are_refused_by_name() {
        let refused = |change: fn(&mut Spec), word: &str| {
            let mut spec = Spec::tiny();
            change(&mut spec);
            let message = spec.validate().err().map(|error| error.to_string()).unwrap_or_default();
            assert!(message.contains(word), "{message:?} does not name {word}");
        };
        refused(|spec| spec.widths[2] = 0, "widths[2]");
        refused(|spec| spec.widths[2] = usize::MAX, "widths[2]");
        refused(|spec| spec.widths[1] = 40, "widths[1]");
        refused(|spec| spec.kernels[0] = 4, "kernels[0]");
        refused(|spec| spec.latents[3] = 100_000, "latents[3]");
        refused(|spec| spec.context[1] = 100_000, "context[1]");
        refused(|spec| spec.embedding = 17, "embedding");
        refused(|spec| spec.embedding = 2, "embedding");
        refused(|spec| spec.tail_blocks = 1000, "tail_blocks");
        refused(|spec| spec.entropy_out[3] = 1, "entropy_out");
        refused(|spec| (spec.widths, spec.encoder_blocks) = ([2048; STAGES], [64; STAGES]), "parameters");
    }

    #[test]
    fn absurd_specs_have_no_tensors() {
        let mut spec = Spec::tiny();
        spec.tail_blocks = usize::MAX;
        assert!(spec.parameters().is_empty());
        assert_eq!(spec.parameter_count(), 0);
    }

    #[test]
    fn a_spec_survives_json_and_refuses_unknown_fields() {
        let text = serde_json::to_string(&Spec::base()).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), Spec::base());
        let more = text.replacen('{', "{\"colour\":1,", 1);
        assert!(serde_json::from_str::<Spec>(&more).is_err());
    }
}
