//! Messages that clients read in different ways: every reading is scanned, and what leaves has one.

use judge::policy::{AmbiguousAction, MalwareAction, TooAmbiguousAction};
use mail::defect::Ambiguity;
use mail::graph::{self, Limits};
use testkit::{Behaviour, Sink, eicar, sample};

use crate::node::Setup;
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    an_ambiguous_message_leaves_in_one_form_and_its_original_is_kept,
    what_hides_in_another_reading_is_found_and_removed,
    the_policy_can_tag_allow_or_reject_ambiguous_mail,
    an_ordinary_message_is_not_touched_for_its_form,
    what_has_too_many_readings_is_refused,
    signed_or_merely_untidy_mail_is_never_rewritten,
];

/// Two Content-Types: some clients show the text, others open the attachment.
pub(crate) fn two_faced(payload: &[u8]) -> Vec<u8> {
    let mut mail = b"From: <alice@example.org>\r\nTo: <bob@example.com>\r\nSubject: two faces\r\nMIME-Version: 1.0\r\n\
        Content-Type: text/plain\r\nContent-Type: multipart/mixed; boundary=\"b\"\r\n\r\n\
        --b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n--b\r\n\
        Content-Type: application/octet-stream; name=\"notes.bin\"\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        .to_vec();
    mail.extend_from_slice(sample::base64(payload).as_bytes());
    mail.extend_from_slice(b"\r\n--b--\r\n");
    mail
}

fn has(content: &[u8], part: &[u8]) -> bool {
    content.windows(part.len()).any(|window| window == part)
}

/// The contents of all leaves of all readings.
fn leaves(raw: &[u8]) -> Vec<Vec<u8>> {
    let message = graph::parse(raw, &Limits::default());
    message.leaves().map(|leaf| message.content(leaf, raw.len()).bytes.into_owned()).collect()
}

async fn an_ambiguous_message_leaves_in_one_form_and_its_original_is_kept() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = two_faced(b"just some notes that are not long");
    assert_eq!(graph::parse(&mail, &Limits::default()).ambiguity(), Ambiguity::Ambiguous);
    assert_eq!(node.send(&mail).await.code, 250);
    let got = sink.messages().remove(0).content;
    let read = graph::parse(&got, &Limits::default());
    assert!(read.ambiguity() <= Ambiguity::Cosmetic, "{:?}", read.defects());
    assert!(leaves(&got).contains(&b"just some notes that are not long".to_vec()));
    assert!(has(&got, b"X-Mailward-Status: clean; action=normalised; id="));
    let (entry, original) = node.kept();
    assert!(original == mail && entry.entry.action == "normalised");
    let line = logged::message().await;
    assert_eq!((line.get("action"), line.get("rules")), ("normalised", "ambiguous_message"));
}

async fn what_hides_in_another_reading_is_found_and_removed() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = two_faced(&eicar());
    assert_eq!(node.send(&mail).await.code, 250);
    let got = sink.messages().remove(0).content;
    for leaf in leaves(&got) {
        assert!(!has(&leaf, &eicar()), "nothing infected is left in any reading");
    }
    let line = logged::message().await;
    assert_eq!((line.get("status"), line.get("malware")), ("infected", "EICAR-Test-File"));
    assert!(matches!(line.get("action"), "object_deleted" | "message_deleted"), "{}", line.get("action"));
    assert!(node.kept().1 == mail);
}

async fn the_policy_can_tag_allow_or_reject_ambiguous_mail() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = two_faced(b"just some notes that are not long");
    for (action, code, done) in [
        (AmbiguousAction::Tag, 250, "labelled"),
        (AmbiguousAction::Allow, 250, "delivered"),
        (AmbiguousAction::Reject, 550, "blocked"),
    ] {
        logged::clear();
        sink.clear();
        node.set_policy(|policy| policy.ambiguous.action = action);
        assert_eq!(node.send(&mail).await.code, code, "{action:?}");
        assert_eq!(logged::message().await.get("action"), done, "{action:?}");
        if code == 250 {
            let got = sink.messages().remove(0).content;
            let body = mail.windows(4).position(|w| w == b"\r\n\r\n").expect("a header");
            assert!(got.ends_with(&mail[body..]), "the body is as it came");
            assert_eq!(has(&got, b"Subject: [Ambiguous message] two faces"), action == AmbiguousAction::Tag);
        }
    }
    // Whatever is done about its form, what is in it counts.
    node.set_policy(|policy| {
        policy.ambiguous.action = AmbiguousAction::Allow;
        policy.malware.action = MalwareAction::Block;
    });
    assert_eq!(node.send(&two_faced(&eicar())).await.code, 550);
}

async fn an_ordinary_message_is_not_touched_for_its_form() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node =
        Setup::untouched().policy(|policy| policy.ambiguous.action = AmbiguousAction::Normalise).start(&sink).await;
    for mail in [sample::clean("plain"), sample::multipart("parts"), sample::sized("large", 300_000)] {
        sink.clear();
        assert_eq!(node.send(&mail).await.code, 250);
        assert!(sink.messages().remove(0).content == mail);
    }
    assert!(node.backup().is_empty());
}

/// Parts, each with more ways to be read than are followed.
fn many_faced() -> Vec<u8> {
    let mut mail = b"From: <alice@example.org>\r\nTo: bob@example.net\r\nDate: Fri, 20 Nov 2026 10:11:12 +0000\r\n\
        Message-ID: <1@example.org>\r\nSubject: a letter in many parts\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n"
        .to_vec();
    for part in 0..400 {
        let types = "Content-Type: multipart/mixed; boundary=\"c\"; boundary=\"d\"\r\nContent-Type: text/html\r\n";
        let body = "--c\r\n\r\none\r\n--d\r\n\r\ntwo\r\n--c--\r\n--d--\r\n";
        mail.extend_from_slice(format!("--b\r\n{types}X-Part: {part}\r\n\r\n{body}").as_bytes());
    }
    mail.extend_from_slice(b"--b--\r\n");
    mail
}

async fn what_has_too_many_readings_is_refused() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let mail = many_faced();
    assert_eq!(graph::parse(&mail, &Limits::default()).ambiguity(), Ambiguity::TooAmbiguous);
    assert_eq!(node.send(&mail).await.code, 550);
    assert_eq!(logged::message().await.get("rules"), "too_ambiguous_message");
    node.set_policy(|policy| policy.ambiguous.too_ambiguous = TooAmbiguousAction::Tag);
    assert_eq!(node.send(&mail).await.code, 250);
    assert!(has(&sink.messages().remove(0).content, b"Subject: [Ambiguous message] a letter in many parts"));
}

/// Mail whose signature a new form would break, and mail whose defects no client reads differently.
async fn signed_or_merely_untidy_mail_is_never_rewritten() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = Setup::new().start(&sink).await;
    let head = "From: <alice@example.org>\r\nTo: <bob@example.com>\r\nMIME-Version: 1.0\r\n";
    let signed = |kind: &str, signature: &str| {
        format!(
            "{head}Content-Type: multipart/signed; protocol=\"{kind}\"; boundary=s\r\n\r\n--s\r\n\
             Content-Type: text/plain\r\n\r\nHello.\r\n--s\r\nContent-Type: {kind}\r\n{signature}\r\n--s--\r\n"
        )
    };
    let opaque = "MIAGCSqGSIb3DQEHAqCAMIACAQExADCABgkqhkiG9w0BBwGggCSABAVIZWxsbwAAAAAAADEAAAAAAAAA";
    let mails = [
        format!(
            "DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=a; h=from:to; bh=AA==; b=AA==\r\n{head}\r\nHello.\r\n"
        ),
        signed(
            "application/pgp-signature",
            "\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\niQEz\r\n-----END PGP SIGNATURE-----",
        ),
        signed("application/pkcs7-signature", "Content-Transfer-Encoding: base64\r\n\r\nMAsGCSqGSIb3DQEHAg=="),
        format!(
            "{head}Content-Type: application/pkcs7-mime; smime-type=signed-data; name=smime.p7m\r\nContent-Transfer-Encoding: base64\r\n\r\n{opaque}\r\n"
        ),
        format!(
            "{head}Content-Type: multipart/mixed; boundary=b\r\n\r\nwords in front\r\n--b\r\n\r\nHello.\r\n--b--\r\n"
        ),
        format!("{head}Content-Disposition: attachment; filename=\"invoice.pdf.exe\"\r\n\r\nHello.\r\n"),
    ];
    for mail in &mails {
        assert_eq!(node.send(mail.as_bytes()).await.code, 250);
        let got = sink.messages().pop().unwrap().content;
        assert!(got.ends_with(mail.as_bytes()), "{}", String::from_utf8_lossy(&got));
    }
    assert!(node.backup().is_empty(), "nothing was changed, so nothing is kept");
}
