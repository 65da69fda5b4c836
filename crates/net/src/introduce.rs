//! Telling a next hop whose mail it gets: XFORWARD for its log and filters, XCLIENT to have it take us for the
//! client.

use settings::config::ClientInfo;
use tokio::time::Instant;
use wire::smtp::client::Asked;
use wire::smtp::reply::Reply;
use wire::smtp::xclient::XclientName;
use wire::smtp::xforward::XforwardName;

use crate::upstream::{COMMAND_TIMEOUT, Result, Upstream, UpstreamError};

impl Upstream {
    /// Whether the next hop is to take us for the client, and does.
    pub fn takes_client(&self) -> bool {
        self.client_info == ClientInfo::Xclient && !self.extensions().xclient.is_empty()
    }

    /// The client that the next hop takes us for; empty if it takes us for ourselves.
    pub fn spoken_for(&self) -> &[(XclientName, String)] {
        &self.spoken_for
    }

    /// XFORWARD with what the next hop takes of these attributes; `None` if it takes none, or is to be told
    /// nothing.
    ///
    /// # Errors
    /// The connection is of no use any more.
    pub async fn xforward(&mut self, attributes: &[(XforwardName, &str)], deadline: Instant) -> Result<Option<Reply>> {
        if self.client_info == ClientInfo::None {
            return Ok(None);
        }
        let commands = self.machine.xforward(attributes)?;
        let mut last = None;
        for _ in 0..commands {
            let reply = self.answer(Asked::Xforward, COMMAND_TIMEOUT, deadline).await?;
            if last.as_ref().is_none_or(Reply::is_success) {
                last = Some(reply);
            }
        }
        Ok(last)
    }

    /// XCLIENT with what the next hop takes of these attributes. The session starts anew: who has logged in is
    /// forgotten, and what the next hop offers is what it offers this client.
    ///
    /// # Errors
    /// It refuses the client, or does not let us speak for it; or the connection is of no use any more.
    pub async fn xclient(&mut self, attributes: &[(XclientName, &str)], deadline: Instant) -> Result<()> {
        let commands = self.machine.xclient(attributes)?;
        for _ in 0..commands {
            let reply = self.answer(Asked::Xclient, COMMAND_TIMEOUT, deadline).await?;
            if !reply.is_success() {
                return Err(UpstreamError::Refused(reply));
            }
        }
        self.spoken_for = attributes.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        let lmtp = self.machine.is_lmtp();
        self.hello(lmtp, deadline).await
    }
}
