//! Rules through their own face: what they may say, what they see, and that nothing they say can hurt.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use mercer_schema::{
    Availability, Currency, CustomerId, Money, Page, PageType, Product, ProductId, Profile, Timestamp, Touch, TouchKind,
};
use proptest::prelude::*;

use super::*;

fn money(minor: i64) -> Option<Money> {
    Some(Money { minor, currency: Currency::parse("EUR").unwrap() })
}

fn lamp() -> Product {
    Product {
        brand: Some("Lumen".into()),
        category: vec!["Home".into(), "Lamps".into()],
        price: money(1_950),
        list_price: money(2_500),
        attributes: [("colour", "red")].into(),
        ..Product::new(ProductId::trusted("lamp"), "Paper Lantern")
    }
}

fn bare() -> Product {
    Product { availability: Availability::Preorder, ..Product::new(ProductId::trusted("bare"), "Bare") }
}

/// Monday, 2026-03-02, 09:30 UTC.
fn now() -> Timestamp {
    Timestamp::parse("2026-03-02T09:30:00Z").unwrap()
}

fn page() -> Page {
    Page {
        kind: PageType::Category,
        category: Some("Lamps".into()),
        product_ids: vec![ProductId::trusted("other")],
        ..Page::default()
    }
}

fn regular() -> Profile {
    let at = now().plus(-3 * Timestamp::DAY);
    Profile {
        customer_id: Some(CustomerId::trusted("ada")),
        orders: 4,
        visits: 9,
        spend_minor: BTreeMap::from([(Currency::parse("EUR").unwrap(), 12_345)]),
        traits: serde_json::json!({"tier": "gold", "email": "ada@example.org", "points": 12, "vip": true})
            .as_object()
            .unwrap()
            .clone(),
        touches: vec![Touch { at, product_id: ProductId::trusted("x"), kind: TouchKind::Purchased, quantity: 1 }],
        ..Profile::default()
    }
}

/// What `text` says of a product on the page, whole and folded: the two must agree.
fn ask(text: &str, product: &Product, profile: Option<&Profile>) -> Result<bool, Fault> {
    let rule = Rule::compile(text, Subject::Product).unwrap_or_else(|error| panic!("{text}: {error:?}"));
    let (page, likes) = (page(), ["Lamps".to_owned()]);
    let customer =
        CustomerFacts { profile, categories: if profile.is_some() { &likes } else { &[] }, brands: &[], now: now() };
    let scope = Scope::new(&page, customer, now());
    let facts = ProductFacts { product, since: now().plus(-10 * Timestamp::DAY), now: now() };
    let whole = truth(&rule.expression, &scope, Some(facts));
    let folded = rule.on_page(&scope).holds(&scope, Some(facts));
    assert_eq!(whole.as_ref().ok(), folded.as_ref().ok(), "{text}");
    folded
}

fn refusal(text: &str) -> RuleError {
    Rule::compile(text, Subject::Product).expect_err(text)
}

#[test]
fn reads_all_that_it_may() {
    let (lamp, ada) = (lamp(), regular());
    for text in [
        "product.id == 'lamp' && product.title == 'Paper Lantern' && product.brand == 'Lumen'",
        "'Home' in product.category && product.category[1] == 'Lamps' && size(product.category) == 2",
        "product.category == ['Home', 'Lamps'] && product.category[7] == ''",
        "product.leaf_category == 'Lamps' && product.currency == 'EUR'",
        "product.price == 19.5 && product.list_price > 20 && product.price < product.list_price * 0.8",
        "product.on_sale && product.in_stock && product.availability == 'in_stock'",
        "product.attributes.colour == 'red' && product.attributes['colour'] == 'red' && product.attributes.size == ''",
        "has(product.attributes.colour) && !has(product.attributes.size) && 'colour' in product.attributes",
        "has(product.brand) && !has(product.group_id) && product.group_id == ''",
        "product.age_days == 10",
        "product.title.lowerAscii().contains('lantern') && product.title.startsWith('Paper')",
        "product.category.exists(name, name == page.category) && product.category.all(name, name != '')",
        "page.type == 'category' && page.category in product.category && page.query == '' && page.locale == ''",
        "!(product.id in page.product_ids) && page.product_ids.size() == 1",
        "customer.known && customer.orders == 4 && customer.visits == 9 && customer.days_since_last_order == 3",
        "customer.spend.EUR == 123.45 && customer.spend.USD == 0.0",
        "customer.traits.tier == 'gold' && customer.traits.points > 10 && customer.traits.vip",
        "customer.traits.nothing == null && !has(customer.traits.nothing)",
        "product.leaf_category in customer.categories && customer.brands == []",
        "now.hour == 9 && now.weekday == 1 && now.day == 2 && now.month == 3 && now.date == '2026-03-02'",
        "customer.orders > 3 ? product.on_sale : false",
    ] {
        assert_eq!(ask(text, &lamp, Some(&ada)), Ok(true), "{text}");
    }
}

#[test]
fn what_is_absent_is_empty_and_never_an_error() {
    for text in [
        "product.brand == '' && product.category == [] && product.leaf_category == '' && product.price == null",
        "!product.on_sale && product.availability == 'preorder' && product.attributes.colour == ''",
        "!('Home' in product.category) && !has(product.price) && !has(product.category)",
        "!customer.known && customer.orders == 0 && customer.spend.EUR == 0.0 && customer.days_since_last_order == null",
        "customer.categories == [] && customer.traits.tier == null && !has(customer.traits.tier)",
        "product.price < 20 || product.title == 'Bare'",
    ] {
        assert_eq!(ask(text, &bare(), None), Ok(true), "{text}");
    }
    for text in [
        "product.price < 20",
        "!(product.price < 20)",
        "product.price * 2.0 > 1.0",
        "customer.days_since_last_order < 3",
    ] {
        assert_eq!(ask(text, &bare(), None), Err(Fault::Absent), "{text}");
    }
    assert!(matches!(ask("int(product.attributes.size) > 3", &bare(), None), Err(Fault::Failed(_))));
}

#[test]
fn unknown_names_are_refused_with_the_one_that_was_meant() {
    for (text, message, meant) in [
        ("product.categry == 'x'", "the field `product.categry` is unknown", Some("product.category")),
        ("prodct.title == 'x'", "the variable `prodct` is unknown", Some("product")),
        ("customer.spent.EUR > 3", "the field `customer.spent` is unknown", Some("customer.spend")),
        ("product.title.startWith('x')", "the function `startWith` is unknown", Some("startsWith")),
        ("has(product.brnd)", "the field `product.brnd` is unknown", Some("product.brand")),
        ("product.category.exists(x, y == 'a')", "the variable `y` is unknown", None),
    ] {
        let refused = refusal(text);
        assert!(refused.message.starts_with(message), "{text}: {}", refused.message);
        assert_eq!(refused.nearest.as_deref(), meant, "{text}");
    }
    assert!(refusal("product.colour == 'red'").message.contains("product has id, title"));
}

#[test]
fn what_cannot_be_right_is_refused_when_saved() {
    for (text, part) in [
        ("", "empty"),
        ("product.price <", "no CEL expression"),
        ("product.price > '20'", "types do not fit"),
        ("product.price * 2 > 10.0", "write `2.0`"),
        ("product.title", "gives a string"),
        ("product", "gives a map"),
        ("product.price.amount > 3.0", "has no fields"),
        ("product['price'] > 3.0", "with a dot"),
        ("customer.traits.email == 'x'", "identifies a person"),
        ("customer.traits['email'] == 'x'", "with a dot"),
        ("{'a': product.title}['a'] == 'x'", "maps and structures"),
        ("product.category.exists(x, product.category.exists(y, x == y))", "cannot stand in another"),
        ("product.category.exists(product, product == 'x')", "already has a meaning"),
        ("product.title.replace('a', 'aaaaaaaaaaaaaaaa') == ''", "the function `replace` is unknown"),
        ("product.title.matches('(a+)+$')", "the function `matches` is unknown"),
        ("optional.of(product.title).hasValue()", "is unknown"),
        ("product.?title == 'x'", "unknown"),
    ] {
        let refused = refusal(text);
        assert!(refused.message.contains(part), "{text}: {}", refused.message);
    }
    let page = Rule::compile("product.on_sale", Subject::Page).expect_err("no product here");
    assert!(page.message.contains("cannot be read here"));
    assert!(Rule::compile("customer.orders > 1 && now.hour < 12", Subject::Page).is_ok());
}

#[test]
fn a_page_settles_what_does_not_depend_on_the_product() {
    let page = page();
    let customer = CustomerFacts { profile: None, categories: &[], brands: &[], now: now() };
    let scope = Scope::new(&page, customer, now());
    let on_page = |text: &str| Rule::compile(text, Subject::Product).unwrap().on_page(&scope);
    assert_eq!(on_page("customer.orders > 3 && product.on_sale").constant(), Some(false));
    assert_eq!(on_page("page.type == 'category' || product.on_sale").constant(), Some(true));
    assert_eq!(on_page("page.type == 'home' ? product.on_sale : now.hour == 9").constant(), Some(true));
    assert_eq!(on_page("page.type == 'category' && product.on_sale").constant(), None);
    let narrowing = |text: &str| on_page(text).narrowing().cloned();
    let lamps = Some(Narrowing::Category("Lamps".into()));
    assert_eq!(narrowing("page.category in product.category"), lamps);
    assert_eq!(narrowing("product.on_sale && (page.category == '' || page.category in product.category)"), lamps);
    assert_eq!(narrowing("product.leaf_category == 'Lamps'"), lamps);
    assert_eq!(narrowing("'Lumen' == product.brand && product.on_sale"), Some(Narrowing::Brand("Lumen".into())));
    assert_eq!(narrowing("product.brand == page.query"), None, "an absent brand is empty, too");
    assert_eq!(narrowing("'Lamps' in product.category || product.on_sale"), None);
    assert_eq!(narrowing("!('Lamps' in product.category)"), None);
}

/// Everything here is refused or answered at once; nothing hangs, panics or eats memory.
#[test]
fn hostile_expressions_are_harmless() {
    let many = |part: &str, times: usize| part.repeat(times);
    let hostile = [
        many("(", 1_900),
        many("[", 1_900),
        many("!", 1_900) + "true",
        many("-", 1_900) + "1 == 1",
        many("! ", 900) + "true",
        many("(true || ", 200) + "true" + &many(")", 200),
        many("true ? ", 200) + "true" + &many(" : false", 200),
        many("true || ", 240) + "true",
        many("product.", 240) + "title == ''",
        "product".to_owned() + &many(".title", 300) + " == ''",
        "product.title".to_owned() + &many(" + product.title", 110) + " == ''",
        "[1, 2, 3]".to_owned() + &many(".map(x, x)", 100) + " == []",
        many("a.exists(a, ", 100) + "true" + &many(")", 100),
        "product.category.map(x, [x, x, x, x, x, x, x, x]).map(x, [x, x, x, x]).size() > 0".to_owned(),
        "'".to_owned() + &many("\\", 900),
        "\"\"\"".to_owned(),
        "\u{0}\u{ffff}\u{202e}".to_owned(),
        "9223372036854775807 + 1 == 0".to_owned(),
        "-9223372036854775808 / -1 == 0".to_owned(),
        "1 / 0 == 0".to_owned(),
        "1 % 0 == 0".to_owned(),
        "0.0 / 0.0 == 0.0".to_owned(),
        "int(9e300) == 1".to_owned(),
        "product.title[0] == 'x'".to_owned(),
        "size(1) == 1".to_owned(),
        "type(product) == map".to_owned(),
        "dyn(product).title == ''".to_owned(),
        ".product.title == ''".to_owned(),
        "@result == 1".to_owned(),
        "__result__ == 1".to_owned(),
        "`product`.title == ''".to_owned(),
        "product.`title` == ''".to_owned(),
        "b'\\xff' == b''".to_owned(),
        "Account{user_id: 'x'}.user_id == 'x'".to_owned(),
        "true // comment\n && false".to_owned(),
    ];
    for text in hostile {
        let started = Instant::now();
        if let Ok(rule) = Rule::compile(&text, Subject::Product) {
            let page = page();
            let scope =
                Scope::new(&page, CustomerFacts { profile: None, categories: &[], brands: &[], now: now() }, now());
            let lamp = lamp();
            let facts = ProductFacts { product: &lamp, since: now(), now: now() };
            let _ = rule.on_page(&scope).holds(&scope, Some(facts));
        }
        assert!(
            started.elapsed() < Duration::from_secs(2),
            "{} took {:?}",
            &text[..40.min(text.len())],
            started.elapsed()
        );
    }
}

/// Random rules whose types fit.
fn rule() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "false",
        "product.on_sale",
        "product.in_stock",
        "product.price < 20.0",
        "product.list_price >= product.price",
        "product.brand == 'Lumen'",
        "'Lumen' == product.brand",
        "product.leaf_category == page.category",
        "page.category in product.category",
        "'Home' in product.category",
        "product.attributes.colour == 'red'",
        "has(product.brand)",
        "has(customer.traits.tier)",
        "product.id in page.product_ids",
        "page.type == 'category'",
        "customer.known",
        "customer.orders > 2",
        "customer.spend.EUR >= 100.0",
        "customer.days_since_last_order < 7",
        "product.leaf_category in customer.categories",
        "now.hour < 12",
        "now.weekday == 7",
        "product.age_days > 3",
        "product.category.exists(name, name == page.category)",
        "int(product.attributes.size) > 3",
        "customer.traits.points > 10",
        "size(product.title) < 9",
        "product.brand == page.query",
    ])
    .prop_map(|leaf| format!("({leaf})"));
    leaf.prop_recursive(3, 12, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (pair.clone(), prop::sample::select(vec!["&&", "||", "=="]))
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            inner.clone().prop_map(|a| format!("!({a})")),
            (inner, pair).prop_map(|(a, (b, c))| format!("({a} ? {b} : {c})")),
        ]
    })
}

/// Random expressions without regard to types: most are refused.
fn expression() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "true",
        "1",
        "2.5",
        "'Lamps'",
        "''",
        "null",
        "[]",
        "product.price",
        "product.brand",
        "product.category",
        "product.on_sale",
        "product.attributes.colour",
        "page.category",
        "page.product_ids",
        "customer.orders",
        "customer.spend.EUR",
        "customer.traits.tier",
        "customer.days_since_last_order",
        "now.hour",
        "product",
    ])
    .prop_map(str::to_owned);
    leaf.prop_recursive(4, 24, 3, |inner| {
        let pair = (inner.clone(), inner.clone());
        prop_oneof![
            (
                pair.clone(),
                prop::sample::select(vec!["&&", "||", "==", "!=", "<", ">=", "+", "*", "-", "/", "%", "in"])
            )
                .prop_map(|((a, b), operator)| format!("({a} {operator} {b})")),
            inner.clone().prop_map(|a| format!("!{a}")),
            inner.clone().prop_map(|a| format!("size({a})")),
            (inner.clone(), pair.clone()).prop_map(|(a, (b, c))| format!("({a} ? {b} : {c})")),
            pair.clone().prop_map(|(a, b)| format!("[{a}, {b}]")),
            pair.clone().prop_map(|(a, b)| format!("{a}.exists(x, x == {b})")),
            pair.prop_map(|(a, b)| format!("{a}[{b}]")),
            inner.prop_map(|a| format!("has({a})")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 2))]

    #[test]
    fn folding_never_changes_an_answer(text in rule(), wild in expression()) {
        let is_wild_fine = Rule::compile(&wild, Subject::Product).is_ok();
        for text in std::iter::once(text).chain(is_wild_fine.then_some(wild)) {
            for product in [lamp(), bare()] {
                for profile in [Some(regular()), None] {
                    // `ask` compares the whole rule with the folded one.
                    let _ = ask(&text, &product, profile.as_ref());
                }
            }
        }
    }

    /// A narrowing leaves out no product that the rule would let through.
    #[test]
    fn narrowing_is_safe(text in rule()) {
        let rule = Rule::compile(&text, Subject::Product).unwrap();
        let page = page();
        let scope = Scope::new(&page, CustomerFacts { profile: None, categories: &[], brands: &[], now: now() }, now());
        let rule = rule.on_page(&scope);
        for product in [lamp(), bare()] {
            let facts = ProductFacts { product: &product, since: now(), now: now() };
            let is_inside = match rule.narrowing() {
                None => true,
                Some(Narrowing::Category(name)) => product.category.contains(name),
                Some(Narrowing::Brand(name)) => product.brand.as_ref() == Some(name),
            };
            prop_assert!(is_inside || rule.holds(&scope, Some(facts)) != Ok(true));
        }
    }

    #[test]
    fn any_text_is_refused_or_read(text in "\\PC{0,60}") {
        let _ = Rule::compile(&text, Subject::Product);
    }
}

/// What a parser of rules has to bound.
const HOSTILE: &[&str] = &[
    "product.title",
    "product.attributes",
    "product",
    "customer.traits.x",
    "page.query",
    "now.hour",
    "x",
    "1",
    "-1",
    "0",
    "1.5e308",
    "9223372036854775807",
    "-9223372036854775808",
    "99999999999999999999",
    "0u",
    "b'\\xff'",
    "'a'",
    "\"\\u0000\"",
    "\"\"\"",
    "r'\\'",
    "true",
    "null",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    "{'a': 1}",
    ".",
    ",",
    "?",
    ":",
    "!",
    "!!",
    "-",
    "--",
    "+",
    "*",
    "/",
    "%",
    "==",
    "!=",
    "<=",
    "&&",
    "||",
    " in ",
    ".exists(x, x == x)",
    ".all(x, ",
    ".map(x, [x, x])",
    ".filter(x, true)",
    ".matches('(a*)*b')",
    ".matches('a{999}{999}{999}')",
    ".contains(",
    ".startsWith('a')",
    ".replace('', 'aaaaaaaa')",
    ".split('')",
    ".join(",
    "size(",
    "int(",
    "double(",
    "string(",
    "duration('1000000h')",
    "timestamp('9999-12-31T23:59:59Z')",
    "has(",
    "dyn(",
    "type(",
    "\n",
    "//",
    "\u{0}",
    "\u{202e}",
    "日本",
    "🎁",
    "_==_",
    "@in",
    "__comprehension__",
];

/// Pieces of rules strung together: nested, repeated, mistyped.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(HOSTILE);
    (prop::collection::vec(piece, 0..40), prop_oneof![4 => Just(1_usize), 1 => 1_usize..60])
        .prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #[test]
    fn hostile_text_is_refused_or_answered_soon(text in hostile()) {
        let started = Instant::now();
        for subject in [Subject::Product, Subject::Page] {
            match Rule::compile(&text, subject) {
                Ok(_) if subject == Subject::Product => {
                    let _ = ask(&text, &lamp(), Some(&regular()));
                }
                Ok(_) => {}
                Err(error) => prop_assert!(!error.message.is_empty() && error.message.len() < 2_000, "{}", error.message),
            }
        }
        prop_assert!(started.elapsed() < Duration::from_secs(2), "{text}");
    }
}
