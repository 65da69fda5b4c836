//! Seals of our own: one more set in the chain of those who had a message in their hands (ARC, RFC 8617).
//!
//! A set says what we found out about the message as it came, signs the message as it leaves, and seals
//! all sets before it. Only a chain that was verified is continued, and only if it leaves as it came.

use std::time::{SystemTime, UNIX_EPOCH};

use mail::evidence::{ArcCheck, AuthResult};
use mail_auth::AuthenticatedMessage;
use mail_auth::common::crypto::{Algorithm, DkimKey, SigningKey};
use mail_auth::dkim::Canonicalization;

use super::sign::{OVERSIGNED, OVERSIGNED_IF_THERE, SIGNED};
use super::tags;

/// The highest number of a set (RFC 8617 section 4.2.1).
const MAX_INSTANCE: u32 = 50;
/// Most fields of one name that are signed; a message with more of one is not sealed.
const MAX_EACH: usize = 20;
/// Where lines are folded, if there is a place for it.
const FOLD: usize = 76;

const RESULTS: &str = "ARC-Authentication-Results";
const SIGNATURE: &str = "ARC-Message-Signature";
const SEAL: &str = "ARC-Seal";
/// The fields of a set in the order in which they are sealed (RFC 8617 section 5.1.1).
const SET: [&str; 3] = [RESULTS, SIGNATURE, SEAL];

/// A key that seals.
pub(super) struct Sealer {
    pub(super) domain: String,
    pub(super) selector: String,
    pub(super) key: DkimKey,
}

/// What a seal is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    /// The message as it leaves.
    pub raw: &'a [u8],
    /// The header of the message as it came, at least.
    pub before: &'a [u8],
    /// What was found out about it then: the value of our Authentication-Results (RFC 8601).
    pub results: &'a str,
    /// The chain that it came with.
    pub chain: &'a ArcCheck,
}

impl Sealer {
    /// The fields of one more set, to be put above everything else.
    ///
    /// # Errors
    /// The chain cannot be continued, the message cannot be signed, or the key fails.
    pub(super) fn seal(&self, what: Sealed<'_>) -> Result<Vec<u8>, String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let instance = next_instance(what.chain)?;
        let mut sealed = chain(what.raw, what.chain.instances)?;
        if sealed != chain(what.before, what.chain.instances)? {
            return Err("the chain does not leave as it came".to_owned());
        }
        let results = fold(&format!("{RESULTS}: i={instance}; {}", what.results), ' ');
        let signature = self.signature(what.raw, instance, now)?;
        let cv = if instance == 1 { "none" } else { "pass" };
        let seal =
            format!("{SEAL}: i={instance}; a={}; cv={cv};\r\n\t{}; t={now};\r\n\tb=", self.algorithm(), self.tags());
        for field in [&results, &signature] {
            sealed.extend(relaxed(field));
            sealed.extend_from_slice(b"\r\n");
        }
        sealed.extend(relaxed(&seal));
        let seal = self.completed(seal, &sealed)?;
        Ok(format!("{seal}\r\n{signature}\r\n{results}\r\n").into_bytes())
    }

    /// The field that signs the message, without its line end.
    fn signature(&self, raw: &[u8], instance: u32, now: u64) -> Result<String, String> {
        let message = AuthenticatedMessage::parse(raw).ok_or("it has no header")?;
        let body = Canonicalization::Relaxed.canonical_body(message.raw_body(), 0);
        let hash = base64_simd::STANDARD.encode_to_string(self.key.hash(body).as_ref());
        let (names, mut signed) = signed_fields(message.raw_parsed_headers())?;
        let names = fold(&format!("h={}", names.join(":")), ':');
        let text = format!(
            "{SIGNATURE}: i={instance}; a={}; c=relaxed/relaxed;\r\n\t{}; t={now};\r\n\t{names};\r\n\tbh={hash};\r\n\tb=",
            self.algorithm(),
            self.tags()
        );
        signed.extend(relaxed(&text));
        self.completed(text, &signed)
    }

    /// A field that ends with `b=`, with the signature of these bytes behind it.
    fn completed(&self, mut field: String, signed: &[u8]) -> Result<String, String> {
        let signature =
            self.key.sign(signed).map_err(|e| format!("{}._domainkey.{}: {e}", self.selector, self.domain))?;
        let text = base64_simd::STANDARD.encode_to_string(signature);
        let lines: Vec<&str> = text.as_bytes().chunks(FOLD - 4).filter_map(|l| std::str::from_utf8(l).ok()).collect();
        field.push_str(&lines.join("\r\n\t"));
        Ok(field)
    }

    fn tags(&self) -> String {
        format!("d={}; s={}", self.domain, self.selector)
    }

    fn algorithm(&self) -> &'static str {
        match self.key.algorithm() {
            Algorithm::Ed25519Sha256 => "ed25519-sha256",
            _ => "rsa-sha256",
        }
    }
}

/// The number of the next set.
fn next_instance(chain: &ArcCheck) -> Result<u32, String> {
    match chain.result {
        AuthResult::None if chain.instances == 0 => Ok(1),
        AuthResult::Pass if chain.instances < MAX_INSTANCE => Ok(chain.instances.saturating_add(1)),
        AuthResult::Pass => Err("the chain is full".to_owned()),
        other => Err(format!("its chain is {}", other.name())),
    }
}

/// A field in its relaxed form, without its line end (RFC 6376 section 3.4.2).
fn relaxed(field: &str) -> Vec<u8> {
    let (name, value) = field.split_once(':').unwrap_or((field, ""));
    let mut out = Vec::new();
    Canonicalization::Relaxed.canonicalize_headers([(name.as_bytes(), value.as_bytes())].into_iter(), &mut out);
    out.truncate(out.trim_ascii_end().len());
    out
}

/// Names for `h=`, and these fields in their relaxed form: of each name the lowest field first (RFC 6376
/// section 5.4.2). Who signed the message before is signed as well (RFC 8617 section 4.1.2).
fn signed_fields(fields: &[(&[u8], &[u8])]) -> Result<(Vec<&'static str>, Vec<u8>), String> {
    let there = |name: &&&str| fields.iter().any(|(field, _)| is(field, name));
    let once_more = OVERSIGNED_IF_THERE.iter().filter(there).chain(&OVERSIGNED).map(|name| (*name, true));
    let as_there = SIGNED.iter().chain(&["DKIM-Signature"]).map(|name| (*name, false));
    let (mut names, mut signed) = (Vec::new(), Vec::new());
    for (name, more) in once_more.chain(as_there) {
        let found = fields.iter().rev().filter(|(field, _)| is(field, name));
        let found: Vec<(&[u8], &[u8])> = found.copied().take(MAX_EACH + 1).collect();
        if found.len() > MAX_EACH {
            return Err(format!("more than {MAX_EACH} fields {name}"));
        }
        // Not every verifier takes it for that field.
        if found.iter().any(|(field, _)| field.len() != name.len()) {
            return Err(format!("blanks between {name} and its colon"));
        }
        names.extend(std::iter::repeat_n(name, found.len() + usize::from(more)));
        Canonicalization::Relaxed.canonicalize_headers(found.into_iter(), &mut signed);
    }
    Ok((names, signed))
}

fn is(field: &[u8], name: &str) -> bool {
    field.trim_ascii_end().eq_ignore_ascii_case(name.as_bytes())
}

/// All sets of a chain in their relaxed form, in the order in which they are sealed.
///
/// # Errors
/// It is not exactly so many whole sets.
fn chain(raw: &[u8], instances: u32) -> Result<Vec<u8>, String> {
    let message = AuthenticatedMessage::parse(raw).ok_or("it has no header")?;
    let mut sets = vec![[None; SET.len()]; instances.min(MAX_INSTANCE) as usize];
    for (name, value) in message.raw_parsed_headers() {
        let Some(at) = SET.iter().position(|known| is(name, known)) else { continue };
        let number = instance(value).and_then(|number| number.checked_sub(1));
        match number.and_then(|number| sets.get_mut(number)?.get_mut(at)) {
            Some(place @ None) => *place = Some((*name, *value)),
            _ => return Err("its chain has a field too many".to_owned()),
        }
    }
    let fields: Option<Vec<(&[u8], &[u8])>> = sets.into_iter().flatten().collect();
    let fields = fields.ok_or("its chain lacks a field")?;
    let mut out = Vec::new();
    Canonicalization::Relaxed.canonicalize_headers(fields.into_iter(), &mut out);
    Ok(out)
}

/// The number of the set that a field belongs to: its tag `i`.
fn instance(value: &[u8]) -> Option<usize> {
    let (_, number) = tags(value).find(|(name, _)| name.trim_ascii() == b"i")?;
    std::str::from_utf8(number).ok()?.parse().ok()
}

/// Folds a field behind these separators; a space vanishes into the fold, which is one.
fn fold(field: &str, separator: char) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for word in field.split_inclusive(separator) {
        if column + word.trim_end().len() > FOLD && !out.is_empty() && !word.trim_end().is_empty() {
            out.truncate(out.trim_end().len());
            out.push_str("\r\n\t");
            column = 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_is_read_whole_or_not_at_all() {
        let set = |i: u32| {
            format!(
                "ARC-Seal: i={i}; cv=none; b=x\r\nARC-Message-Signature: a=rsa-sha256;\r\n i={i};\r\n\tb=x\r\n\
                 arc-authentication-results:  i={i};  mx.example.org; none\r\n"
            )
        };
        let whole = format!("Subject: x\r\n{}{}\r\nARC-Seal: i=9; b=body\r\n", set(2), set(1));
        let relaxed = String::from_utf8(chain(whole.as_bytes(), 2).unwrap()).unwrap();
        let one = |i| {
            format!(
                "arc-authentication-results:i={i}; mx.example.org; none\r\n\
                 arc-message-signature:a=rsa-sha256; i={i}; b=x\r\narc-seal:i={i}; cv=none; b=x\r\n"
            )
        };
        assert_eq!(relaxed, one(1) + &one(2));
        for (header, instances) in [
            (set(1), 0),
            (set(1), 2),
            (set(1) + &set(1), 1),
            (set(1) + &set(3), 2),
            (set(1) + "ARC-Seal: b=x\r\n", 1),
            (set(1).replace("ARC-Seal", "X"), 1),
            (set(0), 1),
            (set(4_000_000_000), 1),
        ] {
            assert!(chain(header.as_bytes(), instances).is_err(), "{header}");
        }
        assert!(chain(b"Subject: x\r\n\r\n", 0).unwrap().is_empty());
        assert!(chain(b"", u32::MAX).is_err());
    }

    #[test]
    fn only_a_chain_that_was_verified_goes_on() {
        let check = |result, instances| ArcCheck { result, instances, ..ArcCheck::default() };
        use AuthResult::{Fail, None, Pass, TempError};
        for (result, instances, expected) in [
            (None, 0, Some(1)),
            (Pass, 1, Some(2)),
            (Pass, 49, Some(50)),
            (Pass, 50, Option::None),
            (None, 1, Option::None),
            (Fail, 1, Option::None),
            (TempError, 1, Option::None),
        ] {
            assert_eq!(next_instance(&check(result, instances)).ok(), expected, "{result:?} {instances}");
        }
    }

    #[test]
    fn long_fields_are_folded_and_say_the_same() {
        let results = format!("{RESULTS}: i=1; mx.example.org; {}", "spf=pass smtp.mailfrom=a.example; ".repeat(9));
        let folded = fold(&results, ' ');
        assert!(folded.lines().count() > 4 && folded.lines().all(|line| line.len() <= FOLD + 1), "{folded}");
        assert_eq!(folded.replace("\r\n\t", " "), results);
        assert_eq!(relaxed(&folded), relaxed(&results));
        assert_eq!(fold(&"a:".repeat(60), ':').replace("\r\n\t", ""), "a:".repeat(60));
    }

    #[test]
    fn every_field_of_a_name_is_signed_and_one_more_where_none_may_come() {
        let fields: [(&[u8], &[u8]); 4] =
            [(b"To", b" a\r\n"), (b"DKIM-Signature", b" x\r\n"), (b"to", b" b\r\n"), (b"X", b"y\r\n")];
        let (names, signed) = signed_fields(&fields).unwrap();
        let count = |name| names.iter().filter(|known| **known == name).count();
        assert_eq!((count("To"), count("From"), count("DKIM-Signature"), count("References")), (3, 1, 1, 0));
        assert_eq!(signed, b"to:b\r\nto:a\r\ndkim-signature:x\r\n");
        assert!(signed_fields(&[(b"From ".as_slice(), b"x\r\n".as_slice())]).is_err());
        assert!(signed_fields(&[(b"Cc".as_slice(), b"x\r\n".as_slice()); 21]).is_err());
    }
}
