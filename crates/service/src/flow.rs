//! The whole flow of one message: examine, draft, rebuild, plan, keep, render, and examine again
//! what was changed before it leaves.

use std::sync::Arc;

use judge::can::can;
use judge::draft::{Case, Draft, Form, Wish, draft};
use judge::lists::Lists;
use judge::plan::{Action, Change, Copy, Fate, Plan, ReplyText, plan};
use judge::policy::{Policy, Rule};
use judge::site::Site;
use mail::arrival::{Arrival, MessageId};
use mail::defect::Ambiguity;
use mail::edit::Kept;
use mail::evidence::{EngineId, Finding, FindingKind, ObjectId, Report, UnscannedReason};
use mail::untrusted::Untrusted;
use net::auth::sign::Signers;
use scan::{Input, RebuildRequest};
use store::{KeptReceipt, KeptSign, Store, StoreError, WaivedReceipt, Waiver};
use tokio::time::Instant;

use crate::crashes;
use crate::examine::{Examiner, context, spam_context};
use crate::memory::Recollection;
use crate::metrics::Metrics;
use crate::record;
use crate::render::{self, Output, RenderFailure};
use crate::sign::{Marking, marking};
use crate::spool::Spool;

/// How much larger than the message its one unambiguous form may be: a factor, and some bytes beside.
/// Base64 grows by a third, and what only other readings have comes on top.
const NORMALISED_GROWTH: u64 = 4;
const NORMALISED_EXTRA: u64 = 64 * 1024;

/// How much of what a rebuild took out stands in the log line, and how long each name is there.
const MAX_TOLD: usize = 20;
const MAX_TOLD_NAME: usize = 120;

/// The proof that a message's original may be changed or dropped.
#[derive(Debug)]
pub enum Keeping {
    /// A copy is durable in Backup.
    Kept(KeptReceipt),
    /// The policy wants no copy.
    Waived(WaivedReceipt),
    /// Nothing needs one.
    None,
}

impl Keeping {
    fn proof(&self) -> Option<&dyn Kept> {
        match self {
            Self::Kept(receipt) => Some(receipt),
            Self::Waived(receipt) => Some(receipt),
            Self::None => None,
        }
    }
}

/// A message that was decided about: what will be done, and everything needed to do it.
#[derive(Debug)]
pub struct Decided {
    /// What will be done.
    pub plan: Plan,
    /// What was seen; `None` of mail that passes because it was released, and where rendering crashed.
    pub report: Option<Report>,
    /// What goes to the next hop, if the plan delivers.
    pub output: Output,
    /// The copy in Backup, if one was made.
    pub keeping: Keeping,
    /// The signs of spam that were seen, and which of them count for these recipients; for the message log.
    pub signs: Vec<KeptSign>,
}

/// What one decision needs.
#[derive(Clone, Copy)]
pub struct Bench<'a> {
    /// Who examines.
    pub examiner: &'a Examiner,
    /// The lists of senders and recipients.
    pub lists: &'a Arc<Lists>,
    /// Who is asked about names; `None` where it is not asked who sent a message.
    pub resolver: Option<&'a net::Resolver>,
    /// Who signs what leaves; `None` where nothing leaves.
    pub signers: Option<&'a Arc<Signers>>,
    /// What signatures are counted in.
    pub metrics: Option<&'a Arc<Metrics>>,
    /// Where copies go; `None` where nothing is done, only shown.
    pub store: Option<&'a Store>,
    /// What is remembered; `None` where memory is not asked.
    pub recollection: Option<&'a Arc<Recollection>>,
    /// The policy in force.
    pub policy: &'a Arc<Policy>,
    /// The organisation.
    pub site: &'a Arc<Site>,
    /// See [`Case::crashes`].
    pub crashes: u32,
    /// Whether names are left out of the log.
    pub redact: bool,
}

/// A decision before anything is done about it.
#[derive(Debug)]
pub struct Judged {
    /// What was seen in the message as it came.
    pub report: Report,
    /// What will be done. Its objects are those of [`Judged::decided_from`].
    pub plan: Plan,
    /// The message's one unambiguous form, where the plan delivers that instead of its own bytes.
    pub normalised: Option<Normalised>,
    /// The new bodies of rebuilt objects.
    pub rebuilt: Vec<NewBody>,
}

/// The new body of a part that was rebuilt.
#[derive(PartialEq, Eq, Debug)]
pub struct NewBody {
    /// The part.
    pub object: ObjectId,
    /// Its new content.
    pub bytes: Vec<u8>,
    /// What is put behind its name because the format changed; most often empty.
    pub suffix: String,
}

/// The one unambiguous form of a message that was ambiguous.
#[derive(Debug)]
pub struct Normalised {
    /// Its bytes.
    pub spool: Spool,
    /// What was seen in it.
    pub report: Report,
}

impl Judged {
    fn of(report: Report, plan: Plan) -> Self {
        Self { report, plan, normalised: None, rebuilt: Vec::new() }
    }

    /// The report that the plan was made from.
    pub fn decided_from(&self) -> &Report {
        self.normalised.as_ref().map_or(&self.report, |form| &form.report)
    }
}

/// Drafts, locates, normalises, rebuilds and plans: all of a decision but its execution.
pub async fn judge_report(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    mut report: Report,
    deadline: Instant,
) -> Judged {
    // What is known outside is about the message as it came, and holds for every form of it.
    if draft(&case(bench, arrival, &report, Form::AsReceived)).localise {
        let again = bench.examiner.localise(&report, spool, deadline).await;
        report = again.with_answers_of(&report);
    }
    if draft(&case(bench, arrival, &report, Form::AsReceived)).normalise {
        let Some(form) = normalise(bench, spool, arrival, &report, deadline).await else {
            return plan_form(bench, spool, arrival, report, Form::NotNormalisable, deadline).await;
        };
        let judged = plan_form(bench, &form.spool, arrival, form.report, Form::Normalised, deadline).await;
        let Judged { report: decided_from, plan, rebuilt, .. } = judged;
        let normalised = Some(Normalised { spool: form.spool, report: decided_from });
        return Judged { report, plan, normalised, rebuilt };
    }
    plan_form(bench, spool, arrival, report, Form::AsReceived, deadline).await
}

/// The unambiguous form of a message, examined; `None` when it cannot be made, or is not what it has to
/// be. Then the message is what it was: ambiguous.
async fn normalise(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    first: &Report,
    deadline: Instant,
) -> Option<Normalised> {
    let max = spool.len().saturating_mul(NORMALISED_GROWTH).saturating_add(NORMALISED_EXTRA);
    let made = match bench.examiner.normalise(spool, max, deadline).await {
        Ok(made) => made,
        Err(why) => {
            tracing::info!(id = %arrival.id, %why, "an ambiguous message could not be rewritten to one form");
            return None;
        }
    };
    let mut context = context(bench.policy, Input::Message, None);
    context.spam = spam_context(&[(bench.policy.as_ref(), arrival)], bench.site);
    let mut report = bench.examiner.examine(&made, context, deadline).await.with_answers_of(first);
    if report.evidence().ambiguity > Ambiguity::Cosmetic {
        tracing::error!(id = %arrival.id, "the one form of an ambiguous message is ambiguous itself; it is not used");
        return None;
    }
    if draft(&case(bench, arrival, &report, Form::Normalised)).localise {
        report = bench.examiner.localise(&report, &made, deadline).await.with_answers_of(first);
    }
    Some(Normalised { spool: made, report })
}

/// Rebuilds and plans for one form of a message.
async fn plan_form(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    report: Report,
    form: Form,
    deadline: Instant,
) -> Judged {
    let drafted = draft(&case(bench, arrival, &report, form));
    let requests: Vec<RebuildRequest> = drafted
        .rebuild
        .iter()
        .filter_map(|wish| RebuildRequest::new(&report, wish.object, &wish.remove, &[]))
        .collect();
    let mut results = Vec::new();
    let mut bodies = Vec::new();
    if !requests.is_empty() {
        let context = context(bench.policy, Input::Message, None);
        for rebuilt in bench.examiner.rebuild(spool, requests, context, deadline).await {
            results.push(judge::plan::Rebuilt {
                object: rebuilt.object,
                clean: rebuilt.clean && rebuilt.outcome.is_ok(),
                removed: told(&rebuilt),
                kinds: rebuilt.removed.iter().map(|it| it.what.map_or("member", |what| what.name())).collect(),
                suffix: rebuilt.suffix.clone(),
            });
            tell(bench, arrival, &report, &rebuilt);
            if let Ok(body) = rebuilt.outcome {
                bodies.push(NewBody { object: rebuilt.object, bytes: body, suffix: rebuilt.suffix });
            }
        }
    }
    let plan = plan(&case(bench, arrival, &report, form), &drafted, &results);
    Judged { report, plan, normalised: None, rebuilt: bodies }
}

/// What was taken out of a file, each in printable words.
fn told(rebuilt: &scan::Rebuilt) -> Vec<String> {
    let one = |it: &scan::Removal| match it.what {
        Some(what) if it.name.raw().is_empty() => what.name().to_owned(),
        Some(what) => format!("{}: {}", what.name(), it.name.escaped(MAX_TOLD_NAME)),
        None => it.name.escaped(MAX_TOLD_NAME),
    };
    rebuilt.removed.iter().map(one).collect()
}

/// Logs what a rebuild took out, or why there is none.
fn tell(bench: Bench<'_>, arrival: &Arrival, report: &Report, rebuilt: &scan::Rebuilt) {
    let object = report.node(rebuilt.object);
    match &rebuilt.outcome {
        Ok(_) => {
            // Names of files are the sender's and the recipient's.
            let mut removed = match bench.redact {
                true => rebuilt.removed.iter().map(|it| it.what.map_or("-", |what| what.name()).to_owned()).collect(),
                false => told(rebuilt),
            };
            removed.truncate(MAX_TOLD);
            let (removed, clean, suffix) = (removed.join(", "), rebuilt.clean, rebuilt.suffix.as_str());
            tracing::info!(id = %arrival.id, %object, %removed, clean, suffix, "a part was rebuilt without what is dangerous in it");
        }
        Err(why) => tracing::info!(id = %arrival.id, %object, %why, "a part could not be rebuilt"),
    }
}

fn case<'a>(bench: Bench<'a>, arrival: &'a Arrival, report: &'a Report, form: Form) -> Case<'a> {
    Case {
        report,
        arrival,
        policy: bench.policy,
        site: bench.site,
        can: can(arrival.surface),
        form,
        crashes: bench.crashes,
    }
}

/// Keeps what has to be kept, then renders. Blocking work runs on its own thread.
pub(crate) async fn finish(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    judged: Judged,
    received: Option<&str>,
) -> Decided {
    let kept = keep(bench, spool, arrival, &judged.plan, Some(judged.decided_from())).await;
    let signs = record::kept_signs(bench.policy, arrival, judged.decided_from());
    let Judged { report, mut plan, normalised, rebuilt } = judged;
    let marking = marking(bench, arrival, report.auth(), &plan, spool);
    // From here on everything is about the form that leaves.
    let (spool, report) = match normalised {
        Some(form) => (form.spool, form.report),
        None => (spool.clone(), report),
    };
    let keeping = match kept {
        Ok(keeping) => keeping,
        Err(error) => {
            tracing::error!(id = %arrival.id, %error, "the message could not be kept in Backup; it is answered 452");
            tempfail(&mut plan, 452, "4.3.1 Insufficient system storage, please try again later");
            return Decided { plan, report: Some(report), output: Output::Original, keeping: Keeping::None, signs };
        }
    };
    if plan.fate != Fate::Deliver {
        return Decided { plan, report: Some(report), output: Output::Original, keeping, signs };
    }
    let job = RenderJob {
        plan: plan.clone(),
        report,
        rebuilt,
        received: received.map(str::to_owned),
        site: Arc::clone(bench.site),
        spool,
        keeping,
        marking,
        id: arrival.id,
    };
    // A header alone is rendered in some microseconds; only what may need a whole message leaves this
    // thread.
    let long = render::may_be_long(&job.plan, &job.spool) || job.marking.is_some();
    let done = if long { tokio::task::spawn_blocking(move || job.run()).await } else { Ok(job.run()) };
    match done {
        Ok((Ok(output), report, keeping)) => Decided { plan, report: Some(report), output, keeping, signs },
        Ok((Err(failure), report, keeping)) => {
            tracing::error!(id = %arrival.id, %failure, "the message could not be changed as planned; it is answered 451");
            let text = match failure {
                RenderFailure::Unsigned(_) => "4.7.0 Message could not be signed, please try again later",
                _ => "4.3.0 Message could not be processed, please try again later",
            };
            tempfail(&mut plan, 451, text);
            Decided { plan, report: Some(report), output: Output::Original, keeping, signs }
        }
        Err(crash) => {
            tracing::error!(id = %arrival.id, %crash, "changing the message crashed; it is answered 451");
            tempfail(&mut plan, 451, "4.3.0 Message could not be processed, please try again later");
            Decided { plan, report: None, output: Output::Original, keeping: Keeping::None, signs }
        }
    }
}

/// Rendering on its way to another thread.
struct RenderJob {
    plan: Plan,
    report: Report,
    rebuilt: Vec<NewBody>,
    received: Option<String>,
    site: Arc<Site>,
    spool: Spool,
    keeping: Keeping,
    marking: Option<Marking>,
    id: MessageId,
}

impl RenderJob {
    fn run(self) -> (Result<Output, RenderFailure>, Report, Keeping) {
        let job = render::Job {
            plan: &self.plan,
            report: Some(&self.report),
            rebuilt: &self.rebuilt,
            received: self.received.as_deref(),
            site: &self.site,
        };
        let mut output = render::output(&job, &self.spool, self.keeping.proof());
        if let Some(marking) = &self.marking {
            output = output.and_then(|rendered| marking.put(rendered, &self.spool, self.id));
        }
        (output, self.report, self.keeping)
    }
}

pub(crate) async fn keep(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    plan: &Plan,
    report: Option<&Report>,
) -> Result<Keeping, StoreError> {
    let (Some(store), Some(report)) = (bench.store, report) else {
        return Ok(Keeping::None);
    };
    match plan.copy {
        Copy::No => Ok(Keeping::None),
        Copy::Waived => Ok(Keeping::Waived(store.waive(arrival.id, Waiver::CopyOffByPolicy))),
        Copy::Keep => {
            let entry = record::backup_entry(&case(bench, arrival, report, Form::AsReceived), plan);
            let (store, mut reader) = (store.clone(), spool.reader());
            let kept = tokio::task::spawn_blocking(move || store.keep(entry, &mut reader)).await;
            kept.unwrap_or_else(|crash| Err(StoreError::Body(std::io::Error::other(crash)))).map(Keeping::Kept)
        }
    }
}

fn tempfail(plan: &mut Plan, code: u16, text: &str) {
    plan.action = Action::Tempfailed;
    plan.fate = Fate::Tempfail(ReplyText { code, text: text.to_owned() });
    plan.changes.clear();
    plan.copy = Copy::No;
}

/// What was changed is examined again before it leaves: a message whose content we rewrote goes out
/// only if no engine finds malware in it any more. Otherwise the rules decide again, about the
/// message as a whole.
pub(crate) async fn check_changed(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    decided: Decided,
    deadline: Instant,
    received: Option<&str>,
) -> Decided {
    let (Output::Whole(bytes), Some(report)) = (&decided.output, &decided.report) else { return decided };
    if !decided.plan.changes.iter().any(Change::is_content) {
        return decided;
    }
    let changed = Spool::Memory(Arc::clone(bytes));
    let context = context(bench.policy, Input::Message, None);
    let again = bench.examiner.examine(&changed, context, deadline).await;
    let bench = Bench { crashes: crashes::count(bench.store, spool, arrival, &again).await, ..bench };
    if !is_minded(&draft(&case(bench, arrival, &again, Form::NotNormalisable))) {
        return decided;
    }
    let left: Vec<Finding> = again.findings().iter().filter_map(left_in_changed).collect();
    tracing::warn!(id = %arrival.id, left = left.len(), "the changed message is not clean; the rules decide about the whole message");
    let mut evidence = report.evidence().clone();
    evidence.unable.extend(again.evidence().unable.iter().cloned());
    evidence.findings.extend(left);
    let report = evidence.close(&[]).with_answers_of(report);
    let whole = case(bench, arrival, &report, Form::NotNormalisable);
    let drafted = draft(&whole);
    let plan = plan(&whole, &drafted, &[]);
    forget(bench, decided.keeping).await;
    if plan.fate == Fate::Deliver {
        // Only a policy that allows malware comes here; it asked for the message as it is.
        tracing::warn!(id = %arrival.id, "the policy delivers the message although malware is left in it");
    }
    finish(bench, spool, arrival, Judged::of(report, plan), received).await
}

/// What a finding in a changed message says about the message as a whole: malware that is left, or an
/// engine that could not look at some object of it. The rest was known before.
fn left_in_changed(finding: &Finding) -> Option<Finding> {
    let text = match finding.kind {
        FindingKind::Malware { .. } => "still found after the infected objects were removed",
        FindingKind::Unscanned { reason: UnscannedReason::EngineFailed } => "could not look at the changed message",
        _ => return None,
    };
    Some(Finding {
        object: ObjectId(0),
        kind: finding.kind.clone(),
        engine: EngineId::Unpack,
        span: None,
        evidence: Untrusted::new(text.to_owned()),
    })
}

/// Whether the rules mind what is left in a changed message: malware that they do not allow, or an
/// engine that could not look. What they allow, or only watch, was left in it on purpose.
fn is_minded(drafted: &Draft) -> bool {
    let rules = [
        Rule::MalwareInfected,
        Rule::MalwareProbable,
        Rule::MalwareOutgoing,
        Rule::UnscannableEngineFailed,
        Rule::UnscannableCrashing,
    ];
    drafted.hits.iter().any(|hit| !hit.monitored && hit.wish > Wish::Label && rules.contains(&hit.rule))
}

/// Drops a copy that was made for something that did not happen.
pub(crate) async fn forget(bench: Bench<'_>, keeping: Keeping) {
    let (Some(store), Keeping::Kept(receipt)) = (bench.store, keeping) else { return };
    let store = store.clone();
    let id = receipt.backup_id();
    let done = tokio::task::spawn_blocking(move || store.delete(id)).await;
    if let Ok(Err(error)) = done {
        tracing::warn!(%error, "a copy that is not needed could not be removed from Backup; retention will");
    }
}
