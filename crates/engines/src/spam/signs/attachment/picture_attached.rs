//! A picture is the only attachment of an HTML text.

use mail::evidence::{FileKind, SignGroup};

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "picture_attached",
    group: SignGroup::Attachment,
    points: Points::Fitted(145),
    about: "A picture is the only attachment of an HTML text.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>x\n--b\n\
         Content-Type: image/gif; name=a.gif\n\nx\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/html\n\n<p>x\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.html.parts > 0
            && f.attached.iter().filter(|a| !a.inside && a.attachment).count() == 1
            && f.attached
                .iter()
                .any(|a| !a.inside && a.attachment && (a.declared.starts_with("image/") || a.kind == FileKind::Image)),
        "one picture",
    )
}
