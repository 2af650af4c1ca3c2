//! A server of the page, the models and the files of the command, for the browsers of this machine.

use std::borrow::Cow;
use std::io::{self, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use super::Page;
use super::request::Request;
use crate::location::Location;

/// How long a client may take to send its request, or to take a part of the answer.
const PATIENCE: Duration = Duration::from_secs(20);

/// As in the page itself; here it also keeps other pages from framing it.
const POLICY: &str = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; \
                      style-src 'self'; img-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'none'; \
                      frame-ancestors 'none'";

/// All that is served.
pub struct Site {
    pub page: Page,
    pub files: Vec<PathBuf>,
    /// Model file without its encoder, compressed with gzip, and the whole one.
    pub decoder: Vec<u8>,
    pub encoder: Vec<u8>,
}

/// An answer.
struct Answer<'a> {
    status: &'static str,
    kind: &'static str,
    body: Cow<'a, [u8]>,
}

impl Answer<'_> {
    fn text(status: &'static str, text: impl Into<String>) -> Self {
        Answer { status, kind: "text/plain; charset=utf-8", body: text.into().into_bytes().into() }
    }
}

/// Answers requests until the listener fails. A client that fails is of no concern.
pub fn serve(listener: &TcpListener, site: &Site) -> io::Result<()> {
    let port = listener.local_addr()?.port();
    thread::scope(|scope| {
        for stream in listener.incoming() {
            // A client that went away before it was accepted, or too many files for a moment.
            let Ok(stream) = stream else { continue };
            scope.spawn(move || {
                let _ = talk(&stream, site, port);
            });
        }
    });
    Ok(())
}

/// One request: the connection is closed after it, which costs nothing on one machine.
fn talk(stream: &TcpStream, site: &Site, port: u16) -> io::Result<()> {
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    let request = Request::read(&mut BufReader::new(stream))?;
    let is_head = request.as_ref().is_some_and(|request| request.method == "HEAD");
    let answer = match &request {
        None => Answer::text("400 Bad Request", "this is not a request of HTTP/1.1\n"),
        Some(request) if !request.is_local(port) => Answer::text(
            "403 Forbidden",
            format!("this server answers to http://127.0.0.1:{port}/ only, not to '{}'\n", request.host),
        ),
        Some(request) if is_head || request.method == "GET" => site.answer(&request.path),
        Some(_) => Answer::text("405 Method Not Allowed", "only GET and HEAD are answered\n"),
    };
    let head = format!(
        "HTTP/1.1 {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nContent-Security-Policy: {POLICY}\r\n\
         Cross-Origin-Opener-Policy: same-origin\r\nCross-Origin-Resource-Policy: same-origin\r\n\
         Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n",
        answer.status,
        answer.kind,
        answer.body.len()
    );
    let mut stream = stream;
    stream.write_all(head.as_bytes())?;
    if !is_head {
        stream.write_all(&answer.body)?;
    }
    stream.flush()
}

impl Site {
    fn answer(&self, path: &str) -> Answer<'_> {
        let found = |kind, body| Answer { status: "200 OK", kind, body };
        let missing = || Answer::text("404 Not Found", "there is nothing at this address\n");
        let name = match path {
            "/" => "index.html",
            "/files.json" => return found("application/json", self.names().into()),
            "/model/decoder.safetensors.gz" => return found("application/gzip", (&self.decoder).into()),
            "/model/encoder.safetensors" => return found("application/octet-stream", (&self.encoder).into()),
            _ => path.trim_start_matches('/'),
        };
        if let Some(index) = name.strip_prefix("files/") {
            let Some(file) = index.parse().ok().and_then(|index: usize| self.files.get(index)) else {
                return missing();
            };
            return match Location::File(file.clone()).read() {
                Ok(bytes) => found("application/octet-stream", bytes.into()),
                Err(failure) => Answer::text("404 Not Found", failure.to_string()),
            };
        }
        match self.page.file(name) {
            Ok(Some(bytes)) => found(kind_of(name), bytes),
            Ok(None) => missing(),
            Err(error) => Answer::text("500 Internal Server Error", format!("{name}: {error}\n")),
        }
    }

    /// The names of the files, as the page shows them.
    fn names(&self) -> Vec<u8> {
        let names: Vec<_> =
            self.files.iter().map(|file| file.file_name().unwrap_or_default().to_string_lossy()).collect();
        serde_json::to_vec(&names).unwrap_or_else(|_| b"[]".to_vec())
    }
}

/// The media type that a browser asks of each kind of file.
fn kind_of(name: &str) -> &'static str {
    match name.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "wasm" => "application/wasm",
        "webmanifest" => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
