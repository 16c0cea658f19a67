//! Seeded streams by purpose: xoshiro256++ (Blackman and Vigna, 2019) seeded by SplitMix64.
//!
//! Our own small generator, because a link must replay to the same run for ever, and the `rand` crates promise their
//! values across patch releases only.

/// What a stream is for. Each purpose has a stream of its own, so that killing one node, or moving one dial, does not
/// shift the luck of another and two runs that differ by one act can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A node's own decisions: election time-outs, jitter, choices.
    Node(u32),
    /// The load that a node makes: arrivals and what they ask for.
    Load(u32),
    /// How long a node takes over its work.
    Service(u32),
    /// Delay and loss on the directed link from one node to another.
    Link(u32, u32),
    /// Fault plans.
    Faults,
    /// Duplicates and detours on the directed link from one node to another.
    Twist(u32, u32),
    /// What a node that lies loses or spoils.
    Lies(u32),
    /// A fault plan of the document, by its place.
    Plan(u32),
}

/// A stream of random numbers: the same seed and purpose give the same numbers natively and in every browser.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    state: [u64; 4],
}

impl Stream {
    /// The stream of the run `seed` for `purpose`.
    pub fn new(seed: u64, purpose: Purpose) -> Stream {
        let (tag, a, b) = match purpose {
            Purpose::Node(node) => (1, node, 0),
            Purpose::Load(node) => (2, node, 0),
            Purpose::Service(node) => (3, node, 0),
            Purpose::Link(from, to) => (4, from, to),
            Purpose::Faults => (5, 0, 0),
            Purpose::Twist(from, to) => (6, from, to),
            Purpose::Lies(node) => (7, node, 0),
            Purpose::Plan(place) => (8, place, 0),
        };
        // Each part is mixed before the next comes in, so that (1, 2) and (2, 1) are unrelated.
        let mut mix = SplitMix64(seed);
        let mut key = mix.next();
        for part in [tag, u64::from(a), u64::from(b)] {
            mix = SplitMix64(key ^ part);
            key = mix.next();
        }
        Stream { state: [mix.next(), mix.next(), mix.next(), mix.next()] }
    }

    /// A stream of its own, from one draw: for a decision that needs a number of draws nobody knows beforehand, and must
    /// cost one.
    pub fn fork(&mut self) -> Stream {
        let mut mix = SplitMix64(self.bits());
        Stream { state: [mix.next(), mix.next(), mix.next(), mix.next()] }
    }

    /// The next 64 random bits.
    #[inline]
    pub fn bits(&mut self) -> u64 {
        let s = &mut self.state;
        let result = s[0].wrapping_add(s[3]).rotate_left(23).wrapping_add(s[0]);
        let t = s[1] << 17;
        s[2] ^= s[0];
        s[3] ^= s[1];
        s[1] ^= s[2];
        s[0] ^= s[3];
        s[2] ^= t;
        s[3] = s[3].rotate_left(45);
        result
    }

    /// A number in [0, 1), in steps of 2⁻⁵³.
    #[inline]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// A whole number below `bound` (Lemire's multiply-shift: always one draw; the bias is below `bound`/2⁶⁴). Zero
    /// for a bound of zero.
    #[inline]
    pub fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.bits()) * u128::from(bound)) >> 64) as u64
    }
}

struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_vectors_of_splitmix64_and_xoshiro() {
        // Vigna's splitmix64.c with seed 1234567.
        let mut mix = SplitMix64(1_234_567);
        assert_eq!(
            [mix.next(), mix.next(), mix.next()],
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        // xoshiro256plusplus.c from the state 1, 2, 3, 4.
        let mut stream = Stream { state: [1, 2, 3, 4] };
        assert_eq!([stream.bits(), stream.bits(), stream.bits()], [41_943_041, 58_720_359, 3_588_806_011_781_223]);
    }

    #[test]
    fn purposes_do_not_share_a_stream() {
        let firsts: Vec<u64> = [
            Purpose::Node(1),
            Purpose::Load(1),
            Purpose::Service(1),
            Purpose::Link(1, 2),
            Purpose::Link(2, 1),
            Purpose::Faults,
            Purpose::Twist(1, 2),
            Purpose::Lies(1),
            Purpose::Plan(1),
        ]
        .into_iter()
        .map(|purpose| Stream::new(7, purpose).bits())
        .collect();
        for (i, a) in firsts.iter().enumerate() {
            assert!(!firsts[i + 1..].contains(a));
        }
    }
}
