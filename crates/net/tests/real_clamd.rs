//! The clamd client against the real daemon, if it is installed: a daemon of our own, with our own
//! socket, port and signatures.

use std::fs::{self, File};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use judge::units::Time;
use mail::evidence::{Answer, Certainty, ExternalVerdict, UnableWhy};
use net::{Clamd, ClamdBody, ClamdState};
use settings::config::{Clamd as Config, ClamdMethod};
use settings::values::{ClamdAddress, HostPort};
use tokio::time::Instant;

/// How long the daemon may take to start.
const START: Duration = Duration::from_secs(60);
/// The daemon's own limit for a stream, in bytes.
const STREAM_MAX: usize = 2_000_000;

/// The EICAR test file; it is kept backwards, so that no scanner minds this file.
fn eicar() -> Vec<u8> {
    let backwards = r"*H+H$!ELIF-TSET-SURIVITNA-DRADNATS-RACIE$}7)CC7)^P(45XZP\4[PA@%P!O5X";
    backwards.bytes().rev().collect()
}

/// Ends the daemon with the test.
struct Daemon(Child);

impl Drop for Daemon {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn program() -> Option<&'static str> {
    ["/usr/sbin/clamd", "/usr/bin/clamd", "/usr/local/sbin/clamd"].into_iter().find(|path| Path::new(path).exists())
}

/// Starts a daemon that knows the EICAR test file and nothing else.
fn start(program: &str, folder: &Path, port: u16) -> Daemon {
    let database = folder.join("db");
    fs::create_dir(&database).unwrap();
    let hex: String = eicar().iter().map(|byte| format!("{byte:02x}")).collect();
    fs::write(database.join("test.ndb"), format!("Mailward.Test.File:0:*:{hex}\n")).unwrap();
    let path = |name: &str| folder.join(name).display().to_string();
    let lines = [
        format!("DatabaseDirectory {}", database.display()),
        format!("LocalSocket {}", path("clamd.ctl")),
        format!("TCPSocket {port}"),
        "TCPAddr 127.0.0.1".to_owned(),
        format!("LogFile {}", path("clamd.log")),
        format!("TemporaryDirectory {}", folder.display()),
        format!("StreamMaxLength {STREAM_MAX}"),
        "AlertEncrypted yes".to_owned(),
        "Foreground yes".to_owned(),
        "MaxThreads 4".to_owned(),
    ];
    let config = folder.join("clamd.conf");
    fs::write(&config, lines.join("\n") + "\n").unwrap();
    let mut command = Command::new(program);
    command.arg("-c").arg(&config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Daemon(command.spawn().unwrap())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn memory(content: &[u8]) -> ClamdBody {
    ClamdBody::Bytes(content.into())
}

fn file(folder: &Path, content: &[u8]) -> ClamdBody {
    let path = folder.join("content");
    fs::write(&path, content).unwrap();
    let open: OwnedFd = File::open(&path).unwrap().into();
    // As the spool does it: open, without a name.
    fs::remove_file(&path).unwrap();
    ClamdBody::File(Arc::new(open), content.len() as u64)
}

#[tokio::test]
async fn the_real_daemon_finds_and_clears_by_every_way_in() {
    let Some(program) = program() else {
        testkit::peers::skipped("clamd (not installed)");
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let _daemon = start(program, folder.path(), port);
    let unix = ClamdAddress::Unix(folder.path().join("clamd.ctl"));
    let tcp = ClamdAddress::Tcp(HostPort { host: "127.0.0.1".to_owned(), port });
    wait(&unix, folder.path()).await;

    let ways = [
        (&unix, ClamdMethod::Fildes),
        (&unix, ClamdMethod::Instream),
        (&unix, ClamdMethod::Auto),
        (&tcp, ClamdMethod::Auto),
    ];
    for (address, method) in ways {
        let config = Config { address: Some(address.clone()), method, timeout: Time(20_000), ..Config::default() };
        let clamd = Clamd::new(&config).unwrap();
        let what = format!("{method:?} at {address}");
        for infected in [memory(&eicar()), file(folder.path(), &eicar())] {
            let expected = ExternalVerdict::Infected {
                name: "Mailward.Test.File.UNOFFICIAL".to_owned(),
                certainty: Certainty::Certain,
            };
            match clamd.scan(infected, soon()).await {
                Answer::External { verdict, .. } => assert_eq!(verdict, expected, "{what}"),
                other => panic!("{what}: {other:?}"),
            }
        }
        for clean in [memory(b""), memory(b"Hello"), memory(&vec![b'a'; 1_000_000]), file(folder.path(), b"Hello")] {
            let answer = clamd.scan(clean, soon()).await;
            let is_clean = matches!(answer, Answer::External { verdict: ExternalVerdict::Clean, .. });
            assert!(is_clean, "{what}: {answer:?}");
        }
        if !config.passes_files() {
            match clamd.scan(memory(&vec![b'a'; 20 * STREAM_MAX]), soon()).await {
                Answer::Unable(unable) => assert_eq!(unable.why, UnableWhy::TooLarge, "{what}: {unable:?}"),
                other => panic!("{what}: {other:?}"),
            }
        }
        let health = clamd.check().await;
        assert_eq!(health.state, ClamdState::Healthy, "{what}");
        let version = health.version.unwrap();
        assert!(version.text.starts_with("ClamAV ") && version.database.is_none(), "{version:?}");
    }
    many_at_once(&unix).await;
}

/// More scans than connections, in one go.
async fn many_at_once(address: &ClamdAddress) {
    let config = Config { address: Some(address.clone()), connections: 3, timeout: Time(20_000), ..Config::default() };
    let clamd = Arc::new(Clamd::new(&config).unwrap());
    let scans: Vec<_> = (0..20)
        .map(|at| {
            let clamd = Arc::clone(&clamd);
            let content = if at % 2 == 0 { eicar() } else { b"Hello".to_vec() };
            tokio::spawn(async move { clamd.scan(memory(&content), soon()).await })
        })
        .collect();
    for (at, scan) in scans.into_iter().enumerate() {
        let answer = scan.await.unwrap();
        let infected = matches!(answer, Answer::External { verdict: ExternalVerdict::Infected { .. }, .. });
        assert_eq!(infected, at % 2 == 0, "{answer:?}");
    }
}

async fn wait(address: &ClamdAddress, folder: &Path) {
    let start = Instant::now();
    loop {
        let config = Config { address: Some(address.clone()), ..Config::default() };
        let health = Clamd::new(&config).unwrap().check().await;
        if health.state == ClamdState::Healthy {
            return;
        }
        let log = fs::read_to_string(folder.join("clamd.log")).unwrap_or_default();
        assert!(start.elapsed() < START, "clamd does not start: {health:?}\n{log}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}
