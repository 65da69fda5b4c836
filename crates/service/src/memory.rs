//! What this installation remembers: pictures of spam (LM-06), and who wrote here before. Asked about a message before it is judged,
//! told about it afterwards.

use std::sync::{Arc, Mutex, PoisonError};

use engines::image::{Base, Known};
use judge::origin::{Parties, parties};
use judge::plan::{Fate, Plan};
use judge::policy::{FirstContact, GroupId, Policy};
use judge::spam::SpamStatus;
use mail::address::Address;
use mail::arrival::{Arrival, Direction};
use mail::evidence::{Contact, FindingKind, KnownPicture, Memory, Picture, Report};
use store::{Sample, Store, StoreError, Writer};

use crate::id;

/// The sample base as it was read last, and the state of the store then.
type Loaded = Option<(u64, Arc<Base>)>;

/// What is held in memory of it.
#[derive(Debug, Default)]
pub struct Recollection {
    base: Mutex<Loaded>,
}

/// Reads the sample base.
///
/// # Errors
/// What the store says.
pub fn load(store: &Store) -> Result<Base, StoreError> {
    Ok(Base::new(store.pictures()?.into_iter().map(known).collect()))
}

/// A sample as the base takes it.
pub(crate) fn known(sample: Sample) -> Known {
    let Picture { views, copy, .. } = sample.picture;
    Known { id: sample.id, spam: sample.spam, views, copy }
}

/// The nearest known picture of spam among those of a message.
pub fn nearest(base: &Base, pictures: &[Picture]) -> Option<KnownPicture> {
    let known = |(at, picture): (usize, &Picture)| {
        let found = base.nearest(picture).filter(|found| found.spam)?;
        Some(KnownPicture { id: found.id, distance: found.distance, at: u32::try_from(at).ok()? })
    };
    pictures.iter().enumerate().filter_map(known).min_by_key(|known| known.distance)
}

impl Recollection {
    /// The sample base as it was read, if it was not changed since and nobody is reading it just now.
    fn held(&self, store: &Store) -> Option<Arc<Base>> {
        let held = self.base.try_lock().ok()?;
        held.as_ref().filter(|(known, _)| *known == store.picture_changes()).map(|(_, base)| Arc::clone(base))
    }

    /// The sample base, read again if it was changed.
    fn base(&self, store: &Store) -> Result<Arc<Base>, StoreError> {
        let mut held = self.base.lock().unwrap_or_else(PoisonError::into_inner);
        let state = store.picture_changes();
        if let Some((known, base)) = held.as_ref()
            && *known == state
        {
            return Ok(Arc::clone(base));
        }
        let base = Arc::new(load(store)?);
        *held = Some((state, Arc::clone(&base)));
        Ok(base)
    }

    /// Whether pictures of a message are of any use: the policy wants them compared, and there is something
    /// to compare them with.
    pub async fn wants_pictures(self: &Arc<Self>, store: &Store, policies: &[(&Policy, &Arrival)]) -> bool {
        if !policies.iter().any(|(policy, _)| policy.spam.image_analysis) {
            return false;
        }
        self.with_base(store).await.is_some_and(|base| !base.is_empty())
    }

    /// What is remembered about a message. `rules`: those by which it is remembered, too.
    pub(crate) async fn recall(
        self: &Arc<Self>,
        store: &Store,
        rules: &FirstContact,
        arrival: &Arrival,
        report: &Report,
    ) -> Memory {
        let mut memory = Memory::default();
        if !report.facts().pictures.is_empty()
            && let Some(base) = self.with_base(store).await
        {
            // A second look takes milliseconds, and there may be many.
            let pictures = report.facts().pictures.clone();
            let asked = tokio::task::spawn_blocking(move || nearest(&base, &pictures)).await;
            memory.picture = asked.unwrap_or_else(|crash| {
                tracing::error!(%crash, "looking up pictures crashed; none of them is known");
                None
            });
        }
        if let Some(parties) = parties(rules, arrival, report) {
            let (store, rules) = (store.clone(), rules.clone());
            let asked = tokio::task::spawn_blocking(move || contact(&store, &parties, &rules)).await;
            memory.contact = match asked {
                Ok(Ok(contact)) => Some(contact),
                Ok(Err(error)) => {
                    tracing::error!(%error, "the memory of contacts cannot be read; nobody counts as new");
                    None
                }
                Err(crash) => {
                    tracing::error!(%crash, "the memory of contacts crashed; nobody counts as new");
                    None
                }
            };
        }
        memory
    }

    /// The sample base; nothing, said in the log, if it cannot be read: then no picture is known.
    async fn with_base(self: &Arc<Self>, store: &Store) -> Option<Arc<Base>> {
        if let Some(base) = self.held(store) {
            return Some(base);
        }
        let (held, store) = (Arc::clone(self), store.clone());
        match tokio::task::spawn_blocking(move || held.base(&store)).await {
            Ok(Ok(base)) => Some(base),
            Ok(Err(error)) => {
                tracing::error!(%error, "the sample base of pictures cannot be read; no picture is known");
                None
            }
            Err(crash) => {
                tracing::error!(%crash, "reading the sample base of pictures crashed; no picture is known");
                None
            }
        }
    }
}

/// Whether somebody is known.
///
/// # Errors
/// What the store says.
pub fn contact(store: &Store, parties: &Parties, rules: &FirstContact) -> Result<Contact, StoreError> {
    let now = id::now_ms();
    store.contact(&writer(parties), now, rules.learning.0, now.saturating_sub(rules.remember.0))
}

fn writer(parties: &Parties) -> Writer {
    Writer {
        address: parties.address.clone(),
        domain: parties.domain.clone(),
        proven: parties.proven,
        may_answer: !parties.forged,
        recipients: parties.recipients.clone(),
    }
}

/// The rules by which a message is remembered: where a group of its recipients wants to hear of new authors, that
/// group's; of what we send any group's.
pub(crate) fn rules<'a>(policy: &'a Policy, arrival: &Arrival) -> &'a FirstContact {
    let general = &policy.spam.first_contact;
    if general.enabled {
        return general;
    }
    let to = &arrival.envelope.rcpt_to;
    let concerned = |id: &GroupId| {
        arrival.direction == Direction::Outgoing || to.iter().any(|address| policy.group_of(address) == *id)
    };
    let ids = (0..policy.group.len()).map(GroupId::Group);
    let wanting = ids.filter(|id| policy.spam_of(*id).first_contact.enabled).find(concerned);
    wanting.map_or(general, |id| &policy.spam_of(id).first_contact)
}

/// What is worth remembering of a message that was taken: who wrote what is no spam, and whom we wrote to. Whether it was
/// looked at for malware, and whether all of it could be, says nothing of who wrote it; malware that was found does.
enum Noted {
    Wrote(Writer),
    WrittenTo(Vec<String>),
}

fn noted(rules: &FirstContact, arrival: &Arrival, plan: &Plan, report: &Report) -> Option<Noted> {
    let malware = report.findings().iter().any(|finding| matches!(finding.kind, FindingKind::Malware { .. }));
    if !rules.enabled || malware || plan.fate != Fate::Deliver {
        return None;
    }
    let verdict = plan.spam.as_ref()?;
    if arrival.direction == Direction::Outgoing {
        // Only monitor mode delivers it: a machine of ours that sends spam knows nobody.
        if verdict.status == SpamStatus::Spam {
            return None;
        }
        let to = arrival.envelope.rcpt_to.iter().map(Address::folded).collect();
        return Some(Noted::WrittenTo(to));
    }
    let fine = [SpamStatus::Clean, SpamStatus::MassMail, SpamStatus::FormalNotification];
    if !fine.contains(&verdict.status) || verdict.why.is_some() {
        return None;
    }
    parties(rules, arrival, report).map(|parties| Noted::Wrote(writer(&parties)))
}

/// Notes what a message taught, on a thread of its own: nobody waits for it. `taken`: somebody has it now.
pub(crate) fn note(store: &Store, rules: &FirstContact, arrival: &Arrival, plan: &Plan, report: &Report, taken: bool) {
    let found = report.memory().and_then(|memory| memory.picture);
    let noted = noted(rules, arrival, plan, report).filter(|_| taken);
    if found.is_none() && noted.is_none() {
        return;
    }
    let store = store.clone();
    tokio::task::spawn_blocking(move || {
        let now = id::now_ms();
        let seen = found.map_or(Ok(()), |found| store.note_picture(found.id, now));
        let learnt = match noted {
            Some(Noted::Wrote(writer)) => store.note_contact(&writer, now),
            Some(Noted::WrittenTo(addresses)) => store.note_written(&addresses, now),
            None => Ok(()),
        };
        if let Err(error) = seen.and(learnt) {
            tracing::warn!(%error, "what a message taught could not be noted");
        }
    });
}
