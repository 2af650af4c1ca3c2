//! The devices to compute on, as the command line names them.

use burn::tensor::Device;
use clap::ValueEnum;

#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceName {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda,
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl DeviceName {
    pub fn open(self) -> Device {
        match self {
            Self::Cpu => Device::flex(),
            #[cfg(feature = "cuda")]
            Self::Cuda => Device::cuda(0),
            #[cfg(feature = "wgpu")]
            Self::Wgpu => Device::wgpu(Default::default()),
        }
    }
}
