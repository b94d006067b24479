//! `mercer demo`: the gift shop, opened on this machine with everything Mercer does.
//!
//! Catalog and orders come in through the same importers that a user has. Listens on loopback only, where the fixed
//! keys `demo-write`, `demo-decide`, `demo-read` and `demo-admin` are valid.

use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use mercer_collect::Received;
use mercer_collect::import::{Input, Kind, Mapping, Options};
use mercer_demo::{ShopSettings, gift_shop, storefront};
use mercer_engine::Audit;
use mercer_schema::{Currency, SourceId};
use mercer_server::{Accounts, ApiKey, Scope, Sink, load, now};

use super::serve::{Extras, app, bind, run_server, seed_placements};
use crate::cli::Demo;
use crate::config::Config;
use crate::failure::Failure;
use crate::home::Home;
use crate::output;

const FOLDER: &str = "mercer-data-demo";
const USER: &str = "demo";
const PASSWORD: &str = "demo-demo-demo";
const SIGN_IN_HINT: &str = "This is the demo: sign in as demo with the password demo-demo-demo.";

pub(crate) fn run(demo: &Demo, mut config: Config, has_folder: bool) -> Result<(), Failure> {
    if !has_folder {
        config.data_folder = PathBuf::from(FOLDER);
    }
    config.shop_name = "Wren & Ribbon".to_owned();
    config.currency = Currency::parse("GBP").map_err(|error| Failure::settings(error.to_string()))?;
    config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, demo.port));
    super::run_to_its_end(async {
        let _telemetry = crate::telemetry::start(&config)?;
        let listener = bind(config.listen).await?;
        config.listen = listener.local_addr()?;
        config.public_url = None;
        let url = config.public_url();
        let home = Home::open(&config, false)?;
        seed_placements(&home, config.placements_folder.as_deref()).await?;
        prepare(&home, config.currency).await?;
        let accounts = Accounts::new(Arc::clone(&home.tables));
        accounts.save(USER, PASSWORD, now()).map_err(|error| Failure::data(error.to_string()))?;
        let app = app(&home, &config, Extras { fixed_keys: demo_keys(), sign_in_hint: Some(SIGN_IN_HINT) })?;
        let shop = ShopSettings::demo(url.as_str(), now, rand::random::<u128>)
            .and_then(storefront)
            .map_err(|error| Failure::job(error.to_string()))?;
        welcome(&url);
        if !demo.no_open && std::io::stdout().is_terminal() {
            open_browser(&url);
        }
        run_server(&home, listener, app, &config, shop).await
    })
}

/// Imports and trains on the first start; later starts find everything there.
async fn prepare(home: &Home, currency: Currency) -> Result<(), Failure> {
    if home.engine.snapshot().world.models.version.is_some() {
        return Ok(());
    }
    let folder = home.folder.path().join("demo");
    let failed = |error: &dyn std::fmt::Display| Failure::job(format!("the gift shop could not be prepared: {error}"));
    let files = gift_shop::files(now(), &folder).map_err(|error| failed(&error))?;
    for (kind, file, label) in [
        (Kind::Catalog, &files.catalog, "Importing the catalog"),
        (Kind::Orders, &files.orders, "Importing a year of orders"),
    ] {
        let bar = output::bar(label, 0);
        let mut options = Options::new(Received::new(SourceId::trusted("gift-shop"), now(), currency));
        let mut shift_micros = 0;
        if kind == Kind::Orders {
            let mapping = std::fs::read_to_string(&files.orders_mapping)?;
            options.mapping = Some(Mapping::from_toml("online_retail", &mapping).map_err(|error| failed(&error))?);
            shift_micros = files.shift_micros;
        }
        let progress = output::progress(&bar);
        let sink = Sink { engine: Some(&home.engine), progress: &progress, shift_micros };
        let input = Input::open(file).map_err(|error| failed(&error))?;
        let outcome = load(kind, input, options, &sink).await?;
        bar.finish_and_clear();
        output::remark(format!("  {label}: {} taken, {} bad rows", outcome.stored, outcome.report.bad));
    }
    let spinner = output::spinner("Training");
    let shown = spinner.clone();
    let trained = home
        .engine
        .train(Audit::new("mercer demo", "the shop opens"), now(), move |step| shown.set_message(step.to_owned()))
        .await?;
    spinner.finish_and_clear();
    output::remark(format!("  Trained model {}", trained.version));
    Ok(())
}

fn demo_keys() -> Vec<(String, ApiKey)> {
    let key = |scope: Scope| {
        let name = format!("demo-{}", scope.name());
        let key = ApiKey {
            name: SourceId::trusted(name.as_str()),
            scopes: vec![scope],
            origins: Vec::new(),
            requests_per_second: None,
            created_at: now(),
            revoked_at: None,
        };
        (name, key)
    };
    vec![key(Scope::Write), key(Scope::Decide), key(Scope::Read), key(Scope::Admin)]
}

fn welcome(url: &str) {
    output::remark(format!(
        "\n  The gift shop is open.\n\n    storefront  {url}/\n    console     {url}/console/   (demo, {PASSWORD})\n    \
         API         {url}/docs/api/\n\n  Ctrl-C closes it; the next start takes a second or two.\n"
    ));
}

/// Best effort: without a desktop there is nothing to open.
fn open_browser(url: &str) {
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let _ =
        Command::new(opener).arg(url).stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn();
}
