//! A DNS server that knows nothing and says so at once.
//!
//! Without a server each name that is looked up costs the time that is waited for an answer; a message of rspamd
//! then takes seconds in which nothing is done. What follows from names that cannot be looked up is the same: see
//! `evaluate::peers::REPLAYED`.

use std::net::UdpSocket;

/// Largest query that is answered; larger ones are not UDP's.
const LARGEST: usize = 1500;
/// The header of a message of the DNS (RFC 1035, section 4.1.1).
const HEADER: usize = 12;

/// Starts it on a free port of the loopback, and gives the port. It ends with this program.
pub(crate) fn start() -> std::io::Result<u16> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let port = socket.local_addr()?.port();
    std::thread::spawn(move || {
        let mut query = [0; LARGEST];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let Some(answer) = query.get_mut(..length).filter(|query| query.len() >= HEADER) else { continue };
            fail(answer);
            let _ = socket.send_to(answer, from);
        }
    });
    Ok(port)
}

/// Makes of a query the answer that the server failed: nothing is said about the name.
fn fail(query: &mut [u8]) {
    if let [_, _, flags, code, ..] = query {
        *flags |= 0x80;
        *code = 0x82;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_question_is_answered_by_a_failure() {
        let port = start().expect("a port is free");
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port is free");
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).expect("it is set");
        let query = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x01a\x00\x00\x01\x00\x01";
        // Too short for a question: no answer, and it goes on.
        socket.send_to(b"\x12\x34", ("127.0.0.1", port)).expect("sent");
        socket.send_to(query, ("127.0.0.1", port)).expect("sent");
        let mut answer = [0; LARGEST];
        let length = socket.recv(&mut answer).expect("an answer comes");
        assert_eq!(answer[..4], *b"\x12\x34\x81\x82");
        assert_eq!(answer[4..length], query[4..]);
    }
}
