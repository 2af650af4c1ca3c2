//! Times of encoding, decoding and their parts, in memory, on one thread and on several:
//!
//!     cargo bench -p heirloom-codec --bench parts [-- --rounds 15 --threads 2]
//!
//! The image has 768 × 512 pixels. Each round runs every part once on one thread and once on all,
//! so that changes of the machine's speed affect them equally; ratios are medians over the rounds.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use heirloom_codec::image::{Image, PixelFormat};
use heirloom_codec::internals::network::{dequantise, quantise};
use heirloom_codec::internals::pixels::{from_network, to_network};
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LATENT_LEVELS, ModelFile, Spec};
use heirloom_codec::{DecodeOptions, EncodeOptions, Model};
use heirloom_format::entropy::{decode_section, encode_section, scale_indices};
use heirloom_kernels::{Engine, Map};
use rayon::{ThreadPool, ThreadPoolBuilder};

#[path = "../../../kernels/benches/kernels/peak.rs"]
mod peak;
#[path = "../sample/mod.rs"]
mod sample;

const WIDTH: u32 = 768;
const HEIGHT: u32 = 512;
const LAMBDA: f32 = 128.0; // the default quality of the command

type Answer<T> = Result<T, Box<dyn Error>>;

fn main() -> Answer<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    // Without `--bench` cargo is testing: the smaller model once.
    let testing = !arguments.iter().any(|argument| argument == "--bench");
    let number = |flag: &str, default: usize| -> Answer<usize> {
        let place = arguments.iter().position(|argument| argument == flag);
        place.map_or(Ok(default), |i| Ok(arguments.get(i + 1).ok_or(format!("{flag} needs a number"))?.parse()?))
    };
    let rounds = number("--rounds", if testing { 1 } else { 15 })?.max(1);
    let threads = number("--threads", rayon::current_num_threads())?;
    let pools = [1, threads].map(|threads| ThreadPoolBuilder::new().num_threads(threads).build());
    let [one, all] = pools;
    let pools = [one?, all?];

    let image = Image::new(WIDTH, HEIGHT, PixelFormat::Rgb8, sample::photograph(WIDTH, HEIGHT)?)?;
    report("default model", ModelFile::from_bytes(heirloom_default_model::bytes())?, &image, &pools, rounds)?;
    if !testing {
        report("base, weights by formula", reference::model(Spec::base())?, &image, &pools, rounds)?;
    }
    Ok(())
}

/// Input and output of entropy coding for one latent.
struct Section {
    symbols: Vec<i32>,
    raw_scale: Vec<f32>,
    bytes: Vec<u8>,
}

/// Names of the parts, in the order below.
const NAMES: [&str; 8] = [
    "encode",
    "  pixels to floats",
    "  entropy coding",
    "decode",
    "  entropy branch, and coding",
    "  entropy coding",
    "  reconstruction branch",
    "  floats to pixels",
];
const ENCODE: usize = 0;
const CODE: usize = 2;
const DECODE: usize = 3;
const UNCODE: usize = 5;

fn report(name: &str, file: ModelFile, image: &Image, pools: &[ThreadPool; 2], rounds: usize) -> Answer<()> {
    let model = Model::new(file)?;
    let (bytes, coded) = model.encode_with_report(image, &EncodeOptions::new(LAMBDA))?;
    let latents = coded.latents.single().ok_or("the image has several tiles")?;
    let (sections, features) = walk(&model, latents)?;
    let symbols: usize = sections.iter().map(|section| section.symbols.len()).sum();
    let engine = Engine::default();
    let reconstruct = || {
        let mut walk = model.network().reconstruction.walk(engine, LAMBDA, latents[0].height, latents[0].width);
        for (latent, feature) in latents.iter().zip(&features) {
            walk.merge(latent, feature);
            walk.rise();
        }
        walk.image()
    };
    let floats = reconstruct();

    let parts: [&(dyn Fn() + Sync); NAMES.len()] = [
        &|| drop(black_box(model.encode(image, &EncodeOptions::new(LAMBDA)))),
        &|| drop(black_box(to_network(image))),
        &|| sections.iter().for_each(|section| drop(black_box(encode_section(&section.symbols, &indices(section))))),
        &|| drop(black_box(model.decode(&bytes, &DecodeOptions::default()))),
        &|| drop(black_box(walk(&model, latents))),
        &|| {
            for section in &sections {
                let mut symbols = vec![0; section.symbols.len()];
                let _ = black_box(decode_section(&section.bytes, &indices(section), &mut symbols));
            }
        },
        &|| drop(black_box(reconstruct())),
        &|| drop(black_box(from_network(&floats, WIDTH, HEIGHT, PixelFormat::Rgb8))),
    ];
    // times[part][pool][round]
    let mut times = [const { [const { Vec::new() }; 2] }; NAMES.len()];
    let mut peaks = [const { Vec::new() }; 2];
    for _ in 0..rounds {
        for (pool, peaks) in pools.iter().zip(&mut peaks) {
            let begin = Instant::now();
            let operations = pool.install(|| (0..16).map(|_| peak::burst()).sum::<u64>());
            peaks.push(operations as f64 / begin.elapsed().as_secs_f64());
        }
        for (part, times) in parts.iter().zip(&mut times) {
            for (pool, times) in pools.iter().zip(times) {
                let begin = Instant::now();
                pool.install(part);
                times.push(begin.elapsed().as_secs_f64());
            }
        }
    }

    let bpp = 8.0 * bytes.len() as f64 / f64::from(WIDTH * HEIGHT);
    println!("\n{name}: {WIDTH} × {HEIGHT}, {bpp:.3} bits per pixel, {symbols} residuals, {rounds} rounds");
    let threads = format!("{} threads", pools[1].current_num_threads());
    println!("{:34} {:>12} {threads:>12} {:>7} {:>10}", "medians", "1 thread", "faster", "of whole");
    let [one, all] = peaks.each_ref().map(|peaks| median(peaks.clone()) / 1e9);
    println!("{:34} {one:6.1} GO/s  {all:6.1} GO/s {:7.2}", "dot products in registers", all / one);
    for (i, (name, [one, all])) in NAMES.iter().zip(&times).enumerate() {
        let whole = &times[if i < DECODE { ENCODE } else { DECODE }][1];
        let (ratio, share) = (ratio(one, all), 100.0 * ratio(all, whole));
        let [one, all] = [one, all].map(|times| 1e3 * median(times.clone()));
        println!("{name:34} {one:9.2} ms {all:9.2} ms {ratio:7.2} {share:8.1} %");
    }
    for (way, part) in [("encoding", CODE), ("decoding", UNCODE)] {
        let each = 1e9 * median(times[part][1].clone()) / symbols as f64;
        println!("entropy coding, {way}: {each:.2} ns a residual, with the choice of its table");
    }
    Ok(())
}

/// Runs the entropy branch. Returns the inputs and outputs of entropy coding and the features that
/// the reconstruction branch reads.
fn walk(model: &Model, latents: &[Map; LATENT_LEVELS]) -> Answer<(Vec<Section>, Vec<Map>)> {
    let (height, width) = (latents[0].height, latents[0].width);
    let mut walk = model.network().entropy.walk(Engine::default(), LAMBDA, height, width);
    let (mut sections, mut features) = (Vec::new(), Vec::new());
    for latent in latents {
        let mut prior = walk.prior();
        if walk.has_context() {
            walk.correct(&quantise(latent, &prior), &mut prior);
        }
        let symbols = quantise(latent, &prior);
        let raw_scale = prior.raw_scale.data.clone();
        if dequantise(&symbols, prior) != *latent {
            return Err("these are not the symbols of the latents".into());
        }
        let mut section = Section { symbols, raw_scale, bytes: Vec::new() };
        section.bytes = encode_section(&section.symbols, &indices(&section))?;
        sections.push(section);
        walk.absorb(latent);
        features.push(walk.feature().clone());
        walk.advance();
    }
    Ok((sections, features))
}

fn indices(section: &Section) -> Vec<u8> {
    let mut indices = vec![0; section.raw_scale.len()];
    scale_indices(&section.raw_scale, &mut indices);
    indices
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Median of the ratios over the rounds.
fn ratio(a: &[f64], b: &[f64]) -> f64 {
    median(a.iter().zip(b).map(|(a, b)| a / b).collect())
}
