//! The page: what stands where, which panel is open, and what everything on it comes to. One component draws it all;
//! the panels are functions from the player to elements.

use std::cell::Cell;
use std::rc::Rc;

use wasm_bindgen::JsCast;
use web_sys::{Element, HtmlCanvasElement};
use yew::virtual_dom::ListenerKind;
use yew::{Component, Context, Html, Properties};

use crate::player::{self, Action, Choosing, Draft, LogFilter, Looking, Player, Save, key_action};
use crate::scenario::Act;
use crate::scene::{Target, Theme};
use crate::sim::Time;
use crate::views::Kind;

use super::boot::Settings;
use super::breaks::breaks;
use super::dock::{self, DockHands, dock};
use super::dom::{El, Link, button, el, find, focus, place_styles};
use super::files;
use super::hands::Hands;
use super::header::{self, header};
use super::host::Shared;
use super::inspector::{dials, inspector, vitals};
use super::lesson::lesson_panel;
use super::log::{self, log};
use super::menu::{MenuAt, MenuOf, menu};
use super::overlay::{self, Offer};
use super::promises;
use super::stage::{self, stage};
use super::tape::tape;
use super::watch::Watch;

/// What the app is started with.
#[derive(Properties, PartialEq, Clone)]
pub struct AppProps {
    /// The player in its page.
    pub host: Shared,
    /// How it is shown.
    pub settings: Settings,
}

/// Everything that can happen on the page.
#[derive(Clone, Debug)]
pub enum Msg {
    /// The player has something new to show.
    Refresh,
    /// The player is to do something.
    Do(Action),
    /// The run is to stand at an instant, with what matters then selected.
    GoTo(Time, Option<Target>),
    /// A key on the stage: what it comes to, and whether it was Escape.
    Key(Option<Action>, bool),
    /// A click on the stage.
    Click(Option<Target>),
    /// The hand takes a tool, or puts it down.
    Tool(Option<char>),
    /// The hand takes the end of a new link.
    Wire,
    /// Something is to lie over the page.
    Open(Opens),
    /// Nothing is to lie over the page any more.
    Close,
    /// An entry of the menu was chosen.
    Choose(Action),
    /// One of the links is to be copied.
    Copy(usize),
    /// It was copied, or the browser would not.
    Copied(usize, bool),
    /// This moment is to be saved as a file; without a kind, what the stage shows as pixels.
    Save(Option<Save>),
    /// The link to where a promise was broken is to be copied.
    CopyBroken(usize),
    /// A panel opens or shuts.
    Flip(Fold),
    /// A part of the narrow screen's sheet.
    Show(Tab),
    /// Something about the linked views.
    Dock(Rc<DockMsg>),
}

/// What can happen to the linked views.
#[derive(Debug)]
pub enum DockMsg {
    /// They are to be so high, in pixels.
    Height(f64),
    /// The log shows other lines.
    Filter(LogFilter),
    /// The lines of the log are to be copied.
    Copy,
}

/// What can be laid over the page.
#[derive(Clone, Debug)]
pub enum Opens {
    /// The share dialog.
    Share,
    /// The keys.
    Help,
    /// A menu.
    Menu(MenuAt),
    /// The breakpoints, and one that is being written.
    Breaks(Draft),
}

/// What lies over the page.
enum Over {
    Nothing,
    Share(Offer),
    Help,
    Menu(MenuAt),
    Breaks(Draft),
}

/// What is open or shut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The lesson.
    Lesson,
    /// The right side.
    Side,
    /// Every message in the log.
    AllMessages,
    /// What must hold.
    Promises,
    /// Big type and nothing but the lesson and the stage.
    Lecture,
}

/// The parts of the narrow screen's sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    /// The lesson.
    Lesson,
    /// What is selected, and the dials.
    Node,
    /// The vital signs.
    Charts,
    /// The log.
    Log,
    /// The linked views.
    Views,
}

const TABS: [(Tab, &str); 5] = [
    (Tab::Lesson, "Lesson"),
    (Tab::Node, "Selected"),
    (Tab::Charts, "Charts"),
    (Tab::Log, "Log"),
    (Tab::Views, "Views"),
];

/// How high the views are at first: in pixels, and of the window at most.
const DOCK: (f64, f64) = (248.0, 0.3);

/// The page.
pub struct App {
    hands: Rc<Hands>,
    dock: DockHands,
    /// How high the views are, in pixels.
    height: f64,
    filter: LogFilter,
    watch: Option<Watch>,
    over: Over,
    /// What lies over the page has just come, and wants the focus.
    fresh: bool,
    open: Vec<Fold>,
    tab: Tab,
    tool: Option<char>,
    /// What was selected when the panels were last drawn.
    selected: Option<Target>,
    theme: Option<Theme>,
    /// Whether something of ours had the focus before the panels were drawn again.
    focused: Cell<bool>,
}

impl Component for App {
    type Message = Msg;
    type Properties = AppProps;

    fn create(ctx: &Context<App>) -> App {
        let (host, link) = (ctx.props().host.clone(), ctx.link().clone());
        let refresh = link.clone();
        host.on_refresh(Box::new(move || refresh.send_message(Msg::Refresh)));
        App {
            dock: DockHands::new(&host),
            height: DOCK.0.min(DOCK.1 * window_height()),
            filter: LogFilter::default(),
            hands: Rc::new(Hands::new(host, link)),
            watch: None,
            over: Over::Nothing,
            fresh: false,
            open: vec![Fold::Lesson, Fold::Side],
            tab: Tab::Lesson,
            tool: None,
            selected: None,
            theme: None,
            focused: Cell::new(false),
        }
    }

    fn update(&mut self, ctx: &Context<App>, msg: Msg) -> bool {
        let host = &ctx.props().host;
        match msg {
            Msg::Refresh => self.refreshed(host),
            // The player tells when there is something new to show.
            Msg::Do(action) => {
                host.dispatch(action);
                return false;
            }
            Msg::GoTo(at, target) => {
                host.dispatch(Action::Pause);
                host.dispatch(Action::Seek(at));
                if target.is_some() {
                    host.dispatch(Action::Select(target));
                }
            }
            Msg::Key(_, true) if self.tool.is_some() => self.tool = None,
            Msg::Key(action, _) => action.into_iter().for_each(|action| host.dispatch(action)),
            Msg::Click(on) => click(host, on, self.tool),
            Msg::Tool(tool) => self.take(host, tool),
            Msg::Wire => {
                self.tool = None;
                let action = stage::wire(&host.player());
                host.dispatch(action);
            }
            Msg::Open(opens) => self.lay_over(host, opens),
            Msg::Close => self.over = Over::Nothing,
            Msg::Choose(action) => {
                self.over = Over::Nothing;
                host.dispatch(action);
            }
            Msg::Copy(which) => {
                if let Over::Share(offer) = &self.over {
                    overlay::copy(offer, which, ctx.link());
                }
                return false;
            }
            Msg::Copied(which, well) => {
                if let Over::Share(offer) = &mut self.over {
                    offer.copied = Some((which, well));
                }
            }
            Msg::Save(save) => {
                files::save(host, save, &overlay::page());
                return false;
            }
            Msg::CopyBroken(which) => {
                overlay::copy_broken(&host.player(), which, ctx.link());
                return false;
            }
            Msg::Flip(fold) => match self.open.iter().position(|open| *open == fold) {
                Some(place) => drop(self.open.remove(place)),
                None => self.open.push(fold),
            },
            Msg::Show(tab) => self.show(host, tab),
            Msg::Dock(msg) => self.dock_told(host, &msg, ctx.link()),
        }
        true
    }

    fn view(&self, ctx: &Context<App>) -> Html {
        self.focused.set(active().is_some());
        let AppProps { host, settings } = ctx.props();
        let (player, link) = (&*host.player(), ctx.link());
        if settings.embed { self.figure(host, settings, link).into() } else { self.page(player, link).into() }
    }

    fn rendered(&mut self, ctx: &Context<App>, first: bool) {
        let AppProps { host, settings } = ctx.props();
        place_styles();
        if !host.player().views().is_empty() || !host.surfaces.is_empty() {
            dock::attach(host);
        }
        let canvas = find(".stage canvas");
        if first && let Some(canvas) = canvas.clone().and_then(|canvas| canvas.dyn_into::<HtmlCanvasElement>().ok()) {
            self.watch = Some(Watch::new(host, &canvas, settings));
            // Keys work from the beginning; a figure leaves them to its page.
            find(".page").iter().for_each(focus);
        }
        let theme = host.player().view().theme;
        if self.theme.replace(theme) != Some(theme) {
            paint_page(theme);
        }
        let wants = match self.over {
            Over::Nothing => None,
            Over::Share(_) => find(".dialog .copied button"),
            Over::Help => find(".dialog .keys"),
            Over::Breaks(_) => find(".breaks select"),
            Over::Menu(_) => find(".menu button:not([aria-disabled=true])"),
        };
        if let Some(wants) = wants.filter(|_| std::mem::take(&mut self.fresh)) {
            focus(&wants);
        } else if self.focused.get()
            && active().is_none()
            && let Some(canvas) = canvas
        {
            // What had the focus is gone: a menu that closed, a component that was removed. The keys go on working.
            focus(&canvas);
        }
    }

    fn destroy(&mut self, ctx: &Context<App>) {
        ctx.props().host.detach();
    }
}

impl App {
    fn refreshed(&mut self, host: &Shared) {
        let selected = host.player().view().selected;
        // On a narrow screen what was tapped is what one wants to see.
        if selected.is_some() && selected != self.selected && self.tab != Tab::Views {
            self.tab = Tab::Node;
        }
        self.selected = selected;
        if self.tab == Tab::Views && host.player().views().is_empty() {
            self.tab = Tab::Lesson;
        }
    }

    #[inline(never)]
    fn show(&mut self, host: &Shared, tab: Tab) {
        self.tab = tab;
        if tab == Tab::Views && host.player().views().is_empty() {
            host.dispatch(Action::Look(Looking::Open(Kind::SpaceTime)));
        }
    }

    #[inline(never)]
    fn dock_told(&mut self, host: &Shared, msg: &DockMsg, link: &Link) {
        match msg {
            DockMsg::Height(height) => self.height = *height,
            DockMsg::Filter(filter) => self.filter = filter.clone(),
            DockMsg::Copy => overlay::copy_text(log::as_text(&host.player(), &self.filter), link),
        }
    }

    /// With something selected and nothing in the hand a tool acts at once; otherwise it is taken, in place of another, and
    /// waits for a click.
    fn take(&mut self, host: &Shared, tool: Option<char>) {
        host.dispatch(Action::Wire(None));
        let acts = tool.filter(|_| self.tool.is_none()).and_then(|tool| tool_action(host, tool));
        match acts {
            Some(action) => host.dispatch(action),
            None => self.tool = tool.filter(|_| tool != self.tool),
        }
    }

    fn lay_over(&mut self, host: &Shared, opens: Opens) {
        self.fresh = !matches!((&self.over, &opens), (Over::Breaks(_), Opens::Breaks(_)));
        self.over = match opens {
            Opens::Breaks(draft) => Over::Breaks(draft),
            Opens::Help => Over::Help,
            Opens::Share => Over::Share(overlay::offer(&host.player())),
            Opens::Menu(at) => {
                let mut empty = false;
                if let MenuOf::Target(target) = at.of {
                    host.dispatch(Action::Select(Some(target)));
                    empty = player::menu(&host.player(), target).is_empty();
                }
                self.hands.pressed();
                if empty { Over::Nothing } else { Over::Menu(at) }
            }
        };
    }

    fn is_open(&self, fold: Fold) -> bool {
        self.open.contains(&fold)
    }

    /// A figure in an article.
    fn figure(&self, host: &Shared, settings: &Settings, link: &Link) -> El {
        let player = &*host.player();
        let caption = settings.caption.as_ref().unwrap_or(&player.timeline().document().summary);
        let open = overlay::open(host, link);
        let broken = header::promise(player, link).filter(|_| player.timeline().run().broken() > 0);
        el("figure")
            .class("embed-figure")
            .add(stage(player, &self.hands, self.tool, true, link))
            .all(settings.controls.then(|| tape(player, true, link)))
            .add(el("figcaption").add(el("span").text(caption)).all(broken).add(open))
            .all(self.overlay(player, link))
    }

    fn page(&self, player: &Player, link: &Link) -> El {
        let shown =
            |class: &str, tab: Tab| format!("{class} {}", if self.tab == tab { "sheet-shown" } else { "sheet-hidden" });
        let fold = |fold: Fold, class: &'static str| if self.is_open(fold) { "" } else { class };
        let part = |class: &str, tab: Tab| el("section").class(shown(class, tab));
        let tab = |(tab, name): &(Tab, &str)| {
            let current = *tab == self.tab;
            button(name, link, Msg::Show(*tab))
                .set("role", "tab")
                .set("aria-selected", if current { "true" } else { "false" })
                .class(if current { "current" } else { "" })
        };
        let lecture = self.is_open(Fold::Lecture);
        let classes = format!(
            "page {} {} {}",
            fold(Fold::Lesson, "no-lesson"),
            fold(Fold::Side, "no-side"),
            if lecture { "lecture" } else { "" }
        );
        let keys = self.hands.clone();
        el("div")
            .class(classes)
            // So that a click on nothing leaves the focus within, and keys come here.
            .set("tabindex", "-1")
            .asks(ListenerKind::onkeydown, link, move |event| stage::key(&keys, event))
            .add(header(player, |fold| self.is_open(fold), link))
            .add(
                el("aside")
                    .class(shown("lesson", Tab::Lesson))
                    .label("Lesson")
                    .add(lesson_panel(player, lecture, link)),
            )
            .add(stage(player, &self.hands, self.tool, false, link))
            .add(
                el("aside")
                    .class("side")
                    .label("Details")
                    .add(
                        part("part", Tab::Node)
                            .add(inspector(player, link))
                            .all(dials(player, link))
                            .all(promises::panel(player, self.is_open(Fold::Promises), link)),
                    )
                    .add(part("part", Tab::Charts).add(vitals(player)))
                    .add(part("part log", Tab::Log).add(log(player, self.is_open(Fold::AllMessages), link))),
            )
            .all(
                (!player.views().is_empty())
                    .then(|| dock(player, &self.dock, &shown("dock", Tab::Views), self.height, &self.filter, link)),
            )
            .add(tape(player, false, link))
            .add(el("div").class("tabs").set("role", "tablist").all(TABS.iter().map(tab)))
            .all(self.overlay(player, link))
    }

    fn overlay(&self, player: &Player, link: &Link) -> Vec<El> {
        let mut all = vec![overlay::notices(player, link)];
        match &self.over {
            Over::Nothing => {}
            Over::Share(offer) => all.extend(overlay::share(offer, &self.hands.host, link)),
            Over::Help => all.extend(overlay::help(link)),
            Over::Breaks(draft) => all.extend(breaks(player, draft, link)),
            Over::Menu(at) => all.extend(menu(at, player, &self.hands, link)),
        }
        all
    }
}

fn window_height() -> f64 {
    let inner = web_sys::window().and_then(|window| window.inner_height().ok());
    inner.and_then(|height| height.as_f64()).unwrap_or(800.0)
}

/// What has the focus, if anything on the page has.
fn active() -> Option<Element> {
    let document = web_sys::window()?.document()?;
    document.active_element().filter(|active| active.tag_name() != "BODY")
}

/// What a tool does to what is selected: what its key would do.
fn tool_action(host: &Shared, tool: char) -> Option<Action> {
    key_action(&host.player(), tool.encode_utf8(&mut [0; 4]), false)
}

fn click(host: &Shared, on: Option<Target>, tool: Option<char>) {
    let wire = host.player().view().wire;
    match (on, wire, tool) {
        (Some(Target::Node(to)), Some(wire), _) if to != wire.from => {
            let between = {
                let player = host.player();
                let name = |id| player.timeline().run().world.name(id).to_owned();
                (name(wire.from), name(to))
            };
            host.dispatch(Action::Act(Act::Wire { between }));
        }
        (_, Some(_), _) => host.dispatch(Action::Wire(None)),
        (Some(target), None, Some(tool)) => {
            host.dispatch(Action::Select(Some(target)));
            tool_action(host, tool).into_iter().for_each(|action| host.dispatch(action));
        }
        (on, None, _) => {
            if !host.player().view().also.is_empty() {
                host.dispatch(Action::Choose(Choosing::Only));
            }
            host.dispatch(Action::Select(on));
        }
    }
}

/// The page's colours are the stage's.
fn paint_page(theme: Theme) {
    if let Some(root) = find("html") {
        // Through the object model, which a content security policy allows where it forbids style attributes.
        root.style().set_css_text(&theme.css().replace('\n', " "));
        let _ = root.set_attribute("data-theme", if theme == Theme::Dark { "dark" } else { "light" });
    }
}
