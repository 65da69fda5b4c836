//! The worker's protocol.

use mail::evidence::{EngineId, ObjectId};
use proptest::prelude::*;
use scan::protocol::{ProtocolError, Request, Response, VERSION};
use scan::{Context, EngineSpec, Engines, Step, StopFlag};

use crate::support::{eicar, message_with, plain, zip};

fn response() -> Response {
    let raw = message_with("a.zip", &zip(&[("eicar.com", &eicar())]));
    Request::Examine(Context::default()).answer(&plain(), &raw, &StopFlag::new())
}

#[test]
fn requests_and_responses_come_back_as_they_went() {
    let request = Request::Examine(Context { name: Some("x".to_owned()), archive_fuel: Some(7), ..Context::default() });
    assert_eq!(Request::decode(&request.encode().unwrap()), Ok(request));
    let response = response();
    assert_eq!(Response::decode(&response.encode().unwrap()), Ok(response));
    let spec = EngineSpec {
        external: vec![EngineId::Clamd],
        hash_lists: vec![("h".to_owned(), vec![1, 2])],
        ..EngineSpec::default()
    };
    let spec_again: EngineSpec = postcard::from_bytes(&postcard::to_stdvec(&spec).unwrap()).unwrap();
    assert_eq!(spec_again, spec);
    let suspended = Request::Examine(Context::default()).answer(
        &Engines::load(&EngineSpec { hash_lists: vec![], ..spec }).0,
        b"x",
        &StopFlag::new(),
    );
    assert!(matches!(&suspended, Response::Examined(step) if matches!(**step, Step::Need { .. })));
    assert_eq!(Response::decode(&suspended.encode().unwrap()), Ok(suspended));
}

#[test]
fn other_versions_rests_and_nothing_are_refused() {
    let bytes = response().encode().unwrap();
    assert_eq!(Response::decode(b""), Err(ProtocolError::Empty));
    let mut other = bytes.clone();
    other[0] = VERSION + 1;
    assert_eq!(Response::decode(&other), Err(ProtocolError::Version(VERSION + 1)));
    let longer = [bytes.as_slice(), b"x"].concat();
    assert_eq!(Response::decode(&longer), Err(ProtocolError::Malformed));
    assert_eq!(Response::decode(&bytes[..bytes.len() - 1]), Err(ProtocolError::Malformed));
}

#[test]
fn evidence_that_contradicts_itself_is_refused() {
    let Response::Examined(step) = response() else { panic!("not examined") };
    let Step::Done(mut evidence) = *step else { panic!("asks outside") };
    evidence.findings[0].object = ObjectId(77);
    let bytes = Response::Examined(Box::new(Step::Done(evidence))).encode().unwrap();
    assert!(matches!(Response::decode(&bytes), Err(ProtocolError::Evidence(_))));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_bytes_decode_or_are_refused(data in prop::collection::vec(any::<u8>(), 0..300)) {
        scan::fuzzing::fuzz_protocol(&data);
        scan::fuzzing::fuzz_protocol(&[&[VERSION], data.as_slice()].concat());
    }

    #[test]
    fn changed_responses_decode_or_are_refused(at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<prop::sample::Index>()) {
        let mut bytes = response().encode().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        scan::fuzzing::fuzz_protocol(&bytes);
        scan::fuzzing::fuzz_protocol(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn changed_messages_are_examined_within_small_limits(
        mode in 0_u8..8,
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
    ) {
        let inner = zip(&[("eicar.com", &eicar()), ("b.txt", b"text")]);
        let mut raw = if mode & 1 == 0 { message_with("a.zip", &inner) } else { zip(&[("i.zip", &inner)]) };
        for (at, byte) in changes {
            let at = at.index(raw.len());
            raw[at] = byte;
        }
        raw.insert(0, mode);
        scan::fuzzing::fuzz_examine(&raw);
    }

    #[test]
    fn any_bytes_are_examined_within_small_limits(data in prop::collection::vec(any::<u8>(), 0..600)) {
        scan::fuzzing::fuzz_examine(&data);
    }
}
