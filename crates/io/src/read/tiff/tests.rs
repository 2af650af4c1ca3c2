//! Samples and compressions that the library leaves to us.

use std::io::Cursor;

use heirloom_codec::image::{PixelFormat, Samples};
use tiff::encoder::{TiffEncoder, TiffValue, colortype};
use tiff::tags::Tag;

use crate::Image;
use crate::read::tests::{HEIGHT, WIDTH, samples};
use crate::read::{ReadOptions, read_noting};

/// A TIFF file of a row of samples.
fn row<C: colortype::ColorType>(samples: &[C::Inner]) -> Vec<u8>
where
    [C::Inner]: TiffValue,
{
    let mut file = Cursor::new(Vec::new());
    let width = samples.len() as u32 / C::BITS_PER_SAMPLE.len() as u32;
    TiffEncoder::new(&mut file).unwrap().write_image::<C>(width, 1, samples).unwrap();
    file.into_inner()
}

#[test]
fn signed_long_and_floating_point_samples_are_converted_with_a_word() {
    let signed = "its signed samples were raised by 128, so that none is negative";
    let raised = "its signed samples were raised by 32768, so that none is negative";
    let cut = "its samples of 32 bits were cut to 16";
    let both = "its signed samples of 32 bits were cut to 16 and raised by 32768";
    let float = |range| format!("its floating-point samples were rounded to 16 bits, {range} becoming 0 to 65535");
    for (file, samples, note) in [
        (row::<colortype::GrayI8>(&[-128, 0, 127]), Samples::U8(vec![0, 128, 255]), signed.to_owned()),
        (row::<colortype::GrayI16>(&[-32768, 1, 5]), Samples::U16(vec![0, 32769, 32773]), raised.to_owned()),
        (row::<colortype::Gray32>(&[0, 65536, u32::MAX]), Samples::U16(vec![0, 1, 65535]), cut.to_owned()),
        (row::<colortype::GrayI32>(&[i32::MIN, 0, i32::MAX]), Samples::U16(vec![0, 32768, 65535]), both.to_owned()),
        (row::<colortype::Gray32Float>(&[0.0, 0.5, 1.0]), Samples::U16(vec![0, 32768, 65535]), float("0 to 1")),
        (row::<colortype::Gray64Float>(&[-1.0, 0.0, 3.0]), Samples::U16(vec![0, 16384, 65535]), float("-1 to 3")),
        (row::<colortype::RGB32Float>(&[0.25, 0.0, 2.0]), Samples::U16(vec![8192, 0, 65535]), float("0 to 2")),
    ] {
        let read = read_noting(&file, &ReadOptions::default()).unwrap();
        assert_eq!((read.image.samples(), &read.notes), (&samples, &vec![note.clone()]));
        let strict = ReadOptions { strict: true, ..ReadOptions::default() };
        assert!(read_noting(&file, &strict).unwrap_err().to_string().contains(&note));
    }
}

#[test]
fn faxes_of_one_dimension() {
    // Two rows of eight pixels: white; three white and five black. Each begins with the mark of an end
    // of line.
    let bits = "000000000001 10011 000000000001 1000 0011 000000000001";
    let bits: Vec<u8> = bits.bytes().filter(|bit| *bit != b' ').map(|bit| bit - b'0').collect();
    let strip: Vec<u8> =
        bits.chunks(8).map(|byte| byte.iter().enumerate().map(|(i, bit)| bit << (7 - i)).sum()).collect();
    for (photometric, [white, black]) in [(0u16, [255, 0]), (1, [0, 255])] {
        for (options, reversed) in [(0u32, false), (0, true), (1, false)] {
            let file = fax(photometric, options, reversed, &strip);
            let read = read_noting(&file, &ReadOptions::default());
            if options == 1 {
                assert!(read.unwrap_err().to_string().contains("two dimensions"));
                continue;
            }
            let image = read.unwrap().image;
            let short = fax(photometric, options, reversed, &strip[..3]);
            let said = read_noting(&short, &ReadOptions::default()).unwrap_err().to_string();
            assert!(said.contains("too few of them"), "{said}");
            assert_eq!(image.format(), PixelFormat::Grey8);
            let second = [white, white, white, black, black, black, black, black];
            assert_eq!(*image.samples(), Samples::U8([[white; 8], second].concat()));
        }
    }
}

/// A TIFF file of one strip of a fax of 8 × 2 pixels, with the bits of each byte in either order.
fn fax(photometric: u16, options: u32, reversed: bool, strip: &[u8]) -> Vec<u8> {
    let strip: Vec<u8> = strip.iter().map(|byte| if reversed { byte.reverse_bits() } else { *byte }).collect();
    let mut file = Cursor::new(Vec::new());
    let mut encoder = TiffEncoder::new(&mut file).unwrap();
    let mut directory = encoder.image_directory().unwrap();
    let place = directory.write_data(&strip[..]).unwrap() as u32;
    for (tag, value) in [
        (Tag::ImageWidth, 8),
        (Tag::ImageLength, 2),
        (Tag::BitsPerSample, 1),
        (Tag::Compression, 3),
        (Tag::PhotometricInterpretation, photometric.into()),
        (Tag::FillOrder, if reversed { 2 } else { 1 }),
        (Tag::StripOffsets, place),
        (Tag::SamplesPerPixel, 1),
        (Tag::RowsPerStrip, 2),
        (Tag::StripByteCounts, strip.len() as u32),
        (Tag::Unknown(292), options),
    ] {
        directory.write_tag(tag, value).unwrap();
    }
    directory.finish().unwrap();
    file.into_inner()
}

fn read(bytes: &[u8]) -> Image {
    super::super::read(bytes, &ReadOptions::default()).unwrap()
}

/// A TIFF file of the short tags that its samples need, and the samples, all in strips of `strip`
/// bytes.
fn bare_tiff(photometric: u16, bits: u16, channels: u16, planar: u16, strip: usize, data: &[u8]) -> Vec<u8> {
    let strips = data.len() / strip;
    let (offsets, counts) = (8 + data.len(), 8 + data.len() + 4 * strips);
    // Three depths take six bytes and stand behind the strips' tables; one stands in the tag
    // itself.
    let depths = counts + 4 * strips;
    let depth = if channels == 1 { u32::from(bits) } else { depths as u32 };
    let table = |at: usize, first: usize| if strips == 1 { first as u32 } else { at as u32 };
    let tags: [(u16, u16, usize, u32); 10] = [
        (256, 4, 1, WIDTH),
        (257, 4, 1, HEIGHT),
        (258, 3, channels.into(), depth),
        (259, 3, 1, 1),
        (262, 3, 1, photometric.into()),
        (273, 4, strips, table(offsets, 8)),
        (277, 3, 1, channels.into()),
        (278, 4, 1, HEIGHT),
        (279, 4, strips, table(counts, strip)),
        (284, 3, 1, planar.into()),
    ];
    let directory = (depths + 2 * usize::from(channels)).next_multiple_of(2);
    let mut bytes = [&b"II*\0"[..], &(directory as u32).to_le_bytes(), data].concat();
    (0..strips).for_each(|i| bytes.extend(((8 + i * strip) as u32).to_le_bytes()));
    (0..strips).for_each(|_| bytes.extend((strip as u32).to_le_bytes()));
    (0..channels).for_each(|_| bytes.extend(bits.to_le_bytes()));
    bytes.resize(directory, 0);
    bytes.extend((tags.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in tags {
        bytes.extend(tag.to_le_bytes());
        bytes.extend(kind.to_le_bytes());
        bytes.extend((count as u32).to_le_bytes());
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend([0; 4]);
    bytes
}

#[test]
fn planes_and_bitmaps_of_tiff() {
    let samples = samples(3);
    let planes: Vec<u8> = (0..3).flat_map(|c| samples.iter().skip(c).step_by(3).copied()).collect();
    let bytes = bare_tiff(2, 8, 3, 2, planes.len() / 3, &planes);
    assert!(read(&bytes).data() == samples);
    assert!(image::load_from_memory(&bytes).unwrap().as_bytes() == samples);

    let bits: Vec<u8> = (0..WIDTH.div_ceil(8) * HEIGHT).map(|i| (i * 37 % 251) as u8).collect();
    for photometric in [0, 1] {
        let bytes = bare_tiff(photometric, 1, 1, 1, bits.len(), &bits);
        let expected = image::load_from_memory(&bytes).unwrap();
        assert!(read(&bytes).data() == expected.as_bytes(), "photometric {photometric}");
    }
}
