//! The proposer's part: ballots, both phases, and giving way.

use super::{
    Ballot, Command, Host, Instance, Last, Message, Micros, Mistake, News, NodeId, Open, Phase, Proposes, Rules,
    Server, Table, Timer, Told, WINDOW, Write, kv,
};

impl Server {
    /// Goes on with whatever can be gone on with.
    pub(super) fn drive<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        let may = self.may_propose(port, rules);
        if !may {
            self.hand_back(port, rules);
        }
        let one = rules.proposes == Proposes::One;
        match self.phase {
            Phase::Idle if may && (one || !self.waiting.is_empty() || !self.open.is_empty()) => self.begin(port, rules),
            Phase::Proposing(ballot) if one => {
                while (self.open.len() as u64) < WINDOW {
                    let Some((value, _)) = self.waiting.pop_front() else { break };
                    let last = self.open.keys().next_back().copied().unwrap_or(0).max(self.learnt);
                    let last = self.beyond.keys().next_back().copied().unwrap_or(0).max(last);
                    self.propose(port, rules, ballot, last + 1, value);
                }
            }
            // One value a ballot.
            Phase::Proposing(_) if self.open.is_empty() => {
                self.phase = Phase::Idle;
                if !self.waiting.is_empty() {
                    self.begin(port, rules);
                }
            }
            _ => {}
        }
    }

    /// It is no longer the one who proposes: what waits here is for another.
    fn hand_back<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        let ask = self.distinguished(port.now(), rules);
        for (value, tried) in std::mem::take(&mut self.waiting) {
            let Command::Ask { client, number, .. } = value else { continue };
            self.asked.remove(&client);
            let answer = match tried {
                true => kv::Message::Unable { number, perhaps: true },
                false => kv::Message::Elsewhere { number, ask },
            };
            self.news.push(News::Answer(client, answer));
        }
    }

    /// Begins a ballot: its own promise comes first, so that no number is used twice, crash or not.
    pub(super) fn begin<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        self.highest += 1;
        let ballot = Ballot { round: self.highest, node: self.me };
        self.promised = self.promised.max(ballot);
        self.phase = Phase::Beginning(ballot);
        self.news.push(News::Began);
        port.set(Timer::Again, rules.timeout);
        if rules.mistake == Mistake::Forgets {
            self.begun(port, rules, ballot);
        } else {
            port.persist(Write::Promise(ballot), Some(Timer::Begun(ballot)));
        }
    }

    pub(super) fn begun<P: Host>(&mut self, port: &mut P, rules: &Rules, ballot: Ballot) {
        self.tell(Told::Promised { ballot });
        if self.phase != Phase::Beginning(ballot) {
            return;
        }
        self.phase = Phase::Preparing { ballot, promised: Vec::new(), found: Table::new(), ahead: None };
        self.to_others(port, &[], &Message::Prepare { ballot, first: self.learnt + 1 });
        let accepted = self.accepted_from(self.learnt + 1);
        self.on_promise(port, rules, self.me, ballot, self.learnt + 1, &accepted);
    }

    pub(super) fn on_promise<P: Host>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        of: Ballot,
        first: Instance,
        accepted: &[Last],
    ) {
        let learnt = self.learnt;
        let Phase::Preparing { ballot, promised, found, ahead } = &mut self.phase else { return };
        if *ballot != of || promised.contains(&from) {
            return;
        }
        promised.push(from);
        for (instance, ballot, value) in accepted {
            if found.get(instance).is_none_or(|(highest, _)| highest < ballot) {
                found.insert(*instance, (*ballot, value.clone()));
            }
        }
        if first > learnt + 1 && ahead.is_none_or(|(most, _)| most < first) {
            *ahead = Some((first, from));
        }
        let (count, ahead) = (promised.len(), ahead.filter(|(first, _)| *first > learnt + 1));
        let mut found = std::mem::take(found);
        if !self.is_majority(count, rules) {
            if let Phase::Preparing { found: kept, .. } = &mut self.phase {
                *kept = found;
            }
            return;
        }
        if let Some((_, whom)) = ahead {
            // Of what is decided an acceptor tells no more: it is learnt first.
            port.send(whom, Message::Learn { first: learnt + 1 });
            self.phase = Phase::Resting;
            return port.set(Timer::Again, rules.timeout);
        }
        self.phase = Phase::Proposing(of);
        if rules.mistake == Mistake::OwnValue {
            found.clear();
        }
        // What an earlier ballot of its own has proposed and nobody has heard of is proposed anew.
        for (_, open) in std::mem::take(&mut self.open).into_iter().collect::<Vec<_>>().into_iter().rev() {
            self.put_back(open.value);
        }
        match rules.proposes {
            Proposes::One => {
                let last = found.keys().next_back().copied().unwrap_or(0);
                for instance in learnt + 1..=last.min(learnt + WINDOW) {
                    if !self.beyond.contains_key(&instance) {
                        let value = found.remove(&instance).map_or(Command::Noop, |(_, value)| value);
                        self.propose(port, rules, of, instance, value);
                    }
                }
            }
            Proposes::Everyone => {
                let heard = found.remove(&(learnt + 1)).map(|(_, value)| value);
                if let Some(value) = heard.or_else(|| self.waiting.pop_front().map(|(value, _)| value)) {
                    self.propose(port, rules, of, learnt + 1, value);
                }
            }
        }
        self.drive(port, rules);
    }

    /// Its own value was not chosen where it was proposed.
    pub(super) fn put_back(&mut self, value: Command) {
        if let Command::Ask { client, number, .. } = &value
            && self.asked.get(client) == Some(number)
            && !self.waiting.iter().any(|(other, _)| *other == value)
        {
            self.waiting.push_front((value, true));
        }
    }

    pub(super) fn propose<P: Host>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        ballot: Ballot,
        instance: Instance,
        value: Command,
    ) {
        // The same command may wait here and have been heard of.
        self.waiting.retain(|(other, _)| *other != value);
        self.tell(Told::Proposed { ballot, instance, value: value.clone() });
        self.open.insert(instance, Open { value: value.clone(), accepted: Vec::new() });
        port.set(Timer::Again, rules.timeout);
        self.to_others(port, &[], &Message::Accept { ballot, instance, value: value.clone() });
        self.on_accept(port, rules, self.me, ballot, instance, value);
    }

    pub(super) fn on_accepted<P: Host>(
        &mut self,
        port: &mut P,
        rules: &Rules,
        from: NodeId,
        ballot: Ballot,
        instance: Instance,
    ) {
        if self.phase != Phase::Proposing(ballot) {
            return;
        }
        let Some(open) = self.open.get_mut(&instance).filter(|open| !open.accepted.contains(&from)) else { return };
        open.accepted.push(from);
        let (count, value) = (open.accepted.len(), open.value.clone());
        if self.is_majority(count, rules) {
            self.news.push(News::Chose);
            self.to_others(port, &[], &Message::Chosen { instance, value: value.clone() });
            self.learn(port, rules, instance, value);
        }
    }

    /// Somebody has a higher number: a proposer gives way for a while, drawn at random.
    pub(super) fn step_aside<P: Host>(&mut self, port: &mut P, rules: &Rules, ballot: Ballot) {
        let own = match &self.phase {
            Phase::Beginning(own) | Phase::Proposing(own) | Phase::Preparing { ballot: own, .. } => *own,
            Phase::Idle | Phase::Resting => return,
        };
        if own < ballot {
            self.phase = Phase::Resting;
            let pause = port.rng().below(rules.backoff.0 + 1);
            port.set(Timer::Again, Micros(pause));
        }
    }

    /// It has waited long enough: for an answer, or for others to go first.
    pub(super) fn again<P: Host>(&mut self, port: &mut P, rules: &Rules) {
        match &self.phase {
            Phase::Resting => {
                self.phase = Phase::Idle;
                self.drive(port, rules);
            }
            Phase::Preparing { ballot, promised, .. } => {
                let (ballot, promised) = (*ballot, promised.clone());
                self.to_others(port, &promised, &Message::Prepare { ballot, first: self.learnt + 1 });
                port.set(Timer::Again, rules.timeout);
            }
            Phase::Proposing(ballot) if !self.open.is_empty() => {
                for (instance, open) in self.open.iter() {
                    let (instance, value) = (*instance, open.value.clone());
                    let accept = Message::Accept { ballot: *ballot, instance, value };
                    self.to_others(port, &open.accepted, &accept);
                }
                port.set(Timer::Again, rules.timeout);
            }
            Phase::Beginning(_) => port.set(Timer::Again, rules.timeout),
            Phase::Idle | Phase::Proposing(_) => {}
        }
    }
}
