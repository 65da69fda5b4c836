//! A client before the body, as a mail server tells of it: the same refusals as in the gateway. Nobody is kept
//! waiting here (`before.tarpit`, `before.greeting_delay`): that would hold up the mail server.

use judge::early::{Moment, Visitor};
use mail::arrival::Surface;
use wire::milter::Answer;
use wire::smtp::reply::Reply;

use super::client::{Path, is_originating, parameters, path};
use super::message::{Message, Told};
use super::pump::Pump;

impl Pump<'_> {
    /// The refusal of this moment, if there is one. Mail that did not come over a network has no client.
    async fn early(&mut self, moment: &Moment<'_>) -> Option<Answer> {
        let ip = self.client.ip()?;
        let macros = self.server.macros();
        let user = macros.get("auth_authen").or(macros.get("auth_type").map(|_| "")).map(str::to_owned);
        let site = self.gateway.service.current().site.load_full();
        let ours = user.is_some() || site.is_relay(ip) || site.is_trusted(ip) || is_originating(macros);
        let helo = self.client.helo.clone();
        let visitor = Visitor { ip, helo: helo.as_deref(), user: user.as_deref(), ours };
        let service = std::sync::Arc::clone(&self.gateway.service);
        let ruling = service.early(Surface::Milter, &visitor, moment).await?;
        Some(Answer::Reply(Reply::say(ruling.code, ruling.text)))
    }

    pub(super) async fn connected(&mut self) -> Option<Answer> {
        self.early(&Moment::Connected { talked: false }).await
    }

    pub(super) async fn greeted(&mut self) -> Option<Answer> {
        self.early(&Moment::Greeted).await
    }

    /// MAIL: a message begins, unless its sender is refused. One that is no address is refused with the message.
    pub(super) async fn mail(&mut self, arguments: &[Vec<u8>]) -> Option<Answer> {
        let path = path(arguments, self.server.macros().get("j"));
        let sender = match &path {
            Path::Of(address) => Some(address),
            Path::Null | Path::Bad => None,
        };
        if !matches!(path, Path::Bad)
            && let Some(no) = self.early(&Moment::Sender(sender)).await
        {
            self.message = None;
            return Some(no);
        }
        let limits = &self.node.config.limits;
        self.message = Some(Message::new(path, &self.node.spool_dir, limits, &self.gateway.permits));
        self.with(|message| message.asks(parameters(arguments)));
        None
    }

    /// RCPT: one more recipient, unless it is refused.
    pub(super) async fn rcpt(&mut self, arguments: &[Vec<u8>]) -> Option<Answer> {
        let path = path(arguments, self.server.macros().get("j"));
        if let (Path::Of(to), Some(message)) = (&path, &self.message) {
            let (sender, accepted) = (message.sender().cloned(), message.accepted());
            let moment = Moment::Recipient { sender: sender.as_ref(), to, accepted };
            if let Some(no) = self.early(&moment).await {
                return Some(no);
            }
        }
        let limits = &self.node.config.limits;
        let told = Told { path: arguments.first().cloned().unwrap_or_default(), parameters: parameters(arguments) };
        self.with(|message| message.recipient(path, told, limits));
        None
    }
}
