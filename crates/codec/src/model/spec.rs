//! The shape of a network: widths, kernels and block counts (`docs/MODEL.md`; Duan et al., CVPR 2024, supplement 7).

use serde::{Deserialize, Serialize};

use super::ModelError;

/// Number of resolution stages of the network.
pub const STAGES: usize = 5;
/// Number of latents, coarsest (z1) first.
pub const LEVELS: usize = 4;
/// Pixels of the image per feature position, for each stage.
pub const STRIDES: [usize; STAGES] = [4, 8, 16, 32, 64];

/// Largest channel count of any feature map or latent that a spec may ask for.
const MAX_WIDTH: usize = 2048;
/// Every width is a multiple of this.
const WIDTH_UNIT: usize = 16;
/// Largest depthwise kernel.
const MAX_KERNEL: usize = 15;
/// Largest λ embedding.
const MAX_EMBEDDING: usize = 2048;
/// Most blocks in one run of blocks.
const MAX_BLOCKS: usize = 64;
/// Most parameters of a whole network (4 GiB as `f32`).
const MAX_PARAMETERS: usize = 1 << 30;

/// The shape of a network. Two networks with equal specs have the same tensors with the same shapes.
///
/// Arrays over stages go from fine to coarse (strides 4, 8, 16, 32, 64); arrays over levels from z1 (stride 64) to z4
/// (stride 8), the order in which latents are coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Channels of the feature maps at each stage, in the encoder and in both top-down branches alike; multiples of 16.
    pub widths: [usize; STAGES],
    /// Side of the depthwise kernels at each stage; odd.
    pub kernels: [usize; STAGES],
    /// Channels of each latent.
    pub latents: [usize; LEVELS],
    /// Length of the λ embedding; even, at least 4.
    pub embedding: usize,
    /// ConvNeXt blocks of the encoder at each stage.
    pub encoder_blocks: [usize; STAGES],
    /// Blocks of the entropy branch before the prior of each level.
    pub entropy_in: [usize; LEVELS],
    /// Blocks of the entropy branch after each latent is known, before going up to the next level; none for z4.
    pub entropy_out: [usize; LEVELS],
    /// Blocks of the reconstruction branch before the merge of each level.
    pub reconstruction_in: [usize; LEVELS],
    /// Blocks of the reconstruction branch after the merge of each level.
    pub reconstruction_out: [usize; LEVELS],
    /// Blocks of the reconstruction branch at stride 4, just before the image.
    pub tail_blocks: usize,
}

impl Spec {
    /// The paper's network with every channel count multiplied by `width / 128` (rounded, at least 1) and an embedding
    /// of `embedding` values. `Spec::scaled(128, 256)` is the paper's own, with 35,510,160 parameters. Valid for widths
    /// that are multiples of 16.
    #[must_use]
    pub fn scaled(width: usize, embedding: usize) -> Self {
        let scale = |channels: usize| (channels.saturating_mul(width).saturating_add(64) / 128).max(1);
        Self {
            widths: [128, 256, 384, 256, 128].map(scale),
            kernels: [7, 7, 7, 5, 3],
            latents: [128, 128, 256, 32].map(scale),
            embedding,
            encoder_blocks: [6, 6, 6, 4, 4],
            entropy_in: [0, 1, 1, 2],
            entropy_out: [1, 1, 1, 0],
            reconstruction_in: [0, 2, 3, 3],
            reconstruction_out: [2, 2, 3, 3],
            tail_blocks: 6,
        }
    }

    /// The paper's network: 35,510,160 parameters.
    #[must_use]
    pub fn base() -> Self {
        Self::scaled(128, 256)
    }

    /// A network small enough for tests: width 16, embedding 16, one block wherever the paper has any.
    #[must_use]
    pub fn tiny() -> Self {
        Self {
            encoder_blocks: [1; STAGES],
            entropy_in: [0, 1, 1, 1],
            entropy_out: [1, 1, 1, 0],
            reconstruction_in: [0, 1, 1, 1],
            reconstruction_out: [1; LEVELS],
            tail_blocks: 1,
            ..Self::scaled(16, 16)
        }
    }

    /// Stage (index into [`STRIDES`]) at which the level with index `level` (0 for z1 … 3 for z4) lives.
    #[must_use]
    pub const fn stage_of_level(level: usize) -> usize {
        STAGES - 1 - level
    }

    /// Channels of the feature maps at a level (0 for z1 … 3 for z4).
    #[must_use]
    pub fn level_width(&self, level: usize) -> usize {
        self.widths[Self::stage_of_level(level)]
    }

    /// Side of the depthwise kernels at a level (0 for z1 … 3 for z4).
    #[must_use]
    pub fn level_kernel(&self, level: usize) -> usize {
        self.kernels[Self::stage_of_level(level)]
    }

    /// Checks every number against its bounds.
    ///
    /// # Errors
    /// [`ModelError::Spec`] naming the field, its value and what is allowed.
    pub fn validate(&self) -> Result<(), ModelError> {
        for (stage, &width) in self.widths.iter().enumerate() {
            in_range(&format!("widths[{stage}]"), width, 1, MAX_WIDTH)?;
            if !width.is_multiple_of(WIDTH_UNIT) {
                return Err(ModelError::Spec(format!(
                    "widths[{stage}] is {width}: a width must be a multiple of {WIDTH_UNIT}, the lanes that sums over channels use"
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
        if self.entropy_out[LEVELS - 1] != 0 {
            return Err(ModelError::Spec(format!(
                "entropy_out of z4 is {}: the entropy branch ends with z4, so it must be 0",
                self.entropy_out[LEVELS - 1]
            )));
        }
        in_range("the number of parameters", self.parameter_count(), 1, MAX_PARAMETERS)
    }

    /// Every tensor of the network: its name and its shape, in the order of the network's layers. The only list of
    /// tensors there is: model files, the training graph and imports follow it.
    ///
    /// Meant for specs that [`Self::validate`] accepts; the list of one with absurd numbers has no meaning.
    #[must_use]
    pub fn parameters(&self) -> Vec<(String, Vec<usize>)> {
        super::layout::entries(self).into_iter().map(|entry| (entry.name, entry.shape)).collect()
    }

    /// Number of weights of the whole network.
    #[must_use]
    pub fn parameter_count(&self) -> usize {
        self.parameters()
            .iter()
            .map(|(_, shape)| shape.iter().fold(1, |product: usize, &n| product.saturating_mul(n)))
            .fold(0, usize::saturating_add)
    }

    /// Canonical bytes of the part of the spec that latents depend on: every number as `u32` little endian, in the
    /// order of `docs/MODEL.md`. Hashed into the entropy id.
    #[must_use]
    pub fn entropy_bytes(&self) -> Vec<u8> {
        // widths[0] and kernels[0] (stride 4) exist only in the encoder and after the last merge.
        let mut numbers: Vec<usize> = Vec::new();
        numbers.extend(&self.widths[1..]);
        numbers.extend(&self.kernels[1..]);
        numbers.extend(&self.latents);
        numbers.push(self.embedding);
        numbers.extend(&self.entropy_in);
        numbers.extend(&self.entropy_out);
        little_endian(&numbers)
    }

    /// Canonical bytes of the whole spec: every number as `u32` little endian, fields in the order of declaration.
    /// Hashed into the generation id.
    #[must_use]
    pub fn canonical_bytes(&self) -> Vec<u8> {
        let mut numbers: Vec<usize> = Vec::new();
        numbers.extend(&self.widths);
        numbers.extend(&self.kernels);
        numbers.extend(&self.latents);
        numbers.push(self.embedding);
        numbers.extend(&self.encoder_blocks);
        numbers.extend(&self.entropy_in);
        numbers.extend(&self.entropy_out);
        numbers.extend(&self.reconstruction_in);
        numbers.extend(&self.reconstruction_out);
        numbers.push(self.tail_blocks);
        little_endian(&numbers)
    }
}

/// Numbers of a valid spec fit in 32 bits; larger ones (of a spec that nobody validated) saturate.
fn little_endian(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|&n| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()).collect()
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
        refused(|spec| spec.embedding = 17, "embedding");
        refused(|spec| spec.embedding = 2, "embedding");
        refused(|spec| spec.tail_blocks = 1000, "tail_blocks");
        refused(|spec| spec.entropy_out[3] = 1, "entropy_out");
        refused(|spec| (spec.widths, spec.encoder_blocks) = ([2048; STAGES], [64; STAGES]), "parameters");
    }

    #[test]
    fn a_spec_survives_json_and_refuses_unknown_fields() {
        let text = serde_json::to_string(&Spec::base()).unwrap();
        assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), Spec::base());
        let more = text.replacen('{', "{\"colour\":1,", 1);
        assert!(serde_json::from_str::<Spec>(&more).is_err());
    }
}
