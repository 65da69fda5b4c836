//! What scripts come to.

use super::*;

fn blobs(dialect: Dialect, script: &str) -> Vec<Vec<u8>> {
    fold(&[(dialect, script.as_bytes())]).blobs.into_iter().map(|blob| blob.content).collect()
}

fn view(dialect: Dialect, script: &str) -> String {
    fold(&[(dialect, script.as_bytes())]).view.trim_end().to_owned()
}

/// A zip archive, as far as its start tells.
fn zip() -> Vec<u8> {
    let mut bytes = b"PK\x03\x04".to_vec();
    bytes.extend((0..120_u8).map(|n| n.wrapping_mul(7)));
    bytes
}

fn base64(bytes: &[u8]) -> String {
    String::from_utf8(mail::transfer::encode_base64(bytes, b"")).unwrap()
}

#[test]
fn constants_are_put_together() {
    let cases = [
        (Dialect::Js, "x = 'a' + \"b\" + 'c';", "x = \"abc\";"),
        (
            Dialect::Js,
            "var s='WScr'; s+='ipt'; new ActiveXObject(s+'.Shell')",
            "var s='WScr'; s+='ipt'; new ActiveXObject(\"WScript.Shell\")",
        ),
        (Dialect::Js, "f(String.fromCharCode(104,105))", "f(\"hi\")"),
        (Dialect::Js, "f(String.fromCharCode.apply(null,[104,105]))", "f(\"hi\")"),
        (Dialect::Js, "f('olleh'.split('').reverse().join(''))", "f(\"hello\")"),
        (Dialect::Js, "f(unescape('%68%u0069'))", "f(\"hi\")"),
        (Dialect::Js, "f(atob('aGVsbG8='))", "f(\"hello\")"),
        (Dialect::Js, "f(window['at'+'ob']('aGVsbG8='))", "f(\"hello\")"),
        (Dialect::Js, "a=['x','hi'];f(a[1])", "a=['x','hi'];f(\"hi\")"),
        (Dialect::Js, "f('hXi'.replace(/X/g,''), ['a','b'].join('-'))", "f(\"hi\", \"a-b\")"),
        (Dialect::Js, "f('xhix'.substring(1,3))", "f(\"hi\")"),
        (Dialect::Js, "f((('a')+('b')))", "f(\"ab\")"),
        (Dialect::Vb, "x = Chr(104) & ChrW(&H69) & \"!\"", "x = \"hi!\""),
        (Dialect::Vb, "Set o = CreateObject(StrReverse(\"llehS.tpircSW\"))", "Set o = CreateObject(\"WScript.Shell\")"),
        (
            Dialect::Vb,
            "a = \"po\"\nb = a & \"wer\"\nf Replace(\"hXi\", \"X\", \"\")",
            "a = \"po\"\nb = \"power\"\nf \"hi\"",
        ),
        (Dialect::Ps, "$a='h'+'i'; & ('ie'+'x') $a", "$a=\"hi\"; & \"iex\" \"hi\""),
        (Dialect::Ps, "f (\"{1}{0}\" -f 'i','h')", "f (\"hi\")"),
        (Dialect::Ps, "$x = ('a','b') -join ''", "$x = \"ab\""),
        (Dialect::Ps, "f ([char]104+[char]105)", "f (\"hi\")"),
        (Dialect::Ps, "f ('hXi' -replace 'X','')", "f (\"hi\")"),
    ];
    for (dialect, script, expected) in cases {
        assert_eq!(view(dialect, script), expected, "{script}");
    }
    for plain in ["x = 'a'; f('b', 3)", "function f(a){return a+'x'}", "if(a==b){c='d'}"] {
        assert_eq!(view(Dialect::Js, plain), "", "{plain}");
    }
}

#[test]
fn what_is_executed_is_read_in_turn() {
    let inner = "f('a'+'b')";
    let script = format!("eval(atob('{}'))", base64(inner.as_bytes()));
    let seen = view(Dialect::Js, &script);
    assert!(seen.contains("eval(\"f('a'+'b')\")") && seen.ends_with("f(\"ab\")"), "{seen}");
    let outcome = fold(&[(Dialect::Js, b"document.write('<iframe src=' + 'x>')")]);
    assert_eq!(outcome.pages, ["<iframe src=x>"]);
    let named = fold(&[(Dialect::Js, b"a.download='in'+'voice.zip'; a.click()")]);
    assert_eq!(named.name.as_deref(), Some("invoice.zip"));
}

#[test]
fn files_in_constants_are_found_however_they_stand() {
    let zip = zip();
    let based = base64(&zip);
    let (one, two) = based.split_at(50);
    let hex: String = zip.iter().map(|byte| format!("{byte:02x}")).collect();
    let numbers = zip.iter().map(u8::to_string).collect::<Vec<_>>().join(",");
    let masked = base64(&zip.iter().map(|byte| byte ^ 0x5a).collect::<Vec<u8>>());
    let percent: String = zip.iter().map(|byte| format!("%{byte:02X}")).collect();
    let escaped: String = zip.iter().map(|byte| format!("\\x{byte:02x}")).collect();
    let backwards: String = based.chars().rev().collect();
    let cases = [
        format!("var b = '{based}';"),
        format!("var b = '{one}' + '{two}'; f(b)"),
        format!("var b = ['{one}', \"{two}\"].join('');"),
        format!("var b = ''; b += '{one}'; b += '{two}'; go(atob(b))"),
        format!("var b = ['{one}','{two}'];"),
        format!("f('{hex}')"),
        format!("new Blob([new Uint8Array([{numbers}])])"),
        format!("f('{}'.split(','))", numbers),
        format!("x('{masked}')"),
        format!("x(unescape('{percent}'))"),
        format!("x('{percent}')"),
        format!("x('{escaped}')"),
        format!("x('{backwards}'.split('').reverse().join(''))"),
        format!("a.href='data:application/zip;base64,{based}'"),
        format!("a.href='data:application/zip;base64,' + '{one}' + '{two}'"),
        format!("f({{k: '{based}'}}, function(){{ return '{based}' }})"),
    ];
    for script in cases {
        assert_eq!(blobs(Dialect::Js, &script), [zip.as_slice()], "{script}");
    }
}

#[test]
fn what_is_no_file_is_none() {
    for script in [
        "x='the quick brown fox jumps over the lazy dog and the quick brown fox again'",
        "x='abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789abcdefghijk'",
        "x='0000000000000000000000000000000000000000000000000000000000000000000000000000'",
        "x=[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31,32,33,34,35,36,37,38,39,40,41,42,43,44,45,46,47,48,49]",
    ] {
        assert_eq!(blobs(Dialect::Js, script), Vec::<Vec<u8>>::new(), "{script}");
    }
}

#[test]
fn hostile_scripts_end_soon() {
    let mut chain = "a='xxxxxxxxxxxxxxxx';".to_owned();
    for _ in 0..200 {
        chain.push_str("b=a+a;a=b+b;");
    }
    let outcome = fold(&[(Dialect::Js, chain.as_bytes())]);
    assert!(outcome.over);
    let append = format!("var s='';{}", "s+='0123456789';".repeat(100_000));
    let again = format!("var s='';{}", "s=s+'0123456789';".repeat(100_000));
    let replace = format!("s='{}';{}", "a".repeat(100_000), "s=s.replace('a','b');".repeat(10_000));
    let cases = [
        "(".repeat(100_000),
        "[".repeat(100_000),
        "f(".repeat(60_000),
        "[1,".repeat(60_000),
        "a+".repeat(60_000),
        "'a'+".repeat(60_000),
        "new ".repeat(60_000),
        "- ".repeat(60_000),
        "a.b".repeat(60_000),
        "a=".repeat(60_000),
        "'x'.replace('x','xx')".repeat(10_000),
        "[1,2,3],".repeat(20_000),
        append,
        again,
        replace,
    ];
    for script in cases {
        for dialect in [Dialect::Js, Dialect::Vb, Dialect::Ps] {
            let begun = testkit::CpuClock::now();
            let _outcome = fold(&[(dialect, script.as_bytes())]);
            assert!(begun.elapsed().as_secs() < 20, "{}", script.get(..40).unwrap());
        }
    }
    let outcome = fold(&[(Dialect::Js, format!("var s='';{}", "s+='0123456789';".repeat(100_000)).as_bytes())]);
    assert!(!outcome.over, "growing a text piece by piece is no bomb");
}
