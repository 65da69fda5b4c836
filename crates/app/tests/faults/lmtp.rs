//! Dovecot behind Mailward by LMTP, as the manual's chapter says, and haproxy in front of it.

use std::process::{Child, Command, Stdio};

use testkit::postfix::Options;
use testkit::{Behaviour, Client, Daemon, Dovecot, Postfix, Sink, free_port, peers, sample, wait_until};

use crate::support::{Mailward, PROGRAM, turn};

const DOVECOT: &str = include_str!("../../../../docs/manual/lmtp-dovecot.conf.example");
const MAILWARD: &str = include_str!("../../../../docs/manual/lmtp-mailward.toml.example");
const MAIN: &str = include_str!("../../../../docs/manual/lmtp-main.cf.example");

/// A file of the manual with another port than it says.
fn with_port(file: &str, port: &str, instead: &str) -> String {
    assert_eq!(file.matches(port).count(), 1, "the manual has changed: {port}");
    file.replace(port, instead)
}

async fn dovecot() -> Option<Dovecot> {
    let lines = with_port(DOVECOT, "10028", "@lmtp@");
    let lines = with_port(&lines, "$protocols ", "");
    Dovecot::start(&lines, &["bob", "carol"]).await
}

/// The manual's Mailward between these ports.
async fn mailward(port: u16, dovecot: &Dovecot) -> Mailward {
    let text = with_port(MAILWARD, "127.0.0.1:10026", &format!("127.0.0.1:{port}"));
    let text = with_port(&text, "127.0.0.1:10028", &dovecot.lmtp().to_string());
    let text = format!("data_dir = \"@dir@/data\"\n{text}[http]\nlisten = \"\"\n[log]\nformat = \"json\"\n");
    let mut daemon = Daemon::start(PROGRAM, &text);
    daemon.wait_banner(port).await;
    Mailward { daemon, port }
}

#[tokio::test(flavor = "multi_thread")]
async fn postfix_delivers_to_dovecot_through_mailward_as_the_manual_says() {
    let _turn = turn().await;
    let Some(dovecot) = dovecot().await else { return };
    let mailward = mailward(free_port(), &dovecot).await;
    let main = with_port(MAIN, "127.0.0.1:10026", &mailward.address().to_string());
    let Some(postfix) = Postfix::start(&Options { main_cf: main, ..Options::default() }).await else { return };
    let mut client = Client::open(postfix.outside()).await;
    let to = ["bob@example.com", "carol@example.com"];
    client.deliver("alice@example.org", &to, &sample::multipart("to mailboxes")).await.expect("queued");
    client.deliver("alice@example.org", &to[..1], &sample::eicar_zipped("infected")).await.expect("queued");
    client.quit().await;
    let arrived = || dovecot.messages("bob").len() == 2 && dovecot.messages("carol").len() == 1;
    wait_until("the mail in Dovecot", testkit::PATIENCE * 2, arrived).await;
    let texts: Vec<String> =
        dovecot.messages("bob").iter().map(|m| String::from_utf8_lossy(m).replace("\n ", " ")).collect();
    for status in ["X-Mailward-Status: clean; action=delivered", "X-Mailward-Status: disinfected; action=disinfected"] {
        assert_eq!(texts.iter().filter(|text| text.contains(status)).count(), 1, "{texts:#?}");
    }
    let line = mailward.daemon.wait_log("to mailboxes").await;
    assert!(line.contains("\"surface\":\"lmtp\""), "{line}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_mailbox_of_dovecot_has_its_own_reply() {
    let _turn = turn().await;
    let Some(dovecot) = dovecot().await else { return };
    let mailward = mailward(free_port(), &dovecot).await;
    dovecot.block("carol", true);
    let mut client = Client::connect(mailward.address()).await;
    client.expect(220).await;
    client.command("LHLO client.example.org", 250).await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    client.command("RCPT TO:<bob@example.com>", 250).await;
    client.command("RCPT TO:<nobody@example.com>", 550).await;
    client.command("RCPT TO:<carol@example.com>", 250).await;
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&sample::clean("one of two"))).await;
    client.expect(250).await;
    client.expect(451).await;
    client.quit().await;
    assert_eq!((dovecot.messages("bob").len(), dovecot.messages("carol").len()), (1, 0));
}

/// A haproxy in front of a port. It ends when dropped.
struct Haproxy(Child, u16);

impl Haproxy {
    async fn start(to: u16, how: &str, dir: &std::path::Path) -> Option<Self> {
        let program = peers::find("haproxy")?;
        let port = free_port();
        let file = dir.join(format!("haproxy-{how}.cfg"));
        let text = format!(
            "defaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n\
             frontend smtp\n bind 127.0.0.1:{port}\n default_backend mailward\n\
             backend mailward\n server mailward 127.0.0.1:{to} {how}\n"
        );
        std::fs::write(&file, text).expect("written");
        let mut command = Command::new(program);
        command.arg("-db").arg("-f").arg(&file).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("it runs");
        let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
        wait_until("haproxy to listen", testkit::PATIENCE, listens).await;
        Some(Self(child, port))
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn haproxy_says_whom_it_speaks_for() {
    let _turn = turn().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let port = free_port();
    // haproxy comes from 127.0.0.1, its client from another address of this machine.
    let config = crate::support::config(port, sink.address(), "")
        .replace("[next_hop]", "proxy_from = [\"127.0.0.1\"]\n[next_hop]");
    let daemon = Daemon::start(PROGRAM, &config);
    let listens = || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok();
    wait_until("Mailward to listen", testkit::PATIENCE, listens).await;
    for (count, how) in ["send-proxy", "send-proxy-v2"].into_iter().enumerate() {
        let Some(haproxy) = Haproxy::start(port, how, daemon.dir()).await else { return };
        let mut client = Client::connect_from([127, 0, 0, 2].into(), ([127, 0, 0, 1], haproxy.1).into()).await;
        client.expect(220).await;
        client.command("EHLO client.example.org", 250).await;
        client.deliver("alice@example.org", &["bob@example.com"], &sample::clean(how)).await.expect("taken");
        client.quit().await;
        assert_eq!(sink.count(), count + 1);
        let line = daemon.wait_log(&format!("\"subject\":\"{how}\"")).await;
        assert!(line.contains("\"peer\":\"127.0.0.2\""), "{line}");
    }
}
