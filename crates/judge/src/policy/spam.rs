//! What the policy says about spam, bulk mail and automatic notices (spec sections 7, 8, 12, 15, 17).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{External, FirstContact, Impersonation, Rule, SenderLists};
use crate::units::{Bytes, Time};

/// What is done about a message of a status (AS-11..13).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SpamAction {
    /// Deliver it (AS-11).
    #[default]
    Allow,
    /// Refuse it: the sending server gets an error (AS-12).
    Reject,
    /// Accept it and discard it: the sending server is told that it was accepted (AS-13, D-5).
    Delete,
}

/// From which rating on a message is probable spam, and spam (spec section 8).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sensitivity {
    /// Probable spam from 60, spam from 75.
    Maximum,
    /// Probable spam from 70, spam from 80.
    High,
    /// Probable spam from 80, spam from 90.
    #[default]
    Low,
    /// Probable spam from 90, spam from 100.
    Minimum,
}

impl Sensitivity {
    /// The ratings from which on a message is probable spam, and spam.
    pub fn thresholds(self) -> (u8, u8) {
        match self {
            Self::Maximum => (60, 75),
            Self::High => (70, 80),
            Self::Low => (80, 90),
            Self::Minimum => (90, 100),
        }
    }
}

/// What is done about the messages of one status.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpamRow {
    /// What is done (AS-11..13).
    pub action: SpamAction,
    /// Add the spam confidence level, `X-MS-Exchange-Organization-SCL` (AS-14, D-8).
    pub scl: bool,
    /// Save a copy in Backup (AS-15). Without it, what is deleted is gone for good.
    pub keep_copy: bool,
    /// Put the label in front of the subject (AS-16).
    pub add_label: bool,
    /// The label (AS-17).
    pub label: String,
}

impl SpamRow {
    fn new(label: &str, marked: bool) -> Self {
        let action = SpamAction::default();
        Self { action, scl: marked, keep_copy: false, add_label: marked, label: label.to_owned() }
    }
}

/// Which of the switchable signs count (HR-01..10).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SpamSigns {
    /// To has no address (HR-01).
    pub to_without_address: bool,
    /// The sender's address has digits (HR-02).
    pub digits_in_sender: bool,
    /// The sender's address has no domain (HR-03).
    pub sender_without_domain: bool,
    /// The subject is longer than 250 characters (HR-04).
    pub long_subject: bool,
    /// The subject has many blanks or dots (HR-05).
    pub blanks_in_subject: bool,
    /// The subject has a time stamp or a number for programs (HR-06).
    pub stamp_in_subject: bool,
    /// The text is Chinese (HR-07).
    pub chinese: bool,
    /// The text is Korean (HR-08).
    pub korean: bool,
    /// The text is Thai (HR-09).
    pub thai: bool,
    /// The text is Japanese (HR-10).
    pub japanese: bool,
    /// Further signs that do not count, by their names in docs/reference/signs.md.
    pub off: Vec<String>,
}

impl Default for SpamSigns {
    fn default() -> Self {
        Self {
            to_without_address: true,
            digits_in_sender: true,
            sender_without_domain: true,
            long_subject: true,
            blanks_in_subject: true,
            stamp_in_subject: true,
            chinese: false,
            korean: false,
            thai: false,
            japanese: false,
            off: Vec::new(),
        }
    }
}

impl SpamSigns {
    /// Whether a sign counts.
    pub fn counts(&self, id: &str) -> bool {
        let switched = match id {
            "hr_01_to_without_address" => self.to_without_address,
            "hr_02_digits_in_sender" => self.digits_in_sender,
            "hr_03_sender_without_domain" => self.sender_without_domain,
            "hr_04_long_subject" => self.long_subject,
            "hr_05_blanks_in_subject" => self.blanks_in_subject,
            "hr_06_stamp_in_subject" => self.stamp_in_subject,
            "hr_07_chinese" => self.chinese,
            "hr_08_korean" => self.korean,
            "hr_09_thai" => self.thai,
            "hr_10_japanese" => self.japanese,
            _ => true,
        };
        switched && !self.off.iter().any(|off| off == id)
    }
}

/// Spam, bulk mail and automatic notices.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Spam {
    /// Examine incoming mail for spam (AS-01).
    pub enabled: bool,
    /// From which rating on a message is spam.
    pub sensitivity: Sensitivity,
    /// Examine mail that comes over trusted connections, too (TC-01).
    pub trusted_connections: bool,
    /// Pass over mail for `postmaster` (PM-01); for other recipients of the same message it is examined.
    pub skip_postmaster: bool,
    /// Larger messages are delivered without being examined for spam (LM-03): 1 KB to 2,096,128 KB.
    pub max_size: Bytes,
    /// The examination for spam ends after this time, and the message is delivered (LM-01).
    pub max_time: Time,
    /// Look at the text of attached DOC and DOCX files (LM-04), and of those of OpenDocument.
    pub scan_doc: bool,
    /// Look at the text of attached RTF files (LM-05).
    pub scan_rtf: bool,
    /// Look at the text of attached PDF files.
    pub scan_pdf: bool,
    /// Look at attached plain text.
    pub scan_text: bool,
    /// Compare pictures with those of known spam (LM-06); `mailward spam learn` teaches them.
    pub image_analysis: bool,
    /// Remembering who wrote here before.
    pub first_contact: FirstContact,
    /// Delete outgoing mail that is spam; a copy is always kept in Backup (OUT-01, OUT-02).
    pub outgoing: bool,
    /// Add the headers that tell about spam to every message that was examined, not only to those with a
    /// status.
    pub always_headers: bool,
    /// Also add the spam confidence level to other mail: 0 where nothing was found, -1 where the message
    /// was passed over (D-8).
    pub scl_others: bool,
    /// Which signs count.
    pub signs: SpamSigns,
    /// Lists of senders and recipients (WL-01..WL-08, BL-01..BL-05).
    pub lists: SenderLists,
    /// Lists in the DNS (EX-01..EX-14).
    pub external: External,
    /// Names of people and domains that mail from outside must not borrow.
    pub impersonation: Impersonation,
    /// Messages that are spam (AS-05).
    pub spam: SpamRow,
    /// Messages that are probably spam (AS-06).
    pub probable: SpamRow,
    /// Automatic messages: delivery reports, automatic replies (AS-07).
    pub formal: SpamRow,
    /// Messages whose sender the denylist has, or whose client or links DNS lists have where `when_reached`
    /// says "blacklisted" (AS-08, BL-01).
    pub blacklisted: SpamRow,
    /// Newsletters and other bulk mail (AS-09).
    pub mass: SpamRow,
}

impl Default for Spam {
    fn default() -> Self {
        Self {
            enabled: true,
            sensitivity: Sensitivity::default(),
            trusted_connections: false,
            skip_postmaster: true,
            max_size: Bytes(1536 * 1024),
            max_time: Time(60_000),
            scan_doc: false,
            scan_rtf: false,
            scan_pdf: false,
            scan_text: false,
            image_analysis: true,
            first_contact: FirstContact::default(),
            outgoing: false,
            always_headers: false,
            scl_others: false,
            signs: SpamSigns::default(),
            lists: SenderLists::default(),
            external: External::default(),
            impersonation: Impersonation::default(),
            spam: SpamRow::new("[!! Spam]", true),
            probable: SpamRow::new("[!! Probable Spam]", true),
            formal: SpamRow::new("[!! Formal]", false),
            blacklisted: SpamRow::new("[!! Blacklisted]", true),
            mass: SpamRow::new("[!! Mass Mail]", true),
        }
    }
}

impl Spam {
    /// What the recommended profile has (D-7).
    pub(crate) fn recommended() -> Self {
        let first_contact = FirstContact { enabled: true, ..FirstContact::default() };
        let spam = SpamRow { action: SpamAction::Reject, keep_copy: true, ..SpamRow::new("[!! Spam]", true) };
        Self {
            spam,
            scan_doc: true,
            scan_rtf: true,
            scan_pdf: true,
            scan_text: true,
            max_size: Bytes(25_000_000),
            first_contact,
            ..Self::default()
        }
    }

    /// The row of a rule about spam.
    pub fn row(&self, rule: Rule) -> Option<&SpamRow> {
        match rule {
            Rule::Spam => Some(&self.spam),
            Rule::ProbableSpam => Some(&self.probable),
            Rule::FormalNotification => Some(&self.formal),
            Rule::AddressBlacklisted => Some(&self.blacklisted),
            Rule::MassMail => Some(&self.mass),
            _ => None,
        }
    }
}
