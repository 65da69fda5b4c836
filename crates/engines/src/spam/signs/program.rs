//! What the program says that wrote the message, against what such a program writes.

use super::words::is_random;
use super::{sign, some, when};
use crate::spam::Facts;
use crate::spam::Points::Fitted;
use crate::spam::Row;

pub(crate) const SIGNS: &[Row] = &[
    sign!(Fitted, "express_without_mime_ole", Program, "It says Outlook Express, which always adds X-MimeOLE.",
        |f| when(mailer(f).contains("outlook express") && !f.has("x-mimeole"), f.field("x-mailer").unwrap_or("")),
        fires: ["X-Mailer: Microsoft Outlook Express 6.00.2600.0000"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00\nX-MimeOLE: Produced By Microsoft MimeOLE V6", "X-Mailer: Mutt"]),
    sign!(Fitted, "mime_ole_alone", Program, "X-MimeOLE stands without the program that writes it.",
        |f| when(f.has("x-mimeole") && mailer(f).is_empty(), "X-MimeOLE"),
        fires: ["X-MimeOLE: Produced By Microsoft MimeOLE V6"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00\nX-MimeOLE: Produced By Microsoft MimeOLE V6"]),
    sign!(Fitted, "ms_priority_without_ole", Program, "X-MSMail-Priority stands without X-MimeOLE.",
        |f| when(f.has("x-msmail-priority") && !f.has("x-mimeole"), "X-MSMail-Priority"),
        fires: ["X-MSMail-Priority: Normal"],
        quiet: ["X-MSMail-Priority: Normal\nX-MimeOLE: x"]),
    sign!(Fitted, "outlook_boundary_elsewhere", Program, "The boundary is of the form that Microsoft's programs make, and another program is named.",
        |f| {
            let named = mailer(f);
            when(boundary(f).starts_with("----=_NextPart_") && !named.is_empty() && !named.contains("microsoft") && !named.contains("outlook"), named)
        },
        fires: ["X-Mailer: The Bat!\nContent-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\""],
        quiet: ["X-Mailer: Microsoft Outlook\nContent-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\""]),
    sign!(Fitted, "outlook_with_other_boundary", Program, "It says Outlook, and the boundary is not of Outlook's form.",
        |f| when((mailer(f).contains("outlook") && !mailer(f).contains("imo")) && !boundary(f).is_empty() && !boundary(f).starts_with("----=_NextPart_") && !boundary(f).starts_with("_00"), boundary(f)),
        fires: ["X-Mailer: Microsoft Outlook Express 6\nContent-Type: multipart/mixed; boundary=\"xyz\""],
        quiet: ["X-Mailer: Microsoft Outlook\nContent-Type: multipart/mixed; boundary=\"----=_NextPart_000_0000_01C3\"", "X-Mailer: Microsoft Outlook"]),
    sign!(Fitted, "text_program_writes_html", Program, "It names a program for plain text, and is HTML.",
        |f| {
            let named = mailer(f);
            let plain = ["mutt", "pine", "elm", "mh-e", "vm ", "gnus", "sylpheed", "mew"].iter().any(|p| named.starts_with(p) || named.contains(&format!(" {p}")));
            when(plain && f.html.parts > 0 && f.plain.trim().is_empty(), named)
        },
        fires: ["User-Agent: Mutt/1.4\nContent-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["User-Agent: Mutt/1.4\n\nx\n"]),
    sign!(Fitted, "the_bat", Program, "It says that The Bat! wrote it, which spammers like to claim.",
        |f| when(mailer(f).contains("the bat"), f.field("x-mailer").unwrap_or("")),
        fires: ["X-Mailer: The Bat! (v2.00)"],
        quiet: ["X-Mailer: Mutt"]),
    sign!(Fitted, "php_mailer", Program, "A library for web sites wrote it.",
        |f| {
            let named = mailer(f);
            ["phpmailer", "php/", "swiftmailer", "wordpress", "joomla", "leaf php", "php mailer", "nodemailer", "python", "indy ", "jmail", "aspmail", "aspqmail", "cdo", "libwww", "powermta", "mime::lite", "smtp.js"].iter().find(|p| named.contains(**p)).map(|_| named.clone())
        },
        fires: ["X-Mailer: PHPMailer 6.6.5", "X-Mailer: PHP/7.4.33"],
        quiet: ["X-Mailer: Microsoft Outlook"]),
    sign!(Fitted, "program_random", Program, "The program's name looks made up, or is a bare word or number.",
        |f| {
            let named = f.field("x-mailer")?;
            let word = !named.contains([' ', '/', '.', '-', '(', '!']);
            when(!named.is_empty() && word && (is_random(named) || named.len() <= 6 || named.bytes().all(|b| b.is_ascii_digit())), named)
        },
        fires: ["X-Mailer: JxmVz", "X-Mailer: xkqjzvbwpt"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00", "X-Mailer: Evolution 3.4"]),
    sign!(Fitted, "two_programs", Program, "Two programs say that they wrote it.",
        |f| when(f.has("x-mailer") && f.has("user-agent") || f.count("x-mailer") > 1, "two programs"),
        fires: ["X-Mailer: a\nUser-Agent: b"],
        quiet: ["X-Mailer: a"]),
    sign!(Fitted, "bulk_program", Program, "A program for mass mailings by mail wrote it, of the kind that spammers bought.",
        |f| {
            let named = mailer(f);
            ["mach10", "group mail", "bulk", "emailer platinum", "dynamic mail", "stealth", "mailking", "direct mail", "mailcast", "gammadyne", "advanced mass", "sendblaster", "atomic mail", "turbo-mailer", "aristotle", "diffondi", "blat", "massmail", "extractor", "mailout", "smart_send", "ebizmailer", "prospect mailer", "ddmail", "easymail", "dmailer", "kmmail", "calypso version 3", "internet mail service (5.5.26", "aol 9", "oshirase"].iter().find(|p| named.contains(**p)).map(|_| named.clone())
        },
        fires: ["X-Mailer: Group Mail Free"],
        quiet: ["X-Mailer: Apple Mail (2.3445)"]),
    sign!(Fitted, "eudora_or_foxmail", Program, "It says Eudora, Foxmail or another program that is claimed more than used, and is HTML only.",
        |f| {
            let named = mailer(f);
            let claimed = ["eudora", "foxmail", "incredimail", "becky", "pegasus", "opera", "aol for windows", "qualcomm"].iter().any(|p| named.contains(p));
            when(claimed && f.html.parts > 0 && f.plain.trim().is_empty(), named)
        },
        fires: ["X-Mailer: QUALCOMM Windows Eudora\nContent-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["X-Mailer: QUALCOMM Windows Eudora\n\nx\n"]),
    sign!(Fitted, "old_outlook_express", Program, "It says a version of Outlook Express that hardly anybody has: 5.00 or 4.72, or Outlook 6 build 2600.",
        |f| some(f.field("x-mailer").filter(|m| ["Express 5.00.26", "Express 4.72", "Express 5.50.4133", "Express 6.00.2462", "Outlook, Build 10.0.26", "Outlook 8.5", "CDO for Windows 2000", "Outlook IMO, Build 9.0.2416", "Express V6.00.2900"].iter().any(|v| m.contains(v))).unwrap_or("")),
        fires: ["X-Mailer: Microsoft Outlook Express 5.00.2615.200"],
        quiet: ["X-Mailer: Microsoft Outlook Express 6.00.2800.1106"]),
    sign!(Fitted, "no_program", Program, "HTML without the name of a program that wrote it.",
        |f| when(f.html.parts > 0 && mailer(f).is_empty() && !f.has("x-mimeole"), "HTML"),
        fires: ["Content-Type: text/html\n\n<p>x</p>\n"],
        quiet: ["X-Mailer: a\nContent-Type: text/html\n\n<p>x</p>\n", "From: a@example.org"]),
    sign!(Fitted, "thread_fields_made_up", Program, "An answer's fields name messages that nobody can have sent.",
        |f| {
            let odd = |name: &str| f.field(name).filter(|v| !v.is_empty() && (!v.contains('@') || !v.contains('<') || v.contains("<@") || v.len() > 1500)).map(|_| name.to_owned());
            odd("in-reply-to").or_else(|| odd("references"))
        },
        fires: ["In-Reply-To: 12345", "References: <@bounce.example>"],
        quiet: ["In-Reply-To: <1@example.org>", "From: a@example.org"]),
];

/// The program's name in lower case.
fn mailer(f: &Facts) -> String {
    f.field("x-mailer").or_else(|| f.field("user-agent")).unwrap_or("").to_lowercase()
}

/// The boundary of the top multipart.
pub(super) fn boundary(f: &Facts) -> String {
    let value = f.field("content-type").unwrap_or("");
    let lower = value.to_ascii_lowercase();
    let Some(at) = lower.find("boundary=") else { return String::new() };
    let rest = value.get(at.saturating_add(9)..).unwrap_or("").trim();
    let inner = match rest.strip_prefix('"') {
        Some(quoted) => quoted.split('"').next(),
        None => rest.split([';', ' ']).next(),
    };
    inner.unwrap_or("").to_owned()
}
