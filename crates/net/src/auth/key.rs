//! Public keys of DKIM and ARC, as records in the DNS have them (RFC 6376 section 3.6.1).
//!
//! Not handled: notes (`n=`), which are for people.

use std::panic::catch_unwind;
use std::sync::Arc;

use mail_auth::common::parse::TxtRecordParser;
use mail_auth::common::verify::DomainKey;
use mail_auth::dkim::DkimError;
use mail_auth::{DnsError, Error, Txt};

use super::tags;

/// Whether a key is one for mail, and for a hash that counts: where `s=` or `h=` is a list, it has to have it (RFC 6376
/// sections 3.6.1 and 6.1.2). Of a key for other hashes alone, SHA-1 would be the only one that we know.
fn serves(record: &[u8]) -> bool {
    let lists = |tag: &str, wanted: &[&str]| {
        let is_it = |name: &[u8]| name.trim_ascii().eq_ignore_ascii_case(tag.as_bytes());
        tags(record).filter(|(name, value)| is_it(name) && !value.is_empty()).all(|(_, value)| {
            let mut words = value.split(|byte| *byte == b':').map(<[u8]>::trim_ascii);
            words.any(|word| wanted.iter().any(|wanted| word.eq_ignore_ascii_case(wanted.as_bytes())))
        })
    };
    lists("s", &["*", "email"]) && lists("h", &["sha256"])
}

/// The first of several records that is a key (RFC 6376 section 3.6.2.2: there should be one).
pub(super) fn parsed(records: &[Vec<u8>]) -> Txt {
    let mut last = Txt::Error(Error::Dns(DnsError::InvalidRecordType));
    for record in records {
        if !serves(record) {
            last = Txt::Error(Error::Dkim(DkimError::UnsupportedKeyType));
            continue;
        }
        last = match catch_unwind(|| DomainKey::parse(record)) {
            Ok(Ok(key)) => return Txt::DomainKey(Arc::new(key)),
            Ok(Err(error)) => Txt::Error(error),
            Err(_) => Txt::Error(Error::ParseError),
        };
    }
    last
}

#[cfg(test)]
mod tests {
    use super::serves;

    #[test]
    fn a_key_serves_what_its_lists_name() {
        for (record, does) in [
            ("v=DKIM1; k=rsa; p=x", true),
            ("v=DKIM1; s=*; p=x", true),
            ("v=DKIM1; s=foo:email; p=x", true),
            ("v=DKIM1; s = Foo : Email ; p=x", true),
            ("v=DKIM1; s=; h=; p=x", true),
            ("v=DKIM1; s=foo; p=x", false),
            ("v=DKIM1; p=x; s=emails", false),
            ("v=DKIM1; h=sha1; p=x", false),
            ("v=DKIM1; h=sha1:sha256; p=x", true),
            ("v=DKIM1; h=sha256; s=tlsrpt; p=x", false),
            ("h=sha512; p=x", false),
            ("n=s=foo; p=x", true),
        ] {
            assert_eq!(serves(record.as_bytes()), does, "{record}");
        }
    }
}
