//! What a decision brings about beside the message: copies, forwards, releases.

use std::time::Duration;

use judge::policy::{EngineFailure, MalwareAction};
use mail::address::Address;
use testkit::{Action, Behaviour, Point, Sink, sample};

use crate::decisions::{has_eicar, text};
use mail::arrival::Direction;
use service::release::Way;
use service::routes::{Route, Routes};

use crate::node::{Node, Setup, hop_to};
use crate::{Case, cases, job};

pub(crate) const CASES: &[Case] = cases![
    the_original_is_forwarded_once_when_the_message_is_settled,
    originals_are_not_forwarded_without_a_limit,
    a_copy_of_what_the_next_hop_did_not_take_is_dropped,
    a_copy_of_what_the_next_hop_may_have_taken_stays,
    nothing_is_delivered_without_its_copy,
    released_mail_passes_and_forged_markers_do_not,
    a_changed_message_that_no_engine_could_look_at_does_not_leave,
];

async fn the_original_is_forwarded_once_when_the_message_is_settled() {
    let sink =
        Sink::start(Behaviour::accept().on_first(1, Point::End, Action::Reply("451 4.3.0 Later".to_owned()))).await;
    let node = Setup::new().policy(|p| p.malware.forward_to = vec!["admin@example.com".to_owned()]).start(&sink).await;
    let mail = sample::eicar_attached("forwarded");
    assert_eq!(node.send(&mail).await.code, 451);
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(sink.count(), 0, "not for a try that failed");
    assert_eq!(node.send(&mail).await.code, 250);
    let got = sink.wait_for(2).await;
    let copy = got.iter().find(|m| m.addresses() == ["admin@example.com"]).expect("a copy");
    assert!(copy.content == mail && copy.sender().is_empty());
    assert!(got.iter().any(|m| m.addresses() == ["bob@example.com"] && !has_eicar(&m.content)));
    node.set_policy(|p| p.malware.action = MalwareAction::Block);
    assert_eq!(node.send(&mail).await.code, 550);
    let got = sink.wait_for(3).await;
    assert_eq!(got.iter().filter(|m| m.addresses() == ["admin@example.com"]).count(), 2);
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    assert_eq!(sink.wait_for(4).await.len(), 4);
}

async fn a_changed_message_that_no_engine_could_look_at_does_not_leave() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = text(&sample::eicar_attached("x"));
    let mail = format!("{}\r\n{mail}", job::UNABLE_AGAIN);
    for action in [MalwareAction::Automatic, MalwareAction::DeleteObject] {
        node.set_policy(|p| p.malware.action = action);
        assert_eq!((node.send(mail.as_bytes()).await.code, sink.count()), (451, 0), "{action:?}");
        assert!(node.backup().is_empty(), "it comes again");
    }
    node.set_policy(|p| p.unscannable.engine_failed = EngineFailure::Label);
    assert_eq!((node.send(mail.as_bytes()).await.code, sink.count()), (250, 1), "the policy does not mind");
}

async fn originals_are_not_forwarded_without_a_limit() {
    let hang = Behaviour::accept().on_text(Point::Rcpt, "post@example.com", Action::Hang);
    let sink = Sink::start(hang).await;
    let node = Setup::new()
        .policy(|p| {
            p.malware.action = MalwareAction::DeleteMessage;
            p.malware.forward_to = vec!["post@example.com".to_owned()];
        })
        .config(|c| c.outbox.connections_per_route = 3)
        .start(&sink)
        .await;
    let mut client = node.client().await;
    for n in 0..20 {
        let mail = sample::eicar_attached(&format!("{n}"));
        client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("taken");
    }
    client.quit().await;
    let open = || sink.connections();
    testkit::wait_until("forwarding", testkit::PATIENCE, || open() >= 4).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(open(), 4, "the client's own, and 3 others");
    assert_eq!(node.service.store().queue_usage().expect("usage").mails, 20, "the others wait");
}

async fn a_copy_of_what_the_next_hop_did_not_take_is_dropped() {
    let sink = Sink::start(Behaviour::accept().reply(Point::End, "452 4.2.2 Full")).await;
    let node = Setup::new().start(&sink).await;
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 452);
    let row = node.rows(1).await.remove(0);
    assert_eq!(row.backup, None, "no row points at what is not there");
    assert!(node.backup().is_empty());
}

async fn a_copy_of_what_the_next_hop_may_have_taken_stays() {
    let sink = Sink::start(Behaviour::accept().on(Point::End, Action::Close)).await;
    let node = Setup::new().start(&sink).await;
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 451);
    let row = node.rows(1).await.remove(0);
    assert_eq!(row.backup, Some(node.kept().0.id));
    // Before it was given the message it has nothing.
    sink.set(Behaviour::accept().on(Point::Data, Action::Close));
    assert_eq!(node.send(&sample::eicar_attached("y")).await.code, 451);
    assert_eq!((node.rows(2).await.remove(0).backup, node.backup().len()), (None, 1));
}

async fn nothing_is_delivered_without_its_copy() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let bodies = node.data().join("blobs");
    assert!(bodies.is_dir(), "{:?}", std::fs::read_dir(node.data()).map(|d| d.flatten().collect::<Vec<_>>()));
    let aside = node.data().join("aside");
    std::fs::rename(&bodies, &aside).expect("moved");
    std::fs::write(&bodies, b"no directory").expect("in its way");
    let refused = node.send(&sample::eicar_attached("x")).await;
    assert_eq!(refused.lines, ["4.3.1 Insufficient system storage, please try again later"]);
    assert_eq!((refused.code, sink.count()), (452, 0));
    node.set_policy(|p| p.malware.action = MalwareAction::DeleteMessage);
    assert_eq!(node.send(&sample::eicar_attached("x")).await.code, 452);
    // What needs no copy passes meanwhile.
    assert_eq!(node.send(&sample::clean("clean")).await.code, 250);
    std::fs::remove_file(&bodies).expect("removed");
    std::fs::rename(&aside, &bodies).expect("back");
    node.set_policy(|p| p.malware.action = MalwareAction::Automatic);
    assert_eq!(node.send(&sample::eicar_attached("y")).await.code, 250);
    assert_eq!((sink.count(), node.backup().len()), (2, 1));
}

async fn release(from: &Node, through: &Node) -> Vec<u8> {
    let (entry, original) = from.kept();
    let to = [Address::parse("bob@example.com").expect("an address")];
    let routes = Routes::new(vec![Route::to("next_hop", hop_to(through.address))]);
    let outbox = from.service.current().outbox.load_full();
    let way = Way {
        routes: &routes,
        metrics: from.service.metrics(),
        direction: Direction::Incoming,
        site: None,
        signers: None,
        redact: false,
    };
    let service::release::Released { sent: done, queued, error } =
        service::release::release(from.service.store(), way, &outbox, entry.id, &to).await;
    assert!(queued.is_empty());
    assert!(error.is_none(), "{error:?}");
    assert_eq!(done, to);
    original
}

async fn released_mail_passes_and_forged_markers_do_not() {
    let sink = Sink::start(Behaviour::accept()).await;
    let first = Setup::new().policy(|p| p.malware.action = MalwareAction::DeleteMessage).start(&sink).await;
    let second = Setup::new().key_of(&first).start(&sink).await;
    let stranger = Setup::new().start(&sink).await;
    assert_eq!(first.send(&sample::eicar_attached("wanted")).await.code, 250);
    let original = release(&first, &second).await;
    let got = sink.messages();
    assert_eq!(got.len(), 1);
    let content = text(&got[0].content);
    let (marker, rest) = content.split_once("\r\n").expect("a line");
    assert!(marker.starts_with("X-Mailward-Release: ") && rest.as_bytes() == original, "{content}");
    assert!(!first.kept().0.released.is_empty());
    // The same bytes to somebody else, other bytes under the same marker, and the other
    // installation's key: looked at like any mail.
    let mut client = second.client().await;
    client.deliver("alice@example.org", &["carol@example.com"], content.as_bytes()).await.expect("without it");
    let changed = content.replace("Subject: wanted", "Subject: Wanted");
    client.deliver("alice@example.org", &["bob@example.com"], changed.as_bytes()).await.expect("without it");
    // With a field above it that no hop writes: another one could give the bytes another meaning.
    let turned = format!("Keywords: x\r\n{content}");
    client.deliver("alice@example.org", &["bob@example.com"], turned.as_bytes()).await.expect("without it");
    release(&first, &stranger).await;
    let got = sink.messages();
    assert_eq!(got.len(), 5);
    assert!(got[1..].iter().all(|m| !has_eicar(&m.content)));
    // A hop on the way may write its line.
    let passed = format!("Received: from mx.example.com\r\n\tby mx2.example.com; now\r\n{content}");
    client.deliver("alice@example.org", &["bob@example.com"], passed.as_bytes()).await.expect("as it is");
    client.quit().await;
    assert!(sink.messages()[5].content == passed.as_bytes());
}
