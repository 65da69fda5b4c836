//! The evidence while it grows: objects, findings, coverage, all within what a report may hold.

use mail::evidence::{
    Coverage, EngineId, Evidence, Finding, FindingKind, MAX_EVIDENCE, MAX_FINDINGS, MAX_NAME, MAX_OBJECTS, Object,
    ObjectId, Seen, UnscannedReason,
};
use mail::span::Span;
use mail::untrusted::Untrusted;
use unpack::Member;

/// Findings that are kept free for what ends the examination.
const RESERVE: usize = 100;
/// Most other names of one object.
const MAX_OTHER_NAMES: usize = 16;
/// Most defects of one object.
const MAX_DEFECTS: usize = 500;
/// What all names and defects together may take, in bytes.
const MAX_WEIGHT: usize = 32 * 1024 * 1024;
/// What one defect takes, in bytes.
const DEFECT_WEIGHT: usize = 16;

/// The table.
pub(crate) struct Table {
    pub(crate) evidence: Evidence,
    /// Bytes of names and defects.
    weight: usize,
}

impl Table {
    pub(crate) fn new(evidence: Evidence) -> Self {
        Self { evidence, weight: 0 }
    }

    /// Whether no more objects or findings fit; the walk ends then.
    pub(crate) fn is_full(&self) -> bool {
        self.evidence.objects.len() >= MAX_OBJECTS
            || self.evidence.findings.len() >= MAX_FINDINGS.saturating_sub(RESERVE)
            || self.weight >= MAX_WEIGHT
    }

    /// Adds an object, its texts cut to what a report may hold.
    pub(crate) fn add(&mut self, mut object: Object) -> ObjectId {
        object.other_names.truncate(MAX_OTHER_NAMES);
        object.defects.truncate(MAX_DEFECTS);
        let names = object.name.iter_mut().chain(&mut object.other_names).chain(&mut object.declared);
        let lengths = names.map(|name| {
            shorten(name);
            name.raw().len()
        });
        let defects = object.defects.len().saturating_mul(DEFECT_WEIGHT);
        self.weight = lengths.fold(self.weight.saturating_add(defects), usize::saturating_add);
        object.part.truncate(object.part.floor_char_boundary(MAX_NAME));
        let id = ObjectId(u32::try_from(self.evidence.objects.len()).unwrap_or(u32::MAX));
        self.evidence.objects.push(object);
        id
    }

    pub(crate) fn object(&self, id: ObjectId) -> Option<&Object> {
        self.evidence.objects.get(id.0 as usize)
    }

    /// Says what an engine did about an object; the worst counts where several say something.
    pub(crate) fn cover(&mut self, id: ObjectId, engine: EngineId, seen: Seen) {
        let Some(object) = self.evidence.objects.get_mut(id.0 as usize) else { return };
        match object.coverage.iter_mut().find(|coverage| coverage.engine == engine) {
            Some(coverage) => coverage.seen = coverage.seen.max(seen),
            None => object.coverage.push(Coverage { engine, seen }),
        }
    }

    /// Adds what an engine saw, unless the table is full, which the walk then says.
    pub(crate) fn detected(&mut self, object: ObjectId, engine: EngineId, detection: &::engines::Detection) {
        if !self.is_full() {
            self.find(object, engine, detection.kind.clone(), detection.span, &detection.evidence);
        }
    }

    /// Adds a finding, into the reserve too.
    pub(crate) fn find(
        &mut self,
        object: ObjectId,
        engine: EngineId,
        kind: FindingKind,
        span: Option<Span>,
        evidence: &str,
    ) {
        let size = self.object(object).map_or(0, |object| object.size);
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let text = evidence.get(..evidence.floor_char_boundary(MAX_EVIDENCE)).unwrap_or("");
        if self.evidence.findings.len() < MAX_FINDINGS {
            self.evidence.findings.push(Finding {
                object,
                kind,
                engine,
                span: span.filter(|span| span.fits(size)),
                evidence: Untrusted::new(text.to_owned()),
            });
        }
    }

    /// Says that an object was not wholly looked at; once for each object and reason.
    pub(crate) fn unscanned(&mut self, object: ObjectId, reason: UnscannedReason, text: &str) {
        let kind = FindingKind::Unscanned { reason };
        // What is said twice is said close together.
        let recent = self.evidence.findings.iter().rev().take(RESERVE);
        if !recent.into_iter().any(|finding| finding.object == object && finding.kind == kind) {
            self.find(object, EngineId::Unpack, kind, None, text);
        }
    }
}

/// An object out of a container's member; its hash and kind are the caller's.
pub(crate) fn object_of(member: &mut Member, parent: ObjectId, depth: u16) -> Object {
    Object {
        parent: Some(parent),
        origin: mail::evidence::Origin::Member(member.index),
        depth,
        part: std::mem::take(&mut member.part),
        name: member.name.take(),
        other_names: std::mem::take(&mut member.other_names),
        declared: member.declared.take(),
        attachment: member.attachment,
        kind: mail::evidence::FileKind::Unknown,
        role: member.role,
        opened_with: member.opened_with,
        size: member.content.len() as u64,
        sha256: [0; 32],
        defects: std::mem::take(&mut member.defects),
        coverage: Vec::new(),
    }
}

/// Cuts a name to [`MAX_NAME`] bytes out of its middle: its end says what it is, its start what it
/// is called.
fn shorten(name: &mut Untrusted<String>) {
    const MARK: &str = "…";
    let raw = name.raw();
    if raw.len() <= MAX_NAME {
        return;
    }
    let room = MAX_NAME.saturating_sub(MARK.len());
    let head = raw.get(..raw.floor_char_boundary(room / 2)).unwrap_or("");
    let tail = raw.get(raw.ceil_char_boundary(raw.len().saturating_sub(room / 2))..).unwrap_or("");
    *name = Untrusted::new(format!("{head}{MARK}{tail}"));
}

/// A short text for people: why something was not looked at.
pub(crate) fn reason_text(reason: UnscannedReason, context: &crate::Context) -> String {
    let limits = &context.limits;
    match reason {
        UnscannedReason::Encrypted => "encrypted".to_owned(),
        UnscannedReason::Damaged => "damaged, or its parts contradict each other".to_owned(),
        UnscannedReason::UnknownFormat => "a container that is not opened here".to_owned(),
        UnscannedReason::Packed => "a packed executable that is not unpacked here".to_owned(),
        UnscannedReason::LimitDepth => format!("nested deeper than {} levels", limits.depth),
        UnscannedReason::LimitObjects => format!("more than {} objects", limits.objects),
        UnscannedReason::LimitBytes => {
            format!("more than {} bytes in one object or {} in all", limits.object_bytes, limits.bytes_out)
        }
        UnscannedReason::LimitRatio => format!("expands more than {} times", limits.ratio),
        UnscannedReason::LimitTime => "more work than the limit".to_owned(),
        UnscannedReason::SizeExcluded => {
            format!("an archive above {} bytes is not scanned", context.archive_max_size.unwrap_or(0))
        }
        UnscannedReason::EngineFailed => "an engine failed".to_owned(),
        UnscannedReason::Volume => "one file of an archive that is split over several".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_keeps_its_extension() {
        let mut name = Untrusted::new(format!("é{}.pdf.exe", "ü".repeat(5000)));
        shorten(&mut name);
        assert!(name.raw().len() <= MAX_NAME && name.raw().len() > MAX_NAME - 8);
        assert!(name.raw().starts_with('é') && name.raw().ends_with(".pdf.exe"));
    }
}
