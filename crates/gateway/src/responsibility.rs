//! Who has a message when we say 250 (RFC 5321 section 6.1).
//!
//! The only way to accept a message is [`Responsibility`], and each of its forms is proof that
//! somebody has it: the next hop's own success, the store's receipt, or the policy's explicit wish
//! that nobody should. A crash may duplicate a message, never lose one.

use mail::arrival::MessageId;
use service::flow::Keeping;
use store::{KeptReceipt, WaivedReceipt};
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

/// Who is responsible for a message from now on.
#[derive(Debug)]
pub(crate) enum Responsibility<'a> {
    /// The next hop.
    NextHop(RelayReceipt),
    /// We: it is durable in Backup.
    Durable(&'a KeptReceipt),
    /// Nobody: the policy wants it deleted without a copy (spec D-5).
    Waived(&'a WaivedReceipt),
}

impl<'a> Responsibility<'a> {
    /// For a message that is accepted and goes nowhere; `None` when nobody has it.
    pub(crate) fn of(keeping: &'a Keeping) -> Option<Self> {
        match keeping {
            Keeping::Kept(receipt) => Some(Self::Durable(receipt)),
            Keeping::Waived(receipt) => Some(Self::Waived(receipt)),
            Keeping::None => None,
        }
    }

    /// The message this is about.
    pub(crate) fn message(&self) -> MessageId {
        match self {
            Self::NextHop(receipt) => receipt.id,
            Self::Durable(receipt) => receipt.message(),
            Self::Waived(receipt) => receipt.message(),
        }
    }

    /// The 250 that may be said now: the next hop's own, or ours.
    pub(crate) fn reply(self) -> Reply {
        let ours = |id: MessageId| Reply::say(250, &format!("2.0.0 Ok: {id}"));
        match self {
            Self::NextHop(receipt) => receipt.reply,
            Self::Durable(receipt) => ours(receipt.message()),
            Self::Waived(receipt) => ours(receipt.message()),
        }
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
        assert!(Responsibility::of(&Keeping::None).is_none());
    }
}
