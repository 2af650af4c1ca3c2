//! Headers that announce more than the file holds. Alone in its program, as it looks at the peak of
//! the program's memory.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used)] // a test fails by panicking

use heirloom_io::{ReadError, ReadOptions, read};

/// Most memory that this program has ever had in use, in MiB.
fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Headers of images of about two gigabytes, in every format, with a few bytes of pixels.
fn headers() -> Vec<(&'static str, Vec<u8>)> {
    let (side, le) = (25_000u32, 25_000u16.to_le_bytes());
    let png = |name: &[u8; 4], content: &[u8]| {
        let mut chunk = name.to_vec();
        chunk.extend(content);
        let checksum = chunk
            .iter()
            .fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (crc & 1) * 0xedb8_8320));
        [&(content.len() as u32).to_be_bytes()[..], &chunk, &(!checksum).to_be_bytes()].concat()
    };
    let ihdr = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    let mut tiff = b"II*\0\x08\0\0\0\x08\0".to_vec();
    for (tag, value) in [(256u16, side), (257, side), (258, 8), (259, 1), (262, 1), (273, 8), (278, side), (279, 9)] {
        tiff.extend([&tag.to_le_bytes()[..], &[4, 0, 1, 0, 0, 0], &value.to_le_bytes()].concat());
    }
    tiff.extend([0; 4]);
    let mut bmp = b"BM\0\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    bmp.extend([&side.to_le_bytes()[..], &side.to_le_bytes(), &[1, 0, 24, 0], &[0; 24], b"pixels"].concat());
    let jpeg = |code: u8| {
        let mut jpeg = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        jpeg.extend([1; 64]);
        jpeg.extend([0xff, code, 0, 17, 8, 0x61, 0xa8, 0x61, 0xa8, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0]);
        for table in [0, 0x10] {
            jpeg.extend([&[0xff, 0xc4, 0, 20, table, 1][..], &[0; 15], &[0]].concat());
        }
        jpeg.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, if code == 0xc2 { 0 } else { 63 }, 0, 1, 2, 3]);
        jpeg
    };
    vec![
        ("P1", b"P1 40000 40000 1".to_vec()),
        ("P2", b"P2 26000 26000 255 1".to_vec()),
        ("P3", b"P3 26000 26000 255 1".to_vec()),
        ("P4", b"P4 40000 40000 ".to_vec()),
        ("P6", b"P6 26000 26000 255 ".to_vec()),
        (
            "PNG",
            [&b"\x89PNG\r\n\x1a\n"[..], &png(b"IHDR", &ihdr), &png(b"IDAT", b"\x78\x9c\x01"), &png(b"IEND", b"")]
                .concat(),
        ),
        ("TIFF", tiff),
        ("BMP", bmp),
        ("TGA", [&[0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], &le, &le, &[24, 0], b"pixels"].concat()),
        ("QOI", [&b"qoif"[..], &side.to_be_bytes(), &side.to_be_bytes(), &[3, 0], b"pixels"].concat()),
        ("GIF", [&b"GIF89a"[..], &le, &le, &[0, 0, 0], b"\x2c\0\0\0\0", &le, &le, b"\0\x02\x01\0"].concat()),
        ("JPEG", jpeg(0xc0)),
        ("progressive JPEG", jpeg(0xc2)),
    ]
}

#[test]
fn a_header_alone_takes_no_memory_for_pixels() {
    for (name, file) in headers() {
        let before = peak_mib();
        let error = read(&file, &ReadOptions::default()).unwrap_err();
        let grown = peak_mib() - before;
        println!("{name}: {grown} MiB, {error}");
        assert!(grown < 64, "{name}: {grown} MiB for a file of some bytes");
        assert!(!matches!(error, ReadError::Internal(_)), "{name}: {error}");
        if name.starts_with('P') && name.len() == 2 {
            assert_eq!(error.to_string(), "is cut short", "{name}");
        }
    }
}
