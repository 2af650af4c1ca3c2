//! Names the version of the interface in the shared library: until version 1.0, each minor version is another.

fn main() {
    let version = |part| std::env::var(format!("CARGO_PKG_VERSION_{part}")).unwrap_or_default();
    if std::env::var("CARGO_CFG_TARGET_OS").as_deref() == Ok("linux") {
        let (major, minor) = (version("MAJOR"), version("MINOR"));
        println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libheirloom.so.{major}.{minor}");
    }
    println!("cargo:rerun-if-changed=build.rs");
}
