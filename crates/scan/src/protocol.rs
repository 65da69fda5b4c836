//! What a worker is asked and what it answers, as bytes: a version, then postcard.
//!
//! Both sides are of one build; the version catches a mixed-up installation. A worker is not
//! trusted: [`Response::decode`] checks everything that later code relies on. Limits: a request of
//! [`MAX_REQUEST`], a response of [`MAX_RESPONSE`] bytes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use mail::evidence::EvidenceError;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use unpack::StopFlag;
use unpack::dmarc::{Aggregate, Found};

use crate::context::Context;
use crate::engines::Engines;
use crate::exam::{Step, start};
use crate::rebuild::{MAX_REBUILDS, RebuildRequest, Rebuilt, rebuild};

/// Version of the encoding; the first byte of each message.
pub const VERSION: u8 = 10;
/// Longest request, in bytes; the raw message is handed over beside it.
pub const MAX_REQUEST: usize = 8 * 1024 * 1024;
/// Longest response, in bytes: evidence, and rebuilt archives.
pub const MAX_RESPONSE: usize = mail::span::MAX_BUFFER;

/// Most reports of DMARC of one message.
pub const MAX_REPORTS: usize = 20;
/// Most records of one of them.
pub const MAX_REPORT_RECORDS: usize = 2_000;

/// What a worker is asked about the bytes that are handed over beside it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Request {
    /// Examine them.
    Examine(Context),
    /// Rebuild archives in them.
    Rebuild(Vec<RebuildRequest>, Context),
    /// Rewrite them, an ambiguous message, to one unambiguous form of at most so many bytes.
    Normalise(u64),
    /// Read the aggregate reports of DMARC in them.
    Reports,
}

/// What a worker answers.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Response {
    /// To [`Request::Examine`].
    Examined(Box<Step>),
    /// To [`Request::Rebuild`]: one for each, in order.
    Rebuilt(Vec<Rebuilt>),
    /// To [`Request::Normalise`]: the new form, or why there is none.
    #[serde(with = "crate::blob::outcome")]
    Normalised(Result<Vec<u8>, String>),
    /// To [`Request::Reports`]: [`MAX_REPORTS`] at most, each with [`MAX_REPORT_RECORDS`] at most; or why they could
    /// not be read.
    Reports(Result<Found, String>),
    /// The request made no sense.
    Refused(String),
}

/// What is wrong with bytes that were received.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProtocolError {
    /// There are none.
    Empty,
    /// They are of this version, not of ours.
    Version(u8),
    /// They are longer than the limit.
    TooLong,
    /// They do not decode, or more follows.
    Malformed,
    /// The evidence in them contradicts itself.
    Evidence(EvidenceError),
}

impl std::fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Empty => f.write_str("nothing was received"),
            Self::Version(version) => write!(f, "protocol version {version} instead of {VERSION}"),
            Self::TooLong => f.write_str("longer than the limit"),
            Self::Malformed => f.write_str("malformed"),
            Self::Evidence(error) => write!(f, "evidence refused: {error}"),
        }
    }
}

impl std::error::Error for ProtocolError {}

impl Request {
    /// As bytes.
    ///
    /// # Errors
    /// [`ProtocolError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        encode(self, MAX_REQUEST)
    }

    /// From bytes.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let request = decode(bytes, MAX_REQUEST)?;
        if matches!(&request, Self::Rebuild(requests, _) if requests.len() > MAX_REBUILDS) {
            return Err(ProtocolError::TooLong);
        }
        Ok(request)
    }

    /// Does what is asked.
    pub fn answer(&self, engines: &Engines, raw: &[u8], stop: &StopFlag) -> Response {
        match self {
            Self::Examine(context) => Response::Examined(Box::new(start(engines, raw, context, stop))),
            Self::Rebuild(requests, context) => Response::Rebuilt(rebuild(engines, raw, requests, context, stop)),
            Self::Normalise(max) => Response::Normalised(normalise(raw, *max)),
            Self::Reports => Response::Reports(reports(raw)),
        }
    }
}

impl Response {
    /// As bytes.
    ///
    /// # Errors
    /// [`ProtocolError::TooLong`].
    pub fn encode(&self) -> Result<Vec<u8>, ProtocolError> {
        encode(self, MAX_RESPONSE)
    }

    /// From bytes that a worker wrote, validated.
    ///
    /// # Errors
    /// What is wrong with them; nothing of them is to be used then.
    pub fn decode(bytes: &[u8]) -> Result<Self, ProtocolError> {
        let response: Self = decode(bytes, MAX_RESPONSE)?;
        match &response {
            Self::Examined(step) => step.validate().map_err(ProtocolError::Evidence)?,
            Self::Rebuilt(list) => {
                if list.len() > MAX_REBUILDS {
                    return Err(ProtocolError::TooLong);
                }
                for evidence in list.iter().filter_map(|rebuilt| rebuilt.evidence.as_ref()) {
                    evidence.validate().map_err(ProtocolError::Evidence)?;
                }
            }
            Self::Reports(Ok(Found { reports, .. })) => {
                let long = |report: &Aggregate| report.records.len() > MAX_REPORT_RECORDS || !report.is_valid();
                if reports.len() > MAX_REPORTS || reports.iter().any(long) {
                    return Err(ProtocolError::TooLong);
                }
            }
            Self::Normalised(_) | Self::Refused(_) | Self::Reports(Err(_)) => {}
        }
        Ok(response)
    }
}

/// The reports in a message.
fn reports(raw: &[u8]) -> Result<Found, String> {
    let found = catch_unwind(AssertUnwindSafe(|| unpack::dmarc::find(raw)));
    let mut found = found.map_err(|_| "reading reports crashed".to_owned())?;
    found.more |= found.reports.len() > MAX_REPORTS;
    found.reports.truncate(MAX_REPORTS);
    found.reports.iter_mut().for_each(|report| report.shorten(MAX_REPORT_RECORDS));
    Ok(found)
}

/// The message's one unambiguous form.
fn normalise(raw: &[u8], max: u64) -> Result<Vec<u8>, String> {
    let make = || mail::normalise::normalise(&mail::graph::parse(raw, &mail::graph::Limits::default()));
    let made = catch_unwind(AssertUnwindSafe(make)).map_err(|_| "the rewriting crashed".to_owned())?;
    let made = made.map_err(|why| why.to_string())?;
    let fits = u64::try_from(made.len()).is_ok_and(|len| len <= max);
    if fits { Ok(made) } else { Err(format!("its one form would be larger than {max} bytes")) }
}

fn encode<T: Serialize>(value: &T, max: usize) -> Result<Vec<u8>, ProtocolError> {
    let bytes = postcard::to_extend(value, vec![VERSION]).map_err(|_| ProtocolError::Malformed)?;
    if bytes.len() > max { Err(ProtocolError::TooLong) } else { Ok(bytes) }
}

fn decode<T: DeserializeOwned>(bytes: &[u8], max: usize) -> Result<T, ProtocolError> {
    if bytes.len() > max {
        return Err(ProtocolError::TooLong);
    }
    let (version, body) = bytes.split_first().ok_or(ProtocolError::Empty)?;
    if *version != VERSION {
        return Err(ProtocolError::Version(*version));
    }
    match postcard::take_from_bytes(body) {
        Ok((value, [])) => Ok(value),
        _ => Err(ProtocolError::Malformed),
    }
}
