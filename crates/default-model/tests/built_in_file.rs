//! The built-in file is a whole safetensors file.

#[test]
fn the_built_in_file_begins_and_ends_as_its_header_says() {
    let file = heirloom_default_model::bytes();
    let (length, rest) = file.split_first_chunk::<8>().unwrap();
    let header = usize::try_from(u64::from_le_bytes(*length)).unwrap();
    assert_eq!(rest[0], b'{');
    assert_eq!(rest[..header].trim_ascii_end().last(), Some(&b'}'));
    assert!(rest.len() > header, "there are weights behind the header");
}
