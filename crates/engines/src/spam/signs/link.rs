//! Addresses of the web: where they lead, what they show, what they hide.

use std::collections::BTreeSet;

use super::words::{digits, is_cheap, is_random};
use super::{sign, when};
use crate::spam::Facts;
use crate::spam::Points::{Fitted, Fixed};
use crate::spam::Row;
use crate::spam::facts::{Link, is_ip, registered};

/// Services that make short addresses.
const SHORT: &[&str] = &[
    "bit.ly",
    "tinyurl.com",
    "t.co",
    "goo.gl",
    "is.gd",
    "ow.ly",
    "cutt.ly",
    "rb.gy",
    "t.ly",
    "shorturl.at",
    "tiny.cc",
    "rebrand.ly",
    "buff.ly",
    "s.id",
    "lnkd.in",
    "v.gd",
    "qr.ae",
    "bl.ink",
    "u.to",
    "snip.ly",
    "shorte.st",
    "urlz.fr",
    "x.co",
    "clck.ru",
    "surl.li",
    "l.ead.me",
    "tr.ee",
    "linktr.ee",
    "qrco.de",
    "t2m.io",
    "bitly.ws",
    "n9.cl",
    "acortar.link",
];
/// Places where anybody puts pages for nothing.
const FREE: &[&str] = &[
    "blogspot.",
    "weebly.com",
    "wixsite.com",
    "glitch.me",
    "web.app",
    "firebaseapp.com",
    "pages.dev",
    "workers.dev",
    "r2.dev",
    "netlify.app",
    "vercel.app",
    "herokuapp.com",
    "github.io",
    "sites.google.com",
    "docs.google.com/forms",
    "forms.gle",
    "storage.googleapis.com",
    "blob.core.windows.net",
    "web.core.windows.net",
    "s3.amazonaws.com",
    "amazonaws.com",
    "ipfs.io",
    "ipfs.",
    "googleapis.com",
    "cloudfront.net",
    "azurewebsites.net",
    "azureedge.net",
    "000webhostapp.com",
    "geocities.",
    "tripod.",
    "angelfire.",
    "webnode.",
    "jimdo",
    "typeform.com",
    "cprapid.com",
    "plesk.page",
    "square.site",
    "godaddysites.com",
    "mystrikingly.com",
    "page.link",
    "translate.goog",
    "replit.app",
    "repl.co",
    "ngrok",
    "oraclecloud.com",
    "digitaloceanspaces.com",
    "backblazeb2.com",
    "linodeobjects.com",
    "wasabisys.com",
    "telegra.ph",
    "t.me",
    "notion.site",
    "canva.site",
    "framer.",
    "carrd.co",
    "duckdns.org",
    "dyndns",
    "no-ip",
    "hypermart.net",
    "freeservers.com",
    "netfirms.com",
    "100free.com",
    "f2s.com",
    "virtualave.net",
];

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "link_to_address", Link, "A link leads to an IP address, not a name.",
        |f| find(f, |link| is_ip(&link.host) && !link.host.starts_with("127.") && !link.host.starts_with("10.") && !link.host.starts_with("192.168.")),
        fires: ["Subject: x\n\nhttp://192.0.2.1/x\n"], quiet: ["Subject: x\n\nhttp://a.example/x\n", "Subject: x\n\nhttp://127.0.0.1:8080/\n"]),
    sign!(Fitted, "link_to_number", Link, "A link leads to a host that is written as one number, or in hex.",
        |f| find(f, |link| !link.written.is_empty() && (link.written.bytes().all(|b| b.is_ascii_digit()) || link.written.starts_with("0x"))),
        fires: ["Subject: x\n\nhttp://3221225985/x\n", "Subject: x\n\nhttp://0xC0000201/\n"], quiet: ["Subject: x\n\nhttp://a.example/x\n"]),
    sign!(Fitted, "link_with_user", Link, "A link has a name in front of its host, which looks like the host.",
        |f| find(f, |link| !link.user.is_empty()),
        fires: ["Subject: x\n\nhttp://www.bank.example@192.0.2.1/\n"], quiet: ["Subject: x\n\nhttp://a.example/@x\n"]),
    sign!(Fitted, "link_with_port", Link, "A link leads to a port of its own.",
        |f| find(f, |link| !link.port.is_empty() && !matches!(link.port.as_str(), "80" | "443" | "8080" | "8000")),
        fires: ["Subject: x\n\nhttp://a.example:81/\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "link_escaped_host", Link, "A link's host is written with escapes.",
        |f| find(f, |link| link.written.contains('%') || link.written.contains("&#")),
        fires: ["Subject: x\n\nhttp://a%2eexample/\n"], quiet: ["Subject: x\n\nhttp://a.example/%20\n"]),
    sign!(Fitted, "link_much_escaped", Link, "A link's path hides plain letters behind escapes.",
        |f| find(f, |link| link.path.match_indices('%').filter(|(at, _)| link.path.get(at.saturating_add(1)..at.saturating_add(2)).is_some_and(|d| matches!(d, "4" | "5" | "6" | "7"))).count() >= 8),
        fires: ["Subject: x\n\nhttp://a.example/%61%62%63%64%65%66%67%68%69\n"], quiet: ["Subject: x\n\nhttp://a.example/a%20b\n"]),
    sign!(Fitted, "link_punycode", Link, "A link's host is written in letters beyond ASCII.",
        |f| find(f, |link| link.host.contains("xn--") || !link.written.is_ascii()),
        fires: ["Subject: x\n\nhttp://xn--pypal-4ve.example/\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "link_shortened", Link, "A link hides where it leads behind a service for short addresses.",
        |f| find(f, |link| SHORT.contains(&registered(&link.host)) || SHORT.contains(&link.host.as_str())),
        fires: ["Subject: x\n\nhttps://bit.ly/abc\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "link_to_free_host", Link, "A link leads to a place where anybody puts pages for nothing.",
        |f| find(f, |link| FREE.iter().any(|host| link.host.contains(host) || host.contains('/') && format!("{}{}", link.host, link.path).contains(host))),
        fires: ["Subject: x\n\nhttps://a.web.app/x\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "link_to_cheap_domain", Link, "A link leads to a top domain that costs little and is abused much.",
        |f| find(f, |link| is_cheap(&link.host)),
        fires: ["Subject: x\n\nhttps://a.xyz/x\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "link_shows_other_host", Link, "A link shows one address and leads to another.",
        |f| f.clicks().find_map(|link| {
            let shown = Link::shown_host(link.shown.as_deref()?)?;
            when(registered(&shown) != registered(&link.host) && !link.host.contains("click") && !link.host.contains("track"), format!("{shown} is {}", link.host))
        }),
        fires: ["Content-Type: text/html\n\n<a href=http://evil.example/>https://www.bank.example/login</a>\n"],
        quiet: ["Content-Type: text/html\n\n<a href=http://bank.example/>www.bank.example</a><a href=http://b.example/>here</a>\n"]),
    sign!(Fitted, "open_redirect", Link, "A link leads through another site to where it really leads.",
        |f| find(f, |link| {
            let path = link.path.to_lowercase();
            let tail = path.get(1..).unwrap_or("");
            tail.contains("http://") || tail.contains("https://") || tail.contains("http%3a") || tail.contains("https%3a") || link.host.contains("google.") && (path.starts_with("/url?") || path.starts_with("/amp/"))
        }),
        fires: ["Subject: x\n\nhttps://a.example/r?u=http://b.example/\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "random_link_host", Link, "A link's host looks made by a program.",
        |f| find(f, |link| link.host.split('.').any(is_random)),
        fires: ["Subject: x\n\nhttps://xkqjzvbwpt.example/x\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fitted, "digits_in_link_host", Link, "A link's registered name has digits.",
        |f| find(f, |link| !is_ip(&link.host) && digits(registered(&link.host)) > 0),
        fires: ["Subject: x\n\nhttps://a24.example24.org/x\n"], quiet: ["Subject: x\n\nhttp://a.example/24\n"]),
    sign!(Fitted, "deep_link_host", Link, "A link's host has five labels or more, or many hyphens.",
        |f| find(f, |link| !is_ip(&link.host) && (link.host.split('.').count() >= 5 || link.host.matches('-').count() >= 3)),
        fires: ["Subject: x\n\nhttps://login.bank.example.com.evil.example/\n", "Subject: x\n\nhttps://a-b-c-d.example/\n"], quiet: ["Subject: x\n\nhttp://www.a.example/\n"]),
    sign!(Fitted, "links_elsewhere", Link, "No link leads to the sender's domain.",
        |f| {
            let from = f.from_domain();
            let mut any = false;
            let own = f.clicks().any(|link| { any = true; registered(&link.host) == from });
            when(any && !own && f.html.parts > 0 && !from.is_empty(), from)
        },
        fires: ["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"],
        quiet: ["From: a@example.org\nContent-Type: text/html\n\n<a href=http://www.example.org/>x</a>\n", "From: a@example.org\n\nhttp://b.example/\n"]),
    sign!(Fitted, "one_place_many_links", Link, "Three links or more, all to one place that is not the sender's.",
        |f| {
            let hosts: BTreeSet<&str> = f.clicks().map(|link| registered(&link.host)).collect();
            let from = f.from_domain();
            let only = hosts.first().copied().unwrap_or("");
            when(hosts.len() == 1 && f.clicks().count() >= 3 && only != from && f.html.parts > 0, only)
        },
        fires: ["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/>x</a><a href=http://b.example/>y</a><a href=http://b.example/>z</a>\n"],
        quiet: ["From: a@example.org\nContent-Type: text/html\n\n<a href=http://b.example/>x</a>\n"]),
    sign!(Fitted, "random_link_path", Link, "A link's path or query is a long code.",
        |f| find(f, |link| link.path.split(['/', '?', '&', '=', '.', '#', '-', '_']).any(|piece| piece.len() >= 24 && piece.bytes().all(|b| b.is_ascii_alphanumeric()) && digits(piece) >= 4)),
        fires: ["Subject: x\n\nhttps://a.example/a8f3k29dk3049dkf02kd93kf02ls\n"], quiet: ["Subject: x\n\nhttp://a.example/news/2023\n"]),
    sign!(Fitted, "affiliate_link", Link, "A link carries the mark of somebody who is paid for clicks.",
        |f| find(f, |link| {
            let path = link.path.to_lowercase();
            ["aff=", "affid", "aff_", "affiliate", "ref=", "refid", "pid=", "sid=", "subid", "hitid", "/cgi-bin/", "campaign", "afid", "?m=", "rid=", "partner"].iter().any(|mark| path.contains(mark))
        }),
        fires: ["Subject: x\n\nhttp://a.example/?aff=77\n"], quiet: ["Subject: x\n\nhttp://a.example/\n"]),
    sign!(Fixed(20), "more_link_hosts_than_asked", Link, "Links lead to more than 20 places; lists in the DNS are asked about 20 of them.",
        |f| when(f.more_hosts, format!("{} are asked about", f.hosts.len())),
        fires: ["Subject: x\n\nhttp://a.example http://b.example http://c.example http://d.example http://e.example http://f.example http://g.example http://h.example http://i.example http://j.example http://k.example http://l.example http://m.example http://n.example http://o.example http://p.example http://q.example http://r.example http://s.example http://t.example http://u.example\n"],
        quiet: ["Subject: x\n\nhttp://a.example http://www.a.example\n"]),
    sign!(Fitted, "link_script_or_data", Link, "A link is a script or holds a file.",
        |f| f.links.iter().find(|link| matches!(link.scheme.as_str(), "javascript" | "data")).map(|link| link.raw.chars().take(60).collect()),
        fires: ["Content-Type: text/html\n\n<a href=\"javascript:x()\">x</a>\n"], quiet: ["Content-Type: text/html\n\n<a href=http://a.example/>x</a>\n"]),
    sign!(Fitted, "link_words", Link, "A link's host or path is made of words that advertisers and phishers like.",
        |f| find(f, |link| {
            let all = format!("{}{}", link.host, link.path.get(..link.path.floor_char_boundary(80)).unwrap_or("")).to_lowercase();
            ["offer", "remove", "unsub", "optout", "opt-out", "deals", "casino", "loan", "mortgage", "pills", "meds", "pharm", "viagra", "rx", "free", "click", "promo", "prize", "reward", "verify", "secure", "signin", "login", "account", "update", "wallet", "unlock", "mailer", "bulk", "quote", "refinanc", "debt", "win"].iter().any(|w| all.contains(w))
        }),
        fires: ["Subject: x\n\nhttp://cheap-pills.example/\n"], quiet: ["Subject: x\n\nhttp://a.example/news\n"]),
    sign!(Fitted, "link_without_tls", Link, "A link in HTML goes without encryption.",
        |f| when(f.html.parts > 0, "").and_then(|_| find(f, |link| link.scheme == "http" && link.shown.is_some())),
        fires: ["Content-Type: text/html\n\n<a href=http://a.example/>x</a>\n"], quiet: ["Content-Type: text/html\n\n<a href=https://a.example/>x</a>\n"]),
    sign!(Fitted, "mailto_to_leave", Link, "Who does not want more is to write to an address of its own.",
        |f| f.links.iter().find(|link| link.scheme == "mailto" && ["remove", "unsub", "optout", "opt-out", "delete", "off"].iter().any(|w| link.path.to_lowercase().contains(w))).map(|link| link.path.chars().take(60).collect()),
        fires: ["Content-Type: text/html\n\n<a href=\"mailto:x@example.org?subject=remove\">x</a>\n"], quiet: ["Content-Type: text/html\n\n<a href=mailto:a@example.org>x</a>\n"]),
];

/// The first link that somebody clicks on, of a kind.
fn find(f: &Facts, is_it: impl Fn(&Link) -> bool) -> Option<String> {
    f.clicks().find(|link| is_it(link)).map(|link| link.raw.chars().take(100).collect())
}

impl Link {
    /// The host that a shown text names, if it looks like an address.
    fn shown_host(shown: &str) -> Option<String> {
        let word = shown.split_whitespace().next()?;
        let link = Self::read(word).filter(Self::is_web)?;
        (link.host.contains('.') && shown.split_whitespace().count() == 1).then_some(link.host)
    }
}
