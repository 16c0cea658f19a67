//! What exchanges say to one another, and what they say to telephones.

use super::{Family, Form, Wire};

/// Why a call is released: the causes of ITU-T Q.850.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// 16: somebody hung up.
    Normal,
    /// 17: the telephone is in use.
    Busy,
    /// 31: something on the way does not answer.
    Unreachable,
    /// 34: no circuit is idle.
    NoCircuit,
    /// 42: calls like this one are held back.
    Congestion,
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Cause::Normal => "16 normal",
            Cause::Busy => "17 busy",
            Cause::Unreachable => "31 unspecified",
            Cause::NoCircuit => "34 no circuit",
            Cause::Congestion => "42 congestion",
        })
    }
}

/// Between exchanges, as in ITU-T Q.763.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Trunk {
    /// Initial address message: this circuit is seized for a call to there.
    Iam {
        /// The circuit identification code.
        cic: u32,
        /// Which call; for whoever watches.
        call: u64,
        /// The exchange that it is for, counted from the lowest number.
        area: u32,
        /// To the number that everybody calls.
        show: bool,
        /// It is on a detour, and must go on directly.
        detour: bool,
    },
    /// Address complete message: it rings.
    Acm {
        /// The circuit.
        cic: u32,
    },
    /// Answer message: somebody has answered.
    Anm {
        /// The circuit.
        cic: u32,
    },
    /// Release message.
    Rel {
        /// The circuit.
        cic: u32,
        /// Why.
        cause: Cause,
    },
    /// Release complete message: the circuit is idle here.
    Rlc {
        /// The circuit.
        cic: u32,
    },
    /// Circuit group reset message: I have started, and know of no call on our circuits.
    Grs,
    /// Circuit group reset acknowledgement message: nor do I any more.
    Gra,
}

impl Wire for Trunk {
    const FAMILY: Family = Family::Edge;
    fn name(&self) -> &'static str {
        match self {
            Trunk::Iam { .. } => "IAM",
            Trunk::Acm { .. } => "ACM",
            Trunk::Anm { .. } => "ANM",
            Trunk::Rel { .. } => "REL",
            Trunk::Rlc { .. } => "RLC",
            Trunk::Grs => "GRS",
            Trunk::Gra => "GRA",
        }
    }
    fn form(&self) -> Form {
        match self {
            Trunk::Iam { .. } | Trunk::Grs => Form::Request,
            Trunk::Acm { .. } | Trunk::Rlc { .. } | Trunk::Gra => Form::Reply,
            Trunk::Anm { .. } => Form::Accept,
            Trunk::Rel { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        if let Trunk::Iam { .. } = self { 40 } else { 16 }
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Trunk::Iam { cic, call, area, show, detour } => {
                let mut fields = vec![("cic", cic.to_string()), ("call", call.to_string())];
                fields.push(("to area", (area + 1).to_string()));
                fields.extend(show.then(|| ("number", "the show".to_owned())));
                fields.extend(detour.then(|| ("on a", "detour".to_owned())));
                fields
            }
            Trunk::Acm { cic } | Trunk::Anm { cic } | Trunk::Rlc { cic } => vec![("cic", cic.to_string())],
            Trunk::Rel { cic, cause } => vec![("cic", cic.to_string()), ("cause", cause.to_string())],
            Trunk::Grs | Trunk::Gra => Vec::new(),
        }
    }
}

/// Between an exchange and its telephones, as in ITU-T Q.931, either way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Line {
    /// A call, to there.
    Setup {
        /// Which.
        call: u64,
        /// The exchange that it is for, counted from the lowest number.
        area: u32,
        /// To the number that everybody calls.
        show: bool,
    },
    /// It rings.
    Alerting {
        /// The call.
        call: u64,
    },
    /// Somebody has answered.
    Connect {
        /// The call.
        call: u64,
    },
    /// From a telephone: it is over.
    Disconnect {
        /// The call.
        call: u64,
        /// Why.
        cause: Cause,
    },
    /// From an exchange: it is over.
    Release {
        /// The call.
        call: u64,
        /// Why.
        cause: Cause,
    },
    /// From an exchange that has started: it knows of no call.
    Restart,
}

impl Wire for Line {
    const FAMILY: Family = Family::People;
    fn name(&self) -> &'static str {
        match self {
            Line::Setup { .. } => "SETUP",
            Line::Alerting { .. } => "ALERTING",
            Line::Connect { .. } => "CONNECT",
            Line::Disconnect { .. } => "DISCONNECT",
            Line::Release { .. } => "RELEASE",
            Line::Restart => "RESTART",
        }
    }
    fn form(&self) -> Form {
        match self {
            Line::Setup { .. } => Form::Request,
            Line::Alerting { .. } | Line::Restart => Form::Reply,
            Line::Connect { .. } => Form::Accept,
            Line::Release { cause: Cause::Normal, .. } | Line::Disconnect { .. } => Form::Reply,
            Line::Release { .. } => Form::Refuse,
        }
    }
    fn bytes(&self) -> u32 {
        24
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Line::Setup { call, area, show } => {
                let mut fields = vec![("call", call.to_string()), ("to area", (area + 1).to_string())];
                fields.extend(show.then(|| ("number", "the show".to_owned())));
                fields
            }
            Line::Alerting { call } | Line::Connect { call } => vec![("call", call.to_string())],
            Line::Disconnect { call, cause } | Line::Release { call, cause } => {
                vec![("call", call.to_string()), ("cause", cause.to_string())]
            }
            Line::Restart => Vec::new(),
        }
    }
}
