//! The certificate that an authority issues: fetched, kept, renewed when two thirds of its life are over.
//!
//! It lies with its key in one file, which is replaced as a whole; the account lies beside it. What fails
//! changes nothing and is tried again later: after [`FIRST_PAUSE`], then after twice as long each time, at
//! most after [`LONGEST_PAUSE`].

use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use net::acme::{AcmeError, Answers, Authority, Issued};
use net::certificates::{Held, now};
use settings::config::Acme;
use tokio::sync::watch;
use wire::certificate::Facts;

use crate::metrics::AcmeLabels;
use crate::{Service, id};

/// How long after a failure comes the next attempt: authorities count failures by the hour.
const FIRST_PAUSE: Duration = Duration::from_secs(900);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(86_400);
/// The longest time without a look at the clock: it may be set, and machines sleep.
const LOOK: Duration = Duration::from_secs(3_600);
/// The directory below the data directory.
const FOLDER: &str = "acme";
/// The certificate with its key, in it.
const CERTIFICATE: &str = "certificate.pem";
/// The account, in it.
const ACCOUNT: &str = "account.json";
/// Largest account file, in bytes.
const MAX_ACCOUNT: u64 = 64 << 10;

/// Where the certificate and its key lie.
pub fn file(data_dir: &Path) -> PathBuf {
    data_dir.join(FOLDER).join(CERTIFICATE)
}

/// In how many seconds a certificate is to be fetched; 0 is now.
pub fn due(facts: Option<&Facts>, names: &[String], now: u64) -> u64 {
    let Some(facts) = facts.filter(|facts| names.iter().all(|name| facts.names(name))) else { return 0 };
    let life = facts.not_after.saturating_sub(facts.not_before);
    // The clock may be behind: a certificate of the future is due after its own time at the latest.
    facts.not_before.saturating_add(life / 3 * 2).saturating_sub(now).min(life)
}

/// Fetches and renews until `stop` becomes true. A new configuration is tried at once.
pub async fn run(service: Arc<Service>, answers: Answers, mut stop: watch::Receiver<bool>) {
    let place = service.store().dir().join(FOLDER);
    let mut failures = 0u32;
    loop {
        let Some(acme) = service.certificates().acme() else { return };
        let file = place.join(CERTIFICATE);
        let held = service.certificates().all().iter().find(|held| held.path() == file).cloned();
        let facts = held.as_ref().and_then(|held| held.facts());
        let left = Duration::from_secs(due(facts.as_ref(), &acme.names, now()));
        let pause = match left.is_zero() {
            false => left.min(LOOK),
            true => {
                let done = tokio::select! {
                    done = fetch(&acme, &place, &answers) => done,
                    _ = stop.wait_for(|stop| *stop) => return,
                };
                failures = tell(&service, &acme, held.as_deref(), done, failures);
                if failures == 0 { Duration::from_secs(1) } else { back_off(failures) }
            }
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = service.certificates().changed() => failures = 0,
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// How many failures there are now in a row.
fn tell(service: &Service, acme: &Acme, held: Option<&Held>, done: Result<(), String>, failures: u32) -> u32 {
    let count = |result| service.metrics().acme_orders.get_or_create(&AcmeLabels { result }).inc();
    let done = done.and_then(|()| held.map_or(Ok(()), |held| held.reload().map_err(|error| error.to_string())));
    match done {
        Ok(()) => {
            count("issued");
            service.certificates().count(service.metrics());
            let days =
                held.and_then(|held| held.facts()).map_or(0, |facts| facts.not_after.saturating_sub(now()) / 86_400);
            tracing::info!(names = acme.names.join(", "), days, "a certificate was fetched and is in use");
            0
        }
        Err(why) => {
            count("failed");
            let failures = failures.saturating_add(1);
            let again_s = back_off(failures).as_secs();
            tracing::error!(
                names = acme.names.join(", "),
                directory = acme.directory,
                why,
                again_s,
                "no certificate could be fetched; what is in use stays in use"
            );
            failures
        }
    }
}

/// The pause after so many failures in a row, with up to a tenth more by chance.
fn back_off(failures: u32) -> Duration {
    let doubled = FIRST_PAUSE.saturating_mul(1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX));
    let pause = doubled.min(LONGEST_PAUSE);
    let tenth = u32::try_from(pause.as_secs() / 10).unwrap_or(u32::MAX);
    pause + Duration::from_secs(u64::from(id::random_below(tenth.saturating_add(1))))
}

/// One order, from the account to the file.
async fn fetch(acme: &Acme, place: &Path, answers: &Answers) -> Result<(), String> {
    let contact = Some(acme.contact.as_str()).filter(|contact| !contact.is_empty());
    let authority =
        Authority::new(&acme.directory, contact, acme.ca_file.as_deref()).map_err(|error| error.to_string())?;
    make_folder(place).map_err(|error| format!("{}: {error}", place.display()))?;
    let account = account(acme, &authority, place).await?;
    let issued = match authority.order(&account, &acme.names, answers).await {
        Ok(issued) => issued,
        Err(error) => {
            if matches!(error, AcmeError::NoAccount(_)) {
                let _ = fs::remove_file(place.join(ACCOUNT));
            }
            return Err(error.to_string());
        }
    };
    let place = place.to_owned();
    let names = acme.names.clone();
    let kept = tokio::task::spawn_blocking(move || keep(&place, &names, &issued)).await;
    kept.unwrap_or_else(|crash| Err(crash.to_string()))
}

/// The account at this authority: the one that is kept, or a new one.
async fn account(acme: &Acme, authority: &Authority, place: &Path) -> Result<String, String> {
    let path = place.join(ACCOUNT);
    let small = fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_ACCOUNT);
    if let Some(text) = small.then(|| fs::read_to_string(&path).ok()).flatten() {
        match text.split_once('\n') {
            Some((directory, account)) if directory == acme.directory => return Ok(account.to_owned()),
            _ => tracing::info!("the account is one of another authority; a new one is made"),
        }
    }
    let account = authority.account().await.map_err(|error| error.to_string())?;
    // An account counts for one authority only: its directory is the first line.
    let text = format!("{}\n{account}", acme.directory);
    replace(&path, text.as_bytes()).map_err(|error| format!("{}: {error}", path.display()))?;
    tracing::info!(directory = acme.directory, "an account was made at the authority");
    Ok(account)
}

/// Puts what was issued where it is used, after a look whether it is what was ordered.
fn keep(place: &Path, names: &[String], issued: &Issued) -> Result<(), String> {
    let fail = |error: io::Error| format!("{}: {error}", place.display());
    let new = place.join(format!("{CERTIFICATE}.new"));
    write(&new, format!("{}\n{}", issued.key.trim_end(), issued.chain).as_bytes()).map_err(fail)?;
    let held = Held::load(&new, &new).map_err(|error| format!("what was issued is of no use: {error}"))?;
    let facts = held.facts().ok_or("what was issued is of no use")?;
    if let Some(name) = names.iter().find(|name| !facts.names(name)) {
        return Err(format!("what was issued is not for {name}"));
    }
    fs::rename(&new, place.join(CERTIFICATE)).and_then(|()| fs::File::open(place)?.sync_all()).map_err(fail)
}

fn make_folder(place: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o700).create(place) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

/// A file that nobody else can read, whole or not at all.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    write(&new, bytes)?;
    fs::rename(&new, path)
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    // One that was left behind keeps its own permissions if it is only opened.
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_due_after_two_thirds_of_its_life() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let facts = Facts { not_before: 1_000, not_after: 1_900, names: names(&["mx.example.org"]), key: 0..0 };
        let wanted = names(&["mx.example.org"]);
        for (now, expected) in [(1_000, 600), (1_599, 1), (1_600, 0), (2_000, 0), (0, 900)] {
            assert_eq!(due(Some(&facts), &wanted, now), expected, "{now}");
        }
        assert_eq!(due(None, &wanted, 1_000), 0, "there is none");
        assert_eq!(due(Some(&facts), &names(&["mx.example.org", "other.example.org"]), 1_000), 0, "a name is missing");
    }

    #[test]
    fn failures_are_followed_by_longer_and_longer_pauses() {
        for (failures, least) in [(1, 900), (2, 1_800), (3, 3_600), (7, 57_600), (8, 86_400), (40, 86_400)] {
            let pause = back_off(failures).as_secs();
            assert!((least..=least + least / 10).contains(&pause), "{failures}: {pause}");
        }
    }

    #[test]
    fn only_what_was_ordered_replaces_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().join("acme");
        make_folder(&place).unwrap();
        make_folder(&place).unwrap();
        let issued = |names: &[&str]| {
            let made = net::tls::self_signed(names).unwrap();
            Issued { chain: made.certificate, key: made.key }
        };
        let names = ["mx.example.org".to_owned()];
        keep(&place, &names, &issued(&["mx.example.org"])).unwrap();
        let first = fs::read(place.join(CERTIFICATE)).unwrap();
        for wrong in [
            issued(&["other.example.org"]),
            Issued { chain: "nothing".to_owned(), key: issued(&["mx.example.org"]).key },
            Issued { key: issued(&["mx.example.org"]).key, ..issued(&["mx.example.org"]) },
        ] {
            assert!(keep(&place, &names, &wrong).is_err());
            assert_eq!(fs::read(place.join(CERTIFICATE)).unwrap(), first);
        }
        keep(&place, &names, &issued(&["mx.example.org", "more.example.org"])).unwrap();
        assert_ne!(fs::read(place.join(CERTIFICATE)).unwrap(), first);
        use std::os::unix::fs::PermissionsExt;
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&place), mode(&place.join(CERTIFICATE))), (0o700, 0o600));
    }
}
