//! A Sendmail of one's own, with a milter: configuration and queue in a temporary directory, one port on 127.0.0.1.
//!
//! Its package cannot be installed beside Postfix. So it is run from the files of the package, unpacked into the
//! directory that `MAILWARD_SENDMAIL` names; `.ci/run` does that. All mail goes on to a next hop.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::{free_port, peers, wait_until};

/// How long it may take to start: on a machine whose name has no domain it sleeps for a minute.
const START: Duration = Duration::from_secs(90);

/// Runs a program where the machine's name has a domain, if we may, and else where it is.
const RENAMED: &str = "\
if unshare --uts true 2>/dev/null; then
  exec unshare --uts sh -c 'hostname sendmail.example.net; exec \"$0\" \"$@\"' \"$0\" \"$@\"
fi
exec \"$0\" \"$@\"";

/// `sendmail.cf` as it is read, without m4: as little as takes mail and passes it on, on a busy machine too
/// (by its defaults it only queues above a load of 8 a processor).
const CONFIGURATION: &str = "\
V10/Berkeley
Cwlocalhost sendmail.example.net
Dj sendmail.example.net
O PidFile=@dir@/pid
O QueueDirectory=@dir@/queue
O ServiceSwitchFile=@dir@/switch
O DaemonPortOptions=Port=@port@, Addr=127.0.0.1, Name=MTA
O DeliveryMode=interactive
O EightBitMode=pass8
O Timeout.ident=0
O QueueLA=10000
O RefuseLA=10000
O TempFileMode=0600
O DefaultUser=8:12
O DontBlameSendmail=GroupWritableDirPathSafe
O InputMailFilters=mailward
O Milter.macros.connect=j, _, {daemon_name}, {if_name}, {if_addr}
O Milter.macros.helo={tls_version}, {cipher}
O Milter.macros.envfrom=i, {auth_type}, {auth_authen}
O Milter.macros.envrcpt={rcpt_mailer}, {rcpt_host}, {rcpt_addr}
O Milter.macros.eom={msg_id}
Xmailward, S=@milter@, F=T, T=S:10s;R:30s;E:5m
Troot
H?P?Return-Path: <$g>
HReceived: from $s ($_) by $j ($v) id $i; $b
Msmtp, P=[IPC], F=mDFMuX8, S=0, R=0, E=\\r\\n, L=990, T=DNS/RFC822/SMTP, A=TCP $h @relay@
Mlocal, P=[IPC], F=lsmDFMuX8, S=0, R=0, E=\\r\\n, L=990, T=DNS/RFC822/SMTP, A=TCP $h @relay@
Mprog, P=/bin/false, F=l, A=sh
S0
R$*\t$#smtp $@ [127.0.0.1] $: $1
S3
R$* < $* > $*\t$2
S4
Scheck_rcpt
R$*\t$@ ok
";

/// A running instance. It is ended when dropped.
#[derive(Debug)]
pub struct Sendmail {
    child: Child,
    port: u16,
    _dir: TempDir,
}

impl Sendmail {
    /// Starts one with a milter (`inet:PORT@127.0.0.1`) that passes mail on to a server on 127.0.0.1. `None` if there
    /// is no Sendmail (see [`peers`]).
    pub async fn start(milter: &str, relay: SocketAddr) -> Option<Self> {
        let Some(root) = std::env::var_os("MAILWARD_SENDMAIL").map(PathBuf::from) else {
            peers::skipped("sendmail (MAILWARD_SENDMAIL names no unpacked package)");
            return None;
        };
        let dir = tempfile::Builder::new().prefix("sendmail-").tempdir().expect("a temporary directory");
        let (place, port) = (dir.path(), free_port());
        let own = |name: &str| place.join(name);
        // Without its set-group-id bit, so that it finds the libraries beside it.
        std::fs::copy(root.join("usr/libexec/sendmail/sendmail"), own("sendmail")).expect("the program");
        std::fs::set_permissions(own("sendmail"), PermissionsExt::from_mode(0o755)).expect("permissions");
        std::fs::create_dir(own("queue")).expect("a directory");
        std::fs::set_permissions(own("queue"), PermissionsExt::from_mode(0o700)).expect("permissions");
        std::fs::write(own("switch"), "hosts\tfiles\naliases\tfiles\n").expect("written");
        let marks = [
            ("@dir@", place.display().to_string()),
            ("@port@", port.to_string()),
            ("@milter@", milter.to_owned()),
            ("@relay@", relay.port().to_string()),
        ];
        let text = marks.iter().fold(CONFIGURATION.to_owned(), |text, (mark, value)| text.replace(mark, value));
        std::fs::write(own("sendmail.cf"), text).expect("written");
        let libraries = format!("{0}/usr/lib/x86_64-linux-gnu:{0}/lib/x86_64-linux-gnu", root.display());
        let mut command = Command::new("sh");
        command
            .args(["-c", RENAMED])
            .arg(own("sendmail"))
            .arg(format!("-C{}", own("sendmail.cf").display()))
            .arg("-bD");
        command.env("LD_LIBRARY_PATH", libraries);
        let child = command.stdin(Stdio::null()).spawn().expect("sendmail runs");
        let instance = Self { child, port, _dir: dir };
        let address = instance.address();
        wait_until("Sendmail to listen", START, || {
            std::net::TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
        })
        .await;
        Some(instance)
    }

    /// Where mail comes in.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }
}

impl Drop for Sendmail {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
