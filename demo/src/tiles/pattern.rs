//! The quiet pattern around the object: the name's own design where it has one, else one drawn from the id.

use std::fmt::Write as _;

use super::palette::Colours;
use crate::words::{Phrase, Words};

/// One motif of 40 by 40 units, in the disc's colour (`C` stands for it).
const MOTIFS: [&str; 6] = [
    // Dots.
    "<circle cx=\"10\" cy=\"10\" r=\"4\" fill=\"C\"/><circle cx=\"30\" cy=\"30\" r=\"4\" fill=\"C\"/>",
    // Gingham.
    "<path d=\"M0 0h20v40H0zM0 0h40v20H0z\" fill=\"C\" opacity=\".5\"/>",
    // Stripes.
    "<path d=\"M-5 15L15-5M-5 35L35-5M5 45L45 5M25 45l20-20\" stroke=\"C\" stroke-width=\"4\"/>",
    // Leaves.
    "<path d=\"M10 4c6 6 6 12 0 18c-6-6-6-12 0-18zM30 22c6 6 6 12 0 18c-6-6-6-12 0-18z\" fill=\"C\"/>",
    // Crosses.
    "<path d=\"M10 5v10M5 10h10M30 25v10M25 30h10\" stroke=\"C\" stroke-width=\"3\" stroke-linecap=\"round\"/>",
    // Scallops.
    "<path d=\"M0 20a10 10 0 0 0 20 0a10 10 0 0 0 20 0M-10 40a10 10 0 0 0 20 0a10 10 0 0 0 20 0a10 10 0 0 0 20 0\" fill=\"none\" stroke=\"C\" stroke-width=\"3\"/>",
];

/// Words that name a motif, by its number.
const NAMED: [(usize, &[&str]); 4] = [
    (0, &["retrospot", "polkadot", "polka", "spot", "spotty", "dot"]),
    (1, &["gingham", "check"]),
    (2, &["stripe", "stripy", "stripey", "union"]),
    (3, &["paisley", "leaf", "botanical", "woodland", "floral", "garden"]),
];

pub(super) fn write(svg: &mut String, words: &Words, seed: u64, colours: &Colours) {
    let named = NAMED.iter().find(|(_, names)| names.iter().any(|name| words.has(&Phrase::from((*name).to_owned()))));
    let drawn = (seed >> 8) as usize % MOTIFS.len();
    let motif = MOTIFS[named.map_or(drawn, |(motif, _)| *motif)];
    let scale = [0.8, 1.0, 1.25][(seed >> 16) as usize % 3];
    let shift = (seed >> 24) % 40;
    _ = write!(
        svg,
        "<pattern id=\"p\" width=\"40\" height=\"40\" patternUnits=\"userSpaceOnUse\" \
         patternTransform=\"translate({shift}) scale({scale})\">{}</pattern><rect width=\"200\" height=\"200\" fill=\"url(#p)\" opacity=\".7\"/>",
        motif.replace("\"C\"", &format!("\"{}\"", colours.motif))
    );
}
