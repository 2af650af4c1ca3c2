//! Weights from elsewhere: PyTorch checkpoints of the paper's authors, and safetensors files.

use safetensors::tensor::{Dtype, SafeTensors};

use super::layout::{Entry, Layout, entries};
use super::{ModelError, Spec, Tensor, Weights};

/// Names and shapes of the PyTorch tensors that [`from_pytorch`] asks for, in that order. Empty for
/// a spec that [`Spec::validate`] refuses.
///
/// The authors' state dict has further entries, constant bounds of their probability model, which
/// no network needs.
#[must_use]
pub fn pytorch_parameters(spec: &Spec) -> Vec<(String, Vec<usize>)> {
    if spec.validate().is_err() {
        return Vec::new();
    }
    entries(spec).into_iter().map(|entry| (entry.foreign_name, entry.foreign_shape)).collect()
}

/// Builds weights from the tensors of the authors' PyTorch model.
///
/// `find` returns shape and row-major values of the PyTorch tensor with a given name. A matrix may
/// have the shape `[out, in]` or `[out, in, 1, 1]`.
///
/// # Errors
/// An invalid spec, a tensor that `find` does not return, a wrong shape, or a weight that is not
/// finite.
pub fn from_pytorch(
    spec: &Spec,
    mut find: impl FnMut(&str) -> Option<(Vec<usize>, Vec<f32>)>,
) -> Result<Weights, ModelError> {
    spec.validate()?;
    let mut weights = Weights::default();
    for entry in entries(spec) {
        let (shape, data) = find(&entry.foreign_name).ok_or_else(|| ModelError::Missing(entry.foreign_name.clone()))?;
        let same_shape = trimmed(&shape) == trimmed(&entry.foreign_shape);
        if !same_shape || data.len() != shape.iter().product::<usize>() {
            return Err(ModelError::Shape { name: entry.foreign_name, found: shape, expected: entry.foreign_shape });
        }
        let data = convert(&entry, data);
        weights.insert(entry.name, Tensor { shape: entry.shape, data });
    }
    weights.check(spec)?;
    Ok(weights)
}

/// Reads weights from a safetensors file whose tensors have our own names and layouts, in F32 or
/// BF16. Tensors of other names are left out.
///
/// # Errors
/// Bytes that are not a safetensors file, a tensor that is missing, misshapen or of another type,
/// or a weight that is not finite.
pub fn from_safetensors(spec: &Spec, bytes: &[u8]) -> Result<Weights, ModelError> {
    let tensors = SafeTensors::deserialize(bytes).map_err(|error| ModelError::NotAModel(error.to_string()))?;
    let mut weights = Weights::default();
    for (name, shape) in spec.parameters() {
        let view = tensors.tensor(&name).map_err(|_| ModelError::Missing(name.clone()))?;
        let data: Vec<f32> = match view.dtype() {
            Dtype::F32 => view.data().as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect(),
            Dtype::BF16 => {
                view.data().as_chunks::<2>().0.iter().map(|[a, b]| f32::from_le_bytes([0, 0, *a, *b])).collect()
            }
            other => return Err(ModelError::Type { name, found: format!("{other:?}") }),
        };
        if view.shape() != shape {
            return Err(ModelError::Shape { name, found: view.shape().to_vec(), expected: shape });
        }
        weights.insert(name, Tensor { shape, data });
    }
    weights.check(spec)?;
    Ok(weights)
}

/// A shape without its trailing ones, which carry no meaning.
fn trimmed(shape: &[usize]) -> &[usize] {
    let end = shape.iter().rposition(|&n| n != 1).map_or(0, |last| last + 1);
    &shape[..end]
}

fn convert(entry: &Entry, data: Vec<f32>) -> Vec<f32> {
    match entry.layout {
        Layout::Same => data,
        Layout::Convolution => {
            let outputs = entry.foreign_shape[0];
            let inputs = entry.foreign_shape[1];
            let taps: usize = entry.foreign_shape[2..].iter().product();
            let mut converted = Vec::with_capacity(data.len());
            for tap in 0..taps {
                for input in 0..inputs {
                    converted.extend((0..outputs).map(|output| data[(output * inputs + input) * taps + tap]));
                }
            }
            converted
        }
        Layout::Shuffle { ratio } => {
            let (outputs, inputs) = (entry.foreign_shape[0], entry.foreign_shape[1]);
            let order = shuffle_order(outputs, ratio);
            (0..inputs)
                .flat_map(|input| order.iter().map(move |&output| output * inputs + input))
                .map(|index| data[index])
                .collect()
        }
        Layout::ShuffleBias { ratio } => {
            shuffle_order(entry.foreign_shape[0], ratio).into_iter().map(|output| data[output]).collect()
        }
    }
}

/// PyTorch's channel (c, ry, rx) for each column (ry, rx, c).
fn shuffle_order(wide: usize, ratio: usize) -> Vec<usize> {
    let taps = ratio * ratio;
    let channels = wide / taps;
    (0..wide).map(|column| (column % channels) * taps + column / channels).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shuffled_columns_are_pixels_first() {
        // Two channels, ratio 2: PyTorch has c0's four pixels, then c1's.
        assert_eq!(shuffle_order(8, 2), [0, 4, 1, 5, 2, 6, 3, 7]);
    }

    #[test]
    fn convolutions_become_rows_of_taps() {
        let spec = Spec::tiny();
        let weights = from_pytorch(&spec, |name| {
            let (_, shape) = pytorch_parameters(&spec).into_iter().find(|(known, _)| known == name)?;
            let count = shape.iter().product::<usize>();
            Some((shape, (0..count).map(|i| i as f32).collect()))
        })
        .unwrap();
        let down = weights.get("encoder.s4.down.weight").unwrap();
        // Ours: row (ky, kx, input), column output; theirs: [output, input, ky, kx] = [16, 3, 4,
        // 4].
        let (ky, kx, input, output) = (2, 3, 1, 5);
        let ours = ((ky * 4 + kx) * 3 + input) * 16 + output;
        let theirs = ((output * 3 + input) * 4 + ky) * 4 + kx;
        assert_eq!(down.data[ours], theirs as f32);
    }

    #[test]
    fn a_missing_or_misshapen_tensor_is_named() {
        let spec = Spec::tiny();
        let none = from_pytorch(&spec, |_| None).unwrap_err().to_string();
        assert!(none.contains("enc_blocks.0.weight"), "{none}");
        let wrong = from_pytorch(&spec, |_| Some((vec![2], vec![0.0; 2]))).unwrap_err().to_string();
        assert!(wrong.contains("enc_blocks.0.weight") && wrong.contains("[2]"), "{wrong}");
    }
}
