//! What a sender is told: a report (RFC 3464) about recipients that failed, take long, or went where nobody
//! reports. Never about a report, never to the null sender, and as NOTIFY asks (RFC 3461 section 4.1).

use judge::plan::ReplyText;
use mail::address::Address;
use mail::arrival::{Arrival, Direction, MessageId};
use mail::dsn::{Fate, Happened, MAX_RETURNED, Report};
use store::{NewQueued, NewRecipient, QueueKind, Queued, Standing, StoreError};

use super::{Told, direction};
use crate::spool::Spool;
use crate::{Service, id, sign};

/// The value of a parameter of MAIL or RCPT.
fn parameter<'a>(parameters: &'a str, name: &str) -> Option<&'a str> {
    parameters
        .split(' ')
        .filter_map(|word| word.split_once('='))
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// What a client asked for in its envelope: what followed the addresses in MAIL and in each RCPT (RFC 3461).
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Of the sender.
    pub mail: String,
    /// Of the recipients; one that is missing asked for nothing.
    pub recipients: Vec<(Address, String)>,
}

impl Asked {
    /// Of this recipient.
    pub(crate) fn of(&self, recipient: &Address) -> &str {
        let found = self.recipients.iter().find(|(address, _)| address == recipient);
        found.map_or("", |(_, parameters)| parameters.as_str())
    }
}

/// Whether these parameters of a recipient ask for a report of this kind; `otherwise` holds without NOTIFY.
fn notifies(parameters: &str, word: &str, otherwise: bool) -> bool {
    let wanted = parameter(parameters, "NOTIFY");
    wanted.map_or(otherwise, |list| list.split(',').any(|known| known.eq_ignore_ascii_case(word)))
}

/// What happened to a recipient that its sender wants to hear of. Without NOTIFY: failures and delays.
fn news(told: &Told, warn: bool) -> Option<Happened> {
    let asks = |word: &str, otherwise: bool| notifies(&told.parameters, word, otherwise);
    match told.standing {
        Standing::Failed => asks("FAILURE", true).then_some(Happened::Failed),
        Standing::Waiting if warn => asks("DELAY", true).then_some(Happened::Delayed),
        Standing::Waiting => None,
        Standing::Delivered => (asks("SUCCESS", false) && !told.reports).then_some(Happened::Relayed),
    }
}

/// The reports about an attempt: one or none.
pub(super) fn reports(
    service: &Service,
    mail: &Queued,
    told: &[Told],
    warn: bool,
    spool: &Spool,
    now: u64,
) -> Vec<(NewQueued, Vec<u8>)> {
    let Some(sender) = mail.mail.mail_from.as_ref().filter(|_| mail.mail.kind != QueueKind::Report) else {
        return Vec::new();
    };
    let max_age = service.current().outbox.load().max_age.0;
    let until = id::date(mail.mail.created_ms.saturating_add(max_age));
    let fate = |told| -> Option<Fate<'_>> {
        let told: &Told = told;
        let happened = news(told, warn)?;
        Some(Fate {
            address: &told.address,
            original: parameter(&told.parameters, "ORCPT"),
            happened,
            status: &told.status,
            said: Some(&told.said).filter(|said| !said.is_empty()).map(String::as_str),
            remote: Some(&told.hop).filter(|hop| !hop.is_empty()).map(String::as_str),
            until: (happened == Happened::Delayed).then_some(until.as_str()),
        })
    };
    let fates: Vec<Fate<'_>> = told.iter().filter_map(fate).collect();
    let parameters = mail.mail.parameters.as_str();
    let about = About {
        sender,
        arrived_ms: mail.mail.created_ms,
        parameters,
        whole: parameter(parameters, "RET").is_some_and(|ret| ret.eq_ignore_ascii_case("FULL")),
    };
    about.told(service, &fates, spool, now).into_iter().collect()
}

/// The message that a report is about.
struct About<'a> {
    /// Who hears of it.
    sender: &'a Address,
    /// When it came, in milliseconds since 1970.
    arrived_ms: u64,
    /// What MAIL said beside the sender.
    parameters: &'a str,
    /// Whether all of it comes back, unless it is too large; else its header.
    whole: bool,
}

impl About<'_> {
    /// The report; `None` where there is nothing to tell.
    fn told(&self, service: &Service, fates: &[Fate<'_>], spool: &Spool, now: u64) -> Option<(NewQueued, Vec<u8>)> {
        if fates.is_empty() {
            return None;
        }
        let site = service.current().site.load();
        let name = id::message_id();
        // A header that cannot be read leaves a report without it.
        let message = spool.read_at(0, MAX_RETURNED).unwrap_or_default();
        let report = Report {
            hostname: &site.hostname,
            id: &name.to_string(),
            to: self.sender,
            date: &id::date(now),
            arrived: &id::date(self.arrived_ms),
            envelope_id: parameter(self.parameters, "ENVID"),
            fates,
            message: &message,
            whole: self.whole && spool.len() <= MAX_RETURNED as u64,
        };
        let body = sign::own(&service.current().signers.load(), service.metrics(), name, report.to_bytes());
        Some((envelope(name, self.sender, &body, direction(&site, self.sender), now), body))
    }
}

impl Service {
    /// Tells a sender of our own that its message was refused for these recipients, while others got it, as it
    /// asked for such reports. Somebody outside is not told: the sender may be forged, and the report would go to a stranger.
    /// Where the report cannot be kept in the outbox, the log says so.
    pub async fn tell_refused(&self, spool: &Spool, arrival: &Arrival, asked: &Asked, text: &ReplyText) {
        if let Err(error) = self.queue_refusal(spool, arrival, asked, text).await {
            tracing::error!(id = %arrival.id, %error, "its sender could not be told that a message was refused for some recipients");
        }
    }

    async fn queue_refusal(
        &self,
        spool: &Spool,
        arrival: &Arrival,
        asked: &Asked,
        text: &ReplyText,
    ) -> Result<(), StoreError> {
        let ours = arrival.over_trusted_connection() || arrival.direction == Direction::Internal;
        let Some(sender) = arrival.envelope.mail_from.as_ref().filter(|_| ours) else { return Ok(()) };
        let said = format!("{} {}", text.code, text.text);
        let status = text.text.split(' ').next().filter(|word| word.starts_with("5.")).unwrap_or("5.7.1");
        let fate = |address| Fate {
            address,
            original: parameter(asked.of(address), "ORCPT"),
            happened: Happened::Failed,
            status,
            said: Some(said.as_str()),
            remote: None,
            until: None,
        };
        let wanted = arrival.envelope.rcpt_to.iter().filter(|address| notifies(asked.of(address), "FAILURE", true));
        let fates: Vec<Fate<'_>> = wanted.map(fate).collect();
        // Never what was refused: its header only.
        let about = About { sender, arrived_ms: arrival.received_ms, parameters: &asked.mail, whole: false };
        let Some((mail, body)) = about.told(self, &fates, spool, id::now_ms()) else { return Ok(()) };
        self.enqueue(mail, Box::new(std::io::Cursor::new(body))).await.map(drop)
    }
}

/// To the sender, from nobody.
fn envelope(name: MessageId, sender: &Address, body: &[u8], direction: Direction, now: u64) -> NewQueued {
    NewQueued {
        message: name,
        kind: QueueKind::Report,
        direction,
        mail_from: None,
        parameters: String::new(),
        created_ms: now,
        size: body.len() as u64,
        recipients: vec![NewRecipient { address: sender.clone(), parameters: " NOTIFY=NEVER".to_owned() }],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_hears_what_it_asked_for() {
        let told = |parameters: &str, standing, reports| Told {
            number: 0,
            address: Address::parse("a@example.com").unwrap(),
            parameters: parameters.to_owned(),
            standing,
            status: "5.1.1".to_owned(),
            said: String::new(),
            hop: String::new(),
            reports,
            untried: false,
        };
        use Standing::{Delivered, Failed, Waiting};
        let cases = [
            ("", Failed, false, false, Some(Happened::Failed)),
            (" NOTIFY=NEVER", Failed, false, true, None),
            (" NOTIFY=SUCCESS ORCPT=rfc822;a@b", Failed, false, false, None),
            (" notify=success,failure", Failed, false, false, Some(Happened::Failed)),
            ("", Waiting, false, false, None),
            ("", Waiting, false, true, Some(Happened::Delayed)),
            (" NOTIFY=FAILURE", Waiting, false, true, None),
            (" NOTIFY=DELAY", Waiting, false, true, Some(Happened::Delayed)),
            ("", Delivered, false, false, None),
            (" NOTIFY=SUCCESS", Delivered, false, false, Some(Happened::Relayed)),
            (" NOTIFY=SUCCESS", Delivered, true, false, None),
        ];
        for (parameters, standing, reports, warn, expected) in cases {
            assert_eq!(news(&told(parameters, standing, reports), warn), expected, "{parameters} {standing:?}");
        }
    }

    #[test]
    fn parameters_are_found_by_their_name() {
        assert_eq!(parameter(" RET=FULL ENVID=a=b", "envid"), Some("a=b"));
        assert_eq!(parameter(" XENVID=a", "ENVID"), None);
        assert_eq!(parameter("", "RET"), None);
    }
}
