//! `mailward scan`.

use serde_json::{Value, json};
use testkit::sample;

use crate::support::{assert_harmless, files, run, run_with, scan};

/// SHA-256 of `hello\n`.
const HELLO: &str = "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03";

fn eicar() -> Vec<u8> {
    sample::eicar()
}

/// A zip in a zip in a message.
fn nested() -> Vec<u8> {
    let inner = sample::zip(&[("deep.com", &eicar())]);
    let outer = sample::zip(&[("a.txt", b"nothing"), ("inner.zip", &inner)]);
    sample::with_attachment("nested", "outer.zip", "application/zip", &outer)
}

/// A zip whose one member says that it is encrypted (APPNOTE 4.4.4, bit 0).
fn encrypted() -> Vec<u8> {
    let mut zip = sample::zip(&[("secret.txt", b"0123456789abcdef")]);
    let directory = zip.windows(4).position(|four| four == b"PK\x01\x02").expect("a directory");
    zip[6] |= 1;
    zip[directory + 8] |= 1;
    zip
}

fn mbox(messages: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for message in messages {
        out.extend_from_slice(b"From alice@example.org Fri Nov 21 18:00:00 2025\r\n");
        out.extend_from_slice(message);
        out.extend_from_slice(b"\r\n");
    }
    out
}

#[test]
fn clean_mail_exits_with_zero_and_says_what_was_not_looked_for() {
    let dir = files(&[("a.eml", &sample::clean("lunch"))]);
    let ran = scan(dir.path(), &["a.eml"]).exits(0);
    assert_eq!(ran.out, "a.eml: clean\n");
    assert!(ran.err.contains("Scanned 1: 1 clean"), "{}", ran.err);
    assert!(ran.err.contains("NO SIGNATURE DATABASE"), "{}", ran.err);
}

/// A letter that nobody takes for honest.
fn spam() -> Vec<u8> {
    b"From: \"Lottery\" <win84920@prize.example>\r\nTo: undisclosed-recipients:;\r\nSubject: YOU HAVE WON!!! $2,500,000.00\r\n\
      Date: Mon, 2 Nov 2026 10:00:00 +0000\r\nMIME-Version: 1.0\r\nContent-Type: text/html\r\n\r\n\
      <html><body><font color=white>meadow</font>Congratulations! You have won the lottery, claim your prize of \
      $2,500,000.00 now. I am Mrs Grace, a widow; my late husband left the funds with a bank, the next of kin is needed. \
      Kindly reply with your full name and bank account. Viagra cialis without a prescription, order now. \
      Act now, limited time, urgent! This is not spam, to be removed click here. \
      <a href=\"http://192.0.2.9/win\">http://www.bank.example.com/</a></body></html>\r\n"
        .to_vec()
}

#[test]
fn spam_is_called_so_with_its_rating_and_every_sign_and_changes_no_exit_code() {
    let dir = files(&[("s.eml", &spam()), ("a.eml", &sample::clean("lunch"))]);
    let json = scan(dir.path(), &["--format", "json", "s.eml"]).exits(0).json();
    let seen = &json[0]["spam"];
    assert_eq!((&json[0]["status"], &seen["status"]), (&json!("clean"), &json!("spam")), "{seen}");
    let ran = scan(dir.path(), &["s.eml", "a.eml"]).exits(0);
    assert_eq!(ran.out, format!("s.eml: SPAM, rating {}\na.eml: clean\n", seen["rating"]));
    assert!(ran.err.contains("Scanned 2: 1 clean, 1 spam"), "{}", ran.err);
    let quiet = scan(dir.path(), &["-q", "s.eml", "a.eml"]).exits(0).out;
    assert_eq!(quiet, format!("s.eml: SPAM, rating {}\n", seen["rating"]));
    let told = scan(dir.path(), &["-v", "s.eml"]).exits(0).out;
    for sign in seen["signs"].as_array().unwrap() {
        assert!(told.contains(&format!("  {} (", sign["id"].as_str().unwrap())), "{sign}: {told}");
    }
    assert!(told.contains("points fewer would make it probable spam"), "{told}");
    // It has more signs than it needs: only several together hold it.
    let together = seen["together"].as_array().unwrap();
    assert!(together.len() > 1 && seen["decisive"] == json!([]), "{seen}");
    assert!(told.contains("without all of these together: "), "{told}");
}

#[test]
fn d_19_what_is_not_examined_for_spam_is_not_silently_clean() {
    let large = sample::sized("a report", 1_600_000);
    let dir = files(&[("big.eml", &large), ("a.eml", &sample::clean("lunch"))]);
    let ran = scan(dir.path(), &["big.eml", "a.eml"]).exits(0);
    assert_eq!(ran.out, "big.eml: clean; not examined for spam: size exceeded\na.eml: clean\n");
    assert!(ran.err.contains("2 clean, 1 of the clean ones not examined for spam"), "{}", ran.err);
    assert_eq!(scan(dir.path(), &["-q", "big.eml", "a.eml"]).exits(0).out.lines().count(), 1);
    let told = scan(dir.path(), &["-v", "big.eml"]).exits(0).out;
    assert!(told.contains("not scanned: size exceeded") && told.contains("spam.max_size is 1.6 MB"), "{told}");
    let json = scan(dir.path(), &["--format", "json", "big.eml"]).exits(0).json();
    assert_eq!(json[0]["spam"]["limits"]["bytes"], json!(1_572_864));
    let explained = run(dir.path(), &["explain", "--no-config", "big.eml"]).exits(0).out;
    assert!(explained.starts_with("big.eml: clean; not examined for spam: size exceeded\n"), "{explained}");
    assert!(
        explained.contains("What was not looked at\n  of the message itself nothing\n  not examined"),
        "{explained}"
    );
}

#[test]
fn lists_in_the_dns_that_nobody_asked_are_named() {
    let policy = b"[spam.external]\ndnsbl = true\ndnsbl_lists = [{ zone = \"one.example\", weight = 100 }]\n";
    let dir = files(&[("a.eml", &sample::clean("lunch")), ("p.toml", policy)]);
    let args = ["--policy", "p.toml", "--ip", "203.0.113.9", "a.eml"];
    let told = scan(dir.path(), &[&["-v"], args.as_slice()].concat()).exits(0);
    assert!(told.out.contains("not asked of services outside (--authenticate asks): who sent it"), "{}", told.out);
    assert!(told.out.contains("lists of clients"), "{}", told.out);
    assert!(told.err.contains("lists in the DNS, which were not asked"), "{}", told.err);
    let json = scan(dir.path(), &[&["--format", "json"], args.as_slice()].concat()).exits(0).json();
    assert_eq!(json[0]["not_asked"], json!(["authentication", "reverse_name", "dnsbl", "time"]));
    let explained = run(dir.path(), &[&["explain", "--no-config"], args.as_slice()].concat()).exits(0).out;
    assert!(explained.contains("lists of clients") && !explained.contains("everything was looked at"), "{explained}");
    let usual = scan(dir.path(), &["a.eml"]).exits(0).err;
    assert!(!usual.contains("lists in the DNS"), "no lists, nothing to say: {usual}");
}

#[test]
fn d_10_of_a_programs_notice_signs_that_count_nothing_are_told_apart() {
    let dir = files(&[("s.eml", &spam())]);
    let report = "From: Mail <mailer-daemon@example.org>\r\nTo: bob@example.com\r\nSubject: FAILED!!! WIN!!! NOW!!!\r\n\
                  Auto-Submitted: auto-replied\r\nContent-Type: multipart/report; report-type=delivery-status; \
                  boundary=b\r\n\r\n--b\r\n\r\nIt could not be delivered.\r\n--b\r\nContent-Type: message/delivery-status\r\n\r\n\
                  Reporting-MTA: dns; mx.example.org\r\n\r\nFinal-Recipient: rfc822; x@example.net\r\nAction: failed\r\n\
                  Status: 5.1.1\r\n\r\n--b--\r\n";
    std::fs::write(dir.path().join("d.eml"), report).unwrap();
    let json = scan(dir.path(), &["--from", "<>", "--format", "json", "d.eml"]).exits(0).json();
    let seen = &json[0]["spam"];
    assert_eq!(seen["status"], "formal_notification", "{seen}");
    let signs = seen["signs"].as_array().unwrap();
    let counted: f64 = signs
        .iter()
        .filter(|sign| sign["counts"] == true && sign["group"] != "automatic" && sign["group"] != "bulk")
        .map(|sign| sign["points"].as_f64().unwrap())
        .sum();
    assert!((counted - seen["points"].as_f64().unwrap()).abs() < 0.001, "{seen}");
    assert!(signs.iter().any(|sign| sign["counts"] == false), "{seen}");
    let told = scan(dir.path(), &["--from", "<>", "-v", "d.eml"]).exits(0).out;
    assert!(told.contains(", not of a program's notice): "), "{told}");
}

#[test]
fn explain_begins_with_what_a_message_is_as_to_spam() {
    let dir = files(&[("s.eml", &spam())]);
    let told = run(dir.path(), &["explain", "--no-config", "s.eml"]).exits(0).out;
    assert!(told.starts_with("s.eml: spam, rating "), "{told}");
}

#[test]
fn who_sends_nothing_is_told_from_who_is_not_told() {
    let dir = files(&[("a.eml", &sample::clean("lunch"))]);
    let has_null = |args: &[&str]| {
        let line = &scan(dir.path(), &[args, &["--format", "json", "a.eml"]].concat()).exits(0).json()[0];
        line["spam"]["signs"].as_array().unwrap().iter().any(|sign| sign["id"] == "null_sender")
    };
    assert!(has_null(&["--from", "<>"]));
    assert!(!has_null(&[]) && !has_null(&["--from", "ann@example.org"]));
}

#[test]
fn malware_exits_with_one() {
    let dir = files(&[("eicar.com", &eicar()), ("z.eml", &sample::eicar_zipped("bill")), ("n.eml", &nested())]);
    let ran = scan(dir.path(), &["eicar.com", "z.eml", "n.eml"]).exits(1);
    assert_eq!(
        ran.out,
        "eicar.com: INFECTED [EICAR-Test-File]\n\
         z.eml: INFECTED, can be disinfected [EICAR-Test-File]\n\
         n.eml: INFECTED, can be disinfected [EICAR-Test-File]\n"
    );
}

#[test]
fn a_json_line_says_everything_field_by_field() {
    let dir = files(&[("z.eml", &sample::eicar_zipped("bill"))]);
    let mut lines = scan(dir.path(), &["--format", "json", "z.eml"]).exits(1).json();
    // Which signs there are, and their points, changes with every fitting.
    let spam = lines[0].as_object_mut().unwrap().remove("spam").unwrap();
    assert_eq!(spam["status"], "clean");
    let sign = spam["signs"].as_array().unwrap().iter().find(|sign| sign["id"] == "runs_when_opened").unwrap();
    let expected_sign = json!({
        "id": "runs_when_opened", "group": "attachment", "points": 1.0, "evidence": "eicar.com", "counts": true,
    });
    assert_eq!(*sign, expected_sign);
    let expected = json!({
        "path": "z.eml",
        "status": "disinfected",
        "malware": [{
            "name": "EICAR-Test-File", "kind": "test_file", "certainty": "certain",
            "node": "2 » invoice.zip » eicar.com", "path": ["2", "invoice.zip", "eicar.com"], "engine": "eicar",
        }],
        "unscanned": [],
        "active": [],
        "opened": [], "not_asked": ["authentication", "time"],
        "ambiguity": "none",
        "defects": [],
        "attachments": [{
            "node": "2 » invoice.zip", "name": "invoice.zip", "type": "zip",
            "size": sample::zip(&[("readme.txt", b"nothing here\r\n"), ("eicar.com", &eicar())]).len(),
        }],
        "action": "disinfected",
        "rules": ["malware_infected"],
    });
    assert_eq!(lines, [expected]);
}

#[test]
fn what_is_nested_is_found_with_its_whole_path() {
    let dir = files(&[("n.eml", &nested())]);
    let lines = scan(dir.path(), &["--format", "json", "n.eml"]).exits(1).json();
    assert_eq!(lines[0]["malware"][0]["path"], json!(["2", "outer.zip", "inner.zip", "deep.com"]));
    assert_eq!(lines[0]["malware"][0]["node"], "2 » outer.zip » inner.zip » deep.com");
}

#[test]
fn a_mailbox_gives_one_line_a_message_in_order() {
    let messages = [sample::clean("one"), sample::eicar_attached("two"), sample::clean("three")];
    let dir = files(&[("inbox", &mbox(&messages))]);
    let ran = scan(dir.path(), &["--format", "json", "inbox"]).exits(1);
    let lines = ran.json();
    let seen: Vec<(u64, &str)> =
        lines.iter().map(|l| (l["index"].as_u64().unwrap(), l["status"].as_str().unwrap())).collect();
    assert_eq!(seen, [(1, "clean"), (2, "infected"), (3, "clean")]);
    let text = scan(dir.path(), &["inbox"]).exits(1).out;
    assert_eq!(text, "inbox [1]: clean\ninbox [2]: INFECTED [EICAR-Test-File]\ninbox [3]: clean\n");
    let piped = run_with(dir.path(), &["scan", "--no-config", "-"], &mbox(&messages)).exits(1).out;
    assert_eq!(piped, text.replace("inbox", "-"));
}

#[test]
fn a_maildir_and_a_directory_are_walked_in_order() {
    let dir = files(&[
        ("box/cur/1700000001.a:2,S", &sample::clean("read")),
        ("box/new/1700000002.b", &sample::eicar_attached("new")),
        ("box/tmp/1700000003.c", &sample::clean("half")),
        ("z/plain.txt", b"text\n"),
        ("a.bin", b""),
    ]);
    std::os::unix::fs::symlink(dir.path(), dir.path().join("z/loop")).unwrap();
    let ran = scan(dir.path(), &["."]).exits(1);
    assert_eq!(
        ran.out,
        "./a.bin: clean\n./box/cur/1700000001.a:2,S: clean\n./box/new/1700000002.b: INFECTED [EICAR-Test-File]\n\
         ./box/tmp/1700000003.c: clean\n./z/plain.txt: clean\n"
    );
    assert!(ran.err.contains("Symbolic links in directories are not followed: 1"), "{}", ran.err);
}

#[test]
fn many_results_come_in_the_order_of_the_input() {
    let dir = tempfile::tempdir().unwrap();
    for number in 0..60 {
        let mail = if number % 7 == 0 { sample::eicar_zipped("x") } else { sample::sized("x", 500 + number * 1000) };
        std::fs::write(dir.path().join(format!("{number:02}.eml")), mail).unwrap();
    }
    let ran = scan(dir.path(), &["."]).exits(1);
    let seen: Vec<String> = ran.out.lines().map(|line| line[2..4].to_owned()).collect();
    let expected: Vec<String> = (0..60).map(|number| format!("{number:02}")).collect();
    assert_eq!(seen, expected);
    assert!(ran.err.contains("Scanned 60: 51 clean, 9 infected that can be disinfected"), "{}", ran.err);
}

#[test]
fn what_cannot_be_read_is_an_error_and_the_rest_is_scanned() {
    let dir = files(&[("a.txt", b"hello\n"), ("e.com", &eicar())]);
    let lines = scan(dir.path(), &["--format", "json", "missing", "a.txt"]).exits(2).json();
    assert_eq!((&lines[0]["status"], &lines[1]["status"]), (&json!("error"), &json!("clean")));
    assert!(lines[0]["error"].as_str().unwrap().contains("No such file"));
    assert_eq!(lines[0].get("action"), None);
    let ran = scan(dir.path(), &["missing", "e.com"]).exits(1);
    assert!(ran.out.starts_with("missing: ERROR: cannot be opened"), "{}", ran.out);
}

#[test]
fn what_could_not_be_scanned_is_not_clean() {
    let mail = sample::with_attachment("secret", "s.zip", "application/zip", &encrypted());
    let dir = files(&[("s.eml", &mail)]);
    let ran = scan(dir.path(), &["--format", "json", "s.eml"]).exits(2);
    let line = &ran.json()[0];
    assert_eq!(line["status"], "unscannable");
    assert_eq!(line["unscanned"][0]["reason"], "encrypted");
    assert_eq!(line["unscanned"][0]["path"], json!(["2", "s.zip", "secret.txt"]));
    assert_eq!(scan(dir.path(), &["s.eml"]).exits(2).out, "s.eml: not scanned [encrypted]\n");
}

#[test]
fn hostile_names_do_nothing_to_a_terminal_and_stay_exact_for_programs() {
    let hostile = "in\u{202e}gpj.\u{1b}]0;title\u{7}\u{9b}2J\u{200b}.com";
    let zip = sample::zip(&[(hostile, &eicar())]);
    let mail = sample::with_attachment("x", "a.zip", "application/zip", &zip);
    let dir = files(&[("x.eml", &mail), ("bad\u{1b}[2Jname", b"clean")]);
    let text = scan(dir.path(), &["-v", "."]).exits(1);
    assert_harmless(&text.out);
    assert!(text.out.contains("in\\u{202e}gpj"), "{}", text.out);
    let ran = scan(dir.path(), &["--format", "json", "."]).exits(1);
    assert_harmless(&ran.out);
    let lines = ran.json();
    assert_eq!(lines[0]["path"], "./bad\u{1b}[2Jname");
    assert_eq!(lines[1]["malware"][0]["path"][2], hostile);
    let explained = run(dir.path(), &["explain", "--no-config", "x.eml"]).exits(1);
    assert_harmless(&explained.out);
}

#[test]
fn hash_lists_and_rules_are_used_and_count_as_signatures() {
    let rule = "rule Lunch { strings: $a = \"lunch at noon\" condition: $a }";
    let dir = files(&[
        ("hello.txt", b"hello\n"),
        ("hashes.txt", format!("{HELLO}:6:Test.Hello\n").as_bytes()),
        ("mail.eml", &sample::clean("x")),
        ("rule.yar", rule.as_bytes()),
    ]);
    let ran = scan(dir.path(), &["--hash-list", "hashes.txt", "--yara", "rule.yar", "hello.txt", "mail.eml"]).exits(1);
    assert!(ran.out.starts_with("hello.txt: INFECTED [Test.Hello]\nmail.eml: "), "{}", ran.out);
    assert!(ran.out.contains("Lunch"), "{}", ran.out);
    assert!(!ran.err.contains("NO SIGNATURE DATABASE"), "{}", ran.err);
}

#[test]
fn a_password_of_the_command_line_opens_and_is_not_shown() {
    // A text, by AES-256 in zip, made with 7-Zip.
    let hex = "504b0304330001006300c6bc755d00000000290000000d00000005000b00612e7478740199070002004145030000acd0 \
         b658e493d3b4168a1f6953b609dfb0ef95eeb13b33c9fcca9598afc354a4131b5a59c17b475d8e504b01023f03330001 \
         006300c6bc755d00000000290000000d00000005002f000000000000002080a48100000000612e7478740a0020000000 \
         000001001800daed975e117add01000000000000000000000000000000000199070002004145030000504b0506000000 \
         000100010062000000570000000000";
    let digits: Vec<u8> = hex.chars().filter_map(|c| c.to_digit(16)).map(|digit| digit as u8).collect();
    let sealed: Vec<u8> = digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect();
    let dir = files(&[("e.zip", &sealed)]);
    let shut = scan(dir.path(), &["-v", "--password", "wrong", "e.zip"]).exits(2);
    assert!(shut.out.contains("encrypted"), "{}", shut.out);
    let open = scan(dir.path(), &["-v", "--password", "wrong", "--password", "Xq-99", "e.zip"]).exits(0);
    assert!(open.out.contains("opened with a password (configured)"), "{}", open.out);
    assert!(!open.out.contains("Xq-99") && !open.err.contains("Xq-99"), "{open:?}");
}

#[test]
fn rules_that_do_not_load_are_an_error_before_anything_is_scanned() {
    let dir = files(&[("bad.yar", b"rule {"), ("a.txt", b"x")]);
    for args in [["--yara", "bad.yar", "a.txt"], ["--hash-list", "missing", "a.txt"]] {
        let ran = scan(dir.path(), &args).exits(2);
        assert!(ran.out.is_empty() && ran.err.contains(args[1]), "{ran:?}");
    }
}

#[test]
fn the_action_is_that_of_the_policy_and_the_circumstances() {
    let dir = files(&[
        ("e.eml", &sample::eicar_attached("x")),
        ("policy.toml", b"[malware]\naction = \"block\"\n"),
        ("mailward.toml", b"data_dir = \"/nonexistent\"\n[trust]\ninternal_domains = [\"example.org\"]\n"),
    ]);
    let action = |args: &[&str]| {
        let ran = run(dir.path(), &[&["scan", "--format", "json"], args, &["e.eml"]].concat());
        let line = ran.exits(1).json().remove(0);
        (line["action"].clone(), line["rules"].clone())
    };
    let infected = json!(["malware_infected"]);
    assert_eq!(action(&["--no-config"]), (json!("object_deleted"), infected.clone()));
    assert_eq!(action(&["--no-config", "--policy", "policy.toml"]), (json!("blocked"), infected));
    let outgoing =
        ["--config", "mailward.toml", "--user", "alice", "--from", "a@example.org", "--rcpt", "b@example.com"];
    assert_eq!(action(&outgoing), (json!("blocked"), json!(["malware_outgoing"])));
}

#[test]
fn quiet_shows_only_what_is_not_clean() {
    let dir = files(&[("a.txt", b"x"), ("e.com", &eicar())]);
    let ran = scan(dir.path(), &["-q", "."]).exits(1);
    assert_eq!(ran.out, "./e.com: INFECTED [EICAR-Test-File]\n");
    assert!(!ran.err.contains("Scanned"), "{}", ran.err);
}

#[test]
fn large_files_and_pipes_are_scanned_from_a_private_copy() {
    let mut large = sample::sized("large", 3_000_000);
    large.extend_from_slice(b"end\r\n");
    let zip = sample::with_attachment("large", "a.bin", "application/octet-stream", &vec![7; 2_000_000]);
    let dir = files(&[("large.eml", &large), ("zip.eml", &zip)]);
    assert_eq!(
        scan(dir.path(), &["large.eml", "zip.eml"]).exits(0).out,
        "large.eml: clean; not examined for spam: size exceeded\nzip.eml: clean; not examined for spam: size exceeded\n"
    );
    let mut infected = large.clone();
    infected.extend_from_slice(&nested());
    let piped = run_with(dir.path(), &["scan", "--no-config", "-"], &large).exits(0);
    assert_eq!(piped.out, "-: clean; not examined for spam: size exceeded\n");
}

/// Checks keys against the schema as far as it is used: properties, required, enums, references.
fn check(value: &Value, schema: &Value, root: &Value, at: &str) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(path) => root.pointer(path.trim_start_matches('#')).expect(path),
        None => schema,
    };
    if let (Some(properties), Some(object)) = (schema.get("properties").and_then(Value::as_object), value.as_object()) {
        for (key, inner) in object {
            let inner_schema = properties.get(key).unwrap_or_else(|| panic!("{at}.{key} is not in the schema"));
            check(inner, inner_schema, root, &format!("{at}.{key}"));
        }
        for key in schema.get("required").and_then(Value::as_array).into_iter().flatten() {
            assert!(object.contains_key(key.as_str().unwrap()), "{at} lacks {key}");
        }
    }
    if let (Some(items), Some(list)) = (schema.get("items"), value.as_array()) {
        list.iter().for_each(|inner| check(inner, items, root, at));
    }
    if let Some(words) = schema.get("oneOf").and_then(Value::as_array) {
        assert!(words.iter().any(|word| word.get("const") == Some(value)), "{at}: {value}");
    }
    let kind = schema.get("type").and_then(Value::as_str);
    assert!(kind != Some("string") || value.is_string(), "{at}: {value}");
    assert!(kind != Some("array") || value.is_array(), "{at}: {value}");
    assert!(kind != Some("integer") || value.is_u64(), "{at}: {value}");
}

#[test]
fn every_line_keeps_to_the_documented_schema() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference/scan-output.schema.json");
    let schema: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let broken = b"From: a@example.org\r\nSubject: x\r\nContent-Type: multipart/mixed\r\nNo colon here\r\n\r\nx\n";
    let dir = files(&[
        ("1.eml", &sample::clean("x")),
        ("2.eml", &sample::eicar_zipped("x")),
        ("3.eml", &sample::with_attachment("x", "s.zip", "application/zip", &encrypted())),
        ("4.eml", broken),
        ("5.mbox", &mbox(&[nested()])),
    ]);
    let lines = scan(dir.path(), &["--format", "json", ".", "missing"]).exits(1).json();
    assert_eq!(lines.len(), 6);
    lines.iter().for_each(|line| check(line, &schema, &schema, "line"));
    assert!(!lines[3]["defects"].as_array().unwrap().is_empty(), "{}", lines[3]);
}

#[test]
fn without_a_path_the_usage_is_shown() {
    let dir = files(&[]);
    let ran = run(dir.path(), &["scan"]).exits(2);
    assert!(ran.err.contains("Usage: mailward scan"), "{}", ran.err);
}
