//! The page of `heirloom view`: where its files are, and how they are served.

mod request;
mod server;

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::failure::Failure;

pub use server::{Site, serve};

/// What the page consists of besides the models, which the command has. Nothing else of a folder is served.
const FILES: [&str; 8] = [
    "index.html",
    "main.js",
    "worker.js",
    "style.css",
    "icon.svg",
    "manifest.webmanifest",
    "heirloom_web_bg.wasm",
    "heirloom_web_plain_bg.wasm",
];

/// Where the files of the page are.
pub enum Page {
    /// In this program.
    #[cfg(feature = "page")]
    BuiltIn,
    Folder(PathBuf),
}

#[cfg(feature = "page")]
mod built_in {
    //! The files as bytes, by their names.
    include!(concat!(env!("OUT_DIR"), "/page.rs"));
}

impl Page {
    /// The page in a folder that was named, or the one in this program, or the one that is installed with it.
    pub fn find(named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(folder) = named {
            return Self::folder(folder).ok_or_else(|| {
                Failure::usage(format!(
                    "{} has no index.html; --page names the folder of the built page",
                    folder.display()
                ))
            });
        }
        #[cfg(feature = "page")]
        return Ok(Self::BuiltIn);
        #[cfg(not(feature = "page"))]
        {
            let installed = std::env::current_exe().ok().and_then(|program| {
                let folder = program.parent()?.parent()?.join("share/heirloom/page");
                Self::folder(&folder)
            });
            installed.ok_or_else(|| {
                Failure::usage(
                    "this program was built without the page of 'heirloom view'; build the page with crates/web/build \
                     and name its folder with --page web/dist, or build the program with --features page after that",
                )
            })
        }
    }

    fn folder(folder: &Path) -> Option<Self> {
        folder.join("index.html").is_file().then(|| Self::Folder(folder.to_owned()))
    }

    /// The bytes of a file of the page, `None` if it has no such file.
    pub fn file(&self, name: &str) -> io::Result<Option<Cow<'static, [u8]>>> {
        if !FILES.contains(&name) {
            return Ok(None);
        }
        match self {
            #[cfg(feature = "page")]
            Self::BuiltIn => {
                let found = built_in::FILES.iter().find(|(known, _)| *known == name);
                Ok(found.map(|(_, bytes)| Cow::Borrowed(*bytes)))
            }
            Self::Folder(folder) => match fs::read(folder.join(name)) {
                Ok(bytes) => Ok(Some(bytes.into())),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(error),
            },
        }
    }
}
