//! DMARC of the author's domain fails; its owner wants such mail put aside or refused.

#[cfg(test)]
use mail::evidence::AuthResult;
use mail::evidence::DmarcPolicy;

use super::{failed_dmarc, wish};
use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "dmarc_fail_strict",
    points: 200,
    about: "DMARC of the author's domain fails; its owner wants such mail put aside or refused.",
    check,
    #[cfg(test)]
    fires: &[|it| {
        it.author("example.com").result = AuthResult::Fail;
        it.author("example.com").policy = DmarcPolicy::Quarantine;
    }],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.author("example.com").result = AuthResult::Fail,
        |it| it.author("example.com").policy = DmarcPolicy::Reject,
    ],
};

fn check(origin: &Origin) -> Option<String> {
    failed_dmarc(origin).filter(|_| wish(origin) != DmarcPolicy::None).map(|check| check.domain.escaped(80))
}
