//! The examination as a machine: start, questions, answers, done.

use mail::evidence::{
    Answer, EngineId, Evidence, EvidenceError, ExternalVerdict, FindingKind, ObjectId, Question, Seen, Unable,
    UnableWhy, UnscannedReason,
};
use serde::{Deserialize, Serialize};
use unpack::StopFlag;

use crate::context::Context;
use crate::engines::Engines;
use crate::table::Table;
use crate::walk::walk;

/// Most engines that one examination asks outside.
const MAX_ASKED: usize = 16;

/// Where an examination stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Step {
    /// It needs answers from outside; then [`resume`].
    Need {
        /// What it asks. Questions that were asked early ([`opening_questions`]) are among them.
        questions: Vec<Question>,
        /// What it has so far.
        suspended: Suspended,
    },
    /// It is done.
    Done(Evidence),
}

impl Step {
    /// Checks what a worker sent before it is used.
    ///
    /// # Errors
    /// What is wrong with the evidence in it.
    pub fn validate(&self) -> Result<(), EvidenceError> {
        match self {
            Self::Done(evidence) => evidence.validate(),
            Self::Need { questions, suspended } => {
                if questions.len() > MAX_ASKED || suspended.asked.len() > MAX_ASKED {
                    return Err(EvidenceError::TooLong);
                }
                suspended.evidence.validate()
            }
        }
    }
}

/// An examination that waits for answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Suspended {
    evidence: Evidence,
    asked: Vec<EngineId>,
}

impl Suspended {
    /// What was seen so far.
    pub fn evidence(&self) -> &Evidence {
        &self.evidence
    }
}

/// What can be asked at once, while the walk still runs.
pub fn opening_questions(external: &[EngineId]) -> Vec<Question> {
    external.iter().take(MAX_ASKED).map(|engine| Question::External { engine: *engine }).collect()
}

/// Examines a message or file: walks everything that is in it. Ends soon after `stop` is set, with
/// what was not looked at among the findings.
pub fn start(engines: &Engines, raw: &[u8], context: &Context, stop: &StopFlag) -> Step {
    let evidence = walk(engines, raw, context, stop);
    if engines.external.is_empty() {
        return Step::Done(evidence);
    }
    let questions = opening_questions(&engines.external);
    Step::Need { questions, suspended: Suspended { evidence, asked: engines.external.clone() } }
}

/// Goes on with the answers: cheap, no bytes needed. An engine that was asked and has no answer
/// here was not run; answers to what was not asked are passed over.
pub fn resume(suspended: Suspended, answers: Vec<Answer>) -> Step {
    let mut table = Table::new(suspended.evidence);
    for engine in suspended.asked.into_iter().take(MAX_ASKED) {
        let mut heard = false;
        for answer in &answers {
            match answer {
                Answer::External { engine: from, verdict } if *from == engine => {
                    fold_verdict(&mut table, engine, verdict);
                    heard = true;
                }
                Answer::Unable(unable) if unable.engine == engine => {
                    fold_unable(&mut table, unable.clone());
                    heard = true;
                }
                _ => {}
            }
        }
        if !heard {
            fold_unable(&mut table, Unable::new(engine, UnableWhy::NotRun, "no answer"));
        }
    }
    Step::Done(table.evidence)
}

/// The engine looked at the raw message, and so at all that is in it.
fn fold_verdict(table: &mut Table, engine: EngineId, verdict: &ExternalVerdict) {
    cover_all(table, engine, Seen::Examined);
    let root = ObjectId(0);
    match verdict {
        ExternalVerdict::Clean => {}
        ExternalVerdict::Infected { name, certainty } => {
            let kind = FindingKind::malware(name, "malware", *certainty);
            table.find(root, engine, kind, None, "found in the message as a whole");
        }
        ExternalVerdict::Encrypted { name } => {
            let kind = FindingKind::Unscanned { reason: UnscannedReason::Encrypted };
            table.find(root, engine, kind, None, name);
        }
    }
}

/// The engine did not look at the message. That is said once, of the message as a whole: the objects
/// in it were never its matter one by one.
fn fold_unable(table: &mut Table, mut unable: Unable) {
    cover_all(table, unable.engine, Seen::Excluded);
    table.cover(ObjectId(0), unable.engine, Seen::Unable(unable.why));
    unable = Unable::new(unable.engine, unable.why, unable.detail.raw().clone());
    table.evidence.unable.push(unable);
}

fn cover_all(table: &mut Table, engine: EngineId, seen: Seen) {
    for at in 0..table.evidence.objects.len() {
        table.cover(ObjectId(u32::try_from(at).unwrap_or(u32::MAX)), engine, seen);
    }
}
