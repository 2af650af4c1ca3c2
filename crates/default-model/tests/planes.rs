//! Splitting loses nothing, and the built-in file is a whole safetensors file.

#[path = "../src/planes.rs"]
mod planes;

#[test]
fn joining_restores_what_was_split() {
    let file: Vec<u8> = (0..=255).collect();
    for length in [0, 1, 2, 3, 255, 256] {
        assert_eq!(planes::join(&planes::split(&file[..length])), &file[..length], "{length} bytes");
    }
    assert_eq!(planes::split(&[1, 2, 3, 4, 5]), [1, 3, 5, 2, 4]);
}

#[test]
fn the_built_in_file_begins_and_ends_as_its_header_says() {
    let file = heirloom_default_model::bytes();
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let header = usize::try_from(u64::from_le_bytes(*length)).unwrap();
    assert_eq!(rest[0], b'{');
    assert_eq!(rest[..header].trim_ascii_end().last(), Some(&b'}'));
    assert!(rest.len() > header, "there are weights behind the header");
}
