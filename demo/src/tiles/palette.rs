//! The colours of a tile: the ground by department, the object by the colour words of its name.

use super::colour::Colour;

/// The colours in which the drawings of `icons/` are stored, replaced when a tile is drawn.
const STORED: [&str; 4] = ["#a00", "#500", "#fcc", "#fc0"];
const INK: Colour = Colour(0x36, 0x2b, 0x30);
const PAPER: Colour = Colour(0xff, 0xfc, 0xf6);
/// Brighter objects need a darker disc to stand on.
const BRIGHT: f32 = 196.0;

/// Ground, disc, accent, and three tones for objects whose name says no colour.
struct Palette {
    department: &'static str,
    ground: &'static str,
    disc: &'static str,
    accent: &'static str,
    tones: [&'static str; 3],
}

const PALETTES: [Palette; 12] = [
    palette("Home & Living", "#efe2d0", "#f8efe2", "#dba94f", ["#b9745a", "#7f8f7a", "#6d7f96"]),
    palette("Kitchen & Dining", "#dbe5da", "#ebf1e8", "#dfa94c", ["#c4695a", "#5f8a80", "#7d94b3"]),
    palette("Bags & Travel", "#d9e3ea", "#eaf1f5", "#e0a24a", ["#b5555a", "#4f7f95", "#8a7a5e"]),
    palette("Jewellery & Accessories", "#e7dbe6", "#f3eaf2", "#d9ae57", ["#8f6f9e", "#b0728a", "#5f8f93"]),
    palette("Stationery & Wrap", "#eae4cf", "#f6f1e1", "#d58f56", ["#6f86a8", "#b56a62", "#7f9270"]),
    palette("Party", "#f3dcd3", "#fbece6", "#e3ad4a", ["#cf6f6a", "#5f96a0", "#9a78a8"]),
    palette("Toys & Games", "#d8e6e4", "#e9f3f1", "#e7ae4b", ["#cf7457", "#4f8a8f", "#7d76a8"]),
    palette("Garden", "#dde5cb", "#edf2e0", "#dfa650", ["#7d955f", "#b9765a", "#6a8fa3"]),
    palette("Bath & Wellbeing", "#d6e5e6", "#e8f2f2", "#dfb057", ["#6f9aa6", "#c27f86", "#8f86ab"]),
    palette("Christmas", "#dfe4d9", "#eff2ea", "#d8ab4e", ["#b04a45", "#557f62", "#94694f"]),
    palette("Easter & Spring", "#f3e9c9", "#fbf4de", "#e5b04b", ["#d58ba0", "#8aa56c", "#86a4bd"]),
    palette("", "#e9e3da", "#f5f0e8", "#dba94f", ["#8a7f92", "#7f8f7a", "#b9745a"]),
];

const fn palette(
    department: &'static str,
    ground: &'static str,
    disc: &'static str,
    accent: &'static str,
    tones: [&'static str; 3],
) -> Palette {
    Palette { department, ground, disc, accent, tones }
}

/// All colours of one tile, as `#rrggbb`.
#[derive(Debug)]
pub(super) struct Colours {
    pub(super) ground: String,
    pub(super) disc: String,
    pub(super) dark: String,
    pub(super) motif: String,
    main: String,
    light: String,
    accent: String,
}

impl Colours {
    pub(super) fn choose(department: &str, tints: &[&str], seed: u64) -> Self {
        let fallback = &PALETTES[PALETTES.len() - 1];
        let palette = PALETTES.iter().find(|palette| palette.department == department).unwrap_or(fallback);
        let tone = palette.tones[(seed % 3) as usize];
        let main = Colour::parse(tints.first().copied().unwrap_or(tone));
        let accent = Colour::parse(tints.get(1).copied().unwrap_or(palette.accent));
        let (ground, disc, tone) = (Colour::parse(palette.ground), Colour::parse(palette.disc), Colour::parse(tone));
        let is_bright = main.brightness() > BRIGHT;
        Self {
            ground: ground.hex(),
            disc: if is_bright { ground.mix(tone, 0.34) } else { disc }.hex(),
            motif: disc.hex(),
            dark: main.mix(INK, if is_bright { 0.62 } else { 0.58 }).hex(),
            main: main.hex(),
            light: if is_bright { main.mix(tone, 0.42) } else { main.mix(PAPER, 0.8) }.hex(),
            accent: if accent == main { PAPER } else { accent }.hex(),
        }
    }

    /// A drawing in this tile's colours.
    pub(super) fn dye(&self, drawing: &str) -> String {
        let mut dyed = drawing.to_owned();
        for (stored, colour) in STORED.iter().zip([&self.main, &self.dark, &self.light, &self.accent]) {
            dyed = dyed.replace(&format!("\"{stored}\""), &format!("\"{colour}\""));
        }
        dyed
    }
}
