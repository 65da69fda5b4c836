//! Routes: which next hop a recipient's mail goes to, and what happens when it is not there.

use std::sync::Arc;

use testkit::{Behaviour, Client, Point, Sink, sample};

use crate::node::{Setup, hop_to};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    mail_goes_where_its_recipients_route_leads,
    a_route_that_is_away_holds_up_its_own_mail_only,
    the_next_server_of_a_route_takes_over_and_the_first_is_asked_again,
    a_recipient_without_a_route_is_refused,
    a_next_hop_that_is_ourselves_is_a_loop,
    an_answer_to_mail_is_told_at_the_recipient_that_needs_it,
];

const FROM: &str = "alice@example.org";

async fn deliver(client: &mut Client, to: &str) -> u16 {
    let done = client.deliver(FROM, &[to], &sample::clean(to)).await;
    done.unwrap_or_else(|refused| refused).code
}

async fn mail_goes_where_its_recipients_route_leads() {
    let (rest, one, below) = (
        Sink::start(Behaviour::accept()).await,
        Sink::start(Behaviour::accept()).await,
        Sink::start(Behaviour::accept()).await,
    );
    let setup = Setup::untouched().route("one", &["one.example.com"], &[&one]);
    let node = setup.route("below", &["*.one.example.com"], &[&below]).start(&rest).await;
    let mut client = node.client().await;
    for to in ["a@example.com", "a@one.example.com", "a@x.one.example.com", "a@ONE.example.com", "b@example.com"] {
        assert_eq!(deliver(&mut client, to).await, 250, "{to}");
    }
    client.quit().await;
    let got = |sink: &Sink| sink.messages().iter().map(|m| m.addresses().concat()).collect::<Vec<_>>();
    assert_eq!(got(&rest), ["a@example.com", "b@example.com"]);
    assert_eq!(got(&one), ["a@one.example.com", "a@ONE.example.com"]);
    assert_eq!(got(&below), ["a@x.one.example.com"]);
    assert!(one.messages()[0].xforward.iter().any(|line| line.contains("ADDR=127.0.0.1")), "introduced anew");
}

async fn a_route_that_is_away_holds_up_its_own_mail_only() {
    let one = Sink::start(Behaviour::accept()).await;
    let nobody = testkit::free_port();
    let node = Setup::untouched().route("one", &["one.example.com"], &[&one]);
    let node = node.start_before(([127, 0, 0, 1], nobody).into()).await;
    let mut client = node.client().await;
    assert_eq!(deliver(&mut client, "a@one.example.com").await, 250);
    assert_eq!(deliver(&mut client, "a@example.com").await, 451);
    client.command("RSET", 250).await;
    assert_eq!(deliver(&mut client, "b@one.example.com").await, 250);
    client.quit().await;
    assert_eq!(one.count(), 2);
    let down = format!("mailward_hop_up{{route=\"next_hop\",hop=\"127.0.0.1:{nobody}\"}}");
    assert!(node.service.metrics().text().contains(&format!("{down} 0")), "{}", node.service.metrics().text());
}

async fn the_next_server_of_a_route_takes_over_and_the_first_is_asked_again() {
    let rest = Sink::start(Behaviour::accept()).await;
    let first = Sink::start(Behaviour::accept()).await;
    let second = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().route("one", &["one.example.com"], &[&first, &second]).start(&rest).await;
    let send = async || {
        let mut client = node.client().await;
        let code = deliver(&mut client, "a@one.example.com").await;
        client.quit().await;
        code
    };
    assert_eq!((send().await, first.count(), second.count()), (250, 1, 0));
    let at = first.address();
    drop(first);
    assert_eq!((send().await, second.count()), (250, 1), "the next one takes over");
    let third = Sink::start_at(at, Behaviour::accept().reply(Point::Connect, "421 4.3.2 not yet")).await;
    assert_eq!((send().await, second.count(), third.connections()), (250, 2, 0), "what is down is left alone");
    // What asks the servers that are down, as the daemon runs it.
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let watch = tokio::spawn(service::routes::watch(Arc::clone(&node.service), stopped));
    testkit::wait_until("the question", testkit::PATIENCE, || third.connections() > 0).await;
    third.set(Behaviour::accept());
    assert_eq!((send().await, third.count()), (250, 0), "it said no");
    watch.abort();
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let watch = tokio::spawn(service::routes::watch(Arc::clone(&node.service), stopped));
    let up = || node.service.current().routes.load().all()[0].targets[0].is_up();
    testkit::wait_until("the first to be up", testkit::PATIENCE, up).await;
    watch.abort();
    assert_eq!((send().await, third.count()), (250, 1), "it is used again");
}

async fn a_recipient_without_a_route_is_refused() {
    let one = Sink::start(Behaviour::accept()).await;
    let rest = Sink::start(Behaviour::accept()).await;
    let node = Setup::untouched().route("one", &["one.example.com"], &[&one]).start(&rest).await;
    let routes = node.service.current().routes.load_full();
    let without = service::routes::Route::new(
        "one",
        routes.all()[0].domains.clone(),
        None,
        vec![service::routes::Target::new(hop_to(one.address()), 1, 1)],
    );
    node.service.current().routes.store(Arc::new(service::routes::Routes::new(vec![without])));
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org>", 250).await;
    let refused = client.command("RCPT TO:<a@example.com>", 550).await;
    assert!(refused.text().starts_with("5.1.2"), "{}", refused.text());
    client.command("RCPT TO:<a@one.example.com>", 250).await;
    client.quit().await;
}

/// The daemon's own listener is known by its address; behind another address, by its greeting.
async fn a_next_hop_that_is_ourselves_is_a_loop() {
    let port = testkit::free_port();
    let own = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let setup = Setup::untouched().config(|c| c.smtp[0].listen = settings::values::SocketAddress::Inet(own));
    let node = setup.start_before(own).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    let refused = client.command("EHLO client.example.org", 554).await;
    assert!(refused.text().starts_with("5.4.6"), "{}", refused.text());
    client.quit().await;
    let greeting = Behaviour::accept().reply(Point::Connect, "220 mx.example.com ESMTP Mailward");
    let sink = Sink::start(greeting).await;
    let node = Setup::untouched().start(&sink).await;
    let mut client = Client::connect(node.address).await;
    client.expect(220).await;
    client.command("EHLO client.example.org", 554).await;
    client.quit().await;
}

async fn an_answer_to_mail_is_told_at_the_recipient_that_needs_it() {
    let rest = Sink::start(Behaviour::accept()).await;
    let one = Sink::start(Behaviour::accept().reply(Point::Mail, "550 5.7.1 Not you")).await;
    let node = Setup::untouched().route("one", &["one.example.com"], &[&one]).start(&rest).await;
    let mut client = node.client().await;
    client.command("MAIL FROM:<alice@example.org> BODY=8BITMIME", 250).await;
    assert_eq!(client.command("RCPT TO:<a@one.example.com>", 550).await.text(), "5.7.1 Not you");
    client.command("RCPT TO:<a@example.com>", 250).await;
    client.command("RCPT TO:<b@example.com>", 250).await;
    client.command("DATA", 354).await;
    client.send_bytes(&testkit::client::stuff(&sample::clean("x"))).await;
    client.expect(250).await;
    client.quit().await;
    let got = rest.messages();
    assert_eq!((got.len(), got[0].mail.as_str()), (1, "<alice@example.org> BODY=8BITMIME"));
    assert_eq!(got[0].addresses(), ["a@example.com", "b@example.com"]);
}
