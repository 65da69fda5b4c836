//! The policy as values: what an administrator decides about mail (spec sections 1 to 6, 20, 22).
//!
//! Each setting is one documented field here; the reference page, the JSON schema, the check for
//! unknown keys and both profiles' defaults come from these definitions.

mod actions;
mod authentication;
mod before;
mod external;
mod groups;
mod lists;
mod sections;
mod spam;

pub use actions::{
    AmbiguousAction, DisarmFailure, DocumentKind, EngineFailure, MalwareAction, RemoteContent, Rule,
    TooAmbiguousAction, UnscannedAction,
};
pub use authentication::{Authentication, DmarcAction, DmarcReports};
pub use before::{Before, Greylist, Manners, Rates, Tarpit};
pub use external::{DnsList, External, FirstContact, Impersonation, WhenReached};
pub use groups::{Group, GroupId, RecipientMask};
pub use lists::SenderLists;
pub use sections::{
    Ambiguous, Archives, BackupRetention, Disarm, Headers, Limits, Malware, MalwareLabels, MessageLog, Monitor, Notice,
    Refusal, Scope, Unscannable,
};
pub use spam::{Sensitivity, Spam, SpamAction, SpamRow, SpamSigns};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which set of defaults the policy starts from (spec D-7).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// The documented defaults: careful not to change more than asked.
    #[default]
    Reference,
    /// What we would run ourselves: stricter, and what a new installation is offered.
    Recommended,
}

impl Profile {
    /// Both profiles.
    pub const ALL: [Self; 2] = [Self::Reference, Self::Recommended];

    /// The word for it in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reference => "reference",
            Self::Recommended => "recommended",
        }
    }
}

/// The whole policy.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// The set of defaults that settings which are not written take (D-7).
    pub profile: Profile,
    /// Judge and record everything, change nothing (D-26).
    pub monitor: Monitor,
    /// What is decided before the body of a message comes.
    pub before: Before,
    /// Who really sent a message (EX-09, EX-13).
    pub authentication: Authentication,
    /// Malware: what is done about infected mail (AV-01..05, ACT-01..20).
    pub malware: Malware,
    /// What could not be looked at, reason by reason (UN-01..03, D-18, D-19).
    pub unscannable: Unscannable,
    /// Spam, bulk mail and automatic notices (AS-01..18, SE-01, HR-01..10, LM-01..05, OUT-01, PM-01, TC-01).
    pub spam: Spam,
    /// Messages that clients may read in different ways.
    pub ambiguous: Ambiguous,
    /// Active content of documents, taken out on arrival (ACT-01).
    pub disarm: Disarm,
    /// Archives that are excluded from scanning by size or time (AR-01, AR-02, D-12).
    pub archives: Archives,
    /// Limits of one examination.
    pub limits: Limits,
    /// Headers that are added to and removed from mail (SC-11, D-13).
    pub headers: Headers,
    /// How a message is refused (D-4).
    pub refusal: Refusal,
    /// How much Backup keeps, and how long (BK-05, BK-06, D-24).
    pub backup: BackupRetention,
    /// The message log (D-24).
    pub message_log: MessageLog,
    /// Groups of recipients with settings of their own (D-11, D-21): one table each.
    pub group: Vec<Group>,
}

impl Policy {
    /// The defaults of a profile.
    pub fn of(profile: Profile) -> Self {
        let mut policy = Self {
            profile,
            monitor: Monitor::default(),
            before: Before::default(),
            authentication: Authentication::default(),
            malware: Malware::default(),
            unscannable: Unscannable::default(),
            spam: Spam::default(),
            ambiguous: Ambiguous::default(),
            disarm: Disarm::default(),
            archives: Archives::default(),
            limits: Limits::default(),
            headers: Headers::default(),
            refusal: Refusal::default(),
            backup: BackupRetention::default(),
            message_log: MessageLog::default(),
            group: Vec::new(),
        };
        if profile == Profile::Recommended {
            policy.malware.action = MalwareAction::DeleteMessage;
            policy.spam = Spam::recommended();
        }
        policy
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self::of(Profile::default())
    }
}
