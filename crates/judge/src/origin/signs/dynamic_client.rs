//! The name of the client's address is that of a home or dial-up line (EX-10; off by default).

#[cfg(test)]
use mail::evidence::AuthResult;

use std::net::IpAddr;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "dynamic_client",
    points: 200,
    about: "The name of the client's address is that of a home or dial-up line (EX-10; off by default).",
    check,
    #[cfg(test)]
    fires: &[
        |it| it.reverse(AuthResult::Pass, "192-0-2-77.pool.example.com"),
        |it| it.reverse(AuthResult::Pass, "dsl7.example.com"),
    ],
    #[cfg(test)]
    quiet: &[
        |it| it.reverse(AuthResult::Pass, "mail.example.com"),
        |it| it.reverse(AuthResult::Pass, "static.192-0-2-77.example.com"),
    ],
};

fn check(origin: &Origin) -> Option<String> {
    let (ip, reverse) = origin.reverse?;
    is_dynamic(reverse.name.raw(), ip).then(|| reverse.name.escaped(80))
}

/// Whether the name of an address is made from the address, or says that addresses are handed out there.
fn is_dynamic(name: &str, ip: IpAddr) -> bool {
    let lower = name.to_ascii_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_ascii_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let fixed = ["static", "mail", "smtp", "mx", "mta", "relay", "out", "outbound"];
    if words.iter().any(|word| fixed.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit()))) {
        return false;
    }
    let handed = ["dyn", "dynamic", "dial", "dialup", "dsl", "adsl", "dhcp", "ppp", "pppoe", "pool", "cable", "cust"];
    let says = words.iter().any(|word| handed.contains(&word.trim_end_matches(|c: char| c.is_ascii_digit())));
    let numbers = match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let octets = ip.octets();
            let as_words = octets.iter().filter(|octet| words.iter().any(|word| *word == octet.to_string())).count();
            let [a, b, c, d] = octets;
            let joined = [format!("{a:03}{b:03}{c:03}{d:03}"), format!("{a:02x}{b:02x}{c:02x}{d:02x}")];
            as_words >= 3 || joined.iter().any(|text| lower.contains(text.as_str()))
        }
        IpAddr::V6(_) => false,
    };
    numbers || says && lower.bytes().any(|byte| byte.is_ascii_digit())
}
