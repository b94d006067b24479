//! Where to go in the shop, by what a customer sees.

use mercer_schema::{
    AnonymousId, Availability, BrowseAnswer, BrowseBecause, BrowseRequest, BrowseTile, SearchRequest, Timestamp,
};

use super::searching::shop;
use crate::testing::Shop;
use crate::{browse, children};

const DAY: i64 = Timestamp::DAY;

fn who(who: &str) -> BrowseRequest {
    BrowseRequest { anonymous_id: Some(AnonymousId::trusted(who)), ..BrowseRequest::default() }
}

fn asks(shop: &Shop, request: &BrowseRequest) -> BrowseAnswer {
    browse(&shop.world, request, shop.now)
}

fn told(tiles: &[BrowseTile]) -> Vec<(&str, BrowseBecause)> {
    tiles.iter().map(|tile| (tile.category.as_str(), tile.because)).collect()
}

#[test]
fn the_tree_counts_what_a_walk_finds_and_families_once() {
    let mut shop = shop();
    for id in ["s1", "s2"] {
        shop.change(id, |product| product.group_id = Some("swift".into()));
    }
    shop.change("s3", |product| product.availability = Availability::OutOfStock);
    shop.change("r1", |product| product.availability = Availability::OutOfStock);
    for id in ["m1", "m2"] {
        shop.change(id, |product| product.image_url = Some(format!("/{id}.png")));
    }
    shop.world.popularity.observe(shop.world.catalog.item(&"m2".parse().unwrap()).unwrap(), 1.0, shop.now);
    let answer = asks(&shop, &who("x"));
    let flat: Vec<(&str, usize, Vec<&str>)> = answer
        .categories
        .iter()
        .map(|one| (one.name.as_str(), one.products, one.children.iter().map(|one| one.category.as_str()).collect()))
        .collect();
    assert_eq!(flat, [("Home", 3, vec!["Home > Mugs"]), ("Sport", 3, vec!["Sport > Shoes"])], "no empty shelf");
    for category in answer.categories.iter().flat_map(|one| [one].into_iter().chain(&one.children)) {
        let walk = SearchRequest { category: Some(category.category.clone()), ..SearchRequest::default() };
        assert_eq!(super::searching::asks(&shop, &walk).total, category.products, "{}", category.category);
    }
    assert_eq!(answer.categories[0].image_url.as_deref(), Some("/m2.png"), "the most popular of it");
    assert_eq!(answer.categories[1].image_url, None);
    shop.world.remove_product(&"m1".parse().unwrap());
    assert_eq!(asks(&shop, &who("x")).categories[0].products, 2, "a change counts at once");
    assert_eq!(answer.categories[0].products, 3);
}

#[test]
fn tiles_are_in_the_order_of_who_asks_and_say_why() {
    let mut shop = shop();
    shop.buys("many", &["s1", "s3", "s4"], DAY);
    shop.views("anna", "m1", DAY).buys("ben", &["r1"], 90 * DAY);
    let stranger = asks(&shop, &who("x"));
    assert_eq!(told(&stranger.tiles), [("Sport", BrowseBecause::Popular), ("Home", BrowseBecause::Popular)]);
    let anna = asks(&shop, &who("anna"));
    assert_eq!(
        told(&anna.tiles),
        [("Home > Mugs", BrowseBecause::Looked), ("Home", BrowseBecause::Looked), ("Sport", BrowseBecause::Popular)]
    );
    assert_eq!(anna.tiles[0].why, "You looked here lately");
    assert_eq!(asks(&shop, &who("ben")).tiles[0].because, BrowseBecause::Bought);
    let german = asks(&shop, &BrowseRequest { locale: Some("de-DE".into()), ..who("anna") });
    assert_eq!(german.tiles[2].why, "Gerade beliebt");
    let below = |name: &str| children(&shop.world, "Home", &who(name), shop.now);
    assert_eq!(told(&below("anna"))[0], ("Home > Mugs", BrowseBecause::Looked));
    assert_eq!(told(&below("ben"))[0], ("Home > Racks", BrowseBecause::Bought));
    assert!(children(&shop.world, "Home > Mugs", &who("x"), shop.now).is_empty());
    assert!(children(&shop.world, "nowhere", &who("x"), shop.now).is_empty());
    assert_eq!(asks(&shop, &BrowseRequest { tiles: Some(1), ..who("anna") }).tiles.len(), 1);
}

#[test]
fn a_look_of_long_ago_is_not_lately() {
    let mut shop = shop();
    shop.views("anna", "m1", 40 * DAY);
    assert_eq!(asks(&shop, &who("anna")).tiles[0].because, BrowseBecause::Liked);
}

#[test]
fn who_objects_gets_the_order_of_a_stranger() {
    let mut shop = shop();
    shop.buys("many", &["s1"], DAY).views("anna", "m1", DAY);
    let request = BrowseRequest { no_personalization: true, ..who("anna") };
    let answer = asks(&shop, &request);
    assert_eq!(answer.tiles, asks(&shop, &who("x")).tiles);
    assert!(answer.control && answer.notes.len() == 1);
    assert_eq!(asks(&Shop::default(), &who("x")).tiles, [], "an empty shop");
}
