//! The top type is one that no mail program makes.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "odd_media_type",
    group: SignGroup::Structure,
    points: Points::Fitted(0),
    about: "The top type is one that no mail program makes.",
    check,
    #[cfg(test)]
    fires: &["Content-Type: zork/blub\n\nx\n", "Content-Type: multipart/digest; boundary=b\n\n--b\n\nx\n--b--\n"],
    #[cfg(test)]
    quiet: &["Content-Type: text/plain\n\nx\n"],
};

fn check(f: &Facts) -> Option<String> {
    f.parts
        .first()
        .filter(|p| {
            !(p.media.starts_with("text/")
                || p.media.starts_with("multipart/")
                || p.media.starts_with("application/")
                || p.media.starts_with("image/")
                || p.media.starts_with("message/")
                || p.media.starts_with("audio/"))
                || matches!(p.media.as_str(), "multipart/digest" | "multipart/parallel" | "multipart/encrypted")
                    && p.children.unwrap_or(0) < 2
        })
        .map(|p| p.media.clone())
}
