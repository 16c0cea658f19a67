//! A link: how one direction of it behaves, and what it does with a message that is sent.

use std::hash::{Hash, Hasher};
use std::rc::Rc;

use super::{Dist, Micros, NodeId, Plain, Purpose, Stream, Time, Why};

/// How many bytes a second a link may carry; more is as good as any number.
pub const MAX_BANDWIDTH: u64 = 1_000_000_000_000;

/// How one direction of a link behaves.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// How long a message is under way.
    pub delay: Dist,
    /// The share of messages that it loses, 0 to 1.
    pub loss: f64,
    /// Whether messages arrive in the order in which they were sent, as on a TCP connection.
    pub fifo: bool,
    /// The share of messages that come twice, 0 to 1. A link that keeps order knows a copy and makes none.
    pub duplicate: f64,
    /// The share of messages that take a detour, so that later ones overtake them, 0 to 1. Where the link keeps order,
    /// those behind wait for them.
    pub reorder: f64,
    /// How much longer a detour is.
    pub detour: Dist,
    /// How many bytes it takes on a second, up to [`MAX_BANDWIDTH`]; 0 for any number at once.
    pub bandwidth: u64,
    /// How many bytes may wait to be taken on; a message for which there is no room is lost. One that need not wait
    /// always finds room.
    pub queue: u32,
}

impl Default for Profile {
    fn default() -> Profile {
        Profile {
            delay: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(6) },
            loss: 0.0,
            fifo: false,
            duplicate: 0.0,
            reorder: 0.0,
            detour: Dist::Lognormal { median: Micros::ms(20), p99: Micros::ms(100) },
            bandwidth: 0,
            queue: 65_536,
        }
    }
}

impl Profile {
    /// Whether it does to messages what needs luck of its own.
    fn twists(&self) -> bool {
        self.duplicate > 0.0 || self.reorder > 0.0
    }

    /// What is wrong with it, if anything.
    ///
    /// # Errors
    /// A sentence: a law that does not fit, a share that is none, a bandwidth above [`MAX_BANDWIDTH`].
    pub fn check(&self) -> Result<(), String> {
        self.delay.check()?;
        self.detour.check()?;
        for (what, share) in [("loss", self.loss), ("duplicate", self.duplicate), ("reorder", self.reorder)] {
            if !(0.0..=1.0).contains(&share) {
                return Err(format!("{what}: expected a number from 0 to 1, found {}", Plain(share)));
            }
        }
        if self.bandwidth > MAX_BANDWIDTH {
            return Err(format!("bandwidth: expected up to {MAX_BANDWIDTH} bytes a second, found {}", self.bandwidth));
        }
        Ok(())
    }
}

impl Hash for Profile {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.delay, self.loss.to_bits(), self.fifo).hash(state);
        // What is as usual stays out of the digest: links without it have the digest that they had before there was any.
        let usual = Profile::default();
        if self.twists() || self.detour != usual.detour || self.bandwidth != 0 || self.queue != usual.queue {
            (self.duplicate.to_bits(), self.reorder.to_bits(), &self.detour, self.bandwidth, self.queue).hash(state);
        }
    }
}

/// One direction of a link, kept by the node that sends. As long as a line of a processor's cache, and it stands in one:
/// a world of many links is bound by how many of these a message needs.
#[derive(Clone)]
#[repr(align(64))]
pub struct Link {
    /// Where it leads.
    pub to: NodeId,
    /// How it behaves.
    pub profile: Rc<Profile>,
    /// Whether it carries nothing.
    pub cut: bool,
    /// Whether what it carries waits at its end.
    pub held: bool,
    luck: Stream,
    last_due: Time,
    /// What only some links have.
    more: Option<Box<More>>,
}

/// What only some links have.
#[derive(Clone, Default)]
struct More {
    /// What its length adds to every delay.
    away: Micros,
    /// Flights that wait at the end of a held link, in the order of their arrival.
    waiting: Vec<u32>,
    twist: Option<Twist>,
}

/// What only a link with a bandwidth, or one that doubles or reorders, has.
#[derive(Clone, Hash)]
struct Twist {
    /// Apart from the link's usual luck, so that switching this on shifts no delay and no loss.
    luck: Stream,
    /// When all that was sent will have been taken on.
    free_at: Time,
}

impl Hash for Link {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let more = self.more.as_deref();
        let waiting = more.map_or(&[][..], |more| &more.waiting);
        (self.to, &self.profile, self.cut, self.held, &self.luck, self.last_due, waiting).hash(state);
        let Some(More { away, twist, .. }) = more else { return };
        if let Some(twist) = twist {
            twist.hash(state);
        }
        if *away != Micros::ZERO {
            away.hash(state);
        }
    }
}

/// What comes of a message that is sent over a link.
pub(super) struct Passage {
    /// When it should arrive.
    pub due: Time,
    /// Why it will not, if it will not.
    pub lost: Option<Why>,
    /// Whether it comes a second time: when, and why not.
    pub copy: Option<(Time, Option<Why>)>,
}

impl Link {
    pub(super) fn new(to: NodeId, profile: Rc<Profile>, away: Micros, luck: Stream) -> Link {
        let more = (away != Micros::ZERO).then(|| Box::new(More { away, ..More::default() }));
        Link { to, profile, cut: false, held: false, luck, last_due: Time::ZERO, more }
    }

    /// What its length adds to every delay.
    pub fn away(&self) -> Micros {
        self.more.as_ref().map_or(Micros::ZERO, |more| more.away)
    }

    /// Flights that wait at the end of a held link, in the order of their arrival, to be changed.
    #[cold]
    pub(super) fn waiting(&mut self) -> &mut Vec<u32> {
        &mut self.more.get_or_insert_default().waiting
    }

    /// How many bytes it holds, beside itself.
    pub(super) fn weight(&self) -> usize {
        self.more.as_ref().map_or(0, |more| size_of::<More>() + more.waiting.capacity() * size_of::<u32>())
    }

    /// How many bytes wait to be taken on, or are being taken on.
    pub fn backlog(&self, now: Time) -> u64 {
        let twist = self.more.as_ref().and_then(|more| more.twist.as_ref());
        let left = twist.map_or(Micros::ZERO, |twist| twist.free_at.since(now));
        left.0.saturating_mul(self.profile.bandwidth) / 1_000_000
    }

    /// Decides what comes of a message of so many bytes, `from` a node in the run of `seed`. Three draws of the link's
    /// own luck, and seven of the other where the link doubles or reorders.
    #[inline]
    pub(super) fn carry(&mut self, now: Time, from: NodeId, seed: u64, bytes: impl FnOnce() -> u32) -> Passage {
        let profile = &*self.profile;
        // Always drawn, so that a cut does not shift what comes after it.
        let delay = self.away() + profile.delay.sample(&mut self.luck);
        let unlucky = self.luck.unit() < profile.loss;
        let lost = if self.cut { Some(Why::Cut) } else { unlucky.then_some(Why::Loss) };
        let mut passage = Passage { due: now + delay, lost, copy: None };
        if profile.bandwidth > 0 || profile.twists() {
            self.carry_more(now, delay, from, seed, bytes(), &mut passage);
        }
        if self.profile.fifo && passage.lost != Some(Why::Congested) {
            passage.due = passage.due.max(self.last_due);
            self.last_due = passage.due;
        }
        passage
    }

    #[cold]
    #[inline(never)]
    fn carry_more(&mut self, now: Time, delay: Micros, from: NodeId, seed: u64, bytes: u32, passage: &mut Passage) {
        let (backlog, away, profile, to) = (self.backlog(now), self.away(), &*self.profile, self.to);
        let fresh = || Twist { luck: Stream::new(seed, Purpose::Twist(from.0, to.0)), free_at: Time::ZERO };
        let more = self.more.get_or_insert_default().twist.get_or_insert_with(fresh);
        let mut left = now;
        if profile.bandwidth > 0 {
            if backlog > 0 && backlog + u64::from(bytes) > u64::from(profile.queue) {
                passage.lost = Some(Why::Congested);
            } else {
                let takes = (u64::from(bytes) * 1_000_000).div_ceil(profile.bandwidth);
                left = more.free_at.max(now) + Micros(takes);
                more.free_at = left;
            }
        }
        passage.due = left + delay;
        if profile.twists() {
            let (twice, late) = (more.luck.unit() < profile.duplicate, more.luck.unit() < profile.reorder);
            let detour = profile.detour.sample(&mut more.luck);
            let second = away + profile.delay.sample(&mut more.luck);
            let unlucky = more.luck.unit() < profile.loss;
            if late {
                passage.due += detour;
            }
            if twice && !profile.fifo && passage.lost != Some(Why::Congested) {
                let lost = if self.cut { Some(Why::Cut) } else { unlucky.then_some(Why::Loss) };
                passage.copy = Some((left + second, lost));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sim::Digest;

    fn link(profile: Profile) -> Link {
        Link::new(NodeId(1), Rc::new(profile), Micros::ZERO, Stream::new(7, Purpose::Link(0, 1)))
    }

    fn send(link: &mut Link, now: Time, bytes: u32) -> Passage {
        link.carry(now, NodeId(0), 7, || bytes)
    }

    #[test]
    fn what_doubles_and_reorders_shifts_no_delay_and_no_loss() {
        let plain = Profile { loss: 0.3, ..Profile::default() };
        let (mut one, mut other) = (link(plain.clone()), link(Profile { duplicate: 0.5, reorder: 0.5, ..plain }));
        let (mut late, mut twice) = (0, 0);
        for _ in 0..1_000 {
            let (a, b) = (send(&mut one, Time(5), 64), send(&mut other, Time(5), 64));
            assert_eq!(a.lost, b.lost);
            assert!(a.due <= b.due && a.copy.is_none());
            late += u32::from(a.due != b.due);
            twice += u32::from(b.copy.is_some());
        }
        // Four standard deviations are 63.
        assert!((437..563).contains(&late) && (437..563).contains(&twice), "{late} late, {twice} twice");
    }

    #[test]
    fn a_link_takes_on_so_many_bytes_a_second_and_lets_so_many_wait() {
        let delay = Dist::Constant(Micros(100));
        let mut link = link(Profile { delay, bandwidth: 1_000_000, queue: 3_000, ..Profile::default() });
        let mut due = |bytes, now| {
            let passage = send(&mut link, Time(now), bytes);
            (passage.lost.is_none()).then_some(passage.due.0)
        };
        // A byte a microsecond. The first need not wait, however large it is.
        assert_eq!(due(4_000, 0), Some(4_100));
        assert_eq!(due(1_000, 0), None);
        // 1 999 bytes are still being sent, then 2 999, then 3 000.
        assert_eq!(due(1_000, 2_001), Some(5_100));
        assert_eq!(due(1, 2_001), Some(5_101));
        assert_eq!(due(1, 2_001), None);
        assert_eq!(due(1, 10_000), Some(10_101));
    }

    #[test]
    fn on_a_link_that_keeps_order_a_late_one_keeps_the_others() {
        let delay = Dist::Constant(Micros(100));
        let profile = Profile { delay, reorder: 0.2, duplicate: 1.0, fifo: true, ..Profile::default() };
        let mut link = link(profile);
        let mut last = Time::ZERO;
        for n in 0..200 {
            let passage = send(&mut link, Time(n * 10), 64);
            assert!(passage.due >= last && passage.copy.is_none());
            last = passage.due;
        }
        assert!(last.0 > 2_100);
    }

    #[test]
    fn what_is_as_usual_is_not_in_the_digest() {
        let digest = |profile: &Profile| {
            let mut digest = Digest::default();
            profile.hash(&mut digest);
            digest.finish()
        };
        let usual = Profile::default();
        let mut as_before = Digest::default();
        (&usual.delay, usual.loss.to_bits(), usual.fifo).hash(&mut as_before);
        assert_eq!(digest(&usual), as_before.finish());
        let others = [
            Profile { duplicate: 0.1, ..usual.clone() },
            Profile { reorder: 0.1, ..usual.clone() },
            Profile { detour: Dist::default(), ..usual.clone() },
            Profile { bandwidth: 1, ..usual.clone() },
            Profile { queue: 1, ..usual.clone() },
        ];
        let mut digests: Vec<u64> = others.iter().chain([&usual]).map(digest).collect();
        digests.sort_unstable();
        digests.dedup();
        assert_eq!(digests.len(), 6);
    }
}
