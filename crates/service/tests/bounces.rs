//! Delivery reports and automatic replies, as the programs that are in use write them, around ordinary mail and
//! around spam: at most one in a hundred is spam, and the others are formal notifications.

use std::path::Path;

use judge::policy::Policy;
use judge::spam::{SpamStatus, verdict};
use mail::address::Address;
use mail::arrival::{Arrival, Direction, Envelope, MessageId, Peer, Surface};
use scan::{Context, EngineSpec, Engines, SpamContext, Step, StopFlag, start};

/// How each program reports: header and body; `{from}`, `{subject}`, `{header}` and `{whole}` are of the original.
const PROGRAMS: &[(&str, &str)] = &[
    (
        "postfix",
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nSubject: Undelivered Mail Returned to Sender\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"rep\"\n\n--rep\nContent-Type: text/plain; charset=us-ascii\n\nThis is the mail system at host mx.example.org.\n\nI'm sorry to have to inform you that your message could not be delivered to one or more recipients.\n\n<x@example.org>: host 192.0.2.1 said: 550 5.1.1 User unknown\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; x@example.org\nAction: failed\nStatus: 5.1.1\n--rep\nContent-Type: message/rfc822\n\n{whole}\n--rep--\n",
    ),
    (
        "postfix delay",
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\nSubject: Delayed Mail (still being retried)\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"rep\"\n\n--rep\nContent-Type: text/plain; charset=us-ascii\n\nYour message could not be delivered for more than 4 hours. It will be retried.\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: rfc822; x@example.org\nAction: delayed\nStatus: 4.4.1\n--rep\nContent-Type: text/rfc822-headers\n\n{header}\n--rep--\n",
    ),
    (
        "sendmail",
        "From: Mail Delivery Subsystem <MAILER-DAEMON@mx.example.org>\nSubject: Returned mail: see transcript for details\nAuto-Submitted: auto-generated (failure)\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"rep\"\n\n--rep\n\n   ----- The following addresses had permanent fatal errors -----\n<x@example.org>\n    (reason: 550 5.1.1 <x@example.org>... User unknown)\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example.org\n\nFinal-Recipient: RFC822; x@example.org\nAction: failed\nStatus: 5.1.1\n--rep\nContent-Type: message/rfc822\n\n{whole}\n--rep--\n",
    ),
    (
        "exim",
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>\nX-Failed-Recipients: x@example.org\nAuto-Submitted: auto-replied\nSubject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\nrecipients. This is a permanent error. The following address(es) failed:\n\n  x@example.org\n    Unrouteable address\n\n------ This is a copy of the message, including all the headers. ------\n\n{whole}\n",
    ),
    (
        "exim of old",
        "From: Mail Delivery System <Mailer-Daemon@mx.example.org>\nSubject: Mail delivery failed: returning message to sender\n\nThis message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its recipients.\n\n------ This is a copy of the message, including all the headers. ------\n\n{whole}\n",
    ),
    (
        "qmail",
        "From: MAILER-DAEMON@mx.example.org\nSubject: failure notice\n\nHi. This is the qmail-send program at mx.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\nThis is a permanent error; I've given up. Sorry it didn't work out.\n\n<x@example.org>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line is a copy of the message.\n\n{whole}\n",
    ),
    (
        "gmail",
        "From: Mail Delivery Subsystem <mailer-daemon@googlemail.com>\nAuto-Submitted: auto-replied\nX-Failed-Recipients: x@example.org\nSubject: Delivery Status Notification (Failure)\nContent-Type: multipart/report; boundary=\"rep\"; report-type=delivery-status\n\n--rep\nContent-Type: text/html; charset=\"UTF-8\"\n\n<html><body><h2>Address not found</h2><p>Your message was not delivered to <b>x@example.org</b> because the address could not be found.</p><p><a href=\"https://support.google.com/mail/?p=NoSuchUser\">Learn more</a></p></body></html>\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; googlemail.com\n\nFinal-Recipient: rfc822; x@example.org\nAction: failed\nStatus: 5.1.1\n--rep\nContent-Type: message/rfc822\n\n{whole}\n--rep--\n",
    ),
    (
        "exchange",
        "From: Microsoft Outlook <MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@corp.example.org>\nSubject: Undeliverable: {subject}\nAuto-Submitted: auto-replied\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"rep\"\n\n--rep\nContent-Type: text/html; charset=\"us-ascii\"\n\n<html><body><p><b><font color=\"#000066\" size=\"3\">Delivery has failed to these recipients or groups:</font></b></p><p>x@example.org</p><p>The e-mail address you entered couldn't be found.</p></body></html>\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;corp.example.org\n\nFinal-Recipient: RFC822;x@example.org\nAction: failed\nStatus: 5.1.1\n--rep\nContent-Type: message/rfc822\n\n{whole}\n--rep--\n",
    ),
    (
        "office 365",
        "From: postmaster@mail.protection.example.com\nSubject: Undeliverable: {subject}\nX-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply\nContent-Type: multipart/report; report-type=delivery-status; boundary=\"rep\"\n\n--rep\nContent-Type: text/html; charset=\"us-ascii\"\n\n<html><head><style>a{color:#0072c6}</style></head><body><table><tr><td>Your message to x@example.org couldn't be delivered.</td></tr><tr><td>x wasn't found at example.org.</td></tr></table></body></html>\n--rep\nContent-Type: message/delivery-status\n\nReporting-MTA: dns;mail.protection.example.com\n\nFinal-Recipient: rfc822;x@example.org\nAction: failed\nStatus: 5.1.10\n--rep\nContent-Type: text/rfc822-headers\n\n{header}\n--rep--\n",
    ),
    (
        "out of office",
        "From: Tom Away <tom@example.org>\nSubject: Automatic reply: {subject}\nAuto-Submitted: auto-generated\nX-Auto-Response-Suppress: All\nContent-Type: text/html; charset=utf-8\n\n<html><body><p>Thank you for your message. I am away until Monday. In urgent cases call +49 30 123456.</p></body></html>\n",
    ),
    (
        "vacation",
        "From: Tom Away <tom@example.org>\nSubject: Re: {subject}\nAuto-Submitted: auto-replied (vacation)\nPrecedence: bulk\n\nI am away until Monday and will read your mail then.\n",
    ),
    (
        "boxtrapper",
        "From: tom@example.org\nSubject: Your email requires verification verify#8fA3kZ0c1D2e\nAuto-Submitted: auto-replied\n\nThe message you sent requires that you verify that you are a real live human being and not a spam source.\n\nTo complete this verification, simply reply to this message and leave the subject line intact.\n\nThe headers of the message sent from your address are shown below:\n\n{header}\n",
    ),
    (
        "ticket system",
        "From: Helpdesk <help@desk.example.org>\nSubject: [Ticket#2023091910000017] RE: {subject}\nAuto-Submitted: auto-replied\nPrecedence: bulk\nX-Auto-Response-Suppress: All\n\nThank you for your request. Its number is 2023091910000017. We answer within one working day.\n",
    ),
    (
        "read report",
        "From: Tom Reader <tom@example.org>\nSubject: Read: {subject}\nContent-Type: multipart/report; report-type=disposition-notification; boundary=\"rep\"\n\n--rep\n\nYour message was read.\n--rep\nContent-Type: message/disposition-notification\n\nFinal-Recipient: rfc822;tom@example.org\nDisposition: manual-action/MDN-sent-manually; displayed\n--rep--\n",
    ),
];

/// What spam says; nobody but a forger sent it in our name, and it comes back all the same.
const SPAM: &[&str] = &[
    "Subject: YOU HAVE WON!!!\n\nCongratulations! You have won the lottery, claim your prize of $2,500,000.00 now: http://192.0.2.9/win\nAct now, limited time, urgent! Click here!\n",
    "Subject: Urgent response needed\n\nDear friend, I am Mrs Grace, a widow. My late husband left $12,500,000.00 USD with a bank in Lagos; the next of kin is needed, the funds are unclaimed. Kindly reply with your full name and bank account.\n",
    "Subject: cheap meds 84920\n\nviagra cialis xanax valium without a prescription, overnight shipping, order now http://pills.example.top/\nThis is not spam, to be removed write remove in the subject\n",
    "Subject: Your account is suspended\nContent-Type: text/html\n\n<html><body><p>Dear customer, verify your account within 24 hours, unusual activity, your password expires.</p><a href=\"http://evil.example.xyz/login\">https://bank.example.com</a></body></html>\n",
];

fn originals() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scan/tests/ordinary/ham");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.sort();
    let ours =
        "From: Ann Reader <ann@example.net>\nTo: x@example.org\nMessage-ID: <20230919121140.7.1234@mail.example.net>\n";
    let body = |text: &str| {
        let (header, body) = text.split_once("\n\n").unwrap_or(("", text));
        let kept = ["subject:", "mime-version:", "content-"];
        let lines = header.lines().filter(|line| kept.iter().any(|name| line.to_lowercase().starts_with(name)));
        format!("{ours}{}\n\n{body}", lines.collect::<Vec<_>>().join("\n"))
    };
    let ham = files.iter().map(|file| std::fs::read_to_string(file).unwrap());
    ham.chain(SPAM.iter().map(|text| (*text).to_owned())).map(|text| body(&text)).collect()
}

fn arrival(size: usize) -> Arrival {
    let peer = Peer::default();
    Arrival {
        id: MessageId::new(1_700_000_000_000, [1; 10]),
        surface: Surface::Smtp,
        direction: Direction::Incoming,
        peer,
        envelope: Envelope { rcpt_to: vec![Address::parse("ann@example.net").unwrap()], ..Envelope::default() },
        received_ms: 1_700_000_000_000,
        size: size as u64,
        connection: 1,
    }
}

fn status(engines: &Engines, raw: &str) -> SpamStatus {
    status_where(engines, raw, &[])
}

/// The same where these domains are ours, too.
fn status_where(engines: &Engines, raw: &str, own: &[&str]) -> SpamStatus {
    let spam = SpamContext {
        mail_from: Some(String::new()),
        recipients: vec!["ann@example.net".to_owned()],
        own_domains: own.iter().map(|domain| (*domain).to_owned()).collect(),
        fuel: u64::MAX,
        ..SpamContext::default()
    };
    let context = Context { spam: Some(spam), ..Context::default() };
    let Step::Done(evidence) = start(engines, raw.as_bytes(), &context, &StopFlag::new()) else {
        panic!("nothing outside is asked")
    };
    evidence.validate().expect("sound evidence");
    verdict(&Policy::default(), &arrival(raw.len()), &evidence.close(&engines.required())).status
}

/// One report of a program about an original.
fn made(program: &str, original: &str) -> String {
    let (header, _) = original.split_once("\n\n").unwrap();
    let subject = header.lines().find_map(|line| line.strip_prefix("Subject: ")).unwrap_or("x");
    let filled = program.replace("{subject}", subject).replace("{header}", header).replace("{whole}", original);
    format!(
        "Received: from mx.example.org (mx.example.org [192.0.2.25]) by mx.example.net with ESMTPS id 7; Tue, 19 Sep 2023 12:11:42 +0000\n\
         Date: Tue, 19 Sep 2023 14:11:40 +0200\nTo: ann@example.net\nMessage-ID: <20230919121140.4F1A2.1@mx.example.org>\nMIME-Version: 1.0\n{filled}"
    )
}

#[test]
fn reports_of_servers_and_automatic_replies_are_no_spam_whatever_is_returned() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let originals = originals();
    let (mut all, mut wrong, mut formal) = (0, Vec::new(), 0);
    for (name, program) in PROGRAMS {
        for original in &originals {
            let status = status(&engines, &made(program, original));
            all += 1;
            formal += usize::from(status == SpamStatus::FormalNotification);
            if matches!(status, SpamStatus::Spam | SpamStatus::ProbableSpam) {
                wrong.push(format!("{name}: {status:?}: {}", original.lines().nth(3).unwrap_or("")));
            }
        }
    }
    assert!(all >= 400, "{all} reports");
    assert!(wrong.len() * 100 <= all, "{} of {all}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(formal * 100 >= all * 95, "{formal} of {all} are formal notifications");
}

#[test]
fn what_is_returned_and_was_never_ours_is_no_formal_notification() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let foreign = |text: &str| text.replace("example.net", "elsewhere.example.com");
    for (name, program) in
        PROGRAMS.iter().filter(|(_, program)| program.contains("multipart/report; report-type=delivery"))
    {
        for spam in &originals()[30..] {
            let ours = status(&engines, &made(program, spam));
            assert_eq!(ours, SpamStatus::FormalNotification, "{name}");
            let theirs = status(&engines, &made(program, &foreign(spam)));
            assert_ne!(theirs, SpamStatus::FormalNotification, "{name}");
        }
    }
}

#[test]
fn what_a_stranger_sent_in_our_name_is_no_formal_notification_when_it_comes_back() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let sent = |received: &str, id: &str, more: &str| {
        format!(
            "{received}\nFrom: Ann Reader <ann@example.net>\nTo: x@example.org\nMessage-ID: <{id}>\n{more}{}",
            SPAM.first().unwrap()
        )
    };
    let dialled = "Received: from 203-0-113-66.dyn.example.com (unknown [203.0.113.66])\n\tby mx.example.org with SMTP \
                   id 7; Tue, 19 Sep 2023 12:11:40 +0000";
    let provided = "Received: from desk.local (unknown [203.0.113.66]) by smtp.example.com with ESMTPSA id 7; Tue, 19 Sep \
                    2023 12:11:40 +0000";
    let forged = sent(dialled, "A1B2C3@dyn.example.com", "");
    let honest = [
        sent(provided, "1@mail.example.net", ""),
        sent(provided, "1@desk.local", "DKIM-Signature: v=1; a=rsa-sha256; c=relaxed;\n\td=example.net; s=a; b=x\n"),
        sent(&provided.replace("smtp.example.com", "smtp.example.net"), "1@desk.local", ""),
    ];
    let other = sent(provided, "1@sister.example", "");
    let reports = PROGRAMS.iter().filter(|(_, program)| program.contains("multipart/report; report-type=delivery"));
    for (name, program) in reports {
        assert_ne!(status(&engines, &made(program, &forged)), SpamStatus::FormalNotification, "{name}");
        for ours in &honest {
            assert_eq!(status(&engines, &made(program, ours)), SpamStatus::FormalNotification, "{name}: {ours}");
        }
        let raw = made(program, &other);
        assert_ne!(status(&engines, &raw), SpamStatus::FormalNotification, "{name}");
        assert_eq!(status_where(&engines, &raw, &["sister.example"]), SpamStatus::FormalNotification, "{name}");
    }
}

#[test]
fn two_fields_that_anybody_writes_excuse_no_spam() {
    let (engines, _) = Engines::load(&EngineSpec::default());
    let mut tried = 0;
    for spam in SPAM {
        let plain =
            format!("From: GRACE WIDOW <grace1977@gmail.com>\nTo: ann@example.net\nMessage-ID: <x@localhost>\n{spam}");
        if status(&engines, &plain) != SpamStatus::Spam {
            continue;
        }
        tried += 1;
        let excused = format!("Auto-Submitted: auto-replied\nX-Autoreply: yes\n{plain}");
        assert!(matches!(status(&engines, &excused), SpamStatus::Spam | SpamStatus::ProbableSpam), "{spam}");
    }
    assert!(tried > 0, "none of it is spam by itself");
}
