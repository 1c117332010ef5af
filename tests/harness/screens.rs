//! Every screen of the page, each with a real address: what its proofs and its pictures go through.
//!
//! The story of one table: two allies found a commons with the starter heritage and records of every kind, ask and answer
//! one another, change the same record apart and meet again; a third, new here, has no commons yet. The table lists the
//! screens of the first and of the newcomer. A scenario holds it against the router, so that no screen is forgotten.

use essaim_protocol::api::{
    Archive, Command, Contribute, Draft, Form, Import, Imported, KeepDraft, List, Log, New, Records, Saved,
    SetSettings, Setting, Settings, StartDraft, Step, Sync, Synced, TakeStep, TemplateFor,
};
use essaim_protocol::record::fold::MAX_OPERATIONS;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::cluster::{Ally, agreed, set, until};
use crate::visitor::Visitor;

/// Eleven invented records, filled whole: CC0, see `fixtures/invented/README.md`.
const INVENTED: &str = include_str!("../fixtures/invented/demo-fictional.jsonl");

/// Words that want to be more than words: a link to a script, an end of an attribute, scripts, an override of the writing
/// direction.
pub const HOSTILE: &str = "[ici](javascript:hurt=1)\"><script>window.hurt=1</script><img src=x onerror=window.hurt=1>'{{7*7}}\u{202e}]]>&amp;<svg/onload=hurt=1>";

/// The same in an address.
const HOSTILE_ADDRESS: &str = "%22%3E%3Cscript%3Ewindow.hurt%3D1%3C%2Fscript%3E";

/// The members of a record in which people write.
const WRITTEN: [&str; 13] = [
    "cause",
    "conditions",
    "did",
    "differently",
    "intention",
    "learned",
    "response",
    "situation",
    "statement",
    "story",
    "summary",
    "text",
    "title",
];

/// Characters of a title, which the model bounds.
const TITLE: usize = 160;

/// One screen.
#[derive(Debug, Clone)]
pub struct Screen {
    /// What its pictures are called.
    pub name: String,
    /// Its address at its node.
    pub path: String,
    /// What is sent to this address, and the screen it is sent from; nothing where the address is only opened.
    pub sent: Option<Sent>,
    of: Of,
}

/// Whose screen it is.
#[derive(Debug, Clone, Copy)]
enum Of {
    /// Ours.
    Us,
    /// Of somebody who has no commons yet.
    Newcomer,
    /// Of somebody who enters ours.
    Entrant,
}

/// A form.
#[derive(Debug, Clone)]
pub struct Sent {
    from: String,
    fields: Vec<(&'static str, String)>,
}

impl Screen {
    fn new(name: &str, path: &str) -> Self {
        Self { name: name.to_owned(), path: path.to_owned(), sent: None, of: Of::Us }
    }

    fn sent(name: &str, from: &str, path: &str, fields: &[(&'static str, &str)]) -> Self {
        let fields = fields.iter().map(|(field, value)| (*field, (*value).to_owned())).collect();
        Self { sent: Some(Sent { from: from.to_owned(), fields }), ..Self::new(name, path) }
    }

    fn of(self, of: Of) -> Self {
        Self { of, ..self }
    }
}

/// A commons, and its screens.
#[derive(Debug)]
pub struct Screens {
    ours: Ally,
    _theirs: Ally,
    newcomer: Ally,
    entrant: Ally,
    table: Vec<Screen>,
}

impl Screens {
    /// Makes a commons in which all that is written ends with `words`.
    pub async fn new(words: &str) -> Self {
        let mut ours = Ally::new("Commune de Valombre").await;
        ours.found("Vallées en transition", true).await;
        let imported: Imported = ours.ask(Command::Import(Import { lines: lines(words).into_bytes() })).await;
        assert!(imported.bad.is_empty(), "{:?}", imported.bad);
        let mut theirs = Ally::new("Les Semeuses").await;
        theirs.join(&ours.invite().await).await;
        let told = Told::together(&mut ours, &mut theirs, words).await;
        let newcomer = Ally::new("Communauté de communes Cœur Haute Lande").await;
        let entrant = Ally::new("Le Pays des Sources").await;
        let ticket = ours.invite().await;
        let mut table = finding();
        table.extend(reading(&ours, &told).await);
        table.extend(together(&told));
        table.extend(writing(&ours, &told, words).await);
        table.extend(settling());
        table.extend(allies(&ours, &ticket).await);
        table.extend(trouble(&told));
        Self { ours, _theirs: theirs, newcomer, entrant, table }
    }

    /// All screens.
    #[must_use]
    pub fn table(&self) -> &[Screen] {
        &self.table
    }

    /// The ally whose screens they are.
    #[must_use]
    pub const fn ours(&self) -> &Ally {
        &self.ours
    }

    /// Shows a screen.
    pub async fn open(&self, browser: &Browser, screen: &Screen) {
        let entrance = match screen.of {
            Of::Us => self.ours.page(),
            Of::Newcomer => self.newcomer.page(),
            Of::Entrant => self.entrant.page(),
        };
        let origin = entrance.split("/entrer").next().unwrap_or_default();
        // A cookie is a host's and not a port's: who changes nodes enters again.
        if !browser.address().await.starts_with(&format!("{origin}/")) {
            browser.go(&entrance).await;
        }
        let at = |path: &str| format!("{origin}{path}");
        match &screen.sent {
            None => browser.go(&at(&screen.path)).await,
            Some(Sent { from, fields }) => {
                browser.go(&at(from)).await;
                browser.send(&screen.path, fields).await;
            }
        }
    }
}

/// The invented records, and one at least of each other kind, with what `words` add.
fn lines(words: &str) -> String {
    let links = |links: &[(&str, &str)]| -> Value {
        links.iter().map(|(rel, to)| json!({"rel": rel, "to": to})).collect::<Vec<_>>().into()
    };
    let cohort = links(&[("part_of", "programme:cohorte")]);
    let more = [
        (
            "programme:cohorte",
            "Cohorte des vallées",
            json!({
                "form": "cohort", "state": "running", "purpose": "Deux ans, six territoires, quatre rencontres.",
                "links": links(&[("in_territory", "territory:demo-valombre")]),
            }),
        ),
        (
            "finding:levier",
            "Commencer petit",
            json!({
                "form": "lever", "statement": "Ce qui commence petit s'arrête sans dommage, et s'étend sans décret.",
            }),
        ),
        (
            "experience:four",
            "Le four à pain du hameau",
            json!({
                "outcome": "under_way", "themes": ["food"], "links": links(&[
                    ("in_territory", "territory:demo-valombre"), ("part_of", "programme:cohorte"), ("documents", "finding:levier"),
                ]),
            }),
        ),
        ("experience:marche", "Un marché du soir", json!({"links": links(&[("nuances", "finding:levier")])})),
        ("experience:bois", "La chaufferie au bois", json!({"links": links(&[("contradicts", "finding:levier")])})),
        (
            "gathering:assemblee",
            "Assemblée de printemps",
            json!({
                "form": "allies_assembly", "starts": "2099-05-30", "ends": "2099-05-31",
                "place": {"text": format!("La halle de Valombre{words}")}, "links": cohort,
            }),
        ),
        ("gathering:visite", "Visite du canal", json!({"form": "learning_trip", "starts": "2099-05-07T14:00"})),
        (
            "gathering:lancement",
            "Le lancement de la cohorte",
            json!({
                "form": "cohort_day", "starts": "2019-03", "links": cohort, "report": "On s'est raconté d'où l'on partait.",
            }),
        ),
        (
            "actor:semeuses",
            "Les Semeuses de la vallée",
            json!({
                "type": "civil_society", "offers": ["visit", "call"], "url": "https://semeuses.example/",
            }),
        ),
        (
            "resource:guide",
            "Guide des navettes rurales",
            json!({
                "type": "guide", "issued": "2022", "url": "https://semeuses.example/guide", "text": "Ce que l'on sait avant de commencer.",
            }),
        ),
        (
            "experience:fridge",
            "Community fridge",
            json!({
                "lang": "en", "outcome": "achieved", "themes": ["food"], "story": "We put it in front of the town hall.",
                "steps": [{"on": "2021-05", "title": "The first winter", "text": "Nobody came.", "turning_point": true}],
                "effects": [{"text": "People talk there.", "sign": "created", "evidence": "observed"}],
                "difficulties": [{"text": "The rules were not made for it.", "difficulty": "top_down", "cause": "Nobody had asked."}],
            }),
        ),
        ("experience:put-away", "Une fiche que l'on range", json!({})),
    ];
    let record = |(id, title, more): (&str, &str, Value)| {
        let kind = id.split_once(':').map(|(kind, _)| kind);
        let origin = json!({"system": "essai", "id": id});
        let mut line = json!({"id": id, "kind": kind, "title": title, "lang": "fr", "origin": origin});
        if let (Some(line), Value::Object(more)) = (line.as_object_mut(), more) {
            line.extend(more);
        }
        line
    };
    let invented = INVENTED.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}")));
    let all = invented.chain(more.map(record));
    let spoilt = |mut line: Value| {
        spoil(&mut line, words);
        format!("{line}\n")
    };
    all.map(spoilt).collect()
}

/// Adds words to all that somebody wrote.
fn spoil(value: &mut Value, words: &str) {
    match value {
        Value::Object(members) => {
            for (name, member) in members.iter_mut() {
                if let Value::String(text) = &mut *member
                    && WRITTEN.contains(&name.as_str())
                {
                    *text = if name == "title" { titled(text, words) } else { format!("{text}{words}") };
                } else {
                    spoil(member, words);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| spoil(item, words)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// A title with the words after it, no longer than one may be.
fn titled(title: &str, words: &str) -> String {
    title.chars().chain(words.chars()).take(TITLE).collect()
}

/// The records to which the table leads, by address.
struct Told {
    /// Both changed it apart; the other asked about it and drew on it.
    disputed: String,
    question: String,
    disagreement: String,
    put_away: String,
    /// Our territory.
    place: String,
}

impl Told {
    async fn together(ours: &mut Ally, theirs: &mut Ally, words: &str) -> Self {
        let fields = json!({
            "title": titled("Un marché sous les platanes", words), "story": format!("Trois étals, puis trente.{words}"),
            "summary": format!("Un marché, le jeudi.{words}"), "tags": [words], "note": words, "outcome": "under_way",
            "themes": ["food"],
        });
        let form = fields.as_object().cloned().map(Form::Fields);
        let new = New { kind: "experience".to_owned(), form, set: vec![], territories: vec!["Gruissan".to_owned()] };
        let disputed = ours.ask::<Saved>(Command::New(new)).await.brief.id.to_string();
        let question = brought(ours, None, "question", &format!("Qui paie la navette ?{words}")).await;
        let disagreement =
            brought(ours, Some(&disputed), "disagreement", &format!("Fallait-il un marché ?{words}")).await;
        let settings = SetSettings { territory: Some("Gruissan".to_owned()) };
        let settings: Settings = ours.ask(Command::SetSettings(settings)).await;
        let place = settings.territory.unwrap_or_else(|| panic!("it is chosen")).record.to_string();
        let put_away = found(ours, "kind:experience \"que l'on range\"").await;
        ours.ask::<Saved>(Command::Archive(Archive { record: put_away.clone(), undo: false })).await;
        agreed(&[ours, theirs]).await;

        brought(theirs, Some(&disputed), "question", &format!("Qui le tient ?{words}")).await;
        brought(theirs, Some(&disputed), "reuse", &format!("Chez nous, sous les tilleuls.{words}")).await;
        brought(theirs, Some(&question), "answer", &format!("La région, pour moitié.{words}")).await;
        let step =
            Step::Position { stance: Some("for".to_owned()), text: format!("Il n'y avait plus rien d'ouvert.{words}") };
        theirs.ask::<Saved>(Command::TakeStep(TakeStep { record: disagreement.clone(), step })).await;
        agreed(&[ours, theirs]).await;

        ours.go_offline().await;
        theirs.go_offline().await;
        ours.ask::<Saved>(set(&disputed, "outcome", "achieved")).await;
        ours.ask::<Saved>(set(&disputed, "story", &format!("Trois étals, puis quarante.{words}"))).await;
        theirs.ask::<Saved>(set(&disputed, "outcome", "did_not_work")).await;
        theirs.ask::<Saved>(set(&disputed, "story", &format!("Trois étals, puis plus rien.{words}"))).await;
        theirs.ask::<Saved>(set(&question, "text", &format!("Qui paie la navette du soir ?{words}"))).await;
        ours.go_online().await;
        theirs.go_online().await;
        let sync = || Command::Sync(Sync { peer: None, wait_s: 20 });
        until("they meet again", async || theirs.try_ask::<Synced>(sync()).await.ok()).await;
        agreed(&[ours, theirs]).await;
        Self { disputed, question, disagreement, put_away, place }
    }
}

async fn brought(ally: &Ally, about: Option<&str>, form: &str, text: &str) -> String {
    let (about, form, text) = (about.map(str::to_owned), form.to_owned(), text.to_owned());
    let title = Some(text.chars().take(TITLE).collect());
    let saved: Saved =
        ally.ask(Command::Contribute(Contribute { about, form, title, text, ..Contribute::default() })).await;
    saved.brief.id.to_string()
}

/// The first record of a search.
async fn found(ally: &Ally, q: &str) -> String {
    let found: Records = ally.ask(Command::List(List { q: q.to_owned(), ..List::default() })).await;
    found.records.first().unwrap_or_else(|| panic!("nothing is found by {q}")).id.to_string()
}

/// Looking for something.
fn finding() -> Vec<Screen> {
    let strange = format!("/recherche?q={HOSTILE_ADDRESS}");
    [
        ("accueil", "/"),
        ("recherche", "/recherche"),
        ("recherche-mots", "/recherche?q=mobilités"),
        ("recherche-facettes", "/recherche?kind=experience&theme=mobility&outcome=did_not_work"),
        ("recherche-page", "/recherche?page=2"),
        ("recherche-archives", "/recherche?record_status=archived"),
        ("recherche-vaine", "/recherche?q=zzzzzz"),
        ("recherche-guillemet", "/recherche?q=%22navette"),
        ("recherche-etrange", &strange),
        ("tableau", "/recherche?kind=experience&vue=tableau"),
        ("carte", "/recherche?vue=carte"),
        ("carte-departement", "/recherche?vue=carte&department=11"),
        ("frise", "/recherche?vue=frise"),
    ]
    .map(|(name, path)| Screen::new(name, path))
    .into()
}

/// One record.
async fn reading(ours: &Ally, told: &Told) -> Vec<Screen> {
    let mut screens = Vec::new();
    for (name, q) in [
        ("experience", "kind:experience \"navette à la demande\""),
        ("territoire", "kind:territory Valombre"),
        ("acteur", "kind:actor \"Semeuses de la vallée\""),
        ("dispositif", "kind:programme \"Cohorte des vallées\""),
        ("rencontre", "kind:gathering \"Assemblée de printemps\""),
        ("ressource", "kind:resource \"Guide des navettes\""),
        ("enseignement", "kind:finding \"Commencer petit\""),
        ("contribution", "kind:contribution \"les volumes ont doublé\""),
        ("anglaise", "kind:experience \"Community fridge\""),
    ] {
        screens.push(Screen::new(&format!("fiche-{name}"), &format!("/fiche/{}", found(ours, q).await)));
    }
    let Told { disputed, question, disagreement, put_away, .. } = told;
    let log: Log = ours.ask(Command::Log(disputed.clone())).await;
    let change = |at: usize| log.versions.get(at).map(|version| version.change.to_string()).unwrap_or_default();
    let (newest, oldest) = (change(0), change(log.versions.len() - 1));
    let of = |name: &str, rest: &str| Screen::new(name, &format!("/fiche/{disputed}{rest}"));
    screens.extend([
        of("fiche-a-regler", ""),
        of("fiche-partagee", "?partage"),
        of("fiche-reglee", "?regle=1"),
        of("fiche-entretemps", "?entretemps=1"),
        of("fiche-apportee", "?apporte=1"),
        Screen::new("fiche-question", &format!("/fiche/{question}")),
        Screen::new("fiche-desaccord", &format!("/fiche/{disagreement}")),
        Screen::new("fiche-archivee", &format!("/fiche/{put_away}")),
        of("historique", "/historique"),
        of("version", &format!("/version/{newest}")),
        of("version-premiere", &format!("/version/{oldest}")),
        of("liens", "/liens"),
        Screen::sent(
            "apporter-refusee",
            &format!("/fiche/{disputed}"),
            &format!("/fiche/{disputed}/contribuer"),
            &[("form", "question"), ("text", " ")],
        ),
        Screen::sent(
            "avancer-refuse",
            &format!("/fiche/{disagreement}"),
            &format!("/fiche/{disagreement}/avancer"),
            &[("do", "position"), ("stance", "autrement"), ("text", "Je ne sais pas.")],
        ),
    ]);
    screens
}

/// Reading many records at once, and what is open between allies.
fn together(told: &Told) -> Vec<Screen> {
    let strange = format!("/annuaire?forme={HOSTILE_ADDRESS}");
    let odd = format!("/permanence?forme={HOSTILE_ADDRESS}");
    let own = format!("/territoire/{}", told.place);
    let mut screens: Vec<Screen> = [
        ("lettre", "/digest"),
        ("lettre-theme", "/digest?theme=food"),
        ("lettre-vide", "/digest?since=1990-01-01&until=1990-02-01"),
        ("agenda", "/agenda"),
        ("agenda-passe", "/agenda?page=2"),
        ("enseignements", "/enseignements"),
        ("dispositifs", "/dispositifs"),
        ("ressources", "/ressources"),
        ("ressources-vides", "/ressources?forme=video"),
        ("annuaire", "/annuaire"),
        ("annuaire-offres", "/annuaire?offre=visit"),
        ("annuaire-etrange", &strange),
        ("ensemble", "/ensemble"),
        ("permanence", "/permanence"),
        ("permanence-closes", "/permanence?etat=close"),
        ("permanence-etrange", &odd),
        ("boite", "/boite"),
        ("boite-entiere", "/boite?tout=1"),
        ("mon-territoire", "/territoire"),
        ("territoire", &own),
    ]
    .map(|(name, path)| Screen::new(name, path))
    .into();
    let empty = [("form", "question"), ("text", " ")];
    screens.push(Screen::sent("permanence-refusee", "/permanence", "/permanence", &empty));
    screens
}

/// Telling: every step of every kind.
async fn writing(ours: &Ally, told: &Told, words: &str) -> Vec<Screen> {
    let visitor = Visitor::of(ours).await;
    let title = titled("Encore sans suite", words);
    let mut screens = Vec::new();
    for kind in ["territory", "actor", "programme", "gathering", "resource", "finding", "contribution"] {
        let draft = begun(ours, TemplateFor::Kind(kind.to_owned()), Some(&title)).await;
        screens.extend(steps(&visitor, &draft, &format!("ecrire-{kind}")).await);
    }
    let filled = found(ours, "kind:experience \"navette à la demande\"").await;
    let filled = begun(ours, TemplateFor::Record(filled), None).await;
    screens.extend(steps(&visitor, &filled, "ecrire-experience").await);
    let blank = begun(ours, TemplateFor::Kind("experience".to_owned()), Some(&title)).await;
    let full = begun(ours, TemplateFor::Kind("experience".to_owned()), Some(&title)).await;
    let fields = json!({"learned": "a".repeat(MAX_OPERATIONS)}).as_object().cloned().unwrap_or_default();
    ours.ask::<Draft>(Command::KeepDraft(KeepDraft { draft: full.clone(), fields, ..KeepDraft::default() })).await;
    let full = format!("/ecrire/{full}/partager");
    let first = format!("/ecrire/{blank}/reperes");
    let wrong = [("title", "Un four"), ("period.from", "jadis"), ("faire", "suivant")];
    let lost = [("story", "Un récit que l'on ne veut pas perdre."), ("faire", "suivant")];
    screens.extend([
        Screen::new("ecrire", "/ecrire"),
        Screen::new("ecrire-completer", &format!("/ecrire?fiche={}", told.disputed)),
        Screen::new("ecrire-reprendre", &format!("/ecrire/{blank}")),
        Screen::new("ecrire-vide", &format!("/ecrire/{blank}/3")),
        Screen::new("ecrire-item-de-plus", &format!("/ecrire/{filled}/3?plus=steps")),
        Screen::new("ecrire-manque", &format!("/ecrire/{blank}/partager")),
        Screen::new("ecrire-lieux", &format!("{first}?cherche=lieux&mots=Bellefontaine")),
        Screen::new("ecrire-liens", &format!("/ecrire/{blank}/appuis?cherche=links&mots=navette")),
        Screen::sent("ecrire-pas-partagee", &full, &full, &[("faire", "partager")]),
        Screen::sent("ecrire-a-revoir", &first, &first, &wrong),
        Screen::new("ecrire-plus-la", "/ecrire/aaaaaaaa/1"),
        Screen::sent("ecrire-perdu", "/ecrire", "/ecrire/aaaaaaaa/1", &lost),
    ]);
    screens
}

async fn begun(ours: &Ally, of: TemplateFor, title: Option<&str>) -> String {
    let set = title.map(|title| Setting { field: "title".to_owned(), value: title.to_owned() });
    let start = StartDraft { of, form: None, set: set.into_iter().collect(), territories: vec![] };
    ours.ask::<Draft>(Command::StartDraft(start)).await.brief.id
}

/// The screens of a draft: those that its list of steps leads to.
async fn steps(visitor: &Visitor, draft: &str, name: &str) -> Vec<Screen> {
    let (status, first) = visitor.get(&format!("/ecrire/{draft}/partager")).await;
    assert_eq!(status, StatusCode::OK, "{first}");
    let slugs = first.split("value=\"aller ").skip(1).filter_map(|rest| rest.split('"').next());
    let screens = slugs.map(|slug| Screen::new(&format!("{name}-{slug}"), &format!("/ecrire/{draft}/{slug}")));
    let screens: Vec<_> = screens.collect();
    assert!(screens.len() > 3, "{first}");
    screens
}

/// What a home keeps for its own people.
fn settling() -> Vec<Screen> {
    let strange = format!("/reglages?lieu={HOSTILE_ADDRESS}");
    [
        ("reglages", "/reglages"),
        ("reglages-lieux", "/reglages?lieu=saint"),
        ("reglages-choisi", "/reglages?choisi=1"),
        ("reglages-etrange", &strange),
        ("accessibilite", "/accessibilite"),
        ("erreur-territoire", "/territoire/zzzz"),
    ]
    .map(|(name, path)| Screen::new(name, path))
    .into()
}

/// Who is here, and how somebody comes in.
async fn allies(ours: &Ally, ticket: &str) -> Vec<Screen> {
    let charter = ours.commons().await.charter.to_string();
    let cut: String = ticket.chars().take(60).collect();
    let mut screens: Vec<Screen> =
        [("allies", "/allies"), ("echanges", "/pairs"), ("inviter", "/inviter"), ("bienvenue", "/bienvenue")]
            .map(|(name, path)| Screen::new(name, path))
            .into();
    let invited = |uses: &'static str| [("role", "ally"), ("days", "14"), ("uses", uses)];
    screens.extend([
        Screen::sent("echanges-faits", "/pairs", "/pairs/echanger", &[]),
        Screen::sent("inviter-faite", "/inviter", "/inviter", &invited("1")),
        Screen::sent("inviter-refusee", "/inviter", "/inviter", &invited("")),
        Screen::new("bienvenue-personne", "/").of(Of::Newcomer),
        Screen::new("rejoindre", "/rejoindre").of(Of::Newcomer),
        Screen::sent("rejoindre-refusee", "/rejoindre", "/rejoindre", &[("ticket", &cut)]).of(Of::Newcomer),
        Screen::sent("rejoindre-charte", "/rejoindre", "/rejoindre", &[("ticket", ticket)]).of(Of::Newcomer),
        Screen::new("sans-commun", "/recherche").of(Of::Newcomer),
        Screen::sent("fonder-refuse", "/bienvenue", "/fonder", &[("name", " ")]).of(Of::Newcomer),
        Screen::sent("rejoindre-fait", "/rejoindre", "/rejoindre/signer", &[("ticket", ticket), ("charter", &charter)])
            .of(Of::Entrant),
    ]);
    screens
}

/// What went wrong.
fn trouble(told: &Told) -> Vec<Screen> {
    let hostile = format!("/fiche/{}{HOSTILE_ADDRESS}", told.disputed);
    let mut screens: Vec<Screen> = [
        ("erreur-inconnue", "/nulle-part"),
        ("erreur-fiche", "/fiche/zzzz"),
        ("erreur-etrange", &hostile),
        ("erreur-methode", "/fonder"),
        ("erreur-date", "/digest?since=jadis"),
        ("erreur-cle", "/entrer?cle=0"),
    ]
    .map(|(name, path)| Screen::new(name, path))
    .into();
    let foreign = [("_jeton", "0"), ("form", "question"), ("text", "Qui ?")];
    screens.push(Screen::sent("erreur-refus", "/permanence", "/permanence", &foreign));
    screens
}
