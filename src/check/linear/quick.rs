//! Histories that need no search, because what was seen leaves no choice: who wrote a value is known where it was
//! written once. Each function decides in a logarithm's time per operation, or says that it cannot tell.

use super::counter;
use super::history::{NEVER, Operation, Part};
use super::model::{Action, Model, Store};
use super::search::relevant;
use super::state::EMPTY_SET;
use super::value::Value;
use super::witness::{self, Cluster};

/// Whether a part is linearizable, where that needs no search.
pub(super) fn decide(store: &mut Store, part: &Part) -> Option<bool> {
    match part.model {
        Model::Register | Model::CasRegister | Model::Kv if stale(part) => Some(false),
        Model::Register | Model::CasRegister | Model::Kv => registers(part),
        Model::Queue => queue(store, part),
        Model::ListAppend => list(store, part),
        Model::Set => set(store, part),
        Model::Counter => Some(counter::decide(part)),
    }
}

/// Earliest return and latest call of some operations that nothing else may come between.
#[derive(Clone, Copy)]
struct Zone {
    returned: u32,
    invoked: u32,
}

impl Zone {
    const NONE: Zone = Zone { returned: NEVER, invoked: 0 };

    fn take(&mut self, operation: &Operation) {
        self.returned = self.returned.min(operation.returned);
        self.invoked = self.invoked.max(operation.invoked);
    }
}

/// Operations, each with the step of an order that they must have taken effect in: of one step in any order. Whether
/// time allows that: nothing of a later step may have returned before something of an earlier one was called.
fn in_steps(mut operations: Vec<(u32, Zone)>) -> bool {
    operations.sort_unstable_by_key(|(step, _)| *step);
    let (mut latest, mut before) = (0, 0);
    let mut step = u32::MAX;
    operations.iter().all(|(next, zone)| {
        if *next != step {
            (before, step) = (latest, *next);
        }
        latest = latest.max(zone.invoked);
        zone.returned > before
    })
}

/// Whether somebody saw a value in a register that nobody can have put there in time, or that every time was surely
/// replaced again before: after it had been written something else was called and returned, and only then who saw it.
/// This needs no values written once.
fn stale(part: &Part) -> bool {
    let operations = &part.operations;
    if part.initial == Value::ANYTHING.0 || operations.iter().any(|one| matches!(one.action, Action::Append(_))) {
        return false;
    }
    // By return, the latest call of what had returned by then, and the latest that put another value there than that.
    let mut writes: Vec<&Operation> =
        operations.iter().filter(|one| one.action.puts().is_some() && one.returned != NEVER).collect();
    writes.sort_unstable_by_key(|one| one.returned);
    type Latest = (u32, Option<Value>);
    let mut latest: Vec<(Latest, Latest)> = vec![((0, None), (0, None))];
    for one in &writes {
        let (mut first, mut second) = latest[latest.len() - 1];
        let new = (one.invoked, one.action.puts());
        if new.1 == first.1 {
            first.0 = first.0.max(new.0);
        } else if new.0 > first.0 {
            (first, second) = (new, first);
        } else if new.0 > second.0 {
            second = new;
        }
        latest.push((first, second));
    }
    // By value, then by call: each with the latest return so far.
    let mut sources: Vec<(Value, u32, u32)> = vec![(Value(part.initial), 0, 0)];
    sources.extend(operations.iter().filter_map(|one| Some((one.action.puts()?, one.invoked, one.returned))));
    sources.sort_unstable();
    for at in 1..sources.len() {
        if sources[at].0 == sources[at - 1].0 {
            sources[at].2 = sources[at].2.max(sources[at - 1].2);
        }
    }
    operations.iter().filter(|one| one.returned != NEVER).any(|one| {
        let Some(value) = one.action.saw() else { return false };
        let (first, second) = latest[writes.partition_point(|write| write.returned < one.invoked)];
        let replaced = if first.1 == Some(value) { second.0 } else { first.0 };
        let before = sources.partition_point(|source| (source.0, source.1) < (value, one.returned));
        // Itself is no source of what it saw.
        !before.checked_sub(1).map(|at| sources[at]).is_some_and(|source| source.0 == value && source.2 >= replaced)
    })
}

/// Registers whose values were each written once, with compare-and-set or without. What was written and those who saw it
/// stand together in any order, and so do values that were put in each other's place by compare-and-set. Such a cluster
/// that lies apart (something returned before something else was called) fills the time between, and no two may overlap;
/// nor may one whose operations all overlap lie within it (Gibbons and Korach 1997, section 4, for reads and writes).
fn registers(part: &Part) -> Option<bool> {
    if part.initial == Value::ANYTHING.0 {
        return None;
    }
    let mut operations = relevant(&part.operations);
    let is_refused = |one: &Operation| matches!(one.action, Action::CasFailed(_));
    let refused: Vec<Operation> = operations.iter().copied().filter(is_refused).collect();
    operations.retain(|one| !is_refused(one));
    if !refused.is_empty() {
        operations = relevant(&operations);
    }
    if operations.iter().any(|one| matches!(one.action, Action::Append(_))) {
        return None;
    }
    // Who put a value there, by value; the initial one was put there by nobody, before all.
    let mut seen: Vec<Value> = operations.iter().filter_map(|one| one.action.saw()).collect();
    seen.sort_unstable();
    seen.dedup();
    const NOBODY: usize = usize::MAX;
    let mut sources: Vec<(Value, usize)> = vec![(Value(part.initial), NOBODY)];
    for (place, one) in operations.iter().enumerate() {
        // What nobody saw may have been written by anyone and any number of times.
        sources.extend(one.action.puts().filter(|value| seen.binary_search(value).is_ok()).map(|value| (value, place)));
    }
    sources.sort_unstable();
    let twice = |pair: &[(Value, usize)]| pair[0].0 == pair[1].0 && seen.binary_search(&pair[0].0).is_ok();
    if sources.windows(2).any(twice) {
        return None;
    }
    let source = |value: Value| {
        let at = sources.binary_search_by_key(&value, |(value, _)| *value).ok()?;
        Some(sources[at].1)
    };
    // The cluster of each operation, by the write that it began with, and how far along in it.
    let mut cluster: Vec<Option<(usize, u32)>> = vec![None; operations.len()];
    let mut taken: Vec<Value> = Vec::new();
    for (place, one) in operations.iter().enumerate() {
        if let Action::Cas(from, _) = one.action {
            taken.push(from);
        }
        if cluster[place].is_some() {
            continue;
        }
        // Back along what each compared with, then forth again.
        let mut path = vec![place];
        let (first, mut step) = loop {
            let last = path[path.len() - 1];
            let Some(saw) = operations[last].action.saw() else { break (last, 0) };
            match source(saw) {
                // Read, and never written.
                None => return Some(false),
                Some(NOBODY) => break (NOBODY, 1),
                Some(at) => match cluster[at] {
                    Some((first, step)) => break (first, step + 1),
                    // Each in the place of the other, and none first.
                    None if path.contains(&at) && path.len() < 64 || path.len() > operations.len() => {
                        return Some(false);
                    }
                    None => path.push(at),
                },
            }
        };
        for at in path.into_iter().rev() {
            // Those who read a value stand after who wrote it and before who took its place.
            let reads = matches!(operations[at].action, Action::Read(_));
            cluster[at] = Some((first, if reads { 2 * (step / 2) + 1 } else { 2 * step.div_ceil(2) }));
            step = 2 * step.div_ceil(2) + 1;
        }
    }
    taken.sort_unstable();
    if taken.windows(2).any(|pair| pair[0] == pair[1]) {
        return Some(false);
    }
    let mut order: Vec<(usize, u32, usize)> = cluster
        .iter()
        .enumerate()
        .filter_map(|(place, cluster)| cluster.map(|(first, step)| (first, step, place)))
        .collect();
    order.sort_unstable();
    let (mut apart, mut together) = (Vec::new(), Vec::new());
    let mut clusters = Vec::new();
    for members in order.chunk_by(|a, b| a.0 == b.0) {
        let mut zone = Zone::NONE;
        if members[0].0 == NOBODY {
            zone.returned = 0;
        }
        let mut steps = Vec::with_capacity(members.len());
        for (_, step, place) in members {
            let one = &operations[*place];
            zone.take(one);
            steps.push((*step, Zone { returned: one.returned, invoked: one.invoked }));
        }
        if !in_steps(steps) {
            return Some(false);
        }
        if !refused.is_empty() {
            let members: Vec<&Operation> = members.iter().map(|(.., place)| &operations[*place]).collect();
            let Zone { returned, invoked } = zone;
            clusters.push(Cluster { returned, invoked, values: witness::values(&members) });
        }
        if zone.returned < zone.invoked { apart.push(zone) } else { together.push(zone) }
    }
    apart.sort_unstable_by_key(|zone| zone.returned);
    let overlap = apart.windows(2).any(|pair| pair[1].returned < pair[0].invoked);
    let within = together.iter().any(|zone| {
        let before = apart.partition_point(|other| other.returned < zone.invoked);
        before > 0 && zone.returned < apart[before - 1].invoked
    });
    match !overlap && !within {
        // Those that found something else may fit here; if not, they may still fit elsewhere.
        true if !refused.is_empty() => witness::fits(Value(part.initial), &clusters, &refused).then_some(true),
        holds => Some(holds),
    }
}

/// What is known of one element of a queue.
#[derive(Clone, Copy)]
struct Element {
    value: Value,
    put: Zone,
    taken: Option<Zone>,
}

/// Queues whose elements were each put in once (Henzinger, Sezgin and Vafeiadis 2013): none comes out that was not put
/// in, none twice, none before one that was put in earlier, and none is there all the while a queue was found empty.
fn queue(store: &mut Store, part: &Part) -> Option<bool> {
    let operations = relevant(&part.operations);
    let zone = |one: &Operation| Zone { returned: one.returned, invoked: one.invoked };
    let (mut elements, mut empty, mut some) = (Vec::<Element>::new(), Vec::new(), Vec::new());
    let items = store.queues.items(&store.values, part.initial);
    let count = items.len() as u32;
    if items.len() > 1 {
        // Instants before all calls order them; there is one such instant only.
        return None;
    }
    elements.extend(items.into_iter().map(|value| Element {
        value,
        put: Zone { returned: count - 1, invoked: 0 },
        taken: None,
    }));
    for one in &operations {
        match one.action {
            Action::Enqueue(value) => elements.push(Element { value, put: zone(one), taken: None }),
            Action::Dequeue(Value::NULL) => empty.push(zone(one)),
            Action::DequeueSome => some.push(one.invoked),
            _ => {}
        }
    }
    elements.sort_unstable_by_key(|element| element.value);
    if elements.windows(2).any(|pair| pair[0].value == pair[1].value) {
        return None;
    }
    for one in &operations {
        if let Action::Dequeue(value) = one.action
            && value != Value::NULL
        {
            let Ok(place) = elements.binary_search_by_key(&value, |element| element.value) else { return Some(false) };
            let element = &mut elements[place];
            if element.taken.is_some() || one.returned < element.put.invoked {
                return Some(false);
            }
            element.taken = Some(zone(one));
        }
    }
    // Going from the last put in to the first: the earliest return of taking one that was put in later.
    elements.sort_unstable_by_key(|element| element.put.invoked);
    let mut earliest = vec![NEVER; elements.len() + 1];
    for (place, element) in elements.iter().enumerate().rev() {
        earliest[place] = element.taken.map_or(NEVER, |taken| taken.returned).min(earliest[place + 1]);
    }
    let mut needed = Vec::new();
    for element in &elements {
        let later = elements.partition_point(|other| other.put.invoked <= element.put.returned);
        match element.taken {
            Some(taken) if earliest[later] < taken.invoked => return Some(false),
            None if earliest[later] < NEVER => needed.push(earliest[later]),
            _ => {}
        }
    }
    // What stayed although something later came out can only have gone with a taking that nobody heard of again, which
    // was called before the later one had come out.
    needed.sort_unstable();
    some.sort_unstable();
    let fits = needed.iter().enumerate().all(|(rank, latest)| some.get(rank).is_some_and(|invoked| invoked < latest));
    if !fits {
        return Some(false);
    }
    if found_empty_while_full(&elements, &empty, false) {
        return Some(false);
    }
    if some.is_empty() {
        return Some(!found_empty_while_full(&elements, &empty, true));
    }
    // Which element a taking took that nobody heard of is a choice. The first to be put in with the first to be called
    // is the most promising; where that does not fit, another may.
    let mut left: Vec<usize> = (0..elements.len()).filter(|place| elements[*place].taken.is_none()).collect();
    left.sort_unstable_by_key(|place| elements[*place].put.returned);
    for (place, invoked) in left.iter().zip(&some) {
        elements[*place].taken = Some(Zone { returned: NEVER, invoked: *invoked });
    }
    let in_order = elements.iter().all(|element| {
        let later = elements.partition_point(|other| other.put.invoked <= element.put.returned);
        earliest[later] == NEVER || element.taken.is_some_and(|taken| taken.invoked < earliest[later])
    });
    (in_order && !found_empty_while_full(&elements, &empty, true)).then_some(true)
}

/// Whether a queue was found empty while some element was surely there, one or another, all the time; what nobody took
/// counts as `left` says.
fn found_empty_while_full(elements: &[Element], empty: &[Zone], left: bool) -> bool {
    let mut spans: Vec<(u32, u32)> = elements
        .iter()
        .filter(|element| left || element.taken.is_some())
        .map(|element| (element.put.returned, element.taken.map_or(NEVER, |taken| taken.invoked)))
        .filter(|(from, to)| from < to)
        .collect();
    spans.sort_unstable();
    // Overlapping spans become one.
    let mut merged: Vec<(u32, u32)> = Vec::new();
    for (from, to) in spans {
        match merged.last_mut() {
            Some(last) if from < last.1 => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    empty.iter().any(|zone| {
        let before = merged.partition_point(|(from, _)| *from < zone.invoked);
        before > 0 && zone.returned < merged[before - 1].1
    })
}

/// Lists whose items were each appended once: what the longest read shows is the order.
fn list(store: &mut Store, part: &Part) -> Option<bool> {
    let values = &store.values;
    let reads = part.operations.iter().filter_map(|one| match one.action {
        Action::Read(list) => Some(Value(list)),
        _ => None,
    });
    let longest = reads.clone().max_by_key(|list| values.len(*list)).unwrap_or(Value(part.initial));
    if !values.begins(longest, Value(part.initial)) || reads.clone().any(|list| !values.begins(longest, list)) {
        return Some(false);
    }
    let initial = values.len(Value(part.initial));
    let mut places: Vec<(Value, u32)> = values.items(longest).into_iter().zip(1..).collect();
    places.retain(|(_, place)| *place > initial);
    places.sort_unstable();
    let mut appended: Vec<Value> = part.operations.iter().filter_map(|one| one.action.puts()).collect();
    appended.sort_unstable();
    let twice = |pair: &[Value]| pair[0] == pair[1];
    if places.windows(2).any(|pair| pair[0].0 == pair[1].0) || appended.windows(2).any(twice) {
        return None;
    }
    if places.iter().any(|(value, _)| appended.binary_search(value).is_err()) {
        return Some(false);
    }
    let mut steps = Vec::with_capacity(part.operations.len());
    for one in &part.operations {
        let step = match one.action {
            Action::Append(value) => match places.binary_search_by_key(&value, |(value, _)| *value) {
                Ok(place) => 2 * places[place].1,
                Err(_) if one.returned == NEVER => continue,
                Err(_) => u32::MAX,
            },
            Action::Read(list) => {
                let len = values.len(Value(list));
                if len < initial {
                    return Some(false);
                }
                2 * len + 1
            }
            _ => continue,
        };
        steps.push((step, Zone { returned: one.returned, invoked: one.invoked }));
    }
    Some(in_steps(steps))
}

/// Sets that are added to and read whole: the reads stand in the order of what they show, and a value came in between the
/// last that does not show it and the first that does.
fn set(store: &mut Store, part: &Part) -> Option<bool> {
    if part.operations.iter().any(|one| matches!(one.action, Action::Remove(_) | Action::Contains(..))) {
        return None;
    }
    let sets = &store.sets;
    let mut shown: Vec<u32> = vec![part.initial];
    shown.extend(part.operations.iter().filter_map(|one| match one.action {
        Action::Read(set) => Some(set),
        _ => None,
    }));
    shown.sort_unstable_by_key(|set| (sets.len(*set), *set));
    shown.dedup();
    if shown[0] != part.initial || shown.windows(2).any(|pair| !sets.without(pair[0], pair[1]).is_empty()) {
        return Some(false);
    }
    // The step in which each value came in; those of the beginning were there before all.
    let mut came: Vec<(Value, u32)> = Vec::new();
    let mut before = EMPTY_SET;
    for (place, set) in shown.iter().enumerate() {
        came.extend(sets.without(*set, before).into_iter().map(|value| (value, 2 * place as u32)));
        before = *set;
    }
    came.sort_unstable();
    // Of several who added one value the first to take effect did it; the others stand anywhere after.
    let mut zones: Vec<Zone> = vec![Zone { returned: NEVER, invoked: NEVER }; came.len()];
    let mut steps = Vec::with_capacity(part.operations.len());
    for one in &part.operations {
        match one.action {
            Action::Add(value) => match came.binary_search_by_key(&value, |(value, _)| *value) {
                Ok(place) => {
                    let zone = &mut zones[place];
                    zone.invoked = zone.invoked.min(one.invoked);
                    zone.returned = zone.returned.min(one.returned);
                }
                Err(_) if one.returned == NEVER => {}
                Err(_) => steps.push((u32::MAX, Zone { returned: one.returned, invoked: one.invoked })),
            },
            Action::Read(set) => {
                let place = shown.binary_search_by_key(&(sets.len(set), set), |set| (sets.len(*set), *set));
                let step = 2 * place.expect("it was put there") as u32 + 1;
                steps.push((step, Zone { returned: one.returned, invoked: one.invoked }));
            }
            _ => {}
        }
    }
    for ((_, step), zone) in came.into_iter().zip(zones) {
        match (step, zone.invoked) {
            (0, _) => {}
            // Read, and never added.
            (_, NEVER) => return Some(false),
            _ => steps.push((step, zone)),
        }
    }
    Some(in_steps(steps))
}
