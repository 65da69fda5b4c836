//! Ordinary mail that no public collection has (of scripts, devices, services and people) is no spam.

use std::path::Path;

use mail::evidence::{Sign, SignGroup};
use scan::{Context, EngineSpec, Engines, SpamContext, Step, StopFlag, start};

/// Most points of such mail in hundredths: half a point below probable spam at the default level.
const MOST: i32 = 450;

fn signs(engines: &Engines, raw: &[u8]) -> Vec<Sign> {
    let spam = SpamContext { fuel: u64::MAX, ..SpamContext::default() };
    let context = Context { spam: Some(spam), ..Context::default() };
    let Step::Done(evidence) = start(engines, raw, &context, &StopFlag::new()) else { panic!("questions") };
    evidence.spam.signs().to_vec()
}

fn points(signs: &[Sign], of: impl Fn(SignGroup) -> bool) -> i32 {
    let groups = SignGroup::ALL.into_iter().filter(|group| of(*group));
    let sum = |group| signs.iter().filter(|sign| sign.group == group).map(|sign| i32::from(sign.points)).sum::<i32>();
    groups.map(|group| sum(group).min(group.most())).sum()
}

#[test]
fn ordinary_mail_of_scripts_devices_services_and_people_is_no_spam() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ordinary/ham");
    let mut seen = 0;
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let signs = signs(&engines, &std::fs::read(entry.path()).unwrap());
        let sum = points(&signs, |group| !matches!(group, SignGroup::Bulk | SignGroup::Automatic));
        if sum >= MOST {
            wrong.push(format!("{}: {sum}: {signs:?}", entry.path().display()));
        }
        seen += 1;
    }
    assert!(seen >= 68, "{seen} messages");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn as_04_header_text_layout_links_attachments_and_languages_are_all_looked_at() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let head = "From: Ann <a@example.org>\r\nTo: b@example.com\r\nDate: Fri, 21 Nov 2025 18:00:00 +0000\r\n\
                Message-ID: <1@example.org>\r\nMIME-Version: 1.0\r\n";
    let html = |text: &str| format!("{head}Subject: x\r\nContent-Type: text/html; charset=utf-8\r\n\r\n{text}\r\n");
    let cases = [
        (SignGroup::Header, "Subject: a\r\nSubject: b\r\n\r\nhello\r\n".to_owned()),
        (SignGroup::Subject, format!("{head}Subject: {}\r\n\r\nhello\r\n", "very long ".repeat(30))),
        (SignGroup::Sender, head.replace("a@example.org", "a12345@example.org") + "Subject: x\r\n\r\nhello\r\n"),
        (
            SignGroup::Html,
            html(&format!("<p>hi</p><div style=\"display:none\">{}</div>", "words that nobody sees ".repeat(30))),
        ),
        (SignGroup::Link, html("<a href=\"http://192.0.2.7/login\">https://bank.example/login</a>")),
        (
            SignGroup::Phrase,
            format!(
                "{head}Subject: x\r\n\r\nI am a barrister; the next of kin of a late client, the sum of ten \
                     million dollars, I need your bank account details for this transfer of funds.\r\n"
            ),
        ),
        (
            SignGroup::Attachment,
            format!(
                "{head}Subject: x\r\nContent-Type: application/octet-stream; name=\"a.pdf.exe\"\r\n\
                     Content-Disposition: attachment; filename=\"a.pdf.exe\"\r\n\r\nMZ\r\n"
            ),
        ),
        (
            SignGroup::Language,
            format!(
                "{head}Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
                     {}\r\n",
                "안녕하세요 오늘 점심은 어디에서 먹을까요 ".repeat(4)
            ),
        ),
    ];
    for (group, mail) in cases {
        let found = signs(&engines, mail.as_bytes());
        assert!(found.iter().any(|sign| sign.group == group), "{group:?}: {found:?}");
    }
}
