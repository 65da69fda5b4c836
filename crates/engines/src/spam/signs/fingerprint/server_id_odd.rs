//! A server's line gives the message an id of a form that the named server software does not make.

use mail::evidence::SignGroup;

use crate::spam::facts::Hop;
use crate::spam::{Facts, Points, Row};

pub(super) const SIGN: Row = Row {
    id: "server_id_odd",
    group: SignGroup::Program,
    points: Points::Fitted(93),
    about: "A server's line gives the message an id of a form that the named server software does not make.",
    check,
    #[cfg(test)]
    fires: &[
        "Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTP id qwe-17; Tue, \
         19 Sep 2023 12:11:42 +0000",
        "Received: from a.example (a.example [192.0.2.7]) by b.example (8.12.8/8.12.8) with SMTP id 17; Tue, \
         19 Sep 2023 12:11:42 +0000",
        "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.94) id 17; Tue, 19 Sep 2023 \
         12:11:42 +0000",
    ],
    #[cfg(test)]
    quiet: &[
        "Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTP id 61743640098 \
         for <b@example.net>; Tue, 19 Sep 2023 12:11:42 +0000",
        "Received: from a.example (a.example [192.0.2.7]) by b.example (Postfix) with ESMTPS id \
         4fPKjC2lCfz2xNC; Tue, 19 Sep 2023 12:11:42 +0000",
        "Received: from a.example (a.example [192.0.2.7]) by b.example (8.12.8/8.12.8) with SMTP id \
         h7MBXx123456; Tue, 19 Sep 2023 12:11:42 +0000",
        "Received: from a.example ([192.0.2.7]) by b.example with esmtp (Exim 4.94) id 1eXZ17-0003j2-Lf; \
         Tue, 19 Sep 2023 12:11:42 +0000",
        "Received: from a.example by b.example; x",
    ],
};

fn check(f: &Facts) -> Option<String> {
    f.route.iter().find(|hop| !id_of_server(hop)).map(|hop| hop.text.chars().take(100).collect())
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
}
