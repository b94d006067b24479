//! Reasons, by language and by how much was asked for.

use mercer_schema::{DecideRequest, Explain, PageType, ProductId, SourceKind, Timestamp};

use crate::testing::{Shop, placement, request};

fn shop() -> Shop {
    let mut shop = Shop::with_products(4);
    shop.buys("ann", &["p0", "p1"], Timestamp::DAY).train();
    shop.places([placement("row", SourceKind::BoughtTogether, 2)]);
    shop
}

fn text(shop: &Shop, locale: Option<&str>, explain: Explain) -> Option<String> {
    let mut asked = DecideRequest { explain, ..request("eve", &["row"]) };
    asked.page.kind = PageType::Product;
    asked.page.product_ids = vec![ProductId::trusted("p0")];
    asked.page.locale = locale.map(str::to_owned);
    let page = shop.decides(&asked, "d");
    page.placements[0].items[0].reasons.first().map(|reason| reason.text.clone())
}

#[test]
fn reasons_speak_the_pages_language() {
    let shop = shop();
    for (locale, expected) in [
        (None, "Often bought with P0"),
        (Some("de-DE"), "Oft gekauft mit P0"),
        (Some("en-GB"), "Often bought with P0"),
        (Some("ja"), "Often bought with P0"),
    ] {
        assert_eq!(text(&shop, locale, Explain::Reasons).as_deref(), Some(expected), "{locale:?}");
    }
    assert_eq!(text(&shop, None, Explain::None), None);
    assert!(text(&shop, None, Explain::Full).is_some());
}
