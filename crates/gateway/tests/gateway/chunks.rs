//! Content in chunks and by LMTP: however it comes, the same bytes go on, and each recipient hears what became of
//! it for him.

use settings::config::{AddReceived, LineEnds, Protocol};
use testkit::{Action, Behaviour, Client, Point, Sink, sample, wait_until};

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    the_same_bytes_arrive_however_a_message_comes,
    chunks_end_only_by_their_size,
    a_client_that_goes_away_between_chunks_has_sent_nothing,
    a_size_that_is_too_large_is_refused_and_the_session_goes_on,
    line_ends_are_judged_in_chunks_as_well,
    binary_content_passes_where_the_next_hop_takes_it,
    binary_content_is_not_taken_where_it_could_not_go,
    chunks_are_not_offered_where_they_are_not_wanted,
    over_lmtp_each_recipient_has_a_reply,
    replies_of_an_lmtp_next_hop_go_through_one_by_one,
    what_an_lmtp_next_hop_refuses_for_some_waits_in_the_outbox,
    what_an_lmtp_next_hop_refuses_for_all_is_refused,
];

pub(crate) const FROM: &str = "alice@example.org";
const TO: &[&str] = &["bob@example.com", "carol@example.com"];

/// A client that has said LHLO.
pub(crate) async fn lmtp(node: &crate::node::Node) -> Client {
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.command("LHLO client.example.org", 250).await;
    client
}

/// Sends a message by LMTP and takes a reply for each recipient.
async fn deliver_by_lmtp(client: &mut Client, content: &[u8]) -> Vec<(u16, String)> {
    deliver_to(client, TO, content).await
}

/// The same to these.
pub(crate) async fn deliver_to(client: &mut Client, to: &[&str], content: &[u8]) -> Vec<(u16, String)> {
    client.command(&format!("MAIL FROM:<{FROM}>"), 250).await;
    for to in to {
        client.command(&format!("RCPT TO:<{to}>"), 250).await;
    }
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(content)).await;
    let mut replies = Vec::new();
    for _ in to {
        let reply = client.reply().await.expect("a reply for each recipient");
        replies.push((reply.code, reply.lines.join(" ")));
    }
    replies
}

pub(crate) fn by_lmtp(setup: Setup) -> Setup {
    setup.config(|c| c.smtp[0].protocol = Protocol::Lmtp)
}

async fn the_same_bytes_arrive_however_a_message_comes() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let by_lmtp = by_lmtp(Setup::untouched()).start(&sink).await;
    let mut dots = sample::clean("dots");
    dots.extend(b".\r\n..\r\n.QUIT\r\n\r\n.\r\nend\r\n");
    for mail in [sample::clean("plain"), dots, sample::multipart("parts"), sample::sized("large", 400_000)] {
        let mut client = node.client().await;
        client.deliver(FROM, TO, &mail).await.expect("taken");
        for size in [1_000_000, 70_000, 4097] {
            client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, size).await.expect("taken");
        }
        if mail.len() < 2_000 {
            client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, 7).await.expect("taken");
        }
        client.quit().await;
        let mut client = lmtp(&by_lmtp).await;
        let replies = deliver_by_lmtp(&mut client, &mail).await;
        assert!(replies.iter().all(|(code, _)| *code == 250), "{replies:?}");
        client.quit().await;
        let got = sink.messages();
        assert!(got.len() >= 5 && got.iter().all(|one| one.content == mail && one.addresses() == TO));
        sink.clear();
    }
}

async fn chunks_end_only_by_their_size() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let mut inside = sample::clean("smuggled");
    inside.extend(b"\r\n.\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@example.com>\r\nDATA\r\n.\r\nQUIT\r\n");
    let mut client = node.client().await;
    client.deliver_chunks(&format!("<{FROM}>"), TO, &inside, 50).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.count(), 1);
    assert!(sink.messages()[0].content == inside);
    assert!(!sink.lines().iter().any(|line| line.contains("evil")), "{:?}", sink.lines());
    // What is found in it is found.
    let node = Setup::new().start(&sink).await;
    let mut client = node.client().await;
    let mail = sample::eicar_attached("chunks");
    client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, 100).await.expect("taken without it");
    client.quit().await;
    assert_eq!(logged::messages(2).await[1].get("status"), "infected");
    let content = String::from_utf8_lossy(&sink.messages()[1].content).into_owned();
    assert!(content.contains("X-Mailward-Status: infected") && !content.contains("name=\"eicar.com\""), "{content}");
}

async fn a_client_that_goes_away_between_chunks_has_sent_nothing() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    for left in ["BDAT 100\r\n0123456789", "BDAT 12\r\n0123456789\r\n"] {
        let mut client = node.client().await;
        client.command(&format!("MAIL FROM:<{FROM}>"), 250).await;
        client.command("RCPT TO:<bob@example.com>", 250).await;
        client.send_bytes(left.as_bytes()).await;
        drop(client);
    }
    // RSET forgets them; QUIT in the middle says 221 and no more.
    let mut client = node.client().await;
    client.command(&format!("MAIL FROM:<{FROM}>"), 250).await;
    client.command("RCPT TO:<bob@example.com>", 250).await;
    client.send_bytes(b"BDAT 12\r\n0123456789\r\n").await;
    client.expect(250).await;
    client.command("RSET", 250).await;
    client.send_bytes(b"BDAT 12 LAST\r\n0123456789\r\n").await;
    client.expect(503).await;
    client.quit().await;
    assert!(sink.messages().is_empty() && sink.attempts().is_empty(), "the next hop has heard of no content");
    let free = || node.figure("mailward_in_flight_bytes") == 0.0;
    wait_until("nothing in work", testkit::PATIENCE, free).await;
}

async fn a_size_that_is_too_large_is_refused_and_the_session_goes_on() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::untouched().config(|c| c.limits.max_message_size = judge::units::Bytes(5_000));
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    for size in [100_000, 1024] {
        let mail = sample::sized("large", 20_000);
        let refusal = client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, size).await.expect_err("too large");
        assert_eq!(refusal.code, 552, "{refusal:?}");
        client.command("RSET", 250).await;
    }
    client.deliver_chunks(&format!("<{FROM}>"), TO, &sample::clean("small"), 9).await.expect("taken");
    client.quit().await;
    assert_eq!(sink.count(), 1);
}

async fn line_ends_are_judged_in_chunks_as_well() {
    let sink = Sink::start(Behaviour::accept()).await;
    let mail = [sample::clean("bare"), b"a\nb\r\n".to_vec()].concat();
    let node = Setup::untouched().start(&sink).await;
    let mut client = node.client().await;
    let refusal = client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, 64).await.expect_err("a bare LF");
    assert_eq!((refusal.code, refusal.lines[0].as_str()), (550, "5.5.2 Bare LF in message"));
    let node = Setup::untouched().config(|c| c.smtp[0].line_ends = LineEnds::Normalise).start(&sink).await;
    let mut client = node.client().await;
    client.deliver_chunks(&format!("<{FROM}>"), TO, &mail, 64).await.expect("mended");
    assert!(sink.messages()[0].content.ends_with(b"a\r\nb\r\n"));
}

/// A part that no line fits.
fn binary() -> Vec<u8> {
    let mut mail = b"Subject: b\r\nMIME-Version: 1.0\r\nContent-Type: application/octet-stream\r\n\
        Content-Transfer-Encoding: binary\r\n\r\n"
        .to_vec();
    mail.extend((0u8..=255).cycle().take(3_000));
    mail.extend(b"\n.\n\r.\r\n.\r\nno end");
    mail
}

async fn binary_content_passes_where_the_next_hop_takes_it() {
    let behaviour = Behaviour::accept().extension("CHUNKING").extension("BINARYMIME");
    let sink = Sink::start(behaviour).await;
    let node = Setup::untouched().start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    let offer = client.command("EHLO client.example.org", 250).await;
    assert!(offer.offers("CHUNKING") && offer.offers("BINARYMIME"), "{:?}", offer.lines);
    let mail = format!("<{FROM}> BODY=BINARYMIME");
    client.deliver_chunks(&mail, TO, &binary(), 1000).await.expect("taken");
    // Text goes on after DATA, as ever.
    client.deliver_chunks(&format!("<{FROM}>"), TO, &sample::clean("text"), 1000).await.expect("taken");
    client.quit().await;
    let got = sink.messages();
    assert!(got[0].content == binary() && got[0].mail.ends_with(" BODY=BINARYMIME"));
    assert!(got[1].content == sample::clean("text"));
    let lines = sink.lines();
    assert_eq!(lines.iter().filter(|line| line.starts_with("DATA")).count(), 1, "{lines:?}");
}

async fn binary_content_is_not_taken_where_it_could_not_go() {
    for behaviour in [Behaviour::accept(), Behaviour::accept().extension("CHUNKING")] {
        let sink = Sink::start(behaviour).await;
        let node = Setup::untouched().start(&sink).await;
        let mut client = Client::connect(node.address).await;
        client.expect(220).await;
        assert!(!client.command("EHLO client.example.org", 250).await.offers("BINARYMIME"));
        client.command(&format!("MAIL FROM:<{FROM}> BODY=BINARYMIME"), 501).await;
        client.quit().await;
    }
    // A next hop that does not take a chunk after all: its answer is ours.
    let behaviour = Behaviour::accept().extension("CHUNKING").extension("BINARYMIME");
    let sink = Sink::start(behaviour.reply(Point::Data, "452 4.3.1 no room")).await;
    let node = Setup::untouched().start(&sink).await;
    let mut client = node.client().await;
    let mail = format!("<{FROM}> BODY=BINARYMIME");
    let refusal = client.deliver_chunks(&mail, TO, &binary(), 10_000).await.expect_err("no room");
    assert_eq!((refusal.code, refusal.lines[0].as_str()), (452, "4.3.1 no room"));
}

async fn chunks_are_not_offered_where_they_are_not_wanted() {
    let sink = Sink::start(Behaviour::accept().extension("CHUNKING")).await;
    let node = Setup::untouched().config(|c| c.smtp[0].chunking = false).start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    assert!(!client.command("EHLO client.example.org", 250).await.offers("CHUNKING"));
    client.send_bytes(b"BDAT 12 LAST\r\n0123456789\r\n").await;
    client.expect(502).await;
    assert!(client.is_closed().await, "nobody knows where the next command begins");
}

async fn over_lmtp_each_recipient_has_a_reply() {
    let sink = Sink::start(Behaviour::accept().reply(Point::End, "450 4.2.0 later")).await;
    let node = by_lmtp(Setup::new()).config(|c| c.smtp[0].add_received = AddReceived::Always).start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.command("EHLO client.example.org", 500).await;
    client.command("LHLO client.example.org", 250).await;
    let replies = deliver_by_lmtp(&mut client, &sample::clean("later")).await;
    assert_eq!(replies, [(450, "4.2.0 later".to_owned()), (450, "4.2.0 later".to_owned())]);
    sink.set(Behaviour::accept());
    let replies = deliver_by_lmtp(&mut client, &sample::clean("now")).await;
    assert!(replies.iter().all(|(code, _)| *code == 250), "{replies:?}");
    client.quit().await;
    let content = String::from_utf8(sink.messages()[0].content.clone()).expect("text");
    assert!(content.replace("\r\n ", " ").contains(" (Mailward) with LMTP id "), "{content}");
    assert_eq!(logged::messages(2).await[1].get("surface"), "lmtp");
}

/// What a next hop by LMTP says: the second recipient's mailbox is full, or gone.
fn refuses_carol(text: &str) -> Behaviour {
    Behaviour::accept().on_text(Point::End, "carol", Action::Reply(text.to_owned()))
}

fn to_lmtp(setup: Setup) -> Setup {
    setup.config(|c| c.next_hop.protocol = Protocol::Lmtp)
}

async fn replies_of_an_lmtp_next_hop_go_through_one_by_one() {
    let sink = Sink::start(refuses_carol("452 4.2.2 mailbox full")).await;
    let node = by_lmtp(to_lmtp(Setup::untouched())).start(&sink).await;
    let mut client = lmtp(&node).await;
    for _ in 0..2 {
        let replies = deliver_by_lmtp(&mut client, &sample::clean("one of two")).await;
        assert_eq!(replies[0].0, 250);
        assert_eq!(replies[1], (452, "4.2.2 mailbox full".to_owned()));
    }
    client.quit().await;
    let got = sink.messages();
    assert_eq!((got.len(), got[0].addresses()), (2, vec!["bob@example.com"]));
    assert!(node.service.store().queue_list(None, 10).expect("the outbox").is_empty(), "the client keeps him");
}

async fn what_an_lmtp_next_hop_refuses_for_some_waits_in_the_outbox() {
    let sink = Sink::start(refuses_carol("452 4.2.2 mailbox full")).await;
    let setup = to_lmtp(Setup::untouched()).config(|c| c.outbox.first_retry = judge::units::Time(200));
    let node = setup.start(&sink).await;
    let mail = sample::clean("the rest");
    let mut client = node.client().await;
    client.deliver(FROM, TO, &mail).await.expect("ours");
    client.quit().await;
    assert_eq!(sink.messages()[0].addresses(), ["bob@example.com"]);
    sink.set(Behaviour::accept());
    wait_until("the other recipient's copy", testkit::PATIENCE, || sink.count() == 2).await;
    let got = sink.messages();
    assert!(got[1].addresses() == ["carol@example.com"] && got[1].content == mail);
    // Once each, and nothing else.
    tokio::time::sleep(std::time::Duration::from_millis(600)).await;
    assert_eq!(sink.count(), 2);
}

async fn what_an_lmtp_next_hop_refuses_for_all_is_refused() {
    let behaviour = refuses_carol("450 4.2.0 later").on(Point::End, Action::Reply("550 5.1.1 gone".to_owned()));
    let sink = Sink::start(behaviour).await;
    let node = to_lmtp(Setup::untouched()).start(&sink).await;
    let mut client = node.client().await;
    let refusal = client.deliver(FROM, TO, &sample::clean("nobody")).await.expect_err("refused");
    assert_eq!(refusal.code, 450, "one of them may have it later");
    sink.set(Behaviour::accept().reply(Point::End, "550 5.1.1 gone"));
    let refusal = client.deliver(FROM, TO, &sample::clean("nobody")).await.expect_err("refused");
    assert_eq!((refusal.code, refusal.lines[0].as_str()), (550, "5.1.1 gone"));
    client.quit().await;
    assert!(sink.messages().is_empty());
}
