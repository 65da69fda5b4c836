//! What a configuration needs of the machine: files that can be read, a directory to write in.

use std::fs::{self, File};
use std::net::ToSocketAddrs;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::Path;

use crate::config::Config;
use crate::problem::{Problem, Severity};
use crate::secret::{self, secret_file};
use crate::values::{ClamdAddress, HopPlace, SocketAddress};

/// Looks at the outside: whether files can be read, the data directory be written, names be
/// resolved. It may wait for a name server.
pub fn check_environment(config: &Config) -> Vec<Problem> {
    let mut found = Vec::new();
    check_data_dir(&config.data_dir, &mut found);
    let mut file = |key: &str, path: &Path| readable(key, path, &mut found);
    if let Some(path) = &config.policy.file {
        file("policy.file", path);
    }
    if let Some(path) = &config.recipients.file {
        file("recipients.file", path);
    }
    for (at, listener) in config.smtp.iter().enumerate() {
        if let Some(path) = &listener.certificate {
            file(&format!("smtp[{at}].certificate"), path);
        }
        if let Some(path) = &listener.key {
            file(&format!("smtp[{at}].key"), path);
        }
        if let Some(path) = &listener.client_ca_file {
            file(&format!("smtp[{at}].client_ca_file"), path);
        }
    }
    for (at, pair) in config.tls.certificate.iter().enumerate() {
        file(&format!("tls.certificate[{at}].certificate"), &pair.certificate);
        file(&format!("tls.certificate[{at}].key"), &pair.key);
    }
    if let Some(path) = &config.acme.ca_file {
        file("acme.ca_file", path);
    }
    let next = &config.next_hop;
    for (key, path) in [("ca_file", &next.ca_file), ("certificate", &next.certificate), ("key", &next.key)] {
        if let Some(path) = path {
            file(&format!("next_hop.{key}"), path);
        }
    }
    for (at, route) in config.route.iter().enumerate() {
        let (own, key) = (&route.certificate, &route.key);
        let files =
            [("ca_file", &route.ca_file), ("login_file", &route.login_file), ("certificate", own), ("key", key)];
        for (key, path) in files {
            if let Some(path) = path {
                file(&format!("route[{at}].{key}"), path);
            }
        }
    }
    for path in &config.engines.password_files {
        file("engines.password_files", path);
    }
    for path in &config.engines.hash_lists {
        file("engines.hash_lists", path);
    }
    check_dkim_keys(config, &mut found);
    check_keys(config, &mut found);
    check_sockets(config, &mut found);
    for path in &config.engines.yara {
        check_rules(path, &mut found);
    }
    check_peers(config, &mut found);
    found
}

fn check_data_dir(path: &Path, found: &mut Vec<Problem>) {
    match fs::metadata(path) {
        Ok(meta) if !meta.is_dir() => {
            found.push(Problem::error("data_dir", format!("data_dir: {} is not a directory", path.display())));
        }
        Ok(meta) => {
            let access = rustix::fs::Access::READ_OK | rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
            if let Err(error) = rustix::fs::access(path, access) {
                let message = format!("data_dir: {} cannot be written: {error}", path.display());
                found.push(Problem::error("data_dir", message));
            }
            if meta.permissions().mode() & 0o007 != 0 {
                let message = format!("data_dir: {} is open to every user of this machine", path.display());
                found.push(Problem::warning("data_dir", message).hint("chmod o-rwx it: kept mail lies there"));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let message = format!("data_dir: {} does not exist; it is made at the first start", path.display());
            found.push(Problem::advice("data_dir", message));
        }
        Err(error) => {
            found.push(Problem::error("data_dir", format!("data_dir: {}: {error}", path.display())));
        }
    }
}

/// A key that signs and cannot be read does not keep other mail from being served.
fn check_dkim_keys(config: &Config, found: &mut Vec<Problem>) {
    for (at, dkim) in config.dkim.iter().enumerate() {
        let mut problems = Vec::new();
        if let Some(path) = &dkim.key {
            readable(&format!("dkim[{at}].key"), path, &mut problems);
        }
        let milder = problems.into_iter().map(|problem| match problem.severity {
            Severity::Error => Problem { severity: Severity::Warning, ..problem }
                .hint("see signing.failure for what becomes of outgoing mail"),
            _ => problem,
        });
        found.extend(milder);
    }
}

/// A socket's directory must be there when it is bound.
fn check_sockets(config: &Config, found: &mut Vec<Problem>) {
    let milter = config.milter.iter().enumerate().map(|(at, m)| (format!("milter[{at}].listen"), &m.listen));
    let smtp = config.smtp.iter().enumerate().map(|(at, l)| (format!("smtp[{at}].listen"), &l.listen));
    for (key, listen) in milter.chain(smtp) {
        let SocketAddress::Unix(path) = listen else { continue };
        let Some(dir) = path.parent().filter(|dir| !dir.is_dir()) else { continue };
        let message = format!("{key}: the directory {} does not exist (yet): nothing can listen there", dir.display());
        found.push(Problem::warning(&key, message));
    }
}

fn readable(key: &str, path: &Path, found: &mut Vec<Problem>) {
    if let Some(name) = secret::credential(path) {
        if !secret::is_name(name) {
            found.push(Problem::error(key, format!("{key}: {name:?} is not the name of a credential")));
            return;
        }
        if !secret::are_given() {
            let message = format!("{key}: the credential {name} is known to the service only: it was not looked at");
            found.push(Problem::advice(key, message));
            return;
        }
    }
    let path = &secret_file(path);
    let fail = |why: String| Problem::error(key, format!("{key}: {} cannot be read: {why}", path.display()));
    // A FIFO would hang the opening, so the type is looked at first.
    match fs::metadata(path) {
        Ok(meta) if !meta.is_file() => found.push(fail("not a file".to_owned())),
        Ok(_) => {
            if let Err(error) = File::open(path) {
                found.push(fail(error.to_string()));
            }
        }
        Err(error) => found.push(fail(error.to_string())),
    }
}

/// Private keys and passwords that others can read.
fn check_keys(config: &Config, found: &mut Vec<Problem>) {
    let own = config.smtp.iter().enumerate().map(|(at, l)| (format!("smtp[{at}].key"), l.key.as_ref()));
    let more = config.tls.certificate.iter().enumerate();
    let more = more.map(|(at, pair)| (format!("tls.certificate[{at}].key"), Some(&pair.key)));
    let dkim = config.dkim.iter().enumerate().map(|(at, dkim)| (format!("dkim[{at}].key"), dkim.key.as_ref()));
    let routes = config.route.iter().enumerate().map(|(at, r)| (format!("route[{at}].key"), r.key.as_ref()));
    let next = [("next_hop.key".to_owned(), config.next_hop.key.as_ref())];
    let logins = config.route.iter().enumerate();
    let logins = logins.map(|(at, route)| (format!("route[{at}].login_file"), route.login_file.as_ref()));
    let passwords = config.engines.password_files.iter().map(|path| ("engines.password_files".to_owned(), Some(path)));
    for (key, path) in own.chain(more).chain(dkim).chain(routes).chain(next).chain(logins).chain(passwords) {
        let Some(path) = path.map(|path| secret_file(path)) else { continue };
        if fs::metadata(&path).is_ok_and(|meta| meta.permissions().mode() & 0o004 != 0) {
            let message = format!("{key}: every user of this machine can read {}", path.display());
            found.push(Problem::warning(&key, message).hint("chmod o-r it"));
        }
    }
}

fn check_rules(path: &Path, found: &mut Vec<Problem>) {
    if !path.is_dir() {
        return readable("engines.yara", path, found);
    }
    let is_rule = |entry: fs::DirEntry| {
        entry.path().extension().is_some_and(|extension| extension == "yar" || extension == "yara")
    };
    match fs::read_dir(path) {
        Ok(entries) => {
            if !entries.flatten().any(is_rule) {
                let message = format!("engines.yara: {} holds no *.yar or *.yara file", path.display());
                found.push(Problem::warning("engines.yara", message));
            }
        }
        Err(error) => {
            let message = format!("engines.yara: {} cannot be read: {error}", path.display());
            found.push(Problem::error("engines.yara", message));
        }
    }
}

/// A next hop that is not to be found.
fn check_place(hop: &HopPlace, key: &str, found: &mut Vec<Problem>) {
    let message = match hop {
        HopPlace::Tcp(tcp) => match (tcp.host.as_str(), tcp.port).to_socket_addrs() {
            Ok(_) => return,
            Err(error) => format!("{key}: {} has no address: {error}", tcp.host),
        },
        HopPlace::Unix(path) => match fs::metadata(path) {
            Ok(meta) if meta.file_type().is_socket() => return,
            Ok(_) => format!("{key}: {} is not a socket", path.display()),
            Err(error) => format!("{key}: {}: {error}", path.display()),
        },
    };
    found.push(Problem::warning(key, message));
}

/// The next hop's name, and clamd's socket. What is missing now may be there later: warnings.
fn check_peers(config: &Config, found: &mut Vec<Problem>) {
    if let Some(hop) = &config.next_hop.address {
        check_place(hop, "next_hop.address", found);
    }
    for (at, route) in config.route.iter().enumerate() {
        for hop in route.hops.iter().filter(|hop| !hop.mx) {
            check_place(&hop.address, &format!("route[{at}].hops"), found);
        }
    }
    if let Some(ClamdAddress::Unix(path)) = &config.clamd.address {
        let problem = match fs::metadata(path) {
            Ok(meta) if meta.file_type().is_socket() => return,
            Ok(_) => format!("clamd.address: {} is not a socket", path.display()),
            Err(error) => format!("clamd.address: {}: {error}", path.display()),
        };
        found.push(Problem::warning("clamd.address", problem));
    }
}
