//! A Dovecot of one's own that takes mail by LMTP: configuration, state and mailboxes in a temporary directory, a port of
//! its own on 127.0.0.1. Needs root, as Dovecot does.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{PATIENCE, free_port, peers, wait_until};

/// The user and the group that own the mailboxes: `nobody` and `nogroup`.
const OWNER: u32 = 65534;

/// What every instance has beside the lines of a test; `@dir@` is its directory.
const CONFIG: &str = "\
mail_location = maildir:~/Maildir
base_dir = @dir@/run
state_dir = @dir@/state
log_path = @dir@/log
ssl = no
default_internal_user = nobody
default_internal_group = nogroup
default_login_user = nobody
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = passwd-file
  args = username_format=%n @dir@/users
}
";

/// A running instance. It is stopped when dropped.
#[derive(Debug)]
pub struct Dovecot {
    child: Child,
    dir: TempDir,
    port: u16,
}

impl Dovecot {
    /// Starts one with these lines and mailboxes for these users of any domain, and waits until it listens; `@lmtp@` in
    /// the lines stands for its port. `None` if it is not installed (see [`peers`]).
    pub async fn start(lines: &str, users: &[&str]) -> Option<Self> {
        let program = peers::find("dovecot")?;
        if !Path::new("/usr/lib/dovecot/lmtp").exists() {
            peers::skipped("Dovecot's LMTP (dovecot-lmtpd is not installed)");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("dovecot-").tempdir().expect("a temporary directory");
        let port = free_port();
        fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).expect("others may enter");
        let path = |name: &str| dir.path().join(name);
        for name in ["run", "state", "mail"] {
            fs::create_dir(path(name)).expect("a directory");
        }
        chown(path("mail"), Some(OWNER), Some(OWNER)).expect("it is theirs");
        let here = dir.path().display();
        let list: Vec<String> =
            users.iter().map(|user| format!("{user}::{OWNER}:{OWNER}::{here}/mail/{user}::\n")).collect();
        fs::write(path("users"), list.concat()).expect("written");
        let text = format!("{lines}{CONFIG}").replace("@dir@", &here.to_string()).replace("@lmtp@", &port.to_string());
        fs::write(path("dovecot.conf"), text).expect("written");
        let mut command = Command::new(program);
        command.arg("-F").arg("-c").arg(path("dovecot.conf")).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::null()).spawn().expect("it runs");
        let instance = Self { child, dir, port };
        let listens = || {
            std::net::TcpStream::connect_timeout(&instance.lmtp(), Duration::from_millis(200)).is_ok()
                || panic_if_ended(&instance)
        };
        wait_until("Dovecot to listen", PATIENCE, listens).await;
        Some(instance)
    }

    /// Where it takes mail.
    pub fn lmtp(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The messages that a user has, in no particular order.
    pub fn messages(&self, user: &str) -> Vec<Vec<u8>> {
        let Ok(list) = fs::read_dir(self.home(user).join("Maildir/new")) else { return Vec::new() };
        list.flatten().map(|entry| fs::read(entry.path()).expect("a message")).collect()
    }

    /// Makes it impossible to deliver to a user, or possible again.
    pub fn block(&self, user: &str, blocked: bool) {
        let home = self.home(user);
        match blocked {
            true => fs::write(home, "in the way").expect("written"),
            false => fs::remove_file(home).expect("it was there"),
        }
    }

    /// Everything it has logged.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    fn home(&self, user: &str) -> PathBuf {
        self.dir.path().join("mail").join(user)
    }
}

/// False; panics with the log if the program does not run any more.
fn panic_if_ended(instance: &Dovecot) -> bool {
    let runs = Path::new(&format!("/proc/{}/exe", instance.child.id())).read_link().is_ok();
    assert!(runs, "dovecot does not start\n{}", instance.log());
    false
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        // Asked to, it ends its own processes as well.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}
