//! What people type, and the territory they mean.

use super::*;

fn find(text: &str) -> Found<'static> {
    Gazetteer::get().find(text)
}

fn one(text: &str) -> (Type, &'static str) {
    let found = find(text);
    let Found::One(place) = found else { panic!("{text}: {found:?}") };
    (place.ty, place.code)
}

fn names(found: Found<'_>) -> Vec<String> {
    match found {
        Found::One(place) => vec![place.name],
        Found::Several(places) | Found::None(places) => places.into_iter().map(|place| place.name).collect(),
    }
}

#[test]
fn codes_of_every_system() {
    assert_eq!(one("48019"), (Type::Commune, "48019"));
    assert_eq!(one("200069656"), (Type::Epci, "200069656"));
    assert_eq!(one("200075794"), (Type::Petr, "200075794"));
    assert_eq!(one("258402346"), (Type::Pnr, "258402346"));
    assert_eq!(one("2a"), (Type::Department, "2A"));
    assert_eq!(one("63"), (Type::Department, "63"));
    assert_eq!(one("75011"), (Type::Commune, "75056"), "a postcode of one commune");
    assert!(matches!(find("39400"), Found::Several(_)), "a postcode of several");
    assert!(matches!(find("11170"), Found::Several(_)), "the INSEE code of one and the postcode of others");
    assert_eq!(one("Gruissan (11170)"), (Type::Commune, "11170"));
    assert_eq!(find("000000000"), Found::None(Vec::new()));
}

#[test]
fn names_as_people_type_them() {
    for (text, code) in [
        ("Gruissan", "11170"),
        ("gruissan", "11170"),
        ("LOOS EN GOHELLE", "62528"),
        ("saint hilaire de brethmas", "30259"),
        ("St-Hilaire-de-Brethmas", "30259"),
        ("barre des cevennes", "48019"),
        ("ville de Nantes", "44109"),
        ("Ville d'Annecy", "74010"),
        ("Paris", "75056"),
        ("Le Vigan (30)", "30350"),
        ("Le Vigan, Gard", "30350"),
        ("Le Vigan 30120", "30350"),
        ("Bellefontaine 88", "88048"),
    ] {
        assert_eq!(one(text), (Type::Commune, code), "{text}");
    }
    for (text, code) in [
        ("CC Cœur Haute Lande", "200069656"),
        ("coeur haute-lande", "200069656"),
        ("Communauté de communes Cœur de Chartreuse", "200040111"),
        ("Com'Com Coeur de Chartreuse", "200040111"),
        ("Métropole de Rennes", "243500139"),
        ("Métropole de Rouen-Normandie", "200023414"),
        ("Montpellier Méditerranée Métropole", "243400017"),
    ] {
        assert_eq!(one(text), (Type::Epci, code), "{text}");
    }
    assert_eq!(one("PETR Causses et Cévennes"), (Type::Petr, "200075794"));
    assert_eq!(one("PNR du Luberon"), (Type::Pnr, "258402346"));
    assert_eq!(one("Parc naturel régional du Doubs Horloger"), (Type::Pnr, "200096295"));
    assert_eq!(one("Département du Puy-de-Dôme"), (Type::Department, "63"));
    assert_eq!(one("Région Bretagne"), (Type::Region, "53"));
    assert_eq!(one("Martinique"), (Type::Department, "972"));
    assert_eq!(one("Vals de Saintonge"), (Type::Epci, "200041689"));
}

#[test]
fn an_ambiguous_name_lists_its_candidates() {
    let Found::Several(places) = find("bellefontaine") else { panic!("four communes") };
    let told: Vec<_> = places.iter().map(|place| (place.department.unwrap(), place.population.unwrap())).collect();
    assert_eq!(told, [("972", 1746), ("88", 952), ("39", 494), ("95", 474)]);
}

#[test]
fn a_mistyped_name_has_suggestions() {
    for (typed, meant) in [("Gruisan", "Gruissan"), ("Loos en Gohele", "Loos-en-Gohelle"), ("Malaunai", "Malaunay")] {
        let found = find(typed);
        assert!(matches!(found, Found::None(_)), "{typed}");
        assert_eq!(names(found).first().map(String::as_str), Some(meant), "{typed}");
    }
    assert!(names(find("Saint-Hilaire-de-Breth")).contains(&"Saint-Hilaire-de-Brethmas".to_owned()));
    for nonsense in ["", " ", "()", ",", "xqzwvy", "🐝", "'", "((((", &"é".repeat(10_000)] {
        assert_eq!(find(nonsense), Found::None(Vec::new()), "{nonsense:.20}");
    }
}

#[test]
fn parents_from_the_smallest() {
    let gazetteer = Gazetteer::get();
    let parents = |ty, code| -> Vec<(Type, String)> {
        let place = gazetteer.get_by_code(ty, code).unwrap();
        gazetteer.parents(&place).into_iter().map(|parent| (parent.ty, parent.code.to_owned())).collect()
    };
    let expected = [(Type::Epci, "241100593"), (Type::Department, "11"), (Type::Region, "76")];
    assert_eq!(parents(Type::Commune, "11170"), expected.map(|(ty, code)| (ty, code.to_owned())));
    assert_eq!(parents(Type::Department, "63"), [(Type::Region, "84".to_owned())]);
    assert_eq!(parents(Type::Region, "53"), []);
}

#[test]
fn a_record_is_the_line_in_the_form_of_the_model() {
    let Found::One(place) = find("Gruissan") else { panic!("one commune") };
    assert_eq!(
        place.record(),
        json!({
            "kind": "territory", "lang": "fr", "title": "Gruissan", "type": "commune", "country": "FR",
            "codes": {"insee": "11170", "departement": "11"},
            "licence": "etalab-2.0", "status": "shared", "visibility": "public",
            "origin": {"system": "insee-commune", "id": "11170"},
            "point": {"lat": 43.1036, "lon": 3.0819, "precision": "centroid"},
            "population": {"value": 5032, "on": "2026"},
        })
    );
    let Found::One(department) = find("Puy-de-Dôme") else { panic!("one department") };
    assert_eq!(department.record()["point"], json!({"lat": 45.73, "lon": 3.17, "precision": "approx"}));
}

#[test]
fn every_line_is_a_place_with_a_code_and_a_name() {
    let gazetteer = Gazetteer::get();
    let lines = TABLES.map(|table| gazetteer.table(table).lines.len());
    assert_eq!(lines, [34_969, 1_255, 180, 109, 26]);
    for Name { key, row, .. } in &gazetteer.names {
        assert!(!key.is_empty() && gazetteer.columns(*row).0.len() >= 2, "{key}");
    }
}
