//! What members say to one another: messages, and the news that ride on them.

use std::fmt;
use std::rc::Rc;

use crate::protocols::{Family, Form, Wire};
use crate::sim::NodeId;

/// Which life of a member, and its incarnation number in it. Only the member itself counts either of them up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation {
    /// Counts its starts, from 1.
    pub life: u32,
    /// Counts its refutations in this life.
    pub number: u32,
}

impl Incarnation {
    /// The one that everybody begins with, and that is assumed of one of whom nothing was heard yet.
    pub const FIRST: Incarnation = Incarnation { life: 1, number: 0 };
}

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.life, self.number)
    }
}

/// What a member takes another for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It answers.
    Alive,
    /// It did not answer, and has some time to say otherwise.
    Suspect,
    /// It is taken for dead.
    Faulty,
    /// It has said goodbye.
    Left,
}

impl Standing {
    /// In a word.
    pub fn word(self) -> &'static str {
        match self {
            Standing::Alive => "alive",
            Standing::Suspect => "suspected",
            Standing::Faulty => "faulty",
            Standing::Left => "left",
        }
    }
    /// Whether it is on the list of those who are there.
    pub fn counts(self) -> bool {
        matches!(self, Standing::Alive | Standing::Suspect)
    }
}

/// One piece of news about a member: the paper's {Alive}, {Suspect} and {Confirm}, and that it has left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct News {
    /// About whom.
    pub node: NodeId,
    /// What it is taken for.
    pub standing: Standing,
    /// In which incarnation.
    pub incarnation: Incarnation,
}

impl News {
    /// That a member is alive.
    pub fn alive(node: NodeId, incarnation: Incarnation) -> News {
        News { node, standing: Standing::Alive, incarnation }
    }

    /// What decides between two pieces of news about one member: the greater wins, and of two alike the one that was
    /// there. These are the rules of the paper's section 4.2, within each life:
    /// {Alive i} overrides {Alive j} and {Suspect j} for i > j; {Suspect i} overrides {Suspect j} for i > j and
    /// {Alive j} for i ≥ j; {Confirm} overrides both, whatever their numbers.
    fn weight(self) -> (u32, u8, u32, u8) {
        let Incarnation { life, number } = self.incarnation;
        match self.standing {
            Standing::Alive => (life, 0, number, 0),
            Standing::Suspect => (life, 0, number, 1),
            Standing::Faulty | Standing::Left => (life, 1, 0, 0),
        }
    }

    /// Whether it takes the place of `known`, which is about the same member.
    pub fn overrides(self, known: News) -> bool {
        self.weight() > known.weight()
    }

    /// Whether it takes the place of `guess`, which nobody vouches for: who was thought to be dead may be alive after all,
    /// in the same incarnation. That others do not hear of it either (suspect it) says nothing new.
    pub fn corrects(self, guess: News) -> bool {
        let lives = self.incarnation.life == guess.incarnation.life && guess.standing == Standing::Faulty;
        if lives { self.standing == Standing::Alive } else { self.overrides(guess) }
    }
}

impl fmt::Display for News {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.standing {
            Standing::Alive => "Alive",
            Standing::Suspect => "Suspect",
            Standing::Faulty => "Confirm",
            Standing::Left => "Leave",
        };
        write!(f, "{{{name} {} {}}}", self.node, self.incarnation)
    }
}

/// What everything that is sent tells besides: that its sender is alive, and some news.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Rider {
    /// The sender's own incarnation.
    pub me: Incarnation,
    /// The news.
    pub news: Rc<[News]>,
}

/// Between members.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Are you there?
    Ping {
        /// The sender's number for it.
        number: u32,
        /// What rides on it.
        rider: Rider,
    },
    /// Ask this one for me: I hear nothing of it.
    PingReq {
        /// Whom.
        target: NodeId,
        /// The sender's number for it.
        number: u32,
        /// What rides on it.
        rider: Rider,
    },
    /// It is there: the answer of the one who was asked, or handed on by the one who asked in another's place.
    Ack {
        /// Who is there.
        of: NodeId,
        /// The number of the ping, or of the ping-req.
        number: u32,
        /// What rides on it.
        rider: Rider,
    },
    /// Take me in.
    Join {
        /// What rides on it.
        rider: Rider,
    },
    /// This is my list.
    Welcome {
        /// All of it rides on it.
        rider: Rider,
    },
}

impl Message {
    /// What rides on it.
    pub fn rider(&self) -> &Rider {
        match self {
            Message::Ping { rider, .. }
            | Message::PingReq { rider, .. }
            | Message::Ack { rider, .. }
            | Message::Join { rider }
            | Message::Welcome { rider } => rider,
        }
    }
}

impl Wire for Message {
    const FAMILY: Family = Family::Control;
    fn name(&self) -> &'static str {
        match self {
            Message::Ping { .. } => "Ping",
            Message::PingReq { .. } => "Ping-req",
            Message::Ack { .. } => "Ack",
            Message::Join { .. } => "Join",
            Message::Welcome { .. } => "Welcome",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Ping { .. } => Form::Beat,
            Message::PingReq { .. } | Message::Join { .. } => Form::Request,
            Message::Ack { .. } | Message::Welcome { .. } => Form::Reply,
        }
    }
    /// Kind, number, incarnation and length; four bytes of address, nine of standing and incarnation a piece of news.
    fn bytes(&self) -> u32 {
        16 + 13 * self.rider().news.len() as u32
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        let mut fields = Vec::new();
        match self {
            Message::Ping { number, .. } => fields.push(("number", number.to_string())),
            Message::PingReq { target, number, .. } => {
                fields.extend([("number", number.to_string()), ("target", target.to_string())]);
            }
            Message::Ack { of, number, .. } => {
                fields.extend([("number", number.to_string()), ("of", of.to_string())]);
            }
            Message::Join { .. } | Message::Welcome { .. } => {}
        }
        let rider = self.rider();
        fields.push(("incarnation", rider.me.to_string()));
        if !rider.news.is_empty() {
            fields.push(("news", rider.news.iter().map(News::to_string).collect::<Vec<_>>().join(" ")));
        }
        fields
    }
}
