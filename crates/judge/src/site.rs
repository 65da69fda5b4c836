//! Who is ours and who is trusted, and which way a message goes (spec D-20).

use std::net::IpAddr;

use ipnet::IpNet;
use mail::address::{Address, below};
use mail::arrival::Direction;

/// What the node knows about its organisation.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Site {
    /// This host's name, for notices and replies.
    pub hostname: String,
    /// The name under which we say who sent a message; empty: the host's (RFC 8601 section 2.5).
    pub authserv_id: String,
    /// Domains that are ours, their subdomains included; lower case.
    pub internal_domains: Vec<String>,
    /// Networks whose mail counts as "over a trusted connection" (TC-02).
    pub trusted_networks: Vec<IpNet>,
    /// Relays that may say, with XFORWARD, who the client really is.
    pub trusted_relays: Vec<IpNet>,
}

/// What a listener is told about its mail's direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum ListenerDirection {
    /// Everything comes from outside.
    Incoming,
    /// Everything comes from our own clients.
    Outgoing,
    /// To be found out for each message.
    #[default]
    Auto,
}

/// An IPv4 address that came as `::ffff:a.b.c.d` counts as the IPv4 address it is.
fn contains(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}

impl Site {
    /// The name under which we say who sent a message.
    pub fn authserv_id(&self) -> &str {
        if self.authserv_id.is_empty() { &self.hostname } else { &self.authserv_id }
    }

    /// Whether an address is one of ours.
    pub fn is_internal(&self, address: &Address) -> bool {
        self.internal_domains.iter().any(|domain| address.is_in(domain))
    }

    /// Whether a domain, in its canonical form, is one of ours.
    pub(crate) fn owns(&self, domain: &str) -> bool {
        self.internal_domains.iter().any(|own| below(domain, own))
    }

    /// Whether mail from this address is "over a trusted connection".
    pub fn is_trusted(&self, ip: IpAddr) -> bool {
        contains(&self.trusted_networks, ip)
    }

    /// Whether this peer may speak for its clients.
    pub fn is_relay(&self, ip: IpAddr) -> bool {
        contains(&self.trusted_relays, ip)
    }

    /// D-20: with `auto`, outgoing when the client is trusted and a recipient is external, internal
    /// when all addresses are internal, else incoming. As long as no internal domain is configured
    /// nothing is known to be external, and all mail is incoming.
    pub fn direction(
        &self,
        listener: ListenerDirection,
        trusted_client: bool,
        sender: Option<&Address>,
        recipients: &[Address],
    ) -> Direction {
        match listener {
            ListenerDirection::Incoming => return Direction::Incoming,
            ListenerDirection::Outgoing => return Direction::Outgoing,
            ListenerDirection::Auto => {}
        }
        if self.internal_domains.is_empty() {
            return Direction::Incoming;
        }
        let external_recipient = recipients.iter().any(|r| !self.is_internal(r));
        if trusted_client && external_recipient {
            Direction::Outgoing
        } else if trusted_client && !external_recipient && sender.is_some_and(|s| self.is_internal(s)) {
            // Of a stranger, who writes what he likes as the sender, it is no proof of anything.
            Direction::Internal
        } else {
            Direction::Incoming
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site() -> Site {
        Site {
            authserv_id: String::new(),
            hostname: "mx.example.org".to_owned(),
            internal_domains: vec!["example.org".to_owned()],
            trusted_networks: vec!["192.0.2.0/24".parse().unwrap()],
            trusted_relays: vec![],
        }
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    #[test]
    fn d20_direction_by_trust_and_addresses() {
        let ours = address("a@example.org");
        let theirs = address("b@example.com");
        let auto = |trusted, from: &Address, to: &[&Address]| {
            let to: Vec<Address> = to.iter().map(|a| (*a).clone()).collect();
            site().direction(ListenerDirection::Auto, trusted, Some(from), &to)
        };
        assert_eq!(auto(true, &ours, &[&theirs]), Direction::Outgoing);
        assert_eq!(auto(true, &ours, &[&ours, &theirs]), Direction::Outgoing);
        assert_eq!(auto(false, &ours, &[&theirs]), Direction::Incoming);
        assert_eq!(auto(true, &ours, &[&ours]), Direction::Internal);
        assert_eq!(auto(false, &ours, &[&ours]), Direction::Incoming, "a stranger may write our address");
        assert_eq!(auto(true, &theirs, &[&ours]), Direction::Incoming);
        assert_eq!(auto(false, &theirs, &[&ours]), Direction::Incoming);
        assert_eq!(site().direction(ListenerDirection::Auto, false, None, &[ours]), Direction::Incoming);
    }

    #[test]
    fn d20_a_listener_may_say_so() {
        let to = [address("b@example.com")];
        assert_eq!(site().direction(ListenerDirection::Incoming, true, None, &to), Direction::Incoming);
        assert_eq!(site().direction(ListenerDirection::Outgoing, false, None, &to), Direction::Outgoing);
    }

    #[test]
    fn without_internal_domains_nothing_is_outgoing() {
        let site = Site { internal_domains: vec![], ..site() };
        assert_eq!(
            site.direction(ListenerDirection::Auto, true, None, &[address("b@example.com")]),
            Direction::Incoming
        );
    }

    #[test]
    fn mapped_addresses_are_what_they_map() {
        assert!(site().is_trusted("::ffff:192.0.2.9".parse().unwrap()));
        assert!(!site().is_trusted("::ffff:198.51.100.9".parse().unwrap()));
    }
}
