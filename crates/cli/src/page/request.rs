//! The part of HTTP/1.1 that browsers use to read files of a server on their own machine.

use std::io::{self, BufRead, Read};

/// Longest head of a request, in bytes. Browsers send about one thousand.
const MAX_HEAD: u64 = 16 << 10;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// Path without a query, as it was sent.
    pub path: String,
    /// What the client calls this server.
    pub host: String,
}

impl Request {
    /// Reads the head of a request. `None` for bytes that are none, or a head that is too long.
    pub fn read(stream: &mut impl BufRead) -> io::Result<Option<Self>> {
        let mut lines = stream.take(MAX_HEAD);
        let mut line = String::new();
        let mut next = |line: &mut String| {
            line.clear();
            match lines.read_line(line) {
                Ok(_) => Ok(line.ends_with('\n')),
                Err(error) if error.kind() == io::ErrorKind::InvalidData => Ok(false),
                Err(error) => Err(error),
            }
        };
        if !next(&mut line)? {
            return Ok(None);
        }
        let mut words = line.split_whitespace();
        let (Some(method), Some(target), Some(version)) = (words.next(), words.next(), words.next()) else {
            return Ok(None);
        };
        if !version.starts_with("HTTP/1.") {
            return Ok(None);
        }
        let path = target.split('?').next().unwrap_or_default();
        let mut request = Self { method: method.into(), path: path.into(), host: String::new() };
        loop {
            if !next(&mut line)? {
                return Ok(None);
            }
            let line = line.trim_end();
            if line.is_empty() {
                return Ok(Some(request));
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("host")
            {
                request.host = value.trim().to_ascii_lowercase();
            }
        }
    }

    /// Whether the client means this machine. A name of another host that was made to point to this machine could
    /// else let a foreign page read what is served.
    pub fn is_local(&self, port: u16) -> bool {
        let name = self.host.strip_suffix(&format!(":{port}"));
        name.is_some_and(|name| matches!(name, "127.0.0.1" | "localhost"))
            || (port == 80 && matches!(self.host.as_str(), "127.0.0.1" | "localhost"))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test fails by panicking
    use super::*;

    fn read(text: &str) -> Option<Request> {
        Request::read(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn heads_are_read_up_to_their_end() {
        let request = read("GET /files/0?x=1 HTTP/1.1\r\nAccept: */*\r\nHOST: LocalHost:81\r\n\r\n").unwrap();
        assert_eq!((request.method.as_str(), request.path.as_str()), ("GET", "/files/0"));
        assert!(request.is_local(81) && !request.is_local(8) && !request.is_local(80));
        assert!(read("GET / HTTP/1.1\r\nHost: a\r\n").is_none());
        assert!(read("GET /\r\n\r\n").is_none());
        assert!(read("").is_none());
        let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(20_000));
        assert!(read(&long).is_none());
    }

    #[test]
    fn only_names_of_this_machine_are_local() {
        let named = |host: &str| read(&format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n")).unwrap().is_local(9000);
        assert!(named("127.0.0.1:9000") && named("localhost:9000"));
        for foreign in
            ["", "127.0.0.1", "127.0.0.1:9001", "example.org:9000", "localhost.example.org:9000", "10.0.0.1:9000"]
        {
            assert!(!named(foreign), "{foreign}");
        }
    }
}
