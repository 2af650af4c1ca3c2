//! Replay without old images: the user's own files are the memory.
//!
//! Latents come from the files, to the bit. The target is the image that the generation that wrote a file makes of it; where it
//! is not at hand, that of the generation learned from.
//!
//! A crop of latents is reconstructed without what lies around it, so near its edges its image is not that of the whole file:
//! the branches see zeros where the file has neighbours. The old generation therefore makes its image from the *same* crop,
//! under the same edges: then its error there is no error of the learner, and a learner that computes what the old one
//! computed has no error at all. Where the original is at hand, the target is that image plus what the whole old image lacks
//! of the original: away from the edges that is the original.

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
use heirloom_format::container::{self, Header, PixelFormat};
use heirloom_kernels::Map;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::memory::{Content, Remembered};
use crate::{
    Result, TrainError,
    data::{
        RgbImage,
        folder::{EXTENSIONS, walk},
        loader::Shape,
    },
    random::Random,
};

const ARCHIVE_STREAM: u64 = 0xA2C4;
const EXTENSION: &str = "hlm";
/// Latents come in steps of this many pixels.
const GRID: usize = 64;

/// How an archive is opened.
#[derive(Clone, Copy, Debug)]
pub struct Opening<'a> {
    /// Folder of files, with its subfolders.
    pub root: &'a Path,
    /// Folder of originals: images with the files' names, but for the extension.
    pub originals: Option<&'a Path>,
    /// Side of the largest crop: smaller files are left out.
    pub crop: usize,
    /// Bytes of decoded files to keep.
    pub budget: usize,
    /// Of all choices.
    pub seed: u64,
}

struct Item {
    path: PathBuf,
    header: Header,
    /// The generation that wrote it, or stands in for the writer.
    teacher: usize,
    original: Option<PathBuf>,
    whole: OnceLock<Whole>,
}

/// A decoded file.
#[derive(Clone)]
struct Whole {
    maps: [Map; 4],
    /// The original less the old image, in 8-bit steps, true size, RGB.
    shift: Option<Vec<i16>>,
}

impl Whole {
    fn bytes(&self) -> usize {
        4 * self.maps.iter().map(|m| m.data.len()).sum::<usize>() + 2 * self.shift.as_ref().map_or(0, Vec::len)
    }
}

/// The files of a folder that can be replayed.
pub struct Archive {
    items: Vec<Item>,
    /// Items by teacher.
    of_teacher: Vec<Vec<usize>>,
    /// Parses all files; with originals, the teachers, which make images.
    models: Vec<Model>,
    /// For decoding: the thread that waits for a batch may hold the only thread of the common pool.
    pool: ThreadPool,
    manifest: String,
    kept: AtomicUsize,
    budget: usize,
    seed: u64,
}

impl Archive {
    /// Looks through a folder. `teachers` are the generations at hand, the one learned from first. Files that cannot be
    /// replayed are named on stderr, with the reason, and left out.
    ///
    /// # Errors
    /// A folder that cannot be read, or that holds no file that can be replayed.
    pub fn open(opening: Opening, teachers: &[ModelFile]) -> Result<Self> {
        let Opening { root, originals, crop, budget, seed } = opening;
        let originals = originals.map(by_name).transpose()?;
        let needed = if originals.is_some() { teachers } else { teachers.get(..1).unwrap_or_default() };
        let models: Vec<Model> = needed
            .iter()
            .map(|file| Model::new(file.clone()).map_err(|e| TrainError::Model(e.to_string())))
            .collect::<Result<_>>()?;
        let Some(parser) = models.first() else {
            return Err(TrainError::Model("there is none to read files with".into()));
        };

        let mut paths = Vec::new();
        walk(root, &[EXTENSION], &mut paths)?;
        paths.sort();
        if paths.is_empty() {
            return Err(TrainError::Data(format!("{} holds no .{EXTENSION} files to replay", root.display())));
        }
        let (mut items, mut hasher) = (Vec::new(), blake3::Hasher::new());
        let mut of_teacher = vec![Vec::new(); teachers.len()];
        let (mut orphans, mut without_original) = (0, 0);
        for path in paths {
            let (header, hash) = match readable(&path, parser, crop) {
                Ok(found) => found,
                Err(reason) => {
                    eprintln!("left out {}: {reason}", path.display());
                    continue;
                }
            };
            let name = path.strip_prefix(root).unwrap_or(&path);
            let original = originals.as_ref().and_then(|all| all.get(&name.with_extension("")));
            let original = original.filter(|original| {
                let same = image::image_dimensions(original).is_ok_and(|size| size == (header.width, header.height));
                if !same {
                    eprintln!("{} is not the original of {}: its size is another", original.display(), path.display());
                }
                same
            });
            without_original += usize::from(original.is_none());
            let writer = teachers.iter().position(|file| file.metadata.lineage.wrote(&header));
            orphans += usize::from(writer.is_none());
            let teacher = writer.unwrap_or(0);
            of_teacher[teacher].push(items.len());
            hasher.update(format!("{}\t{hash}\n", name.to_string_lossy().replace('\\', "/")).as_bytes());
            items.push(Item { original: original.cloned(), path, header, teacher, whole: OnceLock::new() });
        }
        if items.is_empty() {
            return Err(TrainError::Data(format!("no .{EXTENSION} file in {} can be replayed", root.display())));
        }
        if orphans > 0 {
            eprintln!(
                "{orphans} files: the generation that wrote them is not here; the model learned from stands in for it"
            );
        }
        if originals.is_some() && without_original > 0 {
            eprintln!("{without_original} files have no original; the old image stands in for it");
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

    /// Never, but customary.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// BLAKE3 (hexadecimal) of the names and contents of all files.
    #[must_use]
    pub fn manifest(&self) -> &str {
        &self.manifest
    }

    /// The crops of a step, all of files of one generation.
    ///
    /// # Errors
    /// A file or original that can no longer be read.
    pub fn recall(&self, step: u64, shape: Shape) -> Result<Remembered> {
        let mut random = Random::new(self.seed, ARCHIVE_STREAM, step);
        let drawn = random.below(self.items.len());
        let teacher = self.items[drawn].teacher;
        let group = &self.of_teacher[teacher];
        let side = shape.crop / GRID;
        let mut maps: Vec<(usize, Vec<f32>)> = (0..4).map(|level| (side << level, Vec::new())).collect();
        let (mut lambdas, mut shifts, mut shifted) = (Vec::new(), Vec::new(), false);
        for _ in 0..shape.batch {
            let item = &self.items[group[random.below(group.len())]];
            let whole = self.whole(item)?;
            let place = |extent: usize, random: &mut Random| random.below((extent + 1).saturating_sub(side));
            let (top, left) = (place(whole.maps[0].height, &mut random), place(whole.maps[0].width, &mut random));
            for (level, (map, (side, out))) in whole.maps.iter().zip(&mut maps).enumerate() {
                cut(map, top << level, left << level, *side, out);
            }
            shifted |= whole.shift.is_some();
            let corner = (top * GRID, left * GRID);
            shift(whole.shift.as_deref(), &item.header, corner, shape.crop, &mut shifts);
            lambdas.push(item.header.lambda);
        }
        let content = Content::Latents { maps, shift: shifted.then_some(shifts) };
        Ok(Remembered { teacher, crop: shape.crop, lambdas, content })
    }

    /// A decoded file, kept as long as the budget lasts.
    fn whole<'a>(&self, item: &'a Item) -> Result<Cow<'a, Whole>> {
        if let Some(whole) = item.whole.get() {
            return Ok(Cow::Borrowed(whole));
        }
        let whole = self.pool.install(|| self.decode(item))?;
        let size = whole.bytes();
        if self.kept.fetch_add(size, Ordering::Relaxed) + size <= self.budget {
            return Ok(Cow::Borrowed(item.whole.get_or_init(|| whole)));
        }
        self.kept.fetch_sub(size, Ordering::Relaxed);
        Ok(Cow::Owned(whole))
    }

    fn decode(&self, item: &Item) -> Result<Whole> {
        let failed = |e: String| TrainError::Data(format!("{}: {e}", item.path.display()));
        let bytes = std::fs::read(&item.path).map_err(TrainError::io("read", &item.path))?;
        let options = DecodeOptions::default();
        let latents = self.models[0].decode_latents(&bytes, &options).map_err(|e| failed(e.to_string()))?;
        if latents.header != item.header {
            return Err(failed("it is not the file that it was when the run began".into()));
        }
        let shift = match &item.original {
            None => None,
            Some(path) => {
                let model = self.models.get(item.teacher).unwrap_or(&self.models[0]);
                let old = model.reconstruct(&latents, &options).map_err(|e| failed(e.to_string()))?;
                let original =
                    RgbImage::open(path).map_err(|e| TrainError::Data(format!("{}: {e}", path.display())))?;
                let times = if old.format() == PixelFormat::Grey8 { 3 } else { 1 };
                let old = old.data().iter().flat_map(|v| std::iter::repeat_n(*v, times));
                let differences: Vec<i16> =
                    original.rgb.iter().zip(old).map(|(a, b)| i16::from(*a) - i16::from(b)).collect();
                if differences.len() != original.rgb.len() {
                    return Err(failed(format!("{} has another size than it", path.display())));
                }
                Some(differences)
            }
        };
        Ok(Whole { maps: latents.maps, shift })
    }
}

/// Header and hash of a whole file of the model's lineage that is large enough for a crop, or why it is none.
fn readable(path: &Path, model: &Model, crop: usize) -> std::result::Result<(Header, blake3::Hash), String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let options = DecodeOptions::default();
    let header = container::parse(&bytes, &options.limits).map_err(|e| e.to_string())?.header;
    if !model.reads(&header) {
        let hex: String = header.entropy_id.iter().map(|b| format!("{b:02x}")).collect();
        return Err(format!("it is of another lineage than the model, with the entropy id {hex}…"));
    }
    let padded = |side: u32| (side as usize).next_multiple_of(GRID);
    if padded(header.width).min(padded(header.height)) < crop {
        return Err(format!("its {} × {} pixels are fewer than a crop of {crop} needs", header.width, header.height));
    }
    Ok((header, blake3::hash(&bytes)))
}

/// Images by their path in the folder without extension.
fn by_name(root: &Path) -> Result<HashMap<PathBuf, PathBuf>> {
    let mut paths = Vec::new();
    walk(root, &EXTENSIONS, &mut paths)?;
    if paths.is_empty() {
        return Err(TrainError::Data(format!("{} holds no originals", root.display())));
    }
    // Of two images of one name the first in the order of paths.
    paths.sort_by(|a, b| b.cmp(a));
    Ok(paths
        .into_iter()
        .map(|path| (path.strip_prefix(root).unwrap_or(&path).with_extension(""), path.clone()))
        .collect())
}

/// Appends a square of a map to `out`.
fn cut(map: &Map, top: usize, left: usize, side: usize, out: &mut Vec<f32>) {
    for y in top..top + side {
        let from = (y * map.width + left) * map.channels;
        out.extend_from_slice(&map.data[from..from + side * map.channels]);
    }
}

/// Appends a square of the shift on the [-1, 1] scale to `out`; zeros beyond the image, or without one.
fn shift(values: Option<&[i16]>, header: &Header, corner: (usize, usize), side: usize, out: &mut Vec<f32>) {
    let (width, height) = (header.width as usize, header.height as usize);
    for y in corner.0..corner.0 + side {
        for x in corner.1..corner.1 + side {
            let pixel = values.filter(|_| x < width && y < height).map(|v| &v[(y * width + x) * 3..][..3]);
            out.extend((0..3).map(|c| pixel.map_or(0.0, |p| f32::from(p[c]) / 127.5)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(width: u32, height: u32) -> Header {
        let (entropy_id, generation_id) = ([0; 8], [0; 4]);
        let pixel_format = PixelFormat::Rgb8;
        Header { width, height, pixel_format, lambda: 64.0, entropy_id, generation: 0, generation_id }
    }

    #[test]
    fn squares_are_cut_where_they_are() {
        let data = (0..4 * 6 * 2).map(|v| v as f32).collect();
        let map = Map { height: 4, width: 6, channels: 2, data };
        let mut out = Vec::new();
        cut(&map, 1, 3, 2, &mut out);
        // Row y, column x has 12 y + 2 x and the next.
        assert_eq!(out, [18.0, 19.0, 20.0, 21.0, 30.0, 31.0, 32.0, 33.0]);
    }

    #[test]
    fn shifts_end_with_the_image() {
        let values: Vec<i16> = (0..3 * 2 * 3).collect();
        let mut out = Vec::new();
        shift(Some(&values), &header(3, 2), (1, 2), 2, &mut out);
        let steps: Vec<i32> = out.iter().map(|v| (v * 127.5).round() as i32).collect();
        assert_eq!(steps, [15, 16, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
