//! Catalogs: Google feeds, Shopify's export, plain tables and JSON.

use std::io::Write as _;

use mercer_collect::BadReason;
use mercer_collect::import::{self, Error};
use mercer_schema::{Availability, Product};

use crate::{file, good, options};

fn price(product: &Product) -> (Option<String>, Option<String>) {
    (product.price.map(|money| money.to_string()), product.list_price.map(|money| money.to_string()))
}

const GOOGLE_RSS: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<rss xmlns:g="http://base.google.com/ns/1.0" version="2.0">
<channel>
<title>Fenwick &amp; Daughters</title>
<link>https://shop.example/</link>
<item>
  <g:id>MUG-BLUE</g:id>
  <g:title>Stoneware mug, blue</g:title>
  <g:description><![CDATA[<p>Holds <b>350</b> ml.</p><p>Dishwasher safe.</p>]]></g:description>
  <g:link>https://shop.example/mugs/blue?a=1&amp;b=2</g:link>
  <g:image_link>https://shop.example/i/mug-blue.jpg</g:image_link>
  <g:additional_image_link>https://shop.example/i/mug-blue-2.jpg</g:additional_image_link>
  <g:availability>in_stock</g:availability>
  <g:price>12.50 GBP</g:price>
  <g:sale_price>9.99 GBP</g:sale_price>
  <g:sale_price_effective_date>2026-11-01T00:00+0000/2026-12-01T00:00+0000</g:sale_price_effective_date>
  <g:google_product_category>2169</g:google_product_category>
  <g:product_type>Home &gt; Kitchen &gt; Mugs</g:product_type>
  <g:brand>Fenwick</g:brand>
  <g:item_group_id>MUG</g:item_group_id>
  <g:color>Blue</g:color>
  <g:age_group>adult</g:age_group>
  <g:shipping><g:country>GB</g:country><g:price>3.95 GBP</g:price></g:shipping>
  <g:energy_efficiency_class>A</g:energy_efficiency_class>
</item>
<item>
  <g:id>MUG-RED</g:id><title>Stoneware mug, red</title>
  <g:price>12.50 GBP</g:price><g:sale_price>9.99 GBP</g:sale_price>
  <g:sale_price_effective_date>2025-11-01T00:00+0000/2025-12-01T00:00+0000</g:sale_price_effective_date>
  <g:availability>out of stock</g:availability>
  <g:image_link>https://shop.example/i/mug-red.jpg</g:image_link>
</item>
<item>
  <g:id>MUG-GREEN</g:id><title>Stoneware mug, green</title><g:price>twelve</g:price>
</item>
</channel>
</rss>"#;

#[test]
fn a_google_feed_in_rss() {
    let mut import = import::products(file("feed.xml", GOOGLE_RSS), options(None)).unwrap();
    let blue = import.next().unwrap().unwrap();
    assert_eq!((blue.id.as_str(), blue.title.as_str()), ("MUG-BLUE", "Stoneware mug, blue"));
    assert_eq!(blue.description, "Holds 350 ml. Dishwasher safe.");
    assert_eq!(price(&blue), (Some("9.99 GBP".to_owned()), Some("12.50 GBP".to_owned())));
    assert_eq!(blue.category, ["Home", "Kitchen", "Mugs"]);
    assert_eq!(blue.url.as_deref(), Some("https://shop.example/mugs/blue?a=1&b=2"));
    assert_eq!((blue.brand.as_deref(), blue.group_id.as_deref()), (Some("Fenwick"), Some("MUG")));
    let attributes: Vec<_> = blue.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(attributes, ["age_group=adult", "color=Blue", "energy_efficiency_class=A"]);

    let red = import.next().unwrap().unwrap();
    assert_eq!(price(&red), (Some("12.50 GBP".to_owned()), None), "the sale is over");
    assert_eq!(red.availability, Availability::OutOfStock);

    let bad = import.next().unwrap().unwrap_err();
    assert_eq!((bad.reason, bad.line, bad.field.as_deref()), (BadReason::InvalidMoney, Some(33), Some("price")));
    assert!(bad.message.starts_with("line 33: column `price` has `twelve`: expected an amount"), "{}", bad.message);
    assert!(import.next().is_none());

    let report = import.report();
    assert_eq!((report.mapping.as_str(), report.format.as_str()), ("google-merchant", "xml"));
    assert_eq!((report.rows_read, report.rows_used, report.rows_bad), (3, 2, 1));
}

#[test]
fn a_bad_row_can_be_imported_again_once_it_is_mended() {
    let bad = import::products(file("feed.xml", GOOGLE_RSS), options(None)).unwrap().find_map(Result::err).unwrap();
    let mended = String::from_utf8(bad.raw).unwrap().replace("twelve", "12.00 EUR");
    let mut options = options(None);
    options.mapping = Some(import::Mapping::built_in("google-merchant").unwrap());
    let products = good(import::products(file("row.jsonl", mended), options).unwrap());
    assert_eq!(products[0].id.as_str(), "MUG-GREEN");
    assert_eq!(price(&products[0]).0.as_deref(), Some("12.00 EUR"));
}

#[test]
fn a_bad_row_is_replayed_by_itself_or_with_a_mended_mapping() {
    let mapping = "kind = \"catalog\"\n[fields]\nid = \"Nr\"\ntitle = \"Name\"\navailability = \"Lager\"\n";
    let table = "Nr,Name,Lager\n1,Becher,ja\n2,Teller\n";
    let rows: Vec<_> =
        import::products(file("c.csv", table), options(Some(mapping))).unwrap().map(Result::unwrap_err).collect();
    let stored: mercer_collect::BadRow = serde_json::from_str(&serde_json::to_string(&rows[0]).unwrap()).unwrap();
    let again = import::replay(&stored, None).unwrap_err();
    assert_eq!((again.reason, again.line, again.field.as_deref()), (BadReason::UnknownValue, Some(2), Some("Lager")));

    let mended = mapping
        .replace("availability = \"Lager\"", "availability = { column = \"Lager\", words = { ja = \"in_stock\" } }");
    let mended = import::Mapping::from_toml("mended", &mended).unwrap();
    let made = import::replay(&stored, Some(&mended)).unwrap();
    let [import::Imported::Product(cup)] = made.as_slice() else { panic!("{made:?}") };
    assert_eq!((cup.title.as_str(), cup.availability), ("Becher", Availability::InStock));

    let shapeless = import::replay(&rows[1], Some(&mended)).unwrap_err();
    assert_eq!(*shapeless, rows[1], "a row without its columns waits for a mended file");
}

#[test]
fn a_google_feed_as_a_packed_table() {
    let table = "id\ttitle\tlink\timage link\tprice\tavailability\tcolor\tcustom_label_0\r\n\
                 A1\tTea towel \"Robin\"\thttps://s.example/a1\thttps://s.example/a1.png\t6.00 EUR\tpreorder\tred\tx\r\n";
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(table.as_bytes()).unwrap();
    let import = import::products(file("feed.txt.gz", encoder.finish().unwrap()), options(None)).unwrap();
    assert_eq!((import.report().mapping.as_str(), import.report().format.as_str()), ("google-merchant", "tsv"));
    let towel = &good(import)[0];
    assert_eq!(towel.title, "Tea towel \"Robin\"");
    assert_eq!(towel.availability, Availability::Preorder);
    assert_eq!(price(towel).0.as_deref(), Some("6.00 EUR"));
    assert_eq!(towel.attributes.len(), 1);
}

const SHOPIFY: &str = "\
Handle,Title,Body (HTML),Vendor,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,Option2 Value,Variant SKU,\
Variant Inventory Tracker,Variant Inventory Qty,Variant Inventory Policy,Variant Price,Variant Compare At Price,Image Src,\
Variant Image,Status,Google Shopping / Gender
linen-shirt,Linen shirt,\"<p>Washed linen,
soft from day one.</p>\",Fenwick,Shirts,\"summer, linen\",true,Size,S,Color,White,LS-S-W,shopify,4,deny,49.00,59.00,https://cdn/1.jpg,,active,unisex
linen-shirt,,,,,,,,M,,White,LS-M-W,shopify,0,deny,49.00,59.00,https://cdn/2.jpg,,,
linen-shirt,,,,,,,,M,,Navy,,shopify,0,continue,49.00,,https://cdn/3.jpg,https://cdn/navy.jpg,,
linen-shirt,,,,,,,,,,,,,,,,,https://cdn/4.jpg,,,
tote,Tote bag,,Fenwick,Bags,,true,Title,Default Title,,,,,0,deny,9.50,,https://cdn/t.jpg,,active,
old-hat,Old hat,,Fenwick,Hats,,true,Title,Default Title,,,HAT,,,deny,5.00,,,,archived,
old-hat,,,,,,,,Large,,,HAT-L,,,deny,5.00,,,,,
";

#[test]
fn a_shopify_export_is_one_product_a_variant() {
    let mut import = import::products(file("products_export.csv", SHOPIFY), options(None)).unwrap();
    let products = good(&mut import);
    let ids: Vec<_> = products.iter().map(|product| product.id.as_str()).collect();
    assert_eq!(ids, ["LS-S-W", "LS-M-W", "linen-shirt-M-Navy", "tote"]);
    for shirt in &products[..3] {
        assert_eq!((shirt.title.as_str(), shirt.group_id.as_deref()), ("Linen shirt", Some("linen-shirt")));
        assert_eq!(shirt.description, "Washed linen, soft from day one.");
        assert_eq!(
            (&shirt.category, shirt.url.as_deref()),
            (&vec!["Shirts".to_owned()], Some("/products/linen-shirt"))
        );
    }
    let states: Vec<_> = products.iter().map(|product| product.availability).collect();
    use Availability::{InStock, OutOfStock};
    assert_eq!(states, [InStock, OutOfStock, InStock, InStock], "sold out; goes on selling; not tracked");
    assert_eq!(price(&products[0]), (Some("49.00 GBP".to_owned()), Some("59.00 GBP".to_owned())));
    assert_eq!(products[2].attributes.get("color"), Some("Navy"));
    assert_eq!(products[2].attributes.get("size"), Some("M"));
    assert_eq!(products[2].image_url.as_deref(), Some("https://cdn/navy.jpg"));
    assert_eq!(products[3].attributes.get("title"), None);

    let report = import.report();
    assert_eq!(report.mapping, "shopify");
    assert_eq!(report.rows_skipped.get("further picture of a product"), Some(&1));
    assert_eq!(report.rows_skipped.get("not for sale (draft or archived)"), Some(&2));
    assert_eq!(report.rows_read, report.rows_used + report.rows_skipped_in_all());
}

#[test]
fn a_plain_table_with_common_names() {
    let table = "SKU;Product Name;Category;Price;Was Price;Stock Status;Material\n\
                 7;Jug;Home > Kitchen;\u{20ac}4,50;5,00;sold out;Glass\n";
    let mut options = options(None);
    options.received.default_currency = mercer_schema::Currency::parse("EUR").unwrap();
    let jug = &good(import::products(file("export.csv", table), options).unwrap())[0];
    assert_eq!((jug.id.as_str(), jug.title.as_str()), ("7", "Jug"));
    assert_eq!(jug.category, ["Home", "Kitchen"]);
    assert_eq!(price(jug), (Some("4.50 EUR".to_owned()), Some("5.00 EUR".to_owned())));
    assert_eq!(jug.availability, Availability::OutOfStock);
    assert_eq!(jug.attributes.get("material"), Some("Glass"));
}

#[test]
fn a_column_that_would_have_done_for_another_is_kept_as_an_attribute() {
    let table = "id,sku,title,name,price,brand,vendor\n\
                 p1,AB-12,Mug,Mug of clay,5,,Fenwick\n\
                 ,CD-34,Jug,,4,Clay,\n";
    let products = good(import::products(file("c.csv", table), options(None)).unwrap());
    let told: Vec<_> = products
        .iter()
        .map(|product| {
            let attributes: Vec<_> = product.attributes.iter().map(|(name, value)| format!("{name}={value}")).collect();
            (product.id.as_str(), product.brand.as_deref(), attributes.join(" "))
        })
        .collect();
    assert_eq!(
        told,
        [("p1", Some("Fenwick"), "name=Mug of clay sku=AB-12".to_owned()), ("CD-34", Some("Clay"), String::new())],
        "what a field has read is not said twice"
    );
}

#[test]
fn our_own_products_come_back_as_they_were() {
    let mut mug = Product::new(mercer_schema::ProductId::trusted("M1"), "Mug");
    mug.category = vec!["Home > Garden".to_owned(), "Mugs".to_owned()];
    mug.price = Some(mercer_schema::Money::parse("2.55", mercer_schema::Currency::parse("USD").unwrap()).unwrap());
    mug.availability = Availability::Backorder;
    mug.repurchase_days = Some(0);
    mug.attributes = [("color", "blue")].into();
    let mut bare = Product::new(mercer_schema::ProductId::trusted("M2"), "Bowl");
    bare.price = mug.price;
    let text = format!("[{},\n{}]", serde_json::to_string(&mug).unwrap(), serde_json::to_string(&bare).unwrap());
    let import = import::products(file("catalog.json", text), options(None)).unwrap();
    assert_eq!(import.report().mapping, "mercer-products");
    assert_eq!(good(import), [mug, bare]);
}

#[test]
fn googles_limits_are_warnings_and_doubles_are_told() {
    let id = "x".repeat(60);
    let table = format!("id,title,price\n{id},{},1\n{id},Bowl,\n", "t".repeat(200));
    let mut import = import::products(file("c.csv", table), options(None)).unwrap();
    assert_eq!(good(&mut import).len(), 2);
    let warnings: Vec<_> = import.report().warnings.iter().map(|(what, seen)| (what.as_str(), seen.count)).collect();
    assert_eq!(
        warnings,
        [
            ("`id` is longer than the 50 characters of Google's specification", 2),
            ("`title` is longer than the 150 characters of Google's specification", 1),
            ("the product has no price", 1),
            ("the product's id was there before: the later row replaces the earlier one", 1),
        ]
    );
}

#[test]
fn what_would_mislead_customers_is_refused() {
    for (row, reason, field) in [
        ("1,Mug,-5,", BadReason::InvalidMoney, "price"),
        ("1,Mug,$5,", BadReason::InvalidMoney, "price"),
        ("1,Mug,\"1,234\",", BadReason::InvalidMoney, "price"),
        ("1,Mug,5,vielleicht", BadReason::UnknownValue, "availability"),
        (",Mug,5,", BadReason::MissingField, "id"),
        ("1,,5,", BadReason::MissingField, "title"),
    ] {
        let table = format!("id,title,price,availability\n{row}\n");
        let bad = import::products(file("c.csv", table), options(None)).unwrap().next().unwrap().unwrap_err();
        assert_eq!((bad.reason, bad.field.as_deref(), bad.line), (reason, Some(field), Some(2)), "{row}");
    }
}

#[test]
fn own_mappings_say_what_the_file_lacks() {
    let mapping = "kind = \"catalog\"\n[fields]\nid = \"Artikelnr\"\ntitle = \"Name\"\nprice = \"Preis\"\n\
                   [[skip_when]]\ncolumn = \"Statuss\"\none_of = \"alt\"\nreason = \"old\"\n";
    let import =
        import::products(file("c.csv", "Artikelnr,Name,Preise,Status\n1,Becher,5,alt\n"), options(Some(mapping)));
    let warnings: Vec<_> = import.unwrap().report().warnings.keys().cloned().collect();
    assert_eq!(
        warnings,
        [
            "`fields.price`: the file has no column `Preis` (did you mean `Preise`?)",
            "`skip_when` for \"old\": the file has no column `Statuss` (did you mean `Status`?)",
        ]
    );
    let error = import::products(file("c.csv", "Artikelnum,Name\n1,Becher\n"), options(Some(mapping))).unwrap_err();
    let told = error.to_string();
    assert!(matches!(error, Error::MissingColumn(_)), "{told}");
    assert!(told.contains("did you mean `Artikelnum`?"), "{told}");
    let wrong_kind = import::orders(file("c.csv", "a,b\n"), options(Some(mapping))).unwrap_err();
    assert!(wrong_kind.to_string().contains("is for catalog, not for orders"), "{wrong_kind}");
}

#[test]
fn old_encodings_are_read_and_told() {
    let mut import = import::products(file("c.csv", &b"id,title\n1,Caf\xe9 \x80\n"[..]), options(None)).unwrap();
    assert_eq!(good(&mut import)[0].title, "Café €");
    assert!(import.report().warnings.keys().any(|what| what.contains("Windows-1252")));
}

#[test]
fn a_cut_off_file_is_told_and_ends() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    let rows: String = (0..20_000).map(|row| format!("{row},Mug {row}\n")).collect();
    encoder.write_all(format!("id,title\n{rows}").as_bytes()).unwrap();
    let mut packed = encoder.finish().unwrap();
    packed.truncate(packed.len() / 2);
    let mut import = import::products(file("c.csv.gz", packed), options(None)).unwrap();
    let (good, bad): (Vec<_>, Vec<_>) = (&mut import).partition(Result::is_ok);
    assert!(good.len() > 5_000 && bad.len() == 1, "{} {}", good.len(), bad.len());
    assert!(import.report().broken_off.is_some());
    let progress = import.progress();
    assert_eq!(progress.done, progress.total);
}
