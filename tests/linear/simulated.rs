//! Large histories of an object that is linearizable: every call takes effect at one instant, some while after it was
//! made, and returns some while after that.

use faultline::sim::Stream;

use super::brute::{Call, Did, LIST, Model, initial, step};

/// What to simulate.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    pub model: Model,
    pub calls: usize,
    pub processes: u32,
    pub keys: u32,
    /// Values are drawn from so many; 0: each is written once.
    pub values: u32,
    /// Of a thousand calls, how many nobody hears of again, and how many fail.
    pub infos: u64,
    pub fails: u64,
    /// Of a hundred, how many only look.
    pub reads: u64,
}

fn choose(plan: &Plan, state: &[u32], fresh: u32, luck: &mut Stream) -> Did {
    let of = |luck: &mut Stream| if plan.values == 0 { fresh } else { 1 + luck.below(u64::from(plan.values)) as u32 };
    let look = luck.below(100) < plan.reads;
    let kind = luck.below(10);
    match plan.model {
        Model::Queue if look => Did::DequeueSome,
        Model::Queue => Did::Enqueue(of(luck)),
        Model::Set if look && kind < 5 => Did::Contains(of(luck), true),
        _ if look => Did::Read(Vec::new()),
        Model::CasRegister if kind < 5 => Did::Cas(if plan.values == 0 { state[0] } else { of(luck) }, of(luck)),
        Model::Kv if kind < 5 && matches!(state, [0] | [LIST, ..]) => Did::Append(of(luck)),
        Model::Kv if kind < 7 && state.len() == 1 => Did::Cas(state[0], of(luck)),
        Model::Register | Model::CasRegister | Model::Kv => Did::Write(of(luck)),
        Model::ListAppend => Did::Append(of(luck)),
        Model::Set if kind < 3 => Did::Remove(of(luck)),
        Model::Set => Did::Add(of(luck)),
        Model::Counter => unreachable!("src/check/linear/counter.rs draws its own, beside the search"),
    }
}

/// The history: for ever pending and failed calls are among it.
pub fn simulated(plan: &Plan, luck: &mut Stream) -> Vec<Call> {
    let mut states = vec![initial(plan.model); plan.keys as usize];
    let mut calls: Vec<Call> = Vec::with_capacity(plan.calls);
    // What each process is about to do, and when: its call, its effect, its return.
    let mut next: Vec<(u32, u32, Option<usize>, bool)> =
        (0..plan.processes).map(|one| (one, one, None, false)).collect();
    let mut names = plan.processes;
    while calls.len() < plan.calls || next.iter().any(|(_, _, call, _)| call.is_some()) {
        let ready = (0..next.len()).filter(|at| next[*at].2.is_some() || calls.len() < plan.calls);
        let Some(at) = ready.min_by_key(|at| next[*at].0) else { break };
        let now = next[at].0 + 1;
        for one in &mut next {
            one.0 = one.0.max(now);
        }
        next[at].0 = now + 1 + luck.below(u64::from(plan.processes) * 2) as u32;
        match (next[at].2, next[at].3) {
            (None, _) => {
                let key = luck.below(u64::from(plan.keys)) as u32;
                let did = choose(plan, &states[key as usize], 1 + calls.len() as u32, luck);
                next[at].2 = Some(calls.len());
                next[at].3 = false;
                let key = (plan.keys > 1 || plan.model == Model::Kv).then_some(key);
                calls.push(Call { process: next[at].1, key, did, called: now, returned: None, failed: false });
            }
            (Some(call), false) => {
                next[at].3 = true;
                let call = &mut calls[call];
                let state = &mut states[call.key.unwrap_or(0) as usize];
                if luck.below(1000) < plan.fails {
                    call.failed = true;
                    continue;
                }
                let did = match &call.did {
                    Did::Read(_) => Did::Read(state.clone()),
                    Did::Cas(from, _) if *state != [*from] => Did::CasFailed(*from),
                    Did::DequeueSome => Did::Dequeue(state.first().copied().unwrap_or(0)),
                    Did::Contains(value, _) => Did::Contains(*value, state.contains(value)),
                    other => other.clone(),
                };
                match step(plan.model, state, &did) {
                    Some(after) if !matches!(did, Did::Read(_)) => *state = after,
                    Some(_) => {}
                    None => call.failed = true,
                }
                call.did = did;
            }
            (Some(call), true) => {
                next[at].2 = None;
                let call = &mut calls[call];
                if luck.below(1000) < plan.infos && !call.failed {
                    call.did = match &call.did {
                        Did::Dequeue(_) => Did::DequeueSome,
                        Did::CasFailed(from) => Did::Cas(*from, 1),
                        other => other.clone(),
                    };
                    // Its process is never heard of again, and another comes.
                    next[at].1 = names;
                    names += 1;
                } else {
                    call.returned = Some(now);
                }
            }
        }
    }
    calls
}

/// Makes one call far into the history come to something that it cannot have: what was read is what was seen long ago,
/// or an element comes out of order. Says what.
pub fn spoil_late(calls: &mut [Call], luck: &mut Stream) -> String {
    let third = calls.len() / 3;
    loop {
        let at = 2 * third + luck.below(third as u64) as usize;
        let call = calls[at].clone();
        if call.returned.is_none() || call.failed {
            continue;
        }
        let did = match &call.did {
            Did::Read(seen) if seen.len() > 2 => Did::Read(seen[..seen.len() - seen.len() / 3].to_vec()),
            Did::Read(_) => {
                let earlier = calls[..third].iter().filter(|one| one.key == call.key && one.returned.is_some());
                let mut reads = earlier.filter(|one| matches!(one.did, Did::Read(_)) && one.did != call.did);
                let Some(old) = reads.next() else { continue };
                // What nobody can have just written.
                let near = &calls[at.saturating_sub(300)..(at + 300).min(calls.len())];
                if let Did::Read(seen) = &old.did
                    && near
                        .iter()
                        .any(|one| matches!(&one.did, Did::Write(value) | Did::Cas(_, value) if seen[0] == *value))
                {
                    Did::Read(vec![999_999])
                } else {
                    old.did.clone()
                }
            }
            Did::Dequeue(value) if *value > 0 => {
                let other = (at + 200..calls.len())
                    .find(|other| matches!(calls[*other].did, Did::Dequeue(other) if other > 0 && other != *value));
                let Some(other) = other else { continue };
                let did = calls[other].did.clone();
                calls[other].did = call.did.clone();
                did
            }
            _ => continue,
        };
        calls[at].did = did.clone();
        let short = |did: &Did| format!("{did:?}").chars().take(40).collect::<String>();
        return format!("{} for {} at {at}", short(&did), short(&call.did));
    }
}
