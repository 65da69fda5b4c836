//! The name of the client's address does not lead back to it (EX-08).

use mail::evidence::AuthResult;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "reverse_elsewhere",
    points: 40,
    about: "The name of the client's address does not lead back to it (EX-08).",
    check,
    #[cfg(test)]
    fires: &[|it| it.reverse(AuthResult::Fail, "host.example.com")],
    #[cfg(test)]
    quiet: &[|_| (), |it| it.reverse(AuthResult::Pass, "host.example.com"), |it| it.reverse(AuthResult::Fail, "")],
};

fn check(origin: &Origin) -> Option<String> {
    let (_, reverse) = origin.reverse?;
    let elsewhere = reverse.result == AuthResult::Fail && !reverse.name.raw().is_empty();
    elsewhere.then(|| reverse.name.escaped(80))
}
