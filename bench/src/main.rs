//! Load against a running Mercer, measured from outside: what a shop's own servers would see.
//!
//! Prints one Markdown table row a run. Run the server and this program on the same two cores to reproduce
//! docs/results.md; nothing here knows anything but the public HTTP API, save `sessions`, `fits` and `growth`, which
//! work in this process. Not a test: it asserts no times.

mod client;
mod decide;
mod effect;
mod events;
mod fits;
mod growth;
mod open_loop;
mod report;
mod search;
mod sessions;
mod synthetic;

use clap::{Parser, Subcommand};

/// What works in this process has the memory that it has in Mercer.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Debug, Parser)]
#[command(about = "Load against a running Mercer")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    target: Target,
}

/// Where the server is and how to get in.
#[derive(Debug, Clone, clap::Args)]
struct Target {
    /// Host and port
    #[arg(long, global = true, default_value = "127.0.0.1:7878")]
    server: String,
    #[arg(long, global = true, default_value = "demo-write")]
    write_key: String,
    #[arg(long, global = true, default_value = "demo-decide")]
    decide_key: String,
    /// Seconds of load
    #[arg(long, global = true, default_value_t = 20)]
    seconds: u64,
    #[arg(long, global = true, default_value_t = 64)]
    connections: usize,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Events as fast as the server acknowledges them
    Events {
        /// Events in one request
        #[arg(long, default_value_t = 100)]
        batch: usize,
    },
    /// Page decisions at a fixed rate, whatever the server does (open loop: waiting counts)
    Decide {
        /// Requests a second
        #[arg(long, default_value_t = 1_000)]
        rate: u64,
        /// The group of placements to ask for
        #[arg(long, default_value = "home")]
        group: String,
        /// The page's type
        #[arg(long, default_value = "home")]
        page: String,
    },
    /// Searches or suggestions at a fixed rate (open loop)
    Search {
        /// A file with a head line and a query in the first column of each line, with tabs between
        #[arg(long)]
        queries: std::path::PathBuf,
        /// Requests a second
        #[arg(long, default_value_t = 500)]
        rate: u64,
        /// Suggestions for the first ten letters of each query
        #[arg(long)]
        suggest: bool,
        /// Facets of each search
        #[arg(long, default_value_t = 8)]
        facets: usize,
    },
    /// From sending an event to a decision that reflects it
    Effect {
        #[arg(long, default_value_t = 1_000)]
        tries: usize,
    },
    /// Session recommendations beside another program's, without a server
    Sessions(sessions::Settings),
    /// Fitting on interactions and single answers beside another program's, without a server
    Fits(fits::Settings),
    /// How time and memory of fitting grow with made-up shops, without a server
    Growth(growth::Settings),
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        match cli.command {
            Command::Events { batch } => events::run(&cli.target, batch).await,
            Command::Decide { rate, group, page } => decide::run(&cli.target, rate, &group, &page).await,
            Command::Search { queries, rate, suggest, facets } => {
                search::run(&cli.target, rate, &queries, suggest, facets).await
            }
            Command::Effect { tries } => effect::run(&cli.target, tries).await,
            Command::Sessions(settings) => sessions::run(&settings),
            Command::Fits(settings) => fits::run(&settings),
            Command::Growth(settings) => growth::run(&settings),
        }
    })
}
