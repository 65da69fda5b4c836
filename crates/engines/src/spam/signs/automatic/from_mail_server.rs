//! The sender is a mail server's own: mailer-daemon or postmaster.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "from_mail_server",
    group: SignGroup::Automatic,
    points: Points::Fixed(250),
    about: "The sender is a mail server's own: mailer-daemon or postmaster.",
    check,
    #[cfg(test)]
    fires: &["From: MAILER-DAEMON@example.org (Mail Delivery System)"],
    #[cfg(test)]
    quiet: &["From: a@example.org"],
};

fn check(f: &Facts) -> Option<String> {
    f.sender()
        .filter(|from| {
            matches!(
                from.local().to_lowercase().as_str(),
                "mailer-daemon"
                    | "postmaster"
                    | "mail-daemon"
                    | "mdaemon"
                    | "microsoftexchange329e71ec88ae4615bbc36ab6ce41109e"
            )
        })
        .map(|from| from.address.clone())
}
