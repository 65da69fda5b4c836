//! Two next hops of which one fails once, and a sender that brings the message again to those who are to have it
//! later.

use std::collections::BTreeMap;

use testkit::{Action, Behaviour, Point, Sink};

use crate::chunks::lmtp;
use crate::node::Node;

/// How often a sender tries.
const TRIES: usize = 5;

/// What fails: at which next hop, at which step, how.
#[derive(Debug)]
pub(crate) struct Fault {
    hop: usize,
    point: Point,
    action: Action,
}

impl Fault {
    /// Every one of them.
    pub(crate) fn all() -> Vec<Self> {
        let mut found = Vec::new();
        for point in [Point::Mail, Point::Rcpt, Point::Data, Point::End] {
            let says = |text: &str| Action::Reply(text.to_owned());
            for action in [says("451 4.3.0 Later"), says("550 5.0.0 No"), Action::Close] {
                found.extend((0..2).map(|hop| Self { hop, point, action: action.clone() }));
            }
        }
        found
    }

    /// The next hops forget what they have, and this happens to the first message.
    pub(crate) fn set(&self, hops: [&Sink; 2]) {
        for (at, hop) in hops.into_iter().enumerate() {
            let accept = Behaviour::accept();
            hop.clear();
            hop.set(if at == self.hop { accept.on_first(1, self.point, self.action.clone()) } else { accept });
        }
    }
}

/// How a sender speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Speech {
    /// SMTP: one reply for all recipients.
    Smtp,
    /// LMTP: one for each.
    Lmtp,
}

/// Sends to all, and again to those that a 4xx was said for; the last code for each.
pub(crate) async fn try_until_settled(
    node: &Node,
    speech: Speech,
    from: &str,
    to: &[&'static str],
    content: &[u8],
) -> BTreeMap<&'static str, u16> {
    let mut told: BTreeMap<&'static str, u16> = to.iter().map(|to| (*to, 450)).collect();
    for _ in 0..TRIES {
        let left: Vec<&'static str> = to.iter().copied().filter(|to| (400..500).contains(&told[to])).collect();
        if left.is_empty() {
            break;
        }
        let mut client = if speech == Speech::Lmtp { lmtp(node).await } else { node.client().await };
        client.send_line(&format!("MAIL FROM:<{from}>")).await;
        let mail = client.reply().await.expect("a reply").code;
        let mut accepted = Vec::new();
        for to in left {
            let mut code = mail;
            if mail == 250 {
                client.send_line(&format!("RCPT TO:<{to}>")).await;
                code = client.reply().await.expect("a reply").code;
            }
            told.insert(to, code);
            accepted.extend((code == 250).then_some(to));
        }
        if !accepted.is_empty() {
            client.command("DATA", 354).await;
            client.send_bytes(&testkit::client::stuff(content)).await;
            let mut code = None;
            for to in accepted {
                if code.is_none() || speech == Speech::Lmtp {
                    code = Some(client.reply().await.expect("a reply").code);
                }
                told.extend(code.map(|code| (to, code)));
            }
        }
        client.quit().await;
    }
    told
}
