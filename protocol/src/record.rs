//! A record: an automerge document that several allies write without asking one another.
//!
//! A document's root holds `_kind`, sixteen random bytes at `_n` (so that two records that begin alike are still two), and
//! one key a field, as the [schema] says. How the value of each type is held, and what becomes of two edits made apart:
//!
//! | type | in the document | two edits made apart |
//! |---|---|---|
//! | text, markdown | Text | merged by character; when they met in one paragraph, both versions are also shown until a later edit of the field |
//! | string, url, language, date, code, number, bool, ref | scalar | both kept and shown until a later write |
//! | codes, strings | Map key → true | united; an addition wins over a removal that had not seen it |
//! | refs, links, attachments | Map id, `rel\|id` or BLAKE3 → Map of details | united, so that two additions of one are one |
//! | struct, map | Map | member by member |
//! | atomic struct | scalar, canonical JSON | as a scalar |
//! | list | Map item id → Map of members and `order` | items united, each member by its own type; a move rewrites `order` alone |
//!
//! The value of a container is the union, member by member, of *all* objects that automerge keeps at its key: two first
//! writes of one map make two objects, of which automerge by itself would show one.
//!
//! One record, from a pen to a page: [`edit::draft`] turns what a person changed into one automerge change with the fewest
//! operations, or into a chain of them when it is more than one holds; the change is sealed, stored and folded elsewhere; [`View::read`] gives back every field with its value, or with all its concurrent values and who wrote each.
//!
//! [`mod@reference`] makes the same change on every node from the same imported line; [`json`], [`import`] and [`template`] are
//! the record's forms in files and in an editor.
//!
//! Two losses are accepted and said: deleting a list item, or settling between two texts, also hides what somebody wrote in
//! it at the same time without having seen it (history keeps it).

pub mod complete;
pub mod conflict;
pub mod edit;
pub mod field;
pub mod fold;
mod history;
pub mod import;
mod input;
pub mod json;
pub mod number;
mod order;
pub mod reference;
pub mod schema;
pub mod template;
#[cfg(test)]
pub(crate) mod testing;
pub mod view;
mod write;

pub use complete::Lack;
pub use conflict::Conflict;
pub use edit::{Edit, EditError, Path};
pub use field::{Field, Held, Item, Value};
pub use fold::{FoldError, Folded, Quarantined, Reason, fold, on_large_stack};
pub use input::{Problem, Why};
pub use schema::{Lang, Schema};
pub use view::{Attribution, View, Words, Writer, authors, stratum_of};
