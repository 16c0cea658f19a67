//! Sets from which values are removed and that are read whole: a search for when each read looked.
//!
//! Whoever adds, removes or asks touches one value; only reads touch all. Given the instants at which the reads looked,
//! every value is a history of its own with a state of one bit (Horn and Kroening 2015). So the events are walked in
//! their order, and for each value stands what may have become of it so far: a handful of cases. A read looks at some
//! instant and leaves of each value the cases that agree; when it looks is what is searched for:
//! - It looks as soon as that takes no case from any value: it stands in nobody's way.
//! - Otherwise it looks right before a return that takes cases away, at the latest its own.
//! - Where that takes long, the value that nothing comes past is looked at by itself, each read as if it had asked for this
//!   value alone: if one value has no order, all of them have none.
//! - What has been seen is remembered: which reads have looked, and the cases of every value.

use super::history::{NEVER, Operation, Part};
use super::model::{Action, Store};
use super::search::{Budget, MAX_CONFIGURATIONS};
use super::state::Sets;
use super::value::{Index, Value, hash};

/// How many steps are searched before one value is looked at by itself; some more for each operation.
const SOON: u64 = 100_000;

/// How many steps one value may take.
const EACH: u64 = 2_000_000;

/// What may have become of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    there: bool,
    /// Which calls under way may return: they were told what is so, have changed it, or did so when it was so already.
    may_return: u64,
    /// Which of them have changed it.
    used: u64,
    /// How many that nobody heard of again added it, and how many removed it.
    added: u16,
    removed: u16,
}

impl Case {
    /// Whether whatever can come of the other can come of this.
    fn covers(&self, other: &Case) -> bool {
        self.there == other.there
            && other.may_return & !self.may_return == 0
            && self.used & !other.used == 0
            && self.added <= other.added
            && self.removed <= other.removed
    }
}

/// A call under way on one value.
#[derive(Clone, Copy)]
struct Pending {
    slot: u32,
    action: Action,
    returned: u32,
}

/// What is under way on one value, and which cases there are.
struct Track {
    value: Value,
    pending: Vec<Pending>,
    /// How many that nobody heard of again have been called to add and to remove it.
    adders: u16,
    removers: u16,
    /// A number of [`Cases`].
    cases: u32,
}

/// Lists of cases: equal lists are the same number.
#[derive(Default)]
struct Cases {
    all: Vec<Box<[Case]>>,
    index: Index,
}

fn hash_cases(cases: &[Case]) -> u64 {
    hash(cases.iter().flat_map(|case| {
        let counts = u64::from(case.added) << 32 | u64::from(case.removed) << 1 | u64::from(case.there);
        [counts, case.may_return, case.used]
    }))
}

impl Cases {
    /// The number of these, without those that others cover.
    fn intern(&mut self, mut cases: Vec<Case>) -> u32 {
        cases.sort_unstable();
        cases.dedup();
        let covered = |case: &Case| cases.iter().any(|other| other != case && other.covers(case));
        let kept: Vec<Case> = cases.iter().copied().filter(|case| !covered(case)).collect();
        let key = hash_cases(&kept);
        if let Some(number) = self.index.find(key, |number| *self.all[number as usize] == *kept) {
            return number;
        }
        self.all.push(kept.into());
        let all = &self.all;
        self.index.insert(all.len() as u32 - 1, |number| hash_cases(&all[number as usize]));
        all.len() as u32 - 1
    }
}

impl Track {
    /// A case after it has come to stand: who asks is told, and who would change nothing has done so.
    fn settled(&self, mut case: Case) -> Case {
        for one in &self.pending {
            let agrees = match one.action {
                Action::Add(_) => case.there,
                Action::Contains(_, told) => told == case.there,
                _ => !case.there,
            };
            if agrees {
                case.may_return |= 1 << one.slot;
            }
        }
        case
    }

    /// The cases that one change makes of a case: by the call that returns first, or by one nobody heard of again.
    fn turned(&self, case: Case, into: &mut Vec<Case>) {
        let turns = |one: &&Pending| match one.action {
            Action::Add(_) => !case.there,
            Action::Remove(_) => case.there,
            _ => false,
        };
        let left = self.pending.iter().filter(|one| case.used >> one.slot & 1 == 0).filter(turns);
        if let Some(one) = left.min_by_key(|one| one.returned) {
            let (may_return, used) = (case.may_return | 1 << one.slot, case.used | 1 << one.slot);
            into.push(self.settled(Case { there: !case.there, may_return, used, ..case }));
        }
        if case.there && case.removed < self.removers {
            into.push(self.settled(Case { there: false, removed: case.removed + 1, ..case }));
        }
        if !case.there && case.added < self.adders {
            into.push(self.settled(Case { there: true, added: case.added + 1, ..case }));
        }
    }

    /// The cases in which it is there, or is not.
    fn seen(&self, cases: &[Case], there: bool) -> Vec<Case> {
        let mut kept = Vec::with_capacity(cases.len());
        for case in cases {
            if case.there == there { kept.push(*case) } else { self.turned(*case, &mut kept) }
        }
        kept
    }

    /// The cases in which a call may return, which has then returned: as they are, or after it has changed something.
    fn returned(&self, cases: &[Case], slot: u32) -> Vec<Case> {
        let changes = |one: &Pending| one.slot == slot && !matches!(one.action, Action::Contains(..));
        let changes = self.pending.iter().any(changes);
        let mut open: Vec<(Case, bool)> = cases.iter().map(|case| (*case, false)).collect();
        let (mut tried, mut kept, mut next) = (Vec::new(), Vec::new(), Vec::new());
        while let Some((case, mut could)) = open.pop() {
            let used = case.used >> slot & 1 == 1;
            if used || case.may_return >> slot & 1 == 1 && !could {
                kept.push(without(case, slot));
                if used || !changes {
                    continue;
                }
                could = true;
            }
            if !tried.contains(&(case, could)) {
                tried.push((case, could));
                self.turned(case, &mut next);
                open.extend(next.drain(..).map(|case| (case, could)));
            }
        }
        kept
    }
}

/// A case without a call that is over.
fn without(case: Case, slot: u32) -> Case {
    Case { may_return: case.may_return & !(1 << slot), used: case.used & !(1 << slot), ..case }
}

/// A whole read.
struct Read {
    shows: u32,
    returned: u32,
}

#[derive(Clone, Copy)]
enum Event {
    /// A call on a value: the track, and the operation.
    Called(u32, u32),
    Returned(u32, u32),
    ReadCalled(u32),
    ReadReturned(u32),
}

/// What was done, to be undone.
enum Done {
    /// The event before the present one.
    Event,
    /// A track had these cases.
    Cases(u32, u32),
    /// A read has looked.
    Looked(u32),
}

/// A place with a choice.
struct Choice {
    done: usize,
    first: usize,
    next: usize,
}

/// Stands among the reads that may look next for letting the event happen.
const HAPPEN: u32 = u32::MAX;

struct Whole<'a> {
    sets: &'a mut Sets,
    operations: &'a [Operation],
    slots: Vec<u32>,
    tracks: Vec<Track>,
    cases: Cases,
    reads: Vec<Read>,
    looked: Vec<bool>,
    events: Vec<Event>,
    /// Which event is next.
    at: usize,
    /// Reads under way.
    reading: Vec<u32>,
    /// The values that are there in the first case of each.
    base: u32,
    /// The tracks with cases of both kinds.
    mixed: Vec<u32>,
    key: u128,
    done: Vec<Done>,
    /// How far anything came, and the value that let no read look there.
    stuck: (usize, Option<Value>),
}

/// Whether the history of a set has an order; nothing where that cannot be told in `limit` steps, or where more than 64
/// are at work on one value at once.
pub(super) fn decide(store: &mut Store, part: &Part, budget: &mut Budget, limit: u64) -> Option<bool> {
    let soon = limit.min(SOON + 4 * part.operations.len() as u64);
    let mut whole = Whole::new(&mut store.sets, part)?;
    let found = whole.search(budget, soon);
    let stuck = whole.stuck.1;
    if found.is_some() || budget.over {
        return found;
    }
    if is_broken(store, part, stuck, budget) {
        return Some(false);
    }
    let mut whole = Whole::new(&mut store.sets, part)?;
    let (found, again) = (whole.search(budget, limit), whole.stuck.1);
    if found.is_none() && again != stuck && is_broken(store, part, again, budget) {
        return Some(false);
    }
    found
}

/// A value whose own history has no order: the one that no order was found past.
pub(super) fn broken_value(store: &mut Store, part: &Part, budget: &mut Budget) -> Option<Value> {
    let mut whole = Whole::new(&mut store.sets, part)?;
    whole.search(budget, SOON + 4 * part.operations.len() as u64);
    let stuck = whole.stuck.1;
    stuck.filter(|_| is_broken(store, part, stuck, budget))
}

/// Whether the history of one value has no order, where each read only tells whether this value is there.
fn is_broken(store: &mut Store, part: &Part, value: Option<Value>, budget: &mut Budget) -> bool {
    let Some(value) = value else { return false };
    let alone = part.operations.iter().filter_map(|one| match one.action {
        Action::Read(shows) => {
            let action = Action::Contains(value, store.sets.contains(shows, value));
            Some(Operation { action, ..*one })
        }
        _ => (touched(one) == Some(value)).then_some(*one),
    });
    let alone = Part { key: part.key, model: part.model, initial: part.initial, operations: alone.collect() };
    // Nothing is to be searched for: there is no whole read.
    Whole::new(&mut store.sets, &alone).and_then(|mut whole| whole.search(budget, EACH)) == Some(false)
}

/// The value that an action touches, where it is one.
fn touched(one: &Operation) -> Option<Value> {
    match one.action {
        Action::Add(value) | Action::Remove(value) | Action::Contains(value, _) => Some(value),
        _ => None,
    }
}

fn weight(words: [u64; 3]) -> u128 {
    u128::from(hash(words)) << 64 | u128::from(hash([words[0], words[1], words[2], 1]))
}

impl<'a> Whole<'a> {
    fn new(sets: &'a mut Sets, part: &'a Part) -> Option<Whole<'a>> {
        let operations = &part.operations[..];
        let mut values: Vec<Value> = operations.iter().filter_map(touched).collect();
        values.sort_unstable();
        values.dedup();
        let mut cases = Cases::default();
        let case = |there| Case { there, may_return: 0, used: 0, added: 0, removed: 0 };
        let begin = [false, true].map(|there| cases.intern(vec![case(there)]));
        let track = |value: &Value| {
            let cases = begin[usize::from(sets.contains(part.initial, *value))];
            Track { value: *value, pending: Vec::new(), adders: 0, removers: 0, cases }
        };
        let tracks: Vec<Track> = values.iter().map(track).collect();
        let (mut reads, mut events) = (Vec::new(), Vec::new());
        for (place, one) in operations.iter().enumerate() {
            let (called, returned) = if let Action::Read(shows) = one.action {
                reads.push(Read { shows, returned: one.returned });
                let read = reads.len() as u32 - 1;
                (Event::ReadCalled(read), Event::ReadReturned(read))
            } else {
                let track = touched(one).and_then(|value| values.binary_search(&value).ok())? as u32;
                (Event::Called(track, place as u32), Event::Returned(track, place as u32))
            };
            events.push((one.invoked, called));
            if one.returned != NEVER {
                events.push((one.returned, returned));
            }
        }
        events.sort_unstable_by_key(|(instant, _)| *instant);
        let events: Vec<Event> = events.into_iter().map(|(_, event)| event).collect();
        // The lowest bit of a value's that is free.
        let (mut slots, mut taken) = (vec![0; operations.len()], vec![0_u64; tracks.len()]);
        for event in &events {
            match *event {
                Event::Called(track, place) if operations[place as usize].returned != NEVER => {
                    let slot = (!taken[track as usize]).trailing_zeros();
                    taken[track as usize] |= 1_u64.checked_shl(slot)?;
                    slots[place as usize] = slot;
                }
                Event::Returned(track, place) => taken[track as usize] &= !(1 << slots[place as usize]),
                _ => {}
            }
        }
        let looked = vec![false; reads.len()];
        let (reading, mixed, done) = (Vec::new(), Vec::new(), Vec::new());
        let (at, base, key) = (0, part.initial, 0);
        let stuck = (0, None);
        Some(Whole {
            stuck,
            sets,
            operations,
            slots,
            tracks,
            cases,
            reads,
            looked,
            events,
            at,
            reading,
            base,
            mixed,
            key,
            done,
        })
    }

    fn is_mixed(&self, cases: u32) -> bool {
        let cases = &self.cases.all[cases as usize];
        cases.iter().any(|case| case.there != cases[0].there)
    }

    /// Puts other cases in the place of a track's; those that there were.
    fn swap(&mut self, track: u32, cases: u32) -> u32 {
        let before = std::mem::replace(&mut self.tracks[track as usize].cases, cases);
        let value = self.tracks[track as usize].value;
        let words = |cases: u32| [u64::from(track), u64::from(cases), 0];
        self.key ^= weight(words(before)) ^ weight(words(cases));
        let there = |cases: u32| self.cases.all[cases as usize][0].there;
        if there(before) != there(cases) {
            self.base = self.sets.with(self.base, value, there(cases));
        }
        match (self.is_mixed(before), self.is_mixed(cases)) {
            (false, true) => self.mixed.push(track),
            (true, false) => self.mixed.retain(|other| *other != track),
            _ => {}
        }
        before
    }

    /// Sets a track's cases; whether there are any.
    fn set(&mut self, track: u32, cases: Vec<Case>) -> bool {
        if cases.is_empty() {
            return false;
        }
        let cases = self.cases.intern(cases);
        if cases != self.tracks[track as usize].cases {
            let before = self.swap(track, cases);
            self.done.push(Done::Cases(track, before));
        }
        true
    }

    fn look(&mut self, read: u32) {
        self.looked[read as usize] = true;
        self.key ^= weight([u64::from(read), 0, 1]);
        self.done.push(Done::Looked(read));
    }

    /// Lets every read look that takes no case from any value.
    fn look_freely(&mut self) {
        if !self.mixed.is_empty() {
            return;
        }
        for place in 0..self.reading.len() {
            let read = self.reading[place];
            if !self.looked[read as usize] && self.reads[read as usize].shows == self.base {
                self.look(read);
            }
        }
    }

    /// Lets a read look, whatever it takes; whether it can. How many values that touched is added to `steps`.
    fn look_now(&mut self, read: u32, steps: &mut u64) -> bool {
        let shows = self.reads[read as usize].shows;
        let mut differ = self.sets.without(shows, self.base);
        differ.extend(self.sets.without(self.base, shows));
        differ.extend(self.mixed.iter().map(|track| self.tracks[*track as usize].value));
        differ.sort_unstable();
        differ.dedup();
        *steps += differ.len() as u64;
        for value in differ {
            let Ok(place) = self.tracks.binary_search_by_key(&value, |track| track.value) else { return false };
            let (track, there) = (&self.tracks[place], self.sets.contains(shows, value));
            let cases = track.seen(&self.cases.all[track.cases as usize], there);
            if cases.is_empty() && self.at >= self.stuck.0 {
                self.stuck = (self.at, Some(value));
            }
            if !self.set(place as u32, cases) {
                return false;
            }
        }
        self.look(read);
        true
    }

    /// Lets the next event happen; whether it can.
    fn happen(&mut self) -> bool {
        let event = self.events[self.at];
        let fits = match event {
            Event::Called(track, place) => {
                let one = self.operations[place as usize];
                let of = &mut self.tracks[track as usize];
                match one.action {
                    Action::Add(_) if one.returned == NEVER => of.adders += 1,
                    Action::Remove(_) if one.returned == NEVER => of.removers += 1,
                    action => {
                        let slot = self.slots[place as usize];
                        of.pending.push(Pending { slot, action, returned: one.returned });
                    }
                }
                let of = &self.tracks[track as usize];
                let cases = self.cases.all[of.cases as usize].iter().map(|case| of.settled(*case)).collect();
                self.set(track, cases)
            }
            Event::Returned(track, place) => {
                let (of, slot) = (&self.tracks[track as usize], self.slots[place as usize]);
                let cases = of.returned(&self.cases.all[of.cases as usize], slot);
                let fits = self.set(track, cases);
                self.tracks[track as usize].pending.retain(|one| one.slot != slot);
                fits
            }
            Event::ReadCalled(read) => {
                self.reading.push(read);
                true
            }
            Event::ReadReturned(read) => {
                self.reading.retain(|other| *other != read);
                self.looked[read as usize]
            }
        };
        self.at += 1;
        self.done.push(Done::Event);
        fits
    }

    fn undo(&mut self, len: usize) {
        while self.done.len() > len {
            match self.done.pop() {
                Some(Done::Cases(track, cases)) => {
                    self.swap(track, cases);
                }
                Some(Done::Looked(read)) => {
                    self.looked[read as usize] = false;
                    self.key ^= weight([u64::from(read), 0, 1]);
                }
                Some(Done::Event) => self.undo_event(),
                None => {}
            }
        }
    }

    fn undo_event(&mut self) {
        self.at -= 1;
        match self.events[self.at] {
            Event::Called(track, place) => {
                let (one, slot) = (self.operations[place as usize], self.slots[place as usize]);
                let of = &mut self.tracks[track as usize];
                match one.action {
                    Action::Add(_) if one.returned == NEVER => of.adders -= 1,
                    Action::Remove(_) if one.returned == NEVER => of.removers -= 1,
                    _ => of.pending.retain(|other| other.slot != slot),
                }
            }
            Event::Returned(track, place) => {
                let Operation { action, returned, .. } = self.operations[place as usize];
                let slot = self.slots[place as usize];
                self.tracks[track as usize].pending.push(Pending { slot, action, returned });
            }
            Event::ReadCalled(read) => self.reading.retain(|other| *other != read),
            Event::ReadReturned(read) => self.reading.push(read),
        }
    }

    /// Whether the next event takes no case away that a read under way could need.
    fn is_harmless(&self) -> bool {
        match self.events[self.at] {
            Event::Called(..) | Event::ReadCalled(_) => true,
            Event::ReadReturned(read) => self.looked[read as usize],
            Event::Returned(..) if self.reading.iter().all(|read| self.looked[*read as usize]) => true,
            Event::Returned(track, place) => {
                let (of, slot) = (&self.tracks[track as usize], self.slots[place as usize]);
                let cases = &self.cases.all[of.cases as usize];
                // Where it can change something, a read may have looked just before that.
                cases.iter().all(|case| case.may_return >> slot & 1 == 1)
                    && of.returned(cases, slot).len() == cases.len()
            }
        }
    }

    /// What can be next, the most promising first.
    fn choices(&mut self, open: &mut Vec<u32>) {
        let reads = &self.reads;
        let mut waiting: Vec<u32> = self.reading.iter().copied().filter(|read| !self.looked[*read as usize]).collect();
        waiting.sort_unstable_by_key(|read| reads[*read as usize].returned);
        if let Event::Returned(track, place) = self.events[self.at] {
            let (of, slot) = (&self.tracks[track as usize], self.slots[place as usize]);
            let after = of.returned(&self.cases.all[of.cases as usize], slot);
            // Reads that could not look any more come first.
            let starves = |read: &u32| {
                let there = self.sets.contains(self.reads[*read as usize].shows, of.value);
                of.seen(&after, there).is_empty()
            };
            let (starved, others): (Vec<u32>, Vec<u32>) = waiting.into_iter().partition(starves);
            open.extend(starved);
            open.push(HAPPEN);
            open.extend(others);
        } else {
            open.extend(waiting);
        }
    }

    fn search(&mut self, budget: &mut Budget, limit: u64) -> Option<bool> {
        let until = budget.steps.saturating_add(limit);
        let (mut seen, mut index) = (Vec::<u128>::new(), Index::default());
        let (mut choices, mut open) = (Vec::<Choice>::new(), Vec::<u32>::new());
        let mut fits = true;
        loop {
            let (before, mut steps) = (self.at, 1);
            while fits {
                self.look_freely();
                if self.at == self.events.len() {
                    return Some(true);
                }
                if !self.is_harmless() {
                    break;
                }
                fits = self.happen();
            }
            if fits {
                let key = self.key ^ weight([self.at as u64, 0, 2]);
                if index.find(key as u64, |place| seen[place as usize] == key).is_none() {
                    seen.push(key);
                    index.insert(seen.len() as u32 - 1, |place| seen[place as usize] as u64);
                    choices.push(Choice { done: self.done.len(), first: open.len(), next: open.len() });
                    self.choices(&mut open);
                }
            }
            // Back to the last place where something else can come.
            loop {
                let Some(choice) = choices.last_mut() else { return Some(false) };
                let done = choice.done;
                let next = open.get(choice.next).copied();
                choice.next += 1;
                self.undo(done);
                let Some(next) = next else {
                    let first = choices.pop().map_or(0, |choice| choice.first);
                    open.truncate(first);
                    continue;
                };
                fits = if next == HAPPEN { self.happen() } else { self.look_now(next, &mut steps) };
                if fits {
                    break;
                }
            }
            steps += (self.at.saturating_sub(before)) as u64;
            if !budget.spend(steps) || budget.steps > until || seen.len() > MAX_CONFIGURATIONS {
                return None;
            }
        }
    }
}
