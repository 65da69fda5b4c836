//! Recorded messages and answers for the cases of the signs.

use mail::arrival::{Arrival, Direction, Envelope, MessageId, Peer, Surface};
use mail::evidence::{
    AuthResult, Authentication, Contact, DmarcCheck, Evidence, Memory, Object, Report, ReverseCheck, Sign, SignGroup,
    short,
};

use super::lists::Set;
use crate::policy::{DnsList, Policy};
use crate::site::Site;

/// What is recorded of one message; as it begins, there is no sign in it.
pub(super) struct Recorded {
    pub(super) policy: Policy,
    pub(super) from: &'static str,
    pub(super) auth: Authentication,
    pub(super) memory: Memory,
    /// How many addresses its links have.
    pub(super) urls: usize,
    /// What an examination saw in the message.
    pub(super) seen: &'static [&'static str],
}

impl Recorded {
    /// An ordinary message from somebody whom we know, after a case has changed it.
    pub(super) fn of(case: fn(&mut Self)) -> Self {
        let auth = Authentication { ip: Some([192, 0, 2, 77].into()), one_author: true, ..Authentication::default() };
        let memory = Memory::default();
        let mut made =
            Self { policy: Policy::default(), from: "Ann <ann@example.com>", auth, memory, urls: 0, seen: &[] };
        case(&mut made);
        made
    }

    /// What DMARC says of one author's domain.
    pub(super) fn author(&mut self, domain: &str) -> &mut DmarcCheck {
        let found = self.auth.dmarc.iter().position(|check| check.domain == short(domain));
        let at = found.unwrap_or_else(|| {
            self.auth.dmarc.push(DmarcCheck { domain: short(domain), ..DmarcCheck::default() });
            self.auth.dmarc.len() - 1
        });
        &mut self.auth.dmarc[at]
    }

    /// The name of the client's address, and whether it leads back.
    pub(super) fn reverse(&mut self, result: AuthResult, name: &str) {
        self.auth.reverse = ReverseCheck { result, name: short(name), ..ReverseCheck::default() };
    }

    /// The author is new here, which the policy wants to know.
    pub(super) fn new_author(&mut self) {
        self.policy.spam.first_contact.enabled = true;
        self.memory.contact = Some(Contact { settled: true, ..Contact::default() });
    }

    /// Lists are asked by the policy, and links have so many addresses.
    pub(super) fn asks(&mut self, set: Set, urls: usize) {
        let external = &mut self.policy.spam.external;
        (external.emails, external.urls) = (set == Set::Emails, set == Set::Urls);
        let list = DnsList { zone: "list.example".to_owned(), weight: 50 };
        (external.email_lists, external.url_lists) = (vec![list.clone()], vec![list]);
        self.urls = urls;
    }

    /// The names of the signs that it has.
    pub(super) fn signs(self) -> Vec<String> {
        let seen = self.seen.iter().map(|id| Sign::new(id, SignGroup::Phrase, 50, "")).collect();
        let mut evidence = evidence(self.from);
        evidence.facts.urls = (0..self.urls).map(|at| format!("a.example/{at}")).collect();
        let report = evidence.close(&[]).with_auth(Some(self.auth)).with_signs(seen).with_memory(Some(self.memory));
        super::signs(&self.policy, &site(), &arrival(), &report).into_iter().map(|sign| sign.id).collect()
    }
}

/// The report of a message with nothing in it but a sender.
pub(super) fn report(from: &str, auth: Option<Authentication>) -> Report {
    evidence(from).close(&[]).with_auth(auth)
}

/// What an examination found in it.
fn evidence(from: &str) -> Evidence {
    let root = Object {
        parent: None,
        origin: mail::evidence::Origin::Root,
        depth: 0,
        part: String::new(),
        name: None,
        other_names: Vec::new(),
        declared: None,
        attachment: false,
        kind: mail::evidence::FileKind::Message,
        role: mail::evidence::Role::File,
        opened_with: None,
        size: 1,
        sha256: [0; 32],
        defects: Vec::new(),
        coverage: Vec::new(),
    };
    let raw = format!("From: {from}\r\n\r\n");
    let facts = mail::graph::parse(raw.as_bytes(), &mail::graph::Limits::default()).facts();
    Evidence {
        objects: vec![root],
        findings: Vec::new(),
        unable: Vec::new(),
        ambiguity: mail::defect::Ambiguity::None,
        facts,
        spam: mail::evidence::SpamSeen::Signs(Vec::new()),
        other_looks: Vec::new(),
        spam_fuel: 0,
        fuel: 0,
    }
}

/// We are `example.org`.
pub(super) fn site() -> Site {
    Site { internal_domains: vec!["example.org".to_owned()], ..Site::default() }
}

/// An incoming message of a stranger.
pub(crate) fn arrival() -> Arrival {
    let peer = Peer::default();
    Arrival {
        id: MessageId::new(1_700_000_000_000, [1; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        peer,
        envelope: Envelope::default(),
        received_ms: 1_700_000_000_000,
        size: 1000,
        connection: 1,
    }
}
