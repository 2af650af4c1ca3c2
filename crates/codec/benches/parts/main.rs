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
use heirloom_codec::internals::pixels::{from_network, to_network};
use heirloom_codec::internals::reference;
use heirloom_codec::model::{LATENT_LEVELS, LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_codec::{DecodeOptions, EncodeOptions, Model};
use heirloom_format::entropy::{decode_section, encode_section, scale_indices};
use heirloom_kernels::{Arithmetic, Engine, Isa, Map};
use rayon::{ThreadPool, ThreadPoolBuilder};

use branch::Branch;

mod branch;
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
        let spec = Spec::base();
        let weights = reference::weights(&spec)?;
        let file = ModelFile::new(spec, LambdaRanges::all(LambdaRange::PRETRAINING), weights)?;
        report("base, weights by formula", file, &image, &pools, rounds)?;
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
const NAMES: [&str; 10] = [
    "encode",
    "  pixels to floats",
    "  entropy coding",
    "decode",
    "  entropy branch",
    "  entropy branch, if it were fused",
    "  entropy coding",
    "  reconstruction branch",
    "  floats to pixels",
    "decode exactly",
];
const ENCODE: usize = 0;
const CODE: usize = 2;
const DECODE: usize = 3;
const STRICT: usize = 4;
const FUSED: usize = 5;
const UNCODE: usize = 6;

fn report(name: &str, file: ModelFile, image: &Image, pools: &[ThreadPool; 2], rounds: usize) -> Answer<()> {
    let branch = Branch::new(&file.metadata.spec, &file.weights)?;
    let model = Model::new(file)?;
    let (bytes, coded) = model.encode_with_report(image, &EncodeOptions::new(LAMBDA))?;
    let latents = coded.latents.single().ok_or("the image has several tiles")?;
    let (sections, features) = walk(&model, &branch, latents)?;
    let symbols: usize = sections.iter().map(|section| section.symbols.len()).sum();
    let [strict, fused] = [Arithmetic::Strict, Arithmetic::Fused].map(Engine::new);
    let reconstruct = || {
        let mut walk = model.network().reconstruction.walk(fused, LAMBDA, latents[0].height, latents[0].width);
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
        &|| branch.walk(strict, LAMBDA, latents, |maps| _ = black_box(maps)),
        &|| branch.walk(fused, LAMBDA, latents, |maps| _ = black_box(maps)),
        &|| {
            for section in &sections {
                let mut symbols = vec![0; section.symbols.len()];
                let _ = black_box(decode_section(&section.bytes, &indices(section), &mut symbols));
            }
        },
        &|| drop(black_box(reconstruct())),
        &|| drop(black_box(from_network(&floats, WIDTH, HEIGHT, PixelFormat::Rgb8))),
        &|| drop(black_box(model.decode(&bytes, &DecodeOptions::exact()))),
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
    println!("{:34} {one:6.1} GF/s  {all:6.1} GF/s {:7.2}", "multiply-adds in registers", all / one);
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
    let [decode, strict, fused] = [DECODE, STRICT, FUSED].map(|part| &times[part][1]);
    let cost = (0..rounds).map(|i| (strict[i] - fused[i]) / (decode[i] - strict[i] + fused[i])).collect();
    println!("strict arithmetic of the entropy branch makes decoding {:.1} % slower", 100.0 * median(cost));
    Ok(())
}

/// Recomputes the inputs of entropy coding and the features that the reconstruction branch reads.
/// Checks that the branch in this bench equals the codec's to the bit.
fn walk(model: &Model, branch: &Branch, latents: &[Map; LATENT_LEVELS]) -> Answer<(Vec<Section>, Vec<Map>)> {
    let start = model.network().entropy.walk(Isa::best(), LAMBDA, latents[0].height, latents[0].width);
    let mut theirs = start.ok_or("no walk")?;
    let mut seen = Vec::new();
    branch.walk(Engine::new(Arithmetic::Strict), LAMBDA, latents, |maps| seen.push(maps.map(Map::clone)));
    let (mut sections, mut features) = (Vec::new(), Vec::new());
    for (latent, [mean, raw_scale, feature]) in latents.iter().zip(seen) {
        let prior = theirs.prior();
        theirs.absorb(latent);
        if prior.mean != mean || prior.raw_scale != raw_scale || *theirs.feature() != feature {
            return Err("the branch in this bench is not the codec's".into());
        }
        theirs.advance();
        let residuals = latent.data.iter().zip(&mean.data).map(|(z, mean)| (z - mean).round_ties_even() as i32);
        let mut section = Section { symbols: residuals.collect(), raw_scale: raw_scale.data, bytes: Vec::new() };
        section.bytes = encode_section(&section.symbols, &indices(&section))?;
        sections.push(section);
        features.push(feature);
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
