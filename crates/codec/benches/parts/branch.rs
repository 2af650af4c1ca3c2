//! A second implementation of the entropy branch from the same kernels, in either arithmetic. The
//! codec has it in strict arithmetic only; this one measures how long it would take with fused
//! multiply-add.

use heirloom_codec::internals::network::lambda;
use heirloom_codec::model::{LATENT_LEVELS, Spec, Weights};
use heirloom_kernels::{Block, Dense, Engine, Map, Up};

pub struct Branch {
    embedding: [Dense; 2],
    length: usize,
    levels: Vec<Level>,
    start_width: usize,
}

struct Level {
    blocks_in: Vec<Conditioned>,
    prior: [Dense; 2],
    latent: Dense,
    blocks_out: Vec<Conditioned>,
    up: Option<Up>,
}

struct Conditioned {
    modulation: Dense,
    block: Block,
}

/// Builds layers from the weights of a model.
struct Layers<'a> {
    spec: &'a Spec,
    weights: &'a Weights,
}

type Found<T> = Result<T, String>;

impl Layers<'_> {
    fn data(&self, name: &str) -> Found<&[f32]> {
        self.weights.get(name).map(|tensor| tensor.data.as_slice()).ok_or_else(|| format!("no tensor {name}"))
    }

    fn pair(&self, name: &str) -> Found<[&[f32]; 2]> {
        Ok([self.data(&format!("{name}.weight"))?, self.data(&format!("{name}.bias"))?])
    }

    fn dense(&self, name: &str, inputs: usize) -> Found<Dense> {
        let [weight, bias] = self.pair(name)?;
        Ok(Dense::new(weight, bias, inputs, bias.len()))
    }

    fn prior(&self, name: &str, inputs: usize, outputs: usize) -> Found<[Dense; 2]> {
        let [weight, bias] = self.pair(name)?;
        Ok([0, outputs].map(|first| {
            let columns: Vec<f32> =
                weight.chunks_exact(2 * outputs).flat_map(|row| &row[first..first + outputs]).copied().collect();
            Dense::new(&columns, &bias[first..first + outputs], inputs, outputs)
        }))
    }

    fn up(&self, name: &str, inputs: usize, outputs: usize) -> Found<Up> {
        let [weight, bias] = self.pair(name)?;
        Ok(Up::new(weight, bias, inputs, outputs, 2))
    }

    fn blocks(&self, name: &str, count: usize, level: usize) -> Found<Vec<Conditioned>> {
        let (kernel, width) = (self.spec.level_kernel(level), self.spec.level_width(level));
        let block = |number: usize| {
            let name = format!("{name}{number}");
            let [depth, depth_bias] = self.pair(&format!("{name}.depthwise"))?;
            let [expand, expand_bias] = self.pair(&format!("{name}.expand"))?;
            let [project, project_bias] = self.pair(&format!("{name}.project"))?;
            let scale = self.data(&format!("{name}.layer_scale"))?;
            let modulation = self.dense(&format!("{name}.modulation"), self.spec.embedding)?;
            let block = Block::new(kernel, width, depth, depth_bias, expand, expand_bias, project, project_bias, scale);
            Ok(Conditioned { modulation, block })
        };
        (0..count).map(block).collect()
    }
}

impl Branch {
    /// Packs the entropy branch of a model.
    pub fn new(spec: &Spec, weights: &Weights) -> Found<Branch> {
        let layers = Layers { spec, weights };
        let embedding =
            [layers.dense("entropy.lambda.fc1", spec.embedding)?, layers.dense("entropy.lambda.fc2", spec.embedding)?];
        let level = |level: usize| {
            let name = |part: &str| format!("entropy.z{}.{part}", level + 1);
            let (width, latent) = (spec.level_width(level), spec.latents[level]);
            let up = |finer: usize| layers.up(&name("up"), width, spec.level_width(finer));
            Ok(Level {
                blocks_in: layers.blocks(&name("in"), spec.entropy_in[level], level)?,
                prior: layers.prior(&name("prior"), width, latent)?,
                latent: layers.dense(&name("latent"), latent)?,
                blocks_out: layers.blocks(&name("out"), spec.entropy_out[level], level)?,
                up: (level + 1 < LATENT_LEVELS).then(|| up(level + 1)).transpose()?,
            })
        };
        let levels = (0..LATENT_LEVELS).map(level).collect::<Found<_>>()?;
        Ok(Branch { embedding, length: spec.embedding, levels, start_width: spec.level_width(0) })
    }

    /// Computes all of the branch that decoding needs for these latents, priors included. Calls
    /// `see` with prior mean, raw scale and the feature after the latent of each latent level.
    pub fn walk(&self, engine: Engine, lambda: f32, latents: &[Map; LATENT_LEVELS], mut see: impl FnMut([&Map; 3])) {
        let mut condition = lambda::features(lambda, self.length);
        for layer in &self.embedding {
            condition = engine.dense_vector(layer, &condition);
            engine.gelu(&mut condition);
        }
        let apply = |blocks: &[Conditioned], feature: &mut Map| {
            for Conditioned { modulation, block } in blocks {
                engine.block(block, &engine.dense_vector(modulation, &condition), feature);
            }
        };
        let mut feature = Map::zeros(latents[0].height, latents[0].width, self.start_width);
        for (level, latent) in self.levels.iter().zip(latents) {
            apply(&level.blocks_in, &mut feature);
            let [mean, raw_scale] = level.prior.each_ref().map(|layer| engine.dense(layer, &[&feature]));
            engine.dense_add(&level.latent, latent, &mut feature);
            see([&mean, &raw_scale, &feature]);
            if let Some(up) = &level.up {
                apply(&level.blocks_out, &mut feature);
                feature = engine.up(up, &feature);
            }
        }
    }
}
