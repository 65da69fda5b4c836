//! What the pump's answer to each event decides.

use crate::smtp::extensions::Extensions;

use super::content::Content;
use super::{AUTH_ROUNDS_MAX, Asked, Hello, Phase, Reply, Server, Transaction};

impl Server {
    /// What the reply to an event decides.
    pub(super) fn answered(&mut self, asked: Asked, reply: &Reply) {
        match asked {
            Asked::Hello { esmtp, name } => return self.answered_hello(esmtp, name, reply),
            Asked::StartTls => {
                // What follows in the clear was not protected: thrown away whatever the answer is (RFC 3207).
                self.discard_input();
                if reply.code() == 220 {
                    self.phase = Phase::Handshake;
                }
            }
            Asked::Auth => return self.answered_auth(reply),
            Asked::Xclient if reply.code() == 220 => self.begin_anew(),
            Asked::Mail { utf8, binary } if reply.is_success() => {
                self.transaction = Some(Transaction { utf8, binary, recipients: 0, chunks: None, failed: false });
            }
            Asked::Rcpt if reply.is_success() => {
                if let Some(transaction) = &mut self.transaction {
                    transaction.recipients = transaction.recipients.saturating_add(1);
                }
            }
            Asked::Data if reply.code() == 354 => {
                self.phase = Phase::Content(Content::new(self.config.line_ends));
            }
            Asked::Data => {
                self.send(reply);
                return self.close_if_content_follows();
            }
            Asked::Chunk(chunk) => return self.answered_chunk(chunk, reply),
            Asked::ContentEnd { each, .. } => {
                let recipients = if each { self.recipients().max(1) } else { 1 };
                self.transaction = None;
                (1..recipients).for_each(|_| self.send(reply));
            }
            Asked::Quit => {
                self.send(reply);
                return self.close();
            }
            Asked::Xforward | Asked::Xclient | Asked::Reset | Asked::Mail { .. } | Asked::Rcpt => {}
        }
        self.send(reply);
    }

    /// The peer is somebody else from here on, or speaks over TLS now, and greets again.
    pub(super) fn begin_anew(&mut self) {
        self.offered = Extensions::default();
        self.hello = None;
        self.transaction = None;
        self.exchange = None;
        self.login = None;
        self.authenticated = false;
    }

    /// A greeting of the client: for EHLO the reply's first line, then what is offered.
    fn answered_hello(&mut self, esmtp: bool, name: String, reply: &Reply) {
        let offer = self.offer.take();
        if !reply.is_success() {
            return self.send(reply);
        }
        self.offered = offer.filter(|_| esmtp).unwrap_or_default();
        self.hello = Some(Hello { esmtp, name });
        let first = if reply.text().is_empty() { self.config.hostname.clone() } else { reply.text().to_owned() };
        let mut lines = vec![first];
        lines.extend(self.offered.lines());
        let last = lines.len().saturating_sub(1);
        for (n, line) in lines.iter().enumerate() {
            let mark = if n == last { ' ' } else { '-' };
            self.output.append(format!("250{mark}{line}\r\n").as_bytes());
        }
    }

    /// An answer within an authentication exchange.
    fn answered_auth(&mut self, reply: &Reply) {
        if reply.code() == 334 {
            let rounds = self.exchange.as_mut().map_or(0, |e| {
                e.rounds = e.rounds.saturating_add(1);
                e.rounds
            });
            if rounds > AUTH_ROUNDS_MAX {
                return self.close_with(&Reply::say(421, "4.7.0 Authentication exchange is too long"));
            }
            self.phase = Phase::AuthLine;
            return self.send(reply);
        }
        self.phase = Phase::Command;
        let exchange = self.exchange.take();
        if reply.is_success() {
            self.authenticated = true;
            self.login = exchange.and_then(|e| e.login);
            self.send(reply);
        } else {
            self.refuse(reply);
        }
    }

    /// DATA was refused. Bytes that already follow may be content or commands: nobody can tell, so the session ends.
    pub(super) fn close_if_content_follows(&mut self) {
        if !self.input.is_empty() {
            self.close_with(&Reply::say(421, "4.5.0 Input after a refused DATA"));
        }
    }
}
