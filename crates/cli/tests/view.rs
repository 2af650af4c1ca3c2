//! `heirloom view` serves the page and the files that were named, to this machine, and nothing else.
#![allow(clippy::unwrap_used)] // a test fails by panicking

mod common;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use common::Sandbox;
use flate2::read::GzDecoder;
use heirloom_codec::model::ModelFile;

/// The command while it serves; it ends with the value.
struct Serving {
    child: Child,
    port: u16,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

/// A folder with a page, a file that is none of the page's, and two files to show.
fn sandbox() -> Sandbox {
    let sandbox = Sandbox::new();
    std::fs::create_dir(sandbox.path("page")).unwrap();
    sandbox.put("page/index.html", b"<title>Page</title>");
    sandbox.put("page/main.js", b"main()");
    sandbox.put("page/secret.txt", b"secret");
    sandbox.put("one.hlm", b"first file");
    sandbox.put("two.png", b"second file");
    sandbox
}

impl Serving {
    fn start(sandbox: &Sandbox) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_heirloom"))
            .args(["view", "one.hlm", "two.png", "--page", "page", "--model", "tiny.safetensors", "--quiet"])
            .current_dir(sandbox.path(""))
            .env("HEIRLOOM_MODELS", sandbox.path("models"))
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let port = address.trim_end().strip_prefix("http://127.0.0.1:").unwrap().strip_suffix('/').unwrap();
        Self { child, port: port.parse().unwrap() }
    }

    /// Status line, head and body of the answer to a request.
    fn ask(&self, method: &str, path: &str, host: &str) -> (String, String, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(stream, "{method} {path} HTTP/1.1\r\nHost: {host}\r\n\r\n").unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap();
        (head.lines().next().unwrap().to_owned(), head, answer[end + 4..].to_vec())
    }

    fn get(&self, path: &str) -> (String, Vec<u8>) {
        let (status, _, body) = self.ask("GET", path, &format!("127.0.0.1:{}", self.port));
        (status.split_once(' ').unwrap().1.to_owned(), body)
    }
}

#[test]
fn the_page_and_the_files_are_served() {
    let sandbox = sandbox();
    let serving = Serving::start(&sandbox);
    let (status, head, body) = serving.ask("GET", "/?query", &format!("localhost:{}", serving.port));
    assert_eq!((status.as_str(), body.as_slice()), ("HTTP/1.1 200 OK", b"<title>Page</title>".as_slice()));
    assert!(head.contains("Content-Security-Policy: default-src 'none'") && head.contains("text/html"), "{head}");
    assert_eq!(serving.get("/main.js").1, b"main()");
    assert_eq!(serving.get("/files.json").1, br#"["one.hlm","two.png"]"#);
    assert_eq!(serving.get("/files/1").1, b"second file");
    let (_, head, body) = serving.ask("HEAD", "/files/0", &format!("127.0.0.1:{}", serving.port));
    assert!(head.contains("Content-Length: 10") && body.is_empty(), "{head}");
    // As it is now, not as it was.
    sandbox.put("one.hlm", b"changed");
    assert_eq!(serving.get("/files/0").1, b"changed");
}

#[test]
fn the_models_are_the_one_that_was_named_with_and_without_its_encoder() {
    let sandbox = sandbox();
    let serving = Serving::start(&sandbox);
    let encoder = ModelFile::from_bytes(&serving.get("/model/encoder.safetensors").1).unwrap();
    let mut decoder = Vec::new();
    let packed = serving.get("/model/decoder.safetensors.gz").1;
    GzDecoder::new(packed.as_slice()).read_to_end(&mut decoder).unwrap();
    let decoder = ModelFile::from_bytes(&decoder).unwrap();
    let named = ModelFile::from_bytes(&sandbox.get("tiny.safetensors")).unwrap();
    assert_eq!(encoder.metadata.lineage, named.metadata.lineage);
    assert_eq!(decoder.metadata.lineage, named.metadata.lineage);
    assert!(decoder.metadata.without_encoder.is_some() && encoder.metadata.without_encoder.is_none());
}

#[test]
fn nothing_else_is_served() {
    let sandbox = sandbox();
    let serving = Serving::start(&sandbox);
    for path in [
        "/secret.txt",
        "/files/2",
        "/files/-1",
        "/files/",
        "/../one.hlm",
        "/files/../../one.hlm",
        "//etc/passwd",
        "/style.css",
    ] {
        let (status, body) = serving.get(path);
        assert_eq!(status, "404 Not Found", "{path}");
        assert!(!body.windows(6).any(|six| six == b"secret"));
    }
    // A page of another host whose name was made to mean this machine.
    let (status, _, body) = serving.ask("GET", "/files/0", &format!("example.org:{}", serving.port));
    assert_eq!(status, "HTTP/1.1 403 Forbidden");
    assert!(!body.windows(5).any(|five| five == b"first"));
    assert_eq!(serving.ask("GET", "/", "127.0.0.1").0, "HTTP/1.1 403 Forbidden");
    assert_eq!(serving.ask("POST", "/", &format!("127.0.0.1:{}", serving.port)).0, "HTTP/1.1 405 Method Not Allowed");
}

#[test]
fn what_cannot_be_shown_is_said_before_anything_is_served() {
    let sandbox = sandbox();
    let refused = sandbox.heirloom("view nothing.hlm --page page").assert().code(1);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("nothing.hlm: there is no such file"));
    let refused = sandbox.heirloom("view one.hlm --page models").assert().code(2);
    assert!(String::from_utf8_lossy(&refused.get_output().stderr).contains("has no index.html"));
}
