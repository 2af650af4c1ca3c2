//! The three branches of a network.

use std::fmt;

/// A branch of the network. Names of tensors begin with its [prefix](Self::prefix).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Branch {
    /// Image to latents: the bottom-up network and the posteriors.
    Encoder,
    /// Latents to the distributions of latents. Frozen within a lineage.
    Entropy,
    /// Latents to image.
    Reconstruction,
}

impl Branch {
    /// All branches, in the order of their prefixes' bytes.
    pub const ALL: [Self; 3] = [Self::Encoder, Self::Entropy, Self::Reconstruction];

    /// The name in lower case, such as `encoder`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Encoder => "encoder",
            Self::Entropy => "entropy",
            Self::Reconstruction => "reconstruction",
        }
    }

    /// The beginning of the names of its tensors, such as `encoder.`.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::Encoder => "encoder.",
            Self::Entropy => "entropy.",
            Self::Reconstruction => "reconstruction.",
        }
    }

    /// The branch that owns the tensor called `tensor`.
    #[must_use]
    pub fn of_tensor(tensor: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|branch| tensor.starts_with(branch.prefix()))
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_belong_to_the_branch_that_their_name_begins_with() {
        assert_eq!(Branch::of_tensor("entropy.z1.prior.weight"), Some(Branch::Entropy));
        assert_eq!(Branch::of_tensor("encoders.x"), None);
        for branch in Branch::ALL {
            assert_eq!(branch.prefix(), format!("{branch}."));
        }
        assert!(Branch::ALL.is_sorted_by_key(|branch| branch.prefix()));
    }
}
