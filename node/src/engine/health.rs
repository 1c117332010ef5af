//! Looking after what is stored.

use std::path::Path;

use essaim_protocol::api::{Check, Checked, Diagnosis, Doctor, Error, Health, Progress, Report, Stage, Words};
use essaim_protocol::id::CommonsId;
use essaim_protocol::sign::Keys;
use essaim_protocol::store::Store as _;

use super::fault::{damage, desk_error, internal, repair};
use super::{Engine, Room, now};
use crate::keeper::{Desk, DeskError, Quarantined, store_config};
use crate::store::Cure;

/// A clock before this project began (2025-01-01) is set wrong.
const PLAUSIBLE: i64 = 1_735_689_600_000;

impl Engine {
    pub(super) async fn doctor(&self, doctor: Doctor, report: &Report) -> Result<Diagnosis, Error> {
        let mut checks = vec![self.home_check().await, self.keys_check().await, clock_check()];
        for room in self.rooms().await {
            let room = if doctor.rebuild {
                report(Progress { stage: Stage::Rebuilding, done: checks.len() as u64, total: None });
                self.rebuild(&room).await?
            } else {
                room
            };
            report(Progress { stage: Stage::Checking, done: checks.len() as u64, total: None });
            checks.extend(check_room(&room).await?);
        }
        Ok(Diagnosis { checks, rebuilt: doctor.rebuild })
    }

    /// Closes a commons, rebuilds its store from the log, and opens it again: as it was, when rebuilding failed.
    async fn rebuild(&self, room: &Room) -> Result<Room, Error> {
        let (keys, _) = self.identity().await?;
        let dir = self.commons_dir(&room.id).await?;
        room.keeper.close().await;
        let (place, id, free) = (dir.display().to_string(), room.id, self.0.free);
        let work = move || -> (Option<DeskError>, Result<Desk, DeskError>) {
            match rebuilt(&dir, id, keys.clone(), free) {
                Ok(desk) => (None, Ok(desk)),
                Err(error) => (Some(error), Desk::open(&dir, id, keys, free)),
            }
        };
        let (failed, desk) = tokio::task::spawn_blocking(work).await.map_err(internal)?;
        let opened = super::room(desk.map_err(|error| desk_error(&place, error))?)?;
        self.0.rooms.write().await.insert(opened.id, opened.clone());
        if let Some(driver) = &self.0.driver {
            driver.follow(self, opened.clone()).await;
        }
        failed.map_or(Ok(opened), |error| Err(desk_error(&place, error)))
    }

    async fn home_check(&self) -> Checked {
        let there = self.0.home.read().await.is_some();
        let detail = (!there).then(|| {
            let home = self.0.path.display();
            Words::new(format!("pas d'identité dans {home}"), format!("no identity in {home}"))
        });
        checked(Check::Home, if there { Health::Ok } else { Health::Warning }, 1, detail.into_iter().collect())
    }

    async fn keys_check(&self) -> Checked {
        use std::os::unix::fs::PermissionsExt as _;
        let open_to_others = ["key", "token"].into_iter().filter(|name| {
            let meta = std::fs::metadata(self.0.path.join(name));
            meta.is_ok_and(|meta| meta.permissions().mode() & 0o077 != 0)
        });
        let names: Vec<&str> = open_to_others.collect();
        let detail = (!names.is_empty()).then(|| {
            let names = names.join(", ");
            Words::new(format!("d'autres peuvent lire : {names}"), format!("readable by others: {names}"))
        });
        checked(
            Check::Keys,
            if names.is_empty() { Health::Ok } else { Health::Warning },
            2,
            detail.into_iter().collect(),
        )
    }
}

fn clock_check() -> Checked {
    let now = now();
    let plausible = now.0 > PLAUSIBLE;
    let detail = (!plausible).then(|| Words::new(format!("l'horloge dit {now}"), format!("the clock says {now}")));
    checked(Check::Clock, if plausible { Health::Ok } else { Health::Warning }, 1, detail.into_iter().collect())
}

fn rebuilt(dir: &Path, id: CommonsId, keys: Keys, free: u64) -> Result<Desk, DeskError> {
    crate::store::rebuild(&store_config(dir, free))?;
    let mut desk = Desk::open(dir, id, keys, free)?;
    desk.derive_anew()?;
    Ok(desk)
}

async fn check_room(room: &Room) -> Result<Vec<Checked>, Error> {
    let name = room.name.clone();
    let work = move |desk: &mut Desk| check_desk(desk).map_err(|error| desk_error(&name, error));
    let mut checks = room.keeper.run(work).await.map_err(internal)??;
    for check in &mut checks {
        check.commons = Some(room.name.clone());
    }
    Ok(checks)
}

fn check_desk(desk: &mut Desk) -> Result<Vec<Checked>, DeskError> {
    let findings = desk.store_mut().check()?;
    let of = |cure: Cure| -> Vec<Words> {
        findings.damaged.iter().filter(|damaged| damaged.cure == cure).map(|damaged| damage(&damaged.error)).collect()
    };
    let health = |details: &[Words], bad| if details.is_empty() { Health::Ok } else { bad };
    let (mut log, derived, notes) = (of(Cure::RebuildAndSync), of(Cure::Rebuild), of(Cure::Nothing));
    let log_health = health(&log, Health::Damaged);
    log.extend(desk.repairs().iter().map(repair));
    let log_health = if log_health == Health::Ok { health(&log, Health::Warning) } else { log_health };
    let quarantine = desk.quarantine()?;
    let count = quarantine.iter().map(|(_, out)| out.len() as u64).sum();
    let mut out: Vec<Words> = quarantine
        .iter()
        .flat_map(|(record, out)| {
            out.iter().map(move |Quarantined { entry, device, reason }| {
                Words::new(
                    format!("{record:#} : modification {entry:#} de {device:#} mise à l'écart ({reason})"),
                    format!("{record:#}: change {entry:#} by {device:#} set aside ({reason})"),
                )
            })
        })
        .collect();
    out.extend(desk.misbehaved().into_iter().map(|(ally, at, what)| {
        Words::new(format!("{ally} : coupé·e le {at} ({what})"), format!("{ally}: cut off at {at} ({what})"))
    }));
    let (tables_health, quarantine_health) = (health(&derived, Health::Rebuildable), health(&out, Health::Warning));
    Ok(vec![
        checked(Check::Log, log_health, findings.entries, log),
        checked(Check::Outbox, health(&notes, Health::Warning), desk.store().outbox().len() as u64, notes),
        checked(Check::Tables, tables_health, findings.frames, derived),
        checked(Check::Quarantine, quarantine_health, count, out),
        checked(Check::Index, Health::Ok, desk.records()?.len() as u64, Vec::new()),
    ])
}

const fn checked(check: Check, health: Health, count: u64, details: Vec<Words>) -> Checked {
    Checked { check, commons: None, health, count, details }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use essaim_protocol::api::{Answer, Command, CreateCommons, Init, Lang, Request};

    use crate::{Config, Node};

    use super::*;

    async fn ask(node: &Node, command: Command) -> Result<Answer, Error> {
        let report: Report = Arc::new(|_| {});
        node.engine().call(Request { commons: None, lang: Lang::Fr, command }, &report).await
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_commons_that_could_not_be_rebuilt_is_still_there() {
        let home = tempfile::tempdir().unwrap();
        let node = Node::start(Config { free: 0, ..Config::new(home.path()) }).await.unwrap();
        ask(&node, Command::Init(Init { name: "Alice".to_owned() })).await.unwrap();
        let create = CreateCommons { name: "Patrimoine".to_owned(), starter: false, charter: None };
        ask(&node, Command::CreateCommons(create)).await.unwrap();
        node.shutdown().await;

        // A disk on which nothing more may be written.
        let node = Node::start(Config { free: u64::MAX, ..Config::new(home.path()) }).await.unwrap();
        let failed = ask(&node, Command::Doctor(Doctor { rebuild: true })).await;
        assert!(matches!(failed, Err(Error::DiskFull { .. })), "{failed:?}");
        let Answer::Commons(commons) = ask(&node, Command::ShowCommons).await.unwrap() else { panic!("a commons") };
        assert_eq!(commons.name, "Patrimoine");
        node.shutdown().await;
    }
}
