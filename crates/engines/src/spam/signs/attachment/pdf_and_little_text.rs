//! A PDF, and hardly a word that tells what it is.

use mail::evidence::{FileKind, SignGroup};

use super::ending;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "pdf_and_little_text",
    group: SignGroup::Attachment,
    points: Points::Fitted(34),
    about: "A PDF, and hardly a word that tells what it is.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: application/pdf; name=a.pdf\n\nx\n"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.shown().trim().len() < 200
            && f.attached.iter().any(|a| !a.inside && (a.kind == FileKind::Pdf || ending(&a.name) == "pdf")),
        "a PDF",
    )
}
