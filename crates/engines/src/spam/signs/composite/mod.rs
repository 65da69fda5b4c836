//! Conjunctions: signs that say little alone and much together. Each names a practice of spammers; its
//! parts are signs of other families, looked at whatever their own points are.

mod account_and_link_elsewhere;
mod brand_and_link_elsewhere;
mod drugs_disguised;
mod false_way_in_several_ways;
mod fortunes;
mod fortunes_for_nobody;
mod fortunes_from_free_mail;
mod fortunes_of_many_kinds;
mod fraud_from_free_mail;
mod html_of_random_sender;
mod html_on_a_false_way;
mod money_written_loud;
mod nothing_is_the_senders;
mod offer_from_free_mail;
mod offer_nobody_signed;
mod offer_on_a_false_way;
mod offer_with_excuse;
mod offer_with_stamp;
mod offer_without_list_fields;
mod offers_to_reader;
mod picture_link_elsewhere;
mod program_and_way_false;
mod reader_on_a_false_way;
mod stranger_opens;
mod stranger_wants_answer;
mod stranger_with_wealth;
mod sum_in_words_and_digits;
mod wins_and_links_elsewhere;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::spam::{Facts, Row, all as all_rows, look};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    fraud_from_free_mail::SIGN,
    stranger_with_wealth::SIGN,
    stranger_wants_answer::SIGN,
    fortunes::SIGN,
    fortunes_of_many_kinds::SIGN,
    fortunes_from_free_mail::SIGN,
    fortunes_for_nobody::SIGN,
    stranger_opens::SIGN,
    sum_in_words_and_digits::SIGN,
    offer_on_a_false_way::SIGN,
    html_on_a_false_way::SIGN,
    false_way_in_several_ways::SIGN,
    money_written_loud::SIGN,
    wins_and_links_elsewhere::SIGN,
    account_and_link_elsewhere::SIGN,
    brand_and_link_elsewhere::SIGN,
    nothing_is_the_senders::SIGN,
    offer_with_excuse::SIGN,
    offer_without_list_fields::SIGN,
    offer_nobody_signed::SIGN,
    offer_from_free_mail::SIGN,
    offer_with_stamp::SIGN,
    html_of_random_sender::SIGN,
    picture_link_elsewhere::SIGN,
    drugs_disguised::SIGN,
    program_and_way_false::SIGN,
    offers_to_reader::SIGN,
    reader_on_a_false_way::SIGN,
];

/// Most bytes of shown text that are little text for somebody who wants money.
const SHORT: usize = 2000;

/// Families of what strangers write who want to pay, give or share: two phrases or more of each.
const FORTUNES: &[&str] = &["fraud_2", "wealth_2", "insider_2", "donor_2", "payout_2", "lottery_2", "stranger_2"];

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

/// What is offered or asked for, two phrases or more.
const PITCHES: &[&str] = &[
    "account_2",
    "click_2",
    "urgency_2",
    "promise_2",
    "leave_2",
    "goods_2",
    "seller_2",
    "getrich_2",
    "finance_2",
    "adult_2",
    "pharma_2",
    "diet_2",
    "mailing_2",
    "income_2",
    "lottery_2",
    "stranger_2",
    "excuse_2",
];

/// Ways that say little alone: the client hides who it is, or is not where its sender is.
const WAYS: &[&str] = &[
    "claimed_provider_not_on_route",
    "client_unknown",
    "client_dynamic",
    "greeting_is_address",
    "greeting_borrowed",
    "greeting_of_recipient",
    "greeting_dynamic",
    "id_of_recipient",
    "address_impossible",
    "server_id_odd",
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

/// Whether the header says that it went to a list.
fn has_list_fields(f: &Facts) -> bool {
    at_least(f, &["list_unsubscribe", "list_id", "precedence_bulk"], 1)
}

fn free_mail(f: &Facts) -> bool {
    at_least(f, &["free_mail_sender", "reply_to_free_mail", "free_mail_changes"], 1)
}
