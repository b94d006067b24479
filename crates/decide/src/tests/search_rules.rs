//! The merchandiser's rules and the shop's synonyms, by what a customer sees.

use std::sync::Arc;

use mercer_schema::{
    AppliedRule, Explain, ProductId, SearchAction, SearchRequest, SearchRule, SearchRuleId, SearchSort, SearchWhen,
    SynonymRule, Timestamp,
};
use mercer_search::Language;
use proptest::prelude::*;

use super::searching::{asks, by, ids, q, refined, shop};
use crate::testing::Shop;
use crate::{SearchRules, ShopSynonyms};

fn rule(id: &str, is: &str, then: Vec<SearchAction>) -> SearchRule {
    SearchRule {
        id: SearchRuleId::trusted(id),
        name: format!("Rule {id}"),
        when: SearchWhen { is: vec![is.to_owned()], ..SearchWhen::default() },
        starts_at: None,
        ends_at: None,
        then,
        enabled: true,
    }
}

fn with(mut shop: Shop, rules: Vec<SearchRule>) -> Shop {
    for rule in &rules {
        assert_eq!(SearchRules::default().check(rule), Ok(()), "{}", rule.id);
    }
    shop.world.search_rules = Arc::new(SearchRules::compile(rules, Language::English));
    shop
}

fn pin(id: &str, position: usize) -> SearchAction {
    SearchAction::Pin { product_id: ProductId::trusted(id), position }
}

fn did(rules: &[AppliedRule]) -> Vec<&str> {
    rules.iter().flat_map(|rule| rule.did.iter().map(String::as_str)).collect()
}

fn full(text: &str) -> SearchRequest {
    SearchRequest { explain: Explain::Full, ..q(text) }
}

#[test]
fn a_pin_stands_in_its_place_and_says_so() {
    let shop = with(shop(), vec![rule("r", "Running  SHOE!", vec![pin("m1", 2), pin("gone", 1), pin("s4", 1)])]);
    let answer = asks(&shop, &full("running shoe"));
    assert_eq!(ids(&answer)[..2], ["s4", "m1"]);
    assert_eq!(answer.total, 6, "the mug, which no word found, counts too");
    assert_eq!(did(&answer.rules), ["pinned s4 at 1", "pinned m1 at 2"]);
    assert_eq!(answer.items[1].reasons[0].code, mercer_schema::ReasonCode::Pinned);
    let part = &answer.explanations[1].parts[0];
    assert_eq!((part.name.as_str(), part.value), ("rule: Rule r", 2.0));
    assert!(asks(&shop, &q("running shoes rack")).rules.is_empty(), "another query");
}

#[test]
fn a_pin_never_brings_back_what_was_narrowed_away() {
    let shop = with(shop(), vec![rule("r", "running shoe", vec![pin("s3", 1), pin("m1", 2)])]);
    assert_eq!(ids(&asks(&shop, &refined("running shoe", "brand", &["Puma"])))[0], "s3");
    let nike = asks(&shop, &refined("running shoe", "brand", &["Nike"]));
    assert!(ids(&nike).iter().all(|id| ["s1", "s2"].contains(id)), "{:?}", ids(&nike));
    let by_price = SearchRequest { sort: SearchSort::PriceUp, ..q("running shoe") };
    assert_eq!(ids(&asks(&shop, &by_price))[0], "r1", "whoever sorts by price gets prices");
    let last = with(super::searching::shop(), vec![rule("r", "running shoe", vec![pin("m1", 100)])]);
    assert_eq!(ids(&asks(&last, &q("running shoe"))).last(), Some(&"m1"));
}

#[test]
fn a_pin_that_comes_to_nothing_is_told() {
    let mut shop = shop();
    let mut gone = crate::testing::product("gone");
    gone.availability = mercer_schema::Availability::OutOfStock;
    shop.save(gone);
    let shop = with(
        shop,
        vec![
            rule("a", "mug", vec![pin("m2", 1), pin("nope", 2), pin("gone", 3)]),
            rule("b", "mug", vec![pin("m1", 1), pin("m2", 4)]),
        ],
    );
    let answer = asks(&shop, &q("mug"));
    assert_eq!(ids(&answer), ["m2", "m1"]);
    assert_eq!(
        answer.notes,
        [
            "The rule `a` pins `nope`, which the catalog does not have: it stays as it was.",
            "The rule `a` pins `gone`, which cannot be bought: it stays as it was.",
            "The rule `b` pins `m1`, but another product is pinned at 1: it stays as it was.",
            "The rule `b` pins `m2`, which is pinned already: it stays as it was.",
        ]
    );
    let refused = |pins| SearchRules::default().check(&rule("r", "mug", pins)).unwrap_err().field;
    assert_eq!(refused(vec![pin("m1", 1), pin("m1", 2)]), "then[1].product_id");
}

#[test]
fn boosts_buries_and_hides_change_the_line() {
    let plain = shop();
    assert_ne!(ids(&asks(&plain, &q("running shoe")))[0], "r1");
    let boost = SearchAction::Boost { products: "product.brand == 'Wood'".into(), factor: 50.0 };
    let bury = SearchAction::Bury { products: "product.brand == 'Nike'".into() };
    let hide = SearchAction::Hide { products: "product.id == 's3'".into() };
    let shop = with(plain, vec![rule("r", "running shoe", vec![boost, bury, hide])]);
    let answer = asks(&shop, &full("running shoe"));
    assert_eq!(ids(&answer)[..2], ["r1", "s4"]);
    assert_eq!(answer.total, 4);
    assert!(ids(&answer)[2..].iter().all(|id| ["s1", "s2"].contains(id)));
    assert_eq!(did(&answer.rules), ["hid 1 product", "boosted 1 product", "buried 2 products"]);
    assert_eq!(answer.items[0].reasons[0].code, mercer_schema::ReasonCode::Boosted);
    assert!(answer.items[2].reasons.is_empty(), "nobody is told that a product was buried");
    assert_eq!(answer.explanations[2].parts.last().unwrap().name, "rule: Rule r");
    let brand = answer.facets.iter().find(|facet| facet.field == "brand").unwrap();
    assert_eq!(brand.values.iter().find(|value| value.value == "Puma").unwrap().count, 1, "hidden is not counted");
}

#[test]
fn the_schedule_is_kept_to_the_microsecond() {
    let mut shop = shop();
    let start = shop.now;
    let end = start.plus(Timestamp::DAY);
    let mut timed = rule("r", "mug", vec![SearchAction::Redirect { url: "/mugs".into() }]);
    (timed.starts_at, timed.ends_at) = (Some(start), Some(end));
    shop = with(shop, vec![timed.clone()]);
    for (now, is_in_force) in [(start.plus(-1), false), (start, true), (end.plus(-1), true), (end, false)] {
        shop.now = now;
        let answer = asks(&shop, &q("mug"));
        assert_eq!(answer.redirect.as_deref(), is_in_force.then_some("/mugs"), "{now}");
        assert_eq!(answer.rules.len(), usize::from(is_in_force));
    }
    timed.enabled = false;
    shop.now = start;
    assert!(asks(&with(shop, vec![timed]), &q("mug")).rules.is_empty());
}

#[test]
fn rules_choose_by_words_category_and_customer() {
    let banner = |text: &str| vec![SearchAction::Banner { text: text.into(), url: None }];
    let mut contains = rule("contains", "x", banner("a"));
    contains.when = SearchWhen { contains: vec!["running shoe".into()], ..SearchWhen::default() };
    let mut walk = rule("walk", "x", banner("b"));
    walk.when = SearchWhen { categories: vec!["Shoes".into()], ..SearchWhen::default() };
    let mut condition = rule("condition", "x", banner("c"));
    condition.when = SearchWhen { condition: Some("customer.orders > 0".into()), ..SearchWhen::default() };
    let mut shop = with(shop(), vec![contains, walk, condition]);
    let shown = |shop: &Shop, request: &SearchRequest| -> Vec<String> {
        asks(shop, request).rules.iter().map(|rule| rule.id.to_string()).collect()
    };
    for text in ["red running shoe", "Running shoes", "runing shoe"] {
        assert_eq!(shown(&shop, &q(text)), ["contains"], "{text}");
    }
    let as_typed = SearchRequest { ignore: vec!["corrected".into()], ..q("runing shoe") };
    assert!(shown(&shop, &as_typed).is_empty());
    assert!(shown(&shop, &q("running red shoe")).is_empty() && shown(&shop, &q("running shoemaker")).is_empty());
    let in_shoes = SearchRequest { category: Some("Sport > Shoes".into()), ..q("") };
    assert_eq!(shown(&shop, &in_shoes), ["walk"]);
    assert!(
        shown(&shop, &SearchRequest { category: Some("Shoes".into()), ..q("bolt") }).is_empty(),
        "a search is no walk"
    );
    shop.buys("ann", &["s1"], Timestamp::DAY);
    assert_eq!(shown(&shop, &by("ann", "mug")), ["condition"]);
    assert!(shown(&shop, &by("bob", "mug")).is_empty());
}

#[test]
fn another_text_is_searched_and_the_customers_stays() {
    let shop = with(
        shop(),
        vec![
            rule("r", "sneaker", vec![SearchAction::Replace { query: "running shoe".into() }]),
            rule("again", "running shoe", vec![SearchAction::Replace { query: "mug".into() }]),
        ],
    );
    let answer = asks(&shop, &q("sneaker"));
    assert_eq!(answer.query.text, "sneaker");
    assert_eq!(answer.items.len(), 5, "followed once, so never in a circle");
    assert_eq!(did(&answer.rules), ["searched “running shoe” instead"]);
}

#[test]
fn what_cannot_be_saved_names_its_field() {
    let refused = |change: &dyn Fn(&mut SearchRule)| {
        let mut rule = rule("r", "mug", vec![pin("m1", 1)]);
        change(&mut rule);
        SearchRules::default().check(&rule).unwrap_err().field
    };
    let then = |action: SearchAction| move |rule: &mut SearchRule| rule.then = vec![action.clone()];
    assert_eq!(refused(&|rule| rule.name = " ".into()), "name");
    assert_eq!(refused(&|rule| rule.then.clear()), "then");
    assert_eq!(refused(&|rule| (rule.starts_at, rule.ends_at) = (Some(Timestamp(5)), Some(Timestamp(5)))), "ends_at");
    assert_eq!(refused(&|rule| rule.when.is = vec!["--".into()]), "when.is[0]");
    assert_eq!(refused(&|rule| rule.when.condition = Some("product.price > 1.0".into())), "when.condition");
    assert_eq!(refused(&then(pin("m1", 0))), "then[0].position");
    assert_eq!(
        refused(&then(SearchAction::Boost { products: "product.pric > 1.0".into(), factor: 2.0 })),
        "then[0].products"
    );
    assert_eq!(refused(&then(SearchAction::Boost { products: "true".into(), factor: f64::NAN })), "then[0].factor");
    for url in ["javascript:alert(1)", "//evil.example", "/\\evil.example", "https://", "mugs", "/a b"] {
        assert_eq!(refused(&then(SearchAction::Redirect { url: url.into() })), "then[0].url", "{url}");
    }
    assert_eq!(refused(&then(SearchAction::Banner { text: "a\u{0}b".into(), url: None })), "then[0].text");
}

#[test]
fn a_rule_of_another_version_does_nothing_and_says_so() {
    let mut shop = shop();
    let broken = SearchAction::Hide { products: "product.nonsense(".into() };
    let failing = SearchAction::Boost { products: "product.title > 3".into(), factor: 2.0 };
    shop.world.search_rules = Arc::new(SearchRules::compile(
        vec![rule("old", "mug", vec![broken, failing, pin("m1", 0)])],
        Language::English,
    ));
    let answer = asks(&shop, &q("mug"));
    assert_eq!(answer.total, 2);
    assert!(answer.notes.iter().any(|note| note.contains("`old`")), "{:?}", answer.notes);
}

#[test]
fn the_shops_words_are_found_and_what_it_refuses_is_not() {
    let mut shop = shop();
    let find = |shop: &Shop, text: &str| asks(shop, &q(text)).total;
    assert_eq!(find(&shop, "beaker"), 0);
    let same = |to: &[&str], refused| SynonymRule {
        from: None,
        to: to.iter().map(|text| (*text).to_owned()).collect(),
        refused,
    };
    shop.world.synonyms = Arc::new(ShopSynonyms::compile(vec![same(&["beakers", "mug"], false)]));
    assert_eq!(find(&shop, "beaker"), 2);
    let word = &asks(&shop, &full("beaker")).query.words[0];
    assert!(word.also.iter().any(|other| other.text == "mug" && other.how == "synonym"), "{word:?}");
    assert_eq!(find(&shop, "suggested"), 0);

    let learned = [mercer_search::Synonyms { from: None, to: vec!["goblet".into(), "mug".into()] }];
    let lexicon = mercer_search::Lexicon::new(&learned);
    shop.world.models = Arc::new(crate::Models { lexicon, ..crate::Models::default() });
    assert_eq!(find(&shop, "goblet"), 2);
    shop.world.synonyms = Arc::new(ShopSynonyms::compile(vec![same(&["mugs", "goblets"], true)]));
    assert_eq!(find(&shop, "goblet"), 0, "refused both ways, by stems");
}

fn action() -> impl Strategy<Value = SearchAction> {
    let products =
        prop_oneof![Just("true"), Just("product.price > 50.0"), Just("product.nonsense("), Just("1 / 0 == 1")];
    prop_oneof![
        (prop_oneof![Just("s1"), Just("m2"), Just("gone")], 0..200_usize).prop_map(|(id, place)| pin(id, place)),
        (products.clone(), prop_oneof![Just(0.0), Just(-1.0), Just(1e300), Just(2.0)])
            .prop_map(|(products, factor)| SearchAction::Boost { products: products.into(), factor }),
        products.clone().prop_map(|products| SearchAction::Bury { products: products.into() }),
        products.prop_map(|products| SearchAction::Hide { products: products.into() }),
        "\\PC{0,20}".prop_map(|query| SearchAction::Replace { query }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever stands in a log: no product twice, none that is unknown, the same answer again.
    #[test]
    fn hostile_rules_break_nothing(actions in prop::collection::vec(action(), 0..6), text in "(running shoe|mug|red|\\PC{0,8})") {
        let mut shop = shop();
        let mut every = rule("every", "x", actions);
        every.when = SearchWhen::default();
        shop.world.search_rules = Arc::new(SearchRules::compile(vec![every.clone(), SearchRule { id: SearchRuleId::trusted("two"), ..every }], Language::English));
        let answer = asks(&shop, &full(&text));
        let mut shown = ids(&answer);
        shown.sort_unstable();
        prop_assert!(shown.windows(2).all(|pair| pair[0] != pair[1]));
        prop_assert_eq!(answer.total, answer.items.len());
        prop_assert_eq!(&answer, &asks(&shop, &full(&text)));
    }
}

fn preset(field: &str, values: &[&str]) -> SearchAction {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    SearchAction::Preset { field: field.to_owned(), values }
}

#[test]
fn what_a_rule_chooses_can_be_taken_away_and_yields_to_the_customer() {
    let shop = with(
        shop(),
        vec![rule("r", "running shoe", vec![preset("brand", &["Nike", "Wood"]), preset("colour", &["red"])])],
    );
    let answer = asks(&shop, &q("running shoe"));
    assert_eq!(ids(&answer), ["s1"]);
    assert_eq!(did(&answer.rules), ["chose brand: Nike, Wood", "chose colour: red"]);
    let chips: Vec<(&str, &str, &str, bool)> = answer
        .query
        .chips
        .iter()
        .filter(|chip| chip.id.starts_with("preset:"))
        .map(|chip| (chip.id.as_str(), chip.label.as_str(), chip.from.as_str(), chip.is_filter))
        .collect();
    assert_eq!(chips, [("preset:brand", "Nike, Wood", "Rule r", true), ("preset:colour", "red", "Rule r", true)]);
    let chosen = |answer: &mercer_schema::SearchAnswer, field: &str| -> Vec<String> {
        let facet = answer.facets.iter().find(|facet| facet.field == field);
        let values = facet.into_iter().flat_map(|facet| &facet.values);
        values.filter(|value| value.is_chosen).map(|value| value.value.clone()).collect()
    };
    assert_eq!(chosen(&answer, "brand").len(), 2, "chosen in the facet as well");
    let without = SearchRequest { ignore: vec!["preset:brand".into()], ..q("running shoe") };
    let answer = asks(&shop, &without);
    assert_eq!((ids(&answer).len(), did(&answer.rules)), (2, vec!["chose colour: red"]));
    let own = asks(
        &shop,
        &SearchRequest { ignore: vec!["preset:colour".into()], ..refined("running shoe", "brand", &["Puma"]) },
    );
    assert_eq!((ids(&own).len(), chosen(&own, "brand")), (2, vec!["Puma".to_owned()]), "whoever chooses has chosen");
    let contains = SearchRule {
        when: SearchWhen { contains: vec!["running shoe".into()], ..SearchWhen::default() },
        ..rule("c", "x", vec![preset("colour", &["red"])])
    };
    let wished = asks(&with(super::searching::shop(), vec![contains]), &q("blue running shoe"));
    assert_eq!((ids(&wished)[0], did(&wished.rules).len()), ("s2", 0), "so does who says it in words");
}

#[test]
fn a_preset_that_leaves_nothing_does_not_stand() {
    for preset in [preset("heel", &["high"]), preset("brand", &["Acme"])] {
        let answer = asks(&with(shop(), vec![rule("r", "mug", vec![preset])]), &q("mug"));
        assert_eq!((answer.total, did(&answer.rules).len()), (2, 0));
        assert!(answer.query.chips.iter().all(|chip| !chip.id.starts_with("preset:")));
        assert!(answer.notes.iter().any(|note| note.contains("the rule `r`")), "{:?}", answer.notes);
    }
}

#[test]
fn a_preset_that_cannot_be_meant_is_refused() {
    let field =
        |action: SearchAction| SearchRules::default().check(&rule("r", "shoe", vec![action])).unwrap_err().field;
    assert_eq!(field(preset("", &["x"])), "then[0].field");
    assert_eq!(field(preset("brand", &[])), "then[0].values");
    assert_eq!(field(preset("brand", &["Acme", " "])), "then[0].values[1]");
    assert_eq!(field(preset("price", &["10"])), "then[0].values[0]");
    assert_eq!(SearchRules::default().check(&rule("r", "shoe", vec![preset("price", &["..999"])])), Ok(()));
}

/// A landing page for a segment: one category, two customers.
#[test]
fn a_category_looks_different_to_a_segment() {
    let landing = SearchRule {
        when: SearchWhen {
            categories: vec!["Sport > Shoes".into()],
            condition: Some("customer.orders > 0".into()),
            ..SearchWhen::default()
        },
        ..rule(
            "runners",
            "x",
            vec![
                SearchAction::Boost { products: "product.brand == 'Puma'".into(), factor: 50.0 },
                SearchAction::Banner { text: "Welcome back".into(), url: Some("/club".into()) },
            ],
        )
    };
    let mut shop = with(shop(), vec![landing]);
    shop.buys("anna", &["m1"], Timestamp::DAY);
    let walk = |who: &str| {
        asks(&shop, &SearchRequest { category: Some("Sport > Shoes".into()), strength: Some(0.0), ..by(who, "") })
    };
    let (anna, ben) = (walk("anna"), walk("ben"));
    assert_eq!(anna.banners[0].text, "Welcome back");
    assert!(ben.banners.is_empty() && ben.rules.is_empty());
    assert!(ids(&anna)[..2].iter().all(|id| ["s3", "s4"].contains(id)), "{:?}", ids(&anna));
    assert_ne!(ids(&anna), ids(&ben));
    assert_eq!(anna.total, ben.total);
}
