//! What is asked, said and done about who really sent a message.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Time;

/// What is done about mail that fails the DMARC of its author's domain.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DmarcAction {
    /// It is recorded; other rules may count it.
    #[default]
    Report,
    /// What the domain's owner wants: `reject` is refused, `quarantine` is held in Backup.
    Honour,
}

/// Aggregate reports of DMARC (RFC 9990), once a day to the addresses that the records of authors' domains
/// name: how much mail came in their name from where, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DmarcReports {
    /// Send them.
    pub enabled: bool,
    /// The address that they come from, in a domain of ours; best one whose key signs (`[[dkim]]`).
    pub from: String,
    /// Who reports, for people. Empty: the domain of `from`.
    pub organisation: String,
    /// Our own addresses at which others report about domains of ours (`rua=` in their records). Reports in mail
    /// for these are kept, for `mailward dmarc list`, and the mail is delivered as always.
    pub received_at: Vec<String>,
    /// How long such a report is kept. 0 = no limit but the number of them.
    pub max_age: Time,
}

impl Default for DmarcReports {
    fn default() -> Self {
        Self {
            enabled: false,
            from: String::new(),
            organisation: String::new(),
            received_at: Vec::new(),
            max_age: Time(90 * 86_400_000),
        }
    }
}

/// Who really sent a message: SPF, DKIM, DMARC and ARC. Asked about incoming mail of clients that are not our own;
/// what cannot be found out never keeps mail back. For the name of the client's address `spam.external.reverse_dns`
/// has it asked.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Authentication {
    /// Check it (EX-09).
    pub enabled: bool,
    /// What is done about mail that fails the DMARC of its author's domain.
    pub dmarc: DmarcAction,
    /// Domains whose ARC seals are believed (RFC 8617): mailing lists and forwarders that change mail. Where
    /// the last of them, and all behind it, say that DMARC passed when the mail came to them, a failure here
    /// is recorded and nothing else.
    pub trusted_sealers: Vec<String>,
    /// Aggregate reports to the owners of domains.
    pub reports: DmarcReports,
    /// Say in `Authentication-Results` (RFC 8601) what was found (EX-13, D-13).
    pub header: bool,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            enabled: true,
            dmarc: DmarcAction::default(),
            trusted_sealers: Vec::new(),
            reports: DmarcReports::default(),
            header: true,
        }
    }
}
