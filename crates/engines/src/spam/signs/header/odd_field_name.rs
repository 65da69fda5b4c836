//! A field's name is not what a name may be, or looks made up.

use mail::evidence::SignGroup;

use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "odd_field_name",
    group: SignGroup::Header,
    points: Points::Fitted(0),
    about: "A field's name is not what a name may be, or looks made up.",
    check,
    #[cfg(test)]
    fires: &["X-qzvkbwpt: 1"],
    #[cfg(test)]
    quiet: &["X-Mailer: 1", "X-MS-Exchange-CrossTenant-Id: 1"],
};

fn check(f: &Facts) -> Option<String> {
    let odd = f.fields.iter().find(|field| {
        let name = field.name.as_str();
        let label = name.strip_prefix("X-").or_else(|| name.strip_prefix("x-")).unwrap_or("");
        let vowels =
            label.bytes().filter(|b| matches!(b.to_ascii_lowercase(), b'a' | b'e' | b'i' | b'o' | b'u' | b'y')).count();
        let made_up = label.len() >= 5 && label.bytes().all(|b| b.is_ascii_lowercase()) && vowels == 0;
        name.contains(' ') || made_up || name.bytes().any(|b| !(b'!'..=b'~').contains(&b))
    })?;
    Some(odd.name.clone())
}
