//! A connection from its options to its end.

use super::*;
use crate::milter::Connect;
use crate::milter::command::Family;
use crate::milter::options::actions;
use crate::smtp::reply::Reply;

fn packet(command: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    write(command, &[payload], &mut out);
    out
}

fn options(protocol: u32) -> Vec<u8> {
    packet(b'O', [6u32, 0x1ff, protocol].map(u32::to_be_bytes).as_flattened())
}

fn wanted(protocol: u32) -> Wanted {
    Wanted { needed_actions: actions::CHANGE_BODY | actions::ADD_HEADERS, protocol, ..Wanted::default() }
}

/// Everything that is told, each event that waits answered so.
fn run(server: &mut Server, input: &[u8], answer: &Answer) -> (Vec<Event>, Step) {
    let (mut events, mut rest) = (Vec::new(), input);
    loop {
        let taken = server.feed(rest);
        rest = &rest[taken..];
        match server.step() {
            Step::Event(event) => {
                events.push(event);
                if server.is_waiting() {
                    assert_eq!(server.step(), Step::Waiting);
                    assert!(server.answer(answer));
                }
                assert!(!server.answer(answer), "an event takes one answer");
            }
            Step::Flush => server.sent(server.output().len()),
            Step::Need if !rest.is_empty() => {}
            end => return (events, end),
        }
    }
}

fn letters(output: &[u8]) -> String {
    let (mut out, mut rest) = (String::new(), output);
    while let Some(length) = rest.first_chunk() {
        let length = u32::from_be_bytes(*length) as usize;
        out.push(char::from(rest[4]));
        rest = &rest[4 + length..];
    }
    out
}

fn message() -> Vec<u8> {
    [
        packet(b'D', b"Cj\0mx.example.org\0"),
        packet(b'C', b"client.example.org\x004\x30\x39192.0.2.1\0"),
        packet(b'H', b"client.example.org\0"),
        packet(b'M', b"<a@example.org>\0"),
        packet(b'R', b"<b@example.com>\0"),
        packet(b'T', b""),
        packet(b'L', b"Subject\0 x\0"),
        packet(b'N', b""),
        packet(b'B', b"one\r\n"),
        packet(b'D', b"Ei\0A1\0"),
        packet(b'E', b"two\r\n"),
        packet(b'Q', b""),
    ]
    .concat()
}

#[test]
fn a_message_is_told_step_by_step_however_it_is_cut() {
    let input = [options(0), message()].concat();
    let mut whole = Server::new(wanted(0));
    let (events, end) = run(&mut whole, &input, &Answer::Continue);
    assert_eq!(end, Step::Closed);
    let text = |t: &str| t.as_bytes().to_vec();
    let client =
        Connect { host: text("client.example.org"), family: Family::Inet, port: 12345, address: text("192.0.2.1") };
    let expected = [
        Event::Connect(client),
        Event::Helo(text("client.example.org")),
        Event::Mail(vec![text("<a@example.org>")]),
        Event::Rcpt(vec![text("<b@example.com>")]),
        Event::Data,
        Event::Header { name: text("Subject"), value: text(" x") },
        Event::EndOfHeader,
        Event::Body(text("one\r\n")),
        Event::Body(text("two\r\n")),
        Event::EndOfMessage,
        Event::Quit,
    ];
    assert_eq!(events, expected);
    assert_eq!(letters(whole.output()), "Occcccccccc");
    let mut cut = Server::new(wanted(0));
    let mut all = Vec::new();
    for byte in input.chunks(1) {
        all.extend(run(&mut cut, byte, &Answer::Continue).0);
    }
    assert_eq!((all.as_slice(), cut.output()), (&expected[..], whole.output()));
}

#[test]
fn what_is_agreed_to_need_no_answer_gets_none() {
    let mut server = Server::new(wanted(u32::MAX));
    let (events, _) = run(&mut server, &[options(0x1f_ffff), message()].concat(), &Answer::Continue);
    assert_eq!((events.len(), letters(server.output()).as_str()), (11, "Oc"));
    assert!(server.has_leading_blanks());
}

#[test]
fn changes_are_told_at_the_end_of_a_message_and_as_agreed() {
    let mut server = Server::new(wanted(u32::MAX));
    let input = [options(0x1f_ffff), message()].concat();
    server.feed(&input);
    let body = Change::Body(b"new\r\n".to_vec());
    loop {
        match server.step() {
            Step::Event(Event::EndOfMessage) => break,
            Step::Event(_) => {
                assert_eq!(server.change(&body), Err(ChangeFault::NotNow));
                assert!(!server.progress());
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(server.macros().get("i"), Some("A1"));
    assert!(server.progress());
    assert_eq!(server.change(&body), Ok(()));
    assert_eq!(server.change(&Change::Quarantine(b"x".to_vec())), Err(ChangeFault::NotAgreed));
    assert!(server.answer(&Answer::Continue));
    assert_eq!(server.change(&body), Err(ChangeFault::NotNow));
    assert!(!server.in_message() && server.macros().get("i").is_none());
    assert_eq!(letters(server.output()), "Opbc");
}

#[test]
fn a_refused_recipient_leaves_the_message_and_a_refused_sender_ends_it() {
    let mut server = Server::new(wanted(0));
    run(&mut server, &[options(0), packet(b'M', b"<>\0")].concat(), &Answer::Continue);
    let no = Answer::Reply(Reply::say(550, "5.1.1 no"));
    run(&mut server, &packet(b'R', b"<b@example.com>\0"), &no);
    assert!(server.in_message());
    run(&mut server, &packet(b'M', b"<>\0"), &no);
    assert!(!server.in_message());
}

#[test]
fn an_aborted_message_is_forgotten_and_the_next_one_begins() {
    let mut server = Server::new(wanted(0));
    let first = [options(0), packet(b'M', b"<>\0"), packet(b'A', b"")].concat();
    let (events, end) = run(&mut server, &first, &Answer::Continue);
    assert!(events.last() == Some(&Event::Abort) && end == Step::Need && !server.in_message());
    let (events, _) = run(&mut server, &packet(b'K', b""), &Answer::Continue);
    assert_eq!(events, [Event::NextClient]);
    let (events, end) = run(&mut server, &message(), &Answer::Continue);
    assert!(events.len() == 11 && end == Step::Closed);
}

#[test]
fn the_body_may_be_skipped_where_that_is_agreed() {
    for (offered, may) in [(protocol::SKIP, true), (0, false), (protocol::SKIP | protocol::NO_REPLY_BODY, false)] {
        let mut server = Server::new(wanted(u32::MAX));
        let input = [options(offered), packet(b'M', b"<>\0")].concat();
        run(&mut server, &input, &Answer::Continue);
        server.feed(&packet(b'B', b"x"));
        assert!(matches!(server.step(), Step::Event(Event::Body(_))));
        assert_eq!(server.may_skip(), may, "{offered:x}");
    }
}

#[test]
fn what_is_out_of_place_ends_the_connection() {
    let cases: [(Vec<u8>, Fault); 9] = [
        (packet(b'C', b"x\0U"), Fault::NotNegotiated(b'C')),
        ([options(0), options(0)].concat(), Fault::NotNegotiated(b'O')),
        ([options(0), packet(b'B', b"x")].concat(), Fault::OutOfOrder(b'B')),
        ([options(0), packet(b'R', b"<a>\0")].concat(), Fault::OutOfOrder(b'R')),
        (
            [options(0), packet(b'M', b"<>\0"), packet(b'N', b""), packet(b'L', b"a\0b\0")].concat(),
            Fault::OutOfOrder(b'L'),
        ),
        ([options(0), packet(b'?', b"")].concat(), Fault::Malformed(b'?')),
        ([options(0), packet(b'D', b"Cx\0")].concat(), Fault::Malformed(b'D')),
        (b"GET / HTTP/1.1\r\n".to_vec(), Fault::Length(u32::from_be_bytes(*b"GET "))),
        (packet(b'O', b"\0\0\0\x06"), Fault::NoAgreement(NoAgreement::Malformed)),
    ];
    for (input, fault) in cases {
        let mut server = Server::new(wanted(0));
        let (_, end) = run(&mut server, &input, &Answer::Continue);
        assert_eq!(end, Step::Failed(fault));
        assert_eq!(server.step(), Step::Failed(fault));
    }
}

#[test]
fn output_that_nobody_takes_stops_the_machine() {
    let mut server = Server::new(wanted(0));
    server.feed(&options(0));
    assert_eq!(server.step(), Step::Need);
    server.output.append(&vec![0; OUTPUT_HIGH]);
    assert_eq!(server.step(), Step::Flush);
    server.sent(usize::MAX);
    assert_eq!(server.step(), Step::Need);
}
