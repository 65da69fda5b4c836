//! Limits: what is too much is turned away, and everybody else is served.

use std::time::{Duration, Instant};

use judge::units::{Bytes, Time};
use testkit::client::stuff;
use testkit::{Action, Behaviour, Client, Point, Sink, sample};
use tokio::net::TcpStream;

use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    connections_are_limited_in_all,
    connections_are_limited_by_listener,
    connections_are_limited_by_peer_but_for_relays,
    bytes_in_work_are_limited_and_come_back,
    what_is_announced_and_does_not_come_takes_nothing_from_others,
    a_stranger_has_its_share_and_our_own_have_all,
    bytes_of_unknown_number_are_limited_too,
    a_slow_sender_is_cut_and_holds_nobody_up,
    a_slow_command_is_cut,
    a_fast_sender_without_end_is_cut,
    idle_connections_cost_others_nothing,
    a_stop_takes_messages_through_and_ends_sessions,
    a_reload_leaves_open_sessions_alone,
    many_sessions_at_once_deliver_each_message_once,
];

const ENVELOPE: [(&str, u16); 3] =
    [("MAIL FROM:<alice@example.org>", 250), ("RCPT TO:<bob@example.com>", 250), ("DATA", 354)];

async fn begin(client: &mut Client) {
    for (line, code) in ENVELOPE {
        client.command(line, code).await;
    }
}

/// Fills up to the limit, is refused once more, and is taken again when one has left.
async fn expect_limit(node: &Node, most: usize, why: &str) {
    let mut open = Vec::new();
    for _ in 0..most {
        open.push(node.client().await);
    }
    for _ in 0..2 {
        let mut client = Client::connect(node.address).await;
        assert_eq!(client.expect(421).await.lines, [format!("4.7.0 {why}, please try again later")]);
        assert!(client.is_closed().await);
    }
    open.pop().expect("one").quit().await;
    testkit::wait_until("a place", testkit::PATIENCE, || node.figure("mailward_smtp_connections") < most as f64).await;
    node.client().await.quit().await;
    assert_eq!(node.figure("mailward_smtp_sessions_total{end=\"refused\"}"), 2.0);
    for mut client in open {
        client.command("NOOP", 250).await;
    }
}

async fn connections_are_limited_in_all() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.limits.connections = 3).start(&sink).await;
    expect_limit(&node, 3, "too many connections").await;
}

async fn connections_are_limited_by_listener() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.smtp[0].max_connections = 2).start(&sink).await;
    expect_limit(&node, 2, "too many connections to this address").await;
}

async fn connections_are_limited_by_peer_but_for_relays() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.limits.connections_per_peer = 2).start(&sink).await;
    expect_limit(&node, 2, "too many connections from this address").await;
    let setup = Setup::new().relays(&["127.0.0.0/8"]).config(|c| c.limits.connections_per_peer = 2);
    let node = setup.start(&sink).await;
    let mut open = Vec::new();
    for _ in 0..5 {
        open.push(node.client().await);
    }
    assert_eq!(node.figure("mailward_smtp_connections"), 5.0);
}

async fn bytes_in_work_are_limited_and_come_back() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.limits.bytes_in_flight = Bytes(1 << 20)).start(&sink).await;
    let mut first = node.client().await;
    first.command("MAIL FROM:<alice@example.org> SIZE=1000000", 250).await;
    first.command("RCPT TO:<bob@example.com>", 250).await;
    first.command("DATA", 354).await;
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0, "nothing has come");
    let whole = stuff(&sample::sized("first", 1_000_000));
    let (most, rest) = whole.split_at(800_000);
    first.send_bytes(most).await;
    testkit::wait_until("all taken", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") == 1_048_576.0)
        .await;
    let mut second = node.client().await;
    second.command("MAIL FROM:<alice@example.org>", 250).await;
    second.command("RCPT TO:<bob@example.com>", 250).await;
    let refused = second.command("DATA", 452).await;
    assert_eq!(refused.lines, ["4.3.1 Insufficient system resources, please try again later"]);
    first.send_bytes(rest).await;
    first.expect(250).await;
    testkit::wait_until("nothing in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") == 0.0).await;
    second.command("DATA", 354).await;
    second.send_bytes(&stuff(&sample::sized("second", 900_000))).await;
    second.expect(250).await;
    // One that goes away in the middle gives back what it held.
    begin(&mut first).await;
    first.send_bytes(&vec![b'x'; 700_000]).await;
    testkit::wait_until("bytes in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") > 700_000.0)
        .await;
    drop(first);
    testkit::wait_until("nothing in work", testkit::PATIENCE, || node.figure("mailward_in_flight_bytes") == 0.0).await;
    assert_eq!(sink.messages().iter().map(|m| m.size).collect::<Vec<_>>(), [1_000_000, 900_000]);
    assert_eq!(sink.attempts().len(), 2, "the next hop never saw the half");
}

async fn what_is_announced_and_does_not_come_takes_nothing_from_others() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.limits.bytes_in_flight = Bytes(1 << 20)).start(&sink).await;
    let mut silent = Vec::new();
    for _ in 0..8 {
        let mut client = node.client().await;
        client.command("MAIL FROM:<alice@example.org> SIZE=1000000", 250).await;
        client.command("RCPT TO:<bob@example.com>", 250).await;
        client.command("DATA", 354).await;
        silent.push(client);
    }
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0);
    assert_eq!(node.send(&sample::sized("other", 700_000)).await.code, 250);
    // More than there can ever be is refused before it comes.
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org> SIZE=2000000", 250).await;
    client.command("RCPT TO:<bob@example.com>", 250).await;
    client.command("DATA", 452).await;
}

async fn a_stranger_has_its_share_and_our_own_have_all() {
    let sink = Sink::start(Behaviour::accept()).await;
    for (trusted, code) in [(&[][..], 452), (&["127.0.0.0/8"][..], 250)] {
        let setup = Setup::untouched().trusted(trusted).config(|c| {
            c.limits.bytes_in_flight = Bytes(1 << 20);
            c.limits.max_message_size = Bytes(500_000);
        });
        let node = setup.start(&sink).await;
        let mut slow = node.client().await;
        begin(&mut slow).await;
        slow.send_bytes(&vec![b'x'; 300_000]).await;
        let held = || node.figure("mailward_in_flight_bytes");
        testkit::wait_until("bytes in work", testkit::PATIENCE, || held() == 524_288.0).await;
        assert_eq!(node.send(&sample::clean("more")).await.code, code, "{trusted:?}");
    }
}

async fn bytes_of_unknown_number_are_limited_too() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().config(|c| c.limits.bytes_in_flight = Bytes(1 << 20)).start(&sink).await;
    let mut greedy = node.client().await;
    begin(&mut greedy).await;
    let wire = stuff(&sample::sized("greedy", 3_000_000));
    let (first, more) = wire.split_at(800_000);
    let (more, rest) = more.split_at(1_200_000);
    let held = || node.figure("mailward_in_flight_bytes");
    greedy.send_bytes(first).await;
    // Only after it held something does nothing mean that it was given up.
    testkit::wait_until("all taken", testkit::PATIENCE, || held() == 1_048_576.0).await;
    greedy.send_bytes(more).await;
    // What cannot be taken holds no place while the rest of it comes in.
    testkit::wait_until("nothing in work", testkit::PATIENCE, || held() == 0.0).await;
    assert_eq!(node.send(&sample::clean("other")).await.code, 250);
    greedy.send_bytes(rest).await;
    greedy.expect(452).await;
    greedy.deliver("alice@example.org", &["bob@example.com"], &sample::clean("small")).await.expect("goes on");
    assert_eq!(sink.count(), 2);
}

async fn a_slow_sender_is_cut_and_holds_nobody_up() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.limits.data_total = Time(4_000)).start(&sink).await;
    let mut slow = node.client().await;
    begin(&mut slow).await;
    let started = Instant::now();
    let dripping = async {
        while slow.try_send(b"x").await.is_ok() && started.elapsed() < testkit::PATIENCE {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    let dripping = async {
        dripping.await;
        started.elapsed()
    };
    let others = async {
        assert_eq!(node.send(&sample::clean("other")).await.code, 250);
        let first = started.elapsed();
        for _ in 0..9 {
            assert_eq!(node.send(&sample::clean("other")).await.code, 250);
        }
        first
    };
    let (took, first) = tokio::join!(dripping, others);
    assert!(took > Duration::from_millis(3_900) && took < testkit::PATIENCE, "{took:?}");
    assert!(first < took, "another message came through while this one dripped: {first:?}, {took:?}");
    assert_eq!(sink.count(), 10);
    assert_eq!(node.figure("mailward_smtp_sessions_total{end=\"timeout\"}"), 1.0);
    assert_eq!(node.figure("mailward_in_flight_bytes"), 0.0);
}

async fn a_slow_command_is_cut() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().config(|c| c.limits.command_timeout = Time(3_000)).start(&sink).await;
    let mut slow = node.client().await;
    let started = Instant::now();
    while started.elapsed() < testkit::PATIENCE && slow.try_send(b"N").await.is_ok() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let took = started.elapsed();
    assert!(took > Duration::from_millis(2_900) && took < testkit::PATIENCE, "{took:?}");
    // One that says something in time may stay.
    let mut patient = node.client().await;
    for _ in 0..14 {
        tokio::time::sleep(Duration::from_millis(250)).await;
        patient.command("NOOP", 250).await;
    }
    assert_eq!(patient.expect(421).await.lines, ["4.4.2 Timeout, closing"]);
    assert!(patient.is_closed().await);
}

async fn a_fast_sender_without_end_is_cut() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().config(|c| {
        c.limits.data_total = Time(1_000);
        c.limits.max_message_size = Bytes(100_000);
    });
    let node = setup.start(&sink).await;
    let mut client = node.client().await;
    begin(&mut client).await;
    let started = Instant::now();
    let block = vec![b'x'; 65_536];
    while started.elapsed() < testkit::PATIENCE && client.try_send(&block).await.is_ok() {}
    assert!(started.elapsed() < testkit::PATIENCE, "{:?}", started.elapsed());
    assert_eq!(sink.attempts().len(), 0);
}

async fn idle_connections_cost_others_nothing() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().config(|c| {
        c.limits.connections = 300;
        c.limits.connections_per_peer = 300;
        c.smtp[0].max_connections = 300;
    });
    let node = setup.start(&sink).await;
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(node.address).await.expect("a connection"));
    }
    testkit::wait_until("all connections", testkit::PATIENCE, || node.figure("mailward_smtp_connections") == 200.0)
        .await;
    for number in 0..20 {
        assert_eq!(node.send(&sample::clean(&format!("message {number}"))).await.code, 250);
    }
    assert_eq!((sink.count(), sink.connections()), (20, 20), "idle connections open none to the next hop");
    drop(idle);
    testkit::wait_until("no connections", testkit::PATIENCE, || node.figure("mailward_smtp_connections") == 0.0).await;
}

async fn a_stop_takes_messages_through_and_ends_sessions() {
    let sink = Sink::start(Behaviour::accept().on(Point::End, Action::Delay(Duration::from_millis(300)))).await;
    let mut node = Setup::untouched().start(&sink).await;
    let mut idle = node.client().await;
    let mut busy = node.client().await;
    begin(&mut busy).await;
    let mail = sample::clean("last");
    let (first, rest) = mail.split_at(100);
    busy.send_bytes(first).await;
    node.stop.send(true).expect("it listens");
    assert_eq!(idle.expect(421).await.lines, ["4.3.2 Shutting down, please try again later"]);
    assert!(idle.is_closed().await);
    testkit::wait_until("the listener to close", testkit::PATIENCE, || {
        std::net::TcpStream::connect_timeout(&node.address, Duration::from_millis(100)).is_err()
    })
    .await;
    assert!(!node.task.is_finished());
    busy.send_bytes(&stuff(rest)).await;
    busy.expect(250).await;
    assert_eq!(busy.expect(421).await.lines, ["4.3.2 Shutting down, please try again later"]);
    tokio::time::timeout(testkit::PATIENCE, &mut node.task).await.expect("it ends").expect("in order");
    assert!(sink.messages()[0].content == mail);
}

async fn a_reload_leaves_open_sessions_alone() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let mut old = node.client().await;
    begin(&mut old).await;
    let mut config = node.config.clone();
    config.limits.max_message_size = Bytes(1_000);
    config.hostname = "new.example.com".to_owned();
    node.gateway.reload(gateway::Node::load(config, node.spool()).expect("a configuration"));
    old.send_bytes(&stuff(&sample::sized("old", 5_000))).await;
    old.expect(250).await;
    let mut new = Client::connect(node.address).await;
    assert_eq!(new.expect(220).await.lines, ["new.example.com ESMTP Mailward"]);
    new.command("EHLO client.example.org", 250).await;
    let done = new.deliver("alice@example.org", &["bob@example.com"], &sample::sized("new", 5_000)).await;
    assert_eq!(done.expect_err("too large").code, 552);
    assert_eq!(sink.count(), 1);
}

async fn many_sessions_at_once_deliver_each_message_once() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().start(&sink).await;
    let session = |number: usize| {
        let address = node.address;
        tokio::spawn(async move {
            let mut client = Client::open(address).await;
            for message in 0..10 {
                let mail = sample::clean(&format!("s{number} m{message}"));
                client.deliver("alice@example.org", &["bob@example.com"], &mail).await.expect("taken");
            }
            client.quit().await;
        })
    };
    let sessions: Vec<_> = (0..10).map(session).collect();
    for session in sessions {
        session.await.expect("a session");
    }
    let mut got: Vec<Vec<u8>> = sink.messages().into_iter().map(|m| m.content).collect();
    let mut expected: Vec<Vec<u8>> =
        (0..10).flat_map(|s| (0..10).map(move |m| sample::clean(&format!("s{s} m{m}")))).collect();
    got.sort();
    expected.sort();
    assert!(got == expected);
    assert_eq!(sink.connections(), 10);
    assert_eq!(logged::messages(100).await.len(), 100);
    assert_eq!(node.rows(100).await.len(), 100);
}
