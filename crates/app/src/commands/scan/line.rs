//! One line of `--format json`. Programs rely on it: keys are only added, and the schema is kept as
//! a file (docs/reference/scan-output.schema.json).

use std::collections::BTreeSet;

use judge::status::Status;
use mail::evidence::{Finding, FindingKind, ObjectId, Report};
use schemars::JsonSchema;
use serde::Serialize;

use super::Done;
use super::auth::Auth;
use crate::looking::bench::Looked;
use crate::looking::objects;

/// What was seen in one message or file. Names of files, members and attachments are as their
/// sender wrote them; characters that a terminal acts upon are escaped in the JSON text.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub(super) struct ScanLine {
    /// The file, as it was named or found; `-` is standard input. Bytes that are not UTF-8 are
    /// replaced.
    pub(super) path: String,
    /// The number of the message in an mbox, from 1; only there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) index: Option<u64>,
    /// What it is.
    pub(super) status: ScanStatus,
    /// Malware that was found.
    pub(super) malware: Vec<Malware>,
    /// What was not, or not wholly, looked at.
    pub(super) unscanned: Vec<Unscanned>,
    /// What acts by itself or at a click: macros, scripts, actions of documents.
    pub(super) active: Vec<ActiveContent>,
    /// What was encrypted and a password opened.
    pub(super) opened: Vec<Opened>,
    /// How far mail programs may differ about the message.
    pub(super) ambiguity: ScanAmbiguity,
    /// What is wrong with the form of the message (docs/reference/defects.md).
    pub(super) defects: Vec<ScanDefect>,
    /// The attachments of the message.
    pub(super) attachments: Vec<Attachment>,
    /// Who really sent the message; only with `--authenticate`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) auth: Option<Auth>,
    /// What speaks for spam, and what comes of it; absent for what could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) spam: Option<ScanSpam>,
    /// What the gateway would do with such a message: `delivered`, `labelled`, `normalised`,
    /// `disarmed`, `disinfected`, `object_deleted`, `held`, `message_deleted`, `blocked`, `tempfailed`. Absent for
    /// what could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) action: Option<&'static str>,
    /// What a gateway would have asked or known. Services outside that the policy asks, without `--authenticate`:
    /// `authentication`, `reverse_name`, `dnsbl`, `surbl`, `urls`, `emails`, `files`. When it came, where neither `--at`
    /// nor a `Received` says so: `time`.
    pub(super) not_asked: Vec<&'static str>,
    /// The rules of the policy that apply, sorted.
    pub(super) rules: Vec<&'static str>,
    /// Why the file could not be read; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
}

/// What a message or file is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScanStatus {
    /// Everything was looked at, and nothing was found.
    Clean,
    /// Known malware.
    Infected,
    /// Known malware that the gateway would remove; what is left is clean.
    Disinfected,
    /// Code typical of malware.
    ProbablyInfected,
    /// Something in it could not be looked at.
    Unscannable,
    /// It could not be read, or an engine failed.
    Error,
}

/// How far mail programs may differ about a message.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum ScanAmbiguity {
    /// Not at all.
    #[default]
    None,
    /// Something is wrong that every program reads the same way.
    Cosmetic,
    /// They may show different content.
    Ambiguous,
    /// There are more readings than are looked at.
    TooAmbiguous,
}

/// Malware in one place.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Malware {
    /// The name that the engine gives it.
    pub(super) name: String,
    /// What it is: `test_file`, `trojan`, `dropper`, `macro`, `script`, `virus`, …
    pub(super) kind: String,
    /// How sure the engine is: `certain` or `probable`.
    pub(super) certainty: Certainty,
    /// The place for people: `2 » invoice.zip » setup.exe`, escaped.
    pub(super) node: String,
    /// The place as a list, unescaped.
    pub(super) path: Vec<String>,
    /// Who found it.
    pub(super) engine: &'static str,
}

/// How sure an engine is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Certainty {
    /// Typical of malware.
    Probable,
    /// Known malware.
    Certain,
}

/// Something that was not looked at.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Unscanned {
    /// The place for people, escaped.
    pub(super) node: String,
    /// The place as a list, unescaped.
    pub(super) path: Vec<String>,
    /// Why: `encrypted`, `damaged`, `unknown_format`, `packed`, `limit_depth`, `limit_objects`,
    /// `limit_bytes`, `limit_ratio`, `limit_time`, `size_excluded`, `engine_failed` or `volume`.
    pub(super) reason: &'static str,
    /// Who says so.
    pub(super) engine: &'static str,
    /// What it says about it, for people; unescaped.
    pub(super) detail: String,
}

/// Something that acts by itself or at a click.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct ActiveContent {
    /// The place for people, escaped.
    pub(super) node: String,
    /// The place as a list, unescaped.
    pub(super) path: Vec<String>,
    /// Which: `vba`, `xlm`, `dde`, `remote_template`, `ole_package`, `active_x`, `script`, `launch`,
    /// `open_uri`, `form` or `command_line`.
    pub(super) what: &'static str,
    /// Its beginning, as its sender wrote it; unescaped.
    pub(super) detail: String,
}

/// Something that was encrypted and a password opened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Opened {
    /// The place for people, escaped.
    pub(super) node: String,
    /// The place as a list, unescaped.
    pub(super) path: Vec<String>,
    /// Where the password came from: `message` or `configured`.
    pub(super) with: &'static str,
}

/// One defect in one place.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, JsonSchema)]
pub(super) struct ScanDefect {
    /// Its stable name.
    pub(super) code: &'static str,
    /// The place for people, escaped.
    pub(super) node: String,
}

/// One attachment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct Attachment {
    /// The place for people, escaped.
    pub(super) node: String,
    /// Its name, as the sender wrote it; empty if it has none.
    pub(super) name: String,
    /// What it is by its content: `zip`, `pdf`, `pe`, …
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Its size in bytes, decoded.
    pub(super) size: u64,
}

/// Whether a message is spam, and why.
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub(super) struct ScanSpam {
    /// `clean`, `mass_mail`, `formal_notification`, `probable_spam`, `spam`, `address_blacklisted`,
    /// `skipped` or `not_scanned`.
    pub(super) status: &'static str,
    /// Why it was not examined: `disabled`, `internal`, `trusted`, `postmaster`, `allowlisted`, `size_exceeded`,
    /// `timeout`, `failed` or `not_asked`; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) why: Option<&'static str>,
    /// 0 to 100.
    pub(super) rating: u8,
    /// The spam confidence level that would be written; absent where none is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) scl: Option<i8>,
    /// The points of all signs of spam that count.
    pub(super) points: f64,
    /// The entry of a list of senders or recipients that decided; only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) list: Option<ScanListed>,
    /// What the message would be without that entry, and without another that fits; only where one decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) without_entry: Option<ScanOtherwise>,
    /// The signs that were seen, sorted by name.
    pub(super) signs: Vec<ScanSign>,
    /// The signs without any one of which the status would be another.
    pub(super) decisive: Vec<String>,
    /// Where no single one decides: signs without all of which the status would be another.
    pub(super) together: Vec<String>,
    /// The points from which on it would be probable spam, and spam.
    pub(super) limits: SpamLimits,
}

/// What a message would be otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct ScanOtherwise {
    /// Its status.
    pub(super) status: &'static str,
    /// 0 to 100.
    pub(super) rating: u8,
}

/// Points that make a status, by the policy.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, JsonSchema)]
pub(super) struct SpamLimits {
    /// From so many on a message is probable spam.
    pub(super) probable_spam: f64,
    /// From so many on a message is spam.
    pub(super) spam: f64,
    /// A message of more bytes is not examined.
    pub(super) bytes: u64,
}

/// An entry of a list that decided.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, JsonSchema)]
pub(super) struct ScanListed {
    /// `allow` or `deny`.
    pub(super) list: String,
    /// Its id.
    pub(super) id: String,
    /// What it names.
    pub(super) entry: String,
    /// The recipient whose own entry it is; absent for the organisation's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    /// By what it fits: `mail_from`, `header_from`, `client` or `recipient`.
    pub(super) by: &'static str,
}

impl From<&mail::evidence::Listed> for ScanListed {
    fn from(entry: &mail::evidence::Listed) -> Self {
        let mail::evidence::Listed { list, id, entry: value, owner, by, .. } = entry.clone();
        Self { list, id, entry: value, owner, by: by.name() }
    }
}

/// One sign of spam, bulk mail or an automatic notice (docs/reference/signs.md).
#[derive(Clone, PartialEq, Debug, Serialize, JsonSchema)]
pub(super) struct ScanSign {
    /// Its name.
    pub(super) id: String,
    /// What it is about.
    pub(super) group: &'static str,
    /// Its points.
    pub(super) points: f64,
    /// Whether it counts, by the policy and by what the message is: of a program's notice not all do.
    pub(super) counts: bool,
    /// What was seen, unescaped.
    pub(super) evidence: String,
}

impl ScanSpam {
    fn of(looked: &Looked, verdict: &judge::spam::SpamVerdict) -> Self {
        let (report, policy) = (looked.decided_from(), &looked.policy);
        let signs = judge::spam::counted(policy, &looked.arrival, report).into_iter().map(|(sign, counts)| ScanSign {
            id: sign.id.clone(),
            group: sign.group.name(),
            points: f64::from(sign.points) / 100.0,
            counts: counts == judge::spam::Counts::Yes,
            evidence: sign.evidence.raw().clone(),
        });
        let otherwise = judge::spam::without_entry(policy, &looked.arrival, report);
        let holding = judge::spam::holding(policy, &looked.arrival, report);
        let (probable, spam) = judge::spam::limits(policy);
        Self {
            status: verdict.status.name(),
            why: verdict.why.map(judge::spam::SpamWhy::name),
            rating: verdict.rating,
            scl: judge::spam::scl(policy, verdict),
            points: f64::from(verdict.points) / 100.0,
            list: judge::spam::deciding(policy, report, verdict).map(ScanListed::from),
            without_entry: otherwise.map(|other| ScanOtherwise { status: other.status.name(), rating: other.rating }),
            signs: signs.collect(),
            decisive: holding.alone.into_iter().map(str::to_owned).collect(),
            together: holding.together.into_iter().map(str::to_owned).collect(),
            limits: SpamLimits {
                probable_spam: f64::from(probable) / 100.0,
                spam: f64::from(spam) / 100.0,
                bytes: policy.spam.max_size.0,
            },
        }
    }
}

/// The JSON schema, as text.
#[cfg(test)]
pub(crate) fn schema() -> String {
    let schema = schemars::schema_for!(ScanLine).to_value();
    serde_json::to_string_pretty(&schema).unwrap_or_default() + "\n"
}

impl ScanLine {
    /// What is written of a message or file.
    pub(super) fn of(done: &Done) -> Self {
        let mut line = Self {
            path: done.path.clone(),
            index: done.index,
            status: ScanStatus::Error,
            malware: Vec::new(),
            unscanned: Vec::new(),
            active: Vec::new(),
            opened: Vec::new(),
            ambiguity: ScanAmbiguity::None,
            defects: Vec::new(),
            attachments: Vec::new(),
            auth: None,
            spam: None,
            action: None,
            not_asked: Vec::new(),
            rules: Vec::new(),
            error: None,
        };
        match &done.looked {
            Ok(looked) => line.fill(looked),
            Err(why) => line.error = Some(why.clone()),
        }
        line
    }

    fn fill(&mut self, looked: &Looked) {
        let report = &looked.report;
        self.status = ScanStatus::of(looked.status);
        for finding in report.findings() {
            self.add(report, finding);
        }
        self.auth = report.auth().map(Auth::of);
        self.ambiguity = ScanAmbiguity::of(report.evidence().ambiguity);
        self.defects = defects(report);
        self.attachments = attachments(report);
        self.spam = looked.plan.spam.map(|verdict| ScanSpam::of(looked, &verdict));
        self.action = Some(looked.plan.action.name());
        self.not_asked = looked.not_asked.iter().map(|one| one.name()).collect();
        self.rules = service::record::rules(&looked.plan);
    }

    fn add(&mut self, report: &Report, finding: &Finding) {
        let (node, path) = (report.node(finding.object), path(report, finding.object));
        let engine = finding.engine.name();
        match &finding.kind {
            FindingKind::Malware { name, kind, certainty } => self.malware.push(Malware {
                name: name.clone(),
                kind: kind.clone(),
                certainty: match certainty {
                    mail::evidence::Certainty::Probable => Certainty::Probable,
                    mail::evidence::Certainty::Certain => Certainty::Certain,
                },
                node,
                path,
                engine,
            }),
            FindingKind::Unscanned { reason } => {
                let detail = finding.evidence.raw().clone();
                self.unscanned.push(Unscanned { node, path, reason: reason.name(), engine, detail });
            }
            FindingKind::Active { what } => {
                let detail = finding.evidence.raw().clone();
                self.active.push(ActiveContent { node, path, what: what.name(), detail });
            }
            FindingKind::Opened { with } => self.opened.push(Opened { node, path, with: with.name() }),
        }
    }
}

impl ScanStatus {
    fn of(status: Status) -> Self {
        match status {
            Status::Clean => Self::Clean,
            Status::Infected => Self::Infected,
            Status::Disinfected => Self::Disinfected,
            Status::ProbablyInfected => Self::ProbablyInfected,
            Status::Unscannable => Self::Unscannable,
            // Engines always look here; a message nobody looked at would be a mistake of ours.
            Status::Error | Status::NotScanned => Self::Error,
        }
    }
}

impl ScanAmbiguity {
    fn of(ambiguity: mail::defect::Ambiguity) -> Self {
        use mail::defect::Ambiguity;
        match ambiguity {
            Ambiguity::None => Self::None,
            Ambiguity::Cosmetic => Self::Cosmetic,
            Ambiguity::Ambiguous => Self::Ambiguous,
            Ambiguity::TooAmbiguous => Self::TooAmbiguous,
        }
    }
}

fn path(report: &Report, id: ObjectId) -> Vec<String> {
    report.path(id).iter().map(|step| step.raw().clone()).collect()
}

/// Each code once a place.
fn defects(report: &Report) -> Vec<ScanDefect> {
    let mut found = BTreeSet::new();
    for (id, object) in objects(report).filter(|(_, object)| !object.defects.is_empty()) {
        let node = report.node(id);
        found.extend(object.defects.iter().map(|defect| ScanDefect { code: defect.code.name(), node: node.clone() }));
    }
    found.into_iter().collect()
}

fn attachments(report: &Report) -> Vec<Attachment> {
    let attached = objects(report).filter(|(_, object)| object.attachment);
    attached
        .map(|(id, object)| Attachment {
            node: report.node(id),
            name: object.name.as_ref().map(|name| name.raw().clone()).unwrap_or_default(),
            kind: object.kind.name(),
            size: object.size,
        })
        .collect()
}
