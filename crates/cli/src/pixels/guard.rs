//! Checks that the image readers leave out: they would change or invent pixels without a word.

use crate::failure::Failure;

/// Refuses JPEG files with four colour components (CMYK, YCCK), which the reader would convert to RGB, and files that
/// end before their end marker, which it would fill up with grey.
pub fn jpeg(bytes: &[u8]) -> Result<(), Failure> {
    let cut = || Failure::damaged("the JPEG file is cut short");
    let mut at = 2;
    loop {
        // A marker is any number of FF bytes and a code.
        while bytes.get(at) == Some(&0xff) && bytes.get(at + 1) == Some(&0xff) {
            at += 1;
        }
        let (Some(&0xff), Some(&code)) = (bytes.get(at), bytes.get(at + 1)) else {
            return Err(if at >= bytes.len() {
                cut()
            } else {
                Failure::damaged("the JPEG file has no marker where one should be")
            });
        };
        at += 2;
        if code == 0x01 || (0xd0..=0xd8).contains(&code) {
            continue; // markers without a segment
        }
        if code == 0xd9 {
            return Err(Failure::damaged("the JPEG file holds no image"));
        }
        let (Some(&high), Some(&low)) = (bytes.get(at), bytes.get(at + 1)) else { return Err(cut()) };
        let length = usize::from(u16::from_be_bytes([high, low]));
        // Frame headers: marker, length, precision, height, width, number of components.
        let is_frame = matches!(code, 0xc0..=0xcf) && !matches!(code, 0xc4 | 0xc8 | 0xcc);
        if is_frame && bytes.get(at + 7) == Some(&4) {
            return Err(Failure::unsupported(
                "has four colour components (CMYK); convert it first, for example `magick IN -colorspace sRGB OUT.png`",
            ));
        }
        if code == 0xda {
            // In coded data FF is always followed by 00 or a restart marker, so an end marker cannot be mistaken.
            let whole = bytes.get(at..).is_some_and(|rest| rest.windows(2).any(|w| w == [0xff, 0xd9]));
            return if whole { Ok(()) } else { Err(cut()) };
        }
        at += length.max(2);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    fn frame(components: u8) -> Vec<u8> {
        let mut bytes =
            vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xd9, 0xff, 0xff, 0xc0, 0, 8, 8, 0, 1, 0, 1, components];
        bytes.extend([0xff, 0xda, 0, 2, 0x12, 0xff, 0x00, 0x34]);
        bytes
    }

    #[test]
    fn whole_cut_and_four_component_files() {
        let mut whole = frame(3);
        whole.extend([0xff, 0xd9]);
        assert_eq!(jpeg(&whole), Ok(()));
        for end in 0..whole.len() - 1 {
            assert_eq!(jpeg(&whole[..end]).map_err(|e| e.kind), Err(Kind::Damaged), "cut to {end} bytes");
        }
        let mut cmyk = frame(4);
        cmyk.extend([0xff, 0xd9]);
        assert_eq!(jpeg(&cmyk).map_err(|e| e.kind), Err(Kind::Unsupported));
    }
}
