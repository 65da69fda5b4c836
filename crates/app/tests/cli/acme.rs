//! A certificate from an authority: Pebble, the test server of Let's Encrypt, which looks at what we
//! answer and checks what we sign.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use net::Stream;
use testkit::tls::{Identity, trusting_client};
use testkit::{Behaviour, Daemon, PATIENCE, Sink, free_port, peers, wait_until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use wire::certificate;

use crate::support::forking;

/// How long Pebble's certificates live, in seconds: they are renewed after two thirds.
const LIFE: u64 = 30;

/// A program that ends with its test.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Self(forking(|| quiet.spawn().expect("the program runs")))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Pebble, which finds every name on this machine, and looks at this port of it.
async fn authority(dir: &Path, http: u16) -> Option<(u16, Program, Program)> {
    let (pebble, names) = (peers::find("pebble")?, peers::find("pebble-challtestsrv")?);
    let (dns, port, management) = (free_port(), free_port(), free_port());
    let (certificate, key) = Identity::new(&["localhost"]).write(dir);
    let config = serde_json::json!({"pebble": {
        "listenAddress": format!("127.0.0.1:{port}"),
        "managementListenAddress": format!("127.0.0.1:{management}"),
        "certificate": certificate, "privateKey": key, "httpPort": http, "tlsPort": free_port(),
        "ocspResponderURL": "", "externalAccountBindingRequired": false, "certificateValidityPeriod": LIFE,
    }});
    let file = dir.join("pebble.json");
    std::fs::write(&file, config.to_string()).expect("written");
    let mut zone = Command::new(names);
    zone.args(["-dns01", &format!("127.0.0.1:{dns}"), "-defaultIPv4", "127.0.0.1", "-defaultIPv6", ""]);
    zone.args(["-http01", "", "-https01", "", "-tlsalpn01", "", "-management", &format!("127.0.0.1:{}", free_port())]);
    let mut issuer = Command::new(pebble);
    issuer.env("PEBBLE_VA_NOSLEEP", "1").args(["-strict", "-dnsserver", &format!("127.0.0.1:{dns}"), "-config"]);
    let programs = (Program::start(&mut zone), Program::start(issuer.arg(&file)));
    let there = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("Pebble", PATIENCE, there).await;
    Some((port, programs.0, programs.1))
}

/// Says STARTTLS; the certificate that is shown, if there is one.
async fn shown(port: u16) -> Option<Vec<u8>> {
    let mut tcp = BufReader::new(TcpStream::connect(("127.0.0.1", port)).await.expect("it listens"));
    let mut line = String::new();
    tcp.read_line(&mut line).await.expect("a greeting");
    tcp.write_all(b"EHLO client.example.org\r\n").await.expect("sent");
    let mut offered = false;
    while line.as_bytes().get(3) != Some(&b' ') || line.starts_with("220") {
        line.clear();
        tcp.read_line(&mut line).await.expect("an answer");
        offered |= line.contains("STARTTLS");
    }
    if !offered {
        return None;
    }
    tcp.write_all(b"STARTTLS\r\n").await.expect("sent");
    line.clear();
    tcp.read_line(&mut line).await.expect("an answer");
    assert!(line.starts_with("220"), "{line}");
    let name = net::tls::server_name("mx.example.org").expect("a name");
    let stream = Stream::from(tcp.into_inner()).connect_tls(trusting_client(), name, PATIENCE).await.expect("TLS");
    stream.peer_certificate().map(<[u8]>::to_vec)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_is_fetched_renewed_and_never_lost() {
    let dir = tempfile::tempdir().expect("a directory");
    let (http, smtp) = (free_port(), free_port());
    let Some((port, _zone, issuer)) = authority(dir.path(), http).await else { return };
    let sink = Sink::start(Behaviour::accept()).await;
    let config = format!(
        "hostname = \"mx.example.org\"\ndata_dir = \"@dir@/data\"\n[[smtp]]\nlisten = \"127.0.0.1:{smtp}\"\nacme = true\n\
         [next_hop]\naddress = \"{}\"\ntls = \"none\"\n[http]\nlisten = \"\"\n\
         [acme]\nnames = [\"mx.example.org\", \"mail.example.org\"]\nagree_to_terms = true\n\
         contact = \"postmaster@example.org\"\ndirectory = \"https://localhost:{port}/dir\"\n\
         ca_file = \"{}\"\nlisten = \"127.0.0.1:{http}\"\n",
        sink.address(),
        dir.path().join("cert.pem").display()
    );
    let mut daemon = forking(|| Daemon::start(env!("CARGO_BIN_EXE_mailward"), &config));
    daemon.wait_banner(smtp).await;
    daemon.wait_log("a certificate was fetched and is in use").await;
    let first = shown(smtp).await.expect("STARTTLS is offered");
    let facts = certificate::read(&first).expect("a certificate");
    assert!(facts.names("mx.example.org") && facts.names("mail.example.org"), "{facts:?}");
    assert!(facts.not_after - facts.not_before <= LIFE, "it is Pebble's: {facts:?}");
    let place = daemon.dir().join("data/acme");
    for file in ["account.json", "certificate.pem"] {
        let mode = std::fs::metadata(place.join(file)).expect(file).permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file}");
    }

    // A start with a certificate that is good fetches none.
    let orders =
        |daemon: &Daemon| daemon.log().iter().filter(|line| line.contains("a certificate was fetched")).count();
    let account = std::fs::read(place.join("account.json")).expect("an account");
    forking(|| daemon.restart());
    daemon.wait_banner(smtp).await;
    let kept = shown(smtp).await;
    // On a machine that is very slow it was due meanwhile.
    if net::certificates::now() < facts.not_before + LIFE / 3 * 2 {
        assert_eq!(kept.as_deref(), Some(first.as_slice()), "it was kept");
    }

    wait_until("a renewal", PATIENCE.max(Duration::from_secs(4 * LIFE)), || orders(&daemon) > 1).await;
    let second = shown(smtp).await.expect("STARTTLS is offered");
    assert_ne!(second, first);
    assert_eq!(std::fs::read(place.join("account.json")).expect("an account"), account, "the account stays");

    // Without the authority what is in use stays in use.
    drop(issuer);
    let patience = PATIENCE.max(Duration::from_secs(4 * LIFE));
    wait_until("a failure", patience, || daemon.logged("no certificate could be fetched").is_some()).await;
    assert!(shown(smtp).await.is_some());
}
