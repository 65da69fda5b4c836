//! Addresses of the web: where they lead, what they show, what they hide.

mod affiliate_link;
mod deep_link_host;
mod digits_in_link_host;
mod link_escaped_host;
mod link_much_escaped;
mod link_punycode;
mod link_script_or_data;
mod link_shortened;
mod link_shows_other_host;
mod link_to_address;
mod link_to_cheap_domain;
mod link_to_free_host;
mod link_to_number;
mod link_with_port;
mod link_with_user;
mod link_without_tls;
mod link_words;
mod links_elsewhere;
mod links_to_strangers;
mod mailto_to_leave;
mod more_link_hosts_than_asked;
mod one_place_many_links;
mod open_redirect;
mod random_link_host;
mod random_link_path;

use crate::spam::facts::Link;
use crate::spam::{Facts, Row};

/// The signs of the family, in the order of the documentation.
pub(crate) const SIGNS: &[Row] = &[
    link_to_address::SIGN,
    link_to_number::SIGN,
    link_with_user::SIGN,
    link_with_port::SIGN,
    link_escaped_host::SIGN,
    link_much_escaped::SIGN,
    link_punycode::SIGN,
    link_shortened::SIGN,
    link_to_free_host::SIGN,
    link_to_cheap_domain::SIGN,
    link_shows_other_host::SIGN,
    open_redirect::SIGN,
    random_link_host::SIGN,
    digits_in_link_host::SIGN,
    deep_link_host::SIGN,
    links_elsewhere::SIGN,
    links_to_strangers::SIGN,
    one_place_many_links::SIGN,
    random_link_path::SIGN,
    affiliate_link::SIGN,
    more_link_hosts_than_asked::SIGN,
    link_script_or_data::SIGN,
    link_words::SIGN,
    link_without_tls::SIGN,
    mailto_to_leave::SIGN,
];

/// The first link that somebody clicks on, of a kind.
fn find(f: &Facts, is_it: impl Fn(&Link) -> bool) -> Option<String> {
    f.clicks().find(|link| is_it(link)).map(|link| link.raw.chars().take(100).collect())
}
