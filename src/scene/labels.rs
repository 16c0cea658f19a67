//! Names beside nodes: how wide a text is, and where it has room.

use super::list::{Anchor, Point};

/// Advances of the letters from space to tilde, in thousandths of the size: those of Helvetica, on which system fonts are
/// modelled.
const ADVANCE: [u16; 95] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
];

/// System fonts are up to this many thousandths as wide as the table.
const WIDEST: u32 = 1140;

/// About how wide a text is; no system font should make it wider.
pub fn text_width(text: &str, size: f32) -> f32 {
    let thousandths: u32 = text.chars().map(|letter| advance(letter) * WIDEST / 1000).sum();
    thousandths as f32 * size / 1000.0
}

fn advance(letter: char) -> u32 {
    let code = letter as u32;
    match code {
        0..0x20 => 0,
        0x20..0x7f => u32::from(ADVANCE[code as usize - 0x20]),
        // Combining marks, joiners, variation selectors.
        0x300..0x370 | 0x200b..0x2010 | 0xfe00..0xfe10 => 0,
        // Hangul, kana, Han, full-width forms, pictures.
        0x1100..0x1160 | 0x2e80..0xa4d0 | 0xac00..0xd7a4 | 0xf900..0xfb00 | 0xfe30..0xfe70 | 0xff00..0xff61 => 1000,
        0x1f000.. => 1250,
        _ => 620,
    }
}

/// The longest beginning of a text that fits with an ellipsis after it; empty if not even two letters do.
pub fn shorten(text: &str, size: f32, room: f32) -> String {
    if text_width(text, size) <= room {
        return text.to_owned();
    }
    let room = room - text_width("…", size);
    let (mut used, mut letters, mut end) = (0.0, 0, 0);
    for (place, letter) in text.char_indices() {
        used += (advance(letter) * WIDEST / 1000) as f32 * size / 1000.0;
        if used > room {
            break;
        }
        letters += 1;
        end = place + letter.len_utf8();
    }
    if letters < 2 { String::new() } else { format!("{}…", text[..end].trim_end()) }
}

/// A name that fits. The number at its end stays, by which it differs from its neighbours: `call…14`.
fn abbreviate(name: &str, size: f32, room: f32) -> String {
    match name.rsplit_once('-') {
        Some((group, number)) if text_width(name, size) > room && number.bytes().all(|b| b.is_ascii_digit()) => {
            let group = shorten(group, size, room - text_width(number, size));
            if group.is_empty() { group } else { group + number }
        }
        _ => shorten(name, size, room),
    }
}

/// A box.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Room {
    /// Its upper left corner.
    pub low: Point,
    /// Its lower right corner.
    pub high: Point,
}

impl Room {
    /// Whether the two have room in common.
    pub fn overlaps(&self, other: &Room) -> bool {
        self.low.x < other.high.x && other.low.x < self.high.x && self.low.y < other.high.y && other.low.y < self.high.y
    }
    /// Whether a segment passes through it.
    fn crossed(&self, from: Point, to: Point) -> bool {
        let (mut enter, mut leave) = (0.0f32, 1.0f32);
        for (start, by, low, high) in
            [(from.x, to.x - from.x, self.low.x, self.high.x), (from.y, to.y - from.y, self.low.y, self.high.y)]
        {
            if by.abs() < 1e-6 {
                if start < low || start > high {
                    return false;
                }
                continue;
            }
            let (a, b) = ((low - start) / by, (high - start) / by);
            enter = enter.max(a.min(b));
            leave = leave.min(a.max(b));
        }
        enter <= leave
    }
}

/// A name that wants a place.
#[derive(Clone, Debug)]
pub struct Wish {
    /// The middle of its node.
    pub at: Point,
    /// Half the width and height of the node, with what hangs on it.
    pub half: (f32, f32),
    /// The name.
    pub text: String,
    /// The width kept for its second line.
    pub second: f32,
}

/// Where a name stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Placed {
    /// Which wish.
    pub wish: usize,
    /// On the base line of its first line.
    pub at: Point,
    /// Which point of it that is.
    pub anchor: Anchor,
    /// The name, shortened if need be.
    pub text: String,
    /// The width that its second line got: all that it asked for, or none.
    pub second: f32,
    /// The room that it takes, with its second line.
    pub room: Room,
}

/// The size of names.
pub const NAME: f32 = 12.5;
/// The size of second lines.
pub const SECOND: f32 = 11.0;
/// From the base line of a name to that of its second line.
pub const LEADING: f32 = 14.5;
/// Names in a row are at least twice this far apart.
const GAP: f32 = 3.0;
/// A name is not shortened to less than this.
const LEAST: f32 = 44.0;

/// Gives every name a place below its node, or to the right, left or above, clear of every node and every other name,
/// inside the canvas, and if possible clear of `lines`; names that find none are left out. First come, first served.
pub fn place(wishes: &[Wish], lines: &[(Point, Point)], canvas: (f32, f32)) -> Vec<Placed> {
    let bodies: Vec<Room> = wishes
        .iter()
        .map(|wish| Room {
            low: Point::new(wish.at.x - wish.half.0, wish.at.y - wish.half.1),
            high: Point::new(wish.at.x + wish.half.0, wish.at.y + wish.half.1),
        })
        .collect();
    let mut placed: Vec<Placed> = Vec::new();
    for (index, wish) in wishes.iter().enumerate().filter(|(_, wish)| !wish.text.is_empty()) {
        let full = text_width(&wish.text, NAME);
        let mut best: Option<(u32, Placed)> = None;
        // Better without a second line than without a name.
        for (width, second) in [(full, wish.second), (full, 0.0), ((full * 0.6).max(LEAST), 0.0)] {
            if width > full {
                continue;
            }
            for (rank, side) in SIDES.into_iter().enumerate() {
                let candidate = stand(index, wish, side, width, second);
                let body = bodies.iter().any(|body| body.overlaps(&candidate.room));
                let taken = placed.iter().any(|other| other.room.overlaps(&candidate.room));
                if body || taken || cut_off(&candidate.room, canvas) {
                    continue;
                }
                let crossings = lines.iter().filter(|(from, to)| candidate.room.crossed(*from, *to)).take(9).count();
                let cost = RANKS[rank] + crossings as u32 * 2;
                if best.as_ref().is_none_or(|(least, _)| cost < *least) {
                    best = Some((cost, candidate));
                }
            }
            if best.is_some() {
                break;
            }
        }
        if let Some((_, winner)) = best
            && !winner.text.is_empty()
        {
            placed.push(winner);
        }
    }
    placed
}

/// How much worse each side is than below: a name that is where one looks for it may cross a line.
const RANKS: [u32; 4] = [0, 8, 9, 10];

fn cut_off(room: &Room, (width, height): (f32, f32)) -> bool {
    room.low.x < 0.0 || room.low.y < 2.0 || room.high.x > width || room.high.y > height - 2.0
}

#[derive(Clone, Copy)]
enum Side {
    Below,
    Right,
    Left,
    Above,
}

const SIDES: [Side; 4] = [Side::Below, Side::Right, Side::Left, Side::Above];

fn stand(index: usize, wish: &Wish, side: Side, width: f32, second: f32) -> Placed {
    let text = abbreviate(&wish.text, NAME, width + 0.01);
    let wide = text_width(&text, NAME).max(second);
    let high = NAME + 2.0 + if second > 0.0 { LEADING } else { 0.0 };
    let (w, h) = wish.half;
    let (x, top, anchor) = match side {
        Side::Below => (wish.at.x, wish.at.y + h + 2.0, Anchor::Middle),
        Side::Right => (wish.at.x + w + GAP + 2.0, wish.at.y - high * 0.5, Anchor::Start),
        Side::Left => (wish.at.x - w - GAP - 2.0, wish.at.y - high * 0.5, Anchor::End),
        Side::Above => (wish.at.x, wish.at.y - h - 3.0 - high, Anchor::Middle),
    };
    let left = match anchor {
        Anchor::Start => x,
        Anchor::Middle => x - wide * 0.5,
        Anchor::End => x - wide,
    };
    let room = Room { low: Point::new(left - GAP, top), high: Point::new(left + wide + GAP, top + high) };
    Placed { wish: index, at: Point::new(x, top + NAME * 0.86), anchor, text, second, room }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn widths_follow_the_letters() {
        assert!(text_width("mmm", 10.0) > text_width("iii", 10.0));
        assert!(text_width("消息", 10.0) > text_width("abc", 10.0));
        assert_eq!(text_width("e\u{301}", 10.0), text_width("e", 10.0));
        assert_eq!(shorten("dispatcher-1", 12.0, 500.0), "dispatcher-1");
        assert!(shorten("dispatcher-1", 12.0, 50.0).ends_with('…'));
        assert_eq!(shorten("dispatcher-1", 12.0, 8.0), "");
        let short = abbreviate("dispatcher-14", 12.0, 60.0);
        assert!(short.ends_with("…14") && short.starts_with("dis") && text_width(&short, 12.0) <= 60.0, "{short}");
        assert_eq!(abbreviate("dispatcher-14", 12.0, 200.0), "dispatcher-14");
        assert!(abbreviate("a-very-long-name", 12.0, 60.0).ends_with('…'));
    }

    proptest! {
        #[test]
        fn names_never_overlap(
            nodes in prop::collection::vec((0.0f32..900.0, 0.0f32..650.0, 0usize..5, any::<bool>()), 1..60),
            zoom in 0.3f32..2.0,
        ) {
            let names = ["gateway-1", "db", "a very long name of a node", "消息服务", "x"];
            let wishes: Vec<Wish> = nodes.iter().map(|&(x, y, name, second)| Wish {
                at: Point::new(x * zoom, y * zoom),
                half: (25.0 * zoom, 25.0 * zoom),
                text: names[name].to_owned(),
                second: if second { 90.0 } else { 0.0 },
            }).collect();
            let placed = place(&wishes, &[(Point::new(0.0, 0.0), Point::new(900.0, 650.0))], (900.0, 650.0));
            for (index, one) in placed.iter().enumerate() {
                for other in &placed[index + 1..] {
                    prop_assert!(!one.room.overlaps(&other.room), "{one:?} {other:?}");
                }
                for wish in &wishes {
                    let (w, h) = wish.half;
                    let body = Room {
                        low: Point::new(wish.at.x - w, wish.at.y - h),
                        high: Point::new(wish.at.x + w, wish.at.y + h),
                    };
                    prop_assert!(!one.room.overlaps(&body));
                }
                prop_assert!(text_width(&one.text, NAME) <= one.room.high.x - one.room.low.x + 0.1);
            }
        }
    }
}
