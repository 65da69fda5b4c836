//! Archives made anew without some of their members, and examined again.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail::evidence::{Evidence, FileKind, Object, ObjectId, Origin};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unpack::StopFlag;

use crate::context::{Context, Input};
use crate::engines::Engines;
use crate::walk::walk;

/// Most archives that are rebuilt of one message.
pub(crate) const MAX_REBUILDS: usize = 64;

/// An archive to make anew.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RebuildRequest {
    /// The archive, in the evidence of the message.
    pub object: ObjectId,
    /// The numbers of the members to leave out, as in the origins of the archive's objects.
    pub remove: Vec<u32>,
    origin: Origin,
    sha256: [u8; 32],
    name: Option<String>,
}

impl RebuildRequest {
    /// A request about an object; `None` unless it is a zip archive that stands in the top message
    /// itself, or is what was handed in.
    pub fn new(id: ObjectId, object: &Object, remove: Vec<u32>) -> Option<Self> {
        let in_reach = matches!(object.origin, Origin::Entity(_) | Origin::Root);
        (in_reach && object.kind == FileKind::Zip).then(|| Self {
            object: id,
            remove,
            origin: object.origin,
            sha256: object.sha256,
            name: object.name.as_ref().map(|name| name.raw().clone()),
        })
    }
}

/// What came of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rebuilt {
    /// The archive that was asked about.
    pub object: ObjectId,
    /// The new archive, or why there is none.
    #[serde(with = "crate::blob::outcome")]
    pub outcome: Result<Vec<u8>, String>,
    /// What the new archive holds, examined by the engines that run here; `None` without one.
    pub evidence: Option<Evidence>,
    /// Whether nothing was found in the new archive, and nothing in it is left unscanned.
    pub clean: bool,
}

/// Rebuilds archives of a message that was examined before. `context` is that of the message.
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
    let made = catch_unwind(AssertUnwindSafe(|| make(raw, request, context)));
    let bytes = match made.unwrap_or_else(|_| Err("the rebuild crashed".to_owned())) {
        Ok(bytes) => bytes,
        Err(why) => return Rebuilt { object: request.object, outcome: Err(why), evidence: None, clean: false },
    };
    let inner = Context { input: Input::Detect, name: request.name.clone(), ..context.clone() };
    let evidence = walk(engines, &bytes, &inner, stop);
    let clean = evidence.clone().close(&engines.inside()).is_clean();
    Rebuilt { object: request.object, outcome: Ok(bytes), evidence: Some(evidence), clean }
}

fn make(raw: &[u8], request: &RebuildRequest, context: &Context) -> Result<Vec<u8>, String> {
    let without = |archive: &[u8]| {
        if <[u8; 32]>::from(Sha256::digest(archive)) != request.sha256 {
            return Err("the archive is not the one that was examined".to_owned());
        }
        disarm::zip_without(archive, &request.remove).map_err(|error| error.to_string())
    };
    match request.origin {
        Origin::Root => without(raw),
        Origin::Entity(entity) => {
            let message = mail::graph::parse(raw, &mail::graph::Limits::default());
            let most = usize::try_from(context.limits.object_bytes).unwrap_or(usize::MAX);
            let content = message.content(entity, most);
            without(&content.bytes)
        }
        Origin::Member(_) => Err("the archive is not a part of the message itself".to_owned()),
    }
}
