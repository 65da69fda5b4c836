//! A report as a mail (RFC 9990 section 4.2).

use std::io::{self, Write as _};

use flate2::Compression;
use flate2::write::GzEncoder;
use mail::address::Address;
use mail::arrival::MessageId;
use mail::transfer::encode_base64;
use unpack::dmarc::{Aggregate, to_xml};

use crate::id;

/// The mail that carries a report.
///
/// # Errors
/// It cannot be compressed.
pub(super) fn compose(
    report: &Aggregate,
    from: &Address,
    to: &Address,
    name: MessageId,
    now_ms: u64,
) -> io::Result<Vec<u8>> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    gzip.write_all(to_xml(report).as_bytes())?;
    let packed = gzip.finish()?;
    // Domains are of the DNS and ours; whatever else a name could hold would end the field.
    let domain: String =
        report.domain.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_')).collect();
    let (submitter, boundary) = (from.domain(), format!("report-{name}"));
    let file = format!("{submitter}!{domain}!{}!{}.xml.gz", report.begin, report.end);
    let out = format!(
        "From: <{}>\r\nTo: <{}>\r\nSubject: Report Domain: {domain}\r\n Submitter: {submitter}\r\n Report-ID: <{name}@{submitter}>\r\n\
         Date: {}\r\nMessage-ID: <{name}@{submitter}>\r\nAuto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
         Content-Type: multipart/mixed; boundary=\"{boundary}\"\r\n\r\n\
         --{boundary}\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n\
         This is an aggregate report of DMARC about {domain} from {submitter}.\r\n\r\n\
         --{boundary}\r\nContent-Type: application/gzip; name=\"{file}\"\r\n\
         Content-Disposition: attachment; filename=\"{file}\"\r\nContent-Transfer-Encoding: base64\r\n\r\n",
        from.as_str(),
        to.as_str(),
        id::date(now_ms),
    );
    let mut out = out.into_bytes();
    out.extend(encode_base64(&packed, b"\r\n"));
    out.extend(format!("\r\n--{boundary}--\r\n").into_bytes());
    Ok(out)
}
