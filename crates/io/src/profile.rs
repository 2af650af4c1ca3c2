//! Colour: ICC profiles for what formats say in numbers, and CMYK as sRGB.

use std::borrow::Cow;

use heirloom_codec::image::Metadata;
use moxcms::{
    Chromaticity, CicpColorPrimaries, CicpProfile, ColorDateTime, ColorPrimaries, ColorProfile, DataColorSpace, Layout,
    MatrixCoefficients, ToneReprCurve, TransferCharacteristics, TransformOptions, XyY,
};

/// Chromaticities x, y of white, red, green, blue.
pub(crate) type Chromaticities = [(f64, f64); 4];

/// White, red, green and blue of sRGB.
const SRGB: Chromaticities = [(0.3127, 0.3290), (0.64, 0.33), (0.30, 0.60), (0.15, 0.06)];
/// What gamma and chromaticities may differ by and still mean sRGB.
const TOLERANCE: f64 = 0.005;
/// The gamma by which sRGB is written in PNG files.
const SRGB_GAMMA: f64 = 0.454_55;

/// A profile for samples that are light to the power of `gamma` (0.45455 for sRGB, 1 for linear
/// light), of primaries that are those of sRGB if they are not given; `None` if that is sRGB, or no
/// colour space.
pub(crate) fn of_gamma(gamma: Option<f64>, chromaticities: Option<Chromaticities>, grey: bool) -> Option<Vec<u8>> {
    let near = |a: f64, b: f64| (a - b).abs() <= TOLERANCE;
    let is_srgb_gamma = gamma.is_none_or(|gamma| near(gamma, SRGB_GAMMA));
    let space = chromaticities.unwrap_or(SRGB);
    let is_srgb_space = grey || space.iter().zip(SRGB).all(|(a, b)| near(a.0, b.0) && near(a.1, b.1));
    if is_srgb_gamma && is_srgb_space {
        return None;
    }
    let exponent = 1.0 / gamma.unwrap_or(SRGB_GAMMA);
    let usable = |&(x, y): &(f64, f64)| (0.0..=1.0).contains(&x) && y > 0.0 && y <= 1.0;
    if !(0.1..=10.0).contains(&exponent) || !space.iter().all(usable) {
        return None;
    }
    let srgb = ColorProfile::new_srgb();
    let curve = match srgb.red_trc.clone() {
        Some(curve) if is_srgb_gamma => curve,
        _ => ToneReprCurve::Parametric(vec![exponent as f32]),
    };
    let mut profile = if grey { ColorProfile::new_gray_with_gamma(exponent as f32) } else { srgb };
    if grey {
        profile.gray_trc = Some(curve);
    } else {
        let [white, red, green, blue] = space.map(|(x, y)| Chromaticity { x: x as f32, y: y as f32 });
        profile.update_rgb_colorimetry(
            XyY { x: white.x.into(), y: white.y.into(), yb: 1.0 },
            ColorPrimaries { red, green, blue },
        );
        profile.red_trc = Some(curve.clone());
        profile.green_trc = Some(curve.clone());
        profile.blue_trc = Some(curve);
        profile.description = None;
    }
    encoded(profile)
}

/// A profile for colour primaries and transfer characteristics of ITU-T H.273, which it names in its
/// `cicp` tag; `None` for sRGB and for what moxcms does not know.
pub(crate) fn of_cicp(primaries: u8, transfer: u8) -> Option<Vec<u8>> {
    const BT709: u8 = 1;
    const SRGB: u8 = 13;
    if (primaries, transfer) == (BT709, SRGB) {
        return None;
    }
    let cicp = CicpProfile {
        color_primaries: CicpColorPrimaries::try_from(primaries).ok()?,
        transfer_characteristics: TransferCharacteristics::try_from(transfer).ok()?,
        matrix_coefficients: MatrixCoefficients::Identity,
        full_range: true,
    };
    let profile = ColorProfile::new_from_cicp(cicp);
    profile.red_trc.as_ref()?;
    encoded(profile)
}

/// The ICC profile of an image, for formats that have no place for code points.
pub(crate) fn icc(metadata: &Metadata) -> Option<Cow<'_, [u8]>> {
    let own = metadata.icc.as_deref().map(Cow::Borrowed);
    own.or_else(|| metadata.cicp.and_then(|code| of_cicp(code.primaries, code.transfer)).map(Cow::Owned))
}

fn encoded(mut profile: ColorProfile) -> Option<Vec<u8>> {
    // Not the time of today: the same image gives the same file.
    profile.creation_date_time =
        ColorDateTime { year: 2000, month: 1, day_of_the_month: 1, hours: 0, minutes: 0, seconds: 0 };
    profile.encode().ok()
}

/// Whether a profile is for an image of so many colour channels (1 or 3), as far as its header says.
pub(crate) fn fits(icc: &[u8], colours: usize) -> bool {
    match icc.get(16..20) {
        Some(b"GRAY") => colours == 1,
        Some(b"RGB ") => colours == 3,
        _ => false,
    }
}

/// CMYK of 8 bits (0 = no ink) as sRGB: by its profile, or without a usable one as 255 − ink, each
/// channel times the share of light that black lets through. Says whether the profile was used.
pub(crate) fn cmyk_to_srgb(cmyk: &[u8], icc: Option<&[u8]>) -> (Vec<u8>, bool) {
    if let Some(rgb) = icc.and_then(|icc| by_profile(cmyk, icc)) {
        return (rgb, true);
    }
    let through = |ink: u8, black: u8| ((255 - u32::from(ink)) * (255 - u32::from(black)) + 127) / 255;
    let pixels = cmyk.as_chunks::<4>().0.iter();
    (pixels.flat_map(|&[c, m, y, k]| [c, m, y].map(|ink| through(ink, k) as u8)).collect(), false)
}

/// What to note on converted CMYK.
pub(crate) fn cmyk_note(by_profile: bool) -> &'static str {
    if by_profile {
        "its CMYK colours were converted to sRGB by their profile"
    } else {
        "its CMYK colours were converted to sRGB without a profile, as plain inks"
    }
}

fn by_profile(cmyk: &[u8], icc: &[u8]) -> Option<Vec<u8>> {
    let profile = ColorProfile::new_from_slice(icc).ok().filter(|p| p.color_space == DataColorSpace::Cmyk)?;
    let options = TransformOptions::default();
    let transform =
        profile.create_transform_8bit(Layout::Rgba, &ColorProfile::new_srgb(), Layout::Rgb, options).ok()?;
    let mut rgb = vec![0; cmyk.len() / 4 * 3];
    transform.transform(cmyk, &mut rgb).ok()?;
    Some(rgb)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn srgb_in_numbers_needs_no_profile() {
        assert_eq!(of_gamma(Some(0.45455), Some(SRGB), false), None);
        assert_eq!(of_gamma(None, None, false), None);
        assert_eq!(of_gamma(Some(0.0), None, false), None);
        assert_eq!(of_cicp(1, 13), None);
        assert_eq!(of_cicp(2, 2), None);
    }

    #[test]
    fn profiles_say_what_the_numbers_said() {
        for grey in [false, true] {
            let icc = of_gamma(Some(1.0), None, grey).unwrap();
            assert!(fits(&icc, if grey { 1 } else { 3 }) && !fits(&icc, if grey { 3 } else { 1 }));
            let profile = ColorProfile::new_from_slice(&icc).unwrap();
            let curve = if grey { profile.gray_trc } else { profile.green_trc };
            let linear = matches!(&curve, Some(ToneReprCurve::Parametric(p)) if p[..] == [1.0])
                || matches!(&curve, Some(ToneReprCurve::Lut(lut)) if lut.is_empty());
            assert!(linear, "{curve:?}");
            assert_eq!(of_gamma(Some(1.0), None, grey).unwrap(), icc, "does not depend on the time");
        }
        let wide = of_gamma(Some(0.45455), Some([SRGB[0], (0.7, 0.29), SRGB[2], SRGB[3]]), false).unwrap();
        let wide = ColorProfile::new_from_slice(&wide).unwrap();
        let options = TransformOptions::default();
        let to_srgb = wide.create_transform_8bit(Layout::Rgb, &ColorProfile::new_srgb(), Layout::Rgb, options).unwrap();
        let mut shown = [0; 6];
        to_srgb.transform(&[200, 100, 100, 255, 255, 255], &mut shown).unwrap();
        assert!(shown[0] >= 200 && shown[1] < 95, "a purer red: {shown:?}");
        assert_eq!(shown[3..], [255; 3], "white stays white");
        let pq = of_cicp(9, 16).unwrap();
        let pq = ColorProfile::new_from_slice(&pq).unwrap();
        let code = pq.cicp.unwrap();
        assert_eq!(
            (code.color_primaries, code.transfer_characteristics),
            (CicpColorPrimaries::Bt2020, TransferCharacteristics::Smpte2084)
        );
    }

    #[test]
    fn inks_become_colours() {
        let inks = [[0, 0, 0, 0], [255, 0, 0, 0], [0, 0, 0, 255], [0, 128, 0, 128]];
        let (rgb, by_profile) = cmyk_to_srgb(&inks.concat(), Some(b"no profile"));
        assert!(!by_profile);
        assert_eq!(rgb, [255, 255, 255, 0, 255, 255, 0, 0, 0, 127, 63, 127]);
    }
}
