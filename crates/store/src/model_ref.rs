//! How a user names a model.

use std::convert::Infallible;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Text that names the default model.
pub const DEFAULT: &str = "default";
/// Fewest digits that are taken for a generation id; the headers of files hold as many.
pub const MIN_ID_DIGITS: usize = 8;

/// Reference to a model.
///
/// A text is read as follows, and every text is a reference:
/// - the path of something that exists is a file, whatever it is called;
/// - `default`, in either case, is the default model;
/// - 8 to 64 hexadecimal digits are the first digits of a generation id;
/// - anything else is the path of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ModelRef {
    /// The default model, which is part of this program.
    Default,
    /// A model file.
    File(PathBuf),
    /// The model of the store whose generation id begins with these hexadecimal digits, in lower
    /// case.
    Id(String),
}

/// Whether a text can be the first digits of a generation id.
pub(crate) fn is_id(text: &str) -> bool {
    (MIN_ID_DIGITS..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_hexdigit())
}

impl From<&Path> for ModelRef {
    fn from(path: &Path) -> Self {
        match path.to_str() {
            _ if path.exists() => Self::File(path.to_owned()),
            Some(text) if text.eq_ignore_ascii_case(DEFAULT) => Self::Default,
            Some(text) if is_id(text) => Self::Id(text.to_ascii_lowercase()),
            _ => Self::File(path.to_owned()),
        }
    }
}

/// Command lines are not always valid Unicode.
impl From<OsString> for ModelRef {
    fn from(text: OsString) -> Self {
        Self::from(Path::new(&text))
    }
}

impl FromStr for ModelRef {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(Self::from(Path::new(text)))
    }
}

impl fmt::Display for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str(DEFAULT),
            Self::File(path) => path.display().fmt(f),
            Self::Id(digits) => f.write_str(digits),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_is_a_reference() {
        let parse = |text: &str| text.parse::<ModelRef>().unwrap();
        let file = |path: &str| ModelRef::File(path.into());
        assert_eq!(parse("default"), ModelRef::Default);
        assert_eq!(parse("DEFAULT"), ModelRef::Default);
        assert_eq!(parse("./default"), file("./default"));
        assert_eq!(parse("ABCDEF01"), ModelRef::Id("abcdef01".into()));
        assert_eq!(parse("abcdef0"), file("abcdef0"));
        assert_eq!(parse(&"0".repeat(64)), ModelRef::Id("0".repeat(64)));
        assert_eq!(parse(&"0".repeat(65)), file(&"0".repeat(65)));
        assert_eq!(parse("gen1.safetensors"), file("gen1.safetensors"));
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(ModelRef::from(folder.path()), ModelRef::File(folder.path().into()));
    }
}
