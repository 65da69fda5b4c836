//! The client's address has no name (EX-08).

use mail::evidence::AuthResult;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "reverse_missing",
    points: 80,
    about: "The client's address has no name (EX-08).",
    check,
    #[cfg(test)]
    fires: &[|it| it.reverse(AuthResult::Fail, "")],
    #[cfg(test)]
    quiet: &[|_| (), |it| it.reverse(AuthResult::TempError, ""), |it| it.reverse(AuthResult::Fail, "host.example.com")],
};

fn check(origin: &Origin) -> Option<String> {
    let (ip, name) = origin.reverse?;
    (name.result == AuthResult::Fail && name.name.raw().is_empty()).then(|| ip.to_string())
}
