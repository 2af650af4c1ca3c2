//! The list of all tensors: name and shape here, and in the PyTorch model of the paper's authors.

use heirloom_format::container::LATENT_LEVELS;

use super::Branch;
use super::spec::{CONTEXT_KERNEL, LINEAR_RATIO, STEP_COEFFICIENTS, STRIDES, Spec};

/// Values of the pixels that the linear path takes together.
const LINEAR_PATCH: usize = LINEAR_RATIO * LINEAR_RATIO * 3;

/// How PyTorch's layout of a tensor becomes ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// No change.
    Same,
    /// `[out, in, ky, kx]` (or `[out, in]`) to rows (ky, kx, in), columns out.
    Convolution,
    /// Like `Convolution` with a 1×1 kernel; the `c·r·r` outputs are reordered from (c, ry, rx) to
    /// (ry, rx, c).
    Shuffle { ratio: usize },
    /// The bias of a `Shuffle`.
    ShuffleBias { ratio: usize },
}

/// One tensor.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub name: String,
    pub shape: Vec<usize>,
    /// Name in the authors' PyTorch model.
    pub foreign_name: String,
    pub foreign_shape: Vec<usize>,
    pub layout: Layout,
}

/// Every tensor of the network that `spec` describes, layer by layer.
pub(super) fn entries(spec: &Spec) -> Vec<Entry> {
    let mut list = List { spec, entries: Vec::new() };
    list.encoder();
    list.posteriors();
    list.entropy();
    list.reconstruction();
    for (branch, foreign) in [(Branch::Encoder, "enc"), (Branch::Reconstruction, "dec"), (Branch::Entropy, "em")] {
        for (layer, index) in [("fc1", 0), ("fc2", 2)] {
            list.dense(
                &format!("{branch}.lambda.{layer}"),
                &format!("lmb_embedding_{foreign}.{index}"),
                (spec.embedding, spec.embedding),
                &[],
            );
        }
    }
    list.entries
}

struct List<'a> {
    spec: &'a Spec,
    entries: Vec<Entry>,
}

impl List<'_> {
    fn encoder(&mut self) {
        let mut foreign = 0; // the authors number all layers of the encoder consecutively
        let mut inputs = 3;
        for (stage, stride) in STRIDES.iter().enumerate() {
            let name = format!("encoder.s{stride}");
            let ratio = if stage == 0 { 4 } else { 2 };
            let width = self.spec.widths[stage];
            self.convolution(&format!("{name}.down"), &format!("enc_blocks.{foreign}"), inputs, width, ratio);
            foreign += 1;
            for block in 0..self.spec.encoder_blocks[stage] {
                self.block(&format!("{name}.block{block}"), &format!("enc_blocks.{foreign}"), stage);
                foreign += 1;
            }
            // A layer without parameters follows every stage whose output a posterior reads.
            if stage > 0 {
                foreign += 1;
            }
            inputs = width;
        }
    }

    fn posteriors(&mut self) {
        for level in 0..LATENT_LEVELS {
            let stage = Spec::stage_of_level(level);
            let width = self.spec.widths[stage];
            let ours = format!("encoder.z{}", level + 1);
            let theirs = format!("posteriors.z{}", level + 1);
            self.block(&format!("{ours}.feature_block"), &format!("{theirs}.posterior0"), stage);
            self.block(&format!("{ours}.entropy_block"), &format!("{theirs}.posterior1"), stage);
            self.block(&format!("{ours}.mixed_block"), &format!("{theirs}.posterior2"), stage);
            self.dense(&format!("{ours}.mix"), &format!("{theirs}.post_merge"), (2 * width, width), &[1, 1]);
            let latent = self.spec.latents[level];
            self.convolution(&format!("{ours}.mean"), &format!("{theirs}.posterior"), width, latent, 3);
        }
        if self.spec.linear_path {
            let latent = self.spec.latents[LATENT_LEVELS - 1];
            self.own("encoder.linear.weight", vec![LINEAR_PATCH, latent]);
            self.own("encoder.linear.bias", vec![latent]);
        }
    }

    fn entropy(&mut self) {
        let mut foreign = 0;
        for level in 0..LATENT_LEVELS {
            let stage = Spec::stage_of_level(level);
            let (width, latent) = (self.spec.widths[stage], self.spec.latents[level]);
            let ours = format!("entropy.z{}", level + 1);
            for block in 0..self.spec.entropy_in[level] {
                self.block(&format!("{ours}.in{block}"), &format!("em_blocks.{foreign}"), stage);
                foreign += 1;
            }
            let theirs = format!("em_blocks.{foreign}");
            self.dense(&format!("{ours}.prior"), &format!("{theirs}.prior"), (width, 2 * latent), &[1, 1]);
            self.dense(&format!("{ours}.latent"), &format!("{theirs}.z_proj"), (latent, width), &[1, 1]);
            foreign += 1;
            self.options(level, &ours);
            for block in 0..self.spec.entropy_out[level] {
                self.block(&format!("{ours}.out{block}"), &format!("em_blocks.{foreign}"), stage);
                foreign += 1;
            }
            if level + 1 < LATENT_LEVELS {
                let next = self.spec.level_width(level + 1);
                self.shuffle(&format!("{ours}.up"), &format!("em_blocks.{foreign}.0"), width, next, 2);
                foreign += 1;
            }
        }
    }

    /// The tensors of the entropy branch's options.
    fn options(&mut self, level: usize, name: &str) {
        let spec = self.spec;
        let (width, latent) = (spec.level_width(level), spec.latents[level]);
        let mut own = |part: &str, shape| self.own(&format!("{name}.{part}"), shape);
        if spec.learned_steps {
            own("step", vec![STEP_COEFFICIENTS, latent]);
        }
        let hidden = spec.context[level];
        if hidden > 0 {
            own("context.depthwise.weight", vec![CONTEXT_KERNEL * CONTEXT_KERNEL, latent]);
            own("context.depthwise.bias", vec![latent]);
            own("context.expand.weight", vec![width + latent, hidden]);
            own("context.expand.bias", vec![hidden]);
            own("context.project.weight", vec![hidden, 2 * latent]);
            own("context.project.bias", vec![2 * latent]);
        }
    }

    fn reconstruction(&mut self) {
        let start = self.spec.level_width(0);
        self.push("reconstruction.start", vec![start], "dec_bias", vec![1, start, 1, 1], Layout::Same);
        let mut foreign = 0;
        for level in 0..LATENT_LEVELS {
            let stage = Spec::stage_of_level(level);
            let (width, latent) = (self.spec.widths[stage], self.spec.latents[level]);
            let ours = format!("reconstruction.z{}", level + 1);
            for block in 0..self.spec.reconstruction_in[level] {
                self.block(&format!("{ours}.in{block}"), &format!("dec_blocks.{foreign}"), stage);
                foreign += 1;
            }
            let theirs = format!("dec_blocks.{foreign}.merge");
            self.dense(&format!("{ours}.merge"), &theirs, (2 * width + latent, width), &[1, 1]);
            foreign += 1;
            for block in 0..self.spec.reconstruction_out[level] {
                self.block(&format!("{ours}.out{block}"), &format!("dec_blocks.{foreign}"), stage);
                foreign += 1;
            }
            let next = self.spec.widths[stage - 1];
            self.shuffle(&format!("{ours}.up"), &format!("dec_blocks.{foreign}.0"), width, next, 2);
            foreign += 1;
        }
        for block in 0..self.spec.tail_blocks {
            self.block(&format!("reconstruction.tail{block}"), &format!("dec_blocks.{foreign}"), 0);
            foreign += 1;
        }
        let theirs = format!("dec_blocks.{foreign}.0");
        self.shuffle("reconstruction.image", &theirs, self.spec.widths[0], 3, 4);
        if self.spec.linear_path {
            self.own("reconstruction.linear.weight", vec![self.spec.latents[LATENT_LEVELS - 1], LINEAR_PATCH]);
            self.own("reconstruction.linear.bias", vec![LINEAR_PATCH]);
        }
    }

    /// A tensor that the authors' model does not have; an import asks for it by our own name.
    fn own(&mut self, name: &str, shape: Vec<usize>) {
        self.push(name, shape.clone(), name, shape, Layout::Same);
    }

    /// A ConvNeXt block with λ-conditioned modulation.
    fn block(&mut self, ours: &str, theirs: &str, stage: usize) {
        let (width, kernel) = (self.spec.widths[stage], self.spec.kernels[stage]);
        let embedding = self.spec.embedding;
        self.push(
            &format!("{ours}.depthwise.weight"),
            vec![kernel * kernel, width],
            &format!("{theirs}.conv_dw.weight"),
            vec![width, 1, kernel, kernel],
            Layout::Convolution,
        );
        self.vector(&format!("{ours}.depthwise.bias"), &format!("{theirs}.conv_dw.bias"), width);
        let modulation = format!("{theirs}.embedding_layer.1");
        self.dense(&format!("{ours}.modulation"), &modulation, (embedding, 2 * width), &[]);
        self.dense(&format!("{ours}.expand"), &format!("{theirs}.mlp.fc1"), (width, 2 * width), &[]);
        self.dense(&format!("{ours}.project"), &format!("{theirs}.mlp.fc2"), (2 * width, width), &[]);
        self.push(
            &format!("{ours}.layer_scale"),
            vec![width],
            &format!("{theirs}.gamma"),
            vec![1, width, 1, 1],
            Layout::Same,
        );
    }

    /// Weight and bias of a matrix. PyTorch's shape is `[out, in]`, followed by `tail`.
    fn dense(&mut self, ours: &str, theirs: &str, (inputs, outputs): (usize, usize), tail: &[usize]) {
        let mut foreign_shape = vec![outputs, inputs];
        foreign_shape.extend(tail);
        self.push(
            &format!("{ours}.weight"),
            vec![inputs, outputs],
            &format!("{theirs}.weight"),
            foreign_shape,
            Layout::Convolution,
        );
        self.vector(&format!("{ours}.bias"), &format!("{theirs}.bias"), outputs);
    }

    fn convolution(&mut self, ours: &str, theirs: &str, inputs: usize, outputs: usize, kernel: usize) {
        self.push(
            &format!("{ours}.weight"),
            vec![kernel * kernel * inputs, outputs],
            &format!("{theirs}.weight"),
            vec![outputs, inputs, kernel, kernel],
            Layout::Convolution,
        );
        self.vector(&format!("{ours}.bias"), &format!("{theirs}.bias"), outputs);
    }

    /// A 1×1 convolution followed by a pixel shuffle to `outputs` channels.
    fn shuffle(&mut self, ours: &str, theirs: &str, inputs: usize, outputs: usize, ratio: usize) {
        let wide = outputs * ratio * ratio;
        self.push(
            &format!("{ours}.weight"),
            vec![inputs, wide],
            &format!("{theirs}.weight"),
            vec![wide, inputs, 1, 1],
            Layout::Shuffle { ratio },
        );
        self.push(
            &format!("{ours}.bias"),
            vec![wide],
            &format!("{theirs}.bias"),
            vec![wide],
            Layout::ShuffleBias { ratio },
        );
    }

    fn vector(&mut self, ours: &str, theirs: &str, length: usize) {
        self.push(ours, vec![length], theirs, vec![length], Layout::Same);
    }

    fn push(&mut self, name: &str, shape: Vec<usize>, foreign: &str, foreign_shape: Vec<usize>, layout: Layout) {
        self.entries.push(Entry {
            name: name.to_owned(),
            shape,
            foreign_name: foreign.to_owned(),
            foreign_shape,
            layout,
        });
    }
}
