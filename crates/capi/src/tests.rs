//! The header is that of the sources; `.ci/capi` compiles and runs C with it.

use std::fs;
use std::path::Path;

/// To write the header anew: `HEIRLOOM_WRITE_HEADER=1 cargo test -p heirloom-capi`.
#[test]
fn the_header_is_that_of_the_sources() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut builder =
        cbindgen::Builder::new().with_config(cbindgen::Config::from_file(root.join("cbindgen.toml")).unwrap());
    for name in ["status", "threads", "image", "info", "decoder", "encoder"] {
        builder = builder.with_src(root.join(format!("src/{name}.rs")));
    }
    let mut header = Vec::new();
    builder.generate().unwrap().write(&mut header);
    // What is behind `# Safety` in the sources is what C's users know as the contract.
    let header = String::from_utf8(header).unwrap().replace("# Safety", "What the pointers must be:");
    let path = root.join("include/heirloom.h");
    if std::env::var_os("HEIRLOOM_WRITE_HEADER").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &header).unwrap();
    }
    assert!(fs::read_to_string(path).unwrap() == header, "heirloom.h is not up to date");
}
