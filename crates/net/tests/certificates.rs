//! Certificates in files: chosen by name, and new ones while sessions are open.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use net::certificates::{Age, Chooser, Held, Refreshed, age};
use net::stream::Stream;
use net::{connect, tls};
use settings::values::HostPort;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

const LIMIT: Duration = Duration::from_secs(20);

/// Certificate and key for these names, in files.
fn pair(folder: &Path, file: &str, names: &[&str]) -> (PathBuf, PathBuf) {
    let made = tls::self_signed(names).unwrap();
    let files = (folder.join(format!("{file}.pem")), folder.join(format!("{file}.key")));
    fs::write(&files.0, made.certificate).unwrap();
    fs::write(&files.1, made.key).unwrap();
    files
}

/// A server that gives every byte back.
async fn serve(chooser: Arc<Chooser>) -> SocketAddr {
    let config = tls::server_config(chooser, None).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let config = Arc::clone(&config);
            tokio::spawn(async move {
                let Ok(mut stream) = Stream::from(tcp).accept_tls(config, LIMIT).await else { return };
                while let Ok(byte) = stream.read_u8().await {
                    let _ = stream.write_u8(byte).await;
                    let _ = stream.flush().await;
                }
            });
        }
    });
    address
}

/// Connects under a name.
async fn client(server: SocketAddr, name: &str) -> Stream {
    let target = HostPort { host: server.ip().to_string(), port: server.port() };
    let tcp = connect(&target, LIMIT).await.unwrap();
    let config = tls::client_config(false, None, None).unwrap();
    Stream::from(tcp).connect_tls(config, tls::server_name(name).unwrap(), LIMIT).await.unwrap()
}

/// The first name in the certificate that is shown.
async fn shown(server: SocketAddr, name: &str) -> String {
    let stream = client(server, name).await;
    wire::certificate::read(stream.peer_certificate().unwrap()).unwrap().names.remove(0)
}

/// Looks until something happens: a change is believed at the second look.
fn look(held: &Held) -> Refreshed {
    match held.refresh() {
        Refreshed::Unchanged => held.refresh(),
        other => panic!("believed at once: {other:?}"),
    }
}

#[tokio::test]
async fn a_certificate_is_chosen_by_the_name_that_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let load = |file: &str, names: &[&str]| {
        let (certificate, key) = pair(folder.path(), file, names);
        Held::load(&certificate, &key).unwrap()
    };
    let own = load("own", &["mx.example.org"]);
    let others = vec![load("a", &["mx.example.net", "*.example.com"]), load("b", &["other.example.net"])];
    let server = serve(Chooser::new(own, others)).await;
    for (asked, expected) in [
        ("mx.example.org", "mx.example.org"),
        ("mx.example.net", "mx.example.net"),
        ("MX.Example.Net", "mx.example.net"),
        ("any.example.com", "mx.example.net"),
        ("other.example.net", "other.example.net"),
        ("unknown.example", "mx.example.org"),
        // An address is no name to ask for: nothing is asked then.
        ("192.0.2.1", "mx.example.org"),
    ] {
        assert_eq!(shown(server, asked).await, expected, "{asked}");
    }
}

#[tokio::test]
async fn new_files_are_used_and_broken_ones_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = pair(folder.path(), "own", &["old.example.org"]);
    let held = Held::load(&certificate, &key).unwrap();
    let server = serve(Chooser::new(Arc::clone(&held), Vec::new())).await;
    let mut session = client(server, "x.example").await;
    assert_eq!((held.refresh(), held.refresh()), (Refreshed::Unchanged, Refreshed::Unchanged));

    // A new certificate beside the old key, as when the one is written and the other is not yet.
    let new = tls::self_signed(&["new.example.org"]).unwrap();
    fs::write(&certificate, &new.certificate).unwrap();
    assert_eq!(held.refresh(), Refreshed::Unchanged, "it may just be written");
    let Refreshed::Broken(why) = held.refresh() else { panic!("it fits") };
    assert!(why.contains("does not belong"), "{why}");
    assert_eq!(held.problem().as_deref(), Some(why.as_str()));
    assert_eq!(held.refresh(), Refreshed::Unchanged, "told once");
    assert_eq!(shown(server, "x.example").await, "old.example.org");

    fs::write(&key, &new.key).unwrap();
    assert_eq!(look(&held), Refreshed::Renewed);
    assert_eq!((held.problem(), shown(server, "x.example").await.as_str()), (None, "new.example.org"));

    for break_it in [
        (|path: &Path| fs::remove_file(path).unwrap()) as fn(&Path),
        |path| fs::write(path, "-----BEGIN CERTIFICATE-----\n").unwrap(),
        |path| fs::write(path, "").unwrap(),
    ] {
        break_it(&certificate);
        assert!(matches!(look(&held), Refreshed::Broken(_)));
        assert_eq!(shown(server, "x.example").await, "new.example.org");
    }
    fs::write(&certificate, &new.certificate).unwrap();
    assert_eq!(look(&held), Refreshed::Renewed);

    // The session from the beginning has seen all of it, and goes on.
    session.write_u8(b'!').await.unwrap();
    session.flush().await.unwrap();
    assert_eq!(session.read_u8().await.unwrap(), b'!');
}

#[test]
fn the_end_of_a_certificate_is_told_in_time() {
    let facts = |from: u64, to: u64| wire::certificate::Facts {
        not_before: from * 86_400,
        not_after: to * 86_400,
        names: Vec::new(),
        key: 0..0,
    };
    // From day, to day, today, and what is said.
    for (from, to, today, expected) in [
        (100, 465, 200, Age::Good),
        (100, 465, 450, Age::Good),
        (100, 465, 455, Age::Soon(10 * 86_400)),
        (100, 465, 466, Age::Over(86_400)),
        (100, 465, 99, Age::Early(86_400)),
        // Six days: told in the last one only.
        (100, 106, 104, Age::Good),
        (100, 106, 106, Age::Soon(0)),
    ] {
        assert_eq!(age(&facts(from, to), today * 86_400), expected, "{from} {to} {today}");
    }
}

#[test]
fn one_that_is_awaited_is_used_when_it_comes() {
    let folder = tempfile::tempdir().unwrap();
    let held = Held::awaited(&folder.path().join("own.pem"), &folder.path().join("own.key"));
    assert!(!held.is_ready() && held.facts().is_none());
    assert!(held.reload().is_err());
    pair(folder.path(), "own", &["mx.example.org"]);
    assert_eq!(look(&held), Refreshed::Renewed);
    assert!(held.is_ready() && held.facts().unwrap().names("mx.example.org"));
}
