//! Pages of a search: each product once, whatever happens to the order between them.

use std::collections::BTreeSet;

use mercer_schema::{SearchAnswer, SearchRequest};
use proptest::prelude::*;

use super::searching::{asks, ids, q};
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
