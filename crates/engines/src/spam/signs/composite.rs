//! Conjunctions: signs that say little alone and much together. Each names a practice of spammers; its
//! parts are signs of other families, looked at whatever their own points are.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::{sign, when};
use crate::spam::Points::Fitted;
use crate::spam::{Facts, Row, all as all_rows, look};

/// Most bytes of shown text that are little text for somebody who wants money.
const SHORT: usize = 2000;
/// Bytes behind a bracket in which a sum in digits stands.
const SUM: usize = 40;
/// Bytes before it in which the same stands in words.
const SUM_IN_WORDS: usize = 120;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "fraud_from_free_mail", Composite, "Somebody at a free mail provider speaks of large sums or asks a stranger for trust.",
        |f| when(free_mail(f) && at_least(f, &["fraud_2", "wealth_2", "stranger_2", "lender_2", "lottery_2"], 1), "money and free mail"),
        fires: ["From: a@gmail.com\nSubject: x\n\nmy late husband, next of kin, million dollars, the funds\n"],
        quiet: ["From: a@example.org\nSubject: x\n\nmy late husband, next of kin, million dollars\n", "From: a@gmail.com\nSubject: x\n\nlunch?\n"]),
    sign!(Fitted, "stranger_with_wealth", Composite, "A stranger introduces themselves and speaks of large sums.",
        |f| when(all(f, &["stranger", "wealth"]) && at_least(f, &["stranger_2", "wealth_2", "fraud_2", "large_sum", "dear"], 2), "introduction and money"),
        fires: ["Subject: x\n\nDear friend, my name is Ann, with due respect: my late husband left $5,000,000.00, the funds, bank account\n"],
        quiet: ["Subject: x\n\nmy name is Ann\n"]),
    sign!(Fitted, "stranger_wants_answer", Composite, "A short text without a link: somebody who names no one wants an answer.",
        |f| {
            let short = f.shown().len() < SHORT && f.clicks().next().is_none();
            when(short && at_least(f, &["dear", "one_word_subject", "empty_subject", "loud_subject"], 1) && all(f, &["stranger"]), "asks a stranger")
        },
        fires: ["Subject: HELLO FRIEND\n\nDear friend, I have a proposal for you.\n"],
        quiet: ["Subject: x\n\nI have a proposal for you: https://a.example/\n", "Subject: lunch on Monday\n\nsee you\n"]),
    sign!(Fitted, "fortunes", Composite, "Fortunes of several kinds: of the dead, of banks, of lotteries, of somebody who is ill.",
        |f| when(at_least(f, FORTUNES, 2), "two kinds"),
        fires: ["Subject: x\n\nmy late husband, next of kin, million dollars, branch manager, excess profit\n"],
        quiet: ["Subject: x\n\nthe branch manager has a head office\n", "Subject: x\n\nlunch?\n"]),
    sign!(Fitted, "fortunes_of_many_kinds", Composite, "Fortunes of four kinds or more.",
        |f| when(at_least(f, FORTUNES, 4), "four kinds"),
        fires: ["Subject: x\n\nmy name is Ann, with due respect: my late husband, next of kin, million dollars, bank account; branch manager, excess profit; atm card, your full name\n"],
        quiet: ["Subject: x\n\nmy late husband, next of kin, million dollars\n"]),
    sign!(Fitted, "fortunes_from_free_mail", Composite, "Fortunes of several kinds, from or for an address of a free mail provider.",
        |f| when(free_mail(f) && at_least(f, FORTUNES, 2), "two kinds and free mail"),
        fires: ["From: a@gmail.com\nSubject: x\n\nmy late husband, next of kin, million dollars, branch manager, excess profit\n"],
        quiet: ["From: a@gmail.com\nSubject: x\n\nthe branch manager\n"]),
    sign!(Fitted, "fortunes_for_nobody", Composite, "Fortunes for readers that the header does not name, or whose answers go elsewhere.",
        |f| when(at_least(f, FORTUNES, 1) && at_least(f, &["hr_01_to_without_address", "reply_to_other_domain", "free_mail_changes", "sender_is_recipient", "to_is_generic"], 1), "a fortune for nobody"),
        fires: ["To: undisclosed-recipients:;\nSubject: x\n\nmy late husband, next of kin\n"],
        quiet: ["To: b@example.net\nSubject: x\n\nmy late husband, next of kin\n", "To: undisclosed-recipients:;\nSubject: x\n\nlunch?\n"]),
    sign!(Fitted, "stranger_opens", Composite, "A short letter without a link, a quotation or a business: a stranger wants an answer.", stranger_opens,
        fires: ["From: a@example.org\nSubject: Hello\n\nHello dear, did you receive my last email? Please reply.\n"],
        quiet: ["From: a@example.org\nSubject: Re: Hello\nIn-Reply-To: <1@example.org>\n\nHello dear, did you receive my last email? Please reply.\n", "From: a@example.org\nSubject: Hello\n\nHello dear, see https://a.example/ and please reply.\n", "From: a@example.org\nSubject: lunch\n\nsee you\n"]),
    sign!(Fitted, "sum_in_words_and_digits", Composite, "A sum stands in words and in digits, as contracts have it, in a letter of somebody who gives it away.",
        |f| sum_twice(f),
        fires: ["Subject: x\n\nmy bank made a profit of Four Million Two Hundred Thousand Pounds (\u{a3}4,200,000.00)\n"],
        quiet: ["Subject: x\n\nfour million people, (4,200,000)\n", "Subject: x\n\nthe price is $4,200,000.00\n"]),
    sign!(Fitted, "offer_on_a_false_way", Composite, "An offer whose way hides where it was written.",
        |f| when(at_least(f, OFFERS, 1) && at_least(f, WAYS, 1), "an offer on a false way"),
        fires: ["Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nfree quote\n"],
        quiet: ["Subject: x\n\nfree quote\n", "Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nlunch?\n"]),
    sign!(Fitted, "html_on_a_false_way", Composite, "HTML alone, without a program's name, whose way hides where it was written.",
        |f| when(all(f, &["html_only", "no_program"]) && at_least(f, WAYS, 1), "HTML on a false way"),
        fires: ["Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\nContent-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["Subject: x\nContent-Type: text/html\n\n<p>x</p>\n", "Subject: x\nReceived: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x\n\nx\n"]),
    sign!(Fitted, "false_way_in_several_ways", Composite, "The way is false or hidden in three ways or more.",
        |f| when(at_least(f, WAYS, 3), "three ways"),
        fires: ["From: a@yahoo.com\nReceived: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
        quiet: ["Received: from a.example (unknown [192.0.2.7]) by b.example with SMTP; x"]),
    sign!(Fitted, "money_written_loud", Composite, "Large sums, in capitals or exclamations.",
        |f| when(at_least(f, &["large_sum", "wealth_2", "fraud_2", "getrich_2", "money_in_subject"], 1) && at_least(f, &["loud_subject", "loud_text", "mostly_capitals", "much_exclaiming_subject", "many_exclamations"], 1), "loud about money"),
        fires: ["Subject: YOUR PAYMENT\n\nthe sum of $25,500,000.00 is yours\n"],
        quiet: ["Subject: x\n\nthe sum of $25,500,000.00 is yours\n"]),
    sign!(Fitted, "wins_and_links_elsewhere", Composite, "Something was won or waits, and the link leads to neither the sender nor a known place.",
        |f| when(all(f, &["links_elsewhere"]) && at_least(f, &["lottery", "parcel", "promise_2", "gamble"], 1) && at_least(f, &["exclaiming_subject", "urgency", "emoji_in_subject", "html_only", "click"], 1), "a prize elsewhere"),
        fires: ["From: a@example.org\nSubject: Winner!\nContent-Type: text/html\n\n<a href=http://b.example/>claim your prize</a>\n"],
        quiet: ["From: a@example.org\nSubject: x\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"]),
    sign!(Fitted, "account_and_link_elsewhere", Composite, "An account has to be confirmed, at a place that is not the sender's.",
        |f| when(all(f, &["account", "links_elsewhere"]) && at_least(f, &["account_2", "urgency", "dear", "click"], 1), "an account elsewhere"),
        fires: ["From: a@example.org\nSubject: x\nContent-Type: text/html\n\nsecurity alert: <a href=http://b.example/>verify your account</a>\n"],
        quiet: ["From: a@example.org\nSubject: x\nContent-Type: text/html\n\nsecurity alert: <a href=http://example.org/>verify your account</a>\n"]),
    sign!(Fitted, "brand_and_link_elsewhere", Composite, "A well-known company's name, without its domain in sender or links.",
        |f| when(at_least(f, &["borrowed_brand", "brand_in_local_part"], 1) && all(f, &["links_elsewhere"]), "a brand elsewhere"),
        fires: ["From: PayPal Service <x@evil.example>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
        quiet: ["From: Ann <x@example.org>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"]),
    sign!(Fitted, "nothing_is_the_senders", Composite, "Message-ID, links and the way all belong to others than the sender's domain.",
        |f| when(all(f, &["links_elsewhere", "id_host_other_than_sender", "sender_not_on_route"]), "nothing of the sender's"),
        fires: ["From: a@example.org\nMessage-ID: <1@example.com>\nReceived: from c.example (c.example [192.0.2.1]) by mx.example.net; x\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
        quiet: ["From: a@example.org\nMessage-ID: <1@example.org>\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"]),
    sign!(Fitted, "offer_with_excuse", Composite, "An offer, and an excuse for sending it.",
        |f| when(at_least(f, &["excuse_2", "leave_4"], 1) && at_least(f, &["seller_2", "getrich_2", "finance_2", "goods_2", "drugs", "explicit", "mailing_2", "advertisement_tag"], 1), "an offer and an excuse"),
        fires: ["Subject: x\n\nfree quote, no obligation, order now. This is not spam, to be removed write\n"],
        quiet: ["Subject: x\n\nfree quote, no obligation\n"]),
    sign!(Fitted, "offer_without_list_fields", Composite, "The text says how to leave and sells something, the header says nothing of a list.",
        |f| when(at_least(f, &["leave_2", "excuse"], 1) && at_least(f, &["seller", "getrich", "finance", "goods", "pharma", "diet"], 2) && !at_least(f, &["list_unsubscribe", "list_id", "precedence_bulk"], 1), "an offer without List-Unsubscribe"),
        fires: ["Subject: x\n\nfree quote, lowest rate, mortgage; unsubscribe, to be removed write\n"],
        quiet: ["List-Unsubscribe: <mailto:a@example.org>\nSubject: x\n\nfree quote, lowest rate, mortgage; unsubscribe, to be removed write\n"]),
    sign!(Fitted, "offer_from_free_mail", Composite, "Somebody at a free mail provider sells something.",
        |f| when(free_mail(f) && at_least(f, &["seller_2", "getrich_2", "finance_2", "goods_2", "drugs", "explicit", "mailing_2", "software_2", "stock_2"], 1), "an offer by free mail"),
        fires: ["From: a@yahoo.com\nSubject: x\n\nviagra\n"], quiet: ["From: a@example.org\nSubject: x\n\nviagra\n"]),
    sign!(Fitted, "offer_with_stamp", Composite, "An offer whose subject ends in a number or noise.",
        |f| when(at_least(f, &["hr_05_blanks_in_subject", "hr_06_stamp_in_subject", "tail_in_subject", "noise_words"], 1) && at_least(f, &["seller", "getrich", "finance", "goods", "pharma", "diet", "adult", "drugs", "explicit"], 1), "an offer with a stamp"),
        fires: ["Subject: Free quote     94821\n\nfree quote\n"], quiet: ["Subject: Free quote\n\nfree quote\n"]),
    sign!(Fitted, "html_of_random_sender", Composite, "HTML without a plain text from an address that a program made.",
        |f| when(all(f, &["html_only"]) && at_least(f, &["random_local_part", "random_domain", "random_envelope_sender", "id_host_random", "random_link_host"], 1), "HTML of nobody"),
        fires: ["From: xkqjzvbwpt@example.org\nContent-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["From: ann@example.org\nContent-Type: text/html\n\n<p>x</p>\n"]),
    sign!(Fitted, "picture_link_elsewhere", Composite, "Hardly a word, and a picture or link that leads elsewhere.",
        |f| when(at_least(f, &["picture_only", "linked_picture", "link_and_little_text"], 1) && all(f, &["links_elsewhere", "html_only"]), "a picture that leads elsewhere"),
        fires: ["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/><img src=http://b.example/x.jpg></a>\n"],
        quiet: ["From: a@b.example\nContent-Type: text/html\n\n<a href=http://b.example/><img src=http://b.example/x.jpg></a>\n"]),
    sign!(Fitted, "drugs_disguised", Composite, "Medicines are sold, in words that are written past filters.",
        |f| when(at_least(f, &["disguised_word", "digits_for_letters", "spaced_letters", "split_words", "mixed_letters_in_text"], 1) && at_least(f, &["drugs", "pharma", "explicit", "diet", "disguised_word"], 2), "disguised medicines"),
        fires: ["Subject: x\n\nv1agra and c1alis, valium without a prescription\n"], quiet: ["Subject: x\n\nvalium\n"]),
    sign!(Fitted, "program_and_way_false", Composite, "Program or Message-ID are claimed falsely, and so is the way.",
        |f| when(at_least(f, &["express_without_mime_ole", "outlook_boundary_elsewhere", "outlook_with_other_boundary", "id_of_outlook_elsewhere", "ms_priority_without_ole", "id_malformed", "program_random", "date_zone_impossible"], 1) && at_least(f, &["greeting_borrowed", "greeting_is_address", "greeting_of_recipient", "claimed_provider_not_on_route", "client_unknown", "client_dynamic", "greeting_dynamic"], 1), "a false program on a false way"),
        fires: ["X-Mailer: Microsoft Outlook Express 6.00\nReceived: from 192.0.2.7 (unknown [192.0.2.7]) by a.example with SMTP; x"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00"]),
];

/// Families of what strangers write who want to pay, give or share: two phrases or more of each.
const FORTUNES: &[&str] = &["fraud_2", "wealth_2", "insider_2", "donor_2", "payout_2", "lottery_2", "stranger_2"];
/// Ways that say little alone: the client hides who it is, or is not where its sender is.
const WAYS: &[&str] = &[
    "claimed_provider_not_on_route",
    "client_unknown",
    "client_dynamic",
    "greeting_is_address",
    "greeting_borrowed",
    "greeting_of_recipient",
    "greeting_dynamic",
    "local_host_claimed",
    "id_of_recipient",
    "address_impossible",
    "server_id_odd",
    "hops_go_back_in_time",
];
/// What is offered, one phrase or two.
const OFFERS: &[&str] = &[
    "seller",
    "getrich_2",
    "finance_2",
    "goods_2",
    "drugs",
    "explicit",
    "diet_2",
    "mailing_2",
    "excuse_2",
    "pharma_2",
    "lottery_2",
    "stock_2",
    "degree_2",
    "gamble_2",
    "software_2",
];

/// Whether a sign of another family is seen.
fn seen(f: &Facts, id: &str) -> bool {
    static PLACES: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    let places = PLACES.get_or_init(|| {
        let others = all_rows().enumerate().filter(|(_, row)| !SIGNS.iter().any(|own| own.id == row.id));
        others.map(|(at, row)| (row.id, at)).collect()
    });
    places.get(id).is_some_and(|at| look(f, *at).is_some())
}

fn all(f: &Facts, ids: &[&str]) -> bool {
    ids.iter().all(|id| seen(f, id))
}

fn at_least(f: &Facts, ids: &[&str], fewest: usize) -> bool {
    ids.iter().filter(|id| seen(f, id)).take(fewest).count() >= fewest
}

/// A short letter in which a stranger wants an answer, and says nothing of a thread or a place.
fn stranger_opens(f: &Facts) -> Option<String> {
    let short = (1..SHORT).contains(&f.shown().trim().len()) && f.clicks().next().is_none();
    let threaded = f.has("in-reply-to") || f.has("references") || f.has_message;
    let opens = at_least(f, &["opener_2"], 1)
        || at_least(f, &["opener"], 1) && at_least(f, &["dear", "suitor", "donor", "insider", "payout", "stranger"], 2);
    when(short && !threaded && opens, "asks a stranger")
}

/// A sum in words, and right behind it the same in digits, in brackets.
fn sum_twice(f: &Facts) -> Option<String> {
    let text = f.folding.text.as_str();
    // Little is looked at around each bracket, and what costs least first: many brackets hide nothing.
    text.match_indices('(').find_map(|(at, _)| {
        let behind = text.get(at.saturating_add(1)..)?;
        let inside = behind.get(..behind.floor_char_boundary(SUM)).and_then(|near| near.split(')').next())?;
        if inside.bytes().filter(u8::is_ascii_digit).count() < 5 {
            return None;
        }
        let sum =
            inside.contains(['$', '€', '£']) || ["usd", "eur", "gbp", "us"].iter().any(|mark| inside.contains(mark));
        if !sum {
            return None;
        }
        let from = text.floor_char_boundary(at.saturating_sub(SUM_IN_WORDS));
        let before = text.get(from..at).unwrap_or("");
        let words = ["million", "thousand", "hundred", "billion"].iter().any(|word| before.contains(word));
        when(words, inside)
    })
}

fn free_mail(f: &Facts) -> bool {
    at_least(f, &["free_mail_sender", "reply_to_free_mail", "free_mail_changes"], 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_hide_no_sum_that_stands_twice() {
        let row = SIGNS.iter().find(|row| row.id == "sum_in_words_and_digits").unwrap();
        let look = |text: &str| {
            let raw = ["Subject: x\r\n\r\n", text, "\r\n"].concat();
            let graph = mail::graph::parse(raw.as_bytes(), &mail::graph::Limits::default());
            (row.check)(&Facts::of(&graph, Vec::new(), crate::spam::Session::default()))
        };
        let sum = "four million dollars (us$4,000,000)";
        for padding in ["( ", "() ", "(us$1,234,567) "] {
            let padding = padding.repeat(20_000);
            assert_eq!(look(&padding), None);
            assert!(look(&[padding.as_str(), sum].concat()).is_some());
        }
    }

    #[test]
    fn parts_of_conjunctions_are_signs() {
        let source = include_str!("composite.rs");
        let known: Vec<&str> = all_rows().map(|row| row.id).collect();
        let calls = source.split("#[cfg(test)]").next().unwrap_or("").split("(f, &[").skip(1);
        for list in calls.filter_map(|call| call.split(']').next()) {
            for id in list.split(',').map(|id| id.trim().trim_matches('"')).filter(|id| !id.is_empty()) {
                assert!(known.contains(&id), "{id}");
            }
        }
    }
}
