//! Normal forms and neutralised bodies of ambiguous messages.

use mail::defect::Ambiguity;
use mail::fuzzing::fuzz_message;
use mail::graph::{EntityId, Limits, Message, parse};
use mail::neutralise::neutralise;
use mail::normalise::{NotNormalisable, normalise};
use mail::patch::PatchSet;
use mail::render::render;
use proptest::prelude::*;

use crate::ambiguity::{self, found};
use crate::generate::{message, part};
use crate::properties::mail_like;

/// The contents of all leaves, sorted, each once.
fn contents(raw: &[u8]) -> Vec<Vec<u8>> {
    let message = parse(raw, &Limits::default());
    let mut all: Vec<Vec<u8>> = message.leaves().map(|id| message.content(id, usize::MAX).bytes.into_owned()).collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn patched(raw: &[u8], patches: PatchSet) -> Vec<u8> {
    let message = parse(raw, &Limits::default());
    render(&message, &mail::edit::Rewrite::Patch(patches), None).unwrap().to_vec()
}

/// Length, line ends and everything outside of the patches stay.
fn check_patch(raw: &[u8], patches: &PatchSet) -> Vec<u8> {
    let out = patched(raw, patches.clone());
    assert_eq!(out.len(), raw.len());
    for (at, (new, old)) in out.iter().zip(raw).enumerate() {
        let inside = patches.patches().iter().any(|patch| patch.span.range().contains(&at));
        assert!(new == old || (inside && !matches!(old, b'\r' | b'\n') && matches!(new, b'A' | b' ')), "at {at}");
    }
    out
}

/// Whether the strict reading shows every leaf. A file that a text holds in base64 is attached, too.
fn has_one_reading(message: &Message<'_>) -> bool {
    let content = |id: EntityId| message.content(id, 1 << 20).bytes.into_owned();
    let (primary, others): (Vec<_>, Vec<_>) = message.leaves().partition(|id| message.entity(*id).unwrap().primary);
    let primary: Vec<_> = primary.into_iter().map(content).collect();
    others.into_iter().all(|id| primary.contains(&content(id)))
}

#[test]
fn every_ambiguous_message_has_a_form_with_one_reading_and_the_same_leaves() {
    let (mut wrong, mut total) = (Vec::new(), 0);
    for (case, payload, raw) in ambiguity::messages() {
        let message = parse(&raw, &Limits::default());
        total += 1;
        match normalise(&message) {
            Err(NotNormalisable::TooAmbiguous) if ambiguity::TOO_MANY.contains(&case.name.as_str()) => {}
            Ok(out) => {
                let again = parse(&out, &Limits::default());
                assert!(has_one_reading(&again), "{}", case.name);
                assert!(again.ambiguity() < Ambiguity::Ambiguous, "{}", case.name);
                assert!(found(&again, &payload.bytes()).is_some(), "{}: the payload is gone", case.name);
                assert_eq!(again.facts().subject, message.facts().subject, "{}", case.name);
                // What is normal already stays as it is read.
                assert_eq!(contents(&normalise(&again).unwrap()), contents(&out), "{}", case.name);
                fuzz_message(&out);
            }
            Err(error) => wrong.push(format!("{} / {}: {error}", case.name, payload.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {total} have no normal form:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn a_normal_form_keeps_how_parts_belong_together_and_what_they_say_of_themselves() {
    let raw = "From: a@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=m\r\n\r\n\
        --m\r\nContent-Type: multipart/related; boundary=r; type=\"text/html\"; start=\"<page@example.org>\"\r\n\r\n\
        --r\r\nContent-Type: image/png; name=a.png\r\nContent-ID: <one@example.org>\r\nContent-Location: a.png\r\n\
        Content-Description: a picture\r\nContent-Disposition: inline; filename=a.png;\r\n \
        creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"\r\nContent-Transfer-Encoding: base64\r\n\r\niVBORw0K\r\n\
        --r\r\nContent-Type: text/html; charset=windows-1251\r\nContent-ID: <page@example.org>\r\n\r\n<p>x</p>\r\n--r--\r\n\
        --m\r\nContent-Type: text/plain; format=flowed; delsp=yes\r\nContent-Language: de\r\n\r\ntext \r\nflows\r\n\
        --m\r\nContent-Type: text/calendar; method=REQUEST; charset=utf-8\r\n\r\nBEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n\
        --m--\r\n";
    let out = String::from_utf8(normalise(&parse(raw.as_bytes(), &Limits::default())).unwrap()).unwrap();
    for kept in [
        "type=\"text/html\"",
        "start=\"<page@example.org>\"",
        "Content-ID: <one@example.org>",
        "Content-ID: <page@example.org>",
        "Content-Location: a.png",
        "Content-Description: a picture",
        "creation-date=\"Wed, 12 Feb 1997 16:29:51 -0500\"",
        "charset=windows-1251",
        "format=flowed",
        "delsp=yes",
        "Content-Language: de",
        "method=REQUEST",
    ] {
        assert_eq!(out.matches(kept).count(), 1, "{kept}: {out}");
    }
    assert_eq!(contents(raw.as_bytes()), contents(out.as_bytes()));
}

#[test]
fn leaves_are_the_same_but_for_text_that_becomes_utf8() {
    for (case, _, raw) in ambiguity::messages() {
        let message = parse(&raw, &Limits::default());
        if message.ambiguity() == Ambiguity::TooAmbiguous {
            assert!(ambiguity::TOO_MANY.contains(&case.name.as_str()), "{}", case.name);
            continue;
        }
        let out = normalise(&message).unwrap();
        let (before, after) = (contents(&raw), contents(&out));
        let new = after.iter().filter(|leaf| !before.contains(leaf)).count();
        let lost = before.iter().filter(|leaf| !leaf.is_empty() && !after.contains(leaf)).count();
        let utf8 = usize::from(["UTF-", "HZ", "ISO-"].iter().any(|name| case.name.contains(name)));
        assert!(new <= utf8 && lost <= 2 * utf8, "{}: {new} new, {lost} lost", case.name);
    }
}

#[test]
fn what_is_too_ambiguous_has_no_normal_form() {
    let mut raw = String::new();
    for _ in 0..100 {
        raw += "Content-Type: message/rfc822\r\n\r\n";
    }
    let message = parse(raw.as_bytes(), &Limits::default());
    assert_eq!(normalise(&message), Err(NotNormalisable::TooAmbiguous));
}

#[test]
fn a_neutralised_payload_is_gone_in_every_reading() {
    for (case, payload, raw) in ambiguity::messages() {
        let message = parse(&raw, &Limits::default());
        let bytes = payload.bytes();
        let holds = |id: &EntityId| {
            message.content(*id, 1 << 20).bytes.windows(bytes.len()).any(|window| window == bytes.as_slice())
        };
        let targets: Vec<EntityId> = message.leaves().filter(holds).collect();
        assert!(!targets.is_empty(), "{}", case.name);
        let patches = neutralise(&message, &targets).unwrap();
        let out = check_patch(&raw, &patches);
        assert_eq!(found(&parse(&out, &Limits::default()), &bytes), None, "{}", case.name);
        fuzz_message(&out);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn well_formed_messages_normalise_to_the_same_leaves(tree in part(true), crlf in any::<bool>()) {
        let (raw, leaves) = message(&tree, if crlf { "\r\n" } else { "\n" });
        let out = normalise(&parse(&raw, &Limits::default())).unwrap();
        let again = parse(&out, &Limits::default());
        let found: Vec<_> = again
            .primary()
            .filter(|id| again.entity(*id).unwrap().is_leaf())
            .map(|id| (again.entity(id).unwrap().media.clone(), again.content(id, 1 << 20).bytes.into_owned()))
            .collect();
        prop_assert_eq!(found, leaves);
        let parts = |message: &mail::graph::Message<'_>| message.primary().map(|id| message.entity(id).unwrap().part.clone()).collect::<Vec<_>>();
        prop_assert_eq!(parts(&again), parts(&parse(&raw, &Limits::default())));
    }

    #[test]
    fn what_is_given_as_normal_reads_in_one_way(data in mail_like()) {
        let message = parse(&data, &Limits::default());
        if let Ok(out) = normalise(&message) {
            let again = parse(&out, &Limits::default());
            prop_assert!(has_one_reading(&again));
            prop_assert_eq!(normalise(&again).is_ok(), true);
        }
        let all: Vec<EntityId> = message.leaves().collect();
        let out = check_patch(&data, &neutralise(&message, &all).unwrap());
        fuzz_message(&out);
    }

    #[test]
    fn neutralising_any_leaf_leaves_the_others(tree in part(true), n in 0usize..20) {
        let (raw, leaves) = message(&tree, "\r\n");
        let parsed = parse(&raw, &Limits::default());
        let ids: Vec<EntityId> = parsed.leaves().collect();
        let at = n % ids.len();
        let out = check_patch(&raw, &neutralise(&parsed, &[ids[at]]).unwrap());
        let after = parse(&out, &Limits::default());
        prop_assert_eq!(after.defects(), &[]);
        for (number, id) in after.leaves().enumerate() {
            let content = after.content(id, 1 << 20);
            prop_assert_eq!(content.defects, vec![]);
            if number != at {
                prop_assert_eq!(&*content.bytes, &leaves[number].1[..]);
            }
        }
    }
}
