//! The search for better symbols than the encoder's, on which [`Effort`](super::Effort) spends time.

use crate::coding::canvas::{CodedCanvas, Setting, Wanted};
use crate::coding::{EncodeError, EncodeOptions, Model};
use crate::model::LATENT_LEVELS;
use crate::network::{dequantise, quantise_residuals};
use crate::refine::{self, Branches, Canvas, FIRST};
use heirloom_format::container::CANVAS_UNIT;
use heirloom_kernels::Map;
use heirloom_kernels::product::Precision;

/// Codes a canvas once more, with symbols of z3 and z4 that the effort of `options` has found.
/// `residuals` are what the symbols of its plain coding were rounded from, `seen` are height and
/// width of what the canvas shows.
pub(super) fn refine(
    model: &Model,
    setting: Setting,
    image: &Map,
    seen: (usize, usize),
    residuals: [Map; LATENT_LEVELS],
    options: &EncodeOptions,
    wanted: Wanted,
) -> Result<CodedCanvas, EncodeError> {
    let Some(weights) = &model.weights else { return Err(EncodeError::NoEncoder) };
    let grid = (image.height / CANVAS_UNIT, image.width / CANVAS_UNIT);
    let [z1, z2, z3, z4] = residuals;
    let coarse = [z1, z2].map(|residuals| quantise_residuals(&residuals));
    let features = features(model, setting, grid, &coarse);
    let Setting { engine, lambda, add_on } = setting;
    let weights = weights.with_heads(add_on);
    let at = (engine, lambda, add_on);
    // Faster where the processor multiplies bf16, and what is found is as good.
    let branches = Branches::new(&model.network, &model.metadata.spec, &weights, at, Precision::Bf16)?;
    drop(weights);
    let canvas = Canvas { image, seen, features: features.each_ref(), lambda: setting.lambda };
    let report = |progress| options.progress.iter().for_each(|callback| (callback.0)(progress));
    let fine = refine::refine(&branches, &canvas, [z3, z4], options.effort.steps(), &report);
    drop((branches, features));
    let [z1, z2] = coarse;
    let [z3, z4] = fine.map(|residuals| quantise_residuals(&residuals));
    let symbols = [z1, z2, z3, z4];
    model.code_canvas(setting, grid, wanted, |level, walk, prior| {
        walk.correct(&symbols[level], prior);
        symbols[level].clone()
    })
}

/// The features of entropy and reconstruction branch before the first level that is refined.
fn features(model: &Model, setting: Setting, (height, width): (usize, usize), coarse: &[Vec<i32>; FIRST]) -> [Map; 2] {
    let mut entropy = model.entropy_walk(setting, height, width);
    let mut image = model.reconstruction_walk(setting, height, width);
    for symbols in coarse {
        let mut prior = entropy.prior();
        entropy.correct(symbols, &mut prior);
        let latent = dequantise(symbols, prior);
        entropy.absorb(&latent);
        image.merge(&latent, entropy.feature());
        image.rise();
        entropy.advance();
    }
    [entropy.feature().clone(), image.into_feature()]
}
