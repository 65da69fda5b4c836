//! Tests: how messages tell passwords, and that these are found among the first.

use std::time::Duration;

use super::hints::{Hint, Hints};
use super::{MAX_PASSWORDS, Passwords, Place};
use mail::evidence::PasswordSource;
use mail::graph::{Encoding, Recode};

/// What is tried, in order, when a message has these texts.
fn tried(texts: &[(Place, &str)]) -> Vec<String> {
    let mut hints = Hints::default();
    for (place, text) in texts {
        hints.add(Hint::plain(*place, text));
    }
    Passwords::empty().with_hints(&mut hints).iter().map(|(password, _)| password.to_owned()).collect()
}

/// How many are tried before this one, or as many as there are.
fn place(password: &str, texts: &[(Place, &str)]) -> usize {
    let tried = tried(texts);
    tried.iter().position(|known| known == password).unwrap_or(tried.len() + 100)
}

#[test]
fn passwords_are_found_as_people_tell_them() {
    let around = |line: &str| {
        format!(
            "Dear customer,\r\n\r\nplease find attached the document of 12.11.2026 for order 8841.\r\n{line}\r\n\r\n\
             Kind regards\r\nJohn Doe\r\nExample Ltd, Main Street 12, 12345 Town\r\nTel. +49 30 123456\r\n"
        )
    };
    let cases = [
        ("Password: 4711", "4711"),
        ("The password is Xk9!mm", "Xk9!mm"),
        ("The password for the file is: \"open sesame\"", "open sesame"),
        ("Password - infected", "infected"),
        ("PW: aB3_dE", "aB3_dE"),
        ("archive pass: qwerty", "qwerty"),
        ("Use 8812 as the password.", "8812"),
        ("password\r\nhunter2", "hunter2"),
        ("Password:\r\n\r\n  hunter2  ", "hunter2"),
        ("Das Passwort lautet: Geheim123", "Geheim123"),
        ("Das Kennwort zum Öffnen der Datei ist Geheim123.", "Geheim123"),
        ("Le mot de passe est : Été2026", "Été2026"),
        ("Mot de passe pour ouvrir le fichier : 5599", "5599"),
        ("La contraseña es Clave99", "Clave99"),
        ("Contraseña del archivo: 7781", "7781"),
        ("A senha é Abril2026", "Abril2026"),
        ("La password è: Fattura77", "Fattura77"),
        ("Hasło do pliku: Faktura_11", "Faktura_11"),
        ("Heslo: Faktura22", "Faktura22"),
        ("Het wachtwoord is Factuur33", "Factuur33"),
        ("Lösenord: Faktura44", "Faktura44"),
        ("Пароль к архиву: 1234abc", "1234abc"),
        ("Парола: фактура55", "фактура55"),
        ("Parolă: Factura66", "Factura66"),
        ("Şifre: Fatura77", "Fatura77"),
        ("密码：a1b2c3", "a1b2c3"),
        ("解压密码是8899。", "8899"),
        ("パスワードは pass-12 です", "pass-12"),
        ("パスワード：2026x", "2026x"),
        ("비밀번호는 kr2026 입니다", "kr2026"),
        ("סיסמה: heb123", "heb123"),
        ("كلمة المرور: arab55", "arab55"),
        ("> > Password: quoted99", "quoted99"),
        ("*Password:* *bold77*", "bold77"),
        ("Password: <abc123>", "abc123"),
        ("Password: Wow!!", "Wow!!"),
        ("Password:   two words here", "two words here"),
    ];
    for (line, password) in cases {
        let text = around(line);
        let at = place(password, &[(Place::Subject, "Your invoice 8841"), (Place::Body, &text)]);
        assert!(at <= 12, "{line}: tried at place {at}: {:?}", tried(&[(Place::Body, &text)]));
    }
}

#[test]
fn subjects_names_and_lone_lines_tell_passwords() {
    let cases: [(Place, &str, &str); 6] = [
        (Place::Name, "invoice_1234.zip", "1234"),
        (Place::Name, "pw-Xy77.zip", "Xy77"),
        (Place::Name, "pass 8899.rar", "8899"),
        (Place::Name, "Invoice2026.7z", "Invoice2026"),
        (Place::Subject, "Re: files, code 5512", "5512"),
        (Place::Body, "Hello,\nsee the file.\nzz81kk\nBye", "zz81kk"),
    ];
    for (where_, text, password) in cases {
        let at = place(password, &[(where_, text)]);
        assert!(at <= 8, "{text}: tried at place {at}: {:?}", tried(&[(where_, text)]));
    }
}

#[test]
fn an_html_body_split_by_tags_is_read_as_it_shows() {
    let html =
        "<html><head><style>p{color:#123456}</style></head><body><p>Pass<span>word</span>:&nbsp;<b>12</b><b>ab</b></p>";
    let mut hints = Hints::default();
    hints.add(Hint {
        place: Place::Body,
        bytes: html.as_bytes().to_vec(),
        encoding: Encoding::Identity,
        recode: Recode::None,
        charset: None,
        html: true,
    });
    let all = Passwords::empty().with_hints(&mut hints);
    let seen: Vec<_> = all.iter().take(2).collect();
    assert_eq!(seen, [("", PasswordSource::Empty), ("12ab", PasswordSource::Message)]);
}

#[test]
fn configured_passwords_keep_their_places_beside_a_long_message() {
    let mut given = Passwords::empty();
    for number in 0..20 {
        given.add(&format!("configured-{number}"), PasswordSource::Configured);
    }
    let mut hints = Hints::default();
    let words: Vec<String> = (0..5000).map(|number| format!("w{number}")).collect();
    hints.add(Hint::plain(Place::Body, &words.join(" ")));
    let all = given.with_hints(&mut hints);
    assert_eq!(all.iter().count(), MAX_PASSWORDS);
    assert_eq!(all.iter().filter(|(_, source)| *source == PasswordSource::Configured).count(), 20);
}

#[test]
fn a_later_hint_is_found_beside_a_long_first_one() {
    let words: Vec<String> = (0..20_000).map(|number| format!("w{number}")).collect();
    let at = place("late77", &[(Place::Body, &words.join(" ")), (Place::Body, "Password: late77")]);
    assert!(at <= 2, "{at}");
}

#[test]
fn hostile_texts_take_linear_time() {
    let begin = testkit::CpuClock::now();
    for unit in ["password", "password: ", "password\n", "\n", "a ", "\"", "密码", "password \"", "x1"] {
        let text = unit.repeat(50_000 / unit.len());
        tried(&[(Place::Body, &text), (Place::Name, &text), (Place::Subject, &text)]);
    }
    assert!(begin.elapsed() < Duration::from_secs(20), "{:?}", begin.elapsed());
}
