//! The name of the client's address: who has it asked for, and where it counts (EX-08, EX-10).

use std::sync::Arc;
use std::time::Duration;

use judge::policy::{Group, RecipientMask};
use net::Resolver;
use settings::config::Dns;
use settings::values::DnsServer as ServerAddress;
use store::Logged;
use testkit::{Behaviour, Client, DnsServer, DnsTrick, Sink};

use crate::node::{Node, Setup};
use crate::sender::{STRANGE, fields, last, mail, send};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    ex_08_ex_09_ex_10_each_switch_asks_and_counts_its_own,
    ex_11_a_name_that_comes_too_late_is_not_waited_for,
    ex_08_one_group_hears_of_the_name_and_the_other_does_not,
];

/// A name that leads elsewhere, one of a home line, and an address without any.
const NAMES: &str = r#"
7.2.0.192.in-addr.arpa PTR far.example
far.example A 192.0.2.1
8.2.0.192.in-addr.arpa PTR 192-0-2-8.pool.example.org
192-0-2-8.pool.example.org A 192.0.2.8
example.org TXT "v=spf1 ip4:192.0.2.1 -all"
"#;

/// Lets a node ask anew.
fn forget(node: &Node, dns: &DnsServer) {
    let config = Dns { servers: vec![ServerAddress(dns.address())], ..Dns::default() };
    node.service.current().resolver.store(Arc::new(Resolver::new(&config, Arc::default())));
}

/// Whether a sign is there and counted.
fn counting(row: &Logged, id: &str) -> bool {
    row.signs.iter().any(|sign| sign.id == id && sign.counts)
}

async fn ex_08_ex_09_ex_10_each_switch_asks_and_counts_its_own() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(NAMES).await);
    let node = Setup::new().relays(&["127.0.0.0/8"]).start(&sink).await;
    let clients = [("192.0.2.7", "reverse_elsewhere"), ("192.0.2.8", "dynamic_client"), (STRANGE, "reverse_missing")];
    let mut sent = 0;
    for case in 0..16u8 {
        let on = |bit: u8| case & 1 << bit != 0;
        let (sender, reverse, dynamic, external) = (on(0), on(1), on(2), on(3));
        node.set_policy(|p| {
            p.authentication.enabled = sender;
            p.spam.external.reverse_dns = reverse;
            p.spam.external.dynamic_addresses = dynamic;
            p.spam.external.enabled = external;
        });
        for (ip, sign) in clients {
            forget(&node, &dns);
            let before = dns.asked().len();
            assert_eq!(send(&node, ip, "alice@example.org", &mail("example.org", "plain")).await.code, 250);
            sent += 1;
            let row = node.rows(sent).await.remove(0);
            let asked = dns.asked().split_off(before);
            let about = |part: &str| asked.iter().any(|name| name.contains(part));
            let name = external && (reverse || dynamic);
            assert_eq!((about("in-addr.arpa"), about("_dmarc")), (name, sender), "{case:04b}: {asked:?}");
            let told = fields(&last(&sink), "Authentication-Results");
            assert_eq!(told.len(), usize::from(sender), "{case:04b}: {told:?}");
            assert_eq!(told.iter().any(|told| told.contains("; iprev=")), sender && name, "{case:04b}: {told:?}");
            let counts = external && if sign == "dynamic_client" { dynamic } else { reverse };
            let found = (counting(&row, sign), counting(&row, "spf_fail"));
            assert_eq!(found, (counts, sender), "{case:04b}: {:?}", row.signs);
        }
    }
    let iprev =
        |result: &str| node.figure(&format!("mailward_authentication_total{{method=\"iprev\",result=\"{result}\"}}"));
    assert_eq!((iprev("pass"), iprev("fail"), iprev("none")), (6.0, 12.0, 0.0));
}

async fn ex_11_a_name_that_comes_too_late_is_not_waited_for() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(NAMES).await);
    let node = Setup::new().relays(&["127.0.0.0/8"]).policy(|p| p.authentication.enabled = false).start(&sink).await;
    dns.trick("7.2.0.192.in-addr.arpa", DnsTrick::Slow(Duration::from_secs(1)));
    let late = "mailward_authentication_total{method=\"iprev\",result=\"temperror\"}";
    for (at, (limit, counts)) in [(100, false), (60_000, true)].into_iter().enumerate() {
        node.set_policy(|p| p.spam.external.max_time = judge::units::Time(limit));
        forget(&node, &dns);
        assert_eq!(send(&node, "192.0.2.7", "alice@example.org", &mail("example.org", "plain")).await.code, 250);
        let row = node.rows(at + 1).await.remove(0);
        assert_eq!((counting(&row, "reverse_elsewhere"), node.figure(late)), (counts, 1.0), "{limit}");
    }
}

async fn ex_08_one_group_hears_of_the_name_and_the_other_does_not() {
    let (sink, dns) = (Sink::start(Behaviour::accept()).await, DnsServer::start(NAMES).await);
    let setup = Setup::new().relays(&["127.0.0.0/8"]).policy(|p| {
        p.authentication.enabled = false;
        let mask = RecipientMask::parse("ann@example.com").expect("a mask");
        let mut group = Group::of(p, "staff", vec![mask]);
        group.spam.external.reverse_dns = false;
        p.group.push(group);
    });
    let node = setup.start(&sink).await;
    forget(&node, &dns);
    let mut client = Client::connect(node.address).await;
    client.timeout = testkit::PATIENCE;
    client.expect(220).await;
    client.command("EHLO relay.example.com", 250).await;
    client.command(&format!("XFORWARD NAME=far.example ADDR={STRANGE} HELO=far.example"), 250).await;
    let to = ["ann@example.com", "bob@example.com"];
    client.deliver("alice@example.org", &to, &mail("example.org", "plain")).await.expect("taken");
    client.quit().await;
    for row in node.rows(2).await {
        let bob = row.recipients.iter().any(|to| to.as_str() == "bob@example.com");
        assert_eq!(counting(&row, "reverse_missing"), bob, "{:?}", row.signs);
    }
}
