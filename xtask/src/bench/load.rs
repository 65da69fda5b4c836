//! The source: sessions that send message after message, and how long each took.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::sample::Sample;

/// How long one reply may take before the benchmark gives up.
const PATIENCE: Duration = Duration::from_secs(120);

/// How fast to send.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Pace {
    /// Each session as fast as it can.
    Full,
    /// So many messages a second over all sessions, each at its time.
    Rate(f64),
}

/// What to send where.
#[derive(Clone, Debug)]
pub(crate) struct Load {
    pub(crate) port: u16,
    pub(crate) sessions: usize,
    pub(crate) size: usize,
    pub(crate) pace: Pace,
    pub(crate) duration: Duration,
}

/// What came of it.
#[derive(Debug)]
pub(crate) struct Measured {
    elapsed: Duration,
    /// Sorted. With [`Pace::Rate`] from the time at which the message was due, so that a stall
    /// counts for all that had to wait behind it.
    pub(crate) latencies: Vec<Duration>,
}

impl Measured {
    /// Messages a second.
    pub(crate) fn rate(&self) -> f64 {
        let count = u32::try_from(self.latencies.len()).unwrap_or(u32::MAX);
        f64::from(count) / self.elapsed.as_secs_f64().max(f64::EPSILON)
    }

    /// The latency that so many percent do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> Duration {
        let last = self.latencies.len().saturating_sub(1);
        let at = (self.latencies.len() * percent).div_ceil(100).saturating_sub(1).min(last);
        self.latencies.get(at).copied().unwrap_or_default()
    }
}

/// Sends the load. Any reply that is not the expected one ends it.
pub(crate) fn run(load: &Load) -> Result<Measured, String> {
    let sample = Sample::new(load.size);
    let next = AtomicU64::new(0);
    let sessions = (0..load.sessions).map(|_| Session::open(load.port)).collect::<Result<Vec<_>, _>>()?;
    let start = Instant::now();
    let results: Vec<Result<Vec<Duration>, String>> = std::thread::scope(|scope| {
        let work = |mut session: Session| {
            let (sample, next) = (&sample, &next);
            scope.spawn(move || session.run(load, start, sample, next))
        };
        let threads: Vec<_> = sessions.into_iter().map(work).collect();
        let join =
            |t: std::thread::ScopedJoinHandle<'_, _>| t.join().unwrap_or_else(|_| Err("a session panicked".to_owned()));
        threads.into_iter().map(join).collect()
    });
    let elapsed = start.elapsed();
    let mut latencies = Vec::new();
    for result in results {
        latencies.extend(result?);
    }
    if latencies.is_empty() {
        return Err("no message was sent".to_owned());
    }
    latencies.sort();
    Ok(Measured { elapsed, latencies })
}

/// One SMTP session.
pub(crate) struct Session {
    reader: BufReader<TcpStream>,
}

impl Session {
    /// Connects and greets.
    pub(crate) fn open(port: u16) -> Result<Self, String> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map_err(|e| format!("connecting: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        stream.set_read_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        stream.set_write_timeout(Some(PATIENCE)).map_err(|e| e.to_string())?;
        let mut session = Self { reader: BufReader::new(stream) };
        session.expect("220")?;
        session.say("EHLO source.example.org", "250")?;
        Ok(session)
    }

    pub(crate) fn quit(&mut self) -> Result<(), String> {
        self.say("QUIT", "221")
    }

    fn run(&mut self, load: &Load, start: Instant, sample: &Sample, next: &AtomicU64) -> Result<Vec<Duration>, String> {
        let mut latencies = Vec::new();
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            let due = match load.pace {
                Pace::Full => Instant::now(),
                Pace::Rate(rate) => {
                    start + Duration::from_secs_f64(f64::from(u32::try_from(number).unwrap_or(u32::MAX)) / rate)
                }
            };
            if due.duration_since(start) >= load.duration {
                break;
            }
            let content = sample.numbered(number);
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            self.send("alice@example.org", "bob@example.com", &content)?;
            latencies.push(due.elapsed());
        }
        self.quit()?;
        Ok(latencies)
    }

    /// Sends one message, with its final dot, as it goes over the wire.
    pub(crate) fn send(&mut self, from: &str, to: &str, content: &[u8]) -> Result<(), String> {
        self.say(&format!("MAIL FROM:<{from}>"), "250")?;
        self.say(&format!("RCPT TO:<{to}>"), "250")?;
        self.say("DATA", "354")?;
        self.write(content)?;
        self.expect("250")
    }

    fn say(&mut self, line: &str, code: &str) -> Result<(), String> {
        self.write(format!("{line}\r\n").as_bytes())?;
        self.expect(code).map_err(|e| format!("{line}: {e}"))
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.reader.get_mut().write_all(bytes).map_err(|e| format!("sending: {e}"))
    }

    fn expect(&mut self, code: &str) -> Result<(), String> {
        let mut line = String::new();
        loop {
            line.clear();
            self.reader.read_line(&mut line).map_err(|e| format!("expected {code}: {e}"))?;
            if !line.starts_with(code) {
                return Err(format!("expected {code}, got {line:?}"));
            }
            if line.as_bytes().get(3) != Some(&b'-') {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_the_nearest_rank() {
        let latencies: Vec<Duration> = (1..=100).map(Duration::from_millis).collect();
        let measured = Measured { elapsed: Duration::from_secs(10), latencies };
        assert_eq!(measured.percentile(50), Duration::from_millis(50));
        assert_eq!(measured.percentile(99), Duration::from_millis(99));
        assert!((measured.rate() - 10.0).abs() < 1e-9);
        let one = Measured { elapsed: Duration::from_secs(1), latencies: vec![Duration::from_millis(7)] };
        assert_eq!(one.percentile(99), Duration::from_millis(7));
    }
}
