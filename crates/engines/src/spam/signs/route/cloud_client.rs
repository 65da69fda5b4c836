//! The message was written on a rented machine that has its provider's name.

use mail::evidence::SignGroup;

use super::clients;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "cloud_client",
    group: SignGroup::Route,
    points: Points::Fitted(0),
    about: "The message was written on a rented machine that has its provider's name.",
    check,
    #[cfg(test)]
    fires: &["Received: from x (vps77.example.com [192.0.2.7]) by b.example; x"],
    #[cfg(test)]
    quiet: &["Received: from mail.example.com (mail.example.com [192.0.2.7]) by b.example; x"],
};

fn check(f: &Facts) -> Option<String> {
    clients(f)
        .find(|hop| {
            [
                "compute",
                "amazonaws.com",
                "vps",
                ".cloud",
                "linode",
                "contabo",
                "ovh.",
                "hetzner",
                "your-server.de",
                "digitalocean",
                "azure",
                "secureserver.net",
                "googleusercontent",
                "clients.your",
                "kvm",
                "sakura.ne.jp",
                "vultr",
                "server.",
            ]
            .iter()
            .any(|w| hop.name.contains(w) || hop.from.to_lowercase().contains(w))
        })
        .map(|hop| format!("{} {}", hop.from, hop.name))
}
