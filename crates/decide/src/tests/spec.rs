//! `spec/consent.json`: whether a decision may be personal after what the web SDK has said and asked.

use std::path::Path;

use mercer_schema::{
    Activity, AnonymousId, Channel, Commerce, CommerceAction, Consent, Context, DecideRequest, Event, Line, MessageId,
    ProductId, SourceId, SourceKind, Visitor,
};
use serde_json::Value;

use crate::testing::{Shop, placement, request};

#[test]
fn decisions_obey_every_statement_of_consent() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../spec/consent.json");
    let spec: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    let cases = spec["cases"].as_array().unwrap();
    assert!(cases.len() >= 12);
    for case in cases {
        let (sdk, server) = (&case["sdk"], &case["server"]);
        let mut shop = Shop::with_products(3);
        shop.places([placement("home", SourceKind::Popular, 3)]);
        // What was known before the choice must not shine through after it.
        shop.views("visitor", "p1", 1_000_000);
        if let Ok(consent) = serde_json::from_value::<Consent>(server["consent"].clone()) {
            let event = viewed("visitor", consent, &shop);
            shop.world.profiles.apply(&event);
        }
        let asked = request("visitor", &["home"]);
        let asks_as_visitor = sdk["asks_as_visitor"] == Value::Bool(true);
        let request = DecideRequest {
            anonymous_id: asked.anonymous_id.clone().filter(|_| asks_as_visitor),
            customer: asked.customer.clone().filter(|_| asks_as_visitor),
            no_personalization: sdk["no_personalization"] == Value::Bool(true),
            ..asked
        };
        let page = shop.decides(&request, "d");
        let may = !page.notes.iter().any(|note| note.contains("objects to personalization"));
        assert_eq!(Value::Bool(may), server["may_personalize"], "{}: {:?}", case["name"], page.notes);
        assert!(page.placements.iter().all(|placement| placement.control != may), "{}", case["name"]);
    }
}

fn viewed(who: &str, consent: Consent, shop: &Shop) -> Event {
    let line = Line { product_id: ProductId::trusted("p2"), quantity: 1, price: None, position: None };
    Event {
        message_id: MessageId::trusted("spec"),
        source: SourceId::trusted("web"),
        visitor: Visitor { anonymous_id: Some(AnonymousId::trusted(who)), customer_id: None },
        session: None,
        occurred_at: shop.now,
        received_at: shop.now,
        channel: Channel::Web,
        context: Context { consent: Some(consent), ..Context::default() },
        activity: Activity::Commerce(Commerce {
            action: CommerceAction::ProductViewed,
            lines: vec![line],
            order: None,
            query: None,
            list: None,
        }),
        properties: Default::default(),
    }
}
