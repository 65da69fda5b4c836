//! What runs in a process of its own, to be traced or killed: ignored tests that others start by name.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use store::{Options, Store};

use crate::{T0, entry, keep, message};

/// Where a child works.
const DIR: &str = "STORE_TEST_DIR";

/// This test binary, set to run one ignored test in `dir`.
pub(crate) fn child(test: &str, dir: &std::path::Path) -> (PathBuf, Vec<String>, (&'static str, PathBuf)) {
    let args = ["--ignored", "--exact", test, "--nocapture", "--test-threads=1"];
    let args = args.iter().map(|a| (*a).to_owned()).collect();
    (std::env::current_exe().unwrap(), args, (DIR, dir.to_path_buf()))
}

/// The same, ready to run under another program (`strace …`, `unshare …`).
pub(crate) fn child_under(program: &[&str], test: &str, dir: &std::path::Path) -> Command {
    let (exe, args, (name, value)) = child(test, dir);
    let mut words = program.iter().map(std::ffi::OsStr::new).chain([exe.as_os_str()]);
    let mut command = Command::new(words.next().unwrap());
    command.args(words).args(args).env(name, value);
    command
}

/// The directory that this child was given.
pub(crate) fn given_dir() -> PathBuf {
    std::env::var_os(DIR).expect("started by another test").into()
}

/// Prints a line at once, with one write.
fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

#[test]
#[ignore = "started by the test of the order of writes"]
fn keeps_one() {
    let store = Store::open(&given_dir(), Options::default()).unwrap();
    say("OPENED");
    let receipt = store.keep(entry(T0, 5), &mut &b"hello"[..]).unwrap();
    say(&format!("KEPT {}", receipt.backup_id()));
    let receipt = store.keep(entry(T0, 5), &mut &b"hello"[..]).unwrap();
    say(&format!("KEPT {}", receipt.backup_id()));
}

#[test]
#[ignore = "started and killed by the test of crashes"]
fn keeps_until_killed() {
    let store = Store::open(&given_dir(), Options::default()).unwrap();
    say("OPENED");
    std::thread::scope(|scope| {
        for thread in 0..3usize {
            let store = &store;
            scope.spawn(move || {
                for n in 0.. {
                    // Some bytes come again, and some entries are deleted again.
                    let number = if n % 4 == 0 { n } else { thread * 100_000 + n };
                    let id = keep(store, T0 + n as u64, &message(number));
                    say(&format!("KEPT {id} {number}"));
                    if n % 5 == 0 {
                        say(&format!("DELETING {id}"));
                        store.delete(id).unwrap();
                        say(&format!("DELETED {id}"));
                    }
                }
            });
        }
    });
}
