//! SPF says that the sender's domain does not send from there.

use mail::evidence::AuthResult;

use super::spf;
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "spf_fail",
    points: 150,
    about: "SPF says that the sender's domain does not send from there.",
    check,
    #[cfg(test)]
    fires: &[|it| it.auth.spf.result = AuthResult::Fail],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.auth.spf.result = AuthResult::SoftFail,
        |it| {
            it.auth.spf.result = AuthResult::Fail;
            it.author("example.com").result = AuthResult::Pass;
        },
        |it| {
            it.auth.spf.result = AuthResult::Fail;
            it.policy.authentication.enabled = false;
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    spf(origin).filter(|spf| spf.result == AuthResult::Fail).map(|spf| spf.domain.escaped(80))
}
