//! The index through its public face: what is found, in which order, and that it follows the products.

use std::collections::BTreeMap;

use mercer_schema::{Product, ProductId};
use mercer_search::{Doc, Language, Lexicon, Match, SearchIndex, Synonyms, best};
use proptest::prelude::*;

fn product(id: &str, title: &str) -> Product {
    Product::new(ProductId::trusted(id), title)
}

fn shop() -> (SearchIndex, Vec<Product>) {
    let mut products: Vec<Product> = [
        ("85123A", "White Hanging Heart Lantern"),
        ("22423", "Regency Cakestand 3 Tier"),
        ("RL-100", "Red Metal Lantern"),
        ("KB-7", "Wireless Keyboard, black"),
        ("KC-1", "Keyboard cover, wipes clean"),
        ("TS-1", "Blue T-Shirt"),
        ("SW-1", "Smartwatch with heart rate"),
        ("BT-5", "Water bottle 500 ml"),
        ("BT-7", "Water bottle 0.75 l"),
        ("NB-14", "Acme dv7-1211ea Notebook 14\""),
        ("HB-1", "Handbag leather"),
        ("PAN-1", "Non stick frying pan with lid"),
        ("PAN-2", "Frying pan"),
    ]
    .map(|(id, title)| product(id, title))
    .into();
    products[2].brand = Some("Lumina".into());
    products[2].category = vec!["Home".into(), "Lanterns".into()];
    products[9].attributes.insert("ean", "0884420588030");
    let mut index = SearchIndex::default();
    for (number, product) in products.iter().enumerate() {
        index.put(Doc(number as u32), None, product);
    }
    (index, products)
}

fn found(typed: &str) -> Vec<String> {
    found_with(&Lexicon::default(), typed)
}

fn found_with(lexicon: &Lexicon, typed: &str) -> Vec<String> {
    let (index, products) = shop();
    index.search(lexicon, typed, 10).iter().map(|found| products[found.doc.0 as usize].id.to_string()).collect()
}

#[test]
fn words_are_found_in_any_form() {
    for (typed, id) in [
        ("lanterns hanging", "85123A"),
        ("cake stand", "22423"),
        ("lumina", "RL-100"),
        ("tshirt", "TS-1"),
        ("t shirt", "TS-1"),
        ("smart watch", "SW-1"),
        ("0,5 l bottle", "BT-5"),
        ("bottle 750ml", "BT-7"),
        ("14 inch notebook", "NB-14"),
        ("LUMINA Lantern", "RL-100"),
    ] {
        assert_eq!(found(typed).first().map(String::as_str), Some(id), "{typed}");
    }
}

#[test]
fn a_value_in_the_form_of_a_code_is_one_while_one_product_has_it() {
    let mut index = SearchIndex::default();
    let drive = |number: u32, reference: &str| {
        let mut drive = product(&format!("drive-{number}"), &format!("Hard drive {number}"));
        drive.attributes.insert("Reference", reference);
        drive.attributes.insert("Strichcode", format!("96385{number}74"));
        drive
    };
    for number in 0..4 {
        index.put(Doc(number), None, &drive(number, if number == 3 { "WD5000AAKX" } else { "HD-2000-SATA" }));
    }
    for typed in ["WD5000AAKX", "wd-5000-aakx", "96385074"] {
        assert!(index.is_code(typed), "{typed}");
        assert!(index.search(&Lexicon::default(), typed, 10)[0].is_coded);
    }
    // Three drives have it: it says of which kind they are.
    assert!(!index.is_code("HD-2000-SATA"));
    // No check digit.
    assert!(!index.is_code("96385174"));
    let before = drive(3, "WD5000AAKX");
    index.put(Doc(3), Some(&before), &drive(3, "WD6000AAKX"));
    assert!(!index.is_code("WD5000AAKX") && index.is_code("wd6000aakx"));
    index.remove(Doc(3), &drive(3, "WD6000AAKX"));
    assert!(!index.is_code("wd6000aakx"));
}

#[test]
fn slips_are_forgiven_and_codes_are_not_touched() {
    for typed in ["lantren red", "red lanten", "redd lantern"] {
        assert_eq!(found(typed)[0], "RL-100", "{typed}");
    }
    for typed in ["85123a", "85123-A", "nb14", "NB-14", "0884420588030", "dv7-1211ea", "dv71211ea", "dv7 1211ea"] {
        let list = found(typed);
        assert_eq!(list.len(), 1, "{typed}: {list:?}");
    }
    assert!(found("85124A").is_empty() && found("dv8-1211eb").is_empty());
    let (index, _) = shop();
    let answer = index.find(&Lexicon::default(), "red lanten", false);
    assert_eq!(answer.corrected.as_deref(), Some("red lantern"));
    assert_eq!(index.find(&Lexicon::default(), "red lantern", false).corrected, None);
}

#[test]
fn digits_that_slipped_into_words_and_words_written_as_one_with_a_slip_are_mended() {
    let mut index = SearchIndex::default();
    for number in 0..60 {
        let title = match number % 4 {
            0 => "Nickel closet rod",
            1 => "Gas stove with oven",
            2 => "Cordless rotary hammer",
            _ => "Window fan",
        };
        index.put(Doc(number), None, &product(&format!("p{number}"), title));
    }
    index.put(Doc(60), None, &product("st0ve", "Toy kitchen"));
    let mended = |typed: &str| index.find(&Lexicon::default(), typed, false).corrected;
    for (typed, meant) in [
        ("n9ickel rod", "nickel rod"),
        ("w8indow", "window"),
        ("gasstve", "gas stove"),
        ("cordlessrotry hammer", "cordless rotary hammer"),
        ("cordlesrotary hammer", "cordless rotary hammer"),
    ] {
        assert_eq!(mended(typed).as_deref(), Some(meant), "{typed}");
    }
    for typed in ["nickel9", "9nickel", "n9i8ckel", "st0ve", "windowgarden", "gasxyzzy"] {
        assert_eq!(mended(typed), None, "{typed}");
    }
    assert_eq!(index.search(&Lexicon::default(), "st0ve", 10)[0].doc, Doc(60), "a code is what it is");
}

#[test]
fn what_a_product_is_stands_before_what_goes_with_it() {
    assert_eq!(found("keyboard"), ["KB-7", "KC-1"]);
    assert_eq!(found("keyboard cover")[0], "KC-1");
}

#[test]
fn what_is_not_wanted_is_left_out() {
    assert_eq!(found("frying pan without lid"), ["PAN-2"]);
    assert_eq!(found("frying pan -lid"), ["PAN-2"]);
    assert_eq!(found("-lid frying pan"), ["PAN-2"], "at the beginning too");
    let mended = shop().0.find(&Lexicon::default(), "fryng pan -lid", false).corrected;
    assert_eq!(mended.as_deref(), Some("frying pan -lid"), "as a person would write it");
    assert_eq!(found("frying-pan"), found("frying pan"), "a hyphen is no minus");
    assert_eq!(found("non stick pan")[0], "PAN-1", "a name, no negation");
    assert_eq!(found("no lid frying pan"), ["PAN-2"], "at the beginning in words");
    assert_eq!(found("frying pan without a lid"), ["PAN-2"]);
    assert_eq!(found("frying pan -\"lid\""), ["PAN-2"]);
    assert_eq!(found("water bottle without 0.75 l"), ["BT-5"]);
    let (index, _) = shop();
    let without = |typed: &str| index.find(&Lexicon::default(), typed, false).unwanted;
    assert_eq!(without("lantern without red and metal"), ["red", "metal"]);
    assert_eq!(without("lantern without red and metal heart"), ["red"], "what follows is wanted");
    assert_eq!(without("shirt -t-shirt"), ["t shirt"], "a name is one");
    assert!(found("shirt -t-shirt").is_empty() && found("keyboard -keyboard-cover") == ["KB-7"]);
    let only = index.find(&Lexicon::default(), "-red", false);
    assert!(only.is_only_without() && only.matches.is_empty() && !index.is_wanted(&only, Doc(2)));
}

#[test]
fn words_are_told_with_the_accents_that_the_catalog_writes() {
    let mut index = SearchIndex::new(Language::German);
    for (number, title) in
        ["Kühlschrank weiß", "Kühlschrank schwarz", "Fußballschuhe", "Cafe Stuhl", "Café Tisch"].iter().enumerate()
    {
        index.put(Doc(number as u32), None, &product(&format!("k{number}"), title));
    }
    let find = |typed: &str| index.find(&Lexicon::default(), typed, false);
    assert_eq!(find("kuhlschrnak weiss").corrected.as_deref(), Some("kühlschrank weiss"));
    assert!(find("kuhlschrank").corrected.is_none() && find("kuhlschrank").matches.len() == 2);
    let begun = |typed: &str| index.beginnings(typed, 3).into_iter().map(|found| found.text).collect::<Vec<_>>();
    assert_eq!((begun("küh"), begun("fuss")), (vec!["kühlschrank".to_owned()], vec!["fußballschuhe".to_owned()]));
    assert_eq!(index.spelled("cafe kuhlschrank"), "cafe kühlschrank", "as most products write it");
    assert!(find("schwarze stühle").corrected.is_none(), "another form is no slip");
    index.remove(Doc(3), &product("k3", "Cafe Stuhl"));
    assert_eq!(index.spelled("cafe"), "café");
}

#[test]
fn words_nobody_has_are_told() {
    let (index, _) = shop();
    let answer = index.find(&Lexicon::default(), "red zzyzx lantern", false);
    assert_eq!(answer.unknown, ["zzyzx"]);
    assert_eq!(best(answer.matches, 1)[0].doc, Doc(2));
    assert!(found("zzyzx").is_empty() && found("").is_empty() && found("   ").is_empty());
}

#[test]
fn the_last_word_may_be_only_begun() {
    let (index, _) = shop();
    let lexicon = Lexicon::default();
    let first = |typed: &str| best(index.find(&lexicon, typed, true).matches, 1).first().map(|found| found.doc.0);
    assert_eq!(first("red lan"), Some(2));
    assert_eq!(first("wir"), Some(3));
    assert_eq!(first("the"), None);
}

#[test]
fn the_shop_has_words_of_its_own() {
    let rules = [Synonyms { from: Some("light".into()), to: vec!["lantern".into()] }];
    let lexicon = Lexicon::new(&rules);
    assert!(found("light").is_empty());
    assert_eq!(found_with(&lexicon, "lights").len(), 2);
}

#[test]
fn words_of_synonyms_may_be_mistyped_or_joined_by_a_hyphen() {
    let rules = [
        Synonyms { from: Some("torch".into()), to: vec!["lantern".into()] },
        Synonyms { from: Some("usb-c cable".into()), to: vec!["t-shirt".into()] },
    ];
    let lexicon = Lexicon::new(&rules);
    let mut index = SearchIndex::default();
    for (number, title) in ["Paper lantern", "Red tshirt", "USB lamp", "Cable"].iter().enumerate() {
        index.put(Doc(number as u32), None, &product(&format!("p{number}"), title));
    }
    let first = |typed: &str| index.search(&lexicon, typed, 9).first().map(|found| found.doc.0);
    for typed in ["torch", "torhc", "torches", "tortch"] {
        assert_eq!(first(typed), Some(0), "{typed}");
    }
    assert_eq!(index.find(&lexicon, "torhc", false).corrected.as_deref(), Some("torch"));
    assert_eq!(first("usb-c cable"), Some(1));
    assert_eq!(first("usb c cable"), Some(1));
}

#[test]
fn german_words_are_found_in_compounds() {
    let mut index = SearchIndex::new(Language::German);
    for (number, title) in ["Laptoptasche rot", "Schlüsselanhänger", "Gürtel"].iter().enumerate() {
        index.put(Doc(number as u32), None, &product(&format!("p{number}"), title));
    }
    let lexicon = Lexicon::new(&[]);
    for (typed, doc) in [("tasche", 0), ("laptoptaschen", 0), ("schlusselanhanger", 1), ("GÜRTEL", 2), ("guertel", 2)]
    {
        let list = index.search(&lexicon, typed, 3);
        assert_eq!(list.first().map(|found| found.doc.0), Some(doc), "{typed}");
    }
}

#[test]
fn a_compound_finds_what_the_catalog_writes_apart() {
    let mut index = SearchIndex::new(Language::German);
    let titles =
        ["Schuhe für Damen", "Schuh für Kinder", "Gürtel für Damen", "Handschuhe", "Lampe für die Arbeit", "Regal"];
    for (number, title) in titles.iter().enumerate() {
        index.put(Doc(number as u32), None, &product(&format!("p{number}"), title));
    }
    let lexicon = Lexicon::new(&[]);
    for (typed, docs) in [
        ("damenschuhe", &[0][..]),
        ("Damenschuh", &[0]),
        ("kinderschuhe", &[1]),
        ("arbeitslampe", &[4]),
        ("damengürtel", &[2]),
        ("kindergürtel", &[]),
        ("handschuh", &[3]),
    ] {
        let found = index.find(&lexicon, typed, false);
        let all: Vec<u32> = found.matches.iter().map(|found| found.doc.0).collect();
        assert_eq!(all, docs, "{typed}: {found:?}");
        assert!(docs.is_empty() || (found.unknown.is_empty() && found.corrected.is_none()), "{typed}: {found:?}");
    }
    let told = index.find(&lexicon, "damenschuhe", false).words;
    assert_eq!(told[0].also, [("damen schuhe".to_owned(), "split")]);
}

#[test]
fn praise_asks_for_nothing_unless_it_is_a_name() {
    let mut index = SearchIndex::default();
    for (number, title) in ["Best Dad candle", "Red mug", "Best Mum toast", "Nice biscuit tin"].iter().enumerate() {
        index.put(Doc(number as u32), None, &product(&format!("p{number}"), title));
    }
    let lexicon = Lexicon::new(&[]);
    for (typed, docs) in [
        ("best mug", &[1][..]),
        ("mug best", &[1]),
        ("cheap red mug", &[1]),
        ("best dad", &[0]),
        ("best", &[0, 2]),
        ("nice biscuit", &[3]),
    ] {
        let found = index.find(&lexicon, typed, false);
        let all: Vec<u32> = found.matches.iter().map(|found| found.doc.0).collect();
        assert_eq!(all, docs, "{typed}: {found:?}");
    }
}

#[test]
fn an_empty_index_finds_nothing() {
    assert!(SearchIndex::default().search(&Lexicon::default(), "lantern", 10).is_empty());
}

#[test]
fn hostile_text_costs_little() {
    let (index, _) = shop();
    let bombs = [
        "a".repeat(10_000),
        "lantern ".repeat(2_000),
        "(((((*?+{9}".repeat(500),
        "\u{0}\u{7}\u{202e}lantern".into(),
        "é".repeat(5_000),
    ];
    for bomb in bombs {
        index.search(&Lexicon::default(), &bomb, 10);
    }
}

/// A change of the catalog: a product of few words under a few numbers, or none.
fn changes() -> impl Strategy<Value = Vec<(u32, Option<String>)>> {
    let title =
        prop::collection::vec(prop::sample::select(vec!["red", "lamp", "lamps", "blue-ray", "500 ml", "dv7"]), 1..5);
    prop::collection::vec((0_u32..6, prop::option::of(title.prop_map(|words| words.join(" ")))), 0..40)
}

proptest! {
    #[test]
    fn the_index_is_the_same_however_products_came(changes in changes(), typed in "(red|lamp|blue ray|lmap|500ml| ){1,3}") {
        let mut live = SearchIndex::default();
        let mut products: BTreeMap<u32, Product> = BTreeMap::new();
        for (number, title) in changes {
            let before = products.remove(&number);
            match title {
                Some(title) => {
                    let now = product(&format!("p{number}"), &title);
                    live.put(Doc(number), before.as_ref(), &now);
                    products.insert(number, now);
                }
                None => before.iter().for_each(|before| live.remove(Doc(number), before)),
            }
        }
        let mut fresh = SearchIndex::default();
        products.iter().rev().for_each(|(number, product)| fresh.put(Doc(*number), None, product));
        let lexicon = Lexicon::default();
        prop_assert_eq!(live.search(&lexicon, &typed, 10), fresh.search(&lexicon, &typed, 10));
        prop_assert_eq!(live.len(), products.len());
    }

    #[test]
    fn anything_can_be_typed(typed in "\\PC{0,300}", is_open in any::<bool>()) {
        let (index, products) = shop();
        let answer = index.find(&Lexicon::default(), &typed, is_open);
        prop_assert!(answer.matches.len() <= products.len());
        prop_assert!(answer.matches.iter().all(|found| found.score.is_finite()));
    }
}

#[test]
fn words_that_are_meant_as_typed_are_not_mended() {
    let (index, _) = shop();
    let lexicon = Lexicon::default();
    let mended = index.find(&lexicon, "lantren", false);
    assert_eq!((mended.corrected.as_deref(), mended.matches.len()), (Some("lantern"), 2));
    let meant = index.find_as_typed(&lexicon, "lantren", false);
    assert_eq!((meant.corrected, meant.matches.len(), meant.unknown), (None, 0, vec!["lantren".to_owned()]));
    assert_eq!(index.find_as_typed(&lexicon, "lanterns", false).matches.len(), 2, "forms of a word are no slips");
    assert_eq!(index.find_as_typed(&lexicon, "tshirt", false).matches.len(), 1, "nor is what is written as one");
}

proptest! {
    #[test]
    fn the_best_are_those_that_a_sort_puts_first(
        scores in prop::collection::vec(prop_oneof![Just(1.0_f32), 0.0_f32..3.0], 0..300), limit in 0_usize..40,
    ) {
        let matches = |scores: &[f32]| -> Vec<Match> {
            let with = |(doc, score): (u32, &f32)| {
                Match { doc: Doc(doc), score: *score, coverage: 1.0, share: 1.0, is_coded: false }
            };
            (0..).zip(scores).map(with).collect()
        };
        let mut sorted = matches(&scores);
        sorted.sort_by(|a, b| b.score.total_cmp(&a.score));
        sorted.truncate(limit);
        prop_assert_eq!(best(matches(&scores), limit), sorted);
    }
}
