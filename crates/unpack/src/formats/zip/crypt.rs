//! Opening encrypted members with the passwords of the examination.
//!
//! A password counts only when the content proves it: by the checksum and size that the headers state,
//! or by the code behind AES data. What decodes as a whole but is not what the headers say is given too,
//! since programs give it to their users; it stays reported as encrypted and damaged.
//! Limits: [`MAX_FAILED`], and the share of the budget that trials have.

use mail::evidence::{PasswordSource, UnscannedReason};

use super::Zip;
use super::header::Header;
use crate::budget::Budget;
use crate::container::Member;
use crate::decode::{Decoded, End, Method};
use crate::decrypt::forms;
use crate::decrypt::zip::{Aes, old};

/// So many members that no password opened; on further ones only the password that opened others is
/// tried.
const MAX_FAILED: u32 = 16;

/// What a password made of a member, and what speaks against it.
type Tried = (Vec<u8>, Vec<UnscannedReason>);

/// A member opened.
struct Opened {
    content: Vec<u8>,
    source: PasswordSource,
    /// What speaks against it; nothing: it is surely what was encrypted.
    problems: Vec<UnscannedReason>,
}

impl Zip {
    /// Gives the content of an encrypted member, or says that it is encrypted; how many bytes of
    /// `packed` were surely its own.
    pub(super) fn unlock(
        &mut self,
        member: &mut Member,
        header: &Header,
        packed: &[u8],
        data: &[u8],
        budget: &mut Budget,
    ) -> usize {
        match self.open_sealed(header, packed, data, budget) {
            Some(opened) => {
                member.content = opened.content;
                member.opened_with = Some(opened.source);
                if opened.problems.is_empty() {
                    return packed.len();
                }
                for problem in opened.problems {
                    member.problem(problem);
                }
            }
            None => member.problem(UnscannedReason::Encrypted),
        }
        0
    }

    fn open_sealed(&mut self, header: &Header, packed: &[u8], data: &[u8], budget: &mut Budget) -> Option<Opened> {
        let aes = header.aes(data);
        if header.is_strong() || header.is_aes() && aes.is_none() || self.is_read_out() {
            return None;
        }
        let passwords = budget.passwords();
        let known = self.password.clone();
        let first = known.iter().map(|(password, source)| (password.as_str(), *source));
        let others = passwords.iter().take(if self.failed < MAX_FAILED { usize::MAX } else { 0 });
        let mut unsure: Option<Opened> = None;
        for (password, source) in first.chain(others) {
            for form in forms(password) {
                let opened = match aes {
                    Some(aes) => self.try_aes(aes, &form, header, packed, budget)?,
                    None => self.try_old(&form, header, packed, budget)?,
                };
                let Some((content, problems)) = opened else { continue };
                let opened = Opened { content, source, problems };
                if !opened.problems.contains(&UnscannedReason::Encrypted) {
                    self.password = Some((password.to_owned(), source));
                    return Some(opened);
                }
                unsure.get_or_insert(opened);
            }
        }
        self.failed = self.failed.saturating_add(1);
        unsure
    }

    /// One password for AES. The outer `None`: nothing more may be tried; the inner one: it is wrong.
    #[allow(clippy::option_option)]
    fn try_aes(
        &mut self,
        aes: Aes,
        password: &[u8],
        header: &Header,
        packed: &[u8],
        budget: &mut Budget,
    ) -> Option<Option<Tried>> {
        if !budget.may_try(aes.fuel()) {
            return None;
        }
        let Some(undone) = aes.undo(password, packed) else { return Some(None) };
        if !budget.may_try(packed.len() as u64) {
            return None;
        }
        let Some(mut plain) = header.opened_as(aes.method) else { return Some(None) };
        let Some((decoded, method)) = self.decode_plain(&plain, &undone.content, budget) else {
            return Some(None);
        };
        if aes.unsummed {
            plain.crc = decoded.crc;
        }
        let met = plain.is_met(method, &decoded, undone.content.len());
        let mut problems = against(&decoded, met && undone.proven);
        // Two bytes were right. Where the rest is not, the data is damaged, or it was made to look so.
        if !undone.proven {
            problems.push(UnscannedReason::Encrypted);
        }
        Some(Some((decoded.content, problems)))
    }

    /// One password for the old cipher; the result is that of [`Zip::try_aes`].
    #[allow(clippy::option_option)]
    fn try_old(
        &mut self,
        password: &[u8],
        header: &Header,
        packed: &[u8],
        budget: &mut Budget,
    ) -> Option<Option<Tried>> {
        if !budget.may_try(password.len().saturating_add(64) as u64) {
            return None;
        }
        let Some(content) = old(password, packed, header.checks()) else { return Some(None) };
        if !budget.may_try(content.len() as u64) {
            return None;
        }
        let Some(plain) = header.opened_as(header.method) else { return Some(None) };
        let Some((decoded, method)) = self.decode_plain(&plain, &content, budget) else { return Some(None) };
        let met = plain.is_met(method, &decoded, content.len());
        // One byte was right, which says little; a stream that is whole says more.
        let whole = decoded.end == End::Complete && method != Method::Stored && decoded.consumed == content.len();
        let limited = matches!(decoded.end, End::Limit(_));
        let mut problems = against(&decoded, met);
        if !met {
            problems.push(UnscannedReason::Encrypted);
        }
        Some((met || whole || limited).then_some((decoded.content, problems)))
    }

    fn decode_plain(&mut self, plain: &Header, content: &[u8], budget: &mut Budget) -> Option<(Decoded, Method)> {
        let method = plain.compression()?;
        Some((self.decode(method, content, budget), method))
    }
}

/// What speaks against content that was decoded: a limit, or that it is not what the headers say.
fn against(decoded: &Decoded, met: bool) -> Vec<UnscannedReason> {
    match decoded.end {
        _ if met => Vec::new(),
        End::Limit(limit) => vec![limit.into()],
        _ => vec![UnscannedReason::Damaged],
    }
}
