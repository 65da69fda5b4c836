//! One message's examination, from its bytes to a closed report: the worker walks it while engines
//! outside are asked, and their answers are folded in.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use confine::{Body, Failure, Pool};
use judge::policy::Policy;
use judge::site::Site;
use mail::arrival::{Arrival, Direction};
use mail::defect::Ambiguity;
use mail::evidence::{
    Answer, EngineId, Evidence, Extent, Facts, FileKind, Finding, FindingKind, Object, ObjectId, Origin, Question,
    Report, Role, Unable, UnableWhy, UnscannedReason,
};
use mail::graph;
use mail::untrusted::{Untrusted, escape};
use net::auth::MAX_HEAD;
use net::clamd::{Clamd, ClamdBody};
use scan::protocol::{Request, Response};
use scan::{Context, EngineSpec, Input, RebuildRequest, Rebuilt, Step};
use tokio::time::Instant;
use unpack::dmarc::Found;

use crate::spool::Spool;

/// Units of fuel that one second of a processor is worth, for limits that people give in seconds.
/// A unit is about one byte produced or looked at; the slowest decoder makes some 50 MB a second.
const FUEL_PER_SECOND: u64 = 50_000_000;

/// Most recipients that the examination for spam is told.
const MAX_SPAM_RECIPIENTS: usize = 50;
/// Most domains of ours that it is told.
const MAX_OWN_DOMAINS: usize = 1000;

/// Most parts that an external engine is asked about one by one.
const MAX_LOCALISED: usize = 100;

/// How often, and with which pause, somebody who met workers of another load looks for their examiner.
const SWAP_LOOKS: u32 = 100;
const SWAP_PAUSE: Duration = Duration::from_millis(20);

/// Everything that examines mail.
#[derive(Clone)]
pub struct Examiner {
    pool: Pool,
    clamd: Option<Arc<Clamd>>,
    external: Vec<EngineId>,
    required: Vec<EngineId>,
    signatures: bool,
    /// Which load of the workers it knows the engines of.
    load: u64,
    /// Who came after it; messages may still hold this one then.
    newer: Arc<ArcSwapOption<Examiner>>,
}

impl std::fmt::Debug for Examiner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Examiner").field("required", &self.required).finish_non_exhaustive()
    }
}

/// The context of a message under a policy.
pub fn context(policy: &Policy, input: Input, name: Option<String>) -> Context {
    let limits = &policy.limits;
    let some = |value: u64| (value > 0).then_some(value);
    Context {
        limits: scan::Limits {
            depth: limits.depth,
            objects: limits.objects,
            bytes_out: limits.unpacked_size.0,
            object_bytes: limits.object_size.0,
            ratio: limits.ratio,
            fuel: limits.deadline.0.saturating_mul(FUEL_PER_SECOND) / 1000,
        },
        archive_max_size: some(policy.archives.max_size.0),
        archive_fuel: some(policy.archives.max_time.0.saturating_mul(FUEL_PER_SECOND) / 1000),
        name,
        declared: None,
        input,
        spam: None,
    }
}

/// What the examination for spam is told, if one of the policies wants this message examined for it. Each
/// stands beside the message as its recipients get it: one that passes over its own says nothing about
/// those of others (D-21).
pub fn spam_context(parts: &[(&Policy, &Arrival)], site: &Site) -> Option<scan::SpamContext> {
    let wanted = |part: &&(&Policy, &Arrival)| judge::spam::excluded(part.0, part.1).is_none();
    let (policy, arrival) = parts.iter().find(wanted)?;
    let each = || parts.iter().filter(wanted).map(|(policy, _)| *policy);
    let written = |address: &mail::address::Address| address.as_str().to_owned();
    // The command line knows envelope and time only where it is told them.
    let timed = arrival.received_ms > 0;
    let envelope = &arrival.envelope;
    let mail_from = (!envelope.unknown).then(|| envelope.mail_from.as_ref().map_or(String::new(), written));
    let mut recipients: Vec<String> = Vec::new();
    for to in parts.iter().flat_map(|(_, arrival)| &arrival.envelope.rcpt_to) {
        // Where several policies hold for all recipients, each has all of them.
        if recipients.len() < MAX_SPAM_RECIPIENTS && !recipients.iter().any(|known| known == to.as_str()) {
            recipients.push(written(to));
        }
    }
    Some(scan::SpamContext {
        mail_from,
        recipients,
        own_domains: site.internal_domains.iter().take(MAX_OWN_DOMAINS).cloned().collect(),
        now: timed.then(|| i64::try_from(arrival.received_ms / 1000).unwrap_or(i64::MAX)),
        extent: extent(policy),
        others: each().skip(1).map(extent).collect(),
        // All parts go the same way.
        body_only: arrival.direction == Direction::Outgoing,
        // Whoever has something to compare them with wants more.
        pictures: scan::Pictures::No,
        // Whoever allows less sees it cut: `settled`.
        fuel: each().map(spam_fuel).max().unwrap_or_default(),
        unrated: false,
    })
}

/// How far a look for spam goes under a policy.
pub(crate) fn extent(policy: &Policy) -> Extent {
    let spam = &policy.spam;
    Extent { doc: spam.scan_doc, rtf: spam.scan_rtf, pdf: spam.scan_pdf, texts: spam.scan_text }
}

/// Most work of a look for spam under a policy (LM-01).
fn spam_fuel(policy: &Policy) -> u64 {
    policy.spam.max_time.0.saturating_mul(FUEL_PER_SECOND) / 1000
}

/// The report of one examination as it is for recipients with this policy: no setting of others counts (D-21).
pub(crate) fn settled(report: &Report, policy: &Policy) -> Report {
    report.clone().looked_at(extent(policy), spam_fuel(policy))
}

fn body(spool: &Spool) -> Body {
    match spool {
        Spool::Memory(bytes) => Body::Memory(Arc::clone(bytes)),
        Spool::File { file, len } => Body::File(Arc::clone(file), *len),
    }
}

impl Examiner {
    /// With workers that were loaded from `spec`, and a clamd if one is configured.
    pub fn new(pool: Pool, spec: &EngineSpec, clamd: Option<Arc<Clamd>>) -> Self {
        let signatures = !spec.hash_lists.is_empty() || !spec.yara.is_empty();
        let load = pool.load();
        let (external, required) = (spec.external.clone(), spec.required());
        Self { pool, clamd, external, required, signatures, load, newer: Arc::default() }
    }

    /// From here on the workers are loaded from what `newer` knows: messages that hold this one, and meet such
    /// workers, are examined by that.
    pub fn give_way(&self, newer: &Arc<Self>) {
        self.newer.store(Some(Arc::clone(newer)));
    }

    /// The examiner of workers of this load. A reload names it a moment after the workers have it.
    async fn of_load(&self, load: u64) -> Option<Arc<Self>> {
        for _ in 0..SWAP_LOOKS {
            let mut next = self.newer.load_full();
            while let Some(one) = next {
                if one.load == load {
                    return Some(one);
                }
                next = one.newer.load_full();
            }
            tokio::time::sleep(SWAP_PAUSE).await;
        }
        None
    }

    /// The workers.
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// The external engine, if there is one.
    pub fn clamd(&self) -> Option<&Clamd> {
        self.clamd.as_deref()
    }

    /// Whether hash lists or YARA rules of the administrator's own are loaded; clamd does not count.
    pub fn has_signatures(&self) -> bool {
        self.signatures
    }

    /// Whether anything but our own few rules looks for malware: lists or rules of the administrator's
    /// own, or clamd.
    pub fn has_database(&self) -> bool {
        self.signatures || self.clamd.is_some()
    }

    /// Examines a message or file. Always gives a closed report: what went wrong is in it.
    pub async fn examine(&self, spool: &Spool, context: Context, deadline: Instant) -> Report {
        let (report, load) = self.examine_once(spool, context.clone(), deadline).await;
        let Some(load) = load.filter(|load| *load != self.load) else { return report };
        // A reload came between: whoever has to look is another one, and other questions are to be answered.
        match self.of_load(load).await {
            Some(newer) => newer.examine_once(spool, context, deadline).await.0,
            None => report,
        }
    }

    /// With the load of the worker that looked, if one did.
    async fn examine_once(&self, spool: &Spool, context: Context, deadline: Instant) -> (Report, Option<u64>) {
        let request = Request::Examine(context.clone());
        let walk = self.ask_worker(&request, spool, deadline);
        let questions = scan::opening_questions(&self.external);
        let (walked, answers) = tokio::join!(walk, self.answer(&questions, spool, deadline));
        let load = walked.as_ref().ok().map(|(_, load)| *load);
        let evidence = match walked.map(|(response, _)| response) {
            Ok(Response::Examined(step)) => match resumed(*step, answers) {
                Some(evidence) => evidence,
                None => failed(spool, &context, bad_answer("it asks again")),
            },
            Ok(Response::Refused(why)) => failed(spool, &context, bad_answer(&why)),
            Ok(Response::Rebuilt(_) | Response::Normalised(_) | Response::Reports(_)) => {
                failed(spool, &context, bad_answer("it answers another question"))
            }
            Err(unable) => with_answers(failed(spool, &context, unable), &answers),
        };
        (evidence.close(&self.required), load)
    }

    /// Rebuilds archives of a message that was examined before; what fails is not in the result.
    pub(crate) async fn rebuild(
        &self,
        spool: &Spool,
        requests: Vec<RebuildRequest>,
        context: Context,
        deadline: Instant,
    ) -> Vec<Rebuilt> {
        match self.ask_worker(&Request::Rebuild(requests, context), spool, deadline).await {
            Ok((Response::Rebuilt(rebuilt), _)) => rebuilt,
            Ok(_) => Vec::new(),
            Err(unable) => {
                tracing::warn!(detail = %unable.detail.escaped(200), "archives could not be rebuilt; they count as not disinfected");
                Vec::new()
            }
        }
    }

    /// The one unambiguous form of an ambiguous message, made by a worker; `Err` with the reason when
    /// there is none.
    pub(crate) async fn normalise(&self, spool: &Spool, max: u64, deadline: Instant) -> Result<Spool, String> {
        match self.ask_worker(&Request::Normalise(max), spool, deadline).await {
            Ok((Response::Normalised(made), _)) => made.map(Spool::from),
            Ok(_) => Err("the worker answered another question".to_owned()),
            Err(unable) => Err(unable.detail.escaped(200)),
        }
    }

    /// The aggregate reports of DMARC in a message, read by a worker; `Err` with the reason where it could not.
    pub(crate) async fn reports(&self, spool: &Spool, deadline: Instant) -> Result<Found, String> {
        match self.ask_worker(&Request::Reports, spool, deadline).await {
            Ok((Response::Reports(found), _)) => found.map_err(|why| escape(&why, 200)),
            Ok(_) => Err("the worker answered another question".to_owned()),
            Err(unable) => Err(unable.detail.escaped(200)),
        }
    }

    /// The worker's response, and which load it was of.
    async fn ask_worker(&self, request: &Request, spool: &Spool, deadline: Instant) -> Result<(Response, u64), Unable> {
        let bytes = request.encode().map_err(|e| bad_answer(&e.to_string()))?;
        let (reply, load) = self.pool.run_of(bytes, body(spool), deadline).await.map_err(|failure: Failure| {
            if failure.is_message_suspect() {
                tracing::warn!(%failure, "a scan worker failed on a message");
            }
            failure.unable(EngineId::Unpack)
        })?;
        let response = Response::decode(&reply.bytes).map_err(|e| bad_answer(&e.to_string()))?;
        Ok((response, load))
    }

    async fn answer(&self, questions: &[Question], spool: &Spool, deadline: Instant) -> Vec<Answer> {
        let mut answers = Vec::new();
        for Question::External { engine } in questions {
            let answer = match &self.clamd {
                Some(clamd) if *engine == EngineId::Clamd => clamd.scan(clamd_body(spool), deadline).await,
                _ => Answer::Unable(Unable::new(*engine, UnableWhy::Unavailable, "no such engine is configured")),
            };
            answers.push(answer);
        }
        answers
    }

    /// Asks the external engine about each part of a message that it called infected as a whole, so
    /// that only the part has to go. What it says of parts becomes findings of the report.
    pub(crate) async fn localise(&self, report: &Report, spool: &Spool, deadline: Instant) -> Report {
        // Whoever had to look is accounted for: the report was closed before.
        let mut evidence = report.evidence().clone();
        let Some(clamd) = &self.clamd else { return evidence.close(&[]) };
        let leaves: Vec<(ObjectId, Spool)> = match leaves(report, spool).await {
            Ok(leaves) => leaves,
            Err(why) => {
                tracing::warn!(%why, "the parts of a message could not be shown to clamd one by one");
                return evidence.close(&[]);
            }
        };
        for (object, leaf) in leaves {
            if let Answer::External { verdict: mail::evidence::ExternalVerdict::Infected { name, certainty }, .. } =
                clamd.scan(clamd_body(&leaf), deadline).await
            {
                evidence.findings.push(Finding {
                    object,
                    kind: FindingKind::malware(&name, "malware", certainty),
                    engine: EngineId::Clamd,
                    span: None,
                    evidence: Untrusted::new("found in this part".to_owned()),
                });
            }
        }
        evidence.close(&[])
    }
}

fn clamd_body(spool: &Spool) -> ClamdBody {
    match spool {
        Spool::Memory(bytes) => ClamdBody::Bytes(Arc::clone(bytes)),
        Spool::File { file, len } => ClamdBody::File(Arc::clone(file), *len),
    }
}

/// The decoded leaves of a message, as they stand in its report.
async fn leaves(report: &Report, spool: &Spool) -> Result<Vec<(ObjectId, Spool)>, String> {
    let wanted: Vec<(ObjectId, mail::graph::EntityId)> = report
        .objects()
        .iter()
        .enumerate()
        .filter(|(_, o)| o.size > 0 && !matches!(o.kind, FileKind::Multipart | FileKind::Message))
        .filter_map(|(at, o)| match o.origin {
            Origin::Entity(entity) => Some((ObjectId(u32::try_from(at).ok()?), entity)),
            _ => None,
        })
        .take(MAX_LOCALISED)
        .collect();
    let spool = spool.clone();
    tokio::task::spawn_blocking(move || {
        let raw = spool.bytes().map_err(|e| e.to_string())?;
        let message = graph::parse(&raw, &graph::Limits::default());
        let content = |entity| Spool::from(message.content(entity, raw.len()).bytes.into_owned());
        Ok(wanted.into_iter().map(|(object, entity)| (object, content(entity))).collect())
    })
    .await
    .map_err(|e| e.to_string())?
}

/// The evidence with the answers folded in; `None` if even then it is not done.
fn resumed(step: Step, answers: Vec<Answer>) -> Option<Evidence> {
    match step {
        Step::Done(evidence) => Some(evidence),
        Step::Need { suspended, .. } => match scan::resume(suspended, answers) {
            Step::Done(evidence) => Some(evidence),
            Step::Need { .. } => None,
        },
    }
}

fn bad_answer(why: &str) -> Unable {
    Unable::new(EngineId::Unpack, UnableWhy::BadAnswer, why)
}

/// The evidence of an examination that failed.
fn failed(spool: &Spool, context: &Context, unable: Unable) -> Evidence {
    let kind = if context.input == Input::Message { FileKind::Message } else { FileKind::Unknown };
    Evidence { unable: vec![unable], ..unseen(spool, kind, context.name.clone()) }
}

/// Does what may take long on a thread for such work. A crash goes on where it would have been without.
pub(crate) async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|crash| std::panic::resume_unwind(crash.into_panic()))
}

/// When a message came by its own header, in seconds since 1970; `None` where no Received says so.
pub async fn came(spool: &Spool) -> Option<i64> {
    let head = spool.clone();
    off_thread(move || engines::spam::facts::came(&head.read_at(0, MAX_HEAD).unwrap_or_default())).await
}

/// The report of a message that nobody wants examined: what its header says, and nothing about what is in it.
/// Read on a thread for such work: a MiB of it may take 70 ms (carriage returns alone; mostly 10).
pub(crate) async fn unexamined(spool: &Spool) -> Report {
    let head = spool.clone();
    let facts = off_thread(move || {
        let head = head.read_at(0, MAX_HEAD).unwrap_or_else(|error| {
            tracing::warn!(%error, "the header of a message could not be read; nothing is known of it");
            Vec::new()
        });
        graph::parse(&head, &graph::Limits::default()).facts()
    });
    let facts = facts.await;
    Evidence { facts, ..unseen(spool, FileKind::Message, None) }.close(&[])
}

/// The evidence of an examination that did not happen: a root that nobody looked at.
fn unseen(spool: &Spool, kind: FileKind, name: Option<String>) -> Evidence {
    let root = Object {
        parent: None,
        origin: Origin::Root,
        depth: 0,
        part: String::new(),
        name: name.map(Untrusted::new),
        other_names: Vec::new(),
        declared: None,
        attachment: false,
        kind,
        role: Role::File,
        opened_with: None,
        size: spool.len(),
        sha256: [0; 32],
        defects: Vec::new(),
        coverage: Vec::new(),
    };
    Evidence {
        objects: vec![root],
        findings: Vec::new(),
        unable: Vec::new(),
        ambiguity: Ambiguity::None,
        facts: Facts::default(),
        spam: mail::evidence::SpamSeen::default(),
        other_looks: Vec::new(),
        spam_fuel: 0,
        fuel: 0,
    }
}

/// What an external engine said counts also when the worker failed: known malware stays known.
fn with_answers(mut evidence: Evidence, answers: &[Answer]) -> Evidence {
    for answer in answers {
        match answer {
            Answer::External { engine, verdict: mail::evidence::ExternalVerdict::Infected { name, certainty } } => {
                evidence.findings.push(Finding {
                    object: ObjectId(0),
                    kind: FindingKind::malware(name, "malware", *certainty),
                    engine: *engine,
                    span: None,
                    evidence: Untrusted::new("found in the message as a whole".to_owned()),
                });
            }
            Answer::External { engine, verdict: mail::evidence::ExternalVerdict::Encrypted { name } } => {
                evidence.findings.push(Finding {
                    object: ObjectId(0),
                    kind: FindingKind::Unscanned { reason: UnscannedReason::Encrypted },
                    engine: *engine,
                    span: None,
                    evidence: Untrusted::new(name.clone()),
                });
            }
            Answer::External { .. } => {}
            Answer::Unable(unable) => evidence.unable.push(unable.clone()),
        }
    }
    evidence
}
