//! The examination for spam: facts of the message, what the walk saw beside it, and the signs.
//!
//! It works on the top message as its strict reading gives it, after the walk, within fuel of its own
//! (LM-01); on every text of every reading where programs may read it in different ways. A panic in it is
//! `Crashed`: spam is not decided then, everything else is.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use ::engines::spam::facts::mailto;
use ::engines::spam::{Attached, Facts, MAX_DOCUMENTS, MAX_LEADS, Session, examine};
use mail::defect::Ambiguity;
use mail::evidence::{
    Evidence, Extent, FileKind, FindingKind, Look, MAX_ADDRESS, MAX_ADDRESSES, MAX_SIGNS, Origin, SpamSeen,
    UnscannedReason,
};
use mail::graph::{Limits, MAX_READINGS_FACTOR, Message, parse};
use serde::{Deserialize, Serialize};
use unpack::{Budget, decode_xml, unescape_xml, xml_attributes, xml_local};

/// How often the bytes of a message are gone over, at most: decoding, folding, phrases, each sign.
const PASSES: u64 = 8;
/// Most bytes of a part that says where the links of a package lead.
const MAX_RELATIONS: usize = 1024 * 1024;
/// Most words of a text that may be mail addresses.
const MAX_WORDS: usize = 1000;
/// Most objects of a message that signs about attachments see.
const MAX_ATTACHED: usize = 200;

/// How pictures are described.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pictures {
    /// Not at all.
    #[default]
    No,
    /// As they are: for comparing them with known ones.
    Look,
    /// With crops of them, too: for learning them.
    Learn,
    /// With crops of all that may be found, however plain: for forgetting them.
    Forget,
}

/// What an examination for spam is told beside the bytes.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct SpamContext {
    /// The reverse-path, empty for the null sender; `None` where there is no envelope.
    pub mail_from: Option<String>,
    /// The first recipients of the envelope.
    pub recipients: Vec<String>,
    /// Domains that are ours, in lower case.
    pub own_domains: Vec<String>,
    /// When the message came, in seconds since 1970; `None` where that is not known.
    pub now: Option<i64>,
    /// Which attached files are looked at.
    pub extent: Extent,
    /// Other extents, for recipients with other settings (D-21); each is a look of its own.
    pub others: Vec<Extent>,
    /// Look at header and text only, whatever the extents say (OUT-06).
    pub body_only: bool,
    /// What is done about pictures (LM-06).
    pub pictures: Pictures,
    /// Most work, in fuel (LM-01).
    pub fuel: u64,
    /// Give signs that count nothing, too: for fitting.
    pub unrated: bool,
}

impl SpamContext {
    /// Of which kind a document is, if anybody wants its text.
    pub(crate) fn wants(&self, kind: FileKind) -> Option<Kind> {
        let kind = Kind::of(kind).filter(|_| !self.body_only)?;
        std::iter::once(&self.extent).chain(&self.others).any(|extent| kind.is_in(*extent)).then_some(kind)
    }

    /// How far the looks go: the first one, and each other once.
    fn extents(&self) -> Vec<Extent> {
        let mut found = vec![self.extent];
        for extent in &self.others {
            if !found.contains(extent) && !self.body_only {
                found.push(*extent);
            }
        }
        found
    }
}

/// Documents that a setting is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Doc,
    Pdf,
    Rtf,
}

impl Kind {
    fn of(kind: FileKind) -> Option<Self> {
        match kind {
            FileKind::Ole2 | FileKind::Ooxml | FileKind::Odf => Some(Self::Doc),
            FileKind::Pdf => Some(Self::Pdf),
            FileKind::Rtf => Some(Self::Rtf),
            _ => None,
        }
    }

    fn is_in(self, extent: Extent) -> bool {
        match self {
            Self::Doc => extent.doc,
            Self::Pdf => extent.pdf,
            Self::Rtf => extent.rtf,
        }
    }
}

/// What is looked at for spam of the documents of a message.
#[derive(Debug, Default)]
pub(crate) struct Documents {
    /// Texts in the order of the message, of each kind [`MAX_DOCUMENTS`] at most.
    texts: Vec<(Kind, String)>,
    /// Where links of packages lead, which are all of one kind.
    leads: Vec<String>,
    /// The same, in order.
    known: BTreeSet<String>,
    /// Bytes of them.
    size: usize,
    /// Whether there are more of them.
    more: bool,
    /// Kinds of which there is more text.
    more_text: Vec<Kind>,
}

impl Documents {
    /// Keeps text of a document, as far as there is room.
    pub(crate) fn take_text(&mut self, kind: Kind, content: &[u8]) {
        let held: usize = self.texts.iter().filter(|(of, _)| *of == kind).map(|(_, text)| text.len()).sum();
        let room = MAX_DOCUMENTS.saturating_sub(held);
        let text = content.get(..room).unwrap_or(content);
        if text.len() < content.len() && !self.more_text.contains(&kind) {
            self.more_text.push(kind);
        }
        if text.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(text);
        match self.texts.last_mut().filter(|(of, _)| *of == kind) {
            Some((_, last)) => last.extend([&*text, "\n"]),
            None => self.texts.push((kind, [&*text, "\n"].concat())),
        }
    }

    /// How far a look of this extent really goes: no further than there is something in the message.
    fn reached(&self, extent: Extent, evidence: &Evidence) -> Extent {
        let is_there = |kind: Kind| {
            let leads = kind == Kind::Doc && (self.more || !self.leads.is_empty());
            leads || self.texts.iter().any(|(of, _)| *of == kind)
        };
        // What is attached as text has a name, or says that it is attached.
        let mut parts = evidence.objects.iter().skip(1);
        let named = parts.any(|it| it.attachment || it.name.is_some() || !it.other_names.is_empty());
        Extent {
            doc: extent.doc && is_there(Kind::Doc),
            rtf: extent.rtf && is_there(Kind::Rtf),
            pdf: extent.pdf && is_there(Kind::Pdf),
            texts: extent.texts && named,
        }
    }

    /// What is looked at of them for this extent, and whether there is more.
    fn text(&self, extent: Extent) -> (String, bool) {
        let wanted = self.texts.iter().filter(|(kind, _)| kind.is_in(extent));
        let mut text: String = wanted.map(|(_, text)| text.as_str()).collect();
        // Each text has a line end of ours behind it.
        let more = text.len() > MAX_DOCUMENTS.saturating_add(1) || self.more_text.iter().any(|kind| kind.is_in(extent));
        text.truncate(text.floor_char_boundary(MAX_DOCUMENTS));
        (text, more)
    }

    /// Keeps where the links of a package lead (ECMA-376 part 2, section 9.3), each once; nothing of parts that say
    /// nothing about links.
    pub(crate) fn take_leads(&mut self, name: &str, content: &[u8]) {
        let is_relations = name.rsplit('.').next().is_some_and(|end| end.eq_ignore_ascii_case("rels"));
        if !is_relations || self.more {
            return;
        }
        self.more = content.len() > MAX_RELATIONS;
        let text = decode_xml(content.get(..MAX_RELATIONS).unwrap_or(content));
        for tag in text.split('<').skip(1) {
            let Some((name, behind)) = tag.split_once(|c: char| c.is_ascii_whitespace()) else { continue };
            if xml_local(name) != "Relationship" {
                continue;
            }
            let targets = xml_attributes(behind).filter(|(name, _)| xml_local(name) == "Target");
            // Other parts of the package have no scheme.
            for target in targets.map(|(_, target)| unescape_xml(target)).filter(|target| target.contains(':')) {
                if self.known.contains(target.as_ref()) {
                    continue;
                }
                self.size = self.size.saturating_add(target.len());
                if self.size > MAX_LEADS {
                    self.more = true;
                    return;
                }
                self.known.insert(target.to_string());
                self.leads.push(target.into_owned());
            }
        }
    }
}

/// The name of a sign as the catalogue has it; `None` for what is no sign.
pub fn sign_name(id: &str) -> Option<&'static str> {
    ::engines::spam::all().map(|row| row.id).find(|known| *known == id)
}

/// Looks for signs of spam in the message whose walk is over, as far as each of its recipients wants that.
pub(crate) fn look(
    context: &SpamContext,
    raw: &[u8],
    evidence: &mut Evidence,
    documents: &Documents,
    budget: &mut Budget,
) {
    let readings = if evidence.ambiguity > Ambiguity::Cosmetic { MAX_READINGS_FACTOR as u64 } else { 1 };
    let work = (raw.len() as u64).saturating_mul(PASSES).saturating_mul(readings);
    evidence.spam_fuel = work;
    let mut looks = looks(context, &Top::new(raw, evidence), documents, work, budget).into_iter();
    if let Some(look) = looks.next() {
        evidence.take_look(look);
    }
    evidence.other_looks = looks.collect();
}

/// A look for each extent that somebody wants, in their order. Those that would see the same are one.
fn looks(context: &SpamContext, top: &Top<'_>, documents: &Documents, work: u64, budget: &mut Budget) -> Vec<Look> {
    let (mut reached, mut found): (Vec<Extent>, Vec<Look>) = (Vec::new(), Vec::new());
    for extent in context.extents() {
        let far = documents.reached(extent, top.evidence);
        let same = reached.iter().position(|known| *known == far).and_then(|at| found.get(at));
        let look = match same {
            Some(look) => look.clone(),
            None if work > context.fuel || budget.burn(work).is_err() => unseen(extent, SpamSeen::OutOfTime),
            None => look_once(context, far, top, documents),
        };
        reached.push(far);
        found.push(Look { extent, ..look });
    }
    found
}

fn look_once(context: &SpamContext, extent: Extent, top: &Top<'_>, documents: &Documents) -> Look {
    let (text, more_documents) = documents.text(extent);
    let session = Session {
        mail_from: context.mail_from.clone(),
        recipients: context.recipients.clone(),
        own_domains: context.own_domains.clone(),
        now: context.now,
        documents: text,
        leads: if extent.doc { documents.leads.clone() } else { Vec::new() },
        more_leads: extent.doc && documents.more,
        more_documents,
        texts: extent.texts,
        body_only: context.body_only,
    };
    let look = crate::walk::caught(|| {
        let (message, attached) = top.read();
        let facts = Facts::of(message, attached.clone(), session);
        let mut signs = examine(&facts, context.unrated);
        signs.truncate(MAX_SIGNS);
        let addresses = addresses(&facts);
        Look { extent, seen: SpamSeen::Signs(signs), hosts: facts.hosts, urls: facts.urls, addresses }
    });
    look.unwrap_or_else(|| unseen(extent, SpamSeen::Crashed))
}

/// A look that did not come to its end.
fn unseen(extent: Extent, seen: SpamSeen) -> Look {
    Look { extent, seen, hosts: Vec::new(), urls: Vec::new(), addresses: Vec::new() }
}

/// The message that is looked at.
struct Top<'a> {
    raw: &'a [u8],
    evidence: &'a Evidence,
    /// What all looks see of it, read by the first one.
    read: OnceCell<(Message<'a>, Vec<Attached>)>,
}

impl<'a> Top<'a> {
    fn new(raw: &'a [u8], evidence: &'a Evidence) -> Self {
        Self { raw, evidence, read: OnceCell::new() }
    }

    fn read(&self) -> &(Message<'a>, Vec<Attached>) {
        self.read.get_or_init(|| (read(self.raw, self.evidence.ambiguity), attached(self.evidence)))
    }
}

/// Mail addresses that the message wants to be written to, and the author's, for lists; each once:
/// [`MAX_ADDRESSES`], and one more where there are more.
fn addresses(facts: &Facts) -> Vec<String> {
    let written = facts.from.iter().chain(&facts.reply_to).map(|mailbox| mailbox.address.as_str());
    let linked = facts.links.iter().filter(|link| link.scheme == "mailto");
    let all = written.flat_map(mailto::in_text).chain(linked.flat_map(|link| mailto::written_to(&link.raw)));
    let mut found: Vec<String> = Vec::new();
    for address in all.chain(mailto::in_text(facts.shown()).take(MAX_WORDS)) {
        if address.len() <= MAX_ADDRESS && !found.contains(&address) && found.len() <= MAX_ADDRESSES {
            found.push(address);
        }
    }
    found
}

/// The message as its strict reading gives it: what an ordinary mail program shows. Where programs differ,
/// with what any of them shows.
fn read(raw: &[u8], ambiguity: Ambiguity) -> Message<'_> {
    parse(raw, &Limits { readings: ambiguity > Ambiguity::Cosmetic, ..Limits::default() })
}

/// The objects that are files, as the walk saw them.
fn attached(evidence: &Evidence) -> Vec<Attached> {
    let encrypted = |at: usize| {
        evidence.findings.iter().any(|finding| {
            finding.object.0 as usize == at
                && finding.kind == (FindingKind::Unscanned { reason: UnscannedReason::Encrypted })
        })
    };
    let files = evidence.objects.iter().enumerate().skip(1);
    let files = files.filter(|(_, object)| object.attachment || object.name.is_some());
    files
        .take(MAX_ATTACHED)
        .map(|(at, object)| Attached {
            name: object.name.as_ref().map(|name| name.raw().clone()).unwrap_or_default(),
            kind: object.kind,
            declared: object.declared.as_ref().map(|declared| declared.raw().clone()).unwrap_or_default(),
            size: object.size,
            attachment: object.attachment,
            inside: matches!(object.origin, Origin::Member(_)),
            encrypted: encrypted(at),
        })
        .collect()
}
