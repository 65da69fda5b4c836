//! The worker's protocol.

use mail::evidence::{EngineId, ObjectId};
use proptest::prelude::*;
use scan::protocol::{MAX_REPORT_RECORDS, MAX_REPORTS, ProtocolError, Request, Response, VERSION};
use scan::{Context, EngineSpec, Engines, Step, StopFlag};
use unpack::dmarc::{Aggregate, AuthSeen, Found, MAX_AUTH, MAX_POLICY, MAX_REASONS, MAX_TEXT, Record};

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

#[test]
fn reports_beyond_what_is_read_are_refused() {
    let text = |len: usize| "a".repeat(len);
    let decode = |reports: Vec<Aggregate>| {
        Response::decode(&Response::Reports(Ok(Found { reports, more: false })).encode().unwrap())
    };
    let largest =
        Aggregate { org: text(MAX_TEXT), policy: vec![(text(9), text(9)); MAX_POLICY], ..Aggregate::default() };
    assert!(decode(vec![largest.clone()]).is_ok());
    let seen = AuthSeen { result: text(MAX_TEXT + 1), ..AuthSeen::default() };
    for record in [
        Record { source: text(MAX_TEXT + 1), ..Record::default() },
        Record { reasons: vec![text(1); MAX_REASONS + 1], ..Record::default() },
        Record { spf_seen: vec![AuthSeen::default(); MAX_AUTH + 1], ..Record::default() },
        Record { dkim_seen: vec![seen], ..Record::default() },
    ] {
        let report = Aggregate { records: vec![record], ..Aggregate::default() };
        assert_eq!(decode(vec![report]), Err(ProtocolError::TooLong));
    }
    for report in [
        Aggregate { org: text(MAX_TEXT + 1), ..Aggregate::default() },
        Aggregate { policy: vec![(text(1), text(1)); MAX_POLICY + 1], ..Aggregate::default() },
        Aggregate { policy: vec![(text(MAX_TEXT + 1), text(1))], ..Aggregate::default() },
        Aggregate { records: vec![Record::default(); MAX_REPORT_RECORDS + 1], ..Aggregate::default() },
    ] {
        assert_eq!(decode(vec![largest.clone(), report]), Err(ProtocolError::TooLong));
    }
    assert_eq!(decode(vec![Aggregate::default(); MAX_REPORTS + 1]), Err(ProtocolError::TooLong));
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
