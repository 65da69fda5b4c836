//! Whatever can be decided can be written down and reads back the same.

use std::path::PathBuf;

use judge::policy::{EngineFailure, Group, MalwareAction, Policy, Profile, RecipientMask, Rule, UnscannedAction};
use judge::units::{Bytes, Time};
use mail::arrival::Surface;
use proptest::prelude::*;
use proptest::sample::select;
use settings::config::{
    AddReceived, ClamdMethod, HopTls, LineEnds, Listener, ListenerDirection, LogLevel, OfferAuth, Protocol,
};
use settings::values::{ClamdAddress, HostPort, Network, SocketAddress};
use settings::{Config, diff, policy_to_toml};

/// Texts with everything that TOML must escape.
fn text() -> impl Strategy<Value = String> {
    proptest::collection::vec(
        prop_oneof![
            Just('"'),
            Just('\''),
            Just('\\'),
            Just('\n'),
            Just('\t'),
            Just('#'),
            Just('\u{7f}'),
            any::<char>()
        ],
        0..12,
    )
    .prop_map(|chars| chars.into_iter().collect())
}

fn path() -> impl Strategy<Value = Option<PathBuf>> {
    prop_oneof![Just(None), "/[a-z \"\\\\#]{1,12}x".prop_map(|path| Some(PathBuf::from(path)))]
}

fn policy() -> impl Strategy<Value = Policy> {
    let actions = select(vec![MalwareAction::Allow, MalwareAction::DisinfectOrBlock, MalwareAction::Block]);
    let unscanned = select(vec![UnscannedAction::Allow, UnscannedAction::AsInfected, UnscannedAction::Block]);
    let failure = select(vec![EngineFailure::Tempfail, EngineFailure::Hold, EngineFailure::Label]);
    let texts = (text(), text(), text(), proptest::collection::vec(text(), 0..3));
    let numbers = (any::<u16>(), any::<u64>(), any::<u64>(), any::<bool>());
    (select(Profile::ALL.to_vec()), actions, unscanned, failure, texts, numbers).prop_map(
        |(profile, action, unscanned, failure, texts, numbers)| {
            let mut policy = Policy::of(profile);
            policy.malware.action = action;
            policy.unscannable.damaged = unscanned;
            policy.unscannable.engine_failed = failure;
            policy.malware.labels.detected = texts.0;
            policy.malware.notice.text = texts.1;
            policy.refusal.text = texts.2;
            policy.malware.forward_to = texts.3;
            policy.refusal.code = numbers.0;
            policy.limits.deadline = Time(numbers.1);
            policy.archives.max_size = Bytes(numbers.2);
            policy.monitor.enabled = numbers.3;
            policy.monitor.surfaces = vec![Surface::Cli];
            policy.monitor.rules = vec![Rule::UnscannableLimit];
            if numbers.3 {
                let masks = ["bob@example.org", "*.example.org"].map(|text| RecipientMask::parse(text).unwrap());
                policy.group = vec![
                    Group::of(&policy, "same", masks.to_vec()),
                    Group::of(&Policy::of(profile), "other", masks.to_vec()),
                ];
            }
            policy
        },
    )
}

fn listener() -> impl Strategy<Value = Listener> {
    let words = (
        select(vec![ListenerDirection::Incoming, ListenerDirection::Outgoing, ListenerDirection::Auto]),
        select(vec![AddReceived::Auto, AddReceived::Always, AddReceived::Never]),
        select(vec![OfferAuth::Tls, OfferAuth::Always, OfferAuth::Never]),
        select(vec![LineEnds::Reject, LineEnds::Normalise]),
    );
    (any::<std::net::SocketAddr>(), words, path(), path(), any::<bool>(), any::<u32>()).prop_map(
        |(mut address, words, certificate, key, tls_required, max_connections)| {
            // Flow and scope of an IPv6 address are nothing to listen on.
            address = (address.ip(), address.port()).into();
            Listener {
                listen: SocketAddress::Inet(address),
                direction: words.0,
                add_received: words.1,
                auth: words.2,
                line_ends: words.3,
                certificate,
                key,
                acme: tls_required,
                protocol: if tls_required { Protocol::Lmtp } else { Protocol::Smtp },
                proxy_from: Vec::new(),
                chunking: !tls_required,
                implicit_tls: tls_required,
                tls_required,
                max_connections,
                ..Listener::default()
            }
        },
    )
}

fn config() -> impl Strategy<Value = Config> {
    let address = prop_oneof![
        Just(None),
        any::<std::net::IpAddr>().prop_map(|ip| Some(HostPort { host: ip.to_string(), port: 25 })),
        "[a-z]{1,9}\\.example\\.org".prop_map(|host| Some(HostPort { host, port: 2525 })),
    ];
    let networks = proptest::collection::vec((any::<std::net::Ipv4Addr>(), 0u8..=32), 0..3).prop_map(|networks| {
        let network = |(ip, length)| Network(ipnet::Ipv4Net::new(ip, length).unwrap().trunc().into());
        networks.into_iter().map(network).collect()
    });
    let listeners = proptest::collection::vec(listener(), 0..4);
    let paths = proptest::collection::vec("/[a-z ]{1,9}x", 0..3);
    (text(), listeners, address, networks, paths, any::<u64>(), any::<bool>()).prop_map(
        |(hostname, smtp, address, networks, paths, number, yes)| {
            let mut config = Config { hostname, smtp, ..Config::default() };
            config.next_hop.address = address.clone().map(Into::into);
            config.next_hop.tls = HopTls::Required;
            config.trust.trusted_networks = networks;
            config.limits.max_message_size = Bytes(number);
            config.limits.command_timeout = Time(number);
            config.engines.yara = paths.iter().map(PathBuf::from).collect();
            config.clamd.address = match paths.first() {
                Some(path) => Some(ClamdAddress::Unix(PathBuf::from(path))),
                None => address.map(ClamdAddress::Tcp),
            };
            config.clamd.method = ClamdMethod::Instream;
            config.http.listen = config.http.listen.filter(|_| yes);
            config.log.level = LogLevel::Trace;
            config
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_policy_reads_back_from_its_file(policy in policy()) {
        for full in [false, true] {
            let text = policy_to_toml(&policy, full);
            match settings::parse_policy(&text, "x") {
                Ok(read) => prop_assert_eq!(&read, &policy),
                // A value that is refused is refused by its check, not by reading.
                Err(problems) => {
                    let errors: Vec<String> = settings::check_policy(&policy).into_iter().map(|p| p.message).collect();
                    for problem in problems.0 {
                        prop_assert!(errors.contains(&problem.message), "{}\n{}", problem, text);
                    }
                }
            }
        }
        let changed = diff(&Policy::of(policy.profile), &policy).len();
        let written = policy_to_toml(&policy, false);
        prop_assert!(changed > 0 && written.len() < policy_to_toml(&policy, true).len());
    }

    #[test]
    fn any_configuration_reads_back_from_its_text(config in config()) {
        let text = toml::to_string(&config).unwrap();
        let read: Config = toml::from_str(&text).unwrap();
        prop_assert_eq!(&read, &config, "{}", text);
        match Config::parse(&text, "x") {
            Ok(read) => prop_assert_eq!(read, config),
            Err(problems) => {
                let found: Vec<String> = config.check().into_iter().map(|p| p.message).collect();
                for problem in problems.0 {
                    prop_assert!(found.contains(&problem.message), "{}\n{}", problem, text);
                }
            }
        }
    }

    #[test]
    fn any_text_is_refused_or_read_without_panic(text in "[a-z\\[\\]{}=.\" \n#0-9,]{0,200}") {
        if let Err(problems) = Config::parse(&text, "x") {
            prop_assert!(!problems.0.is_empty());
        }
    }
}

/// Good files with a byte changed, doubled, or cut off.
#[test]
fn files_that_went_wrong_are_read_or_refused_with_a_reason() {
    let files = [
        toml::to_string(&Config::default()).unwrap(),
        policy_to_toml(&Policy::of(Profile::Recommended), true),
        include_str!("config/wrong_values.toml").to_owned(),
        include_str!("policy/unknown_keys.toml").to_owned(),
        include_str!("config/good.toml").to_owned(),
    ];
    let mut state: u32 = 7;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for file in &files {
        settings::fuzzing::fuzz_settings(file.as_bytes());
        for _ in 0..60 {
            let mut bytes = file.clone().into_bytes();
            let at = random(bytes.len());
            match random(4) {
                0 => bytes.truncate(at),
                1 => bytes[at] = b"=[]\"'\n#.0\xff"[random(10)],
                2 => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
            settings::fuzzing::fuzz_settings(&bytes);
        }
    }
}
