//! Who has a message when we say 250 (RFC 5321 section 6.1).
//!
//! The only way to accept a message is [`Responsibility`], and each of its forms is proof that
//! somebody has it: the next hop's own success, the store's receipt, or the policy's explicit wish
//! that nobody should. A crash may duplicate a message, never lose one.

use mail::arrival::MessageId;
use service::flow::Keeping;
use store::{KeptReceipt, QueuedReceipt, WaivedReceipt};
use wire::smtp::reply::Reply;

/// The next hop's success to the end of a message's content. Made by [`crate::relay`] alone.
#[derive(Debug)]
pub(crate) struct RelayReceipt {
    id: MessageId,
    reply: Reply,
}

impl RelayReceipt {
    /// `Err` with the reply itself when it is no success.
    pub(crate) fn from_reply(id: MessageId, reply: Reply) -> Result<Self, Reply> {
        if reply.is_success() { Ok(Self { id, reply }) } else { Err(reply) }
    }
}

/// Who is responsible for a part of a message's recipients.
#[derive(Debug)]
pub(crate) enum Share<'a> {
    /// A next hop.
    NextHop(RelayReceipt),
    /// We: it is durable in the outbox.
    Queued(QueuedReceipt),
    /// We: it is durable in Backup.
    Durable(&'a KeptReceipt),
    /// Nobody, by the policy's wish (spec D-5).
    Waived(&'a WaivedReceipt),
}

impl<'a> Share<'a> {
    /// For a part that goes nowhere; `None`, said in the log, when nobody has it.
    pub(crate) fn of_discarded(id: MessageId, keeping: &'a Keeping) -> Option<Self> {
        let share = match keeping {
            Keeping::Kept(receipt) => Some(Self::Durable(receipt)),
            Keeping::Waived(receipt) => Some(Self::Waived(receipt)),
            Keeping::None => None,
        };
        let share = share.filter(|share| share.message() == id);
        if share.is_none() {
            tracing::error!(%id, "a message was to be discarded without a copy or the policy's wish; it is deferred");
        }
        share
    }

    fn message(&self) -> MessageId {
        match self {
            Self::NextHop(receipt) => receipt.id,
            Self::Queued(receipt) => receipt.message(),
            Self::Durable(receipt) => receipt.message(),
            Self::Waived(receipt) => receipt.message(),
        }
    }
}

/// Who is responsible for a message from now on: each of these for its part of the recipients (spec D-11). Never
/// empty.
#[derive(Debug)]
pub(crate) struct Responsibility<'a>(Vec<Share<'a>>);

impl<'a> Responsibility<'a> {
    /// The next hop's, for all recipients.
    pub(crate) fn next_hop(receipt: RelayReceipt) -> Self {
        Self(vec![Share::NextHop(receipt)])
    }

    /// For a message that is accepted and goes nowhere; `None`, said in the log, when nobody has it.
    pub(crate) fn of_discarded(id: MessageId, keeping: &'a Keeping) -> Option<Self> {
        Share::of_discarded(id, keeping).map(|share| Self(vec![share]))
    }

    /// For a message of several parts; `None` unless every one of them has somebody.
    pub(crate) fn several(shares: Vec<Share<'a>>, parts: usize) -> Option<Self> {
        (parts > 0 && shares.len() == parts).then_some(Self(shares))
    }

    /// The message this is about; of several parts, the first.
    pub(crate) fn message(&self) -> MessageId {
        self.0.first().map_or_else(|| MessageId::new(0, [0; 10]), Share::message)
    }

    /// The 250 that may be said now: the next hop's own, or ours.
    pub(crate) fn reply(self) -> Reply {
        let id = self.message();
        let theirs = self.0.into_iter().find_map(|share| match share {
            Share::NextHop(receipt) => Some(receipt.reply),
            _ => None,
        });
        theirs.unwrap_or_else(|| Reply::say(250, &format!("2.0.0 Ok: {id}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_success_is_a_receipt() {
        let id = MessageId::new(0, [0; 10]);
        for code in [354, 421, 451, 550, 554] {
            assert!(RelayReceipt::from_reply(id, Reply::say(code, "x")).is_err(), "{code}");
        }
        assert!(RelayReceipt::from_reply(id, Reply::say(250, "2.0.0 Ok")).is_ok());
        assert!(Responsibility::of_discarded(id, &Keeping::None).is_none());
        let taken = || Share::NextHop(RelayReceipt::from_reply(id, Reply::say(250, "2.0.0 Ok")).unwrap());
        assert!(Responsibility::several(Vec::new(), 0).is_none());
        assert!(Responsibility::several(vec![taken()], 2).is_none(), "a part that nobody has");
        assert!(Responsibility::several(vec![taken(), taken()], 2).is_some());
    }
}
