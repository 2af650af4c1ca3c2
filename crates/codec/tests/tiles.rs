//! Tiles: sizes, pixel formats, seams, crops, scales, damage, and streams of rows, with a tiny
//! network whose weights are made by a formula.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod tiled;

use std::io::Cursor;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use heirloom_codec::image::{Metadata, PixelFormat, Samples};
use heirloom_codec::internals::reference;
use heirloom_codec::model::Spec;
use heirloom_codec::{DecodeOptions, Fault, Image, Lossless, Model, RowSink, RowSource, Scale};
use heirloom_format::container::{Head, Limits, Part, Rect};
use tiled::{Counting, image, mixed, options, pool};

fn model() -> Model {
    let spec = Spec { kernels: [3, 5, 3, 3, 3], linear_path: true, ..Spec::tiny() };
    Model::new(reference::model(spec).unwrap()).unwrap()
}

/// The pixels of a rectangle.
fn cut(image: &Image, rect: Rect) -> Image {
    let channels = image.format().channels();
    let stride = image.width() as usize * channels;
    fn rows<T: Copy>(data: &[T], stride: usize, channels: usize, r: Rect) -> Vec<T> {
        let columns = r.x as usize * channels..(r.x + r.width) as usize * channels;
        let rows = data.chunks_exact(stride).skip(r.y as usize).take(r.height as usize);
        rows.flat_map(|row| &row[columns.clone()]).copied().collect()
    }
    let samples = match image.samples() {
        Samples::U8(data) => Samples::U8(rows(data, stride, channels, rect)),
        Samples::U16(data) => Samples::U16(rows(data, stride, channels, rect)),
    };
    Image::from_samples(rect.width, rect.height, image.format(), samples).unwrap()
}

#[test]
fn lossless_images_come_back_to_the_bit_in_any_tiles() {
    let model = model();
    let sizes = [(1, 1), (64, 64), (65, 64), (130, 70), (200, 333), (129, 1)];
    for (case, &(width, height)) in sizes.iter().enumerate() {
        for format in PixelFormat::ALL {
            let mut image = image(width, height, format);
            image.metadata.xmp = Some(b"<x/>".to_vec());
            let (side, overlap) = [(64, 0), (64, 4), (64, 32), (128, 7), (4096, 4)][(case + width as usize) % 5];
            let mut options = options(side, overlap, Lossless::Always);
            options.keep_hidden_colour = true;
            let (bytes, summary) = model.encode_with_summary(&image, &options).unwrap();
            assert_eq!((summary.bytes, summary.lossless_tiles), (bytes.len() as u64, summary.tiles));
            assert!(model.decode(&bytes, &DecodeOptions::default()).unwrap() == image, "{format:?} {width}×{height}");
            // Without it, only what cannot be seen changes.
            options.keep_hidden_colour = false;
            let seen = model.decode(&model.encode(&image, &options).unwrap(), &DecodeOptions::default()).unwrap();
            assert!(seen.clone().flattened([0; 3]) == image.clone().flattened([0; 3]));
            assert!(format.has_alpha() || seen == image);
        }
    }
}

#[test]
fn threads_and_memory_never_change_a_bit() {
    let model = model();
    let pools = [1, 3].map(pool);
    for (case, format) in PixelFormat::ALL.into_iter().enumerate() {
        let (width, height) = (100 + 37 * case as u32, 90 + 20 * case as u32);
        let image = image(width, height, format);
        let mut options = options(128, 4, Lossless::Never);
        let bytes = model.encode(&image, &options).unwrap();
        let decoded = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        assert_eq!((decoded.width(), decoded.height(), decoded.format()), (width, height, format));
        // Alpha is lossless.
        assert!(decoded.clone().split_alpha().1 == image.clone().split_alpha().1);
        for pool in &pools {
            assert!(pool.install(|| model.encode(&image, &options)).unwrap() == bytes);
            assert!(pool.install(|| model.decode(&bytes, &DecodeOptions::default())).unwrap() == decoded);
        }
        // With memory for one tile at a time.
        options.max_memory = 24 << 20;
        assert!(model.encode(&image, &options).unwrap() == bytes);
        let latents = model.decode_latents(&bytes, &DecodeOptions::default()).unwrap();
        assert!(model.reconstruct(&latents, &DecodeOptions::default()).unwrap() == decoded.split_alpha().0);
    }
}

/// A tile alone, and the same tile within an image, have the same pixels where no other tile is.
#[test]
fn tiles_are_independent_and_blend_linearly() {
    let model = model();
    let image = image(200, 150, PixelFormat::Rgb8);
    let overlap = 8;
    let bytes = model.encode(&image, &options(128, overlap, Lossless::Never)).unwrap();
    let decoded = model.decode(&bytes, &DecodeOptions::default()).unwrap();
    let tiles = Head::read(&bytes.as_slice(), &Limits::default()).unwrap().header.tiles();
    assert_eq!((tiles.columns(), tiles.rows()), (2, 2));
    let alone: Vec<Image> = tiles
        .rects()
        .map(|rect| {
            let coded = model.encode(&cut(&image, rect), &options(4096, 0, Lossless::Never)).unwrap();
            model.decode(&coded, &DecodeOptions::default()).unwrap()
        })
        .collect();
    let sample = |tile: usize, x: u32, y: u32, c: usize| {
        let rect = tiles.rects().nth(tile).unwrap();
        u32::from(alone[tile].data()[((y - rect.y) * rect.width + x - rect.x) as usize * 3 + c])
    };
    let mix = |a: u32, b: u32, i: u32| {
        let (of, weight) = (2 * u32::from(overlap), 2 * i + 1);
        (a * (of - weight) + b * weight + of / 2) / of
    };
    let (second_column, second_row) = (tiles.rect(1, 0).x, tiles.rect(0, 1).y);
    let along_x = |row: usize, x: u32, y: u32, c: usize| match x.checked_sub(second_column) {
        None => sample(2 * row, x, y, c),
        Some(i) if i < u32::from(overlap) => mix(sample(2 * row, x, y, c), sample(2 * row + 1, x, y, c), i),
        Some(_) => sample(2 * row + 1, x, y, c),
    };
    for (i, &value) in decoded.data().iter().enumerate() {
        let (x, y, c) = ((i / 3 % 200) as u32, (i / 600) as u32, i % 3);
        let expected = match y.checked_sub(second_row) {
            None => along_x(0, x, y, c),
            Some(i) if i < u32::from(overlap) => mix(along_x(0, x, y, c), along_x(1, x, y, c), i),
            Some(_) => along_x(1, x, y, c),
        };
        assert_eq!(u32::from(value), expected, "({x}, {y})");
    }
}

#[test]
fn crops_are_cut_from_the_image_and_read_their_tiles_only() {
    let model = model();
    // Crops of small tiles are mostly borders, those of large tiles mostly windows.
    for (format, lossless, side) in [
        (PixelFormat::Rgba8, Lossless::Never, 64),
        (PixelFormat::Rgb8, Lossless::Never, 256),
        (PixelFormat::GreyAlpha16, Lossless::Never, 4096),
        (PixelFormat::Grey16, Lossless::Always, 64),
    ] {
        let image = image(400, 300, format);
        let bytes = model.encode(&image, &options(side, 6, lossless)).unwrap();
        let whole = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        let head = Head::read(&bytes.as_slice(), &Limits::default()).unwrap();
        let tiles = head.header.tiles();
        let first =
            head.tiles().iter().filter_map(|tile| tile.alpha.or(tile.colour[0])).map(|span| span.position).min();
        for case in 0..60 {
            let random = |i: u64, end: u32| (mixed(case * 10 + i) % u64::from(end)) as u32;
            let (x, y) = (random(0, 400), random(1, 300));
            let rect = Rect { x, y, width: 1 + random(2, (400 - x).min(90)), height: 1 + random(3, (300 - y).min(90)) };
            let mut options = DecodeOptions::default();
            options.crop = Some(rect);
            let source = Counting(&bytes, AtomicU64::new(0));
            let crop = model.decode_from(&source, &options).unwrap();
            assert!(crop == cut(&whole, rect), "{rect:?}");
            let ((left, right), (top, bottom)) = tiles.touching(rect);
            let numbers =
                (top..=bottom).flat_map(|row| (left..=right).map(move |column| row * tiles.columns() + column));
            let spans = numbers.map(|number| head.tile(number)).flat_map(|t| [&t.colour[..], &[t.alpha]].concat());
            let needed: u64 = spans.flatten().map(|span| span.section_bytes()).sum();
            let read = source.1.load(Relaxed);
            // The header is read with a few bytes of what follows.
            assert!(read <= first.unwrap() + 60 + needed, "{read} bytes read for {needed}");
        }
        for bad in [
            Rect { x: 400, y: 0, width: 1, height: 1 },
            Rect { x: 0, y: 0, width: 0, height: 1 },
            Rect { x: 1, y: 1, width: 399, height: u32::MAX },
        ] {
            let mut options = DecodeOptions::default();
            options.crop = Some(bad);
            assert_eq!(model.decode(&bytes, &options).unwrap_err().fault(), Fault::BadParameter);
        }
    }
}

#[test]
fn scaled_images_are_means_of_squares() {
    let model = model();
    for format in PixelFormat::ALL {
        let image = image(150, 101, format);
        let bytes = model.encode(&image, &options(64, 4, Lossless::Always)).unwrap();
        let whole = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        let value = |x: usize, y: usize, c: usize| {
            let i = (y * 150 + x) * format.channels() + c;
            match whole.samples() {
                Samples::U8(data) => f64::from(data[i]),
                Samples::U16(data) => f64::from(data[i]),
            }
        };
        for scale in [Scale::Half, Scale::Quarter, Scale::Eighth, Scale::Sixteenth] {
            let mut options = DecodeOptions::default();
            options.scale = scale;
            let small = model.decode(&bytes, &options).unwrap();
            let s = scale.divisor() as usize;
            assert_eq!((small.width(), small.height()), (150u32.div_ceil(s as u32), 101u32.div_ceil(s as u32)));
            let (channels, colours) = (format.channels(), format.colour_channels());
            for (i, found) in small.samples().to_u16().iter().enumerate() {
                let (c, x, y) =
                    (i % channels, i / channels % small.width() as usize, i / channels / small.width() as usize);
                let pixels =
                    || (y * s..(y * s + s).min(101)).flat_map(|y| (x * s..(x * s + s).min(150)).map(move |x| (x, y)));
                let weight = |x, y| if format.has_alpha() && c < colours { value(x, y, colours) } else { 1.0 };
                let total: f64 = pixels().map(|(x, y)| weight(x, y)).sum();
                let mean = if total > 0.0 {
                    pixels().map(|(x, y)| weight(x, y) * value(x, y, c)).sum::<f64>() / total
                } else {
                    pixels().map(|(x, y)| value(x, y, c)).sum::<f64>() / pixels().count() as f64
                };
                let found = if format.bits() == 8 { f64::from(*found) / 257.0 } else { f64::from(*found) };
                assert!((found - mean).abs() <= 0.5 + 1e-9, "{format:?} {scale:?} {x} {y}: {found}, {mean}");
            }
        }
    }
}

#[test]
fn damage_costs_one_tile() {
    let model = model();
    let overlap = 4;
    for lossless in [Lossless::Never, Lossless::Always] {
        let image = image(250, 200, PixelFormat::Rgba8);
        let bytes = model.encode(&image, &options(64, overlap, lossless)).unwrap();
        let whole = model.decode(&bytes, &DecodeOptions::default()).unwrap();
        let head = Head::read(&bytes.as_slice(), &Limits::default()).unwrap();
        let tiles = head.header.tiles();
        for (number, rect) in (0..).zip(tiles.rects()) {
            let parts = [&[Part::Alpha], head.tile(number).colour_parts()].concat();
            for part in parts {
                let span = head.tile(number).span(part).unwrap();
                let mut damaged = bytes.clone();
                damaged[(span.end() - 5) as usize] ^= 0x20;
                let strict = model.decode(&damaged, &DecodeOptions::default()).unwrap_err();
                assert_eq!(strict.fault(), Fault::Damaged);
                assert!(strict.to_string().contains(&format!("tile {number}")), "{strict}");
                let partial = model.decode_partial(&damaged, &DecodeOptions::default()).unwrap();
                assert_eq!((partial.summary.damaged_tiles, partial.summary.tiles), (1, tiles.count()));
                assert_eq!(partial.summary.problem, Some(strict));
                let pairs = partial.image.data().chunks(4).zip(whole.data().chunks(4)).enumerate();
                let others_are_equal = pairs.into_iter().all(|(i, (a, b))| {
                    let (x, y) = (i as u32 % 250, i as u32 / 250);
                    let inside = |p: u32, begin: u32, length: u32| (begin..begin + length).contains(&p);
                    a == b || (inside(x, rect.x, rect.width) && inside(y, rect.y, rect.height))
                });
                assert!(others_are_equal, "tile {number}, {part:?}");
            }
        }
        // A file that is cut short still shows what came before.
        let span = head.tile(5).span(head.tile(5).colour_parts()[0]).unwrap();
        let cut_short = &bytes[..span.end() as usize];
        let partial = model.decode_partial(cut_short, &DecodeOptions::default()).unwrap();
        assert_eq!(partial.summary.problem.unwrap().fault(), Fault::CutShort);
        assert_eq!(model.decode(cut_short, &DecodeOptions::default()).unwrap_err().fault(), Fault::CutShort);
        // A crop of whole tiles needs nothing else.
        let mut crop = DecodeOptions::default();
        crop.crop = Some(Rect { x: 0, y: 0, width: 50, height: 50 });
        assert_eq!(model.decode(cut_short, &crop).is_ok(), lossless == Lossless::Always);
    }
}

/// A tile of which nothing is left does not show in its neighbours, not even where they overlap.
#[test]
fn lost_tiles_are_grey_and_do_not_bleed() {
    let model = model();
    let image = image(180, 180, PixelFormat::Rgb8);
    let bytes = model.encode(&image, &options(64, 8, Lossless::Always)).unwrap();
    let head = Head::read(&bytes.as_slice(), &Limits::default()).unwrap();
    let tiles = head.header.tiles();
    for (number, lost) in (0..).zip(tiles.rects()) {
        let mut damaged = bytes.clone();
        damaged[(head.tile(number).colour[0].unwrap().end() - 5) as usize] ^= 1;
        let partial = model.decode_partial(&damaged, &DecodeOptions::default()).unwrap().image;
        for (i, (found, original)) in partial.data().chunks(3).zip(image.data().chunks(3)).enumerate() {
            let (x, y) = (i as u32 % 180, i as u32 / 180);
            let holds = |r: &Rect| (r.x..r.x + r.width).contains(&x) && (r.y..r.y + r.height).contains(&y);
            let alone = tiles.rects().filter(holds).count() == 1 && holds(&lost);
            let diagonal = tiles.rects().filter(holds).count() == 4 && holds(&lost);
            if alone {
                assert_eq!(found, [128; 3], "tile {number} ({x}, {y})");
            } else if !diagonal {
                assert_eq!(found, original, "tile {number} ({x}, {y})");
            }
        }
    }
}

/// Rows that are made when they are asked for, and forgotten once they are written.
struct Rows {
    width: u32,
    height: u32,
    next: u32,
}

fn made(x: u32, y: u32) -> u8 {
    (x / 7 + y / 3) as u8
}

impl RowSource for Rows {
    fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    fn format(&self) -> PixelFormat {
        PixelFormat::Grey8
    }

    fn read_rows(&mut self, count: u32) -> std::io::Result<Samples> {
        let rows = self.next..self.next + count;
        self.next += count;
        assert!(self.next <= self.height);
        Ok(Samples::U8(rows.flat_map(|y| (0..self.width).map(move |x| made(x, y))).collect()))
    }
}

impl RowSink for Rows {
    fn begin(&mut self, width: u32, height: u32, format: PixelFormat, _: &Metadata) -> std::io::Result<()> {
        assert_eq!((width, height, format), (self.width, self.height, PixelFormat::Grey8));
        self.next = 0;
        Ok(())
    }

    fn write_rows(&mut self, rows: &Samples) -> std::io::Result<()> {
        for row in rows.as_u8().unwrap().chunks(self.width as usize) {
            assert!((0..).zip(row).all(|(x, &value)| value == made(x, self.next)));
            self.next += 1;
        }
        Ok(())
    }
}

#[test]
fn rows_are_streamed() {
    let model = model();
    let mut rows = Rows { width: 301, height: 777, next: 0 };
    let (mut bytes, mut spool) = (Vec::new(), Cursor::new(Vec::new()));
    let options = options(64, 4, Lossless::Always);
    let summary = model.encode_rows(&mut rows, &Metadata::default(), &options, &mut spool, &mut bytes).unwrap();
    assert_eq!((summary.bytes, summary.tiles), (bytes.len() as u64, 5 * 13));
    model.decode_rows(&bytes.as_slice(), &DecodeOptions::default(), &mut rows).unwrap();
    assert_eq!(rows.next, 777);

    /// Fails after some rows.
    struct Failing;
    impl RowSource for Failing {
        fn size(&self) -> (u32, u32) {
            (64, 1000)
        }
        fn format(&self) -> PixelFormat {
            PixelFormat::Grey8
        }
        fn read_rows(&mut self, count: u32) -> std::io::Result<Samples> {
            if count < 64 { Err(std::io::Error::other("the disk is gone")) } else { Ok(Samples::U8(vec![0; 64 * 64])) }
        }
    }
    let error = model.encode_rows(&mut Failing, &Metadata::default(), &options, &mut spool, &mut bytes).unwrap_err();
    assert_eq!(error.to_string(), "the disk is gone");
}
