//! The clamd client against daemons that behave, and against daemons that do not.

use std::io::IoSliceMut;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use judge::units::{Bytes, Time};
use mail::evidence::{Answer, Certainty, ExternalVerdict, UnableWhy};
use net::{Clamd, ClamdBody, ClamdState};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use settings::config::{Clamd as Config, ClamdMethod};
use settings::values::{ClamdAddress, HostPort};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, UnixListener, UnixStream};
use tokio::time::Instant;

/// What the fake daemon does.
#[derive(Clone, Copy, Debug)]
enum Fake {
    /// Reads the content, answers with these bytes.
    Says(&'static [u8]),
    /// Answers with the size of the content as the name.
    Measures,
    /// Reads nothing and never answers.
    Hangs,
    /// Takes the connection and closes it.
    Closes,
    /// Answers before it has read everything, and closes.
    Interrupts(&'static [u8]),
    /// Sends without end.
    Floods,
}

/// Reads INSTREAM content up to its end.
async fn read_stream(stream: &mut (impl AsyncRead + Unpin)) -> Option<u64> {
    let mut size = 0;
    loop {
        let length = stream.read_u32().await.ok()?;
        if length == 0 {
            return Some(size);
        }
        let mut chunk = vec![0; length as usize];
        stream.read_exact(&mut chunk).await.ok()?;
        size += u64::from(length);
    }
}

async fn command(stream: &mut (impl AsyncRead + Unpin)) -> Option<Vec<u8>> {
    let mut command = Vec::new();
    loop {
        match stream.read_u8().await.ok()? {
            0 => return Some(command),
            byte => command.push(byte),
        }
    }
}

async fn behave<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, fake: Fake) -> Option<()> {
    match fake {
        Fake::Closes => return None,
        Fake::Hangs => std::future::pending().await,
        Fake::Floods => loop {
            stream.write_all(&[b'x'; 4096]).await.ok()?;
        },
        Fake::Interrupts(reply) => {
            command(&mut stream).await?;
            stream.write_all(reply).await.ok()?;
            // What is still to come is not read; the client must notice the reply all the same.
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Fake::Says(reply) => {
            if command(&mut stream).await? == b"zINSTREAM" {
                read_stream(&mut stream).await?;
            }
            stream.write_all(reply).await.ok()?;
        }
        Fake::Measures => {
            let command = command(&mut stream).await?;
            assert_eq!(command, b"zINSTREAM");
            let size = read_stream(&mut stream).await?;
            stream.write_all(format!("stream: Size.{size} FOUND\0").as_bytes()).await.ok()?;
        }
    }
    Some(())
}

/// A daemon on TCP.
async fn tcp(fake: Fake) -> ClamdAddress {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream, fake));
        }
    });
    ClamdAddress::Tcp(HostPort { host: "127.0.0.1".to_owned(), port })
}

/// A daemon on a unix socket.
fn unix(folder: &tempfile::TempDir, fake: Fake) -> ClamdAddress {
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(behave(stream, fake));
        }
    });
    ClamdAddress::Unix(path)
}

fn config(address: ClamdAddress) -> Config {
    Config { address: Some(address), method: ClamdMethod::Instream, timeout: Time(500), ..Config::default() }
}

fn bytes(size: usize) -> ClamdBody {
    ClamdBody::Bytes(vec![b'a'; size].into())
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

fn infected(answer: Answer) -> (String, Certainty) {
    match answer {
        Answer::External { verdict: ExternalVerdict::Infected { name, certainty }, .. } => (name, certainty),
        other => panic!("{other:?}"),
    }
}

fn why(answer: Answer) -> UnableWhy {
    match answer {
        Answer::Unable(unable) => unable.why,
        other => panic!("{other:?}"),
    }
}

async fn ask(fake: Fake, body: ClamdBody) -> Answer {
    Clamd::new(&config(tcp(fake).await)).unwrap().scan(body, soon()).await
}

#[tokio::test]
async fn replies_become_verdicts() {
    let clean = ask(Fake::Says(b"stream: OK\0"), bytes(10)).await;
    assert!(matches!(clean, Answer::External { verdict: ExternalVerdict::Clean, .. }), "{clean:?}");
    let cases: [(&[u8], &str, Certainty); 3] = [
        (b"stream: Win.Test.X FOUND\0", "Win.Test.X", Certainty::Certain),
        (b"stream: Heuristics.Phishing.Email FOUND\0", "Heuristics.Phishing.Email", Certainty::Probable),
        (b"stream: PUA.Win.Packer FOUND\0", "PUA.Win.Packer", Certainty::Probable),
    ];
    for (reply, name, certainty) in cases {
        assert_eq!(infected(ask(Fake::Says(reply), bytes(10)).await), (name.to_owned(), certainty));
    }
    let encrypted = ask(Fake::Says(b"stream: Heuristics.Encrypted.Zip FOUND\0"), bytes(10)).await;
    let expected = ExternalVerdict::Encrypted { name: "Heuristics.Encrypted.Zip".to_owned() };
    assert!(matches!(encrypted, Answer::External { verdict, .. } if verdict == expected));
}

#[tokio::test]
async fn what_is_no_verdict_is_unable() {
    let cases: [(Fake, UnableWhy); 12] = [
        (Fake::Says(b"INSTREAM size limit exceeded. ERROR\0"), UnableWhy::TooLarge),
        (Fake::Interrupts(b"INSTREAM size limit exceeded. ERROR\0"), UnableWhy::TooLarge),
        (Fake::Says(b"stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND\0"), UnableWhy::TooLarge),
        (Fake::Says(b"Can't allocate memory ERROR\0"), UnableWhy::Unreachable),
        (Fake::Says(b"UNKNOWN COMMAND\0"), UnableWhy::Unreachable),
        (Fake::Says(b"HTTP/1.1 400 Bad Request\r\n\r\n\0"), UnableWhy::BadAnswer),
        (Fake::Says(b"stream: OK\0stream: OK\0"), UnableWhy::BadAnswer),
        (Fake::Says(b"stream: OK"), UnableWhy::Unreachable),
        (Fake::Says(b"\0"), UnableWhy::BadAnswer),
        (Fake::Floods, UnableWhy::BadAnswer),
        (Fake::Closes, UnableWhy::Unreachable),
        (Fake::Hangs, UnableWhy::Time),
    ];
    for (fake, expected) in cases {
        assert_eq!(why(ask(fake, bytes(8 << 20)).await), expected, "{fake:?}");
    }
}

#[tokio::test]
async fn a_clean_before_the_end_of_the_content_is_not_believed() {
    assert_eq!(why(ask(Fake::Interrupts(b"stream: OK\0"), bytes(32 << 20)).await), UnableWhy::BadAnswer);
    let found = ask(Fake::Interrupts(b"stream: Win.Test.X FOUND\0"), bytes(32 << 20)).await;
    assert_eq!(infected(found).0, "Win.Test.X");
}

#[tokio::test]
async fn content_of_any_size_arrives_whole_from_memory_and_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let address = unix(&folder, Fake::Measures);
    let clamd = Clamd::new(&Config { timeout: Time(10_000), ..config(address) }).unwrap();
    for size in [0, 1, 65_535, 65_536, 65_537, 1_000_000] {
        assert_eq!(infected(clamd.scan(bytes(size), soon()).await).0, format!("Size.{size}"));
        let path = folder.path().join("spool");
        std::fs::write(&path, vec![b'a'; size]).unwrap();
        let file: OwnedFd = std::fs::File::open(&path).unwrap().into();
        let body = ClamdBody::File(Arc::new(file), size as u64);
        assert_eq!(infected(clamd.scan(body, soon()).await).0, format!("Size.{size}"));
    }
    // A file that is shorter than it should be was not seen whole.
    let file: OwnedFd = std::fs::File::open(folder.path().join("spool")).unwrap().into();
    let answer = clamd.scan(ClamdBody::File(Arc::new(file), 2_000_000), soon()).await;
    assert_eq!(why(answer), UnableWhy::Unavailable);
}

/// Receives an open file the way clamd does and answers with the size of what is in it.
async fn receive(mut stream: UnixStream) -> Option<()> {
    let size = open_file(&mut stream).await?.metadata().unwrap().len();
    stream.write_all(format!("fd[12]: Size.{size} FOUND\0").as_bytes()).await.ok()
}

/// The open file that comes with FILDES.
async fn open_file(stream: &mut UnixStream) -> Option<std::fs::File> {
    assert_eq!(command(stream).await?, b"zFILDES");
    let file = stream
        .async_io(Interest::READABLE, || {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
            let mut control = RecvAncillaryBuffer::new(&mut space);
            let mut byte = [1u8];
            recvmsg(stream.as_fd(), &mut [IoSliceMut::new(&mut byte)], &mut control, RecvFlags::CMSG_CLOEXEC)?;
            let mut files = control.drain().filter_map(|message| match message {
                RecvAncillaryMessage::ScmRights(mut files) => files.next(),
                _ => None,
            });
            Ok(files.next())
        })
        .await
        .ok()?;
    Some(std::fs::File::from(file.expect("an open file")))
}

#[tokio::test]
async fn an_open_file_goes_over_a_unix_socket() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            receive(stream).await.unwrap();
        }
    });
    let clamd = Clamd::new(&Config { method: ClamdMethod::Auto, ..config(ClamdAddress::Unix(path)) }).unwrap();
    assert_eq!(infected(clamd.scan(bytes(100_000), soon()).await).0, "Size.100000");
    let spool = folder.path().join("spool");
    std::fs::write(&spool, "12345").unwrap();
    let file: OwnedFd = std::fs::File::open(&spool).unwrap().into();
    assert_eq!(infected(clamd.scan(ClamdBody::File(Arc::new(file), 5), soon()).await).0, "Size.5");
}

/// What was scanned is what is delivered: whoever scans cannot change it, and reads it from its start.
#[tokio::test]
async fn an_open_file_goes_over_to_be_read_only_and_from_its_start() {
    use std::io::{Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    let daemon = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut file = open_file(&mut stream).await.unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        let changed = file.write_all(b"x").is_ok() || file.set_len(0).is_ok();
        stream.write_all(b"fd[12]: OK\0").await.unwrap();
        (text, changed)
    });
    let clamd = Clamd::new(&Config { method: ClamdMethod::Auto, ..config(ClamdAddress::Unix(path)) }).unwrap();
    let mut spool = tempfile::tempfile().unwrap();
    spool.write_all(b"12345").unwrap();
    clamd.scan(ClamdBody::File(Arc::new(spool.into()), 5), soon()).await;
    assert_eq!(daemon.await.unwrap(), ("12345".to_owned(), false));
}

#[tokio::test]
async fn a_daemon_that_cannot_use_the_open_file_gets_a_stream() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let listener = UnixListener::bind(&path).unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            if command(&mut stream).await.unwrap() == b"zFILDES" {
                stream.read_u8().await.unwrap();
                stream.write_all(b"No file descriptor received. ERROR\0").await.unwrap();
            } else {
                let size = read_stream(&mut stream).await.unwrap();
                stream.write_all(format!("stream: Size.{size} FOUND\0").as_bytes()).await.unwrap();
            }
        }
    });
    let address = ClamdAddress::Unix(path);
    let auto = Clamd::new(&Config { method: ClamdMethod::Auto, ..config(address.clone()) }).unwrap();
    assert_eq!(infected(auto.scan(bytes(7), soon()).await).0, "Size.7");
    let strict = Clamd::new(&Config { method: ClamdMethod::Fildes, ..config(address) }).unwrap();
    assert_eq!(why(strict.scan(bytes(7), soon()).await), UnableWhy::Unreachable);
}

#[tokio::test]
async fn what_is_too_large_is_not_even_sent() {
    let nobody = ClamdAddress::Unix("/nonexistent/clamd.ctl".into());
    let clamd = Clamd::new(&Config { max_size: Bytes(9), ..config(nobody) }).unwrap();
    assert_eq!(why(clamd.scan(bytes(10), soon()).await), UnableWhy::TooLarge);
    assert_eq!(clamd.health().state, ClamdState::Unknown);
    assert_eq!(why(clamd.scan(bytes(9), soon()).await), UnableWhy::Unreachable);
}

#[tokio::test]
async fn a_daemon_that_is_gone_fails_fast_and_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("clamd.ctl");
    let clamd = Clamd::new(&config(ClamdAddress::Unix(path.clone()))).unwrap();
    for _ in 0..4 {
        assert_eq!(why(clamd.scan(bytes(1), soon()).await), UnableWhy::Unreachable);
    }
    match clamd.health().state {
        ClamdState::Failing { why, .. } => assert!(why.contains("clamd.ctl"), "{why}"),
        other => panic!("{other:?}"),
    }
    unix(&folder, Fake::Measures);
    match clamd.scan(bytes(1), soon()).await {
        Answer::Unable(unable) => assert!(unable.detail.raw().starts_with("clamd is failing"), "{unable:?}"),
        other => panic!("asked too early: {other:?}"),
    }
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(infected(clamd.scan(bytes(1), soon()).await).0, "Size.1");
    assert_eq!(clamd.health().state, ClamdState::Healthy);
}

#[tokio::test]
async fn the_deadline_counts_before_the_configured_time_and_while_waiting_for_a_connection() {
    let address = tcp(Fake::Hangs).await;
    let clamd = Clamd::new(&Config { timeout: Time(60_000), connections: 1, ..config(address) }).unwrap();
    let start = Instant::now();
    let deadline = start + Duration::from_millis(300);
    let (one, two) = tokio::join!(clamd.scan(bytes(1), deadline), clamd.scan(bytes(1), deadline));
    assert_eq!((why(one), why(two)), (UnableWhy::Time, UnableWhy::Time));
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(clamd.health().state, ClamdState::Unknown, "a short deadline is not clamd's failure");
}

#[tokio::test]
async fn the_version_tells_whether_there_are_signatures() {
    let address = tcp(Fake::Says(b"ClamAV 1.4.6/27700/Mon Jul 14 08:00:00 2025\0")).await;
    let health = Clamd::new(&config(address)).unwrap().check().await;
    assert_eq!(health.state, ClamdState::Healthy);
    assert_eq!(health.version.unwrap().database, Some(27700));
    for fake in [Fake::Hangs, Fake::Closes, Fake::Says(b"PONG\0"), Fake::Floods] {
        let health = Clamd::new(&config(tcp(fake).await)).unwrap().check().await;
        assert!(matches!(health.state, ClamdState::Failing { .. }), "{fake:?}: {health:?}");
        assert_eq!(health.version, None);
    }
}

#[test]
fn without_an_address_there_is_no_client() {
    assert!(Clamd::new(&Config::default()).is_none());
}
