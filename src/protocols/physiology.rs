//! A body as a distributed system: blood that carries, organs that use, make and clear, and signals by which they keep one
//! another within bounds.
//!
//! The figures are those of textbooks for a person of 70 kg at rest (Guyton and Hall, Textbook of Medical Physiology, 13th
//! edition, 2016): 5 l of blood a minute, 250 ml of oxygen used and 200 ml of carbon dioxide made (chapters 20 and 41),
//! flows to organs (table 17-1), 4.2 l of air a minute that reach the alveoli (chapter 38). Oxygen is bound as Severinghaus
//! has it (Journal of Applied Physiology 46(3), 1979). An organ is a compartment that is mixed well, as in models of what
//! becomes of a drug: what flows out has the concentration of what is inside.
//!
//! Everything is counted in whole numbers, and what leaves one place arrives in another or is used: nothing gets lost in
//! rounding. Volumes of blood are in microlitres, gases in microlitres as they are when dry and cold, the rest in
//! micrograms.

use super::{Family, Form, Wire};

/// How much oxygen a litre of blood holds when it holds all that it can: ml.
pub const CAPACITY: f64 = 200.0;
/// The pressure of dry air: mmHg.
pub const DRY: f64 = 713.0;
/// The share of oxygen in air.
pub const AIR: f64 = 0.2093;
/// What a volume of warm, wet air in the lungs comes to when it is dry and cold.
pub const DRY_AND_COLD: f64 = 0.826;
/// The pressure of carbon dioxide that the brain aims at: mmHg.
pub const CARBON_AIM: f64 = 40.0;
/// How much carbon dioxide a litre of blood holds at that pressure: ml.
const CARBON_HELD: f64 = 480.0;
/// How much more it holds for each mmHg: ml.
const CARBON_SLOPE: f64 = 8.0;

/// What blood carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Substance {
    /// Oxygen.
    Oxygen,
    /// Carbon dioxide.
    Carbon,
    /// Glucose.
    Sugar,
    /// Urea.
    Urea,
}

/// Every one of them.
pub const SUBSTANCES: [Substance; 4] = [Substance::Oxygen, Substance::Carbon, Substance::Sugar, Substance::Urea];

impl Substance {
    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Substance::Oxygen => "oxygen",
            Substance::Carbon => "carbon dioxide",
            Substance::Sugar => "sugar",
            Substance::Urea => "urea",
        }
    }
}

/// How much of each there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Content([u64; 4]);

impl Content {
    /// What this much blood holds at these concentrations, a litre: ml of gases, milligrams of the rest.
    pub fn of(microlitres: u64, concentrations: [f64; 4]) -> Content {
        Content(concentrations.map(|one| (one * microlitres as f64 / 1e3) as u64))
    }
    /// How much of one.
    pub fn get(&self, what: Substance) -> u64 {
        self.0[what as usize]
    }
    /// How much a litre there is of one in so much: ml, or milligrams.
    pub fn concentration(&self, what: Substance, microlitres: u64) -> f64 {
        self.get(what) as f64 * 1e3 / microlitres.max(1) as f64
    }
    /// Adds some of one.
    pub fn add(&mut self, what: Substance, much: u64) {
        self.0[what as usize] += much;
    }
    /// Takes some of one, or all that there is; how much that was.
    pub fn take(&mut self, what: Substance, much: u64) -> u64 {
        let taken = much.min(self.get(what));
        self.0[what as usize] -= taken;
        taken
    }
    /// Adds all of another.
    pub fn pour(&mut self, other: &Content) {
        for (own, more) in self.0.iter_mut().zip(other.0) {
            *own += more;
        }
    }
    /// Takes out what so much of so much holds, and says what that is.
    pub fn draw(&mut self, microlitres: u64, of: u64) -> Content {
        self.draw_each(microlitres, [of; 4])
    }
    fn draw_each(&mut self, microlitres: u64, of: [u64; 4]) -> Content {
        let mut drawn = Content::default();
        for ((own, taken), of) in self.0.iter_mut().zip(&mut drawn.0).zip(of) {
            // Rounded down; what is left over stays.
            *taken = (u128::from(*own) * u128::from(microlitres.min(of)) / u128::from(of.max(1))) as u64;
            *own -= *taken;
        }
        drawn
    }
}

/// A compartment, into which each substance spreads as far as it does: oxygen and urea within its blood, carbon dioxide
/// and sugar into the water around it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Tissue {
    /// How far each spreads: microlitres.
    spread: [u64; 4],
    /// What is in it.
    pub content: Content,
}

/// What is in a litre of a tissue at the beginning.
const BEGINNING: [f64; 4] = [150.0, 515.0, 900.0, 240.0];

impl Tissue {
    /// A tissue with so many millilitres of blood, and of water into which carbon dioxide and sugar spread.
    pub fn new(blood_ml: u32, carbon_ml: u32, sugar_ml: u32) -> Tissue {
        let spread = [blood_ml, carbon_ml, sugar_ml, blood_ml].map(|volume| u64::from(volume) * 1_000);
        let mut content = Content::default();
        for (what, concentration) in SUBSTANCES.into_iter().zip(BEGINNING) {
            content.add(what, (concentration * spread[what as usize] as f64 / 1e3) as u64);
        }
        Tissue { spread, content }
    }
    /// Blood flows in, and as much flows out.
    pub fn pass(&mut self, microlitres: u64, content: &Content) -> Content {
        self.content.pour(content);
        self.content.draw_each(microlitres, self.spread.map(|volume| volume + microlitres))
    }
    /// How much a litre there is of one: ml, or milligrams.
    pub fn concentration(&self, what: Substance) -> f64 {
        self.content.concentration(what, self.spread[what as usize])
    }
}

/// How much oxygen a litre of blood takes up from gas in which it has this pressure: ml.
pub fn oxygen_at(pressure: f64) -> f64 {
    let pressure = pressure.max(0.1);
    let bound = 1.0 / (1.0 + 23_400.0 / (pressure * pressure * pressure + 150.0 * pressure));
    CAPACITY * bound + 0.03 * pressure
}

/// How much carbon dioxide a litre of blood holds at this pressure: ml.
pub fn carbon_at(pressure: f64) -> f64 {
    CARBON_HELD + CARBON_SLOPE * (pressure - CARBON_AIM)
}

/// At which pressure a litre of blood holds so much carbon dioxide: mmHg.
pub fn carbon_pressure(held: f64) -> f64 {
    CARBON_AIM + (held - CARBON_HELD) / CARBON_SLOPE
}

/// The gas of the lungs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gas {
    /// Dry and cold: microlitres.
    volume: u64,
    /// What of it is oxygen and carbon dioxide.
    pub content: Content,
}

impl Gas {
    /// So many millilitres, as they are at rest.
    pub fn new(millilitres: u32) -> Gas {
        let volume = (f64::from(millilitres) * 1e3 * DRY_AND_COLD) as u64;
        let mut content = Content::default();
        content.add(Substance::Oxygen, (volume as f64 * 104.0 / DRY) as u64);
        content.add(Substance::Carbon, (volume as f64 * 40.0 / DRY) as u64);
        Gas { volume, content }
    }
    /// The pressure of one of them: mmHg.
    pub fn pressure(&self, what: Substance) -> f64 {
        DRY * self.content.get(what) as f64 / self.volume.max(1) as f64
    }
    /// A breath of so many millilitres of air that reach the alveoli: what came in, and what went out.
    pub fn breathe(&mut self, millilitres: f64) -> (Content, Content) {
        // What is breathed out is as what was there; fresh air takes its place.
        let air = ((millilitres * 1e3 * DRY_AND_COLD) as u64).min(self.volume);
        let spent = self.content.draw(air, self.volume);
        let mut fresh = Content::default();
        fresh.add(Substance::Oxygen, (air as f64 * AIR) as u64);
        self.content.pour(&fresh);
        (fresh, spent)
    }
    /// Blood passes, and leaves in balance with the gas.
    pub fn exchange(&mut self, microlitres: u64, blood: &mut Content) {
        for (what, held) in [
            (Substance::Oxygen, oxygen_at(self.pressure(Substance::Oxygen))),
            (Substance::Carbon, carbon_at(self.pressure(Substance::Carbon))),
        ] {
            let (has, will) = (blood.get(what), (held * microlitres as f64 / 1e3).max(0.0) as u64);
            if will > has {
                blood.add(what, self.content.take(what, will - has));
            } else {
                self.content.add(what, blood.take(what, has - will));
            }
        }
    }
}

/// Between organs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// Blood.
    Blood {
        /// How much: microlitres.
        microlitres: u64,
        /// What is in it.
        content: Content,
    },
    /// An organ opens its vessels: so much blood would flow through it.
    Need {
        /// Millilitres a minute.
        flow: u32,
    },
    /// What muscles tell the brain of their work.
    Effort {
        /// The oxygen that they use: millilitres a minute.
        oxygen: u32,
    },
    /// What the brain tells the lungs.
    Breathe {
        /// How much air is to reach the alveoli: millilitres a minute.
        air: u32,
    },
    /// What the pancreas tells the liver and the muscles.
    Hormone {
        /// Insulin above zero: store sugar; glucagon below: release it. Milligrams a minute.
        store: i32,
    },
}

impl Wire for Message {
    const FAMILY: Family = Family::Work;
    fn name(&self) -> &'static str {
        match self {
            Message::Blood { .. } => "Blood",
            Message::Need { .. } => "Need",
            Message::Effort { .. } => "Effort",
            Message::Breathe { .. } => "Breathe",
            Message::Hormone { store } if *store >= 0 => "Insulin",
            Message::Hormone { .. } => "Glucagon",
        }
    }
    fn form(&self) -> Form {
        match self {
            Message::Blood { microlitres, content } => {
                let oxygen = content.concentration(Substance::Oxygen, *microlitres);
                if oxygen > 0.85 * CAPACITY { Form::Accept } else { Form::Refuse }
            }
            Message::Breathe { .. } | Message::Hormone { .. } => Form::Request,
            _ => Form::Beat,
        }
    }
    fn bytes(&self) -> u32 {
        16
    }
    fn fields(&self) -> Vec<(&'static str, String)> {
        match self {
            Message::Blood { microlitres, content } => {
                let litre = |what| (content.concentration(what, *microlitres) as i64).to_string();
                vec![
                    ("ml", (microlitres / 1_000).to_string()),
                    ("oxygen ml/l", litre(Substance::Oxygen)),
                    ("carbon dioxide ml/l", litre(Substance::Carbon)),
                    ("sugar mg/l", litre(Substance::Sugar)),
                    ("urea mg/l", litre(Substance::Urea)),
                ]
            }
            Message::Need { flow } => vec![("ml/min", flow.to_string())],
            Message::Effort { oxygen } => vec![("oxygen ml/min", oxygen.to_string())],
            Message::Breathe { air } => vec![("air ml/min", air.to_string())],
            Message::Hormone { store } => vec![("mg/min", store.unsigned_abs().to_string())],
        }
    }
}

/// An organ's books, all from when it began: what came and what went, and what is there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Ledger {
    /// What it began with.
    pub began: Content,
    /// What blood brought.
    pub brought: Content,
    /// What blood took away.
    pub took: Content,
    /// What came in from outside of the body, or was made.
    pub made: Content,
    /// What was used up, or left the body.
    pub used: Content,
    /// What is there.
    pub holds: Content,
}

impl Ledger {
    /// Of what there is more or less than there must be: what, and by how much.
    pub fn wrong(&self) -> Option<(Substance, i64)> {
        let off = |what: Substance| {
            let [came, went] = [[self.began, self.brought, self.made], [self.took, self.used, self.holds]]
                .map(|side| side.iter().map(|part| part.get(what)).sum::<u64>());
            (what, went as i64 - came as i64)
        };
        SUBSTANCES.into_iter().map(off).find(|(_, off)| *off != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(found: f64, right: f64, tolerance: f64) {
        assert!((found - right).abs() <= tolerance, "{found}, not {right}");
    }

    #[test]
    fn blood_holds_what_the_textbook_says() {
        // Saturation at 100, 40 and 26.8 mmHg: 97.5, 75 and 50 per cent.
        for (pressure, share) in [(100.0, 0.975), (40.0, 0.75), (26.8, 0.5)] {
            near((oxygen_at(pressure) - 0.03 * pressure) / CAPACITY, share, 0.01);
        }
        near(carbon_pressure(carbon_at(45.0)), 45.0, 1e-9);
        near(carbon_at(45.0) - carbon_at(40.0), 40.0, 1e-9);
    }

    #[test]
    fn nothing_is_lost_in_a_tissue() {
        let mut tissue = Tissue::new(500, 500, 5_000);
        let mut all = tissue.content;
        let mut out = Content::default();
        for beat in 1..1_000u64 {
            let parcel = Content([beat * 7, beat * 5, 3, beat % 11]);
            all.pour(&parcel);
            out.pour(&tissue.pass(10_000 + beat, &parcel));
        }
        out.pour(&tissue.content);
        assert_eq!(out, all);
    }

    #[test]
    fn what_flows_out_comes_to_have_what_flows_in() {
        let mut tissue = Tissue::new(100, 100, 100);
        let parcel = Content::of(10_000, [200.0, 480.0, 900.0, 240.0]);
        for _ in 0..200 {
            tissue.pass(10_000, &parcel);
        }
        near(tissue.concentration(Substance::Oxygen), 200.0, 0.5);
    }

    #[test]
    fn breath_by_breath_the_alveoli_come_to_what_the_alveolar_equation_says() {
        // 200 ml of carbon dioxide a minute into 4.2 l of air: 863 × 200 / 4200 = 41 mmHg at the end of a breath.
        let (mut gas, mut end) = (Gas::new(2_400), 0.0);
        for _ in 0..2_000 {
            gas.content.add(Substance::Carbon, 200_000 / 12);
            gas.content.take(Substance::Oxygen, 250_000 / 12);
            end = gas.pressure(Substance::Carbon);
            gas.breathe(350.0);
        }
        near(end, 863.0 * 200.0 / 4_200.0, 0.3);
    }

    #[test]
    fn books_that_do_not_balance_say_where() {
        let mut ledger = Ledger { began: Content([5, 0, 0, 0]), holds: Content([5, 0, 0, 0]), ..Ledger::default() };
        assert_eq!(ledger.wrong(), None);
        ledger.brought.add(Substance::Sugar, 3);
        assert_eq!(ledger.wrong(), Some((Substance::Sugar, -3)));
    }
}
