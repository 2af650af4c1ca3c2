//! Initial values of the weights.

use heirloom_codec::model::Spec;

use super::parameters::Layout;
use crate::random::Random;

/// Stream of the random numbers of the initial values.
const STREAM: u64 = 0x1A17;

/// Settings of the initial values.
#[derive(Clone, Copy, Debug)]
pub struct Initial {
    /// Seed of all random numbers.
    pub seed: u64,
    /// Initial value of every block's per-channel factor. The paper's is 1e-6; short schedules need
    /// 0.1 to 0.3.
    pub layer_scale: f32,
}

/// Initial values of all parameters, flat.
///
/// Matrices are normal with deviation `sqrt(1 / fan_in)`, including those of the λ perceptrons and
/// the modulations, so that λ acts from the first step. The fan-in of depthwise taps is their
/// number. Biases are zero.
pub fn initial(spec: &Spec, layout: &Layout, start: Initial) -> Vec<f32> {
    let mut values = vec![0f32; layout.len()];
    for (index, entry) in layout.entries().iter().enumerate() {
        let out = &mut values[entry.offset..entry.offset + entry.len];
        let mut random = Random::new(start.seed, STREAM, index as u64);
        let option = [".step", ".context.project.weight", ".linear.weight"];
        if option.iter().any(|name| entry.name.ends_with(name)) {
            // Options start without effect: steps of 1, no correction, nothing along the linear path.
        } else if entry.name.ends_with(".layer_scale") {
            out.fill(start.layer_scale);
        } else if entry.name == "reconstruction.start" {
            out.iter_mut().for_each(|v| *v = random.normal() * 0.1);
        } else if entry.shape.len() == 2 {
            let mut deviation = (1.0 / entry.shape[0] as f32).sqrt();
            if entry.name == "reconstruction.image.weight" {
                // The first images are nearly grey, not noise: λ · MSE starts at the variance of
                // the data.
                deviation *= 0.1;
            }
            if entry.name.ends_with(".modulation.weight") {
                // The input, GELU of an embedding, is small: this keeps shift and scale well below
                // 1.
                deviation = 0.5 * (1.0 / spec.embedding as f32).sqrt();
            }
            out.iter_mut().for_each(|v| *v = random.normal().clamp(-3.0, 3.0) * deviation);
        }
    }
    values
}
