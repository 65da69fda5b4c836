//! What a domain's DMARC record wishes of reports (RFC 9989 section 4.7, RFC 9990 section 4): the policy that they
//! repeat, and the addresses that they go to.
//!
//! Limits: [`MAX_VALUE`], [`MAX_TARGETS`], [`MAX_ADDRESS`]; the DNS limits the length of a record. Not handled:
//! addresses other than `mailto`.

use mail::address::Address;

/// Tags of a record that a report repeats, in the order of the schema.
const REPEATED: [&str; 7] = ["p", "sp", "np", "adkim", "aspf", "fo", "testing"];
/// Longest value that is repeated, in bytes.
const MAX_VALUE: usize = 20;
/// Most addresses of a record that get a report; the first.
const MAX_TARGETS: usize = 3;
/// Longest address, in bytes (RFC 5321 section 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

/// Where reports go.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Target {
    /// The address.
    pub address: Address,
    /// Most bytes of a report.
    pub most: Option<u64>,
}

/// What a domain's record says.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Published {
    /// The policy, as a report repeats it.
    pub policy: Vec<(String, String)>,
    /// Who wants reports.
    pub targets: Vec<Target>,
}

impl Published {
    /// Reads a record: what is not understood says nothing.
    pub fn read(text: &str) -> Self {
        let tags: Vec<(String, &str)> = text
            .split(';')
            .filter_map(|part| part.split_once('='))
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()))
            .collect();
        let tag = |name: &str| tags.iter().find(|(known, _)| known == name).map(|(_, value)| *value);
        let plain =
            |value: &str| value.len() <= MAX_VALUE && value.bytes().all(|b| b.is_ascii_alphanumeric() || b == b':');
        let mut policy = Vec::new();
        for name in REPEATED {
            let value = tag(if name == "testing" { "t" } else { name });
            let value = value.filter(|value| plain(value)).map(str::to_ascii_lowercase);
            let value = value.filter(|value| may_say(name, value));
            // A policy that is none counts as one that wishes nothing (RFC 9989).
            let value = value.or_else(|| (name == "p").then(|| "none".to_owned()));
            policy.extend(value.map(|value| (name.to_owned(), value)));
        }
        let named = tag("rua").unwrap_or_default().split(',').filter_map(target);
        let mut targets: Vec<Target> = Vec::new();
        for target in named {
            let same = |it: &Target| it.address.as_str().eq_ignore_ascii_case(target.address.as_str());
            if targets.len() < MAX_TARGETS && !targets.iter().any(same) {
                targets.push(target);
            }
        }
        Self { policy, targets }
    }
}

/// Whether a tag has this value in a report.
fn may_say(name: &str, value: &str) -> bool {
    match name {
        "adkim" | "aspf" => matches!(value, "r" | "s"),
        "testing" => matches!(value, "y" | "n"),
        "fo" => value.split(':').all(|one| matches!(one, "0" | "1" | "d" | "s")),
        _ => matches!(value, "none" | "quarantine" | "reject"),
    }
}

/// `mailto:reports@example.org!10m`.
fn target(text: &str) -> Option<Target> {
    let text = text.trim();
    let rest = text.get(..7).filter(|scheme| scheme.eq_ignore_ascii_case("mailto:")).and(text.get(7..))?;
    let (address, size) = match rest.split_once('!') {
        Some((address, size)) => (address, Some(size)),
        None => (rest, None),
    };
    let address = address.replace("%21", "!").replace("%2c", ",").replace("%2C", ",");
    // An address (RFC 6068 section 2) is ASCII, whatever form its domain has elsewhere.
    let address = Address::parse(&address).filter(|parsed| address.is_ascii() && mailable(parsed))?;
    Some(Target { address, most: size.and_then(bytes) })
}

/// Whether a report can go there: plain text, at a name of the DNS. No addresses of hosts (`[127.0.0.1]`,
/// `127.0.0.1`), no names without a dot, nothing that needs more than a plain field.
fn mailable(address: &Address) -> bool {
    let domain = address.domain();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= 63
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    let last = domain.rsplit('.').next().unwrap_or_default();
    let local = address.local();
    address.as_str().len() <= MAX_ADDRESS
        && !local.is_empty()
        && local.bytes().all(|b| b.is_ascii_graphic() && !matches!(b, b'<' | b'>' | b'"' | b'\\'))
        && domain.contains('.')
        && domain.split('.').all(label)
        && !last.bytes().all(|b| b.is_ascii_digit())
}

/// `10m` and its like; what is no size limits nothing.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit: u64 = match text.get(digits.len()..)?.to_ascii_lowercase().as_str() {
        "" => 1,
        "k" => 1 << 10,
        "m" => 1 << 20,
        "g" => 1 << 30,
        "t" => 1 << 40,
        _ => return None,
    };
    digits.parse::<u64>().ok()?.checked_mul(unit)
}

/// Reads the bytes as a record.
///
/// # Panics
/// When it says more than the limits let through, or what no report may say.
pub(crate) fn within_limits(data: &[u8]) {
    let read = Published::read(&String::from_utf8_lossy(data));
    assert!(read.policy.len() <= REPEATED.len() && read.targets.len() <= MAX_TARGETS, "{read:?}");
    let told = |(name, value): &(String, String)| value.len() <= MAX_VALUE && may_say(name, value);
    assert!(read.policy.iter().all(told), "{read:?}");
    for target in &read.targets {
        let address = target.address.as_str();
        assert!(address.len() <= MAX_ADDRESS && address.bytes().all(|b| b.is_ascii_graphic()), "{address:?}");
        assert_eq!(Address::parse(address).as_ref(), Some(&target.address));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_sizes_are_read() {
        let read = Published::read(
            "v=DMARC1; p=Reject; sp=none; t=y; adkim=s; x=<b>; fo=1:d; \
             rua=mailto:a@example.org!10m, MAILTO:b@example.net , https://example.com/x,mailto:nobody,mailto:c%2cd@example.org!5x",
        );
        let words = |list: &[(&str, &str)]| -> Vec<(String, String)> {
            list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
        };
        let policy = [("p", "reject"), ("sp", "none"), ("adkim", "s"), ("fo", "1:d"), ("testing", "y")];
        assert_eq!(read.policy, words(&policy));
        let found: Vec<(&str, Option<u64>)> = read.targets.iter().map(|it| (it.address.as_str(), it.most)).collect();
        assert_eq!(found, [("a@example.org", Some(10 << 20)), ("b@example.net", None), ("c,d@example.org", None)]);
        assert_eq!(Published::read("v=DMARC1").targets, []);
        let odd = Published::read("v=DMARC1; p=shout; sp=Quarantine; np=; adkim=x; aspf=R; fo=9; t=maybe").policy;
        assert_eq!(odd, words(&[("p", "none"), ("sp", "quarantine"), ("aspf", "r")]), "only what a report may say");
    }

    #[test]
    fn whatever_a_record_says_stays_within_the_limits() {
        let seed = b"v=DMARC1; p=Reject; sp=none; t=y; fo=1:d; rua=mailto:a@example.org!10m,MAILTO:c%2cd@b.example!5x,\
                     mailto:x@[127.0.0.1], mailto:e@example.net!99999999999999999999t,mailto:f@example.net;";
        for number in 0..2000 {
            within_limits(&testkit::mutated(seed, number, b";,=!@:%. "));
        }
    }

    #[test]
    fn few_addresses_are_heard_each_once_and_only_at_names() {
        let list = |text: &str| -> Vec<String> {
            Published::read(&format!("v=DMARC1; rua={text}"))
                .targets
                .iter()
                .map(|it| it.address.as_str().to_owned())
                .collect()
        };
        let many: Vec<String> = (0..50).map(|at| format!("mailto:r{at}@example.org")).collect();
        assert_eq!(list(&many.join(",")), ["r0@example.org", "r1@example.org", "r2@example.org"]);
        assert_eq!(list("mailto:r@example.org,mailto:R@example.ORG!1k"), ["r@example.org"]);
        for bad in [
            "x@[127.0.0.1]",
            "x@[IPv6:::1]",
            "x@127.0.0.1",
            "x@localhost",
            "x@",
            "x",
            "@example.org",
            "x y@example.org",
            "x>@example.org",
            "\"a b\"@example.org",
            "x@exa mple.org",
            "x@example..org",
            "x\r\nBcc: y@example.org",
            "\u{e9}@example.org",
            "x@ex\u{e4}mple.org",
        ] {
            assert_eq!(list(&format!("mailto:{bad}")), [""; 0], "{bad}");
        }
        assert_eq!(list(&format!("mailto:{}@example.org", "x".repeat(MAX_ADDRESS))), [""; 0]);
    }
}
