//! MTA-STS (RFC 8461): the record that says there is a policy, and the policy itself.
//!
//! Limits: [`MAX_BYTES`], [`MAX_SERVERS`], [`MAX_AGE`]. Fields that are not known are passed over, as the
//! standard asks. A policy that cannot be read is no policy.

/// Largest policy, in bytes (RFC 8461 section 3.3 advises a limit of 64 KB).
pub const MAX_BYTES: usize = 64 << 10;
/// Most `mx` patterns of a policy.
pub const MAX_SERVERS: usize = 100;
/// The longest time that a policy counts, in seconds (RFC 8461 section 3.2).
pub const MAX_AGE: u64 = 31_557_600;
/// Longest id of a policy (RFC 8461 section 3.1).
const MAX_ID: usize = 32;
/// Longest name of a server.
const MAX_NAME: usize = 253;

/// What is done when a server does not fit the policy.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mode {
    /// There is no policy any more.
    None,
    /// It is told, and mail goes there all the same.
    Testing,
    /// No mail goes there.
    Enforce,
}

impl Mode {
    /// The word for it in a policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Testing => "testing",
            Self::Enforce => "enforce",
        }
    }
}

/// A policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// What is done when a server does not fit.
    pub mode: Mode,
    /// The servers that mail may go to: names, or `*.` and what is below.
    pub servers: Vec<String>,
    /// How long it counts, in seconds.
    pub max_age: u64,
}

impl Policy {
    /// The policy as text that reads back to it.
    pub fn to_text(&self) -> String {
        let servers: String = self.servers.iter().map(|server| format!("mx: {server}\r\n")).collect();
        format!("version: STSv1\r\nmode: {}\r\n{servers}max_age: {}\r\n", self.mode.name(), self.max_age)
    }

    /// Whether mail may go to this server (RFC 8461 section 4.1). A `*` stands for one label.
    pub fn allows(&self, server: &str) -> bool {
        let server = server.strip_suffix('.').unwrap_or(server).to_ascii_lowercase();
        let below = server.split_once('.').map(|(_, rest)| rest);
        self.servers
            .iter()
            .any(|known| *known == server || known.strip_prefix("*.").is_some_and(|mask| Some(mask) == below))
    }
}

/// The id in a TXT record of `_mta-sts.DOMAIN`; `None` if the record is of something else. It changes with
/// the policy.
pub fn id(record: &str) -> Option<&str> {
    let mut fields = record.split(';').map(str::trim);
    if fields.next()? != "v=STSv1" {
        return None;
    }
    let id = fields.find_map(|field| field.strip_prefix("id="))?;
    let plain = (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then_some(id)
}

/// Reads a policy.
///
/// # Errors
/// What is wrong with it.
pub fn read(bytes: &[u8]) -> Result<Policy, &'static str> {
    if bytes.len() > MAX_BYTES {
        return Err("it is too large");
    }
    let text = std::str::from_utf8(bytes).map_err(|_| "it is no text")?;
    let (mut version, mut mode, mut max_age, mut servers) = (None, None, None, Vec::new());
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let (key, value) = line.split_once(':').ok_or("a line has no colon")?;
        let value = value.trim();
        match key.trim() {
            // Of several that may be there once the first counts (RFC 8461 section 3.2).
            "version" => version = version.or(Some(value)),
            "mode" => mode = mode.or(Some(value)),
            "max_age" => max_age = max_age.or(Some(value)),
            "mx" if servers.len() == MAX_SERVERS => return Err("it names too many servers"),
            "mx" if is_pattern(value) => servers.push(value.to_ascii_lowercase()),
            "mx" => return Err("an mx is no name"),
            _ => {}
        }
    }
    if version != Some("STSv1") {
        return Err("it has no version STSv1");
    }
    let mode = match mode {
        Some("none") => Mode::None,
        Some("testing") => Mode::Testing,
        Some("enforce") => Mode::Enforce,
        _ => return Err("it has no mode none, testing or enforce"),
    };
    let digits = |text: &&str| (1..=10).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let max_age: u64 = max_age.filter(digits).and_then(|text| text.parse().ok()).ok_or("it has no max_age")?;
    if mode != Mode::None && servers.is_empty() {
        return Err("it names no server");
    }
    Ok(Policy { mode, servers, max_age: max_age.min(MAX_AGE) })
}

fn is_pattern(text: &str) -> bool {
    let name = text.strip_prefix("*.").unwrap_or(text);
    let label = |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    name.len() <= MAX_NAME && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_that_there_is_a_policy() {
        for (record, expected) in [
            ("v=STSv1; id=20261122T000000;", Some("20261122T000000")),
            ("v=STSv1;id=1", Some("1")),
            ("v=STSv1; other=x; id=A9; more", Some("A9")),
            ("v=STSv2; id=1", None),
            ("id=1; v=STSv1", None),
            ("v=STSv1;", None),
            ("v=STSv1; id=a b", None),
            ("v=STSv1; id=123456789012345678901234567890123", None),
            ("v=spf1 -all", None),
            ("", None),
        ] {
            assert_eq!(id(record), expected, "{record}");
        }
    }

    #[test]
    fn a_policy_is_read_with_either_line_end() {
        let text = "version: STSv1\r\nmode: enforce\r\nmx: MX1.example.org\r\nmx: *.example.net\r\nmax_age: 604800\r\n";
        for text in [text.to_owned(), text.replace("\r\n", "\n"), format!("{text}something: else\r\nmode: none\r\n")] {
            let policy = read(text.as_bytes()).unwrap();
            assert_eq!((policy.mode, policy.max_age), (Mode::Enforce, 604_800), "{text}");
            assert_eq!(read(policy.to_text().as_bytes()), Ok(policy.clone()), "what is kept reads back");
            for (server, allowed) in [
                ("mx1.example.org", true),
                ("mx1.EXAMPLE.org.", true),
                ("a.example.net", true),
                ("a.b.example.net", false),
                ("example.net", false),
                ("mx2.example.org", false),
            ] {
                assert_eq!(policy.allows(server), allowed, "{server}");
            }
        }
        assert_eq!(read(b"version: STSv1\nmode: none\nmax_age: 86400\n").unwrap().mode, Mode::None);
        let long = read(b"version: STSv1\nmode: testing\nmx: a.example\nmax_age: 9999999999\n").unwrap();
        assert_eq!(long.max_age, MAX_AGE);
    }

    #[test]
    fn what_is_no_policy_is_none() {
        let many = format!("version: STSv1\nmode: enforce\nmax_age: 1\n{}", "mx: a.example\n".repeat(MAX_SERVERS + 1));
        for (text, why) in [
            ("", "version"),
            ("version: STSv1\nmode: enforce\nmax_age: 1\n", "names no server"),
            ("version: STSv1\nmode: always\nmx: a\nmax_age: 1\n", "mode"),
            ("version: STSv1\nmode: enforce\nmx: a\nmax_age: -1\n", "max_age"),
            ("version: STSv1\nmode: enforce\nmx: a\n", "max_age"),
            ("version: STSv1\nmode: enforce\nmx: *\nmax_age: 1\n", "mx"),
            ("version: STSv1\nmode: enforce\nmx: a.*.example\nmax_age: 1\n", "mx"),
            ("<html>\nnothing here\n", "colon"),
            (many.as_str(), "too many"),
        ] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(error.contains(why), "{error}: {text}");
        }
        assert!(read(&vec![b'\n'; MAX_BYTES + 1]).is_err() && read(b"\xff: x").is_err());
    }
}
