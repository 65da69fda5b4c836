//! An external engine that knows what nobody else does, fails, or is slow.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use judge::policy::{MalwareAction, Rule};
use settings::values::{ClamdAddress, HostPort};
use testkit::{Behaviour, Sink, sample};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::node::{DOUBTFUL, Setup, with_clamd};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    what_only_clamd_knows_is_found_in_its_part,
    what_clamd_finds_in_the_whole_only_takes_the_whole,
    what_is_allowed_does_not_hide_what_is_not,
    what_is_allowed_is_left_in_what_is_changed,
    a_clamd_that_is_down_is_a_451,
    a_clamd_that_says_nothing_is_a_451_in_time,
    the_real_clamd_finds_what_nobody_else_does,
];

/// What only the engines outside know. Not malware, and no other engine minds it.
const SECRET: &str = "Mailward test signature 7b1f";

/// What a fake clamd does about a scan.
#[derive(Clone, Copy)]
enum Fake {
    /// Finds the secret, also in base64, as clamd does in a raw message.
    FindsInParts,
    /// Finds the secret only where it is coded: in the raw message, never in a part.
    FindsInTheWhole,
    /// Never answers.
    Hangs,
}

/// A fake clamd on TCP; it ends when dropped.
struct FakeClamd {
    address: ClamdAddress,
    task: JoinHandle<()>,
}

impl Drop for FakeClamd {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn fake(fake: Fake) -> FakeClamd {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(answer(stream, fake));
        }
    });
    FakeClamd { address: ClamdAddress::Tcp(HostPort { host: "127.0.0.1".to_owned(), port }), task }
}

/// One command: `z` form, INSTREAM or anything short.
async fn answer(mut stream: TcpStream, fake: Fake) -> Option<()> {
    let mut command = Vec::new();
    while command.last() != Some(&0) {
        command.push(stream.read_u8().await.ok()?);
    }
    if command != b"zINSTREAM\0" {
        let reply: &[u8] =
            if command == b"zPING\0" { b"PONG\0" } else { b"ClamAV 1.4.6/27500/Fri Nov 20 10:00:00 2026\0" };
        return stream.write_all(reply).await.ok();
    }
    let mut content = Vec::new();
    loop {
        let length = stream.read_u32().await.ok()?;
        if length == 0 {
            break;
        }
        let start = content.len();
        content.resize(start + length as usize, 0);
        stream.read_exact(&mut content[start..]).await.ok()?;
    }
    let coded = sample::base64(SECRET.as_bytes());
    let has = |text: &str| content.windows(text.len()).any(|w| w == text.as_bytes());
    let found = match fake {
        Fake::Hangs => std::future::pending().await,
        Fake::FindsInParts => has(SECRET) || has(coded.trim_end()),
        Fake::FindsInTheWhole => has(coded.trim_end()),
    };
    let reply: &[u8] = if found { b"stream: Only.Clamd.Knows FOUND\0" } else { b"stream: OK\0" };
    stream.write_all(reply).await.ok()
}

fn secret_mail(subject: &str) -> Vec<u8> {
    sample::with_attachment(subject, "report.txt", "text/plain", SECRET.as_bytes())
}

async fn what_only_clamd_knows_is_found_in_its_part() {
    let clamd = fake(Fake::FindsInParts).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new(), clamd.address.clone()).start(&sink).await;
    assert_eq!(node.send(&secret_mail("part")).await.code, 250);
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    assert!(content.contains("See the attachment.\r\n") && content.contains("report.txt.removed.txt"), "{content}");
    assert!(!content.contains(sample::base64(SECRET.as_bytes()).trim_end()));
    let line = logged::message().await;
    let said = (line.get("malware"), line.get("action"), line.get("rules"));
    assert_eq!(said, ("Only.Clamd.Knows", "object_deleted", "malware_infected"));
    let objects: Vec<String> = node.kept().0.entry.objects.iter().map(|o| o.raw().clone()).collect();
    assert_eq!(objects, ["report.txt"]);
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    assert!(sink.messages()[1].content.ends_with(&sample::clean("clean")[200..]));
}

async fn what_clamd_finds_in_the_whole_only_takes_the_whole() {
    let clamd = fake(Fake::FindsInTheWhole).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new(), clamd.address.clone()).start(&sink).await;
    let reply = node.send(&secret_mail("whole")).await;
    let line = logged::message().await;
    // Nobody knows where it is, so all of it goes: there is nothing left to put a notice into.
    assert_eq!(line.get("action"), "message_deleted");
    assert_eq!((reply.code, reply.lines), (250, vec![format!("2.0.0 Ok: {}", line.get("id"))]));
    assert_eq!(sink.count(), 0);
    assert!(node.kept().1 == secret_mail("whole"));
}

/// A message with two attachments: a text with this content, and another file.
fn two_attachments(subject: &str, content: &str, name: &str, file: &[u8]) -> Vec<u8> {
    let mail =
        String::from_utf8(sample::with_attachment(subject, name, "application/octet-stream", file)).expect("text");
    let first = format!("--=_mixed\r\nContent-Type: text/plain; name=doubt.txt\r\n\r\n{content}\r\n--=_mixed\r\n");
    mail.replacen("--=_mixed\r\n", &first, 1).into_bytes()
}

/// One engine finds, in one part, what the policy lets pass; clamd finds in the raw message what it
/// does not, and says not where.
async fn what_is_allowed_does_not_hide_what_is_not() {
    let clamd = fake(Fake::FindsInParts).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new(), clamd.address.clone()).start(&sink).await;
    for watched in [false, true] {
        sink.clear();
        logged::clear();
        node.set_policy(|p| {
            p.malware.probable_action = if watched { MalwareAction::Automatic } else { MalwareAction::Allow };
            p.monitor.rules = if watched { vec![Rule::MalwareProbable] } else { Vec::new() };
        });
        let mail = two_attachments("both", DOUBTFUL, "report.txt", SECRET.as_bytes());
        assert_eq!(node.send(&mail).await.code, 250);
        let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
        assert!(content.contains(DOUBTFUL) && content.contains("report.txt.removed.txt"), "{watched}: {content}");
        assert!(!content.contains(sample::base64(SECRET.as_bytes()).trim_end()), "{watched}: {content}");
        assert_eq!(logged::message().await.get("action"), "object_deleted");
    }
}

async fn what_is_allowed_is_left_in_what_is_changed() {
    let clamd = fake(Fake::FindsInParts).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new(), clamd.address.clone()).start(&sink).await;
    node.set_policy(|p| p.malware.probable_action = MalwareAction::Allow);
    let zip = sample::zip(&[("readme.txt", b"nothing here\r\n"), ("eicar.com", &testkit::eicar())]);
    assert_eq!(node.send(&two_attachments("both", DOUBTFUL, "invoice.zip", &zip)).await.code, 250);
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    assert!(content.contains(DOUBTFUL) && !content.contains("removed.txt"), "{content}");
    assert!(content.contains("invoice.zip"), "{content}");
    assert_eq!(logged::message().await.get("action"), "disinfected");
}

async fn a_clamd_that_is_down_is_a_451() {
    let address = ClamdAddress::Tcp(HostPort { host: "127.0.0.1".to_owned(), port: testkit::free_port() });
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new(), address).start(&sink).await;
    for mail in [sample::clean("clean"), secret_mail("secret")] {
        let refused = node.send(&mail).await;
        assert!(
            refused.code == 451 && refused.lines[0].starts_with("4.7.1 Message could not be examined"),
            "{refused:?}"
        );
    }
    assert_eq!((sink.count(), node.backup().len()), (0, 0));
    // What another engine knows is known all the same: it is stricter to defer than to change.
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 451);
    assert!(logged::messages(3).await.iter().all(|line| line.get("rules").contains("unscannable_engine_failed")));
    assert!(
        node.figure("mailward_engine_unable_total{engine=\"clamd\",why=\"unreachable\"}") >= 3.0,
        "{}",
        node.service.metrics().text()
    );
}

async fn a_clamd_that_says_nothing_is_a_451_in_time() {
    let clamd = fake(Fake::Hangs).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(Setup::new().deadline(2_000), clamd.address.clone()).start(&sink).await;
    let started = Instant::now();
    assert_eq!(node.send(&sample::clean("clean")).await.code, 451);
    let took = started.elapsed();
    assert!(took > Duration::from_millis(1_200) && took < Duration::from_secs(4), "{took:?}");
    assert_eq!(sink.count(), 0);
}

/// A clamd of our own; it ends when dropped.
struct RealClamd(Child);

impl Drop for RealClamd {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a clamd that knows our secret and nothing else, and waits for its socket.
async fn real(program: &Path, folder: &Path) -> RealClamd {
    let database = folder.join("db");
    std::fs::create_dir(&database).expect("a directory");
    let hex: String = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(database.join("test.ndb"), format!("Mailward.Secret:0:*:{hex}\n")).expect("written");
    let config = format!(
        "DatabaseDirectory {db}\nLocalSocket {dir}/clamd.ctl\nTemporaryDirectory {dir}\nForeground yes\nMaxThreads 2\n",
        db = database.display(),
        dir = folder.display()
    );
    std::fs::write(folder.join("clamd.conf"), config).expect("written");
    let mut command = Command::new(program);
    command.arg("-c").arg(folder.join("clamd.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let daemon = RealClamd(command.spawn().expect("clamd runs"));
    let socket = folder.join("clamd.ctl");
    testkit::wait_until("clamd's socket", Duration::from_secs(60), || {
        std::os::unix::net::UnixStream::connect(&socket).is_ok()
    })
    .await;
    daemon
}

async fn the_real_clamd_finds_what_nobody_else_does() {
    let Some(program) = testkit::peers::clamd() else { return };
    let setup = Setup::new();
    let folder = setup.scratch().join("clamd");
    std::fs::create_dir(&folder).expect("a directory");
    let daemon = real(&program, &folder).await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = with_clamd(setup, ClamdAddress::Unix(folder.join("clamd.ctl"))).start(&sink).await;
    // In memory, and in a file whose descriptor goes over.
    let large = [SECRET.as_bytes(), &vec![b' '; 400_000]].concat();
    for content in [SECRET.as_bytes(), &large] {
        sink.clear();
        let mail = sample::with_attachment("real", "report.txt", "text/plain", content);
        assert_eq!(node.send(&mail).await.code, 250);
        let delivered = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
        assert!(
            delivered.contains("See the attachment.") && delivered.contains("report.txt.removed.txt"),
            "{delivered}"
        );
        assert!(delivered.contains("Mailward.Secret.UNOFFICIAL"), "{delivered}");
    }
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    assert_eq!((sink.count(), node.backup().len()), (2, 2));
    drop(daemon);
    assert_eq!(node.send(&sample::clean("clean")).await.code, 451);
    assert_eq!(sink.count(), 2);
}
