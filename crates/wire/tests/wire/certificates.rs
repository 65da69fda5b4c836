//! Certificates and policies of MTA-STS, as they are and damaged.

use wire::{certificate, fuzzing};

const SELF_SIGNED: &[u8] = include_bytes!("../../../../fuzz/seeds/certificate/self-signed.der");
const POLICY: &[u8] = include_bytes!("../../../../fuzz/seeds/sts/policy.txt");

#[test]
fn a_certificate_says_when_and_for_whom_it_counts() {
    let facts = certificate::read(SELF_SIGNED).unwrap();
    assert_eq!(facts.not_after - facts.not_before, 365 * 86_400);
    // 2026-11-22 00:49:15 UTC, as openssl shows it.
    assert_eq!(facts.not_before, 1_795_308_555);
    assert_eq!(facts.names, ["mx.example.org", "*.example.net", "192.0.2.1"]);
    assert!(facts.names("a.example.net") && !facts.names("example.net"));
    assert!(facts.key.len() > 80 && SELF_SIGNED.get(facts.key.clone()).unwrap().starts_with(&[0x30, 0x59]));
    for cut in 0..facts.key.end {
        assert!(certificate::read(&SELF_SIGNED[..cut]).is_none(), "{cut}");
    }
}

#[test]
fn damaged_certificates_and_policies_break_nothing() {
    let mut seed = 7u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % n
    };
    for _ in 0..2_000 {
        for (base, fuzz) in
            [(SELF_SIGNED, fuzzing::fuzz_certificate as fn(&[u8])), (POLICY, fuzzing::fuzz_sts as fn(&[u8]))]
        {
            let mut input = base.to_vec();
            for _ in 0..=below(4) {
                let at = below(input.len());
                match below(3) {
                    0 => input[at] = u8::try_from(below(256)).unwrap(),
                    1 => input.insert(at, 0x84),
                    _ => {
                        input.remove(at);
                    }
                }
            }
            fuzz(&input);
        }
    }
}
