//! What a policy can ask to be done.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is done about an infected object (ACT-01..03, ACT-07, ACT-12, D-6, D-17).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MalwareAction {
    /// Deliver unchanged, but for the label (ACT-13).
    Allow,
    /// Disinfect the object; if that fails, delete it (ACT-08, D-17).
    #[default]
    Automatic,
    /// Disinfect the object; if that fails, delete it (ACT-14).
    DisinfectOrDeleteObject,
    /// Disinfect the object; if that fails, delete the message (ACT-01).
    DisinfectOrDeleteMessage,
    /// Disinfect the object; if that fails, block the message (ACT-02, D-6).
    DisinfectOrBlock,
    /// Delete the object, without trying to disinfect it.
    DeleteObject,
    /// Delete the message: accept it and discard it (ACT-15).
    DeleteMessage,
    /// Block the message: refuse it (ACT-03).
    Block,
}

impl MalwareAction {
    /// Whether disinfection is tried first.
    pub fn disinfects(self) -> bool {
        matches!(
            self,
            Self::Automatic | Self::DisinfectOrDeleteObject | Self::DisinfectOrDeleteMessage | Self::DisinfectOrBlock
        )
    }

    /// The word for it in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Automatic => "automatic",
            Self::DisinfectOrDeleteObject => "disinfect_or_delete_object",
            Self::DisinfectOrDeleteMessage => "disinfect_or_delete_message",
            Self::DisinfectOrBlock => "disinfect_or_block",
            Self::DeleteObject => "delete_object",
            Self::DeleteMessage => "delete_message",
            Self::Block => "block",
        }
    }
}

/// What is done about an object that could not be looked at (UN-02, UN-03, D-18).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UnscannedAction {
    /// Deliver; the status says that it was not scanned.
    Allow,
    /// Deliver with a label in the subject.
    Label,
    /// The same as an infected object, with all its settings.
    AsInfected,
    /// Delete the object and leave a notice in its place.
    DeleteObject,
    /// Delete the message: accept it and discard it.
    DeleteMessage,
    /// Block the message: refuse it.
    Block,
}

/// What is done about a message that clients may read in different ways.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AmbiguousAction {
    /// Deliver as it is; every reading was scanned.
    Allow,
    /// Deliver with a label in the subject.
    Tag,
    /// Rewrite it to one unambiguous form that holds exactly what was scanned; where that cannot be
    /// done, deliver with a label.
    #[default]
    Normalise,
    /// Refuse the message.
    Reject,
}

/// What is done about a message that has more readings than are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TooAmbiguousAction {
    /// Deliver as it is.
    Allow,
    /// Deliver with a label in the subject.
    Tag,
    /// Refuse the message.
    #[default]
    Reject,
}

/// What is done when a malware engine could not look (D-19).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EngineFailure {
    /// Answer 451: the sender tries again.
    #[default]
    Tempfail,
    /// Accept the message, keep it in Backup, deliver nothing.
    Hold,
    /// Deliver with a label in the subject.
    Label,
}

/// What is done about a document whose active content could not be taken out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DisarmFailure {
    /// Deliver it as it is.
    Allow,
    /// Deliver it with a label in the subject.
    Label,
    /// Delete it and leave a notice; hold the message where it is no part that could be deleted.
    #[default]
    DeleteObject,
    /// Accept the message, keep it in Backup, deliver nothing.
    Hold,
}

/// A kind of documents.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DocumentKind {
    /// Office Open XML: docx, xlsx, pptx and their forms with macros and in one file of XML.
    Ooxml,
    /// OpenDocument: odt, ods, odp; with either of these two, all documents in one file of XML.
    Odf,
    /// RTF.
    Rtf,
    /// Older Office documents (doc, xls, ppt) and items of Outlook (msg).
    Ole2,
    /// PDF.
    Pdf,
    /// HTML and SVG as files: attachments, and files in archives.
    Html,
    /// The text of a message itself, where it is HTML.
    Body,
}

/// What becomes of pictures and styles that HTML loads from elsewhere when it is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RemoteContent {
    /// They stay.
    #[default]
    Keep,
    /// Their addresses are taken out, like other active content.
    Remove,
}

/// A rule of the policy, as it stands in reports, logs and `monitor.rules`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Infected objects.
    MalwareInfected,
    /// Probably infected objects.
    MalwareProbable,
    /// A threat in outgoing mail is refused (D-3).
    MalwareOutgoing,
    /// Encrypted objects.
    UnscannableEncrypted,
    /// Damaged objects.
    UnscannableDamaged,
    /// Containers of a kind that is not opened.
    UnscannableUnknownFormat,
    /// Programs of a packer that is not undone.
    UnscannablePacked,
    /// Bombs: depth, number of objects, bytes, ratio.
    UnscannableLimit,
    /// Archives excluded by size or time.
    UnscannableSizeExcluded,
    /// A malware engine could not look.
    UnscannableEngineFailed,
    /// The message ended scan workers, more than once.
    UnscannableCrashing,
    /// Clients may read the message in different ways.
    AmbiguousMessage,
    /// The message has more readings than are looked at.
    TooAmbiguousMessage,
    /// The client's network is refused.
    ClientDenied,
    /// The client talked before our greeting.
    EarlyTalker,
    /// The client's greeting is not its name.
    GreetingInvalid,
    /// The sender has no domain, or a message without a sender has too many recipients.
    SenderInvalid,
    /// Too much in too short a time.
    RateLimit,
    /// Unknown clients are asked to come again.
    Greylisted,
    /// The list of our recipients does not have the recipient.
    RecipientUnknown,
    /// Active content of documents is taken out on arrival.
    DisarmDocument,
    /// The message fails the DMARC of its author's domain.
    DmarcFailed,
    /// The message is spam (AS-05).
    Spam,
    /// The message is probably spam (AS-06).
    ProbableSpam,
    /// The message is an automatic notice (AS-07).
    FormalNotification,
    /// The denylist has its sender or client; or DNS lists have its client or its links, and `when_reached` says "blacklisted" (AS-08).
    AddressBlacklisted,
    /// The message is a bulk delivery (AS-09).
    MassMail,
    /// Outgoing mail that is spam is deleted (OUT-01, OUT-02).
    OutgoingSpam,
}

impl Rule {
    /// Every rule, in the order of the documentation.
    pub const ALL: [Self; 28] = [
        Self::MalwareInfected,
        Self::MalwareProbable,
        Self::MalwareOutgoing,
        Self::UnscannableEncrypted,
        Self::UnscannableDamaged,
        Self::UnscannableUnknownFormat,
        Self::UnscannablePacked,
        Self::UnscannableLimit,
        Self::UnscannableSizeExcluded,
        Self::UnscannableEngineFailed,
        Self::UnscannableCrashing,
        Self::AmbiguousMessage,
        Self::TooAmbiguousMessage,
        Self::ClientDenied,
        Self::EarlyTalker,
        Self::GreetingInvalid,
        Self::SenderInvalid,
        Self::RateLimit,
        Self::Greylisted,
        Self::RecipientUnknown,
        Self::DisarmDocument,
        Self::DmarcFailed,
        Self::Spam,
        Self::ProbableSpam,
        Self::FormalNotification,
        Self::AddressBlacklisted,
        Self::MassMail,
        Self::OutgoingSpam,
    ];

    /// The setting that says what the rule does.
    pub fn setting(self) -> &'static str {
        match self {
            Self::MalwareInfected | Self::MalwareOutgoing => "malware.action",
            Self::MalwareProbable => "malware.probable_action",
            Self::UnscannableEncrypted => "unscannable.encrypted",
            Self::UnscannableDamaged => "unscannable.damaged",
            Self::UnscannableUnknownFormat => "unscannable.unknown_format",
            Self::UnscannablePacked => "unscannable.packed",
            Self::UnscannableLimit => "unscannable.limits",
            Self::UnscannableSizeExcluded => "unscannable.size_excluded",
            Self::UnscannableEngineFailed => "unscannable.engine_failed",
            Self::UnscannableCrashing => "unscannable.crash_limit",
            Self::AmbiguousMessage => "ambiguous.action",
            Self::TooAmbiguousMessage => "ambiguous.too_ambiguous",
            Self::ClientDenied => "before.deny_clients",
            Self::EarlyTalker => "before.early_talkers",
            Self::GreetingInvalid => "before.bad_greeting",
            Self::SenderInvalid => "before.bad_sender",
            Self::RateLimit => "before.rates",
            Self::Greylisted => "before.greylist.enabled",
            Self::RecipientUnknown => "before.unknown_recipients",
            Self::DisarmDocument => "disarm.enabled",
            Self::DmarcFailed => "authentication.dmarc",
            Self::Spam => "spam.spam.action",
            Self::ProbableSpam => "spam.probable.action",
            Self::FormalNotification => "spam.formal.action",
            Self::AddressBlacklisted => "spam.blacklisted.action",
            Self::MassMail => "spam.mass.action",
            Self::OutgoingSpam => "spam.outgoing",
        }
    }

    /// Whether it is about malware, not about what could not be looked at.
    pub fn is_about_malware(self) -> bool {
        matches!(self, Self::MalwareInfected | Self::MalwareProbable | Self::MalwareOutgoing)
    }

    /// Whether it is about spam, bulk mail and automatic notices.
    pub fn is_about_spam(self) -> bool {
        matches!(
            self,
            Self::Spam
                | Self::ProbableSpam
                | Self::FormalNotification
                | Self::AddressBlacklisted
                | Self::MassMail
                | Self::OutgoingSpam
        )
    }

    /// The rule's stable name.
    pub fn name(self) -> &'static str {
        match self {
            Self::MalwareInfected => "malware_infected",
            Self::MalwareProbable => "malware_probable",
            Self::MalwareOutgoing => "malware_outgoing",
            Self::UnscannableEncrypted => "unscannable_encrypted",
            Self::UnscannableDamaged => "unscannable_damaged",
            Self::UnscannableUnknownFormat => "unscannable_unknown_format",
            Self::UnscannablePacked => "unscannable_packed",
            Self::UnscannableLimit => "unscannable_limit",
            Self::UnscannableSizeExcluded => "unscannable_size_excluded",
            Self::UnscannableEngineFailed => "unscannable_engine_failed",
            Self::UnscannableCrashing => "unscannable_crashing",
            Self::AmbiguousMessage => "ambiguous_message",
            Self::TooAmbiguousMessage => "too_ambiguous_message",
            Self::ClientDenied => "client_denied",
            Self::EarlyTalker => "early_talker",
            Self::GreetingInvalid => "greeting_invalid",
            Self::SenderInvalid => "sender_invalid",
            Self::RateLimit => "rate_limit",
            Self::Greylisted => "greylisted",
            Self::RecipientUnknown => "recipient_unknown",
            Self::DisarmDocument => "disarm_document",
            Self::DmarcFailed => "dmarc_failed",
            Self::Spam => "spam",
            Self::ProbableSpam => "probable_spam",
            Self::FormalNotification => "formal_notification",
            Self::AddressBlacklisted => "address_blacklisted",
            Self::MassMail => "mass_mail",
            Self::OutgoingSpam => "outgoing_spam",
        }
    }
}
