//! A checker that tries every order, and random histories that are small enough for it. It shares no code with the real
//! one: its states are plain lists of numbers.

use faultline::check::linear::{self, Event, History, Kind, Value, Values};
use faultline::sim::Stream;

pub use faultline::check::linear::Model;

/// What a call did; a number is a value, and 0 is `null`.
#[derive(Clone, Debug, PartialEq)]
pub enum Did {
    Read(Vec<u32>),
    Write(u32),
    Cas(u32, u32),
    CasFailed(u32),
    Append(u32),
    Enqueue(u32),
    Dequeue(u32),
    DequeueSome,
    Add(u32),
    Remove(u32),
    Contains(u32, bool),
}

/// One call, between two instants; without a return it is for ever pending.
#[derive(Clone, Debug)]
pub struct Call {
    pub process: u32,
    pub key: Option<u32>,
    pub did: Did,
    pub called: u32,
    pub returned: Option<u32>,
    /// It did not happen.
    pub failed: bool,
}

/// The state after, if this could have been. A register's is one number, or several where it was appended to.
pub fn step(model: Model, state: &[u32], did: &Did) -> Option<Vec<u32>> {
    let register = matches!(model, Model::Register | Model::CasRegister | Model::Kv);
    let with = |value: u32| [state, &[value]].concat();
    match did {
        Did::Read(seen) => (seen == state).then(|| state.to_vec()),
        Did::Write(value) => Some(vec![*value]),
        Did::Cas(from, to) => (state == [*from]).then(|| vec![*to]),
        Did::CasFailed(from) => (state != [*from]).then(|| state.to_vec()),
        // Nothing yet, or a list, which begins with a mark; a plain value cannot be appended to.
        Did::Append(value) if register => match state {
            [0] => Some(vec![LIST, *value]),
            [LIST, ..] => Some(with(*value)),
            _ => None,
        },
        Did::Append(value) | Did::Enqueue(value) => Some(with(*value)),
        Did::Dequeue(0) => state.is_empty().then(Vec::new),
        Did::Dequeue(value) => (state.first() == Some(value)).then(|| state[1..].to_vec()),
        Did::DequeueSome => (!state.is_empty()).then(|| state[1..].to_vec()),
        Did::Add(value) => {
            let mut set = with(*value);
            set.sort_unstable();
            set.dedup();
            Some(set)
        }
        Did::Remove(value) => Some(state.iter().copied().filter(|other| other != value).collect()),
        Did::Contains(value, there) => (state.contains(value) == *there).then(|| state.to_vec()),
    }
}

/// Begins the state of a register that is a list.
pub const LIST: u32 = 1_000_000;

pub fn initial(model: Model) -> Vec<u32> {
    match model {
        Model::Register | Model::CasRegister | Model::Kv => vec![0],
        _ => Vec::new(),
    }
}

fn any_order(model: Model, calls: &[&Call], state: &[u32], left: u32, timeless: bool) -> bool {
    let open = || (0..calls.len()).filter(|place| left >> place & 1 == 1);
    if open().all(|place| calls[place].returned.is_none()) {
        return true;
    }
    open().any(|place| {
        let earlier = |other: usize| calls[other].returned.is_some_and(|returned| returned < calls[place].called);
        (timeless || !open().any(earlier))
            && step(model, state, &calls[place].did)
                .is_some_and(|state| any_order(model, calls, &state, left & !(1 << place), timeless))
    })
}

fn each_key(model: Model, calls: &[Call], timeless: bool) -> bool {
    let mut keys: Vec<_> = calls.iter().map(|call| call.key).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().all(|key| {
        let of: Vec<&Call> = calls.iter().filter(|call| call.key == key && !call.failed).collect();
        any_order(model, &of, &initial(model), (1 << of.len()) - 1, timeless)
    })
}

pub fn brute_force(model: Model, calls: &[Call]) -> bool {
    each_key(model, calls, false)
}

/// Whether some order of calls of one key fits, beginning with a state.
pub fn brute_force_from(model: Model, calls: &[Call], state: &[u32]) -> bool {
    let of: Vec<&Call> = calls.iter().collect();
    any_order(model, &of, state, (1 << of.len()) - 1, false)
}

pub fn brute_force_without_time(model: Model, calls: &[Call]) -> bool {
    each_key(model, calls, true)
}

/// A few calls of a few processes against a real object, of which some then come to something else.
pub fn random_history(model: Model, luck: &mut Stream) -> Vec<Call> {
    let processes = 2 + luck.below(3) as u32;
    let count = 5 + luck.below(5) as u32;
    let values = if luck.below(3) == 0 { 2 } else { 100 };
    random_history_of(model, processes, count, values, luck)
}

/// As [`random_history`], of so many processes and calls, with this many values or, with 100, each once.
pub fn random_history_of(model: Model, processes: u32, count: u32, values: u32, luck: &mut Stream) -> Vec<Call> {
    let keys = if model == Model::Kv { 2 } else { 1 };
    // Some histories have no removing, no compare-and-set and so on, since these are decided in other ways.
    let plain = luck.below(2) == 0;
    let (mut calls, mut open): (Vec<Call>, Vec<usize>) = (Vec::new(), Vec::new());
    let mut states = vec![initial(model); keys as usize];
    let (mut now, mut next) = (0, 0);
    // Which have taken effect.
    let mut took = Vec::new();
    while calls.len() < count as usize || !open.is_empty() {
        now += 1;
        let free: Vec<u32> = (0..processes).filter(|one| !open.iter().any(|at| calls[*at].process == *one)).collect();
        let start = calls.len() < count as usize && !free.is_empty() && (open.is_empty() || luck.below(2) == 0);
        if start {
            next += 1;
            let fresh = if values == 2 { 1 + luck.below(2) as u32 } else { next };
            let known = if values == 2 { 1 + luck.below(2) as u32 } else { 1 + luck.below(u64::from(next)) as u32 };
            let did = match (model, luck.below(4)) {
                (Model::Register, 0 | 1) | (Model::CasRegister | Model::Kv, 0) => Did::Write(fresh),
                (Model::CasRegister, 1) | (Model::Kv, 1) if plain || model == Model::CasRegister => {
                    Did::Cas(luck.below(u64::from(known) + 1) as u32, fresh)
                }
                (Model::Kv | Model::ListAppend, 0 | 1) => Did::Append(fresh),
                (Model::Queue, 0 | 1) => Did::Enqueue(fresh),
                (Model::Queue, _) => Did::DequeueSome,
                (Model::Set, 0 | 1) => Did::Add(known),
                (Model::Set, 2) if !plain => Did::Remove(known),
                (Model::Set, 3) if luck.below(2) == 0 && !plain => Did::Contains(known, true),
                _ => Did::Read(Vec::new()),
            };
            let process = free[luck.below(free.len() as u64) as usize];
            let key = (model == Model::Kv).then(|| luck.below(2) as u32);
            open.push(calls.len());
            took.push(false);
            calls.push(Call { process, key, did, called: now, returned: None, failed: false });
            continue;
        }
        let which = luck.below(open.len() as u64) as usize;
        let at = open[which];
        let state = &mut states[calls[at].key.unwrap_or(0) as usize];
        if !took[at] {
            took[at] = true;
            let did = match &calls[at].did {
                Did::Read(_) => Did::Read(state.clone()),
                Did::Cas(from, _) if *state != [*from] => Did::CasFailed(*from),
                Did::DequeueSome => Did::Dequeue(state.first().copied().unwrap_or(0)),
                Did::Contains(value, _) => Did::Contains(*value, state.contains(value)),
                other => other.clone(),
            };
            match step(model, state, &did) {
                Some(after) => *state = after,
                // It could not be done: nothing happened.
                None => calls[at].failed = true,
            }
            calls[at].did = did;
            continue;
        }
        open.remove(which);
        let chance = luck.below(10);
        if chance == 0 {
            calls[at].did = match &calls[at].did {
                Did::Dequeue(_) => Did::DequeueSome,
                Did::CasFailed(from) => Did::Cas(*from, 77),
                other => other.clone(),
            };
        } else {
            calls[at].returned = Some(now);
        }
    }
    // Something comes to what it did not come to.
    if luck.below(6) > 0 {
        for _ in 0..1 + luck.below(4) {
            spoil(model, &mut calls, luck);
        }
    }
    calls
}

/// Lets a call come to something that another came to, or that somebody put there, or to a little more or less.
fn spoil(model: Model, calls: &mut [Call], luck: &mut Stream) {
    let looks = |call: &Call| !matches!(call.did, Did::Write(_) | Did::Append(_) | Did::Enqueue(_) | Did::Add(_));
    let lookers: Vec<usize> = (0..calls.len()).filter(|at| looks(&calls[*at])).collect();
    if lookers.is_empty() {
        return;
    }
    let at = lookers[luck.below(lookers.len() as u64) as usize];
    let other = calls[luck.below(calls.len() as u64) as usize].clone();
    let partner = lookers[luck.below(lookers.len() as u64) as usize];
    let lists = matches!(model, Model::ListAppend | Model::Set);
    match (calls[at].did.clone(), other.did) {
        (Did::Read(_), Did::Read(seen)) => calls[at].did = Did::Read(seen),
        (Did::Read(_), Did::Write(value)) => calls[at].did = Did::Read(vec![value]),
        (Did::Read(mut seen), Did::Append(value) | Did::Add(value)) if lists || seen.first() == Some(&LIST) => {
            if luck.below(2) == 0 && seen.len() > 1 {
                seen.pop();
            } else if !seen.contains(&value) {
                seen.push(value);
            }
            if model == Model::Set {
                seen.sort_unstable();
            }
            calls[at].did = Did::Read(seen);
        }
        (Did::Dequeue(_), Did::Enqueue(value)) if luck.below(3) == 0 => calls[at].did = Did::Dequeue(value),
        (Did::Dequeue(one), _) => match calls[partner].did.clone() {
            Did::Dequeue(two) if one != two => {
                (calls[at].did, calls[partner].did) = (Did::Dequeue(two), Did::Dequeue(one));
            }
            _ if luck.below(4) == 0 => calls[at].did = Did::Dequeue(0),
            _ => {}
        },
        (Did::Contains(value, there), _) => calls[at].did = Did::Contains(value, !there),
        (Did::Cas(from, _), _) if calls[at].returned.is_some() => calls[at].did = Did::CasFailed(from),
        (Did::CasFailed(from), _) => calls[at].did = Did::Cas(from, 1),
        _ => {}
    }
}

fn atom(values: &mut Values, number: u32) -> Value {
    match number {
        0 => Value::NULL,
        number => values.atom(&number.to_string()),
    }
}

/// The same as events.
pub fn to_history(model: linear::Model, calls: &[Call]) -> History {
    let mut instants: Vec<(u32, usize, bool)> = Vec::new();
    let last = calls.iter().filter_map(|call| call.returned).max().unwrap_or(0) + calls.len() as u32 + 1_000_000;
    for (at, call) in calls.iter().enumerate() {
        instants.push((call.called, at, false));
        instants.push((call.returned.unwrap_or(last + at as u32), at, true));
    }
    instants.sort_unstable();
    let mut history = History::new(model);
    let mut lost = vec![0; 1 + calls.iter().map(|call| call.process as usize).max().unwrap_or(0)];
    let mut names = vec![String::new(); calls.len()];
    for (line, (_, at, returns)) in instants.into_iter().enumerate() {
        let call = &calls[at];
        let list = matches!(model, Model::ListAppend | Model::Set);
        let (op, mut value, mut result) = match &call.did {
            Did::Read(seen) => {
                let items: Vec<Value> =
                    seen.iter().filter(|item| **item != LIST).map(|item| atom(history.values(), *item)).collect();
                let listed = list || seen.first() == Some(&LIST);
                let seen =
                    if listed { history.values().list(items) } else { items.first().copied().unwrap_or(Value::NULL) };
                ("read", returns.then_some(seen), None)
            }
            Did::Write(value) => ("write", Some(atom(history.values(), *value)), None),
            Did::Cas(from, to) => {
                let pair = [atom(history.values(), *from), atom(history.values(), *to)];
                ("cas", Some(history.values().list(pair)), Some(true))
            }
            Did::CasFailed(from) => {
                let pair = [atom(history.values(), *from), atom(history.values(), 77)];
                ("cas", Some(history.values().list(pair)), Some(false))
            }
            Did::Append(value) => ("append", Some(atom(history.values(), *value)), None),
            Did::Enqueue(value) => ("enqueue", Some(atom(history.values(), *value)), None),
            Did::Dequeue(value) => ("dequeue", returns.then(|| atom(history.values(), *value)), None),
            Did::DequeueSome => ("dequeue", None, None),
            Did::Add(value) => ("add", Some(atom(history.values(), *value)), None),
            Did::Remove(value) => ("remove", Some(atom(history.values(), *value)), None),
            Did::Contains(value, there) => ("contains", Some(atom(history.values(), *value)), Some(*there)),
        };
        let key = call.key.map(|key| atom(history.values(), 1 + key));
        let kind = match (returns, call.failed, call.returned) {
            (false, ..) => Kind::Invoke,
            (_, true, _) => Kind::Fail,
            (_, _, Some(_)) => Kind::Ok,
            (_, _, None) => Kind::Info,
        };
        if kind != Kind::Ok {
            result = None;
            if matches!(op, "read" | "dequeue") {
                value = None;
            }
        }
        if !returns {
            // Whoever lost a call goes on under another name.
            let lost = &mut lost[call.process as usize];
            names[at] = format!("{}.{lost}", call.process);
            *lost += u32::from(call.returned.is_none());
        }
        let event = Event { process: &names[at], kind, op: Some(op), key, value, result, line: line as u32 + 1 };
        history.push(&event).expect("it is well formed");
    }
    history
}
