//! Replay without old images: the user's own files stand for them.
//!
//! The latents are exactly those of the files. The target is the image that the generation which
//! wrote a file makes of it; if that generation is missing, the image of the parent.
//!
//! A crop of latents is reconstructed without its surroundings, so near its edges its image differs
//! from that of the whole file: the branches see zeros where the file has neighbours. The old
//! generation therefore makes its image of the same crop. A learner that computes what the old
//! generation computed then has no error, at the edges either. If the original is there, the target
//! is that image plus the difference between the original and the old image of the whole file; away
//! from the edges the sum is the original.

use std::{
    borrow::Cow,
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use heirloom_codec::{DecodeOptions, Model, model::ModelFile};
use heirloom_format::container::{self, CANVAS_UNIT, Header, LATENT_LEVELS};
use heirloom_io::EXTENSIONS;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{
    archived_file::{ArchivedFile, cut, cut_shift},
    sample::{Content, ReplaySample},
};
use crate::{
    data::{
        folder::{relative_name, walk},
        image::RgbImage,
        sampler::BatchShape,
    },
    error::{Result, TrainError},
    random::Random,
};

const ARCHIVE_STREAM: u64 = 0xA2C4;
const EXTENSION: &str = "hlm";

/// Settings of an archive.
#[derive(Clone, Copy, Debug)]
pub struct ArchiveOptions<'a> {
    /// Folder of files, with its subfolders.
    pub root: &'a Path,
    /// Folder of the originals: images with the files' names, apart from the extension.
    pub originals: Option<&'a Path>,
    /// Side in pixels of the largest crop. Smaller files are left out.
    pub crop: usize,
    /// Bytes of memory for decoded files.
    pub budget: usize,
    /// Seed of all choices.
    pub seed: u64,
}

struct Item {
    path: PathBuf,
    header: Header,
    /// Index of the generation that wrote the file, or of the parent in its stead.
    teacher: usize,
    original: Option<PathBuf>,
    decoded: OnceLock<ArchivedFile>,
}

/// The files of a folder that can be replayed.
pub struct Archive {
    items: Vec<Item>,
    /// Indices of items by teacher.
    of_teacher: Vec<Vec<usize>>,
    /// The first one parses all files. With originals, one per teacher, which make images.
    models: Vec<Model>,
    /// Threads for decoding: the thread that waits for a batch may hold the only one of the common
    /// pool.
    pool: ThreadPool,
    manifest: String,
    /// Bytes of decoded files in memory.
    kept: AtomicUsize,
    budget: usize,
    seed: u64,
}

impl Archive {
    /// Searches a folder. `teachers` are the known generations, the parent first. Files that cannot
    /// be replayed are logged, with the reason, and left out.
    ///
    /// # Errors
    /// A folder that cannot be read, or that holds no file that can be replayed.
    pub fn open(options: ArchiveOptions, teachers: &[ModelFile]) -> Result<Self> {
        let ArchiveOptions { root, originals, crop, budget, seed } = options;
        let originals = originals.map(by_name).transpose()?;
        let needed = if originals.is_some() { teachers } else { teachers.get(..1).unwrap_or_default() };
        let models: Vec<Model> = needed
            .iter()
            .map(|file| Model::new(file.clone()).map_err(|e| TrainError::Model(e.to_string())))
            .collect::<Result<_>>()?;
        let Some(parser) = models.first() else {
            return Err(TrainError::Model("there is none to read files with".into()));
        };

        let (mut items, mut hasher) = (Vec::new(), blake3::Hasher::new());
        let mut of_teacher = vec![Vec::new(); teachers.len()];
        let (mut orphans, mut without_original) = (0, 0);
        for path in archive_files(root)? {
            let (header, hash) = match readable(&path, parser, crop) {
                Ok(found) => found,
                Err(reason) => {
                    log::warn!("left out {}: {reason}", path.display());
                    continue;
                }
            };
            let original = originals.as_ref().and_then(|all| all.get(&base_name(root, &path)));
            without_original += usize::from(original.is_none());
            let writer = teachers.iter().position(|file| file.metadata.lineage.wrote(&header));
            orphans += usize::from(writer.is_none());
            let teacher = writer.unwrap_or(0);
            of_teacher[teacher].push(items.len());
            hasher.update(format!("{}\t{hash}\n", relative_name(root, &path)).as_bytes());
            items.push(Item { original: original.cloned(), path, header, teacher, decoded: OnceLock::new() });
        }
        if items.is_empty() {
            return Err(TrainError::Data(format!("no .{EXTENSION} file in {} can be replayed", root.display())));
        }
        if orphans > 0 {
            log::warn!("the generations that wrote {orphans} files are missing; the parent stands in for them");
        }
        if originals.is_some() && without_original > 0 {
            log::warn!("{without_original} files have no original; their old images stand in for it");
        }
        let manifest = hasher.finalize().to_hex().to_string();
        let pool = ThreadPoolBuilder::new()
            .num_threads(rayon::current_num_threads())
            .build()
            .map_err(|e| TrainError::Device(format!("cannot start threads: {e}")))?;
        Ok(Self { items, of_teacher, models, pool, manifest, kept: AtomicUsize::new(0), budget, seed })
    }

    /// Number of files, at least one.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether there is no file; always false.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// BLAKE3 (hexadecimal) of the names and contents of all files.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// Draws the crops of a step, all from files of one generation.
    ///
    /// # Errors
    /// A file or original that can no longer be read.
    pub fn sample(&self, step: u64, shape: BatchShape) -> Result<ReplaySample> {
        let mut random = Random::new(self.seed, ARCHIVE_STREAM, step);
        let drawn = random.below(self.items.len());
        let teacher = self.items[drawn].teacher;
        let group = &self.of_teacher[teacher];
        let side = shape.crop / CANVAS_UNIT;
        let mut maps: Vec<(usize, Vec<f32>)> = (0..LATENT_LEVELS).map(|level| (side << level, Vec::new())).collect();
        let (mut lambdas, mut shifts, mut shifted) = (Vec::new(), Vec::new(), false);
        for _ in 0..shape.batch {
            let item = &self.items[group[random.below(group.len())]];
            let file = self.decoded(item)?;
            let place = |extent: usize, random: &mut Random| random.below((extent + 1).saturating_sub(side));
            let (top, left) = (place(file.maps[0].height, &mut random), place(file.maps[0].width, &mut random));
            for (level, (map, (side, out))) in file.maps.iter().zip(&mut maps).enumerate() {
                cut(map, top << level, left << level, *side, out);
            }
            shifted |= file.shift.is_some();
            let corner = (top * CANVAS_UNIT, left * CANVAS_UNIT);
            cut_shift(file.shift.as_deref(), &item.header, corner, shape.crop, &mut shifts);
            lambdas.push(item.header.lambda);
        }
        let content = Content::Latents { maps, shift: shifted.then_some(shifts) };
        Ok(ReplaySample { teacher, crop: shape.crop, lambdas, content })
    }

    /// The decoded file, which is kept if the budget allows.
    fn decoded<'a>(&self, item: &'a Item) -> Result<Cow<'a, ArchivedFile>> {
        if let Some(file) = item.decoded.get() {
            return Ok(Cow::Borrowed(file));
        }
        let file = self.pool.install(|| self.decode(item))?;
        let size = file.bytes();
        if self.kept.fetch_add(size, Ordering::Relaxed) + size <= self.budget {
            return Ok(Cow::Borrowed(item.decoded.get_or_init(|| file)));
        }
        self.kept.fetch_sub(size, Ordering::Relaxed);
        Ok(Cow::Owned(file))
    }

    fn decode(&self, item: &Item) -> Result<ArchivedFile> {
        let failed = |e: String| TrainError::Data(format!("{}: {e}", item.path.display()));
        let bytes = std::fs::read(&item.path).map_err(TrainError::io("read", &item.path))?;
        let options = DecodeOptions::default();
        let latents = self.models[0].decode_latents(&bytes, &options).map_err(|e| failed(e.to_string()))?;
        if latents.header != item.header {
            return Err(failed("it has changed since the run began".into()));
        }
        let original = item.original.as_ref().and_then(|path| read_original(path, &item.path, &item.header));
        let shift = match original {
            None => None,
            Some(original) => {
                let model = self.models.get(item.teacher).unwrap_or(&self.models[0]);
                let old = model.reconstruct(&latents, &options).map_err(|e| failed(e.to_string()))?;
                let old = old.to_rgb();
                Some(original.rgb.iter().zip(&*old).map(|(a, b)| i16::from(*a) - i16::from(*b)).collect())
            }
        };
        let no_latents = || failed("it is of several tiles or stored without loss".into());
        let Some(Some(maps)) = latents.tiles.into_iter().next() else { return Err(no_latents()) };
        Ok(ArchivedFile { maps, shift })
    }
}

/// The files of an archive, in the order of their paths.
fn archive_files(root: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    walk(root, &[EXTENSION], &mut paths)?;
    paths.sort();
    if paths.is_empty() {
        return Err(TrainError::Data(format!("{} holds no .{EXTENSION} files to replay", root.display())));
    }
    Ok(paths)
}

/// Header and hash of an undamaged file of the model's lineage that is large enough for a crop, or
/// the reason why it is not one.
fn readable(path: &Path, model: &Model, crop: usize) -> std::result::Result<(Header, blake3::Hash), String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let options = DecodeOptions::default();
    let container::File { header, tiles, .. } = container::parse(&bytes, &options.limits).map_err(|e| e.to_string())?;
    if !model.reads(&header) {
        let hex: String = header.entropy_id.iter().map(|b| format!("{b:02x}")).collect();
        return Err(format!("it belongs to another lineage than the model, with the entropy id {hex}…"));
    }
    if !matches!(tiles.as_slice(), [container::Tile { colour: container::TileColour::Latents(_), .. }]) {
        return Err("it is of several tiles or stored without loss, and only latents of one tile are replayed".into());
    }
    let padded = |side: u32| (side as usize).next_multiple_of(CANVAS_UNIT);
    if padded(header.width).min(padded(header.height)) < crop {
        return Err(format!("its {} × {} pixels are fewer than a crop of {crop} needs", header.width, header.height));
    }
    Ok((header, blake3::hash(&bytes)))
}

/// Path of a file in a folder, without its extension.
fn base_name(root: &Path, path: &Path) -> PathBuf {
    path.strip_prefix(root).unwrap_or(path).with_extension("")
}

/// Reads the original of a file, or logs why it cannot be used.
fn read_original(path: &Path, file: &Path, header: &Header) -> Option<RgbImage> {
    let reason = match RgbImage::open(path) {
        Ok(image) if (image.width, image.height) == (header.width as usize, header.height as usize) => {
            return Some(image);
        }
        Ok(_) => "its size differs".into(),
        Err(reason) => reason,
    };
    let (path, file) = (path.display(), file.display());
    log::warn!("{path} cannot be the original of {file}, whose old image stands in for it: {reason}");
    None
}

/// The images of a folder by their relative path without extension.
fn by_name(root: &Path) -> Result<HashMap<PathBuf, PathBuf>> {
    let mut paths = Vec::new();
    walk(root, &EXTENSIONS, &mut paths)?;
    if paths.is_empty() {
        return Err(TrainError::Data(format!("{} holds no originals", root.display())));
    }
    // Of two images with the same name, the first in the order of paths is taken.
    paths.sort_by(|a, b| b.cmp(a));
    Ok(paths.into_iter().map(|path| (base_name(root, &path), path)).collect())
}
