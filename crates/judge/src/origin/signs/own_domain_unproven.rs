//! It comes from outside, says that it is from a domain of ours, and nothing proves it.

use mail::evidence::AuthResult;

use crate::origin::{Origin, OriginSign};

pub(super) const SIGN: OriginSign = OriginSign {
    id: "own_domain_unproven",
    points: 200,
    about: "It comes from outside, says that it is from a domain of ours, and nothing proves it.",
    check,
    #[cfg(test)]
    fires: &[|it| it.author("mail.example.org").result = AuthResult::None],
    #[cfg(test)]
    quiet: &[
        |_| (),
        |it| it.author("mail.example.org").result = AuthResult::Pass,
        |it| it.author("mail.example.org").dkim_aligned = true,
        |it| it.author("example.com").result = AuthResult::Fail,
    ],
};

fn check(origin: &Origin) -> Option<String> {
    let claimed = origin.auth?.dmarc.iter().find(|check| origin.site.owns(check.domain.raw()))?;
    let unknown = matches!(claimed.result, AuthResult::Pass | AuthResult::TempError | AuthResult::PermError);
    // Anybody can seal: only those count whom the policy believes.
    let otherwise = claimed.spf_aligned || claimed.dkim_aligned || origin.is_vouched(claimed);
    if unknown || otherwise { None } else { Some(claimed.domain.escaped(80)) }
}
