//! Certificates and clients among real programs: Postfix on both sides, openssl, Dovecot's socket.

use std::fs::{self, Permissions};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use tempfile::TempDir;
use testkit::postfix::Options;
use testkit::tls::{Authority, Identity};
use testkit::{Behaviour, Client, Daemon, Dovecot, PATIENCE, Postfix, Sink, peers, sample, wait_until};

use crate::support::{Mailward, PROGRAM, config, turn};

const TO: &[&str] = &["bob@example.com"];

/// A directory that other users may enter, with an authority and two certificates of its.
struct Files {
    dir: TempDir,
}

impl Files {
    fn new() -> Self {
        let dir = tempfile::Builder::new().prefix("clients-").tempdir().expect("a directory");
        fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).expect("others may enter");
        let authority = Authority::new("ours");
        let files = Self { dir };
        fs::write(files.path("ca.pem"), authority.certificate()).expect("written");
        files.write("postfix", &authority.issue(&["postfix.example.org"]));
        files.write("mailward", &authority.issue(&["mailward.example.org"]));
        files.write("stranger", &Authority::new("theirs").issue(&["postfix.example.org"]));
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, identity: &Identity) {
        fs::write(self.path(&format!("{name}.pem")), &identity.certificate).expect("written");
        fs::write(self.path(&format!("{name}.key")), &identity.key).expect("written");
    }

    /// Text with `@files@` for the directory.
    fn fill(&self, text: &str) -> String {
        text.replace("@files@", &self.dir.path().display().to_string())
    }
}

/// A Mailward that wants certificates of `postfix.example.org`, in front of this sink.
async fn wanting(files: &Files, sink: &Sink) -> Mailward {
    let port = testkit::free_port();
    let text = config(port, sink.address(), "").replace(
        "[next_hop]",
        "add_received = \"always\"\ncertificate = \"@files@/mailward.pem\"\nkey = \"@files@/mailward.key\"\n\
         client_certificate = \"require\"\nclient_ca_file = \"@files@/ca.pem\"\n\
         client_names = [\"postfix.example.org\"]\n[next_hop]",
    );
    let mut daemon = Daemon::start(PROGRAM, &files.fill(&text));
    daemon.wait_banner(port).await;
    Mailward { daemon, port }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_is_known_by_its_certificate() {
    let _turn = turn().await;
    let files = Files::new();
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = wanting(&files, &sink).await;
    let main = files.fill(
        "smtp_tls_security_level = encrypt\nsmtp_tls_cert_file = @files@/postfix.pem\n\
         smtp_tls_key_file = @files@/postfix.key\n",
    );
    let options = Options { relay: Some(mailward.address()), main_cf: main, ..Options::default() };
    let Some(postfix) = Postfix::start(&options).await else { return };
    let mut client = Client::open(postfix.outside()).await;
    client.deliver("alice@example.org", TO, &sample::clean("known")).await.expect("queued");
    client.quit().await;
    wait_until("the mail behind Mailward", PATIENCE * 2, || sink.count() == 1).await;
    let text = String::from_utf8_lossy(&sink.messages()[0].content).replace("\r\n ", " ");
    assert!(text.contains("with ESMTPS (client certificate postfix.example.org) id "), "{text}");
    let line = mailward.daemon.wait_log("\"subject\":\"known\"").await;
    assert!(line.contains("\"certificate\":\"postfix.example.org\""), "{line}");
}

/// What openssl hears as the answer to MAIL, with this certificate.
fn mail_by_openssl(openssl: &PathBuf, files: &Files, name: &str, port: u16) -> String {
    let mut command = Command::new(openssl);
    command.args(["s_client", "-quiet", "-crlf", "-starttls", "smtp", "-connect", &format!("127.0.0.1:{port}")]);
    if !name.is_empty() {
        command.arg("-cert").arg(files.path(&format!("{name}.pem")));
        command.arg("-key").arg(files.path(&format!("{name}.key")));
    }
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it runs");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(b"EHLO openssl.example.org\nMAIL FROM:<alice@example.org>\nQUIT\n").expect("written");
    let said = child.wait_with_output().expect("it ends");
    drop(input);
    String::from_utf8_lossy(&said.stdout).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn openssl_gets_in_with_a_certificate_that_we_know_only() {
    let _turn = turn().await;
    let Some(openssl) = peers::find("openssl") else { return };
    let files = Files::new();
    let sink = Sink::start(Behaviour::accept()).await;
    let mailward = wanting(&files, &sink).await;
    for (name, answer) in [
        ("postfix", "250 2.1.0 "),
        ("stranger", "550 5.7.0 Not allowed here: the client certificate is not known here"),
        ("", "550 5.7.0 Not allowed here: no client certificate was shown"),
    ] {
        let (openssl, files, port) = (&openssl, &files, mailward.port);
        let said = tokio::task::block_in_place(|| mail_by_openssl(openssl, files, name, port));
        assert!(said.contains(answer), "{name}: {said}");
    }
}

/// A Postfix that asks for certificates and takes whom it trusts for the client, and a Mailward in front of it.
async fn before_postfix(files: &Files, more: &str) -> Option<(Postfix, Mailward)> {
    let main = files.fill(
        "smtpd_tls_security_level = encrypt\nsmtpd_tls_cert_file = @files@/postfix.pem\n\
         smtpd_tls_key_file = @files@/postfix.key\nsmtpd_tls_CAfile = @files@/ca.pem\nsmtpd_tls_req_ccert = yes\n\
         smtpd_tls_received_header = yes\nsmtpd_tls_loglevel = 1\nsmtpd_authorized_xclient_hosts = 127.0.0.1\n",
    );
    let postfix = Postfix::start(&Options { main_cf: main, ..Options::default() }).await?;
    let port = testkit::free_port();
    let text = config(port, postfix.outside(), "").replace("tls = \"none\"", &files.fill(more));
    let mut daemon = Daemon::start(PROGRAM, &text);
    daemon.wait_banner(port).await;
    Some((postfix, Mailward { daemon, port }))
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_knows_our_certificate_and_takes_us_for_the_client() {
    let _turn = turn().await;
    let files = Files::new();
    let more = "tls = \"required\"\nclient_info = \"xclient\"\ncertificate = \"@files@/mailward.pem\"\n\
                key = \"@files@/mailward.key\"";
    let Some((postfix, mailward)) = before_postfix(&files, more).await else { return };
    let mut client = Client::connect_from([127, 0, 0, 2].into(), mailward.address()).await;
    client.expect(220).await;
    client.command("EHLO client.example.org", 250).await;
    client.deliver("alice@example.org", TO, &sample::clean("of a client")).await.expect("taken");
    client.quit().await;
    let text = String::from_utf8_lossy(&postfix.wait_for(1).await[0]).into_owned();
    // The name is ours: EHLO follows XCLIENT, and counts.
    assert!(text.contains("from mx.example.com (unknown [127.0.0.2])"), "{text}");
    assert!(text.contains("mailward.example.org") || postfix.log().contains("Trusted TLS connection"), "{text}");
    drop((postfix, mailward));
    // Without one nothing passes.
    let Some((postfix, mailward)) = before_postfix(&files, "tls = \"required\"").await else { return };
    let (code, text) = mailward.send(&sample::clean("without")).await;
    assert!(code >= 400, "{code} {text}");
    assert_eq!(postfix.count_delivered(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_delivers_to_dovecot_through_sockets_in_the_file_system() {
    let _turn = turn().await;
    let files = Files::new();
    let lines = files.fill(
        "protocols = lmtp\nservice lmtp {\n  unix_listener @files@/dovecot {\n    mode = 0666\n  }\n  \
         inet_listener lmtp {\n    address = 127.0.0.1\n    port = @lmtp@\n  }\n}\n",
    );
    let Some(dovecot) = Dovecot::start(&lines, &["bob"]).await else { return };
    let text = files.fill(
        "hostname = \"mx.example.com\"\ndata_dir = \"@dir@/data\"\n[[smtp]]\nlisten = \"unix:@files@/mailward\"\n\
         socket_mode = \"666\"\nprotocol = \"lmtp\"\ndirection = \"incoming\"\n[next_hop]\n\
         address = \"unix:@files@/dovecot\"\nprotocol = \"lmtp\"\ntls = \"none\"\n[trust]\n\
         internal_domains = [\"example.com\"]\n[http]\nlisten = \"\"\n[log]\nformat = \"json\"\n",
    );
    let daemon = Daemon::start(PROGRAM, &text);
    let socket = files.path("mailward");
    let listens = || std::os::unix::net::UnixStream::connect(&socket).is_ok();
    wait_until("Mailward to listen", PATIENCE * 2, listens).await;
    let main = files.fill("virtual_transport = lmtp:unix:@files@/mailward\n");
    let Some(postfix) = Postfix::start(&Options { main_cf: main, ..Options::default() }).await else { return };
    let mut client = Client::open(postfix.outside()).await;
    client.deliver("alice@example.org", TO, &sample::clean("through sockets")).await.expect("queued");
    client.quit().await;
    wait_until("the mail in Dovecot", PATIENCE * 2, || dovecot.messages("bob").len() == 1).await;
    let line = daemon.wait_log("through sockets").await;
    assert!(line.contains("\"surface\":\"lmtp\"") && line.contains("\"peer\":\"127.0.0.1\""), "{line}");
    assert_eq!(fs::metadata(&socket).expect("it is there").permissions().mode() & 0o777, 0o666);
}
