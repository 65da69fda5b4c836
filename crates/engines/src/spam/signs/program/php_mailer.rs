//! A library for web sites wrote it.

use mail::evidence::SignGroup;

use super::mailer;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "php_mailer",
    group: SignGroup::Program,
    points: Points::Fitted(119),
    about: "A library for web sites wrote it.",
    check,
    #[cfg(test)]
    fires: &["X-Mailer: PHPMailer 6.6.5", "X-Mailer: PHP/7.4.33"],
    #[cfg(test)]
    quiet: &["X-Mailer: Microsoft Outlook"],
};

fn check(f: &Facts) -> Option<String> {
    let named = mailer(f);
    [
        "phpmailer",
        "php/",
        "swiftmailer",
        "wordpress",
        "joomla",
        "leaf php",
        "php mailer",
        "nodemailer",
        "python",
        "indy ",
        "jmail",
        "aspmail",
        "aspqmail",
        "cdo",
        "libwww",
        "powermta",
        "mime::lite",
        "smtp.js",
    ]
    .iter()
    .find(|p| named.contains(**p))
    .map(|_| named.clone())
}
