//! How the time and the memory of fitting grow with a shop, a model at a time, on made-up shops of 62,500 customers × 6,250
//! items × 3.1 million events, 4 and 16 times as large.
//!
//! Every model and size is fitted in a process of its own, which this program starts, so that its peak of memory is its own.
//! Time and memory begin once the data is there; what a fit takes is what it adds to that. Processor time, user's and
//! system's, is what is compared, since it says the same beside other work. Per event, both should stay as they are.

mod shop;

use std::hint::black_box;
use std::process::{Command, Stdio};
use std::time::Instant;

use mercer_recommend::Item;
use mercer_recommend::bundles::{self, Bundles};
use mercer_recommend::complements::{self, Complements};
use mercer_recommend::factors::{Factors, IalsSettings};
use mercer_recommend::filter::{FilterSettings, GraphFilter};
use mercer_recommend::interactions::{Basket, Order, purchases};
use mercer_recommend::linear::{Linear, SlimSettings};
use mercer_recommend::neighbours::{self, Neighbours};
use mercer_recommend::next_order::{self, NextOrder};
use mercer_recommend::popularity::Popularity;
use mercer_recommend::repurchase::{self, Repurchase};
use mercer_recommend::sessions::SessionIndex;

use crate::report::status_bytes;
use shop::{Click, Shop};

type Failure = Box<dyn std::error::Error>;

#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Settings {
    /// What to fit; everything by default
    #[arg(long, value_delimiter = ',')]
    models: Vec<String>,
    /// How many times the smallest shop
    #[arg(long, value_delimiter = ',', default_value = "1,4,16")]
    sizes: Vec<u32>,
    /// Fit the one model of the one size in this process
    #[arg(long, hide = true)]
    alone: bool,
}

/// Data that is there, and what is fitted on it.
struct Prepared {
    events: usize,
    fit: Box<dyn FnOnce()>,
}

/// How the data of one model are made.
type Prepare = fn(&Shop) -> Prepared;

/// The cheap ones first.
const MODELS: [(&str, Prepare); 12] = [
    ("popularity", popularity),
    ("sessions", sessions),
    ("repurchase", |shop| {
        let shop = *shop;
        on_orders(&shop, move |orders| {
            let group = |item: Item| Some(shop.group(item));
            black_box(Repurchase::fit(purchases(orders), group, &repurchase::Settings::default()));
        })
    }),
    ("bought_together", |shop| {
        on_baskets(shop.baskets(), |baskets| {
            black_box(Neighbours::fit(baskets, &neighbours::Settings::bought_together()));
        })
    }),
    ("complements", |shop| {
        on_baskets(shop.baskets(), |baskets| {
            black_box(Complements::fit(baskets, &complements::Settings::default(), |_, _| 0.0));
        })
    }),
    ("bundles", |shop| {
        on_orders(shop, |orders| {
            black_box(Bundles::fit(orders, &bundles::Settings::default()));
        })
    }),
    ("next_order", |shop| {
        on_orders(shop, |orders| {
            black_box(NextOrder::fit(orders, &next_order::Settings::default()));
        })
    }),
    ("knn", |shop| {
        on_baskets(shop.tastes(), |tastes| {
            black_box(Neighbours::fit(tastes, &neighbours::Settings::default()));
        })
    }),
    ("turbo", |shop| {
        on_baskets(shop.tastes(), |tastes| {
            black_box(GraphFilter::fit(tastes, &FilterSettings { dimensions: 0, ..FilterSettings::default() }));
        })
    }),
    ("filter", |shop| {
        on_baskets(shop.tastes(), |tastes| {
            black_box(GraphFilter::fit(tastes, &FilterSettings::default()));
        })
    }),
    ("ials", |shop| {
        on_baskets(shop.tastes(), |tastes| {
            black_box(Factors::fit_ials(tastes, &IalsSettings::default()));
        })
    }),
    ("slim", |shop| {
        on_baskets(shop.tastes(), |tastes| {
            black_box(Linear::fit_slim(tastes, &SlimSettings::default()));
        })
    }),
];

fn on_orders(shop: &Shop, fit: impl FnOnce(&[Order]) + 'static) -> Prepared {
    let orders = shop.orders();
    Prepared { events: orders.iter().map(|order| order.lines.len()).sum(), fit: Box::new(move || fit(&orders)) }
}

fn on_baskets(baskets: Vec<Basket>, fit: impl FnOnce(&[Basket]) + 'static) -> Prepared {
    Prepared { events: baskets.iter().map(Vec::len).sum(), fit: Box::new(move || fit(&baskets)) }
}

fn popularity(shop: &Shop) -> Prepared {
    on_clicks(shop, |clicks| {
        let mut popularity = Popularity::default();
        as_served(
            clicks,
            &mut popularity,
            |popularity, click| popularity.observe(click.item, 1.0, click.at),
            |popularity| {
                black_box(popularity.drain_changes());
            },
        );
    })
}

fn sessions(shop: &Shop) -> Prepared {
    on_clicks(shop, |clicks| {
        let mut index = SessionIndex::default();
        let observe = |index: &mut SessionIndex, click: &Click| {
            index.observe(u64::from(click.customer), click.item, click.at);
        };
        as_served(clicks, &mut index, observe, |index| {
            black_box(index.drain_changes());
        });
    })
}

fn on_clicks(shop: &Shop, fold: impl FnOnce(&[Click]) + 'static) -> Prepared {
    let clicks = shop.clicks();
    Prepared { events: clicks.len(), fit: Box::new(move || fold(&clicks)) }
}

/// As the engine takes them: with a copy that is published every hundred, and what changed drained every ten thousand.
fn as_served<Fold: Clone>(
    clicks: &[Click],
    fold: &mut Fold,
    take: impl Fn(&mut Fold, &Click),
    drain: impl Fn(&mut Fold),
) {
    let mut published = fold.clone();
    for (number, click) in clicks.iter().enumerate() {
        take(fold, click);
        if number % 100 == 0 {
            published = fold.clone();
        }
        if number % 10_000 == 0 {
            drain(fold);
        }
    }
    black_box((published, fold));
}

/// What one model took on one shop.
#[derive(Debug, Clone, Copy)]
struct Taken {
    events: f64,
    wall_seconds: f64,
    processor_seconds: f64,
    data_bytes: f64,
    peak_bytes: f64,
}

impl Taken {
    fn micros_per_event(&self) -> f64 {
        self.processor_seconds * 1e6 / self.events
    }

    fn bytes_per_event(&self) -> f64 {
        (self.peak_bytes - self.data_bytes) / self.events
    }
}

pub(crate) fn run(settings: &Settings) -> Result<(), Failure> {
    let is_asked = |name: &str| settings.models.is_empty() || settings.models.iter().any(|model| model == name);
    if let Some(unknown) = settings.models.iter().find(|model| MODELS.iter().all(|(name, _)| name != model)) {
        let names: Vec<&str> = MODELS.iter().map(|(name, _)| *name).collect();
        return Err(format!("there is no model `{unknown}`; there are {}", names.join(", ")).into());
    }
    if !settings.alone {
        heading();
    }
    for (name, prepare) in MODELS.iter().filter(|(name, _)| is_asked(name)) {
        let mut smallest = None;
        for size in &settings.sizes {
            if settings.alone {
                alone(&Shop::of(*size), *prepare)?;
                continue;
            }
            let taken = in_a_process(name, *size)?;
            row(name, *size, &taken, smallest.get_or_insert(taken));
        }
    }
    Ok(())
}

/// Fits and prints what it took, for the process that started this one.
#[allow(clippy::print_stdout, reason = "what is printed is read by the process that started this one")]
fn alone(shop: &Shop, prepare: Prepare) -> Result<(), Failure> {
    let Prepared { events, fit } = prepare(shop);
    let status = |key| status_bytes(key).ok_or(format!("/proc/self/status does not tell {key}"));
    let data = status("VmRSS:")?;
    // From here on the peak is counted anew (proc_pid_clear_refs(5)).
    std::fs::write("/proc/self/clear_refs", "5")?;
    let (processor, started) = (processor_seconds()?, Instant::now());
    fit();
    let (wall, processor) = (started.elapsed().as_secs_f64(), processor_seconds()? - processor);
    println!("{events}\t{wall}\t{processor}\t{data}\t{}", status("VmHWM:")?);
    Ok(())
}

fn in_a_process(model: &str, size: u32) -> Result<Taken, Failure> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["growth", "--alone", "--models", model, "--sizes", &size.to_string()]);
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("{model} at {size}×: {}", output.status).into());
    }
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.trim().split('\t').map(str::parse).collect::<Result<_, _>>()?;
    let [events, wall_seconds, processor_seconds, data_bytes, peak_bytes] = numbers[..] else {
        return Err(format!("{model} at {size}× printed `{text}`").into());
    };
    Ok(Taken { events, wall_seconds, processor_seconds, data_bytes, peak_bytes })
}

/// User's and system's time of this process so far: fields 14 and 15 of proc_pid_stat(5), in hundredths.
fn processor_seconds() -> Result<f64, Failure> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let (_, fields) = stat.rsplit_once(')').ok_or("no name in /proc/self/stat")?;
    let ticks: Vec<f64> = fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(ticks.iter().sum::<f64>() / 100.0)
}

#[allow(clippy::print_stdout, reason = "a command line tool talks to its user")]
fn heading() {
    println!(
        "| model | shop | events | fit s | processor s | µs an event | data MB | peak MB | bytes an event | against the smallest |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
}

#[allow(clippy::print_stdout, reason = "a command line tool talks to its user")]
fn row(name: &str, size: u32, taken: &Taken, smallest: &Taken) {
    println!(
        "| {name} | {size}× | {:.1} M | {:.1} | {:.1} | {:.2} | {:.0} | {:.0} | {:.0} | {:.2}× time, {:.2}× memory |",
        taken.events / 1e6,
        taken.wall_seconds,
        taken.processor_seconds,
        taken.micros_per_event(),
        taken.data_bytes / 1e6,
        taken.peak_bytes / 1e6,
        taken.bytes_per_event(),
        taken.micros_per_event() / smallest.micros_per_event(),
        taken.bytes_per_event() / smallest.bytes_per_event(),
    );
}
