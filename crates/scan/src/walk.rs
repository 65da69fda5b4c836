//! The walk: object by object, depth first, on a stack of open containers.
//!
//! Each object is entered into the table, hashed, detected, shown to the engines and opened; the
//! bytes of a leaf are freed at once, those of a container when its last member is done. Limits end
//! a container, not the walk: what encloses it goes on as far as the budget allows, and says itself
//! when that is not to its end. A panic of a decoder ends its container in the same way.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use ::engines::ObjectView;
use mail::defect::Ambiguity;
use mail::evidence::{
    EngineId, Evidence, Facts, FileKind, FindingKind, MAX_EVIDENCE, MAX_OBJECTS, Object, ObjectId, Origin,
    PasswordSource, Role, Seen, UnableWhy, UnscannedReason,
};
use mail::graph::looks_like_message;
use mail::span::MAX_BUFFER;
use mail::untrusted::Untrusted;
use sha2::{Digest, Sha256};
use unpack::{Beside, Budget, Container, Fence, Limit, Limits, Member, Opening, StopFlag};

use crate::context::{Context, Input};
use crate::engines::Engines;
use crate::gallery::Gallery;
use crate::look::{Looks, Scope, out_of_time};
use crate::spam::{Documents, Kind};
use crate::table::{Table, object_of, reason_text};

/// Largest text in an archive that is kept because it may tell a password, in bytes.
const MAX_HINT: usize = 4096;

/// An open container.
struct Frame<'a> {
    object: ObjectId,
    bytes: Cow<'a, [u8]>,
    container: Box<dyn Container>,
    /// Its members, by their numbers.
    members: BTreeMap<u32, ObjectId>,
    /// The time limit of an archive, to be lifted when it is done.
    fence: Option<Fence>,
}

struct Walk<'a> {
    engines: &'a Engines,
    context: &'a Context,
    budget: Budget,
    table: Table,
    looks: Looks,
    /// For each object, how deep it is nested. Unlike its depth in the table, multiparts do not count.
    levels: Vec<u16>,
    frames: Vec<Frame<'a>>,
    /// Contents that hold nothing, by their hash and the ways in which they were read: what several
    /// readings or members show is read once.
    leaves: BTreeSet<([u8; 32], FileKind, Beside)>,
    /// Text and links of documents, where they are looked at for spam.
    documents: Documents,
    /// What pictures look like, where they are compared with known ones.
    pictures: Gallery,
}

/// Walks everything and gives what was seen.
pub(crate) fn walk(engines: &Engines, raw: &[u8], context: &Context, stop: &StopFlag) -> Evidence {
    let most = u32::try_from(MAX_OBJECTS).unwrap_or(u32::MAX);
    let limits = Limits { objects: context.limits.objects.min(most), ..context.limits };
    let evidence = Evidence {
        objects: Vec::new(),
        findings: Vec::new(),
        unable: engines.incomplete.clone(),
        ambiguity: Ambiguity::None,
        facts: Facts::default(),
        spam: mail::evidence::SpamSeen::default(),
        other_looks: Vec::new(),
        spam_fuel: 0,
        fuel: 0,
    };
    let mut walk = Walk {
        engines,
        context,
        budget: Budget::new(limits, stop.clone()).with_passwords(engines.passwords.clone()),
        table: Table::new(evidence),
        looks: Looks::default(),
        levels: Vec::new(),
        frames: Vec::new(),
        leaves: BTreeSet::new(),
        documents: Documents::default(),
        pictures: Gallery::default(),
    };
    walk.root(raw);
    while let Some(frame) = walk.frames.pop() {
        walk.step(frame);
    }
    let mut evidence = walk.table.evidence;
    let is_message = evidence.objects.first().is_some_and(|object| object.kind == FileKind::Message);
    if let Some(spam) = context.spam.as_ref().filter(|_| is_message && raw.len() <= MAX_BUFFER) {
        crate::spam::look(spam, raw, &mut evidence, &walk.documents, &mut walk.budget);
        evidence.facts.pictures = walk.pictures.into_seen();
    }
    evidence.fuel = walk.budget.fuel_used();
    evidence
}

impl<'a> Walk<'a> {
    fn root(&mut self, raw: &'a [u8]) {
        let kind = match self.context.input {
            Input::Message => FileKind::Message,
            Input::Detect => {
                caught(|| unpack::detect_named(raw, self.context.name.as_deref())).unwrap_or(FileKind::Unknown)
            }
        };
        let name = self.context.name.clone().filter(|_| self.context.input == Input::Detect);
        let is_file = self.context.input == Input::Detect;
        let mut object = Object {
            parent: None,
            origin: Origin::Root,
            depth: 0,
            part: String::new(),
            name: name.map(Untrusted::new),
            other_names: Vec::new(),
            declared: self.context.declared.clone().filter(|_| is_file).map(Untrusted::new),
            attachment: false,
            kind,
            role: Role::File,
            opened_with: None,
            size: raw.len() as u64,
            sha256: Sha256::digest(raw).into(),
            defects: Vec::new(),
            coverage: Vec::new(),
        };
        if is_file && kind == FileKind::Text {
            object.kind = shown_as(&object).unwrap_or(kind);
        }
        if kind == FileKind::Message && raw.len() <= MAX_BUFFER {
            self.read_header(raw);
        }
        let entered = self.budget.enter_object(0);
        let id = self.table.add(object);
        self.levels.push(0);
        self.table.cover(id, EngineId::Unpack, Seen::Examined);
        if let Err(limit) = entered {
            self.unscanned(id, limit.into());
        }
        if raw.len() > MAX_BUFFER {
            self.unscanned(id, UnscannedReason::LimitBytes);
            return;
        }
        if let Some(name) = self.context.name.as_deref().filter(|_| self.context.input == Input::Detect) {
            self.budget.hint_name(name);
        }
        let is_message = kind == FileKind::Message && looks_like_message(raw);
        let scope = if is_message { Scope::Hashes } else { Scope::All };
        let frame = self.examine(id, Cow::Borrowed(raw), scope, true);
        self.frames.extend(frame);
    }

    /// What is said about the top message as a whole.
    fn read_header(&mut self, raw: &[u8]) {
        let read = caught(|| {
            // Its container reads it in every way; the strict one is enough here.
            let strict = mail::graph::Limits { readings: false, ..mail::graph::Limits::default() };
            let message = mail::graph::parse(raw, &strict);
            (message.facts(), message.ambiguity())
        });
        // A panic happens again when the message is opened, and is reported there.
        if let Some((facts, ambiguity)) = read {
            self.table.evidence.facts = facts;
            self.table.evidence.ambiguity = ambiguity;
        }
    }

    /// Takes the next member of a container, and puts the container back if there may be more.
    fn step(&mut self, mut frame: Frame<'a>) {
        if self.table.is_full() {
            self.unscanned(frame.object, UnscannedReason::LimitObjects);
            return self.close(frame);
        }
        let budget = &mut self.budget;
        match caught(|| frame.container.next(&frame.bytes, budget)) {
            Some(Some(member)) => match self.member(&mut frame, member) {
                Ok(Some(inner)) => {
                    self.frames.push(frame);
                    self.frames.push(inner);
                }
                Ok(None) => self.frames.push(frame),
                Err(limit) => {
                    self.unscanned(frame.object, limit.into());
                    self.close(frame);
                }
            },
            Some(None) => {
                for reason in frame.container.problems().to_vec() {
                    self.unscanned(frame.object, reason);
                }
                self.close(frame);
            }
            None => {
                self.table.cover(frame.object, EngineId::Unpack, Seen::Unable(UnableWhy::Crashed));
                self.close(frame);
            }
        }
    }

    fn close(&mut self, frame: Frame<'a>) {
        if let Some(fence) = frame.fence {
            self.budget.unfence(fence);
        }
    }

    /// One member: into the table, to the engines, opened. An error ends its container.
    fn member(&mut self, frame: &mut Frame<'a>, mut member: Member) -> Result<Option<Frame<'a>>, Limit> {
        let holder = match member.parent {
            None => frame.object,
            Some(index) => match frame.members.get(&index) {
                Some(holder) => *holder,
                // What holds it was too deep, as was said there.
                None => return Ok(None),
            },
        };
        let Some(above) = self.table.object(holder) else { return Ok(None) };
        let (depth, in_multipart) = (above.depth.saturating_add(1), above.kind == FileKind::Multipart);
        let level = self.levels.get(holder.0 as usize).copied().unwrap_or(0);
        let level = if in_multipart { level } else { level.saturating_add(1) };
        match self.budget.enter_object(level) {
            Err(Limit::Depth) => {
                self.unscanned(holder, UnscannedReason::LimitDepth);
                return Ok(None);
            }
            entered => entered?,
        }
        let index = member.index;
        let id = self.enter(frame, &mut member, holder, depth);
        self.levels.push(level);
        frame.members.insert(index, id);
        self.hint(id, &member.content);
        self.document(holder, id, &member);
        for reason in &member.problems {
            self.unscanned(id, *reason);
        }
        self.signs(id, &member);
        let scope = match member.kind {
            Some(FileKind::Multipart) => Scope::None,
            Some(FileKind::Message) => Scope::Hashes,
            _ => Scope::All,
        };
        if member.kind.is_some() {
            // Its own members follow in this container.
            self.look(id, &member.content, scope);
            return Ok(None);
        }
        let outermost = frame.fence.is_none() && self.frames.iter().all(|frame| frame.fence.is_none());
        Ok(self.examine(id, Cow::Owned(member.content), scope, outermost))
    }

    /// Keeps what stands beside an archive and may tell its password: names, and small texts.
    fn hint(&mut self, id: ObjectId, content: &[u8]) {
        let Some(object) = self.table.object(id).filter(|object| matches!(object.origin, Origin::Member(_))) else {
            return;
        };
        if let Some(name) = &object.name {
            self.budget.hint_name(name.raw());
        }
        if object.kind == FileKind::Text && content.len() <= MAX_HINT {
            self.budget.hint_text(&String::from_utf8_lossy(content));
        }
    }

    /// Keeps the text of a document that is looked at for spam (LM-04, LM-05), and where its links lead.
    fn document(&mut self, holder: ObjectId, id: ObjectId, member: &Member) {
        let Some(spam) = self.context.spam.as_ref() else { return };
        let Some(kind) = self.table.object(holder).and_then(|object| spam.wants(object.kind)) else { return };
        match member.role {
            Role::Text => self.documents.take_text(kind, &member.content),
            Role::File if kind == Kind::Doc => {
                let name = self.table.object(id).and_then(|object| object.name.as_ref());
                self.documents.take_leads(name.map_or("", |name| name.raw()), &member.content);
            }
            _ => {}
        }
    }

    /// What a member's role and its password say.
    fn signs(&mut self, id: ObjectId, member: &Member) {
        if let Role::Active(what) = member.role {
            let text = String::from_utf8_lossy(member.content.get(..MAX_EVIDENCE).unwrap_or(&member.content));
            self.table.find(id, EngineId::Unpack, FindingKind::Active { what }, None, &text);
        }
        if let Some(with) = member.opened_with.filter(|with| *with != PasswordSource::Empty) {
            let text = match with {
                PasswordSource::Message => "encrypted, with a password that stands in the message",
                _ => "encrypted, with a password of the configured list",
            };
            self.table.find(id, EngineId::Unpack, FindingKind::Opened { with }, None, text);
        }
    }

    /// A member's row in the table.
    fn enter(&mut self, frame: &Frame<'a>, member: &mut Member, holder: ObjectId, depth: u16) -> ObjectId {
        let mut object = object_of(member, holder, depth);
        // Only entities of the top message can be edited; it is object 0.
        if frame.object == ObjectId(0) {
            object.origin = member.entity.map_or(object.origin, Origin::Entity);
            // Parsing knows of the structure's defects, decoding of the bodies'. That there is another
            // reading is one of the structure's; how well it can be decoded adds nothing.
            let worst = object.defects.iter().map(|defect| defect.code.ambiguity()).max().unwrap_or_default();
            if !member.hidden {
                self.table.evidence.ambiguity = self.table.evidence.ambiguity.max(worst);
            }
        }
        let content = member.content.as_slice();
        object.kind = match member.kind {
            Some(kind) => kind,
            None => {
                let detected = caught(|| unpack::detect_named(content, names(&object))).unwrap_or(FileKind::Unknown);
                // A text is what its reader is told that it is.
                shown_as(&object).filter(|_| detected == FileKind::Text).unwrap_or(detected)
            }
        };
        let volume = object.kind == FileKind::Unknown && is_volume(&object);
        if object.kind != FileKind::Multipart {
            object.sha256 = Sha256::digest(content).into();
        }
        let id = self.table.add(object);
        self.table.cover(id, EngineId::Unpack, Seen::Examined);
        if volume {
            self.unscanned(id, UnscannedReason::Volume);
        }
        id
    }

    /// Shows an object to the engines and opens it. `fenced`: an archive gets its time limit.
    fn examine(&mut self, id: ObjectId, bytes: Cow<'a, [u8]>, scope: Scope, fenced: bool) -> Option<Frame<'a>> {
        let object = self.table.object(id)?;
        let (kind, sha256) = (object.kind, object.sha256);
        let over = |max: u64| kind.is_archive() && object.size > max;
        if self.context.archive_max_size.is_some_and(over) {
            for engine in self.engines.inside() {
                self.table.cover(id, engine, Seen::Excluded);
            }
            self.unscanned(id, UnscannedReason::SizeExcluded);
            return None;
        }
        self.look(id, &bytes, scope);
        if let Some(spam) = self.context.spam.as_ref().filter(|_| kind == FileKind::Image) {
            self.pictures.look(&bytes, sha256, spam, &mut self.budget);
        }
        let fuel = self.context.archive_fuel.filter(|_| kind.is_archive() && fenced);
        let fence = fuel.map(|fuel| self.budget.fence(fuel));
        match self.open(id, kind, &bytes) {
            Some(container) => Some(Frame { object: id, bytes, container, members: BTreeMap::new(), fence }),
            None => {
                if let Some(fence) = fence {
                    self.budget.unfence(fence);
                }
                None
            }
        }
    }

    fn look(&mut self, id: ObjectId, bytes: &[u8], scope: Scope) {
        let Some(object) = self.table.object(id) else { return };
        let (sha256, name) = (object.sha256, object.name.as_ref().map(|name| name.raw().clone()));
        let others: Vec<String> = object.other_names.iter().map(|name| name.raw().clone()).collect();
        let others: Vec<&str> = others.iter().map(String::as_str).collect();
        let view = ObjectView {
            bytes,
            kind: object.kind,
            name: name.as_deref(),
            other_names: &others,
            sha256: &sha256,
            depth: object.depth,
            root: object.parent.is_none(),
        };
        self.looks.look(self.engines, &view, scope, &mut self.budget, &mut self.table, id);
    }

    fn open(&mut self, id: ObjectId, kind: FileKind, bytes: &[u8]) -> Option<Box<dyn Container>> {
        let object = self.table.object(id)?;
        let alone = object.parent.is_none() && self.context.input == Input::Message;
        let beside = Beside { alone, ..beside(object, bytes) };
        let key = (object.sha256, kind, beside);
        if self.leaves.contains(&key) || self.is_within_itself(object) {
            return None;
        }
        let budget = &mut self.budget;
        match caught(|| unpack::open_as(kind, beside, bytes, budget)) {
            Some(Opening::Leaf) => {
                self.leaves.insert(key);
                None
            }
            Some(Opening::Unscanned(reason)) => {
                self.unscanned(id, reason);
                None
            }
            Some(Opening::Container(container)) => {
                if id == ObjectId(0) {
                    self.table.evidence.ambiguity = self.table.evidence.ambiguity.max(container.ambiguity());
                }
                let level = self.levels.get(id.0 as usize).copied().unwrap_or(0);
                if level < self.budget.limits().depth {
                    return Some(container);
                }
                self.unscanned(id, UnscannedReason::LimitDepth);
                None
            }
            None => {
                self.table.cover(id, EngineId::Unpack, Seen::Unable(UnableWhy::Crashed));
                None
            }
        }
    }

    /// Whether something that was decoded is what it was decoded from, which is open already.
    fn is_within_itself(&self, object: &Object) -> bool {
        let mut above = object.parent.filter(|_| object.role == Role::Decoded);
        // Parents come before their children, so this ends.
        while let Some(holder) = above.and_then(|id| self.table.object(id)) {
            if holder.sha256 == object.sha256 && holder.size == object.size {
                return true;
            }
            above = holder.parent;
        }
        false
    }

    fn unscanned(&mut self, id: ObjectId, mut reason: UnscannedReason) {
        // What looks damaged because the rest of it is in other files.
        let volume = |object: &Object| object.kind.is_archive() && is_volume(object);
        if reason == UnscannedReason::Damaged && self.table.object(id).is_some_and(volume) {
            reason = UnscannedReason::Volume;
        }
        // Not the time of one archive is over (spec AR-02) but that of the examination: what follows is
        // not seen either, and that is a failure (D-18), whatever is done about slow archives.
        if reason == UnscannedReason::LimitTime && out_of_time(&self.budget) != Seen::Excluded {
            self.table.cover(id, EngineId::Unpack, Seen::Unable(UnableWhy::Time));
        }
        let text = reason_text(reason, self.context);
        self.table.unscanned(id, reason, &text);
    }
}

/// The names under which programs may show an object.
fn names(object: &Object) -> impl Iterator<Item = &str> {
    object.name.iter().chain(&object.other_names).map(|name| name.raw().as_str())
}

/// What programs show an object as for its type and names.
pub(crate) fn shown_as(object: &Object) -> Option<FileKind> {
    unpack::shown_as(object.declared.as_ref().map(|declared| declared.raw().as_str()), names(object))
}

/// In which ways an object is read beside that of its kind.
fn beside(object: &Object, bytes: &[u8]) -> Beside {
    let shown = shown_as(object);
    // It may be a page only because somebody says so.
    let said = shown == Some(object.kind) && caught(|| unpack::detect(bytes)) == Some(FileKind::Text);
    let also = if said { Some(FileKind::Text) } else { shown.filter(|shown| *shown != object.kind) };
    let declared = object.declared.as_ref().map(|declared| declared.raw().as_str());
    let runs = || object.kind != FileKind::Script && unpack::runs_as_script(declared, names(object));
    let also = also.or_else(|| runs().then_some(FileKind::Script));
    let is_text = object.declared.as_ref().is_some_and(|declared| declared.raw().starts_with("text/"));
    let files_found = (object.kind == FileKind::Text || said) && !object.part.is_empty() && is_text;
    Beside { also, files_found, alone: false }
}

/// Whether a name says that an object is one file of an archive split over several.
fn is_volume(object: &Object) -> bool {
    object.name.as_ref().is_some_and(|name| unpack::is_volume(name.raw()))
}

/// Runs something that should not panic; `None` if it does.
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(run)).ok()
}
