//! What each recipient hears at the end of a message whose recipients are not all alike, over LMTP (RFC 2033, spec
//! D-11): what was decided for its group, and what its next hop says.
//!
//! Nobody's copy becomes ours because somebody else has his: who is refused, or asked to try again, stays with the
//! client, which hears so. A 250 is said only by a [`Responsibility`].

use judge::plan::Fate;
use service::record::Taken;
use service::spool::Spool;
use tokio::time::Instant;
use wire::smtp::reply::Reply;

use crate::legs::{Leg, LegEnd};
use crate::responsibility::Responsibility;
use crate::session::Session;
use crate::split::{Part, Said, busy};
use crate::transaction::said;

/// How the end of a message is answered.
pub(crate) struct Each {
    /// One reply for each recipient, in their order.
    pub(crate) replies: Vec<Reply>,
    /// What is recorded of each part.
    pub(crate) parts: Vec<Said>,
}

/// How it ended for the recipients of one next-hop transaction.
struct Told {
    /// One for each, in their order.
    replies: Vec<Reply>,
    /// What is recorded.
    said: Said,
}

impl Told {
    fn all(leg: &Leg, reply: Reply, taken: Taken) -> Self {
        Self { replies: vec![reply.clone(); leg.recipients.len()], said: (reply, taken) }
    }
}

impl Session<'_> {
    /// Does for each part what was decided for it, whatever was decided for the others.
    pub(crate) async fn act_on_each(&self, legs: &mut [Leg], parts: &[Part], spool: &Spool, deadline: Instant) -> Each {
        let ends = self.deliver_legs(legs, parts, spool, deadline).await;
        let mut told = Vec::new();
        for (leg, end) in legs.iter().zip(ends).filter(|(leg, _)| !leg.recipients.is_empty()) {
            let part = parts.iter().find(|part| part.kind == leg.key.kind);
            told.push((leg, part.map_or_else(|| Told::all(leg, busy(), Taken::No), |part| of_leg(leg, part, end))));
        }
        let recipients = self.transaction.as_ref().map_or(0, |transaction| transaction.recipients.len());
        let mut replies = vec![busy(); recipients];
        for (leg, told) in &told {
            for (to, reply) in leg.recipients.iter().zip(&told.replies) {
                replies.get_mut(to.at).into_iter().for_each(|said| *said = reply.clone());
            }
        }
        let of_part = |part: &Part| {
            let own = told.iter().filter(|(leg, _)| leg.key.kind == part.kind).map(|(_, told)| &told.said);
            own.max_by_key(|(_, taken)| certainty(*taken)).cloned().unwrap_or_else(|| (busy(), Taken::No))
        };
        Each { replies, parts: parts.iter().map(of_part).collect() }
    }
}

/// Which of several ends is recorded: that somebody has it, before that nobody knows.
fn certainty(taken: Taken) -> u8 {
    match taken {
        Taken::No => 0,
        Taken::Unknown => 1,
        Taken::Yes => 2,
    }
}

fn of_leg(leg: &Leg, part: &Part, end: Option<LegEnd>) -> Told {
    match (&part.decided.plan.fate, end) {
        (Fate::Refuse(text) | Fate::Tempfail(text), _) => Told::all(leg, said(text), Taken::No),
        (Fate::Discard, _) => match Responsibility::of_discarded(part.arrival.id, &part.decided.keeping) {
            Some(responsibility) => Told::all(leg, responsibility.reply(), Taken::Yes),
            None => Told::all(leg, busy(), Taken::No),
        },
        (Fate::Deliver, Some(LegEnd::Taken(receipt))) => {
            Told::all(leg, Responsibility::next_hop(receipt).reply(), Taken::Yes)
        }
        (Fate::Deliver, Some(LegEnd::Partly(receipt, mut replies))) => {
            replies.resize(leg.recipients.len(), busy());
            Told { replies, said: (Responsibility::next_hop(receipt).reply(), Taken::Yes) }
        }
        (Fate::Deliver, Some(LegEnd::Refused(reply))) => Told::all(leg, not_taken(reply), Taken::No),
        (Fate::Deliver, Some(LegEnd::Unknown(reply))) => Told::all(leg, not_taken(reply), Taken::Unknown),
        (Fate::Deliver, None) => Told::all(leg, busy(), Taken::No),
    }
}

/// The reply of a next hop that has not taken it. One that says so with a success is not believed.
fn not_taken(reply: Reply) -> Reply {
    if reply.is_success() { busy() } else { reply }
}
