//! `heirloom manual`

use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::{ExitCode, Failure};

/// Where each shell looks for completions below a prefix.
const COMPLETIONS: [(Shell, &str); 3] = [
    (Shell::Bash, "share/bash-completion/completions"),
    (Shell::Zsh, "share/zsh/site-functions"),
    (Shell::Fish, "share/fish/vendor_completions.d"),
];

/// Install man pages and completions for bash, zsh and fish
///
/// They go below PREFIX, where man and the shells look for them: `share/man/man1` and the folders of
/// the shells. Files of an earlier version are replaced.
#[derive(clap::Args)]
pub struct Manual {
    /// Prefix to install below, such as ~/.local or /usr/local
    prefix: PathBuf,
}

impl Manual {
    pub fn run(&self) -> Result<ExitCode, Failure> {
        let failed = |path: &Path, error: std::io::Error| Failure::failed(format!("{}: {error}", path.display()));
        let pages = self.prefix.join("share/man/man1");
        std::fs::create_dir_all(&pages).map_err(|error| failed(&pages, error))?;
        clap_mangen::generate_to(crate::Cli::command(), &pages).map_err(|error| failed(&pages, error))?;
        for (shell, folder) in COMPLETIONS {
            let folder = self.prefix.join(folder);
            std::fs::create_dir_all(&folder).map_err(|error| failed(&folder, error))?;
            clap_complete::generate_to(shell, &mut crate::Cli::command(), "heirloom", &folder)
                .map_err(|error| failed(&folder, error))?;
        }
        Ok(ExitCode::SUCCESS)
    }
}
