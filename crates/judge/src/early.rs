//! What is decided before the body of a message: at connect, greeting, sender and recipient.
//!
//! Pure, like every decision: what has to be counted or looked up is asked for as a value
//! ([`charges`], [`grey`]), and what came of it goes in as [`Facts`].

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use mail::address::Address;

use crate::policy::{Before, Manners, Rule, Tarpit};
use crate::rate::Rate;
use crate::units::Time;

/// Longest pause before an answer, and longest delay of the greeting: below any client's time limit.
pub const MAX_PAUSE: Duration = Duration::from_secs(30);

/// Who is there.
#[derive(Clone, Copy, Debug)]
pub struct Visitor<'a> {
    /// The client's address.
    pub ip: IpAddr,
    /// What it calls itself, once it has greeted.
    pub helo: Option<&'a str>,
    /// The user it has logged in as.
    pub user: Option<&'a str>,
    /// A relay, a trusted network, or logged in: only limits of users apply.
    pub ours: bool,
}

/// What has just happened.
#[derive(Clone, Copy, Debug)]
pub enum Moment<'a> {
    /// It has connected; whether it talked before our greeting.
    Connected {
        /// It talked.
        talked: bool,
    },
    /// It has greeted.
    Greeted,
    /// It has named the sender; `None` is the null sender.
    Sender(Option<&'a Address>),
    /// It names a recipient.
    Recipient {
        /// The sender.
        sender: Option<&'a Address>,
        /// The recipient.
        to: &'a Address,
        /// How many were accepted before.
        accepted: u32,
    },
}

/// Something to count, and how much of it there may be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Charge {
    /// The setting: `messages_per_peer`, ….
    pub what: &'static str,
    /// Whose: an address, a network, a user.
    pub whose: String,
    /// How many.
    pub limit: u32,
    /// In how long.
    pub period: Time,
}

/// What greylisting knows a message by.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Grey {
    /// The client's network.
    pub client: String,
    /// Sender and recipient.
    pub pair: String,
}

/// What was counted and looked up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Facts {
    /// The first limit that is exceeded.
    pub over: Option<&'static str>,
    /// Greylisting asks the client to come again.
    pub grey: bool,
    /// The recipient is one of ours, and the list of our recipients does not have it.
    pub unknown: bool,
}

/// A refusal.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Ruling {
    /// The rule.
    pub rule: Rule,
    /// The reply's code.
    pub code: u16,
    /// Its text, the enhanced code first.
    pub text: &'static str,
}

/// What has to be counted at this moment.
pub fn charges(before: &Before, visitor: &Visitor<'_>, moment: &Moment<'_>) -> Vec<Charge> {
    let rates = &before.rates;
    let mut charges = Vec::new();
    let mut charge = |what, rate: Rate, whose: Option<String>| {
        if let (Some((limit, period)), Some(whose)) = (rate.limit(), whose) {
            charges.push(Charge { what, whose, limit, period });
        }
    };
    let exempt = is_exempt(before, visitor);
    let peer = (!exempt).then(|| network(visitor.ip, 32, 64));
    let user = visitor.user.map(str::to_owned);
    match moment {
        Moment::Connected { .. } => charge("connections_per_peer", rates.connections_per_peer, peer),
        Moment::Greeted => {}
        Moment::Sender(sender) => {
            charge("messages_per_peer", rates.messages_per_peer, peer);
            charge("messages_per_user", rates.messages_per_user, user);
            let sender = sender.filter(|_| !exempt).map(|sender| sender.as_str().to_lowercase());
            charge("messages_per_sender", rates.messages_per_sender, sender);
        }
        Moment::Recipient { to, .. } => {
            charge("recipients_per_peer", rates.recipients_per_peer, peer);
            charge("recipients_per_user", rates.recipients_per_user, user);
            let to = (!exempt).then(|| to.as_str().to_lowercase());
            charge("messages_per_recipient", rates.messages_per_recipient, to);
        }
    }
    charges
}

/// What greylisting has to look up at this moment.
pub fn grey(before: &Before, visitor: &Visitor<'_>, moment: &Moment<'_>) -> Option<Grey> {
    let Moment::Recipient { sender, to, .. } = moment else { return None };
    let list = &before.greylist;
    if !list.enabled || is_exempt(before, visitor) {
        return None;
    }
    let sender = sender.map_or(String::new(), |sender| sender.as_str().to_lowercase());
    let pair = format!("{sender}\n{}", to.as_str().to_lowercase());
    Some(Grey { client: network(visitor.ip, list.ipv4_bits, list.ipv6_bits), pair })
}

/// What is refused, and how, the first that counts first: one that is only watched hides none behind it.
/// Empty to go on.
pub fn rules(before: &Before, hostname: &str, visitor: &Visitor<'_>, moment: &Moment<'_>, facts: Facts) -> Vec<Ruling> {
    let mut found = Vec::new();
    let mut refuse = |applies: bool, rule, code, text| {
        if applies {
            found.push(Ruling { rule, code, text });
        }
    };
    if !is_exempt(before, visitor) {
        match moment {
            Moment::Connected { talked } => {
                let denied = contains(&before.deny_clients, visitor.ip);
                refuse(denied, Rule::ClientDenied, 554, "5.7.1 Your address is not welcome here");
                let early = *talked && before.early_talkers == Manners::Reject;
                refuse(early, Rule::EarlyTalker, 554, "5.5.1 You spoke before our greeting");
            }
            Moment::Greeted => {
                let bad = before.bad_greeting == Manners::Reject && !greets_well(visitor, hostname);
                refuse(bad, Rule::GreetingInvalid, 550, "5.7.1 Say your own name in HELO or EHLO");
            }
            Moment::Sender(sender) => {
                let bad = before.bad_sender == Manners::Reject && sender.is_some_and(|sender| !has_domain(sender));
                refuse(bad, Rule::SenderInvalid, 553, "5.1.8 The sender's domain could not receive an answer");
            }
            Moment::Recipient { sender, accepted, .. } => {
                let most = before.null_sender_recipients;
                let many = sender.is_none() && most > 0 && *accepted >= most;
                let text = "5.7.1 Too many recipients for a message without a sender";
                refuse(many, Rule::SenderInvalid, 550, text);
                let unknown = facts.unknown && before.unknown_recipients == Manners::Reject;
                refuse(unknown, Rule::RecipientUnknown, 550, "5.1.1 There is no such recipient here");
            }
        }
    }
    let code = if matches!(moment, Moment::Connected { .. }) { 421 } else { 451 };
    let text = "4.7.1 Too much in too short a time, please try again later";
    refuse(facts.over.is_some(), Rule::RateLimit, code, text);
    refuse(facts.grey, Rule::Greylisted, 451, "4.7.1 Greylisted, please try again in some minutes");
    found
}

/// How long an answer is held back after so many refused recipients, and whether the session ends.
pub fn slow_down(tarpit: &Tarpit, refused: u32) -> (Duration, bool) {
    let close = tarpit.close_after > 0 && refused >= tarpit.close_after;
    if tarpit.after == 0 || refused < tarpit.after {
        return (Duration::ZERO, close);
    }
    let steps = refused.saturating_sub(tarpit.after).saturating_add(1);
    (tarpit.step.duration().saturating_mul(steps).min(MAX_PAUSE), close)
}

fn is_exempt(before: &Before, visitor: &Visitor<'_>) -> bool {
    visitor.ours || contains(&before.allow_clients, visitor.ip)
}

fn contains(networks: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    networks.iter().any(|network| network.contains(&ip))
}

/// The network of an address, of so many bits.
fn network(ip: IpAddr, ipv4_bits: u8, ipv6_bits: u8) -> String {
    let ip = ip.to_canonical();
    let bits = if ip.is_ipv4() { ipv4_bits.min(32) } else { ipv6_bits.min(128) };
    IpNet::new(ip, bits).map_or_else(|_| ip.to_string(), |network| network.trunc().to_string())
}

/// A host name with a dot that is not ours, or the client's own address in brackets.
fn greets_well(visitor: &Visitor<'_>, hostname: &str) -> bool {
    let Some(helo) = visitor.helo else { return false };
    if let Some(literal) = helo.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let text =
            literal.get(..5).filter(|p| p.eq_ignore_ascii_case("IPv6:")).map_or(literal, |p| &literal[p.len()..]);
        return text.parse::<IpAddr>().is_ok_and(|ip| ip.to_canonical() == visitor.ip.to_canonical());
    }
    let name = helo.strip_suffix('.').unwrap_or(helo);
    let letters = |label: &str| {
        !label.is_empty() && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
    };
    let is_address = name.parse::<IpAddr>().is_ok();
    name.contains('.') && !is_address && name.split('.').all(letters) && !name.eq_ignore_ascii_case(hostname)
}

/// A domain of at least two labels.
fn has_domain(sender: &Address) -> bool {
    let domain = sender.domain();
    !domain.starts_with('[') && domain.split('.').filter(|label| !label.is_empty()).count() > 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn visitor() -> Visitor<'static> {
        Visitor { ip: IpAddr::from([192, 0, 2, 7]), helo: Some("mail.example.org"), user: None, ours: false }
    }

    fn address(text: &str) -> Address {
        Address::parse(text).unwrap()
    }

    fn ruled(before: &Before, visitor: &Visitor<'_>, moment: &Moment<'_>) -> Option<(Rule, u16)> {
        let first = rule(before, "mx.example.com", visitor, moment, Facts::default());
        first.map(|ruling| (ruling.rule, ruling.code))
    }

    /// The first that counts.
    fn rule(
        before: &Before,
        hostname: &str,
        visitor: &Visitor<'_>,
        moment: &Moment<'_>,
        facts: Facts,
    ) -> Option<Ruling> {
        rules(before, hostname, visitor, moment, facts).into_iter().next()
    }

    #[test]
    fn every_reason_to_refuse_is_told() {
        let mut before = Before { null_sender_recipients: 1, ..Before::default() };
        before.greylist.enabled = true;
        let to = address("x@example.com");
        let facts = Facts { over: Some("recipients_per_peer"), grey: true, unknown: true };
        let all = |moment| -> Vec<u16> {
            rules(&before, "mx", &visitor(), &moment, facts).into_iter().map(|ruling| ruling.code).collect()
        };
        assert_eq!(all(Moment::Recipient { sender: None, to: &to, accepted: 1 }), [550, 550, 451, 451]);
        assert_eq!(all(Moment::Recipient { sender: None, to: &to, accepted: 0 }), [550, 451, 451]);
        assert_eq!(all(Moment::Connected { talked: false }), [421, 451]);
    }

    #[test]
    fn by_default_nobody_is_refused() {
        let (before, to) = (Before::default(), address("x@example.com"));
        let lonely = address("root@localhost");
        let bad = Visitor { helo: Some("localhost"), ..visitor() };
        for moment in [
            Moment::Connected { talked: true },
            Moment::Greeted,
            Moment::Sender(Some(&lonely)),
            Moment::Recipient { sender: None, to: &to, accepted: 99 },
        ] {
            assert_eq!(ruled(&before, &bad, &moment), None, "{moment:?}");
            assert!(charges(&before, &bad, &moment).is_empty() && grey(&before, &bad, &moment).is_none());
        }
    }

    #[test]
    fn networks_are_denied_and_exempted() {
        let net = |text: &str| vec![text.parse().unwrap()];
        let moment = Moment::Connected { talked: false };
        let before = Before { deny_clients: net("192.0.2.0/24"), ..Before::default() };
        assert_eq!(ruled(&before, &visitor(), &moment), Some((Rule::ClientDenied, 554)));
        let mapped = Visitor { ip: "::ffff:192.0.2.9".parse().unwrap(), ..visitor() };
        assert_eq!(ruled(&before, &mapped, &moment), Some((Rule::ClientDenied, 554)));
        let both = Before { allow_clients: net("192.0.2.7/32"), ..before.clone() };
        assert_eq!(ruled(&both, &visitor(), &moment), None);
        assert_eq!(ruled(&before, &Visitor { ours: true, ..visitor() }, &moment), None);
    }

    #[test]
    fn greetings_are_judged_by_the_standard() {
        let before = Before { bad_greeting: Manners::Reject, ..Before::default() };
        let good = ["mail.example.org", "a-b.c_d.example.", "[192.0.2.7]"];
        let bad =
            ["localhost", "192.0.2.7", "[192.0.2.8]", "mx.example.com", "MX.Example.COM", "a..b", "häuser.de", ""];
        for helo in good {
            assert_eq!(ruled(&before, &Visitor { helo: Some(helo), ..visitor() }, &Moment::Greeted), None, "{helo}");
        }
        for helo in bad {
            let refused = ruled(&before, &Visitor { helo: Some(helo), ..visitor() }, &Moment::Greeted);
            assert_eq!(refused, Some((Rule::GreetingInvalid, 550)), "{helo}");
        }
        let six = Visitor { ip: "2001:db8::7".parse().unwrap(), helo: Some("[IPv6:2001:db8::7]"), ..visitor() };
        assert_eq!(ruled(&before, &six, &Moment::Greeted), None);
    }

    #[test]
    fn senders_need_a_domain_and_the_null_sender_few_recipients() {
        let before = Before { bad_sender: Manners::Reject, null_sender_recipients: 1, ..Before::default() };
        for (sender, good) in [("a@example.org", true), ("a@localhost", false), ("a@[192.0.2.1]", false)] {
            let found = ruled(&before, &visitor(), &Moment::Sender(Some(&address(sender))));
            assert_eq!(found.is_none(), good, "{sender}");
        }
        let to = address("x@example.com");
        let rcpt = |accepted| Moment::Recipient { sender: None, to: &to, accepted };
        assert_eq!(ruled(&before, &visitor(), &rcpt(0)), None);
        assert_eq!(ruled(&before, &visitor(), &rcpt(1)), Some((Rule::SenderInvalid, 550)));
    }

    #[test]
    fn limits_count_peers_users_senders_and_recipients() {
        let rate = Rate::parse("3 / 1 h").unwrap();
        let mut before = Before::default();
        before.rates.messages_per_peer = rate;
        before.rates.messages_per_user = rate;
        before.rates.messages_per_sender = rate;
        before.rates.recipients_per_peer = rate;
        let sender = address("A@Example.org");
        let whose = |visitor: &Visitor<'_>| {
            let all = charges(&before, visitor, &Moment::Sender(Some(&sender)));
            all.into_iter().map(|charge| (charge.what, charge.whose)).collect::<Vec<_>>()
        };
        let peer = ("messages_per_peer", "192.0.2.7/32".to_owned());
        assert_eq!(whose(&visitor()), [peer, ("messages_per_sender", "a@example.org".to_owned())]);
        let user = Visitor { user: Some("alice"), ours: true, ..visitor() };
        assert_eq!(whose(&user), [("messages_per_user", "alice".to_owned())]);
        let six = Visitor { ip: "2001:db8::1:2:3:4".parse().unwrap(), ..visitor() };
        assert_eq!(whose(&six)[0].1, "2001:db8::/64");
        let over = Facts { over: Some("messages_per_peer"), ..Facts::default() };
        let found = rule(&before, "mx", &visitor(), &Moment::Sender(Some(&sender)), over).unwrap();
        assert_eq!((found.rule, found.code), (Rule::RateLimit, 451));
    }

    #[test]
    fn greylisting_knows_by_network_sender_and_recipient() {
        let mut before = Before::default();
        before.greylist.enabled = true;
        let (sender, to) = (address("a@example.org"), address("B@example.com"));
        let moment = Moment::Recipient { sender: Some(&sender), to: &to, accepted: 0 };
        let asked = grey(&before, &visitor(), &moment).unwrap();
        assert_eq!((asked.client.as_str(), asked.pair.as_str()), ("192.0.2.0/24", "a@example.org\nb@example.com"));
        assert_eq!(grey(&before, &Visitor { ours: true, ..visitor() }, &moment), None);
        let facts = Facts { grey: true, ..Facts::default() };
        assert_eq!(rule(&before, "mx", &visitor(), &moment, facts).map(|r| r.code), Some(451));
        let unknown = Facts { grey: true, unknown: true, ..Facts::default() };
        let found = rule(&before, "mx", &visitor(), &moment, unknown).unwrap();
        assert_eq!((found.rule, found.code), (Rule::RecipientUnknown, 550), "a lasting refusal comes first");
    }

    #[test]
    fn those_who_try_out_addresses_wait_longer_and_longer() {
        let tarpit = Tarpit { after: 3, step: Time(2_000), close_after: 20 };
        let seconds: Vec<u64> = (1..6).map(|refused| slow_down(&tarpit, refused).0.as_secs()).collect();
        assert_eq!(seconds, [0, 0, 2, 4, 6]);
        assert_eq!((slow_down(&tarpit, 19), slow_down(&tarpit, 20)), ((MAX_PAUSE, false), (MAX_PAUSE, true)));
        assert_eq!(slow_down(&Tarpit::default(), 1_000_000), (Duration::ZERO, false));
    }
}
