//! Random numbers of a seed, and what they decide before anything happens.

/// SplitMix64 (Steele, Lea, Flood 2014): the same in every version of every library.
#[derive(Debug)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    pub(super) fn below(&mut self, n: u64) -> u64 {
        self.roll() % n.max(1)
    }

    /// A place in a list of so many.
    pub(super) fn index(&mut self, len: usize) -> usize {
        self.below(len as u64) as usize
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    pub(super) fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    pub(super) fn bytes(&mut self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.chunks_mut(8).for_each(|part| part.copy_from_slice(&self.roll().to_le_bytes()));
        bytes
    }
}

/// Which faults a seed has, each in about half of them.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) losses: bool,
    pub(super) crashes: bool,
    pub(super) clogs: bool,
    pub(super) partition: bool,
    pub(super) clocks: bool,
    /// Disks that are lost whole, but for the outbox.
    pub(super) disks: bool,
    /// An ally whose node is turned.
    pub(super) turned: bool,
    /// An ally whose program is of another version.
    pub(super) versions: bool,
    /// The longest latency, in milliseconds.
    pub(super) latency: u64,
}

impl Faults {
    pub(super) fn roll(dice: &mut Dice) -> Self {
        Self {
            losses: dice.one_in(2),
            crashes: dice.one_in(2),
            clogs: dice.one_in(2),
            partition: dice.one_in(2),
            clocks: dice.one_in(2),
            disks: dice.one_in(2),
            turned: dice.one_in(2),
            versions: dice.one_in(2),
            latency: if dice.one_in(2) { 2000 } else { 20 },
        }
    }
}
