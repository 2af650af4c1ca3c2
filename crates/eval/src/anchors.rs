//! Curves of other codecs on the 24 Kodak images, built into this crate.
//!
//! Each file in `crates/eval/anchors/` names the source of its numbers.

use std::path::PathBuf;

use serde::Deserialize;

use crate::{Curve, EvalError, Point};

macro_rules! anchors {
    ($($name:literal)*) => {
        /// Names of all anchors, in alphabetical order.
        pub const NAMES: &[&str] = &[$($name),*];
        const FILES: &[&str] = &[$(include_str!(concat!("../anchors/kodak-", $name, ".json"))),*];
    };
}
anchors! { "avif" "cheng2020-attn" "jpeg" "jpeg2000" "jxl" "mbt2018-mean" "mbt2018-mean-vbr" "mlic++" "qarv-base" "vtm-22.0" "webp" }

/// Name of the data set that the anchors were measured on.
pub const KODAK: &str = "Kodak";

/// Whether the files have exactly the names of the Kodak images, in their order.
#[must_use]
pub fn is_kodak(files: &[PathBuf]) -> bool {
    let stems = files.iter().map(|path| path.file_stem().unwrap_or_default().to_string_lossy().to_lowercase());
    stems.eq((1..=24).map(|i| format!("kodim{i:02}")))
}

/// Curve of another codec, published or measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Anchor {
    /// Rate and PSNR; the curve has the name of the codec.
    pub curve: Curve,
    /// Source of the numbers.
    pub source: String,
    /// Name of the data set.
    pub dataset: String,
    /// Number of images that the points are means of.
    pub images: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    codec: String,
    source: String,
    dataset: String,
    images: usize,
    bpp: Vec<f64>,
    psnr: Vec<f64>,
}

impl Anchor {
    /// Reads an anchor from JSON: `codec`, `source`, `dataset`, `images`, and the equally long
    /// lists `bpp` and `psnr`.
    ///
    /// # Errors
    /// [`EvalError::Json`] if the text does not have that form, [`EvalError::Curve`] if the points
    /// are not a curve.
    pub fn from_json(text: &str) -> Result<Self, EvalError> {
        let file: File = serde_json::from_str(text)
            .map_err(|e| EvalError::Json { what: "an anchor".into(), reason: e.to_string() })?;
        if file.bpp.len() != file.psnr.len() {
            return Err(EvalError::Curve {
                name: file.codec,
                reason: format!("it has {} rates and {} PSNR values", file.bpp.len(), file.psnr.len()),
            });
        }
        let points = file.bpp.iter().zip(&file.psnr).map(|(&bpp, &psnr)| Point { bpp, psnr }).collect();
        Ok(Self {
            curve: Curve::new(file.codec, points)?,
            source: file.source,
            dataset: file.dataset,
            images: file.images,
        })
    }
}

/// The curve of the anchor with this name.
///
/// # Errors
/// [`EvalError::UnknownAnchor`] if no anchor has that name; the message lists [`NAMES`].
pub fn get(name: &str) -> Result<Curve, EvalError> {
    match NAMES.iter().position(|n| *n == name) {
        Some(i) => Ok(Anchor::from_json(FILES[i])?.curve),
        None => Err(EvalError::UnknownAnchor { name: name.into(), known: NAMES }),
    }
}

/// All anchors, in the order of [`NAMES`].
///
/// # Errors
/// Fails as [`Anchor::from_json`] does; a test shows that this does not happen.
pub fn all() -> Result<Vec<Anchor>, EvalError> {
    FILES.iter().map(|text| Anchor::from_json(text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_anchor_reads_and_bears_its_name() {
        let names: Vec<String> = all().unwrap().iter().map(|a| a.curve.name().to_owned()).collect();
        assert_eq!(names, NAMES);
        assert!(all().unwrap().iter().all(|a| a.images == 24 && a.dataset == "Kodak" && !a.source.is_empty()));
    }

    #[test]
    fn kodak_is_told_by_all_its_names() {
        let files = |last: u32| (1..=last).map(|i| PathBuf::from(format!("Kodak/KODIM{i:02}.png"))).collect::<Vec<_>>();
        assert!(is_kodak(&files(24)));
        assert!(!is_kodak(&files(23)) && !is_kodak(&files(25)) && !is_kodak(&[]));
    }

    #[test]
    fn unknown_name_lists_the_known_ones() {
        let message = get("h261").unwrap_err().to_string();
        assert!(message.contains("'h261'") && message.contains("vtm-22.0"), "{message}");
    }

    #[test]
    fn bad_files_are_refused() {
        let text = r#"{"codec":"x","source":"s","dataset":"d","images":1,"bpp":[0.1,0.2],"psnr":[30.0]}"#;
        assert!(matches!(Anchor::from_json(text), Err(EvalError::Curve { .. })));
        assert!(matches!(Anchor::from_json("{}"), Err(EvalError::Json { .. })));
    }
}
