//! Entry points for fuzzing: each asserts what must always hold.

use mail::evidence::Evidence;
use unpack::{Limits, StopFlag};

use crate::protocol::{Request, Response};
use crate::{Context, EngineSpec, Engines, Input, SpamContext, Step, start};

/// Bytes from a worker or for a worker: they decode to something that encodes again to an equal
/// value, or they are refused.
pub fn fuzz_protocol(data: &[u8]) {
    if let Ok(request) = Request::decode(data) {
        let again = request.encode().map(|bytes| Request::decode(&bytes));
        assert_eq!(again, Ok(Ok(request)));
    }
    if let Ok(response) = Response::decode(data) {
        let again = response.encode().map(|bytes| Response::decode(&bytes));
        assert_eq!(again, Ok(Ok(response)));
    }
}

/// A whole examination of any bytes under small limits. The first byte chooses how to take them.
/// The evidence is valid, the same again, and within the limits.
pub fn fuzz_examine(data: &[u8]) {
    let (mode, raw) = data.split_first().map_or((0, data), |(mode, raw)| (*mode, raw));
    let limits = Limits { depth: 6, objects: 60, bytes_out: 1 << 20, object_bytes: 1 << 19, ratio: 200, fuel: 8 << 20 };
    let context = Context {
        limits,
        archive_max_size: (mode & 2 != 0).then_some(4096),
        archive_fuel: (mode & 4 != 0).then_some(200_000),
        name: Some("fuzz.bin".to_owned()),
        declared: (mode & 8 != 0).then(|| "text/html".to_owned()),
        input: if mode & 1 == 0 { Input::Message } else { Input::Detect },
        spam: (mode & 8 != 0).then(|| SpamContext { fuel: 1 << 20, unrated: true, ..SpamContext::default() }),
    };
    let engines = Engines::load(&EngineSpec::default()).0;
    let evidence = examine(&engines, raw, &context);
    assert_eq!(evidence, examine(&engines, raw, &context), "not the same twice");
    assert_eq!(evidence.validate(), Ok(()));
    assert!(evidence.objects.len() <= 60);
    let response = Response::Examined(Box::new(Step::Done(evidence)));
    assert_eq!(response.encode().and_then(|bytes| Response::decode(&bytes)), Ok(response));
}

fn examine(engines: &Engines, raw: &[u8], context: &Context) -> Evidence {
    match start(engines, raw, context, &StopFlag::new()) {
        Step::Done(evidence) => evidence,
        Step::Need { suspended, .. } => suspended.evidence().clone(),
    }
}
