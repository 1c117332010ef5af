//! How records relate, drawn from the index: the most linked territories, experiences, programmes and findings, and the
//! links between these.
//!
//! Experiences are chosen by how many others they touch, then programmes, findings and territories by how many of the
//! chosen. What touches none of the chosen is left out. Only what is chosen is read.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use essaim_protocol::api::{Error, FacetValue, Tie, Whole};
use essaim_protocol::id::RecordId;
use essaim_protocol::record::field::Field;

use super::brief::read_error;
use super::finding::{ARCHIVED, STATUS};
use super::internal;
use super::records::At;
use crate::index::web::Web;

/// What is drawn, in the order in which it is chosen, and how many of each at most: as many as can be read side by side.
const DRAWN: [(&str, usize); 4] = [("experience", 16), ("programme", 7), ("finding", 7), ("territory", 14)];

/// Contributions that join two experiences.
const REUSE: (&str, &str) = ("contribution_form", "reuse");

/// Links that are drawn: more cannot be told apart.
const TIES: usize = 160;

/// Reuses between drawn records that are read to learn who drew on whom.
const REUSES: usize = 40;

impl At<'_> {
    /// The most linked records and the links between them.
    pub(super) fn whole(&mut self) -> Result<Whole, Error> {
        let (reader, _) = self.index()?;
        let web = reader.web(&DRAWN.map(|(kind, _)| kind), REUSE, (STATUS, ARCHIVED)).map_err(internal)?;
        let touching = touching(&web);
        let chosen = chosen(&web, &touching);
        let drawn: BTreeSet<RecordId> = chosen.iter().copied().collect();
        let mut whole = Whole::default();
        for (kind, _) in DRAWN {
            let count = touching.keys().filter(|id| web.kinds.get(*id) == Some(&kind)).count() as u64;
            whole.kinds.push(FacetValue { code: kind.to_owned(), label: self.facet_label("kind", kind)?, count });
        }
        for id in &chosen {
            let Some(view) = self.desk.view(id).map_err(read_error)? else { continue };
            let ties = view.refers().into_iter().filter(|(_, to)| to != id && drawn.contains(to));
            whole.ties.extend(ties.map(|(how, to)| Tie { from: *id, to, how }));
            whole.records.extend(self.brief_of(id)?);
        }
        let inside = web.joining.iter().filter(|(_, joined)| joined.iter().filter(|id| drawn.contains(id)).count() > 1);
        for (reuse, _) in inside.take(REUSES) {
            let Some(view) = self.desk.view(reuse).map_err(read_error)? else { continue };
            let end = |name: &str| view.field(name).and_then(Field::text)?.parse::<RecordId>().ok();
            if let (Some(from), Some(to)) = (end("reused_in"), end("about"))
                && from != to
                && drawn.contains(&from)
                && drawn.contains(&to)
            {
                whole.ties.push(Tie { from, to, how: REUSE.1.to_owned() });
            }
        }
        whole.ties.sort_unstable();
        whole.ties.dedup();
        whole.ties.truncate(TIES);
        Ok(whole)
    }
}

/// Which records each record is linked to, in either direction or by a reuse; those that are linked to none are not there.
fn touching(web: &Web) -> BTreeMap<RecordId, BTreeSet<RecordId>> {
    let mut touching: BTreeMap<RecordId, BTreeSet<RecordId>> = BTreeMap::new();
    let mut join = |a: RecordId, b: RecordId| {
        if a != b {
            touching.entry(a).or_default().insert(b);
            touching.entry(b).or_default().insert(a);
        }
    };
    for (from, to) in &web.links {
        join(*from, *to);
    }
    for (_, joined) in &web.joining {
        if let [a, b] = joined[..] {
            join(a, b);
        }
    }
    touching
}

/// What is drawn, by kind in the order of [`DRAWN`], the most linked first.
fn chosen(web: &Web, touching: &BTreeMap<RecordId, BTreeSet<RecordId>>) -> Vec<RecordId> {
    let mut chosen: Vec<RecordId> = Vec::new();
    for (kind, most) in DRAWN {
        let weight =
            |others: &BTreeSet<RecordId>| (others.iter().filter(|id| chosen.contains(id)).count(), others.len());
        let of_kind = touching.iter().filter(|(id, _)| web.kinds.get(*id) == Some(&kind));
        let mut ranked: Vec<_> = of_kind.map(|(id, others)| (Reverse(weight(others)), *id)).collect();
        // The id decides between equals, so that the picture is the same on every node.
        ranked.sort_unstable();
        chosen.extend(ranked.into_iter().take(most).map(|(_, id)| id));
    }
    let drawn: BTreeSet<RecordId> = chosen.iter().copied().collect();
    chosen.retain(|id| touching.get(id).is_some_and(|others| !others.is_disjoint(&drawn)));
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> RecordId {
        RecordId([n; 32])
    }

    /// Records by their first byte: 1–99 experiences, 100–199 territories, 200 and above programmes.
    fn web(links: &[(u8, u8)], reuses: &[(u8, u8)]) -> Web {
        let kind = |n: u8| match n {
            0..100 => "experience",
            100..200 => "territory",
            200.. => "programme",
        };
        let all = links.iter().chain(reuses).flat_map(|(a, b)| [*a, *b]);
        Web {
            kinds: all.map(|n| (id(n), kind(n))).collect(),
            links: links.iter().map(|(a, b)| (id(*a), id(*b))).collect(),
            joining: reuses.iter().map(|(a, b)| (id(250), vec![id(*a), id(*b)])).collect(),
        }
    }

    #[test]
    fn the_most_linked_are_drawn_and_what_touches_none_of_them_is_not() {
        let mut links: Vec<(u8, u8)> = (1..=20).map(|n| (n, 200)).collect();
        links.extend([(20, 101), (20, 100), (19, 100), (18, 102)]);
        links.extend([(1, 103), (2, 104), (50, 150)]);
        let web = web(&links, &[(1, 2)]);
        let touching = touching(&web);
        let chosen = chosen(&web, &touching);
        assert_eq!(&chosen[..5], [1, 2, 20, 18, 19].map(id), "by how many they touch, then by id");
        let kinds = &web.kinds;
        let of = |kind| chosen.iter().copied().filter(move |id| kinds[id] == kind).collect::<Vec<_>>();
        assert_eq!(of("experience").len(), 16);
        assert_eq!(of("programme"), [id(200)]);
        assert_eq!(of("territory"), [100, 101, 102, 103, 104].map(id), "150 touches nothing that is drawn");
    }

    #[test]
    fn an_empty_commons_is_an_empty_picture() {
        let web = Web::default();
        assert_eq!(chosen(&web, &touching(&web)), []);
    }
}
