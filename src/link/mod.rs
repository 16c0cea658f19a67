//! A MOMENT ⇄ A URL FRAGMENT. `docs/link.md` describes the format for those who write links by hand.
//!
//! Three forms: a scenario from its beginning (`1.chat`); a moment of it, readable
//! (`1~chat.r~1.kill~gateway-1~10s.at~12s.k~0f1e2d3c`); and anything, packed (`1z~chat~….k~0f1e2d3c`). Which one it is
//! stands right after the version, so that no beginning of a longer link is a shorter one: a paste that lost its end
//! never shows another run.

mod deflate;
mod estimate;
mod letters;
mod limits;
mod packed;
mod plain;

use std::fmt;
use std::rc::Rc;

use crate::scenario::schema::schema;
use crate::scenario::{Document, Layout, MAX_DOCUMENT, builtin, builtins, hidden};
use crate::sim::{Table, Value, nearest};
use crate::timeline::{Cursor, Moment, Stamped};

use limits::{check_document, check_limits};

pub use estimate::{EVENTS_A_SECOND, MAX_REPLAY, steps_to};

/// The version of codec and schema, with which every link begins.
pub const VERSION: u32 = 1;
/// The revision of the engine and the components: counts up whenever the same document, seed and acts may run otherwise.
pub const ENGINE: u32 = 2;
/// How long a link may be, in bytes.
pub const MAX_LINK: usize = 200_000;
/// Up to this many characters a link fits every messenger.
pub const SHORT: usize = 1_900;
/// Up to this many characters most programs leave a link whole.
pub const AMBER: usize = 8_000;
/// How many acts, settings and moved components a link may name and still be readable.
pub const MAX_READABLE: usize = 24;
/// How long a name, a value or a selection may be, in characters.
pub const MAX_WORD: usize = 200;
/// How many settings a link may have.
pub const MAX_SETTINGS: usize = 256;
/// How many components a link may have moved.
pub const MAX_MOVED: usize = 2_000;
/// How many bytes a packed link may unpack to.
pub const MAX_UNPACKED: usize = 4 * MAX_DOCUMENT;

/// How many views beside the stage a link may open.
pub const MAX_VIEWS: usize = 2;
/// The views beside the stage, by their names in links.
pub const VIEWS: [&str; 4] = ["space-time", "log", "trace", "charts"];

/// What is selected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Picked {
    /// A component.
    Node(String),
    /// The link between two.
    Between(String, String),
    /// A message, by the number of the record of its sending.
    Message(u64),
}

/// What the reader's page needs besides the run.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The digest of the run at the cursor, where the link was made: tells whether the reader sees the same.
    pub digest: Option<u64>,
    /// Simulated seconds a second; the document's own when silent.
    pub speed: Option<f64>,
    /// What is selected.
    pub selection: Option<Picked>,
    /// The views that are open beside the stage, of [`VIEWS`].
    pub views: Vec<String>,
    /// The step of the lesson that is open, from 1 on; the first when silent.
    pub step: Option<u32>,
    /// Whether the run goes on at once.
    pub playing: bool,
    /// How the components are arranged; as the document says when silent.
    pub layout: Option<Layout>,
    /// Components that were moved by hand, and where to.
    pub moved: Table<String, (i32, i32)>,
}

impl Default for Shown {
    /// As a scenario opens by itself: it plays.
    fn default() -> Shown {
        Shown {
            digest: None,
            speed: None,
            selection: None,
            views: Vec::new(),
            step: None,
            playing: true,
            layout: None,
            moved: Table::new(),
        }
    }
}

/// A link, without the `#`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What stands after the `#`: only `A–Z a–z 0–9 - _ . ~`, and a letter or digit at the end.
    pub fragment: String,
    /// Its length in characters.
    pub length: usize,
    /// Where a link of this length can go.
    pub budget: Budget,
}

/// Where a link of some length can go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Budget {
    /// Into every messenger: up to [`SHORT`].
    Short,
    /// Into most programs: up to [`AMBER`].
    Amber,
    /// Nowhere safely; a file is better.
    Long,
}

/// A link that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Opened {
    /// The history and the place in it.
    pub moment: Moment,
    /// What the page needs besides.
    pub shown: Shown,
    /// About how many events it takes to get to the cursor, for a bar of progress.
    pub steps: u64,
    /// What the reader should know: sentences.
    pub notes: Vec<String>,
}

/// What is wrong with a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// There is nothing.
    Empty,
    /// Longer than [`MAX_LINK`].
    TooLong,
    /// Not a link of this program at all.
    Foreign,
    /// A character that no link has.
    Character,
    /// Made by a later version.
    Version,
    /// The end is missing.
    Incomplete,
    /// Something in it was changed.
    Damaged,
    /// What was packed cannot be unpacked.
    Packing,
    /// A word, number or time that does not say anything.
    Word,
    /// More or longer than a link may hold.
    Limit,
    /// A scenario that is not there.
    Scenario,
    /// A document that has problems.
    Document,
    /// A setting that the document does not take.
    Setting,
}

/// Why a link cannot be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LinkError {
    /// What is wrong.
    pub kind: Fault,
    /// What is wrong and what to do: sentences.
    pub told: String,
    /// A built-in scenario that can be opened in its place.
    pub safe: Option<String>,
}

impl LinkError {
    fn new(kind: Fault, told: impl Into<String>) -> LinkError {
        LinkError { kind, told: told.into(), safe: None }
    }
}

impl fmt::Display for LinkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.told)
    }
}

impl std::error::Error for LinkError {}

/// Where the documents are that links call by name.
pub trait Shelf {
    /// Their names.
    fn names(&self) -> Vec<&str>;
    /// One of them.
    fn find(&self, name: &str) -> Option<Document>;
}

/// The built-in scenarios.
pub struct Builtins;

impl Shelf for Builtins {
    fn names(&self) -> Vec<&str> {
        builtins().collect()
    }
    fn find(&self, name: &str) -> Option<Document> {
        builtin(name).ok()
    }
}

schema! {
    /// What a link says of a scenario, whichever its form and version: the present schema. Packed, it is this as JSON.
    #[derive(Debug, Default)]
    struct Parts {
        /// The revision of the engine that it was made with.
        engine: Option<u32> [silent],
        /// The revision of the scenario that it was made with.
        revision: Option<u32> [silent],
        /// The scenario, where it is not on every reader's shelf.
        document: Option<Rc<Document>> [silent],
        /// The seed, where it is not the scenario's.
        seed: Option<u64> [silent],
        /// Dials set before the start.
        with: Vec<(String, Value)> [silent],
        /// What was done, in order.
        acts: Vec<Stamped> [silent],
        /// The place; the beginning when silent.
        cursor: Option<Cursor> [silent],
        /// The digest of the run there.
        digest: Option<u64> [silent],
        /// Simulated seconds a second.
        speed: Option<f64> [silent],
        /// The component that is selected.
        selection: Option<String> [silent],
        /// Or the link.
        between: Option<(String, String)> [silent],
        /// Or the message.
        message: Option<u64> [silent],
        /// The views beside the stage.
        views: Vec<String> [silent],
        /// The step of the lesson.
        step: Option<u32> [silent],
        /// When silent, it plays from the beginning and stands still at any other place.
        playing: Option<bool> [silent],
        /// How the components are arranged, where another way was chosen.
        layout: Option<Layout> [silent],
        /// Components that were moved by hand.
        moved: Table<String, (i32, i32)> [silent],
    }
}

/// The scenario's name, which stands in plain sight in every form, and the rest.
type Said = (String, Parts);

/// Takes the whole text and what follows the version, and says it in the present schema.
type Reader = fn(&str, &str) -> Result<Said, LinkError>;

/// One reader a version, the first for version 1. When the schema changes, the old reader stays, and upgrades what it
/// has read.
const READERS: [Reader; VERSION as usize] = [read_1];

/// Where a link leads: the address of a page, and a fragment with or without its `#`.
pub fn address(page: &str, fragment: &str) -> String {
    format!("{page}#{}", fragment.trim_start_matches('#'))
}

/// The link to a moment.
pub fn write(moment: &Moment, shown: &Shown) -> Link {
    write_with(moment, shown, &Builtins)
}

/// As [`write`], with documents of one's own on the shelf.
pub fn write_with(moment: &Moment, shown: &Shown, shelf: &dyn Shelf) -> Link {
    let document = &moment.document;
    let fragment = match shelf.find(&document.name).filter(|known| *known == **document) {
        Some(_) => {
            // Were another name a beginning of this one, a paste that lost its end would open the other.
            let distinct = !shelf.names().iter().any(|name| *name != document.name && document.name.starts_with(name));
            if distinct && is_beginning(moment, shown) {
                format!("{VERSION}.{}", document.name)
            } else {
                let plain = sealed(plain::write(&document.name, &parts(moment, shown)));
                let words = moment.acts.len() + moment.settings.len() + shown.moved.len();
                let readable = words <= MAX_READABLE && plain.len() <= SHORT && plain::can_tell(&moment.acts);
                if readable { plain } else { sealed(packed::write(&document.name, &parts(moment, shown))) }
            }
        }
        None => {
            let whole = Parts { revision: None, document: Some(document.clone()), ..parts(moment, shown) };
            sealed(packed::write(&document.name, &whole))
        }
    };
    let length = fragment.len();
    let budget = if length <= SHORT {
        Budget::Short
    } else if length <= AMBER {
        Budget::Amber
    } else {
        Budget::Long
    };
    Link { fragment, length, budget }
}

/// Whether a moment is a scenario from its beginning, untouched. A digest adds nothing to that.
fn is_beginning(moment: &Moment, shown: &Shown) -> bool {
    moment.seed == moment.document.seed
        && moment.settings.is_empty()
        && moment.acts.is_empty()
        && moment.cursor == Cursor::default()
        && Shown { digest: shown.digest, ..Shown::default() } == *shown
}

fn parts(moment: &Moment, shown: &Shown) -> Parts {
    let document = &moment.document;
    let (mut selection, mut between, mut message) = (None, None, None);
    match shown.selection.clone() {
        Some(Picked::Node(name)) => selection = Some(name),
        Some(Picked::Between(from, to)) => between = Some((from, to)),
        Some(Picked::Message(record)) => message = Some(record),
        None => {}
    }
    Parts {
        engine: Some(ENGINE),
        revision: Some(document.revision),
        document: None,
        seed: (moment.seed != document.seed).then_some(moment.seed),
        with: moment.settings.clone(),
        acts: moment.acts.clone(),
        cursor: (moment.cursor != Cursor::default()).then_some(moment.cursor),
        digest: shown.digest,
        speed: shown.speed,
        selection,
        between,
        message,
        views: shown.views.clone(),
        step: shown.step,
        playing: (shown.playing != (moment.cursor == Cursor::default())).then_some(shown.playing),
        layout: shown.layout,
        moved: shown.moved.clone(),
    }
}

/// The text with its checksum.
fn sealed(text: String) -> String {
    format!("{text}.k~{:08x}", letters::crc32(text.as_bytes()))
}

/// Reads a link: a fragment with or without its `#`, or a whole address.
///
/// # Errors
/// What is wrong with it and what to do, and a scenario that can be opened in its place.
pub fn read(fragment: &str) -> Result<Opened, LinkError> {
    read_with(fragment, &Builtins)
}

/// As [`read`], with documents of one's own on the shelf.
///
/// # Errors
/// As [`read`].
pub fn read_with(fragment: &str, shelf: &dyn Shelf) -> Result<Opened, LinkError> {
    if fragment.len() > MAX_LINK {
        let told = format!("This link is {} characters long; {MAX_LINK} is the limit.", fragment.len());
        return Err(LinkError::new(Fault::TooLong, format!("{told} Ask its sender for the scenario as a file.")));
    }
    let text = letters::tidy(fragment);
    let opened = read_text(&text).and_then(|(name, parts)| settle(&name, parts, shelf));
    opened.map_err(|error| LinkError { safe: safe(&text, shelf), ..error })
}

fn read_text(text: &str) -> Result<Said, LinkError> {
    if text.is_empty() {
        return Err(LinkError::new(Fault::Empty, "There is no link here."));
    }
    if let Some((place, found)) = text.chars().enumerate().find(|(_, c)| !letters::allowed(*c)) {
        let found = if found.is_ascii_graphic() { format!("\"{found}\"") } else { format!("U+{:04X}", found as u32) };
        let told = format!("This link has a character that no link has, {found} at place {}.", place + 1);
        return Err(LinkError::new(Fault::Character, format!("{told} Copy it again from where it was made.")));
    }
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (version, rest) = text.split_at(digits);
    let version: u32 = match version.parse() {
        Ok(version) if version > 0 && digits < 6 => version,
        _ => {
            let told = "This is not a link of Faultline: its links begin with a version and a scenario, as in #1.chat.";
            return Err(LinkError::new(Fault::Foreign, told));
        }
    };
    let Some(reader) = READERS.get(version as usize - 1) else {
        let told = format!("This link was made by a later version of Faultline (its form is {version}; the latest");
        return Err(LinkError::new(
            Fault::Version,
            format!("{told} known here is {VERSION}). Reload the page to get it."),
        ));
    };
    reader(text, rest)
}

fn read_1(text: &str, rest: &str) -> Result<Said, LinkError> {
    let incomplete = || {
        let told = "This link is incomplete: its end is missing. Copy the whole of it again from where it was made";
        LinkError::new(Fault::Incomplete, format!("{told}; a link written by hand ends in .end"))
    };
    if let Some(name) = rest.strip_prefix('.') {
        if let Some((name, _)) = name.split_once(['.', '~']) {
            let told = format!("A link that says more than a scenario's name begins with 1~{name}, not with 1.{name}.");
            return Err(LinkError::new(Fault::Word, told));
        }
        return if name.is_empty() { Err(incomplete()) } else { Ok((name.to_owned(), Parts::default())) };
    }
    let (content, end) = text.rsplit_once('.').ok_or_else(incomplete)?;
    let by_hand = end == "end";
    if !by_hand {
        let sum = end.strip_prefix("k~").filter(|sum| sum.len() == 8).ok_or_else(incomplete)?;
        if sum != format!("{:08x}", letters::crc32(content.as_bytes())) {
            let told =
                "This link was changed on its way: its checksum does not fit. Copy it again from where it was made";
            return Err(LinkError::new(
                Fault::Damaged,
                format!("{told}; if you have edited it, let it end in “.end”."),
            ));
        }
    }
    // The content begins with the version, since that is longer than nothing and has no dot.
    let content = content.get(text.len() - rest.len()..).ok_or_else(incomplete)?;
    match content.as_bytes() {
        [b'~', ..] => plain::read(&content[1..]),
        [b'z', b'~', ..] => packed::read(&content[2..]),
        _ => {
            let told = "This link is in no form that is known: after the version stands . or ~ and a scenario's name.";
            Err(LinkError::new(Fault::Foreign, told))
        }
    }
}

/// Checks what a link says, and gives it the document.
fn settle(name: &str, parts: Parts, shelf: &dyn Shelf) -> Result<Opened, LinkError> {
    check_limits(&parts)?;
    let mut notes = Vec::new();
    let known = match &parts.document {
        Some(document) => {
            check_document(document, name)?;
            true
        }
        None => false,
    };
    let document = match parts.document {
        Some(document) => document,
        None => Rc::new(shelf.find(name).ok_or_else(|| unknown(name, shelf))?),
    };
    let same = known || parts.revision.is_none_or(|revision| revision == document.revision);
    if !same {
        notes.push(format!(
            "This link was made with another revision of the scenario ({}; here it is {}): the run may differ from what \
             its sender saw.",
            parts.revision.unwrap_or_default(),
            document.revision
        ));
    }
    if let Some(engine) = parts.engine.filter(|engine| *engine != ENGINE) {
        notes.push(format!(
            "This link was made with another revision of the engine ({engine}; here it is {ENGINE}): the run may differ \
             from what its sender saw."
        ));
    }
    let mut settings = parts.with;
    if !same {
        // The dial may have gone with the old revision; the rest of the link still stands.
        let mut left_out = Vec::new();
        settings.retain(|setting| match document.with_settings(std::slice::from_ref(setting)) {
            Ok(_) => true,
            Err(problem) => {
                left_out.push(problem);
                false
            }
        });
        if let Some(first) = left_out.first() {
            let more = if left_out.len() > 1 { format!(" (and {} more)", left_out.len() - 1) } else { String::new() };
            notes.push(format!("A setting was left out{more}: {first}."));
        }
    }
    let set = document.with_settings(&settings).map_err(|problem| {
        let told = format!("This link sets what cannot be set: {problem}.");
        LinkError::new(Fault::Setting, told)
    })?;
    let mut cursor = parts.cursor.unwrap_or_default();
    let mut digest = parts.digest;
    let playing = parts.playing.unwrap_or(cursor == Cursor::default());
    let steps = cursor
        .steps
        .unwrap_or(u64::MAX)
        .min(steps_to(&set, cursor.at).saturating_add(estimate::steps_of(&parts.acts, cursor.at)));
    let far = format!("This link goes to {} s; to replay the run up to there takes", cursor.at.0 / 1_000_000);
    if steps > MAX_REPLAY || cursor.steps.is_some_and(|steps| steps > MAX_REPLAY) {
        let minutes = 1 + steps / EVENTS_A_SECOND / 60;
        notes.push(format!("{far} some {minutes} minutes. It stands at its beginning instead; all acts are there."));
        (cursor, digest) = (Cursor::default(), None);
    } else if steps > 5 * EVENTS_A_SECOND {
        notes.push(format!("{far} about {} seconds.", steps / EVENTS_A_SECOND));
    }
    let steps = if cursor == Cursor::default() { 0 } else { steps };
    let seed = parts.seed.unwrap_or(document.seed);
    let between = parts.between.map(|(from, to)| Picked::Between(from, to));
    let selection = parts.selection.map(Picked::Node).or(between).or(parts.message.map(Picked::Message));
    let Parts { speed, views, step, layout, moved, acts, .. } = parts;
    let shown = Shown { digest, speed, selection, views, step, playing, layout, moved };
    Ok(Opened { moment: Moment { document, seed, settings, acts, cursor }, shown, steps, notes })
}

/// A stranger's text, short and harmless enough to repeat in a sentence.
fn clean(text: &str) -> String {
    text.chars().filter(|c| !hidden(*c)).take(60).collect()
}

fn unknown(name: &str, shelf: &dyn Shelf) -> LinkError {
    let told = match near(name, shelf) {
        Some(near) => format!("There is no built-in scenario \"{}\"; did you mean \"{near}\"?", clean(name)),
        None => format!("There is no built-in scenario \"{}\". The gallery shows which there are.", clean(name)),
    };
    LinkError::new(Fault::Scenario, told)
}

/// The scenario that was probably meant: the nearest by its letters, or one that begins like this.
fn near(name: &str, shelf: &dyn Shelf) -> Option<String> {
    let names = shelf.names();
    let longer = || names.iter().find(|known| name.len() > 1 && known.starts_with(name)).copied();
    nearest(name, names.iter().copied()).or_else(longer).map(str::to_owned)
}

/// The scenario that a broken link is about, if it can still be told.
fn safe(text: &str, shelf: &dyn Shelf) -> Option<String> {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    let rest = rest.strip_prefix("z~").or_else(|| rest.strip_prefix(['.', '~'])).unwrap_or(rest);
    let name: String = rest.chars().take(41).take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    near(&name, shelf).filter(|_| !name.is_empty())
}
