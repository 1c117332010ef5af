//! The map: departments coloured by how much takes place in them, territories as points, drawn here as SVG.
//!
//! The outlines are projected beforehand (`data/gazetteer/france.svg`: Lambert-93 for the mainland and Corsica, five
//! insets for the overseas departments). A point is projected the same way; the factors were fitted on the bounding boxes
//! of the departments in both forms (`departements.geojson`), with at most 0.6 units of the picture between them. What lies
//! outside of the picture is listed beside it, all of it, since nothing else shows it: the picture is never the only way to
//! read. A page of it stays light: corners are told from one another, and of the territories of the picture those of which
//! most is told are drawn and named, unless all are asked for.

use std::sync::LazyLock;

use essaim_protocol::api::Places;

static FRANCE: &str = include_str!("../../data/gazetteer/france.svg");

/// Classes of counts, each twice as deep as the one before.
const CLASSES: usize = 5;

/// The smallest and largest point, in units of the picture.
const RADII: (f64, f64) = (4.0, 16.0);

/// An outline of a department.
struct Outline {
    code: &'static str,
    name: &'static str,
    path: String,
}

static OUTLINES: LazyLock<Vec<Outline>> = LazyLock::new(|| {
    let outline = |line: &'static str| {
        let (code, rest) = line.strip_prefix("<path id=\"d")?.split_once("\" d=\"")?;
        let (path, rest) = rest.split_once('"')?;
        let name = rest.split_once("<title>")?.1.split_once("</title>")?.0;
        Some(Outline { code, name, path: relative(path) })
    };
    FRANCE.lines().filter_map(|line| outline(line.trim())).collect()
});

/// The picture and the lists beside it.
pub(super) struct Map {
    pub(super) departments: Vec<Department>,
    pub(super) points: Vec<Point>,
    /// Territories of the departments of the picture, drawn as a point or not.
    pub(super) within: Vec<(String, String, u64)>,
    /// Territories that no department of the picture contains.
    pub(super) elsewhere: Vec<(String, String, u64)>,
    /// How many territories of the departments of the picture there are besides.
    pub(super) more: usize,
    /// Departments that are named beside the picture, which shows them all.
    named: usize,
}

/// A department of the picture.
pub(super) struct Department {
    pub(super) code: &'static str,
    pub(super) name: &'static str,
    pub(super) path: &'static str,
    pub(super) count: u64,
    /// From 0, nothing, to [`CLASSES`].
    pub(super) class: usize,
}

/// A territory of the picture.
pub(super) struct Point {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) count: u64,
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) r: f64,
}

impl Map {
    /// The map with this many territories of the picture, and this many departments named beside it: those of which most is
    /// told.
    pub(super) fn of(places: &Places, territories: usize, named: usize) -> Self {
        let most = places.departments.iter().map(|one| one.count).max().unwrap_or(0);
        let department = |outline: &'static Outline| {
            let count = places.departments.iter().find(|one| one.code == outline.code).map_or(0, |one| one.count);
            Department { code: outline.code, name: outline.name, path: &outline.path, count, class: class(count, most) }
        };
        let (mut points, mut within, mut elsewhere, mut more) = (Vec::new(), Vec::new(), Vec::new(), 0);
        let largest = places.spots.iter().map(|spot| spot.count).max().unwrap_or(1);
        for spot in &places.spots {
            let drawn = spot.department.as_deref().filter(|code| OUTLINES.iter().any(|outline| outline.code == *code));
            let Some(department) = drawn else {
                elsewhere.push((spot.id.to_string(), spot.title.clone(), spot.count));
                continue;
            };
            if within.len() == territories {
                more += 1;
                continue;
            }
            within.push((spot.id.to_string(), spot.title.clone(), spot.count));
            if let Some((x, y)) = spot.point.and_then(|(lat, lon)| project(lat, lon, department)) {
                // The area tells the count.
                let r = RADII.0.max(RADII.1 * (spot.count as f64 / largest as f64).sqrt());
                let (id, title, count) = (spot.id.to_string(), spot.title.clone(), spot.count);
                points.push(Point { id, title, count, x, y, r });
            }
        }
        // Those that were left off cannot be asked for here.
        let more = if more > 0 { more + places.left_off as usize } else { 0 };
        Self { departments: OUTLINES.iter().map(department).collect(), points, within, elsewhere, more, named }
    }

    /// Departments where something takes place to name, the most first, and how many there are besides.
    pub(super) fn counted(&self) -> (Vec<&Department>, usize) {
        let mut counted: Vec<_> = self.departments.iter().filter(|one| one.count > 0).collect();
        counted.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.name.cmp(b.name)));
        let more = counted.len().saturating_sub(self.named);
        counted.truncate(self.named);
        (counted, more)
    }
}

/// Which depth of colour a count has: each class begins at half of the next.
fn class(count: u64, most: u64) -> usize {
    if count == 0 {
        return 0;
    }
    let halvings = (0..CLASSES).take_while(|halvings| count.saturating_mul(1 << (halvings + 1)) <= most).count();
    CLASSES - halvings.min(CLASSES - 1)
}

/// The same path with each corner told from the one before: half the bytes.
fn relative(path: &str) -> String {
    let corner = |text: &str| {
        let (x, y) = text.split_once(' ')?;
        Some((x.parse::<i32>().ok()?, y.parse::<i32>().ok()?))
    };
    let mut out = String::new();
    let mut begun = (0, 0);
    for ring in path.split_terminator('Z') {
        out.push('m');
        let mut last = begun;
        for (at, (x, y)) in ring.trim_start_matches('M').split('L').filter_map(corner).enumerate() {
            for (number, first) in [(x - last.0, at == 0), (y - last.1, false)] {
                // A minus separates numbers as a space does.
                out.push_str(if first || number < 0 { "" } else { " " });
                out.push_str(&number.to_string());
            }
            last = (x, y);
            if at == 0 {
                begun = last;
            }
        }
        out.push('z');
    }
    out
}

/// Where a point of a department lies in the picture.
fn project(lat: f64, lon: f64, department: &str) -> Option<(f64, f64)> {
    // The bounds of each inset in degrees (west, east, south, north) and in the picture (left, right, bottom, top).
    let (degrees, frame) = match department {
        "971" => ((-61.806, -61.201, 15.867, 16.509), (0.0, 60.0, 306.0, 240.0)),
        "972" => ((-61.229, -60.811, 14.398, 14.879), (0.0, 59.0, 395.0, 325.0)),
        "973" => ((-54.543, -51.626, 2.118, 5.745), (0.0, 56.0, 480.0, 410.0)),
        "974" => ((55.217, 55.835, -21.387, -20.872), (0.0, 60.0, 633.0, 580.0)),
        "976" => ((45.043, 45.237, -12.999, -12.672), (0.0, 40.0, 565.0, 495.0)),
        _ => {
            let (east, north) = lambert_93(lat, lon);
            let at = (8.047_85e-4 * east - 29.930, 5_741.617 - 8.075_18e-4 * north);
            return inside(at).then_some(at);
        }
    };
    let (west, east, south, north) = degrees;
    let (left, right, bottom, top) = frame;
    let at = (
        left + (lon - west) / (east - west) * (right - left),
        bottom + (lat - south) / (north - south) * (top - bottom),
    );
    inside(at).then_some(at)
}

fn inside((x, y): (f64, f64)) -> bool {
    (0.0..=1000.0).contains(&x) && (0.0..=866.0).contains(&y)
}

/// Metres east and north in Lambert-93 (IGN, *Projection cartographique conique conforme de Lambert*, NTG 71; GRS80).
fn lambert_93(lat: f64, lon: f64) -> (f64, f64) {
    const ECCENTRICITY: f64 = 0.081_819_191_042_8;
    const EXPONENT: f64 = 0.725_607_765_053_267;
    const CONSTANT: f64 = 11_754_255.426_096;
    const POLE: (f64, f64) = (700_000.0, 12_655_612.049_876);
    let phi = lat.to_radians();
    let sine = ECCENTRICITY * phi.sin();
    let isometric =
        ((std::f64::consts::FRAC_PI_4 + phi / 2.0).tan() * ((1.0 - sine) / (1.0 + sine)).powf(ECCENTRICITY / 2.0)).ln();
    let radius = CONSTANT * (-EXPONENT * isometric).exp();
    let angle = EXPONENT * (lon - 3.0).to_radians();
    (POLE.0 + radius * angle.sin(), POLE.1 - radius * angle.cos())
}

#[cfg(test)]
mod tests {
    use essaim_protocol::api::{FacetValue, Spot};
    use essaim_protocol::id::RecordId;

    use super::*;

    #[test]
    fn every_department_has_an_outline() {
        assert_eq!(OUTLINES.len(), 101);
        assert!(OUTLINES.iter().all(|outline| outline.path.starts_with('m') && !outline.name.is_empty()));
    }

    #[test]
    fn cities_lie_where_their_department_is_drawn() {
        for (lat, lon, department) in [
            (43.11, 3.09, "11"),
            (50.63, 3.06, "59"),
            (48.39, -4.49, "29"),
            (41.93, 8.74, "2A"),
            (48.57, 7.75, "67"),
            (-20.88, 55.45, "974"),
            (16.24, -61.53, "971"),
            (4.93, -52.33, "973"),
        ] {
            let (x, y) = project(lat, lon, department).unwrap();
            let corners = corners(&OUTLINES.iter().find(|outline| outline.code == department).unwrap().path);
            let within = |at: f64, side: fn(&(i32, i32)) -> i32| {
                let (least, most) = (corners.iter().map(side).min().unwrap(), corners.iter().map(side).max().unwrap());
                (f64::from(least) - 1.0..=f64::from(most) + 1.0).contains(&at)
            };
            assert!(within(x, |at| at.0) && within(y, |at| at.1), "{department}: {x:.0}, {y:.0}");
        }
        assert_eq!(project(0.0, 120.0, "11"), None, "a point on the other side of the world is not drawn");
        assert_eq!(project(f64::NAN, 3.0, "11"), None);
    }

    /// Where a relative path leads.
    fn corners(path: &str) -> Vec<(i32, i32)> {
        let mut corners = Vec::new();
        let mut begun = (0, 0);
        for ring in path.split_terminator('z') {
            let apart = ring.trim_start_matches('m').replace('-', " -");
            let numbers: Vec<i32> = apart.split_whitespace().map(|number| number.parse().unwrap()).collect();
            let mut last = begun;
            for (at, pair) in numbers.chunks(2).enumerate() {
                last = (last.0 + pair[0], last.1 + pair[1]);
                corners.push(last);
                if at == 0 {
                    begun = last;
                }
            }
        }
        corners
    }

    #[test]
    fn corners_told_from_one_another_are_the_same_corners() {
        assert_eq!(relative("M10 20L13 18L9 25ZM100 5L99 5Z"), "m10 20 3-2-4 7zm90-15-1 0z");
        let mut drawn = FRANCE.lines().filter_map(|line| line.split(" d=\"").nth(1)?.split('"').next());
        for outline in OUTLINES.iter() {
            let absolute = drawn.next().unwrap().replace(['M', 'L', 'Z'], " ");
            let numbers: Vec<i32> = absolute.split_whitespace().map(|number| number.parse().unwrap()).collect();
            assert_eq!(corners(&outline.path), numbers.chunks(2).map(|at| (at[0], at[1])).collect::<Vec<_>>());
        }
    }

    #[test]
    fn depth_of_colour_tells_the_count() {
        assert_eq!([0, 1, 2, 4, 8, 15, 16].map(|count| class(count, 16)), [0, 1, 2, 3, 4, 5, 5]);
        assert_eq!(class(1, 1), 5);
    }

    #[test]
    fn what_is_not_in_the_picture_is_listed() {
        let spot = |department: Option<&str>, point| Spot {
            id: RecordId([1; 32]),
            title: "Là-bas".into(),
            department: department.map(str::to_owned),
            point,
            count: 2,
        };
        let count = FacetValue { code: "11".into(), label: "Aude".into(), count: 2 };
        let spots = vec![spot(Some("11"), Some((43.1, 3.1))), spot(None, Some((50.8, 4.3))), spot(Some("11"), None)];
        let places = Places { total: 5, departments: vec![count], spots, left_off: 0 };
        let map = Map::of(&places, 3, 101);
        assert_eq!((map.points.len(), map.elsewhere.len(), map.counted().0.len()), (1, 1, 1));
        assert_eq!(map.within.len(), 2, "one that has no point is listed all the same");
        assert_eq!((map.counted().0[0].name, map.more), ("Aude", 0));
        let few = Map::of(&places, 1, 0);
        assert_eq!((few.within.len(), few.points.len(), few.more), (1, 1, 1));
        assert_eq!(few.elsewhere.len(), 1, "nothing else shows it");
        assert!(few.counted().0.is_empty() && few.counted().1 == 1);
    }
}
