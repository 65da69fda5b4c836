//! One examination, and the decisions that are made from it: one for all recipients, or one for each group
//! of them that has settings of its own (spec D-11, D-21).

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use judge::can::strictness;
use judge::draft::examines;
use judge::plan::{Copy, Plan};
use judge::policy::Policy;
use mail::address::Address;
use mail::arrival::Arrival;
use mail::evidence::Report;
use scan::{Input, Pictures};
use store::StoreError;
use tokio::time::Instant;

use crate::authenticate::authenticate;
use crate::crashes;
use crate::examine::{context, settled, spam_context, unexamined};
use crate::flow::{Bench, Decided, Judged, Keeping, check_changed, finish, judge_report, keep};
use crate::id;
use crate::lists;
use crate::memory;
use crate::outside::{self, Heard};
use crate::spool::Spool;

/// What is left of the deadline for keeping, rendering and handing on when an examination ends at its
/// limit: so much, but never more than a quarter of the time there is.
const RESERVE: Duration = Duration::from_secs(2);

/// Decides about a message. What goes wrong on the way makes the plan a temporary failure, never a
/// delivery of something unseen. Where recipients have different settings, the strictest decision of
/// theirs is taken (D-11, for surfaces that cannot tell recipients apart).
pub(crate) async fn decide(
    bench: Bench<'_>,
    policies: &[Arc<Policy>],
    spool: &Spool,
    arrival: &Arrival,
    received: Option<&str>,
    deadline: Instant,
) -> Decided {
    let parts: Vec<(&Arc<Policy>, &Arrival)> = match policies.is_empty() {
        true => vec![(bench.policy, arrival)],
        false => policies.iter().map(|policy| (policy, arrival)).collect(),
    };
    let seen = see(bench, arrival, &parts, spool, deadline).await;
    let mut strictest: Option<(Judged, &Arc<Policy>)> = None;
    for policy in policies {
        let judged = seen.judge(Bench { policy, ..bench }, spool, arrival).await;
        if strictest.as_ref().is_none_or(|(other, _)| strictness(judged.plan.action) > strictness(other.plan.action)) {
            strictest = Some((judged, policy));
        }
    }
    let Some((judged, policy)) = strictest else {
        let judged = seen.judge(bench, spool, arrival).await;
        return seen.act(bench, spool, arrival, judged, received).await;
    };
    seen.act(Bench { policy, ..bench }, spool, arrival, judged, received).await
}

/// Decides about a message for each group of its recipients by that group's own settings. It is examined
/// once.
pub(crate) async fn decide_each(
    bench: Bench<'_>,
    parts: &[(Arrival, Arc<Policy>)],
    spool: &Spool,
    received: Option<&str>,
    deadline: Instant,
) -> Vec<Decided> {
    let whole: Vec<(&Arc<Policy>, &Arrival)> = parts.iter().map(|(arrival, policy)| (policy, arrival)).collect();
    let Some((_, first)) = whole.first() else { return Vec::new() };
    let seen = see(bench, first, &whole, spool, deadline).await;
    let mut all = Vec::new();
    for (arrival, policy) in parts {
        let bench = Bench { policy, ..bench };
        let judged = seen.judge(bench, spool, arrival).await;
        all.push(seen.act(bench, spool, arrival, judged, received).await);
    }
    all
}

/// What is decided for recipients who are all treated alike.
#[derive(Debug)]
pub struct Part {
    /// The message for these recipients.
    pub arrival: Arrival,
    /// Their settings.
    pub policy: Arc<Policy>,
    /// What becomes of it.
    pub decided: Decided,
}

/// Decides about a message for each group of its recipients, and puts those together again for whom exactly the same
/// is to be done. The first part keeps the message's id; each other one has its own, so that its copy and its log line
/// can be told apart. It is examined once.
pub(crate) async fn decide_apart(
    bench: Bench<'_>,
    groups: Vec<(Arrival, Arc<Policy>)>,
    spool: &Spool,
    deadline: Instant,
) -> Vec<Part> {
    let whole: Vec<(&Arc<Policy>, &Arrival)> = groups.iter().map(|(arrival, policy)| (policy, arrival)).collect();
    let Some((_, first)) = whole.first() else { return Vec::new() };
    let seen = see(bench, first, &whole, spool, deadline).await;
    let mut alike: Vec<(Arrival, Arc<Policy>, Judged)> = Vec::new();
    for (arrival, policy) in groups {
        let judged = seen.judge(Bench { policy: &policy, ..bench }, spool, &arrival).await;
        match alike.iter_mut().find(|(_, _, other)| is_same(other, &judged)) {
            Some((other, _, _)) => other.envelope.rcpt_to.extend(arrival.envelope.rcpt_to),
            None => alike.push((arrival, policy, judged)),
        }
    }
    let mut parts = Vec::new();
    for (at, (mut arrival, policy, mut judged)) in alike.into_iter().enumerate() {
        let bench = Bench { policy: &policy, ..bench };
        if at > 0 {
            // The id stands in what is rendered.
            arrival.id = id::message_id();
            judged = seen.judge(bench, spool, &arrival).await;
        }
        let decided = seen.act(bench, spool, &arrival, judged, None).await;
        parts.push(Part { arrival, policy, decided });
    }
    parts
}

/// Whether two decisions about a message are one: the same plan, and the same files in it.
fn is_same(one: &Judged, other: &Judged) -> bool {
    let same_form = match (&one.normalised, &other.normalised) {
        (None, None) => true,
        (Some(one), Some(other)) => one.spool.bytes().ok() == other.spool.bytes().ok(),
        _ => false,
    };
    // What is known of them as to spam may differ; what is done about it counts.
    let plan = Plan { spam: one.plan.spam, ..other.plan.clone() };
    same_form && one.plan == plan && one.rebuilt == other.rebuilt
}

/// What one examination brought, for every decision that is made from it.
struct Seen {
    report: Report,
    /// The same for those who want it not examined, where others do: nothing of what was found for these (D-21).
    unseen: Option<Report>,
    /// Every mailbox in From, for lists; only then.
    authors: Vec<String>,
    /// What lists outside said, for all of them.
    heard: Heard,
    crashes: u32,
    deadline: Instant,
}

/// Examines a message if any of these policies wants that, and finds out who really sent it if any wants to know. Each
/// stands beside the message as its recipients get it; all of these have the same bytes, client and sender, `first`
/// among them.
async fn see(
    bench: Bench<'_>,
    first: &Arrival,
    parts: &[(&Arc<Policy>, &Arrival)],
    spool: &Spool,
    deadline: Instant,
) -> Seen {
    let reserve = RESERVE.min(deadline.saturating_duration_since(Instant::now()) / 4);
    let deadline = deadline.checked_sub(reserve).unwrap_or(deadline);
    let examined = parts.iter().any(|(policy, arrival)| examines(policy, arrival));
    let mut whole = first.clone();
    let mut known: HashSet<&Address> = first.envelope.rcpt_to.iter().collect();
    let others = parts.iter().filter(|(_, other)| !std::ptr::eq(*other, first));
    let more = others.flat_map(|(_, other)| &other.envelope.rcpt_to).filter(|to| known.insert(to));
    whole.envelope.rcpt_to.extend(more.cloned());
    let arrival = &whole;
    let policies: Vec<(&Policy, &Arrival)> =
        parts.iter().map(|(policy, arrival)| (policy.as_ref(), *arrival)).collect();
    let mut context = context(bench.policy, Input::Message, None);
    context.spam = spam_context(&policies, bench.site);
    let memory = bench.recollection.zip(bench.store);
    if let (Some(spam), Some((recollection, store))) = (&mut context.spam, memory)
        && recollection.wants_pictures(store, &policies).await
    {
        spam.pictures = Pictures::Look;
    }
    let look = async {
        match examined {
            true => bench.examiner.examine(spool, context, deadline).await,
            false => unexamined(spool).await,
        }
    };
    let (report, auth) = tokio::join!(look, authenticate(bench, &policies, spool, arrival, deadline));
    let mut report = report.with_auth(auth);
    if let Some((recollection, store)) = memory {
        let rules = memory::rules(bench.policy, arrival);
        let known = recollection.recall(store, rules, arrival, &report).await;
        report = report.with_memory(Some(known));
    }
    let metrics = bench.metrics.map(AsRef::as_ref);
    let heard = outside::ask(bench.resolver, &policies, bench.site, &report, deadline, metrics).await;
    let crashes = crashes::count(bench.store, spool, arrival, &report).await;
    let authors = if examined { lists::authors(bench.lists, spool).await } else { Vec::new() };
    let some_want_none = examined && parts.iter().any(|(policy, arrival)| !examines(policy, arrival));
    let unseen = match some_want_none {
        true => Some(unexamined(spool).await.with_answers_of(&report)),
        false => None,
    };
    Seen { report, unseen, authors, heard, crashes, deadline }
}

impl Seen {
    async fn judge(&self, bench: Bench<'_>, spool: &Spool, arrival: &Arrival) -> Judged {
        let bench = Bench { crashes: self.crashes, ..bench };
        let report = match &self.unseen {
            Some(unseen) if !examines(bench.policy, arrival) => unseen.clone(),
            _ => settled(&self.report, bench.policy),
        };
        let signs = outside::signs(&self.heard, bench.policy, bench.site, arrival, &report);
        let report = lists::with_standing(bench, arrival, report.with_signs(signs), &self.authors);
        judge_report(bench, spool, arrival, report, self.deadline).await
    }

    async fn act(
        &self,
        bench: Bench<'_>,
        spool: &Spool,
        arrival: &Arrival,
        judged: Judged,
        received: Option<&str>,
    ) -> Decided {
        let bench = Bench { crashes: self.crashes, ..bench };
        let decided = finish(bench, spool, arrival, judged, received).await;
        check_changed(bench, spool, arrival, decided, self.deadline, received).await
    }
}

/// Keeps a copy of a message that is refused for these recipients and was accepted for others: nobody else
/// has it for them any more (D-11).
///
/// # Errors
/// It could not be kept.
pub(crate) async fn keep_refused(
    bench: Bench<'_>,
    spool: &Spool,
    arrival: &Arrival,
    decided: &mut Decided,
) -> Result<(), StoreError> {
    if matches!(decided.keeping, Keeping::Kept(_)) {
        return Ok(());
    }
    let plan = Plan { copy: Copy::Keep, ..decided.plan.clone() };
    match keep(bench, spool, arrival, &plan, decided.report.as_ref()).await? {
        Keeping::None => Err(StoreError::NotFound { what: "report of a refused message" }),
        kept => {
            decided.keeping = kept;
            Ok(())
        }
    }
}
