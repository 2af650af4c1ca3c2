//! Devices as the command line names them.

use burn::tensor::Device;
use clap::ValueEnum;

/// A device to compute on.
#[derive(Clone, Copy, ValueEnum)]
pub enum DeviceName {
    Cpu,
    #[cfg(feature = "cuda")]
    Cuda,
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl DeviceName {
    /// Opens the device.
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
