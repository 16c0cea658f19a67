//! The history as a state machine: what it does with a message depends on nothing but the messages before it, so servers
//! that are given the same messages in the same order have the same history ([`raft`](super::raft)).

use crate::sim::{Item, NodeId, Scale, Table};

use super::chat::{Post, count};
use super::history::Logs;

/// How many messages that came before their turn it keeps.
pub const PARKED: usize = 256;

/// A message that is to stand in a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Asked {
    /// Who asks, and is to hear of it.
    pub asker: NodeId,
    /// Which conversation.
    pub conversation: u32,
    /// What.
    pub post: Post,
    /// The lowest of its author's numbers that is not acknowledged: what lies between is to stand before it.
    pub floor: u64,
}

/// A message that stands in a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Placed {
    /// Who asked.
    pub asker: NodeId,
    /// Which conversation.
    pub conversation: u32,
    /// Which message.
    pub item: Item,
    /// Where it stands; 0 if that was so long ago that it was forgotten.
    pub place: u64,
}

/// All conversations, and what waits for something earlier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Board {
    logs: Logs,
    /// What came before what its author wrote earlier.
    parked: Table<Item, Asked>,
}

impl Board {
    /// Puts on the scale what copies share, and what waits.
    pub fn weigh(&self, scale: &mut Scale) {
        self.logs.weigh(scale);
        self.logs.weigh_tables(scale);
        scale.own(self.parked.bytes());
    }
    /// All conversations.
    pub fn logs(&self) -> &Logs {
        &self.logs
    }
    /// Whether there is room for a message, whatever becomes of `coming` others that are to be put there before it. A
    /// leader asks this before it takes a message in: what stands in the log happens, and of that nobody may be told that
    /// there was no room for it.
    pub fn has_room(&self, asked: &Asked, coming: usize) -> bool {
        let post = &asked.post;
        let (full, lacks) = match self.logs.get(asked.conversation) {
            Some(log) => (log.is_full_for(post.author(), coming), log.lacks_earlier(post, asked.floor)),
            None => (self.logs.are_full(coming), asked.floor < count(post.item)),
        };
        !full && (!lacks || self.parked.len() + coming < PARKED || self.parked.contains_key(&post.item))
    }
    /// Puts a message at the end, and then those of the same author that waited for it; where they stand now. Nothing
    /// while it waits itself, or where it has [no room](Board::has_room).
    pub fn append(&mut self, asked: Asked) -> Vec<Placed> {
        let mut placed = Vec::new();
        let mut next = Some(asked);
        while let Some(asked) = next.take() {
            let item = asked.post.item;
            if let Some(came) = self.put(asked) {
                placed.push(came);
                next = self.parked.remove(&(item + 1));
            }
        }
        placed
    }
    fn put(&mut self, asked: Asked) -> Option<Placed> {
        let Asked { asker, conversation, ref post, floor } = asked;
        let item = post.item;
        let full = self.parked.len() >= PARKED;
        let log = self.logs.get_mut(conversation)?;
        let place = if log.knows(item) {
            log.find(item).unwrap_or(0)
        } else if log.is_full_for(post.author(), 0) {
            return None;
        } else if log.lacks_earlier(post, floor) {
            if !full || self.parked.contains_key(&item) {
                self.parked.insert(item, asked);
            }
            return None;
        } else {
            let place = log.push(post.clone());
            log.settle(place);
            place
        };
        Some(Placed { asker, conversation, item, place })
    }
    /// Where a message stands that was put there before.
    pub fn find(&self, conversation: u32, item: Item) -> Option<u64> {
        let log = self.logs.get(conversation).filter(|log| log.knows(item))?;
        Some(log.find(item).unwrap_or(0))
    }
    /// Whether it has a copy of a message.
    pub fn carries(&self, item: Item) -> bool {
        self.parked.contains_key(&item) || self.logs.carries(item)
    }
    /// About how many bytes a copy of it has on the wire.
    pub fn bytes(&self) -> u32 {
        self.logs.bytes().saturating_add(64 * self.parked.len() as u32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocols::chat::{Text, item};
    use crate::sim::Time;

    fn asked(author: u32, count: u64, floor: u64) -> Asked {
        let post = Post { item: item(NodeId(author), count), text: Text::Written(&"hi"), written: Time::ZERO };
        Asked { asker: NodeId(9), conversation: 1, post, floor }
    }

    fn places(came: Vec<Placed>) -> Vec<(u64, u64)> {
        came.iter().map(|placed| (placed.item & 0xff, placed.place)).collect()
    }

    #[test]
    fn what_an_author_wrote_stands_in_the_order_in_which_they_wrote_it() {
        let mut board = Board::default();
        assert_eq!(places(board.append(asked(1, 3, 1))), []);
        assert_eq!(places(board.append(asked(1, 2, 1))), []);
        assert_eq!(places(board.append(asked(2, 1, 1))), [(1, 1)], "another author waits for nobody");
        assert_eq!(places(board.append(asked(1, 1, 1))), [(1, 2), (2, 3), (3, 4)]);
        assert_eq!(places(board.append(asked(1, 2, 1))), [(2, 3)], "a retry changes nothing");
        assert_eq!(places(board.append(asked(1, 9, 9))), [(9, 5)], "what lies before the floor is not waited for");
        assert!(board.carries(item(NodeId(1), 9)) && !board.carries(item(NodeId(1), 8)));
    }

    #[test]
    fn without_room_it_says_so() {
        let mut board = Board::default();
        for author in 0..PARKED as u32 {
            assert!(board.has_room(&asked(author, 2, 1), 0));
            assert!(!board.has_room(&asked(author, 2, 1), PARKED - author as usize), "those that come may all wait");
            assert_eq!(places(board.append(asked(author, 2, 1))), []);
        }
        assert!(!board.has_room(&asked(1_000, 2, 1), 0));
        assert_eq!(board.append(asked(1_000, 2, 1)), []);
        assert!(!board.carries(item(NodeId(1_000), 2)), "nothing has happened");
        assert!(board.has_room(&asked(1_000, 1, 1), 1_000), "what waits for nothing needs no room to wait");
        assert!(board.has_room(&asked(3, 2, 1), 1_000), "what waits already may be asked again");
        assert_eq!(places(board.append(asked(3, 2, 1))), []);
        assert_eq!(places(board.append(asked(3, 1, 1))), [(1, 1), (2, 2)]);
    }
}
