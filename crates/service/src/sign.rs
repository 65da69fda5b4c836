//! Signs or seals what leaves, after everything else was done to it.

use std::io;
use std::sync::Arc;

use judge::plan::{Change, Plan};
use judge::site::Site;
use mail::arrival::{Arrival, Direction, MessageId};
use mail::evidence::{ArcCheck, AuthResult, Authentication};
use net::auth::seal::Sealed;
use net::auth::sign::Signers;
use settings::config::{SealWhen, SigningFailure};

use crate::flow::Bench;
use crate::metrics::{Metrics, SignatureLabels};
use crate::render::{HEAD_MAX, Output, RenderFailure, head_end};
use crate::spool::Spool;

/// What is put above a message that leaves.
pub(crate) struct Marking {
    signers: Arc<Signers>,
    metrics: Option<Arc<Metrics>>,
    mark: Mark,
}

enum Mark {
    /// Signatures of our own (D-20: what our own clients send).
    Sign,
    /// One more set in the chain of those who had it (RFC 8617).
    Seal { results: String, chain: ArcCheck, before: Spool },
}

/// What is to be put above a message, if anything. `before` is the message as it came.
pub(crate) fn marking(
    bench: Bench<'_>,
    arrival: &Arrival,
    auth: Option<&Authentication>,
    plan: &Plan,
    before: &Spool,
) -> Option<Marking> {
    let signers = bench.signers.filter(|signers| !signers.is_empty())?;
    let mark = match (arrival.direction, auth) {
        (Direction::Outgoing, _) => Mark::Sign,
        (Direction::Incoming, Some(auth)) if is_sealed(signers, auth, plan) => seal(bench.site, auth, before),
        _ => return None,
    };
    Some(Marking { signers: Arc::clone(signers), metrics: bench.metrics.cloned(), mark })
}

/// Whether a message gets a seal: a chain that failed, or that we know nothing of, gets none.
fn is_sealed(signers: &Signers, auth: &Authentication, plan: &Plan) -> bool {
    let goes_on = matches!(auth.arc.result, AuthResult::None | AuthResult::Pass);
    let was_valid = auth.dkim() == AuthResult::Pass || auth.arc.result == AuthResult::Pass;
    // Signatures may cover whatever there is, but not what is put above it.
    let breaks = |change: &Change| !matches!(change, Change::Prepend { .. } | Change::StripForged);
    match signers.seals() {
        Some(SealWhen::Always) => goes_on,
        Some(SealWhen::Changed) => goes_on && was_valid && plan.changes.iter().any(breaks),
        None => false,
    }
}

fn seal(site: &Site, auth: &Authentication, before: &Spool) -> Mark {
    let results = judge::auth::results(auth, site.authserv_id());
    Mark::Seal { results, chain: auth.arc.clone(), before: before.clone() }
}

impl Marking {
    /// The same output with the mark above it. What cannot be sealed leaves without a seal; what cannot
    /// be signed does so only where the settings say so.
    ///
    /// # Errors
    /// It cannot be signed, and is not to leave so.
    pub(crate) fn put(&self, output: Output, spool: &Spool, id: MessageId) -> Result<Output, RenderFailure> {
        let marked = whole(&output, spool).map_err(|e| e.to_string()).and_then(|raw| Ok((self.fields(&raw)?, raw)));
        match marked {
            Ok((fields, _)) if fields.is_empty() => Ok(output),
            Ok((fields, raw)) => {
                self.count("made");
                Ok(above(&fields, output, &raw))
            }
            Err(why) => {
                self.count("failed");
                self.without(output, why, id)
            }
        }
    }

    fn fields(&self, raw: &[u8]) -> Result<Vec<u8>, String> {
        match &self.mark {
            Mark::Sign => self.signers.sign(raw),
            Mark::Seal { results, chain, before } => {
                let before = before.read_at(0, HEAD_MAX).map_err(|e| e.to_string())?;
                self.signers.seal(Sealed { raw, before: &before, results, chain })
            }
        }
    }

    fn without(&self, output: Output, why: String, id: MessageId) -> Result<Output, RenderFailure> {
        match (&self.mark, self.signers.settings().failure) {
            (Mark::Seal { .. }, _) => {
                tracing::warn!(%id, %why, "a message leaves without our seal in its ARC chain");
                Ok(output)
            }
            (Mark::Sign, SigningFailure::Unsigned) => {
                tracing::warn!(%id, %why, "an outgoing message leaves without a DKIM signature");
                Ok(output)
            }
            (Mark::Sign, SigningFailure::Defer) => Err(RenderFailure::Unsigned(why)),
        }
    }

    fn count(&self, result: &'static str) {
        let kind = match self.mark {
            Mark::Sign => "dkim",
            Mark::Seal { .. } => "arc",
        };
        if let Some(metrics) = &self.metrics {
            metrics.signatures.get_or_create(&SignatureLabels { kind, result }).inc();
        }
    }
}

/// An output with these fields above it; `raw` is all of it.
fn above(fields: &[u8], output: Output, raw: &[u8]) -> Output {
    let above = |rest: &[u8]| [fields, rest].concat();
    match output {
        Output::Head { head, rest } => Output::Head { head: above(&head), rest },
        Output::Whole(bytes) => Output::Whole(Arc::from(above(&bytes))),
        // The header as a whole, so that whoever compares headers has all of it.
        Output::Original => match head_end(raw.get(..HEAD_MAX).unwrap_or(raw)) {
            Some(end) => Output::Head { head: above(raw.get(..end).unwrap_or_default()), rest: end as u64 },
            None => Output::Whole(Arc::from(above(raw))),
        },
    }
}

/// All bytes that leave.
fn whole(output: &Output, spool: &Spool) -> io::Result<Arc<[u8]>> {
    match output {
        Output::Original => spool.bytes(),
        Output::Whole(bytes) => Ok(Arc::clone(bytes)),
        Output::Head { head, rest } => {
            let body = spool.read_at(*rest, usize::try_from(spool.len()).unwrap_or(usize::MAX))?;
            Ok(Arc::from([head.as_slice(), &body].concat()))
        }
    }
}

/// Mail of our own with our signatures above it, where we have a key for its author: ourselves. A report
/// that cannot be signed is better than none, so it goes as it is.
pub(crate) fn own(signers: &Signers, metrics: &Metrics, id: MessageId, message: Vec<u8>) -> Vec<u8> {
    let count = |result| metrics.signatures.get_or_create(&SignatureLabels { kind: "dkim", result }).inc();
    match signers.sign(&message) {
        Ok(fields) if fields.is_empty() => message,
        Ok(fields) => {
            count("made");
            [fields, message].concat()
        }
        Err(why) => {
            count("failed");
            tracing::warn!(%id, %why, "mail of our own leaves without a DKIM signature");
            message
        }
    }
}

#[cfg(test)]
mod tests {
    use mail::evidence::DkimCheck;
    use net::auth::sign::{KeyKind, generate};
    use settings::config::{Dkim, Signing};

    use super::*;

    fn key(dir: &std::path::Path) -> Vec<Dkim> {
        let path = dir.join("key.pem");
        std::fs::write(&path, generate(KeyKind::Ed25519).unwrap()).unwrap();
        vec![Dkim { domain: "example.org".to_owned(), selector: "s".to_owned(), key: Some(path) }]
    }

    fn marks(signers: Signers) -> Marking {
        Marking { signers: Arc::new(signers), metrics: Some(Arc::new(Metrics::new())), mark: Mark::Sign }
    }

    fn id() -> MessageId {
        MessageId::new(0, [0; 10])
    }

    #[test]
    fn without_a_key_for_its_author_nothing_changes() {
        let spool = Spool::from(b"From: a@example.net\r\n\r\nx\r\n".to_vec());
        let dir = tempfile::tempdir().unwrap();
        let marking = marks(Signers::load(&key(dir.path()), &Signing::default()));
        assert!(matches!(marking.put(Output::Original, &spool, id()), Ok(Output::Original)));
        let head = Output::Head { head: b"X: y\r\n\r\n".to_vec(), rest: 23 };
        assert_eq!(&*whole(&head, &spool).unwrap(), b"X: y\r\n\r\nx\r\n");
        assert_eq!(&*whole(&Output::Original, &spool).unwrap(), b"From: a@example.net\r\n\r\nx\r\n");
    }

    #[test]
    fn what_cannot_be_signed_leaves_so_or_waits() {
        let spool = Spool::from(b"From: a@example.org, b@example.org\r\n\r\nx\r\n".to_vec());
        let dir = tempfile::tempdir().unwrap();
        let mut keys = key(dir.path());
        for (keys_from, why) in [("key.pem", "exactly one author"), ("gone.pem", "gone.pem")] {
            keys[0].key = Some(dir.path().join(keys_from));
            for failure in [SigningFailure::Unsigned, SigningFailure::Defer] {
                let marking = marks(Signers::load(&keys, &Signing { failure, ..Signing::default() }));
                let spool = match keys_from {
                    "key.pem" => spool.clone(),
                    _ => Spool::from(b"From: a@sub.example.org\r\n\r\nx\r\n".to_vec()),
                };
                match (marking.put(Output::Original, &spool, id()), failure) {
                    (Ok(Output::Original), SigningFailure::Unsigned) => {}
                    (Err(RenderFailure::Unsigned(told)), SigningFailure::Defer) => {
                        assert!(told.contains(why), "{told}")
                    }
                    (other, _) => panic!("{other:?}"),
                }
                let text = marking.metrics.as_ref().unwrap().text();
                assert!(text.contains("mailward_signatures_total{kind=\"dkim\",result=\"failed\"} 1"), "{text}");
            }
        }
    }

    #[test]
    fn a_seal_is_for_what_was_valid_and_is_changed() {
        let dir = tempfile::tempdir().unwrap();
        let keys = key(dir.path());
        let signers = |domain: &str, seal| {
            Signers::load(&keys, &Signing { seal_domain: domain.to_owned(), seal, ..Signing::default() })
        };
        let (changed, always) = (signers("Example.org.", SealWhen::Changed), signers("example.org", SealWhen::Always));
        let none = signers("", SealWhen::Always);
        let auth = |dkim, arc| Authentication {
            dkim: vec![DkimCheck { result: dkim, ..DkimCheck::default() }],
            arc: ArcCheck { result: arc, ..ArcCheck::default() },
            ..Authentication::default()
        };
        use AuthResult::{Fail, None, Pass, TempError};
        let label = vec![Change::Label("x".to_owned())];
        let only_above = vec![Change::StripForged, Change::Prepend { name: "X", value: String::new() }];
        for (dkim, arc, changes, expected) in [
            (Pass, None, &label, (true, true)),
            (Fail, Pass, &label, (true, true)),
            (Fail, None, &label, (false, true)),
            (Pass, None, &only_above, (false, true)),
            (Pass, Fail, &label, (false, false)),
            (Pass, TempError, &label, (false, false)),
        ] {
            let plan = Plan { changes: changes.clone(), ..crate::render::tests::plain() };
            let auth = auth(dkim, arc);
            let found = (is_sealed(&changed, &auth, &plan), is_sealed(&always, &auth, &plan));
            assert_eq!(found, expected, "{dkim:?} {arc:?} {changes:?}");
            assert!(!is_sealed(&none, &auth, &plan));
        }
    }
}
