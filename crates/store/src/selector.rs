//! How a user chooses the generation that decodes.

use std::fmt;
use std::str::FromStr;

use crate::model_ref::{MIN_ID_DIGITS, is_id};

/// Choice of a generation among those of a file's lineage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GenerationSelector {
    /// The newest that learned from the writer, over any number of generations. Where none here
    /// did, or what is here does not tell, the newest of the lineage.
    Newest,
    /// The one that wrote the file.
    Writer,
    /// The one with this number.
    Number(u32),
    /// The one whose id begins with these hexadecimal digits, in lower case.
    Id(String),
}

/// A text that selects no generation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SelectorError;

impl fmt::Display for SelectorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "a generation is its number, {MIN_ID_DIGITS} or more hexadecimal digits of its id, 'writer' or 'newest'"
        )
    }
}

impl std::error::Error for SelectorError {}

impl FromStr for GenerationSelector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        match text {
            "newest" => Ok(Self::Newest),
            "writer" => Ok(Self::Writer),
            _ if is_id(text) => Ok(Self::Id(text.to_ascii_lowercase())),
            _ => text.parse().map(Self::Number).map_err(|_| SelectorError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors_are_read() {
        assert_eq!("3".parse(), Ok(GenerationSelector::Number(3)));
        assert_eq!("1234567".parse(), Ok(GenerationSelector::Number(1_234_567)));
        assert_eq!("12345678".parse(), Ok(GenerationSelector::Id("12345678".into())));
        assert_eq!("ABCDEF0123".parse(), Ok(GenerationSelector::Id("abcdef0123".into())));
        assert_eq!("writer".parse(), Ok(GenerationSelector::Writer));
        assert_eq!("newest".parse(), Ok(GenerationSelector::Newest));
        for bad in ["", "-1", "abc", "gen0", "xyzxyzxyz"] {
            assert!(bad.parse::<GenerationSelector>().unwrap_err().to_string().contains("8 or more"), "{bad}");
        }
    }
}
