//! The storefront against a small stand-in for Mercer, over HTTP on loopback.
#![allow(clippy::unwrap_used, clippy::panic)]

mod common;

use std::sync::atomic::{AtomicU64, Ordering};

use common::FakeMercer;
use mercer_demo::{ShopSettings, storefront};
use mercer_schema::{Product, ProductId, Timestamp};
use reqwest::header::{COOKIE, HeaderMap, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};

fn clock() -> Timestamp {
    Timestamp::from_seconds(1_795_000_000)
}

fn random() -> u128 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    u128::from(NEXT.fetch_add(1, Ordering::Relaxed)).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835)
}

/// A browser without script: keeps cookies, sends forms, follows redirects of forms.
struct Browser {
    http: Client,
    base: String,
    cookies: std::collections::BTreeMap<String, String>,
    headers: HeaderMap,
}

async fn serve(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

async fn open() -> (FakeMercer, Browser) {
    let fake = FakeMercer::default();
    let api = serve(fake.router()).await;
    (fake, browser(&api).await)
}

async fn browser(api: &str) -> Browser {
    let shop = storefront(ShopSettings::demo(api, clock, random).unwrap()).unwrap();
    let http = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    Browser { http, base: serve(shop).await, cookies: Default::default(), headers: HeaderMap::new() }
}

impl Browser {
    async fn ask(&mut self, request: reqwest::RequestBuilder) -> Response {
        let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let response = request.header(COOKIE, cookies.join("; ")).headers(self.headers.clone()).send().await.unwrap();
        for line in response.headers().get_all(SET_COOKIE) {
            let line = line.to_str().unwrap();
            assert!(line.contains("SameSite=Lax") && line.contains("Path=/"), "{line}");
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            if line.contains("Max-Age=0") {
                self.cookies.remove(name)
            } else {
                self.cookies.insert(name.into(), value.into())
            };
        }
        response
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        let response = self.ask(self.http.get(format!("{}{path}", self.base))).await;
        (response.status(), response.text().await.unwrap())
    }

    /// Sends a form as a page of the shop does and follows to where it leads.
    async fn post(&mut self, path: &str, form: &[(&str, &str)]) -> (String, String) {
        let to = self.send_form(path, form, "same-origin").await.headers()[LOCATION].to_str().unwrap().to_owned();
        let (status, page) = self.get(&to).await;
        assert!(status.is_success(), "{to}: {status}");
        (to, page)
    }

    async fn send_form(&mut self, path: &str, form: &[(&str, &str)], site: &str) -> Response {
        let body: Vec<String> = form.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
        let request = self.http.post(format!("{}{path}", self.base)).header("sec-fetch-site", site);
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body.join("&"));
        self.ask(request).await
    }
}

/// A page without the answer that stands in it as data: of that only a `<` could do harm.
fn drawn(page: &str) -> String {
    let (before, rest) = page.split_once("<script type=\"application/json\">").unwrap_or((page, "</script>"));
    let (data, after) = rest.split_once("</script>").unwrap();
    assert!(!data.contains('<'));
    format!("{before}{after}")
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

const PAGES: [&str; 9] = [
    "/",
    "/c/kitchen-dining",
    "/c/mugs-cups?sort=price_up",
    "/p/85123A",
    "/search?q=mug",
    "/search?q=zzz",
    "/cart",
    "/me",
    "/sign-in",
];

#[tokio::test]
async fn every_page_stands_and_holds_to_the_policy() {
    let (_, mut browser) = open().await;
    for path in PAGES {
        let response = browser.ask(browser.http.get(format!("{}{path}", browser.base))).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(response.headers()["cache-control"], "private, no-cache");
        let page = drawn(&response.text().await.unwrap());
        for forbidden in [" style=", " onclick=", "<style", "javascript:"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
        assert_eq!(page.matches("<script").count(), 1, "{path}: the only script that runs is the module");
        assert_eq!(page.matches("<h1").count(), 1, "{path}");
        assert_eq!(page.matches("<main").count(), 1, "{path}");
        for image in page.split("<img").skip(1) {
            let image = image.split('>').next().unwrap();
            assert!(image.contains("width=") && image.contains("height=") && image.contains("alt="), "{path}: {image}");
        }
    }
}

#[tokio::test]
async fn a_walk_through_the_shop_is_told_in_segments_words() {
    let (fake, mut browser) = open().await;
    browser.headers.insert("user-agent", "Mozilla/5.0 Firefox/132.0".parse().unwrap());
    browser.headers.insert("accept-language", "en-GB,en;q=0.8".parse().unwrap());
    browser.get("/").await;
    browser.get("/c/mugs-cups").await;
    browser.get("/search?q=white+metal").await;
    let (_, page) = browser.get("/p/85123A").await;
    assert!(page.contains("White Hanging Heart T-Light Holder") && page.contains("£2.95"));
    let (to, page) = browser.post("/cart/add", &[("product_id", "85123A"), ("quantity", "3")]).await;
    assert_eq!(to, "/cart");
    assert!(page.contains("£8.85"), "three at £2.95");
    let (_, page) = browser.post("/cart/set", &[("product_id", "85123A"), ("quantity", "2")]).await;
    assert!(page.contains("£5.90"));
    let (to, page) = browser.post("/checkout", &[]).await;
    assert_eq!(to, "/order");
    assert!(page.contains("Thank you") && page.contains("£5.90"));
    let told = fake.told();
    let expected = [
        "page",
        "Product List Viewed",
        "Products Searched",
        "Product Viewed",
        "Product Added",
        "Cart Viewed",
        "Product Removed",
        "Cart Viewed",
        "Order Completed",
    ];
    assert_eq!(told, expected);
    let events = fake.events();
    let anonymous = &browser.cookies["mercer_anonymous_id"];
    assert!(events.iter().all(|event| event["anonymousId"] == anonymous.as_str() && event["userId"].is_null()));
    let ids: std::collections::HashSet<_> = events.iter().map(|event| event["messageId"].to_string()).collect();
    assert_eq!(ids.len(), events.len());
    let viewed = &events[3];
    assert_eq!(viewed["properties"]["price"].to_string(), "2.95");
    assert_eq!(viewed["context"]["locale"], "en-GB");
    assert_eq!(viewed["context"]["userAgent"], "Mozilla/5.0 Firefox/132.0");
    assert_eq!(viewed["context"]["consent"]["personalization"], true);
    let order = &events[8]["properties"];
    assert_eq!((order["total"].to_string(), order["products"][0]["quantity"].to_string()), ("5.9".into(), "2".into()));
    assert!(!browser.cookies.contains_key("shop_basket"), "the basket is empty after the order");
}

#[tokio::test]
async fn what_collect_reads_of_our_events_is_what_we_meant() {
    use mercer_collect::{Limits, Received, segment};
    use mercer_schema::{Activity, CommerceAction, Currency, SourceId};
    let (fake, mut browser) = open().await;
    for path in PAGES {
        browser.get(path).await;
    }
    browser.post("/sign-in", &[("customer", "16954")]).await;
    browser.post("/cart/add", &[("product_id", "22423")]).await;
    browser.post("/dismiss", &[("product_id", "85123A"), ("back", "/")]).await;
    browser.post("/checkout", &[]).await;
    let body = serde_json::json!({ "batch": fake.events() }).to_string();
    let received = Received::new(SourceId::trusted("shop"), clock(), Currency::parse("GBP").unwrap());
    let batch = segment::read(segment::Call::Batch, body.as_bytes(), &received, &Limits::default()).unwrap();
    let events: Vec<_> = batch.verdicts.into_iter().map(|verdict| verdict.unwrap()).collect();
    let told: Vec<&Activity> = events.iter().map(|event| &event.activity).collect();
    let commerce = |wanted: CommerceAction| {
        told.iter().find_map(|activity| match activity {
            Activity::Commerce(commerce) if commerce.action == wanted => Some(commerce),
            _ => None,
        })
    };
    assert!(told.iter().any(|activity| matches!(activity, Activity::Feedback(feedback) if feedback.dismissed)));
    assert!(told.iter().any(|activity| matches!(activity, Activity::Identified { .. })));
    assert!(commerce(CommerceAction::ProductListViewed).unwrap().list.is_some());
    let order = commerce(CommerceAction::OrderCompleted).unwrap();
    assert!(order.order.is_some() && order.lines.len() == 1);
    assert!(events.iter().all(|event| event.occurred_at == clock() && event.context.consent.is_some()));
}

#[tokio::test]
async fn not_for_me_is_obeyed_at_once_and_can_be_taken_back() {
    let (fake, mut browser) = open().await;
    let (_, page) = browser.get("/").await;
    let product = page.split("data-mercer-product=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
    let tile = format!("data-mercer-product=\"{product}\"");
    let (to, page) = browser.post("/dismiss", &[("product_id", &product), ("back", "/?x=1")]).await;
    assert_eq!(to, "/?x=1");
    assert!(!page.contains(&tile), "the page after the click shows it no more");
    assert!(page.contains("Take it back"));
    let (_, page) = browser.get("/").await;
    assert!(!page.contains("Take it back"), "said once");
    let (_, page) = browser.post("/dismiss/undo", &[("product_id", &product), ("back", "/")]).await;
    assert!(page.contains(&tile));
    assert_eq!(fake.told().iter().filter(|name| name.starts_with("Product Dismiss")).count(), 2);
}

#[tokio::test]
async fn rows_carry_what_the_browser_needs_to_report() {
    let (_, mut browser) = open().await;
    let (_, page) = browser.get("/p/22423").await;
    assert!(page.contains("<mercer-slot placement=\"product-bought-together\" decision-id=\"d0.0\">"));
    assert!(
        page.contains("data-mercer-module=\"/sdk/mercer.js\"") && page.contains("data-mercer-personalization=\"on\"")
    );
    assert!(page.contains("data-mercer-dismiss") && page.contains("Why this?"));
    assert!(!page.contains("demo-read"), "the read key stays on the server");
}

#[tokio::test]
async fn the_panel_shows_what_a_click_changed() {
    let (_, mut browser) = open().await;
    let (_, page) = browser.get("/").await;
    assert!(page.contains("What Mercer knows"));
    let (_, page) = browser.get("/p/22423").await;
    assert!(
        page.contains("You looked at Regency Cakestand 3 Tier") && page.contains("0% → 100%"),
        "the first interest"
    );
    let (_, page) = browser.get("/p/85123A").await;
    assert!(page.contains("100% → 50%"), "it shares with a second");
    let (_, page) = browser.get("/sign-in").await;
    assert!(page.contains("100% → 50%"), "the next page still tells it");
    let (_, page) = browser.get("/me").await;
    assert!(page.contains("Lately in your hands") && page.contains("Regency Cakestand 3 Tier"));
}

#[tokio::test]
async fn how_much_search_knows_is_said_without_script_and_shown() {
    let (fake, mut browser) = open().await;
    let (_, page) = browser.get("/p/22423").await;
    assert!(page.contains("How much should search know you?") && page.contains("aria-pressed=\"true\">as usual"));
    let (to, page) = browser.post("/search-knows", &[("to", "little"), ("back", "/p/22423")]).await;
    assert_eq!(to, "/p/22423");
    assert!(page.contains("search knows you a little"), "the notice");
    let told = fake.events().into_iter().find(|event| event["event"] == "Search Preference Updated").unwrap();
    assert_eq!(told["properties"]["search_strength"], 0.4);
    let (_, page) = browser.get("/me").await;
    assert!(page.contains("aria-pressed=\"true\">a little") && !page.contains("aria-pressed=\"true\">as usual"));
    browser.post("/search-knows", &[("to", "everything"), ("back", "/")]).await;
    let told = fake.told().into_iter().filter(|name| name == "Search Preference Updated").count();
    assert_eq!(told, 1, "only what is offered can be said");
}

#[tokio::test]
async fn the_switch_and_the_browsers_objection_are_passed_on() {
    let (fake, mut browser) = open().await;
    browser.get("/").await;
    assert!(!fake.last_decision().no_personalization);
    let (_, page) = browser.post("/personalization", &[("to", "off"), ("back", "/me")]).await;
    assert!(page.contains("Switch personalization on"));
    browser.get("/").await;
    assert!(fake.last_decision().no_personalization);
    assert_eq!(fake.events().last().unwrap()["context"]["consent"]["personalization"], false);
    browser.post("/personalization", &[("to", "on"), ("back", "/")]).await;
    assert!(!fake.last_decision().no_personalization);
    browser.headers.insert("sec-gpc", "1".parse().unwrap());
    let (_, page) = browser.get("/").await;
    assert!(fake.last_decision().no_personalization);
    assert!(page.contains("Global Privacy Control") && page.contains("data-mercer-personalization=\"off\""));
    assert_eq!(fake.events().last().unwrap()["context"]["consent"]["gpc"], true);
}

#[tokio::test]
async fn signing_in_ties_and_signing_out_unties() {
    let (fake, mut browser) = open().await;
    browser.get("/").await;
    let before = browser.cookies["mercer_anonymous_id"].clone();
    let (_, page) = browser.post("/sign-in", &[("customer", "16954")]).await;
    assert!(page.contains("No. 16954"));
    assert_eq!(browser.cookies["mercer_anonymous_id"], before, "what the visitor did so far is the customer's");
    assert!(fake.events().iter().any(|event| event["type"] == "identify" && event["userId"] == "16954"));
    assert_eq!(fake.last_decision().customer.unwrap().as_str(), "16954");
    browser.post("/sign-in", &[("customer", "15380")]).await;
    let second = browser.cookies["mercer_anonymous_id"].clone();
    assert_ne!(second, before, "two customers never share an anonymous id");
    browser.post("/sign-out", &[]).await;
    assert_ne!(browser.cookies["mercer_anonymous_id"], second);
    assert!(!browser.cookies.contains_key("shop_customer"));
    let (to, _) = browser.post("/sign-in", &[("customer", "nobody")]).await;
    assert_eq!(to, "/sign-in");
}

#[tokio::test]
async fn forms_of_other_sites_are_refused() {
    let (fake, mut browser) = open().await;
    for path in [
        "/cart/add",
        "/cart/set",
        "/checkout",
        "/dismiss",
        "/dismiss/undo",
        "/sign-in",
        "/sign-out",
        "/personalization",
        "/search-knows",
        "/reset",
        "/view-as/stop",
    ] {
        let response = browser.send_form(path, &[("product_id", "22423")], "cross-site").await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{path}");
    }
    assert!(fake.events().is_empty());
}

#[tokio::test]
async fn results_are_a_list_with_links_and_forms_and_the_same_answer_as_data() {
    let (fake, mut browser) = open().await;
    let (_, page) = browser.get("/search?q=mug&refine.colour=Red&sort=price_up").await;
    let asked = fake.last_search();
    assert_eq!((asked.q.as_str(), asked.refine[0].values.as_slice()), ("mug", &["Red".to_owned()][..]));
    assert_eq!((asked.limit, asked.no_personalization), (Some(24), false));
    for expected in [
        "<mercer-search-box class=\"search-box\" silent",
        "<mercer-search-results limit=\"24\" facets=\"6\" category-href=\"/c/{label}\" data-answered>",
        "aria-label=\"Remove Red\"",
        "href=\"/search?q=mug&#38;sort=price_up\"",
        "<input type=\"checkbox\" name=\"refine.colour\" value=\"Red\" checked>",
        "<input type=\"hidden\" name=\"refine.colour\" value=\"Red\"><label class=\"mercer-sort-label\">",
        "<option value=\"price_up\" selected>",
        "<p class=\"mercer-banner\"><a href=\"/delivery\">Free &#60;today&#62;</a></p>",
        "<p class=\"mercer-banner\">No &#38; way</p>",
        "href=\"/search?q=mug&#38;refine.colour=Red&#38;sort=price_up&#38;page=2\"",
    ] {
        assert!(page.contains(expected), "{expected}\n{page}");
    }
    assert!(!drawn(&page).contains("javascript:"), "a banner leads to no script");
    let data = page.split("<script type=\"application/json\">").nth(1).unwrap().split("</script>").next().unwrap();
    let answer: mercer_schema::SearchAnswer = serde_json::from_str(data).unwrap();
    assert_eq!((answer.items.len(), answer.banners[0].text.as_str()), (24, "Free <today>"));
    browser.get("/search?q=mug&page=9").await;
    let asked = fake.last_search();
    assert_eq!((asked.limit, asked.cursor.as_deref()), (Some(24), Some("192")), "no answer holds nine pages");
    assert_eq!(fake.told().iter().filter(|name| *name == "Products Searched").count(), 0, "choices are no new search");
    browser.get("/search?q=mug").await;
    assert_eq!(fake.told(), ["Products Searched"]);
}

#[tokio::test]
async fn categories_stand_in_the_order_of_who_asks_and_say_why() {
    let (_, mut browser) = open().await;
    let (_, page) = browser.get("/").await;
    let mugs = page.find("alt=\"Mugs &#38; Cups\" title=\"You looked here lately\"").unwrap();
    assert!(mugs < page.find("alt=\"Party\"").unwrap(), "in pictures");
    let cards = page.split("department-cards").nth(1).unwrap();
    assert!(cards.find(">Party<").unwrap() < cards.find(">Kitchen &#38; Dining<").unwrap() && !cards.contains("Mugs"));
    let (_, page) = browser.get("/c/kitchen-dining").await;
    assert!(page.contains("<a href=\"/c/mugs-cups\" title=\"You looked here lately\">Mugs &#38; Cups"));
    assert!(page.contains("category=\"Kitchen &#38; Dining\" data-answered"));
    browser.headers.insert("sec-gpc", "1".parse().unwrap());
    let (_, page) = browser.get("/").await;
    assert!(!page.contains("You looked here lately"), "who objects is nobody");
}

#[tokio::test]
async fn a_search_leads_where_the_shop_wants() {
    let (_, mut browser) = open().await;
    let response = browser.ask(browser.http.get(format!("{}/search?q=basket", browser.base))).await;
    assert_eq!((response.status(), &response.headers()[LOCATION]), (StatusCode::SEE_OTHER, &"/cart".parse().unwrap()));
    let (status, page) = browser.get("/search?q=elsewhere").await;
    assert_eq!(status, StatusCode::OK, "to other sites only the script leads");
    assert!(page.contains("https://example.com/"));
}

#[tokio::test]
async fn hostile_names_stay_text() {
    let (fake, mut browser) = open().await;
    let mut product = Product::new(ProductId::trusted("\"><x>/?#"), "<script>alert(1)</script> \"mug\"");
    product.category = vec!["<b>Bad</b>".into(), "Mugs & Cups".into()];
    product.description = "</p><img src=x onerror=alert(1)>".into();
    product.image_url = Some("javascript:alert(1)".into());
    product.url = Some("javascript:alert(1)".into());
    product.attributes.insert("<i>", "<u>");
    fake.add_product(product);
    for path in [
        "/",
        "/p/%22%3E%3Cx%3E%2F%3F%23",
        "/search?q=%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "/search?q=%22%20autofocus%20x%3D%22",
    ] {
        let (status, page) = browser.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}");
        let page = drawn(&page);
        for forbidden in ["<script>alert", "<img src=x", "<b>Bad", "<i>", "<u>", "<x>", "javascript:", "\" autofocus"] {
            assert!(!page.contains(forbidden), "{path}: {forbidden}");
        }
    }
    assert!(browser.get("/p/%22%3E%3Cx%3E%2F%3F%23").await.1.contains("/shop/tile/%22%3E%3Cx%3E%2F%3F%23.svg"));
    assert_eq!(browser.get("/shop/tile/%22%3E%3Cx%3E%2F%3F%23.svg").await.0, StatusCode::OK);
}

#[tokio::test]
async fn pictures_are_served_for_long_and_unknown_ones_are_not_there() {
    let (_, mut browser) = open().await;
    for (path, status) in [
        ("/shop/tile/85123A.svg", 200),
        ("/shop/tile/nothing.svg", 404),
        ("/shop/tile/85123A.png", 404),
        ("/shop/department/kitchen-dining.svg", 200),
        ("/shop/department/mugs-cups.svg", 200),
        ("/shop/department/nowhere.svg", 404),
        ("/shop/assets/sign.svg", 200),
    ] {
        let response = browser.ask(browser.http.get(format!("{}{path}", browser.base))).await;
        assert_eq!(response.status().as_u16(), status, "{path}");
        if status == 200 {
            assert_eq!(response.headers()["content-type"], "image/svg+xml");
            assert!(response.headers()["cache-control"].to_str().unwrap().contains("max-age=604800"));
        }
    }
}

#[tokio::test]
async fn what_is_not_there_says_so() {
    let (_, mut browser) = open().await;
    for path in ["/p/nothing", "/c/nowhere"] {
        let (status, page) = browser.get(path).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        assert!(page.contains("Not on our shelves"));
    }
    let (_, page) = browser.get("/search?q=zzzz").await;
    assert!(page.contains("Nothing found for “zzzz”") && page.contains("You may like these instead"));
}

#[tokio::test]
async fn without_mercer_the_shop_is_polite() {
    let mut browser = browser("http://127.0.0.1:9").await;
    for path in ["/", "/p/85123A", "/cart", "/c/mugs-cups"] {
        let (status, page) = browser.get(path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(page.contains("We will be right back") && page.contains("shop.css"));
    }
    let (fake, mut browser) = open().await;
    browser.get("/").await;
    fake.fall_down();
    let (status, _) = browser.get("/p/85123A").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn an_order_that_mercer_does_not_take_is_not_lost_silently() {
    let (fake, mut browser) = open().await;
    browser.post("/cart/add", &[("product_id", "22423")]).await;
    fake.refuse_events();
    let (to, page) = browser.post("/checkout", &[]).await;
    assert_eq!(to, "/cart");
    assert!(page.contains("could not be placed") && page.contains("Regency Cakestand"), "the basket is as it was");
    let (status, _) = browser.get("/p/85123A").await;
    assert_eq!(status, StatusCode::OK, "a page costs no event");
}

#[tokio::test]
async fn looking_through_a_customers_eyes_leaves_no_trace() {
    let (fake, mut browser) = open().await;
    browser.get("/view-as?token=abc.def").await;
    let (_, page) = browser.get("/p/85123A").await;
    assert!(page.contains("Nothing that you do here is recorded") && !page.contains("<script"));
    assert_eq!(fake.last_decision().view_as.as_deref(), Some("abc.def"));
    assert!(fake.events().is_empty());
    let (_, page) = browser.post("/view-as/stop", &[]).await;
    assert!(!page.contains("Nothing that you do here is recorded"));
    assert_eq!(fake.last_decision().view_as, None);
}

#[tokio::test]
async fn fetching_ahead_is_no_visit() {
    let (fake, mut browser) = open().await;
    browser.headers.insert("sec-purpose", "prefetch".parse().unwrap());
    browser.get("/p/85123A").await;
    assert!(fake.events().is_empty());
    assert!(fake.last_decision().dry_run);
}
