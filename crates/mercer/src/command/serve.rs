//! `mercer serve`: the production way. Listens, trains on schedule, drains on the signal.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::Router;
use mercer_schema::Placement;
use mercer_server::{Accounts, ApiKey, App, Keys, Settings, Shared, Signer};
use tokio::net::TcpListener;

use crate::cli::Serve;
use crate::config::{Config, address_for};
use crate::failure::Failure;
use crate::home::{CODE_VERSION, Home};
use crate::output;

pub(crate) fn run(serve: &Serve, mut config: Config) -> Result<(), Failure> {
    if let Some(listen) = serve.listen {
        config.listen = listen;
    }
    super::run_to_its_end(async {
        let _telemetry = crate::telemetry::start(&config)?;
        let home = Home::open(&config, false)?;
        let listener = bind(config.listen).await?;
        // The port may have been left to the system.
        config.listen = listener.local_addr()?;
        seed_placements(&home, config.placements_folder.as_deref()).await?;
        let app = app(&home, &config, Extras::default())?;
        let first_start = Accounts::new(Arc::clone(&home.tables)).first_start_token(rand::random());
        if let Some(token) = first_start.map_err(|error| Failure::data(error.to_string()))? {
            let link = format!("{}/console/welcome?token={token}", config.public_url());
            output::remark(format!("Nobody can sign in yet. Choose the console's password here:\n  {link}"));
        }
        run_server(&home, listener, app, &config, Router::new()).await
    })
}

/// Takes the port, or says who to look for.
pub(crate) async fn bind(address: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        Failure::job(format!("cannot listen on {address}: {error}. Stop what uses the port, or choose another one"))
    })
}

/// What the demo has beyond a shop.
#[derive(Default)]
pub(crate) struct Extras {
    /// Valid in this process only.
    pub(crate) fixed_keys: Vec<(String, ApiKey)>,
    pub(crate) sign_in_hint: Option<&'static str>,
}

/// Everything a handler can reach.
pub(crate) fn app(home: &Home, config: &Config, extras: Extras) -> Result<App, Failure> {
    let recorder = mercer_server::install_metrics().map_err(Failure::job)?;
    let settings = Settings {
        public_url: config.public_url(),
        shop_name: config.shop_name.clone(),
        sign_in_hint: extras.sign_in_hint,
        currency: config.currency,
        limits: config.limits.clone(),
        upload_bytes: config.upload_bytes,
        honour_gpc: config.honour_gpc,
        code_version: CODE_VERSION.to_owned(),
    };
    Ok(App::new(Shared {
        engine: Arc::clone(&home.engine),
        keys: Arc::new(Keys::load(Arc::clone(&home.tables), extras.fixed_keys)?),
        signer: Arc::new(Signer::load(&*home.tables, rand::random())?),
        tables: Arc::clone(&home.tables),
        stores: Arc::clone(&home.stores),
        idempotency: Arc::default(),
        settings,
        metrics: recorder,
        draining: AtomicBool::new(false),
    }))
}

/// Serves Mercer, and `beside` it, until the process is told to stop. Says where, once both work.
pub(crate) async fn run_server(
    home: &Home,
    listener: TcpListener,
    app: App,
    config: &Config,
    beside: Router,
) -> Result<(), Failure> {
    home.folder.tell_address(&address_for(listener.local_addr()?))?;
    let chores = tokio::spawn(super::chores::keep_house(app.clone(), config.clone()));
    let router = mercer_server::router(app.clone()).merge(beside);
    let stop = told_to_stop()?;
    output::line(format!("ready http://{}", listener.local_addr()?));
    let outcome = mercer_server::serve(listener, app, router, stop).await;
    chores.abort();
    Ok(outcome?)
}

/// A fresh shop gets the default placements; files in the placements folder win over what is there.
pub(crate) async fn seed_placements(home: &Home, folder: Option<&Path>) -> Result<(), Failure> {
    let mut placements: Vec<Placement> = Vec::new();
    if home.engine.snapshot().world.placements.iter().next().is_none() {
        placements.extend(mercer_engine::default_placements());
    }
    if let Some(folder) = folder {
        placements.extend(read_placements(folder)?);
    }
    for placement in placements {
        home.engine.save_placement(placement, mercer_server::now()).await?;
    }
    Ok(())
}

fn read_placements(folder: &Path) -> Result<Vec<Placement>, Failure> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct File {
        placement: Vec<Placement>,
    }
    let wrong = |path: &Path, error: &dyn std::fmt::Display| Failure::settings(format!("{}: {error}", path.display()));
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(|error| wrong(folder, &error))?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .collect();
    files.sort();
    let mut placements = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).map_err(|error| wrong(&path, &error))?;
        let file: File = toml::from_str(&text).map_err(|error| wrong(&path, &error))?;
        placements.extend(file.placement);
    }
    Ok(placements)
}

/// Ctrl-C, or the signal that service managers send; heard from this call on, not only once it is waited for.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
