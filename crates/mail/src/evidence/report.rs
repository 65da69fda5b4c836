//! Evidence as a worker sends it, and the closed report that decisions are made from.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use super::{
    AuthResult, Authentication, Coverage, EngineId, Extent, Finding, FindingKind, Look, MAX_EVIDENCE, MAX_NAME,
    MAX_SIGNS, Memory, Object, ObjectId, Origin, Picture, ReverseCheck, Seen, Sign, SignGroup, SpamSeen, Standing,
    Unable, UnableWhy, UnscannedReason,
};
use crate::defect::Ambiguity;
use crate::untrusted::Untrusted;

/// Most objects in one report.
pub const MAX_OBJECTS: usize = 100_000;
/// Most findings in one report; what is found beyond it ends the examination as a limit.
pub const MAX_FINDINGS: usize = 10_000;
/// Most hosts of links that are kept.
pub const MAX_HOSTS: usize = 20;
/// Most addresses of the web that lists are asked about. One more is kept, where there are more.
pub const MAX_URLS: usize = 20;
/// Longest of them, in bytes: a host, a port, and 2,000 bytes of path and query.
pub const MAX_URL: usize = 2_300;
/// Most mail addresses that lists are asked about. One more is kept, where there are more.
pub const MAX_ADDRESSES: usize = 10;
/// Longest of them (RFC 5321, 4.5.3.1.3).
pub const MAX_ADDRESS: usize = 254;
/// Most authors that are kept.
pub const MAX_NAMED: usize = 20;
/// Longest host, in bytes.
const MAX_HOST: usize = 253;
/// Most defects that are kept of one object.
const MAX_DEFECTS: usize = 1_000;

/// What the header says, for people, lists and the log; never for deciding who really sent it.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Subject, decoded.
    pub subject: Option<Untrusted<String>>,
    /// From, as written, decoded.
    pub from: Option<Untrusted<String>>,
    /// To, as written, decoded.
    pub to: Option<Untrusted<String>>,
    /// Cc, as written, decoded.
    pub cc: Option<Untrusted<String>>,
    /// Date, as written.
    pub date: Option<Untrusted<String>>,
    /// Message-ID, as written.
    pub message_id: Option<Untrusted<String>>,
    /// Who is named as its author, the first [`MAX_NAMED`]: of every From field, whatever of it programs show.
    pub authors: Vec<Named>,
    /// The registered domains and addresses that links lead to, [`MAX_HOSTS`] at most, each once.
    pub hosts: Vec<String>,
    /// Where links lead, each once and in one form (`engines::spam::facts::url`): `host/path?query`, the first
    /// [`MAX_URLS`], and one more.
    pub urls: Vec<String>,
    /// What its pictures look like, the first [`MAX_PICTURES`](super::MAX_PICTURES).
    pub pictures: Vec<Picture>,
    /// Mail addresses of the author, of Reply-To and of the text, in small letters: the first [`MAX_ADDRESSES`]
    /// and one more, each once.
    pub addresses: Vec<String>,
}

/// A mailbox of From, decoded.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Named {
    /// The name that stands in front of the address; empty where there is none.
    pub name: Untrusted<String>,
    /// The comment beside it, which programs show where there is no name; empty where there is none.
    pub comment: Untrusted<String>,
    /// The address as written; what stands there may be none.
    pub address: Untrusted<String>,
}

/// What was seen so far; from a worker it is untrusted until [`Evidence::validate`] has passed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Evidence {
    /// The objects; the first is the root, and a parent stands before its children.
    pub objects: Vec<Object>,
    /// What was found.
    pub findings: Vec<Finding>,
    /// Engines that could not look at the message as a whole.
    pub unable: Vec<Unable>,
    /// The worst that the readings of the message give.
    pub ambiguity: Ambiguity,
    /// What its header says.
    pub facts: Facts,
    /// What speaks for spam, bulk mail or an automatic notice.
    pub spam: SpamSeen,
    /// The same, and what it takes from `facts`, for recipients for whom a look goes another way; each extent once.
    pub other_looks: Vec<Look>,
    /// Work that one look for spam takes, in the same units.
    pub spam_fuel: u64,
    /// Work done, in the budget's units of fuel.
    pub fuel: u64,
}

/// What is wrong with evidence that a worker sent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum EvidenceError {
    /// There is no root, or there are more than [`MAX_OBJECTS`] objects.
    Objects,
    /// An object's parent does not stand before it, or its depth is not its parent's plus one.
    Parent,
    /// A name, text or list is longer than its limit.
    TooLong,
    /// A span lies outside its object.
    Span,
    /// A finding names an object that does not exist, or there are more than [`MAX_FINDINGS`].
    Finding,
}

impl std::fmt::Display for EvidenceError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Objects => "no root object, or too many objects",
            Self::Parent => "an object does not stand after its parent",
            Self::TooLong => "a text or list is over its limit",
            Self::Span => "a span lies outside its object",
            Self::Finding => "a finding names no object, or there are too many",
        })
    }
}

impl std::error::Error for EvidenceError {}

impl Evidence {
    /// Checks everything that later code relies on: ids, parents, spans, lengths.
    ///
    /// # Errors
    /// The first thing that is wrong. Evidence that fails is not used at all.
    pub fn validate(&self) -> Result<(), EvidenceError> {
        if self.objects.is_empty() || self.objects.len() > MAX_OBJECTS {
            return Err(EvidenceError::Objects);
        }
        for (at, object) in self.objects.iter().enumerate() {
            self.validate_object(at, object)?;
        }
        if self.findings.len() > MAX_FINDINGS || self.unable.len() > MAX_FINDINGS {
            return Err(EvidenceError::Finding);
        }
        for finding in &self.findings {
            let object = self.objects.get(finding.object.0 as usize).ok_or(EvidenceError::Finding)?;
            if finding.span.is_some_and(|span| !span.fits(object.size as usize)) {
                return Err(EvidenceError::Span);
            }
            if finding.evidence.raw().len() > MAX_EVIDENCE || !is_token(&finding.kind) {
                return Err(EvidenceError::TooLong);
            }
        }
        let texts = self.facts.texts().chain(self.unable.iter().map(|u| &u.detail));
        if texts.into_iter().any(|text| text.raw().len() > 4 * MAX_NAME)
            || !self.spam.is_valid()
            || !self.facts.pictures_are_valid()
            || self.other_looks.len() >= Extent::COUNT
            || !self.other_looks.iter().all(|look| look.seen.is_valid())
            || !self.links().all(Links::is_valid)
            || self.facts.authors.len() > MAX_NAMED
        {
            return Err(EvidenceError::TooLong);
        }
        Ok(())
    }

    fn validate_object(&self, at: usize, object: &Object) -> Result<(), EvidenceError> {
        match object.parent {
            None if at == 0 && object.depth == 0 => {}
            Some(ObjectId(parent)) if (parent as usize) < at => {
                let parent = self.objects.get(parent as usize).ok_or(EvidenceError::Parent)?;
                if object.depth != parent.depth.saturating_add(1) {
                    return Err(EvidenceError::Parent);
                }
            }
            _ => return Err(EvidenceError::Parent),
        }
        let long = |text: &Untrusted<String>| text.raw().len() > MAX_NAME;
        if object.part.len() > MAX_NAME
            || object.name.as_ref().is_some_and(long)
            || object.declared.as_ref().is_some_and(long)
            || object.other_names.len() > 64
            || object.other_names.iter().any(long)
            || object.defects.len() > MAX_DEFECTS
            || object.coverage.len() > 64
        {
            return Err(EvidenceError::TooLong);
        }
        Ok(())
    }

    /// What each look for spam saw that services outside may be asked about.
    pub fn links(&self) -> impl Iterator<Item = Links<'_>> {
        let Facts { hosts, urls, addresses, .. } = &self.facts;
        let others = self.other_looks.iter();
        let others = others.map(|look| Links { hosts: &look.hosts, urls: &look.urls, addresses: &look.addresses });
        std::iter::once(Links { hosts, urls, addresses }).chain(others)
    }

    /// Makes a look for spam the one that counts, whatever extent it has.
    pub fn take_look(&mut self, look: Look) {
        let Look { extent: _, seen, hosts, urls, addresses } = look;
        self.spam = seen;
        (self.facts.hosts, self.facts.urls, self.facts.addresses) = (hosts, urls, addresses);
    }

    /// Closes the evidence: every object × required engine that nobody accounted for becomes
    /// [`UnableWhy::NotRun`], and every engine that could not look becomes a finding. Findings are
    /// sorted and made unique, so that the order of engines changes nothing.
    pub fn close(mut self, required: &[EngineId]) -> Report {
        for object in &mut self.objects {
            for engine in required {
                if !object.coverage.iter().any(|c| c.engine == *engine) {
                    object.coverage.push(Coverage { engine: *engine, seen: Seen::Unable(UnableWhy::NotRun) });
                }
            }
            object.coverage.sort();
        }
        self.unable.sort();
        self.unable.dedup();
        self.add_failures();
        self.findings.sort();
        self.findings.dedup();
        Report { evidence: self, auth: None, memory: None, standing: None }
    }

    /// A failed engine is a finding of its own: it never reads as "clean".
    fn add_failures(&mut self) {
        let failed = |object, engine, text: String| Finding {
            object,
            kind: FindingKind::Unscanned { reason: UnscannedReason::EngineFailed },
            engine,
            span: None,
            evidence: Untrusted::new(text),
        };
        let mut found = Vec::new();
        for (at, object) in self.objects.iter().enumerate() {
            for coverage in &object.coverage {
                if let Seen::Unable(why) = coverage.seen {
                    found.push(failed(ObjectId(at as u32), coverage.engine, why.name().to_owned()));
                }
            }
        }
        for unable in &self.unable {
            found.push(failed(ObjectId(0), unable.engine, unable.why.name().to_owned()));
        }
        self.findings.append(&mut found);
    }
}

/// Names that a worker wrote are tokens, or the evidence is refused.
fn is_token(kind: &FindingKind) -> bool {
    match kind {
        FindingKind::Malware { name, kind, certainty } => {
            FindingKind::malware(name, kind, *certainty)
                == (FindingKind::Malware { name: name.clone(), kind: kind.clone(), certainty: *certainty })
        }
        FindingKind::Unscanned { .. } | FindingKind::Active { .. } | FindingKind::Opened { .. } => true,
    }
}

/// Whether hosts are what a DNS name can hold: a worker may have written anything.
fn hosts_are_valid(hosts: &[String]) -> bool {
    let plain = |host: &String| {
        !host.is_empty() && host.len() <= MAX_HOST && !host.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    hosts.len() <= MAX_HOSTS && hosts.iter().all(plain)
}

/// Whether addresses of the web are short plain words with a path.
fn urls_are_valid(urls: &[String]) -> bool {
    let plain = |url: &String| {
        url.contains('/') && url.len() <= MAX_URL && !url.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    urls.len() <= MAX_URLS.saturating_add(1) && urls.iter().all(plain)
}

/// Whether mail addresses are short plain words.
fn addresses_are_valid(addresses: &[String]) -> bool {
    let plain = |address: &String| {
        address.contains('@')
            && address.len() <= MAX_ADDRESS
            && !address.chars().any(|c| c.is_control() || c.is_whitespace())
    };
    addresses.len() <= MAX_ADDRESSES.saturating_add(1) && addresses.iter().all(plain)
}

impl Facts {
    /// Whether there are no more pictures, views and bytes of copies than there may be.
    fn pictures_are_valid(&self) -> bool {
        let fits = |it: &Picture| it.views.len() <= super::MAX_VIEWS && it.copy.len() <= super::COPY_BYTES;
        self.pictures.len() <= super::MAX_PICTURES && self.pictures.iter().all(fits)
    }

    fn texts(&self) -> impl Iterator<Item = &Untrusted<String>> {
        let one = [&self.subject, &self.from, &self.to, &self.cc, &self.date, &self.message_id].into_iter().flatten();
        one.chain(self.authors.iter().flat_map(|author| [&author.name, &author.comment, &author.address]))
    }
}

/// What one look for spam saw that services outside may be asked about.
#[derive(Clone, Copy, Debug)]
pub struct Links<'a> {
    /// As [`Facts::hosts`].
    pub hosts: &'a [String],
    /// As [`Facts::urls`].
    pub urls: &'a [String],
    /// As [`Facts::addresses`].
    pub addresses: &'a [String],
}

impl Links<'_> {
    /// Whether they are few, short and plain: a worker may have written anything.
    fn is_valid(self) -> bool {
        hosts_are_valid(self.hosts) && urls_are_valid(self.urls) && addresses_are_valid(self.addresses)
    }
}

/// A closed report: what decisions are made from. Made only by [`Evidence::close`].
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    evidence: Evidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth: Option<Box<Authentication>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<Memory>,
    #[serde(skip_serializing_if = "Option::is_none")]
    standing: Option<Box<Standing>>,
}

impl Report {
    /// The same report for recipients for whom a look for spam goes so far, and may take so much work (LM-01, D-21).
    pub fn looked_at(mut self, extent: Extent, most: u64) -> Self {
        let evidence = &mut self.evidence;
        let others = std::mem::take(&mut evidence.other_looks);
        if let Some(look) = others.into_iter().find(|look| look.extent == extent) {
            evidence.take_look(look);
        }
        if evidence.spam != SpamSeen::NotAsked && evidence.spam_fuel > most {
            evidence.spam = SpamSeen::OutOfTime;
        }
        self
    }

    /// The same report with what was found out about where the message comes from.
    pub fn with_auth(mut self, auth: Option<Authentication>) -> Self {
        self.auth = auth.map(Box::new);
        self
    }

    /// The same report with what our own memory says.
    pub fn with_memory(mut self, memory: Option<Memory>) -> Self {
        self.memory = memory;
        self
    }

    /// What our own memory says; `None` if nobody asked it.
    pub fn memory(&self) -> Option<&Memory> {
        self.memory.as_ref()
    }

    /// The same report with how its recipients stand.
    pub fn with_standing(mut self, standing: Standing) -> Self {
        self.standing = Some(standing).filter(|standing| *standing != Standing::default()).map(Box::new);
        self
    }

    /// The same report with signs of spam from what services outside said. Where the examination for spam
    /// did not come to its end they say nothing.
    pub fn with_signs(mut self, signs: Vec<Sign>) -> Self {
        if let SpamSeen::Signs(seen) = &mut self.evidence.spam {
            seen.extend(signs);
            seen.sort();
            seen.dedup();
            seen.truncate(MAX_SIGNS);
        }
        self
    }

    /// The same report with what services outside said about another form of the same message.
    pub fn with_answers_of(self, other: &Self) -> Self {
        let network = other.spam().signs().iter().filter(|sign| sign.group == SignGroup::Network);
        let known = self.with_auth(other.auth.as_deref().cloned()).with_memory(other.memory().cloned());
        let known = known.with_standing(other.standing().cloned().unwrap_or_default());
        known.with_signs(network.cloned().collect())
    }

    /// How the recipients stand: what lists of senders and recipients say; `None` if that is nothing.
    pub fn standing(&self) -> Option<&Standing> {
        self.standing.as_deref()
    }

    /// What was found out about where the message comes from; `None` if nobody asked, or only for the name of the
    /// address.
    pub fn auth(&self) -> Option<&Authentication> {
        self.auth.as_deref().filter(|auth| !auth.reverse_only)
    }

    /// The client's address and what was found out about its name; `None` if nobody asked for that.
    pub fn reverse(&self) -> Option<(IpAddr, &ReverseCheck)> {
        let auth = self.auth.as_deref().filter(|auth| auth.reverse.result != AuthResult::None)?;
        Some((auth.ip?, &auth.reverse))
    }

    /// Everything that was seen.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }

    /// The objects.
    pub fn objects(&self) -> &[Object] {
        &self.evidence.objects
    }

    /// One object.
    pub fn object(&self, id: ObjectId) -> Option<&Object> {
        self.evidence.objects.get(id.0 as usize)
    }

    /// What was found, sorted.
    pub fn findings(&self) -> &[Finding] {
        &self.evidence.findings
    }

    /// What speaks for spam, bulk mail or an automatic notice.
    pub fn spam(&self) -> &SpamSeen {
        &self.evidence.spam
    }

    /// What its header says.
    pub fn facts(&self) -> &Facts {
        &self.evidence.facts
    }

    /// Whether nothing was found: no malware, and nothing left unscanned, no reading of it either.
    pub fn is_clean(&self) -> bool {
        let verdict = self.evidence.findings.iter().any(|finding| finding.kind.is_verdict());
        !verdict && self.evidence.ambiguity != Ambiguity::TooAmbiguous
    }

    /// The way from the root to an object, as people read it: part numbers, names of archives and
    /// members (`["2", "invoice.zip", "setup.exe"]`); the root itself is `["message"]`, or its own
    /// name where it has one.
    pub fn path(&self, id: ObjectId) -> Vec<Untrusted<String>> {
        let mut path = Vec::new();
        let mut next = Some(id);
        // Parents stand before their children, so this ends.
        while let Some(object) = next.and_then(|id| self.object(id)) {
            path.extend(steps(object).into_iter().rev());
            next = object.parent;
        }
        path.reverse();
        if path.is_empty() {
            path.push(Untrusted::new("message".to_owned()));
        }
        path
    }

    /// The path as one line that is safe to show: `2 » invoice.zip » setup.exe`.
    pub fn node(&self, id: ObjectId) -> String {
        let steps: Vec<String> = self.path(id).iter().map(|step| step.escaped(120)).collect();
        steps.join(" » ")
    }

    /// The object of the top message that holds `id` and can be edited: the nearest ancestor (or
    /// itself) that is an entity.
    pub fn editable(&self, id: ObjectId) -> Option<ObjectId> {
        let mut next = Some(id);
        while let Some(at) = next {
            let object = self.object(at)?;
            match object.origin {
                Origin::Entity(_) | Origin::Root => return Some(at),
                Origin::Member(_) => next = object.parent,
            }
        }
        None
    }
}

/// What one object adds to a path. A part nested in a multipart already carries its whole number,
/// so the multipart above it adds nothing.
fn steps(object: &Object) -> Vec<Untrusted<String>> {
    if matches!(object.kind, super::FileKind::Multipart) {
        return Vec::new();
    }
    match object.origin {
        Origin::Root => object.name.iter().cloned().collect(),
        Origin::Entity(_) => {
            let number = Untrusted::new(object.part.clone());
            std::iter::once(number).chain(object.name.iter().cloned()).collect()
        }
        Origin::Member(at) => {
            let name = object.name.clone().unwrap_or_else(|| {
                Untrusted::new(if object.part.is_empty() { format!("#{}", at + 1) } else { object.part.clone() })
            });
            vec![name]
        }
    }
}
