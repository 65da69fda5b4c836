//! A field of a sending service, or a server, Message-ID or return address of one.

use mail::evidence::SignGroup;

use crate::spam::facts::registered;
use crate::spam::{Facts, Points, Row};

/// Domains in which sending services have their servers, make Message-IDs, and take returned mail.
const SENDING: &[&str] = &[
    "amazonses.com",
    "sendgrid.net",
    "sendgrid.com",
    "mailgun.org",
    "mailgun.net",
    "mandrillapp.com",
    "mcsv.net",
    "mcdlv.net",
    "rsgsv.net",
    "mailchimpapp.net",
    "sparkpostmail.com",
    "exacttarget.com",
    "exct.net",
    "mtasv.net",
    "mailjet.com",
    "sendinblue.com",
    "brevosend.com",
    "mailin.fr",
    "hubspotemail.net",
    "hubspotstarter.net",
    "klaviyomail.com",
    "ccsend.com",
    "constantcontact.com",
    "cmail19.com",
    "cmail20.com",
    "createsend.com",
    "mlsend.com",
    "getresponse-mail.com",
    "aweber.com",
    "convertkit-mail.com",
    "customeriomail.com",
    "intercom-mail.com",
    "sailthru.com",
    "e2ma.net",
    "rapidmail.com",
    "cleverreach.com",
    "substack.com",
    "beehiiv.com",
    "activehosted.com",
    "infusionmail.com",
    "mktomail.com",
    "eloqua.com",
    "responsys.net",
    "acemsrvc.com",
];

/// Fields that sending services write, and words of their servers and programs.
const SERVICES: &[&str] = &[
    "x-mailgun-",
    "x-sg-eid",
    "x-sg-id",
    "x-mc-user",
    "x-mandrill",
    "x-campaign",
    "x-csa-complaints",
    "x-sfmc",
    "x-mailer-recptid",
    "x-ses-outgoing",
    "x-pm-",
    "x-mj-",
    "x-hs-",
    "x-sib-id",
    "x-mailin",
    "x-job",
    "x-cid",
    "x-roving",
    "x-ymmv",
    "x-list-id",
    "x-report-abuse",
    "x-abuse",
    "x-feedback-id",
    "x-virtual-server",
    "x-mailingid",
    "x-emv-",
    "x-binding",
    "x-delivery",
    "x-kmail",
    "x-ms-mailer",
    "x-messageid",
    "x-subscriberid",
    "x-mailchimp",
    "x-acxm",
    "x-postmaster-msgtype",
    "x-bounce-id",
    "x-cm-",
    "x-im-",
    "x-mailjet",
    "x-apsis",
    "x-rapidmail",
    "x-cleverreach",
    "x-lists",
    "x-msys-api",
    "x-sendgrid",
    "x-smtpapi",
];

pub(super) const SIGN: Row = Row {
    id: "sending_service",
    group: SignGroup::Bulk,
    points: Points::Fixed(200),
    about: "A field of a sending service, or a server, Message-ID or return address of one.",
    check,
    #[cfg(test)]
    fires: &[
        "X-SG-EID: abc",
        "X-Mailgun-Sid: x",
        "Message-ID: <0100018b@email.amazonses.com>",
        "Received: from o1.ptr77.sendgrid.net (o1.ptr77.sendgrid.net [192.0.2.1]) by mx.example.net; x",
    ],
    #[cfg(test)]
    quiet: &[
        "X-Mailer: Mutt",
        "Message-ID: <1@amazon.com>\nReceived: from a.example (a.example [192.0.2.1]) by mx.example.net; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    let field = f.fields.iter().find(|field| SERVICES.iter().any(|s| field.lower.starts_with(s)));
    field.map(|field| field.name.clone()).or_else(|| sent_by_service(f))
}

/// Whether a sending service of [`SENDING`] carried the message, made its Message-ID, or takes what returns.
fn sent_by_service(f: &Facts) -> Option<String> {
    let envelope = f.envelope_sender().unwrap_or_default();
    let hosts = [f.message_id.trim_end_matches('>'), envelope.as_str()];
    let ends = hosts.into_iter().filter_map(|text| text.rsplit_once('@')).map(|(_, host)| host.to_lowercase());
    let hops = f.route.iter().flat_map(|hop| [hop.from.to_lowercase(), hop.name.clone()]);
    ends.chain(hops).find(|host| SENDING.contains(&registered(host)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_services_are_whole_names_in_small_letters() {
        assert!(SENDING.iter().all(|host| host.contains('.') && *host == host.to_lowercase()));
    }
}
