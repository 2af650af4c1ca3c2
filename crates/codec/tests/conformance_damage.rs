//! Damaged files of the conformance sets. Cut short or altered anywhere, even with checksums
//! recomputed, they give an error or an image, never a panic, and take no more memory than the
//! estimate for their header.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::fs;

use counting_allocator::peak;
use heirloom_codec::internals::network::memory_estimate;
use heirloom_codec::{DecodeError, DecodeOptions, Fault, Image, Model};
use heirloom_format::container::{MAGIC, parse_header};
use set::{Manifest, root};

mod counting_allocator;

#[allow(dead_code)] // shared with the tests that compare hashes
#[path = "conformance_set/mod.rs"]
mod set;

/// Bytes of buffers that do not grow with the image: bands of rows and tiles, for each thread.
const FIXED: u64 = 4 << 20;

/// Number of runs of the networks per file: fewer for larger canvases.
fn costly_positions(pixels: u64) -> usize {
    (400_000 / pixels as usize).clamp(6, 100)
}

/// `count` positions of 0..length: the first 48, which hold the header, the last one, and others
/// evenly spaced.
fn sample(length: usize, count: usize) -> Vec<usize> {
    if length <= count {
        return (0..length).collect();
    }
    let head = 48.min(count / 3);
    let spaced = (count - head).max(2);
    let mut positions: Vec<usize> = (0..head).collect();
    positions.extend((0..spaced).map(|i| head + i * (length - 1 - head) / (spaced - 1)));
    positions
}

struct Subject<'a> {
    model: &'a Model,
    options: DecodeOptions,
    /// Name of the file, for messages.
    name: String,
    /// Whether the image has several tiles.
    tiled: bool,
}

impl Subject<'_> {
    /// Decodes a file, whole or in part, and checks the memory that this takes.
    fn decode(&self, bytes: &[u8], partial: bool, what: &dyn Fn() -> String) -> Result<Image, DecodeError> {
        let (result, taken) = peak(|| {
            if partial {
                self.model.decode_partial(bytes, &self.options).map(|partial| partial.image)
            } else {
                self.model.decode(bytes, &self.options)
            }
        });
        let header = parse_header(bytes, &self.options.limits).map(|(header, _)| header);
        // The sections are copied out of the file; a file without a valid header needs nothing
        // else.
        let refused = result.as_ref().is_err_and(|error| error.fault() == Fault::OverLimit);
        let networks = match &header {
            Ok(header) if !refused => {
                // Besides the network, samples, and the buffers of PNG and WebP.
                let pixels = header.padded_pixels();
                memory_estimate::decoding(&self.model.metadata().spec, pixels) + 60 * pixels + FIXED
            }
            _ => 4096,
        };
        let allowed = networks + bytes.len() as u64;
        assert!(taken <= allowed, "{}, {}: {taken} bytes taken, {allowed} allowed", self.name, what());
        match &result {
            Ok(image) => {
                let header = header.unwrap();
                assert_eq!((image.width(), image.height()), (header.width, header.height));
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        result
    }
}

/// Recomputes all checksums, up to the first bytes that are not a section. Written from
/// `docs/FORMAT.md` alone. Returns the positions at which sections end.
fn recompute_checksums(bytes: &mut [u8]) -> Vec<usize> {
    fn varint(bytes: &[u8], at: &mut usize) -> Option<usize> {
        let mut value = 0;
        for shift in [0, 7, 14, 21, 28] {
            let byte = *bytes.get(*at)?;
            *at += 1;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
    fn seal(bytes: &mut [u8], begin: usize, end: usize) -> Option<usize> {
        let checksum = crc32(bytes.get(begin..end)?);
        bytes.get_mut(end..end.checked_add(4)?)?.copy_from_slice(&checksum.to_le_bytes());
        Some(end + 4)
    }
    fn header(bytes: &mut [u8]) -> Option<usize> {
        let mut at = MAGIC.len() + 1;
        varint(bytes, &mut at)?;
        varint(bytes, &mut at)?;
        at += if bytes.get(at)? & 8 == 0 { 1 } else { 4 };
        at += 4 + 8;
        varint(bytes, &mut at)?;
        seal(bytes, MAGIC.len(), at + 4)
    }
    fn section(bytes: &mut [u8], begin: usize) -> Option<usize> {
        let mut at = begin + 1;
        let length = varint(bytes, &mut at)?;
        seal(bytes, begin, at.checked_add(length)?)
    }
    let mut ends = Vec::new();
    let mut next = header(bytes);
    while let Some(end) = next {
        ends.push(end);
        next = section(bytes, end);
    }
    ends
}

/// The CRC-32 of PNG, independent of the implementation under test.
fn crc32(bytes: &[u8]) -> u32 {
    static TABLE: std::sync::OnceLock<[u32; 256]> = std::sync::OnceLock::new();
    let table = TABLE.get_or_init(|| {
        std::array::from_fn(|byte| {
            (0..8).fold(byte as u32, |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
        })
    });
    !bytes.iter().fold(!0, |crc, &byte| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8))
}

/// Number of each outcome of damage with recomputed checksums.
#[derive(Default, Debug)]
struct Seen {
    images: usize,
    container: usize,
    entropy: usize,
    streams: usize,
    limits: usize,
    other_models: usize,
}

impl Seen {
    fn note(&mut self, result: Result<Image, DecodeError>) {
        *match result {
            Ok(_) => &mut self.images,
            Err(DecodeError::UnknownModel { .. }) => &mut self.other_models,
            Err(DecodeError::Entropy { .. }) => &mut self.entropy,
            Err(error) if error.fault() == Fault::OverLimit => &mut self.limits,
            Err(DecodeError::Container(_)) => &mut self.container,
            Err(DecodeError::Stream { .. }) => &mut self.streams,
            Err(error) => panic!("unexpected outcome of damage: {error}"),
        } += 1;
    }
}

/// Every cut and every altered byte, found by checksums and lengths without running the networks.
fn plain_damage(subject: &Subject<'_>, bytes: &[u8]) {
    for length in 0..bytes.len() {
        let error = subject.decode(&bytes[..length], false, &|| format!("cut to {length}")).unwrap_err();
        let expected = if length == 0 { Fault::NotHeirloom } else { Fault::CutShort };
        assert_eq!(error.fault(), expected, "{} cut to {length}", subject.name);
    }
    let mut altered = bytes.to_vec();
    for position in 0..bytes.len() {
        for mask in [0x01, 0xff] {
            altered[position] ^= mask;
            let result = subject.decode(&altered, false, &|| format!("byte {position} xor {mask}"));
            assert!(result.is_err(), "{}: byte {position} xor {mask} goes unnoticed", subject.name);
            altered[position] ^= mask;
        }
    }
}

/// A header with a width of 2³² − 1 pixels and the right checksum.
fn huge(subject: &Subject<'_>, bytes: &[u8]) {
    let width = MAGIC.len() + 1;
    let after = width + 1 + bytes[width..].iter().position(|byte| byte & 0x80 == 0).unwrap();
    let mut altered = [&bytes[..width], &[0xff, 0xff, 0xff, 0xff, 0x0f], &bytes[after..]].concat();
    recompute_checksums(&mut altered);
    for partial in [false, true] {
        let error = subject.decode(&altered, partial, &|| "a huge width".to_owned()).unwrap_err();
        // An image that is one tile cannot be so large.
        let expected = if subject.tiled { Fault::OverLimit } else { Fault::BadParameter };
        assert_eq!(error.fault(), expected, "{}", subject.name);
    }
}

/// Damage that reaches the networks and the entropy coder: partial decoding, and recomputed
/// checksums.
fn deep_damage(subject: &Subject<'_>, bytes: &[u8], pixels: u64, seen: &mut Seen) {
    let count = costly_positions(pixels);
    let ends = recompute_checksums(&mut bytes.to_vec());
    // Just before and at each section's end, and inside sections.
    let mut lengths: Vec<usize> = ends.iter().flat_map(|&end| [end - 1, end]).collect();
    lengths.truncate(count);
    lengths.extend(sample(bytes.len(), count / 4));
    for length in lengths {
        let result = subject.decode(&bytes[..length], true, &|| format!("the part up to {length}"));
        assert_eq!(result.is_ok(), length >= ends[0], "{}: the part up to {length}", subject.name);
    }
    for (turn, position) in sample(bytes.len(), count).into_iter().enumerate() {
        let mask = [0x01, 0x80, 0xff, 0x10][turn % 4];
        let what = || format!("byte {position} xor {mask}, checksums recomputed");
        let mut altered = bytes.to_vec();
        altered[position] ^= mask;
        recompute_checksums(&mut altered);
        seen.note(subject.decode(&altered, false, &what));
        if turn % 4 == 0 {
            let _ = subject.decode(&altered, true, &what);
        }
    }
}

// A single test, since memory of tests that run at the same time would be counted too.
#[test]
fn damaged_files_give_errors_or_images_within_their_memory() {
    // Each thread has buffers of fixed size.
    rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap().install(all_damage);
}

fn all_damage() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926); // the check value of this CRC in every catalogue
    let model = Model::from_bytes(heirloom_default_model::bytes()).unwrap();
    let mut seen = Seen::default();
    let mut files = 0;
    for folder in fs::read_dir(root().join("conformance")).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(manifest) = fs::read(folder.join("manifest.json")) else { continue };
        let manifest: Manifest = serde_json::from_slice(&manifest).unwrap();
        for entry in &manifest.files {
            let bytes = fs::read(folder.join(&entry.name)).unwrap();
            let mut options = DecodeOptions::default();
            let (header, _) = parse_header(&bytes, &options.limits).unwrap();
            let pixels = header.padded_pixels();
            // An altered size must not take minutes. Half of the files meet one limit first, half
            // the other.
            if files % 2 == 0 {
                options.limits.max_pixels = 4 * pixels;
            } else {
                options.max_memory = 4 * memory_estimate::decoding(&model.metadata().spec, pixels);
            }
            let subject = Subject { model: &model, options, name: entry.name.clone(), tiled: entry.tiles > 1 };
            let mut same = bytes.clone();
            recompute_checksums(&mut same);
            assert!(same == bytes, "{}: recomputing checksums changes an undamaged file", entry.name);
            let begin = std::time::Instant::now();
            plain_damage(&subject, &bytes);
            let plain = begin.elapsed();
            huge(&subject, &bytes);
            deep_damage(&subject, &bytes, pixels, &mut seen);
            println!("{}: {plain:?}, {:?}", entry.name, begin.elapsed());
            files += 1;
        }
    }
    println!("{files} files; damage with recomputed checksums: {seen:?}");
    assert!(files > 0);
    // Whether a sampled byte belongs to the size depends on the files; `huge` has met the limits of
    // each.
    let Seen { images, container, entropy, streams, limits: _, other_models } = seen;
    assert!([images, container, entropy, streams, other_models].iter().all(|&count| count > 0), "each outcome occurs");
}
