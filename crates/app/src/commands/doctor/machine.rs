//! The machine: clock, disk, user and permissions, name resolution, the age of databases.

use std::net::ToSocketAddrs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use settings::Config;

use super::{Finding, Level};

/// A clock before this is wrong: this program did not exist yet. 2026-01-01, in seconds since 1970.
const EARLIEST: u64 = 1_767_225_600;
/// systemd-timesyncd leaves this file once the clock was set from the network.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";
/// Programs that keep the clock right, by the name of their process.
const TIME_DAEMONS: [&str; 4] = ["chronyd", "ntpd", "systemd-timesyn", "openntpd"];
/// Less free disk than this is a risk, in bytes.
const DISK_LOW: u64 = 512 << 20;
/// Less free disk than this stops mail that has to be kept, in bytes.
const DISK_NONE: u64 = 16 << 20;
/// Files of rules or hashes older than this are worth a word.
const OLD_DATABASE: Duration = Duration::from_secs(14 * 86_400);

/// All of them.
pub(super) fn all(config: &Config) -> Vec<Finding> {
    let mut found = vec![clock(now(), kept_right())];
    found.extend(disk(config));
    found.extend(user(config));
    found.push(resolver(config));
    found.extend(databases(config));
    found
}

fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Whether something keeps the clock right.
fn kept_right() -> bool {
    let runs = |pid: &Path| {
        let name = std::fs::read_to_string(pid.join("comm")).unwrap_or_default();
        TIME_DAEMONS.contains(&name.trim_end())
    };
    let processes = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    Path::new(SYNCHRONISED).exists() || processes.map(|entry| entry.path()).any(|path| runs(&path))
}

/// Certificates, release markers, retention and the log all rely on the clock.
fn clock(seconds: u64, kept_right: bool) -> Finding {
    if seconds < EARLIEST {
        return Finding::new("clock", Level::Broken, "the clock stands before 2026: set it, or certificates fail");
    }
    if kept_right {
        return Finding::new("clock", Level::Ok, "plausible, and something keeps it right");
    }
    Finding::new("clock", Level::Warning, "plausible, but no time service was seen (chrony, ntpd, systemd-timesyncd)")
}

fn disk(config: &Config) -> Option<Finding> {
    // Before the first start the directory is not there yet; the disk that it will be on is.
    let place = config.data_dir.ancestors().find(|path| path.exists())?;
    let free = match rustix::fs::statvfs(place) {
        Ok(stat) => stat.f_bavail.saturating_mul(stat.f_frsize),
        Err(error) => {
            return Some(Finding::new("disk", Level::Broken, format!("{}: {error}", place.display())));
        }
    };
    let level = if free < DISK_NONE {
        Level::Broken
    } else if free < DISK_LOW {
        Level::Warning
    } else {
        Level::Ok
    };
    Some(Finding::new("disk", level, format!("{} MiB free for {}", free >> 20, config.data_dir.display())))
}

/// Whose the data directory is. What others can read is told with the configuration.
fn user(config: &Config) -> Option<Finding> {
    let meta = std::fs::metadata(&config.data_dir).ok()?;
    let text = format!("{} belongs to uid {}", config.data_dir.display(), meta.uid());
    Some(match meta.uid() {
        0 => Finding::new("user", Level::Warning, format!("{text}: give Mailward a user of its own")),
        _ => Finding::new("user", Level::Ok, text),
    })
}

fn resolver(config: &Config) -> Finding {
    let name = config.hostname();
    match (name.as_str(), 25u16).to_socket_addrs().map(|mut found| found.next()) {
        Ok(Some(address)) => Finding::new("resolver", Level::Ok, format!("our name {name} is {}", address.ip())),
        Ok(None) => Finding::new("resolver", Level::Warning, format!("our name {name} has no address")),
        Err(error) => {
            let text = format!("our name {name} is not found: {error}; others may refuse mail that we send under it");
            Finding::new("resolver", Level::Warning, text)
        }
    }
}

/// Lists and rules that nobody has updated for long.
fn databases(config: &Config) -> Vec<Finding> {
    let lists = config.engines.hash_lists.iter().map(|path| ("hash list", path));
    let rules = config.engines.yara.iter().map(|path| ("YARA rules", path));
    let age = |path: &Path| std::fs::metadata(path).ok()?.modified().ok()?.elapsed().ok();
    lists
        .chain(rules)
        .filter_map(|(what, path)| {
            let age = age(path)?;
            let level = if age > OLD_DATABASE { Level::Warning } else { Level::Ok };
            let text = format!("{what} {}: {} days old", path.display(), age.as_secs() / 86_400);
            Some(Finding::new("databases", level, text))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_is_judged_by_its_time_and_its_keeper() {
        assert_eq!(clock(0, true).level, Level::Broken);
        assert_eq!(clock(EARLIEST, true).level, Level::Ok);
        assert_eq!(clock(EARLIEST, false).level, Level::Warning);
    }

    #[test]
    fn a_directory_that_is_not_there_yet_has_a_disk() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { data_dir: dir.path().join("not/there/yet"), ..Config::default() };
        assert!(disk(&config).is_some_and(|finding| finding.text.contains("MiB free")));
    }

    #[test]
    fn an_old_list_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("list.hdb");
        std::fs::write(&path, "").unwrap();
        let mut config = Config::default();
        config.engines.hash_lists = vec![path.clone()];
        assert_eq!(databases(&config)[0].level, Level::Ok);
        let old = SystemTime::now() - OLD_DATABASE - Duration::from_secs(86_400);
        std::fs::File::options().write(true).open(&path).unwrap().set_modified(old).unwrap();
        let found = databases(&config);
        assert!(found[0].level == Level::Warning && found[0].text.ends_with("15 days old"), "{found:?}");
    }
}
