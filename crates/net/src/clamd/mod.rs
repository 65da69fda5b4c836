//! An external ClamAV daemon: content in, a verdict out.
//!
//! One connection a scan, at most so many at once; content goes over as an open file (unix socket)
//! or as a stream. Whatever goes wrong is an `Unable` with the reason: it never reads as "clean".
//! While clamd does not answer, scans fail at once and one a second finds out whether it does
//! again.
//!
//! Not handled: sessions with several scans on one connection, clamd's own path commands.

mod breaker;
mod exchange;

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mail::evidence::{Answer, Certainty, EngineId, ExternalVerdict, Unable, UnableWhy};
use settings::config::{Clamd as Config, ClamdMethod};
use settings::values::ClamdAddress;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use wire::clamd::{ClamdReply, VERSION, parse_scan, parse_version};

use self::breaker::Breaker;
pub use self::breaker::ClamdState;
use self::exchange::{Failure, Method, fault};

/// How long [`Clamd::check`] waits for an answer at most.
const CHECK_LIMIT: Duration = Duration::from_secs(5);
/// No answer for this long is clamd's failure, not the message's.
const PATIENCE: Duration = Duration::from_secs(10);

/// What is scanned.
#[derive(Clone, Debug)]
pub enum ClamdBody {
    /// Content in memory.
    Bytes(Arc<[u8]>),
    /// An open file and its size in bytes; its position is neither used nor moved.
    File(Arc<OwnedFd>, u64),
}

impl ClamdBody {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File(_, size) => *size,
        }
    }
}

/// What clamd said about itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClamdVersion {
    /// Its words: `ClamAV 1.4.6/27700/Mon Jul 14 08:00:00 2025`.
    pub text: String,
    /// The number of its daily signature database; `None` if it has none.
    pub database: Option<u32>,
}

impl ClamdVersion {
    fn new(text: String) -> Self {
        let database =
            text.split('/').nth(1).and_then(|number| number.trim().parse().ok()).filter(|number| *number > 0);
        Self { text, database }
    }
}

/// How clamd is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClamdHealth {
    /// Whether it answers.
    pub state: ClamdState,
    /// What it last said about itself; `None` before [`Clamd::check`] got an answer.
    pub version: Option<ClamdVersion>,
}

/// The client.
#[derive(Debug)]
pub struct Clamd {
    address: ClamdAddress,
    config: Config,
    slots: Semaphore,
    breaker: Breaker,
    version: Mutex<Option<ClamdVersion>>,
}

impl Clamd {
    /// A client, if the configuration names a clamd. Nothing is connected yet.
    pub fn new(config: &Config) -> Option<Self> {
        let address = config.address.clone()?;
        let slots = (config.connections as usize).clamp(1, Semaphore::MAX_PERMITS);
        Some(Self {
            address,
            config: config.clone(),
            slots: Semaphore::new(slots),
            breaker: Breaker::new(),
            version: Mutex::new(None),
        })
    }

    /// Scans content. Always ends by `deadline`, and within the configured time from the moment a
    /// connection is free.
    pub async fn scan(&self, body: ClamdBody, deadline: Instant) -> Answer {
        let size = body.size();
        if size > self.config.max_size.0 {
            let detail = format!("{size} bytes are more than clamd.max_size ({})", self.config.max_size);
            return unable(UnableWhy::TooLarge, detail);
        }
        let Ok(Ok(_slot)) = timeout_at(deadline, self.slots.acquire()).await else {
            return unable(UnableWhy::Time, "no connection to clamd was free in time".to_owned());
        };
        let pass = match self.breaker.pass() {
            Ok(pass) => pass,
            Err(why) => return unable(UnableWhy::Unreachable, format!("clamd is failing: {why}")),
        };
        let limit = self.config.timeout.duration();
        let started = Instant::now();
        let until = deadline.min(started + limit);
        let Ok(result) = timeout_at(until, self.ask(&body)).await else {
            let detail = format!("clamd at {} did not answer in time", self.address);
            // A message with little time left says nothing about clamd.
            if started.elapsed() >= limit.min(PATIENCE) {
                pass.failed(&detail);
            }
            return unable(UnableWhy::Time, detail);
        };
        let failure = match result {
            Ok(reply) => {
                pass.succeeded();
                return self.answer(reply);
            }
            Err(failure) => failure,
        };
        let (why, detail) = self.describe(failure);
        if why != UnableWhy::Unavailable {
            pass.failed(&detail);
        }
        unable(why, detail)
    }

    /// Asks for the version: whether clamd answers, and with which signatures.
    pub async fn check(&self) -> ClamdHealth {
        let Ok(pass) = self.breaker.pass() else { return self.health() };
        let limit = self.config.timeout.duration().min(CHECK_LIMIT);
        let asked = exchange::command(&self.address, VERSION, limit);
        let text = match tokio::time::timeout(limit, asked).await {
            Ok(reply) => reply.and_then(|reply| parse_version(&reply).map_err(fault)),
            Err(_) => Err(Failure::Unreachable("no answer in time".to_owned())),
        };
        match text {
            Ok(text) => {
                *self.version.lock().unwrap_or_else(PoisonError::into_inner) = Some(ClamdVersion::new(text));
                pass.succeeded();
            }
            Err(failure) => pass.failed(&self.describe(failure).1),
        }
        self.health()
    }

    /// What is known without asking.
    pub fn health(&self) -> ClamdHealth {
        let version = self.version.lock().unwrap_or_else(PoisonError::into_inner).clone();
        ClamdHealth { state: self.breaker.state(), version }
    }

    /// One scan; where the method is left to us, a clamd that cannot read our open file (a
    /// security module may keep it from that) gets a stream instead.
    async fn ask(&self, body: &ClamdBody) -> Result<ClamdReply, Failure> {
        let method = if self.config.passes_files() { Method::Fildes } else { Method::Instream };
        let first = self.ask_by(body, method).await?;
        match (&first, method, self.config.method) {
            (ClamdReply::Error(why), Method::Fildes, ClamdMethod::Auto) => {
                tracing::debug!(why, "clamd could not use an open file; it gets a stream");
                self.ask_by(body, Method::Instream).await
            }
            _ => Ok(first),
        }
    }

    async fn ask_by(&self, body: &ClamdBody, method: Method) -> Result<ClamdReply, Failure> {
        let reply = exchange::scan(&self.address, body, method, self.config.timeout.duration()).await?;
        parse_scan(&reply).map_err(fault)
    }

    fn answer(&self, reply: ClamdReply) -> Answer {
        let verdict = match reply {
            ClamdReply::Clean => ExternalVerdict::Clean,
            ClamdReply::Found(name) if name.starts_with("Heuristics.Limits.Exceeded") => {
                // Not malware: clamd says that it left something out.
                return unable(UnableWhy::TooLarge, format!("clamd reached its own limits: {name}"));
            }
            ClamdReply::Found(name) if name.starts_with("Heuristics.Encrypted.") => ExternalVerdict::Encrypted { name },
            ClamdReply::Found(name) => {
                let probable = name.starts_with("Heuristics.") || name.starts_with("PUA.");
                let certainty = if probable { Certainty::Probable } else { Certainty::Certain };
                ExternalVerdict::Infected { name, certainty }
            }
            ClamdReply::TooLarge => {
                let detail = "larger than clamd's StreamMaxLength; set clamd.max_size to it, or raise it".to_owned();
                return unable(UnableWhy::TooLarge, detail);
            }
            ClamdReply::Error(why) => {
                return unable(UnableWhy::Unreachable, format!("clamd at {} says: {why}", self.address));
            }
        };
        Answer::External { engine: EngineId::Clamd, verdict }
    }

    fn describe(&self, failure: Failure) -> (UnableWhy, String) {
        let (why, words) = match failure {
            Failure::Unreachable(words) => (UnableWhy::Unreachable, words),
            Failure::BadReply(words) => (UnableWhy::BadAnswer, words),
            Failure::Ours(words) => (UnableWhy::Unavailable, words),
        };
        (why, format!("clamd at {}: {words}", self.address))
    }
}

fn unable(why: UnableWhy, detail: String) -> Answer {
    Answer::Unable(Unable::new(EngineId::Clamd, why, detail))
}

#[cfg(test)]
mod tests {
    use super::ClamdVersion;

    #[test]
    fn a_version_says_whether_there_are_signatures() {
        let cases = [
            ("ClamAV 1.4.6/27700/Mon Jul 14 08:00:00 2025", Some(27700)),
            ("ClamAV 1.4.6", None),
            ("ClamAV 1.4.6/0/", None),
        ];
        for (text, database) in cases {
            assert_eq!(ClamdVersion::new(text.to_owned()).database, database, "{text}");
        }
    }
}
