//! Draws the anchors on Kodak: `cargo run -p heirloom-eval --example anchors > anchors.svg`.

use heirloom_eval::plot::{Role, Series};
use heirloom_eval::{EvalError, Figure, anchors};

fn main() -> Result<(), EvalError> {
    let series = anchors::all()?
        .into_iter()
        .map(|anchor| {
            Series::new(&anchor.curve, if anchor.curve.name() == "qarv-base" { Role::Main } else { Role::Background })
        })
        .collect();
    let figure =
        Figure { title: "Image codecs on Kodak".into(), dataset: "Kodak".into(), images: 24, lambda: None, series };
    print!("{}", figure.to_svg()?);
    Ok(())
}
