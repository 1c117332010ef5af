//! Sets of small numbers, a bit each: the places of changes or statements in an order.

/// A set of numbers. It takes an eighth of the greatest in bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    pub(crate) fn insert(&mut self, at: usize) {
        if self.0.len() <= at / 64 {
            self.0.resize(at / 64 + 1, 0);
        }
        self.0[at / 64] |= 1 << (at % 64);
    }

    pub(crate) fn contains(&self, at: usize) -> bool {
        self.0.get(at / 64).is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether all of the other is here.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        other.0.iter().enumerate().all(|(at, word)| word & !self.0.get(at).copied().unwrap_or(0) == 0)
    }

    pub(crate) fn unite(&mut self, other: &Self) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine |= theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_union_has_what_either_has() {
        let set = |numbers: &[usize]| {
            let mut bits = Bits::default();
            numbers.iter().for_each(|number| bits.insert(*number));
            bits
        };
        let (low, high) = (set(&[0, 3]), set(&[3, 64, 200]));
        let mut both = low.clone();
        both.unite(&high);
        assert_eq!(both, set(&[0, 3, 64, 200]));
        assert!((0..300).all(|number| both.contains(number) == [0, 3, 64, 200].contains(&number)));
        assert!(both.covers(&low) && both.covers(&high) && !low.covers(&high) && !high.covers(&low));
    }
}
