//! The author is new, and wants money: an invoice, a bank, a wallet, a prize.

use mail::evidence::Sign;

use super::new_author;
use crate::origin::{Origin, OriginSign};

/// Families of phrases about money; `_2` and `_4` at their ends count phrases.
const PAYMENT: [&str; 5] = ["fraud", "invoice", "wallet", "finance", "lottery"];

pub(super) const SIGN: OriginSign = OriginSign {
    id: "first_contact_payment",
    points: 100,
    about: "The author is new, and wants money: an invoice, a bank, a wallet, a prize.",
    check,
    #[cfg(test)]
    fires: &[|it| {
        it.new_author();
        it.seen = &["invoice_2"];
    }],
    #[cfg(test)]
    quiet: &[
        |it| it.new_author(),
        |it| {
            it.new_author();
            it.seen = &["invoice", "dear_2"];
        },
        |it| it.seen = &["invoice_2"],
    ],
};

fn check(origin: &Origin) -> Option<String> {
    new_author(origin)?;
    let about_money = |it: &&Sign| {
        let name = it.id.trim_end_matches(|c: char| c.is_ascii_digit());
        name.len() < it.id.len() && PAYMENT.contains(&name.trim_end_matches('_'))
    };
    let other = origin.report.spam().signs().iter().find(about_money)?;
    Some(format!("with {}", other.id))
}
