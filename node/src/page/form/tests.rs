//! A form that is handed back as it was drawn changes nothing, and what is typed is what is read.

use essaim_protocol::id::{AllyId, RecordId};
use essaim_protocol::record::schema::Kind;
use proptest::prelude::*;
use serde_json::json;

use super::*;

const EMPTY: &BTreeMap<String, String> = &BTreeMap::new();

fn me() -> String {
    format!("ally:{}", AllyId([1; 32]))
}

fn kind(name: &str) -> &'static Kind {
    Schema::get().kind(name).unwrap()
}

fn everything(kind: &'static Kind) -> Vec<Asked<'static>> {
    let ask = |field: &'static Field| {
        if field.name == "links" {
            vec![Asked::Places(field), Asked::Relations(field)]
        } else {
            vec![Asked::Field(field)]
        }
    };
    kind.fields.iter().flat_map(ask).collect()
}

/// What a browser sends for controls as they were drawn.
fn sent(widgets: &[Widget]) -> Vec<(String, String)> {
    let mut pairs = Vec::new();
    widgets.iter().for_each(|widget| send(widget, &mut pairs));
    pairs
}

fn send(widget: &Widget, pairs: &mut Vec<(String, String)>) {
    let name = &widget.name;
    let mut say = |name: &str, value: &str| pairs.push((name.to_owned(), value.to_owned()));
    match &widget.input {
        Input::Line(text) | Input::Number(text) | Input::Date(text) => say(name, &text.replace(['\r', '\n'], "")),
        Input::Area { text, .. } => say(name, &text.replace("\r\n", "\n").replace('\n', "\r\n")),
        Input::Tick(on) => on.then(|| say(name, "1")).unwrap_or_default(),
        Input::One(choices) => {
            let chosen = choices.iter().find(|choice| choice.on);
            say(name, chosen.map_or("", |choice| &choice.value));
        }
        Input::Some(choices) => choices.iter().filter(|choice| choice.on).for_each(|choice| say(name, &choice.value)),
        Input::Records { chosen, .. } => chosen.iter().for_each(|choice| say(name, &choice.value)),
        Input::Relations { rows, .. } => rows.iter().for_each(|row| {
            say(&format!("{}._key", row.name), &row.key);
            say(&format!("{}.note", row.name), &row.note);
        }),
        Input::Group(members) => members.iter().for_each(|member| send(member, pairs)),
        Input::Items(items) => items.iter().for_each(|item| {
            if let Some(id) = &item.id {
                pairs.push((format!("{}._id", item.name), id.clone()));
            }
            item.main.iter().chain(&item.more).for_each(|member| send(member, pairs));
        }),
        Input::Positions(positions) => positions.iter().for_each(|one| {
            if let Some(author) = one.authors.iter().find(|author| author.on) {
                pairs.push((format!("{}._key", one.name), author.value.clone()));
            }
            one.members.iter().for_each(|member| send(member, pairs));
        }),
    }
}

fn handed_back(kind: &'static Kind, fields: &Map<String, Json>, was: &Map<String, Json>) -> Map<String, Json> {
    let (me, asked) = (me(), everything(kind));
    let widgets = Paper::new(Lang::Fr, fields, EMPTY, Some(&me)).widgets(&asked);
    let mut read = Typed::new(Lang::Fr, sent(&widgets)).by(Some(&me)).read(&asked, was);
    read.retain(|_, value| !value.is_null());
    read
}

/// Values of a field: such as people type, or with all that documents may hold.
fn values(field: &Field, wild: bool) -> BoxedStrategy<Json> {
    let line = || if wild { "\\PC{1,12}" } else { "[A-Zéa-z’]{1,8}( [a-zà.,]{1,6}){0,3}" }.prop_map(Json::from).boxed();
    let code = |vocabulary: &str| {
        let codes: Vec<String> =
            Schema::get().vocabulary(vocabulary).unwrap().terms.iter().map(|term| term.code.clone()).collect();
        prop::sample::select(codes)
    };
    let id = || (2u8..20).prop_map(|n| RecordId([n; 32]).to_string());
    match &field.ty {
        Type::String | Type::Language | Type::Url => line(),
        Type::Text if field.name == "title" => line(),
        Type::Text | Type::Markdown if wild => "(\\PC|\n|\t| ){1,40}".prop_map(Json::from).boxed(),
        Type::Text | Type::Markdown => "[a-zé]{1,9}\\.(\n\n?[A-Za-z]{1,9}){0,3}".prop_map(Json::from).boxed(),
        Type::Number => prop_oneof![
            any::<i32>().prop_map(Json::from),
            (-9999i32..9999).prop_map(|n| json!(f64::from(n) / 8.0 + 0.0625))
        ]
        .boxed(),
        Type::Date => prop::sample::select(vec!["2024", "2024-05", "2024-05-07", "2016/2019", "2019-03/..", "2015~"])
            .prop_map(Json::from)
            .boxed(),
        Type::Bool => {
            if wild {
                any::<bool>().prop_map(Json::from).boxed()
            } else {
                Just(Json::Bool(true)).boxed()
            }
        }
        Type::Code(vocabulary) => code(vocabulary).prop_map(Json::from).boxed(),
        Type::Codes(vocabulary) => {
            prop::collection::btree_set(code(vocabulary), 1..4).prop_map(|set| json!(set)).boxed()
        }
        Type::Strings => {
            prop::collection::btree_set("[a-zé]{1,9}( [a-z]{1,4})?", 1..4).prop_map(|set| json!(set)).boxed()
        }
        Type::Ref => id().prop_map(Json::from).boxed(),
        Type::Refs => prop::collection::btree_set(id(), 1..4).prop_map(|set| json!(set)).boxed(),
        Type::Links(vocabulary) => {
            let note = prop::option::of("[a-zé]{1,9}");
            let links = prop::collection::btree_map((code(vocabulary), id()), note, 1..5);
            links
                .prop_map(|links| {
                    let link = |((rel, to), note): ((String, String), Option<String>)| match note {
                        Some(note) if rel != PLACED => json!({"rel": rel, "to": to, "note": note}),
                        _ => json!({"rel": rel, "to": to}),
                    };
                    links.into_iter().map(link).collect()
                })
                .boxed()
        }
        Type::Struct(fields) | Type::Atomic(fields) => members(fields, wild),
        Type::List(fields) => prop::collection::vec((members(fields, wild), any::<u64>()), 1..4)
            .prop_map(move |items| {
                let item = |(mut item, id): (Json, u64)| {
                    if wild {
                        item["_id"] = format!("{id:x}").into();
                        item["_inconnu"] = "d'un modèle plus récent".into();
                    }
                    item
                };
                items.into_iter().map(item).collect()
            })
            .boxed(),
        Type::Map(Key::Author, fields) => {
            let mut keys = vec![me(), "fantastic:elected".to_owned(), "fantastic:agent".to_owned()];
            keys.extend(wild.then(|| format!("ally:{}", AllyId([9; 32]))));
            prop::collection::btree_map(prop::sample::select(keys), members(fields, wild), 1..4)
                .prop_map(|map| json!(map))
                .boxed()
        }
        Type::Map(Key::Term(vocabulary), fields) => {
            prop::collection::btree_map(code(vocabulary), members(fields, wild), 1..4)
                .prop_map(|map| json!(map))
                .boxed()
        }
        Type::Values(Key::Term(vocabulary)) => {
            prop::collection::btree_map(code(vocabulary), line(), 1..3).prop_map(|map| json!(map)).boxed()
        }
        Type::Values(Key::Author) | Type::Attachments => Just(Json::Null).boxed(),
    }
}

/// The first member always says something, so that no item is blank.
fn members(fields: &[Field], wild: bool) -> BoxedStrategy<Json> {
    let member = |(at, field): (usize, &Field)| {
        let name = field.name.clone();
        let value = if at == 0 && matches!(field.ty, Type::Bool) {
            Just(Json::Bool(true)).boxed()
        } else {
            values(field, wild)
        };
        let value = if at == 0 { value.prop_map(Some).boxed() } else { prop::option::of(value).boxed() };
        value.prop_map(move |value| value.map(|value| (name.clone(), value)))
    };
    let all: Vec<_> = fields.iter().enumerate().map(member).collect();
    all.prop_map(|members| Json::Object(members.into_iter().flatten().collect())).boxed()
}

fn records(wild: bool) -> BoxedStrategy<(&'static Kind, Map<String, Json>)> {
    let one = move |kind: &'static Kind| {
        let field = |field: &Field| {
            let name = field.name.clone();
            prop::option::of(values(field, wild)).prop_map(move |value| value.map(|value| (name.clone(), value)))
        };
        let all: Vec<_> = kind.fields.iter().map(field).collect();
        all.prop_map(move |fields| {
            let said = fields.into_iter().flatten().filter(|(_, value)| !is_blank(value));
            (kind, said.collect::<Map<String, Json>>())
        })
    };
    prop::sample::select(Schema::get().kinds().iter().collect::<Vec<_>>()).prop_flat_map(one).boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn what_is_typed_is_what_is_read((kind, fields) in records(false)) {
        prop_assert_eq!(handed_back(kind, &fields, &Map::new()), fields);
    }

    #[test]
    fn a_form_handed_back_changes_nothing((kind, fields) in records(true)) {
        prop_assert_eq!(handed_back(kind, &fields, &fields), fields);
    }

    #[test]
    fn no_form_makes_it_fall_over(pairs in prop::collection::vec(("[a-z._0-9|:]{0,20}", "\\PC{0,20}"), 0..40)) {
        for kind in Schema::get().kinds() {
            Typed::new(Lang::Fr, pairs.clone()).read(&everything(kind), &Map::new());
        }
    }
}

fn typed(pairs: &[(&str, &str)]) -> Typed {
    Typed::new(Lang::Fr, pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
}

fn read(field: &str, pairs: &[(&str, &str)]) -> Json {
    let asked = [Asked::Field(kind("experience").field(field).unwrap())];
    typed(pairs).by(Some(&me())).read(&asked, &Map::new())[field].clone()
}

#[test]
fn a_part_that_says_nothing_stays_when_something_else_is_changed() {
    let fields = json!({"effects": [
        {"_id": "aed879fb380f6920", "text": "\n"},
        {"_id": "df5fce556f817825", "text": "Moins de voitures"},
    ]});
    let fields = fields.as_object().unwrap();
    assert_eq!(&handed_back(kind("contribution"), fields, fields), fields);
}

#[test]
fn what_is_not_understood_is_kept_as_typed() {
    let steps = read("steps", &[("steps.0.title", "Le vote"), ("steps.0.on", "au printemps dernier")]);
    assert_eq!(steps, json!([{"on": "au printemps dernier", "title": "Le vote"}]));
    assert_eq!(read("means", &[("means.budget_eur", "une fortune")]), json!({"budget_eur": "une fortune"}));
    assert_eq!(read("means", &[("means.budget_eur", "12 500 €"), ("means.months", "")]), json!({"budget_eur": 12_500}));
}

#[test]
fn buttons_remove_and_move_items() {
    let all = [("effects.0.text", "un"), ("effects.1.text", "deux"), ("effects.10.text", "dix")];
    let texts = |typed: &Typed| {
        let asked = [Asked::Field(kind("experience").field("effects").unwrap())];
        let read = typed.read(&asked, &Map::new());
        let items = read["effects"].as_array().cloned().unwrap_or_default();
        items.iter().map(|item| item["text"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let mut one = typed(&all);
    one.remove("effects.1");
    assert_eq!(texts(&one), ["un", "dix"], "the tenth is not the first");
    let mut two = typed(&all);
    two.swap("effects.0", "effects.1");
    assert_eq!(texts(&two), ["deux", "un", "dix"]);
}

#[test]
fn two_rows_for_one_author_lose_no_word() {
    let mine = me();
    let disagreements = read(
        "disagreements",
        &[
            ("disagreements.0.subject", "Le tracé"),
            ("disagreements.0.positions.0._key", &mine),
            ("disagreements.0.positions.0.text", "Par le nord."),
            ("disagreements.0.positions.1._key", &mine),
            ("disagreements.0.positions.1.text", "Ou pas du tout."),
        ],
    );
    assert_eq!(disagreements[0]["positions"][&mine]["text"], "Par le nord.\nOu pas du tout.");
}

#[test]
fn nobody_writes_the_words_of_another_ally() {
    let other = format!("ally:{}", AllyId([9; 32]));
    let asked = [Asked::Field(kind("contribution").field("disagreement").unwrap())];
    let was = json!({"disagreement": {"subject": "?", "positions": {&other: {"text": "Mes mots."}}}});
    let pairs = [
        ("disagreement.subject", "?"),
        ("disagreement.positions.0._key", &other),
        ("disagreement.positions.0.text", "Pas mes mots."),
    ];
    let read = typed(&pairs).by(Some(&me())).read(&asked, was.as_object().unwrap());
    assert_eq!(read["disagreement"]["positions"][&other]["text"], "Mes mots.");
}

#[test]
fn places_and_other_links_do_not_undo_each_other() {
    let links = kind("experience").field("links").unwrap();
    let (here, there) = (RecordId([2; 32]).to_string(), RecordId([3; 32]).to_string());
    let was = json!({"links": [{"rel": "about", "to": there}, {"rel": PLACED, "to": there}]});
    let chosen = format!("{here} insee-commune:11170");
    let typed = typed(&[(PLACES, &chosen)]);
    let read = typed.read(&[Asked::Places(links)], was.as_object().unwrap());
    assert_eq!(read["links"], json!([{"rel": "about", "to": there}, {"rel": PLACED, "to": here}]));
    assert_eq!(typed.places(), ["insee-commune:11170"]);
}

#[test]
fn a_language_is_chosen_by_its_name_and_another_one_stays() {
    let asked = [Asked::Field(kind("experience").field("lang").unwrap())];
    let offered = |lang: Lang, said: &str| {
        let fields = json!({ "lang": said });
        let widgets = Paper::new(lang, fields.as_object().unwrap(), EMPTY, None).widgets(&asked);
        let Input::One(choices) = widgets[0].input.clone() else { panic!("a choice") };
        choices
    };
    let breton = offered(Lang::Fr, "br");
    assert_eq!(breton.iter().filter(|one| one.on).map(|one| &*one.label).collect::<Vec<_>>(), ["breton"]);
    for lang in [Lang::Fr, Lang::En] {
        let choices = offered(lang, "fr");
        assert_eq!(choices.len(), LANGUAGES.len());
        assert!(choices.iter().all(|one| one.label != one.value), "{choices:?}");
    }
    let other = offered(Lang::Fr, "ty");
    assert_eq!(other.last().map(|one| (&*one.value, one.on)), Some(("ty", true)));
}

#[test]
fn a_mistake_stands_beside_its_control_and_gets_the_focus() {
    let fields = json!({"steps": [{"title": "Un", "on": "jadis"}], "title": "x"});
    let fields = fields.as_object().unwrap();
    let mut paper = Paper::new(Lang::Fr, fields, EMPTY, None);
    paper.problems =
        vec![("steps.0.on".to_owned(), "une date".to_owned()), ("ailleurs".to_owned(), "autre".to_owned())];
    paper.mend = true;
    let widgets = paper.widgets(&[Asked::Field(kind("experience").field("steps").unwrap())]);
    let Input::Items(items) = &widgets[0].input else { panic!("a list") };
    let date = items[0].main.iter().chain(&items[0].more).find(|widget| widget.name == "steps.0.on").unwrap();
    assert_eq!((date.error.as_deref(), date.focus), (Some("une date"), true));
    assert_eq!(paper.unclaimed(), ["autre"]);
}
