//! The flags that say how images are read.

use heirloom_io::{Alpha, Depth, ReadOptions, Strip};

/// How images are read.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ReadFlags {
    /// Number of the frame or page to read, from 0 [default: the first, with a warning if there are
    /// more]
    #[arg(long, value_name = "N")]
    frame: Option<u32>,

    /// Put images with alpha on a background of this colour: a name such as white, or #rrggbb
    #[arg(long, value_name = "COLOUR", value_parser = colour)]
    background: Option<[u16; 3]>,

    /// Bits per sample; 8 rounds deeper images [default: as they are]
    #[arg(long, value_name = "8|16", value_parser = clap::builder::PossibleValuesParser::new(["8", "16"]))]
    depth: Option<String>,

    /// Turn and mirror the pixels as the Exif orientation says, and reset it [default: it stays in
    /// the metadata, and programs that show the image turn it]
    #[arg(long)]
    upright: bool,

    /// Metadata to leave out
    #[arg(long, value_enum, value_name = "WHICH", default_value_t = StripFlag::None)]
    strip: StripFlag,

    /// Take what can be read of damaged images, with a warning
    #[arg(long, conflicts_with = "strict")]
    lenient: bool,

    /// Refuse images of which anything would not be kept to the bit, instead of warning
    #[arg(long)]
    strict: bool,
}

/// Metadata to leave out.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum StripFlag {
    /// Keep all metadata
    #[default]
    None,
    /// Exif but for its orientation, and XMP; the image is shown as before
    Safe,
    /// All metadata, the colour profile and the orientation too
    All,
}

impl ReadFlags {
    /// The options of the reader; the samples of an image may take `max_bytes`, if given.
    pub fn options(&self, max_bytes: Option<u64>) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.alpha = self.background.map_or(Alpha::Keep, Alpha::Flatten);
        options.depth = if self.depth.as_deref() == Some("8") { Depth::Reduce } else { Depth::Keep };
        options.frame = self.frame;
        options.lenient = self.lenient;
        options.strict = self.strict;
        options.upright = self.upright;
        options.strip = match self.strip {
            StripFlag::None => Strip::Nothing,
            StripFlag::Safe => Strip::Safe,
            StripFlag::All => Strip::All,
        };
        options.max_bytes = max_bytes.unwrap_or(options.max_bytes);
        options
    }
}

/// A colour as 16-bit RGB: a name of CSS 1, or `#rgb`, `#rrggbb`, `#rrrrggggbbbb` in hexadecimal
/// digits.
pub fn colour(text: &str) -> Result<[u16; 3], String> {
    /// Names and 8-bit colours.
    const NAMES: [(&str, [u8; 3]); 17] = [
        ("white", [255; 3]),
        ("black", [0; 3]),
        ("grey", [128; 3]),
        ("gray", [128; 3]),
        ("silver", [192; 3]),
        ("red", [255, 0, 0]),
        ("maroon", [128, 0, 0]),
        ("yellow", [255, 255, 0]),
        ("olive", [128, 128, 0]),
        ("lime", [0, 255, 0]),
        ("green", [0, 128, 0]),
        ("aqua", [0, 255, 255]),
        ("teal", [0, 128, 128]),
        ("blue", [0, 0, 255]),
        ("navy", [0, 0, 128]),
        ("fuchsia", [255, 0, 255]),
        ("purple", [128, 0, 128]),
    ];
    let lower = text.to_ascii_lowercase();
    if let Some((_, colour)) = NAMES.iter().find(|(name, _)| *name == lower) {
        return Ok(colour.map(|v| u16::from(v) * 257));
    }
    let digits = lower.strip_prefix('#').unwrap_or(&lower);
    let parts = match (digits.is_ascii(), digits.len()) {
        (true, 3 | 6 | 12) => {
            let length = digits.len() / 3;
            let factor = [0, 0x1111, 257, 0, 1][length];
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let part =
                |i: usize| u16::from_str_radix(&digits[i * length..(i + 1) * length], 16).ok().filter(|_| is_hex);
            [part(0), part(1), part(2)].map(|part| part.map(|v| v * factor))
        }
        _ => [None; 3],
    };
    match parts {
        [Some(red), Some(green), Some(blue)] => Ok([red, green, blue]),
        _ => Err("a colour is a name such as white, or #rrggbb in hexadecimal digits".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours() {
        assert_eq!(colour("White"), Ok([65535; 3]));
        assert_eq!(colour("#f08"), Ok([0xffff, 0, 0x8888]));
        assert_eq!(colour("102030"), Ok([0x1010, 0x2020, 0x3030]));
        assert_eq!(colour("#000100020003"), Ok([1, 2, 3]));
        for wrong in ["", "#", "#12", "#1234567", "whitish", "#gg0000", "ééé", "#+1+1+1"] {
            assert!(colour(wrong).is_err(), "{wrong}");
        }
    }
}
