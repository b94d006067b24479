//! The placements that a fresh shop starts with: data, read from `placements/default.toml`.

use mercer_schema::Placement;
use serde::Deserialize;

const TEXT: &str = include_str!("../../placements/default.toml");

#[derive(Deserialize)]
struct File {
    placement: Vec<Placement>,
}

/// One row or slot for each usual place of a shop, in the groups `home`, `product`, `category`, `cart`, `search`.
pub fn default_placements() -> Vec<Placement> {
    // The file is part of the program; a test reads it.
    toml::from_str::<File>(TEXT).map(|file| file.placement).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Placements;

    #[test]
    fn every_default_can_be_saved() {
        let placements = default_placements();
        assert_eq!(placements.len(), toml::from_str::<File>(TEXT).unwrap().placement.len());
        for placement in &placements {
            assert_eq!(Placements::check(placement), Ok(()), "{}", placement.id);
        }
        for group in ["home", "product", "category", "cart", "search"] {
            assert!(placements.iter().any(|placement| placement.groups.iter().any(|name| name == group)), "{group}");
        }
        let mut ids: Vec<&str> = placements.iter().map(|placement| placement.id.as_str()).collect();
        ids.sort_unstable();
        assert!(ids.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
