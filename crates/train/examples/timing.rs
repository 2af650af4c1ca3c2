//! Times parts of the project on request, so that `scripts/against_torch.py` can time a peer in
//! another language in turn with them.
//!
//! Reads lines `encode SPEC`, `decode SPEC`, `step SPEC` or `step SPEC bf16` and answers each with
//! seconds; `spec SPEC` with the network's spec and number of weights as JSON. SPEC is `base`,
//! `default` (the default model's) or the width of the paper's network with scaled channels.
//! Weights are made by a formula: times depend on shapes alone.
//!
//! `encode` and `decode` are of one 768×512 image in memory, from pixels to file and back, entropy
//! coding and checksums included. `step` is a training step on 8 crops of 128×128: batch, forward,
//! backward, norm, clipping, Adam and average.

use std::collections::HashMap;
use std::error::Error;
use std::io::{BufRead, Write};
use std::time::Instant;

use burn::tensor::Device;
use heirloom_codec::image::{Image, PixelFormat};
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_codec::{DecodeOptions, EncodeOptions, Model};
use heirloom_train::data::Batch;
use heirloom_train::model::{Layout, Network, Quantise, Weights, initial};
use heirloom_train::ops::Precision;
use heirloom_train::random::Random;
use heirloom_train::trainer::optimiser::{self, ParameterGroups, State, Update};
use heirloom_train::trainer::{
    Config,
    step::{self, StepInput},
};

const WIDTH: u32 = 768;
const HEIGHT: u32 = 512;
const BATCH: usize = 8;
const CROP: usize = 128;
const LAMBDA: f32 = 256.0;

type Answer<T> = Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Answer<()> {
    // As the command does.
    heirloom_kernels::allocator::keep_freed();
    let mut coders: HashMap<String, Coder> = HashMap::new();
    let mut learners: HashMap<String, Learner> = HashMap::new();
    for line in std::io::stdin().lock().lines() {
        let line = line?;
        let (verb, name) = line.split_once(' ').ok_or("expected a verb and a spec")?;
        let (name, precision) = match name.strip_suffix(" bf16") {
            Some(name) => (name, Precision::Bf16),
            None => (name, Precision::Single),
        };
        let answer = match verb {
            "spec" => {
                let spec = spec(name)?;
                serde_json::json!({ "spec": spec, "weights": spec.parameter_count() }).to_string()
            }
            "encode" | "decode" => {
                if !coders.contains_key(name) {
                    coders.insert(name.to_owned(), Coder::new(&spec(name)?)?);
                }
                coders.get(name).ok_or("no such network")?.time(verb == "encode")?.to_string()
            }
            "step" => {
                if !learners.contains_key(name) {
                    learners.insert(name.to_owned(), Learner::new(spec(name)?)?);
                }
                learners.get_mut(name).ok_or("no such network")?.time(precision)?.to_string()
            }
            other => return Err(format!("unknown verb {other}").into()),
        };
        println!("{answer}");
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn spec(name: &str) -> Answer<Spec> {
    Ok(match name {
        "base" => Spec::base(),
        "default" => Config::preset("small")?.network.spec().ok_or("the default model is no baseline")?,
        width => Spec::scaled(width.parse()?, 256),
    })
}

struct Coder {
    model: Model,
    image: Image,
    file: Vec<u8>,
}

impl Coder {
    fn new(spec: &Spec) -> Answer<Coder> {
        let ranges = LambdaRanges::all(LambdaRange::PRETRAINING);
        let model = Model::new(ModelFile::new(spec.clone(), ranges, reference::quantised(spec)?)?)?;
        let mut random = Random::new(1, 0, 0);
        let wave = |x: u32, y: u32| 127.0 + 100.0 * ((x as f32 * 0.05).sin() * (y as f32 * 0.031).cos());
        let mut pixels = Vec::new();
        for y in 0..HEIGHT {
            for x in 0..WIDTH {
                pixels.extend([0, 40, 80].map(|shift| (wave(x + shift, y) + 20.0 * random.unit()) as u8));
            }
        }
        let image = Image::new(WIDTH, HEIGHT, PixelFormat::Rgb8, pixels)?;
        let file = model.encode(&image, &EncodeOptions::new(LAMBDA).with_lossless(heirloom_codec::Lossless::Never))?;
        Ok(Coder { model, image, file })
    }

    fn time(&self, encode: bool) -> Answer<f64> {
        let begin = Instant::now();
        if encode {
            std::hint::black_box(
                self.model
                    .encode(&self.image, &EncodeOptions::new(LAMBDA).with_lossless(heirloom_codec::Lossless::Never))?,
            );
        } else {
            std::hint::black_box(self.model.decode(&self.file, &DecodeOptions::default())?);
        }
        Ok(begin.elapsed().as_secs_f64())
    }
}

struct Learner {
    layout: Layout,
    network: Network,
    state: State,
    groups: ParameterGroups,
    gradient: Vec<f32>,
    device: Device,
}

impl Learner {
    fn new(spec: Spec) -> Answer<Learner> {
        let layout = Layout::new(&spec);
        let state = State::new(initial::initial(&spec, &layout, initial::Initial { seed: 1, layer_scale: 0.2 }));
        Ok(Learner {
            network: Network::new(&spec, &layout)?,
            groups: ParameterGroups::new(&layout, &[], None),
            gradient: vec![0.0; layout.len()],
            device: Device::flex().autodiff(),
            layout,
            state,
        })
    }

    fn time(&mut self, precision: Precision) -> Answer<f64> {
        let mut answer = Err("the step did not run".into());
        // As the command does: on a thread of the pool, so that it takes part in the work.
        rayon::scope(|_| answer = self.step(precision));
        answer
    }

    fn step(&mut self, precision: Precision) -> Answer<f64> {
        let begin = Instant::now();
        let mut pixels = vec![0f32; BATCH * CROP * CROP * 3];
        Random::new(1, 1, 0).fill_centred(&mut pixels);
        let batch = Batch { step: 0, crop: CROP, pixels, lambdas: vec![LAMBDA; BATCH] };
        let weights = Weights::new(&self.layout, &self.state.weights, &self.device, |_| true).in_precision(precision);
        let quantise = Quantise::Noise { seed: 1, step: 0 };
        let (network, layout, device) = (&self.network, &self.layout, &self.device);
        let input = StepInput { fresh: Some(batch), replay: None };
        let learner = step::Learner { network, layout, ranges: None, balance: step::Balance::default(), device };
        learner.learn(&weights, input, quantise, &mut self.gradient)?;
        let update = Update {
            learning_rate: 1e-5,
            beta1: 0.9,
            beta2: 0.999,
            epsilon: 1e-8,
            clip: 2.0,
            norm: optimiser::norm(&self.gradient),
            ema_decay: 0.999,
            momentum: 0.95,
            precision,
        };
        self.state.update(&self.gradient, update, &self.groups);
        Ok(begin.elapsed().as_secs_f64())
    }
}
