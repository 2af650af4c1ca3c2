//! Thumbnails of the latents z1 to z3, with a tiny network whose weights are made by a formula.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod tiled;

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use heirloom_codec::image::PixelFormat;
use heirloom_codec::internals::reference;
use heirloom_codec::model::{ModelFile, QuantisedTensor, Spec, THUMBNAIL, Values};
use heirloom_codec::{DecodeOptions, Fault, Lossless, Model, Scale};
use heirloom_format::container::{Head, Limits, Part, Rect};
use tiled::{Counting, image, options, pool};

#[test]
fn quick_thumbnails_read_three_latents_only() {
    let file = reference::model(Spec { kernels: [3, 5, 3, 3, 3], ..Spec::tiny() }).unwrap();
    let images = [PixelFormat::Rgb8, PixelFormat::Grey8].map(|format| image(192, 128, format));
    let model = Model::new(file.with_thumbnail(&images, &[100.0]).unwrap()).unwrap();
    for (format, lossless) in [
        (PixelFormat::Rgb8, Lossless::Never),
        (PixelFormat::GreyAlpha16, Lossless::Never),
        (PixelFormat::Rgba8, Lossless::Always),
    ] {
        let image = image(333, 250, format);
        let bytes = model.encode(&image, &options(128, 6, lossless)).unwrap();
        for (scale, crop) in
            [(Scale::Eighth, None), (Scale::Sixteenth, Some(Rect { x: 3, y: 9, width: 200, height: 77 }))]
        {
            let mut options = DecodeOptions::default();
            (options.scale, options.crop) = (scale, crop);
            let exact = model.decode(&bytes, &options).unwrap();
            options.quick = true;
            let source = Counting(&bytes, AtomicU64::new(0));
            let quick = model.decode_from(&source, &options).unwrap();
            assert_eq!((quick.width(), quick.height(), quick.format()), (exact.width(), exact.height(), format));
            let z4: u64 = Head::read(&bytes.as_slice(), &Limits::default())
                .unwrap()
                .tiles()
                .iter()
                .filter_map(|tile| tile.span(Part::Latent(4)))
                .map(|span| u64::from(span.length))
                .sum();
            // The header is read with a few bytes of what follows.
            assert!(source.1.load(Relaxed) <= bytes.len() as u64 - z4 + 60);
            // Lossless tiles need no guessing: cells are means too, at most a cell's third beside.
            let (a, b) = (quick.samples().to_u16(), exact.samples().to_u16());
            let error =
                a.iter().zip(&*b).map(|(&a, &b)| f64::from(a.abs_diff(b)) / 257.0).sum::<f64>() / a.len() as f64;
            assert!(error < if lossless == Lossless::Always { 8.0 } else { 50.0 }, "{format:?} {scale:?}: {error}");
            for threads in [1, 3] {
                assert!(pool(threads).install(|| model.decode(&bytes, &options)).unwrap() == quick);
            }
            // At larger scales nothing changes.
            options.scale = Scale::Half;
            let half = model.decode(&bytes, &options).unwrap();
            options.quick = false;
            assert!(model.decode(&bytes, &options).unwrap() == half);
        }
    }
    // Damage in one tile is reported, and only that tile is grey.
    let image = image(250, 200, PixelFormat::Rgb8);
    let bytes = model.encode(&image, &options(128, 4, Lossless::Never)).unwrap();
    let span = Head::read(&bytes.as_slice(), &Limits::default()).unwrap().tile(0).span(Part::Latent(1)).unwrap();
    let mut damaged = bytes.clone();
    damaged[(span.end() - 5) as usize] ^= 1;
    let mut options = DecodeOptions::default();
    (options.scale, options.quick) = (Scale::Eighth, true);
    assert_eq!(model.decode(&damaged, &options).unwrap_err().fault(), Fault::Damaged);
    let partial = model.decode_partial(&damaged, &options).unwrap();
    assert_eq!((partial.summary.damaged_tiles, partial.image.data()[..3].to_vec()), (1, vec![128; 3]));
    let whole = model.decode(&bytes, &options).unwrap();
    assert_eq!(partial.image.data().last(), whole.data().last());
}

/// The head depends on the frozen branch only, so that children keep it.
#[test]
fn thumbnail_heads_are_passed_on_and_checked() {
    let plain = reference::model(Spec::tiny()).unwrap();
    let with = plain.clone().with_thumbnail(&[image(64, 64, PixelFormat::Rgb8)], &[100.0]).unwrap();
    assert_eq!(with.metadata.lineage.entropy_id, plain.metadata.lineage.entropy_id);
    assert_ne!(with.metadata.lineage.generation_id, plain.metadata.lineage.generation_id);
    let read = |file: &ModelFile| ModelFile::from_bytes(&file.to_bytes().unwrap()).unwrap();
    assert_eq!(read(&with), with);
    let child = with.child(with.metadata.lambda, plain.weights.clone()).unwrap();
    assert_eq!(read(&child).weights, with.weights);
    assert!(with.without_encoder().weights.has_thumbnail());
    let name = format!("{THUMBNAIL}.bias");
    let mut wrong = with.clone();
    wrong.weights.insert(name.clone(), QuantisedTensor { shape: vec![3], values: Values::Floats(vec![0.0; 3]) });
    assert!(wrong.to_bytes().unwrap_err().to_string().contains(&name));
}
