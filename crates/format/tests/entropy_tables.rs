//! The committed integers are those of the generator, are consistent, and are close to the
//! Gaussian.
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../examples/make_tables/generator.rs"]
#[allow(dead_code)]
mod generator;

use generator::{bin, erfc, log_scale, upper_tail};
use heirloom_format::entropy::{SCALES, estimated_bits, frequencies, scale_index, scale_indices, tables_hash};

#[test]
fn committed_source_is_generated() {
    let committed = include_str!("../src/entropy/tables_data.rs");
    assert_eq!(generator::source(&generator::generate()), committed);
}

#[test]
fn the_specification_states_the_hash() {
    let hash: String = tables_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let specification = include_str!("../../../docs/FORMAT.md");
    assert!(specification.contains(&hash), "docs/FORMAT.md must state the hash {hash}");
}

#[test]
fn the_specification_lists_the_thresholds() {
    let specification = include_str!("../../../docs/FORMAT.md");
    for threshold in generator::generate().thresholds {
        let hex = format!("{threshold:08x}");
        assert!(specification.contains(&hex), "docs/FORMAT.md must list the threshold {hex}");
    }
    for index in 0..SCALES {
        let row: Vec<String> = frequencies(index).unwrap().iter().map(u16::to_string).collect();
        let row = format!("{}: {}", index, row.join(" "));
        assert!(specification.contains(&row), "docs/FORMAT.md must list the row `{row}`");
    }
}

#[test]
fn frequencies_are_positive_and_sum_to_the_total() {
    for index in 0..SCALES {
        let table = frequencies(index).unwrap();
        assert!(table.iter().all(|f| *f >= 1), "scale {index}");
        assert!(table.windows(2).all(|pair| pair[0] >= pair[1]), "scale {index} is not unimodal");
        let sum = u32::from(table[0]) + 2 * table[1..].iter().map(|f| u32::from(*f)).sum::<u32>();
        assert_eq!(sum, 1 << 16, "scale {index}");
    }
    assert!(frequencies(SCALES).is_none());
}

#[test]
fn erfc_has_reference_values() {
    // Values from arbitrary-precision arithmetic.
    for (x, expected) in [
        (0.0, 1.0),
        (0.5, 0.479_500_122_186_953_5),
        (1.0, 0.157_299_207_050_285_13),
        (1.5, 0.033_894_853_524_689_274),
        (2.0, 0.004_677_734_981_047_266),
        (2.5, 4.069_520_174_449_589e-4),
        (3.0, 2.209_049_699_858_544e-5),
        (5.0, 1.537_459_794_428_035e-12),
    ] {
        let got = erfc(x);
        assert!((got / expected - 1.0).abs() < 1e-13, "erfc({x}) = {got:e}, expected {expected:e}");
    }
}

/// Expected bits per symbol of a Gaussian of standard deviation `sigma`: ideal, and with the given
/// table.
fn costs(sigma: f64, index: usize) -> (f64, f64) {
    let (mut ideal, mut real) = (0.0, 0.0);
    for k in 0..(14.0 * sigma).ceil() as u32 + 2 {
        let p = if k == 0 { bin(0, sigma) } else { 2.0 * bin(k, sigma) };
        if p > 0.0 {
            let one = if k == 0 { p } else { 0.5 * p };
            ideal -= p * one.log2();
            real += p * estimated_bits(&[k as i32], &[index as u8]).unwrap();
        }
    }
    (ideal, real)
}

#[test]
fn tables_are_close_to_their_own_gaussian() {
    for index in 0..SCALES {
        let (ideal, real) = costs(log_scale(index as f64).exp(), index);
        let excess = real - ideal;
        assert!((0.0..1.0e-4).contains(&excess), "scale {index}: {excess:e} bit per symbol");
    }
}

/// Mean and largest relative loss over log-uniform scales between two bounds, and the largest loss
/// in bits.
fn losses(low: f64, high: f64) -> (f64, f64, f64) {
    let (mut all_ideal, mut all_real, mut worst, mut worst_bits) = (0.0, 0.0, 0.0f64, 0.0f64);
    for step in 0..=1000 {
        let sigma = low * (high / low).powf(f64::from(step) / 1000.0);
        let raw = generator::raw_of_log_scale(sigma.ln().max(-2.299_999)) as f32;
        let (ideal, real) = costs(sigma, usize::from(scale_index(raw)));
        worst = worst.max(real / ideal - 1.0);
        worst_bits = worst_bits.max(real - ideal);
        all_ideal += ideal;
        all_real += real;
    }
    (all_real / all_ideal - 1.0, worst, worst_bits)
}

#[test]
fn any_scale_is_coded_with_little_loss() {
    let (mean, _, worst_bits) = losses(0.1, 20.0);
    assert!(mean < 5e-4 && worst_bits < 0.003, "all scales: {mean:e}, {worst_bits:e} bit");
    let (mean, worst, _) = losses(0.5, 20.0);
    assert!(mean < 4e-4 && worst < 3e-3, "from 0.5: {mean:e}, {worst:e}");
    // Below, neighbouring scales differ by much in the probability of a non-zero value, and at last
    // the floor of one count in 2^16 is many times the (vanishing) information; the loss in bits is
    // what matters.
    let (mean, _, worst_bits) = losses(0.2, 0.5);
    assert!(mean < 3e-3 && worst_bits < 2.5e-3, "0.2 to 0.5: {mean:e}, {worst_bits:e} bit");
    let (_, _, worst_bits) = losses(0.1, 0.2);
    assert!(worst_bits < 1e-3, "0.1 to 0.2: {worst_bits:e} bit");
}

#[test]
fn scale_index_is_the_nearest_scale() {
    let nearest = |raw: f64| {
        let log_sigma = (raw + 2.3).exp().ln_1p() - 2.3;
        let index = (log_sigma - log_scale(0.0)) / (log_scale(1.0) - log_scale(0.0));
        index.clamp(0.0, 63.0)
    };
    for step in -120_000..120_000 {
        let raw = step as f32 / 15_000.0;
        let exact = nearest(f64::from(raw));
        let got = f64::from(scale_index(raw));
        assert!((got - exact).abs() < 0.500_01, "raw {raw}: {got} instead of {exact}");
    }
}

#[test]
fn scale_index_at_the_thresholds_and_at_odd_values() {
    for (index, bits) in generator::generate().thresholds.into_iter().enumerate() {
        let threshold = f32::from_bits(bits);
        assert_eq!(usize::from(scale_index(threshold)), index + 1);
        assert_eq!(usize::from(scale_index(threshold.next_down())), index);
    }
    assert_eq!(scale_index(f32::NAN), 0);
    assert_eq!(scale_index(-f32::NAN), 0);
    assert_eq!(scale_index(f32::NEG_INFINITY), 0);
    assert_eq!(scale_index(f32::MIN), 0);
    assert_eq!(scale_index(f32::INFINITY), 63);
    assert_eq!(scale_index(f32::MAX), 63);
    let mut indices = [9; 3];
    scale_indices(&[-9.0, 9.0], &mut indices);
    assert_eq!(indices, [0, 63, 9]);
}

#[test]
fn tails_are_within_one_count() {
    for index in 0..SCALES {
        let radius = frequencies(index).unwrap().len() as f64 - 2.0;
        let beyond = upper_tail(radius + 0.5, log_scale(index as f64).exp()) * 65_536.0;
        assert!(beyond <= 1.0, "scale {index}: {beyond} counts beyond the radius");
    }
}
