//! Pictures of products, drawn from name and category: an object, a calm colour, a quiet pattern.
//!
//! A tile is a pure function of the product; nothing of it but numbers and known colours is taken from the product's
//! text, so no text can break out. They are drawings, not photographs, and do not pretend otherwise.

mod colour;
mod icons;
mod palette;
mod pattern;

use std::fmt::Write as _;
use std::sync::LazyLock;

use mercer_schema::Product;

use crate::Error;
use crate::gift_shop::Vocabulary;
use crate::words::Words;
use icons::Icons;
use palette::Colours;

/// Side of the picture in its own units.
const SIDE: u32 = 200;

/// Ready to draw; made once.
#[derive(Debug)]
struct Tiles {
    icons: Icons,
    vocabulary: Vocabulary,
}

static TILES: LazyLock<Option<Tiles>> = LazyLock::new(|| Tiles::load().ok());

/// The picture of a product as an SVG document under 4 kB.
pub fn tile_svg(product: &Product) -> String {
    TILES.as_ref().map_or_else(blank, |tiles| tiles.draw(product))
}

impl Tiles {
    /// Reads the compiled-in rules and drawings.
    fn load() -> Result<Self, Error> {
        Ok(Self { icons: Icons::load()?, vocabulary: Vocabulary::load()? })
    }

    fn draw(&self, product: &Product) -> String {
        let words = Words::of(&product.title);
        let seed = seed(product.id.as_str());
        let department = product.category.first().map_or("", String::as_str);
        let colours = Colours::choose(department, &self.vocabulary.tints(&words), seed);
        let icon = self.icons.of(product.leaf_category().unwrap_or_default(), &words);
        let mut svg = String::with_capacity(3_072);
        let Colours { ground, disc, .. } = &colours;
        _ = write!(svg, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIDE} {SIDE}\">");
        _ = write!(svg, "<rect width=\"{SIDE}\" height=\"{SIDE}\" fill=\"{ground}\"/>");
        pattern::write(&mut svg, &words, seed, &colours);
        _ = write!(svg, "<circle cx=\"100\" cy=\"100\" r=\"82\" fill=\"{disc}\"/>");
        _ = write!(
            svg,
            "<ellipse cx=\"100\" cy=\"157\" rx=\"42\" ry=\"5\" fill=\"{}\" opacity=\".13\"/>",
            colours.dark
        );
        svg.push_str("<g transform=\"translate(38 36) scale(1.24)\">");
        svg.push_str(&colours.dye(icon));
        svg.push_str("</g></svg>");
        svg
    }
}

fn blank() -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {SIDE} {SIDE}\"><rect width=\"{SIDE}\" height=\"{SIDE}\" fill=\"#eee6da\"/></svg>"
    )
}

/// FNV-1a: the same id draws the same tile everywhere.
fn seed(id: &str) -> u64 {
    id.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use mercer_schema::ProductId;

    use super::*;
    use crate::gift_shop::catalog;

    #[test]
    fn every_tile_is_small_and_free_of_text_and_script() {
        let tiles = Tiles::load().unwrap();
        let mut largest = 0;
        for product in catalog().unwrap() {
            let svg = tiles.draw(&product);
            largest = largest.max(svg.len());
            for forbidden in ["<text", "<script", "style", "href", "<image", "\n\n"] {
                assert!(!svg.contains(forbidden), "{}: {forbidden}", product.id);
            }
            assert!(svg.ends_with("</svg>"));
        }
        assert!(largest < 4_096, "{largest}");
    }

    #[test]
    fn hostile_text_does_not_reach_the_picture() {
        let mut product = Product::new(ProductId::trusted("\"><script>"), "\"><script>alert(1)</script> red mug");
        product.category = vec!["<x>".into(), "\"/><y>".into()];
        let svg = tile_svg(&product);
        assert!(!svg.contains("script") && !svg.contains("<x>") && !svg.contains("<y>"));
        assert!(svg.contains("#c4534c"), "the word red tints the picture");
    }

    #[test]
    fn the_same_product_gets_the_same_picture_and_others_differ() {
        let product = |id: &str| Product::new(ProductId::trusted(id), "Mug");
        assert_eq!(tile_svg(&product("1")), tile_svg(&product("1")));
        let all: std::collections::HashSet<_> = (0..20).map(|id| tile_svg(&product(&id.to_string()))).collect();
        assert!(all.len() > 5);
    }
}
