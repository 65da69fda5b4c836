//! However the input is cut, the steps and the output are the same; and nothing panics on any bytes.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use wire::dot::LineEnds;
use wire::fuzzing;
use wire::smtp::extensions::Extensions;
use wire::smtp::reply::Reply;
use wire::smtp::server::{Event, INPUT_MAX, Server, ServerConfig, Step};

/// Words that put machines into every state.
const SEEDS: &[&[u8]] = &[
    b"EHLO client.example\r\n",
    b"HELO x\r\n",
    b"MAIL FROM:<a@example.org> SIZE=10 BODY=8BITMIME\r\n",
    b"MAIL FROM:<> SMTPUTF8\r\n",
    b"RCPT TO:<b@example.net> NOTIFY=NEVER\r\n",
    b"RCPT TO:<xb@example.net>\r\n",
    b"RSET\r\n",
    b"STARTTLS\r\n",
    b"NOOP\r\n",
    b"VRFY a\r\n",
    b"AUTH LOGIN\r\n",
    b"AUTH PLAIN AHUAcA==\r\n",
    b"dXNlcg==\r\n",
    b"abc\r\n",
    b"XFORWARD NAME=a ADDR=192.0.2.1\r\n",
    b"nonsense\r\n",
    b"NOOP a\rb\r\n",
    b"NOOP \0\r\n",
    b"QUIT\r\n",
    b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n",
    b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhello\r\n.\r\n",
    b"EHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\na\n.\r\nb\r\n.\r\n",
    b"\r\n.\r\n",
    b".\r\n",
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"..a\r\n",
    b"\r",
    b"\n",
    b"\0",
    b".",
];

/// Reply-shaped words.
const REPLIES: &[&[u8]] = &[
    b"250 ok\r\n",
    b"250-more\r\n",
    b"250\r\n",
    b"354 go\r\n",
    b"550 5.7.1 no\r\n",
    b"421 bye\r\n",
    b"220-",
    b"\r\n",
    b"\n",
    b"\r",
    b"25",
    b"999 x\r\n",
    b"\xff\0",
];

/// A whole transaction up to the content, which no state before it can spoil (the star ends an AUTH): bytes behind a DATA
/// that is refused end a session by what has arrived, which is meant to depend on the cut.
const TRANSACTION: &[u8] = b"\r\n*\r\nEHLO a\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n";

fn soup(seeds: &'static [&'static [u8]]) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        6 => select(seeds).prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..20),
    ];
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

/// Content and further commands that hold no DATA outside a transaction.
fn session() -> impl Strategy<Value = Vec<u8>> {
    let no_data: Vec<&[u8]> = SEEDS.iter().copied().filter(|s| !s.windows(4).any(|w| w == b"DATA")).collect();
    let commands = prop::collection::vec(select(no_data.clone()), 0..8).prop_map(|words| words.concat());
    let content = prop::collection::vec(select(no_data), 0..8).prop_map(|words| words.concat());
    let message =
        (commands, content).prop_map(|(commands, content)| [&commands, TRANSACTION, &content, b"\r\n.\r\n"].concat());
    prop::collection::vec(message, 1..4).prop_map(|messages| messages.concat())
}

/// Cuts at the given places.
fn pieces<'a>(input: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut places: Vec<usize> = cuts.iter().map(|i| i.index(input.len() + 1)).collect();
    places.extend([0, input.len()]);
    places.sort_unstable();
    places.windows(2).map(|w| &input[w[0]..w[1]]).collect()
}

fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..12)
}

fn config(line_ends: LineEnds, max_size: u64) -> ServerConfig {
    ServerConfig { line_ends, max_size, max_errors: 50, ..ServerConfig::default() }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn server_sessions_do_not_depend_on_how_they_are_cut(input in session(), cuts in cuts(), size in 0_u64..60) {
        for line_ends in [LineEnds::Reject, LineEnds::Normalise] {
            let whole = fuzzing::run_server(config(line_ends, size), std::iter::once(input.as_slice()));
            let cut = fuzzing::run_server(config(line_ends, size), pieces(&input, &cuts).into_iter());
            let bytes = fuzzing::run_server(config(line_ends, size), input.chunks(1));
            prop_assert_eq!(&whole, &cut);
            prop_assert_eq!(&whole, &bytes);
        }
    }

    #[test]
    fn server_survives_any_bytes(first in any::<u8>(), input in soup(SEEDS)) {
        fuzzing::fuzz_server(&[&[first], input.as_slice()].concat());
    }

    #[test]
    fn replies_do_not_depend_on_how_they_are_cut(input in soup(REPLIES)) {
        fuzzing::fuzz_reply(&input);
        fuzzing::fuzz_client(&input);
    }

    #[test]
    fn content_ends_only_at_its_true_end_and_comes_back_unchanged(input in soup(SEEDS)) {
        fuzzing::fuzz_dot(&input);
    }

    #[test]
    fn clamd_replies_do_not_depend_on_how_they_are_cut(
        input in soup(&[b"stream: ", b"fd[9]: ", b"OK", b"A.B", b" FOUND", b" ERROR", b"\0", b"PONG"]),
    ) {
        fuzzing::fuzz_clamd(&input);
    }

    #[test]
    fn milter_sessions_do_not_depend_on_how_they_are_cut(
        input in soup(&[b"M<a>\0\n", b"R<b>\0\n", b"LA\0 b\0\n", b"N\n", b"Bx\r\n", b"E\n", b"A\n", b"\0\0\0\x01", b"Q"]),
    ) {
        fuzzing::fuzz_milter(&input);
    }

    #[test]
    fn any_header_comes_out_of_any_other(
        input in soup(&[b"A: b\n", b"a: b\n", b"B:\n", b" c\r\n", b"C: d\r\n", b"\n", b"no colon\n"]),
    ) {
        fuzzing::fuzz_milter_edits(&input);
    }
}

/// A plain generator of numbers, so that mutations are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % n.max(1)
    }

    /// Replaces, inserts or removes a byte so many times.
    fn mutate(&mut self, input: &mut Vec<u8>, times: usize, bytes: &[u8]) {
        for _ in 0..times {
            let at = self.below(input.len());
            let byte = bytes[self.below(bytes.len())];
            match self.below(3) {
                0 => input[at] = byte,
                1 => input.insert(at, byte),
                _ => {
                    input.remove(at);
                }
            }
        }
    }
}

#[test]
fn mutated_chunks_and_headers_break_no_invariant() {
    let chunks = b"\x01EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nBDAT 10\r\nabc\r\nde\r\n\r\
        BDAT 7 LAST\r\n.\r\nQUIT\r\nBDAT 4 LAST\r\nx\r\n\r\nRSET\r\nXCLIENT ADDR=192.0.2.1\r\nEHLO b\r\nQUIT\r\n";
    let v1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 25\r\n";
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x07\xc6\x33\x64\x01\xdc\x04\0\x19";
    let mut numbers = Numbers(7);
    for round in 0..600 {
        let mut input = [chunks.as_slice(), v1, v2][round % 3].to_vec();
        let times = numbers.below(4);
        numbers.mutate(&mut input, times, b"\r\n.\0 019T\xff");
        fuzzing::fuzz_server(&input);
        fuzzing::fuzz_octets(&input);
        fuzzing::fuzz_proxy(&input);
    }
}

#[test]
fn mutated_inputs_break_no_invariant() {
    let mut numbers = Numbers(1);
    let base = [TRANSACTION, b"..a\r\nb\r\n.\r\n250-x\r\n250 y\r\nstream: N FOUND\0QUIT\r\n"].concat();
    for _ in 0..400 {
        let mut input = base.clone();
        let times = numbers.below(6) + 1;
        numbers.mutate(&mut input, times, b"\r\n.\0 a-2\xff");
        fuzzing::fuzz_server(&input);
        fuzzing::fuzz_reply(&input);
        fuzzing::fuzz_client(&input);
        fuzzing::fuzz_dot(&input);
        fuzzing::fuzz_clamd(&input);
    }
}

/// Feeds as much as the machine takes, without ever stepping or sending.
#[test]
fn input_is_bounded_and_back_pressure_is_said() {
    let mut server = Server::new(ServerConfig::default());
    let piece = [b'x'; 5000];
    let taken: usize = (0..100).map(|_| server.feed(&piece)).sum();
    assert_eq!(taken, INPUT_MAX);
    assert_eq!(server.feed(b"y"), 0);
}

/// A client that sends commands and reads nothing: the machine stops answering.
#[test]
fn unread_output_stops_the_machine() {
    let mut server = Server::new(ServerConfig { max_commands: u32::MAX, ..ServerConfig::default() });
    server.greet(&Reply::say(220, "hi"));
    let noops = b"NOOP\r\n".repeat(1000);
    let mut flushes = 0;
    for _ in 0..50 {
        server.feed(&noops);
        if matches!(server.step(), Step::Flush) {
            flushes += 1;
        }
        assert!(server.output().len() < 80 * 1024);
    }
    assert!(flushes > 0);
    server.sent(usize::MAX);
    assert!(matches!(server.step(), Step::Need | Step::Flush));
}

/// Doubling the input must not square the work: a long line without an end, and content of dots.
#[test]
fn long_hostile_input_stays_cheap() {
    let started = std::time::Instant::now();
    let config = ServerConfig { max_commands: u32::MAX, max_errors: u32::MAX, ..ServerConfig::default() };
    let endless = vec![b'x'; 4 << 20];
    fuzzing::run_server(config.clone(), endless.chunks(3));
    let dots = [TRANSACTION, b"\r\n..".repeat(1 << 18).as_slice(), b"\r\n.\r\n"].concat();
    let (_, accepted, _) = fuzzing::run_server(config, dots.chunks(7));
    assert_eq!(accepted.len(), 3 * (1 << 18) + 2);
    assert!(started.elapsed().as_secs() < 20, "took {:?}", started.elapsed());
}

#[test]
fn content_pieces_are_bounded() {
    let mut server = Server::new(ServerConfig { line_ends: LineEnds::Normalise, ..ServerConfig::default() });
    server.greet(&Reply::say(220, "hi"));
    server.feed(TRANSACTION);
    let mut largest = 0;
    let mut fed = false;
    loop {
        match server.step() {
            Step::Event(Event::Content(piece)) => largest = largest.max(piece.len()),
            Step::Event(Event::Data) => {
                server.reply(&Reply::say(354, "go"));
            }
            Step::Event(_) => {
                server.reply(&Reply::say(250, "ok"));
            }
            Step::Need if !fed => {
                fed = true;
                assert_eq!(server.feed(&[b'\n'; 60_000]), 60_000);
            }
            _ => break,
        }
    }
    assert_eq!(largest, 2 * wire::smtp::server::CONTENT_CHUNK);
}

/// Runs a session of one piece up to where the machine needs more; AUTH succeeds.
fn session_after(input: &[u8]) -> Server {
    let mut server = Server::new(ServerConfig::default());
    server.greet(&Reply::say(220, "hi"));
    server.feed(input);
    while let Step::Event(event) = server.step() {
        let code = if matches!(event, Event::Auth(_)) { 235 } else { 250 };
        let mechanisms = Extensions { auth: vec!["PLAIN".into()], ..Extensions::default() };
        server.offer(mechanisms);
        server.reply(&Reply::say(code, "ok"));
    }
    server
}

#[test]
fn speaking_out_of_turn_is_noticed_and_legal_pipelining_is_not() {
    assert!(session_after(b"EHLO a\r\nMAIL FROM:<>\r\n").spoke_out_of_turn());
    assert!(session_after(b"EHLO a\r\n").hello().is_some_and(|h| h.esmtp && h.name == "a"));
    assert!(!session_after(b"EHLO a\r\n").spoke_out_of_turn());
    assert!(!session_after(b"RSET\r\nRSET\r\nNOOP\r\n").spoke_out_of_turn());
}

#[test]
fn the_login_name_is_known_after_success_only() {
    let server = session_after(b"EHLO a\r\nAUTH PLAIN AHVzZXIAcGFzcw==\r\n");
    assert_eq!((server.login(), server.authenticated()), (Some("user"), true));
    let server = session_after(b"EHLO a\r\nAUTH PLAIN ====\r\nMAIL FROM:<>\r\nRCPT TO:<postmaster>\r\n");
    assert_eq!((server.login(), server.authenticated(), server.recipients()), (None, true, 1));
    assert!(!session_after(b"EHLO a\r\n").authenticated());
}

#[test]
fn mutated_milter_sessions_break_no_invariant() {
    let mut numbers = Numbers(7);
    let base = b"Dj\0mx\0\nCclient\x004\0\x19192.0.2.1\0\nHclient\0\nM<a@example.org>\0\nR<b@example.com>\0\nT\n\
        LSubject\0 x\0\nLX-A\0 y\0\nN\nBbody\r\nE\nM<>\0\nA\nK\nQ\n\nSubject: y\nX-B: z\n";
    for _ in 0..400 {
        let mut input = base.to_vec();
        for _ in 0..=numbers.below(6) {
            let at = numbers.below(input.len());
            let byte = *b"\r\n\0MELNB:\xff".get(numbers.below(9)).unwrap();
            match numbers.below(3) {
                0 => input[at] = byte,
                1 => input.insert(at, byte),
                _ => {
                    input.remove(at);
                }
            }
        }
        fuzzing::fuzz_milter(&input);
        fuzzing::fuzz_milter_edits(&input);
    }
}
