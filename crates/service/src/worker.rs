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
    postcard::to_stdvec(spec).map_err(|e| format!("cannot hand the rules to the workers: {e}"))
}

impl Job for ScanJob {
    /// A rule or list that does not load is refused as a whole: better the old generation, or no
    /// start at all, than engines that look at less than the administrator thinks.
    fn load(init: &[u8]) -> Result<Self, String> {
        let spec: EngineSpec = postcard::from_bytes(init).map_err(|e| format!("the engines' sources: {e}"))?;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_source_of_engines_reaches_the_worker() {
        let spec = EngineSpec {
            hash_lists: vec![("list.hdb".to_owned(), format!("{}:5:Test.Name\n", "0".repeat(64)).into_bytes())],
            yara: vec![("rule.yar".to_owned(), "rule test { condition: false }".to_owned())],
            builtin_rules: false,
            external: vec![mail::evidence::EngineId::Clamd],
            passwords: scan::Secrets(vec!["secret".to_owned()]),
        };
        assert!(!format!("{spec:?}").contains("secret"));
        let init = encode_spec(&spec).unwrap();
        assert_eq!(postcard::from_bytes::<EngineSpec>(&init).as_ref(), Ok(&spec));
        assert!(ScanJob::load(&init).is_ok());
        let wrong = EngineSpec { yara: vec![("bad.yar".to_owned(), "rule {".to_owned())], ..spec };
        let error = ScanJob::load(&encode_spec(&wrong).unwrap()).unwrap_err();
        assert!(error.contains("bad.yar"), "{error}");
    }
}
