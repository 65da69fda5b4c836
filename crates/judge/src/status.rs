//! The one word for a message (spec AV-04, AV-05, AV-09).

use mail::defect::Ambiguity;
use mail::evidence::{Certainty, FindingKind, Report, UnscannedReason};
use serde::{Deserialize, Serialize};

/// What a message, or a file, is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Every required engine looked at every object, and nothing was found.
    Clean,
    /// Known malware.
    Infected,
    /// Known malware, which was removed; what is delivered was scanned again and is clean.
    Disinfected,
    /// Code typical of malware.
    ProbablyInfected,
    /// Something could not be looked at.
    Unscannable,
    /// An engine failed.
    Error,
    /// The policy says not to look.
    NotScanned,
}

impl Status {
    /// The word for it in JSON, headers, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Infected => "infected",
            Self::Disinfected => "disinfected",
            Self::ProbablyInfected => "probably_infected",
            Self::Unscannable => "unscannable",
            Self::Error => "error",
            Self::NotScanned => "not_scanned",
        }
    }

    /// Every status, for tables and metrics.
    pub const ALL: [Self; 7] = [
        Self::Clean,
        Self::Infected,
        Self::Disinfected,
        Self::ProbablyInfected,
        Self::Unscannable,
        Self::Error,
        Self::NotScanned,
    ];

    /// What a closed report says: the worst of its findings. `Clean` comes from nowhere else.
    pub fn of(report: &Report) -> Self {
        // More readings than are looked at: something in it was not seen.
        let too_ambiguous = report.evidence().ambiguity == Ambiguity::TooAmbiguous;
        let mut worst = if too_ambiguous { Self::Unscannable } else { Self::Clean };
        for finding in report.findings() {
            let status = match &finding.kind {
                FindingKind::Malware { certainty: Certainty::Certain, .. } => Self::Infected,
                FindingKind::Malware { certainty: Certainty::Probable, .. } => Self::ProbablyInfected,
                FindingKind::Unscanned { reason: UnscannedReason::EngineFailed } => Self::Error,
                FindingKind::Unscanned { .. } => Self::Unscannable,
                FindingKind::Active { .. } | FindingKind::Opened { .. } => continue,
            };
            if status.weight() > worst.weight() {
                worst = status;
            }
        }
        worst
    }

    /// Which of two statuses names a message that has both.
    fn weight(self) -> u8 {
        match self {
            Self::Clean => 0,
            Self::NotScanned => 1,
            Self::Unscannable => 2,
            Self::Error => 3,
            Self::Disinfected => 4,
            Self::ProbablyInfected => 5,
            Self::Infected => 6,
        }
    }
}
