//! A heart: sends what comes back from the organs through the lungs, and what comes back from there to the organs, to each
//! as much as its open vessels let through. So it pumps what all of them need together, up to what it can (Guyton).

use crate::protocols::Family;
use crate::protocols::physiology::{Content, Message as Body, Substance, Tissue};
use crate::sim::{Component, Context, Look, Micros, NodeId, Table, Time, Work};

use super::body::{self, Keeper};
use super::lungs::Lungs;
use super::{Glyph, Message, Placeable};

/// How much it moves with a beat at rest: microlitres.
const STROKE: f64 = 70_000.0;
/// How much more for each litre a minute beyond five.
const STRONGER: f64 = 2_750.0;
/// After how long without a word from an organ its artery is closed, so that nobody bleeds to death.
const SILENT: Micros = Micros::secs(6);

crate::config! {
    /// What can be set about a heart.
    pub struct HeartConfig {
        /// How much it can move in a minute.
        most: u32 = 25000, in 1000, 50000, "ml/min";
        /// How much blood stands in the veins before it at the beginning.
        veins: u32 = 3000, in 500, 10000, "ml";
        /// How much oxygen its own muscle uses for each litre that it moves.
        uses: f64 = 5.4, in 0, 100, "ml";
    }
}

/// What a heart waits for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Timer {
    /// To beat.
    Beat,
    /// To write up its books.
    Books,
}

/// Some blood.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Pool {
    microlitres: u64,
    content: Content,
}

impl Pool {
    fn draw(&mut self, microlitres: u64) -> (u64, Content) {
        let much = microlitres.min(self.microlitres);
        let content = self.content.draw(much, self.microlitres);
        self.microlitres -= much;
        (much, content)
    }
    fn pour(&mut self, microlitres: u64, content: &Content) {
        self.microlitres += microlitres;
        self.content.pour(content);
    }
}

/// A heart.
#[derive(Clone, Debug, Hash)]
pub struct Heart {
    veins: Pool,
    arteries: Pool,
    muscle: Tissue,
    /// How much each organ would let through, in millilitres a minute, and when it last said so.
    needs: Table<NodeId, (u32, Time)>,
    keeper: Keeper,
    /// How much it moves: millilitres a minute.
    output: u32,
}

/// How much it moves with a beat, in microlitres, where it moves so many millilitres a minute.
fn stroke(output: f64) -> f64 {
    STROKE + STRONGER * (output / 1e3 - 5.0).clamp(-10.0, 20.0)
}

impl Heart {
    /// All needs together, within what it can; what its own muscle needs goes with them.
    fn needed(&self, cx: &Context<Self>) -> (f64, f64) {
        let now = cx.now();
        let alive = self.needs.values().filter(|(_, said)| now.since(*said) < SILENT);
        let others: f64 = alive.map(|(flow, _)| f64::from(*flow)).sum();
        // A twenty-fourth of the rest, so that it has 4 % of all (Guyton and Hall, table 17-1).
        (others, others / 24.0)
    }

    fn beat(&mut self, cx: &mut Context<Self>) {
        let (others, own) = self.needed(cx);
        let most = f64::from(cx.config().most);
        let output = (others + own).min(most);
        self.output = output as u32;
        let stroke = stroke(output);
        if output < 500.0 {
            // Nobody asks for anything.
            return cx.set(Timer::Beat, Micros::secs(1));
        }
        let every = Micros::from_f64(stroke / 1e3 / output * 60e6);
        let much = (stroke as u64).min(self.veins.microlitres / 4);
        if let Some(lungs) = cx.peers_of(Lungs::KIND).next() {
            let (microlitres, content) = self.veins.draw(much);
            self.keeper.took(&content);
            cx.send(lungs, Body::Blood { microlitres, content }.into());
        }
        let much = (stroke as u64).min(self.arteries.microlitres / 2);
        let now = cx.now();
        let shares: Vec<(NodeId, u32)> = self
            .needs
            .iter()
            .filter(|(_, (_, said))| now.since(*said) < SILENT)
            .map(|(who, (flow, _))| (*who, *flow))
            .collect();
        for (organ, flow) in shares {
            let part = (much as f64 * f64::from(flow) / (others + own)) as u64;
            let (microlitres, content) = self.arteries.draw(part);
            self.keeper.took(&content);
            cx.send(organ, Body::Blood { microlitres, content }.into());
        }
        let (microlitres, content) = self.arteries.draw((much as f64 * own / (others + own)) as u64);
        let out = self.muscle.pass(microlitres, &content);
        self.veins.pour(microlitres, &out);
        let uses = (cx.config().uses * stroke / 1e3) as u64;
        body::burn(&mut self.muscle, &mut self.keeper, uses);
        cx.measure("beats", 1);
        cx.set(Timer::Beat, every);
    }

    fn books(&mut self, cx: &mut Context<Self>) {
        let output = f64::from(self.output);
        cx.measure("blood a minute", u64::from(self.output));
        cx.measure("heart rate", (output * 1e3 / stroke(output)) as u64);
        let holds = self.holds();
        self.keeper.tell(cx, holds);
        cx.set(Timer::Books, body::EVERY);
    }

    fn holds(&self) -> Content {
        let mut holds = self.muscle.content;
        holds.pour(&self.veins.content);
        holds.pour(&self.arteries.content);
        holds
    }
}

impl Component for Heart {
    type Message = Message;
    type Config = HeartConfig;
    type Disk = ();
    type Timer = Timer;

    fn boot(cx: &mut Context<Self>, (): &()) -> Self {
        let pool = |microlitres: u64, oxygen: f64, carbon: f64| Pool {
            microlitres,
            content: Content::of(microlitres, [oxygen, carbon, 900.0, 240.0]),
        };
        let mut heart = Heart {
            veins: pool(u64::from(cx.config().veins) * 1_000, 148.0, 520.0),
            arteries: pool(600_000, 198.0, 480.0),
            muscle: Tissue::new(200, 200, 300),
            needs: Table::new(),
            keeper: Keeper::default(),
            output: 5_000,
        };
        let holds = heart.holds();
        heart.keeper.begin(holds);
        heart.books(cx);
        cx.set(Timer::Beat, Micros::ms(300));
        heart
    }

    fn on_message(&mut self, cx: &mut Context<Self>, from: NodeId, message: Message) {
        match message {
            Message::Body(Body::Blood { microlitres, content }) => {
                self.keeper.brought(&content);
                let lungs = cx.peers_of(Lungs::KIND).next() == Some(from);
                let pool = if lungs { &mut self.arteries } else { &mut self.veins };
                pool.pour(microlitres, &content);
            }
            Message::Body(Body::Need { flow }) => self.needs.insert(from, (flow.min(cx.config().most), cx.now())),
            other => super::not_understood(cx, from, &other),
        }
    }

    fn on_timer(&mut self, cx: &mut Context<Self>, timer: Timer) {
        match timer {
            Timer::Beat => self.beat(cx),
            Timer::Books => self.books(cx),
        }
    }

    fn look(&self, config: &HeartConfig) -> Look {
        let oxygen = self.arteries.content.concentration(Substance::Oxygen, self.arteries.microlitres);
        let lines = vec![
            ("moves a minute", format!("{} ml", self.output)),
            ("in the veins", format!("{} ml", self.veins.microlitres / 1_000)),
            ("oxygen in its arteries", format!("{} ml/l", oxygen as u64)),
        ];
        let tired = self.output >= config.most;
        let role = format!("{} ml/min", self.output / 100 * 100);
        Look { role: role.into(), star: true, ready: !tired, lines, ..Look::default() }
    }

    fn timer_name(timer: &Timer) -> &'static str {
        match timer {
            Timer::Beat => "beat",
            Timer::Books => "books",
        }
    }

    fn work(&self, _: &Message) -> Work {
        Work::None
    }
}

impl Placeable for Heart {
    const KIND: &'static str = "heart";
    const TITLE: &'static str = "Heart";
    const ABOUT: &'static str =
        crate::later_text!("Pumps blood through the lungs and to the organs, as much as they need together.");
    const GLYPH: Glyph = Glyph::Balancer;
    const FAMILY: Family = Family::Edge;
    const TALKS_TO: &'static [&'static str] = &["lungs", "organ", "brain"];
}
