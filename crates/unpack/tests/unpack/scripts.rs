//! Texts, scripts, shortcuts, calendars and cards.

use mail::evidence::{Active, FileKind, Role, UnscannedReason};
use testkit::eicar;
use unpack::{Member, detect};

use crate::support::{deflated, name, open_all};

fn base64(bytes: &[u8]) -> String {
    String::from_utf8(mail::transfer::encode_base64(bytes, b"\n")).unwrap()
}

/// What a file is, and its members; it is read without problems.
fn opened(data: &[u8]) -> (FileKind, Vec<Member>) {
    let kind = detect(data);
    let (members, problems) = open_all(kind, data);
    assert_eq!(problems, [], "{}", String::from_utf8_lossy(data));
    (kind, members)
}

fn of(members: &[Member], role: Role) -> Vec<String> {
    let text = |member: &Member| String::from_utf8_lossy(&member.content).into_owned();
    members.iter().filter(|member| member.role == role).map(text).collect()
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

#[test]
fn files_that_batch_files_write_line_by_line_are_read() {
    let inside = deflated(&[("a.com", eicar().as_slice())]);
    let lines: String = base64(&inside).lines().map(|line| format!("@echo {line}>>a\r\n")).collect();
    let batch = format!(
        "@echo off\r\n@echo -----BEGIN CERTIFICATE-----> a\r\n{lines}@echo -----END CERTIFICATE----->>a\r\n@certutil -decode a b\r\n"
    );
    for kind in [FileKind::Script, FileKind::Text] {
        let (members, problems) = open_all(kind, batch.as_bytes());
        assert_eq!(problems, []);
        let written = members.iter().find(|member| name(member) == "a").unwrap();
        let (within, _) = open_all(detect(&written.content), &written.content);
        assert!(within.iter().any(|member| member.content == inside), "{kind:?}");
    }
}

#[test]
fn style_sheets_that_xml_loads_from_elsewhere_are_told() {
    let sheet =
        |address: &str| format!("<?xml version=\"1.0\"?><?xml-stylesheet type=\"text/xsl\" href=\"{address}\"?><r/>");
    for address in ["file&#58;//example.org/a.xsl", "//example.org/a.xsl", "\\\\192.0.2.1\\a.xsl"] {
        let decoys = "<?xml-stylesheet href='a.xsl'?>".repeat(200);
        let text = sheet(address).replace("<r/>", &format!("{decoys}<r/>"));
        for text in [&text, &text.replacen("<r/>", &sheet("b.xsl"), 1)] {
            let (kind, members) = opened(text.as_bytes());
            assert_eq!(kind, FileKind::Xml);
            assert_eq!(of(&members, Role::Active(Active::RemoteTemplate)).len(), 1, "{text}");
        }
    }
    assert_eq!(opened(sheet("a.xsl").as_bytes()).1, []);
}

#[test]
fn style_sheets_of_the_web_count_in_documents_of_office_only() {
    for kind in ["type=\"text/xsl\" ", "type=\"text/css\" ", ""] {
        let sheet = format!("<?xml-stylesheet {kind}href=\"https://www.example.org/fattura.xsl\"?>");
        let plain = format!("<?xml version=\"1.0\"?>{sheet}<p:FatturaElettronica xmlns:p=\"urn:x\"/>");
        assert_eq!(opened(plain.as_bytes()), (FileKind::Xml, Vec::new()), "{plain}");
        let office = plain.replacen(&sheet, &format!("<?mso-application progid='Word.Document'?>{sheet}"), 1);
        assert_eq!(of(&opened(office.as_bytes()).1, Role::Active(Active::RemoteTemplate)).len(), 1, "{office}");
    }
}

/// A shortcut: flags, what stands behind the header, and what is appended.
fn shortcut(flags: u32, body: &[u8], appended: &[u8]) -> Vec<u8> {
    let mut out = b"\x4c\0\0\0\x01\x14\x02\0\0\0\0\0\xc0\0\0\0\0\0\0\x46".to_vec();
    out.extend(flags.to_le_bytes());
    out.resize(76, 0);
    out.extend(body);
    out.extend(appended);
    out
}

fn string(text: &str) -> Vec<u8> {
    [&(text.encode_utf16().count() as u16).to_le_bytes()[..], &wide(text)].concat()
}

/// A shortcut to PowerShell with an item list, a link information, arguments and an icon elsewhere.
pub(crate) fn rich_shortcut() -> Vec<u8> {
    let mut item = b"\x19\0\x2fC:\\".to_vec();
    item.resize(0x19, 0);
    let list = [&(item.len() as u16 + 2).to_le_bytes()[..], &item, b"\0\0"].concat();
    let path = b"C:\\Windows\\powershell.exe\0\0";
    let mut info = (28 + path.len() as u32).to_le_bytes().to_vec();
    for number in [28_u32, 1, 0, 28, 0, 28 + path.len() as u32 - 1] {
        info.extend(number.to_le_bytes());
    }
    info.extend(path);
    let command = base64(&wide("Write-Output 'hello hello'")).replace('\n', "");
    let body = [
        list,
        info,
        string("my file"),
        string(&format!("-w hidden -enc {command}")),
        string("\\\\192.0.2.1\\x\\i.ico"),
        vec![0; 4],
    ];
    shortcut(0x01 | 0x02 | 0x04 | 0x20 | 0x40 | 0x80, &body.concat(), &deflated(&[("test.com", &eicar())]))
}

/// A calendar with all that may stand in one.
pub(crate) fn rich_calendar() -> Vec<u8> {
    let zip = base64(&deflated(&[("test.com", &eicar())])).trim_end().replace('\n', "\r\n ");
    format!("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nSUMMARY:Meet\r\n ing\r\nDESCRIPTION;LANGUAGE=en:a\\, b\\nc\r\n\
        ATTACH;FMTTYPE=application/zip;ENCODING=BASE64;VALUE=BINARY;X-FILENAME=\"a:b.zip\":{zip}\r\n\
        X-ALT-DESC;FMTTYPE=text/html:<html><script>go()</script></html>\r\nATTACH:https://example.org/\r\n\
        END:VEVENT\r\nEND:VCALENDAR\r\n").into_bytes()
}

#[test]
fn files_in_texts_are_found() {
    let zip = deflated(&[("test.com", &eicar())]);
    let hex: String = zip.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = zip.iter().map(u8::to_string).collect::<Vec<_>>().join(", ");
    let cases = [
        format!("see\nbegin-base64 644 a.zip\n{}====\n", base64(&zip)),
        base64(&zip),
        base64(&zip).replace('\n', ""),
        hex.clone(),
        hex.as_bytes().chunks(32).map(|line| format!("{}\r\n", String::from_utf8_lossy(line))).collect(),
        numbers,
    ];
    for text in cases {
        let (_, members) = opened(text.as_bytes());
        let files: Vec<&[u8]> = members.iter().map(|member| member.content.as_slice()).collect();
        assert_eq!(files, [zip.as_slice()], "{text}");
    }
    for text in
        ["just a text, with nothing in it".to_owned(), "A".repeat(500), "deadbeef".repeat(50), "word".repeat(50)]
    {
        assert!(opened(text.as_bytes()).1.is_empty(), "{text}");
    }
}

#[test]
fn encoded_files_are_opened_whole() {
    let zip = deflated(&[("test.com", &eicar())]);
    let six = |byte: u8| if byte == 0 { b'`' } else { byte + 32 };
    let mut uu = b"begin 644 a.zip\n".to_vec();
    for line in zip.chunks(45) {
        uu.push(six(line.len() as u8));
        for three in line.chunks(3) {
            let [a, b, c] = [three[0], *three.get(1).unwrap_or(&0), *three.get(2).unwrap_or(&0)];
            uu.extend([a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63].map(six));
        }
        uu.push(b'\n');
    }
    uu.extend(b"`\nend\n");
    let mut yenc = b"=ybegin line=128 size=1 name=a.zip\r\n".to_vec();
    for byte in &zip {
        match byte.wrapping_add(42) {
            escaped @ (0 | b'\n' | b'\r' | b'=') => yenc.extend([b'=', escaped.wrapping_add(64)]),
            plain => yenc.push(plain),
        }
    }
    yenc.extend(b"\r\n=yend size=1\r\n");
    for data in [uu, yenc] {
        let (_, members) = opened(&data);
        let files: Vec<(&str, &[u8])> =
            members.iter().map(|member| (name(member), member.content.as_slice())).collect();
        assert_eq!(files, [("a.zip", zip.as_slice())]);
    }
}

#[test]
fn coats_of_scripts_are_undone() {
    let command = base64(&wide("Write-Output 'hello hello'")).replace('\n', "");
    let cases: [(&str, &str); 7] = [
        ("#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@", "MsgBox \"Hello\""),
        (&format!("@echo off\r\npowershell -nop -enc {command}\r\n"), "Write-Output 'hello hello'"),
        ("@echo off\nset a=no\nset b=te\n%a%%b%pad x", "notepad x"),
        ("Set s = CreateObject(\"WScr\" & \"ipt.Sh\" & Chr(101) & \"ll\")\n", "CreateObject(\"WScript.Shell\")"),
        ("var a = 'WScr'; new ActiveXObject(a + 'ipt.Shell');", "new ActiveXObject(\"WScript.Shell\")"),
        (
            "$x = ('i','e','x') -join ''; & $x ([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String('aGVsbG8='))) ; Invoke-Expression $x",
            "\"iex\"",
        ),
        ("eval(String.fromCharCode(103,111,40,41,59,47,47,120,120,120))", "go();//xxx"),
    ];
    for (script, part) in cases {
        let (_, members) = opened(script.as_bytes());
        let seen = of(&members, Role::Decoded).join("\n");
        assert!(seen.contains(part), "{script}: {seen}");
    }
}

#[test]
fn a_job_of_scripts_and_an_encoded_script_in_a_page_are_read() {
    let job = "<?xml version='1.0'?><package><job id='x'><script language='VBScript'><![CDATA[x = Chr(104) & \"i\"]]></script></job></package>";
    let (_, members) = opened(job.as_bytes());
    assert_eq!(of(&members, Role::Active(Active::Script)), ["x = Chr(104) & \"i\""]);
    assert!(of(&members, Role::Decoded).join("").contains("x = \"hi\""));
    let page = "<html><script language='VBScript.Encode'>#@~^DgAAAA==\\ko$K6,JC\x7fV^GJqAQAAA==^#~@</script>";
    let (_, members) = opened(page.as_bytes());
    assert!(of(&members, Role::Decoded).join("").contains("MsgBox \"Hello\""));
}

#[test]
fn a_shortcut_shows_its_command_icon_and_what_is_appended() {
    let (kind, members) = opened(&rich_shortcut());
    assert_eq!(kind, FileKind::Lnk);
    let command = of(&members, Role::Active(Active::CommandLine)).join("");
    assert!(command.starts_with("C:\\Windows\\powershell.exe -w hidden -enc "), "{command}");
    assert_eq!(of(&members, Role::Active(Active::OpenUri)), ["\\\\192.0.2.1\\x\\i.ico"]);
    assert_eq!(of(&members, Role::Text), ["my file"]);
    let file = members.iter().find(|member| member.role == Role::File).unwrap();
    assert_eq!(file.content, deflated(&[("test.com", &eicar())]));
    let line = members.iter().find(|member| member.role == Role::Active(Active::CommandLine)).unwrap();
    let (_, inner) = opened(&line.content);
    assert_eq!(of(&inner, Role::Decoded), ["Write-Output 'hello hello'"]);
}

#[test]
fn a_shortcut_by_its_items_alone_and_a_cut_one() {
    let named = |kind: u8, name: &str| {
        let mut item = vec![0, 0, kind, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        item.extend(b"CMD~1.EXE\0");
        item.extend(b"\x2e\0\x08\0\x04\0\xef\xbe\0\0\0\0\0\0\0\0\x2e\0\0\0");
        item.extend(wide(name));
        item.extend([0, 0, 0x1c, 0]);
        let size = (item.len() as u16).to_le_bytes();
        item[..2].copy_from_slice(&size);
        item
    };
    let mut items = [named(0x31, "Windows"), named(0x32, "cmd.exe")].concat();
    items.extend([0, 0]);
    let list = [&(items.len() as u16).to_le_bytes()[..], &items].concat();
    let data = shortcut(0x01 | 0x20 | 0x80, &[list, string("/c start x"), vec![0; 4]].concat(), b"");
    let (_, members) = opened(&data);
    assert_eq!(of(&members, Role::Active(Active::CommandLine)), ["Windows\\cmd.exe /c start x"]);
    let (_, problems) = open_all(FileKind::Lnk, &data[..data.len() - 8]);
    assert_eq!(problems, [UnscannedReason::Damaged]);
}

#[test]
fn shortcuts_in_lines_and_in_xml_are_read() {
    let cases: [(&str, FileKind, Active, &str); 6] = [
        (
            "[InternetShortcut]\r\nURL=https://example.org/x\r\n",
            FileKind::InternetShortcut,
            Active::OpenUri,
            "https://example.org/x",
        ),
        (
            "[{000214A0}]\nProp3=19\n[InternetShortcut]\nIconFile=\\\\192.0.2.1\\x.ico\n",
            FileKind::InternetShortcut,
            Active::OpenUri,
            "\\\\192.0.2.1\\x.ico",
        ),
        (
            "[Desktop Entry]\nType=Application\nExec=sh -c 'echo x'\n",
            FileKind::Text,
            Active::CommandLine,
            "sh -c 'echo x'",
        ),
        ("[autorun]\nopen=x.exe\n", FileKind::Text, Active::CommandLine, "x.exe"),
        (
            "<?xml version=\"1.0\"?><PCSettings><SearchableContent><ApplicationInformation><DeepLink>%windir%\\system32\\cmd.exe /c x</DeepLink></ApplicationInformation></SearchableContent></PCSettings>",
            FileKind::Xml,
            Active::CommandLine,
            "%windir%\\system32\\cmd.exe /c x",
        ),
        (
            "<?xml version=\"1.0\"?><libraryDescription><simpleLocation><url>\\\\192.0.2.1\\share</url></simpleLocation></libraryDescription>",
            FileKind::Xml,
            Active::OpenUri,
            "\\\\192.0.2.1\\share",
        ),
    ];
    for (data, kind, what, expected) in cases {
        let (seen, members) = opened(data.as_bytes());
        assert_eq!((seen, of(&members, Role::Active(what))), (kind, vec![expected.to_owned()]), "{data}");
    }
    let (_, members) = opened(b"[section]\nurl=https://example.org/\n");
    assert!(members.is_empty());
}

#[test]
fn calendars_and_cards_give_what_is_attached() {
    let (kind, members) = opened(&rich_calendar());
    assert_eq!(kind, FileKind::Calendar);
    let files: Vec<&Member> = members.iter().filter(|member| member.role == Role::File).collect();
    assert_eq!(files[0].content, deflated(&[("test.com", &eicar())]));
    assert_eq!((name(files[0]), detect(&files[1].content)), ("a:b.zip", FileKind::Html));
    assert_eq!(of(&members, Role::Text), ["Meeting\na, b\nc"]);
    let card = "BEGIN:VCARD\r\nVERSION:2.1\r\nFN;ENCODING=QUOTED-PRINTABLE:J=C3=B6rg =\r\nX\r\nPHOTO;JPEG;ENCODING=BASE64:\r\n /9j/4AAQSkZJRg==\r\nLOGO:data:image/gif;base64,R0lGODlh\r\nEND:VCARD\r\n";
    let (kind, members) = opened(card.as_bytes());
    assert_eq!((kind, of(&members, Role::Text)), (FileKind::VCard, vec!["Jörg X".to_owned()]));
    let kinds: Vec<FileKind> = members.iter().filter(|m| m.role == Role::File).map(|m| detect(&m.content)).collect();
    assert_eq!(kinds, [FileKind::Image, FileKind::Image]);
}

#[test]
fn kinds_of_texts_are_told() {
    let cases = [
        ("<?xml version='1.0'?>\n<svg xmlns='http://www.w3.org/2000/svg'/>", FileKind::Svg),
        ("<svg><script>x</script></svg>", FileKind::Svg),
        ("<?xml version='1.0'?><a/>", FileKind::Xml),
        ("begin:vcalendar\n", FileKind::Calendar),
        ("BEGIN:VCARD\n", FileKind::VCard),
        ("[InternetShortcut]\nURL=x", FileKind::InternetShortcut),
        ("[other]\nURL=x", FileKind::Text),
    ];
    for (text, kind) in cases {
        assert_eq!(detect(text.as_bytes()), kind, "{text}");
    }
}

#[test]
fn hostile_texts_end_soon() {
    let texts = [
        "-e ".repeat(300_000),
        "/ec AAAAAAAAAAAAAAAAAAAAAAAA".repeat(30_000),
        "#@~^".repeat(200_000),
        "%a%".repeat(300_000),
        "BEGIN:VCALENDAR\n".to_owned() + &"ATTACH;ENCODING=BASE64:QUJD\n".repeat(50_000),
        "BEGIN:VCARD\nX".to_owned() + &"\n y".repeat(300_000),
        "BEGIN:VCARD\n".to_owned() + &";".repeat(1_000_000),
        "[autorun]\n".to_owned() + &"open=x\n".repeat(100_000),
        "0123456789abcdef".repeat(60_000),
        "QUJD".repeat(300_000),
    ];
    for text in texts {
        let begun = testkit::CpuClock::now();
        let kind = detect(text.as_bytes());
        for kind in [kind, FileKind::Script] {
            let _opened = open_all(kind, text.as_bytes());
        }
        assert!(begun.elapsed().as_secs() < 60, "{}", text.get(..30).unwrap());
    }
}
