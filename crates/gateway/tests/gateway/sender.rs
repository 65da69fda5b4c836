//! Who really sent it, over SMTP and with a DNS of the test's own; and what is signed and sealed on the
//! way out.

use std::sync::Arc;
use std::time::Duration;

use judge::policy::DmarcAction;
use mail::arrival::Direction;
use mail::evidence::{ArcCheck, AuthResult, Authentication, Claim};
use net::Resolver;
use net::auth::seal::Sealed;
use net::auth::sign::{KeyKind, Signers, generate};
use service::release::Way;
use settings::config::{Dkim, ListenerDirection, SealWhen, Signing, SigningFailure};
use settings::values::DnsServer as ServerAddress;
use testkit::{Behaviour, Client, DnsServer, Reply, Sink, sample};
use tokio::time::Instant;

use crate::node::{Node, Setup};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    ex_13_senders_are_checked_told_and_recorded,
    what_the_owner_of_a_domain_wants_is_done,
    nobody_else_speaks_in_our_name,
    a_sealer_that_is_trusted_vouches_for_what_it_changed,
    what_was_signed_and_is_changed_here_is_sealed,
    what_is_not_changed_or_was_not_valid_is_not_sealed,
    outgoing_mail_that_cannot_be_signed_leaves_so_or_waits,
    mail_of_our_own_is_signed,
    outgoing_mail_that_is_released_is_signed,
];

/// Its owner's address may send for every domain in here; no other may.
pub(crate) const OWN: &str = "192.0.2.1";
pub(crate) const STRANGE: &str = "192.0.2.9";
const ZONE: &str = r#"
example.org TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.example.org TXT "v=DMARC1; p=reject"
soft.example TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.soft.example TXT "v=DMARC1; p=quarantine"
lax.example TXT "v=spf1 ip4:192.0.2.1 -all"
_dmarc.lax.example TXT "v=DMARC1; p=none"
"#;

/// A DNS with keys for three: the sender, a mailing list, and ourselves.
pub(crate) struct World {
    pub(crate) dns: DnsServer,
    dir: tempfile::TempDir,
    keys: Vec<Dkim>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let mut zone = ZONE.to_owned();
        let mut keys = Vec::new();
        for domain in ["example.org", "lists.example", "example.com"] {
            let path = dir.path().join(domain);
            std::fs::write(&path, generate(KeyKind::Rsa(2048)).expect("a key")).expect("written");
            let key = Dkim { domain: domain.to_owned(), selector: "s1".to_owned(), key: Some(path) };
            let record = signers(&key).records().remove(0);
            zone.push_str(&format!("{} TXT {}\n", record.name, record.text));
            keys.push(key);
        }
        Self { dns: DnsServer::start(&zone).await, dir, keys }
    }

    /// A node for `example.com` that asks this DNS, behind a relay that says who its clients are.
    pub(crate) fn node(&self) -> Setup {
        let setup = Setup::new().relays(&["127.0.0.0/8"]).policy(|p| {
            p.authentication.enabled = true;
            // What else its sender says of a message is another matter.
            p.spam.enabled = false;
        });
        setup.config(|c| c.dns.servers = vec![ServerAddress(self.dns.address())])
    }

    /// The same, which seals.
    fn sealing(&self, seal: SealWhen) -> Setup {
        self.node().config(|c| {
            c.dkim = vec![self.keys[2].clone()];
            c.signing = Signing { seal_domain: "example.com".to_owned(), seal, ..Signing::default() };
        })
    }

    /// Signed by `example.org`.
    fn signed(&self, raw: &[u8]) -> Vec<u8> {
        [signers(&self.keys[0]).sign(raw).expect("signed"), raw.to_vec()].concat()
    }

    /// What a receiver behind us finds.
    async fn verify(&self, raw: &[u8]) -> Authentication {
        let config = settings::config::Dns {
            servers: vec![ServerAddress(self.dns.address())],
            ..settings::config::Dns::default()
        };
        let resolver = Resolver::new(&config, Arc::default());
        let whole: Arc<[u8]> = Arc::from(raw);
        let deadline = Instant::now() + Duration::from_secs(60);
        net::auth::authenticate(&resolver, &Claim::default(), raw, async { Ok(whole) }, deadline).await
    }
}

/// One key that signs and seals.
fn signers(key: &Dkim) -> Signers {
    let signing = Signing { seal_domain: key.domain.clone(), ..Signing::default() };
    Signers::load(std::slice::from_ref(key), &signing).whole().expect("a key")
}

/// Sends a message as a relay of ours does, for a client with this address.
pub(crate) async fn send(node: &Node, ip: &str, from: &str, raw: &[u8]) -> Reply {
    send_to(node, ip, from, &["bob@example.com"], raw).await
}

/// The same to these recipients.
pub(crate) async fn send_to(node: &Node, ip: &str, from: &str, to: &[&str], raw: &[u8]) -> Reply {
    let mut client = Client::connect(node.address).await;
    client.timeout = Duration::from_secs(60);
    client.expect(220).await;
    client.command("EHLO relay.example.com", 250).await;
    client.command(&format!("XFORWARD NAME=far.example ADDR={ip} HELO=far.example"), 250).await;
    let done = client.deliver(from, to, raw).await;
    client.quit().await;
    done.unwrap_or_else(|refusal| refusal)
}

pub(crate) fn mail(domain: &str, subject: &str) -> Vec<u8> {
    let text = String::from_utf8(sample::clean(subject)).expect("text");
    text.replace("alice@example.org", &format!("alice@{domain}")).into_bytes()
}

/// The fields of this name, each on one line.
pub(crate) fn fields(raw: &[u8], name: &str) -> Vec<String> {
    let text = String::from_utf8_lossy(raw);
    let head = text.split("\r\n\r\n").next().unwrap_or_default().replace("\r\n ", " ").replace("\r\n\t", " ");
    let is_it = |line: &&str| line.split(':').next().is_some_and(|known| known.trim().eq_ignore_ascii_case(name));
    head.split("\r\n").filter(is_it).map(str::to_owned).collect()
}

/// What arrived last.
pub(crate) fn last(sink: &Sink) -> Vec<u8> {
    sink.messages().pop().expect("a message").content
}

async fn ex_13_senders_are_checked_told_and_recorded() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().start(&sink).await;
    let broken = |raw: &[u8]| {
        let signed = String::from_utf8(world.signed(raw)).expect("text");
        signed.replace("lunch at noon", "lunch at one").into_bytes()
    };
    let plain = |domain| mail(domain, "plain");
    let cases = [
        (OWN, "example.org", plain("example.org"), "pass", "none", "pass"),
        (STRANGE, "example.org", plain("example.org"), "fail", "none", "fail"),
        (STRANGE, "example.org", world.signed(&plain("example.org")), "fail", "pass", "pass"),
        (STRANGE, "example.org", broken(&plain("example.org")), "fail", "fail", "fail"),
        (STRANGE, "soft.example", plain("soft.example"), "fail", "none", "fail"),
        (STRANGE, "lax.example", plain("lax.example"), "fail", "none", "fail"),
        (OWN, "nothing.example", plain("nothing.example"), "none", "none", "none"),
        ("2001:db8::1", "example.org", plain("example.org"), "fail", "none", "fail"),
    ];
    for (at, (ip, domain, raw, spf, dkim, dmarc)) in cases.iter().enumerate() {
        logged::clear();
        let reply = send(&node, ip, &format!("alice@{domain}"), raw).await;
        assert_eq!(reply.code, 250, "{ip} {domain}: {}", reply.text());
        let told = fields(&last(&sink), "Authentication-Results");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].starts_with("Authentication-Results: mx.example.com; "), "{told:?}");
        for (method, result) in [("spf", spf), ("dkim", dkim), ("dmarc", dmarc)] {
            assert!(told[0].contains(&format!("; {method}={result}")), "{method}={result} in {told:?}");
        }
        let line = logged::message().await;
        let said: Vec<&str> = ["spf", "dkim", "dmarc", "arc"].iter().map(|check| line.get(check)).collect();
        assert_eq!(said, [*spf, *dkim, *dmarc, "none"], "{ip} {domain}");
        assert_eq!(line.get("rules") == "dmarc_failed", *dmarc == "fail", "{line:?}");
        let row = node.rows(at + 1).await.remove(0).auth.expect("recorded");
        assert_eq!([row.spf.name(), row.dkim.name(), row.dmarc.name(), row.arc.name()], [*spf, *dkim, *dmarc, "none"]);
    }
    assert_eq!(node.figure("mailward_authentication_total{method=\"dmarc\",result=\"fail\"}"), 5.0);
    // Mail of our own clients is not asked about.
    let mut client = node.client().await;
    client.deliver("alice@example.org", &["bob@example.com"], &mail("example.org", "own")).await.expect("taken");
    client.quit().await;
    assert_eq!(fields(&last(&sink), "Authentication-Results"), Vec::<String>::new());
    assert_eq!(node.rows(cases.len() + 1).await[0].auth, None);
}

async fn what_the_owner_of_a_domain_wants_is_done() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().policy(|p| p.authentication.dmarc = DmarcAction::Honour).start(&sink).await;
    let cases = [
        ("example.org", 550, "blocked"),
        ("soft.example", 250, "held"),
        ("lax.example", 250, "delivered"),
        ("nothing.example", 250, "delivered"),
    ];
    for (at, (domain, code, action)) in cases.into_iter().enumerate() {
        let reply = send(&node, STRANGE, &format!("alice@{domain}"), &mail(domain, domain)).await;
        assert_eq!(reply.code, code, "{domain}: {}", reply.text());
        let row = node.rows(at + 1).await.remove(0);
        assert_eq!((row.action.as_str(), row.rules.contains(&"dmarc_failed".to_owned())), (action, at < 3), "{domain}");
    }
    let arrived: Vec<String> = sink.messages().iter().map(|m| fields(&m.content, "Subject").remove(0)).collect();
    assert_eq!(arrived, ["Subject: lax.example", "Subject: nothing.example"]);
    // Where it comes from its owner's machine, or is signed, it passes.
    assert_eq!(send(&node, OWN, "alice@example.org", &mail("example.org", "own")).await.code, 250);
    assert_eq!(send(&node, STRANGE, "x@list.example", &world.signed(&mail("example.org", "list"))).await.code, 250);
    assert_eq!(sink.count(), 4);
    // An author of each kind: the strictest owner counts.
    let two = String::from_utf8(mail("lax.example", "two")).expect("text");
    let two = two.replace("From:", "From: eve@example.org\r\nfrom:");
    assert_eq!(send(&node, STRANGE, "alice@lax.example", two.as_bytes()).await.code, 550);
}

async fn nobody_else_speaks_in_our_name() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().start(&sink).await;
    let forged = "Authentication-Results: MX.Example.COM (yes); dmarc=pass header.from=bank.example\r\n\
        authentication-results:\r\n\t\"mx.example.com\" 1; spf=pass\r\n\
        Authentication-Results: other.example; dkim=pass header.d=bank.example\r\n";
    let raw = [forged.as_bytes(), &mail("example.org", "forged")].concat();
    assert_eq!(send(&node, STRANGE, "alice@example.org", &raw).await.code, 250);
    let told = fields(&last(&sink), "Authentication-Results");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].contains("mx.example.com; spf=fail") && told[0].contains("dmarc=fail"), "{told:?}");
    assert_eq!(told[1], "Authentication-Results: other.example; dkim=pass header.d=bank.example");
    // What a sender writes in the envelope says nothing in our field either.
    let evil = "\"a;dmarc=pass\"@example.org";
    assert_eq!(send(&node, STRANGE, evil, &mail("example.org", "quoted")).await.code, 250);
    let told = fields(&last(&sink), "Authentication-Results");
    assert!(told.len() == 1 && !told[0].contains("dmarc=pass"), "{told:?}");
}

/// Mail of `example.org` that a list has relabelled and sealed, as it says with this result.
fn through_the_list(world: &World, result: &str, raw: &[u8]) -> Vec<u8> {
    let raw = world.signed(raw);
    let changed = String::from_utf8(raw.clone()).expect("text").replace("Subject: ", "Subject: [list] ");
    let results = format!("lists.example; dkim=pass header.d=example.org; dmarc={result} header.from=Example.org");
    let what = Sealed { raw: changed.as_bytes(), before: &raw, results: &results, chain: &ArcCheck::default() };
    [signers(&world.keys[1]).seal(what).expect("sealed"), changed.into_bytes()].concat()
}

async fn a_sealer_that_is_trusted_vouches_for_what_it_changed() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().policy(|p| p.authentication.dmarc = DmarcAction::Honour).start(&sink).await;
    let (good, bad): (Vec<u8>, Vec<u8>) =
        ["pass", "fail"].map(|result| through_the_list(&world, result, &mail("example.org", "minutes"))).into();
    let later = String::from_utf8(good.clone()).expect("text").replace("lunch at noon", "lunch at one").into_bytes();
    let send = async |raw: &[u8]| send(&node, STRANGE, "bounces@lists.example", raw).await.code;
    assert_eq!((send(&good).await, send(&bad).await), (550, 550), "nobody is trusted unasked");
    node.set_policy(|p| p.authentication.trusted_sealers = vec!["Lists.example".to_owned()]);
    logged::clear();
    assert_eq!(send(&good).await, 250);
    let line = logged::message().await;
    assert_eq!((line.get("dmarc"), line.get("arc"), line.get("rules")), ("fail", "pass", "dmarc_failed"));
    let told = fields(&last(&sink), "Authentication-Results").remove(0);
    assert!(told.contains("dmarc=fail") && told.contains("arc=pass header.d=lists.example"), "{told}");
    assert_eq!((send(&bad).await, send(&later).await), (550, 550), "it vouches for nothing else");
}

async fn what_was_signed_and_is_changed_here_is_sealed() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.sealing(SealWhen::Changed).start(&sink).await;
    let infected = world.signed(&sample::eicar_attached("minutes"));
    assert_eq!(send(&node, STRANGE, "alice@example.org", &infected).await.code, 250);
    let got = last(&sink);
    let found = world.verify(&got).await;
    assert_eq!((found.dkim(), found.arc.result), (AuthResult::Fail, AuthResult::Pass), "{found:#?}");
    assert_eq!((found.arc.instances, found.arc.sealer.raw().as_str()), (1, "example.com"));
    let hop = &found.arc.hops[0];
    assert_eq!(hop.passed.iter().map(|domain| domain.raw().as_str()).collect::<Vec<_>>(), ["example.org"]);
    // It says what our own field says.
    let results = fields(&got, "ARC-Authentication-Results").remove(0);
    let own = fields(&got, "Authentication-Results").remove(0);
    assert_eq!(
        results.trim_start_matches("ARC-Authentication-Results: i=1; "),
        own.trim_start_matches("Authentication-Results: ")
    );
    assert_eq!(node.figure("mailward_signatures_total{kind=\"arc\",result=\"made\"}"), 1.0);
    // A chain goes on; one that failed on the way does not.
    let listed = through_the_list(&world, "pass", &sample::eicar_attached("minutes"));
    assert_eq!(send(&node, STRANGE, "x@lists.example", &listed).await.code, 250);
    let found = world.verify(&last(&sink)).await.arc;
    assert_eq!((found.result, found.instances, found.sealer.raw().as_str()), (AuthResult::Pass, 2, "example.com"));
    let broken = String::from_utf8(listed).expect("text").replace("See the attachment", "See below");
    assert_eq!(send(&node, STRANGE, "x@lists.example", broken.as_bytes()).await.code, 250);
    assert_eq!(fields(&last(&sink), "ARC-Seal").len(), 1);
}

async fn what_is_not_changed_or_was_not_valid_is_not_sealed() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.sealing(SealWhen::Changed).start(&sink).await;
    let cases = [
        (world.signed(&sample::clean("untouched")), 0),
        (sample::eicar_attached("never signed"), 0),
        (through_the_list(&world, "pass", &sample::clean("minutes")), 1),
    ];
    for (raw, seals) in &cases {
        assert_eq!(send(&node, STRANGE, "alice@example.org", raw).await.code, 250);
        assert_eq!(fields(&last(&sink), "ARC-Seal").len(), *seals);
    }
    // All that is asked about, if the administrator wants that.
    let node = world.sealing(SealWhen::Always).start(&sink).await;
    for (raw, seals) in &cases {
        assert_eq!(send(&node, STRANGE, "alice@example.org", raw).await.code, 250);
        let found = world.verify(&last(&sink)).await.arc;
        assert_eq!((found.result, found.instances as usize), (AuthResult::Pass, seals + 1), "{found:?}");
    }
}

async fn outgoing_mail_that_cannot_be_signed_leaves_so_or_waits() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let from_us = mail("example.com", "out");
    for failure in [SigningFailure::Unsigned, SigningFailure::Defer] {
        let outgoing = |key: Dkim| {
            world.node().config(|c| {
                c.smtp[0].direction = ListenerDirection::Outgoing;
                c.dkim = vec![key];
                c.signing.failure = failure;
            })
        };
        let send = async |node: &Node, raw: &[u8]| {
            let mut client = node.client().await;
            let done = client.deliver("alice@example.com", &["bob@example.org"], raw).await;
            client.quit().await;
            done.unwrap_or_else(|refusal| refusal)
        };
        let node = outgoing(world.keys[2].clone()).start(&sink).await;
        assert_eq!(send(&node, &from_us).await.code, 250);
        assert_eq!(world.verify(&last(&sink)).await.dkim(), AuthResult::Pass);
        assert_eq!(node.figure("mailward_signatures_total{kind=\"dkim\",result=\"made\"}"), 1.0);
        let before = sink.count();
        let gone = Dkim { key: Some(world.dir.path().join("gone")), ..world.keys[2].clone() };
        let node = outgoing(gone).start(&sink).await;
        let reply = send(&node, &from_us).await;
        assert_eq!(node.figure("mailward_signatures_total{kind=\"dkim\",result=\"failed\"}"), 1.0);
        // Mail of domains without a key is nobody's to sign.
        assert_eq!(send(&node, &mail("example.net", "other")).await.code, 250);
        match failure {
            SigningFailure::Unsigned => {
                assert_eq!((reply.code, sink.count()), (250, before + 2), "{}", reply.text());
                assert!(sink.messages().iter().skip(before).all(|m| fields(&m.content, "DKIM-Signature").is_empty()));
            }
            SigningFailure::Defer => {
                assert!(reply.code == 451 && reply.text().contains("4.7.0"), "{}", reply.text());
                assert_eq!(sink.count(), before + 1);
            }
        }
    }
}

async fn mail_of_our_own_is_signed() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = world.node().config(|c| c.dkim = vec![world.keys[2].clone()]).trusted(&["127.0.0.0/8"]);
    let node = setup.policy(|p| p.malware.action = judge::policy::MalwareAction::DeleteMessage).start(&sink).await;
    let mail = store::NewQueued {
        message: service::id::message_id(),
        kind: store::QueueKind::Remainder,
        direction: Direction::Outgoing,
        mail_from: mail::address::Address::parse("alice@example.org"),
        parameters: String::new(),
        created_ms: service::id::now_ms(),
        size: 0,
        recipients: vec![store::NewRecipient {
            address: mail::address::Address::parse("nobody@example.net").expect("an address"),
            parameters: String::new(),
        }],
    };
    let body = sample::clean("refused");
    let mail = store::NewQueued { size: body.len() as u64, ..mail };
    let refuses = testkit::Action::Reply("550 5.1.1 no such user".to_owned());
    sink.set(Behaviour::accept().on_text(testkit::Point::Rcpt, "nobody@example.net", refuses));
    let _receipt = node.service.enqueue(mail, Box::new(std::io::Cursor::new(body))).await.expect("queued");
    let report = sink.wait_for(1).await.remove(0);
    assert!(fields(&report.content, "Content-Type")[0].contains("multipart/report"), "a report");
    let found = world.verify(&report.content).await;
    assert_eq!((found.dkim(), found.dkim[0].domain.raw().as_str()), (AuthResult::Pass, "example.com"));
}

async fn outgoing_mail_that_is_released_is_signed() {
    let world = World::new().await;
    let sink = Sink::start(Behaviour::accept()).await;
    let node = world.node().policy(|p| p.malware.action = judge::policy::MalwareAction::DeleteMessage);
    let node = node.start(&sink).await;
    assert_eq!(node.send(&sample::eicar_attached("wanted")).await.code, 250);
    let (entry, original) = node.kept();
    let current = node.service.current();
    let (routes, site, outbox) = (current.routes.load_full(), current.site.load_full(), current.outbox.load_full());
    let signers = Arc::new(signers(&world.keys[0]));
    let to =
        ["bob@example.net", "carol@example.com"].map(|text| mail::address::Address::parse(text).expect("an address"));
    for (direction, signed) in [(Direction::Outgoing, true), (Direction::Incoming, false)] {
        let (routes, metrics) = (&routes, node.service.metrics());
        let way = Way { routes, metrics, direction, site: Some(&site), signers: Some(&signers), redact: false };
        let released = service::release::release(node.service.store(), way, &outbox, entry.id, &to).await;
        assert!(released.error.is_none() && released.sent.len() == 2, "{released:?}");
        let got = sink.messages();
        let outside = got.iter().find(|m| m.addresses() == ["bob@example.net"]).expect("sent");
        let inside = got.iter().find(|m| m.addresses() == ["carol@example.com"]).expect("sent");
        assert!(inside.content.starts_with(b"X-Mailward-Release: ") && outside.content.ends_with(&original));
        let found = world.verify(&outside.content).await;
        let expected = if signed { AuthResult::Pass } else { AuthResult::None };
        assert_eq!(found.dkim(), expected, "{direction:?}");
        sink.clear();
    }
    assert_eq!(node.figure("mailward_signatures_total{kind=\"dkim\",result=\"made\"}"), 1.0);
    // A key that is gone holds outgoing mail back where the settings want that, and no other.
    let mut broken = world.keys[0].clone();
    broken.key = Some(world.dir.path().join("gone"));
    for (failure, count) in [(SigningFailure::Defer, 0), (SigningFailure::Unsigned, 2)] {
        let signers = Arc::new(Signers::load(&[broken.clone()], &Signing { failure, ..Signing::default() }));
        let (routes, metrics, direction) = (&routes, node.service.metrics(), Direction::Outgoing);
        let way = Way { routes, metrics, direction, site: Some(&site), signers: Some(&signers), redact: false };
        let released = service::release::release(node.service.store(), way, &outbox, entry.id, &to).await;
        let said = released.error.map(|error| error.to_string()).unwrap_or_default();
        assert_eq!(
            (released.sent.len(), sink.count(), said.contains("signing.failure")),
            (count, count, count == 0),
            "{said}"
        );
        assert!(released.queued.is_empty());
        sink.clear();
    }
}
