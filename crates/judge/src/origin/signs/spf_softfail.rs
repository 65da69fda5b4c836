//! SPF says that the sender's domain probably does not send from there.

use mail::evidence::AuthResult;

use super::spf;
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "spf_softfail",
    points: 60,
    about: "SPF says that the sender's domain probably does not send from there.",
    check,
    #[cfg(test)]
    fires: &[|it| it.auth.spf.result = AuthResult::SoftFail],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.auth.spf.result = AuthResult::Fail,
        |it| {
            it.auth.spf.result = AuthResult::SoftFail;
            it.author("example.com").result = AuthResult::Pass;
        },
        |it| {
            it.auth.spf.result = AuthResult::SoftFail;
            it.policy.authentication.enabled = false;
        },
    ],
};

fn check(origin: &Origin) -> Option<String> {
    spf(origin).filter(|spf| spf.result == AuthResult::SoftFail).map(|spf| spf.domain.escaped(80))
}
