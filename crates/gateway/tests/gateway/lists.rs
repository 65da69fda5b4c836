//! Lists of senders and recipients in the gateway: what an entry does, who may differ from whom, and that a change
//! counts at once.

use std::sync::Arc;

use judge::lists::{List, Lists};
use judge::policy::SpamAction;
use service::admin::{Admin, EntryFilter, Request, Response};
use testkit::{Behaviour, Mta, Sink, sample};

use crate::decisions::{field, text};
use crate::node::{Node, Setup, arrived};
use crate::{Case, cases, logged};

pub(crate) const CASES: &[Case] = cases![
    bl_01_a_sender_on_the_denylist_is_blacklisted_whatever_is_in_the_mail,
    bl_01_as_08_the_action_of_the_row_is_done,
    wl_01_allowlisted_mail_is_not_examined_for_spam_and_its_malware_is_found,
    wl_06_bulk_mail_only,
    lm_03_the_denylist_counts_for_large_mail_too,
    d21_pm_01_mail_for_the_postmaster_and_another_is_examined_for_the_other,
    d21_bl_04_one_persons_list_does_nothing_to_the_others,
    d21_bl_04_behind_a_milter_one_persons_list_does_nothing_to_the_others,
    d21_recipients_stay_together_where_they_may_not_be_parted,
    out_05_internal_and_allowlisted_recipients_of_outgoing_mail_are_not_examined,
    out_05_neither_senders_entries_nor_anothers_postmaster_spare_outgoing_spam,
    out_03_what_a_machine_of_ours_sends_is_internal_whatever_address_it_writes,
    wl_13_who_collects_samples_gets_them_and_nobody_else_does,
    a_change_counts_for_the_next_message,
];

const FROM: &str = "alice@example.org";

/// What is plainly spam.
fn spam() -> Vec<u8> {
    let mail = text(&sample::clean("the plan for lunch"));
    mail.replace("lunch at noon?", "see http://bad.example/x").into_bytes()
}

/// A node for which everything that links to `bad.example` is spam.
async fn node(setup: Setup, sink: &Sink) -> Node {
    let dns = testkit::DnsServer::start("bad.example.one.example A 127.0.0.2\n").await;
    let list = judge::policy::DnsList { zone: "one.example".to_owned(), weight: 100 };
    let setup = setup.policy(|p| {
        p.spam.external.surbl = true;
        p.spam.external.surbl_lists = vec![list];
        p.spam.always_headers = true;
        p.spam.scl_others = true;
    });
    let node = setup.start(sink).await;
    let server = settings::values::DnsServer(dns.address());
    let config = settings::config::Dns { servers: vec![server], ..Default::default() };
    node.service.current().resolver.store(Arc::new(net::Resolver::new(&config, Arc::default())));
    // It answers as long as the test runs.
    std::mem::forget(dns);
    node
}

/// Does what `mailward lists` asks for.
async fn ask(node: &Node, request: Request) -> Response {
    let current = node.service.current();
    let admin = Admin {
        store: node.service.store().clone(),
        routes: current.routes.load_full(),
        site: current.site.load_full(),
        signers: current.signers.load_full(),
        redact: false,
        metrics: Arc::clone(node.service.metrics()),
        outbox: current.outbox.load_full(),
        policy_file: None,
        in_force: current.policy.load_full(),
        lists: current.lists.load_full(),
    };
    let answer = admin.handle(request).await;
    if let Some(lists) = answer.lists {
        node.service.set_lists(lists);
    }
    answer.response
}

/// Imports lines of text into a list.
async fn import(node: &Node, list: List, owner: Option<&str>, lines: &str) {
    let form = service::admin::form_of(lines);
    let (text, owner) = (lines.to_owned(), owner.map(str::to_owned));
    let author = "test".to_owned();
    let done = ask(node, Request::ListsImport { list, form, text, owner, preview: false, author }).await;
    assert!(matches!(done, Response::ListsChanged { added, .. } if added > 0), "{done:?}");
}

/// Imports an entry as XML, so that every field can be said.
async fn import_entry(node: &Node, list: &str, fields: &str) {
    let which = if list == "wlist" { List::Allow } else { List::Deny };
    import(node, which, None, &format!("<{list} version=\"1\"><entry>{fields}</entry></{list}>")).await;
}

/// Sends it, and gives what the log says of its parts, by recipients.
async fn send_parts(node: &Node, from: &str, to: &[&str], content: &[u8], parts: usize) -> Vec<(String, String)> {
    logged::clear();
    let mut client = node.client().await;
    let _ = client.deliver(from, to, content).await;
    client.quit().await;
    let lines = logged::messages(parts).await;
    let mut said: Vec<_> = lines.iter().map(|line| (line.get("to").to_owned(), line.get("spam").to_owned())).collect();
    said.sort();
    said
}

/// Sends it to one recipient, and gives its status.
async fn send(node: &Node, from: &str, content: &[u8]) -> String {
    send_parts(node, from, &["bob@example.com"], content, 1).await.remove(0).1
}

async fn bl_01_a_sender_on_the_denylist_is_blacklisted_whatever_is_in_the_mail() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new(), &sink).await;
    import(&node, List::Deny, None, "*@*.evil.example\n").await;
    logged::clear();
    let mut client = node.client().await;
    client.deliver("a@mail.evil.example", &["bob@example.com"], &sample::clean("lunch")).await.expect("taken");
    client.quit().await;
    let content = text(&sink.messages().last().expect("delivered").content);
    assert_eq!(field(&content, "Subject"), "[!! Blacklisted] lunch");
    assert_eq!(field(&content, "X-MS-Exchange-Organization-SCL"), "9");
    let said = field(&content, "X-Mailward-AntiSpam");
    assert!(
        said.starts_with("address_blacklisted; rating=") && said.contains("method=list; list=deny; entry="),
        "{said}"
    );
    let line = logged::message().await;
    assert_eq!(line.get("spam"), "address_blacklisted");
    assert!(line.get("list").starts_with("deny *@*.evil.example (mail_from) "), "{}", line.get("list"));
    let row = node.rows(1).await.remove(0).listed.expect("the message log has the entry");
    assert_eq!((row.list.as_str(), row.entry.as_str(), row.by.as_str()), ("deny", "*@*.evil.example", "mail_from"));
    let figure = "mailward_listed_total{list=\"deny\",owner=\"organisation\",by=\"mail_from\"}";
    assert_eq!(node.figure(figure), 1.0);
    // From counts, too.
    let spoofed = text(&sample::clean("lunch")).replace("alice@example.org", "x@mail.evil.example");
    assert_eq!(send(&node, FROM, spoofed.as_bytes()).await, "address_blacklisted");
}

async fn bl_01_as_08_the_action_of_the_row_is_done() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new().policy(|p| p.spam.blacklisted.action = SpamAction::Reject), &sink).await;
    import(&node, List::Deny, None, "127.0.0.0/8").await;
    let mut client = node.client().await;
    let refused = client.deliver(FROM, &["bob@example.com"], &sample::clean("x")).await.expect_err("refused");
    assert!(refused.code == 550 && refused.text().contains("5.7.1"), "{refused:?}");
    client.quit().await;
    assert_eq!(sink.count(), 0);
    node.set_policy(|p| p.spam.lists.enabled = false);
    assert_eq!(send(&node, FROM, &sample::clean("x")).await, "clean");
}

async fn wl_01_allowlisted_mail_is_not_examined_for_spam_and_its_malware_is_found() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new(), &sink).await;
    assert_eq!(send(&node, FROM, &spam()).await, "spam");
    import(&node, List::Allow, None, "alice@example.org").await;
    assert_eq!(send(&node, FROM, &spam()).await, "skipped");
    let content = text(&sink.messages().last().expect("delivered").content);
    assert_eq!(field(&content, "Subject"), "the plan for lunch");
    assert_eq!(field(&content, "X-MS-Exchange-Organization-SCL"), "-1");
    let said = field(&content, "X-Mailward-AntiSpam");
    assert!(said.starts_with("skipped (allowlisted); rating=0; method=list; list=allow; entry="), "{said}");
    logged::clear();
    node.send(&sample::eicar_attached("x")).await;
    let line = logged::message().await;
    assert_eq!((line.get("spam"), line.get("status"), line.get("action")), ("skipped", "infected", "object_deleted"));
}

async fn wl_06_bulk_mail_only() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new(), &sink).await;
    import_entry(&node, "wlist", "<value>alice@example.org</value><scope>mass</scope>").await;
    let news = text(&sample::clean("news")).replacen(
        "Subject:",
        "List-Id: <news.example.org>\r\nList-Unsubscribe: <https://example.org/u>\r\nList-Unsubscribe-Post: \
         List-Unsubscribe=One-Click\r\nPrecedence: bulk\r\nFeedback-ID: 1:2:3:example\r\nSubject:",
        1,
    );
    assert_eq!(send(&node, "other@example.org", news.as_bytes()).await, "mass_mail");
    assert_eq!(send(&node, FROM, news.as_bytes()).await, "clean");
    assert_eq!(send(&node, FROM, &spam()).await, "spam", "nothing else is spared");
}

async fn lm_03_the_denylist_counts_for_large_mail_too() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new().policy(|p| p.spam.max_size = judge::units::Bytes(1000)), &sink).await;
    let mut large = spam();
    large.extend("more text\r\n".repeat(200).into_bytes());
    assert_eq!(send(&node, FROM, &large).await, "not_scanned");
    import(&node, List::Deny, None, "alice@example.org").await;
    assert_eq!(send(&node, FROM, &large).await, "address_blacklisted");
}

async fn d21_pm_01_mail_for_the_postmaster_and_another_is_examined_for_the_other() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new(), &sink).await;
    let to = ["postmaster@example.com", "bob@example.com", "carol@example.com"];
    let lines = send_parts(&node, FROM, &to, &spam(), 2).await;
    let expected = [("bob@example.com,carol@example.com", "spam"), ("postmaster@example.com", "skipped")];
    assert_eq!(lines, expected.map(|(to, spam)| (to.to_owned(), spam.to_owned())));
    let got = arrived(&[&sink]);
    let subject = |to: &str| field(&text(&got[to][0]), "Subject");
    assert_eq!(subject("postmaster@example.com"), "the plan for lunch");
    assert_eq!((subject("bob@example.com"), sink.count()), ("[!! Spam] the plan for lunch".to_owned(), 2));
    assert_eq!(node.figure("mailward_examination_duration_seconds_count"), 1.0, "examined once");
}

async fn d21_bl_04_one_persons_list_does_nothing_to_the_others() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new().policy(|p| p.spam.blacklisted.action = SpamAction::Delete), &sink).await;
    import(&node, List::Deny, Some("bob@example.com"), "*@example.org").await;
    import(&node, List::Allow, Some("carol@example.com"), "alice@example.org").await;
    let to = ["bob@example.com", "carol@example.com", "dave@example.com"];
    let lines = send_parts(&node, FROM, &to, &spam(), 3).await;
    let expected =
        [("bob@example.com", "address_blacklisted"), ("carol@example.com", "skipped"), ("dave@example.com", "spam")];
    assert_eq!(lines, expected.map(|(to, spam)| (to.to_owned(), spam.to_owned())));
    let got = arrived(&[&sink]);
    let subject = |to: &str| got.get(to).map(|copies| field(&text(&copies[0]), "Subject"));
    assert_eq!(subject("bob@example.com"), None);
    assert_eq!(subject("carol@example.com").as_deref(), Some("the plan for lunch"));
    assert_eq!(subject("dave@example.com").as_deref(), Some("[!! Spam] the plan for lunch"));
    let figure = "mailward_listed_total{list=\"deny\",owner=\"person\",by=\"mail_from\"}";
    assert_eq!(node.figure(figure), 1.0);
}

async fn d21_bl_04_behind_a_milter_one_persons_list_does_nothing_to_the_others() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().milter(|m| m.split_recipients = true);
    let node = setup.policy(|p| p.spam.blacklisted.action = SpamAction::Reject).start(&sink).await;
    import(&node, List::Deny, Some("bob@example.com"), "*@example.org").await;
    let mut mta = Mta::open(node.milter()).await;
    mta.tell('E', "i", "4XyZ");
    assert_eq!(mta.client("mail.example.org", "192.0.2.7").await, None);
    let got = mta
        .message(FROM, &["bob@example.com", "postmaster@example.com", "carol@example.com"], &sample::clean("x"))
        .await;
    assert!(mta.quit().await);
    // Nothing is done for the postmaster that is not done for Carol: these two stay together.
    assert_eq!((got.answer, got.removed.as_slice()), ('c', &["<bob@example.com>".to_owned()][..]));
    let lines = logged::messages(2).await;
    let mut said: Vec<(&str, &str)> = lines.iter().map(|line| (line.get("to"), line.get("spam"))).collect();
    said.sort_unstable();
    assert_eq!(said[0], ("bob@example.com", "address_blacklisted"));
    assert_eq!(node.backup().len(), 1, "what is taken from Bob is kept");
}

async fn d21_recipients_stay_together_where_they_may_not_be_parted() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new().config(|c| c.limits.split_recipients = false), &sink).await;
    import(&node, List::Deny, Some("bob@example.com"), "*@example.org").await;
    let to = ["bob@example.com", "postmaster@example.com", "carol@example.com"];
    let lines = send_parts(&node, FROM, &to, &spam(), 1).await;
    assert_eq!(lines, [(to.join(","), "spam".to_owned())], "examined for all of them, refused for none");
    assert_eq!(sink.messages()[0].addresses().len(), 3);
}

async fn out_05_internal_and_allowlisted_recipients_of_outgoing_mail_are_not_examined() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().trusted(&["127.0.0.1/32"]).policy(|p| p.spam.outgoing = true);
    let node = node(setup.config(|c| c.trust.internal_domains = vec!["example.com".to_owned()]), &sink).await;
    import_entry(&node, "wlist", "<value>partner@example.net</value><purpose>recipient</purpose>").await;
    let to = ["boss@example.com", "partner@example.net", "x@example.org"];
    let lines = send_parts(&node, "user@example.com", &to, &sample::clean("x"), 3).await;
    let expected = [("boss@example.com", "skipped"), ("partner@example.net", "skipped"), ("x@example.org", "clean")];
    assert_eq!(lines, expected.map(|(to, spam)| (to.to_owned(), spam.to_owned())));
    assert_eq!(arrived(&[&sink]).len(), 3);
}

async fn out_05_neither_senders_entries_nor_anothers_postmaster_spare_outgoing_spam() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = Setup::new().trusted(&["127.0.0.1/32"]).policy(|p| {
        p.spam.outgoing = true;
        p.spam.sensitivity = judge::policy::Sensitivity::High;
    });
    let node = node(setup, &sink).await;
    let letter = text(&sample::clean("the plan")).replace("lunch at noon?", crate::spam::FRAUD);
    let sent = async |to: &str| send_parts(&node, "user@example.com", &[to], letter.as_bytes(), 1).await.remove(0).1;
    assert_eq!(sent("x@example.org").await, "spam");
    import(&node, List::Allow, None, "user@example.com\n127.0.0.0/8\n*@example.com\n").await;
    for to in ["x@example.org", "postmaster@example.org"] {
        assert_eq!(sent(to).await, "spam", "{to}");
    }
    assert_eq!((sink.count(), sent("postmaster@example.com").await.as_str()), (0, "skipped"));
}

async fn out_03_what_a_machine_of_ours_sends_is_internal_whatever_address_it_writes() {
    let sink = Sink::start(Behaviour::accept()).await;
    for (trusted, to, expected, word) in [
        (&["127.0.0.1/32"][..], "x@example.org", store::SenderType::Internal, "internal"),
        (&[], "bob@example.com", store::SenderType::External, "external"),
    ] {
        let setup = Setup::new().trusted(trusted).policy(|p| {
            p.malware.action = judge::policy::MalwareAction::Block;
            p.spam.outgoing = true;
        });
        let node = setup.start(&sink).await;
        logged::clear();
        let mut client = node.client().await;
        let refused = client.deliver("forged@stranger.example", &[to], &sample::eicar_attached("x")).await;
        assert_eq!(refused.expect_err("refused").code, 550);
        client.quit().await;
        let line = logged::message().await;
        assert_eq!(line.get("sender_type"), word);
        let (entry, _) = node.kept();
        assert_eq!((entry.entry.sender_type, entry.entry.peer_ip), (expected, "127.0.0.1".parse().ok()));
    }
}

async fn wl_13_who_collects_samples_gets_them_and_nobody_else_does() {
    let sink = Sink::start(Behaviour::accept()).await;
    let lab = judge::policy::RecipientMask::parse("lab@example.com");
    let node = Setup::new().policy(|p| p.malware.trusted_recipients.extend(lab)).start(&sink).await;
    let sent = sample::eicar_attached("a sample");
    let mut client = node.client().await;
    client.deliver(FROM, &["lab@example.com", "bob@example.com"], &sent).await.expect("taken");
    client.quit().await;
    let lines = logged::messages(2).await;
    let mut told: Vec<_> = lines.iter().map(|l| (l.get("to"), l.get("status"), l.get("action"))).collect();
    told.sort_unstable();
    let expected = [("bob@example.com", "infected", "object_deleted"), ("lab@example.com", "not_scanned", "delivered")];
    assert_eq!(told, expected);
    let got = arrived(&[&sink]);
    assert!(crate::decisions::has_eicar(&got["lab@example.com"][0]));
    assert!(!crate::decisions::has_eicar(&got["bob@example.com"][0]));
    assert_eq!(field(&text(&got["lab@example.com"][0]), "X-Mailward-Status").split(';').next(), Some("not_scanned"));
}

async fn a_change_counts_for_the_next_message() {
    let sink = Sink::start(Behaviour::accept()).await;
    let node = node(Setup::new(), &sink).await;
    let status = async || send(&node, FROM, &sample::clean("x")).await;
    let held = |list: &str| node.figure(&format!("mailward_list_entries{{list=\"{list}\",owner=\"organisation\"}}"));
    assert_eq!(status().await, "clean");
    import(&node, List::Deny, None, "alice@example.org").await;
    assert_eq!((held("deny"), held("allow")), (1.0, 0.0));
    assert_eq!(status().await, "address_blacklisted");
    let shown = ask(&node, Request::ListsShow { filter: EntryFilter::default(), after: 0, limit: 10 }).await;
    let Response::ListEntries { entries, .. } = shown else { panic!("{shown:?}") };
    let ids = vec![entries[0].id.clone()];
    ask(&node, Request::ListsRemove { ids, author: "test".to_owned() }).await;
    assert_eq!(status().await, "clean");
    assert_eq!(held("deny"), 0.0);
    // What is in the store is what counts after a start.
    let again = service::lists::load(node.service.store()).expect("lists");
    assert_eq!(again, Lists::default());
}
