//! Whether a message is spam: from signs to points, to a rating, to a status (spec sections 7, 8; D-10).
//!
//! Points of the signs that count are added up, each group of signs up to its limit ([`SignGroup::most`]),
//! and a fixed, monotone function makes the rating of them: see [`rating`]. Bulk delivery and automatic notices are decided apart from it (SE-03): their signs have
//! sums of their own.

mod told;
mod what_if;

use mail::arrival::{Arrival, Direction};
use mail::evidence::{Listed, Report, Sign, SignGroup, SpamSeen};

use crate::draft::{Case, Draft, Hit, Wish};
use crate::fields::ascii;
use crate::lists::is_postmaster;
use crate::origin::lists::Set;
use crate::plan::{Change, Copy};
use crate::policy::{Policy, Rule, SpamAction, SpamRow, WhenReached};
use crate::weigh::Weight;

pub use told::{Counts, counted, headers, listing};
pub use what_if::{Holding, holding, reached, without_entry};

/// Points, in hundredths, and the rating that they make; between two knots it is a straight line. Five
/// points are probable spam and seven are spam at the default level.
pub const KNOTS: [(i32, i32); 4] = [(0, 0), (500, 80), (700, 90), (1200, 100)];
/// Points, in hundredths, of bulk signs from which on a message is mass mail.
pub const BULK_FROM: i32 = 500;
/// Points, in hundredths, of automatic signs from which on a message is a formal notification.
pub const FORMAL_FROM: i32 = 500;
/// Points, in hundredths, of automatic signs from which on a message without a sender is a program's notice.
const REPORT_FROM: i32 = 800;
/// Signs of a report's structure, or of the words that a program puts around what it returns. Fields that say so
/// are no structure: anybody writes them.
const REPORT_SIGNS: [&str; 3] = ["delivery_report", "read_report", "report_in_words"];
/// What a reader sees of a report, or is led to by it. Only this counts against one: how a mail server writes
/// its header is peculiar, and its subject is that of somebody else's mail.
const SEEN_IN_REPORT: [SignGroup; 7] = [
    SignGroup::Html,
    SignGroup::Link,
    SignGroup::Phrase,
    SignGroup::Disguise,
    SignGroup::Language,
    SignGroup::Attachment,
    SignGroup::Network,
];
/// What counts against an automatic reply, beside that: who answers is seen, and what is answered. Only how a
/// program writes the rest of its header says nothing.
const SEEN_IN_REPLY: [SignGroup; 3] = [SignGroup::Sender, SignGroup::Subject, SignGroup::Composite];

/// Signs of other groups that are about what is attached.
const ABOUT_ATTACHED: [&str; 2] = ["attachment_without_text", "known_spam_image"];

/// What a message is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum SpamStatus {
    /// Nothing was found (AS-10).
    Clean,
    /// AS-09.
    MassMail,
    /// AS-07.
    FormalNotification,
    /// AS-06.
    ProbableSpam,
    /// AS-05.
    Spam,
    /// AS-08.
    AddressBlacklisted,
    /// It was passed over, because it comes from where it is trusted.
    Skipped,
    /// It was not examined.
    NotScanned,
}

impl SpamStatus {
    /// Every status, for tables and metrics.
    pub const ALL: [Self; 8] = [
        Self::Clean,
        Self::MassMail,
        Self::FormalNotification,
        Self::ProbableSpam,
        Self::Spam,
        Self::AddressBlacklisted,
        Self::Skipped,
        Self::NotScanned,
    ];

    /// The word for it in JSON, headers, logs and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::MassMail => "mass_mail",
            Self::FormalNotification => "formal_notification",
            Self::ProbableSpam => "probable_spam",
            Self::Spam => "spam",
            Self::AddressBlacklisted => "address_blacklisted",
            Self::Skipped => "skipped",
            Self::NotScanned => "not_scanned",
        }
    }

    /// Whether it says that the message is spam, or probably so, or comes from somebody whose mail always is.
    pub fn is_positive(self) -> bool {
        matches!(self, Self::Spam | Self::ProbableSpam | Self::AddressBlacklisted)
    }

    /// The rule about it.
    pub fn rule(self) -> Option<Rule> {
        match self {
            Self::MassMail => Some(Rule::MassMail),
            Self::FormalNotification => Some(Rule::FormalNotification),
            Self::ProbableSpam => Some(Rule::ProbableSpam),
            Self::Spam => Some(Rule::Spam),
            Self::AddressBlacklisted => Some(Rule::AddressBlacklisted),
            Self::Clean | Self::Skipped | Self::NotScanned => None,
        }
    }
}

/// Why a message was not examined for spam.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum SpamWhy {
    /// The policy does not want it for mail of this direction (AS-01, OUT-01).
    Disabled,
    /// All addresses are ours (AS-03).
    Internal,
    /// It came over a trusted connection (AS-03, TC-01).
    Trusted,
    /// It is for the postmaster (PM-01).
    Postmaster,
    /// The allowlist has its sender or its recipients (WL-01).
    Allowlisted,
    /// It is larger than the limit (LM-03).
    Size,
    /// The examination took longer than the limit (LM-01).
    Time,
    /// The examination failed.
    Failed,
    /// Nobody asked for it: what was examined is no message.
    NotAsked,
}

impl SpamWhy {
    /// The word for it in JSON, headers and logs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Disabled => "disabled",
            Self::Internal => "internal",
            Self::Trusted => "trusted",
            Self::Postmaster => "postmaster",
            Self::Allowlisted => "allowlisted",
            Self::Size => "size_exceeded",
            Self::Time => "timeout",
            Self::Failed => "failed",
            Self::NotAsked => "not_asked",
        }
    }

    fn status(self) -> SpamStatus {
        match self {
            Self::Internal | Self::Trusted | Self::Postmaster | Self::Allowlisted => SpamStatus::Skipped,
            Self::Disabled | Self::Size | Self::Time | Self::Failed | Self::NotAsked => SpamStatus::NotScanned,
        }
    }
}

/// The outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SpamVerdict {
    /// What the message is.
    pub status: SpamStatus,
    /// Why it was not examined; only then.
    pub why: Option<SpamWhy>,
    /// 0 to 100.
    pub rating: u8,
    /// Points of the signs of spam that count, each group up to its limit, in hundredths. Of a program's
    /// notice not all count ([`notice`]).
    pub points: i32,
    /// Points of the signs of bulk delivery, in hundredths.
    pub bulk: i32,
    /// Points of the signs of automatic notices, in hundredths.
    pub automatic: i32,
}

/// Why a message is not to be examined for spam, whatever it says; `None` if it is.
pub fn excluded(policy: &Policy, arrival: &Arrival) -> Option<SpamWhy> {
    passed_over(policy, arrival).or_else(|| (arrival.size > policy.spam.max_size.0).then_some(SpamWhy::Size))
}

/// Why nobody asks about spam, lists of senders included.
fn passed_over(policy: &Policy, arrival: &Arrival) -> Option<SpamWhy> {
    let spam = &policy.spam;
    let recipients = &arrival.envelope.rcpt_to;
    match arrival.direction {
        Direction::Outgoing if !spam.outgoing => return Some(SpamWhy::Disabled),
        Direction::Incoming | Direction::Internal if !spam.enabled => return Some(SpamWhy::Disabled),
        Direction::Internal => return Some(SpamWhy::Internal),
        Direction::Incoming if arrival.over_trusted_connection() && !spam.trusted_connections => {
            return Some(SpamWhy::Trusted);
        }
        Direction::Incoming | Direction::Outgoing => {}
    }
    // D-21: never for all because one recipient matches. Of what leaves, another organisation's postmaster is a
    // recipient like any other, and ours is internal (OUT-05).
    let ours = arrival.direction != Direction::Outgoing;
    if ours && spam.skip_postmaster && !recipients.is_empty() && recipients.iter().all(is_postmaster) {
        return Some(SpamWhy::Postmaster);
    }
    None
}

/// The entry of a list that decides, where lists are used.
fn listed<'a>(policy: &Policy, report: &'a Report) -> Option<&'a Listed> {
    report.standing().filter(|_| policy.spam.lists.enabled).and_then(|standing| standing.listed.as_ref())
}

/// The rating of so many hundredths of points (D-10): 0 to 100, never less for more.
pub fn rating(points: i32) -> u8 {
    let points = points.max(0);
    let mut below = KNOTS.first().copied().unwrap_or((0, 0));
    for (at, rating) in KNOTS {
        if points < at {
            let (from, base) = below;
            let rise = (points - from) * (rating - base) / (at - from).max(1);
            return u8::try_from(base + rise).unwrap_or(100);
        }
        below = (at, rating);
    }
    100
}

/// Whether a sign counts for a message.
pub fn counts(policy: &Policy, arrival: &Arrival, sign: &Sign) -> bool {
    // OUT-06: of outgoing mail text and header alone decide.
    let attached = sign.group == SignGroup::Attachment || ABOUT_ATTACHED.contains(&sign.id.as_str());
    switched_on(policy, sign) && !(attached && arrival.direction == Direction::Outgoing)
}

/// Whether the policy wants a sign.
fn switched_on(policy: &Policy, sign: &Sign) -> bool {
    let external = &policy.spam.external;
    let switched = match sign.id.as_str() {
        "reverse_missing" | "reverse_elsewhere" => external.enabled && external.reverse_dns,
        "dynamic_client" => external.enabled && external.dynamic_addresses,
        id => Set::of_sign(id).is_none_or(|(set, _)| set.is_on(external)),
    };
    switched && policy.spam.signs.counts(&sign.id)
}

/// Judges a message.
pub fn verdict(policy: &Policy, arrival: &Arrival, report: &Report) -> SpamVerdict {
    if let Some(why) = passed_over(policy, arrival) {
        return none(why);
    }
    // OUT-05.
    if arrival.direction == Direction::Outgoing && report.standing().is_some_and(|standing| standing.internal) {
        return none(SpamWhy::Internal);
    }
    with_entry(policy, arrival, report, listed(policy, report), &counting(policy, arrival, report))
}

/// What a message is by these signs, where this entry of a list decides about it.
fn with_entry(
    policy: &Policy,
    arrival: &Arrival,
    report: &Report,
    entry: Option<&Listed>,
    signs: &[&Sign],
) -> SpamVerdict {
    if entry.is_some_and(|entry| !entry.denies() && !entry.mass_only) {
        return none(SpamWhy::Allowlisted);
    }
    let large = arrival.size > policy.spam.max_size.0;
    let seen = if large { none(SpamWhy::Size) } else { of_report(policy, arrival, report, signs) };
    match entry {
        // SE-03: decided apart from the rating, and whatever else is known of the message.
        Some(entry) if entry.denies() => SpamVerdict { status: SpamStatus::AddressBlacklisted, why: None, ..seen },
        // WL-06.
        Some(_) if seen.status == SpamStatus::MassMail => SpamVerdict { status: SpamStatus::Clean, ..seen },
        _ => seen,
    }
}

/// The signs of a message that the policy does not switch off.
fn counting<'a>(policy: &Policy, arrival: &Arrival, report: &'a Report) -> Vec<&'a Sign> {
    report.spam().signs().iter().filter(|sign| counts(policy, arrival, sign)).collect()
}

fn none(why: SpamWhy) -> SpamVerdict {
    SpamVerdict { status: why.status(), why: Some(why), rating: 0, points: 0, bulk: 0, automatic: 0 }
}

/// What these signs of a message come to.
fn of_report(policy: &Policy, arrival: &Arrival, report: &Report, signs: &[&Sign]) -> SpamVerdict {
    match report.spam() {
        SpamSeen::OutOfTime => none(SpamWhy::Time),
        SpamSeen::NotAsked => none(SpamWhy::NotAsked),
        SpamSeen::Crashed => none(SpamWhy::Failed),
        SpamSeen::Signs(_) => of_signs(policy, arrival, signs),
    }
}

/// What a program's notice is, as far as that can be told.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum OfProgram {
    /// It has the structure of a report, or the words of one.
    Report,
    /// Its fields say that a program answers.
    Reply,
}

impl OfProgram {
    /// Whether signs of a group count against it.
    fn decides(self, group: SignGroup) -> bool {
        SEEN_IN_REPORT.contains(&group) || self == Self::Reply && SEEN_IN_REPLY.contains(&group)
    }
}

/// Whether a message is a program's notice: by most of the marks of one, and by an envelope without a sender.
/// Anybody can send one, so what it shows is judged like any text; words of the header alone prove nothing.
fn of_program(arrival: &Arrival, signs: &[&Sign]) -> Option<OfProgram> {
    let marks = || signs.iter().filter(|sign| sign.group == SignGroup::Automatic);
    let sum: i32 = marks().map(|sign| i32::from(sign.points)).sum();
    let from_nobody = arrival.envelope.mail_from.is_none() && marks().any(|sign| sign.id == "null_sender");
    let structured = || marks().any(|sign| REPORT_SIGNS.contains(&sign.id.as_str()));
    (from_nobody && sum >= REPORT_FROM).then(|| if structured() { OfProgram::Report } else { OfProgram::Reply })
}

/// Whether a sign refutes what has the form of a notice: a report about mail that was never ours.
fn refuted(signs: &[&Sign]) -> bool {
    signs.iter().any(|sign| sign.group == SignGroup::Automatic && sign.points < 0)
}

fn of_signs(policy: &Policy, arrival: &Arrival, signs: &[&Sign]) -> SpamVerdict {
    let sum = |group: SignGroup| -> i32 {
        let of_it = signs.iter().filter(|sign| sign.group == group);
        of_it.map(|sign| i32::from(sign.points)).sum::<i32>().min(group.most())
    };
    let apart = |group: &SignGroup| matches!(group, SignGroup::Bulk | SignGroup::Automatic);
    let refuted = refuted(signs);
    let notice = of_program(arrival, signs).filter(|_| !refuted);
    let decides = |group: &SignGroup| !apart(group) && notice.is_none_or(|notice| notice.decides(*group));
    let points: i32 = SignGroup::ALL.into_iter().filter(decides).map(sum).sum();
    let automatic = if refuted { 0 } else { sum(SignGroup::Automatic) };
    let bulk = sum(SignGroup::Bulk);
    // D-1: lists whose weights reach their limit act by themselves.
    let reached = signs.iter().any(|sign| reaches(sign));
    let rating = if reached { 100 } else { rating(points) };
    let (probable, spam) = policy.spam.sensitivity.thresholds();
    let status = if reached && policy.spam.external.when_reached == WhenReached::Blacklisted {
        SpamStatus::AddressBlacklisted
    } else if rating >= spam {
        SpamStatus::Spam
    } else if rating >= probable {
        SpamStatus::ProbableSpam
    } else if automatic >= FORMAL_FROM {
        SpamStatus::FormalNotification
    } else if bulk >= BULK_FROM {
        SpamStatus::MassMail
    } else {
        SpamStatus::Clean
    };
    SpamVerdict { status, why: None, rating, points, bulk, automatic }
}

/// Whether a sign says that the weights of lists in the DNS reached their limit.
fn reaches(sign: &Sign) -> bool {
    Set::of_sign(&sign.id).is_some_and(|(_, reached)| reached)
}

/// Groups whose signs have more points than count, with these points in hundredths.
pub fn beyond(policy: &Policy, arrival: &Arrival, report: &Report) -> Vec<(SignGroup, i32)> {
    let counted = counted(policy, arrival, report);
    let counted: Vec<&Sign> = counted.into_iter().filter(|it| it.1 == Counts::Yes).map(|it| it.0).collect();
    let sum =
        |group: SignGroup| counted.iter().filter(move |sign| sign.group == group).map(|sign| i32::from(sign.points));
    let all = SignGroup::ALL.into_iter().map(|group| (group, sum(group).sum()));
    all.filter(|(group, points)| *points > group.most()).collect()
}

/// The points, in hundredths, from which on a message is probable spam, and spam.
pub fn limits(policy: &Policy) -> (i32, i32) {
    let (probable, spam) = policy.spam.sensitivity.thresholds();
    (needed(probable), needed(spam))
}

/// The fewest points, in hundredths, that make this rating.
fn needed(wanted: u8) -> i32 {
    let most = KNOTS.last().map_or(0, |knot| knot.0);
    (0..=most).find(|points| rating(*points) >= wanted).unwrap_or(most)
}

/// The spam confidence level (SC-01, D-8); `None` where none is to be written.
pub fn scl(policy: &Policy, verdict: &SpamVerdict) -> Option<i8> {
    let row = verdict.status.rule().and_then(|rule| policy.spam.row(rule));
    if !row.map_or(policy.spam.scl_others, |row| row.scl) {
        return None;
    }
    match verdict.status {
        SpamStatus::Spam | SpamStatus::AddressBlacklisted => Some(9),
        SpamStatus::ProbableSpam => i8::try_from((verdict.rating / 10).clamp(5, 8)).ok(),
        SpamStatus::MassMail => Some(5),
        SpamStatus::FormalNotification | SpamStatus::Clean => Some(0),
        SpamStatus::Skipped => Some(-1),
        SpamStatus::NotScanned => None,
    }
}

/// What a row wishes about a message.
pub(crate) fn wish(row: &SpamRow) -> Wish {
    match row.action {
        SpamAction::Allow if row.add_label && !row.label.is_empty() => Wish::Label,
        SpamAction::Allow => Wish::Allow,
        SpamAction::Reject => Wish::Block,
        SpamAction::Delete => Wish::DeleteMessage,
    }
}

/// The entry of a list that decided about a message, if one did.
pub fn deciding<'a>(policy: &Policy, report: &'a Report, verdict: &SpamVerdict) -> Option<&'a Listed> {
    listed(policy, report).filter(|entry| decided_by(entry, verdict))
}

/// Whether it was this entry that decided.
pub fn decided_by(entry: &Listed, verdict: &SpamVerdict) -> bool {
    match entry.denies() {
        true => verdict.status == SpamStatus::AddressBlacklisted,
        false if entry.mass_only => verdict.status == SpamStatus::Clean && verdict.bulk >= BULK_FROM,
        false => verdict.why == Some(SpamWhy::Allowlisted),
    }
}

/// The fields of a message that is delivered; none in monitor mode.
pub(crate) fn changes(case: &Case<'_>, draft: &Draft) -> Vec<Change> {
    let watched = draft.hits.iter().any(|hit| hit.monitored && hit.rule.is_about_spam());
    if watched {
        return Vec::new();
    }
    let verdict = verdict(case.policy, case.arrival, case.report);
    let fields = headers(case.policy, case.arrival, case.report, &verdict).into_iter();
    // Programs work by the other fields, each with a switch of its own.
    let wanted = fields.filter(|(name, _)| case.policy.headers.details || *name != "X-Mailward-AntiSpam");
    wanted.map(|(name, value)| Change::Prepend { name, value: ascii(&value, 900) }).collect()
}

/// What the rows of the rules about spam say about a copy (AS-15, OUT-02); `None` where other rules
/// decide: what is refused or deleted only because it is spam has switches of its own.
pub(crate) fn copy(case: &Case<'_>, weight: Weight, active: &[&Hit]) -> Option<Copy> {
    let wanted =
        |hit: &&Hit| hit.rule == Rule::OutgoingSpam || case.policy.spam.row(hit.rule).is_some_and(|row| row.keep_copy);
    if weight != Weight::Tempfail && active.iter().any(wanted) {
        return Some(Copy::Keep);
    }
    let others = active.iter().any(|hit| !hit.rule.is_about_spam() && hit.wish > Wish::Label);
    match weight {
        Weight::Block if !others => Some(Copy::No),
        Weight::Delete if !others => Some(Copy::Waived),
        _ => None,
    }
}

/// Hundredths as a decimal number.
pub fn decimal(hundredths: i32) -> String {
    let sign = if hundredths < 0 { "-" } else { "" };
    let value = hundredths.unsigned_abs();
    format!("{sign}{}.{:02}", value / 100, value % 100)
}
