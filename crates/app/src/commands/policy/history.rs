//! `mailward policy history`, `diff` and `rollback`.

use judge::policy::Policy;
use mail::untrusted::escape;
use serde::Serialize;
use service::admin::{Request, Response};
use store::RevisionHead;

use super::{caller, differences};
use crate::ask::{Administration, unexpected};
use crate::commands::backup::Format;
use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::{terminal, when};

/// Revisions of one question.
const PAGE: usize = 500;
/// Most characters of an author or comment in a line.
const MAX_TEXT: usize = 200;

/// A revision for programs.
#[derive(Serialize)]
struct Line<'a> {
    revision: u64,
    time: String,
    author: &'a str,
    comment: &'a str,
}

/// Lists revisions, newest first.
pub(super) fn list(place: &PlaceArgs, limit: usize, format: Format) -> Result<(), Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let (mut before, mut left, mut none) = (None, limit, true);
    while left > 0 {
        let revisions = page(&mut administration, before, left.min(PAGE))?;
        let Some(last) = revisions.last() else { break };
        (before, none) = (Some(last.number), false);
        left = left.saturating_sub(revisions.len());
        let text: String = revisions.iter().map(|head| line(head, format)).collect();
        terminal::put(&text)?;
    }
    if none && format == Format::Text {
        terminal::tell("Nobody has set a policy yet: the defaults, or a policy file, are in force.");
    }
    Ok(())
}

/// Some revisions before one.
pub(super) fn page(
    administration: &mut Administration,
    before: Option<u64>,
    limit: usize,
) -> Result<Vec<RevisionHead>, Failure> {
    match administration.ask(Request::PolicyHistory { before, limit })?.0 {
        Response::Revisions { revisions } => Ok(revisions),
        _ => Err(unexpected()),
    }
}

fn line(head: &RevisionHead, format: Format) -> String {
    if format == Format::Json {
        let time = when::rfc3339(head.at_ms);
        return terminal::json_line(&Line {
            revision: head.number,
            time,
            author: &head.author,
            comment: &head.comment,
        });
    }
    let (author, comment) = (escape(&head.author, MAX_TEXT), escape(&head.comment, MAX_TEXT));
    format!("{:>5}  {}  {author}  {comment}\n", head.number, when::shown(head.at_ms))
}

/// The policy of a revision.
pub(super) fn revision(administration: &mut Administration, number: u64) -> Result<Policy, Failure> {
    match administration.ask(Request::PolicyRevision { number })?.0 {
        Response::Policy { policy, .. } => Ok(*policy),
        _ => Err(unexpected()),
    }
}

/// Shows in which settings two policies differ.
pub(super) fn compare(place: &PlaceArgs, from: u64, to: Option<u64>) -> Result<(), Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let old = revision(&mut administration, from)?;
    let new = match to {
        Some(number) => revision(&mut administration, number)?,
        None => administration.policy()?.0,
    };
    Ok(terminal::put(&differences(&old, &new))?)
}

/// Puts an earlier policy in force again.
pub(super) fn rollback(place: &PlaceArgs, number: u64, comment: &str, author: Option<&str>) -> Result<(), Failure> {
    let mut administration = Administration::open(&place.find()?)?;
    let old = administration.policy()?.0;
    let author = author.map_or_else(caller, str::to_owned);
    let request = Request::PolicyRollback { number, author, comment: comment.to_owned() };
    let Response::Policy { policy, origin } = administration.ask(request)?.0 else { return Err(unexpected()) };
    let text = differences(&old, &policy) + &format!("In force: {}\n", escape(&origin, 1000));
    Ok(terminal::put(&text)?)
}
