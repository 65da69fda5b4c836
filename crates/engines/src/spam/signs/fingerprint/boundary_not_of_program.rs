//! The boundary is not of a form that the named program makes.

use mail::evidence::SignGroup;

use crate::spam::signs::program::{boundary, mailer};
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

/// Programs by a piece of the name they give themselves, and how boundaries of theirs begin.
const BOUNDARIES: &[(&str, &[&str])] = &[
    ("outlook express", &["----=_NextPart_"]),
    ("apple mail", &["Apple-Mail"]),
    ("iphone mail", &["Apple-Mail"]),
    ("ipad mail", &["Apple-Mail"]),
    ("thunderbird", &["----"]),
    ("evolution", &["=-"]),
    ("kmail", &["nextPart", "Boundary-", "----"]),
    ("eudora", &["=====", "============_"]),
    ("phpmailer", &["b1", "b2", "b3", "--b", "==_"]),
    ("roundcube", &["=_"]),
    ("squirrelmail", &["----=_"]),
    ("lotus notes", &["=_"]),
    ("yahoomail", &["----=_Part_", "0-"]),
];

pub(super) const SIGN: Row = Row {
    id: "boundary_not_of_program",
    group: SignGroup::Program,
    points: Points::Fitted(43),
    about: "The boundary is not of a form that the named program makes.",
    check,
    #[cfg(test)]
    fires: &[
        "X-Mailer: Apple Mail (2.3445)\nContent-Type: multipart/mixed; boundary=\"xyz\"",
        "X-Mailer: iPhone Mail (16A366)\n\
         Content-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\"",
    ],
    #[cfg(test)]
    quiet: &[
        "X-Mailer: Apple Mail (2.3445)\nContent-Type: multipart/mixed; boundary=\"Apple-Mail=_1\"",
        "User-Agent: Mutt/1.4\nContent-Type: multipart/mixed; boundary=\"xyz\"",
        "X-Mailer: Apple Mail (2.3445)",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let boundary = boundary(f);
    let (program, starts) = BOUNDARIES.iter().find(|(piece, _)| named.contains(piece))?;
    // What signs and encrypts for a program makes boundaries of its own.
    let top = f.parts.first().map_or("", |part| part.media.as_str());
    let sealed = matches!(top, "multipart/signed" | "multipart/encrypted");
    let known = boundary.is_empty() || sealed || starts.iter().any(|start| boundary.starts_with(start));
    when(!known, format!("{program}: {boundary}"))
}
