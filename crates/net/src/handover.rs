//! Handing content over to a next hop: after DATA, or in chunks where only those can carry it, and with one answer
//! or, in LMTP, one for each recipient.

use tokio::time::Instant;
use wire::smtp::client::Asked;
use wire::smtp::reply::Reply;

use crate::upstream::{BLOCK_TIMEOUT, DATA_TIMEOUT, END_TIMEOUT, Result, Upstream};

impl Upstream {
    /// Begins the content; it follows only after a 354. Binary content goes in chunks, which need no command: the 354
    /// is ours then. A next hop that does not take it is not asked (RFC 3030 section 3).
    pub async fn begin(&mut self, binary: bool, deadline: Instant) -> Result<Reply> {
        self.chunked = binary;
        self.refused = None;
        if !binary {
            self.machine.data()?;
            return self.answer(Asked::Data, DATA_TIMEOUT, deadline).await;
        }
        Ok(match self.extensions().takes_binary() {
            true => Reply::say(354, "in chunks"),
            false => Reply::say(554, "5.6.1 The next hop does not take binary content"),
        })
    }

    /// A piece of content. Dots are stuffed here. What a next hop says to a chunk it does not take comes with
    /// [`Upstream::end`], and nothing more is sent.
    pub async fn content(&mut self, piece: &[u8], deadline: Instant) -> Result<()> {
        if !self.chunked {
            self.machine.content(piece)?;
            return self.flush("content", BLOCK_TIMEOUT, deadline).await;
        }
        if self.refused.is_some() || piece.is_empty() {
            return Ok(());
        }
        self.machine.chunk(piece, false)?;
        let reply = self.answer(Asked::Chunk, BLOCK_TIMEOUT, deadline).await?;
        if !reply.is_success() {
            self.refused = Some(reply);
        }
        Ok(())
    }

    /// The end of the content. A success is the next hop's taking over of the message. In LMTP there is one reply for
    /// each recipient that was accepted, in their order; else there is one, and there always is one.
    pub async fn end(&mut self, deadline: Instant) -> Result<Vec<Reply>> {
        if let Some(refused) = self.refused.take() {
            return Ok(vec![refused]);
        }
        if self.chunked {
            self.machine.chunk(&[], true)?;
        } else {
            self.machine.end()?;
        }
        let mut replies = Vec::new();
        for _ in 0..self.machine.ends() {
            replies.push(self.answer(Asked::End, END_TIMEOUT, deadline).await?);
        }
        Ok(replies)
    }
}

/// Of the replies to one message that a next hop has not taken for anybody: one that asks to try again later, if there
/// is one, because then not all is lost; else the first.
pub fn refusal(replies: &[Reply]) -> Reply {
    let later = replies.iter().find(|reply| reply.is_transient());
    let none = || Reply::say(451, "4.3.0 No answer from the next hop");
    later.or(replies.first()).cloned().unwrap_or_else(none)
}
