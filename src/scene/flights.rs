//! Messages under way, and those that were just lost.

use crate::components::Message;
use crate::protocols::Form;
use crate::sim::{Flight, NodeId, Table, Time, Why};

use super::flows::Traffic;
use super::list::{Anchor, DisplayList, Dot, Mark, Pen, Point, Target, Text};
use super::path::Stage;
use super::theme::Ink;
use super::view::Loss;

/// From here on dots are small and bare.
const DENSE: usize = 600;
/// Below this scale of the nodes, dots by the thousand go from middle to middle.
const BARE: f32 = 0.42;
/// At most so many losses are told in words beside them.
const MAX_TOLD: usize = 6;
/// No dot is smaller than this radius, in pixels.
const LEAST: f32 = 1.5;
/// How far to the right of its link a message travels, in pixels, so that two that meet pass each other.
const LANE: f32 = 3.4;
/// The longest tail, in pixels.
const TAIL: f32 = 20.0;
/// Held messages stand this far apart.
const QUEUE: f32 = 11.0;
/// Marks are drawn from this zoom on.
const MARKED: f32 = 1.3;

/// How far a message has come: 0 when it leaves, 1 when it is due.
pub(super) fn progress(now: Time, sent: Time, due: Time) -> f32 {
    let (gone, all) = (now.since(sent).0, due.since(sent).0);
    if all == 0 { 1.0 } else { (gone as f32 / all as f32).min(1.0) }
}

pub(super) fn build(stage: &Stage, traffic: Option<&Traffic>, list: &mut DisplayList) {
    list.dots.clear();
    if stage.crowds.is_some() {
        return;
    }
    let (world, view) = (stage.world, stage.view);
    let dense = world.in_flight() > DENSE;
    let still = view.paused || view.reduced_motion;
    let size = stage.scale.clamp(0.45, 1.3);
    let mut held: Table<(NodeId, NodeId), f32> = Table::new();
    if dense && stage.scale < BARE {
        return multitude(stage, list);
    }
    let meant = [view.hovered, view.selected];
    for flight in world.flights() {
        if traffic.is_some() && list.flowing.binary_search(&(flight.from, flight.to)).is_ok() {
            // Of those in a flow only the one is seen that is meant.
            if flight.held || !meant.contains(&Some(Target::Flight(flight.record))) {
                continue;
            }
        }
        let Some(path) = stage.path(flight.from, flight.to) else { continue };
        let mut t = progress(world.now(), flight.sent, flight.due);
        let long = path.long();
        if flight.held {
            // They stand one behind the other before the gate.
            let place = held.or_insert_with((flight.from, flight.to), || 24.0 * stage.scale);
            t = (1.0 - *place / long.max(1.0)).max(0.0);
            *place += QUEUE * size;
        }
        let (on, dx, dy) = path.at(t);
        let at = on.towards(-dy, dx, LANE * size);
        if !stage.in_sight(at, 12.0) {
            continue;
        }
        let form = flight.message.form();
        let radius = size
            * match form {
                Form::Request => 5.0,
                Form::Reply | Form::Accept | Form::Refuse => 4.6,
                Form::Beat => 3.0,
            };
        let mark = match form {
            Form::Accept => Mark::Plus,
            Form::Refuse => Mark::Minus,
            Form::Request | Form::Reply | Form::Beat => Mark::None,
        };
        let marked = !dense && (view.paused || view.camera.zoom >= MARKED);
        let bare = dense || flight.held || still || form == Form::Beat;
        list.dots.push(Dot {
            x: at.x,
            y: at.y,
            dx,
            dy,
            radius: if dense { radius * 0.55 } else { radius }.max(LEAST),
            tail: if bare { 0.0 } else { (t * long).min(TAIL * size) },
            ink: Ink::Family(flight.message.family()),
            hollow: flight.held || matches!(form, Form::Reply | Form::Accept | Form::Refuse),
            arrow: still && !dense && !flight.held,
            mark: if marked { mark } else { Mark::None },
            record: flight.record,
        });
    }
}

/// Messages by the thousand among nodes that are points.
#[inline(never)]
fn multitude(stage: &Stage, list: &mut DisplayList) {
    list.dots.extend(stage.world.flights().filter_map(|flight| small(stage, flight)));
}

/// A message in a crowd: straight from middle to middle, as small as can be.
fn small(stage: &Stage, flight: &Flight<Message>) -> Option<Dot> {
    let (a, b) = (stage.spot(flight.from)?, stage.spot(flight.to)?);
    let at = a.at.mix(b.at, progress(stage.world.now(), flight.sent, flight.due));
    let form = flight.message.form();
    let dot = Dot {
        x: at.x,
        y: at.y,
        dx: 1.0,
        dy: 0.0,
        radius: LEAST,
        tail: 0.0,
        ink: Ink::Family(flight.message.family()),
        hollow: flight.held || matches!(form, Form::Reply | Form::Accept | Form::Refuse),
        arrow: false,
        mark: Mark::None,
        record: flight.record,
    };
    stage.in_sight(at, 2.0).then_some(dot)
}

/// A message that is sent again has a ring around it.
#[inline(never)]
pub(super) fn again(stage: &Stage, list: &mut DisplayList) {
    for dot in list.dots.iter().filter(|dot| stage.view.again.contains(&dot.record)) {
        let gap = 3.0 * stage.scale.clamp(0.45, 1.3);
        list.live.circle(Point::new(dot.x, dot.y), dot.radius + gap, None, Some(Pen::new(dot.ink, 1.2)));
    }
}

/// A lost message bursts into a cross where it died.
#[inline(never)]
pub(super) fn lost(stage: &Stage, list: &mut DisplayList) {
    let mut told: Vec<(NodeId, NodeId)> = Vec::new();
    for loss in stage.view.recent.iter().filter(|loss| loss.age < 1.0) {
        let Some(path) = stage.path(loss.from, loss.to) else { continue };
        let (on, dx, dy) = path.at(loss.progress.clamp(0.0, 1.0));
        let size = stage.scale.clamp(0.45, 1.3);
        let at = on.towards(-dy, dx, LANE * size);
        if !stage.in_sight(at, 20.0) {
            continue;
        }
        let age = loss.age.max(0.0);
        // Full while it opens, then fading.
        let alpha = (255.0 * (1.0 - (age - 0.35).max(0.0) / 0.65)) as u8;
        if age < 0.5 && !stage.view.reduced_motion {
            let ring = Pen::new(Ink::Family(loss.family), 1.5).alpha((200.0 * (1.0 - age * 2.0)) as u8);
            list.live.circle(at, (5.0 + 18.0 * age) * size, None, Some(ring));
        }
        list.live.cross(at, 4.6 * size, Pen::new(Ink::Warn, 2.0).alpha(alpha));
        // What the receiver did, its badge says; a link that loses several says it once.
        let once = (loss.from, loss.to);
        if stage.detailed && blame(loss).is_none() && told.len() < MAX_TOLD && !told.contains(&once) {
            told.push(once);
            tell(list, loss, Point::new(at.x + 8.0, at.y - 5.0), alpha);
        }
    }
}

/// Says why a message was lost, beside its cross.
#[inline(never)]
fn tell(list: &mut DisplayList, loss: &Loss, at: Point, alpha: u8) {
    list.live.texts.push(Text {
        at,
        text: loss.why.word().to_owned(),
        size: 10.5,
        weight: 400,
        ink: Ink::WarnText,
        alpha,
        anchor: Anchor::Start,
        halo: true,
    });
}

/// What a badge says: only what the receiver did. Other losses are the network's.
pub(super) fn blame(loss: &Loss) -> Option<&'static str> {
    matches!(loss.why, Why::Full | Why::Died).then(|| loss.why.word())
}
