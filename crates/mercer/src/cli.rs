//! The command line, as clap reads it. `mercer --help` is a tour.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use clap_complete::Shell;
use mercer_recommend::benchmark::Metric;

const TOUR: &str = "A first look:\n  mercer demo                              a whole shop on real data, on this machine\n\nIn production:\n  mercer serve --config mercer.toml        run the server\n  mercer key create site --scope write     a key for your pages\n  mercer import catalog products.csv       bring in what you sell\n  mercer import orders orders.csv          and what was bought\n  mercer train                             learn from it\n  mercer doctor                            check that all is well\n\nExit codes: 0 done; 1 failed or found faults; 2 wrong usage; 3 the data folder cannot be used;\n4 the settings are wrong.";

#[derive(Debug, Parser)]
#[command(name = "mercer", version, about = "Personalization for shops, on your own hardware", after_help = TOUR)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    #[command(flatten)]
    pub common: Common,
}

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Common {
    /// The settings file; without it the defaults hold (see `mercer config`)
    #[arg(long, global = true, value_name = "FILE", env = "MERCER_CONFIG")]
    pub config: Option<PathBuf>,
    /// The data folder, instead of the one in the settings
    #[arg(long, global = true, value_name = "DIR", env = "MERCER_DATA_FOLDER")]
    pub data: Option<PathBuf>,
    /// Print results as JSON, for machines
    #[arg(long, global = true)]
    pub json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Open the gift shop: a storefront on real data, with everything Mercer does
    Demo(Demo),
    /// Run the server
    Serve(Serve),
    /// Bring in products, orders or events from a file
    Import(Import),
    /// Learn from everything in the log
    Train(Train),
    /// List model versions, compare, promote, go back, try on a share of the customers
    Models(Models),
    /// Make, list and revoke API keys
    Key(Key),
    /// Measure recommenders on this shop's own orders
    Eval(Eval),
    /// Turn the catalog into vectors by a sentence encoder of yours
    Embed(Embed),
    /// Make logged decisions again, bit for bit
    Replay(Replay),
    /// Write the log, the lake or a backup somewhere else
    Export(Export),
    /// Ask the lake in SQL (in a build with the feature `sql`)
    Sql(Sql),
    /// Check settings, disk, clock, data folder and versions, and say what to do
    Doctor(Doctor),
    /// Print the commented default settings
    Config,
    /// Print a completion script for your shell
    Completions { shell: Shell },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Demo {
    /// Port on loopback; 0 takes any free one
    #[arg(long, default_value_t = 7878)]
    pub port: u16,
    /// Do not open a browser
    #[arg(long)]
    pub no_open: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Serve {
    /// Listen here instead of at the address in the settings
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ImportKind {
    Catalog,
    Orders,
    Events,
}

impl From<ImportKind> for mercer_collect::import::Kind {
    fn from(kind: ImportKind) -> Self {
        match kind {
            ImportKind::Catalog => Self::Catalog,
            ImportKind::Orders => Self::Orders,
            ImportKind::Events => Self::Events,
        }
    }
}

/// A running server that does the work, instead of this process on the data folder.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Remote {
    /// Let this running server do it: the data folder is not touched
    #[arg(long, global = true, value_name = "URL", env = "MERCER_SERVER")]
    pub server: Option<String>,
    /// An API key of that server with the scope that is needed
    #[arg(long, global = true, value_name = "KEY", env = "MERCER_KEY", hide_env_values = true)]
    pub key: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Train {
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Models {
    #[command(subcommand)]
    pub command: ModelsCommand,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ModelsCommand {
    /// List all versions, newest first
    List,
    /// The card of a version: data, lineage, gate, shadow, canaries
    Show { version: String },
    /// How far the training is
    Training,
    /// Make a version the champion
    Promote {
        version: String,
        #[command(flatten)]
        reason: Reason,
    },
    /// Go back to the champion before the present one
    Rollback {
        #[command(flatten)]
        reason: Reason,
    },
    /// Try a version on a share of the customers; without more, say how the one that runs does
    Canary {
        #[command(subcommand)]
        command: Option<CanaryCommand>,
    },
    /// Take a version away for good; what it decided cannot be made again
    Remove {
        version: String,
        #[command(flatten)]
        reason: Reason,
    },
    /// Who changed which models answer, when and why
    Changes,
    /// What is wrong with the models, and how the shop's days differ from what the champion learned from
    Health,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CanaryCommand {
    /// Let a version answer a share of the customers
    Start {
        version: String,
        /// Percent of the customers
        #[arg(long, value_name = "PERCENT")]
        percent: f64,
        #[command(flatten)]
        reason: Reason,
    },
    /// Let the champion answer everybody again
    Stop {
        #[command(flatten)]
        reason: Reason,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct Reason {
    /// Why, for the audit trail
    #[arg(long, value_name = "TEXT", default_value = "")]
    pub why: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Key {
    #[command(subcommand)]
    pub command: KeyCommand,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; its secret is printed once
    Create(NewKeyArgs),
    /// List all keys, without their secrets
    List,
    /// Revoke every live key of this name, at once
    Revoke { name: String },
}

#[derive(Debug, clap::Args)]
pub(crate) struct NewKeyArgs {
    /// The source under which its events are logged
    pub name: String,
    /// What the key may do; write and decide are safe in a browser
    #[arg(long = "scope", value_name = "SCOPE", required = true, value_delimiter = ',')]
    pub scopes: Vec<KeyScope>,
    #[expect(rustdoc::bare_urls, reason = "printed as help")]
    /// A web page's origin that may use it, such as https://shop.example; none means all
    #[arg(long = "origin", value_name = "ORIGIN")]
    pub origins: Vec<String>,
    /// Requests a second
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: Option<u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum KeyScope {
    /// Send events
    Write,
    /// Ask for decisions, search, read the catalog
    Decide,
    /// Read customers, decisions and exports
    Read,
    /// Everything
    Admin,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Import {
    /// What the file holds; not needed with --replay
    #[arg(required_unless_present = "replay")]
    pub kind: Option<ImportKind>,
    /// CSV, TSV, JSONL, JSON, Parquet, Google Merchant (XML, TSV) or Shopify CSV; also .gz
    #[arg(required_unless_present = "replay")]
    pub file: Option<PathBuf>,
    /// The format, when the name does not tell
    #[arg(long)]
    pub format: Option<String>,
    /// A built-in mapping, or a file (TOML) that says which column is what
    #[arg(long, value_name = "NAME|FILE")]
    pub mapping: Option<String>,
    /// Currency of prices that name none, instead of the shop's
    #[arg(long)]
    pub currency: Option<String>,
    /// Read and check everything, keep nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Read the kept bad rows again, after a fix
    #[arg(long, conflicts_with_all = ["kind", "file", "format", "mapping", "currency", "dry_run"])]
    pub replay: bool,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Eval {
    /// Length of the ranking that is judged
    #[arg(long, default_value_t = 20)]
    pub k: usize,
    #[command(subcommand)]
    pub what: Option<EvalKind>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum EvalKind {
    /// Measure recommenders on files of public data, by the protocol of their tables
    Recommend(Box<EvalRecommend>),
    /// Measure what the learned weights of placements are worth on this shop's newest days
    Placements,
    /// Measure how well a catalog's products are found, against what people judged; without files, what knowing the customer
    /// is worth to a search on this shop's newest days
    Search(EvalSearch),
    /// Measure how often mistyped queries are understood as they were meant, and right ones left alone
    Spelling(EvalSpelling),
    /// Measure how soon this shop's customers are offered what they are going to type
    Suggest {
        /// Customers who look for a product again type the same words as before
        #[arg(long)]
        kept_words: bool,
    },
}

#[derive(Debug, clap::Args)]
pub(crate) struct EvalSpelling {
    /// The catalog, in any format that `mercer import products` takes
    #[arg(long, value_name = "FILE")]
    pub products: PathBuf,
    /// Lines of a mistyped query and what was meant, with a tab between them
    #[arg(long, value_name = "FILE")]
    pub pairs: PathBuf,
    /// Queries that are right as they are, one a line
    #[arg(long, value_name = "FILE")]
    pub clean: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EvalSearch {
    /// The catalog, in any format that `mercer import products` takes
    #[arg(long, value_name = "FILE", requires = "judgments")]
    pub products: Option<PathBuf>,
    /// What people judged: lines of a query, a product id and a grade from 0 up, with tabs between them
    #[arg(long, value_name = "FILE", requires = "products")]
    pub judgments: Option<PathBuf>,
    /// More such queries, told apart
    #[arg(long, value_name = "FILE", requires = "products")]
    pub held: Option<PathBuf>,
    /// Also let made-up customers search so often for each query, click what the judgments say at the places that people look
    /// at, and tell how far learning from these clicks comes
    #[arg(long, value_name = "SEARCHES", requires = "products")]
    pub clicks: Option<usize>,
    /// Put every product in so many times, each time under another id with other numbers in its texts: how the search grows
    #[arg(long, value_name = "TIMES", requires = "products", conflicts_with = "clicks")]
    pub copies: Option<usize>,
    /// Also ask a sentence encoder in this folder, in the form of sentence-transformers, what the queries mean
    #[arg(long, value_name = "FOLDER", requires = "products", conflicts_with = "copies")]
    pub encoder: Option<PathBuf>,
    /// Its vectors of the products, as `mercer embed` writes them; without them they are made first
    #[arg(long, value_name = "FILE", requires = "encoder")]
    pub vectors: Option<PathBuf>,
    /// Goes before every query, in the place of what the folder says
    #[arg(long, value_name = "TEXT", default_value = "", requires = "encoder")]
    pub encoder_prompt: String,
    /// Products of which the cosine with a query is smaller are not near to it
    #[arg(long, value_name = "COSINE", default_value_t = 0.5, requires = "encoder")]
    pub least_cosine: f32,
}

#[derive(Debug, clap::Args)]
pub(crate) struct EvalRecommend {
    /// What the files hold
    #[arg(long)]
    pub format: DataFormat,
    /// What the models learn from; for `events` the data folder is read instead
    #[arg(long, value_name = "FILE")]
    pub train: Option<PathBuf>,
    /// Ask this file instead of the test file, to choose settings on
    #[arg(long, value_name = "FILE")]
    pub valid: Option<PathBuf>,
    /// What they are asked; `sequences` hold their questions themselves
    #[arg(long, value_name = "FILE")]
    pub test: Option<PathBuf>,
    /// `sequences`: a JSON object with the attributes of each item
    #[arg(long, value_name = "FILE")]
    pub attributes: Option<PathBuf>,
    /// `events`: a JSON object with a vector for each product id, beside the words of the catalog (see `mercer embed`)
    #[arg(long, value_name = "FILE", conflicts_with = "encoder")]
    pub vectors: Option<PathBuf>,
    /// `events`: a folder in the form of sentence-transformers, which makes such vectors of the catalog first
    #[arg(long, value_name = "FOLDER")]
    pub encoder: Option<PathBuf>,
    /// `events`: hold out the first order of each customer in so many last days (the default, with 30)
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i64).range(1..=36_500))]
    pub days: Option<i64>,
    /// `events`: hold out the last order of each customer, as `--split last` does
    #[arg(long, conflicts_with_all = ["days", "split"])]
    pub last: bool,
    /// `events`: what is held out, by `time` the last days, or the `last` order of each customer
    #[arg(long, value_name = "SPLIT")]
    pub split: Option<HeldOut>,
    /// Models, with commas between them and settings behind colons: `slim,ials:dimensions=64,blend:slim=1:ials=1`;
    /// `auto` is a sensible set, to which those named beside it are added, for `sessions` and `sequences` with a transformer of a few minutes
    #[arg(long, value_delimiter = ',', default_value = "auto")]
    pub models: Vec<String>,
    /// What is measured, as NAME@PLACES, with commas: HR, MRR, Recall, NDCG, Precision
    #[arg(long, value_delimiter = ',', default_value = "HR@20,MRR@20,Recall@20,NDCG@20")]
    pub metrics: Vec<Metric>,
    /// Try so many random settings a model, and several weights of a blend, on a part cut from the training data, and measure
    /// the best by the first metric
    #[arg(long, value_name = "ATTEMPTS")]
    pub tune: Option<usize>,
    /// With --json: the file to write instead of standard output
    #[arg(value_name = "OUT")]
    pub out: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum HeldOut {
    /// The first order of each known customer in the last days
    Time,
    /// The last order of each customer
    Last,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum DataFormat {
    /// Click sessions: `SessionId ItemId Time` lines, or a session a line
    Sessions,
    /// A customer's items in time on a line; the last one is to be found
    Sequences,
    /// A customer's items on a line, in two files
    Interactions,
    /// A customer's baskets in time, in two JSON files
    Baskets,
    /// This shop's own orders, from the data folder
    Events,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Embed {
    /// A local folder in the form of sentence-transformers, with its weights as safetensors
    #[arg(long, value_name = "FOLDER")]
    pub encoder: PathBuf,
    /// What goes before every text, in the place of what the folder says
    #[arg(long, value_name = "TEXT")]
    pub prompt: Option<String>,
    /// Products as `mercer export products` writes them, instead of the catalog in the data folder
    #[arg(long, value_name = "FILE")]
    pub products: Option<PathBuf>,
    /// The file to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// Decision ids, of pages or searches; a placement's id leads to its page
    #[arg(required_unless_present = "last")]
    pub ids: Vec<String>,
    /// Replay the last N decisions instead
    #[arg(long, value_name = "N")]
    pub last: Option<usize>,
    /// Print the decisions, not only whether they are identical
    #[arg(long)]
    pub show: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportKind {
    /// Every event of the log, one a line, to standard output or --out
    Events,
    /// The catalog
    Products,
    /// The Parquet files, brought up to date, copied to --out
    Lake,
    /// A backup of the whole data folder into --out; from a server also as one .tar file
    Backup,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Export {
    pub kind: ExportKind,
    /// Only jsonl, for events and products
    #[arg(long, default_value = "jsonl")]
    pub format: String,
    /// A file or folder to write to
    #[arg(long)]
    pub out: Option<PathBuf>,
    /// Events: only those after this position of the log
    #[arg(long, value_name = "POSITION", default_value_t = 0)]
    pub after: u64,
    #[command(flatten)]
    pub remote: Remote,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SqlFormat {
    /// Aligned, in Markdown; long cells are cut
    Table,
    Csv,
    /// One array of objects
    Json,
    /// One object a line
    Jsonl,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Sql {
    /// The query; without it, or as `-`, it is read from standard input
    pub query: Option<String>,
    /// Read the query from a file
    #[arg(long, value_name = "FILE", conflicts_with = "query")]
    pub file: Option<PathBuf>,
    /// List the tables with their columns
    #[arg(long, conflicts_with_all = ["query", "file"])]
    pub tables: bool,
    /// How to print the rows [default: table]
    #[arg(long)]
    pub format: Option<SqlFormat>,
    /// At most so many rows, 0 for all [default: 1000 for a table, else all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Memory that the query may take, in MiB; nothing is written to the disk
    #[arg(long, value_name = "MIB", default_value_t = 1024)]
    pub memory: usize,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Also fold the whole log anew and compare it with what is served
    #[arg(long)]
    pub rebuild: bool,
}
