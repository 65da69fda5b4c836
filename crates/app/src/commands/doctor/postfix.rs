//! Postfix on the same machine: whether its mail comes through us, and the usual mistakes in how.
//!
//! Reads `main.cf` and `master.cf` as text. Not handled: settings that Postfix takes from elsewhere
//! (`-o` of services in other instances, `postconf -d` defaults, includes by `$name`).

use std::net::SocketAddr;
use std::path::Path;

use settings::Config;

use super::{Finding, Level};

/// Where Postfix keeps its configuration.
const FOLDER: &str = "/etc/postfix";
/// Where Postfix runs.
const CHROOT: &str = "/var/spool/postfix/";
/// Largest file that is read, in bytes.
const MAX_FILE: u64 = 4 << 20;

/// What is found beside us.
pub(super) fn all(config: &Config) -> Vec<Finding> {
    let read = |name: &str| {
        let path = Path::new(FOLDER).join(name);
        let small = std::fs::metadata(&path).is_ok_and(|meta| meta.len() <= MAX_FILE);
        small.then(|| std::fs::read_to_string(&path).ok()).flatten()
    };
    match (read("main.cf"), read("master.cf")) {
        (Some(main), Some(master)) => look(config, &main, &master),
        _ => Vec::new(),
    }
}

fn look(config: &Config, main: &str, master: &str) -> Vec<Finding> {
    let (main, master) = (logical(main), logical(master));
    let mut found = Vec::new();
    let smtp: Vec<SocketAddr> = config.smtp.iter().filter_map(|listener| listener.listen.inet()).collect();
    let (mut ways, mut by_milter) = (0usize, 0usize);
    for (name, value) in main.iter().chain(&master).flat_map(|line| settings(line)) {
        let ours = smtp.iter().any(|address| names(&value, *address));
        match name.as_str() {
            "smtpd_proxy_filter" | "content_filter" if ours => {
                ways = ways.saturating_add(1);
                found.push(Finding::new("postfix", Level::Ok, format!("{name} = {value}: mail comes to us")));
            }
            "smtpd_milters" if milters(config).iter().any(|milter| value.contains(milter)) => {
                ways = ways.saturating_add(1);
                by_milter = by_milter.saturating_add(1);
                found.push(Finding::new("postfix", Level::Ok, format!("{name} = {value}: mail comes to us")));
            }
            "milter_default_action" if value == "accept" && !config.milter.is_empty() => {
                let text =
                    "milter_default_action = accept: while Mailward is away, mail passes unseen; tempfail is safe";
                found.push(Finding::new("postfix", Level::Warning, text));
            }
            _ => {}
        }
    }
    if ways == 0 {
        let text = "Postfix runs on this machine, but nothing in main.cf or master.cf sends its mail through a \
                    listener of ours (smtpd_proxy_filter, content_filter, smtpd_milters)";
        found.push(Finding::new("postfix", Level::Warning, text));
    }
    if ways > 1 {
        let text = format!("{ways} settings send mail to us: a message may be examined more than once");
        found.push(Finding::new("postfix", Level::Note, text));
    }
    found.extend(way_back(config, &master, ways > 0 && by_milter == ways));
    found
}

/// What services are called whose ports have names (`/etc/services`).
fn named(port: u16) -> &'static [&'static str] {
    match port {
        25 => &["smtp"],
        465 => &["smtps", "submissions"],
        587 => &["submission"],
        _ => &[],
    }
}

/// The service that takes mail back from us must not send it to us again. With a milter alone it may: what comes back
/// bears our mark.
fn way_back(config: &Config, master: &[String], by_milter: bool) -> Option<Finding> {
    let hop = config.next_hop.address.as_ref()?.tcp()?;
    let local = ["127.0.0.1", "localhost", "::1"].contains(&hop.host.as_str());
    let port = hop.port.to_string();
    let service = master.iter().find(|line| {
        let name = line.split_whitespace().next().unwrap_or_default();
        let last = name.rsplit(':').next().unwrap_or_default();
        last == port || named(hop.port).contains(&last)
    });
    let service = match (local, service) {
        (true, Some(service)) => service,
        (true, None) => {
            let text = format!("next_hop.address is {hop}, but master.cf has no service on port {port}");
            return Some(Finding::new("postfix", Level::Note, text));
        }
        (false, _) => return None,
    };
    let off = |option: &str| settings(service).iter().any(|(name, value)| name == option && value.is_empty());
    if off("smtpd_proxy_filter") || off("content_filter") || off("smtpd_milters") {
        return Some(Finding::new(
            "postfix",
            Level::Ok,
            format!("port {port} takes mail back and does not filter it again"),
        ));
    }
    if by_milter {
        let text = format!("port {port} takes mail back; the milter knows it by its mark");
        return Some(Finding::new("postfix", Level::Ok, text));
    }
    let text = format!(
        "the service on port {port} does not turn the filter off: add -o smtpd_proxy_filter= (or content_filter=, \
         smtpd_milters=), or mail goes round in circles"
    );
    Some(Finding::new("postfix", Level::Warning, text))
}

/// Lines without comments, with their continuations.
fn logical(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#') && !line.trim().is_empty()) {
        match lines.last_mut() {
            Some(last) if line.starts_with([' ', '\t']) => {
                last.push(' ');
                last.push_str(line.trim());
            }
            _ => lines.push(line.trim_end().to_owned()),
        }
    }
    lines
}

/// The settings in a line: `name = value` of main.cf, or each `-o name=value` of master.cf.
fn settings(line: &str) -> Vec<(String, String)> {
    if line.contains(" -o ") {
        let options = line.split(" -o ").skip(1).filter_map(|option| option.split_whitespace().next());
        let pair = |option: &str| option.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
        return options.filter_map(pair).collect();
    }
    let pair = line.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
    pair.filter(|(name, _)| !name.contains(char::is_whitespace)).into_iter().collect()
}

/// Whether a value of Postfix names this address: `127.0.0.1:10024`, `inet:localhost:10024`,
/// `smtp:[127.0.0.1]:10024`.
fn names(value: &str, address: SocketAddr) -> bool {
    let plain = value.replace(['[', ']'], "");
    let Some((host, port)) = plain.rsplit_once(':') else { return false };
    let host = host.rsplit(':').next().unwrap_or(host);
    let here = host == address.ip().to_string() || address.ip().is_loopback() && host == "localhost";
    port == address.port().to_string() && (here || address.ip().is_unspecified() || host.is_empty())
}

/// What Postfix may write for our milter listeners.
fn milters(config: &Config) -> Vec<String> {
    let mut all = Vec::new();
    for listener in &config.milter {
        let text = listener.listen.to_string();
        let path = text.trim_start_matches("unix:").to_owned();
        if let Some((_, port)) = text.rsplit_once(':').filter(|_| !path.starts_with('/')) {
            all.push(format!("localhost:{port}"));
        }
        // Postfix in its chroot names a socket from there.
        all.extend(path.strip_prefix(CHROOT).map(|inside| format!("unix:{inside}")));
        all.push(path);
    }
    all
}

#[cfg(test)]
mod tests {
    use settings::config::MilterListener;

    use super::*;

    fn config() -> Config {
        let mut config = Config::default();
        config.smtp[0].listen = "127.0.0.1:10024".parse().unwrap();
        config.next_hop.address = Some("127.0.0.1:10025".parse().unwrap());
        config
    }

    fn levels(main: &str, master: &str) -> Vec<(Level, String)> {
        look(&config(), main, master).into_iter().map(|finding| (finding.level, finding.text)).collect()
    }

    const FRONT: &str = "smtp inet n - y - 20 smtpd\n  -o smtpd_proxy_filter=127.0.0.1:10024\n  -o smtpd_client_connection_count_limit=10\n";

    #[test]
    fn a_proxy_filter_with_a_way_back_is_well() {
        let back = "127.0.0.1:10025 inet n - y - - smtpd\n  -o smtpd_proxy_filter=\n  -o mynetworks=127.0.0.0/8\n";
        let found = levels("# main\nmyhostname = a\n", &format!("{FRONT}{back}"));
        assert!(found.iter().all(|(level, _)| *level == Level::Ok) && found.len() == 2, "{found:?}");
    }

    #[test]
    fn a_way_back_that_filters_again_is_a_loop() {
        let back = "127.0.0.1:10025 inet n - y - - smtpd\n  -o mynetworks=127.0.0.0/8\n";
        let found = levels("", &format!("{FRONT}{back}"));
        assert!(found.iter().any(|(level, text)| *level == Level::Warning && text.contains("circles")), "{found:?}");
    }

    #[test]
    fn a_service_is_known_by_the_name_of_its_port() {
        let mut config = config();
        config.smtp.clear();
        config.milter =
            vec![MilterListener { listen: "127.0.0.1:10027".parse().unwrap(), ..MilterListener::default() }];
        config.next_hop.address = Some("127.0.0.1:25".parse().unwrap());
        let main = "smtpd_milters = inet:127.0.0.1:10027\n";
        for name in ["smtp", "25", "127.0.0.1:smtp", "127.0.0.1:25"] {
            let found = look(&config, main, &format!("{name} inet n - y - - smtpd\n"));
            assert!(found.iter().all(|finding| finding.level == Level::Ok) && found.len() == 2, "{name}: {found:?}");
        }
        let found = look(&config, main, "submission inet n - y - - smtpd\n");
        assert!(found.iter().any(|finding| finding.text.contains("no service on port 25")), "{found:?}");
        config.next_hop.address = Some("127.0.0.1:587".parse().unwrap());
        let found = look(&config, main, "submission inet n - y - - smtpd\n");
        assert!(found.iter().all(|finding| finding.level == Level::Ok), "{found:?}");
    }

    #[test]
    fn a_postfix_that_does_not_know_us_is_told() {
        for main in ["", "content_filter = smtp:[127.0.0.1]:10026\n", "# content_filter = smtp:[127.0.0.1]:10024\n"] {
            let found = levels(main, "smtp inet n - y - - smtpd\n");
            assert!(found.iter().any(|(_, text)| text.contains("nothing in main.cf")), "{main}: {found:?}");
        }
        let found = levels("content_filter = smtp:[127.0.0.1]:10024\n", "smtp inet n - y - - smtpd\n");
        assert!(!found.iter().any(|(_, text)| text.contains("nothing in main.cf")), "{found:?}");
    }

    #[test]
    fn a_milter_is_known_by_port_and_by_its_socket_in_the_chroot() {
        let mut config = config();
        let listen = |text: &str| MilterListener { listen: text.parse().unwrap(), ..MilterListener::default() };
        config.milter = vec![listen("unix:/var/spool/postfix/mailward/milter.sock"), listen("127.0.0.1:10027")];
        for value in ["unix:mailward/milter.sock", "inet:127.0.0.1:10027", "inet:localhost:10027"] {
            let found = look(&config, &format!("smtpd_milters = {value}\n"), "");
            assert!(found.iter().any(|finding| finding.text.contains("mail comes to us")), "{value}: {found:?}");
        }
        let found = look(&config, "smtpd_milters = unix:other/milter.sock\n", "");
        assert!(!found.iter().any(|finding| finding.text.contains("mail comes to us")), "{found:?}");
    }

    #[test]
    fn values_of_postfix_name_addresses_in_many_ways() {
        let address: SocketAddr = ([127, 0, 0, 1], 10024).into();
        for value in ["127.0.0.1:10024", "inet:127.0.0.1:10024", "smtp:[127.0.0.1]:10024", "localhost:10024"] {
            assert!(names(value, address), "{value}");
        }
        for value in ["127.0.0.1:10025", "192.0.2.1:10024", "smtp", "10024"] {
            assert!(!names(value, address), "{value}");
        }
    }
}
