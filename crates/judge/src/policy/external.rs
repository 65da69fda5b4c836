//! What the policy says about lists in the DNS, and about names that mail borrows (spec section 16).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::units::Time;

/// What a set of lists does when its weights reach 100 (D-1).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WhenReached {
    /// The message's rating becomes 100.
    #[default]
    Spam,
    /// Its status becomes "address blacklisted".
    Blacklisted,
}

/// One list in the DNS (EX-04).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DnsList {
    /// The zone below which is asked: `"zone.list.example"`.
    pub zone: String,
    /// Its weight: 1 to 100. One list of 100 acts alone.
    pub weight: u8,
}

/// Lists in the DNS. Nothing is asked until lists are named and their set is on.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct External {
    /// Ask services outside about spam at all (EX-01).
    pub enabled: bool,
    /// Look up the addresses of clients in `dnsbl_lists` (EX-02).
    pub dnsbl: bool,
    /// The lists of addresses, each as `{ zone = "zone.list.example", weight = 60 }` (EX-04).
    pub dnsbl_lists: Vec<DnsList>,
    /// Look up the domains of links in `surbl_lists` (EX-03).
    pub surbl: bool,
    /// The lists of domains (EX-04).
    pub surbl_lists: Vec<DnsList>,
    /// Look up addresses of links in `url_lists`: the first 20, each as written, without its query, and as its host
    /// alone, by their SHA-256. The chapter on spam says which form is hashed.
    pub urls: bool,
    /// The lists of addresses of links (EX-04).
    pub url_lists: Vec<DnsList>,
    /// Look up mail addresses in `email_lists`: those of the author, of Reply-To and of the text, the first 10,
    /// each as the SHA-1 of its small letters.
    pub emails: bool,
    /// The lists of mail addresses (EX-04).
    pub email_lists: Vec<DnsList>,
    /// Look up attachments, and files in them, in `file_lists`: the first 20, each by its SHA-256.
    pub files: bool,
    /// The lists of files (EX-04).
    pub file_lists: Vec<DnsList>,
    /// What happens when the weights of a set's lists that have it come to 100 (D-1).
    pub when_reached: WhenReached,
    /// How long all lists together, and the name of the client's address, may take (EX-11); what is not known by then
    /// does not count.
    pub max_time: Time,
    /// Ask for the name of the client's address, and count it as a sign that it has none, or one that does not lead
    /// back to it (EX-08).
    pub reverse_dns: bool,
    /// Ask for that name, and count it as a sign that it is that of a dynamic line (EX-10).
    pub dynamic_addresses: bool,
}

impl External {
    /// Whether the name of the client's address is wanted at all (EX-01, EX-08, EX-10).
    pub fn wants_reverse(&self) -> bool {
        self.enabled && (self.reverse_dns || self.dynamic_addresses)
    }
}

impl Default for External {
    fn default() -> Self {
        Self {
            enabled: true,
            dnsbl: false,
            dnsbl_lists: Vec::new(),
            surbl: false,
            surbl_lists: Vec::new(),
            urls: false,
            url_lists: Vec::new(),
            emails: false,
            email_lists: Vec::new(),
            files: false,
            file_lists: Vec::new(),
            when_reached: WhenReached::default(),
            max_time: Time(5_000),
            reverse_dns: true,
            dynamic_addresses: false,
        }
    }
}

/// Names that mail from outside must not borrow.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Impersonation {
    /// People whose name, with an address elsewhere, is a sign: `"Ann Doe"`. At least two words each.
    pub people: Vec<String>,
    /// Further domains that others must not look like, beside `internal_domains`: those of partners, of a
    /// bank. People may write from them, too.
    pub domains: Vec<String>,
}

/// Who wrote here before, and whom we wrote to, is remembered: an author who is new is a sign, a strong one
/// only where something else speaks against the message.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FirstContact {
    /// Remember authors and recipients, as keyed hashes, and count the signs.
    pub enabled: bool,
    /// For so long after it was begun the memory only learns.
    pub learning: Time,
    /// Who was not heard of for so long is new again.
    pub remember: Time,
}

impl Default for FirstContact {
    fn default() -> Self {
        Self { enabled: false, learning: Time(14 * 86_400_000), remember: Time(400 * 86_400_000) }
    }
}
