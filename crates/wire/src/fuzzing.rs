//! Entry points for fuzzing: each runs a machine over arbitrary bytes and asserts what must always hold.

use crate::clamd;
use crate::dot::{DotReader, DotWriter, LineEnds};
use crate::milter::edits::{self, Field};
use crate::milter::options::{actions, protocol};
use crate::milter::{Answer as Verdict, Change, Server as Milter, Step as MilterStep, Wanted};
use crate::octets::{OctetReader, Octets, Plainness};
use crate::proxy;
use crate::smtp::client::{Answer, Client, ClientFault};
use crate::smtp::extensions::{Extensions, Ours};
use crate::smtp::reply::{Reply, ReplyReader};
use crate::smtp::server::{Event, INPUT_MAX, OUTPUT_HIGH, Server, ServerConfig, Step};
use crate::smtp::xclient::XclientName;
use crate::smtp::xforward::XforwardName;

/// What a next hop might offer, so that most parameters are allowed.
fn generous() -> Extensions {
    Extensions {
        pipelining: true,
        size: Some(0),
        eight_bit_mime: true,
        chunking: true,
        binary_mime: true,
        smtputf8: true,
        dsn: true,
        enhanced_status_codes: true,
        auth: vec!["PLAIN".to_owned(), "LOGIN".to_owned()],
        starttls: true,
        xforward: XforwardName::all(),
        xclient: XclientName::all(),
        mt_priority: Some(String::new()),
        deliver_by: Some(String::new()),
    }
}

/// A short text of an event, with content left out.
fn outline(event: &Event) -> String {
    match event {
        Event::Content(_) => String::new(),
        Event::AuthResponse(line) => format!("AuthResponse {:?}\n", line.0.expose()),
        other => format!("{other:?}\n"),
    }
}

/// A pump's answer that depends on the event only: refuses some of everything.
fn answer(server: &mut Server, event: &Event, starttls: bool) -> Option<Reply> {
    let code = match event {
        Event::Content(_) => return None,
        Event::Hello { .. } => {
            let ours = Ours { max_size: 0, starttls, trusted: true, chunking: true, binary: false };
            server.offer(Extensions::offer(&generous(), &ours));
            250
        }
        Event::StartTls => 220,
        Event::Auth(command) if command.initial.is_none() => 334,
        Event::Auth(_) => 535,
        Event::AuthResponse(line) if line.0.expose().len() % 2 == 0 => 334,
        Event::AuthResponse(_) => 235,
        Event::Rcpt(command) if command.path.starts_with('x') => 550,
        Event::Data => 354,
        Event::Xclient(_) => 220,
        Event::Quit => 221,
        _ => 250,
    };
    Some(Reply::say(code, "answer"))
}

/// Runs a server session over input fed in the given pieces. Returns the events' outline, the accepted content, and
/// the output. STARTTLS is offered to trusted peers only: what follows it is thrown away by what has arrived.
pub fn run_server<'a>(config: ServerConfig, pieces: impl Iterator<Item = &'a [u8]>) -> (String, Vec<u8>, Vec<u8>) {
    let starttls = config.trusted;
    let mut server = Server::new(config);
    server.greet(&Reply::say(220, "ready"));
    let (mut events, mut accepted, mut content, mut output) = (String::new(), Vec::new(), Vec::new(), Vec::new());
    for piece in pieces {
        let mut rest = piece;
        loop {
            let taken = server.feed(rest);
            rest = rest.get(taken..).unwrap_or_default();
            match server.step() {
                Step::Need if rest.is_empty() => break,
                Step::Need => assert!(taken > 0, "input must not stall"),
                Step::Closed => break,
                Step::Flush => {}
                Step::Handshake => server.start_tls_done(),
                Step::Waiting => unreachable!("every event is answered"),
                Step::Event(event) => {
                    events.push_str(&outline(&event));
                    match &event {
                        Event::Content(piece) => content.extend_from_slice(piece),
                        Event::ContentEnd(Ok(size)) => {
                            assert_eq!(u64::try_from(content.len()), Ok(*size), "content is as long as it says");
                            accepted.append(&mut content);
                        }
                        // What came in chunks before is nobody's any more.
                        Event::ContentEnd(Err(_)) | Event::Hello { .. } | Event::Reset => content.clear(),
                        _ => {}
                    }
                    if let Some(reply) = answer(&mut server, &event, starttls) {
                        assert!(server.reply(&reply), "an event takes one reply");
                    }
                }
            }
            assert!(server.output().len() <= OUTPUT_HIGH.saturating_add(2 * INPUT_MAX), "output is bounded");
            output.extend_from_slice(server.output());
            server.sent(server.output().len());
        }
    }
    assert_strict_lines(&output);
    (events, accepted, output)
}

/// No bare CR, bare LF or NUL.
fn assert_strict_lines(bytes: &[u8]) {
    let mut last = 0;
    for &byte in bytes {
        assert_eq!(byte == b'\n', last == b'\r', "CR and LF come in pairs");
        assert!(byte != 0, "no NUL");
        last = byte;
    }
    assert!(last != b'\r', "no CR at the end");
}

/// A session of arbitrary bytes, in two ways of cutting. The first byte chooses policy and cut.
pub fn fuzz_server(data: &[u8]) {
    let Some((&first, input)) = data.split_first() else { return };
    let line_ends = if first & 1 == 0 { LineEnds::Reject } else { LineEnds::Normalise };
    let config = ServerConfig { line_ends, max_errors: 10, trusted: first & 2 != 0, ..ServerConfig::default() };
    let cut = usize::from(first >> 2).max(1);
    let (_, accepted, _) = run_server(config.clone(), input.chunks(cut));
    assert_strict_lines(&accepted);
    let (_, accepted, _) = run_server(config, std::iter::once(input));
    assert_strict_lines(&accepted);
}

/// Replies of a next hop: the same however they are cut, and printable.
pub fn fuzz_reply(data: &[u8]) {
    let read = |cut: usize| {
        let mut reader = ReplyReader::default();
        let mut found = Vec::new();
        for piece in data.chunks(cut) {
            let mut rest = piece;
            while !rest.is_empty() {
                let (used, reply) = reader.push(rest);
                rest = rest.get(used..).unwrap_or_default();
                let failed = matches!(reply, Some(Err(_)));
                found.extend(reply);
                if failed {
                    return found;
                }
            }
        }
        found
    };
    let whole = read(data.len().max(1));
    assert_eq!(whole, read(1), "cutting changes nothing");
    for reply in whole.into_iter().flatten() {
        assert!(reply.lines().iter().all(|l| l.bytes().all(|b| matches!(b, b' '..=b'~'))), "printable");
        let mut wire = Vec::new();
        reply.render(&mut wire);
        assert_eq!(ReplyReader::default().push(&wire).1, Some(Ok(reply)), "reads back");
    }
}

/// Content: the same however it is cut, never a bare line end out, and back through writer and reader unchanged.
pub fn fuzz_dot(data: &[u8]) {
    for policy in [LineEnds::Reject, LineEnds::Normalise] {
        let read = |cut: usize| {
            let mut reader = DotReader::new(policy);
            let mut out = Vec::new();
            let used: usize = data.chunks(cut).fold(0, |n, c| n.saturating_add(reader.push(c, &mut out)));
            (out, used, reader.ended(), reader.fault(), reader.altered())
        };
        let whole = read(data.len().max(1));
        assert_eq!(whole, read(1), "cutting changes nothing");
        let (out, used, ended, fault, _) = whole;
        let read_bytes = data.get(..used).unwrap_or_default();
        let true_end = read_bytes.ends_with(b"\r\n.\r\n") || read_bytes == b".\r\n";
        assert_eq!(ended, true_end, "ends at CRLF.CRLF and nowhere else");
        if ended && fault.is_none() {
            assert_strict_lines(&out);
            assert_eq!(round_trip(&out), out, "writer and reader agree");
        }
    }
    let mended = round_trip(data);
    assert_strict_lines(&mended);
    assert_eq!(round_trip(&mended), mended, "mending is done once");
}

/// Content through a writer in small pieces and a strict reader.
fn round_trip(content: &[u8]) -> Vec<u8> {
    let mut writer = DotWriter::default();
    let mut wire = Vec::new();
    content.chunks(3).for_each(|piece| writer.write(piece, &mut wire));
    writer.finish(&mut wire);
    let mut reader = DotReader::new(LineEnds::Reject);
    let mut out = Vec::new();
    let used = reader.push(&wire, &mut out);
    assert!(reader.ended() && reader.fault().is_none() && used == wire.len(), "what is written is well formed");
    out
}

/// A next hop that says anything to a client in the middle of a transaction.
pub fn fuzz_client(data: &[u8]) {
    let run = |cut: usize| -> (Vec<Answer>, Option<ClientFault>) {
        let mut client = Client::new();
        client.feed(b"220 ready\r\n");
        assert!(matches!(client.next_reply(), Ok(Some(_))), "greeted");
        let queued = [client.mail("<>"), client.rcpt("<a@example.org>"), client.data()];
        assert_eq!(queued, [Ok(()); 3], "a greeted client may speak");
        let mut answers: Vec<Answer> = Vec::new();
        for piece in data.chunks(cut) {
            client.feed(piece);
            loop {
                match client.next_reply() {
                    Ok(None) => break,
                    Ok(Some(answer)) => answers.push(answer),
                    Err(fault) => return (answers, Some(fault)),
                }
            }
        }
        assert_strict_lines(client.output());
        (answers, None)
    };
    assert_eq!(run(data.len().clamp(1, INPUT_MAX)), run(1), "cutting changes nothing");
}

/// A PROXY header: never more is read than belongs to it, and its length has a bound.
pub fn fuzz_proxy(data: &[u8]) {
    let mut have = 0usize;
    while let Ok(proxy::Progress::More(more)) = proxy::read(data.get(..have).unwrap_or(data)) {
        assert!(more > 0, "it goes on");
        have = have.saturating_add(more);
        assert!(have <= proxy::V2_MAX, "no header is longer");
        if have > data.len() {
            return;
        }
    }
}

/// Content of a known length: the same however it is cut, and judged like lines after DATA.
pub fn fuzz_octets(data: &[u8]) {
    for policy in [LineEnds::Reject, LineEnds::Normalise] {
        let read = |cut: usize| {
            let (mut reader, mut out) = (OctetReader::new(Octets::Text(policy)), Vec::new());
            data.chunks(cut).for_each(|piece| reader.push(piece, &mut out));
            reader.finish(&mut out);
            (out, reader.fault())
        };
        let whole = read(data.len().max(1));
        assert_eq!(whole, read(1), "cutting changes nothing");
        let (out, fault) = whole;
        if fault.is_none() {
            assert_strict_lines(&out);
        }
        let mut plain = Plainness::default();
        data.chunks(3).for_each(|piece| plain.push(piece));
        assert!(policy == LineEnds::Normalise || plain.is_binary() == fault.is_some(), "both judge alike");
    }
}

/// A reply of clamd.
pub fn fuzz_clamd(data: &[u8]) {
    let mut reader = clamd::ReplyReader::default();
    let mut split = clamd::ReplyReader::default();
    let whole = reader.push(data);
    let pieces = data.chunks(1).map(|b| split.push(b)).last().unwrap_or(Ok(false));
    assert_eq!(whole, pieces, "cutting changes nothing");
    let said = reader.reply().and_then(clamd::parse_scan);
    if let Ok(clamd::ClamdReply::Found(name) | clamd::ClamdReply::Error(name)) = said {
        assert!(name.len() <= clamd::NAME_MAX && name.bytes().all(|b| matches!(b, b' '..=b'~')), "safe to show");
    }
}

/// A filter that wants all there is to be had.
fn milter() -> Milter {
    Milter::new(Wanted {
        needed_actions: actions::ADD_HEADERS,
        more_actions: u32::MAX,
        protocol: !protocol::NO_STEPS,
        macros: vec![(0, "j {client_addr}".to_owned())],
    })
}

/// A mail server that sends these pieces to a filter: what was told, and what was answered. Each answer depends on its
/// event only.
pub fn run_milter<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> (String, Vec<u8>) {
    let mut server = milter();
    let (mut events, mut output, mut message) = (String::new(), Vec::new(), 0usize);
    for piece in pieces {
        let mut rest = piece;
        loop {
            let taken = server.feed(rest);
            rest = rest.get(taken..).unwrap_or_default();
            match server.step() {
                MilterStep::Need if rest.is_empty() => break,
                MilterStep::Need => assert!(taken > 0, "input must not stall"),
                MilterStep::Closed | MilterStep::Failed(_) => break,
                MilterStep::Flush => {}
                MilterStep::Waiting => unreachable!("every event is answered"),
                MilterStep::Event(event) => {
                    let told = format!("{event:?}\n");
                    message = message.saturating_add(told.len());
                    let verdict = match message % 7 {
                        0 => Verdict::Reply(Reply::say(451, "4.3.0 later")),
                        1 => Verdict::Accept,
                        _ => Verdict::Continue,
                    };
                    let _ = server.change(&Change::Body(vec![b'x'; message % 100]));
                    server.progress();
                    server.answer(&verdict);
                    assert!(!server.answer(&verdict), "an event takes one answer");
                    events.push_str(&told);
                }
            }
            output.extend_from_slice(server.output());
            server.sent(server.output().len());
        }
    }
    output.extend_from_slice(server.output());
    (events, output)
}

/// What a mail server may send to a filter: packets of these bytes, and the bytes as they are.
pub fn fuzz_milter(data: &[u8]) {
    assert_eq!(run_milter(std::iter::once(data)), run_milter(data.chunks(1)), "cutting changes nothing");
    let mut packets = Vec::new();
    let offer = [6u32, 0x1ff, 0x1f_ffff].map(u32::to_be_bytes);
    crate::milter::packet::write(b'O', &[offer.as_flattened()], &mut packets);
    for line in data.split(|byte| *byte == b'\n') {
        let Some((command, payload)) = line.split_first() else { continue };
        crate::milter::packet::write(*command, &[payload], &mut packets);
    }
    assert_eq!(
        run_milter(std::iter::once(packets.as_slice())),
        run_milter(packets.chunks(7)),
        "cutting changes nothing"
    );
}

/// Two headers with an empty line between: the changes that are told make the second one out of the first.
pub fn fuzz_milter_edits(data: &[u8]) {
    let at = data.windows(2).position(|pair| pair == b"\n\n").unwrap_or(data.len());
    let (old, new) = data.split_at_checked(at).unwrap_or((data, &[]));
    for blanks in [true, false] {
        let fields = |header: &[u8]| -> Vec<Field> {
            edits::split(header).iter().filter_map(|raw| Field::read(raw, blanks)).collect()
        };
        let (old, new) = (fields(old), fields(new));
        let changes = edits::changes(&old, &new);
        assert_eq!(edits::apply(old, &changes), new, "the header that was wanted");
    }
}

/// A certificate: what is said of it lies within it and its limits.
pub fn fuzz_certificate(data: &[u8]) {
    let Some(facts) = crate::certificate::read(data) else { return };
    assert!(data.get(facts.key.clone()).is_some_and(|key| key.first() == Some(&0x30)), "a key is a sequence of it");
    assert!(facts.names.len() <= crate::certificate::MAX_NAMES);
    assert!(facts.names.iter().all(|name| name.bytes().all(|byte| byte.is_ascii_graphic())));
}

/// A policy of MTA-STS and the record that announces it.
pub fn fuzz_sts(data: &[u8]) {
    if let Ok(policy) = crate::sts::read(data) {
        assert!(policy.max_age <= crate::sts::MAX_AGE && policy.servers.len() <= crate::sts::MAX_SERVERS);
        for server in policy.servers.iter().filter(|server| !server.starts_with('*')) {
            assert!(policy.allows(server), "a server that it names");
        }
    }
    if let Ok(text) = std::str::from_utf8(data)
        && let Some(id) = crate::sts::id(text)
    {
        assert!(id.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
