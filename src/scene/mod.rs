//! WHAT IS SEEN, AS DATA: layout, display list, hit areas, theme, SVG painter.
//!
//! A pure function of the world, the way one looks at it and the places of the nodes. It knows no browser and no clock;
//! floats here draw and decide nothing. They are added, multiplied, rooted, or come from `libm`, so that a picture has the
//! same bytes natively and in wasm.
//!
//! ```text
//! layout.update(&plan, &world, view.tall());       // seats stay where they are
//! build(&world, &view, &layout, &mut list);        // keeps the list's memory, and its ground while nothing there changed
//! list.hit(x, y, touch)                            // what is under the pointer
//! svg::paint(&list, &view, "title", "what it shows")
//! ```

mod crowds;
mod flights;
mod flows;
mod glyph;
mod ground;
mod labels;
mod layout;
mod list;
mod live;
mod note;
mod path;
pub mod svg;
mod theme;
mod view;

#[cfg(test)]
mod tests;

pub use glyph::{draw as draw_glyph, sign};
pub use labels::{shorten, text_width};
pub use layout::{Heading, Layout, LayoutKind, Patch, Plan, PlanGroup};
pub use list::{
    Anchor, Area, Dash, DisplayList, Dot, Hit, Item, Layer, Mark, Outline, Pen, Point, Target, Text, between, bezier,
};
pub use note::note;
pub use theme::{FAMILIES, Ink, Rgba, Theme, family_name};
pub use view::{Camera, FIT_ZOOM, Insets, Loss, MAX_ZOOM, MIN_ZOOM, View, Wire};

use crate::components::World;

/// Draws the world into `list`. `layout` must be up to date; see [`Layout::update`].
pub fn build(world: &World, view: &View, layout: &Layout, list: &mut DisplayList) {
    path::spot(world, view, layout, &mut list.spots);
    let spots = std::mem::take(&mut list.spots);
    let stage = path::Stage::new(world, view, layout, &spots);
    ground::build(&stage, list);
    list.live.clear();
    list.over.clear();
    // Flows lie under what stands on the ground, and messages pass over it.
    let traffic = flows::gather(&stage);
    flows::build(&stage, traffic.as_ref(), list);
    flights::build(&stage, traffic.as_ref(), list);
    live::build(&stage, traffic.as_ref(), list);
    list.spots = spots;
}
