//! Pages of a search: each product once, whatever happens to the order between them.

use std::collections::BTreeSet;

use mercer_recommend::Item;
use mercer_schema::{ReasonCode, SearchAnswer, SearchRequest};
use proptest::prelude::*;

use super::searching::{asks, by, ids, q};
use crate::cursor::{Steps, sealed};
use crate::testing::{Shop, product};

fn page(shop: &Shop, cursor: Option<String>) -> SearchAnswer {
    asks(shop, &SearchRequest { limit: Some(5), cursor, ..q("oak table") })
}

fn with_tables(count: usize, family_of: impl Fn(usize) -> Option<String>) -> Shop {
    let mut shop = Shop::default();
    for number in 0..count {
        let mut table = product(&format!("p{number}"));
        table.title = format!("Oak table {}", "of wood ".repeat(number % 7));
        table.group_id = family_of(number);
        shop.save(table);
    }
    shop
}

/// Another title moves it in the order.
fn retitle(shop: &mut Shop, number: usize, words: usize) {
    let mut table = (**shop.world.catalog.get(&product(&format!("p{number}")).id).unwrap()).clone();
    table.title = format!("Oak table {}", "made well ".repeat(words));
    shop.save(table);
}

#[test]
fn pages_are_the_whole_list_in_pieces() {
    let shop = with_tables(23, |_| None);
    let whole = asks(&shop, &q("oak table"));
    let (mut met, mut cursor) = (Vec::new(), None);
    for start in [0, 5, 10, 15, 20] {
        let by_name = page(&shop, cursor);
        let by_place = page(&shop, Some(start.to_string()));
        assert_eq!((&by_name.items, by_name.total), (&by_place.items, 23));
        met.extend(by_name.items);
        cursor = by_name.next;
    }
    assert_eq!((met, cursor), (whole.items, None));
}

#[test]
fn what_moves_up_between_two_pages_is_not_lost() {
    let mut shop = with_tables(23, |_| None);
    let first = page(&shop, None);
    let last = ids(&page(&shop, Some("20".to_owned())))[0].to_owned();
    retitle(&mut shop, last[1..].parse().unwrap(), 0);
    assert!(ids(&page(&shop, None)).contains(&&*last), "it is among the first now");
    let second = page(&shop, first.next.clone());
    assert_eq!(ids(&second)[0], last);
    assert!(ids(&second).iter().all(|id| !ids(&first).contains(id)));
    let jumped = page(&shop, Some("5".to_owned()));
    assert!(!ids(&jumped).contains(&&*last), "a place alone does not know what was shown");
}

#[test]
fn variants_that_stand_each_by_itself_do_so_on_every_page() {
    let shop = with_tables(12, |_| Some("OAK-7731".to_owned()));
    for request in [q("OAK-7731"), SearchRequest { ungrouped: true, ..q("oak table") }] {
        let whole = asks(&shop, &request);
        assert_eq!(
            (whole.items.len(), whole.total),
            (12, 12),
            "the family's code was typed, or no families were wanted"
        );
        let (mut met, mut cursor) = (Vec::new(), None);
        loop {
            let answer = asks(&shop, &SearchRequest { limit: Some(5), cursor, ..request.clone() });
            met.extend(answer.items);
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(met, whole.items);
    }
}

#[test]
fn chance_has_no_say_in_pages_behind_the_one_it_was_for() {
    let mut explored = 0;
    for number in 0..60 {
        let mut shop = with_tables(60, |_| None);
        shop.world.search_settings.exploration = 0.5;
        let request = by(&format!("visitor-{number}"), "oak table");
        let first = asks(&shop, &request);
        explored += usize::from(first.explored.is_some());
        for changed in 24..60 {
            retitle(&mut shop, changed, (changed * 5 + number) % 8);
        }
        let second = asks(&shop, &SearchRequest { cursor: first.next.clone(), ..request });
        assert_eq!(second.explored, None);
        let by_chance = |item: &&mercer_schema::DecidedItem| {
            item.propensity < 0.05 && item.reasons.iter().any(|reason| reason.code == ReasonCode::Explored)
        };
        assert_eq!(second.items.iter().find(by_chance), None);
        assert!(second.items.iter().all(|item| !ids(&first).contains(&item.product_id.as_str())));
    }
    assert!(explored > 15, "{explored}");
}

#[test]
fn what_is_narrowed_down_ends_where_no_customer_pages() {
    let shop = with_tables(4_030, |_| None);
    let request = |start: usize| SearchRequest {
        filter: Some("product.title != ''".to_owned()),
        cursor: Some(start.to_string()),
        limit: Some(20),
        facets: Some(0),
        ..q("oak table")
    };
    let before_the_end = asks(&shop, &request(3_970));
    assert_eq!((before_the_end.total, before_the_end.items.len()), (4_030, 20));
    assert!(before_the_end.next.is_some());
    assert_eq!(asks(&shop, &request(3_980)).next, None);
    assert_eq!(asks(&shop, &request(999_999)).items, asks(&shop, &request(4_000)).items);
}

#[test]
fn a_damaged_cursor_still_has_its_place() {
    let shop = with_tables(23, |_| None);
    let next = page(&shop, None).next.unwrap();
    let (_, named) = next.split_once('.').unwrap();
    for bad in [format!("5.{}", &named[1..]), format!("5.{named}A"), "5.".to_owned(), "5.%".to_owned()] {
        let answer = page(&shop, Some(bad));
        assert_eq!(ids(&answer), ids(&page(&shop, Some(next.clone()))));
        assert_eq!(answer.notes, ["`cursor` is damaged: products of earlier pages may stand here again."]);
    }
    for bad in ["", "x", "-1", ".5"] {
        let answer = page(&shop, Some(bad.to_owned()));
        assert_eq!(answer.items, page(&shop, None).items);
        assert!(answer.notes[0].contains("this is the first page"), "{:?}", answer.notes);
    }
}

#[test]
fn a_list_that_is_too_long_to_be_named_goes_on_by_place() {
    let shop = with_tables(1_250, |_| None);
    let (mut met, mut cursor, mut pages) = (BTreeSet::new(), None, 0);
    loop {
        let answer = asks(&shop, &SearchRequest { limit: Some(200), cursor, ..q("oak table") });
        pages += 1;
        let is_named = answer.next.as_ref().map(|next| next.contains('.'));
        assert_eq!(
            is_named,
            [Some(true), Some(false), None][usize::from(pages > 5) + usize::from(pages > 6)],
            "{pages}"
        );
        met.extend(answer.items.into_iter().map(|item| item.product_id));
        cursor = answer.next;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(met.len(), 1_250);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// The checksum is no secret: what it covers may be anything.
    #[test]
    fn any_cursor_gives_some_of_the_products_each_once(
        count in 0_u64..60, named in prop::collection::btree_set(0_u32..40, 0..30), junk in prop::collection::vec(any::<u32>(), 0..5),
    ) {
        let shop = with_tables(23, |number| (number % 3 == 0).then(|| format!("f{}", number % 2)));
        let junk_too = sealed(&junk).unwrap();
        let steps = Steps::between(named.iter().copied().map(Item)).unwrap();
        for named in [sealed(&steps).unwrap(), junk_too] {
            let answer = page(&shop, Some(format!("{count}.{named}")));
            let met: BTreeSet<&str> = ids(&answer).into_iter().collect();
            prop_assert_eq!(met.len(), answer.items.len());
            prop_assert!(answer.items.len() <= 5);
        }
        let answer = page(&shop, Some(format!("{count}.{}", sealed(&steps).unwrap())));
        prop_assert!(ids(&answer).iter().all(|id| !named.contains(&id[1..].parse().unwrap())));
    }

    #[test]
    fn each_product_and_each_family_comes_once_while_the_order_moves(
        in_families in 0_usize..24, changes in prop::collection::vec((0_usize..23, 0_usize..9), 0..40),
    ) {
        let family_of = |number: usize| (number < in_families).then(|| format!("f{}", number % 8));
        let mut shop = with_tables(23, family_of);
        let mut changes = changes.into_iter();
        let (mut met, mut cursor) = (Vec::new(), None);
        loop {
            let answer = page(&shop, cursor);
            met.extend(ids(&answer).into_iter().map(|id| id[1..].parse::<usize>().unwrap()));
            cursor = answer.next;
            if cursor.is_none() {
                break;
            }
            for (number, words) in changes.by_ref().take(6) {
                retitle(&mut shop, number, words);
            }
        }
        let thing = |number: usize| family_of(number).unwrap_or_else(|| number.to_string());
        let things: BTreeSet<String> = met.iter().map(|number| thing(*number)).collect();
        prop_assert_eq!(things.len(), met.len(), "nothing twice");
        prop_assert_eq!(things, (0..23).map(thing).collect::<BTreeSet<_>>(), "nothing missing");
    }
}
