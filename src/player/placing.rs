//! What is done to the run by hand, and where things stand.

use crate::scenario::Act;
use crate::scene::{LayoutKind, Point, Target, Wire};
use crate::sim::NodeId;

use super::notice::sentence_case;
use super::{Player, Tone};

impl Player {
    #[inline(never)]
    pub(super) fn act(&mut self, act: Act) {
        if let Err(told) = self.attempt(act) {
            self.tell(Tone::Warn, sentence_case(&told));
        }
    }

    /// Does something to the run, or says why it cannot be done.
    pub(super) fn attempt(&mut self, act: Act) -> Result<(), String> {
        let added = matches!(act, Act::Add { .. });
        let done = self.timeline.act(act);
        self.touched |= done.is_ok();
        self.after_change();
        if added && done.is_ok() {
            self.greet_newcomer();
        }
        done
    }

    /// What was placed by hand is selected; what stands alone wants to be wired next.
    fn greet_newcomer(&mut self) {
        let Some((id, node)) = self.timeline.run().world.nodes().last() else { return };
        self.view.selected = Some(Target::Node(id));
        if node.links.is_empty() {
            let name = node.name.clone();
            self.view.wire = Some(Wire { from: id, x: f32::NAN, y: f32::NAN });
            self.tell(Tone::Quiet, format!("Click what {name} is to be wired to; Escape when done."));
        }
    }

    pub(super) fn place(&mut self, node: NodeId, x: f32, y: f32) {
        let Some(name) = self.timeline.run().world.node(node).map(|node| node.name.clone()) else { return };
        let at = self.view.to_world(Point::new(x, y));
        if self.view.also.contains(&node)
            && let Some(from) = self.layout.place(node)
        {
            self.move_along(node, (at.x - from.x, at.y - from.y));
        }
        self.plan.at.insert(name, (at.x, at.y));
        self.fitted = false;
        self.relayout();
    }

    pub(super) fn relayout(&mut self) {
        self.layout.update(&self.plan, &self.timeline.run().world, self.view.tall());
        if self.fitted {
            self.view.fit(&self.layout, self.insets);
        }
    }

    /// Whether all components stand in this arrangement, nobody moved by hand.
    pub(super) fn arranged(&self, layout: LayoutKind) -> bool {
        self.plan.layout == layout && self.plan.at.is_empty()
    }

    pub(super) fn arrange(&mut self, layout: LayoutKind) {
        (self.plan.layout, self.plan.at, self.fitted) = (layout, Default::default(), true);
        self.relayout();
    }

    /// The components of a kind stand out.
    #[inline(never)]
    pub(super) fn light(&mut self, kind: Option<&'static str>) {
        let nodes = self.timeline.run().world.nodes();
        self.view.lit = nodes.filter(|(_, node)| Some(node.kind) == kind).map(|(id, _)| id).collect();
    }
}
