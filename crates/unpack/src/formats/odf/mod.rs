//! OpenDocument (ODF 1.3): the package's members as a zip archive gives them, those that the manifest
//! says are encrypted decrypted, and behind them what the document says and does ([`Views`]): text,
//! hidden text, Basic and other scripts, event handlers, DDE, remote content.
//!
//! Limits: those of the budget, of [`crate::views`] and of [`crypt`]. Not handled: styles that hide
//! text and stand in another part than the text (`styles.xml`).

mod content;
mod crypt;
mod manifest;

use mail::evidence::{Active, Role, UnscannedReason};

use crate::budget::{Budget, Meter};
use crate::container::{Container, Member};
use crate::formats::zip::{self, Zip};
use crate::views::Views;
use crate::xml::{self, Reader};
pub use content::{acting, computing, formulas};
use manifest::Manifest;

/// Most manifests that are read.
const MAX_MANIFESTS: usize = 4;
/// Parts that are XML in every document.
const XML_PARTS: [&str; 4] = ["content.xml", "styles.xml", "meta.xml", "settings.xml"];
/// Folder of scripts in other languages than Basic.
const SCRIPTS: &str = "scripts/";

/// An OpenDocument package.
pub(crate) struct Odf {
    zip: Zip,
    manifest: Manifest,
    keys: crypt::Keys,
    document: Option<Document>,
    views: std::vec::IntoIter<Member>,
    meter: Meter,
    next: u32,
    problems: Vec<UnscannedReason>,
}

impl Odf {
    pub(crate) fn open(data: &[u8], budget: &mut Budget) -> Self {
        let mut meter = Meter::new(data.len() as u64);
        // Most programs write it last, but it tells how the others are to be read.
        let manifests =
            zip::members_named(data, b"META-INF/manifest.xml", MAX_MANIFESTS.saturating_add(1), budget, &mut meter);
        let mut problems = Vec::new();
        // Programs differ in which of several they take.
        problems.extend((manifests.len() > 1).then_some(UnscannedReason::Damaged));
        problems.extend((manifests.len() > MAX_MANIFESTS).then_some(UnscannedReason::LimitObjects));
        let mut manifest = Manifest::default();
        for bytes in manifests.iter().take(MAX_MANIFESTS) {
            match budget.burn(bytes.len() as u64) {
                Ok(()) => manifest.read(bytes),
                Err(limit) => problems.push(limit.into()),
            }
        }
        problems.extend(manifest.more.then_some(UnscannedReason::LimitObjects));
        problems.sort_unstable();
        problems.dedup();
        Self {
            zip: Zip::open(data, budget),
            manifest,
            keys: crypt::Keys::default(),
            document: Some(Document::default()),
            views: Vec::new().into_iter(),
            meter,
            next: 0,
            problems,
        }
    }

    /// Decrypts a member if it is to be, and reads what it is to the document.
    fn look(&mut self, member: &mut Member, budget: &mut Budget) {
        let name = member.name.as_ref().map_or("", |name| name.raw()).to_owned();
        if let Some(how) = self.manifest.encryption(&name) {
            crypt::open(member, how, &mut self.keys, budget, &mut self.meter);
        }
        let lower = name.to_ascii_lowercase();
        // What is neither XML nor said to be encrypted is hidden from us and may be open to a reader.
        if XML_PARTS.contains(&name.as_str())
            && member.problems.is_empty()
            && !member.content.is_empty()
            && !xml::is_xml(&member.content)
        {
            member.problem(UnscannedReason::Damaged);
        }
        let Some(document) = &mut self.document else { return };
        if lower.starts_with(SCRIPTS) && !lower.ends_with(".xml") && !lower.ends_with('/') && !member.content.is_empty()
        {
            member.role = Role::Active(Active::Script);
        }
        if lower != "meta-inf/manifest.xml"
            && let Err(limit) = document.part(&name, &member.content, budget)
        {
            member.problem(limit.into());
        }
    }
}

impl Container for Odf {
    fn next(&mut self, data: &[u8], budget: &mut Budget) -> Option<Member> {
        if self.document.is_some() {
            if let Some(mut member) = self.zip.next(data, budget) {
                self.next = self.next.max(member.index.saturating_add(1));
                self.look(&mut member, budget);
                return Some(member);
            }
            self.problems.extend(self.zip.problems());
        }
        if let Some(document) = self.document.take() {
            let (views, problems) = document.finish(self.next, budget, &mut self.meter);
            self.views = views.into_iter();
            for problem in problems {
                if !self.problems.contains(&problem) {
                    self.problems.push(problem);
                }
            }
        }
        self.views.next()
    }

    fn problems(&self) -> &[UnscannedReason] {
        &self.problems
    }
}

/// What is read of a document, part by part.
#[derive(Default)]
pub(crate) struct Document {
    views: Views,
    damaged: bool,
}

impl Document {
    /// Reads one part; what is no XML costs nothing.
    ///
    /// # Errors
    /// The limit that kept it from being read.
    fn part(&mut self, name: &str, bytes: &[u8], budget: &mut Budget) -> Result<(), crate::Limit> {
        if !xml::is_xml(bytes) {
            return Ok(());
        }
        budget.burn((bytes.len() as u64).saturating_mul(2))?;
        let text = xml::decode(bytes);
        self.read(name, Reader::new(&text));
        Ok(())
    }

    /// Reads a part, or the one file of a flat document (its name is empty).
    pub(crate) fn read(&mut self, name: &str, mut reader: Reader<'_>) {
        // LibreOffice's own lists of libraries and modules have a document type without a subset.
        content::read(name, &mut reader, &mut self.views);
        self.damaged |= reader.is_damaged();
    }

    /// What it shows and does, and what of it was not read.
    pub(crate) fn finish(
        self,
        first: u32,
        budget: &mut Budget,
        meter: &mut Meter,
    ) -> (Vec<Member>, Vec<UnscannedReason>) {
        let (views, mut problems) = self.views.into_members(first, budget, meter);
        if self.damaged {
            problems.push(UnscannedReason::Damaged);
        }
        (views, problems)
    }
}

/// Reads some bytes as a part, and as a manifest; for fuzzing.
pub(crate) fn fuzz_part(data: &[u8], budget: &mut Budget) {
    let mut document = Document::default();
    let _ = document.part("content.xml", data, budget);
    drop(document.finish(0, budget, &mut Meter::new(data.len() as u64)));
    let mut manifest = Manifest::default();
    manifest.read(data);
    let _ = manifest.encryption("content.xml");
}
