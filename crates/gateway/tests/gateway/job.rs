//! The job of the workers here: the real one, and for messages that say so, an engine that fails.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use confine::{Job, Reply};
use service::worker::ScanJob;

/// A message with this text ends its worker.
pub(crate) const CRASH: &str = "X-Test-Crash: yes";
/// A message with this text keeps its worker busy for ever.
pub(crate) const LOOP: &str = "X-Test-Loop: yes";

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
        self.0.run(request, body, stop)
    }
}
