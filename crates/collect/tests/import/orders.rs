//! Orders: lines grouped into events, credit notes, windows, and orders that are held back.

use mercer_collect::BadReason;
use mercer_collect::import::{self, Import};
use mercer_schema::{CommerceAction, Event};

use crate::{commerce, file, good, lines, options};

const RETAIL: &str = r#"
kind = "orders"
time_zone = "Europe/London"
null_values = ["nan"]
window_rows = 3

[fields]
order_id = "InvoiceNo"
product_id = "StockCode"
quantity = "Quantity"
price = "UnitPrice"
time = { column = "InvoiceDate", format = "%d/%m/%Y %H:%M" }
customer_id = { column = "CustomerID", transforms = ["whole_number"] }

[properties]
country = "Country"

[cancelled_when]
column = "InvoiceNo"
starts_with = "C"

[[skip_when]]
reason = "postage"
column = "StockCode"
one_of = ["POST", "DOT"]

[[skip_when]]
reason = "no description"
column = "Description"
is_empty = true

[[skip_when]]
reason = "no price"
column = "UnitPrice"
not_positive = true
"#;

const HEADER: &str = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

fn read(rows: &str) -> Import<Event> {
    import::orders(file("retail.csv", format!("{HEADER}{rows}")), options(Some(RETAIL))).unwrap()
}

#[test]
fn lines_become_one_event_an_order() {
    let mut import = read(
        "536365,85123A,HEART,6,01/07/2011 08:26,2.55,17850.0,United Kingdom\n\
         536365,71053,LANTERN,6,01/07/2011 08:26,3.39,17850.0,United Kingdom\n\
         536365,POST,POSTAGE,1,01/07/2011 08:26,18.00,17850.0,United Kingdom\n\
         536366,22633,nan,6,01/12/2010 08:28,1.85,17850.0,United Kingdom\n\
         C536379,85123A,HEART,-2,02/12/2010 09:41,2.55,17850.0,United Kingdom\n\
         536544,21773,ROSE,1,01/12/2010 14:32,0.0,nan,United Kingdom\n\
         536544,21774,LILY,3,01/12/2010 14:32,2.51,nan,United Kingdom\n",
    );
    let events = good(&mut import);
    let actions: Vec<_> = events.iter().map(|event| commerce(event).action).collect();
    assert_eq!(
        actions,
        [CommerceAction::OrderCompleted, CommerceAction::OrderRefunded, CommerceAction::OrderCompleted]
    );
    assert_eq!(lines(&events[0]), ["85123A x6 @ 2.55 GBP", "71053 x6 @ 3.39 GBP"]);
    assert_eq!(events[0].message_id.as_str(), "order-completed:536365");
    assert_eq!(events[0].visitor.customer_id.as_ref().unwrap().as_str(), "17850");
    assert_eq!(events[0].visitor.anonymous_id, None);
    assert_eq!(events[0].occurred_at.to_string(), "2011-07-01T07:26:00.000000Z", "summer time in London");
    assert_eq!(events[0].properties["country"], "United Kingdom");

    assert_eq!(events[1].message_id.as_str(), "order-refunded:C536379");
    assert_eq!(commerce(&events[1]).order.as_ref().unwrap().id.as_str(), "C536379");
    assert_eq!(lines(&events[1]), ["85123A x2 @ 2.55 GBP"]);

    assert_eq!(events[2].visitor.customer_id, None);
    assert_eq!(events[2].visitor.anonymous_id.as_ref().unwrap().as_str(), "imported-order:536544");

    let report = import.report();
    let skipped: Vec<_> = report.rows_skipped.iter().map(|(reason, count)| (reason.as_str(), *count)).collect();
    assert_eq!(skipped, [("no description", 1), ("no price", 1), ("postage", 1)]);
    assert_eq!((report.rows_read, report.rows_used, report.rows_bad), (7, 4, 0));
    assert_eq!(report.made["Order Completed"], 2);
}

#[test]
fn a_second_import_gives_the_same_ids() {
    let rows = "1,A,a,2,01/12/2010 08:26,1,,\n1,B,b,-1,01/12/2010 08:26,1,,\n";
    let (first, second) = (good(read(rows)), good(read(rows)));
    assert_eq!(first, second);
    let ids: Vec<_> = first.iter().map(|event| event.message_id.as_str()).collect();
    assert_eq!(ids, ["order-completed:1", "order-refunded:1"], "a mixed order is a sale and a return");
    assert_eq!(first[0].visitor, first[1].visitor);
}

#[test]
fn lines_need_not_stand_together_but_near() {
    let row = |id: &str, product: &str| format!("{id},{product},x,1,01/12/2010 08:26,1,7,\n");
    let near = [row("1", "A"), row("2", "A"), row("1", "B"), row("2", "B")].concat();
    let events = good(read(&near));
    assert_eq!(events.iter().map(|event| lines(event).len()).collect::<Vec<_>>(), [2, 2]);

    let far = [row("1", "A"), row("2", "A"), row("2", "B"), row("2", "C"), row("2", "D"), row("1", "B")].concat();
    let verdicts: Vec<_> = read(&far).collect();
    let late = verdicts.iter().find_map(|verdict| verdict.as_ref().err()).unwrap();
    assert_eq!((late.reason, late.line), (BadReason::Duplicate, Some(7)));
    assert!(late.message.contains("raise `window_rows`"), "{}", late.message);
    assert_eq!(verdicts.len(), 3);
}

#[test]
fn an_order_with_a_bad_line_is_held_back_whole_and_can_be_mended() {
    let mut import = read(
        "1,A,a,2,01/12/2010 08:26,1.00,7,\n1,B,b,two,01/12/2010 08:26,1.00,7,\n1,C,c,1,01/12/2010 08:26,1.00,7,\n\
         2,A,a,1,01/12/2010 09:00,1.00,8,\n",
    );
    let bad = import.find_map(Result::err).unwrap();
    assert_eq!((bad.reason, bad.line, bad.field.as_deref()), (BadReason::InvalidNumber, Some(3), Some("Quantity")));
    assert!(bad.message.contains("`two`") && bad.message.contains("order `1`"), "{}", bad.message);
    let _ = import.by_ref().count();
    assert_eq!((import.report().rows_used, import.report().rows_bad, import.report().bad), (1, 3, 1));

    let mended = String::from_utf8(bad.raw).unwrap().replace("two", "2");
    let events = good(import::orders(file("row.jsonl", mended), options(Some(RETAIL))).unwrap());
    assert_eq!(lines(&events[0]), ["A x2 @ 1.00 GBP", "B x2 @ 1.00 GBP", "C x1 @ 1.00 GBP"]);
}

#[test]
fn a_held_back_order_is_replayed_whole() {
    let bad = read("1,A,a,1,2010-12-01,1.00,7,\n1,B,b,-1,2010-12-01,1.00,7,\n").next().unwrap().unwrap_err();
    let mended = import::Mapping::from_toml("mended", &RETAIL.replace("%d/%m/%Y %H:%M", "%Y-%m-%d")).unwrap();
    let made = import::replay(&bad, Some(&mended)).unwrap();
    let ids: Vec<_> = made
        .iter()
        .map(|made| match made {
            import::Imported::Event(event) => event.message_id.as_str(),
            import::Imported::Product(product) => panic!("{product:?}"),
        })
        .collect();
    assert_eq!(ids, ["order-completed:1", "order-refunded:1"]);
}

#[test]
fn neighbours_of_an_unreadable_line_are_held_back() {
    let mut import = read(
        "1,A,a,2,01/12/2010 08:26,1.00,7,\n2,A,a,1,01/12/2010 09:00,1.00,8,\n2,B,b,1,01/12\n\
         3,A,a,1,01/12/2010 09:00,1.00,8,\n4,A,a,1,01/12/2010 09:00,1.00,8,\n",
    );
    let (good, bad): (Vec<_>, Vec<_>) = (&mut import).partition(Result::is_ok);
    let ids: Vec<_> = good.iter().map(|event| event.as_ref().unwrap().message_id.as_str()).collect();
    assert_eq!(ids, ["order-completed:1", "order-completed:4"]);
    assert_eq!(bad.len(), 3);
    assert_eq!(import.report().rows_bad, 3);
}

#[test]
fn what_is_contradictory_is_never_guessed() {
    for (rows, expected) in [
        ("1,A,a,1,01/12/2010 08:26,1,7,\n1,B,b,1,01/12/2010 08:26,1,8,\n", BadReason::InvalidId),
        ("1,A,a,0,01/12/2010 08:26,1,7,\n", BadReason::InvalidNumber),
        ("1,A,a,1.5,01/12/2010 08:26,1,7,\n", BadReason::InvalidNumber),
        ("1,A,a,1,2010-12-01,1,7,\n", BadReason::InvalidTime),
        (",A,a,1,01/12/2010 08:26,1,7,\n", BadReason::MissingField),
        ("1,,a,1,01/12/2010 08:26,1,7,\n", BadReason::MissingField),
    ] {
        let verdicts: Vec<_> = read(rows).collect();
        assert_eq!(verdicts.len(), 1, "{rows}");
        assert_eq!(verdicts[0].as_ref().unwrap_err().reason, expected, "{rows}");
    }
}

#[test]
fn common_names_and_cancelled_orders_need_no_mapping() {
    let table = "Order Number,Created at,Customer ID,Lineitem SKU,Lineitem quantity,Lineitem price,Total,Currency,Status\n\
                 #1001,2026-01-05 10:00:00 +0100,c1,A,2,3.00,8.95,EUR,paid\n\
                 #1001,2026-01-05 10:00:00 +0100,c1,B,1,2.95,,EUR,paid\n\
                 #1002,2026-01-06T11:00:00Z,c2,A,1,3.00,3.00,EUR,Cancelled\n";
    let events = good(import::orders(file("orders.csv", table), options(None)).unwrap());
    let actions: Vec<_> = events.iter().map(|event| commerce(event).action.name()).collect();
    assert_eq!(actions, ["Order Completed", "Order Cancelled"]);
    assert_eq!(commerce(&events[0]).order.as_ref().unwrap().total.unwrap().to_string(), "8.95 EUR");
    assert_eq!(events[0].occurred_at.to_string(), "2026-01-05T09:00:00.000000Z");
}
