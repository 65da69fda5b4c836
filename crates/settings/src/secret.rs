//! Files that hold secrets: by path, or by the name of a credential that the service manager gives us
//! (systemd.exec(5), `LoadCredential=`).

use std::path::{Path, PathBuf};

/// How a credential is written where a file is expected: `credential:mx.key`.
const PREFIX: &str = "credential:";
/// Where the service manager says that credentials are.
const VARIABLE: &str = "CREDENTIALS_DIRECTORY";
/// Where they are for our service, for whoever looks from outside.
const USUAL: &str = "/run/credentials/mailward.service";

/// The name of the credential, if it is one.
pub(crate) fn credential(path: &Path) -> Option<&str> {
    path.to_str()?.strip_prefix(PREFIX)
}

/// Whether a credential can have this name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.len() <= 255 && name != "." && name != ".." && !name.contains(['/', '\0', ':'])
}

/// Whether this process can look at the file of a secret: a credential is given to the service only.
pub fn is_seen(path: &Path) -> bool {
    credential(path).is_none() || are_given()
}

/// Whether somebody gives credentials to this process.
pub(crate) fn are_given() -> bool {
    std::env::var_os(VARIABLE).is_some_and(|folder| !folder.is_empty())
}

/// The file of a secret: the path itself, or for `credential:NAME` the file that the service manager made
/// of it.
pub fn secret_file(path: &Path) -> PathBuf {
    let folder = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty());
    place(path, folder.map(PathBuf::from))
}

fn place(path: &Path, folder: Option<PathBuf>) -> PathBuf {
    match credential(path).filter(|name| is_name(name)) {
        Some(name) => folder.unwrap_or_else(|| PathBuf::from(USUAL)).join(name),
        None => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_file_of_the_service_manager() {
        let folder = || Some(PathBuf::from("/run/credentials/other.service"));
        for (written, folder, expected) in [
            ("/etc/mailward/mx.key", folder(), "/etc/mailward/mx.key"),
            ("credential:mx.key", folder(), "/run/credentials/other.service/mx.key"),
            ("credential:mx.key", None, "/run/credentials/mailward.service/mx.key"),
            ("credential:../mx.key", folder(), "credential:../mx.key"),
            ("credential:", folder(), "credential:"),
            ("mx.key", None, "mx.key"),
        ] {
            assert_eq!(place(Path::new(written), folder), Path::new(expected), "{written}");
        }
    }
}
