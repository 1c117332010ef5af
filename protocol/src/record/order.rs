//! Places in a list that anybody can add between: fractions in base 36, compared as text.
//!
//! A place is a text of digits `0-9a-z` without a final `0`, read as the digits behind a point. Appending counts up in the
//! first four digits and prepending counts down, so that long lists written from end to end keep short places; only what
//! goes between two neighbours makes a longer one (as in "Implementing Fractional Indexing", D. Greenspan, 2020).

const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The first place of a list, in four digits: with as much room before as behind.
const FIRST: u32 = 18 * 36 * 36 * 36;

/// One more than the largest number of four digits.
const END: u32 = 36 * 36 * 36 * 36;

/// Longer places are not built on: somebody made them long on purpose, and each insertion would only lengthen them.
const MAX_LEN: usize = 64;

/// The place of the `index`th item of a list written from its start.
pub(super) fn nth(index: usize) -> String {
    digits((FIRST as usize + index).min(END as usize - 1) as u32)
}

/// Places for items of which some have one, keeping as many as possible: an item that was moved gets a new one, the
/// others keep theirs.
pub(super) fn place(old: &[Option<&str>]) -> Vec<String> {
    let kept = longest_rise(old);
    let mut places: Vec<Option<String>> = vec![None; old.len()];
    for at in kept {
        places[at] = old[at].map(str::to_owned);
    }
    let mut previous: Option<String> = None;
    for at in 0..places.len() {
        if places[at].is_none() {
            let next = places[at..].iter().flatten().next().cloned();
            places[at] = Some(between(previous.as_deref(), next.as_deref()));
        }
        previous.clone_from(&places[at]);
    }
    places.into_iter().flatten().collect()
}

/// A place after `previous` and before `next`, of which the first must be the smaller.
fn between(previous: Option<&str>, next: Option<&str>) -> String {
    match (previous, next) {
        (None, None) => nth(0),
        (Some(previous), None) if number(previous) + 1 < END => digits(number(previous) + 1),
        (None, Some(next)) if number(next) > 1 => digits(number(next) - 1),
        (previous, next) => {
            let middle = middle(previous.unwrap_or("").as_bytes(), next.map(str::as_bytes));
            middle.into_iter().map(|digit| char::from(DIGITS[digit])).collect()
        }
    }
}

/// The first four digits as a number.
fn number(place: &str) -> u32 {
    place.bytes().chain(std::iter::repeat(b'0')).take(4).fold(0, |number, digit| number * 36 + value(digit) as u32)
}

fn digits(number: u32) -> String {
    let digit = |power: u32| char::from(DIGITS[(number / power % 36) as usize]);
    let text: String = [36 * 36 * 36, 36 * 36, 36, 1].map(digit).iter().collect();
    text.trim_end_matches('0').to_owned()
}

fn value(digit: u8) -> usize {
    DIGITS.iter().position(|known| *known == digit).unwrap_or(0)
}

/// A short fraction between two; `None` is one.
fn middle(low: &[u8], high: Option<&[u8]>) -> Vec<usize> {
    let (first, low_rest) = low.split_first().map_or((0, &[][..]), |(digit, rest)| (value(*digit), rest));
    let Some((last, high_rest)) =
        high.map(|high| high.split_first().map_or((0, &[][..]), |(d, rest)| (value(*d), rest)))
    else {
        // Half way to one, or on with the same digit when there is no room.
        return if first < 35 { vec![(first + 36) / 2] } else { [vec![first], middle(low_rest, None)].concat() };
    };
    if first == last {
        return [vec![first], middle(low_rest, Some(high_rest))].concat();
    }
    if last - first > 1 {
        return vec![(first + last) / 2];
    }
    if high_rest.is_empty() { [vec![first], middle(low_rest, None)].concat() } else { vec![last] }
}

fn is_place(place: &str) -> bool {
    (1..=MAX_LEN).contains(&place.len()) && place.bytes().all(|digit| DIGITS.contains(&digit)) && !place.ends_with('0')
}

/// The indexes of a longest strictly rising run of valid places (patience sorting).
fn longest_rise(places: &[Option<&str>]) -> Vec<usize> {
    let mut tails: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = vec![None; places.len()];
    for (at, place) in places.iter().enumerate().filter_map(|(at, place)| Some((at, place.filter(|p| is_place(p))?))) {
        let pile = tails.partition_point(|tail| places[*tail] < Some(place));
        before[at] = pile.checked_sub(1).map(|pile| tails[pile]);
        if pile == tails.len() { tails.push(at) } else { tails[pile] = at }
    }
    let mut rise: Vec<usize> = std::iter::successors(tails.last().copied(), |at| before[*at]).collect();
    rise.reverse();
    rise
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rises(places: &[String]) -> bool {
        places.windows(2).all(|pair| pair[0] < pair[1]) && places.iter().all(|place| is_place(place))
    }

    proptest! {
        #[test]
        fn there_is_always_room_between(inserts in prop::collection::vec(any::<prop::sample::Index>(), 1..60)) {
            let mut places: Vec<String> = Vec::new();
            for insert in inserts {
                let at = insert.index(places.len() + 1);
                let mut wanted: Vec<Option<&str>> = places.iter().map(|place| Some(place.as_str())).collect();
                wanted.insert(at, None);
                let next = place(&wanted);
                prop_assert!(rises(&next), "{next:?}");
                // Nobody else moved.
                prop_assert!(places.iter().all(|place| next.contains(place)));
                places = next;
            }
        }
    }

    #[test]
    fn a_list_written_from_end_to_end_keeps_short_places() {
        let places = place(&vec![None; 3_000]);
        assert!(rises(&places));
        assert!(places.iter().all(|place| place.len() <= 4));
        assert_eq!(places, (0..3_000).map(nth).collect::<Vec<_>>());
    }

    #[test]
    fn places_that_make_no_sense_are_replaced() {
        assert!(rises(&place(&[Some("i"), Some("i"), Some("É"), Some(""), Some("z0"), None])));
    }

    #[test]
    fn one_moved_item_gets_one_new_place() {
        let moved = place(&[Some("i3"), Some("i1"), Some("i2")]);
        assert_eq!(moved[1..], ["i1", "i2"]);
        assert!(moved[0].as_str() < "i1");
    }
}
