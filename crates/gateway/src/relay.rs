//! Handing a message to the next hop: DATA, the content as the plan wants it, and the next hop's
//! answer, which becomes ours.

use mail::arrival::MessageId;
use net::handover::refusal;
use net::upstream::{Upstream, UpstreamError};
use service::release::pour;
use service::render::Output;
use service::spool::{CHUNK, Spool};
use tokio::time::Instant;
use wire::smtp::reply::Reply;

use crate::responsibility::RelayReceipt;

/// How the next hop answered.
#[derive(Debug)]
pub(crate) enum Relayed {
    /// It has the message.
    Taken(RelayReceipt),
    /// It has the message for some of its recipients (LMTP): one reply for each, in their order.
    Partly(RelayReceipt, Vec<Reply>),
    /// It does not want it, now or ever.
    Refused(Reply),
    /// It was given all of it and did not answer: nobody knows.
    Unknown(UpstreamError),
}

/// The word for how a relay ended, in the figures.
pub(crate) fn result(relayed: &Result<Relayed, UpstreamError>) -> &'static str {
    match relayed {
        Ok(Relayed::Taken(_)) => "taken",
        Ok(Relayed::Partly(..)) => "partly",
        Ok(Relayed::Refused(reply)) if reply.is_permanent() => "refused",
        Ok(Relayed::Refused(_)) => "deferred",
        Ok(Relayed::Unknown(_)) | Err(_) => "lost",
    }
}

/// Relays a message whose MAIL and RCPT the next hop has accepted; `binary` content in chunks.
///
/// # Errors
/// When the connection breaks or the deadline passes before the next hop was given the whole message:
/// it has nothing then.
pub(crate) async fn relay(
    upstream: &mut Upstream,
    id: MessageId,
    output: &Output,
    spool: &Spool,
    binary: bool,
    deadline: Instant,
) -> Result<Relayed, UpstreamError> {
    let go = upstream.begin(binary, deadline).await?;
    if go.code() != 354 {
        return Ok(Relayed::Refused(go));
    }
    match output {
        Output::Original => pour(upstream, spool, 0, deadline).await?,
        Output::Head { head, rest } => {
            upstream.content(head, deadline).await?;
            pour(upstream, spool, *rest, deadline).await?;
        }
        Output::Whole(bytes) => {
            for piece in bytes.chunks(CHUNK) {
                upstream.content(piece, deadline).await?;
            }
        }
    }
    Ok(match upstream.end(deadline).await {
        Ok(replies) => judge(id, replies),
        Err(error) => Relayed::Unknown(error),
    })
}

/// What the replies to the end of the content say.
fn judge(id: MessageId, replies: Vec<Reply>) -> Relayed {
    let taken = replies.iter().find(|reply| reply.is_success()).cloned();
    let all = replies.iter().all(Reply::is_success);
    match taken.and_then(|reply| RelayReceipt::from_reply(id, reply).ok()) {
        Some(receipt) if all => Relayed::Taken(receipt),
        Some(receipt) => Relayed::Partly(receipt, replies),
        None => Relayed::Refused(refusal(&replies)),
    }
}
