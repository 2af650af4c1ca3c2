//! Settings that change with the step: learning rate, decay of the average, quantisation, batch
//! shape.

use heirloom_format::container::CANVAS_UNIT;

use super::config::Config;
use crate::{data::sampler::BatchShape, model::quantise::Quantise};

/// Learning rate of `step` (0 is the first): linear warm-up, constant, then a cosine down to
/// `final_ratio`.
#[must_use]
pub fn learning_rate(config: &Config, step: u64) -> f64 {
    let warm = if config.warmup_steps == 0 { 1.0 } else { ((step + 1) as f64 / config.warmup_steps as f64).min(1.0) };
    let begin = (config.hold * config.steps as f64).max(config.warmup_steps as f64);
    let done = ((step as f64 - begin) / (config.steps as f64 - begin).max(1.0)).clamp(0.0, 1.0);
    let cosine = 0.5 * (1.0 + (std::f64::consts::PI * done).cos());
    config.learning_rate * warm * (config.final_ratio + (1.0 - config.final_ratio) * cosine)
}

/// Decay of the averaged weights at `step`.
#[must_use]
pub fn ema_decay(config: &Config, step: u64) -> f64 {
    config.ema_decay * (1.0 - (-((step + 1) as f64) / config.ema_warmup).exp())
}

/// Quantisation of the latents of `step`: noise; in the last `rounded` share of the steps, the
/// branches see rounded latents.
#[must_use]
pub fn quantise(config: &Config, step: u64) -> Quantise<'static> {
    let seed = config.seed;
    if is_in_last(config.rounded, config, step) {
        Quantise::Mixed { seed, step }
    } else {
        Quantise::Noise { seed, step }
    }
}

/// Whether the network computes with rounded weights at `step`.
#[must_use]
pub fn rounds_weights(config: &Config, step: u64) -> bool {
    is_in_last(config.rounded_weights, config, step)
}

/// Whether `step` is in the last `share` of the steps.
fn is_in_last(share: f64, config: &Config, step: u64) -> bool {
    step as f64 >= (1.0 - share) * config.steps as f64
}

/// Shape of the new part of the batch of `step`.
#[must_use]
pub fn shape(config: &Config, step: u64) -> BatchShape {
    let replayed = |batch| config.learn.as_ref().map_or(0, |learn| learn.replayed(batch));
    part(config, step, |batch| batch - replayed(batch))
}

/// Shape of the replayed part of the batch of `step`.
#[must_use]
pub fn replayed_shape(config: &Config, step: u64) -> BatchShape {
    part(config, step, |batch| config.learn.as_ref().map_or(0, |learn| learn.replayed(batch)))
}

/// Shape of the part `of(batch)` of each batch.
fn part(config: &Config, step: u64, of: impl Fn(usize) -> usize) -> BatchShape {
    let mut samples_before = 0;
    for (i, phase) in config.phases.iter().enumerate() {
        let end = config.phases.get(i + 1).map_or(u64::MAX, |next| next.from_step);
        if step < end {
            samples_before += (step - phase.from_step.min(step)) * of(phase.batch) as u64;
            return BatchShape { crop: phase.crop, batch: of(phase.batch), samples_before };
        }
        samples_before += (end - phase.from_step) * of(phase.batch) as u64;
    }
    // Unreachable: the configuration's check requires a phase.
    BatchShape { crop: CANVAS_UNIT, batch: of(1), samples_before: step }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trainer::{
        config::Phase,
        learn_config::{LearnConfig, ReplayKind, Strategy},
    };

    #[test]
    fn the_rate_rises_holds_and_falls() {
        let config = Config {
            steps: 1000,
            warmup_steps: 10,
            hold: 0.5,
            final_ratio: 0.1,
            learning_rate: 1.0,
            ..Config::default()
        };
        assert!((learning_rate(&config, 0) - 0.1).abs() < 1e-12);
        assert_eq!(learning_rate(&config, 9), 1.0);
        assert_eq!(learning_rate(&config, 500), 1.0);
        assert!((learning_rate(&config, 750) - 0.55).abs() < 1e-12);
        assert!((learning_rate(&config, 999) - 0.1).abs() < 1e-4);
        assert!((learning_rate(&config, 5000) - 0.1).abs() < 1e-12);
    }

    #[test]
    fn latents_are_rounded_in_the_last_steps_only() {
        let config = Config { steps: 100, rounded: 0.25, ..Config::default() };
        let mixed = |step| matches!(quantise(&config, step), Quantise::Mixed { .. });
        assert!(!mixed(0) && !mixed(74) && mixed(75) && mixed(99));
        assert!(matches!(quantise(&Config::default(), 499_999), Quantise::Noise { .. }));
        let config = Config { steps: 100, rounded_weights: 0.25, ..Config::default() };
        assert!(!rounds_weights(&config, 74) && rounds_weights(&config, 75) && !mixed(0));
    }

    #[test]
    fn phases_count_their_samples() {
        let phase = |from_step, crop, batch| Phase { from_step, crop, batch };
        let config =
            Config { phases: vec![phase(0, 64, 8), phase(10, 128, 4), phase(20, 256, 2)], ..Config::default() };
        assert_eq!(shape(&config, 0), BatchShape { crop: 64, batch: 8, samples_before: 0 });
        assert_eq!(shape(&config, 9), BatchShape { crop: 64, batch: 8, samples_before: 72 });
        assert_eq!(shape(&config, 10), BatchShape { crop: 128, batch: 4, samples_before: 80 });
        assert_eq!(shape(&config, 25), BatchShape { crop: 256, batch: 2, samples_before: 130 });
    }

    #[test]
    fn new_and_replayed_images_share_a_batch() {
        let learn = LearnConfig {
            strategy: Strategy::Replay,
            from: heirloom_codec::model::GenerationId([0; 32]),
            ancestors: vec![],
            replay: Some(ReplayKind::Images),
            replay_share: 0.75,
        };
        let phases = vec![Phase { from_step: 0, crop: 64, batch: 8 }, Phase { from_step: 10, crop: 128, batch: 4 }];
        let config = Config { phases, learn: Some(learn), ..Config::default() };
        config.check().unwrap();
        assert_eq!(shape(&config, 11), BatchShape { crop: 128, batch: 1, samples_before: 21 });
        assert_eq!(replayed_shape(&config, 11), BatchShape { crop: 128, batch: 3, samples_before: 63 });
    }
}
