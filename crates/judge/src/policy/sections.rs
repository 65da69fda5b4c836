//! The sections of the policy, one setting a field.

use mail::address::Address;
use mail::arrival::{Direction, Surface};
use mail::evidence::Active;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{AmbiguousAction, EngineFailure, MalwareAction, Rule, TooAmbiguousAction, UnscannedAction};
use super::{DisarmFailure, DocumentKind, RecipientMask, RemoteContent};
use crate::units::{Bytes, Time};

/// Monitor mode (D-26): everything is judged, recorded and counted; nothing is changed.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Monitor {
    /// Change nothing anywhere.
    pub enabled: bool,
    /// Surfaces on which nothing is changed.
    #[schemars(with = "Vec<String>")]
    pub surfaces: Vec<Surface>,
    /// Rules whose actions are only recorded.
    pub rules: Vec<Rule>,
}

/// Which mail is scanned for malware.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// All mail.
    #[default]
    All,
    /// All but outgoing mail.
    NotOutgoing,
}

/// Malware.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Malware {
    /// Scan mail for malware (AV-01, ACT-18).
    pub enabled: bool,
    /// Which mail is scanned (AV-06).
    pub scope: Scope,
    /// Recipients whose mail is not scanned for malware: `user@example.org`, `example.org`, `*.example.org` (WL-13).
    /// It is meant for those who collect samples. Whoever else a message is for gets a scanned copy.
    pub trusted_recipients: Vec<RecipientMask>,
    /// What is done about infected objects (ACT-07, ACT-12, D-17).
    pub action: MalwareAction,
    /// What is done about probably infected objects (AV-05).
    pub probable_action: MalwareAction,
    /// Save a copy in Backup before an object or a message is deleted (ACT-10, ACT-17). Without
    /// it, what is deleted is gone for good.
    pub keep_copy: bool,
    /// Save a copy in Backup of a message that is blocked (ACT-28, D-6).
    pub keep_blocked: bool,
    /// Labels in the subject (ACT-13, ACT-14, ACT-16).
    pub labels: MalwareLabels,
    /// The notice that stands in place of a deleted object (ACT-19, ACT-26).
    pub notice: Notice,
    /// Also send the unmodified message to these addresses, through the next hop (ACT-25). A copy
    /// that cannot be sent is logged; it is in Backup as well.
    pub forward_to: Vec<String>,
}

impl Default for Malware {
    fn default() -> Self {
        Self {
            enabled: true,
            scope: Scope::All,
            trusted_recipients: Vec::new(),
            action: MalwareAction::Automatic,
            probable_action: MalwareAction::Automatic,
            keep_copy: true,
            keep_blocked: true,
            labels: MalwareLabels::default(),
            notice: Notice::default(),
            forward_to: Vec::new(),
        }
    }
}

impl Malware {
    /// Whether mail for this recipient is not scanned (WL-13).
    pub fn trusts(&self, to: &Address) -> bool {
        self.trusted_recipients.iter().any(|mask| mask.fits(to))
    }
}

/// Labels for infected mail.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MalwareLabels {
    /// Add labels to mail with an internal recipient (ACT-16).
    pub internal: bool,
    /// Add labels to mail with an external recipient (ACT-16).
    pub external: bool,
    /// For an infected object that is delivered (ACT-13).
    pub detected: String,
    /// For an infected object that was deleted (ACT-14).
    pub deleted: String,
    /// For an infected object that was disinfected (ACT-04).
    pub disinfected: String,
    /// Use the next label instead of `deleted` when an attachment was removed (ACT-24).
    pub use_attachment_removed: bool,
    /// For a message from which an attachment was removed (ACT-24, D-24).
    pub attachment_removed: String,
}

impl Default for MalwareLabels {
    fn default() -> Self {
        Self {
            internal: true,
            external: false,
            detected: "[Infected object detected]".to_owned(),
            deleted: "[Infected object deleted]".to_owned(),
            disinfected: "[Message has been processed]".to_owned(),
            use_attachment_removed: false,
            attachment_removed: "[Infected attachment removed]".to_owned(),
        }
    }
}

/// The notice in place of a deleted object, and the one beside an object that was changed.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// The file name of the notice; `%OBJECT_NAME%` is the name of what was removed.
    pub file_name: String,
    /// The text. Variables: `%OBJECT_NAME%`, `%OBJECT_PATH%`, `%OBJECT_SIZE%`, `%OBJECT_SHA256%`,
    /// `%VIRUS_NAME%`, `%REASON%`, `%DATE%`, `%MESSAGE_ID%`, `%BACKUP_NOTE%`, `%HOST%` (ACT-26).
    pub text: String,
    /// The file name of the notice beside an object that was changed.
    pub changed_file_name: String,
    /// The text of the notice beside an object that was changed: that infected members or active content were
    /// taken out of it, or that it became an archive of another format. It stands only in messages of
    /// attachments (`multipart/mixed`). The same variables, and `%NEW_NAME%`, `%REMOVED%`. Empty: no notice.
    pub changed_text: String,
    /// What `%BACKUP_NOTE%` says when a copy was kept.
    pub kept: String,
    /// What `%BACKUP_NOTE%` says when no copy was kept.
    pub not_kept: String,
}

impl Default for Notice {
    fn default() -> Self {
        Self {
            file_name: "%OBJECT_NAME%.removed.txt".to_owned(),
            text: "An attachment of this message was removed.\n\n\
                   Object:  %OBJECT_PATH%\n\
                   Size:    %OBJECT_SIZE% bytes\n\
                   Found:   %VIRUS_NAME%\n\
                   Reason:  %REASON%\n\
                   Date:    %DATE%\n\n\
                   %BACKUP_NOTE%\n"
                .to_owned(),
            changed_file_name: "%OBJECT_NAME%.changed.txt".to_owned(),
            changed_text:
                "An attachment of this message was changed; it was delivered without what is listed here.\n\n\
                   Object:   %OBJECT_PATH%\n\
                   Now:      %NEW_NAME%\n\
                   Removed:  %REMOVED%\n\
                   Reason:   %REASON%\n\
                   Date:     %DATE%\n\n\
                   %BACKUP_NOTE%\n"
                    .to_owned(),
            kept: "The original message is kept in Backup on %HOST% under the id %MESSAGE_ID%. \
                   Your mail administrator can tell you more."
                .to_owned(),
            not_kept: "No copy of the original message was kept.".to_owned(),
        }
    }
}

/// What could not be looked at.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Unscannable {
    /// Encrypted objects (D-18).
    pub encrypted: UnscannedAction,
    /// Damaged objects (D-18).
    pub damaged: UnscannedAction,
    /// Containers of a kind that is not opened here.
    pub unknown_format: UnscannedAction,
    /// Programs that were packed by a packer that is not undone here: what they do is hidden until they run.
    pub packed: UnscannedAction,
    /// Bombs: deeper, more, larger, or expanding further than the limits (D-18).
    pub limits: UnscannedAction,
    /// Archives excluded by size, or left because they took too long (AR-01, AR-02, AR-08, D-12).
    pub size_excluded: UnscannedAction,
    /// A malware engine failed, crashed, or ran out of time (D-19).
    pub engine_failed: EngineFailure,
    /// After how many examinations that ended a scan worker (a crash, its memory or its time used up) the
    /// same message is held in Backup instead of being deferred once more; 0: never.
    #[schemars(range(max = 1000))]
    pub crash_limit: u32,
    /// The label for what is delivered with one; `%REASON%` is the reason.
    pub label: String,
}

impl Default for Unscannable {
    fn default() -> Self {
        Self {
            encrypted: UnscannedAction::Label,
            damaged: UnscannedAction::Label,
            unknown_format: UnscannedAction::Allow,
            packed: UnscannedAction::Allow,
            limits: UnscannedAction::AsInfected,
            size_excluded: UnscannedAction::Allow,
            engine_failed: EngineFailure::Tempfail,
            crash_limit: 3,
            label: "[Not scanned: %REASON%]".to_owned(),
        }
    }
}

/// Messages that clients may read in different ways. Whatever the setting, everything that any
/// reading gives is scanned.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Ambiguous {
    /// What is done about a message in which clients may see different content. Defects that every
    /// client reads the same way do not count.
    pub action: AmbiguousAction,
    /// What is done about a message that has more readings than are looked at.
    pub too_ambiguous: TooAmbiguousAction,
    /// The label of what is tagged.
    pub label: String,
    /// Save a copy of the original in Backup before a message is rewritten.
    pub keep_copy: bool,
}

impl Default for Ambiguous {
    fn default() -> Self {
        Self {
            action: AmbiguousAction::default(),
            too_ambiguous: TooAmbiguousAction::default(),
            label: "[Ambiguous message]".to_owned(),
            keep_copy: true,
        }
    }
}

/// Disarm on arrival: active content of documents is taken out of them, whether or not anything is known
/// against it. What was taken out stands in the log and in a header; the original is in Backup.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disarm {
    /// Take active content out of documents.
    pub enabled: bool,
    /// Mail in which directions: `incoming`, `outgoing`, `internal`.
    #[schemars(with = "Vec<String>")]
    pub directions: Vec<Direction>,
    /// Which documents, wherever in a message they stand; archives that hold them are rebuilt.
    pub documents: Vec<DocumentKind>,
    /// Which active content: `vba`, `xlm`, `dde`, `remote_template`, `ole_package`, `active_x`, `script`,
    /// `launch`, `open_uri`, `form`. A document counts as disarmed only if none of it is found in its new
    /// form and every engine finds that clean.
    #[schemars(with = "Vec<String>")]
    pub active: Vec<Active>,
    /// What becomes of pictures and styles that HTML of the chosen kinds (`html`, `body`) loads from elsewhere.
    pub remote_content: RemoteContent,
    /// What is done about a document whose active content could not be taken out.
    pub on_failure: DisarmFailure,
    /// The label of a message with a document that was disarmed; empty: none.
    pub label: String,
    /// The label of a message with a document that could not be disarmed.
    pub failed_label: String,
    /// The label of a message from which a document was deleted that could not be disarmed: nothing bad is known of it.
    pub deleted_label: String,
    /// Save a copy of the original in Backup. Without it, what is taken out is gone for good.
    pub keep_copy: bool,
}

impl Default for Disarm {
    fn default() -> Self {
        Self {
            enabled: false,
            directions: vec![Direction::Incoming],
            documents: vec![
                DocumentKind::Ooxml,
                DocumentKind::Odf,
                DocumentKind::Rtf,
                DocumentKind::Ole2,
                DocumentKind::Pdf,
                DocumentKind::Html,
            ],
            active: vec![
                Active::Vba,
                Active::Xlm,
                Active::Dde,
                Active::RemoteTemplate,
                Active::OlePackage,
                Active::ActiveX,
                Active::Script,
                Active::Launch,
            ],
            remote_content: RemoteContent::default(),
            on_failure: DisarmFailure::DeleteObject,
            label: "[Active content removed]".to_owned(),
            failed_label: "[Active content]".to_owned(),
            deleted_label: "[Document with active content deleted]".to_owned(),
            keep_copy: true,
        }
    }
}

/// Archives that are excluded from scanning.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Archives {
    /// Archives larger than this are not opened: delivered as "not scanned" (AR-01). 0 = no limit.
    pub max_size: Bytes,
    /// An archive that takes longer than this is left (AR-02). 0 = no limit of its own.
    pub max_time: Time,
}

impl Default for Archives {
    fn default() -> Self {
        Self { max_size: Bytes(100_000_000), max_time: Time(30_000) }
    }
}

/// Limits of one examination. What hits one is a finding, never "clean".
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// How deep containers may be nested (AR-06).
    pub depth: u16,
    /// Most objects in one message.
    pub objects: u32,
    /// Most bytes that all objects of one message may have together, unpacked.
    pub unpacked_size: Bytes,
    /// Most bytes of one object, unpacked.
    pub object_size: Bytes,
    /// How many times larger than its packed form a container may become; judged above 1 MiB.
    pub ratio: u32,
    /// From the end of a message to our reply: the one deadline that bounds every other (D-23).
    pub deadline: Time,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 32,
            objects: 10_000,
            unpacked_size: Bytes(1 << 30),
            object_size: Bytes(512 << 20),
            ratio: 1_000,
            deadline: Time(80_000),
        }
    }
}

/// Headers.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Headers {
    /// Add `X-Mailward-Status`: the verdict and the message's id, on one line (D-13).
    pub status: bool,
    /// Add `X-Mailward-AntiVirus` and `X-Mailward-AntiSpam` where something was found, and
    /// `X-Mailward-Backup-Id` where a copy was kept (D-13). What programs work by, the SCL and the X-Spam
    /// fields, does not hang on it.
    pub details: bool,
    /// Also add them to mail that leaves the organisation (SC-09, D-13).
    pub on_outgoing: bool,
    /// Remove our own headers, and those of the SCL, PCL and X-Spam families, from mail of peers
    /// that are not trusted, so that nobody can forge them (SC-11, D-13).
    pub strip_forged: bool,
    /// Add `X-Mailward-Part-Status` to the header of each part that is infected, encrypted, or could not be
    /// looked at because an engine failed (SC-08). A signature over the body does not hold any more then; parts of
    /// signed messages (`multipart/signed`) get none.
    pub parts: bool,
}

impl Default for Headers {
    fn default() -> Self {
        Self { status: true, details: true, on_outgoing: false, strip_forged: true, parts: false }
    }
}

/// How a message is refused.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// The reply code: 500 to 599 (D-4).
    #[schemars(range(min = 500, max = 599))]
    pub code: u16,
    /// The enhanced status code (RFC 3463): `5.x.y`.
    pub enhanced: String,
    /// The text; `%REASON%` is what was found, `%ID%` the message's id.
    pub text: String,
}

impl Default for Refusal {
    fn default() -> Self {
        Self { code: 550, enhanced: "5.7.1".to_owned(), text: "Message refused: %REASON% (id %ID%)".to_owned() }
    }
}

/// How much Backup keeps; whichever limit is reached first counts, the oldest go first.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BackupRetention {
    /// Most messages kept (BK-05); at most 1,000,000.
    #[schemars(range(max = 1_000_000))]
    pub max_objects: u64,
    /// Most bytes on disk (BK-06, BK-07). 0 = no limit.
    pub max_size: Bytes,
    /// How long a message is kept (BK-06, BK-08). 0 = no limit.
    pub max_age: Time,
}

impl Default for BackupRetention {
    fn default() -> Self {
        Self { max_objects: 1_000_000, max_size: Bytes(7_000_000_000), max_age: Time(30 * 86_400_000) }
    }
}

/// The message log.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MessageLog {
    /// How long a row is kept (D-24). 0 = no limit.
    pub max_age: Time,
}

impl Default for MessageLog {
    fn default() -> Self {
        Self { max_age: Time(90 * 86_400_000) }
    }
}
