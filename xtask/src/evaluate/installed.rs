//! The program as it is installed, on the same messages as its peers.
//!
//! The release build stands between a source and a sink as an SMTP gateway, looks for spam by the message alone and
//! changes nothing. Measured is the whole of it: receiving, examining in workers, the log line and sending on, where
//! peers only answer about a message that they are handed. Ratings come from the log, and are held against what the
//! signs that the evaluation saw make with the same points: so the figures of the evaluation are the program's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::Mail;
use super::envelope::Envelope;
use crate::bench::load::Session;
use crate::bench::stand::{self, Path, Stand};

/// Points and ratings between which straight lines run, as the manual has them.
const RATINGS: [(f64, f64); 4] = [(0.0, 0.0), (5.0, 80.0), (7.0, 90.0), (12.0, 100.0)];
/// Ratings from which on a message is probable spam at the default level.
const PROBABLE: f64 = 80.0;

/// Sends all messages through and says what that took and what was found.
pub(crate) fn run(mails: &[&Mail], points: &BTreeMap<String, f64>) -> Result<String, String> {
    let binary = stand::build()?;
    let stand = Stand::start(Path::Spam, &binary)?;
    let sessions = std::thread::available_parallelism().map_or(1, usize::from);
    let begun = Instant::now();
    send(&stand, mails, sessions)?;
    let wall = begun.elapsed().as_secs_f64();
    let cpu = stand.cpu().unwrap_or_default().as_secs_f64();
    let memory = stand.pss();
    let said = ratings(&stand.log());
    let count = mails.len();
    if said.len() != count {
        return Err(format!("{count} messages were sent, and {} are in the log", said.len()));
    }
    let of = |mail: &&&Mail| points.get(&mail.path).map_or(0.0, |points| rating(*points));
    let same =
        |(at, mail): &(usize, &&Mail)| said.get(at).is_some_and(|said| (*said >= PROBABLE) == (of(mail) >= PROBABLE));
    let agree = mails.iter().enumerate().filter(same).count();
    Ok(format!(
        "mailward as an SMTP gateway: {:.2} CPU seconds per 1,000 messages, {:.0} messages a second, {sessions} at a \
        time, {} MiB in the end; of {agree} of {count} messages it says what the table says",
        cpu * 1000.0 / count as f64,
        count as f64 / wall,
        memory >> 10,
    ))
}

/// Each message once, over so many sessions.
fn send(stand: &Stand, mails: &[&Mail], sessions: usize) -> Result<(), String> {
    let next = AtomicUsize::new(0);
    let some = || -> Result<(), String> {
        let mut session = Session::open(stand.port())?;
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(mail) = mails.get(at) else { return session.quit() };
            let raw = std::fs::read(&mail.path).map_err(|e| format!("{}: {e}", mail.path))?;
            let from = Envelope::of(&raw).map_or_else(|| "alice@example.org".to_owned(), |told| told.sender);
            let to = format!("{at}@example.com");
            session.send(&from, &to, &on_the_wire(&raw)).map_err(|e| format!("{}: {e}", mail.path))?;
        }
    };
    std::thread::scope(|scope| {
        let sending: Vec<_> = (0..sessions).map(|_| scope.spawn(some)).collect();
        let lost = |_| Err("a thread that sends was lost".to_owned());
        sending.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(lost))
    })
}

/// With CRLF, dots doubled and the final dot (RFC 5321, section 4.5.2). A CR that stands alone and NUL go: SMTP has none.
fn on_the_wire(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len() + raw.len() / 20);
    for line in raw.strip_suffix(b"\n").unwrap_or(raw).split(|b| *b == b'\n') {
        if line.first() == Some(&b'.') {
            out.push(b'.');
        }
        out.extend(line.iter().filter(|b| !b"\r\0".contains(b)));
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(b".\r\n");
    out
}

/// The rating of each message by its number, which is its recipient's name.
fn ratings(log: &str) -> BTreeMap<usize, f64> {
    let digits = |text: &str| text.split(|c: char| !c.is_ascii_digit()).next().unwrap_or("").to_owned();
    // Between the two stands the subject, which may say anything.
    let one = |line: &str| {
        let number = digits(line.split_once(" to=")?.1).parse().ok()?;
        Some((number, digits(line.rsplit_once(" rating=")?.1).parse().ok()?))
    };
    log.lines().filter(|line| line.contains(" message: ")).filter_map(one).collect()
}

/// What so many points are as a rating.
fn rating(points: f64) -> f64 {
    let on = |pair: &[(f64, f64)]| match pair {
        [(from, low), (to, high)] if points >= *from && points < *to => {
            Some((low + (high - low) * (points - from) / (to - from)).round())
        }
        _ => None,
    };
    RATINGS.windows(2).find_map(on).unwrap_or(if points < 0.0 { 0.0 } else { 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_goes_over_the_wire_as_smtp_wants_it() {
        assert_eq!(on_the_wire(b"A: b\n\n.x\ny\r\n"), b"A: b\r\n\r\n..x\r\ny\r\n.\r\n");
        assert_eq!(on_the_wire(b"A: b\r\0c"), b"A: bc\r\n.\r\n");
    }

    #[test]
    fn ratings_are_read_by_recipient() {
        let log = "x INFO message: id=1 from=a@example.org to=7@example.com subject=a rating=9 size=3 rating=84 signs=a\n\
            x INFO other: to=8@example.com rating=3\n";
        assert_eq!(ratings(log), BTreeMap::from([(7, 84.0)]));
    }

    #[test]
    fn points_become_ratings_as_the_manual_says() {
        assert_eq!([0.0, 2.5, 5.0, 6.0, 12.0, 30.0].map(rating), [0.0, 40.0, 80.0, 85.0, 100.0, 100.0]);
    }
}
