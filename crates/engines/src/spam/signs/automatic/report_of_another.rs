//! What a delivery report returns was not sent from here: it is not about our mail (backscatter).
//!
//! Either no field of it has a domain of ours, or only fields do that anybody writes, like From: then the host of
//! its Message-ID, the servers that it passed and the domains that signed it are all of others. A returned header
//! that was cut down to a few fields tells nothing, and so does a report without one.

use mail::address::below;
use mail::evidence::SignGroup;

use crate::spam::facts::{hop, registered};
use crate::spam::signs::{signer, when};
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "report_of_another",
    group: SignGroup::Automatic,
    points: Points::Fixed(-1000),
    about: "What a delivery report returns was never sent from here, by its Message-ID, servers and signatures \
            (backscatter).",
    check,
    #[cfg(test)]
    fires: &[
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: a@example.org\nMessage-ID: <1@example.org>\nSubject: y\n\nz\n\
         --b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nReceived: from 192-0-2-66.dyn.example.com (unknown [192.0.2.66]) by \
         mail.example.org\n with SMTP id 1; Sun, 22 Nov 2026 09:59:59 +0000\nFrom: b@example.net\n\
         Message-ID: <1@dyn.example.com>\nSubject: y\n\nz\n--b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: text/rfc822-headers\n\nReturn-Path: <b@example.net>\nReceived: from mail.example.net (unknown \
         [192.0.2.66]) by mx.example.org with SMTP\nFrom: b@example.net\nMessage-ID: <1@dyn.example.com>\n\
         DKIM-Signature: v=1; a=rsa-sha256; d=evil.example; s=x\n\n--b--\n",
        // Our name in its greeting, and another of its address.
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nReceived: from mail.example.net (bot.dsl.example.com [192.0.2.66]) by \
         mx.example.org with SMTP\nFrom: b@example.net\nMessage-ID: <1@dyn.example.com>\n\nz\n--b--\n",
    ],
    #[cfg(test)]
    quiet: &[
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: b@example.net\nMessage-ID: <1@example.net>\nSubject: y\n\nz\n\
         --b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: b@gmail.com\nMessage-ID: <1@mx.example.net>\nSubject: y\n\nz\n\
         --b--\n",
        // Sent by way of a provider: its servers, and a signature, a server or a Message-ID of ours.
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nReceived: from [192.0.2.7] by smtp.provider.example with ESMTPSA\n\
         From: b@example.net\nMessage-ID: <1@desk.local>\nDKIM-Signature: v=1; a=rsa-sha256;\n d=example.net; s=x\n\nz\n--b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nReceived: from desk.local (mail.example.net [192.0.2.7]) by \
         smtp.provider.example with ESMTPSA\nFrom: b@example.net\nMessage-ID: <1@desk.local>\n\nz\n--b--\n",
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nReceived: from desk.local by smtp.provider.example with ESMTPSA\n\
         From: b@example.net\nMessage-ID: <1@example.net>\n\nz\n--b--\n",
        // Without servers nobody can tell.
        "To: b@example.net\nContent-Type: multipart/report; boundary=b\n\n--b\n\nx\n--b\n\
         Content-Type: message/rfc822\n\nFrom: b@example.net\nMessage-ID: <1@desk.local>\n\nz\n--b--\n",
    ],
};

fn check(f: &Facts) -> Option<String> {
    if !f.returned_in_text && f.parts.first().is_none_or(|p| p.media != "multipart/report") {
        return None;
    }
    let header = f.returned.to_lowercase();
    let telling = header.lines().any(|line| line.starts_with("from:"))
        && header.lines().any(|line| line.starts_with("message-id:") || line.starts_with("return-path:"));
    let ours: Vec<String> = f
        .recipients()
        .filter_map(|r| r.rsplit_once('@'))
        .map(|(_, d)| registered(&d.to_lowercase()).to_owned())
        .chain(f.session.own_domains.iter().cloned())
        .collect();
    if !telling || ours.is_empty() {
        return None;
    }
    let named = ours.iter().any(|domain| header.contains(domain.as_str()));
    let from = header.lines().find(|line| line.starts_with("from:")).unwrap_or("");
    when(!named || !f.returned_cut && was_sent_elsewhere(f, &ours), from.trim())
}

/// Whether the returned header has servers, and none of them, nor its Message-ID or a signature, is ours.
fn was_sent_elsewhere(f: &Facts, ours: &[String]) -> bool {
    let is_ours = |host: &str| {
        let host = host.trim_end_matches('.').to_lowercase();
        ours.iter().any(|own| below(&host, own))
    };
    let mut servers = 0_usize;
    for (name, value) in f.returned_fields() {
        let proves = match name.as_str() {
            "message-id" => is_ours(value.rsplit_once('@').map_or("", |(_, host)| host.trim_end_matches(['>', ' ']))),
            "dkim-signature" => signer(&value).is_some_and(|domain| is_ours(&domain)),
            "received" => {
                servers = servers.saturating_add(1);
                let hop = hop(&value);
                // What a client calls itself counts where the server says nothing of it.
                is_ours(&hop.by) || is_ours(&hop.name) || hop.name.is_empty() && is_ours(&hop.from)
            }
            _ => false,
        };
        if proves {
            return false;
        }
    }
    servers > 0
}
