//! What a peer sends, from verified bytes to fates: the one way by which an entry that was made elsewhere enters.

use super::{Commons, Ingested};
use crate::entry::{Entry, Refused};
use crate::id::{DeviceKey, EntryId};
use crate::sign::Verified;
use crate::store::{self, Store};
use crate::sync::{Fate, Sender};
use crate::time::Timestamp;
use crate::wire::DecodeError;

/// What became of what a peer sent.
#[derive(Debug)]
pub struct Received {
    /// One for each entry, in the order in which they came.
    pub fates: Vec<Fate>,
    /// What was made of those that are verified.
    pub ingested: Ingested,
}

impl Commons {
    /// Appends of what a peer sent what may enter, durably. What has to wait is charged to the peer, and so is what it adds
    /// itself, up to the allowance of its ally.
    ///
    /// # Errors
    /// As [`Commons::ingest`].
    pub fn receive(
        &mut self,
        store: &mut dyn Store,
        entries: Vec<Result<Verified<Entry>, Refused>>,
        from: &Sender,
        now: Timestamp,
    ) -> Result<Received, store::Error> {
        let id = |entry: &Result<Verified<Entry>, Refused>| entry.as_ref().map(|entry| entry.id()).map_err(|no| *no);
        let ids: Vec<_> = entries.iter().map(id).collect();
        let verified = entries.into_iter().filter_map(Result::ok).collect();
        let ingested = self.take(store, verified, Some(*from), now)?;
        let fates = ids.into_iter().map(|id| self.fate(store, id, &ingested));
        Ok(Received { fates: fates.collect::<Result<_, _>>()?, ingested })
    }

    fn fate(&self, store: &dyn Store, id: Result<EntryId, Refused>, ingested: &Ingested) -> Result<Fate, store::Error> {
        let id = match id {
            Ok(id) => id,
            Err(Refused::Malformed(error @ DecodeError::Unknown { .. })) => return Ok(Fate::Newer(error)),
            Err(refused) => return Ok(Fate::Refused { device: claimed(&refused), reason: refused.to_string() }),
        };
        if let Some(refusal) = ingested.refused.iter().find(|refusal| refusal.id == id) {
            return Ok(Fate::Refused { device: Some(refusal.device), reason: refusal.reason.to_string() });
        }
        if ingested.delayed.iter().any(|delayed| delayed.id == id && delayed.own) {
            return Ok(Fate::Delayed);
        }
        Ok(match store.ordinal(&id)? {
            Some(at) => Fate::Kept { id, place: self.place(at) },
            None => Fate::Aside,
        })
    }
}

const fn claimed(refused: &Refused) -> Option<DeviceKey> {
    match refused {
        Refused::Malformed(_) => None,
        Refused::Forged { claimed, .. } => Some(*claimed),
    }
}
