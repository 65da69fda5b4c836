//! A Postfix of one's own: configuration, queue and mailboxes in a temporary directory, ports of
//! its own on 127.0.0.1.
//!
//! Two SMTP ports: mail from outside comes in at one (through a before-queue filter, if asked for),
//! and what a filter gives back at the other. All mail for `example.com` and `example.org` ends in
//! one Maildir, or everything goes on to a next hop. Needs root, as Postfix does.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{PATIENCE, free_port, peers, wait_until};

/// What main.cf says in every instance; `@dir@` is the instance's directory.
const MAIN_CF: &str = "\
compatibility_level = 3.6
queue_directory = @dir@/queue
data_directory = @dir@/data
maillog_file = @dir@/mail.log
maillog_file_prefixes = @dir@
mail_owner = postfix
setgid_group = postdrop
myhostname = postfix.example.net
mydestination =
alias_maps =
local_recipient_maps =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_peername_lookup = no
smtp_host_lookup = native
smtp_tls_security_level = none
smtp_dns_support_level = disabled
message_size_limit = 104857600
mailbox_size_limit = 0
virtual_mailbox_limit = 0
minimal_backoff_time = 1s
maximal_backoff_time = 2s
queue_run_delay = 1s
virtual_mailbox_domains = example.com, example.org
virtual_mailbox_base = @dir@/mail
virtual_mailbox_maps = static:box/
virtual_uid_maps = static:@uid@
virtual_gid_maps = static:@gid@
";

/// The services that every instance has; none is in a chroot.
const MASTER_CF: &str = "\
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 5 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
lmtp unix - - n - - lmtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
";

/// How an instance differs from the plain one.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Port on 127.0.0.1 of a before-queue filter (`smtpd_proxy_filter`).
    pub filter: Option<u16>,
    /// Where all mail goes instead of into the Maildir.
    pub relay: Option<SocketAddr>,
    /// More lines for main.cf, for instance `smtpd_milters = …`.
    pub main_cf: String,
    /// The lines of master.cf for the two ports, instead of the plain ones. `@outside@` and
    /// `@inside@` in them stand for the ports.
    pub master_cf: Option<String>,
}

/// A running instance. It is stopped when dropped.
#[derive(Debug)]
pub struct Postfix {
    command: PathBuf,
    dir: TempDir,
    outside: u16,
    inside: u16,
}

impl Postfix {
    /// Starts one and waits until it answers. `None` if Postfix is not installed (see [`peers`]).
    pub async fn start(options: &Options) -> Option<Self> {
        let command = peers::postfix()?;
        let dir = tempfile::Builder::new().prefix("postfix-").tempdir().expect("a temporary directory");
        let instance = Self { command, dir, outside: free_port(), inside: free_port() };
        instance.write_files(options);
        assert!(instance.control("start"), "postfix does not start\n{}", instance.log());
        for port in [instance.outside, instance.inside] {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
            wait_until("Postfix to listen", PATIENCE, || {
                std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
            })
            .await;
        }
        Some(instance)
    }

    /// Where mail from outside comes in.
    pub fn outside(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.outside).into()
    }

    /// Where a filter gives mail back; accepts XFORWARD.
    pub fn inside(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.inside).into()
    }

    /// Submits a message on the machine itself, as programs do that call `sendmail`.
    pub fn submit(&self, to: &str, content: &[u8]) {
        let sendmail = peers::find("sendmail").expect("Postfix has one");
        let mut command = Command::new(sendmail);
        command.arg("-C").arg(self.dir.path()).args(["-i", "-f", "alice@example.org", to]);
        let mut child = command.stdin(Stdio::piped()).spawn().expect("it runs");
        let text = String::from_utf8_lossy(content).replace("\r\n", "\n");
        child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("it reads");
        assert!(child.wait().expect("it ends").success(), "sendmail refuses\n{}", self.log());
    }

    /// The messages in the Maildir, in no order, with line feeds as line ends and the header lines
    /// that delivery adds.
    pub fn delivered(&self) -> Vec<Vec<u8>> {
        let files = fs::read_dir(self.maildir()).into_iter().flatten().flatten();
        files.map(|f| fs::read(f.path()).expect("a delivered message is readable")).collect()
    }

    /// How many messages are in the Maildir.
    pub fn count_delivered(&self) -> usize {
        fs::read_dir(self.maildir()).map_or(0, Iterator::count)
    }

    /// Waits for at least `count` delivered messages; panics with the log after `PATIENCE`.
    pub async fn wait_for(&self, count: usize) -> Vec<Vec<u8>> {
        let start = std::time::Instant::now();
        while self.count_delivered() < count {
            assert!(start.elapsed() < PATIENCE, "{count} messages were not delivered\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.delivered()
    }

    /// How many messages wait in its queues.
    pub fn queued(&self) -> usize {
        ["incoming", "active", "deferred", "maildrop"].iter().map(|queue| self.files_in(queue)).sum()
    }

    /// How many messages are in one of its queues.
    pub fn files_in(&self, queue: &str) -> usize {
        files_below(&self.dir.path().join("queue").join(queue))
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("mail.log")).unwrap_or_default()
    }

    fn maildir(&self) -> PathBuf {
        self.dir.path().join("mail/box/new")
    }

    fn write_files(&self, options: &Options) {
        let dir = self.dir.path();
        let (uid, gid) = account("postfix");
        fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).expect("permissions");
        for (name, owner) in [("queue", 0), ("data", uid), ("mail", uid)] {
            fs::create_dir(dir.join(name)).expect("a directory");
            chown(dir.join(name), Some(owner), None).expect("an owner; Postfix needs root");
        }
        let mut main = MAIN_CF
            .replace("@dir@", &dir.display().to_string())
            .replace("@uid@", &uid.to_string())
            .replace("@gid@", &gid.to_string());
        if let Some(to) = options.relay {
            let _ = writeln!(main, "relayhost = [{}]:{}", to.ip(), to.port());
            main = main.replace("virtual_mailbox_domains = example.com, example.org", "virtual_mailbox_domains =");
        }
        main.push_str(&options.main_cf);
        fs::write(dir.join("main.cf"), main).expect("main.cf");

        fs::write(dir.join("master.cf"), format!("{MASTER_CF}{}", self.services(options))).expect("master.cf");
    }

    /// The lines of master.cf for the two ports.
    fn services(&self, options: &Options) -> String {
        let mut master = String::new();
        if let Some(given) = &options.master_cf {
            let ports = [("@outside@", self.outside), ("@inside@", self.inside)];
            return ports.iter().fold(given.clone(), |text, (mark, port)| text.replace(mark, &port.to_string()));
        }
        let _ = writeln!(master, "127.0.0.1:{} inet n - n - - smtpd", self.outside);
        if let Some(port) = options.filter {
            let _ = writeln!(master, "  -o smtpd_proxy_filter=127.0.0.1:{port}");
        }
        let _ = writeln!(
            master,
            "127.0.0.1:{} inet n - n - - smtpd\n  -o smtpd_authorized_xforward_hosts=127.0.0.0/8\n  \
            -o receive_override_options=no_unknown_recipient_checks,no_header_body_checks\n  \
            -o smtpd_milters=",
            self.inside
        );
        master
    }

    /// Runs `postfix -c DIR VERB`; what it says is in the log.
    fn control(&self, verb: &str) -> bool {
        // Its daemons inherit what is not closed: nothing may keep a pipe of ours open for ever.
        Command::new(&self.command)
            .arg("-c")
            .arg(self.dir.path())
            .arg(verb)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.control("stop");
    }
}

/// Plain files at any depth below a directory.
fn files_below(dir: &Path) -> usize {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { files_below(&e.path()) } else { 1 }).sum()
}

/// User and group number of an account, from /etc/passwd.
fn account(name: &str) -> (u32, u32) {
    let passwd = fs::read_to_string("/etc/passwd").expect("/etc/passwd");
    let line =
        passwd.lines().find(|l| l.split(':').next() == Some(name)).unwrap_or_else(|| panic!("no account {name}"));
    let number = |at: usize| line.split(':').nth(at).and_then(|f| f.parse().ok()).expect("a number");
    (number(2), number(3))
}
