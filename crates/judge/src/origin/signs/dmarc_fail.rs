//! DMARC of the author's domain fails; its owner asks for nothing.

#[cfg(test)]
use mail::evidence::AuthResult;
use mail::evidence::DmarcPolicy;

use super::{failed_dmarc, wish};
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "dmarc_fail",
    points: 100,
    about: "DMARC of the author's domain fails; its owner asks for nothing.",
    check,
    #[cfg(test)]
    fires: &[|it| it.author("example.com").result = AuthResult::Fail],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| {
            it.author("example.com").result = AuthResult::Fail;
            it.author("example.net").result = AuthResult::Fail;
            it.author("example.net").policy = DmarcPolicy::Reject;
        },
        |it| it.author("example.com").result = AuthResult::TempError,
    ],
};

fn check(origin: &Origin) -> Option<String> {
    failed_dmarc(origin).filter(|_| wish(origin) == DmarcPolicy::None).map(|check| check.domain.escaped(80))
}
