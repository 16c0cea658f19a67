//! The history of conversations: posts at places, and what is needed to know a retry for what it is. Bounded, and cheap
//! to clone: what grows is shared until it is written to.

use std::rc::Rc;

use crate::sim::{Blocks, COUNTS, Item, NodeId, Scale, Table};

use super::chat::{PAGE, Page, Post, WELCOME, author, count};

/// How many of a conversation's latest posts are kept; older ones are forgotten.
pub const WINDOW: usize = 512;
/// How many conversations there may be.
pub const CONVERSATIONS: usize = 4096;
/// How many authors a conversation may have.
pub const AUTHORS: usize = 10_000;
/// How far an author's numbers may lie apart: twice the outbox of a device.
const SPAN: u64 = 63;

/// Which of an author's numbers have been seen: the highest, and those of the 63 below it (the window that IPsec keeps
/// against replays, RFC 4303 §3.4.3). Everything lower counts as seen.
///
/// That is enough: an author never has two messages under way whose numbers are further apart than
/// [`chat`](super::chat)'s outbox, 32, so what comes lower was acknowledged, and can only be a late copy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seen {
    high: u64,
    below: u64,
}

impl Seen {
    /// Whether `number` has been seen.
    pub fn contains(&self, number: u64) -> bool {
        if number > self.high {
            return false;
        }
        let back = self.high - number;
        back >= 64 || self.below >> back & 1 == 1
    }
    /// Takes note of `number`.
    pub fn insert(&mut self, number: u64) {
        if number > self.high {
            let ahead = number - self.high;
            self.below = if ahead >= 64 { 0 } else { self.below << ahead };
            self.high = number;
        }
        let back = self.high - number;
        if back < 64 {
            self.below |= 1 << back;
        }
    }
}

/// One conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Log {
    posts: Blocks<Post>,
    last: u64,
    settled: u64,
    seen: Rc<Table<NodeId, Seen>>,
}

impl Log {
    /// The last place.
    pub fn last(&self) -> u64 {
        self.last
    }
    /// Everything up to this place is known to be on every disk that it should be on.
    pub fn settled(&self) -> u64 {
        self.settled
    }
    /// Learns that everything up to `place` is settled.
    pub fn settle(&mut self, place: u64) {
        self.settled = self.settled.max(place.min(self.last));
    }
    /// The place before the oldest post that is kept.
    pub fn before_first(&self) -> u64 {
        self.last - self.posts.len() as u64
    }
    /// Whether this message has been stored, be it long ago.
    pub fn knows(&self, item: Item) -> bool {
        self.seen.get(&author(item)).is_some_and(|seen| seen.contains(count(item)))
    }
    /// The place of a message, if it is among those that are kept.
    pub fn find(&self, item: Item) -> Option<u64> {
        if !self.knows(item) {
            return None;
        }
        let len = self.posts.len();
        let back = (1..=len).find(|back| self.posts.get(len - back).is_some_and(|post| post.item == item))?;
        Some(self.last + 1 - back as u64)
    }
    /// The post at a place.
    pub fn get(&self, place: u64) -> Option<&Post> {
        self.posts.get(place.checked_sub(self.before_first() + 1)? as usize)
    }
    /// Whether something is missing that its author wrote before this, from `floor` on. What an author wrote stands in the
    /// order in which they wrote it; and they are never further ahead of what is not acknowledged than the window of
    /// numbers that a log remembers.
    pub fn lacks_earlier(&self, post: &Post, floor: u64) -> bool {
        let (author, number) = (post.author(), count(post.item));
        let earliest = floor.max(number.saturating_sub(SPAN));
        (earliest..number).any(|earlier| !self.knows(super::chat::item(author, earlier)))
    }
    /// Whether an author may have no room, when `coming` others have written.
    pub fn is_full_for(&self, author: NodeId, coming: usize) -> bool {
        self.seen.len() + coming >= AUTHORS && !self.seen.contains_key(&author)
    }
    /// Puts a post at the next place.
    pub fn push(&mut self, post: Post) -> u64 {
        Rc::make_mut(&mut self.seen).or_default(post.author()).insert(count(post.item));
        self.posts.push(post);
        self.posts.keep(WINDOW);
        self.last += 1;
        self.last
    }
    /// What comes after `after` and not after `end`, a page of it; without `after`, the last few.
    pub fn page(&self, after: Option<u64>, end: u64) -> Page {
        let end = end.min(self.last);
        let from = after.unwrap_or_else(|| end.saturating_sub(WELCOME)).max(self.before_first());
        let to = end.min(from.saturating_add(PAGE as u64));
        let posts = (from.saturating_add(1)..=to).filter_map(|place| self.get(place).cloned()).collect();
        Page { asked: after, after: from, posts, last: end }
    }
}

/// All conversations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Logs {
    logs: Rc<Table<u32, Log>>,
}

impl Logs {
    /// A conversation; an empty one for a number that was never used.
    pub fn get(&self, conversation: u32) -> Option<&Log> {
        self.logs.get(&conversation)
    }
    /// Whether there may be no room for one more conversation, when `coming` others have begun.
    pub fn are_full(&self, coming: usize) -> bool {
        self.logs.len() + coming >= CONVERSATIONS
    }
    /// A conversation to write to; `None` at the limit of [`CONVERSATIONS`].
    pub fn get_mut(&mut self, conversation: u32) -> Option<&mut Log> {
        if self.are_full(0) && !self.logs.contains_key(&conversation) {
            return None;
        }
        Some(Rc::make_mut(&mut self.logs).or_default(conversation))
    }
    /// Every conversation, ascending.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &Log)> {
        self.logs.iter().map(|(conversation, log)| (*conversation, log))
    }
    /// How many messages were ever stored.
    pub fn total(&self) -> u64 {
        self.logs.values().map(Log::last).sum()
    }
    /// Whether a copy of `item` is kept.
    pub fn carries(&self, item: Item) -> bool {
        self.logs.values().any(|log| log.find(item).is_some())
    }
    /// Puts on the scale what copies share.
    pub fn weigh(&self, scale: &mut Scale) {
        self.logs.values().for_each(|log| log.posts.weigh(scale));
    }
    /// Puts on the scale the tables, too, which are otherwise known by their words.
    pub fn weigh_tables(&self, scale: &mut Scale) {
        scale.shared(Rc::as_ptr(&self.logs).addr(), COUNTS + size_of::<Table<u32, Log>>() + self.logs.bytes());
        for log in self.logs.values() {
            scale.shared(Rc::as_ptr(&log.seen).addr(), COUNTS + size_of::<Table<NodeId, Seen>>() + log.seen.bytes());
        }
    }
    /// Its size on the wire.
    pub fn bytes(&self) -> u32 {
        let posts: usize = self.logs.values().map(|log| log.posts.len() * 48 + log.seen.len() * 24).sum();
        posts.min(u32::MAX as usize) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::chat::{Text, item};
    use crate::sim::{Purpose, Stream, Time};
    use std::collections::BTreeSet;

    fn post(author: u32, count: u64) -> Post {
        Post { item: item(NodeId(author), count), text: Text::Written(&"hi"), written: Time::ZERO }
    }

    #[test]
    fn seen_agrees_with_a_set_for_numbers_that_stay_within_its_window() {
        let mut luck = Stream::new(3, Purpose::Faults);
        let (mut seen, mut model, mut high) = (Seen::default(), BTreeSet::new(), 0u64);
        for _ in 0..20_000 {
            let number = (high + luck.below(5)).saturating_sub(luck.below(32)).max(1);
            assert_eq!(seen.contains(number), model.contains(&number), "{number} of {high}");
            seen.insert(number);
            model.insert(number);
            high = high.max(number);
        }
        assert!(seen.contains(1) && !seen.contains(high + 1));
        // An author who starts again far ahead, as after the loss of a disk.
        seen.insert(high + 1_000_000);
        assert!(!seen.contains(high + 1_000_001) && !seen.contains(high + 999_999));
    }

    #[test]
    fn a_log_keeps_a_window_and_knows_what_it_forgot() {
        let mut log = Log::default();
        for count in 1..=WINDOW as u64 + 10 {
            assert_eq!(log.push(post(4, count)), count);
        }
        assert_eq!((log.before_first(), log.last()), (10, 522));
        assert!(log.knows(item(NodeId(4), 3)) && log.find(item(NodeId(4), 3)).is_none());
        assert_eq!(log.find(item(NodeId(4), 500)), Some(500));
        let page = log.page(Some(2), log.last());
        assert_eq!((page.after, page.posts.len(), page.last), (10, PAGE, 522));
        let page = log.page(Some(520), 521);
        assert_eq!((page.after, page.posts.len(), page.last), (520, 1, 521));
        assert_eq!(log.page(None, 522).posts.len() as u64, WELCOME);
        assert_eq!(log.page(Some(u64::MAX), 522).posts.len(), 0);
    }

    #[test]
    fn a_clone_does_not_see_later_writes() {
        let mut logs = Logs::default();
        logs.get_mut(1).unwrap().push(post(4, 1));
        let copy = logs.clone();
        logs.get_mut(1).unwrap().push(post(4, 2));
        assert_eq!((copy.total(), logs.total()), (1, 2));
        assert!(!copy.carries(item(NodeId(4), 2)) && logs.carries(item(NodeId(4), 2)));
    }
}
