//! Who the message is to, and how it addresses them.

use super::words::digits;
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::Fitted;
use crate::spam::Row;

/// Words that open a letter, in several languages; folded.
const GREETINGS: &[&str] = &[
    "dear ",
    "hi ",
    "hello ",
    "hey ",
    "hola ",
    "bonjour ",
    "cher ",
    "hallo ",
    "ola ",
    "ciao ",
    "caro ",
    "prezado ",
    "estimado ",
    "attn ",
    "attention ",
];
/// Locals that are no name of a person.
const ROLES: &[&str] = &[
    "info", "admin", "sales", "support", "contact", "office", "mail", "post", "team", "list", "dev", "user", "users",
    "all", "me", "hello",
];

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "recipient_in_subject", Recipient, "The recipient's address, or its first part, stands in the subject.",
        |f| {
            let subject = f.subject.to_lowercase();
            locals(f).into_iter().find(|(local, whole)| subject.contains(whole.as_str()) || subject.split(|c: char| !c.is_alphanumeric() && !matches!(c, '.' | '_' | '-')).any(|word| word == local)).map(|(_, whole)| whole)
        },
        fires: ["To: bob.reader@example.net\nSubject: bob.reader, you won", "To: bob@example.net\nSubject: Account bob@example.net"],
        quiet: ["To: bob.reader@example.net\nSubject: The plan", "To: info@example.net\nSubject: info for you"]),
    sign!(Fitted, "greeted_by_address", Recipient, "The text greets by the address, not by a name.",
        |f| {
            let text = f.folding.text.get(..f.folding.text.floor_char_boundary(600)).unwrap_or("");
            locals(f).into_iter().find(|(local, whole)| GREETINGS.iter().any(|greeting| {
                text.match_indices(greeting).any(|(at, _)| {
                    let rest = text.get(at.saturating_add(greeting.len())..).unwrap_or("");
                    rest.starts_with(whole.as_str()) || local.len() > 3 && rest.strip_prefix(local.as_str()).is_some_and(|r| r.starts_with([',', ':', '!', '.']) && (digits(local) > 0 || local.contains(['.', '_'])))
                })
            })).map(|(_, whole)| whole)
        },
        fires: ["To: bob77@example.net\n\nDear bob77,\nyou won\n", "To: bob@example.net\n\nHi bob@example.net\n"],
        quiet: ["To: bob@example.net\n\nDear Bob,\n"]),
    sign!(Fitted, "recipient_in_text", Recipient, "The recipient's whole address stands in the text.",
        |f| locals(f).into_iter().find(|(_, whole)| f.folding.text.contains(whole.as_str())).map(|(_, whole)| whole),
        fires: ["To: bob@example.net\n\nYour mailbox bob@example.net is full\n"],
        quiet: ["To: bob@example.net\n\nHello\n"]),
    sign!(Fitted, "recipient_in_link", Recipient, "A link carries the recipient's address, so that its owner learns who clicked.",
        |f| locals(f).into_iter().find(|(_, whole)| f.clicks().any(|link| {
            let path = link.path.to_lowercase();
            path.contains(whole.as_str()) || path.contains(&whole.replace('@', "%40"))
        })).map(|(_, whole)| whole),
        fires: ["To: bob@example.net\n\nhttp://a.example/login#bob@example.net\n"],
        quiet: ["To: bob@example.net\n\nhttp://a.example/login\n"]),
    sign!(Fitted, "recipient_name_is_local_part", Recipient, "The recipient's display name is the first part of the address.",
        |f| f.to.iter().find(|to| !to.name.is_empty() && to.name.trim().eq_ignore_ascii_case(to.local()) && to.local().len() > 2).map(|to| to.name.clone()),
        fires: ["To: bob <bob@example.net>"],
        quiet: ["To: Bob Reader <bob@example.net>", "To: bob@example.net"]),
    sign!(Fitted, "recipient_name_is_address", Recipient, "The recipient's display name is the address.",
        |f| f.to.iter().find(|to| !to.name.is_empty() && to.name.trim().eq_ignore_ascii_case(&to.address)).map(|to| to.name.clone()),
        fires: ["To: \"bob@example.net\" <bob@example.net>"],
        quiet: ["To: Bob <bob@example.net>"]),
    sign!(Fitted, "envelope_not_in_header", Recipient, "Nobody of the envelope's recipients stands in To or Cc.",
        |f| {
            let header: Vec<String> = f.to.iter().chain(&f.cc).map(|m| m.address.to_lowercase()).collect();
            let known = f.session.recipients.iter().any(|r| header.contains(&r.to_lowercase()));
            when(!f.session.recipients.is_empty() && !known && !f.has("list-id"), f.session.recipients.first().cloned().unwrap_or_default())
        },
        // The envelope is no part of a case; `tests` below has one.
        fires: [],
        quiet: ["To: b@example.net"]),
    sign!(Fitted, "similar_recipients", Recipient, "Several recipients of one domain with names that resemble each other: a list that was made up.",
        |f| {
            let mut all: Vec<String> = f.to.iter().chain(&f.cc).take(60).map(|m| m.address.to_lowercase()).collect();
            all.sort();
            all.dedup();
            let alike = all.windows(2).filter(|pair| matches!(pair, [a, b] if common(a, b) >= 4 && domain(a) == domain(b))).count();
            when(all.len() >= 4 && alike >= 3, format!("{alike} that begin alike"))
        },
        fires: ["To: johna@example.net, johnb@example.net, johnc@example.net, johnd@example.net"],
        quiet: ["To: ann@example.net, bob@example.net, carl@example.net, dora@example.net"]),
    sign!(Fitted, "to_is_generic", Recipient, "To names no person but a word: friend, customer, members.",
        |f| f.to.iter().find(|to| {
            let name = to.name.to_lowercase();
            ["friend", "customer", "member", "winner", "user", "beneficiary", "recipient", "you", "subscriber", "undisclosed", "valued"].iter().any(|w| name == *w || name.starts_with(&format!("{w}s")) || name.starts_with(&format!("{w} ")) || name.starts_with("dear"))
        }).map(|to| to.name.clone()),
        fires: ["To: Dear Friend <a@example.org>", "To: undisclosed recipients <a@example.org>"],
        quiet: ["To: Youri Reader <a@example.org>"]),
];

/// First part and whole of each recipient in lower case, those that are no role.
fn locals(f: &Facts) -> Vec<(String, String)> {
    let all = f.recipients().take(5).filter_map(|address| {
        let whole = address.to_lowercase();
        let local = whole.rsplit_once('@')?.0.to_owned();
        let local = if local.len() < 3 || ROLES.contains(&local.as_str()) { "\0".to_owned() } else { local };
        (whole.len() >= 6).then_some((local, whole))
    });
    all.collect()
}

fn common(a: &str, b: &str) -> usize {
    a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y && *x != b'@').count()
}

fn domain(address: &str) -> &str {
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}
