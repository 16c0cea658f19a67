//! The canvases of the linked views, beside the stage.

use std::cell::RefCell;

use web_sys::HtmlCanvasElement;

use crate::player::Player;
use crate::scene::{DisplayList, Hit, Target};
use crate::views::Kind;

use super::painter::Painter;

/// A canvas and what is on it.
struct Surface {
    kind: Kind,
    canvas: HtmlCanvasElement,
    painter: Painter,
    list: DisplayList,
    /// How large the painter thinks that the canvas is, in CSS pixels, and the real pixels to one of them.
    size: (f32, f32, f64),
}

/// All canvases of views that are open.
#[derive(Default)]
pub struct Surfaces(RefCell<Vec<Surface>>);

impl Surfaces {
    /// These canvases are on the page now, and no others. Whether that is new.
    #[inline(never)]
    pub fn set(&self, canvases: Vec<(Kind, HtmlCanvasElement)>) -> bool {
        let mut surfaces = self.0.borrow_mut();
        let before = surfaces.len();
        surfaces.retain(|surface| canvases.iter().any(|(_, canvas)| *canvas == surface.canvas));
        let mut news = surfaces.len() != before;
        for (kind, canvas) in canvases {
            if surfaces.iter().any(|surface| surface.canvas == canvas) {
                continue;
            }
            if let Some(painter) = Painter::new(&canvas) {
                let list = DisplayList::default();
                surfaces.push(Surface { kind, canvas, painter, list, size: (0.0, 0.0, 0.0) });
                news = true;
            }
        }
        news
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.borrow().is_empty()
    }

    /// Draws them all. Whether what can be pointed at has changed.
    #[inline(never)]
    pub fn draw(&self, player: &mut Player) -> bool {
        let mut changed = false;
        let ratio = web_sys::window().map_or(1.0, |window| window.device_pixel_ratio()).clamp(1.0, 3.0);
        for surface in self.0.borrow_mut().iter_mut() {
            let size = (surface.canvas.client_width() as f32, surface.canvas.client_height() as f32, ratio);
            if size.0 <= 0.0 || size.1 <= 0.0 {
                continue;
            }
            if surface.size != size {
                surface.size = size;
                surface.painter.resize(size.0, size.1, ratio);
            }
            let before = std::mem::take(&mut surface.list.hits);
            player.draw_view(surface.kind, (size.0, size.1), &mut surface.list);
            changed |= before != surface.list.hits;
            surface.painter.paint(&surface.list, player.view().theme);
        }
        changed
    }

    /// What can be pointed at in a view, and where.
    #[inline(never)]
    pub fn hits(&self, kind: Kind) -> Vec<Hit> {
        let surfaces = self.0.borrow();
        surfaces.iter().find(|surface| surface.kind == kind).map_or_else(Vec::new, |surface| surface.list.hits.clone())
    }

    /// What is under a pointer over a view.
    #[inline(never)]
    pub fn hit(&self, kind: Kind, x: f32, y: f32, touch: bool) -> Option<Target> {
        let surfaces = self.0.borrow();
        surfaces.iter().find(|surface| surface.kind == kind)?.list.hit(x, y, touch)
    }
}
