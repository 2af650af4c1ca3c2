//! Round trips with a tiny network whose weights are made by a formula: for any size and λ, all
//! numbers of threads and all instruction sets give the same bytes, latents and pixels.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_codec::internals::reference;
use heirloom_codec::model::{LambdaRange, LambdaRanges, ModelFile, Spec};
use heirloom_codec::{
    DecodeError, DecodeOptions, EncodeError, EncodeOptions, Fault, Image, LatentError, Lossless, Model,
};
use heirloom_format::container::{Limits, Metadata, PixelFormat, TileColour, parse, write};
use heirloom_kernels::Isa;

/// The network alone, which here is far from serving images well.
fn network_only(lambda: f32) -> EncodeOptions {
    EncodeOptions::new(lambda).with_lossless(Lossless::Never)
}

/// A model with few blocks and small kernels, for hundreds of images per second.
fn file() -> ModelFile {
    let spec = Spec { kernels: [3, 5, 3, 3, 3], ..Spec::tiny() };
    reference::model(spec).unwrap()
}

fn model() -> Model {
    Model::new(file()).unwrap()
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// Smooth colours with some noise.
    fn image(&mut self, width: u32, height: u32, format: PixelFormat) -> Image {
        let channels = if format == PixelFormat::Rgb8 { 3 } else { 1 };
        let slopes = [self.below(9), self.below(9), self.below(9)];
        let mut data = Vec::new();
        for y in 0..u64::from(height) {
            for x in 0..u64::from(width) {
                for (c, slope) in slopes.iter().take(channels).enumerate() {
                    data.push((x * slope + y * 3 + 40 * c as u64 + self.below(24)) as u8);
                }
            }
        }
        Image::new(width, height, format, data).unwrap()
    }
}

fn pool(threads: usize) -> rayon::ThreadPool {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
}

#[test]
fn machines_and_threads_never_change_a_bit() {
    let model = model();
    let sets = Isa::available();
    let pools = [1, 2, 4].map(pool);
    let mut random = Random(1);
    let sizes = [(1, 1), (63, 65), (64, 64), (65, 63), (128, 1), (1, 128), (129, 64)];
    for case in 0..504 {
        let (width, height) =
            sizes.get(case).copied().unwrap_or_else(|| (1 + random.below(130) as u32, 1 + random.below(130) as u32));
        let format = if random.below(4) == 0 { PixelFormat::Grey8 } else { PixelFormat::Rgb8 };
        let image = random.image(width, height, format);
        let lambda = match case % 9 {
            0 => 32.0,
            1 => 1024.0,
            _ => 32.0 * 2f32.powf(random.below(5000) as f32 / 1000.0),
        };
        let (isa, pool) = (sets[case % sets.len()], &pools[case / sets.len() % pools.len()]);
        let what =
            format!("case {case}: {width}×{height}, λ = {lambda}, {isa:?}, {} threads", pool.current_num_threads());

        let (bytes, report) = model.encode_with_report(&image, &network_only(lambda)).unwrap();
        let mut options = network_only(lambda);
        options.isa = Some(isa);
        assert!(pool.install(|| model.encode(&image, &options)).unwrap() == bytes, "bytes differ, {what}");

        let mut there = DecodeOptions::default();
        there.isa = Some(isa);
        let latents = pool.install(|| model.decode_latents(&bytes, &there)).unwrap();
        assert!(latents == report.latents, "latents differ, {what}");
        assert_eq!(latents.hash(), report.latents.hash());
        let here = DecodeOptions::default();
        let pixels = model.decode(&bytes, &here).unwrap();
        assert_eq!((pixels.width(), pixels.height(), pixels.format()), (width, height, format));
        assert!(pool.install(|| model.decode(&bytes, &there)).unwrap() == pixels, "pixels differ, {what}");
        assert!(model.reconstruct(&latents, &here).unwrap() == pixels, "reconstruction differs, {what}");
    }
}

/// Learned steps, contexts that code latents in two halves, and a linear path.
#[test]
fn options_make_the_round_trip() {
    let latents = [16, 16, 32, 16];
    let spec = Spec { latents, learned_steps: true, context: [0, 0, 24, 17], linear_path: true, ..Spec::tiny() };
    let model = Model::new(reference::model(spec).unwrap()).unwrap();
    let mut random = Random(21);
    for (width, height, lambda) in [(1, 1, 32.0), (64, 130, 1024.0), (150, 70, 200.0)] {
        let image = random.image(width, height, PixelFormat::Rgb8);
        let (bytes, report) = model.encode_with_report(&image, &network_only(lambda)).unwrap();
        let pixels = model.reconstruct(&report.latents, &DecodeOptions::default()).unwrap();
        for isa in Isa::available() {
            let mut options = DecodeOptions::default();
            options.isa = Some(isa);
            assert_eq!(model.decode_latents(&bytes, &options).unwrap(), report.latents, "{isa:?}");
            assert_eq!(model.decode(&bytes, &options).unwrap(), pixels, "{isa:?}");
        }
        let cut = model.decode_partial(&bytes[..bytes.len() - 1], &DecodeOptions::default()).unwrap();
        assert_eq!((cut.summary.latents, cut.image.width()), (3, width));

        // Of a latent that fails at its end nothing is used, as if it were not there.
        let mut file = parse(&bytes, &Limits::default()).unwrap();
        let TileColour::Latents(sections) = &mut file.tiles[0].colour else { panic!("no latents") };
        sections[3].truncate(sections[3].len() - 2);
        let failed = model.decode_partial(&write(&file).unwrap(), &DecodeOptions::default()).unwrap();
        assert_eq!((failed.summary.latents, failed.image == cut.image), (3, true));
    }
}

#[test]
fn estimated_bits_are_near_the_real_ones() {
    // Priors made by the formula do not fit their latents, so that residuals escape. Wide priors of
    // one scale cover them.
    let mut file = file();
    for level in 1..=4 {
        for (part, value) in [("gain", 0.0), ("bias", 2.0)] {
            let name = format!("entropy.z{level}.prior.{part}");
            let values = file.weights.floats_mut(&name).unwrap();
            let half = values.len() / 2;
            values[half..].fill(value);
        }
    }
    let model = Model::new(ModelFile::new(file.metadata.spec, file.metadata.lambda, file.weights).unwrap()).unwrap();
    let image = Random(2).image(512, 384, PixelFormat::Rgb8);
    let (bytes, report) = model.encode_with_report(&image, &network_only(300.0)).unwrap();
    for level in 0..4 {
        let (estimate, real) = (report.estimated_bits[level], 8.0 * report.section_bytes[level] as f64);
        assert!(real > 1000.0, "z{} has only {real} bits", level + 1);
        assert!((real / estimate - 1.0).abs() < 0.01 + 100.0 / real, "z{}: {real} and {estimate}", level + 1);
    }
    let sections: usize = report.section_bytes.iter().sum();
    assert!((sections..sections + 90).contains(&bytes.len()));
}

#[test]
fn metadata_is_carried_verbatim() {
    let model = model();
    let mut image = Random(3).image(20, 10, PixelFormat::Rgb8);
    image.metadata =
        Metadata { icc: Some(vec![1, 2, 3]), exif: Some(vec![]), xmp: Some(b"<x/>".to_vec()), ..Metadata::default() };
    let bytes = model.encode(&image, &network_only(64.0)).unwrap();
    assert_eq!(model.decode(&bytes, &DecodeOptions::default()).unwrap().metadata, image.metadata);
}

#[test]
fn a_newer_generation_reads_the_same_latents() {
    let old = file();
    let mut weights = old.weights.clone();
    weights.floats_mut("reconstruction.start").unwrap().iter_mut().for_each(|value| *value += 0.5);
    let wider = LambdaRange { low: 4.0, high: 4096.0 };
    let ranges = LambdaRanges { encoder: wider, reconstruction: wider, ..old.metadata.lambda };
    let new = old.child(ranges, weights).unwrap();
    let (old, new) = (Model::new(old).unwrap(), Model::new(new).unwrap());

    let image = Random(4).image(100, 90, PixelFormat::Rgb8);
    let options = DecodeOptions::default();
    for (writer, lambda) in [(&old, 100.0), (&new, 100.0), (&new, 4.0), (&new, 4096.0)] {
        let bytes = writer.encode(&image, &network_only(lambda)).unwrap();
        let latents = old.decode_latents(&bytes, &options).unwrap();
        assert_eq!(latents, new.decode_latents(&bytes, &options).unwrap());
        assert!(old.reads(&latents.header) && new.reads(&latents.header));
        assert!(writer.wrote(&latents.header));
        assert_ne!(old.wrote(&latents.header), new.wrote(&latents.header));
        assert_ne!(old.decode(&bytes, &options).unwrap(), new.decode(&bytes, &options).unwrap());
    }
}

#[test]
fn errors_are_sorted_by_fault() {
    let model = model();
    let image = Random(5).image(70, 40, PixelFormat::Rgb8);
    for lambda in [31.9, 1024.1, 0.0, -1.0, f32::NAN, f32::INFINITY] {
        let error = model.encode(&image, &network_only(lambda)).unwrap_err();
        assert!(matches!(error, EncodeError::Lambda { .. }));
        assert!(error.to_string().contains("32 to 1024"), "{error}");
    }
    let mut small = network_only(64.0);
    small.max_memory = 1000;
    assert!(matches!(model.encode(&image, &small), Err(EncodeError::Memory { allowed: 1000, .. })));

    let bytes = model.encode(&image, &network_only(64.0)).unwrap();
    let fault = |bytes: &[u8], options: &DecodeOptions| model.decode(bytes, options).unwrap_err().fault();
    let defaults = DecodeOptions::default();
    assert_eq!(fault(b"GIF89a", &defaults), Fault::NotHeirloom);
    assert_eq!(fault(&bytes[..bytes.len() - 9], &defaults), Fault::CutShort);
    let mut damaged = bytes.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert_eq!(fault(&damaged, &defaults), Fault::Damaged);
    let mut options = DecodeOptions::default();
    options.max_memory = 1000;
    assert_eq!(fault(&bytes, &options), Fault::OverLimit);
    let mut limits = Limits::default();
    limits.max_pixels = 128 * 64 - 1;
    options = DecodeOptions::default();
    options.limits = limits;
    assert_eq!(fault(&bytes, &options), Fault::OverLimit);

    let spec = Spec { tail_blocks: 2, latents: [16, 16, 32, 8], ..Spec::tiny() };
    let stranger = Model::new(reference::model(spec).unwrap()).unwrap();
    let error = stranger.decode(&bytes, &defaults).unwrap_err();
    assert_eq!(error.fault(), Fault::UnknownModel);
    let id = model.metadata().lineage.entropy_id.to_string();
    assert!(error.to_string().contains(&id[..16]), "{error} does not name {id}");

    let mut latents = model.decode_latents(&bytes, &defaults).unwrap();
    latents.tiles[0].as_mut().unwrap()[2].data.pop();
    let error = model.reconstruct(&latents, &defaults).unwrap_err();
    assert!(matches!(error, DecodeError::Latents(LatentError { latent: 3, .. })));
}

#[test]
fn shortened_files_give_coarser_images() {
    let model = model();
    let image = Random(6).image(90, 70, PixelFormat::Rgb8);
    let bytes = model.encode(&image, &network_only(500.0)).unwrap();
    let whole = model.decode(&bytes, &DecodeOptions::default()).unwrap();
    let mut seen = [false; 5];
    for length in 0..=bytes.len() {
        match model.decode_partial(&bytes[..length], &DecodeOptions::default()) {
            Ok(partial) => {
                assert_eq!((partial.image.width(), partial.image.height()), (90, 70));
                assert_eq!(partial.summary.problem.is_none(), length == bytes.len());
                assert_eq!(partial.image == whole, partial.summary.latents == 4);
                seen[partial.summary.latents] = true;
            }
            Err(error) => assert_eq!(error.fault(), if length == 0 { Fault::NotHeirloom } else { Fault::CutShort }),
        }
        if length < bytes.len() {
            assert!(model.decode(&bytes[..length], &DecodeOptions::default()).is_err());
        }
    }
    assert_eq!(seen, [true; 5], "each number of latents occurs");
}

#[test]
fn altered_files_give_errors_or_images() {
    let model = model();
    let image = Random(7).image(33, 47, PixelFormat::Grey8);
    let bytes = model.encode(&image, &network_only(200.0)).unwrap();
    let mut options = DecodeOptions::default();
    options.limits.max_pixels = 1 << 20; // an altered size must not take minutes
    let mut random = Random(8);
    for position in 0..bytes.len() {
        let mut altered = bytes.clone();
        altered[position] ^= 1 + random.below(255) as u8;
        assert!(model.decode(&altered, &options).is_err(), "byte {position}: the checksums find any single change");
        let _ = model.decode_partial(&altered, &options);
    }
    for _ in 0..300 {
        let length = random.below(200) as usize;
        let mut noise: Vec<u8> = bytes[..(length / 2).min(bytes.len())].to_vec();
        noise.resize_with(length, || random.next() as u8);
        let _ = model.decode_partial(&noise, &options);
    }
}

/// Latents and pixels of one image. They may never change for version 2 of the model format, on any
/// machine.
#[test]
fn latents_and_pixels_never_change() {
    let spec = Spec { latents: [16, 16, 32, 4], ..Spec::tiny() };
    let model = Model::new(reference::model(spec).unwrap()).unwrap();
    let image = Random(9).image(150, 100, PixelFormat::Rgb8);
    let (_, report) = model.encode_with_report(&image, &network_only(181.5)).unwrap();
    let pixels = model.reconstruct(&report.latents, &DecodeOptions::default()).unwrap();
    let pixels = blake3::hash(pixels.data()).to_hex()[..16].to_owned();
    let latents = blake3::Hash::from_bytes(report.latents.hash()).to_hex()[..16].to_owned();
    let found = [latents, pixels];
    let id = model.metadata().lineage.entropy_id.to_string();
    assert_eq!((found.join(" ").as_str(), &id[..16]), ("ec1634cbc4428489 68d4ffb2314dcfb3", "c1ba68630b844176"));
}
