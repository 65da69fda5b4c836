//! What a delivery report returns names its recipient's domain nowhere: it is not about our mail (backscatter).

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::signs::when;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "report_of_another",
    group: SignGroup::Automatic,
    points: Points::Fixed(-1000),
    about: "What a delivery report returns names its recipient's domain nowhere: it is not about our mail \
            (backscatter).",
    check,
    #[cfg(test)]
    fires: &["To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: a@example.org\nMessage-ID: <1@example.org>\nSubject: y\n\nz\n\
         --b--\n"],
    #[cfg(test)]
    quiet: &[
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: b@example.net\nMessage-ID: <1@example.org>\nSubject: y\n\nz\n\
         --b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: b@gmail.com\nMessage-ID: <1@mx.example.net>\nSubject: y\n\nz\n\
         --b--\n",
    ],
};

/// Whether the returned header is of a message that nobody here wrote: no field of it has the domain of the
/// recipient. One that was cut down to a few fields tells nothing, and so does a report without one.
fn check(f: &Facts) -> Option<String> {
    let report = f.parts.first().is_some_and(|p| p.media == "multipart/report");
    let header = f.returned.to_lowercase();
    let telling = header.lines().any(|line| line.starts_with("from:"))
        && header.lines().any(|line| line.starts_with("message-id:") || line.starts_with("return-path:"));
    let domains: Vec<String> = f
        .recipients()
        .filter_map(|r| r.rsplit_once('@'))
        .map(|(_, d)| registered(&d.to_lowercase()).to_owned())
        .collect();
    let foreign = !domains.is_empty() && !domains.iter().any(|domain| header.contains(domain.as_str()));
    let from = header.lines().find(|line| line.starts_with("from:")).unwrap_or("");
    when(report && telling && foreign, from.trim())
}
