//! How a message on the command line came: what flags say about its envelope and client.

use std::net::IpAddr;

use judge::site::{ListenerDirection, Site};
use mail::address::Address;
use mail::arrival::{Arrival, Envelope, Peer, Surface};
use mail::untrusted::{Untrusted, escape};

use crate::failure::Failure;
use crate::when;

/// How the message came, as far as it is known. The way it goes follows from it: incoming if
/// nothing is said.
#[derive(clap::Args, Clone, Debug, Default)]
pub(crate) struct CircumstancesArgs {
    /// The address of the client that brought the message.
    #[arg(long, value_name = "ADDRESS", help_heading = "Circumstances of the message")]
    ip: Option<IpAddr>,
    /// The name the client gave in HELO or EHLO.
    #[arg(long, value_name = "NAME", help_heading = "Circumstances of the message")]
    helo: Option<String>,
    /// The sender of the envelope; `<>` for mail that has none, such as a delivery report. Without this
    /// nothing that follows from the envelope's sender is looked at.
    #[arg(long, value_name = "ADDRESS", help_heading = "Circumstances of the message")]
    from: Option<String>,
    /// A recipient of the envelope; may be given several times.
    #[arg(long, value_name = "ADDRESS", help_heading = "Circumstances of the message")]
    rcpt: Vec<String>,
    /// The login name of the client, which makes the connection a trusted one.
    #[arg(long, value_name = "NAME", help_heading = "Circumstances of the message")]
    user: Option<String>,
    /// When it came: `now`, a date, a time, or how long ago (`7d`, `12h`). Without this its topmost Received says so; where
    /// it has none, nothing that follows from the time is looked at, such as a Date in the future.
    #[arg(long, value_name = "TIME", help_heading = "Circumstances of the message")]
    at: Option<String>,
}

impl CircumstancesArgs {
    /// The arrival of a message; its name and size are set for each message.
    ///
    /// # Errors
    /// An address or a time is none.
    pub(crate) fn arrival(&self, site: &Site) -> Result<Arrival, Failure> {
        let address = |text: &String| {
            let inner = text.strip_prefix('<').and_then(|text| text.strip_suffix('>')).unwrap_or(text);
            if inner.is_empty() {
                return Ok(None);
            }
            let parsed = Address::parse(inner);
            parsed.map(Some).ok_or_else(|| Failure::new(format!("\"{}\" is not an address", escape(text, 80))))
        };
        let mail_from = self.from.as_ref().map(address).transpose()?.flatten();
        let rcpt_to: Vec<Address> =
            self.rcpt.iter().map(address).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
        let received_ms = self.received_ms()?;
        let trusted = self.ip.is_some_and(|ip| site.is_trusted(ip));
        let authenticated = self.user.is_some();
        let auto = ListenerDirection::Auto;
        let direction = site.direction(auto, trusted || authenticated, mail_from.as_ref(), &rcpt_to);
        Ok(Arrival {
            id: service::id::message_id(),
            surface: Surface::Cli,
            direction,
            peer: Peer {
                ip: self.ip,
                name: None,
                helo: self.helo.clone().map(Untrusted::new),
                tls: None,
                authenticated,
                login: self.user.clone().map(Untrusted::new),
                trusted,
                from_received: false,
                certificate: None,
            },
            envelope: Envelope { mail_from, rcpt_to, unknown: self.from.is_none() },
            received_ms,
            size: 0,
            connection: 0,
        })
    }

    /// When it came, in milliseconds since 1970; 0 where nobody says so.
    fn received_ms(&self) -> Result<u64, Failure> {
        let now = service::id::now_ms();
        match self.at.as_deref() {
            None => Ok(0),
            Some("now") => Ok(now),
            Some(text) => when::parse(text, now).map_err(|how| Failure::new(format!("--at: {how}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mail::arrival::Direction;

    fn args(from: &str, rcpt: &str, user: bool) -> CircumstancesArgs {
        CircumstancesArgs {
            from: Some(from.to_owned()),
            rcpt: vec![rcpt.to_owned()],
            user: user.then(|| "alice".to_owned()),
            ..CircumstancesArgs::default()
        }
    }

    #[test]
    fn the_direction_follows_from_what_is_said() {
        let site = Site { internal_domains: vec!["example.org".to_owned()], ..Site::default() };
        let direction = |args: CircumstancesArgs| args.arrival(&site).unwrap().direction;
        assert_eq!(direction(CircumstancesArgs::default()), Direction::Incoming);
        assert_eq!(direction(args("a@example.org", "b@example.com", true)), Direction::Outgoing);
        assert_eq!(direction(args("a@example.org", "b@example.org", true)), Direction::Internal);
        assert_eq!(direction(args("a@example.com", "<b@example.org>", false)), Direction::Incoming);
    }

    #[test]
    fn the_null_sender_is_no_sender_and_nonsense_is_refused() {
        let site = Site::default();
        let told = |args: CircumstancesArgs| args.arrival(&site).unwrap().envelope;
        let null = told(args("<>", "b@example.org", false));
        assert_eq!((null.mail_from, null.unknown), (None, false));
        let nothing = told(CircumstancesArgs::default());
        assert_eq!((nothing.mail_from, nothing.unknown), (None, true));
        assert!(args("a\nb@example.org", "b@example.org", false).arrival(&site).is_err());
    }
}
