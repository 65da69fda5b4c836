//! The Message-ID is not of a form that the named program makes, and of no server on the way.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::program::mailer;
use crate::spam::signs::when;
use crate::spam::signs::words::digits;
use crate::spam::{Facts, Points, Row};

/// Whether a program makes a text of this form.
type Form = fn(&str) -> bool;

/// Programs by a piece of the name they give themselves, and the left sides of Message-IDs that they make.
const IDS: &[(&str, Form)] = &[
    ("outlook express", |id| dollars(id) || id.starts_with("OE") || id.starts_with("BAY")),
    ("microsoft outlook", |id| dollars(id) || capitals(id) || id.contains("PROD") || id.len() > 40),
    ("apple mail", uuid),
    ("iphone mail", uuid),
    ("ipad mail", uuid),
    ("mozilla thunderbird", |id| uuid(id) || hex_and_number(id)),
    ("thunderbird/", |id| uuid(id) || hex_and_number(id)),
    ("evolution", |id| id.ends_with(".camel")),
    ("eudora", |id| id.split('.').count() >= 6 || id.starts_with(['v', 'p', 'a', 'l', 'f', 'r'])),
    ("alpine", |id| id.starts_with("alpine.")),
    ("yahoomail", |id| id.split('.').count() >= 2 && digits(id) >= 8),
];

pub(super) const SIGN: Row = Row {
    id: "id_not_of_program",
    group: SignGroup::Program,
    points: Points::Fitted(146),
    about: "The Message-ID is not of a form that the named program makes, and of no server on the way.",
    check,
    #[cfg(test)]
    fires: &[
        "X-Mailer: Microsoft Outlook Express 6.00.2600.0000\nMessage-ID: <20020817.ab@example.org>",
        "X-Mailer: Apple Mail (2.3445)\nMessage-ID: <1234.5678@example.org>",
    ],
    #[cfg(test)]
    quiet: &[
        "X-Mailer: Microsoft Outlook Express 6.00\nMessage-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>",
        "X-Mailer: Apple Mail (2.3445)\nMessage-ID: <8F2A8C1E-1C0B-4C42-A5F6-1D2E3F405162@example.org>",
        "X-Mailer: Microsoft Outlook Express 6.00\nMessage-ID: <abc@mx.example.net>\n\
         Received: from a (a.example [192.0.2.7]) by mx.example.net; x",
        "User-Agent: Mutt/1.4\nMessage-ID: <x@example.org>",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let (program, form) = IDS.iter().find(|(piece, _)| named.contains(piece))?;
    let (left, right) = f.message_id.strip_prefix('<')?.strip_suffix('>')?.rsplit_once('@')?;
    let right = right.to_lowercase();
    let of_server = f.route.iter().any(|hop| !right.is_empty() && registered(&hop.by) == registered(&right));
    when(!form(left) && !of_server, format!("{program}: {left}"))
}

/// Groups with `$` between, as Microsoft's programs make them; the last may be empty.
fn dollars(id: &str) -> bool {
    let groups: Vec<&str> = id.trim_end_matches('$').split('$').collect();
    let made = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_alphanumeric());
    id.matches('$').count() >= 2 && groups.iter().all(made)
}

/// Capital letters only, to the first dot, as Outlook without a mail server makes them.
fn capitals(id: &str) -> bool {
    let first = id.split('.').next().unwrap_or("");
    first.len() >= 20 && first.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A UUID, in small or capital letters.
fn uuid(id: &str) -> bool {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Hex digits, a dot, digits.
fn hex_and_number(id: &str) -> bool {
    id.split_once('.').is_some_and(|(hex, number)| {
        hex.len() >= 6
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
            && number.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.')
    })
}
