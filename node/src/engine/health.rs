//! Looking after what is stored.

use essaim_protocol::api::{Check, Checked, Diagnosis, Doctor, Error, Health, Lang, Progress, Report, Stage, Words};
use essaim_protocol::id::{CommonsId, DeviceKey, RecordId};

use super::fault::{damage, desk_error, internal, repair};
use super::{Engine, Room, now};
use crate::keeper::{Desk, DeskError, Quarantined};
use crate::store::{Cure, Repair};
use crate::words::when::moment;

/// A clock before this project began (2025-01-01) is set wrong.
const PLAUSIBLE: i64 = 1_735_689_600_000;

impl Engine {
    pub(super) async fn doctor(&self, doctor: Doctor, report: &Report) -> Result<Diagnosis, Error> {
        let mut checks = vec![self.home_check().await, self.keys_check().await, clock_check()];
        if doctor.rebuild {
            let open = self.rooms().await.into_iter().map(|room| room.id);
            for id in open.chain(self.closed().await.into_iter().map(|(id, _)| id)) {
                report(Progress { stage: Stage::Rebuilding, done: checks.len() as u64, total: None });
                self.rebuild(id).await?;
            }
        }
        for room in self.rooms().await {
            report(Progress { stage: Stage::Checking, done: checks.len() as u64, total: None });
            if doctor.forgive {
                let forgiven = room.keeper.run(Desk::forgive).await.map_err(internal)?;
                if let Some(driver) = &self.0.driver {
                    driver.forgive(forgiven).await;
                }
            }
            checks.extend(check_room(&room).await?);
        }
        for (id, why) in self.closed().await {
            let commons = Some(id.short());
            checks.push(Checked { commons, ..checked(Check::Log, Health::Damaged, 0, vec![why.words()]) });
        }
        Ok(Diagnosis { checks, rebuilt: doctor.rebuild })
    }

    /// Closes a commons, rebuilds its store from the log, and opens it again: as it was, when rebuilding failed.
    async fn rebuild(&self, id: CommonsId) -> Result<(), Error> {
        let (keys, _) = self.identity().await?;
        let dir = self.commons_dir(&id).await?;
        if let Some(room) = self.open_room(&id).await {
            room.keeper.close().await;
        }
        let (place, free) = (dir.display().to_string(), self.0.free);
        let work = move || -> (Option<DeskError>, Result<Desk, DeskError>) {
            match Desk::rebuild(&dir, id, keys.clone(), free) {
                Ok(desk) => (None, Ok(desk)),
                Err(error) => (Some(error), Desk::open(&dir, id, keys, free)),
            }
        };
        let (failed, desk) = tokio::task::spawn_blocking(work).await.map_err(internal)?;
        self.0.rooms.write().await.remove(&id);
        match desk.map_err(|error| desk_error(&place, error)).and_then(super::room_of) {
            Ok(room) => {
                self.0.closed.write().await.remove(&id);
                if let Some(room) = room {
                    self.0.rooms.write().await.insert(id, room.clone());
                    if let Some(driver) = &self.0.driver {
                        driver.follow(self, room).await;
                    }
                }
                failed.map_or(Ok(()), |error| Err(desk_error(&place, error)))
            }
            Err(why) => {
                self.0.closed.write().await.insert(id, why);
                Ok(())
            }
        }
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
    let lost = |repair: &Repair| matches!(repair, Repair::Quarantined { .. } | Repair::EntriesLost { .. });
    let log_health = match log_health {
        Health::Ok if desk.repairs().iter().any(lost) => Health::Damaged,
        Health::Ok => health(&log, Health::Warning),
        found @ (Health::Warning | Health::Rebuildable | Health::Damaged) => found,
    };
    // Whoever asked is told now.
    desk.forget_repairs()?;
    let quarantine = desk.quarantine()?;
    let count = quarantine.iter().map(|(_, out)| out.len() as u64).sum::<u64>() + desk.unfoldable().len() as u64;
    let set_aside = |record: &RecordId, Quarantined { entry, device, reason }: &Quarantined| {
        let author = author(desk, device);
        Words::new(
            format!("{record:#} : modification {entry:#} de {author} mise à l'écart : {}", reason.fr),
            format!("{record:#}: change {entry:#} by {author} set aside: {}", reason.en),
        )
    };
    let each = quarantine.iter().flat_map(|(record, out)| out.iter().map(move |one| (record, one)));
    let mut out: Vec<Words> = each.map(|(record, one)| set_aside(record, one)).collect();
    out.extend(desk.unfoldable().iter().map(|(record, why)| {
        Words::new(
            format!("{record:#} : la fiche n'a pas pu être assemblée et n'est pas montrée : {why}"),
            format!("{record:#}: the record could not be folded and is not shown: {why}"),
        )
    }));
    out.extend(desk.misbehaved().into_iter().map(|(ally, at, what)| {
        let [fr, en] = [Lang::Fr, Lang::En].map(|lang| moment(lang, at));
        Words::new(
            format!("{ally} : liaison coupée le {fr}, {}", what.fr),
            format!("{ally}: cut off on {en}, {}", what.en),
        )
    }));
    let (tables_health, quarantine_health) = (health(&derived, Health::Rebuildable), health(&out, Health::Warning));
    Ok(vec![
        checked(Check::Log, log_health, findings.entries, log),
        checked(Check::Outbox, health(&notes, Health::Warning), desk.store().outbox_len(), notes),
        checked(Check::Tables, tables_health, findings.frames, derived),
        checked(Check::Quarantine, quarantine_health, count, out),
        check_index(desk)?,
    ])
}

/// Who signed with a device, with its short id; that alone while the roster does not know it.
fn author(desk: &Desk, device: &DeviceKey) -> String {
    let ally = desk.roster().ally_of(device).and_then(|id| desk.roster().ally(&id));
    ally.map_or_else(|| format!("{device:#}"), |ally| format!("{} ({device:#})", ally.name))
}

/// Compares the search index with the views, as far as these are exact.
fn check_index(desk: &mut Desk) -> Result<Checked, DeskError> {
    let (found, there) = desk.indexed()?;
    let readable = desk.readable()?;
    let mut details = Vec::new();
    if !there {
        details.push(Words::new("ses fichiers ne sont plus là", "its files are gone"));
    } else if desk.stale() == 0 && found != readable {
        details.push(Words::new(
            format!("on y trouve {found} fiches sur {readable}"),
            format!("{found} records of {readable} are found in it"),
        ));
    }
    let health = if details.is_empty() { Health::Ok } else { Health::Rebuildable };
    Ok(checked(Check::Index, health, desk.records()?.len() as u64, details))
}

const fn checked(check: Check, health: Health, count: u64, details: Vec<Words>) -> Checked {
    Checked { check, commons: None, health, count, details }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use essaim_protocol::api::{Answer, Command, CreateCommons, Init, Lang, Request, Status, Task};

    use crate::{Config, Node};

    use super::*;

    async fn ask(node: &Node, command: Command) -> Result<Answer, Error> {
        let report: Report = Arc::new(|_| {});
        node.engine().call(Request { commons: None, lang: Lang::Fr, command }, &report).await
    }

    async fn founded(home: &std::path::Path, names: &[&str]) {
        let node = Node::start(Config { free: 0, ..Config::new(home) }).await.unwrap();
        ask(&node, Command::Init(Init { name: "Alice".to_owned() })).await.unwrap();
        for name in names {
            let create = CreateCommons { name: (*name).to_owned(), starter: false, charter: None };
            ask(&node, Command::CreateCommons(create)).await.unwrap();
        }
        node.shutdown().await;
    }

    async fn diagnosis(node: &Node, rebuild: bool) -> Diagnosis {
        ask(node, Command::Doctor(Doctor { rebuild, ..Doctor::default() })).await.unwrap().try_into().unwrap()
    }

    fn log_health(diagnosis: &Diagnosis) -> Vec<Health> {
        let logs = diagnosis.checks.iter().filter(|checked| checked.check == Check::Log);
        logs.map(|checked| checked.health).collect()
    }

    async fn todo(node: &Node) -> Vec<Task> {
        let status: Status = ask(node, Command::Status).await.unwrap().try_into().unwrap();
        status.todo
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_was_mended_stays_told_until_the_doctor_said_it() {
        let home = tempfile::tempdir().unwrap();
        founded(home.path(), &["Patrimoine"]).await;
        let commons = std::fs::read_dir(home.path().join("commons")).unwrap().next().unwrap().unwrap().path();
        std::fs::write(commons.join("store/database/db"), b"not a database").unwrap();
        // A command that says nothing of it is the one that mends.
        Node::start(Config { free: 0, ..Config::new(home.path()) }).await.unwrap().shutdown().await;
        let node = Node::start(Config { free: 0, ..Config::new(home.path()) }).await.unwrap();
        assert_eq!(todo(&node).await[0], Task::Doctor);
        assert_eq!(log_health(&diagnosis(&node, false).await), [Health::Damaged]);
        assert_eq!(log_health(&diagnosis(&node, false).await), [Health::Ok]);
        assert!(!todo(&node).await.contains(&Task::Doctor));
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn an_index_that_does_not_show_all_records_is_told_and_built_again() {
        let home = tempfile::tempdir().unwrap();
        founded(home.path(), &["Patrimoine"]).await;
        let node = Node::start(Config { free: 0, ..Config::new(home.path()) }).await.unwrap();
        let room = node.engine().rooms().await.remove(0);
        for title in ["Le verger", "La navette"] {
            let fields = [("title".to_owned(), serde_json::json!(title))].into();
            room.keeper.run(move |desk| desk.create("experience", &fields, now()).map(drop)).await.unwrap().unwrap();
        }
        let index = async |rebuild| {
            let checks = diagnosis(&node, rebuild).await.checks;
            checks.into_iter().find(|checked| checked.check == Check::Index).unwrap()
        };
        assert_eq!(index(false).await.health, Health::Ok);
        room.keeper.run(|desk| desk.forget_indexed()).await.unwrap();
        let told = index(false).await;
        assert_eq!((told.health, told.details.len()), (Health::Rebuildable, 1), "{told:?}");
        let commons = std::fs::read_dir(home.path().join("commons")).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_dir_all(commons.join("index")).unwrap();
        let told = index(false).await;
        assert_eq!((told.health, told.details[0].en.as_str()), (Health::Rebuildable, "its files are gone"));
        assert_eq!(index(true).await.health, Health::Ok);
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_commons_that_cannot_be_opened_leaves_the_others_open_and_can_be_rebuilt() {
        let home = tempfile::tempdir().unwrap();
        founded(home.path(), &["Patrimoine", "Vallées"]).await;
        let commons = std::fs::read_dir(home.path().join("commons")).unwrap().next().unwrap().unwrap().path();
        std::fs::remove_dir_all(commons.join("index")).unwrap();
        std::fs::write(commons.join("index"), b"no directory").unwrap();

        let node = Node::start(Config { free: 0, ..Config::new(home.path()) }).await.unwrap();
        let open: Vec<_> = node.engine().rooms().await;
        let [room] = &open[..] else { panic!("{open:?}") };
        assert_eq!(todo(&node).await[0], Task::Doctor);
        let none_named = ask(&node, Command::Allies).await;
        assert!(
            matches!(&none_named, Err(Error::WhichCommons { candidates }) if candidates.len() == 2),
            "{none_named:?}"
        );
        let named = |commons: String| Request { commons: Some(commons), lang: Lang::Fr, command: Command::Allies };
        let report: Report = Arc::new(|_| {});
        node.engine().call(named(room.name.clone()), &report).await.unwrap();
        let id = commons.file_name().unwrap().to_string_lossy().into_owned();
        let closed = node.engine().call(named(id), &report).await;
        assert!(matches!(closed, Err(Error::Io { .. })), "{closed:?}");
        assert!(log_health(&diagnosis(&node, false).await).contains(&Health::Damaged));

        assert_eq!(log_health(&diagnosis(&node, true).await), [Health::Ok, Health::Ok]);
        assert_eq!(node.engine().rooms().await.len(), 2);
        node.shutdown().await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_commons_that_could_not_be_rebuilt_is_still_there() {
        let home = tempfile::tempdir().unwrap();
        founded(home.path(), &["Patrimoine"]).await;

        // A disk on which nothing more may be written.
        let node = Node::start(Config { free: u64::MAX, ..Config::new(home.path()) }).await.unwrap();
        let failed = ask(&node, Command::Doctor(Doctor { rebuild: true, ..Doctor::default() })).await;
        assert!(matches!(failed, Err(Error::DiskFull { .. })), "{failed:?}");
        let Answer::Commons(commons) = ask(&node, Command::ShowCommons).await.unwrap() else { panic!("a commons") };
        assert_eq!(commons.name, "Patrimoine");
        node.shutdown().await;
    }
}
