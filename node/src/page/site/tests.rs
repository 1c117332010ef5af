//! A site as files: what is in it, what is not, and what it replaces.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use essaim_protocol::api::{
    Answer, Command, CommonsList, Conflict, CreateCommons, Error as ApiError, Identity, Import, Imported, Init, List,
    Records, Request,
};
use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::*;
use crate::{Config, Node};

/// What must not be read by everybody says this word.
const SECRET: &str = "zzsecret";

const HOSTILE: &str =
    "\"><script>window.hurt=1</script><img src=x onerror=hurt=1>'</title><a href=\"/x\" onclick=hurt>\u{2028}";

/// A node of its own, with these records.
async fn ally(records: &[Json]) -> (TempDir, Node) {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(Config { free: 0, ..Config::new(dir.path()) }).await.unwrap();
    ask::<Identity>(&node, Command::Init(Init { name: "Commune de Valombre".to_owned() })).await;
    let create = CreateCommons { name: "Vallées".to_owned(), starter: false, charter: None };
    ask::<Commons>(&node, Command::CreateCommons(create)).await;
    import(&node, records).await;
    (dir, node)
}

async fn import(node: &Node, records: &[Json]) {
    let lines: Vec<String> = records.iter().map(Json::to_string).collect();
    let import = Import { lines: lines.join("\n").into_bytes() };
    let imported: Imported = ask(node, Command::Import(import)).await;
    assert_eq!(imported.bad, []);
}

async fn ask<T: TryFrom<Answer, Error = ApiError>>(node: &Node, command: Command) -> T {
    let request = Request { commons: None, lang: Lang::Fr, command };
    T::try_from(node.engine().call(request, &(Arc::new(|_| {}) as _)).await.unwrap()).unwrap()
}

async fn sheets(node: &Node) -> Vec<Sheet> {
    let mut sheets = Vec::new();
    // What was put away is listed for who asks for it.
    for q in ["", "record_status:archived"] {
        let all: Records = ask(node, Command::List(List { q: q.to_owned(), ..List::default() })).await;
        for brief in all.records {
            sheets.push(ask(node, Command::Show(brief.id.to_string())).await);
        }
    }
    sheets
}

async fn site(node: &Node) -> Site {
    let commons: CommonsList = ask(node, Command::ListCommons).await;
    let mut site = Site::new(Lang::Fr, commons[0].clone());
    sheets(node).await.into_iter().for_each(|sheet| site.add(sheet));
    site
}

async fn write(node: &Node, dir: &Path) -> Written {
    site(node).await.write(dir, &mut |_, _| {}).unwrap()
}

/// A public record.
fn public(id: &str, more: Json) -> Json {
    let (kind, _) = id.split_once(':').unwrap();
    let mut record = json!({"id": id, "kind": kind, "lang": "fr", "licence": "CC-BY-SA-4.0", "status": "shared", "visibility": "public"});
    record.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    record
}

/// Public records among others: a shuttle in a commune, what was learnt of it, a question, and what is for allies only.
fn heritage() -> Vec<Json> {
    let hidden = |id: &str| public(id, json!({"title": format!("Rien {SECRET}"), "visibility": "alliance"}));
    vec![
        public(
            "territory:gruissan",
            json!({"title": "Gruissan", "type": "commune", "codes": {"insee": "11170"}, "point": {"lat": 43.1, "lon": 3.09}}),
        ),
        public("actor:regie", json!({"title": "Régie des navettes"})),
        hidden("territory:cache"),
        hidden("actor:cache"),
        hidden("experience:cache"),
        public("experience:archive", json!({"title": format!("Rangée {SECRET}"), "status": "archived"})),
        public("experience:brouillon", json!({"title": format!("Ébauche {SECRET}"), "status": "draft"})),
        public(
            "experience:navette",
            json!({
                "title": "Une navette sans passagers", "summary": "Dix-huit mois d'essai.", "story": "Personne n'y **montait**.",
                "outcome": "did_not_work", "themes": ["mobility"], "period": {"from": "2021", "to": "2022"},
                "authors": ["actor:regie", "actor:cache"],
                "links": [
                    {"rel": "in_territory", "to": "territory:gruissan"},
                    {"rel": "in_territory", "to": "territory:cache", "note": format!("note {SECRET}")},
                    {"rel": "inspired_by", "to": "experience:cache"},
                ],
                "fantastics": {"elected": {"who": ["actor:cache", "actor:regie"], "did": "A convaincu."}},
                "disagreements": [{"subject": "Fallait-il arrêter ?", "state": "kept", "positions": {
                    "actor:cache": {"text": "Oui, tout de suite."}, "fantastic:elected": {"text": "Non, pas encore."},
                }}],
            }),
        ),
        public(
            "finding:essai",
            json!({"title": "Essayer coûte moins cher", "status": "peer_read", "links": [{"rel": "draws_on", "to": "experience:navette"}], "authors": ["actor:cache"]}),
        ),
        public(
            "contribution:question",
            json!({"title": "Et le prix ?", "form": "question", "text": "Combien le billet ?", "about": "experience:navette", "links": [{"rel": "about", "to": "experience:cache"}]}),
        ),
    ]
}

/// The files of a site by their path.
fn files(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(top: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(top, &path, found);
            } else {
                let name = path.strip_prefix(top).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(dir, dir, &mut found);
    found
}

fn pages(files: &BTreeMap<String, Vec<u8>>) -> impl Iterator<Item = (&String, &str)> {
    let html = files.iter().filter(|(name, _)| name.ends_with(".html"));
    html.map(|(name, bytes)| (name, std::str::from_utf8(bytes).unwrap()))
}

/// What stands between `<` and `>`: text has neither.
fn tags(html: &str) -> impl Iterator<Item = &str> {
    html.split('<').skip(1).filter_map(|rest| rest.split('>').next())
}

/// Every link, style, script and picture of every page leads to a file of the site, or says that it leads elsewhere.
fn assert_whole(files: &BTreeMap<String, Vec<u8>>) {
    for (name, html) in pages(files) {
        for start in ["href=\"", "src=\"", "data-page=\""] {
            for to in tags(html).filter_map(|tag| tag.split_once(start)?.1.split('"').next()) {
                let to = to.split('#').next().unwrap();
                if to.is_empty() || ["http://", "https://", "mailto:"].iter().any(|out| to.starts_with(out)) {
                    continue;
                }
                let mut path: Vec<&str> = name.split('/').collect();
                path.pop();
                for part in to.split('/') {
                    match part {
                        ".." => assert!(path.pop().is_some(), "{name} leads out of the site: {to}"),
                        part => path.push(part),
                    }
                }
                assert!(files.contains_key(&path.join("/")), "{name} leads nowhere: {to}");
            }
        }
        assert!(html.contains("http-equiv=\"Content-Security-Policy\""), "{name}");
    }
}

/// No page holds what only the node's own have, or what its policy would not run.
fn assert_plain(files: &BTreeMap<String, Vec<u8>>) {
    for (name, html) in pages(files) {
        for tag in tags(html) {
            assert!(!["form", "style"].iter().any(|name| tag.starts_with(name)), "{name}: {tag}");
            assert!(
                ![" onclick=", " onerror=", " onload=", " style=", " hx-", "_jeton", "=\"/"]
                    .iter()
                    .any(|part| tag.contains(part)),
                "{name}: {tag}"
            );
            assert!(!tag.starts_with("script") || tag.contains(" src="), "{name}: {tag}");
        }
    }
}

#[tokio::test]
async fn what_is_public_is_told_and_found() {
    let (_home, node) = ally(&heritage()).await;
    let dir = tempfile::tempdir().unwrap();
    let written = write(&node, &dir.path().join("site")).await;
    assert_eq!((written.records, written.added, written.removed), (5, 5, 0));
    let files = files(&dir.path().join("site"));
    assert_eq!(
        (written.files, written.bytes),
        (files.len() as u64, files.values().map(|file| file.len() as u64).sum())
    );
    assert_whole(&files);
    assert_plain(&files);
    let text = |name: &str| String::from_utf8(files[name].clone()).unwrap();
    let sheet = pages(&files)
        .find(|(name, html)| name.starts_with("fiche/") && html.contains("<h1 lang=\"fr\">Une navette"))
        .unwrap()
        .1;
    for says in [
        "<strong>montait</strong>",
        "Licence",
        "essaim:",
        "Combien le billet ?",
        "Oui, tout de suite.",
        "un·e allié·e",
        "Essayer coûte moins cher",
        "Régie des navettes",
    ] {
        assert!(sheet.contains(says), "{says} is not in {sheet}");
    }
    for name in [
        "liste/theme-mobility.html",
        "liste/issue-did_not_work.html",
        "liste/departement-11.html",
        "liste/annee-2021.html",
        "frise.html",
        "flux.atom",
        "fiches.csv",
        "carte.geojson",
    ] {
        assert!(text(name).contains("Une navette sans passagers"), "{name}");
    }
    assert!(text("carte.html").contains("liste/departement-11.html") && text("carte.html").contains("<circle"));
    let index: Vec<_> = files.iter().filter(|(name, _)| name.starts_with("recherche/")).collect();
    let terms: String = index.iter().map(|(_, bytes)| String::from_utf8_lossy(bytes)).collect();
    assert!(
        ["[\"navet\",", "[\"montait\",", "[\"mobilit\",", "[\"gruissan\","].iter().all(|term| terms.contains(term))
    );
    for (name, bytes) in index {
        let call = std::str::from_utf8(bytes).unwrap().trim_end().strip_prefix("essaim.").unwrap();
        let arguments = call.split_once('(').unwrap().1.strip_suffix(");").unwrap();
        assert!(serde_json::from_str::<Json>(&format!("[{arguments}]")).is_ok(), "{name}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn what_is_not_public_is_nowhere() {
    let (_home, node) = ally(&heritage()).await;
    let dir = tempfile::tempdir().unwrap();
    write(&node, &dir.path().join("site")).await;
    let files = files(&dir.path().join("site"));
    let hidden: Vec<Sheet> = sheets(&node).await.into_iter().filter(|sheet| !public::is_public(sheet)).collect();
    assert_eq!(hidden.len(), 5);
    for (name, bytes) in &files {
        let text = String::from_utf8_lossy(bytes).to_lowercase();
        assert!(!text.contains(SECRET) && !name.contains(SECRET), "{name}");
        for sheet in &hidden {
            let id = sheet.brief.id.to_string();
            assert!(!text.contains(&id) && !name.contains(&id), "{name} names {}", sheet.brief.title);
        }
    }
    node.shutdown().await;
}

#[tokio::test]
async fn what_somebody_would_keep_among_allies_is_left_out() {
    let (_home, node) = ally(&heritage()).await;
    let mut sheet = sheets(&node).await.into_iter().find(public::is_public).unwrap();
    let disputed = |field: &str| Conflict {
        lang: None,
        record: sheet.brief.id,
        kind: sheet.brief.kind.clone(),
        title: String::new(),
        field: field.to_owned(),
        label: String::new(),
        merged: None,
        values: Vec::new(),
    };
    let (visibility, summary) = (disputed("visibility"), disputed("summary"));
    sheet.disagreements = vec![summary];
    assert!(public::is_public(&sheet));
    sheet.disagreements.push(visibility);
    assert!(!public::is_public(&sheet));
    node.shutdown().await;
}

#[tokio::test]
async fn only_who_brought_a_contribution_signs_it() {
    let (_home, node) = ally(&heritage()).await;
    let all = sheets(&node).await;
    let hidden = all.iter().find(|sheet| !public::is_public(sheet)).unwrap().brief.id;
    for (kind, signers) in [("contribution", &["Alice"][..]), ("experience", &["Alice", "Bob"])] {
        let of_kind = |sheet: &&Sheet| sheet.brief.kind == kind && public::is_public(sheet);
        let mut sheet = all.iter().find(of_kind).unwrap().clone();
        sheet.fields.insert("authors".to_owned(), json!([hidden.to_string()]));
        sheet.written_by = ["Alice", "Bob"].map(str::to_owned).into();
        public::clean(&mut sheet, &BTreeSet::new());
        assert_eq!(sheet.brief.by, signers, "{kind}");
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_territory_without_a_title_has_a_list_with_a_name() {
    let told = json!({"title": "Une cantine", "links": [{"rel": "in_territory", "to": "territory:nulle-part"}]});
    let records = [public("experience:cantine", told), public("territory:nulle-part", json!({"type": "commune"}))];
    let (_home, node) = ally(&records).await;
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write(&node, &dir.path().join("site")).await.records, 2);
    let files = files(&dir.path().join("site"));
    let browse = String::from_utf8(files["parcourir.html"].clone()).unwrap();
    assert!(browse.contains("Sans titre"), "{browse}");
    node.shutdown().await;
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let hostile = public(
        "experience:hostile",
        json!({
        "title": HOSTILE, "summary": HOSTILE, "story": format!("{HOSTILE}\n\n[ici](javascript:hurt=1)"), "tags": [HOSTILE],
        "themes": ["mobility", "../../../etc/passwd", HOSTILE],
        "links": [{"rel": "in_territory", "to": "territory:hostile", "note": HOSTILE}],
        }),
    );
    let territory =
        public("territory:hostile", json!({"title": HOSTILE, "type": "commune", "codes": {"insee": "../../11170"}}));
    let (_home, node) = ally(&[hostile, territory]).await;
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(write(&node, &dir.path().join("site")).await.records, 2);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is written outside");
    let files = files(&dir.path().join("site"));
    assert_whole(&files);
    assert_plain(&files);
    for (name, html) in pages(&files) {
        for bad in ["<script>", "<img src=x", "</title><a", "href=\"javascript"] {
            assert!(!html.contains(bad), "{name}: {bad}");
        }
    }
    let atom = String::from_utf8(files["flux.atom"].clone()).unwrap();
    assert!(!atom.contains("<script>"), "{atom}");
    node.shutdown().await;
}

#[tokio::test]
async fn long_lists_have_pages_and_the_same_records_make_the_same_bytes() {
    let mut records = heritage();
    records.extend((0..130).map(|n| {
        let links = json!([{"rel": "in_territory", "to": "territory:gruissan"}]);
        public(
            &format!("experience:{n}"),
            json!({"title": format!("Essai {n}"), "period": {"from": "2020"}, "links": links}),
        )
    }));
    let (_home, node) = ally(&records).await;
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (dir.path().join("un"), dir.path().join("deux"));
    write(&node, &one).await;
    write(&node, &other).await;
    let first = files(&one);
    assert_eq!(
        first.keys().filter(|name| name.starts_with("liens/")).count(),
        1 + 1 + 3,
        "pages of what refers to Gruissan"
    );
    assert!(first.contains_key("liste/type-experience-3.html"));
    assert_whole(&first);
    assert!(first == files(&other), "another directory");
    let again = write(&node, &one).await;
    assert_eq!((again.records, again.added, again.removed), (135, 0, 0));
    assert!(first == files(&one), "a second run");
    for (name, bytes) in &first {
        assert!(bytes.len() < 150_000, "{name} has {} bytes", bytes.len());
    }
    node.shutdown().await;
}

#[tokio::test]
async fn a_record_that_is_no_longer_public_goes() {
    let (_home, node) = ally(&heritage()).await;
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("site");
    write(&node, &place).await;
    import(&node, &[public("finding:essai", json!({"title": "Essayer coûte moins cher", "visibility": "alliance"}))])
        .await;
    let written = write(&node, &place).await;
    assert_eq!((written.records, written.added, written.removed), (4, 0, 1));
    for (name, bytes) in files(&place) {
        assert!(!String::from_utf8_lossy(&bytes).contains("coûte moins cher"), "{name}");
    }
    node.shutdown().await;
}

#[test]
fn nothing_of_others_is_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let theirs = dir.path().join("photos");
    std::fs::create_dir(&theirs).unwrap();
    std::fs::write(theirs.join("chat.jpg"), "miaou").unwrap();
    let file = dir.path().join("fichier");
    std::fs::write(&file, "texte").unwrap();
    for place in [&theirs, &file, Path::new("/"), &dir.path().join("..")] {
        assert!(matches!(Place::begin(place), Err(Error::NotOurs(_))), "{}", place.display());
    }
    // A directory beside that has the name we would take.
    std::fs::create_dir(dir.path().join(".site.essaim")).unwrap();
    std::fs::write(dir.path().join(".site.essaim/lettre"), "chère").unwrap();
    assert!(matches!(Place::begin(&dir.path().join("site")), Err(Error::NotOurs(_))));
    assert!(matches!(Place::begin(&dir.path().join("rien/site")), Err(Error::Io { .. })));
    assert_eq!(std::fs::read(theirs.join("chat.jpg")).unwrap(), b"miaou");
    assert_eq!(std::fs::read(dir.path().join(".site.essaim/lettre")).unwrap(), "chère".as_bytes());
}

#[test]
fn a_run_that_fails_leaves_the_earlier_site_whole() {
    let dir = tempfile::tempdir().unwrap();
    let site = dir.path().join("site");
    std::fs::create_dir(&site).unwrap();
    let mut place = Place::begin(&site).unwrap();
    place.put("index.html", b"un").unwrap();
    place.finish().unwrap();
    let earlier = files(&site);
    assert_eq!(earlier["index.html"], b"un", "an empty directory may be taken");
    let mut place = Place::begin(&site).unwrap();
    place.put("index.html", b"deux").unwrap();
    // What a full disk does at any file: the run ends there.
    assert!(matches!(place.put("index.html/impossible", b""), Err(Error::Io { .. })));
    drop(place);
    assert!(files(&site) == earlier);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside");
    let killed = dir.path().join(".site.essaim");
    std::fs::create_dir_all(killed.join("fiche")).unwrap();
    std::fs::write(killed.join(".essaim-site"), "").unwrap();
    std::fs::write(killed.join("fiche/vieille.html"), "moitié").unwrap();
    let mut place = Place::begin(&site).unwrap();
    place.put("index.html", b"trois").unwrap();
    assert!(matches!(Place::begin(&site), Err(Error::Busy(_))), "two runs do not mix");
    assert_eq!(place.finish().unwrap().records, 0, "what a killed run left is not taken for this one's");
    assert_eq!(files(&site)["index.html"], b"trois");
}
