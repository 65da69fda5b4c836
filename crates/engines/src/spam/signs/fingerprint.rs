//! Fingerprints of programs, servers and sending services: what each writes in a form of its own, against what
//! the message claims.
//!
//! Every table names forms that are documented by their makers or stand in all mail of theirs. A program that is
//! not in a table says nothing. Servers add a Message-ID where a program left it out, so that one of a server on
//! the way is nobody's false claim.

use super::words::digits;
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::{Fitted, Fixed};
use crate::spam::Row;
use crate::spam::facts::{Hop, registered};

/// Whether a program makes a text of this form.
type Form = fn(&str) -> bool;

/// Programs by a piece of the name they give themselves, and the left sides of Message-IDs that they make.
const IDS: &[(&str, Form)] = &[
    ("outlook express", |id| dollars(id) || id.starts_with("OE") || id.starts_with("BAY")),
    ("microsoft outlook", |id| dollars(id) || capitals(id) || id.contains("PROD") || id.len() > 40),
    ("apple mail", uuid),
    ("iphone mail", uuid),
    ("ipad mail", uuid),
    ("mozilla thunderbird", |id| uuid(id) || hex_and_number(id)),
    ("thunderbird/", |id| uuid(id) || hex_and_number(id)),
    ("evolution", |id| id.ends_with(".camel")),
    ("eudora", |id| id.split('.').count() >= 6 || id.starts_with(['v', 'p', 'a', 'l', 'f', 'r'])),
    ("alpine", |id| id.starts_with("alpine.")),
    ("yahoomail", |id| id.split('.').count() >= 2 && digits(id) >= 8),
];

/// Programs by a piece of the name they give themselves, and how boundaries of theirs begin.
const BOUNDARIES: &[(&str, &[&str])] = &[
    ("outlook express", &["----=_NextPart_"]),
    ("apple mail", &["Apple-Mail"]),
    ("iphone mail", &["Apple-Mail"]),
    ("ipad mail", &["Apple-Mail"]),
    ("thunderbird", &["----"]),
    ("evolution", &["=-"]),
    ("kmail", &["nextPart", "Boundary-", "----"]),
    ("eudora", &["=====", "============_"]),
    ("phpmailer", &["b1", "b2", "b3", "--b", "==_"]),
    ("roundcube", &["=_"]),
    ("squirrelmail", &["----=_"]),
    ("lotus notes", &["=_"]),
    ("yahoomail", &["----=_Part_", "0-"]),
];

/// Services whose Message-IDs have a right side of their own, and pieces of names of their servers.
const PLACES: &[(&str, &[&str])] = &[
    ("mail.gmail.com", &["google"]),
    ("mail.yahoo.com", &["yahoo"]),
    ("prod.outlook.com", &["outlook", "microsoft", "office365"]),
    ("hotmail.com", &["hotmail", "outlook", "msn"]),
    ("aol.com", &["aol", "yahoo"]),
    ("email.amazonses.com", &["amazonses", "amazonaws"]),
    ("geopod-ismtpd", &["sendgrid"]),
    ("mandrillapp.com", &["mandrill", "mailchimp"]),
];

/// Fields that one service writes, and pieces of names that its servers, Message-IDs, signatures or return
/// addresses carry. A customer's own name may stand in each of them, hardly in all.
const FIELDS: &[(&str, &[&str])] = &[
    ("x-sg-eid", &["sendgrid", "geopod", "ismtpd"]),
    ("x-mailgun-sid", &["mailgun", "mg.", "bounce+"]),
    ("x-ses-outgoing", &["amazonses", "amazonaws"]),
    ("x-mc-user", &["mailchimp", "mandrill", "mcsv.net", "mcdlv.net", "rsgsv.net", "mailchimpapp"]),
    ("x-mandrill-user", &["mandrill", "mailchimp"]),
    ("x-msys-api", &["sparkpost", "messagesystems", "msys"]),
    ("x-sfmc-stack", &["exacttarget", "salesforce", ".xt.local", "exct.net"]),
    ("x-pm-message-id", &["postmark", "mtasv.net"]),
    ("x-mailjet-campaign", &["mailjet"]),
    ("x-mj-mid", &["mailjet"]),
    ("x-sib-id", &["sendinblue", "brevo", "mailin"]),
    ("x-hs-cid", &["hubspot", "hs-send", "hubapi"]),
    ("x-roving-id", &["constantcontact", "ccsend", "roving"]),
];

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

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "id_not_of_program", Program, "The Message-ID is not of a form that the named program makes, and of no server on the way.", id_not_of_program,
        fires: ["X-Mailer: Microsoft Outlook Express 6.00.2600.0000\nMessage-ID: <20020817.ab@example.org>", "X-Mailer: Apple Mail (2.3445)\nMessage-ID: <1234.5678@example.org>"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00\nMessage-ID: <000001c3a1b2$0a1b2c3d$6401a8c0@example.org>", "X-Mailer: Apple Mail (2.3445)\nMessage-ID: <8F2A8C1E-1C0B-4C42-A5F6-1D2E3F405162@example.org>",
                "X-Mailer: Microsoft Outlook Express 6.00\nMessage-ID: <abc@mx.example.net>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x", "User-Agent: Mutt/1.4\nMessage-ID: <x@example.org>"]),
    sign!(Fitted, "boundary_not_of_program", Program, "The boundary is not of a form that the named program makes.", boundary_not_of_program,
        fires: ["X-Mailer: Apple Mail (2.3445)\nContent-Type: multipart/mixed; boundary=\"xyz\"", "X-Mailer: iPhone Mail (16A366)\nContent-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\""],
        quiet: ["X-Mailer: Apple Mail (2.3445)\nContent-Type: multipart/mixed; boundary=\"Apple-Mail=_1\"", "User-Agent: Mutt/1.4\nContent-Type: multipart/mixed; boundary=\"xyz\"", "X-Mailer: Apple Mail (2.3445)"]),
    sign!(Fitted, "id_of_service_elsewhere", Program, "The Message-ID is that of a large service that neither carried nor signed the message.", id_of_service_elsewhere,
        fires: ["Message-ID: <CAA1b2c3@mail.gmail.com>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x"],
        quiet: ["Message-ID: <CAA1b2c3@mail.gmail.com>\nReceived: from mail-wr1-f41.google.com (mail-wr1-f41.google.com [192.0.2.7]) by mx.example.net; x",
                "Message-ID: <CAA1b2c3@mail.gmail.com>\nDKIM-Signature: v=1; d=gmail.com; s=x\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x", "Message-ID: <CAA1b2c3@mail.gmail.com>", "Message-ID: <1@example.org>"]),
    sign!(Fixed(80), "service_fields_elsewhere", Program, "Fields of a sending service stand in a message that this service neither carried nor signed.", service_fields_elsewhere,
        fires: ["X-SG-EID: abc\nMessage-ID: <1@example.org>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x"],
        quiet: ["X-SG-EID: abc\nMessage-ID: <1@geopod-ismtpd-3-0>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x",
                "X-Mailgun-Sid: abc\nReturn-Path: <bounce+1.2@mg.example.org>\nReceived: from a (a.example [192.0.2.7]) by mx.example.net; x", "X-SG-EID: abc", "X-Mailer: x"]),
    sign!(Fitted, "server_id_odd", Program, "A server's line gives the message an id of a form that the named server software does not make.",
        |f| f.route.iter().find(|hop| !id_of_server(hop)).map(|hop| hop.text.chars().take(100).collect()),
        fires: ["Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTP id qwe-17; Tue, 19 Sep 2023 12:11:42 +0000",
                "Received: from a.example (a.example [192.0.2.7]) by b.example (8.12.8/8.12.8) with SMTP id 17; Tue, 19 Sep 2023 12:11:42 +0000",
                "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.94) id 17; Tue, 19 Sep 2023 12:11:42 +0000"],
        quiet: ["Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTP id 61743640098 for <b@example.net>; Tue, 19 Sep 2023 12:11:42 +0000",
                "Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTPS id 4fPKjC2lCfz2xNC; Tue, 19 Sep 2023 12:11:42 +0000",
                "Received: from a.example (a.example [192.0.2.7]) by b.example (8.12.8/8.12.8) with SMTP id h7MBXx123456; Tue, 19 Sep 2023 12:11:42 +0000",
                "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.94) id 1eXZ17-0003j2-Lf; Tue, 19 Sep 2023 12:11:42 +0000", "Received: from a.example by b.example; x"]),
    sign!(Fitted, "address_impossible", Route, "A server's line names a client's address that no client has.",
        |f| f.route.iter().find(|hop| impossible(&hop.ip)).map(|hop| hop.ip.clone()),
        fires: ["Received: from a.example (a.example [192.0.2.777]) by b.example; x", "Received: from a.example (unknown [251.2.3.4]) by b.example; x"],
        quiet: ["Received: from a.example (a.example [192.0.2.7]) by b.example; x", "Received: from a.example (a.example [2001:db8::1]) by b.example; x", "Received: from a by b; x"]),
];

/// Whether a sending service of [`SENDING`] carried the message, made its Message-ID, or takes what returns.
pub(super) fn sent_by_service(f: &Facts) -> Option<String> {
    let envelope = f.envelope_sender().unwrap_or_default();
    let hosts = [f.message_id.trim_end_matches('>'), envelope.as_str()];
    let ends = hosts.into_iter().filter_map(|text| text.rsplit_once('@')).map(|(_, host)| host.to_lowercase());
    let hops = f.route.iter().flat_map(|hop| [hop.from.to_lowercase(), hop.name.clone()]);
    ends.chain(hops).find(|host| SENDING.contains(&registered(host)))
}

/// The program's name in lower case.
fn mailer(f: &Facts) -> String {
    f.field("x-mailer").or_else(|| f.field("user-agent")).unwrap_or("").to_lowercase()
}

fn id_not_of_program(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let (program, form) = IDS.iter().find(|(piece, _)| named.contains(piece))?;
    let (left, right) = f.message_id.strip_prefix('<')?.strip_suffix('>')?.rsplit_once('@')?;
    let right = right.to_lowercase();
    let of_server = f.route.iter().any(|hop| !right.is_empty() && registered(&hop.by) == registered(&right));
    when(!form(left) && !of_server, format!("{program}: {left}"))
}

fn boundary_not_of_program(f: &Facts) -> Option<String> {
    let named = mailer(f);
    let boundary = super::program::boundary(f);
    let (program, starts) = BOUNDARIES.iter().find(|(piece, _)| named.contains(piece))?;
    // What signs and encrypts for a program makes boundaries of its own.
    let top = f.parts.first().map_or("", |part| part.media.as_str());
    let sealed = matches!(top, "multipart/signed" | "multipart/encrypted");
    let known = boundary.is_empty() || sealed || starts.iter().any(|start| boundary.starts_with(start));
    when(!known, format!("{program}: {boundary}"))
}

fn id_of_service_elsewhere(f: &Facts) -> Option<String> {
    let (_, right) = f.message_id.trim_end_matches('>').rsplit_once('@')?;
    let right = right.to_lowercase();
    let (place, names) = PLACES.iter().find(|(place, _)| right.ends_with(place) || right.starts_with(place))?;
    // A way that names no client tells nothing of who carried it.
    when(f.route.iter().any(|hop| !hop.from.is_empty()) && !carried(f, names), format!("{place} elsewhere"))
}

fn service_fields_elsewhere(f: &Facts) -> Option<String> {
    let (field, names) = FIELDS.iter().find(|(field, _)| f.has(field))?;
    let envelope = f.envelope_sender().unwrap_or_default().to_lowercase();
    let own = [f.message_id.to_lowercase(), envelope];
    let named = own.iter().any(|text| names.iter().any(|name| text.contains(name)));
    let told = f.route.iter().any(|hop| !hop.from.is_empty());
    when(told && !named && !carried(f, names), format!("{field} elsewhere"))
}

/// Whether a server with one of these names stands on the way, or a signature is of one of them.
fn carried(f: &Facts, names: &[&str]) -> bool {
    let holds = |text: &str| names.iter().any(|name| text.contains(name));
    let signed = f.fields.iter().filter(|field| field.lower.ends_with("dkim-signature"));
    let signer = |value: &str| {
        let tag = value.split(';').find_map(|tag| tag.trim().strip_prefix("d=")).unwrap_or("").trim().to_lowercase();
        holds(&tag) || names.contains(&"google") && tag == "gmail.com"
    };
    f.route.iter().any(|hop| holds(&hop.text.to_lowercase())) || signed.into_iter().any(|field| signer(&field.value))
}

/// Whether the id in a server's line is one that its software makes; so is one of software that is not known.
fn id_of_server(hop: &Hop) -> bool {
    let Some((before, rest)) = hop.text.split_once(" id ") else { return true };
    let id =
        rest.trim_start().split([' ', ';', '\t', '\r', '\n']).next().unwrap_or("").trim_matches(['<', '>', '(', ')']);
    let all = |wanted: fn(char) -> bool| !id.is_empty() && id.chars().all(wanted);
    if before.contains("(Postfix") {
        all(|c| c.is_ascii_alphanumeric()) && id.len() >= 5
    } else if before.contains("(Exim") {
        let parts: Vec<&str> = id.split('-').collect();
        matches!(parts.as_slice(), [a, b, c] if a.len() == 6 && b.len() >= 6 && c.len() >= 2)
    } else if before.contains("(8.1") || before.contains("(8.9") {
        all(|c| c.is_ascii_alphanumeric()) && (8..=20).contains(&id.len())
    } else {
        true
    }
}

/// Whether a text is written like an address of version 4, and is one that no client can have.
fn impossible(ip: &str) -> bool {
    let parts: Vec<&str> = ip.split('.').collect();
    let numbers: Vec<u32> = parts.iter().filter_map(|part| part.parse().ok()).collect();
    let written = parts.len() == 4 && numbers.len() == 4;
    written
        && (numbers.iter().any(|number| *number > 255)
            || numbers.first().is_some_and(|first| *first == 0 || *first >= 224))
}

/// Groups with `$` between, as Microsoft's programs make them; the last may be empty.
fn dollars(id: &str) -> bool {
    let groups: Vec<&str> = id.trim_end_matches('$').split('$').collect();
    let made = |group: &&str| !group.is_empty() && group.bytes().all(|b| b.is_ascii_alphanumeric());
    id.matches('$').count() >= 2 && groups.iter().all(made)
}

/// Capital letters only, to the first dot, as Outlook without a mail server makes them.
fn capitals(id: &str) -> bool {
    let first = id.split('.').next().unwrap_or("");
    first.len() >= 20 && first.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
}

/// A UUID, in small or capital letters.
fn uuid(id: &str) -> bool {
    let lengths: Vec<usize> = id.split('-').map(str::len).collect();
    lengths == [8, 4, 4, 4, 12] && id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-')
}

/// Hex digits, a dot, digits.
fn hex_and_number(id: &str) -> bool {
    id.split_once('.').is_some_and(|(hex, number)| {
        hex.len() >= 6
            && hex.bytes().all(|b| b.is_ascii_hexdigit())
            && number.bytes().all(|b| b.is_ascii_hexdigit() || b == b'.')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_servers_are_known() {
        let known = [
            "from a (a [192.0.2.1]) by b (Postfix) with ESMTP id 6614616F49 for <a@b>; Wed, 9 Oct 2002 10:47:51 +0100 (IST)",
            "from jalapeno [127.0.0.1] by localhost with IMAP (fetchmail-5.9.0) for a@b (single-drop); Wed, 09 Oct 2002 10:47:51 +0100",
            "from a (a [192.0.2.1]) by b (8.11.6/8.11.6) with ESMTP id g98KFUK32595 for <a@b>; Tue, 8 Oct 2002 21:15:31 +0100",
            "from [192.0.2.1] (helo=a.example) by b with esmtp (Exim 3.35 #1 (Debian)) id 17tWA9-00072J-00; Mon, 23 Sep 2002 13:34:21",
            "from a (a [192.0.2.1]) by b (8.11.6/8.11.6) with SMTP id    g7MBkTZ05087 for <a@b>; Thu, 22 Aug 2002 12:46:29 +0100",
            "by b (Postfix, from userid 501) id 7F08F1C2C4; Tue, 17 Sep 2002 14:16:56 -0400 (EDT)",
        ];
        for text in known {
            assert!(id_of_server(&Hop { text: text.to_owned(), ..Hop::default() }), "{text}");
        }
        assert!(!id_of_server(&Hop { text: "by b (Postfix) with SMTP id a-b; x".to_owned(), ..Hop::default() }));
    }

    #[test]
    fn every_table_is_in_small_letters_and_names_something() {
        assert!(SENDING.iter().all(|host| host.contains('.') && *host == host.to_lowercase()));
        for (field, names) in FIELDS.iter().chain(PLACES) {
            assert!(!names.is_empty() && *field == field.to_lowercase(), "{field}");
        }
    }
}
