//! Ids of models: hashes of what determines latents, and of what determines pixels.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::{Branch, LambdaRange, LambdaRanges, QuantisedTensor, QuantisedWeights, Spec, Values};

/// A text that is not an id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdError;

impl fmt::Display for IdError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an id is 64 hexadecimal digits")
    }
}

impl std::error::Error for IdError {}

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; 32]);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self)
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                parse(text).map(Self)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
    };
}

id! {
    /// Hash of an entropy branch: all that turns a file into latents. Every generation of a lineage
    /// has the same.
    EntropyId
}
id! {
    /// Hash of a whole network: all that turns an image into a file and a file into pixels.
    GenerationId
}
id! {
    /// Hash of an encoder's tensors. Models that leave their encoder out state it, so that their
    /// generation id can still be checked.
    EncoderHash
}

fn parse(text: &str) -> Result<[u8; 32], IdError> {
    let digits = text.as_bytes();
    if digits.len() != 64 {
        return Err(IdError);
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let digit = |c: u8| char::from(c).to_digit(16).ok_or(IdError);
        *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
    }
    Ok(bytes)
}

impl EntropyId {
    /// The first eight bytes, which the headers of files carry.
    #[must_use]
    pub fn short(&self) -> [u8; 8] {
        let mut short = [0; 8];
        short.copy_from_slice(&self.0[..8]);
        short
    }

    /// The id of the entropy branch in `weights`; tensors of other branches do not matter.
    /// `docs/MODEL.md` states the hashed bytes.
    #[must_use]
    pub fn of(spec: &Spec, range: LambdaRange, weights: &QuantisedWeights) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"heirloom entropy 2\0");
        hasher.update(&spec.entropy_bytes());
        hasher.update(&range.canonical_bytes());
        weights.branch(Branch::Entropy).for_each(|(name, tensor)| hash_tensor(&mut hasher, name, tensor));
        Self(hasher.finalize().into())
    }

    /// The ids of the add-ons in `weights`: those of an entropy branch that has their heads for its own.
    #[must_use]
    pub fn of_add_ons(spec: &Spec, range: LambdaRange, weights: &QuantisedWeights) -> Vec<Self> {
        (1..=weights.add_ons()).map(|number| Self::of(spec, range, &weights.with_heads(number))).collect()
    }
}

impl GenerationId {
    /// The first four bytes, which the headers of files carry.
    #[must_use]
    pub fn short(&self) -> [u8; 4] {
        let mut short = [0; 4];
        short.copy_from_slice(&self.0[..4]);
        short
    }

    /// The id of the whole network. `docs/MODEL.md` states the hashed bytes.
    #[must_use]
    pub fn of(spec: &Spec, ranges: &LambdaRanges, weights: &QuantisedWeights) -> Self {
        Self::with_encoder(EncoderHash::of(weights), spec, ranges, weights)
    }

    /// The id of a network of whose encoder only the hash is known.
    #[must_use]
    pub fn with_encoder(encoder: EncoderHash, spec: &Spec, ranges: &LambdaRanges, weights: &QuantisedWeights) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(b"heirloom generation 2\0");
        hasher.update(&spec.canonical_bytes());
        for range in [ranges.entropy, ranges.encoder, ranges.reconstruction] {
            hasher.update(&range.canonical_bytes());
        }
        hasher.update(&encoder.0);
        hasher.update(&branch_hash(weights, Branch::Entropy));
        hasher.update(&branch_hash(weights, Branch::Reconstruction));
        for number in 1..=weights.add_ons() {
            hasher.update(&hash_of(weights.add_on(number)));
        }
        Self(hasher.finalize().into())
    }
}

impl EncoderHash {
    /// The hash of the encoder in `weights`.
    #[must_use]
    pub fn of(weights: &QuantisedWeights) -> Self {
        Self(branch_hash(weights, Branch::Encoder))
    }
}

/// Hash of the tensors of a branch.
fn branch_hash(weights: &QuantisedWeights, branch: Branch) -> [u8; 32] {
    hash_of(weights.branch(branch))
}

fn hash_of<'a>(tensors: impl Iterator<Item = (&'a str, &'a QuantisedTensor)>) -> [u8; 32] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"heirloom branch 2\0");
    tensors.for_each(|(name, tensor)| hash_tensor(&mut hasher, name, tensor));
    hasher.finalize().into()
}

/// Hashes name, type and axes with their lengths, then the values, so that no two different lists
/// of tensors hash the same bytes.
fn hash_tensor(hasher: &mut blake3::Hasher, name: &str, tensor: &QuantisedTensor) {
    let number = |n: usize| (n as u64).to_le_bytes();
    hasher.update(&number(name.len()));
    hasher.update(name.as_bytes());
    hasher.update(&[match tensor.values {
        Values::Integers(_) => 0,
        Values::Floats(_) => 1,
    }]);
    hasher.update(&number(tensor.shape.len()));
    for &extent in &tensor.shape {
        hasher.update(&number(extent));
    }
    hasher.update(&tensor.values.to_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_survive_text() {
        let id = EntropyId([0xab; 32]);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("ab".parse::<EntropyId>(), Err(IdError));
        assert_eq!("zz".repeat(32).parse::<EntropyId>(), Err(IdError));
        let json = serde_json::to_string(&id).unwrap();
        assert_eq!(serde_json::from_str::<EntropyId>(&json).unwrap(), id);
    }
}
