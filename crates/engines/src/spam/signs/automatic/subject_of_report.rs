//! The subject is that of a delivery report or an automatic reply.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "subject_of_report",
    group: SignGroup::Automatic,
    points: Points::Fixed(250),
    about: "The subject is that of a delivery report or an automatic reply.",
    check,
    #[cfg(test)]
    fires: &["Subject: Undelivered Mail Returned to Sender", "Subject: Automatische Antwort: x"],
    #[cfg(test)]
    quiet: &["Subject: x"],
};

fn check(f: &Facts) -> Option<String> {
    let subject = &f.subject_folding.text;
    let words = [
        "undeliver",
        "delivery status notification",
        "returned mail",
        "mail delivery fail",
        "delivery failure",
        "failure notice",
        "delivery has failed",
        "mail system error",
        "out of office",
        "automatic reply",
        "auto-reply",
        "autoreply",
        "abwesenheit",
        "automatische antwort",
        "unzustellbar",
        "reponse automatique",
        "respuesta automatica",
        "non remis",
        "no se puede entregar",
        "delayed mail",
        "warning: could not send",
        "message could not be delivered",
        "nicht zustellbar",
    ];
    words.iter().find(|w| subject.contains(**w)).map(|w| (*w).to_owned())
}
