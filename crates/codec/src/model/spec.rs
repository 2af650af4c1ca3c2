//! The shape of a network: widths, kernels and block counts (`docs/MODEL.md`; Duan et al., CVPR
//! 2024, supplement 7).

use heirloom_format::container::{CANVAS_UNIT, LATENT_LEVELS};
use serde::{Deserialize, Serialize};

/// Number of resolution stages of the network.
pub const STAGES: usize = 5;
/// Pixels of the image per feature position and side, for each stage.
pub const STRIDES: [usize; STAGES] = [4, 8, 16, 32, CANVAS_UNIT];
/// Coefficients of a learned quantisation step Δ: ln Δ = a + b·t + c·t² with
/// t = ln(λ / 256) / ln 32, which is −1 at λ = 8 and 1 at 8192. λ is clamped to the range of the
/// entropy branch.
pub const STEP_COEFFICIENTS: usize = 3;
/// Side of the depthwise kernel of a spatial context, which sees the symbols of the positions with
/// an even x + y.
pub const CONTEXT_KERNEL: usize = 5;
/// Pixels of the image per position of z4 and side, which the linear path takes together.
pub const LINEAR_RATIO: usize = STRIDES[1];

/// The shape of a network. Two networks with equal specs have the same tensors with the same
/// shapes.
///
/// Arrays over stages go from fine to coarse (strides 4, 8, 16, 32, 64); arrays over latent levels
/// from z1 (stride 64) to z4 (stride 8), the order in which latents are coded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// Channels of the feature maps at each stage, the same in all branches; multiples of 16.
    pub widths: [usize; STAGES],
    /// Side of the depthwise kernels at each stage; odd.
    pub kernels: [usize; STAGES],
    /// Channels of each latent.
    pub latents: [usize; LATENT_LEVELS],
    /// Length of the λ embedding; even, at least 4.
    pub embedding: usize,
    /// ConvNeXt blocks of the encoder at each stage.
    pub encoder_blocks: [usize; STAGES],
    /// Blocks of the entropy branch before the prior of each level.
    pub entropy_in: [usize; LATENT_LEVELS],
    /// Blocks of the entropy branch after each latent is known, before the next level; 0 for z4.
    pub entropy_out: [usize; LATENT_LEVELS],
    /// Blocks of the reconstruction branch before the merge of each level.
    pub reconstruction_in: [usize; LATENT_LEVELS],
    /// Blocks of the reconstruction branch after the merge of each level.
    pub reconstruction_out: [usize; LATENT_LEVELS],
    /// Blocks of the reconstruction branch at stride 4, before the image.
    pub tail_blocks: usize,
    /// Whether each latent channel has a quantisation step that is a learned function of λ. Without
    /// it (as in the paper) every step is 1.
    #[serde(default, skip_serializing_if = "is_default")]
    pub learned_steps: bool,
    /// Hidden channels of each level's spatial context, which corrects the priors of one half of
    /// the positions from the decoded other half; 0 (as in the paper) for levels without one.
    #[serde(default, skip_serializing_if = "is_default")]
    pub context: [usize; LATENT_LEVELS],
    /// Whether a linear map goes straight from the pixels of 8 × 8 to the posterior mean of z4, and
    /// another from z4 to the pixels; off in the paper. Unlike the other options, these maps belong to
    /// the encoder and the reconstruction branch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub linear_path: bool,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Spec {
    /// The paper's network with every channel count multiplied by `width / 128`, rounded, and a λ
    /// embedding of `embedding` values. No count becomes 0. `Spec::scaled(128, 256)` is the paper's
    /// own. Valid for widths that are multiples of 16.
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
            learned_steps: false,
            context: [0; LATENT_LEVELS],
            linear_path: false,
        }
    }

    /// The paper's network: 35,510,160 parameters.
    #[must_use]
    pub fn base() -> Self {
        Self::scaled(128, 256)
    }

    /// A network small enough for tests: width 16, embedding 16, one block wherever the paper has
    /// any.
    #[must_use]
    pub fn tiny() -> Self {
        Self {
            encoder_blocks: [1; STAGES],
            entropy_in: [0, 1, 1, 1],
            entropy_out: [1, 1, 1, 0],
            reconstruction_in: [0, 1, 1, 1],
            reconstruction_out: [1; LATENT_LEVELS],
            tail_blocks: 1,
            ..Self::scaled(16, 16)
        }
    }

    /// The same network with all options off, as in the paper.
    #[must_use]
    pub fn without_options(&self) -> Self {
        Self { learned_steps: false, context: [0; LATENT_LEVELS], linear_path: false, ..self.clone() }
    }

    /// Whether this network is `smaller` or has more blocks or options than it.
    #[must_use]
    pub fn extends(&self, smaller: &Self) -> bool {
        let no_blocks = |spec: &Self| Self {
            encoder_blocks: [0; STAGES],
            entropy_in: [0; LATENT_LEVELS],
            entropy_out: [0; LATENT_LEVELS],
            reconstruction_in: [0; LATENT_LEVELS],
            reconstruction_out: [0; LATENT_LEVELS],
            tail_blocks: 0,
            ..spec.without_options()
        };
        let counts = |spec: &Self| {
            let mut counts = Vec::from(spec.encoder_blocks);
            counts.extend([spec.entropy_in, spec.entropy_out].as_flattened());
            counts.extend([spec.reconstruction_in, spec.reconstruction_out].as_flattened());
            counts.extend([spec.tail_blocks, usize::from(spec.learned_steps), usize::from(spec.linear_path)]);
            counts
        };
        let contexts = |(new, old): (&usize, &usize)| new == old || *old == 0;
        no_blocks(self) == no_blocks(smaller)
            && counts(self).iter().zip(counts(smaller)).all(|(new, old)| *new >= old)
            && self.context.iter().zip(&smaller.context).all(contexts)
    }

    /// Whether this network has an option that the paper's does not have.
    #[must_use]
    pub fn has_options(&self) -> bool {
        self.has_entropy_options() || self.linear_path
    }

    /// Whether the entropy branch has an option.
    fn has_entropy_options(&self) -> bool {
        self.learned_steps || self.context != [0; LATENT_LEVELS]
    }

    /// Stage (index into [`STRIDES`]) of the latent level with index `level`: 0 for z1 … 3 for z4.
    /// Larger indices count as z4.
    #[must_use]
    pub const fn stage_of_level(level: usize) -> usize {
        STAGES - 1 - if level < LATENT_LEVELS { level } else { LATENT_LEVELS - 1 }
    }

    /// Channels of the feature maps at a latent level: 0 for z1 … 3 for z4.
    #[must_use]
    pub fn level_width(&self, level: usize) -> usize {
        self.widths[Self::stage_of_level(level)]
    }

    /// Side of the depthwise kernels at a latent level: 0 for z1 … 3 for z4.
    #[must_use]
    pub fn level_kernel(&self, level: usize) -> usize {
        self.kernels[Self::stage_of_level(level)]
    }

    /// Canonical bytes of the part of the spec that latents depend on: every number as `u32` little
    /// endian, in the order of `docs/MODEL.md`. Hashed into the entropy id.
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
        if self.has_entropy_options() {
            self.push_entropy_options(&mut numbers);
        }
        little_endian(&numbers)
    }

    /// Appends the options of the entropy branch. This is done only if any is on: specs without options
    /// keep the bytes, and so the ids, that they had before there were options.
    fn push_entropy_options(&self, numbers: &mut Vec<usize>) {
        numbers.push(usize::from(self.learned_steps));
        numbers.extend(&self.context);
    }

    /// Canonical bytes of the whole spec: every number as `u32` little endian, fields in the order
    /// of declaration. Hashed into the generation id.
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
        if self.has_options() {
            self.push_entropy_options(&mut numbers);
        }
        if self.linear_path {
            numbers.push(1);
        }
        little_endian(&numbers)
    }
}

/// Numbers of a valid spec fit in 32 bits; those of an unchecked spec saturate.
fn little_endian(numbers: &[usize]) -> Vec<u8> {
    numbers.iter().flat_map(|&n| u32::try_from(n).unwrap_or(u32::MAX).to_le_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_that_are_off_leave_no_trace() {
        let base = Spec::base();
        // Numbers of the paper's spec: five widths, five kernels, four latents, λ, five and four
        // times four block counts, the tail.
        assert_eq!(base.canonical_bytes().len(), 4 * (5 + 5 + 4 + 1 + 5 + 4 * 4 + 1));
        assert_eq!(base.entropy_bytes().len(), 4 * (4 + 4 + 4 + 1 + 4 + 4));
        let text = serde_json::to_string(&base).unwrap();
        assert!(!text.contains("learned_steps") && !text.contains("context"), "{text}");
        assert!(!base.has_options());
        assert!(base.parameters().iter().all(|(name, _)| !name.contains("step") && !name.contains("context")));
    }

    #[test]
    fn a_network_extends_those_with_fewer_blocks_and_options() {
        let tiny = Spec::tiny();
        let larger = [
            tiny.clone(),
            Spec { encoder_blocks: [1, 1, 2, 1, 1], ..tiny.clone() },
            Spec { entropy_in: [1, 1, 1, 1], ..tiny.clone() },
            Spec { reconstruction_out: [1, 1, 1, 4], tail_blocks: 2, ..tiny.clone() },
            Spec { learned_steps: true, linear_path: true, context: [0, 0, 0, 8], ..tiny.clone() },
        ];
        for (i, spec) in larger.iter().enumerate() {
            assert!(spec.extends(&tiny) && (i == 0 || !tiny.extends(spec)), "{spec:?}");
        }
        assert!(!larger[1].extends(&larger[2]) && !larger[2].extends(&larger[1]));
        let other = [
            Spec { latents: [32, 16, 32, 4], ..tiny.clone() },
            Spec { embedding: 32, ..tiny.clone() },
            Spec { context: [0, 0, 0, 16], ..larger[4].clone() },
        ];
        for spec in other {
            assert!(!spec.extends(&larger[4]) && !larger[4].extends(&spec), "{spec:?}");
        }
    }

    #[test]
    fn a_context_needs_a_latent_of_whole_vectors() {
        let spec = Spec { context: [0, 0, 0, 8], ..Spec::tiny() };
        let said = spec.validate().unwrap_err().to_string();
        assert!(said.contains("latents[3] is 4") && said.contains("16"), "{said}");
        assert!(Spec { latents: [16, 16, 32, 16], ..spec }.validate().is_ok());
    }

    #[test]
    fn every_option_changes_its_ids_and_survives_json() {
        let tiny = Spec::tiny();
        let mut specs = vec![tiny.clone(), Spec { learned_steps: true, ..tiny.clone() }];
        for level in 0..LATENT_LEVELS {
            let mut spec = tiny.clone();
            spec.context[level] = 8;
            specs.push(spec);
        }
        specs.extend([specs[0].clone(), specs[1].clone()].map(|spec| Spec { linear_path: true, ..spec }));
        for (i, a) in specs.iter().enumerate() {
            assert_eq!(serde_json::from_str::<Spec>(&serde_json::to_string(a).unwrap()).unwrap(), *a);
            assert_eq!((a.without_options(), a.has_options()), (tiny.clone(), i > 0));
            for b in &specs[..i] {
                let same_latents = Spec { linear_path: a.linear_path, ..b.clone() } == *a;
                assert_eq!(a.entropy_bytes() == b.entropy_bytes(), same_latents);
                assert_ne!(a.canonical_bytes(), b.canonical_bytes());
                assert_ne!(a.parameters(), b.parameters());
            }
        }
    }
}
