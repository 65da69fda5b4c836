//! The client machine against a next hop made of byte slices.

use super::*;

/// A client whose greeting and EHLO are behind it.
fn ready(ehlo: &[u8]) -> Client {
    let mut client = Client::new();
    answers(&mut client, b"220 mx.example.org\r\n");
    client.hello("gw.example.net").unwrap();
    answers(&mut client, ehlo);
    drain(&mut client);
    client
}

/// Feeds and takes every answer: what was asked and the code.
fn answers(client: &mut Client, input: &[u8]) -> Vec<(Asked, u16)> {
    let mut found = Vec::new();
    assert_eq!(client.feed(input), input.len());
    while let Some(answer) = client.next_reply().unwrap() {
        found.push((answer.to, answer.reply.code()));
    }
    found
}

fn drain(client: &mut Client) -> String {
    let text = String::from_utf8(client.output().to_vec()).unwrap();
    client.sent(text.len());
    text
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

#[test]
fn a_pipelined_transaction_gets_its_answers_in_order() {
    let mut client = ready(b"250-mx\r\n250-PIPELINING\r\n250 8BITMIME\r\n");
    assert!(client.extensions().pipelining && client.extensions().eight_bit_mime);
    client.mail("<a@example.org> BODY=8BITMIME").unwrap();
    client.rcpt("<b@example.net>").unwrap();
    client.rcpt("<c@example.net>").unwrap();
    client.data().unwrap();
    assert_eq!(client.rset(), Err(NotQueued::OutOfOrder));
    let sent =
        "MAIL FROM:<a@example.org> BODY=8BITMIME\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n";
    assert_eq!(drain(&mut client), sent);
    assert_eq!(client.content(b"too early"), Err(NotQueued::OutOfOrder));
    let got = answers(&mut client, b"250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n");
    assert_eq!(got, [(Asked::Mail, 250), (Asked::Rcpt, 250), (Asked::Rcpt, 550), (Asked::Data, 354)]);
    assert_eq!(client.rset(), Err(NotQueued::OutOfOrder));
    client.content(b"a\r\n.").unwrap();
    client.content(b"b\r").unwrap();
    client.content(b"\n.").unwrap();
    client.end().unwrap();
    client.quit().unwrap();
    assert_eq!(drain(&mut client), "a\r\n..b\r\n..\r\n.\r\nQUIT\r\n");
    assert_eq!(answers(&mut client, b"250 queued\r\n221 bye\r\n"), [(Asked::End, 250), (Asked::Quit, 221)]);
    assert_eq!(client.noop(), Err(NotQueued::OutOfOrder));
}

#[test]
fn nothing_can_be_said_before_the_greeting() {
    let mut client = Client::new();
    assert_eq!(client.hello("gw"), Err(NotQueued::OutOfOrder));
    assert_eq!(answers(&mut client, b"554 go away\r\n"), [(Asked::Greeting, 554)]);
    client.quit().unwrap();
}

#[test]
fn arguments_cannot_carry_a_second_command() {
    let mut client = ready(b"250 mx\r\n");
    for bad in ["<a@b>\r\nRCPT TO:<c@d>", "<a@b>\n", "<a\0@b>", "", &"x".repeat(3000)] {
        assert_eq!(client.mail(bad), Err(NotQueued::BadArgument), "{bad:?}");
    }
    assert_eq!(client.auth(&secret("AUTH PLAIN x\r\nDATA")), Err(NotQueued::BadArgument));
    assert_eq!(client.auth(&secret("QUIT")), Err(NotQueued::BadArgument));
    assert_eq!(client.output(), b"");
}

#[test]
fn bytes_between_starttls_and_handshake_are_a_fault() {
    let ehlo = b"250-mx\r\n250 STARTTLS\r\n";
    let mut client = ready(ehlo);
    client.start_tls().unwrap();
    client.feed(b"220 go\r\n250 injected\r\n");
    assert_eq!(client.next_reply(), Err(ClientFault::InjectedBeforeTls));
    assert_eq!(client.next_reply(), Err(ClientFault::InjectedBeforeTls));

    let mut client = ready(ehlo);
    client.start_tls().unwrap();
    assert_eq!(client.hello("gw"), Err(NotQueued::OutOfOrder));
    assert_eq!(answers(&mut client, b"220 go\r\n"), [(Asked::StartTls, 220)]);
    client.feed(b"2");
    assert_eq!(client.next_reply(), Err(ClientFault::InjectedBeforeTls));
}

#[test]
fn starttls_forgets_what_was_offered_and_a_refusal_does_not() {
    let mut client = ready(b"250-mx\r\n250 STARTTLS\r\n");
    client.start_tls().unwrap();
    assert_eq!(answers(&mut client, b"454 later\r\n"), [(Asked::StartTls, 454)]);
    assert!(client.extensions().starttls);
    client.start_tls().unwrap();
    answers(&mut client, b"220 go\r\n");
    assert_eq!(client.mail("<>"), Err(NotQueued::OutOfOrder));
    client.start_tls_done();
    assert_eq!(*client.extensions(), Extensions::default());
    client.hello("gw").unwrap();
    assert_eq!(answers(&mut client, b"250 mx\r\n"), [(Asked::Ehlo, 250)]);
}

#[test]
fn replies_that_nobody_asked_for_are_faults() {
    let mut client = ready(b"250 mx\r\n");
    client.feed(b"421 idle\r\n");
    assert!(matches!(client.next_reply(), Err(ClientFault::Unsolicited(r)) if r.code() == 421));

    let mut client = ready(b"250 mx\r\n");
    client.feed(b"250 ok\r\n");
    assert_eq!(client.mail("<>"), Err(NotQueued::Failed));
    assert_eq!(client.next_reply(), Err(ClientFault::UnsolicitedBytes));
    assert_eq!(client.output(), b"");

    let mut client = ready(b"250 mx\r\n");
    answers(&mut client, b"25");
    assert_eq!(client.mail("<>"), Err(NotQueued::Failed));
    assert_eq!(client.next_reply(), Err(ClientFault::UnsolicitedBytes));
}

#[test]
fn codes_that_cannot_answer_are_faults() {
    let cases: &[(Asked, &[u8])] = &[
        (Asked::Data, b"250 what\r\n"),
        (Asked::Data, b"334 what\r\n"),
        (Asked::Mail, b"354 go\r\n"),
        (Asked::Auth, b"354 go\r\n"),
    ];
    for (asked, reply) in cases {
        let mut client = ready(b"250 mx\r\n");
        match asked {
            Asked::Data => client.data().unwrap(),
            Asked::Mail => client.mail("<>").unwrap(),
            _ => client.auth(&secret("AUTH LOGIN")).unwrap(),
        }
        client.feed(reply);
        assert!(matches!(client.next_reply(), Err(ClientFault::UnexpectedCode(to, _)) if to == *asked), "{asked:?}");
    }
}

#[test]
fn an_authentication_exchange_goes_line_by_line() {
    let mut client = ready(b"250-mx\r\n250 AUTH LOGIN\r\n");
    client.auth(&secret("AUTH LOGIN")).unwrap();
    assert_eq!(client.mail("<>"), Err(NotQueued::OutOfOrder));
    assert_eq!(client.auth_line(&secret("dXNlcg==")), Err(NotQueued::OutOfOrder));
    assert_eq!(answers(&mut client, b"334 VXNlcm5hbWU6\r\n"), [(Asked::Auth, 334)]);
    assert_eq!(client.mail("<>"), Err(NotQueued::OutOfOrder));
    client.auth_line(&secret("dXNlcg==")).unwrap();
    assert_eq!(answers(&mut client, b"235 ok\r\n"), [(Asked::Auth, 235)]);
    assert_eq!(drain(&mut client), "AUTH LOGIN\r\ndXNlcg==\r\n");
    client.mail("<>").unwrap();
}

#[test]
fn xforward_sends_only_what_the_next_hop_takes() {
    let mut client = ready(b"250-mx\r\n250 XFORWARD NAME ADDR\r\n");
    let attributes = [(XforwardName::Addr, "192.0.2.1"), (XforwardName::Helo, "x"), (XforwardName::Name, "a b")];
    assert_eq!(client.xforward(&attributes), Ok(1));
    assert_eq!(drain(&mut client), "XFORWARD NAME=a+20b ADDR=192.0.2.1\r\n");
    assert_eq!(answers(&mut client, b"250 ok\r\n"), [(Asked::Xforward, 250)]);
    assert_eq!(ready(b"250 mx\r\n").xforward(&attributes), Ok(0));
}
