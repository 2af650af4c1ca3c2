//! Rows give the image that reading the whole file gives, and make a file that holds it.

use std::fs;

use heirloom_codec::image::{Image, Metadata, PixelFormat, Resolution, Samples};
use heirloom_codec::{RowSink, RowSource};

use super::{RowReader, RowWriter};
use crate::{Depth, Format, ReadOptions, read, read_noting, write};

const SIZE: (u32, u32) = (37, 23);

fn image(format: PixelFormat, opaque: bool) -> Image {
    let count = (SIZE.0 * SIZE.1) as usize * format.channels();
    let mut samples: Vec<u16> = (0..count).map(|i| (i * 2503 % 65521) as u16).collect();
    if format.has_alpha() && opaque {
        samples.iter_mut().skip(format.channels() - 1).step_by(format.channels()).for_each(|alpha| *alpha = u16::MAX);
    }
    let samples = match format.bits() {
        8 => Samples::U8(samples.iter().map(|v| (v >> 8) as u8).collect()),
        _ => Samples::U16(samples),
    };
    let mut image = Image::from_samples(SIZE.0, SIZE.1, format, samples).unwrap();
    let resolution = Some(Resolution { x: 300, y: 300, per_metre: true });
    image.metadata = Metadata { xmp: Some(b"<x/>".to_vec()), resolution, ..Metadata::default() };
    image
}

/// The image that a file's rows make, a few at a time.
fn collected(mut reader: RowReader) -> Image {
    let ((width, height), format) = (reader.size(), reader.format());
    let mut parts = Vec::new();
    while (parts.len() as u32) * 5 < height {
        parts.push(reader.read_rows(5.min(height - parts.len() as u32 * 5)).unwrap());
    }
    let samples = match format.bits() {
        8 => Samples::U8(parts.iter().flat_map(|part| part.as_u8().unwrap()).copied().collect()),
        _ => Samples::U16(parts.iter().flat_map(|part| part.as_u16().unwrap()).copied().collect()),
    };
    let mut image = Image::from_samples(width, height, format, samples).unwrap();
    image.metadata = reader.metadata;
    image
}

#[test]
fn rows_of_a_file_are_those_of_its_image() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let options = ReadOptions::default();
    for format in PixelFormat::ALL {
        for opaque in [true, false] {
            for file in [Format::Png, Format::Ppm] {
                fs::write(&path, write(&image(format, opaque), file).unwrap().bytes).unwrap();
                let whole = read_noting(&fs::read(&path).unwrap(), &options).unwrap();
                let reader = RowReader::open(&path, &options, 0).unwrap().unwrap();
                assert_eq!(reader.notes, whole.notes);
                assert!(collected(reader) == whole.image, "{format:?} {file:?}");
            }
        }
    }
    let bytes = SIZE.0 * SIZE.1 * 8;
    assert!(RowReader::open(&path, &options, bytes.into()).unwrap().is_some());
    assert!(RowReader::open(&path, &options, u64::from(bytes) + 1).unwrap().is_none(), "a small image");
    let reduced = ReadOptions { depth: Depth::Reduce, ..options };
    assert!(RowReader::open(&path, &reduced, 0).unwrap().is_none(), "pixels that change");
}

#[test]
fn what_is_not_read_by_rows_is_left_to_the_other_readers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    let jpeg = write(&image(PixelFormat::Rgb8, true), Format::Jpeg).unwrap().bytes;
    for bytes in [&jpeg[..], b"P3 1 1 255 1 2 3", b"P6 1 1 100\n\x01\x02\x03", b"", b"P", b"P5"] {
        fs::write(&path, bytes).unwrap();
        let rows = RowReader::open(&path, &ReadOptions::default(), 0);
        match (rows, read(bytes, &ReadOptions::default())) {
            (Ok(None), _) => {}
            (Err(by_rows), Err(whole)) => assert_eq!(by_rows.to_string(), whole.to_string()),
            (rows, _) => panic!("{:?}: {}", &bytes[..bytes.len().min(8)], rows.is_ok()),
        }
    }
    assert!(RowReader::open(folder.path(), &ReadOptions::default(), 0).unwrap().is_none());
}

#[test]
fn damage_is_found_before_the_first_row() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("image");
    for file in [Format::Png, Format::Ppm] {
        let mut bytes = write(&image(PixelFormat::Rgb8, true), file).unwrap().bytes;
        bytes.truncate(bytes.len() - 40);
        fs::write(&path, &bytes).unwrap();
        let by_rows = RowReader::open(&path, &ReadOptions::default(), 0).err().unwrap().to_string();
        assert_eq!(by_rows, read(&bytes, &ReadOptions::default()).unwrap_err().to_string());
    }
    // What a header announces takes no memory before the file is known to hold it.
    fs::write(&path, b"P7 WIDTH 4294967295 HEIGHT 4294967295 DEPTH 4 MAXVAL 65535 ENDHDR\n12").unwrap();
    let announced = RowReader::open(&path, &ReadOptions::default(), 1 << 40).err().unwrap().to_string();
    assert_eq!(announced, "is cut short");
}

#[test]
fn rows_make_a_file_of_their_image() {
    for format in PixelFormat::ALL {
        for file in [Format::Png, Format::Ppm] {
            let image = image(format, false);
            let mut writer = RowWriter::new(Vec::new(), file).unwrap();
            writer.begin(SIZE.0, SIZE.1, format, &image.metadata).unwrap();
            let row = SIZE.0 as usize * format.channels();
            match image.samples() {
                Samples::U8(all) => {
                    all.chunks(3 * row).for_each(|rows| writer.write_rows(&Samples::U8(rows.to_vec())).unwrap());
                }
                Samples::U16(all) => {
                    all.chunks(3 * row).for_each(|rows| writer.write_rows(&Samples::U16(rows.to_vec())).unwrap());
                }
            }
            let (bytes, lost) = writer.finish().unwrap();
            let whole = write(&image, file).unwrap();
            assert_eq!(lost, whole.lost);
            let options = ReadOptions::default();
            assert!(read(&bytes, &options).unwrap() == read(&whole.bytes, &options).unwrap());
        }
    }
    assert!(RowWriter::new(Vec::new(), Format::Jpeg).is_none());
    assert!(RowWriter::new(Vec::new(), Format::Png).unwrap().finish().is_err());
}
