//! What an examination saw, as values.
//!
//! [`Evidence`] is what a worker sends: objects, findings, and who looked at what. Closing it
//! against the list of required engines gives a [`Report`], in which every object × engine pair is
//! examined, excluded or unable. Only a closed report can be clean: there is no other way to make
//! one, and no default.

mod auth;
mod finding;
mod listed;
mod memory;
mod object;
mod question;
mod report;
mod spam;

pub use auth::{
    ArcCheck, ArcHop, AuthResult, Authentication, Claim, DkimCheck, DmarcCheck, DmarcPolicy, MAX_AUTHORS,
    MAX_SIGNATURES, ReverseCheck, SpfCheck, short,
};
pub use finding::{Certainty, EngineId, Finding, FindingKind, MAX_EVIDENCE, Unable, UnableWhy, UnscannedReason};
pub use listed::{Listed, ListedBy, Standing};
pub use memory::{Contact, KnownPicture, Memory};
pub use object::{Active, Coverage, FileKind, MAX_NAME, Object, ObjectId, Origin, PasswordSource, Role, Seen};
pub use question::{Answer, ExternalVerdict, Question};
pub use report::{
    Evidence, EvidenceError, Facts, Links, MAX_ADDRESS, MAX_ADDRESSES, MAX_FINDINGS, MAX_HOSTS, MAX_NAMED, MAX_OBJECTS,
    MAX_URL, MAX_URLS, Named, Report,
};
pub use spam::{
    COPY_BYTES, COPY_SIDE, Extent, Look, MAX_PICTURES, MAX_SIGN_EVIDENCE, MAX_SIGN_ID, MAX_SIGN_POINTS, MAX_SIGNS,
    MAX_VIEWS, Picture, Sign, SignGroup, SpamSeen, View,
};
