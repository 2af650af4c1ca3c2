//! MS-SSIM against values of an independent implementation (pytorch-msssim 1.0.0 in double
//! precision, data range 255), and SSIMULACRA 2 against those of
//! another (fast-ssim2 0.9.1).

use heirloom_eval::{EvalError, ms_ssim};

/// A smooth image by formula, so that another program can make the same one.
fn image(width: usize, height: usize) -> Vec<u8> {
    samples(width, height, |x, y, c| {
        let wave = |v: usize, period: usize| (v % (2 * period)).abs_diff(period) * 255 / period;
        (wave(x * (c + 2) + y, 97) * 2 + wave(x + 3 * y, 61 + 10 * c)) / 3
    })
}

fn samples(width: usize, height: usize, value: impl Fn(usize, usize, usize) -> usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            out.extend((0..3).map(|c| value(x, y, c).min(255) as u8));
        }
    }
    out
}

/// Adds `strength` · (noise in -11..=11) / 4 to every sample.
fn noisy(image: &[u8], width: usize, strength: i64) -> Vec<u8> {
    image
        .iter()
        .enumerate()
        .map(|(i, &v)| {
            let (x, y, c) = ((i / 3) % width, i / 3 / width, i % 3);
            let noise = ((x * 7919 + y * 104_729 + c * 31) % 23) as i64 - 11;
            (i64::from(v) + strength * noise / 4).clamp(0, 255) as u8
        })
        .collect()
}

#[test]
fn equals_an_independent_implementation() {
    // width, height, strength of the noise, expected
    for (width, height, strength, expected) in [
        (256, 192, 4, 0.989682178),
        (256, 192, 17, 0.908301515),
        (256, 192, 60, 0.665194335),
        (180, 165, 4, 0.989598277),
        (180, 165, 17, 0.907598031),
        (180, 165, 60, 0.663382019),
        (203, 331, 4, 0.989631472),
        (203, 331, 17, 0.907946318),
        (203, 331, 60, 0.664368968),
    ] {
        let original = image(width, height);
        let found = ms_ssim(&original, &noisy(&original, width, strength), width, height).unwrap();
        assert!((found - expected).abs() < 1e-6, "{width}×{height}, noise {strength}: {found}, expected {expected}");
    }
}

#[test]
fn equal_images_are_one() {
    let original = image(176, 176);
    assert!((ms_ssim(&original, &original, 176, 176).unwrap() - 1.0).abs() < 1e-12);
}

#[test]
fn an_inverted_image_is_zero() {
    let original = image(176, 176);
    let inverted: Vec<u8> = original.iter().map(|v| 255 - v).collect();
    assert_eq!(ms_ssim(&original, &inverted, 176, 176), Ok(0.0));
}

#[test]
fn refuses_what_it_cannot_measure() {
    let small = vec![0; 3 * 160 * 200];
    assert_eq!(
        ms_ssim(&small, &small, 160, 200),
        Err(EvalError::TooSmall { metric: "MS-SSIM", least: 161, found: 160 })
    );
    assert!(matches!(ms_ssim(&small, &small[3..], 160, 200), Err(EvalError::Shape { .. })));
    assert!(matches!(ms_ssim(&small, &small, usize::MAX, 2), Err(EvalError::Shape { .. })));
}

#[cfg(feature = "ssimulacra2")]
#[test]
fn ssimulacra2_equals_another_implementation() {
    use heirloom_eval::ssimulacra2;

    for (width, height, strength, expected) in
        [(256, 200, 1, 96.3797), (256, 200, 4, 83.3057), (191, 161, 12, 53.0027), (320, 256, 30, 4.1112)]
    {
        let original = image(width, height);
        let found = ssimulacra2(&original, &noisy(&original, width, strength), width, height).unwrap();
        assert!((found - expected).abs() < 0.05, "{width}×{height}, noise {strength}: {found}, expected {expected}");
    }
    let original = image(64, 48);
    assert!((ssimulacra2(&original, &original, 64, 48).unwrap() - 100.0).abs() < 1e-3);
    assert!(matches!(ssimulacra2(&original, &original[3..], 64, 48), Err(EvalError::Shape { .. })));
    assert!(matches!(ssimulacra2(&original, &original, 7, 48), Err(EvalError::TooSmall { found: 7, .. })));
}
