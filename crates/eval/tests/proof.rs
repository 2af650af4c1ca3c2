//! What a proof concludes from its evidence. The numbers are worked out by hand.
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_eval::proof::{ComparedModel, Evidence, FileProof, NewFile, Proof, TOLERANCE_DB};

fn compared_model(generation: u32) -> ComparedModel {
    let id = format!("{generation:064}");
    ComparedModel { name: "x".into(), generation, generation_id: id, entropy_id: "e".into() }
}

fn file(image: &str, lambda: f32, psnr_old: f64, psnr_new: f64) -> FileProof {
    // Old files need 1 bit at λ 1 and a bit more for each step; new ones half of that at the old
    // PSNR.
    let bpp = f64::from(lambda);
    FileProof {
        image: image.into(),
        width: 8,
        height: 8,
        lambda,
        bytes: (bpp * 8.0) as u64,
        bpp,
        latents: "ab".into(),
        identical: true,
        problem: None,
        psnr_old,
        psnr_new: Some(psnr_new),
        new_file: Some(NewFile { bytes: (bpp * 4.0) as u64, bpp: bpp / 2.0, psnr: psnr_old }),
    }
}

fn proof(files: Vec<FileProof>, entropy: Option<&str>) -> Proof {
    Proof::new(Evidence {
        program: "test".into(),
        old: compared_model(0),
        new: compared_model(1),
        dataset: "two".into(),
        images_hash: "cd".into(),
        images: 2,
        entropy: entropy.map(Into::into),
        machine: "here".into(),
        seconds: 1.0,
        files,
    })
}

#[test]
fn means_worst_case_and_rate() {
    let steps = [1.0, 2.0, 4.0, 8.0];
    let psnr = |lambda: f32| 30.0 + f64::from(lambda.log2()) * 3.0;
    let files = steps.iter().flat_map(|&l| {
        // λ 4 loses 0.25 and gains 0.1875: 0.03125 on average, within the tolerance.
        let (a, b) = if l == 4.0 { (-0.25, 0.1875) } else { (0.5, 0.0) };
        [file("a.png", l, psnr(l), psnr(l) + a), file("b.png", l, psnr(l), psnr(l) + b)]
    });
    let proof = proof(files.collect(), None);
    assert!(proof.decodable && proof.stable && proof.broken.is_empty(), "{:?}", proof.broken);
    let differences: Vec<f64> = proof.points.iter().map(|p| p.difference.unwrap()).collect();
    assert_eq!(differences, [0.25, 0.25, -0.03125, 0.25]);
    let (worst, lost) = proof.worst().unwrap();
    assert_eq!((worst.image.as_str(), worst.lambda, lost), ("a.png", 4.0, -0.25));
    assert!((proof.bd_rate.unwrap().percent + 50.0).abs() < 1e-9, "half the bits at the same PSNR");
    let json: serde_json::Value = serde_json::from_str(&proof.to_json().unwrap()).unwrap();
    assert_eq!((&json["schema"], &json["stable"]), (&"heirloom-verify/1".into(), &true.into()));
}

#[test]
fn a_loss_beyond_the_tolerance_is_not_stable() {
    let lost = 2.0 * TOLERANCE_DB;
    let with = |change: f64| proof(vec![file("a.png", 1.0, 30.0, 31.0), file("a.png", 2.0, 33.0, 33.0 + change)], None);
    assert!(with(-TOLERANCE_DB * 0.99).stable);
    let fallen = with(-lost);
    assert!(fallen.decodable && !fallen.stable);
    assert!(fallen.broken[0].contains("lose 0.100 dB on average at λ 2"), "{:?}", fallen.broken);
    assert!(fallen.broken[0].contains("a.png"), "{:?}", fallen.broken);
    assert!(!with(f64::NAN).stable);
}

#[test]
fn other_latents_or_another_entropy_branch_are_not_decodable() {
    let mut other = file("b.png", 2.0, 30.0, 12.0);
    other.identical = false;
    let found = proof(vec![file("a.png", 2.0, 30.0, 30.0), other.clone()], None);
    assert!(!found.decodable && !found.stable);
    assert!(found.broken[0].contains("1 of 2 files") && found.broken[0].contains("b.png at λ 2"), "{:?}", found.broken);
    assert_eq!(found.points[0].identical, 1);

    other.problem = Some("damaged".into());
    other.psnr_new = None;
    let found = proof(vec![other], None);
    assert!(found.broken[0].ends_with("damaged"), "{:?}", found.broken);
    assert_eq!((found.points[0].difference, found.worst()), (None, None));

    let found = proof(vec![file("a.png", 1.0, 30.0, 30.0)], Some("a tensor differs"));
    assert!(!found.decodable && found.broken == ["a tensor differs"]);
    assert!(!proof(vec![], None).decodable, "no evidence is no proof");
}

#[test]
fn infinite_psnr_is_compared() {
    let same = proof(vec![file("a.png", 1.0, f64::INFINITY, f64::INFINITY)], None);
    assert!(same.stable);
    assert_eq!(same.points[0].difference, Some(0.0));
    assert!(!proof(vec![file("a.png", 1.0, f64::INFINITY, 60.0)], None).stable);
    assert!(proof(vec![file("a.png", 1.0, 60.0, f64::INFINITY)], None).stable);
}
