//! A box office: one ticket is left at a time, and whoever buys it must be the only one who does. What guards it, a
//! buyer's request says: see [`Guard`].

use crate::protocols::Family;
use crate::protocols::lease::{Guard, Sale, Told};
use crate::sim::{Component, Context, Disk, Dist, Look, Machine, Micros, NodeId, Table};

use super::{Fact, Glyph, Message, Placeable};

/// How many buyers it knows the last question of; of more it does not tell a question that came twice.
pub const MAX_BUYERS: usize = 4_096;

crate::config! {
    /// What can be set about a box office.
    pub struct BoxOfficeConfig {
        /// Whether it looks at fencing tokens; not to is a mistake.
        fencing: bool = true, in 0, 0, "";
    }
}

/// What is on its disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Book {
    /// How many tickets are sold: the number of the last one.
    sold: u64,
    /// The largest token that it has seen.
    token: u64,
    /// The last question of each buyer.
    asked: Table<NodeId, u64>,
}

/// A line of its book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    by: NodeId,
    number: u64,
    token: Option<u64>,
    /// The ticket that is sold.
    ticket: Option<u64>,
}

impl Disk for Book {
    type Write = Line;
    fn apply(&mut self, line: Line) {
        self.sold = self.sold.max(line.ticket.unwrap_or(0));
        self.token = self.token.max(line.token.unwrap_or(0));
        if self.asked.len() < MAX_BUYERS || self.asked.contains_key(&line.by) {
            self.asked.insert(line.by, line.number);
        }
    }
}

/// What it waits for: a line is on the disk, and then this is said.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Timer(Line, Sale);

/// A box office.
#[derive(Clone, Debug, Hash)]
pub struct BoxOffice {
    /// With what is on its way to the disk.
    book: Book,
    refused: u64,
}

impl BoxOffice {
    fn answer(&mut self, cx: &mut Context<Self>, line: Line, answer: Sale) {
        self.book.apply(line);
        // Also a token that was only shown is written down: one who comes after a crash with an older one is refused.
        cx.persist(line, Some(Timer(line, answer)));
    }

    fn refuse(&mut self, cx: &mut Context<Self>, by: NodeId, number: u64, token: Option<u64>) {
        self.refused += 1;
        cx.measure("refused", 1);
        cx.fact(Fact::Lease(Told::TurnedAway { by, token }));
        cx.send(by, Sale::Refused { number }.into());
    }
}

impl Component for BoxOffice {
    type Message = Message;
    type Config = BoxOfficeConfig;
    type Disk = Book;
    type Timer = Timer;

    fn boot(_: &mut Context<Self>, disk: &Book) -> Self {
        BoxOffice { book: disk.clone(), refused: 0 }
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        let Message::Sale(Sale::Look { number, token, guard } | Sale::Buy { number, token, guard, .. }) = message
        else {
            return super::not_understood(cx, from, &message);
        };
        // It came a second time, or late.
        if self.book.asked.get(&from).is_some_and(|last| *last >= number) {
            return;
        }
        let fenced = guard == Guard::FencingToken && cx.config().fencing;
        if fenced && token.is_none_or(|token| token < self.book.token) {
            return self.refuse(cx, from, number, token);
        }
        let Message::Sale(Sale::Buy { ticket, .. }) = message else {
            let answer = Sale::Left { number, ticket: self.book.sold + 1 };
            return self.answer(cx, Line { by: from, number, token, ticket: None }, answer);
        };
        if guard == Guard::CompareAndSet && ticket != self.book.sold + 1 {
            return self.refuse(cx, from, number, token);
        }
        self.answer(cx, Line { by: from, number, token, ticket: Some(ticket) }, Sale::Sold { number, ticket });
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, Timer(line, answer): Timer) {
        let Line { by, token, .. } = line;
        cx.fact(Fact::Lease(match line.ticket {
            Some(ticket) => Told::Sold { ticket, by, token },
            None => Told::Looked { by, token },
        }));
        if line.ticket.is_some() {
            cx.measure("sold", 1);
        }
        cx.send(by, answer.into());
    }

    fn look(&self, _: &BoxOfficeConfig) -> Look {
        let lines = vec![
            ("sold", self.book.sold.to_string()),
            ("largest token", self.book.token.to_string()),
            ("turned away", self.refused.to_string()),
        ];
        Look { role: "open".into(), ready: true, lines, ..Look::default() }
    }

    fn timer_name(Timer(line, _): &Timer) -> &'static str {
        if line.ticket.is_some() { "sale written" } else { "token written" }
    }
}

impl Placeable for BoxOffice {
    const KIND: &'static str = "box-office";
    const TITLE: &'static str = "Box office";
    const ABOUT: &'static str = crate::later_text!(
        "Sells tickets, of which one is left at a time, and refuses whoever comes with an old token or wants one that is gone."
    );
    const GLYPH: Glyph = Glyph::Database;
    const FAMILY: Family = Family::Storage;
    const TALKS_TO: &'static [&'static str] = &["buyer"];
    fn machine() -> Machine {
        Machine {
            service: Dist::Constant(Micros(500)),
            disk: Dist::Lognormal { median: Micros::ms(2), p99: Micros::ms(8) },
            startup: Micros::ms(300),
            ..Machine::default()
        }
    }
}
