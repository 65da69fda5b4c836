//! Authentication: who really sent a message. Answered from the DNS and from the message's
//! signatures, within a deadline; the answer is a value that is recorded.
//!
//! DKIM signatures and ARC chains are verified by `mail-auth`, which gets the keys that our resolver
//! found and asks nothing itself; a panic in it counts as "could not be found out". SPF, DMARC and
//! the name of the address are looked up here. Nothing of this ever delays a message over its
//! deadline: what has no answer by then is `temperror`.
//!
//! A sender chooses whose names are asked for, and its own may answer as slowly as it likes. So what an
//! author's domain says is asked first, beside everything else, and the rest has only a part of the time
//! ([`SHARE`]): nobody can run the clock out on a DMARC policy.

mod dkim;
mod dmarc;
mod key;
mod reverse;
pub mod seal;
pub mod sign;
pub mod spf;

use std::collections::HashSet;
use std::future::Future;
use std::io;
use std::net::IpAddr;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Poll;

use mail::address::{Address, canonical};
use mail::evidence::{AuthResult, Authentication, Claim, DmarcCheck, MAX_AUTHORS, ReverseCheck, SpfCheck, short};
use mail::graph::{EntityId, Limits, parse};
use mail::header::{MAX_LOOKED_UP, MAX_MAILBOXES, Mailbox, Mailboxes, mailboxes, mailboxes_up_to};
use tokio::time::{Instant, timeout_at};

pub use self::dkim::MAX_HEAD;
use self::dkim::Signatures;
pub use self::dmarc::record_text as dmarc_record;
use self::spf::Identity;
use crate::dns::Resolver;

/// Which part of the time is there for all but DMARC: numerator and denominator.
const SHARE: (u32, u32) = (3, 5);
/// Why DMARC does not pass although it would for a domain of From.
const NOT_ONE: &str = "From does not name exactly one author";

/// Finds out where a message comes from, but for the name of the address ([`reverse_name`]). `head` is its header,
/// at least; `whole` gives all its bytes, and is asked only if there is a signature to verify.
pub async fn authenticate(
    resolver: &Resolver,
    claim: &Claim,
    head: &[u8],
    whole: impl Future<Output = io::Result<Arc<[u8]>>>,
    deadline: Instant,
) -> Authentication {
    // On a thread for such work: a MiB of a header may take 70 ms.
    let copy = head.to_vec();
    let read = tokio::task::spawn_blocking(move || authors(&copy)).await;
    let (authors, one_author, unread) = read.unwrap_or_else(|crash| resume_unwind(crash.into_panic()));
    let early = Instant::now() + deadline.saturating_duration_since(Instant::now()) * SHARE.0 / SHARE.1;
    let helo = identity_check(resolver, claim, None, early);
    let sender = Address::parse(claim.mail_from.raw());
    let from = async {
        match &sender {
            Some(sender) => Some(identity_check(resolver, claim, Some(sender), early).await),
            None => None,
        }
    };
    let signatures = signatures(resolver, head, whole, early);
    let walks = together(authors.iter().map(|author| dmarc::walk(resolver, author, deadline)).collect());
    let (walks, helo, from, signatures) = tokio::join!(walks, helo, from, signatures);
    let Signatures { mut dkim, left, arc } = signatures;
    // The null sender stands for the host itself (RFC 7208 section 2.4).
    let spf = from.unwrap_or_else(|| helo.clone());
    let checks = authors.iter().zip(walks).map(|(author, walk)| {
        let author = dmarc::Author { domain: author, walk, spf: &spf, dkim: &dkim };
        dmarc::check(resolver, author, deadline)
    });
    let mut dmarc = Vec::new();
    let mut aligned = Vec::new();
    for (check, own) in together(checks.collect()).await {
        dmarc.push(check);
        aligned.extend(own);
    }
    dmarc.extend(unread.map(|domain| DmarcCheck {
        domain: short(domain),
        result: AuthResult::PermError,
        why: short("From names more domains than are looked at"),
        ..DmarcCheck::default()
    }));
    if !one_author {
        // Whose policy is to be asked for, nobody can tell.
        if dmarc.is_empty() {
            dmarc.push(DmarcCheck {
                result: AuthResult::PermError,
                why: short("From names no domain"),
                ..DmarcCheck::default()
            });
        }
        dmarc.iter_mut().filter(|check| check.result == AuthResult::Pass).for_each(|check| {
            (check.result, check.why) = (AuthResult::PermError, short(NOT_ONE));
        });
    }
    for at in aligned {
        dkim.get_mut(at).into_iter().for_each(|signature| signature.aligned = true);
    }
    let reverse = ReverseCheck::default();
    Authentication {
        ip: claim.ip,
        spf,
        helo,
        dkim,
        dkim_left: left,
        dmarc,
        one_author,
        arc,
        reverse,
        reverse_only: false,
    }
}

/// The name and the value of a tag (RFC 6376 section 3.2). Blanks beside the name are left to it.
fn tag(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = text.iter().position(|byte| *byte == b'=')?;
    let (name, value) = text.split_at_checked(at)?;
    Some((name, value.get(1..)?.trim_ascii()))
}

/// The tags of a list, in their order.
fn tags(list: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    list.split(|byte| *byte == b';').filter_map(tag)
}

/// What all of these come to, in their order; none waits for another. There are [`MAX_AUTHORS`] at most.
async fn together<F: Future>(work: Vec<F>) -> Vec<F::Output> {
    let mut work: Vec<_> = work.into_iter().map(|one| (Box::pin(one), None)).collect();
    std::future::poll_fn(|context| {
        for (one, done) in work.iter_mut().filter(|(_, done)| done.is_none()) {
            if let Poll::Ready(output) = one.as_mut().poll(context) {
                *done = Some(output);
            }
        }
        if work.iter().any(|(_, done)| done.is_none()) {
            return Poll::Pending;
        }
        Poll::Ready(work.iter_mut().filter_map(|(_, done)| done.take()).collect())
    })
    .await
}

/// The name of a client's address, and whether it leads back (EX-08). Ends by `deadline`.
pub async fn reverse_name(resolver: &Resolver, ip: IpAddr, deadline: Instant) -> ReverseCheck {
    let late = || ReverseCheck { result: AuthResult::TempError, why: short("the time was up"), ..Default::default() };
    timeout_at(deadline, reverse::check(resolver, ip, deadline)).await.unwrap_or_else(|_| late())
}

/// SPF of the sender, or of the greeting where there is none.
async fn identity_check(resolver: &Resolver, claim: &Claim, sender: Option<&Address>, deadline: Instant) -> SpfCheck {
    let helo = claim.helo.raw().as_str();
    let (local, domain) = sender.map_or(("", helo), |sender| (sender.local(), sender.domain()));
    let domain = canonical(domain);
    let Some(ip) = claim.ip else {
        let why = short("the client's address is not known");
        return SpfCheck { domain: short(domain), result: AuthResult::None, why };
    };
    // An address literal is no domain (RFC 7208 section 2.3).
    if domain.starts_with('[') || domain.parse::<IpAddr>().is_ok() {
        let why = short("an address, not a domain");
        return SpfCheck { domain: short(domain), result: AuthResult::None, why };
    }
    let identity = Identity { ip, helo, local, domain: &domain };
    match timeout_at(deadline, spf::check(resolver, identity, deadline)).await {
        Ok(check) => check,
        Err(_) => SpfCheck { domain: short(domain), result: AuthResult::TempError, why: short("the time was up") },
    }
}

async fn signatures(
    resolver: &Resolver,
    head: &[u8],
    whole: impl Future<Output = io::Result<Arc<[u8]>>>,
    deadline: Instant,
) -> Signatures {
    match timeout_at(deadline, dkim::check(resolver, head, whole, deadline)).await {
        Ok(signatures) => signatures,
        Err(_) => Signatures::unknown("the time was up"),
    }
}

/// The mailboxes of each From field in a header, in order.
fn from_fields(head: &[u8]) -> Vec<Mailboxes> {
    let mut found = Vec::new();
    each_from(head, &mut |value| {
        found.push(mailboxes(value));
        true
    });
    found
}

/// The address of each mailbox in From, as written and in order, each once: of all fields [`MAX_LOOKED_UP`] at most.
pub fn from_addresses(head: &[u8]) -> Vec<String> {
    let (mut found, mut known) = (Vec::new(), HashSet::new());
    each_from(head, &mut |value| {
        let list = mailboxes_up_to(value, MAX_LOOKED_UP).list;
        let new = list.into_iter().map(|mailbox| mailbox.address).filter(|address| known.insert(address.clone()));
        found.extend(new.take(MAX_LOOKED_UP.saturating_sub(found.len())));
        found.len() < MAX_LOOKED_UP
    });
    found
}

/// Reads the value of each From field, until `read` wants no more.
fn each_from(head: &[u8], read: &mut dyn FnMut(&[u8]) -> bool) {
    let message = parse(head, &Limits::default());
    let top = EntityId(0);
    let buffer = message.entity(top).map_or(&[][..], |entity| message.buffer(entity.buffer));
    let mut fields = message.fields(top).iter().filter(|field| field.name_is(buffer, "from"));
    fields.all(|field| read(field.value.of(buffer)));
}

/// The domains of a header's authors, each once, in ASCII; whether there is exactly one author; and the first
/// domain that is left out, if there are more than [`MAX_AUTHORS`]. Those come first that programs show: the
/// first and the last of the first field, of the last one, and of the others.
fn authors(head: &[u8]) -> (Vec<String>, bool, Option<String>) {
    let read = from_fields(head);
    let all = || read.iter().flat_map(|found| found.list.iter());
    let one = read.len() == 1 && all().count() == 1 && !read.iter().any(|found| found.odd);
    let ends = read.first().into_iter().chain(read.last()).chain(&read);
    let ends = ends.flat_map(|found| found.list.first().into_iter().chain(found.list.last()));
    let (mut domains, mut left): (Vec<String>, Option<String>) = (Vec::new(), None);
    for domain in ends.chain(all()).map(Mailbox::domain).filter(|domain| !domain.is_empty()) {
        if domains.contains(&domain) {
            continue;
        }
        match domains.len() < MAX_AUTHORS {
            true => domains.push(domain),
            false => left = left.or(Some(domain)),
        }
    }
    // Who stands behind so many authors was not even read.
    let cut = read.iter().any(|found| found.list.len() >= MAX_MAILBOXES);
    let left = left.or_else(|| domains.last().filter(|_| cut).cloned());
    (domains, one, left)
}

#[cfg(test)]
mod tests {
    use super::{MAX_LOOKED_UP, MAX_MAILBOXES, authors, from_addresses};

    #[test]
    fn d9_every_mailbox_in_from_is_one_to_look_up() {
        let many = |count: usize| (0..count).map(|at| format!("a{at}@example.org,\r\n ")).collect::<String>();
        for head in [
            format!("From: {}evil@bad.example\r\n\r\n", many(200)),
            format!("{}From: evil@bad.example\r\n\r\n", "From: a@example.org\r\n".repeat(200)),
        ] {
            assert_eq!(from_addresses(head.as_bytes()).last().map(String::as_str), Some("evil@bad.example"));
        }
        let more = format!("From: {}\r\nFrom: {}\r\n\r\n", many(200), many(201));
        assert_eq!(from_addresses(more.as_bytes()).len(), 201, "each once");
        assert_eq!(from_addresses(format!("From: {}\r\n\r\n", many(5000)).as_bytes()).len(), MAX_LOOKED_UP);
    }

    #[test]
    fn every_domain_in_from_is_an_authors() {
        let cases: [(&str, &[&str], bool); 16] = [
            ("From: \"ann@example.org\"\r\n\r\n", &["example.org"], false),
            ("From: \"Ann <ann@example.org>\r\n\r\n", &["example.org"], false),
            ("From: (Ann <ann@example.org>\r\n\r\n", &["example.org"], false),
            ("From: ann@.example.org\r\n\r\n", &["example.org"], false),
            ("From: ann@x..example.org\r\n\r\n", &["x.example.org"], false),
            ("From: ann@example.org@\r\n\r\n", &["example.org"], false),
            ("From: ann@[192.0.2.1]\r\n\r\n", &[], true),
            ("From : Ceo <ceo@Bank.example>\r\nTo: b@example.org\r\n\r\n", &["bank.example"], true),
            ("From \t : a@bank.example\r\nFrom: b@example.net\r\n\r\n", &["bank.example", "example.net"], false),
            ("From: Ann <ann@Example.org>\r\n\r\n", &["example.org"], true),
            ("From: a@example.org, b@example.org\r\n\r\n", &["example.org"], false),
            ("From: a@example.org\r\nfrom: b@example.net\r\n\r\n", &["example.org", "example.net"], false),
            ("Subject: x\r\nFrom : a@example.org\r\n\r\n", &["example.org"], true),
            ("From: a@example.com <b@example.org>\r\n\r\n", &["example.com", "example.org"], false),
            ("From: a@b\u{fc}cher.example\r\n\r\n", &["xn--bcher-kva.example"], true),
            ("Subject: x\r\n\r\nFrom: a@example.org\r\n", &[], false),
        ];
        for (head, domains, one) in cases {
            let expected: Vec<String> = domains.iter().map(|d| (*d).to_owned()).collect();
            assert_eq!(authors(head.as_bytes()), (expected, one, None), "{head:?}");
        }
    }

    #[test]
    fn of_many_domains_those_that_programs_show_are_looked_at() {
        let many: Vec<String> = (0..20).map(|at| format!("a@d{at}.example")).collect();
        for head in [
            format!("From: {}\r\nFrom: x@bank.example\r\n\r\n", many.join(",")),
            format!("From: x@bank.example\r\nFrom: {}\r\n\r\n", many.join(",")),
            format!("From: {},x@bank.example\r\n\r\n", many.join(",")),
            format!("{}From: x@bank.example\r\n\r\n", "From: a@d0.example, b@d1.example\r\n".repeat(5000)),
        ] {
            let (domains, one, left) = authors(head.as_bytes());
            assert!(domains.iter().any(|domain| domain == "bank.example") && !one, "{domains:?}");
            assert!(domains.len() <= super::MAX_AUTHORS);
            assert_eq!(left.is_some(), head.contains("d19"), "{left:?}");
        }
        let behind = format!("From: {}x@bank.example\r\n\r\n", "a@d0.example,".repeat(MAX_MAILBOXES));
        assert_eq!(authors(behind.as_bytes()).2.as_deref(), Some("d0.example"));
    }
}
