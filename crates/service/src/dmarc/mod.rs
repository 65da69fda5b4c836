//! Aggregate reports of DMARC (RFC 9990), sent: what messages came to is counted by day, and told to whom the
//! domain's record names. Those of others: [`received`].
//!
//! No loops: what comes for the address that reports are sent from is never counted, and nobody is told
//! when a report cannot be delivered. At most once: a day is forgotten before its report goes. Limits:
//! [`MAX_RECORDS`] a report, three addresses of a record, [`AT_ONCE`] domains a minute, half of the outbox; a
//! day that could not be reported for [`GIVE_UP`] days is forgotten. Not handled: failure reports (RFC 9991),
//! intervals other than a day.

mod mail;
pub(crate) mod received;
mod record;

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use ::mail::address::Address;
use ::mail::arrival::{Arrival, Direction};
use ::mail::evidence::{AuthResult, Authentication, DmarcCheck, DmarcPolicy};
use judge::can::strictness;
use judge::plan::{Action, Fate, Plan};
use judge::policy::{DmarcReports, Policy, Rule};
use net::Resolver;
use store::{DmarcDay, NewQueued, NewRecipient, QueueKind, QueueUsage, Store, StoreError};
use tokio::sync::watch;
use tokio::time::Instant;
use unpack::dmarc::{Aggregate, AuthSeen, Record, Target};

use crate::metrics::DmarcLabels;
use crate::record::{Ended, Taken};
use crate::{Service, id, outbox, sign};

/// Milliseconds of a day.
const DAY_MS: u64 = 86_400_000;
/// Most records of one report; the most frequent.
const MAX_RECORDS: usize = 5_000;
/// Most signatures of a message that a report tells of.
const MAX_SIGNATURES: usize = 4;
/// Longest selector, in characters (a label of the DNS).
const MAX_SELECTOR: usize = 63;
/// Most domains that are reported on at once.
const AT_ONCE: usize = 20;
/// How long until the next domains.
const NEXT: Duration = Duration::from_secs(60);
/// How long until the first domain again: what could not be asked about waits behind all others.
const AGAIN: Duration = Duration::from_secs(3600);
/// After so many days without an answer of the DNS a day is forgotten.
const GIVE_UP: u64 = 3;
/// How long the questions about one domain may take.
const ASKING: Duration = Duration::from_secs(20);

/// What a report says of a message, without the count; `None` where there is nothing to report: no record, no
/// result, no one author, or mail for the address that reports come from.
fn row(policy: &Policy, arrival: &Arrival, auth: &Authentication, plan: &Plan) -> Option<(String, Record)> {
    let reports = &policy.authentication.reports;
    let own = arrival.envelope.rcpt_to.iter().all(|to| to.as_str().eq_ignore_ascii_case(&reports.from));
    if !reports.enabled || own || arrival.direction != Direction::Incoming || !auth.one_author {
        return None;
    }
    let [check] = auth.dmarc.as_slice() else { return None };
    let known = matches!(check.result, AuthResult::Pass | AuthResult::Fail);
    if !known || check.record_of.raw().is_empty() {
        return None;
    }
    let (disposition, reasons) = done(policy, auth, check, plan);
    let aligned = |yes: bool| if yes { "pass" } else { "fail" }.to_owned();
    let text = |text: &::mail::untrusted::Untrusted<String>| text.escaped(253);
    let dkim = auth.dkim.iter().take(MAX_SIGNATURES).map(|it| AuthSeen {
        domain: text(&it.domain),
        detail: it.selector.escaped(MAX_SELECTOR),
        result: it.result.name().to_owned(),
    });
    let null = arrival.envelope.mail_from.is_none();
    let spf = AuthSeen {
        domain: text(&auth.spf.domain),
        detail: if null { "helo" } else { "mfrom" }.to_owned(),
        result: auth.spf.result.name().to_owned(),
    };
    let envelope = arrival.envelope.mail_from.as_ref().map(|from| from.domain().to_lowercase());
    let record = Record {
        source: auth.ip?.to_canonical().to_string(),
        count: 0,
        disposition: disposition.to_owned(),
        dkim: aligned(check.dkim_aligned),
        spf: aligned(check.spf_aligned),
        reasons,
        header_from: text(&check.domain),
        envelope_from: envelope.unwrap_or_default(),
        dkim_seen: dkim.collect(),
        spf_seen: vec![spf],
    };
    // However its letters were written: one domain, one report.
    Some((check.record_of.raw().trim_end_matches('.').to_ascii_lowercase(), record))
}

/// What was done, and why not what its owner wants. Mail that passes, and mail whose owner wants nothing, is none of
/// DMARC's business, whatever else became of it.
fn done(policy: &Policy, auth: &Authentication, check: &DmarcCheck, plan: &Plan) -> (&'static str, Vec<String>) {
    if check.policy == DmarcPolicy::None {
        return ("none", Vec::new());
    }
    // RFC 9990: what passes where failing would have had consequences.
    if check.result == AuthResult::Pass {
        return ("pass", Vec::new());
    }
    let disposition = match (&plan.fate, plan.action) {
        (Fate::Discard, Action::Held) => DmarcPolicy::Quarantine,
        // It went nowhere, whether its sender was told or not.
        (Fate::Discard | Fate::Refuse(_), _) => DmarcPolicy::Reject,
        (Fate::Deliver | Fate::Tempfail(_), _) => DmarcPolicy::None,
    };
    let vouched = || auth.vouched(&check.domain, &policy.authentication.trusted_sealers).is_some();
    let reason = match disposition {
        same if same == check.policy => None,
        DmarcPolicy::None if vouched() => Some("trusted_forwarder"),
        _ => Some("local_policy"),
    };
    (disposition.name(), reason.map(str::to_owned).into_iter().collect())
}

/// Whether a message counts: once, however often it comes. What nobody has comes again, or was never a message here;
/// only what DMARC had refused for good would be missing.
fn counts(end: &Ended) -> bool {
    match end.outcome.taken {
        Taken::Yes => true,
        Taken::Unknown => false,
        Taken::No => end.decided.plan.is_refused_by(Rule::DmarcFailed) && end.outcome.reply.starts_with('5'),
    }
}

/// Counts a message for the report of its day, on a thread of its own. Where groups of its recipients have settings of
/// their own, it is what the mildest of them made of it: somebody has it then.
pub(crate) fn note(store: &Store, policy: &Policy, ends: &[Ended]) {
    let ends = ends.iter().filter(|end| counts(end));
    let row = |end: &Ended| {
        let (arrival, plan) = (&end.arrival, &end.decided.plan);
        let row = row(policy, arrival, end.decided.report.as_ref()?.auth()?, plan)?;
        Some((strictness(plan.action), arrival.received_ms / DAY_MS, row))
    };
    let mildest = ends.filter_map(row).min_by_key(|(strictness, ..)| *strictness);
    let Some((_, day, (domain, record))) = mildest else { return };
    let Ok(what) = postcard::to_stdvec(&record) else { return };
    let store = store.clone();
    tokio::task::spawn_blocking(move || match store.note_dmarc(day, &domain, &what) {
        Ok(true) => {}
        Ok(false) => tracing::debug!("a result of DMARC is not counted: there is no room"),
        Err(error) => tracing::warn!(%error, "a result of DMARC could not be counted"),
    });
}

/// A record as it was kept, with its count.
fn counted(what: &[u8], count: u64) -> Option<Record> {
    let record: Record = postcard::from_bytes(what).ok()?;
    Some(Record { count, ..record })
}

/// Reports on the days that are over, until `stop` becomes true.
pub async fn run(service: Arc<Service>, mut stop: watch::Receiver<bool>) {
    let mut after = None;
    loop {
        after = send_before(&service, id::now_ms() / DAY_MS, after).await;
        let pause = if after.is_some() { NEXT } else { AGAIN };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
    }
}

/// Reports on days before this one, counted since 1970, the next few behind `after`; where to go on, `None` at
/// the end.
pub async fn send_before(service: &Arc<Service>, today: u64, after: Option<(u64, String)>) -> Option<(u64, String)> {
    let policy = Arc::clone(&service.current().policy.load().policy);
    let reports = &policy.authentication.reports;
    let (store, enabled) = (service.store().clone(), reports.enabled);
    let look = move || {
        if enabled {
            store.expire_dmarc(today.saturating_sub(GIVE_UP))?;
            store.dmarc_days(today, after.as_ref().map(|(day, domain)| (*day, domain.as_str())), AT_ONCE)
        } else {
            store.expire_dmarc(u64::MAX)?;
            Ok(Vec::new())
        }
    };
    let days = blocking(look).await.unwrap_or_else(|why| {
        tracing::error!(%why, "results of DMARC cannot be read; it is tried again");
        Vec::new()
    });
    for day in &days {
        let result = match one(service, reports, day).await {
            Ok(0) => "nobody",
            Ok(_) => "sent",
            Err(why) => {
                tracing::warn!(domain = %::mail::untrusted::escape(&day.domain, 253), %why, "a report of DMARC waits");
                "waiting"
            }
        };
        service.metrics().dmarc_reports.get_or_create(&DmarcLabels { result }).inc();
    }
    days.last().filter(|_| days.len() == AT_ONCE).map(|day| (day.day, day.domain.clone()))
}

/// Work with the store, on a thread that may wait.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StoreError> + Send + 'static,
) -> Result<T, String> {
    tokio::task::spawn_blocking(work).await.map_err(|crash| crash.to_string())?.map_err(|error| error.to_string())
}

/// Reports on one day of one domain; to how many. An error: the day is kept, nothing was sent.
async fn one(service: &Arc<Service>, settings: &DmarcReports, day: &DmarcDay) -> Result<usize, String> {
    let resolver = service.current().resolver.load_full();
    let deadline = Instant::now() + ASKING;
    let from = Address::parse(&settings.from);
    let published = record::published(&resolver, &day.domain, deadline).await?.zip(from);
    let Some((published, from)) = published else { return take(service, day).await.map(|_| 0) };
    let targets = agreed(&resolver, day, published.targets, deadline).await?;
    // Forgotten first: whatever happens now, nobody gets it twice.
    let rows = take(service, day).await?;
    let begin = day.day.saturating_mul(DAY_MS / 1000);
    let organisation = if settings.organisation.is_empty() { from.domain() } else { settings.organisation.as_str() };
    let report = Arc::new(Aggregate {
        org: organisation.to_owned(),
        email: from.as_str().to_owned(),
        id: format!("{}.{}@{}", day.day, day.domain, from.domain()),
        begin,
        end: begin.saturating_add(DAY_MS / 1000 - 1),
        domain: day.domain.clone(),
        policy: published.policy,
        records: rows.iter().filter_map(|(what, count)| counted(what, *count)).collect(),
        left_out: (0, 0),
        damaged: false,
    });
    if report.records.is_empty() {
        // Counted by another version, whose rows cannot be read.
        return Ok(0);
    }
    let mut sent = 0;
    for target in targets {
        let to = ::mail::untrusted::escape(target.address.domain(), 253);
        match send(service, &report, &from, target).await {
            Ok(true) => sent += 1,
            Ok(false) => {}
            Err(why) => tracing::error!(%to, %why, "a report of DMARC could not be sent; it is lost"),
        }
    }
    Ok(sent)
}

/// Those of the addresses that take reports about the domain.
///
/// # Errors
/// None does, and some could not be asked.
async fn agreed(
    resolver: &Resolver,
    day: &DmarcDay,
    targets: Vec<Target>,
    deadline: Instant,
) -> Result<Vec<Target>, String> {
    let (mut agreed, mut silent) = (Vec::new(), None);
    for target in targets {
        let (about, to) = (&day.domain, ::mail::untrusted::escape(target.address.domain(), 253));
        match record::may_report(resolver, about, &target.address, deadline).await {
            Ok(true) => agreed.push(target),
            Ok(false) => {
                let domain = ::mail::untrusted::escape(about, 253);
                tracing::info!(%domain, %to, "reports are not wanted there");
            }
            Err(why) => silent = Some(why),
        }
    }
    silent.filter(|_| agreed.is_empty()).map_or(Ok(agreed), Err)
}

/// The rows of a day, which is forgotten with that. Where the outbox is half full of other mail it is kept.
async fn take(service: &Arc<Service>, day: &DmarcDay) -> Result<Vec<(Vec<u8>, u64)>, String> {
    let (store, limits) = (service.store().clone(), Arc::clone(&service.current().outbox.load()));
    let (day, domain) = (day.day, day.domain.clone());
    let work = move || {
        let usage = store.queue_usage()?;
        let doubled =
            QueueUsage { mails: usage.mails.saturating_mul(2), bytes: usage.bytes.saturating_mul(2), ..usage };
        outbox::check_room(&doubled, 0, 0, &limits)?;
        let rows = store.dmarc_rows(day, &domain, MAX_RECORDS)?;
        store.drop_dmarc(day, &domain)?;
        Ok(rows)
    };
    blocking(work).await
}

/// Sends a report to one address; whether it is not too large for it.
async fn send(service: &Arc<Service>, report: &Arc<Aggregate>, from: &Address, target: Target) -> Result<bool, String> {
    let (name, now_ms) = (id::message_id(), id::now_ms());
    let (what, sender, to) = (Arc::clone(report), from.clone(), target.address.clone());
    let work = move || mail::compose(&what, &sender, &to, name, now_ms).map_err(StoreError::Body);
    let body = blocking(work).await?;
    let body = sign::own(&service.current().signers.load(), service.metrics(), name, body);
    let (size, domain) = (body.len() as u64, ::mail::untrusted::escape(&report.domain, 253));
    if target.most.is_some_and(|most| size > most) {
        tracing::info!(%domain, size, "a report is larger than its receiver wants");
        return Ok(false);
    }
    let site = service.current().site.load_full();
    let (to, records) = (::mail::untrusted::escape(target.address.domain(), 253), report.records.len());
    let queued = NewQueued {
        message: name,
        // Nobody is told what becomes of a report.
        kind: QueueKind::Report,
        direction: outbox::direction(&site, &target.address),
        mail_from: Some(from.clone()),
        parameters: String::new(),
        created_ms: now_ms,
        size,
        recipients: vec![NewRecipient { address: target.address, parameters: " NOTIFY=NEVER".to_owned() }],
    };
    let receipt = service.enqueue(queued, Box::new(Cursor::new(body))).await.map_err(|e| e.to_string())?;
    tracing::info!(queue = %receipt.id(), %domain, %to, records, "a report of DMARC was sent");
    Ok(true)
}

#[cfg(test)]
mod tests {
    use ::mail::arrival::{Envelope, MessageId, Peer, Surface};
    use ::mail::evidence::{ArcCheck, ArcHop, DkimCheck, SpfCheck, short};
    use judge::plan::{ReplyText, passing};

    use super::*;

    fn arrival(to: &str) -> Arrival {
        Arrival {
            id: MessageId::new(1, [1; 10]),
            surface: Surface::Smtp,
            direction: Direction::Incoming,
            peer: Peer::default(),
            envelope: Envelope {
                mail_from: Address::parse("a@Bounce.example.org"),
                rcpt_to: Address::parse(to).into_iter().collect(),
                unknown: false,
            },
            received_ms: 1,
            size: 1,
            connection: 1,
        }
    }

    fn auth(result: AuthResult) -> Authentication {
        let check = DmarcCheck {
            domain: short("example.org"),
            result,
            policy: DmarcPolicy::Reject,
            record_of: short("example.org"),
            spf_aligned: result == AuthResult::Pass,
            ..DmarcCheck::default()
        };
        let dkim = DkimCheck { domain: short("x.example"), selector: short("s"), ..DkimCheck::default() };
        Authentication {
            ip: "192.0.2.1".parse().ok(),
            spf: SpfCheck { domain: short("bounce.example.org"), result, ..SpfCheck::default() },
            dkim: vec![dkim],
            dmarc: vec![check],
            one_author: true,
            ..Authentication::default()
        }
    }

    #[test]
    fn a_row_says_what_was_seen_and_done_and_survives_being_kept() {
        let mut policy = Policy::default();
        policy.authentication.reports.from = "Dmarc@example.com".to_owned();
        let to = arrival("bob@example.com");
        let plan = passing();
        assert_eq!(row(&policy, &to, &auth(AuthResult::Pass), &plan), None, "off by default");
        policy.authentication.reports.enabled = true;
        let cases =
            [(AuthResult::Pass, "pass", "pass", [].as_slice()), (AuthResult::Fail, "none", "fail", &["local_policy"])];
        for (result, disposition, spf, reasons) in cases {
            let (domain, found) = row(&policy, &to, &auth(result), &plan).unwrap();
            assert_eq!((domain.as_str(), found.source.as_str()), ("example.org", "192.0.2.1"));
            assert_eq!(
                (found.disposition.as_str(), found.spf.as_str(), found.dkim.as_str()),
                (disposition, spf, "fail")
            );
            assert_eq!(
                (found.envelope_from.as_str(), found.reasons.as_slice()),
                ("bounce.example.org", &reasons.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>()[..])
            );
            assert_eq!((found.dkim_seen.len(), found.spf_seen.len()), (1, 1));
            let kept = postcard::to_stdvec(&found).unwrap();
            assert_eq!(counted(&kept, 7), Some(Record { count: 7, ..found }));
        }
        assert_eq!(counted(b"\xff\xff", 1), None);
        let shouting = Authentication {
            dmarc: vec![DmarcCheck { record_of: short("EXAMPLE.org."), ..auth(AuthResult::Pass).dmarc.remove(0) }],
            dkim: vec![auth(AuthResult::Pass).dkim.remove(0); 50],
            ..auth(AuthResult::Pass)
        };
        let (domain, found) = row(&policy, &to, &shouting, &plan).unwrap();
        assert_eq!((domain.as_str(), found.dkim_seen.len()), ("example.org", MAX_SIGNATURES));
        let own = arrival("dmarc@Example.com");
        assert_eq!(row(&policy, &own, &auth(AuthResult::Fail), &plan), None, "never about reports themselves");
        for unknown in [AuthResult::TempError, AuthResult::None] {
            assert_eq!(row(&policy, &to, &auth(unknown), &plan), None);
        }
    }

    #[test]
    fn d_26_a_row_says_what_was_done_and_why_not_what_the_owner_wants() {
        let mut policy = Policy::default();
        policy.authentication.trusted_sealers = vec!["lists.example".to_owned()];
        let refused = || Fate::Refuse(ReplyText { code: 550, text: String::new() });
        let hop = ArcHop { sealer: short("lists.example"), passed: vec![short("example.org")] };
        let arc = ArcCheck { result: AuthResult::Pass, hops: vec![hop], ..ArcCheck::default() };
        let sealed = |auth: Authentication| Authentication { arc: arc.clone(), ..auth };
        let wants = |policy| {
            let failed = auth(AuthResult::Fail);
            Authentication { dmarc: vec![DmarcCheck { policy, ..failed.dmarc[0].clone() }], ..failed }
        };
        let (reject, quarantine) = (wants(DmarcPolicy::Reject), wants(DmarcPolicy::Quarantine));
        let cases = [
            (reject.clone(), Action::Blocked, refused(), "reject", ""),
            (reject.clone(), Action::Delivered, Fate::Deliver, "none", "local_policy"),
            (reject.clone(), Action::Held, Fate::Discard, "quarantine", "local_policy"),
            (reject.clone(), Action::MessageDeleted, Fate::Discard, "reject", ""),
            (quarantine.clone(), Action::Held, Fate::Discard, "quarantine", ""),
            (quarantine.clone(), Action::Blocked, refused(), "reject", "local_policy"),
            (quarantine, Action::Labelled, Fate::Deliver, "none", "local_policy"),
            (sealed(reject.clone()), Action::Delivered, Fate::Deliver, "none", "trusted_forwarder"),
            (sealed(reject), Action::Held, Fate::Discard, "quarantine", "local_policy"),
            (wants(DmarcPolicy::None), Action::Held, Fate::Discard, "none", ""),
            (auth(AuthResult::Pass), Action::MessageDeleted, Fate::Discard, "pass", ""),
        ];
        for (at, (auth, action, fate, disposition, reason)) in cases.into_iter().enumerate() {
            let plan = Plan { action, fate, ..passing() };
            let (done, reasons) = done(&policy, &auth, &auth.dmarc[0], &plan);
            assert_eq!((done, reasons.concat().as_str()), (disposition, reason), "case {at}");
        }
    }
}
