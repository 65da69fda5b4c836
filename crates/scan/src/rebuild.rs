//! Files made anew without what is dangerous in them, and examined again.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use disarm::Wish;
use mail::evidence::{Active, Evidence, FileKind, ObjectId, Origin, Report, Role};
use mail::untrusted::Untrusted;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unpack::{Budget, StopFlag};

use crate::context::{Context, Input};
use crate::engines::Engines;
use crate::walk::{shown_as, walk};

/// Most files that are rebuilt of one message.
pub(crate) const MAX_REBUILDS: usize = 64;
/// Most hashes in one request.
const MAX_NAMED: usize = 100_000;

/// A file to make anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RebuildRequest {
    /// The file, in the evidence of the message.
    pub object: ObjectId,
    /// SHA-256 of what goes from it, and of the containers on the way there.
    remove: Vec<[u8; 32]>,
    through: Vec<[u8; 32]>,
    /// Active content that goes, and of which nothing may be left.
    active: Vec<Active>,
    origin: Origin,
    kind: FileKind,
    sha256: [u8; 32],
    name: Option<String>,
    /// The type under which programs show it as a page, if they do.
    declared: Option<String>,
}

impl RebuildRequest {
    /// A request about a part of the message itself, or what was handed in: without the objects
    /// `remove`, and without `active` content in it and in the documents that hold what goes. `None`
    /// for an object that does not stand in the message itself.
    pub fn new(report: &Report, id: ObjectId, remove: &[ObjectId], active: &[Active]) -> Option<Self> {
        let object = report.object(id)?;
        if !matches!(object.origin, Origin::Entity(_) | Origin::Root) {
            return None;
        }
        let (mut named, mut through) = (BTreeSet::new(), BTreeSet::new());
        let mut kinds: BTreeSet<Active> = active.iter().copied().collect();
        for victim in remove {
            let seen = report.object(*victim)?;
            named.insert(seen.sha256);
            if let Role::Active(what) = seen.role {
                kinds.insert(what);
            }
            let mut above = seen.parent;
            // Parents stand before their children, so this ends.
            while let Some(at) = above.filter(|at| *at != id) {
                let holder = report.object(at)?;
                if holder.kind != FileKind::Multipart {
                    through.insert(holder.sha256);
                }
                above = holder.parent;
            }
        }
        Some(Self {
            object: id,
            remove: named.into_iter().take(MAX_NAMED).collect(),
            through: through.into_iter().take(MAX_NAMED).collect(),
            active: kinds.into_iter().collect(),
            origin: object.origin,
            kind: object.kind,
            sha256: object.sha256,
            name: object.name.as_ref().map(|name| name.raw().clone()),
            declared: match shown_as(object) {
                Some(FileKind::Html) => Some("text/html".to_owned()),
                Some(FileKind::Svg) => Some("image/svg+xml".to_owned()),
                _ => None,
            },
        })
    }
}

/// One thing that was taken out of a file.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Removal {
    /// Which active content; `None`: a member.
    pub what: Option<Active>,
    /// Its name, as somebody else wrote it; may be empty.
    pub name: Untrusted<String>,
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    /// The file that was asked about.
    pub object: ObjectId,
    /// The new file, or why there is none.
    #[serde(with = "crate::blob::outcome")]
    pub outcome: Result<Vec<u8>, String>,
    /// What the new file holds, examined by the engines that run here; `None` without one.
    pub evidence: Option<Evidence>,
    /// Whether nothing was found in the new file, nothing in it is left unscanned, and none of the
    /// active content that was to go is left.
    pub clean: bool,
    /// What is put behind its name because the format changed: `.zip`; else empty.
    pub suffix: String,
    /// What was taken out; not all of it if that is very much.
    pub removed: Vec<Removal>,
}

/// Rebuilds files of a message that was examined before. `context` is that of the message.
pub fn rebuild(
    engines: &Engines,
    raw: &[u8],
    requests: &[RebuildRequest],
    context: &Context,
    stop: &StopFlag,
) -> Vec<Rebuilt> {
    requests.iter().take(MAX_REBUILDS).map(|request| rebuild_one(engines, raw, request, context, stop)).collect()
}

fn rebuild_one(engines: &Engines, raw: &[u8], request: &RebuildRequest, context: &Context, stop: &StopFlag) -> Rebuilt {
    let made = catch_unwind(AssertUnwindSafe(|| make(engines, raw, request, context, stop)));
    let made = match made.unwrap_or_else(|_| Err("the rebuild crashed".to_owned())) {
        Ok(made) => made,
        Err(why) => {
            let (suffix, removed) = (String::new(), Vec::new());
            return Rebuilt {
                object: request.object,
                outcome: Err(why),
                evidence: None,
                clean: false,
                suffix,
                removed,
            };
        }
    };
    let name = request.name.as_ref().map(|name| format!("{name}{}", made.suffix));
    let inner = Context { input: Input::Detect, name, declared: request.declared.clone(), ..context.clone() };
    let evidence = walk(engines, &made.bytes, &inner, stop);
    let report = evidence.clone().close(&engines.inside());
    let left = report
        .objects()
        .iter()
        .any(|object| matches!(object.role, Role::Active(what) if request.active.contains(&what)));
    let removed = made.removed.into_iter();
    let removed = removed.map(|it| Removal { what: it.what, name: Untrusted::new(it.name) }).collect();
    Rebuilt {
        object: request.object,
        clean: report.is_clean() && !left,
        outcome: Ok(made.bytes),
        evidence: Some(evidence),
        suffix: made.suffix.to_owned(),
        removed,
    }
}

fn make(
    engines: &Engines,
    raw: &[u8],
    request: &RebuildRequest,
    context: &Context,
    stop: &StopFlag,
) -> Result<disarm::Rebuilt, String> {
    let without = |file: &[u8]| {
        if <[u8; 32]>::from(Sha256::digest(file)) != request.sha256 {
            return Err("the file is not the one that was examined".to_owned());
        }
        let wish = Wish {
            remove: request.remove.iter().copied().collect(),
            through: request.through.iter().copied().collect(),
            active: request.active.iter().copied().collect(),
        };
        let mut budget = Budget::new(context.limits, stop.clone()).with_passwords(engines.passwords.clone());
        disarm::remove(request.kind, file, &wish, &mut budget).or_else(|error| {
            // What programs show as a page is made anew as one, whatever else it looks like.
            let page = unpack::shown_as(request.declared.as_deref(), [])
                .filter(|page| *page != request.kind)
                .ok_or(error.to_string())?;
            disarm::remove(page, file, &wish, &mut budget).map_err(|_| error.to_string())
        })
    };
    match request.origin {
        Origin::Root => without(raw),
        Origin::Entity(entity) => {
            let message = mail::graph::parse(raw, &mail::graph::Limits::default());
            let most = usize::try_from(context.limits.object_bytes).unwrap_or(usize::MAX);
            let content = message.content(entity, most);
            without(&content.bytes)
        }
        Origin::Member(_) => Err("the file is not a part of the message itself".to_owned()),
    }
}
