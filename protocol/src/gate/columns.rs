//! The operations of a change: twelve columns, run-length encoded, read row by row.
//!
//! A column is a list of runs: a positive count and the value that repeats, a negative count and as many different
//! values, or zero and a count of nulls. A delta column holds differences, a boolean column alternating counts that
//! start with *false*. Only automerge's own spelling is taken: runs as long as they can be, no column that says nothing.

use super::{COUNTER_MAX, Cited, OPERATIONS_MAX, PREDECESSORS_MAX, STRING_MAX, other_actor};
use crate::wire::{DecodeError, Reader};

/// One operation. Its predecessors are handed over by [`Ops::next_with`] and not kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Op<'a> {
    /// The counter of the operation's id; the actor is the change's own.
    pub counter: u64,
    /// The object it works on; the root when `None`.
    pub object: Option<OpId>,
    /// Where in the object.
    pub key: Key<'a>,
    /// Whether it makes a new element of a list or text.
    pub insert: bool,
    /// What it does.
    pub action: Action,
}

/// The id of an earlier operation: of the change's past, or of the change itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct OpId {
    /// Its counter.
    pub counter: u64,
    /// Its actor, by index in the chunk's table: 0 is the change's own.
    pub actor: usize,
}

/// A place in an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key<'a> {
    /// A key of a map.
    Property(&'a str),
    /// Before the first element of a list or text.
    Head,
    /// An element of a list or text: itself, or what is inserted after it.
    Element(OpId),
}

/// What an operation does. Tables and marks (6 and 7) are not used here and are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Makes a map.
    MakeMap,
    /// Sets a value.
    Put,
    /// Makes a list.
    MakeList,
    /// Deletes its predecessors.
    Delete,
    /// Makes a text.
    MakeText,
    /// Adds to a counter.
    Increment,
}

impl Action {
    const fn of(number: u64) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::MakeMap),
            1 => Ok(Self::Put),
            2 => Ok(Self::MakeList),
            3 => Ok(Self::Delete),
            4 => Ok(Self::MakeText),
            5 => Ok(Self::Increment),
            _ => Err(DecodeError::Invalid { what: "the action of an operation" }),
        }
    }
}

/// How many columns there are.
pub(crate) const COLUMNS: usize = 12;

/// Column numbers, in the order of the file. A number is `id << 4 | type`.
const SPECS: [u64; COLUMNS] = [0x01, 0x02, 0x11, 0x13, 0x15, 0x34, 0x42, 0x56, 0x57, 0x70, 0x71, 0x73];
const OBJECT_ACTOR: usize = 0;
const OBJECT_COUNTER: usize = 1;
const KEY_ACTOR: usize = 2;
const KEY_COUNTER: usize = 3;
const KEY_STRING: usize = 4;
const INSERT: usize = 5;
const ACTION: usize = 6;
const VALUE_META: usize = 7;
const VALUE: usize = 8;
const PREDECESSOR_COUNT: usize = 9;
const PREDECESSOR_ACTOR: usize = 10;
const PREDECESSOR_COUNTER: usize = 11;

/// The length and type of a string of one byte.
const ONE_BYTE_STRING: u64 = 1 << 4 | 6;

/// The bytes of each column; empty when the chunk does not have it.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns<'a>([&'a [u8]; 12]);

impl<'a> Columns<'a> {
    /// Reads the table of columns and their bytes.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let count = reader.count("the columns of a change", SPECS.len())?;
        let mut lengths = [0; SPECS.len()];
        let mut next = 0;
        for _ in 0..count {
            let spec = reader.uleb()?;
            let found = SPECS[next..].iter().position(|known| *known == spec);
            let index = next + found.ok_or(DecodeError::Invalid { what: "a column of a change" })?;
            lengths[index] = reader.count("a column of a change", super::CHUNK_MAX)?;
            if lengths[index] == 0 {
                return Err(DecodeError::NotCanonical { what: "an empty column of a change" });
            }
            next = index + 1;
        }
        let mut columns = Self::default();
        for (column, length) in columns.0.iter_mut().zip(lengths) {
            *column = reader.take(length)?;
        }
        Ok(columns)
    }
}

/// An iterator over the operations of a change, which ends at the first broken rule.
#[derive(Debug, Clone)]
pub struct Ops<'a> {
    start_op: u64,
    rows: u64,
    failed: bool,
    object_actor: Runs<'a, u64>,
    object_counter: Runs<'a, u64>,
    key_actor: Runs<'a, u64>,
    key_counter: Deltas<'a>,
    key_string: Runs<'a, &'a str>,
    insert: Booleans<'a>,
    action: Runs<'a, u64>,
    value_meta: Runs<'a, u64>,
    value: Reader<'a>,
    predecessor_count: Runs<'a, u64>,
    predecessor_actor: Runs<'a, u64>,
    predecessor_counter: Deltas<'a>,
    predecessors: u64,
    /// For each other actor the lowest and highest counter named so far: 16 bytes for each 17 of the message.
    cited: Vec<Option<(u32, u32)>>,
}

impl<'a> Iterator for Ops<'a> {
    type Item = Result<Op<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.next_with(|_| ())
    }
}

impl<'a> Ops<'a> {
    pub(super) fn new(columns: &Columns<'a>, start_op: u64, others: usize) -> Self {
        let c = &columns.0;
        Self {
            start_op,
            rows: 0,
            failed: false,
            object_actor: Runs::new(c[OBJECT_ACTOR]),
            object_counter: Runs::new(c[OBJECT_COUNTER]),
            key_actor: Runs::new(c[KEY_ACTOR]),
            key_counter: Deltas::new(c[KEY_COUNTER]),
            key_string: Runs::new(c[KEY_STRING]),
            insert: Booleans::new(c[INSERT]),
            action: Runs::new(c[ACTION]),
            value_meta: Runs::new(c[VALUE_META]),
            value: Reader::new(c[VALUE]),
            predecessor_count: Runs::new(c[PREDECESSOR_COUNT]),
            predecessor_actor: Runs::new(c[PREDECESSOR_ACTOR]),
            predecessor_counter: Deltas::new(c[PREDECESSOR_COUNTER]),
            predecessors: 0,
            cited: vec![None; others],
        }
    }

    /// Once every operation was read: which counters of which other actors were named.
    ///
    /// # Errors
    /// [`DecodeError::NotCanonical`] when an actor of the table is never named.
    pub(super) fn cited(self, others: &[u8]) -> Result<Vec<Cited>, DecodeError> {
        let unused = DecodeError::NotCanonical { what: "an actor that no operation names" };
        let named = self.cited.into_iter().enumerate();
        named
            .map(|(index, counters)| {
                let (first, last) = counters.ok_or(unused)?;
                let actor = other_actor(others, index).ok_or(unused)?;
                Ok(Cited { actor, first: first.into(), last: last.into() })
            })
            .collect()
    }

    /// The next operation; `predecessor` is called with each of its predecessors, in ascending order.
    pub fn next_with(&mut self, predecessor: impl FnMut(OpId)) -> Option<Result<Op<'a>, DecodeError>> {
        if self.failed {
            return None;
        }
        let op = if self.action.is_done() { self.end().err().map(Err) } else { Some(self.row(predecessor)) };
        self.failed = !matches!(op, Some(Ok(_)));
        op
    }

    /// Passes over the operations after `op`, the last one read, that go on with it, and says how many: characters that
    /// were typed one after the other into one text, nearly all of what people write. What is checked of `op` holds for
    /// them as well, but for the bytes of their values.
    pub(super) fn pass_typed(&mut self, op: &Op<'a>) -> Result<u64, DecodeError> {
        let Key::Element(OpId { actor: 0, .. }) = op.key else { return Ok(0) };
        if op.action != Action::Put || self.key_counter.0.last != Some(1) || self.predecessor_count.last != Some(0) {
            return Ok(0);
        }
        // The next row says so itself when one of these is exceeded.
        let allowed = (OPERATIONS_MAX - self.rows).min(COUNTER_MAX - op.counter);
        let references =
            [&self.object_actor, &self.object_counter, &self.key_actor, &self.action, &self.predecessor_count];
        let same = references.iter().map(|column| column.same()).min().unwrap_or(0);
        let count = same.min(self.key_counter.0.same()).min(self.key_string.same()).min(self.insert.left).min(allowed);
        self.values(count)?;
        self.rows += count;
        self.object_actor.pass(count);
        self.object_counter.pass(count);
        self.key_actor.pass(count);
        self.key_counter.pass(count);
        self.key_string.pass(count);
        self.insert.left -= count;
        self.action.pass(count);
        self.predecessor_count.pass(count);
        Ok(count)
    }

    /// Checks the next `count` values.
    fn values(&mut self, mut count: u64) -> Result<(), DecodeError> {
        while count > 0 {
            let meta = some(self.value_meta.next()?, "the value of an operation")?;
            let times = 1 + self.value_meta.same().min(count - 1);
            self.value_meta.pass(times - 1);
            count -= times;
            if meta == ONE_BYTE_STRING {
                // No more than the operations of a change, so it fits.
                let bytes = self.value.take(times as usize)?;
                if !bytes.is_ascii() {
                    return Err(DecodeError::Invalid { what: "the value of an operation" });
                }
            } else {
                for _ in 0..times {
                    self.value_of(meta)?;
                }
            }
        }
        Ok(())
    }

    fn row(&mut self, predecessor: impl FnMut(OpId)) -> Result<Op<'a>, DecodeError> {
        let counter = self.start_op + self.rows;
        self.rows += 1;
        if self.rows > OPERATIONS_MAX {
            return Err(DecodeError::TooLarge {
                what: "the operations of a change",
                found: self.rows,
                max: OPERATIONS_MAX,
            });
        }
        if counter > COUNTER_MAX {
            return Err(DecodeError::TooLarge {
                what: "the counter of an operation",
                found: counter,
                max: COUNTER_MAX,
            });
        }
        let object = self.object(counter)?;
        let key = self.key(counter)?;
        let insert = self.insert.next()?;
        let action = Action::of(some(self.action.next()?, "the action of an operation")?)?;
        let value = self.value()?;
        let predecessors = self.predecessors(counter, predecessor)?;
        let op = Op { counter, object, key, insert, action };
        check_shape(&op, value, predecessors)?;
        Ok(op)
    }

    /// Every column must end with the rows.
    fn end(&self) -> Result<(), DecodeError> {
        let done = self.object_actor.is_done()
            && self.object_counter.is_done()
            && self.key_actor.is_done()
            && self.key_counter.0.is_done()
            && self.key_string.is_done()
            && self.insert.is_done()
            && self.value_meta.is_done()
            && self.value.is_empty()
            && self.predecessor_count.is_done()
            && self.predecessor_actor.is_done()
            && self.predecessor_counter.0.is_done();
        if done {
            Ok(())
        } else {
            Err(DecodeError::Invalid { what: "a column longer than the operations of a change" })
        }
    }

    fn object(&mut self, counter: u64) -> Result<Option<OpId>, DecodeError> {
        match (self.object_actor.next()?, self.object_counter.next()?) {
            (None, None) => Ok(None),
            (Some(actor), Some(named)) => self.named(actor, named, counter).map(Some),
            (Some(_), None) | (None, Some(_)) => Err(DecodeError::Invalid { what: "the object of an operation" }),
        }
    }

    fn key(&mut self, counter: u64) -> Result<Key<'a>, DecodeError> {
        match (self.key_actor.next()?, self.key_counter.next()?, self.key_string.next()?) {
            (None, None, Some(key)) if !key.is_empty() => Ok(Key::Property(key)),
            (None, Some(0), None) => Ok(Key::Head),
            (Some(actor), Some(named), None) => self.named(actor, named, counter).map(Key::Element),
            _ => Err(DecodeError::Invalid { what: "the key of an operation" }),
        }
    }

    fn value(&mut self) -> Result<Value, DecodeError> {
        let meta = some(self.value_meta.next()?, "the value of an operation")?;
        self.value_of(meta)
    }

    /// The bytes of one value are checked as its type demands, so that another reader takes the same.
    fn value_of(&mut self, meta: u64) -> Result<Value, DecodeError> {
        let invalid = DecodeError::Invalid { what: "the value of an operation" };
        let length = usize::try_from(meta >> 4).map_err(|_| invalid)?;
        let mut reader = Reader::new(self.value.take(length)?);
        let value = match meta & 15 {
            0 => Value::Null,
            1 | 2 => Value::Other,
            3 => reader.uleb().map(|_| Value::Whole)?,
            4 => reader.sleb().map(|_| Value::Whole)?,
            5 if f64::from_le_bytes(reader.array()?).is_finite() => Value::Other,
            6 if length <= STRING_MAX => {
                std::str::from_utf8(reader.rest()).map(|_| Value::Other).map_err(|_| invalid)?
            }
            7 if length <= STRING_MAX => {
                reader.rest();
                Value::Other
            }
            8 | 9 => reader.sleb().map(|_| Value::Other)?,
            _ => return Err(invalid),
        };
        reader.end().map_err(|_| invalid)?;
        Ok(value)
    }

    /// Counts the predecessors of one operation: ascending, each older than the operation.
    fn predecessors(&mut self, counter: u64, mut predecessor: impl FnMut(OpId)) -> Result<u64, DecodeError> {
        let count = some(self.predecessor_count.next()?, "the predecessors of an operation")?;
        self.predecessors = self.predecessors.saturating_add(count);
        if self.predecessors > PREDECESSORS_MAX {
            return Err(DecodeError::TooLarge {
                what: "the predecessors of a change",
                found: self.predecessors,
                max: PREDECESSORS_MAX,
            });
        }
        let mut last = None;
        for _ in 0..count {
            let actor = some(self.predecessor_actor.next()?, "a predecessor")?;
            let named = some(self.predecessor_counter.next()?, "a predecessor")?;
            let id = self.named(actor, named, counter)?;
            if last >= Some(id) {
                return Err(DecodeError::NotCanonical { what: "the predecessors of an operation" });
            }
            last = Some(id);
            predecessor(id);
        }
        Ok(count)
    }

    /// An id that an operation with this counter may name: of an earlier operation of its own change, or of the past,
    /// which ends below the change's first counter.
    fn named(&mut self, actor: u64, named: u64, counter: u64) -> Result<OpId, DecodeError> {
        let index = usize::try_from(actor).ok().filter(|index| *index <= self.cited.len());
        let index = index.ok_or(DecodeError::Invalid { what: "an actor of an operation" })?;
        let past = 1..self.start_op;
        let own = self.start_op..counter;
        if !(if index == 0 { own } else { past }).contains(&named) {
            return Err(DecodeError::Invalid { what: "an operation that names what is not older than itself" });
        }
        if let Some(other) = index.checked_sub(1) {
            // Counters of the past are under COUNTER_MAX, so they fit.
            let named = named as u32;
            let (first, last) = self.cited[other].unwrap_or((named, named));
            self.cited[other] = Some((first.min(named), last.max(named)));
        }
        Ok(OpId { counter: named, actor: index })
    }
}

/// What the shape of an operation asks of its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Value {
    Null,
    Whole,
    Other,
}

/// What an operation alone must be, whatever it works on. A deletion is stored only as a mark on its predecessors: one
/// without any would vanish at the next save, and its change would not load again.
fn check_shape(op: &Op<'_>, value: Value, predecessors: u64) -> Result<(), DecodeError> {
    let on_elements = !matches!(op.key, Key::Property(_));
    let fits = match op.action {
        Action::MakeMap | Action::MakeList | Action::MakeText => value == Value::Null,
        Action::Put => true,
        Action::Delete => value == Value::Null && predecessors > 0 && !op.insert,
        Action::Increment => value == Value::Whole && predecessors > 0 && !op.insert,
    };
    let placed = if op.insert { on_elements && predecessors == 0 } else { op.key != Key::Head };
    if fits && placed { Ok(()) } else { Err(DecodeError::Invalid { what: "the shape of an operation" }) }
}

fn some<T>(value: Option<T>, what: &'static str) -> Result<T, DecodeError> {
    value.ok_or(DecodeError::Invalid { what })
}

/// A value that a run-length column may hold.
trait Cell<'a>: Copy + PartialEq + std::fmt::Debug {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

impl Cell<'_> for u64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.uleb()
    }
}

impl Cell<'_> for i64 {
    fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.sleb()
    }
}

impl<'a> Cell<'a> for &'a str {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.text("a key", STRING_MAX)
    }
}

/// The runs of a run-length column of numbers, none of which is null: each number and how often it stands there.
pub(crate) fn runs(column: &[u8]) -> impl Iterator<Item = Result<(u64, u64), DecodeError>> {
    let mut runs = Runs::new(column);
    let mut run = move || {
        let value = some(runs.next()?, "the value of an operation")?;
        let more = runs.same();
        runs.pass(more);
        Ok((value, more + 1, runs.is_done()))
    };
    let mut done = column.is_empty();
    std::iter::from_fn(move || {
        let next = (!done).then(&mut run)?;
        done = next.as_ref().map_or(true, |(_, _, last)| *last);
        Some(next.map(|(value, count, _)| (value, count)))
    })
}

/// A run-length column. One with no bytes is all nulls.
#[derive(Debug, Clone)]
struct Runs<'a, T> {
    reader: Reader<'a>,
    run: Run,
    left: u64,
    last: Option<T>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Run {
    /// Before the first run.
    Start,
    Null,
    Repeat,
    Literal,
}

impl<'a, T: Cell<'a>> Runs<'a, T> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), run: Run::Start, left: 0, last: None }
    }

    const fn is_done(&self) -> bool {
        self.left == 0 && self.reader.is_empty()
    }

    /// How many of the next values are the last one again, as far as the run that it stands in says.
    const fn same(&self) -> u64 {
        match self.run {
            Run::Null | Run::Repeat => self.left,
            Run::Start if self.reader.is_empty() => u64::MAX,
            Run::Start | Run::Literal => 0,
        }
    }

    /// Passes over so many values, at most as many as are [the same](Self::same).
    const fn pass(&mut self, count: u64) {
        if !matches!(self.run, Run::Start) {
            self.left -= count;
        }
    }

    fn next(&mut self) -> Result<Option<T>, DecodeError> {
        if self.left == 0 {
            if self.run == Run::Start && self.reader.is_empty() {
                return Ok(None);
            }
            self.start_run()?;
        }
        self.left -= 1;
        if self.run == Run::Literal {
            let value = T::read(&mut self.reader)?;
            if self.last == Some(value) {
                return Err(SPELLING);
            }
            self.last = Some(value);
        }
        Ok(self.last)
    }

    fn start_run(&mut self) -> Result<(), DecodeError> {
        let before = self.run;
        let count = self.reader.sleb()?;
        self.left = count.unsigned_abs();
        let (run, last) = match count {
            0 => {
                self.left = self.reader.uleb()?;
                (Run::Null, None)
            }
            1.. => (Run::Repeat, Some(T::read(&mut self.reader)?)),
            // The last value stays, so that the first literal is compared with what came before.
            _ => (Run::Literal, self.last),
        };
        let merges = before == run && (run != Run::Repeat || last == self.last);
        let touches = run == Run::Repeat && before == Run::Literal && last == self.last;
        let says_nothing = run == Run::Null && before == Run::Start && self.reader.is_empty();
        if self.left == 0 || (run == Run::Repeat && self.left == 1) || merges || touches || says_nothing {
            return Err(SPELLING);
        }
        self.run = run;
        self.last = last;
        Ok(())
    }
}

/// A run could be longer, or is empty.
const SPELLING: DecodeError = DecodeError::NotCanonical { what: "a column of a change" };

/// A column of differences, each from the last value that is not null. The values are counters.
#[derive(Debug, Clone)]
struct Deltas<'a>(Runs<'a, i64>, i64);

impl<'a> Deltas<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self(Runs::new(bytes), 0)
    }

    fn next(&mut self) -> Result<Option<u64>, DecodeError> {
        let Some(delta) = self.0.next()? else { return Ok(None) };
        let sum = self.1.checked_add(delta).and_then(|sum| u64::try_from(sum).ok()).filter(|sum| *sum <= COUNTER_MAX);
        let sum = sum.ok_or(DecodeError::Invalid { what: "a counter of an operation" })?;
        self.1 += delta;
        Ok(Some(sum))
    }

    /// Passes over so many values, each one more than the value before it.
    const fn pass(&mut self, count: u64) {
        self.0.pass(count);
        self.1 += count as i64;
    }
}

/// A boolean column: lengths of alternating runs, the first of *false* and possibly empty.
#[derive(Debug, Clone)]
struct Booleans<'a> {
    reader: Reader<'a>,
    value: bool,
    left: u64,
}

impl<'a> Booleans<'a> {
    const fn new(bytes: &'a [u8]) -> Self {
        Self { reader: Reader::new(bytes), value: true, left: 0 }
    }

    const fn is_done(&self) -> bool {
        self.left == 0 && self.reader.is_empty()
    }

    fn next(&mut self) -> Result<bool, DecodeError> {
        while self.left == 0 {
            let first = self.reader.position() == 0;
            self.left = self.reader.uleb()?;
            self.value = !self.value;
            if self.left == 0 && !first {
                return Err(SPELLING);
            }
        }
        self.left -= 1;
        Ok(self.value)
    }
}
