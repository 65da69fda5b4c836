//! Where this installation is: its configuration, its data directory, its policy.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use judge::policy::Policy;
use mail::untrusted::escape;
use settings::{Config, Loaded, LoadedPolicy};
use store::{Options, Store};

use crate::failure::Failure;

/// The configuration that is used when none is named.
pub(crate) const DEFAULT_CONFIG: &str = "/etc/mailward/mailward.toml";

/// Which installation.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct PlaceArgs {
    /// The node's configuration [default: /etc/mailward/mailward.toml, if it is there].
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) config: Option<PathBuf>,
    /// The data directory, over what the configuration says.
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) data_dir: Option<PathBuf>,
}

/// An installation.
#[derive(Debug)]
pub(crate) struct Place {
    /// Its configuration.
    pub(crate) loaded: Loaded,
    /// The file that it was read from; `None`: there is none, these are the defaults.
    pub(crate) file: Option<PathBuf>,
}

impl PlaceArgs {
    /// Reads the configuration that is named, or the one at the usual place.
    ///
    /// # Errors
    /// It has errors or cannot be read.
    pub(crate) fn find(&self) -> Result<Place, Failure> {
        let usual = Path::new(DEFAULT_CONFIG);
        let file = self.config.clone().or_else(|| usual.exists().then(|| usual.to_owned()));
        let mut place = Place::read(file)?;
        if let Some(dir) = &self.data_dir {
            place.loaded.config.data_dir = dir.clone();
        }
        Ok(place)
    }
}

impl Place {
    /// Reads a file, or gives the defaults, with the environment over them.
    ///
    /// # Errors
    /// It has errors or cannot be read.
    pub(crate) fn read(file: Option<PathBuf>) -> Result<Self, Failure> {
        let loaded = match &file {
            Some(path) => Loaded::load(path),
            None => Loaded::parse("", "the default configuration", &environment()),
        };
        let loaded = loaded.map_err(|problems| {
            Failure::new(format!("the configuration cannot be used:\n{problems}\n(`mailward config check` tells more)"))
        })?;
        Ok(Self { loaded, file })
    }

    /// The configuration.
    pub(crate) fn config(&self) -> &Config {
        &self.loaded.config
    }

    /// The data directory.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.loaded.config.data_dir
    }

    /// Opens the data directory; for when no daemon has it.
    ///
    /// # Errors
    /// There is none, it is somebody else's, or it cannot be used.
    pub(crate) fn open_store(&self) -> Result<Store, Failure> {
        let dir = self.data_dir();
        check_owner(dir)?;
        // A directory that the owner made for us and that nobody used yet is made ready.
        Store::open(dir, Options { create: true }).map_err(Failure::new)
    }
}

/// The process's environment, as the settings read it.
fn environment() -> Vec<(String, String)> {
    let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.to_string_lossy().into_owned()))
    };
    std::env::vars_os().filter_map(text).collect()
}

/// A data directory is used by its owner only: files that another user makes in it, root above all,
/// would be closed to the daemon.
///
/// # Errors
/// What to do instead.
pub(crate) fn check_owner(dir: &Path) -> Result<(), Failure> {
    let shown = escape(&dir.display().to_string(), 1000);
    let owner = match std::fs::metadata(dir) {
        Ok(meta) if meta.is_dir() => meta.uid(),
        Ok(_) => return Err(Failure::new(format!("{shown} is no directory: name another with --data-dir"))),
        Err(error) => {
            return Err(Failure::new(format!(
                "the data directory {shown} cannot be used: {error}; name it with --data-dir or --config"
            )));
        }
    };
    let us = rustix::process::geteuid().as_raw();
    if owner == us {
        return Ok(());
    }
    Err(Failure::new(format!(
        "the data directory {shown} belongs to user {owner}, and this is user {us}: run it as its owner \
         (`sudo -u '#{owner}' mailward …`), or while the daemon runs"
    )))
}

/// Reads a policy file.
///
/// # Errors
/// All its problems.
pub(crate) fn policy_file(path: &Path) -> Result<Policy, Failure> {
    let refused = |problems| Failure::new(format!("the policy cannot be used:\n{problems}"));
    LoadedPolicy::load(path, &service::policy::signs()).map(|loaded| loaded.policy).map_err(refused)
}
