//! Bytes from outside: placements as JSON or TOML, requests, and the catalog's pieces, with things done to them.

use mercer_schema::{DecideRequest, Placement, Product, ProductId, Timestamp};
use proptest::prelude::*;
use proptest::sample::{Index, select};

use crate::testing::{Shop, product};
use crate::{Catalog, Placements};

/// Bytes cut out and others put in their place.
type Damage = Vec<(Index, u8, String)>;

fn any_damage() -> impl Strategy<Value = Damage> {
    let inserted = prop_oneof![
        select(vec![
            "null",
            "-1",
            "0",
            "1e308",
            "1e999",
            "18446744073709551616",
            "9223372036854775807",
            "\"\"",
            "[]",
            "{}",
            "true",
            ",",
            "}",
            "]",
            "\"\\u0000\"",
            "\"exploration\":2,",
            "\"size\":99999999,",
            "\"weight\":-5,",
            "\"position\":0,",
            "size = -1\n",
            "= inf\n",
            "= nan\n",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
        (1_usize..200).prop_map(|levels| "[".repeat(levels)),
    ];
    prop::collection::vec((any::<Index>(), 0_u8..12, inserted), 0..5)
}

fn damaged(bytes: &[u8], damage: &Damage) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, cut, inserted) in damage.iter() {
        if bytes.is_empty() {
            break;
        }
        let at = at.index(bytes.len());
        let end = (at + usize::from(*cut)).min(bytes.len());
        bytes.splice(at..end, inserted.bytes());
    }
    bytes
}

const REQUEST: &str = r#"{"customer":"c","anonymous_id":"visitor","session":"s","page":{"type":"product","product_ids":["p0","p1"],"category":"Home","query":"mug","locale":"en"},"group":"home","fields":["title","price"],"explain":"full","dry_run":true,"no_personalization":false}"#;

fn shop() -> Shop {
    let mut shop = Shop::with_products(12);
    shop.views("visitor", "p1", 1_000_000).buys("visitor", &["p2", "p3"], 2_000_000).train();
    shop
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases / 2))]

    /// What passes the check decides without harm; what does not is refused, or decides with notes.
    #[test]
    fn placements_and_requests_of_any_shape(damage in any_damage(), more in any_damage(), which in any::<Index>(), is_toml in any::<bool>()) {
        let defaults = crate::default_placements();
        let whole = which.get(&defaults);
        let placement: Option<Placement> = if is_toml {
            let text = damaged(toml::to_string(whole).unwrap().as_bytes(), &damage);
            toml::from_str(&String::from_utf8_lossy(&text)).ok()
        } else {
            serde_json::from_slice(&damaged(&serde_json::to_vec(whole).unwrap(), &damage)).ok()
        };
        let Some(placement) = placement else { return Ok(()) };
        let checked = Placements::check(&placement);
        if let Err(error) = &checked {
            prop_assert!(!error.field.is_empty() && !error.to_string().is_empty());
        }
        let mut shop = shop();
        // An old log may hold what today's check refuses: it must not hurt either.
        shop.places([placement.clone(), defaults[0].clone()]);
        let asked = serde_json::from_slice::<DecideRequest>(&damaged(REQUEST.as_bytes(), &more)).unwrap_or_default();
        for request in [DecideRequest { placements: vec![placement.id.clone()], ..DecideRequest::default() }, asked] {
            let page = shop.decides(&request, "d");
            for placed in &page.placements {
                prop_assert!(placed.items.iter().all(|item| item.score.is_finite() && (0.0..=1.0).contains(&item.propensity)), "{placed:?}");
            }
            // It can be written down and read back.
            serde_json::from_str::<mercer_schema::PageDecision>(&serde_json::to_string(&page).unwrap()).unwrap();
        }
        if checked.is_ok() {
            let json = serde_json::to_string(&placement).unwrap();
            prop_assert_eq!(serde_json::from_str::<Placement>(&json).unwrap(), placement);
        }
    }

    #[test]
    fn pieces_of_the_catalog_of_any_shape(damage in any_damage(), which in any::<Index>(), hits_key in any::<bool>()) {
        let mut catalog = Catalog::default();
        for number in 0..6 {
            catalog.save(std::sync::Arc::new(Product { category: vec!["Home".into()], ..product(&format!("p{number}")) }), Timestamp::from_seconds(number));
        }
        catalog.remove(&ProductId::trusted("p3"));
        let mut pieces: Vec<_> = catalog.drain_changes().into_iter().filter_map(|(key, value)| Some((key, value?))).collect();
        let place = which.index(pieces.len());
        let piece = &mut pieces[place];
        let part = if hits_key { &mut piece.0 } else { &mut piece.1 };
        *part = damaged(part, &damage);
        match Catalog::restore(pieces) {
            Ok(read) => prop_assert!(read.products().count() <= 6),
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}
