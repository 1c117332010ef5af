//! The index over the starter heritage: 260 real records.

use essaim_protocol::query::Query;
use essaim_protocol::record::schema::Schema;
use serde_json::Value;

use super::*;

static HERITAGE: &str = include_str!("../../data/heritage.jsonl");

fn id(name: &str) -> RecordId {
    RecordId(*blake3::hash(name.as_bytes()).as_bytes())
}

/// A record of the model's JSON form, as the driver would hand it over.
fn indexed(record: &Value) -> Indexed {
    let said = |name: &str| record[name].as_str().unwrap_or_default().to_owned();
    let mut words = Vec::new();
    let mut facets = Vec::new();
    for (field, facet) in [("themes", "theme"), ("setting", "setting"), ("outcome", "outcome")] {
        let codes = record[field].as_array().cloned().unwrap_or_else(|| vec![record[field].clone()]);
        for code in codes.iter().filter_map(Value::as_str) {
            words.extend(Schema::get().term(facet, code).map(|term| term.label.fr.clone()));
            facets.push((facet.to_owned(), code.to_owned()));
        }
    }
    let audience = record["audience"].as_array().into_iter().flatten().filter_map(Value::as_str);
    words.extend(audience.filter_map(|code| Schema::get().term("audience", code)).map(|term| term.label.fr.clone()));
    Indexed {
        record: id(&said("id")),
        kind: said("kind"),
        title: said("title"),
        summary: said("summary"),
        text: ["text", "statement", "purpose", "note"].map(said).join("\n"),
        labels: words.join("\n"),
        tags: Vec::new(),
        facets,
        refers: Vec::new(),
        updated_at: Timestamp(1),
        days: None,
        lang: said("lang"),
    }
}

fn heritage() -> Vec<Indexed> {
    HERITAGE.lines().map(|line| indexed(&serde_json::from_str(line).unwrap())).collect()
}

/// A record that nobody else is like.
fn note(name: &str, title: &str, text: &str) -> Indexed {
    Indexed {
        record: id(name),
        kind: "resource".into(),
        title: title.into(),
        summary: String::new(),
        text: text.into(),
        labels: String::new(),
        tags: vec!["Essai".into()],
        facets: Vec::new(),
        refers: Vec::new(),
        updated_at: Timestamp(2),
        days: None,
        lang: "fr".into(),
    }
}

/// An index of `records` in a directory of its own.
fn filled(records: Vec<Indexed>) -> (tempfile::TempDir, Index) {
    let dir = tempfile::tempdir().unwrap();
    let mut index = Index::open(dir.path()).unwrap();
    index.put(records).unwrap();
    index.commit(1).unwrap();
    (dir, index)
}

fn ask(index: &Index, text: &str) -> Hits {
    let query = Query::parse(text).unwrap();
    index.reader().search(&Search { query, limit: 500, ..Search::default() }).unwrap()
}

fn titles(hits: &Hits) -> Vec<&str> {
    hits.hits.iter().map(|hit| hit.title.text.as_str()).collect()
}

fn marked<'a>(excerpt: &'a Excerpt) -> Vec<&'a str> {
    excerpt.marks.iter().map(|mark| &excerpt.text[mark.clone()]).collect::<Vec<&'a str>>()
}

#[test]
fn french_questions_find_the_heritage() {
    let (_dir, index) = filled(heritage());
    assert_eq!(ask(&index, "").total, 260);
    for (question, title) in [
        ("recits", "Mise en récits"),
        ("RÉCIT", "Mise en récits"),
        ("l'energie", "énergie"),
        ("mobilites station", "station balnéaire sans voiture"),
        ("élus", "élu"),
        ("identité locale sentier", "Un GR de Pays pour mettre en valeur l'identité locale"),
        ("barre cevennes", "Barre-des-Cévennes"),
        ("allies", "allié"),
        ("cooperat", "coopération"),
        ("\"grande randonnée\"", "Un GR de Pays"),
    ] {
        let hits = ask(&index, question);
        let found = hits.hits.iter().any(|hit| {
            let said = format!("{} {}", hit.title.text, hit.excerpt.text);
            french::fold(&said).contains(&french::fold(title))
        });
        assert!(found && !hits.corrected && !hits.partial, "{question}: {:?}", titles(&hits));
    }
}

#[test]
fn all_of_many_records_are_given_once_and_pages_end() {
    const MANY: usize = 10_600;
    let records = (0..MANY).map(|n| note(&n.to_string(), "Navette", "")).collect();
    let (_dir, index) = filled(records);
    for sort in [Sort::Newest, Sort::Relevance] {
        let ask = |offset, limit| {
            let query = Query::parse("navette").unwrap();
            let hits = index.reader().search(&Search { query, sort, offset, limit, ..Search::default() }).unwrap();
            assert_eq!(hits.total, MANY);
            hits.hits.into_iter().map(|hit| hit.record).collect::<Vec<_>>()
        };
        let all = ask(0, usize::MAX);
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), different.len()), (MANY, MANY));
        assert_eq!(ask(10_500, 500), all[10_500..]);
        assert!(ask(MANY, 500).is_empty() && ask(usize::MAX, usize::MAX).is_empty());
    }
}

#[test]
fn spellings_of_one_word_find_the_same_records() {
    let (_dir, index) = filled(heritage());
    for (one, other) in
        [("récit", "récits"), ("élu", "l'élu·e"), ("acteur·ices", "ACTEURS"), ("territorial", "territoriaux")]
    {
        let found = |text: &str| ask(&index, &format!("{text} -brouillon")).total;
        assert_eq!(found(one), found(other), "{one} / {other}");
        assert!(ask(&index, one).total > 0, "{one}");
    }
}

#[test]
fn excerpts_highlight_the_original_words() {
    let text = "Puis l’élu·e a réuni les acteur·ices du Pays. ".to_owned() + &"Enfin, peu. ".repeat(80);
    let (_dir, index) = filled(vec![note("a", "Ce que l'élu·e a fait", &text)]);
    let hits = ask(&index, "élus acteurs");
    assert_eq!(marked(&hits.hits[0].title), ["élu·e"]);
    assert_eq!(marked(&hits.hits[0].excerpt), ["élu·e", "acteur·ices"]);
    assert!(hits.hits[0].excerpt.text.len() < 400);
}

#[test]
fn what_classes_a_record_finds_it_and_is_not_read_in_its_excerpt() {
    let question = note("a", "Combien ?", "Combien cela a-t-il coûté à la commune ?");
    let (_dir, index) = filled(vec![Indexed { labels: "Question\nOuverte".into(), ..question }]);
    for words in ["", "questions", "ouverte", "coûté", "question coûté"] {
        let found = ask(&index, words);
        assert!(found.hits[0].excerpt.text.starts_with("Combien cela a-t-il coûté à la commune"), "{words}: {found:?}");
    }
}

#[test]
fn facets_filter_and_count() {
    let (_dir, index) = filled(heritage());
    let all = ask(&index, "");
    let count = |hits: &Hits, facet: &str, value: &str| -> usize {
        hits.facets[facet].values.iter().find(|(known, _)| known == value).map_or(0, |(_, count)| *count)
    };
    let kinds: Vec<_> = all.facets["kind"].values.iter().map(|(kind, count)| (kind.as_str(), *count)).collect();
    assert_eq!(
        kinds,
        [
            ("finding", 61),
            ("resource", 40),
            ("actor", 38),
            ("territory", 38),
            ("experience", 34),
            ("programme", 29),
            ("contribution", 12),
            ("gathering", 8)
        ]
    );
    let mobility = count(&all, "theme", "mobility");
    assert!(mobility > 0);
    let filtered = ask(&index, "theme:mobility");
    assert_eq!((filtered.total, count(&filtered, "theme", "mobility")), (mobility, mobility));
    let either = ask(&index, "kind:finding kind:resource");
    assert_eq!(either.total, 101, "values of one facet are alternatives");
    assert_eq!(
        ask(&index, "kind:finding kind:resource theme:mobility").total
            + ask(&index, "theme:mobility -kind:finding -kind:resource").total,
        mobility
    );
    assert_eq!(ask(&index, "kind:inconnu").total, 0);
}

#[test]
fn words_exclude_phrases_follow_and_titles_weigh() {
    let (_dir, index) = filled(vec![
        note("a", "Vélo en ville", "Des pistes."),
        note("b", "Pistes", "Le vélo, en ville comme ailleurs."),
        note("c", "Train", "La ville sans vélo."),
    ]);
    assert_eq!(titles(&ask(&index, "vélo"))[0], "Vélo en ville");
    assert_eq!(titles(&ask(&index, "vélo -train -comme")), ["Vélo en ville"]);
    assert_eq!(ask(&index, "\"vélo en ville\"").total, 2);
    assert_eq!(ask(&index, "\"ville en vélo\"").total, 0);
    assert_eq!(ask(&index, "-vélo").total, 0);
    assert_eq!(ask(&index, "pistes le la les pour").total, 2, "joining words ask for nothing");
    assert_eq!(ask(&index, "le").total, 1, "unless they are all there is");
}

#[test]
fn synonyms_beginnings_and_mistakes() {
    let (_dir, index) = filled(vec![
        note("a", "Une narration commune", "Intercommunalité et bicyclette."),
        note("b", "Communauté de communes", "Expérimentation d'un covoiturage."),
    ]);
    assert_eq!(titles(&ask(&index, "récits communs")), ["Une narration commune"]);
    assert_eq!(ask(&index, "EPCI").total, 2);
    assert_eq!(titles(&ask(&index, "covoit")), ["Communauté de communes"]);
    assert!(ask(&index, "covoit commune").partial, "only the last word may be unfinished");
    let mistyped = ask(&index, "covioturage expérimantation");
    assert!(mistyped.corrected);
    assert_eq!(titles(&mistyped), ["Communauté de communes"]);
    assert_eq!(marked(&mistyped.hits[0].excerpt), ["Expérimentation", "covoiturage"]);
    let nothing = ask(&index, "zygomatique");
    assert!(!nothing.corrected && !nothing.partial && nothing.hits.is_empty());
    let some = ask(&index, "zygomatique narration");
    assert!(some.partial && !some.corrected);
    assert_eq!(titles(&some), ["Une narration commune"]);
}

#[test]
fn pages_and_dates() {
    let records =
        (0..30i64).map(|n| Indexed { updated_at: Timestamp(n), ..note(&n.to_string(), "Fiche", &n.to_string()) });
    let (_dir, index) = filled(records.collect());
    let page = |offset, limit| {
        let query = Query::parse("fiche").unwrap();
        let hits =
            index.reader().search(&Search { query, sort: Sort::Newest, offset, limit, ..Search::default() }).unwrap();
        (hits.total, hits.hits.into_iter().map(|hit| hit.excerpt.text).collect::<Vec<_>>())
    };
    assert_eq!(page(0, 2), (30, vec!["29".into(), "28".into()]));
    assert_eq!(page(28, 500), (30, vec!["1".into(), "0".into()]));
    assert_eq!(page(usize::MAX, usize::MAX).0, 30);
    assert_eq!(page(0, 0).1.len(), 1);
}

#[test]
fn records_like_one() {
    let (_dir, index) = filled(vec![
        note("a", "Covoiturage en montagne", "Une ligne de covoiturage entre deux vallées."),
        note("b", "Covoiturage au bourg", "Une ligne de covoiturage qui n'a pas marché."),
        note("c", "Cantine scolaire", "Des repas bio pour les enfants."),
    ]);
    let like = |name: &str| index.reader().like(&id(name), &Query::default(), 10).unwrap();
    assert_eq!(like("a").iter().map(|hit| hit.record).collect::<Vec<_>>(), [id("b")]);
    assert!(like("unknown").is_empty());
}

#[test]
fn put_replaces_and_clear_removes_after_commit() {
    let (dir, mut index) = filled(vec![note("a", "Avant", "x"), note("b", "Autre", "x")]);
    let reader = index.reader();
    let found = |text: &str| {
        let query = Query::parse(text).unwrap();
        reader.search(&Search { query, limit: 10, ..Search::default() }).unwrap().total
    };
    index.put(vec![note("a", "Après", "x"), note("a", "Ensuite", "x")]).unwrap();
    assert_eq!((found("avant"), found("autre"), found("ensuite")), (1, 1, 0), "not before the commit");
    index.commit(7).unwrap();
    assert_eq!((found("avant"), found("autre"), found("apres"), found("ensuite")), (0, 1, 0, 1));

    drop((index, reader));
    let mut index = Index::open(dir.path()).unwrap();
    assert_eq!((index.watermark(), ask(&index, "").total), (7, 2));
    index.clear().unwrap();
    index.commit(0).unwrap();
    assert_eq!(ask(&index, "").total, 0);
}

#[test]
fn what_is_not_committed_is_not_claimed() {
    let (dir, mut index) = filled(vec![note("a", "Fiche", "x")]);
    index.put(vec![note("b", "Perdue", "x")]).unwrap();
    drop(index);
    let index = Index::open(dir.path()).unwrap();
    assert_eq!((index.watermark(), ask(&index, "").total), (1, 1));
}

#[test]
fn one_writer_at_a_time() {
    let (dir, _index) = filled(heritage());
    assert!(matches!(Index::open(dir.path()), Err(IndexError::InUse)));
    assert_eq!(ask(&_index, "").total, 260, "and the first is not disturbed");
}

#[test]
fn a_damaged_or_older_index_is_built_again() {
    let files = |dir: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(dir.join(LAYOUT)).unwrap().map(|entry| entry.unwrap());
        entries.filter(|entry| entry.metadata().unwrap().len() > 0).map(|entry| entry.path()).collect()
    };
    let (whole, index) = filled(heritage());
    drop(index);
    let count = files(whole.path()).len();
    assert!(count > 5);
    for at in 0..count {
        for damage in [0, 1, 2] {
            let (dir, index) = filled(heritage());
            drop(index);
            let Some(path) = files(dir.path()).into_iter().nth(at) else { continue };
            let mut bytes = fs::read(&path).unwrap();
            let middle = bytes.len() / 2;
            match damage {
                0 => bytes.truncate(middle),
                1 => bytes[middle] ^= 0xff,
                _ => bytes.clear(),
            }
            fs::write(&path, bytes).unwrap();
            let mut index = Index::open(dir.path()).unwrap();
            if index.watermark() == 0 {
                index.put(heritage()).unwrap();
                index.commit(1).unwrap();
            }
            assert_eq!(ask(&index, "").total, 260, "{} {damage}", path.display());
        }
    }
    let other = whole.path().join("search-0");
    fs::create_dir(&other).unwrap();
    assert_eq!(Index::open(whole.path()).unwrap().watermark(), 1);
    assert!(!other.exists());
}

#[test]
fn long_foreign_and_hostile_records() {
    let long = "La mobilité des habitant·es. ".repeat(400);
    let mut hostile = note("h", &"t".repeat(10_000), "\u{0}\u{1f}\u{202e}");
    hostile.tags = (0..10_000).map(|n| format!("étiquette {n}")).collect();
    hostile.facets = vec![("theme".into(), "x".repeat(1_000)), ("a\u{1f}b".into(), "c\u{1f}d".into())];
    let (_dir, index) = filled(vec![
        note("a", "Longue", &long),
        note("b", "🐝 التعاون بين البلديات", "שלום 👩🏽‍🌾 e\u{301}te\u{301}"),
        hostile,
    ]);
    assert!(long.chars().count() > 10_000);
    assert!(ask(&index, "habitants").hits[0].excerpt.text.chars().count() <= 250);
    assert_eq!(ask(&index, "البلديات").total, 1);
    assert_eq!(marked(&ask(&index, "été").hits[0].excerpt), ["e\u{301}te\u{301}"]);
    assert_eq!(ask(&index, "🐝").total, 3, "a query without letters asks for nothing");
    let tally = &ask(&index, "").facets["tags"];
    let all = tally.values.len() + tally.left_off;
    assert!(tally.values.len() <= 200 && all > 200, "{}", tally.left_off);
    // One that comes after two hundred others as frequent.
    let asked = &ask(&index, "tags:\"étiquette 1300\"").facets["tags"];
    assert!(asked.values.len() == 201 && asked.left_off > 200, "{}", asked.left_off);
    assert!(asked.values.contains(&("étiquette 1300".to_owned(), 1)), "{asked:?}");
}

#[test]
fn no_query_fails() {
    let (_dir, index) = filled(heritage());
    let long = "é".repeat(1_000);
    let many = "a ".repeat(64);
    for hostile in [
        "\"",
        "\"\"\"",
        "'",
        "*",
        "?",
        "~",
        "a~2",
        "a*",
        "*:*",
        ":",
        "::",
        "a:b:c",
        "kind:",
        "-",
        "--",
        "- -",
        "-kind:",
        "+a",
        "(",
        ")",
        "[a TO b]",
        "{",
        "/x/",
        "\\",
        "a AND",
        "OR",
        "NOT NOT",
        "^",
        "a^3",
        "«",
        "»",
        "\u{0}",
        "\u{202e}abc",
        "é\"é:é",
        "title:récit",
        "facet:x",
        "e\u{301}",
        "ﬁ",
        &long,
        &many,
    ] {
        let Ok(query) = Query::parse(hostile) else { panic!("{hostile:?} is a query") };
        let hits = index.reader().search(&Search { query, limit: 10, ..Search::default() }).unwrap();
        assert!(hits.total <= 260);
    }
}

#[test]
fn what_refers_to_a_record_is_found_by_it_and_never_counted() {
    let refers =
        |name: &str, to: &[&str]| Indexed { refers: to.iter().map(|to| id(to)).collect(), ..note(name, "Fiche", name) };
    let (_dir, index) = filled(vec![refers("a", &["c", "d"]), refers("b", &["d"]), note("c", "Fiche", "c")]);
    let linked = |name: &str| ask(&index, &format!("linked:{}", id(name)));
    assert_eq!([linked("c").total, linked("d").total, linked("a").total], [1, 2, 0]);
    assert_eq!(ask(&index, &format!("-linked:{}", id("c"))).total, 2);
    assert!(!linked("d").facets.contains_key("linked"));
}

#[test]
fn a_span_of_time_narrows_a_search_and_gatherings_come_by_their_day() {
    let meets = |name: &str, days: (i64, i64)| Indexed { days: Some(days), ..note(name, "Rencontre", name) };
    let changed = |name: &str, at: i64| Indexed { updated_at: Timestamp(at), ..note(name, "Fiche", name) };
    let (_dir, index) =
        filled(vec![meets("late", (30, 30)), meets("long", (5, 20)), meets("early", (-3, 1)), changed("new", 9)]);
    let found = |sort, span| {
        let search = Search { sort, span: Some(span), limit: 10, ..Search::default() };
        let hits = index.reader().search(&search).unwrap();
        let name =
            |hit: &Hit| ["late", "long", "early", "new"].into_iter().find(|name| id(name) == hit.record).unwrap();
        assert_eq!(hits.total, hits.hits.len());
        hits.hits.iter().map(name).collect::<Vec<_>>()
    };
    assert_eq!(found(Sort::Soonest, Span::EndingFrom(20)), ["long", "late"]);
    assert_eq!(found(Sort::Latest, Span::EndingBefore(20)), ["early"]);
    assert_eq!(found(Sort::Latest, Span::EndingBefore(21)), ["long", "early"]);
    assert_eq!(found(Sort::Newest, Span::Changed(Timestamp(9), Timestamp(10))), ["new"]);
    assert_eq!(found(Sort::Relevance, Span::Changed(Timestamp(3), Timestamp(9))), Vec::<&str>::new());
}

#[test]
fn who_refers_to_whom_is_read_without_opening_a_record() {
    let of = |name: &str, kind: &str, facet: (&str, &str), to: &[&str]| Indexed {
        kind: kind.into(),
        facets: vec![(facet.0.into(), facet.1.into())],
        refers: to.iter().map(|to| id(to)).collect(),
        ..note(name, "Fiche", name)
    };
    let (_dir, mut index) = filled(vec![
        of("a", "experience", ("outcome", "achieved"), &["place", "nobody"]),
        of("b", "experience", ("outcome", "achieved"), &[]),
        of("old", "experience", ("record_status", "archived"), &["place"]),
    ]);
    // In a segment of their own.
    index
        .put(vec![
            of("place", "territory", ("setting", "rural"), &[]),
            of("reuse", "contribution", ("contribution_form", "reuse"), &["a", "b", "author"]),
            of("question", "contribution", ("contribution_form", "question"), &["a"]),
            of("author", "actor", ("alliance", "ally"), &[]),
        ])
        .unwrap();
    index.commit(2).unwrap();
    let kinds = ["experience", "territory"];
    let web = index.reader().web(&kinds, ("contribution_form", "reuse"), ("record_status", "archived")).unwrap();
    assert_eq!(web.kinds.len(), 3);
    assert_eq!(web.kinds[&id("place")], "territory");
    assert_eq!(web.links.into_iter().collect::<Vec<_>>(), [(id("a"), id("place"))]);
    let [(reuse, joined)] = &web.joining[..] else { panic!("{:?}", web.joining) };
    assert_eq!((*reuse, joined.iter().collect::<BTreeSet<_>>()), (id("reuse"), BTreeSet::from([&id("a"), &id("b")])));
}

#[test]
fn two_records_are_alike_by_their_rarest_words() {
    let (_dir, index) = filled(heritage());
    let one = "La navette des estivants, une coopération avec les élus de la station";
    let other = "Les Estivants attendent une Navette : coopération, et rien d'autre avec eux";
    let common = index.reader().in_common(one, other, 2).unwrap();
    assert_eq!(common, ["estivants", "navette"]);
}
