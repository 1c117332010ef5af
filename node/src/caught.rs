//! Panics of libraries that become errors. Whoever asked is told of the error; the panic itself is of no use to anybody at
//! a terminal, so the hook of a program asks [`here`] before it prints.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether a panic on this thread, now, is caught and told as an error.
#[must_use]
pub fn here() -> bool {
    // The rules fold on a thread of their own, and catch everything there.
    DEPTH.get() > 0 || thread::current().name() == Some("fold")
}

/// Runs `work`; a panic is an error.
pub(crate) fn catch<T>(work: impl FnOnce() -> T) -> thread::Result<T> {
    DEPTH.set(DEPTH.get() + 1);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_known_to_be_caught_while_it_is() {
        assert!(!here());
        assert_eq!(catch(|| catch(here).is_ok_and(|caught| caught && here())).ok(), Some(true));
        assert!(catch(|| panic!("of a library")).is_err());
        assert!(!here());
    }
}
