//! Over LMTP each recipient hears what became of its own copy, also where recipients have different settings or next
//! hops (spec D-11).

use judge::policy::{EngineFailure, Group, MalwareAction, Policy, RecipientMask, UnscannedAction};
use testkit::{Action, Behaviour, Point, Sink, sample};

use crate::chunks::{FROM, by_lmtp, deliver_to, lmtp};
use crate::decisions::{encrypted_zip, marked};
use crate::job;
use crate::node::{Node, Setup, arrived};
use crate::persistent::{Fault, Speech, try_until_settled};
use crate::{Case, cases};

pub(crate) const CASES: &[Case] = cases![
    d_11_over_lmtp_each_group_hears_what_the_policy_made_of_its_copy,
    d_11_over_lmtp_a_group_that_is_to_come_again_holds_up_no_other,
    d_11_over_lmtp_what_one_next_hop_refuses_stays_with_the_client,
    d_11_over_lmtp_no_recipient_is_lost_or_doubled,
];

fn group(policy: &mut Policy, name: &str, change: impl FnOnce(&mut Group)) {
    let mask = RecipientMask::parse(&format!("{name}@example.com")).expect("a mask");
    let mut group = Group::of(policy, name, vec![mask]);
    change(&mut group);
    policy.group.push(group);
}

fn queued(node: &Node) -> u64 {
    node.service.store().queue_usage().expect("usage").mails
}

fn codes(replies: &[(u16, String)]) -> Vec<u16> {
    replies.iter().map(|(code, _)| *code).collect()
}

async fn d_11_over_lmtp_each_group_hears_what_the_policy_made_of_its_copy() {
    let to = ["strict@example.com", "bob@example.com", "gone@example.com", "carol@example.com"];
    // Of a client of our own, too: it hears at once, so that nobody writes a report.
    for (keep, trusted) in [(false, &[][..]), (true, &["127.0.0.0/8"])] {
        let sink = Sink::start(Behaviour::accept()).await;
        let setup = by_lmtp(Setup::new()).trusted(trusted).policy(|p| {
            p.malware.action = MalwareAction::DeleteObject;
            group(p, "strict", |g| (g.malware.action, g.malware.keep_blocked) = (MalwareAction::Block, keep));
            group(p, "gone", |g| g.malware.action = MalwareAction::DeleteMessage);
        });
        let node = setup.start(&sink).await;
        let mut client = lmtp(&node).await;
        let replies = deliver_to(&mut client, &to, &sample::eicar_attached("x")).await;
        assert_eq!(codes(&replies), [550, 250, 250, 250]);
        assert!(replies[0].1.starts_with("5.7.1 Message refused: "), "{replies:?}");
        assert_eq!(replies[1], replies[3], "what the next hop said");
        assert!(replies[2].1.starts_with("2.0.0 Ok: ") && replies[2] != replies[1], "{replies:?}");
        let got = sink.messages();
        assert_eq!((got.len(), got[0].addresses()), (1, vec![to[1], to[3]]));
        let mut said: Vec<(String, String)> =
            node.rows(3).await.into_iter().map(|row| (row.action, row.reply[..3].to_owned())).collect();
        said.sort();
        let said: Vec<(&str, &str)> = said.iter().map(|(action, reply)| (action.as_str(), reply.as_str())).collect();
        assert_eq!(said, [("blocked", "550"), ("message_deleted", "250"), ("object_deleted", "250")]);
        let kept = node.backup().iter().filter(|kept| kept.entry.action == "blocked").count();
        assert_eq!((kept, queued(&node)), (usize::from(keep), 0));
        // The session goes on, and nothing of this is left in it.
        assert_eq!(codes(&deliver_to(&mut client, &to, &sample::clean("next")).await), [250; 4]);
        client.quit().await;
    }
}

async fn d_11_over_lmtp_a_group_that_is_to_come_again_holds_up_no_other() {
    let sink = Sink::start(Behaviour::accept()).await;
    let setup = by_lmtp(Setup::new()).policy(|p| {
        group(p, "lax", |g| g.unscannable.engine_failed = EngineFailure::Label);
        group(p, "held", |g| g.unscannable.engine_failed = EngineFailure::Hold);
    });
    let node = setup.start(&sink).await;
    let mut client = lmtp(&node).await;
    let to = ["bob@example.com", "lax@example.com", "held@example.com"];
    assert_eq!(codes(&deliver_to(&mut client, &to, &marked("crash", job::CRASH)).await), [451, 250, 250]);
    assert_eq!(arrived(&[&sink]).into_keys().collect::<Vec<_>>(), ["lax@example.com"]);
    assert_eq!((node.kept().0.entry.action.as_str(), queued(&node)), ("held", 0));
    // All that is refused for all is refused for each.
    node.set_policy(|p| {
        p.unscannable.encrypted = UnscannedAction::Block;
        p.group.iter_mut().for_each(|group| group.unscannable.encrypted = UnscannedAction::Block);
    });
    let locked = sample::with_attachment("locked", "locked.zip", "application/zip", &encrypted_zip());
    assert_eq!(codes(&deliver_to(&mut client, &to, &locked).await), [550; 3]);
    client.quit().await;
}

const BOTH: [&str; 3] = ["b@two.example.com", "a@example.com", "c@two.example.com"];

async fn two() -> (Sink, Sink, Node) {
    let (one, two) = (Sink::start(Behaviour::accept()).await, Sink::start(Behaviour::accept()).await);
    let node = by_lmtp(Setup::untouched()).route("two", &["two.example.com"], &[&two]).start(&one).await;
    (one, two, node)
}

async fn d_11_over_lmtp_what_one_next_hop_refuses_stays_with_the_client() {
    let (one, two, node) = two().await;
    let says = |text: &str| Behaviour::accept().reply(Point::End, text);
    let cases = [
        (Behaviour::accept(), says("452 4.3.1 Full"), [452, 250, 452]),
        (says("550 5.1.0 No"), Behaviour::accept(), [250, 550, 250]),
        (says("550 5.1.0 No"), says("451 4.3.0 Later"), [451, 550, 451]),
        (Behaviour::accept(), Behaviour::accept().on(Point::End, Action::Close), [451, 250, 451]),
        (Behaviour::accept().on(Point::Data, Action::Close), Behaviour::accept(), [250, 451, 250]),
        (Behaviour::accept(), Behaviour::accept(), [250, 250, 250]),
    ];
    for (first, second, expected) in cases {
        one.set(first);
        two.set(second);
        one.clear();
        two.clear();
        let mut client = lmtp(&node).await;
        assert_eq!(codes(&deliver_to(&mut client, &BOTH, &sample::clean("x")).await), expected);
        client.quit().await;
        let has = |at: usize| usize::from(expected[at] == 250);
        assert_eq!((one.count(), two.count(), queued(&node)), (has(1), has(0), 0), "{expected:?}");
    }
}

/// Next hops that do anything, and a client that brings the message again to those who are to have it later: each has
/// it once, or was refused.
async fn d_11_over_lmtp_no_recipient_is_lost_or_doubled() {
    let (one, two, node) = two().await;
    for fault in Fault::all() {
        fault.set([&one, &two]);
        let told = try_until_settled(&node, Speech::Lmtp, FROM, &BOTH, &sample::clean("whatever they do")).await;
        let got = arrived(&[&one, &two]);
        for to in BOTH {
            let copies = got.get(to).map_or(0, Vec::len);
            assert_eq!((copies, told[to]), if told[to] < 400 { (1, 250) } else { (0, 550) }, "{to}, {fault:?}");
        }
        assert_eq!(queued(&node), 0);
    }
}
