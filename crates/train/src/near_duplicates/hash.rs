//! A hash of an image's coarsest structure: the signs of its lowest frequencies.

use std::{f32::consts::PI, sync::LazyLock};

/// Cells across and down that are hashed.
pub const CELLS: usize = 16;
/// Frequencies across and down; the lowest of all, the mean, is left out.
const FREQUENCIES: usize = 8;

/// Signs of the 63 lowest frequencies of a discrete cosine transform, but for the mean: bit
/// 8 v + u for u half periods across and v down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hash(u64);

/// Frequencies with an odd number of half periods across.
const ODD_ACROSS: u64 = 0xAAAA_AAAA_AAAA_AAAA;

/// `BASIS[u][x]` = cos(π u (x + ½) / 16).
static BASIS: LazyLock<[[f32; CELLS]; FREQUENCIES]> = LazyLock::new(|| {
    std::array::from_fn(|u| std::array::from_fn(|x| (PI * u as f32 * (x as f32 + 0.5) / CELLS as f32).cos()))
});

impl Hash {
    /// The hash of an image whose cells have these mean values.
    #[must_use]
    pub fn of(cells: &[[f32; CELLS]; CELLS]) -> Self {
        let basis = &*BASIS;
        let mut bits = 0;
        for (u, across) in basis.iter().enumerate() {
            let mut column = [0.0; CELLS];
            for (sum, row) in column.iter_mut().zip(cells) {
                *sum = row.iter().zip(across).map(|(value, factor)| value * factor).sum();
            }
            for (v, down) in basis.iter().enumerate() {
                let coefficient: f32 = column.iter().zip(down).map(|(value, factor)| value * factor).sum();
                bits |= u64::from(coefficient > 0.0) << (FREQUENCIES * v + u);
            }
        }
        Self(bits & !1)
    }

    /// The hash of the image mirrored left to right.
    #[must_use]
    pub const fn mirrored(self) -> Self {
        Self(self.0 ^ ODD_ACROSS)
    }

    /// Number of signs that differ, 0 to 63; of unrelated images about 31.
    #[must_use]
    pub const fn distance(self, other: Self) -> u32 {
        (self.0 ^ other.0).count_ones()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;

    fn cells(seed: u64) -> [[f32; CELLS]; CELLS] {
        let mut random = Random::new(seed, 0, 0);
        std::array::from_fn(|_| std::array::from_fn(|_| 255.0 * random.unit()))
    }

    #[test]
    fn a_mirrored_image_has_the_mirrored_hash() {
        for seed in 0..20 {
            let image = cells(seed);
            let mirror = image.map(|mut row| {
                row.reverse();
                row
            });
            assert_eq!(Hash::of(&mirror), Hash::of(&image).mirrored());
            assert!(Hash::of(&mirror).distance(Hash::of(&image)) >= 30);
        }
    }

    #[test]
    fn brightness_and_contrast_change_no_sign_and_unrelated_images_differ_in_half_of_them() {
        let mut sum = 0;
        for seed in 0..20 {
            let image = cells(seed);
            let duller = image.map(|row| row.map(|v| 30.0 + 0.5 * v));
            assert!(Hash::of(&image).distance(Hash::of(&duller)) <= 1);
            sum += Hash::of(&image).distance(Hash::of(&cells(seed + 100)));
        }
        assert!((20 * 26..20 * 37).contains(&sum), "{sum}");
    }
}
