//! Mail that nobody examined for spam: the reason stands wherever somebody looks (D-19, LM-02), and so do the signs
//! of what was examined (D-10).

use judge::policy::SpamAction;
use judge::units::Bytes;
use store::{Filter, LogFilter, Logged};
use testkit::{Behaviour, Sink, sample};

use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    d_19_lm_02_why_mail_was_not_examined_for_spam_is_in_line_log_and_figures,
    d_10_signs_stand_in_message_log_and_backup,
];

/// The one row of the message log.
async fn row(node: &Node) -> Logged {
    let rows = || node.service.store().search_messages(&LogFilter::default(), None, 10).expect("rows").messages;
    testkit::wait_until("the row of the message", testkit::PATIENCE, || !rows().is_empty()).await;
    rows().remove(0)
}

async fn d_19_lm_02_why_mail_was_not_examined_for_spam_is_in_line_log_and_figures() {
    type Change = fn(&mut judge::policy::Policy);
    let cases: [(&str, &str, &str, Change); 4] = [
        ("bob@example.com", "not_scanned", "size_exceeded", |p| p.spam.max_size = Bytes(1024)),
        ("bob@example.com", "not_scanned", "disabled", |p| p.spam.enabled = false),
        ("postmaster@example.com", "skipped", "postmaster", |_| {}),
        ("bob@example.com", "clean", "", |_| {}),
    ];
    for (to, status, why, change) in cases {
        let sink = Sink::start(Behaviour::accept()).await;
        let node = Setup::new().policy(change).start(&sink).await;
        logged::clear();
        let mut client = node.client().await;
        client.deliver("alice@example.org", &[to], &sample::sized("report", 4000)).await.expect("taken");
        client.quit().await;
        let line = logged::message().await;
        let shown = if why.is_empty() { "-" } else { why };
        assert_eq!((line.get("spam"), line.get("spam_why")), (status, shown));
        let row = row(&node).await;
        let reason = (!why.is_empty()).then_some(why);
        assert_eq!((row.spam.as_deref(), row.spam_why.as_deref()), (Some(status), reason));
        assert_eq!(row.rating.is_some(), why.is_empty(), "{status}");
        let figure = format!("mailward_spam_total{{status=\"{status}\",why=\"{why}\"}}");
        assert!((node.figure(&figure) - 1.0).abs() < f64::EPSILON, "{figure}");
    }
}

async fn d_10_signs_stand_in_message_log_and_backup() {
    let sink = Sink::start(Behaviour::accept()).await;
    // Whatever it is rated: this holds for all mail that is kept.
    let setup = Setup::new().policy(|p| {
        p.spam.mass.action = SpamAction::Delete;
        p.spam.mass.keep_copy = true;
    });
    let node = setup.start(&sink).await;
    let bulk = "From: News <news@example.org>\r\nTo: bob@example.com\r\nDate: Fri, 21 Nov 2025 18:00:00 +0000\r\n\
                Message-ID: <n1@example.org>\r\nSubject: our news\r\nList-Id: <news.example.org>\r\n\
                List-Unsubscribe: <https://example.org/leave>\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\
                Precedence: bulk\r\n\r\nDear reader, to unsubscribe see https://example.org/leave\r\n";
    node.send(bulk.as_bytes()).await;
    let line = logged::message().await;
    assert_eq!(line.get("spam"), "mass_mail", "{line:?}");
    let names: Vec<&str> = line.get("signs").split(',').collect();
    let row = row(&node).await;
    let entries = node.service.store().list(&Filter::default(), None, 10).expect("entries").entries;
    let kept = entries[0].entry.spam.as_ref().expect("what it is as to spam");
    assert_eq!(kept.status, "mass_mail");
    for signs in [&row.signs, &kept.signs] {
        assert_eq!(signs.iter().map(|sign| sign.id.as_str()).collect::<Vec<_>>(), names);
        let one = signs.iter().find(|sign| sign.id == "list_id").expect("the sign");
        assert!(one.points > 0 && one.counts && one.evidence.raw().contains("news.example.org"), "{one:?}");
    }
}
