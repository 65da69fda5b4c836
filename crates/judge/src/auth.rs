//! What follows from who really sent a message, and how it is said in a header.

use mail::arrival::{Arrival, Direction};
use mail::evidence::{AuthResult, Authentication, DmarcCheck, DmarcPolicy, EngineId, ObjectId};
use mail::untrusted::Untrusted;

use crate::draft::{Case, Hit, Wish};
use crate::policy::{DmarcAction, Policy, Rule};
use crate::site::Site;

/// The longest value of our Authentication-Results; what does not fit is left out, signatures first.
const MAX_HEADER: usize = 900;
/// The longest single value in it.
const MAX_VALUE: usize = 120;

/// Whether it is to be found out who really sent this message: it comes from outside, from a client
/// whose address is known and is not one of ours.
pub fn asks(policy: &Policy, site: &Site, arrival: &Arrival) -> bool {
    policy.authentication.enabled && is_from_outside(site, arrival)
}

/// Whether the name of its client's address is to be found out (EX-08, EX-10): for its header, or where it is
/// examined for spam.
pub fn asks_reverse(policy: &Policy, site: &Site, arrival: &Arrival) -> bool {
    let told = policy.authentication.enabled || crate::spam::excluded(policy, arrival).is_none();
    policy.spam.external.wants_reverse() && told && is_from_outside(site, arrival)
}

/// Whether it comes from a client outside whose address is known.
fn is_from_outside(site: &Site, arrival: &Arrival) -> bool {
    arrival.direction == Direction::Incoming
        && !arrival.over_trusted_connection()
        && arrival.peer.ip.is_some_and(|ip| is_public(ip) && !site.is_relay(ip))
}

/// Whether an address can be that of a client outside.
pub(crate) fn is_public(ip: std::net::IpAddr) -> bool {
    match ip.to_canonical() {
        std::net::IpAddr::V4(ip) => {
            !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_broadcast())
        }
        std::net::IpAddr::V6(ip) => {
            !(ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local() || ip.is_unspecified())
        }
    }
}

/// The rule about mail that fails its author's DMARC, if it does.
pub(crate) fn hit(case: &Case<'_>, all_monitored: bool) -> Option<Hit> {
    let auth = case.report.auth()?;
    if !case.policy.authentication.enabled || auth.dmarc() != AuthResult::Fail {
        return None;
    }
    let sealers = &case.policy.authentication.trusted_sealers;
    let wish = match (case.policy.authentication.dmarc, auth.wish_without(sealers)) {
        (DmarcAction::Honour, DmarcPolicy::Reject) => Wish::Block,
        (DmarcAction::Honour, DmarcPolicy::Quarantine) => Wish::Hold,
        (DmarcAction::Honour, DmarcPolicy::None) | (DmarcAction::Report, _) => Wish::Allow,
    };
    let failed = auth.dmarc.iter().find(|check| check.result == AuthResult::Fail);
    let domain = failed.map(|check| check.domain.escaped(MAX_VALUE)).unwrap_or_default();
    let rule = Rule::DmarcFailed;
    let monitored = all_monitored || case.policy.monitor.rules.contains(&rule);
    let vouched = failed.and_then(|check| auth.vouched(&check.domain, sealers));
    let what = match vouched {
        Some(sealer) => format!("DMARC of {domain}; {} says that it passed there", sealer.escaped(MAX_VALUE)),
        None => format!("DMARC of {domain}"),
    };
    Some(Hit { rule, object: ObjectId(0), wish, what, engine: EngineId::Auth, monitored })
}

/// The value of our Authentication-Results: what was found, in the words of RFC 8601. Every value that
/// somebody else wrote is a token or quoted, so that none of them can say anything else.
pub fn results(auth: &Authentication, authserv_id: &str) -> String {
    let mut out = value(authserv_id);
    let mut parts = Vec::new();
    parts.push(format!("spf={} smtp.mailfrom={}", auth.spf.result.name(), foreign(&auth.spf.domain)));
    if !auth.helo.domain.raw().is_empty() {
        parts.push(format!("spf={} smtp.helo={}", auth.helo.result.name(), foreign(&auth.helo.domain)));
    }
    parts.extend(auth.dmarc.iter().enumerate().map(|(at, check)| author(auth, at, check)));
    // RFC 8601 section 2.7.3 has no word for a name that nobody asked for.
    if let Some(ip) = auth.ip.filter(|_| auth.reverse.result != AuthResult::None) {
        parts.push(format!("iprev={} policy.iprev={}", auth.reverse.result.name(), value(&ip.to_string())));
    }
    if auth.arc.result != AuthResult::None {
        parts.push(format!("arc={} header.d={}", auth.arc.result.name(), foreign(&auth.arc.sealer)));
    }
    if auth.dkim.is_empty() {
        parts.push("dkim=none".to_owned());
    }
    for check in &auth.dkim {
        let result = check.result.name();
        parts.push(match check.domain.raw().as_str() {
            "" => format!("dkim={result}"),
            _ => format!("dkim={result} header.d={} header.s={}", foreign(&check.domain), foreign(&check.selector)),
        });
    }
    for part in parts {
        if out.len().saturating_add(part.len()).saturating_add(2) > MAX_HEADER {
            continue;
        }
        out.push_str("; ");
        out.push_str(&part);
    }
    out
}

/// What DMARC says of one author's domain. Where there is not exactly one author nothing passes, and the first
/// statement says so, like each that would have passed.
fn author(auth: &Authentication, at: usize, check: &DmarcCheck) -> String {
    let result = match check.result {
        AuthResult::Pass if !auth.one_author => AuthResult::PermError,
        result => result,
    };
    let flagged = !auth.one_author && (at == 0 || result == AuthResult::PermError);
    let reason = if flagged { " reason=\"From does not name exactly one author\"" } else { "" };
    let policy = check.policy.name();
    let mut said = format!("dmarc={}{reason} policy.published-domain-policy={policy}", result.name());
    if !check.domain.raw().is_empty() {
        said.push_str(" header.from=");
        said.push_str(&foreign(&check.domain));
    }
    said
}

fn foreign(text: &Untrusted<String>) -> String {
    value(text.raw())
}

/// A value as RFC 8601 section 2.2 has it: a token (RFC 2045 section 5.1), or in quotes.
fn value(text: &str) -> String {
    let is_token = |c: char| c.is_ascii_graphic() && !"()<>@,;:\\\"/[]?=".contains(c);
    let text: String = text.chars().take(MAX_VALUE).map(|c| if matches!(c, ' '..='~') { c } else { '?' }).collect();
    if !text.is_empty() && text.chars().all(is_token) {
        return text;
    }
    let mut quoted = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use mail::evidence::{DkimCheck, ReverseCheck, SpfCheck, short};

    use super::*;

    #[test]
    fn results_are_said_in_the_words_of_the_rfc() {
        let auth = Authentication {
            ip: Some(std::net::IpAddr::from([192, 0, 2, 1])),
            spf: SpfCheck { domain: short("example.org"), result: AuthResult::Pass, ..SpfCheck::default() },
            dkim: vec![DkimCheck {
                domain: short("example.org"),
                selector: short("s1"),
                result: AuthResult::Policy,
                ..DkimCheck::default()
            }],
            dmarc: vec![DmarcCheck {
                domain: short("example.org"),
                result: AuthResult::Pass,
                policy: DmarcPolicy::Reject,
                ..DmarcCheck::default()
            }],
            one_author: true,
            reverse: ReverseCheck { result: AuthResult::Fail, ..ReverseCheck::default() },
            ..Authentication::default()
        };
        let expected = "mx.example.net; spf=pass smtp.mailfrom=example.org; \
             dmarc=pass policy.published-domain-policy=reject header.from=example.org; \
             iprev=fail policy.iprev=192.0.2.1; dkim=policy header.d=example.org header.s=s1";
        assert_eq!(results(&auth, "mx.example.net"), expected);
        let unasked = Authentication { reverse: ReverseCheck::default(), ..auth };
        assert!(!results(&unasked, "mx.example.net").contains("iprev"), "EX-08: the name was not asked for");
    }

    #[test]
    fn of_several_authors_none_passes_and_the_header_says_why() {
        let check = |domain: &str, result| DmarcCheck {
            domain: short(domain),
            result,
            policy: DmarcPolicy::Reject,
            ..DmarcCheck::default()
        };
        let said = |dmarc: Vec<DmarcCheck>| {
            let auth = Authentication { dmarc, one_author: false, ..Authentication::default() };
            let said = results(&auth, "mx.example.net");
            said.split("; ").filter(|part| part.starts_with("dmarc=")).map(str::to_owned).collect::<Vec<_>>()
        };
        use AuthResult::{Fail, None, Pass, PermError};
        let why = "reason=\"From does not name exactly one author\" policy.published-domain-policy=reject";
        let (ours, bank) = ("header.from=sender.example", "header.from=bank.example");
        assert_eq!(said(vec![check("sender.example", Pass)]), [format!("dmarc=permerror {why} {ours}")]);
        assert_eq!(
            said(vec![check("bank.example", None), check("sender.example", Pass)]),
            [format!("dmarc=none {why} {bank}"), format!("dmarc=permerror {why} {ours}")]
        );
        assert_eq!(
            said(vec![check("sender.example", PermError), check("bank.example", Fail)]),
            [
                format!("dmarc=permerror {why} {ours}"),
                format!("dmarc=fail policy.published-domain-policy=reject {bank}")
            ]
        );
        assert_eq!(said(vec![check("", PermError)]), [format!("dmarc=permerror {why}")]);
    }

    #[test]
    fn nothing_that_a_sender_wrote_says_more_than_itself() {
        let evil = "x.example; dkim=pass header.d=bank.example\r\nX: \"y\\";
        let auth = Authentication {
            spf: SpfCheck { domain: short(evil), ..SpfCheck::default() },
            dkim: vec![DkimCheck { domain: short(evil), selector: short("a".repeat(500)), ..DkimCheck::default() }; 10],
            ..Authentication::default()
        };
        let said = results(&auth, "mx.example.net");
        assert!(said.len() <= MAX_HEADER && said.is_ascii() && !said.contains(['\r', '\n']), "{said}");
        // Outside quotes there are no words but ours.
        let (mut outside, mut quoted, mut escaped) = (String::new(), false, false);
        for c in said.chars() {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '"' => quoted = !quoted,
                c if !quoted => outside.push(c),
                _ => {}
            }
        }
        assert!(!quoted && !outside.contains("bank") && !outside.contains("dkim=pass"), "{outside}");
    }

    #[test]
    fn ex_08_ex_09_ex_10_each_has_a_switch_and_asks_for_no_more() {
        let mut outside = crate::origin::recorded::arrival();
        outside.peer.ip = Some([192, 0, 2, 1].into());
        let site = Site::default();
        for case in 0..32u8 {
            let on = |bit: u8| case & 1 << bit != 0;
            let mut policy = Policy::default();
            policy.authentication.enabled = on(0);
            policy.spam.external.reverse_dns = on(1);
            policy.spam.external.dynamic_addresses = on(2);
            policy.spam.external.enabled = on(3);
            policy.spam.enabled = on(4);
            assert_eq!(asks(&policy, &site, &outside), on(0), "{case:b}");
            // What is not examined for spam still has the name told in its header.
            let expected = on(3) && (on(1) || on(2)) && (on(4) || on(0));
            assert_eq!(asks_reverse(&policy, &site, &outside), expected, "{case:b}");
            let mut trusted = outside.clone();
            trusted.peer.trusted = true;
            assert!(!asks(&policy, &site, &trusted) && !asks_reverse(&policy, &site, &trusted), "{case:b}");
        }
        let inside = Arrival { direction: Direction::Outgoing, ..outside };
        assert!(!asks_reverse(&Policy::default(), &site, &inside));
    }

    #[test]
    fn only_clients_from_outside_are_asked_about() {
        for (ip, public) in [
            ("192.0.2.1", true),
            ("127.0.0.1", false),
            ("10.1.2.3", false),
            ("::ffff:192.168.1.1", false),
            ("2001:db8::1", true),
            ("fe80::1", false),
            ("fd00::1", false),
            ("::1", false),
        ] {
            assert_eq!(is_public(ip.parse().unwrap()), public, "{ip}");
        }
    }
}
