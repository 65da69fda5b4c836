//! DKIM signatures and the ARC chain of a message (RFC 6376, RFC 8301, RFC 8463, RFC 8617).
//!
//! The header alone tells which keys are needed. They are looked up at once, all together; then the
//! whole message is verified with them in one go, away from the threads that serve others.
//!
//! What would pass but does not count is `policy`: SHA-1, a key under 1024 bits, an unsigned From, an
//! identity of another domain, a body that is signed in part. An `l=` that is the length of the whole body leaves
//! nothing out, and counts as none (RFC 6376 section 3.5).
//!
//! Nothing can end a verification that has begun, so its work is bounded before: [`MAX_HEAD`],
//! [`MAX_FIELDS`], [`MAX_FIELD`], [`MAX_NAMES`], [`MAX_SIGNATURES`], [`MAX_CHAIN`], [`MAX_MESSAGE`]. A body is
//! hashed once for each kind of canonical form and hash, four times at most, whatever signatures say; those
//! of which `l=` signs a part are not verified; for the lengths a body is read twice more at most. Not more are at work at once than there are processors. What
//! is over a limit is `permerror`, and a chain fails, each with the reason.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::future::Future;
use std::hash::Hash;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, Waker};

use hickory_proto::op::ResponseCode;
use mail::address::{below, canonical};
use mail::evidence::{ArcCheck, ArcHop, AuthResult, DkimCheck, MAX_AUTHORS, MAX_SIGNATURES, short};
use mail::header::statements;
use mail_auth::common::crypto::{Algorithm, CryptoError, HashAlgorithm};
use mail_auth::common::headers::{Header as Field, Writable, Writer};
use mail_auth::common::verify::VerifySignature;
use mail_auth::dkim::{Canonicalization, DkimError, Signature};
use mail_auth::hickory_resolver::config::{ResolverConfig, ResolverOpts};
use mail_auth::{
    AuthenticatedMessage, DkimOutput, DkimResult, Error, MX, MessageAuthenticator, Parameters, RecordSet,
    ResolverCache, Txt,
};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::key;
use crate::dns::Resolver;

/// Most hops of an ARC chain that are verified; a longer one fails.
pub(super) const MAX_CHAIN: usize = 20;
/// Keys shorter than this do not count (RFC 8301 section 3.2).
const MIN_BITS: usize = 1024;
/// The largest message of which signatures are verified, in bytes.
const MAX_MESSAGE: usize = 128 << 20;
/// The longest header of which signatures are verified, in bytes. Mail with a longer one is malformed.
pub const MAX_HEAD: usize = 1 << 20;
/// Most fields of a header of which signatures are verified: each name that is signed is looked for in all.
const MAX_FIELDS: usize = 20_000;
/// The longest field of a signature that is verified, in bytes.
const MAX_FIELD: usize = 64 << 10;
/// Most names in a signature's `h=`: each is compared with all before it.
const MAX_NAMES: usize = 200;
/// Why a signature is not verified, or a chain fails.
const TOO_MUCH: &str = "more is signed than is verified";
const LONG_HEADER: &str = "the header is longer than is verified";

/// What the signatures of a message say.
#[derive(Debug, Default)]
pub(super) struct Signatures {
    pub(super) dkim: Vec<DkimCheck>,
    /// Signatures over [`MAX_SIGNATURES`].
    pub(super) left: u32,
    pub(super) arc: ArcCheck,
}

impl Signatures {
    /// Of a message of which there is more than is verified.
    fn too_much(why: &str) -> Self {
        Self::failed(AuthResult::PermError, AuthResult::Fail, why)
    }

    /// Of a message whose signatures could not be looked at.
    pub(super) fn unknown(why: &str) -> Self {
        Self::failed(AuthResult::TempError, AuthResult::TempError, why)
    }

    fn failed(dkim: AuthResult, arc: AuthResult, why: &str) -> Self {
        let arc = ArcCheck { result: arc, why: short(why), ..ArcCheck::default() };
        Self { dkim: vec![failed(dkim, why)], left: 0, arc }
    }
}

/// What is said of a signature that is not verified.
fn failed(result: AuthResult, why: &str) -> DkimCheck {
    DkimCheck { result, why: short(why), ..DkimCheck::default() }
}

/// The keys that were found, by name with a final dot, for a verification that asks nobody.
#[derive(Default)]
pub(super) struct Keys(HashMap<Box<str>, Txt>);

impl ResolverCache<Box<str>, Txt> for Keys {
    fn get<Q>(&self, name: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        // What was not looked up is never asked for from there, and is not what may come later: whoever
        // hides a signature from the questions gains nothing by it.
        Some(self.0.get(name).cloned().unwrap_or_else(absent))
    }

    fn remove<Q>(&self, _: &Q) -> Option<Txt>
    where
        Box<str>: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: Box<str>, _: Txt, _: std::time::Instant) {}
}

/// A cache of what these verifications never ask for.
pub(super) struct Nothing;

impl<K, V> ResolverCache<K, V> for Nothing {
    fn get<Q>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn remove<Q>(&self, _: &Q) -> Option<V>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        None
    }

    fn insert(&self, _: K, _: V, _: std::time::Instant) {}
}

fn absent() -> Txt {
    Txt::Error(Error::Dns(mail_auth::DnsError::RecordNotFound(ResponseCode::NXDomain)))
}

fn unknown(why: &str) -> Txt {
    Txt::Error(Error::Dns(mail_auth::DnsError::Resolver(why.to_owned())))
}

/// The verifier; it has no server to ask.
pub(super) fn verifier() -> Option<&'static MessageAuthenticator> {
    static VERIFIER: OnceLock<Option<MessageAuthenticator>> = OnceLock::new();
    let make = || {
        let nobody = ResolverConfig::from_parts(None, Vec::new(), Vec::new());
        MessageAuthenticator::new(nobody, ResolverOpts::default()).ok()
    };
    VERIFIER.get_or_init(make).as_ref()
}

pub(super) type Asked<'x> = Parameters<'x, &'x AuthenticatedMessage<'x>, Keys, Nothing, Nothing, Nothing, Nothing>;

/// Parameters of a verification with these keys.
pub(super) fn asked<'x>(message: &'x AuthenticatedMessage<'x>, keys: &'x Keys) -> Asked<'x> {
    fn is_cache<K, V, C: ResolverCache<K, V>>(_: &C) {}
    is_cache::<Box<str>, RecordSet<MX>, _>(&Nothing);
    is_cache::<Box<str>, RecordSet<Ipv4Addr>, _>(&Nothing);
    is_cache::<Box<str>, RecordSet<Ipv6Addr>, _>(&Nothing);
    is_cache::<IpAddr, RecordSet<Box<str>>, _>(&Nothing);
    Parameters {
        params: message,
        cache_txt: Some(keys),
        cache_mx: None,
        cache_ptr: None,
        cache_ipv4: None,
        cache_ipv6: None,
    }
}

/// Runs what never waits; `None` if it does.
pub(super) fn at_once<T>(work: impl Future<Output = T>) -> Option<T> {
    match pin!(work).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => Some(value),
        Poll::Pending => None,
    }
}

/// Verifies what is signed. `head` is the header at least.
pub(super) async fn check(
    resolver: &Resolver,
    head: &[u8],
    whole: impl Future<Output = io::Result<Arc<[u8]>>>,
    deadline: Instant,
) -> Signatures {
    let head = head.get(..MAX_HEAD).unwrap_or(head);
    let Ok(Some(names)) = catch_unwind(|| key_names(head)) else {
        return Signatures::unknown("the header could not be read");
    };
    if !names.signed {
        return Signatures::default();
    }
    if names.too_long {
        return Signatures::too_much(LONG_HEADER);
    }
    let (keys, whole) = tokio::join!(look_up(resolver, names.keys, deadline), whole);
    let whole = match whole {
        Ok(bytes) if bytes.len() <= MAX_MESSAGE => bytes,
        Ok(_) => return Signatures::unknown("the message is too large"),
        Err(error) => return Signatures::unknown(&error.to_string()),
    };
    // The place is given back when the work ends, not when nobody waits for it any more.
    let Ok(place) = places().acquire().await else { return Signatures::unknown("the verification failed") };
    let verified = tokio::task::spawn_blocking(move || {
        let _place = place;
        catch_unwind(AssertUnwindSafe(|| verify(&whole, &keys))).ok().flatten()
    });
    match verified.await {
        Ok(Some(signatures)) => signatures,
        _ => Signatures::unknown("the verification failed"),
    }
}

/// Places for verifications at work: as many as there are processors.
fn places() -> &'static Semaphore {
    static PLACES: OnceLock<Semaphore> = OnceLock::new();
    PLACES.get_or_init(|| Semaphore::new(std::thread::available_parallelism().map_or(1, NonZero::get)))
}

/// What a header asks for.
pub(super) struct Names {
    pub(super) signed: bool,
    pub(super) keys: Vec<String>,
    /// It goes on beyond [`MAX_HEAD`], or has more than [`MAX_FIELDS`].
    pub(super) too_long: bool,
}

/// Whether a field of a signature, with so many names in `h=`, is verified.
fn fits(field: &[u8], names: &[String]) -> bool {
    field.len() <= MAX_FIELD && names.len() <= MAX_NAMES
}

/// The names of the keys that a header's signatures need, each once.
pub(super) fn key_names(head: &[u8]) -> Option<Names> {
    let Some(message) = AuthenticatedMessage::parse(head) else {
        return Some(Names { signed: false, keys: Vec::new(), too_long: false });
    };
    let goes_on = head.len() >= MAX_HEAD && message.body_offset() >= head.len();
    let too_long = goes_on || message.headers.len() > MAX_FIELDS;
    let verified = message.dkim_headers.iter().filter(|field| fits(field.value, &field.header.h));
    // Whether `l=` leaves out a part, only the body tells.
    let limited = with_length(&message.errors).map(|(_, signature)| signature.domain_key());
    let dkim = verified.take(MAX_SIGNATURES).map(|field| field.header.domain_key()).chain(limited);
    let chain = message.as_headers.iter().rev().take(MAX_CHAIN).map(|field| field.header.domain_key());
    let last = message.ams_headers.last().map(|field| field.header.domain_key());
    let mut keys: Vec<String> = dkim.chain(chain).chain(last).map(|name| name.to_lowercase()).collect();
    keys.sort();
    keys.dedup();
    let signed = !keys.is_empty()
        || !message.dkim_headers.is_empty()
        || !message.aar_headers.is_empty()
        || !message.ams_headers.is_empty()
        || message.has_dkim_errors
        || message.has_arc_errors;
    Some(Names { signed, keys, too_long })
}

/// Looks keys up, all at once.
pub(super) async fn look_up(resolver: &Resolver, names: Vec<String>, deadline: Instant) -> Keys {
    let mut tasks = JoinSet::new();
    let late = || unknown("no answer came");
    let mut keys = Keys(names.iter().map(|name| (name.clone().into_boxed_str(), late())).collect());
    for name in names {
        let resolver = resolver.clone();
        tasks.spawn(async move {
            let found = resolver.txt(&name, deadline).await;
            let key = match found {
                Ok(answer) => key::parsed(&answer.records),
                Err(error) if error.is_absent() => absent(),
                Err(error) => unknown(&error.to_string()),
            };
            (name.into_boxed_str(), key)
        });
    }
    while let Some(done) = tasks.join_next().await {
        if let Ok((name, key)) = done {
            keys.0.insert(name, key);
        }
    }
    keys
}

/// Verifies a whole message.
fn verify(raw: &[u8], keys: &Keys) -> Option<Signatures> {
    let verifier = verifier()?;
    let mut message = AuthenticatedMessage::parse(raw)?;
    let place = |field: &[u8]| (field.as_ptr() as usize).saturating_sub(raw.as_ptr() as usize);
    take_whole(&mut message, |field| place(field));
    let (fitting, large): (Vec<_>, Vec<_>) =
        std::mem::take(&mut message.dkim_headers).into_iter().partition(|field| fits(field.value, &field.header.h));
    let total = fitting.len() + large.len();
    message.dkim_headers = fitting;
    message.dkim_headers.truncate(MAX_SIGNATURES);
    for field in &mut message.dkim_headers {
        // Third parties that sign for others, and reports about failures: neither is ours to ask for.
        (field.header.atps, field.header.r) = (None, false);
    }
    // What cannot be read has no results of its own, so that there is one for each of the others.
    let errors = std::mem::take(&mut message.errors);
    let outputs = at_once(verifier.verify_dkim(asked(&message, keys)))?;
    let places = message.dkim_headers.iter().map(|field| place(field.value));
    let mut dkim: Vec<(usize, DkimCheck)> =
        places.zip(outputs.iter().map(|output| told(output, keys))).take(MAX_SIGNATURES).collect();
    drop(outputs);
    let unread = errors.iter().filter(|field| field.name.trim_ascii().eq_ignore_ascii_case(b"dkim-signature"));
    let total = total + unread.clone().count();
    // Those come behind what can be verified: a relay that left ten broken ones must not hide a good one.
    let over =
        large.iter().map(|field| (place(field.value), of(&field.header, failed(AuthResult::PermError, TOO_MUCH))));
    dkim.extend(over.chain(unread.map(|field| (place(field.value), unreadable(&field.header)))));
    dkim.truncate(MAX_SIGNATURES);
    dkim.sort_by_key(|(place, _)| *place);
    let left = u32::try_from(total - dkim.len()).unwrap_or(u32::MAX);
    message.errors = errors;
    let arc = chain(verifier, &message, keys)?;
    Some(Signatures { dkim: dkim.into_iter().map(|(_, check)| check).collect(), left, arc })
}

/// Counts what is written.
struct Length(u64);

impl Writer for Length {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.saturating_add(bytes.len() as u64);
    }
}

/// The first signatures with an `l=` that are small enough to be verified, each with its field.
fn with_length<'a, 'x>(errors: &'a [Field<'x, Error>]) -> impl Iterator<Item = (&'a Field<'x, Error>, Signature)> {
    let limited = errors.iter().filter(|field| {
        matches!(field.header, Error::Dkim(DkimError::SignatureLength)) && field.value.len() <= MAX_FIELD
    });
    let read = limited.filter_map(|field| Signature::parse(field.value).ok().map(|signature| (field, signature)));
    read.filter(|(field, signature)| fits(field.value, &signature.h)).take(MAX_SIGNATURES)
}

/// Takes signatures whose `l=` is the length of the whole body for what they are: signatures of all of it.
fn take_whole<'x>(message: &mut AuthenticatedMessage<'x>, place: impl Fn(&[u8]) -> usize) {
    let body = message.raw_body();
    let (mut simple, mut relaxed) = (None, None);
    let mut whole = Vec::new();
    for (field, mut signature) in with_length(&message.errors) {
        let known = if signature.cb == Canonicalization::Simple { &mut simple } else { &mut relaxed };
        let length = *known.get_or_insert_with(|| {
            let mut length = Length(0);
            signature.cb.canonical_body(body, 0).write(&mut length);
            length.0
        });
        if signature.l == length {
            signature.l = 0;
            whole.push(Field { name: field.name, value: field.value, header: signature });
        }
    }
    for field in whole {
        let (form, hash) = (field.header.cb, HashAlgorithm::from(field.header.a));
        if !message.body_hashes.iter().any(|(c, h, l, _)| *c == form && *h == hash && *l == 0) {
            let made = hash.hash(form.canonical_body(message.raw_body(), 0)).as_ref().to_vec();
            message.body_hashes.push((form, hash, 0, made));
        }
        message.errors.retain(|other| place(other.value) != place(field.value));
        message.dkim_headers.push(field);
    }
    message.dkim_headers.sort_by_key(|field| place(field.value));
}

/// A signature that is none by its form, or of which `l=` signs a part.
fn unreadable(error: &Error) -> DkimCheck {
    let result = match error {
        Error::Dkim(DkimError::SignatureLength) => AuthResult::Policy,
        _ => AuthResult::Neutral,
    };
    failed(result, &error.to_string())
}

fn chain(verifier: &MessageAuthenticator, message: &AuthenticatedMessage<'_>, keys: &Keys) -> Option<ArcCheck> {
    let instances = u32::try_from(message.as_headers.len()).unwrap_or(u32::MAX);
    if message.as_headers.len() > MAX_CHAIN {
        let why = short("more hops than are verified");
        return Some(ArcCheck { result: AuthResult::Fail, instances, why, ..ArcCheck::default() });
    }
    let some = [message.as_headers.len(), message.ams_headers.len(), message.aar_headers.len()];
    if message.ams_headers.is_empty() && some.iter().any(|count| *count > 0) {
        let why = short("fields of a chain without a signature");
        return Some(ArcCheck { result: AuthResult::Fail, instances, why, ..ArcCheck::default() });
    }
    if !message.ams_headers.iter().all(|field| fits(field.value, &field.header.h)) {
        return Some(ArcCheck { result: AuthResult::Fail, instances, why: short(TOO_MUCH), ..ArcCheck::default() });
    }
    let output = at_once(verifier.verify_arc(asked(message, keys)))?;
    let sealer = output.sets().last().map(|set| set.seal.header.d.to_lowercase()).unwrap_or_default();
    let (result, why) = match output.result() {
        DkimResult::Pass => (AuthResult::Pass, String::new()),
        DkimResult::None => (AuthResult::None, String::new()),
        DkimResult::TempError(error) => (AuthResult::TempError, error.to_string()),
        DkimResult::Neutral(error) | DkimResult::Fail(error) | DkimResult::PermError(error) => {
            (AuthResult::Fail, error.to_string())
        }
    };
    let hops = if result == AuthResult::Pass { output.sets().iter().map(hop).collect() } else { Vec::new() };
    Some(ArcCheck { result, instances, sealer: short(sealer), why: short(why), hops })
}

/// What one hop found about the authors.
fn hop(set: &mail_auth::arc::Set<'_>) -> ArcHop {
    let dmarc = statements(set.results.value).into_iter().filter(|it| it.method == "dmarc" && it.result == "pass");
    let authors = dmarc.filter_map(|it| it.property("header.from").map(|domain| canonical(domain).into_owned()));
    ArcHop { sealer: short(set.seal.header.d.to_lowercase()), passed: authors.take(MAX_AUTHORS).map(short).collect() }
}

/// One signature's result in our words.
fn told(output: &DkimOutput<'_>, keys: &Keys) -> DkimCheck {
    let (result, why) = match output.result() {
        DkimResult::Pass => (AuthResult::Pass, String::new()),
        DkimResult::None => (AuthResult::None, String::new()),
        DkimResult::TempError(error) => (AuthResult::TempError, error.to_string()),
        DkimResult::PermError(error) => (AuthResult::PermError, error.to_string()),
        DkimResult::Fail(error) => (AuthResult::Fail, error.to_string()),
        DkimResult::Neutral(error) => {
            let result = match error {
                Error::Dkim(DkimError::FailedBodyHashMatch) => AuthResult::Fail,
                Error::Dkim(DkimError::SignatureExpired | DkimError::SignatureLength) => AuthResult::Policy,
                _ => AuthResult::Neutral,
            };
            (result, error.to_string())
        }
    };
    let check = DkimCheck { result, why: short(why), ..DkimCheck::default() };
    let Some(signature) = output.signature() else { return check };
    let mut check = of(signature, check);
    let bits = match keys.0.get(signature.domain_key().to_lowercase().as_str()) {
        Some(Txt::DomainKey(key)) if signature.a != Algorithm::Ed25519Sha256 => key.p.public_key_bits(),
        _ => usize::MAX,
    };
    check.bits = if bits == usize::MAX { 0 } else { u32::try_from(bits).unwrap_or(0) };
    // With so short a key nothing is verified, so that nobody knows whether it would pass.
    let unverified =
        bits < MIN_BITS && matches!(output.result(), DkimResult::Fail(Error::Crypto(CryptoError::FailedVerification)));
    if (check.result == AuthResult::Pass || unverified)
        && let Some(why) = does_not_count(signature, bits)
    {
        (check.result, check.why) = (AuthResult::Policy, short(why));
    }
    check
}

/// With what a signature says of itself.
fn of(signature: &Signature, check: DkimCheck) -> DkimCheck {
    DkimCheck {
        domain: short(signature.d.to_lowercase()),
        selector: short(signature.s.as_str()),
        identity: short(signature.i.as_str()),
        algorithm: signature.a.name().to_owned(),
        ..check
    }
}

/// Why a signature that verifies does not count.
fn does_not_count(signature: &Signature, bits: usize) -> Option<&'static str> {
    if signature.a == Algorithm::RsaSha1 {
        return Some("SHA-1 does not count (RFC 8301)");
    }
    if bits < MIN_BITS {
        return Some("the key is under 1024 bits (RFC 8301)");
    }
    if !signature.h.iter().any(|name| name.trim().eq_ignore_ascii_case("from")) {
        return Some("From is not signed (RFC 6376 section 5.4)");
    }
    let identity = signature.i.rsplit_once('@').map(|(_, domain)| domain.to_lowercase());
    let domain = signature.d.to_lowercase();
    if !identity.is_none_or(|identity| below(&identity, &domain)) {
        return Some("the identity is of another domain (RFC 6376 section 3.5)");
    }
    None
}
