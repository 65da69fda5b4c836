//! A text of plain ASCII is in base64.

use mail::evidence::SignGroup;
use mail::graph::Encoding;

use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "base64_for_nothing",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "A text of plain ASCII is in base64.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: text/plain\nContent-Transfer-Encoding: base64\n\n\
         SGVsbG8sIHRoaXMgaXMgYSBwbGFpbiB0ZXh0IG9mIEFTQ0lJLCB3aGljaCBuZWVkcyBub25l\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    when(
        f.parts.iter().any(|p| {
            p.media.starts_with("text/")
                && !p.attachment
                && p.encoding == Encoding::Base64
                && p.ascii
                && p.raw_size > 40
        }),
        "base64",
    )
}
