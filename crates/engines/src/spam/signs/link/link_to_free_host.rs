//! A link leads to a place where anybody puts pages for nothing.

use mail::evidence::SignGroup;

use super::find;
use crate::spam::{Facts, Points, Row};

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

pub(super) const SIGN: Row = Row {
    id: "link_to_free_host",
    group: SignGroup::Link,
    points: Points::Fitted(0),
    about: "A link leads to a place where anybody puts pages for nothing.",
    check,
    #[cfg(test)]
    fires: &["Subject: x\n\nhttps://a.web.app/x\n"],
    #[cfg(test)]
    quiet: &["Subject: x\n\nhttp://a.example/\n"],
};

fn check(f: &Facts) -> Option<String> {
    find(f, |link| {
        FREE.iter().any(|host| {
            link.host.contains(host) || host.contains('/') && format!("{}{}", link.host, link.path).contains(host)
        })
    })
}
