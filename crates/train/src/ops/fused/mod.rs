//! The layers and the objective as custom operations of the CPU backend: the forward and backward
//! kernels of [`heirloom_kernels::training`] inside burn's automatic differentiation. Each computes
//! the same as its namesake in [`super::stock`], several times faster.

mod activation;
mod block;
mod dense;
mod objective;
mod shuffle;
mod windowed;

use burn::tensor::TensorData;
use burn_autodiff::{Autodiff, checkpoint::strategy::NoCheckpointing};
use burn_flex::{Flex, FlexTensor};

pub use activation::{leaky, modulate};
pub use block::block;
pub use dense::dense;
pub use objective::{bits, squared_error};
pub use shuffle::{depth_to_space, space_to_depth};
pub use windowed::{Layer, layer};

type Differentiable = Autodiff<Flex, NoCheckpointing>;

fn values(t: &FlexTensor) -> &[f32] {
    t.storage::<f32>()
}

fn dims(t: &FlexTensor) -> Vec<usize> {
    t.layout().shape().iter().copied().collect()
}

fn tensor(values: Vec<f32>, dims: &[usize]) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, dims.to_vec()))
}

/// Runs an operation of `N` tensors: as a node of the graph where the device differentiates, else
/// forward only. Panics if a tensor is not on the CPU backend; [`super`] checks that first.
macro_rules! operation {
    ($backward:expr, $inputs:expr, $forward:expr, $state:expr) => {{
        let inputs = $inputs;
        let nodes = std::array::from_fn(|i| inputs[i].node());
        let primitives = std::array::from_fn(|i| inputs[i].primitive().to_contiguous());
        let out = match $backward.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
            OpsKind::Tracked(prepared) => {
                let (out, saved) = $forward(&primitives);
                prepared.finish($state(primitives, saved), out)
            }
            OpsKind::UnTracked(prepared) => prepared.finish($forward(&primitives).0),
        };
        out
    }};
}

/// The result of an operation on tensors: by [`operation`] where the device differentiates, else by
/// its forward pass alone.
macro_rules! custom {
    ([$($input:expr),+], $backward:expr, $forward:expr, $state:expr) => {{
        let differentiate = [$($input.device().is_autodiff()),+].contains(&true);
        if differentiate {
            let inputs = [$(primitive!(Differentiable, $input)),+];
            Tensor::from_primitive::<Differentiable>(operation!($backward, inputs, $forward, $state))
        } else {
            let inputs = [$(primitive!(Flex, $input)),+];
            Tensor::from_primitive::<Flex>($forward(&inputs.map(|t| t.to_contiguous())).0)
        }
    }};
}

macro_rules! primitive {
    ($backend:ty, $tensor:expr) => {
        match $tensor.try_into_primitive::<$backend>() {
            Ok(primitive) => primitive,
            // The callers in `super` route here only tensors that live on this backend.
            Err(error) => panic!("a fused operation got a tensor of another device: {error:?}"),
        }
    };
}

use custom;
use operation;
use primitive;
