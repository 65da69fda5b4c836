//! Names of glyphs, and the encodings that fonts name (ISO 32000-1, annex D), for the letters of European
//! languages. Not handled: glyphs of other names than these, `uniXXXX` and `uXXXX`.

/// Names as fonts have them, each with its character; a blank stands as ␣.
const NAMES: &str = "\
    AE=Æ Aacute=Á Abreve=Ă Acircumflex=Â Adieresis=Ä Agrave=À Alpha=Α Amacron=Ā Aogonek=Ą Aring=Å \
    Atilde=Ã Beta=Β Cacute=Ć Ccaron=Č Ccedilla=Ç Ccircumflex=Ĉ Cdotaccent=Ċ Chi=Χ Dcaron=Ď Delta=Δ \
    Eacute=É Ebreve=Ĕ Ecaron=Ě Ecircumflex=Ê Edieresis=Ë Edotaccent=Ė Egrave=È Emacron=Ē Eogonek=Ę \
    Epsilon=Ε Eta=Η Eth=Ð Euro=€ Gamma=Γ Gbreve=Ğ Gcedilla=Ģ Gcircumflex=Ĝ Gdotaccent=Ġ Hcircumflex=Ĥ \
    Iacute=Í Ibreve=Ĭ Icircumflex=Î Idieresis=Ï Idotaccent=İ Igrave=Ì Imacron=Ī Iogonek=Į Iota=Ι \
    Itilde=Ĩ Jcircumflex=Ĵ Kappa=Κ Kcedilla=Ķ Lacute=Ĺ Lambda=Λ Lcaron=Ľ Lcedilla=Ļ Lslash=Ł Mu=Μ \
    Nacute=Ń Ncaron=Ň Ncedilla=Ņ Ntilde=Ñ Nu=Ν OE=Œ Oacute=Ó Obreve=Ŏ Ocircumflex=Ô Odieresis=Ö Ograve=Ò \
    Ohungarumlaut=Ő Omacron=Ō Omega=Ω Omicron=Ο Oslash=Ø Otilde=Õ Phi=Φ Pi=Π Psi=Ψ Racute=Ŕ Rcaron=Ř \
    Rcedilla=Ŗ Rho=Ρ Sacute=Ś Scaron=Š Scedilla=Ş Scircumflex=Ŝ Sigma=Σ Tau=Τ Tcaron=Ť Tcedilla=Ţ \
    Theta=Θ Thorn=Þ Uacute=Ú Ubreve=Ŭ Ucircumflex=Û Udieresis=Ü Ugrave=Ù Uhungarumlaut=Ű Umacron=Ū \
    Uogonek=Ų Upsilon=Υ Uring=Ů Utilde=Ũ Wcircumflex=Ŵ Xi=Ξ Yacute=Ý Ycircumflex=Ŷ Ydieresis=Ÿ Zacute=Ź \
    Zcaron=Ž Zdotaccent=Ż Zeta=Ζ aacute=á abreve=ă acircumflex=â acute=´ adieresis=ä ae=æ afii10017=А \
    afii10018=Б afii10019=В afii10020=Г afii10021=Д afii10022=Е afii10023=Ё afii10024=Ж afii10025=З \
    afii10026=И afii10027=Й afii10028=К afii10029=Л afii10030=М afii10031=Н afii10032=О afii10033=П \
    afii10034=Р afii10035=С afii10036=Т afii10037=У afii10038=Ф afii10039=Х afii10040=Ц afii10041=Ч \
    afii10042=Ш afii10043=Щ afii10044=Ъ afii10045=Ы afii10046=Ь afii10047=Э afii10048=Ю afii10049=Я \
    afii10065=а afii10066=б afii10067=в afii10068=г afii10069=д afii10070=е afii10071=ё afii10072=ж \
    afii10073=з afii10074=и afii10075=й afii10076=к afii10077=л afii10078=м afii10079=н afii10080=о \
    afii10081=п afii10082=р afii10083=с afii10084=т afii10085=у afii10086=ф afii10087=х afii10088=ц \
    afii10089=ч afii10090=ш afii10091=щ afii10092=ъ afii10093=ы afii10094=ь afii10095=э afii10096=ю \
    afii10097=я agrave=à alpha=α amacron=ā ampersand=& aogonek=ą aring=å asciicircum=^ asciitilde=~ \
    asterisk=* at=@ atilde=ã backslash=\\ bar=| beta=β braceleft={ braceright=} bracketleft=[ \
    bracketright=] breve=˘ brokenbar=¦ bullet=• cacute=ć caron=ˇ ccaron=č ccedilla=ç ccircumflex=ĉ \
    cdotaccent=ċ cedilla=¸ cent=¢ chi=χ circumflex=ˆ colon=: comma=, copyright=© currency=¤ dagger=† \
    daggerdbl=‡ dcaron=ď degree=° delta=δ dieresis=¨ divide=÷ dollar=$ dotaccent=˙ dotlessi=ı eacute=é \
    ebreve=ĕ ecaron=ě ecircumflex=ê edieresis=ë edotaccent=ė egrave=è eight=8 ellipsis=… emacron=ē \
    emdash=— endash=– eogonek=ę epsilon=ε equal== eta=η eth=ð exclam=! exclamdown=¡ ff=ﬀ ffi=ﬃ ffl=ﬄ \
    fi=ﬁ five=5 fl=ﬂ florin=ƒ four=4 fraction=⁄ gamma=γ gbreve=ğ gcedilla=ģ gcircumflex=ĝ gdotaccent=ġ \
    germandbls=ß grave=` greater=> guillemotleft=« guillemotright=» guilsinglleft=‹ guilsinglright=› \
    hcircumflex=ĥ hungarumlaut=˝ hyphen=- iacute=í ibreve=ĭ icircumflex=î idieresis=ï igrave=ì imacron=ī \
    iogonek=į iota=ι itilde=ĩ jcircumflex=ĵ kappa=κ kcedilla=ķ lacute=ĺ lambda=λ lcaron=ľ lcedilla=ļ \
    less=< logicalnot=¬ lslash=ł macron=¯ minus=− mu=µ multiply=× nacute=ń ncaron=ň ncedilla=ņ nine=9 \
    ntilde=ñ nu=ν numbersign=# oacute=ó obreve=ŏ ocircumflex=ô odieresis=ö oe=œ ogonek=˛ ograve=ò \
    ohungarumlaut=ő omacron=ō omega=ω omicron=ο one=1 onehalf=½ onequarter=¼ ordfeminine=ª \
    ordmasculine=º oslash=ø otilde=õ paragraph=¶ parenleft=( parenright=) percent=% period=. \
    periodcentered=· perthousand=‰ phi=φ pi=π plus=+ plusminus=± psi=ψ question=? questiondown=¿ \
    quotedbl=\" quotedblbase=„ quotedblleft=“ quotedblright=” quoteleft=‘ quoteright=’ quotesinglbase=‚ \
    quotesingle=' racute=ŕ rcaron=ř rcedilla=ŗ registered=® rho=ρ ring=˚ sacute=ś scaron=š scedilla=ş \
    scircumflex=ŝ section=§ semicolon=; seven=7 sigma=σ six=6 slash=/ space=␣ sterling=£ tau=τ tcaron=ť \
    tcedilla=ţ theta=θ thorn=þ three=3 threequarters=¾ tilde=˜ trademark=™ two=2 uacute=ú ubreve=ŭ \
    ucircumflex=û udieresis=ü ugrave=ù uhungarumlaut=ű umacron=ū underscore=_ uogonek=ų upsilon=υ \
    uring=ů utilde=ũ wcircumflex=ŵ xi=ξ yacute=ý ycircumflex=ŷ ydieresis=ÿ yen=¥ zacute=ź zcaron=ž \
    zdotaccent=ż zero=0 zeta=ζ \
";
/// Mac OS Roman from 0x80.
const MAC: &str = "ÄÅÇÉÑÖÜáàâäãåçéèêëíìîïñóòôöõúùûü†°¢£§•¶ß®©™´¨≠ÆØ∞±≤≥¥µ∂∑∏π∫ªºΩæø¿¡¬√ƒ≈∆«»… ÀÃÕŒœ–—“”‘’÷◊ÿŸ⁄€‹›ﬁﬂ‡·‚„‰ÂÊÁËÈÍÎÏÌÓÔ�ÒÚÛÙıˆ˜¯˘˙˚¸˝˛ˇ";
/// Windows code page 1252 from 0x80 to 0x9f; what follows is ISO 8859-1.
const WINDOWS: &str = "€�‚ƒ„…†‡ˆ‰Š‹Œ�Ž��‘’“”•–—˜™š›œ�žŸ";
/// Adobe's standard encoding from 0xa0; what is not there is U+FFFD.
const STANDARD: &str =
    "�¡¢£⁄¥ƒ§¤'“«‹›ﬁﬂ�–†‡·�¶•‚„”»…‰�¿�`´ˆ˜¯˘˙¨�˚¸�˝˛ˇ—����������������Æ�ª����ŁØŒº�����æ���ı��łøœß����";

/// Which characters a font has for the bytes, before it says otherwise.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Base {
    Standard,
    Windows,
    Mac,
}

/// The characters of all bytes.
pub(super) fn table(base: Base) -> Vec<char> {
    let mut table: Vec<char> = (0..=255_u8).map(char::from).collect();
    let (from, upper) = match base {
        Base::Standard => (0xa0, STANDARD),
        Base::Windows => (0x80, WINDOWS),
        Base::Mac => (0x80, MAC),
    };
    for (place, letter) in table.iter_mut().skip(from).zip(upper.chars()) {
        *place = letter;
    }
    if base == Base::Standard {
        for (at, letter) in [(0x27, '’'), (0x60, '‘')] {
            if let Some(place) = table.get_mut(at) {
                *place = letter;
            }
        }
    }
    table
}

/// The character of a glyph, if its name tells.
pub(super) fn character(name: &str) -> Option<char> {
    // What follows a full stop tells of the glyph's form.
    let name = name.split('.').next().unwrap_or(name);
    let mut letters = name.chars();
    if let (Some(only), None) = (letters.next(), letters.next()) {
        return Some(only);
    }
    let code = name.strip_prefix("uni").filter(|code| code.len() >= 4).and_then(|code| code.get(..4));
    let code = code.or(name.strip_prefix('u').filter(|code| (4..=6).contains(&code.len())));
    let letter = code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32);
    if letter.is_some() {
        return letter;
    }
    let found = NAMES.split_ascii_whitespace().find_map(|entry| entry.strip_prefix(name)?.strip_prefix('='))?;
    found.chars().next().map(|letter| if letter == '␣' { ' ' } else { letter })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn glyphs_have_their_characters() {
        let cases = [
            ("A", 'A'),
            ("space", ' '),
            ("eacute", 'é'),
            ("Scaron", 'Š'),
            ("uni20AC", '€'),
            ("equal", '='),
            ("afii10017", 'А'),
            ("u1F600", '😀'),
            ("a.sc", 'a'),
            ("quoteright", '’'),
            ("Lslash", 'Ł'),
        ];
        for (name, letter) in cases {
            assert_eq!(character(name), Some(letter), "{name}");
        }
        assert_eq!(character("g123"), None);
    }

    #[test]
    fn encodings_have_256_characters() {
        for (base, byte, letter) in [(Base::Windows, 0x80, '€'), (Base::Mac, 0x8a, 'ä'), (Base::Standard, 0xae, 'ﬁ')]
        {
            let table = table(base);
            assert_eq!((table.len(), table[byte], table[65]), (256, letter, 'A'));
        }
    }
}
