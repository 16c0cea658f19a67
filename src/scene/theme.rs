//! Colours by what they mean, for a dark and a light stage, and the same colours for the style sheet.
//!
//! The families are Okabe and Ito's colour-blind-safe set, moved in lightness until each stands out from paper and panel:
//! at least 3:1 for signs, 4.5:1 for text. A test computes it for every pair in use.

use std::fmt::Write;

use crate::protocols::Family;

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgba {
    /// Red.
    pub r: u8,
    /// Green.
    pub g: u8,
    /// Blue.
    pub b: u8,
    /// How opaque: 255 is solid.
    pub a: u8,
}

impl Rgba {
    const fn hex(rgb: u32) -> Rgba {
        Rgba { r: (rgb >> 16) as u8, g: (rgb >> 8) as u8, b: rgb as u8, a: 255 }
    }
    /// `#rrggbb`, as style sheets write it; how opaque it is stands elsewhere.
    pub fn css(self) -> String {
        format!("#{:02x}{:02x}{:02x}", self.r, self.g, self.b)
    }
}

/// A colour by what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ink {
    /// The stage.
    Paper,
    /// What lies on it: panels, tooltips.
    Panel,
    /// Text that counts.
    Text,
    /// Text that counts less: captions, second lines.
    Muted,
    /// Edges of panels and bands; never a sign, never text.
    Faint,
    /// The ground of a place on a map, and of a group seen from afar.
    Area,
    /// Links, and what is down.
    Line,
    /// A family's signs: outlines, dots.
    Family(Family),
    /// The body of a family's components.
    FamilyFill(Family),
    /// A family's words in prose.
    FamilyText(Family),
    /// The body of what is down.
    DownFill,
    /// Faults, losses, what is full.
    Warn,
    /// Faults said in words.
    WarnText,
    /// Behind a warning.
    WarnFill,
    /// What went well.
    Good,
    /// What is selected, hovered or about to be linked.
    Focus,
    /// Leadership.
    Star,
    /// The star's outline, which makes it a sign on light paper too.
    StarEdge,
}

/// Every family, in the order of their declaration.
pub const FAMILIES: [Family; 5] = [Family::People, Family::Edge, Family::Work, Family::Storage, Family::Control];

/// Dark or light.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Ink, not black.
    #[default]
    Dark,
    /// Paper, not glare.
    Light,
}

impl Theme {
    /// The colour of an ink.
    pub const fn rgba(self, ink: Ink) -> Rgba {
        Rgba::hex(match self {
            Theme::Dark => match ink {
                Ink::Paper => 0x10151c,
                Ink::Panel => 0x18202b,
                Ink::Text => 0xe8edf2,
                Ink::Muted => 0x9eabb8,
                Ink::Faint => 0x2a3441,
                Ink::Area => 0x151c25,
                Ink::Line => 0x667482,
                Ink::Family(family) | Ink::FamilyText(family) => match family {
                    Family::People => 0x9eabb8,
                    Family::Edge => 0x56b4e9,
                    Family::Work => 0xe69f00,
                    Family::Storage => 0xd783ae,
                    Family::Control => 0x1fb187,
                },
                Ink::FamilyFill(family) => match family {
                    Family::People => 0x1d2732,
                    Family::Edge => 0x11273a,
                    Family::Work => 0x2e2309,
                    Family::Storage => 0x2c1b28,
                    Family::Control => 0x0c2a25,
                },
                Ink::DownFill => 0x1a2029,
                Ink::Warn => 0xe8701f,
                Ink::WarnText => 0xff8a47,
                Ink::WarnFill => 0x33200f,
                Ink::Good => 0x1fb187,
                Ink::Focus => 0x8fd0f5,
                Ink::Star => 0xf0e442,
                Ink::StarEdge => 0xf0e442,
            },
            Theme::Light => match ink {
                Ink::Paper => 0xfffdf7,
                Ink::Panel => 0xf7f4ec,
                Ink::Text => 0x23211c,
                Ink::Muted => 0x66625a,
                Ink::Faint => 0xe2ddcf,
                Ink::Area => 0xf8f5ec,
                Ink::Line => 0x8d887c,
                Ink::Family(family) => match family {
                    Family::People => 0x6b675e,
                    Family::Edge => 0x0072b2,
                    Family::Work => 0xb07200,
                    Family::Storage => 0xa6487f,
                    Family::Control => 0x007a59,
                },
                Ink::FamilyText(family) => match family {
                    Family::People => 0x5d594f,
                    Family::Edge => 0x0072b2,
                    Family::Work => 0x8f5c00,
                    Family::Storage => 0xa03f78,
                    Family::Control => 0x007455,
                },
                Ink::FamilyFill(family) => match family {
                    Family::People => 0xf6f3ea,
                    Family::Edge => 0xe6f1f9,
                    Family::Work => 0xfdf0d5,
                    Family::Storage => 0xf8e8f1,
                    Family::Control => 0xe0f3ec,
                },
                Ink::DownFill => 0xf0ece2,
                Ink::Warn => 0xd05000,
                Ink::WarnText => 0xb34200,
                Ink::WarnFill => 0xfdeadd,
                Ink::Good => 0x007a59,
                Ink::Focus => 0x005a8f,
                Ink::Star => 0xf0d800,
                Ink::StarEdge => 0x7a6400,
            },
        })
    }

    /// The same colours as custom properties of a style sheet: `--paper: #10151c;` and so on, a line each.
    pub fn css(self) -> String {
        let mut out = String::new();
        let mut line = |name: &str, ink: Ink| {
            let _ = writeln!(out, "--{name}: {};", self.rgba(ink).css());
        };
        for (name, ink) in NAMED {
            line(name, ink);
        }
        for family in FAMILIES {
            let name = family_name(family);
            line(name, Ink::Family(family));
            line(&format!("{name}-fill"), Ink::FamilyFill(family));
            line(&format!("{name}-text"), Ink::FamilyText(family));
        }
        out
    }
}

/// A family's name in the style sheet.
pub const fn family_name(family: Family) -> &'static str {
    match family {
        Family::People => "people",
        Family::Edge => "edge",
        Family::Work => "work",
        Family::Storage => "storage",
        Family::Control => "control",
    }
}

const NAMED: [(&str, Ink); 14] = [
    ("paper", Ink::Paper),
    ("panel", Ink::Panel),
    ("ink", Ink::Text),
    ("muted", Ink::Muted),
    ("faint", Ink::Faint),
    ("line", Ink::Line),
    ("down-fill", Ink::DownFill),
    ("warn", Ink::Warn),
    ("warn-text", Ink::WarnText),
    ("warn-fill", Ink::WarnFill),
    ("good", Ink::Good),
    ("focus", Ink::Focus),
    ("star", Ink::Star),
    ("star-edge", Ink::StarEdge),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Relative luminance as WCAG 2.2 defines it.
    fn luminance(colour: Rgba) -> f64 {
        let part = |c: u8| {
            let c = f64::from(c) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { libm::pow((c + 0.055) / 1.055, 2.4) }
        };
        0.2126 * part(colour.r) + 0.7152 * part(colour.g) + 0.0722 * part(colour.b)
    }

    fn contrast(a: Rgba, b: Rgba) -> f64 {
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_ink_stands_out_from_what_it_is_drawn_on() {
        for theme in [Theme::Dark, Theme::Light] {
            let check = |front: Ink, back: Ink, least: f64| {
                let found = contrast(theme.rgba(front), theme.rgba(back));
                assert!(found >= least, "{theme:?}: {front:?} on {back:?} is {found:.2}:1, less than {least}:1");
            };
            for ground in [Ink::Paper, Ink::Panel] {
                for text in [Ink::Text, Ink::Muted, Ink::WarnText] {
                    check(text, ground, 4.5);
                }
                for sign in [Ink::Line, Ink::Warn, Ink::Good, Ink::Focus, Ink::StarEdge] {
                    check(sign, ground, 3.0);
                }
                for family in FAMILIES {
                    check(Ink::FamilyText(family), ground, 4.5);
                    check(Ink::Family(family), ground, 3.0);
                }
            }
            for family in FAMILIES {
                check(Ink::Family(family), Ink::FamilyFill(family), 3.0);
                check(Ink::Text, Ink::FamilyFill(family), 4.5);
            }
            check(Ink::Warn, Ink::DownFill, 3.0);
            check(Ink::WarnText, Ink::WarnFill, 4.5);
        }
    }

    #[test]
    fn the_style_sheet_has_every_name_once() {
        let css = Theme::Light.css();
        assert!(css.contains("--paper: #fffdf7;\n") && css.contains("--storage-fill: #f8e8f1;\n"));
        let mut names: Vec<&str> = css.lines().filter_map(|line| line.split(':').next()).collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!((all, names.len()), (29, 29));
    }
}
