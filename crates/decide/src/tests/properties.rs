//! What holds in every shop, for every request: random worlds, random placements, random customers.

use std::collections::BTreeSet;

use mercer_schema::{
    Aim, Availability, CommerceAction, DecideRequest, Diversity, Explain, Objective, PageDecision, PageType, Pin,
    Placement, ProductId, Quota, Rerank, RerankMethod, Source, SourceKind, SuppressedBecause, Timestamp,
};
use proptest::prelude::*;

use crate::Placements;
use crate::testing::{Shop, boost, pin, placement, request};

const KINDS: [SourceKind; 14] = [
    SourceKind::Popular,
    SourceKind::Trending,
    SourceKind::Newest,
    SourceKind::RecentlyViewed,
    SourceKind::BuyAgain,
    SourceKind::AlsoViewed,
    SourceKind::BoughtTogether,
    SourceKind::Similar,
    SourceKind::SessionNext,
    SourceKind::ForYou,
    SourceKind::Complements,
    SourceKind::Bundle,
    SourceKind::Taste,
    SourceKind::Sequence,
];

const RULES: [&str; 8] = [
    "product.in_stock",
    "product.price < 15.0",
    "page.category in product.category",
    "product.leaf_category in customer.categories || !customer.known",
    "product.brand != 'b1' && customer.orders < 3",
    "int(product.attributes.size) > 2",
    "product.age_days < 50 || now.hour < 12",
    "!(product.id in page.product_ids)",
];

#[derive(Debug, Clone)]
struct Deed {
    who: u8,
    what: u8,
    product: u8,
    hours_ago: i64,
}

#[derive(Debug, Clone)]
struct Scene {
    /// Category, brand, group, stock, days that it lasts.
    products: Vec<(u8, u8, u8, bool, Option<u32>)>,
    deeds: Vec<Deed>,
    placements: Vec<Placement>,
    request: DecideRequest,
}

fn any_placement() -> impl Strategy<Value = Placement> {
    let rule = || prop::sample::select(RULES.to_vec());
    let sources = prop::sample::subsequence(KINDS.to_vec(), 1..4);
    let fallback = prop::sample::subsequence(KINDS.to_vec(), 0..3);
    let caps = (prop::option::of(1_usize..4), prop::option::of(1_usize..4));
    let pins = prop::collection::vec((0_u8..34, 1_usize..8, prop::option::of(Just("customer.visits > 0"))), 0..4);
    let boosts = prop::collection::vec((rule(), 0.1_f64..9.0), 0..3);
    let exploration = prop_oneof![2 => Just(0.0), 1 => 0.0_f64..=1.0];
    let row = (sources, fallback, 1_usize..9, prop::option::of(rule()), caps, pins, boosts, exploration);
    (row, any_arranging()).prop_map(
        |((sources, fallback, size, filter, caps, pins, boosts, exploration), arranging)| Placement {
            sources: (1..).zip(sources).map(|(place, kind)| Source { kind, weight: f64::from(place) }).collect(),
            filter: filter.map(str::to_owned),
            boosts: boosts.into_iter().map(|(when, factor)| boost("Lift", when, factor)).collect(),
            pins: pins
                .into_iter()
                .map(|(id, place, when)| Pin {
                    when: when.map(str::to_owned),
                    ..pin(&format!("p{id}"), place.min(size))
                })
                .collect(),
            diversity: Diversity { max_per_category: caps.0, max_per_brand: caps.1, ..arranging.diversity },
            objectives: arranging.objectives,
            quotas: arranging.quotas.into_iter().map(|quota| quota_within(quota, size)).collect(),
            half_confident_at: arranging.half_confident_at.filter(|_| !fallback.is_empty()),
            fallback,
            exploration,
            ..placement("", SourceKind::Newest, size)
        },
    )
}

#[derive(Debug, Clone)]
struct Arranging {
    diversity: Diversity,
    objectives: Vec<Objective>,
    quotas: Vec<Quota>,
    half_confident_at: Option<f64>,
}

fn any_arranging() -> impl Strategy<Value = Arranging> {
    let methods = [RerankMethod::Mmr, RerankMethod::Dpp, RerankMethod::Spread];
    let rerank = (prop::sample::select(methods.to_vec()), 0.0_f64..=1.0);
    let rerank = rerank.prop_map(|(method, strength)| Rerank { method, strength });
    let diversity = (prop::option::weighted(0.3, rerank), prop::option::weighted(0.3, 0.0_f64..=1.0));
    let aims = [Aim::Margin, Aim::Stock, Aim::Freshness, Aim::Novelty, Aim::Discount];
    let objectives = prop::sample::subsequence(aims.to_vec(), 0..3);
    let quota = (prop::sample::select(RULES.to_vec()), prop::option::of(1_usize..4), prop::option::of(0_usize..4));
    let quotas = prop::collection::vec(quota, 0..3);
    (diversity, objectives, quotas, prop::option::weighted(0.3, 0.1_f64..20.0)).prop_map(
        |((rerank, calibration), aims, quotas, half_confident_at)| Arranging {
            diversity: Diversity { rerank, calibration, ..Diversity::default() },
            objectives: (1..).zip(aims).map(|(weight, aim)| Objective { aim, weight: f64::from(weight) }).collect(),
            quotas: quotas
                .into_iter()
                .map(|(when, at_least, at_most)| Quota { when: when.to_owned(), at_least, at_most })
                .collect(),
            half_confident_at,
        },
    )
}

/// The same quota, so that it can be saved.
fn quota_within(quota: Quota, size: usize) -> Quota {
    let at_least = quota.at_least.map(|least| least.min(size));
    let at_most = quota.at_most.map(|most| most.max(at_least.unwrap_or(0)));
    let at_least = at_least.or_else(|| at_most.is_none().then_some(1));
    Quota { at_least, at_most, ..quota }
}

fn any_request() -> impl Strategy<Value = DecideRequest> {
    let kinds = [PageType::Home, PageType::Product, PageType::Category, PageType::Cart, PageType::Search];
    let explain = prop::sample::select(vec![Explain::None, Explain::Reasons, Explain::Full]);
    let page = (prop::sample::select(kinds.to_vec()), prop::collection::vec(0_u8..34, 0..4), prop::option::of(0_u8..4));
    (0_u8..5, page, explain, any::<bool>()).prop_map(|(who, (kind, products, category), explain, objects)| {
        let mut request = request(&format!("v{who}"), &[]);
        request.group = Some("all".into());
        request.page.kind = kind;
        request.page.product_ids = products.iter().map(|id| ProductId::trusted(format!("p{id}"))).collect();
        request.page.category = category.map(|name| format!("c{name}"));
        request.explain = explain;
        request.no_personalization = objects && who % 2 == 0;
        request
    })
}

fn scene() -> impl Strategy<Value = Scene> {
    let product = (0_u8..4, 0_u8..4, 0_u8..8, prop::bool::weighted(0.8), prop::option::of(0_u32..60));
    let deed = (0_u8..5, 0_u8..5, 0_u8..34, 0_i64..2_000).prop_map(|(who, what, product, hours_ago)| Deed {
        who,
        what,
        product,
        hours_ago,
    });
    let placements = prop::collection::vec(any_placement(), 1..5);
    let parts = (prop::collection::vec(product, 0..32), prop::collection::vec(deed, 0..80), placements, any_request());
    parts.prop_map(|(products, deeds, placements, request)| Scene { products, deeds, placements, request })
}

fn shop(scene: &Scene) -> Shop {
    let mut shop = Shop::with_products(scene.products.len());
    for (number, (category, brand, group, in_stock, days)) in scene.products.iter().enumerate() {
        shop.change(&format!("p{number}"), |product| {
            product.category = vec!["all".into(), format!("c{category}")];
            product.brand = (*brand > 0).then(|| format!("b{brand}"));
            product.group_id = (*group < 3).then(|| format!("g{group}"));
            product.repurchase_days = *days;
            product.attributes.insert("margin", format!("{}", f64::from(*category) / 3.0));
            product.attributes.insert("size", if *brand == 2 { "x".to_owned() } else { format!("{brand}") });
            if !in_stock {
                product.availability = Availability::OutOfStock;
            }
        });
    }
    for Deed { who, what, product, hours_ago } in &scene.deeds {
        let (who, id, ago) = (format!("v{who}"), format!("p{product}"), hours_ago * Timestamp::HOUR);
        match what {
            0 | 1 => shop.views(&who, &id, ago),
            2 => shop.buys(&who, &[&id, &format!("p{}", product / 2)], ago),
            3 => shop.acts(&who, CommerceAction::ProductAdded, &[&id], ago),
            _ => shop.dismisses(&who, &id),
        };
    }
    shop.train();
    let named = scene.placements.iter().enumerate().map(|(number, placement)| Placement {
        id: mercer_schema::PlacementId::trusted(format!("s{number}")),
        title: "Row".into(),
        ..placement.clone()
    });
    shop.places(named.collect::<Vec<_>>());
    shop
}

fn json(page: &PageDecision) -> String {
    serde_json::to_string(page).unwrap()
}

fn check(shop: &Shop, scene: &Scene, page: &PageDecision) -> Result<(), TestCaseError> {
    let (mut ids, mut groups) = (BTreeSet::new(), BTreeSet::new());
    let dismissed =
        shop.world.profiles.view(&scene.request.visitor()).map(|profile| profile.dismissed).unwrap_or_default();
    prop_assert_eq!(page.placements.len(), scene.placements.len());
    for (placement, settings) in page.placements.iter().zip(&scene.placements) {
        prop_assert!(placement.items.len() <= settings.size);
        prop_assert!(placement.suppressed.len() <= 100);
        prop_assert_eq!(placement.control, scene.request.no_personalization);
        for item in &placement.items {
            let product = shop.world.catalog.get(&item.product_id);
            let product = product.ok_or_else(|| TestCaseError::fail("not in the catalog"))?;
            prop_assert!(product.is_buyable());
            prop_assert!(ids.insert(item.product_id.clone()), "{} twice", item.product_id);
            prop_assert!(product.group_id.iter().all(|group| groups.insert(group.clone())), "siblings");
            prop_assert!(!scene.request.page.product_ids.contains(&item.product_id));
            prop_assert!(scene.request.no_personalization || !dismissed.contains(&item.product_id));
            prop_assert!(item.score.is_finite() && item.score >= 0.0);
            prop_assert!(item.propensity > 0.0 && item.propensity <= 1.0);
            prop_assert!(item.source.is_some() || item.propensity == 1.0);
            prop_assert_eq!(item.reasons.is_empty(), scene.request.explain == Explain::None);
            let says_something =
                item.reasons.iter().all(|reason| !reason.text.is_empty() && !reason.text.contains('{'));
            prop_assert!(says_something);
        }
        // This rule speaks of the product alone, so the test can ask it, too.
        let cheap = |item: &&mercer_schema::DecidedItem| {
            shop.world
                .catalog
                .get(&item.product_id)
                .and_then(|product| product.price)
                .is_some_and(|price| price.minor < 1_500)
        };
        for quota in settings.quotas.iter().filter(|quota| quota.when == "product.price < 15.0") {
            let counted = placement.items.iter().filter(cheap).count();
            prop_assert!(!settings.pins.is_empty() || quota.at_most.is_none_or(|most| counted <= most), "{:?}", quota);
        }
        for left_out in &placement.suppressed {
            let is_shown = placement.items.iter().any(|item| item.product_id == left_out.product_id);
            prop_assert!(!is_shown || left_out.because == SuppressedBecause::AlreadyShown, "{:?}", left_out);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases * 3 / 4))]

    #[test]
    fn every_answer_keeps_the_rules(scene in scene()) {
        let shop = shop(&scene);
        for placement in shop.world.placements.iter() {
            prop_assert_eq!(Placements::check(placement), Ok(()));
        }
        let page = shop.decides(&scene.request, "d");
        check(&shop, &scene, &page)?;
        // Bit for bit, also with a world that has been written down and read back.
        prop_assert_eq!(json(&page), json(&shop.decides(&scene.request, "d")));
        let before = json(&page);
        let mut copy = shop;
        let pieces = copy.world.catalog.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?)));
        copy.world.catalog = crate::Catalog::restore(pieces).unwrap();
        prop_assert_eq!(before, json(&copy.decides(&scene.request, "d")));
    }

    #[test]
    fn an_objection_leaves_no_personal_trace(scene in scene()) {
        let shop = shop(&scene);
        let mut objecting = scene.request.clone();
        objecting.no_personalization = true;
        let mut stranger = scene.request;
        (stranger.no_personalization, stranger.anonymous_id) = (false, None);
        let mut mine = shop.decides(&objecting, "d");
        mine.notes.retain(|note| !note.contains("objects"));
        mine.placements.iter_mut().for_each(|placement| placement.control = false);
        prop_assert_eq!(json(&mine), json(&shop.decides(&stranger, "d")));
    }

    #[test]
    fn following_pages_repeat_nothing(scene in scene()) {
        let shop = shop(&scene);
        let first = shop.decides(&scene.request, "d0");
        for number in 0..first.placements.len() {
            let mut met: BTreeSet<ProductId> =
                first.placements.iter().flat_map(|placement| &placement.items).map(|item| item.product_id.clone()).collect();
            let mut cursor = first.placements[number].next.clone();
            for page in 1..40 {
                let Some(next) = cursor else { break };
                let request = DecideRequest { next: Some(next), ..scene.request.clone() };
                let following = shop.decides(&request, &format!("d{page}"));
                prop_assert_eq!(following.placements.len(), 1);
                for item in &following.placements[0].items {
                    prop_assert!(met.insert(item.product_id.clone()), "{} again", item.product_id);
                }
                cursor = following.placements[0].next.clone();
                prop_assert!(page < 39, "pages end");
            }
        }
    }
}
