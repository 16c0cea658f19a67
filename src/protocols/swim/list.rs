//! A member's list: whom it takes for what, and which news it still has to spread.

use std::hash::{Hash, Hasher};

use crate::sim::{NodeId, Stream, Table};

use super::MAX_MEMBERS;
use super::wire::{Incarnation, News, Standing};

/// The list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct List {
    rows: Table<NodeId, News>,
    /// Of whom it has only a guess: it tells nobody, and takes anybody's word that they are there.
    guessed: Vec<NodeId>,
    /// How many of them are there, suspected or not.
    here: u32,
    /// News that is still spread: about whom, and how often it went out.
    fresh: Vec<(u32, NodeId)>,
    /// In which order members are pinged, and who is next.
    order: Vec<NodeId>,
    next: usize,
}

impl Hash for List {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (&self.rows, self.here, &self.fresh, &self.order, self.next).hash(state);
        // Nearly always there are none.
        if !self.guessed.is_empty() {
            self.guessed.hash(state);
        }
    }
}

impl List {
    /// Everything on it, ascending.
    pub fn rows(&self) -> impl Iterator<Item = News> + Clone {
        self.rows.values().copied()
    }
    /// What it can tell others: all but guesses.
    pub fn known(&self) -> impl Iterator<Item = News> + Clone {
        self.rows().filter(|news| !self.guesses(news.node))
    }
    /// Whether it has only a guess of this one.
    pub fn guesses(&self, node: NodeId) -> bool {
        self.guessed.contains(&node)
    }
    /// What it has of one.
    pub fn get(&self, node: NodeId) -> Option<News> {
        self.rows.get(&node).copied()
    }
    /// Whether there is room for one of whom nothing is known.
    fn has_room(&self) -> bool {
        self.rows.len() < MAX_MEMBERS
    }
    /// ⌈log₂(n + 1)⌉ of the n members of the group, oneself among them: the digits of n in the binary system.
    pub fn logarithm(&self) -> u32 {
        u32::BITS - (self.here + 1).leading_zeros()
    }

    /// Takes in news of another where it overrides what is known. What was known, or nothing; `None` where it stays.
    pub fn learn(&mut self, news: News, luck: &mut Stream) -> Option<Option<News>> {
        let known = self.get(news.node);
        let guessed = self.guesses(news.node);
        let overrides = |known: News| if guessed { news.corrects(known) } else { news.overrides(known) };
        let stays = known.is_some_and(|known| !overrides(known)) || known.is_none() && !self.has_room();
        // Who says the same, or knows better, makes it more than a guess.
        let same = |known: News| news.standing == known.standing && news.incarnation.life == known.incarnation.life;
        if guessed && known.is_some_and(|known| overrides(known) || same(known)) {
            self.guessed.retain(|node| *node != news.node);
        }
        // Always drawn, so that what is known already shifts nothing.
        let bits = luck.bits();
        if stays {
            return None;
        }
        let (was, is) = (known.is_some_and(|known| known.standing.counts()), news.standing.counts());
        self.rows.insert(news.node, news);
        if is && !was {
            self.here += 1;
            // A newcomer comes in anywhere in the order; before the next one, its turn is in the round after this.
            let place = (bits % (self.order.len() as u64 + 1)) as usize;
            self.order.insert(place, news.node);
            self.next += usize::from(place < self.next);
        } else if let Some(known) = known.filter(|_| !is) {
            self.take_out(known);
        }
        self.spread(news.node);
        Some(known)
    }

    /// Puts one on the list as known from the start, which is no news; it may be a guess.
    pub fn assume(&mut self, node: NodeId, guess: bool) {
        if self.rows.get(&node).is_none() && self.has_room() {
            self.rows.insert(node, News::alive(node, Incarnation::FIRST));
            self.here += 1;
            self.order.push(node);
            if guess {
                self.guessed.push(node);
            }
        }
    }

    /// Takes back that some were declared faulty: it is only a guess that they are.
    pub fn doubt_the_faulty(&mut self) {
        let faulty = |news: &News| news.standing == Standing::Faulty;
        let those: Vec<NodeId> = self.known().filter(faulty).map(|news| news.node).collect();
        for node in those {
            self.hush(node);
            self.guessed.push(node);
        }
    }

    /// One is not there any more.
    fn take_out(&mut self, was: News) {
        if !was.standing.counts() {
            return;
        }
        self.here -= 1;
        if let Some(place) = self.order.iter().position(|node| *node == was.node) {
            self.order.remove(place);
            self.next -= usize::from(place < self.next);
        }
    }

    /// What is known of this one, or of oneself, is news.
    pub fn spread(&mut self, node: NodeId) {
        self.hush(node);
        self.fresh.push((0, node));
    }

    /// What is known of this one is no news any more.
    pub fn hush(&mut self, node: NodeId) {
        self.fresh.retain(|(_, other)| *other != node);
    }

    /// The next `most` pieces of news to send; those that went out least often first. After `often` times each has gone
    /// out often enough.
    pub fn pick(&mut self, most: usize, often: u32, own: News) -> Vec<News> {
        self.fresh.sort_unstable();
        let mut picked = Vec::new();
        for (sent, node) in self.fresh.iter_mut().take(most) {
            *sent += 1;
            picked.extend(if *node == own.node { Some(own) } else { self.rows.get(node).copied() });
        }
        self.fresh.retain(|(sent, _)| *sent < often);
        picked
    }

    /// Begins a round, in an order of its own.
    pub fn begin(&mut self, luck: &mut Stream) {
        self.next = 0;
        shuffle(&mut self.order, &mut luck.fork());
    }

    /// The next one in turn. The order is shuffled when a round is over.
    pub fn in_turn(&mut self, luck: &mut Stream) -> Option<NodeId> {
        // One draw, whether or not a round is over.
        let mut fork = luck.fork();
        if self.next >= self.order.len() {
            self.next = 0;
            shuffle(&mut self.order, &mut fork);
        }
        let chosen = self.order.get(self.next).copied();
        self.next += 1;
        chosen
    }

    /// Any one that is there.
    pub fn anyone(&self, luck: &mut Stream) -> Option<NodeId> {
        let place = luck.below(self.order.len() as u64) as usize;
        self.order.get(place).copied()
    }

    /// So many that are there and alive, all different, without one.
    pub fn some(&self, count: usize, without: NodeId, luck: &mut Stream) -> Vec<NodeId> {
        let alive = |news: &&News| news.standing == Standing::Alive && news.node != without;
        let mut nodes: Vec<NodeId> = self.rows.values().filter(alive).map(|news| news.node).collect();
        shuffle(&mut nodes, &mut luck.fork());
        nodes.truncate(count);
        nodes
    }

    /// One that was declared faulty, any of them.
    pub fn one_faulty(&self, luck: &mut Stream) -> Option<NodeId> {
        let faulty = || self.rows().filter(|news| news.standing == Standing::Faulty);
        let place = luck.below(faulty().count() as u64) as usize;
        faulty().nth(place).map(|news| news.node)
    }
}

/// Fisher and Yates.
pub fn shuffle(nodes: &mut [NodeId], luck: &mut Stream) {
    for place in (1..nodes.len()).rev() {
        nodes.swap(place, luck.below(place as u64 + 1) as usize);
    }
}
