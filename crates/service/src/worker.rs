//! What the scan workers do: load the engines once, then answer requests about one message after
//! another.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use confine::{Job, Reply};
use scan::protocol::{Request, Response};
use scan::{EngineSpec, Engines, StopFlag};

/// Most problems with rules and lists that are told at once.
const MAX_PROBLEMS: usize = 20;

/// The job of a worker.
pub struct ScanJob {
    engines: Engines,
}

impl std::fmt::Debug for ScanJob {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ScanJob").finish_non_exhaustive()
    }
}

impl ScanJob {
    /// A job with these engines; tests add hostile ones.
    pub fn new(engines: Engines) -> Self {
        Self { engines }
    }
}

/// The engines' sources as bytes for the worker host.
///
/// # Errors
/// A text, if they cannot be written as bytes.
pub fn encode_spec(spec: &EngineSpec) -> Result<Vec<u8>, String> {
    serde_json::to_vec(spec).map_err(|e| format!("cannot hand the rules to the workers: {e}"))
}

impl Job for ScanJob {
    /// A rule or list that does not load is refused as a whole: better the old generation, or no
    /// start at all, than engines that look at less than the administrator thinks.
    fn load(init: &[u8]) -> Result<Self, String> {
        let spec: EngineSpec = serde_json::from_slice(init).map_err(|e| format!("the engines' sources: {e}"))?;
        let (engines, problems) = Engines::load(&spec);
        if problems.is_empty() {
            return Ok(Self { engines });
        }
        let shown: Vec<String> = problems.iter().take(MAX_PROBLEMS).map(ToString::to_string).collect();
        Err(shown.join("\n"))
    }

    fn run(&mut self, request: &[u8], body: &[u8], stop: &Arc<AtomicBool>) -> Reply {
        let stop = StopFlag::from(Arc::clone(stop));
        let response = match Request::decode(request) {
            Ok(request) => request.answer(&self.engines, body, &stop),
            Err(error) => Response::Refused(error.to_string()),
        };
        Reply { bytes: response.encode().unwrap_or_default(), blobs: Vec::new() }
    }
}
