//! The committed integers are what the generator gives, are consistent, and come close to the Gaussian.

#[path = "../examples/make_tables/generator.rs"]
#[allow(dead_code)]
mod generator;

use generator::{bin, erfc, log_scale, upper_tail};
use heirloom_codec::entropy::{SCALES, estimated_bits, frequencies, scale_index, scale_indices, tables_hash};

#[test]
fn committed_source_is_generated() {
    let committed = include_str!("../src/entropy/tables_data.rs");
    assert_eq!(generator::source(&generator::generate()), committed);
}

#[test]
fn hash_stands_in_the_specification() {
    let hash: String = tables_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let specification = include_str!("../../../docs/FORMAT.md");
    assert!(specification.contains(&hash), "docs/FORMAT.md must state the hash {hash}");
}

#[test]
fn thresholds_stand_in_the_specification() {
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
    // Abramowitz and Stegun, table 7.1 and 7.3, and values from arbitrary-precision arithmetic.
    for (x, expected) in [
        (0.0, 1.0),
        (0.5, 0.479_500_122_186_953_5),
        (1.0, 0.157_299_207_050_285_13),
        (1.999, 0.004_698_423_840_147_9),
        (2.0, 0.004_677_734_981_047_266),
        (3.0, 2.209_049_699_858_544e-5),
        (5.0, 1.537_459_794_428_035e-12),
    ] {
        let got = erfc(x);
        let tolerance = if x == 1.999 { 1e-9 } else { 1e-13 };
        assert!((got / expected - 1.0).abs() < tolerance, "erfc({x}) = {got:e}, expected {expected:e}");
    }
}

/// Expected bits per symbol of a Gaussian of standard deviation `sigma`: ideal, and with the given table.
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

#[test]
fn any_scale_is_coded_at_little_loss() {
    let (mut all_ideal, mut all_real) = (0.0, 0.0);
    for step in 0..2000 {
        let sigma = (0.1f64.ln() + f64::from(step) / 2000.0 * 200f64.ln()).exp();
        let raw = generator::raw_of_log_scale(sigma.ln().max(-2.299_999)) as f32;
        let (ideal, real) = costs(sigma, usize::from(scale_index(raw)));
        // At the smallest scales the floor of one count in 2^16 is many times the (vanishing) information.
        assert!(real - ideal < 0.004 * ideal + 1.2e-4, "sigma {sigma}: {ideal} against {real}");
        all_ideal += ideal;
        all_real += real;
    }
    let loss = all_real / all_ideal - 1.0;
    assert!(loss < 1.0e-3, "mean loss {loss}");
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
