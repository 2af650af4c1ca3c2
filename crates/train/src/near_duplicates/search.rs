//! The search over two sets of images.

use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::{
    alignment::align,
    hash::Hash,
    set::Set,
    thumbnail::Thumbnail,
    window::{Window, aspect_class, windows},
};
use crate::error::{Result, TrainError};

/// Default of the largest distance of near-duplicates.
pub const DEFAULT_DISTANCE: f32 = 0.2;
/// Number of signs in which the hashes of two images may differ for a closer look.
const CLOSE: u32 = 12;
/// Share of an image's sides from which on a window counts as the whole image.
const WHOLE: f32 = 0.93;

/// How one image lies in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// Both show the same.
    Whole,
    /// The first is a part of the second.
    First,
    /// The second is a part of the first.
    Second,
}

/// Two images of different sets that look alike.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// Name of the image in the first sets.
    pub image: String,
    /// Name of the image in the second sets.
    pub against: String,
    /// 1 minus the correlation of their structures: 0 for the same image, about 1 for unrelated
    /// ones.
    pub distance: f32,
    /// Whether one is mirrored left to right.
    pub mirrored: bool,
    /// How one lies in the other.
    pub part: Part,
}

/// An image of the second set.
struct Known {
    name: String,
    class: i32,
    thumbnail: Thumbnail,
    hash: Hash,
    /// For each class of aspects among the images of the first set.
    windows: Windows,
}

/// Windows of an image and their hashes, by the class of their aspects.
type Windows = BTreeMap<i32, Vec<(Window, Hash)>>;

/// Finds the pairs of an image in `first` and one in `second` that are at most `max_distance`
/// apart, in the order of the images.
///
/// # Errors
/// An image that can no longer be read.
pub fn near_duplicates(first: &[Set], second: &[Set], max_distance: f32) -> Result<Vec<Pair>> {
    let classes = |sets: &[Set]| {
        let sizes = places(sets).into_iter().map(|(set, i)| set.images().size(i));
        let mut classes: Vec<i32> = sizes.map(|(width, height)| aspect_class(width, height)).collect();
        classes.sort_unstable();
        classes.dedup();
        classes
    };
    let (wanted, of_known) = (classes(first), classes(second));
    let known: Vec<Known> = places(second).into_par_iter().map(|at| Known::new(at, &wanted)).collect::<Result<_>>()?;
    let found = places(first).into_par_iter().map(|at| {
        let (name, class, thumbnail) = opened(at)?;
        let hash = hash_of(&thumbnail, thumbnail.whole());
        let own = all_hashed(&thumbnail, &of_known);
        let pair = |other: &Known| {
            // The other image as a whole in a window of this one, or this one in the other.
            let inside = closest(&own, other.class, other.hash).map(|(window, mirrored)| {
                let (window, distance) = align(&thumbnail, window, &other.thumbnail, mirrored);
                (distance, mirrored, if fills(window, &thumbnail) { Part::Whole } else { Part::Second })
            });
            let around = closest(&other.windows, class, hash).map(|(window, mirrored)| {
                let (window, distance) = align(&other.thumbnail, window, &thumbnail, mirrored);
                (distance, mirrored, if fills(window, &other.thumbnail) { Part::Whole } else { Part::First })
            });
            let nearest = inside.into_iter().chain(around).min_by(|a, b| a.0.total_cmp(&b.0));
            let (distance, mirrored, part) = nearest.filter(|(distance, ..)| *distance <= max_distance)?;
            Some(Pair { image: name.clone(), against: other.name.clone(), distance, mirrored, part })
        };
        Ok(known.iter().filter_map(pair).collect::<Vec<_>>())
    });
    Ok(found.collect::<Result<Vec<_>>>()?.concat())
}

/// Every image of some sets.
fn places(sets: &[Set]) -> Vec<(&Set, usize)> {
    sets.iter().flat_map(|set| (0..set.images().len()).map(move |i| (set, i))).collect()
}

/// Name, class of the aspect, and thumbnail of an image.
fn opened((set, index): (&Set, usize)) -> Result<(String, i32, Thumbnail)> {
    let (name, image) = (set.name(index).to_owned(), set.images().image(index)?);
    let class = aspect_class(image.width, image.height);
    let thumbnail = Thumbnail::new(&image).map_err(|e| TrainError::Data(format!("{name}: {e}")))?;
    Ok((name, class, thumbnail))
}

fn hash_of(thumbnail: &Thumbnail, window: Window) -> Hash {
    Hash::of(&thumbnail.cells(window))
}

fn all_hashed(thumbnail: &Thumbnail, classes: &[i32]) -> Windows {
    let hashed = |window| (window, hash_of(thumbnail, window));
    let of_class = |class: &i32| (*class, windows(thumbnail.size(), *class).into_iter().map(hashed).collect());
    classes.iter().map(of_class).collect()
}

impl Known {
    fn new(at: (&Set, usize), classes: &[i32]) -> Result<Self> {
        let (name, class, thumbnail) = opened(at)?;
        let hash = hash_of(&thumbnail, thumbnail.whole());
        let windows = all_hashed(&thumbnail, classes);
        Ok(Self { name, class, thumbnail, hash, windows })
    }
}

/// The window of a class whose hash is closest to `hash` or to that of its mirror image, and
/// whether it is the latter; none if no hash is close.
fn closest(windows: &Windows, class: i32, hash: Hash) -> Option<(Window, bool)> {
    let mirrored = hash.mirrored();
    let distances = windows.get(&class)?.iter().map(|(window, own)| {
        let (same, mirror) = (own.distance(hash), own.distance(mirrored));
        (same.min(mirror), *window, mirror < same)
    });
    let (distance, window, mirrored) = distances.min_by_key(|(distance, ..)| *distance)?;
    (distance <= CLOSE).then_some((window, mirrored))
}

/// Whether a window is nearly all of an image.
fn fills(window: Window, thumbnail: &Thumbnail) -> bool {
    let (width, height) = thumbnail.size();
    window.width >= WHOLE * width && window.height >= WHOLE * height
}
