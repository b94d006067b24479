//! Trying a new rule on a made-up product, page and customer that lack nothing.
//!
//! Finds mixed-up types when the rule is saved (`product.price > "20"`) instead of on the shop's front page.
//! What depends on free-form values (attributes, traits) cannot be judged here and passes.

use mercer_schema::Money;
use mercer_schema::{Currency, CustomerId, Page, PageType, Product, ProductId, Profile, Timestamp, Touch, TouchKind};

use super::{CustomerFacts, Fault, ProductFacts, Rule, RuleError, Scope, truth};

/// An error when the rule gives neither true nor false on the sample.
pub(super) fn try_out(rule: &Rule) -> Result<(), RuleError> {
    let (product, page, profile) = (product(), page(), profile());
    let tastes = ["Sample".to_owned()];
    let now = Timestamp::from_seconds(1_700_000_000);
    let customer = CustomerFacts { profile: Some(&profile), categories: &tastes, brands: &tastes, now };
    let scope = Scope::new(&page, customer, now);
    let facts = ProductFacts { product: &product, since: now.plus(-Timestamp::DAY), now };
    match truth(&rule.expression, &scope, rule.reads.product.then_some(facts)) {
        Err(Fault::Failed(message))
            if message.contains("no matching overload") || message.contains("not true or false") =>
        {
            Err(RuleError::new(format!("types do not fit: {message}")))
        }
        Err(Fault::Failed(message)) if message.contains("nsupported binary operator") => {
            let hint = "calculate with numbers of one kind: prices are decimal, so write `2.0` and not `2`";
            Err(RuleError::new(format!("types do not fit ({hint})")))
        }
        // The sample has no traits and knows no attribute's values; anything else is the shop's data's business.
        Ok(_) | Err(_) => Ok(()),
    }
}

fn product() -> Product {
    let currency = Currency::parse("EUR").ok();
    let money = |minor| currency.map(|currency| Money { minor, currency });
    Product {
        brand: Some("Sample".into()),
        category: vec!["Wide".into(), "Sample".into()],
        price: money(1_999),
        list_price: money(2_999),
        group_id: Some("sample".into()),
        attributes: [("sample", "1")].into(),
        ..Product::new(ProductId::trusted("sample"), "Sample")
    }
}

fn page() -> Page {
    Page {
        kind: PageType::Category,
        product_ids: vec![ProductId::trusted("other")],
        category: Some("Sample".into()),
        query: Some("sample".into()),
        locale: Some("en".into()),
    }
}

fn profile() -> Profile {
    let bought = Touch {
        at: Timestamp::from_seconds(1_699_000_000),
        product_id: ProductId::trusted("other"),
        kind: TouchKind::Purchased,
        quantity: 1,
    };
    Profile {
        customer_id: Some(CustomerId::trusted("sample")),
        orders: 1,
        visits: 2,
        touches: vec![bought],
        ..Profile::default()
    }
}
