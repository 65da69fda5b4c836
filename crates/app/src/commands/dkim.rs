//! `mailward dkim`: keys that sign outgoing mail, and what belongs into the DNS for them.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;

use clap::{Subcommand, ValueEnum};
use mail::untrusted::escape;
use net::auth::sign::{KeyKind, KeyRecord, Signers, generate};
use net::{DnsError, Resolver};
use settings::config::{Dkim, Signing};
use tokio::time::Instant;

use crate::failure::Failure;
use crate::place::PlaceArgs;
use crate::terminal;

/// Most characters of a foreign record that are shown.
const MAX_TEXT: usize = 120;

/// Make keys that sign outgoing mail, and see what belongs into the DNS for them.
#[derive(clap::Args, Debug)]
pub(crate) struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand, Debug)]
enum Verb {
    /// Make a private key, and show the record for the DNS.
    Keygen(Keygen),
    /// Show the records of all configured keys, as lines of a zone file.
    Dns(PlaceArgs),
    /// Look the records of all configured keys up in the DNS, and compare.
    Check(PlaceArgs),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum Kind {
    Rsa,
    Ed25519,
}

#[derive(clap::Args, Debug)]
struct Keygen {
    /// The domain that signs.
    #[arg(long, value_name = "DOMAIN")]
    domain: String,
    /// The name of the key in the DNS.
    #[arg(long, value_name = "NAME")]
    selector: String,
    /// The file for the key; one that exists is left alone.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    /// The kind of key. Not every receiver verifies Ed25519 yet: use it beside an RSA key.
    #[arg(long, value_enum, default_value = "rsa")]
    kind: Kind,
    /// The size of an RSA key: 2048, 3072 or 4096.
    #[arg(long, value_name = "BITS", default_value_t = 2048)]
    bits: usize,
}

/// Runs it. The exit code of `check` is 1 if a record is missing or wrong, and 2 if one could not be
/// looked up.
///
/// # Errors
/// A key cannot be made, written or read.
pub(crate) fn run(args: &Args) -> Result<u8, Failure> {
    terminal::log_to_stderr();
    match &args.verb {
        Verb::Keygen(wanted) => keygen(wanted),
        Verb::Dns(place) => {
            let text: String = configured(place)?.records().iter().map(|r| r.zone_line() + "\n").collect();
            terminal::put(&text)?;
            Ok(0)
        }
        Verb::Check(place) => check(place),
    }
}

fn keygen(wanted: &Keygen) -> Result<u8, Failure> {
    let kind = match wanted.kind {
        Kind::Rsa => KeyKind::Rsa(wanted.bits),
        Kind::Ed25519 => KeyKind::Ed25519,
    };
    let pem = generate(kind).map_err(Failure::new)?;
    let shown = wanted.out.display();
    let fail = |e: std::io::Error| Failure::new(format!("{shown}: {e}"));
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&wanted.out).map_err(fail)?;
    file.write_all(pem.as_bytes()).and_then(|()| file.sync_all()).map_err(fail)?;
    let dkim = Dkim { domain: wanted.domain.clone(), selector: wanted.selector.clone(), key: Some(wanted.out.clone()) };
    let records = Signers::load(&[dkim], &Signing::default()).whole().map_err(Failure::new)?.records();
    let record = records.first().map(KeyRecord::zone_line).unwrap_or_default();
    terminal::put(&format!("{record}\n"))?;
    terminal::tell(&format!(
        "mailward: the key is in {shown}; only its owner can read it, and the daemon's user has to.\n\
         Put the record above into the DNS, then into mailward.toml:\n\n[[dkim]]\ndomain = {:?}\nselector = {:?}\nkey = {:?}",
        wanted.domain,
        wanted.selector,
        wanted.out.display().to_string()
    ));
    Ok(0)
}

fn configured(place: &PlaceArgs) -> Result<Signers, Failure> {
    let place = place.find()?;
    let config = place.config();
    if config.dkim.is_empty() {
        return Err(Failure::new("no key is configured: see [[dkim]] in mailward.toml"));
    }
    Signers::load(&config.dkim, &config.signing).whole().map_err(Failure::new)
}

fn check(place: &PlaceArgs) -> Result<u8, Failure> {
    let records = configured(place)?.records();
    let config = place.find()?.config().clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Failure::new)?;
    let (mut code, mut text) = (0, String::new());
    runtime.block_on(async {
        let resolver = Resolver::new(&config.dns, Arc::default());
        for record in &records {
            let found = resolver.txt(&record.name, Instant::now() + config.dns.timeout.duration()).await;
            let (worse, says) = compare(record, found.map(|answer| answer.records));
            code = code.max(worse);
            text.push_str(&format!("{}: {says}\n", record.name));
        }
    });
    terminal::put(&text)?;
    Ok(code)
}

/// What the DNS says about a key: an exit code and words.
fn compare(record: &KeyRecord, found: Result<Vec<Vec<u8>>, DnsError>) -> (u8, String) {
    // White space and further tags may differ; the key may not.
    let key = |text: &str| -> String {
        let tag = text.split(';').filter_map(|tag| tag.split_once('=')).find(|(name, _)| name.trim() == "p");
        tag.map(|(_, value)| value.chars().filter(|c| !c.is_whitespace()).collect()).unwrap_or_default()
    };
    match found {
        Ok(texts) => {
            let texts: Vec<String> = texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
            if texts.len() == 1 && texts.iter().any(|text| key(text) == key(&record.text)) {
                return (0, "the record is there, and it is this key".to_owned());
            }
            if texts.len() > 1 {
                return (1, format!("there are {} records, receivers may take any of them", texts.len()));
            }
            let first = texts.first().map(|text| escape(text, MAX_TEXT)).unwrap_or_default();
            (1, format!("the record is of another key: {first}"))
        }
        Err(error) if error.is_absent() => (1, "there is no record; `mailward dkim dns` shows it".to_owned()),
        Err(error) => (2, error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_right_if_its_key_is() {
        let record =
            KeyRecord { name: "s._domainkey.example.org".to_owned(), text: "v=DKIM1; k=rsa; p=AAAA".to_owned() };
        let text = |texts: &[&str]| Ok(texts.iter().map(|text| text.as_bytes().to_vec()).collect());
        type Texts = Result<Vec<Vec<u8>>, DnsError>;
        let cases: [(Texts, u8); 6] = [
            (text(&["v=DKIM1; k=rsa; p=AAAA"]), 0),
            (text(&["p=AA AA; t=s; v=DKIM1"]), 0),
            (text(&["v=DKIM1; p=BBBB"]), 1),
            (text(&["v=DKIM1; k=rsa; p=AAAA", "x"]), 1),
            (Err(DnsError::NoName), 1),
            (Err(DnsError::Temporary("x".to_owned())), 2),
        ];
        for (found, code) in cases {
            assert_eq!(compare(&record, found.clone()).0, code, "{found:?}");
        }
    }
}
