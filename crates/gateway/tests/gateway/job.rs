//! The job of the workers here: the real one, and for messages that say so, an engine that fails.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use confine::{Job, Reply};
use mail::evidence::{Seen, UnableWhy};
use scan::Step;
use scan::protocol::Response;
use service::worker::ScanJob;

/// A message with this text ends its worker.
pub(crate) const CRASH: &str = "X-Test-Crash: yes";
/// A message with this text keeps its worker busy for ever.
pub(crate) const LOOP: &str = "X-Test-Loop: yes";
/// A message with this text makes its worker take memory for ever.
pub(crate) const ALLOCATE: &str = "X-Test-Allocate: yes";
/// A message with this text makes its worker open a file.
pub(crate) const OPEN_FILE: &str = "X-Test-Open-File: yes";
/// A message with this text makes its worker open a socket.
pub(crate) const OPEN_SOCKET: &str = "X-Test-Open-Socket: yes";

/// In a message with this text that we have changed, an engine fails at one part.
pub(crate) const UNABLE_AGAIN: &str = "X-Test-Unable-Again: yes";

pub(crate) struct TestJob(ScanJob);

impl Job for TestJob {
    fn load(init: &[u8]) -> Result<Self, String> {
        ScanJob::load(init).map(Self)
    }

    fn run(&mut self, request: &[u8], body: &[u8], stop: &Arc<AtomicBool>) -> Reply {
        let says = |text: &str| body.windows(text.len()).any(|window| window == text.as_bytes());
        if says(CRASH) {
            std::process::abort();
        }
        while says(LOOP) {
            std::thread::sleep(Duration::from_millis(10));
        }
        let mut hoard: Vec<Vec<u8>> = Vec::new();
        while says(ALLOCATE) {
            hoard.push(vec![1; 1 << 20]);
        }
        if says(OPEN_FILE) {
            drop(std::fs::read("/etc/hostname"));
        }
        if says(OPEN_SOCKET) {
            drop(std::net::TcpStream::connect("127.0.0.1:9"));
        }
        let mut reply = self.0.run(request, body, stop);
        if says(UNABLE_AGAIN) && says("X-Mailward-Status: ") {
            reply.bytes = unable(&reply.bytes).unwrap_or_default();
        }
        reply
    }
}

/// The same evidence, but nobody could look at the last object.
fn unable(response: &[u8]) -> Option<Vec<u8>> {
    let Ok(Response::Examined(step)) = Response::decode(response) else { return None };
    let Step::Done(mut evidence) = *step else { return None };
    evidence.objects.last_mut()?.coverage.first_mut()?.seen = Seen::Unable(UnableWhy::Crashed);
    Response::Examined(Box::new(Step::Done(evidence))).encode().ok()
}
