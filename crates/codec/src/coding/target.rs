//! Encoding to a given size or quality: the search for λ.

use super::options::Target;
use super::pixels::{Rows, Window};
use super::{DecodeOptions, Effort, EncodeError, EncodeOptions, EncodeSummary, Lossless, Model, lossless, safety_net};
use crate::image::Image;
use crate::model::LambdaRange;

/// A file that was encoded for a target.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Targeted {
    /// The file.
    pub bytes: Vec<u8>,
    /// Facts about it.
    pub summary: EncodeSummary,
    /// The λ that was found.
    pub lambda: f32,
    /// How many times the whole image was encoded.
    pub passes: usize,
}

/// A size is met from this share of it on: nothing is gained by another pass.
const SIZE_MET: f64 = 0.98;
/// The share of a size that a pass aims at, so that a small error does not exceed it.
const SIZE_AIM: f64 = 0.992;
/// A PSNR is met up to this many dB above it.
const PSNR_MET: f64 = 0.08;
/// What a pass aims at above a PSNR, in dB.
const PSNR_AIM: f64 = 0.03;
/// Where a search with effort begins: so much above the log2 λ that was found without.
const EFFORT_GAIN: f64 = 0.1;
/// How many times as long as the lossless stream that is kept the quick one may be; see
/// [`lossless::quick_bytes`].
const QUICK_FACTOR: u64 = 4;
/// Most passes over the whole image.
const MOST_PASSES: usize = 10;

/// Logarithm of bits per pixel of photographs by the default model, for log2 λ = 3, 5, 7 … 13: where
/// a search begins.
const TYPICAL: [(f64, f64); 6] = [(3.0, -3.9), (5.0, -2.6), (7.0, -1.3), (9.0, -0.3), (11.0, 0.6), (13.0, 1.4)];

impl Target {
    /// What a trial has of the searched quantity, on a scale on which it is nearly linear in log λ.
    fn value(self, bytes: u64, summary: &EncodeSummary) -> f64 {
        match self {
            Self::Bytes(_) => (bytes.max(1) as f64).log2(),
            Self::Psnr(_) => psnr(summary),
        }
    }

    fn allows(self, value: f64) -> bool {
        match self {
            Self::Bytes(bytes) => value <= (bytes as f64).log2(),
            Self::Psnr(psnr) => value >= psnr,
        }
    }

    fn is_met(self, value: f64) -> bool {
        match self {
            Self::Bytes(bytes) => self.allows(value) && value >= (SIZE_MET * bytes as f64).log2(),
            Self::Psnr(psnr) => self.allows(value) && value <= psnr + PSNR_MET,
        }
    }

    fn aim(self) -> f64 {
        match self {
            Self::Bytes(bytes) => (SIZE_AIM * bytes as f64).log2(),
            Self::Psnr(psnr) => psnr + PSNR_AIM,
        }
    }

    /// How much the value grows with log2 λ, before anything is known of the image.
    fn typical_slope(self) -> f64 {
        match self {
            Self::Bytes(_) => 0.5,
            Self::Psnr(_) => 1.6,
        }
    }
}

/// PSNR in dB of 8-bit samples; infinite without any error.
fn psnr(summary: &EncodeSummary) -> f64 {
    summary.mean_squared_error.map_or(f64::NAN, |error| 10.0 * (255.0 * 255.0 / error).log10())
}

/// What is known of a quantity that grows with log2 λ.
struct Search {
    /// Trials as (log2 λ, value), in the order of λ.
    trials: Vec<(f64, f64)>,
    /// Lowest and highest log2 λ.
    range: (f64, f64),
    slope: f64,
}

impl Search {
    fn note(&mut self, at: f64, value: f64) {
        let position = self.trials.partition_point(|&(other, _)| other < at);
        self.trials.insert(position, (at, value));
    }

    /// The next log2 λ to try for a value, `None` if there is no other.
    fn next(&self, aim: f64) -> Option<f64> {
        let (low, high) = self.range;
        let above = self.trials.iter().position(|&(_, value)| value >= aim);
        let (left, right) = match above {
            None => (self.trials.last().copied(), None),
            Some(0) => (None, self.trials.first().copied()),
            Some(i) => (Some(self.trials[i - 1]), Some(self.trials[i])),
        };
        let slope = self.known_slope().unwrap_or(self.slope);
        let guess = match (left, right) {
            (Some((a, va)), Some((b, vb))) if vb > va => {
                // By the straight line, but never so near to one end that nothing new is learnt.
                let share = ((aim - va) / (vb - va)).clamp(0.02, 0.98);
                a + (b - a) * share
            }
            (Some((a, _)), Some((b, _))) => f64::midpoint(a, b),
            (Some((at, value)), None) | (None, Some((at, value))) => at + (aim - value) / slope,
            (None, None) => return None,
        };
        let guess = guess.clamp(low, high);
        let known = self.trials.iter().any(|&(at, _)| (at - guess).abs() < 1e-3);
        (!known).then_some(guess)
    }

    /// Slope between the two trials that are furthest apart.
    fn known_slope(&self) -> Option<f64> {
        let (&(a, va), &(b, vb)) = (self.trials.first()?, self.trials.last()?);
        let slope = (vb - va) / (b - a);
        (b - a > 0.05 && slope.is_finite() && slope > 0.1 * self.slope).then_some(slope)
    }
}

impl Model {
    /// Encodes an image so that a target is met: a size is never exceeded and a PSNR never missed,
    /// and the best λ for it is found as far as the range of λ allows. λ of the options does not
    /// count.
    ///
    /// The search begins with the middle of the image, so that the whole is encoded twice or three
    /// times in most cases. A size that is larger than the file of the highest λ gives a lossless file
    /// if there is room for it, and otherwise that file.
    ///
    /// # Errors
    /// [`EncodeError::Target`] if a size is below what the lowest λ takes, or a PSNR above what the
    /// highest reaches; those of [`Self::encode`]. A PSNR is not measured with
    /// [`Lossless::Never`].
    pub fn encode_to(&self, image: &Image, target: Target, options: &EncodeOptions) -> Result<Targeted, EncodeError> {
        if let Target::Psnr(psnr) = target
            && !psnr.is_finite()
        {
            return Err(EncodeError::Target { target, reached: f64::NAN });
        }
        let mut options = *options;
        if options.lossless == Lossless::Never && matches!(target, Target::Psnr(_)) {
            options.lossless = Lossless::WhereBetter;
        }
        if options.effort == Effort::default() {
            return self.search(image, target, &options, self.first_guess(image, target, &options)?);
        }
        // Searched without effort first: λ is nearly the same, and steps are spent on few files.
        let plain_options = EncodeOptions { effort: Effort::default(), ..options };
        let plain = match self.encode_to(image, target, &plain_options) {
            // It may be just within reach.
            Err(EncodeError::Target { .. }) => {
                return self.search(image, target, &options, self.first_guess(image, target, &plain_options)?);
            }
            other => other?,
        };
        if plain.summary.lossless_tiles == plain.summary.tiles {
            return Ok(plain);
        }
        let begin = (f64::from(plain.lambda).log2() + EFFORT_GAIN, target.typical_slope());
        let refined = match self.search(image, target, &options, begin) {
            Err(EncodeError::Target { .. }) => return Ok(plain),
            other => other?,
        };
        let passes = plain.passes + refined.passes;
        // Size is not a smooth function of λ where steps are spent, so the plain file may be nearer to
        // the target.
        let is_better = match target {
            Target::Bytes(_) => self.error_of(&refined, image) < self.error_of(&plain, image),
            Target::Psnr(_) => refined.bytes.len() < plain.bytes.len(),
        };
        Ok(Targeted { passes, ..if is_better { refined } else { plain } })
    }

    /// Mean squared error of what a decoder shows, of samples in [-1, 1].
    fn error_of(&self, found: &Targeted, image: &Image) -> f64 {
        let unbounded = DecodeOptions { max_memory: u64::MAX, ..DecodeOptions::default() };
        // What has just been encoded can be decoded; if not, the other file is the better one.
        self.decode(&found.bytes, &unbounded).map_or(f64::INFINITY, |shown| safety_net::error(image, &shown))
    }

    /// The range of λ, and of its binary logarithm.
    fn searched_range(&self) -> (LambdaRange, (f64, f64)) {
        let lambda = self.metadata.lambda.encoder;
        (lambda, (f64::from(lambda.low).log2(), f64::from(lambda.high).log2()))
    }

    /// Searches from a log2 λ and a slope of the value on.
    fn search(
        &self,
        image: &Image,
        target: Target,
        options: &EncodeOptions,
        (begin, slope): (f64, f64),
    ) -> Result<Targeted, EncodeError> {
        let mut options = *options;
        let asked = options.lossless;
        let (lambda_range, range) = self.searched_range();
        let lambda_of = |at: f64| (at.exp2() as f32).clamp(lambda_range.low, lambda_range.high);
        let mut search = Search { trials: Vec::new(), range, slope };
        let mut at = begin.clamp(range.0, range.1);
        let mut best: Option<Targeted> = None;
        for pass in 1..=MOST_PASSES {
            options.lambda = lambda_of(at);
            let (bytes, summary) = self.encode_with_summary(image, &options)?;
            let value = target.value(bytes.len() as u64, &summary);
            search.note(at, value);
            let lossless_tiles = summary.lossless_tiles;
            let is_better = best.as_ref().is_none_or(|best| match target {
                Target::Bytes(_) => match (summary.mean_squared_error, best.summary.mean_squared_error) {
                    (Some(error), Some(best)) => error < best,
                    _ => bytes.len() > best.bytes.len(),
                },
                Target::Psnr(_) => bytes.len() < best.bytes.len(),
            });
            if target.allows(value) && is_better {
                best = Some(Targeted { bytes, summary, lambda: options.lambda, passes: pass });
            }
            if target.is_met(value) || options.lossless == Lossless::Always {
                break;
            }
            if lossless_tiles == 0 && matches!(target, Target::Bytes(_)) {
                // At a λ nearby no tile will be stored without loss either, so that the encoder need
                // not look at its work again.
                options.lossless = Lossless::Never;
            }
            let Some(next) = search.next(target.aim()) else { break };
            at = next;
        }
        let passes = search.trials.len();
        if let (Target::Bytes(most), Some(found)) = (target, &best)
            && asked == Lossless::WhereBetter
            && found.summary.lossless_tiles < found.summary.tiles
        {
            // The network may do no better although there is room for more, and a graphic may fit without
            // any loss.
            let no_better = found.lambda >= lambda_range.high
                && !target.is_met(target.value(found.bytes.len() as u64, &found.summary));
            let may_fit = |quick: usize| quick as u64 <= QUICK_FACTOR * most;
            if no_better || lossless::quick_bytes(&image.clone().split_alpha().0).is_some_and(may_fit) {
                options.lossless = Lossless::Always;
                let (bytes, summary) = self.encode_with_summary(image, &options)?;
                if bytes.len() as u64 <= most {
                    return Ok(Targeted { bytes, summary, lambda: options.lambda, passes: passes + 1 });
                }
            }
        }
        if best.is_none() && asked == Lossless::WhereBetter && matches!(target, Target::Bytes(_)) {
            // Whoever asks for few bytes wants them rather than a part without loss.
            let plain = EncodeOptions { lossless: Lossless::Never, ..options };
            return self.search(image, target, &plain, (begin, slope));
        }
        let values = search.trials.iter().map(|&(_, value)| value);
        let reached = match target {
            Target::Bytes(_) => values.fold(f64::INFINITY, f64::min).exp2(),
            Target::Psnr(_) => values.fold(f64::NEG_INFINITY, f64::max),
        };
        best.map(|best| Targeted { passes, ..best }).ok_or(EncodeError::Target { target, reached })
    }

    /// Where to begin, by encoding the middle quarter of the image twice: log2 λ, and the slope of
    /// the value there.
    fn first_guess(&self, image: &Image, target: Target, options: &EncodeOptions) -> Result<(f64, f64), EncodeError> {
        let (_, range) = self.searched_range();
        let (width, height) = ((image.width() / 2).max(1), (image.height() / 2).max(1));
        let channels = image.format().channels();
        let rows = Rows { samples: image.samples().clone(), stride: image.width() as usize * channels };
        let window = Window {
            x: (image.width() - width) as usize / 2 * channels,
            y: (image.height() - height) as usize / 2,
            width: width as usize * channels,
            height: height as usize,
        };
        let middle = Image::from_samples(width, height, image.format(), rows.cut(window))?;
        let share = f64::from(width) * f64::from(height) / (f64::from(image.width()) * f64::from(image.height()));
        let metadata = &image.metadata;
        let fixed = [&metadata.icc, &metadata.exif, &metadata.xmp].into_iter().flatten().map(Vec::len).sum::<usize>();
        let mut search = Search { trials: Vec::new(), range, slope: target.typical_slope() };
        let mut at = match target {
            Target::Bytes(bytes) => {
                let pixels = f64::from(image.width()) * f64::from(image.height());
                typical((bytes as f64 * 8.0 / pixels).log2())
            }
            Target::Psnr(psnr) => 8.0 + (psnr - 31.0) / target.typical_slope(),
        };
        let mut options = *options;
        if matches!(target, Target::Bytes(_)) && options.lossless == Lossless::WhereBetter {
            options.lossless = Lossless::Never;
        }
        for _ in 0..2 {
            at = at.clamp(range.0, range.1);
            options.lambda = (at.exp2() as f32).clamp(range.0.exp2() as f32, range.1.exp2() as f32);
            let (bytes, summary) = self.encode_with_summary(&middle, &options)?;
            let bytes = (bytes.len() as f64 / share) as u64 + fixed as u64;
            search.note(at, target.value(bytes, &summary));
            match search.next(target.aim()) {
                Some(next) => at = next,
                None => break,
            }
        }
        let slope = search.known_slope().unwrap_or(search.slope);
        Ok((at, slope))
    }
}

/// log2 λ at which photographs have 2^`log_bits` bits per pixel.
fn typical(log_bits: f64) -> f64 {
    let next = TYPICAL.partition_point(|&(_, bits)| bits < log_bits).clamp(1, TYPICAL.len() - 1);
    let ((a, bits_a), (b, bits_b)) = (TYPICAL[next - 1], TYPICAL[next]);
    a + (b - a) * (log_bits - bits_a) / (bits_b - bits_a)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a function that grows with log2 λ; returns the number of trials and the last value.
    fn trials(target: Target, f: impl Fn(f64) -> f64) -> (usize, f64) {
        let mut search = Search { trials: Vec::new(), range: (2.0, 12.0), slope: target.typical_slope() };
        let mut at = 7.0;
        loop {
            let value = f(at);
            search.note(at, value);
            if target.is_met(value) || search.trials.len() > 20 {
                return (search.trials.len(), value);
            }
            match search.next(target.aim()) {
                Some(next) => at = next,
                None => return (search.trials.len(), value),
            }
        }
    }

    #[test]
    fn smooth_curves_take_few_trials() {
        for kilobytes in [4, 10, 40, 100, 150] {
            let target = Target::Bytes(kilobytes * 1000);
            let (count, value) = trials(target, |at| 10.0 + 0.9 * at - 0.02 * at * at);
            assert!(target.is_met(value) && count <= 6, "{kilobytes} kB: {count} trials, {value}");
        }
        for psnr in [27.0, 31.5, 37.0] {
            let target = Target::Psnr(psnr);
            let (count, value) = trials(target, |at| 22.0 + 2.2 * at - 0.05 * at * at);
            assert!(target.is_met(value) && count <= 6, "{psnr} dB: {count} trials, {value}");
        }
    }

    #[test]
    fn jumps_and_ends_of_the_range_end_the_search() {
        // A size that a jump leaves out.
        let (count, _) = trials(Target::Bytes(3000), |at| if at < 6.3 { 10.0 } else { 13.0 });
        assert!(count <= 21);
        // Beyond either end.
        assert!(trials(Target::Bytes(10), |at| 10.0 + at).0 <= 3);
        assert!(trials(Target::Bytes(1 << 40), |at| 10.0 + at).0 <= 3);
        assert!((typical(-1.3) - 7.0).abs() < 1e-9 && typical(5.0) > 13.0 && typical(-9.0) < 3.0);
    }
}
