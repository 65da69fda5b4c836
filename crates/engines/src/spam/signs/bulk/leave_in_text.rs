//! The text says how to leave.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "leave_in_text",
    group: SignGroup::Bulk,
    points: Points::Fixed(200),
    about: "The text says how to leave.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nClick here to unsubscribe.\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhello\n"],
};

fn check(f: &Facts) -> Option<String> {
    let words = [
        "unsubscribe",
        "abmelden",
        "abbestellen",
        "desabonner",
        "desinscrire",
        "darse de baja",
        "cancelar suscripcion",
        "descadastr",
        "cancelar a inscricao",
        "annulla l'iscrizione",
        "disiscriver",
        "uitschrijven",
        "afmelden",
        "отписаться",
        "配信停止",
        "退订",
        "수신거부",
        "opt out",
        "opt-out",
        "manage preferences",
        "email preferences",
        "wypisz",
        "avregistrera",
    ];
    words.iter().find(|w| f.words.contains(**w)).map(|w| (*w).to_owned())
}
