//! `heirloom view`

use std::io::{self, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;

use flate2::{Compression, write::GzEncoder};

use crate::failure::{ExitCode, Failure};
use crate::location::Location;
use crate::models::ModelFlags;
use crate::page::{Page, Site, serve};
use crate::print;

/// Show files in a browser, beside a JPEG of the same size
///
/// Serves a page on this machine until it is interrupted, and prints its address. The page decodes .hlm files and
/// encodes other images by itself, with the model that is named here. Nobody but this machine can reach it, and it
/// reads no files but those given.
#[derive(clap::Args)]
pub struct View {
    /// Files to show: .hlm files, and images that the browser reads
    #[arg(value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Port to serve at [default: a free one]
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    port: u16,

    /// Folder of the built page, which holds index.html [default: the page in this program, or
    /// ../share/heirloom/page beside it]
    #[arg(long, value_name = "DIR")]
    page: Option<PathBuf>,

    #[command(flatten)]
    models: ModelFlags,
}

impl View {
    pub fn run(&self, quiet: bool) -> Result<ExitCode, Failure> {
        let page = Page::find(self.page.as_deref())?;
        for file in &self.files {
            // Before the page is opened, which would tell it too late. Files are read again when they are shown, so
            // that a page that is loaded anew shows what is there then.
            Location::new(file).read()?;
        }
        let model = self.models.load()?.writer().load()?;
        let written = |error: &dyn std::fmt::Display| Failure::failed(format!("the model cannot be served: {error}"));
        let encoder = model.to_bytes().map_err(|e| written(&e))?;
        let decoder = gzip(&model.without_encoder().to_bytes().map_err(|e| written(&e))?).map_err(|e| written(&e))?;
        let site = Site { page, files: self.files.clone(), decoder, encoder };
        let failed = |error: io::Error| Failure::failed(format!("cannot serve at port {}: {error}", self.port));
        // Of this machine only, whatever its network.
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, self.port)).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        print::line(format_args!("http://127.0.0.1:{port}/"));
        if !quiet {
            eprintln!("open this address in a browser; interrupt (Ctrl-C) ends");
        }
        serve(&listener, &site).map_err(failed)?;
        Ok(ExitCode::SUCCESS)
    }
}

fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // One machine's browser reads it once, so that its size counts for less than the time.
    let mut packed = GzEncoder::new(Vec::new(), Compression::fast());
    packed.write_all(bytes)?;
    packed.finish()
}
