//! Group commit: many callers, one fsync, one published world.
//!
//! Two threads in a row. The *committer* gathers whatever is waiting, appends it in one transaction and hands
//! it on while the next batch is already forming; while only decisions are there, for which nobody waits, it gathers on for
//! a moment. The *folder* folds the records, publishes the new world and only then answers the callers: acknowledged means
//! durable and visible.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use mercer_schema::{Draft, Fact, Record};
use mercer_store::{Appended, EventLog};
use tokio::runtime::{self, Runtime};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::Error;
use crate::checkpoint::Checkpointer;
use crate::fold::Snapshot;
use crate::models::ModelSource;

/// Most drafts in one transaction: enough to share an fsync widely, few enough to keep it short.
const BATCH_DRAFTS: usize = 8_192;
/// Requests that may wait; beyond this, callers wait in turn (back pressure) and decisions go unlogged.
const QUEUED_JOBS: usize = 4_096;
/// How long decisions wait for others, or for events of which somebody waits for the answer.
const DECISIONS_LINGER: Duration = Duration::from_millis(20);

pub(crate) type Reply = oneshot::Sender<Result<Vec<Appended>, Error>>;

/// Something for the log.
pub(crate) enum Job {
    Facts { drafts: Vec<Draft>, reply: Reply },
    Decision(Box<Draft>),
}

/// A committed batch on its way to the fold.
struct Committed {
    records: Vec<Record>,
    answers: Vec<(Reply, Vec<Appended>)>,
}

pub(crate) struct Ingest {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) models: Arc<dyn ModelSource>,
    pub(crate) published: Arc<ArcSwap<Snapshot>>,
    pub(crate) news: broadcast::Sender<Arc<Record>>,
    pub(crate) checkpointer: Checkpointer,
}

/// The running pair of threads. Dropping the sender lets both finish what they hold.
pub(crate) struct Running {
    pub(crate) jobs: mpsc::Sender<Job>,
    pub(crate) threads: Vec<JoinHandle<()>>,
}

impl Ingest {
    pub(crate) fn start(self, snapshot: Snapshot) -> std::io::Result<Running> {
        let (jobs, waiting) = mpsc::channel(QUEUED_JOBS);
        let (committed, to_fold) = sync_channel(2);
        let log = Arc::clone(&self.log);
        let clock = runtime::Builder::new_current_thread().enable_time().build()?;
        let committer = std::thread::Builder::new()
            .name("mercer-commit".into())
            .spawn(move || commit_all(&*log, &clock, waiting, &committed))?;
        let folder =
            std::thread::Builder::new().name("mercer-fold".into()).spawn(move || self.fold_all(snapshot, &to_fold))?;
        Ok(Running { jobs, threads: vec![committer, folder] })
    }

    fn fold_all(mut self, mut snapshot: Snapshot, to_fold: &Receiver<Committed>) {
        while let Ok(Committed { records, answers }) = to_fold.recv() {
            for record in &records {
                snapshot.advance(record, &*self.models);
            }
            snapshot.world.prepare();
            self.published.store(Arc::new(snapshot.clone()));
            metrics::counter!("mercer_records_total").increment(records.len() as u64);
            for (reply, appended) in answers {
                // A caller that went away keeps nothing waiting.
                let _ = reply.send(Ok(appended));
            }
            if self.news.receiver_count() > 0 {
                for record in records {
                    let _ = self.news.send(Arc::new(record));
                }
            }
            self.checkpointer.save_when_due(&mut snapshot);
        }
        self.checkpointer.save_now(&mut snapshot);
    }
}

fn commit_all(
    log: &dyn EventLog,
    clock: &Runtime,
    mut waiting: mpsc::Receiver<Job>,
    committed: &SyncSender<Committed>,
) {
    while let Some(batch) = clock.block_on(Batch::gather(&mut waiting)) {
        let started = Instant::now();
        let outcome = log.append(&batch.drafts);
        metrics::histogram!("mercer_commit_seconds").record(started.elapsed().as_secs_f64());
        match outcome {
            Ok(appended) => {
                if committed.send(batch.committed(&appended)).is_err() {
                    return;
                }
            }
            Err(error) => batch.fail(&error),
        }
    }
}

#[derive(Default)]
struct Batch {
    drafts: Vec<Draft>,
    /// Each caller with how many of the drafts are his, in order; decisions have no caller.
    callers: Vec<(Option<Reply>, usize)>,
    is_awaited: bool,
}

impl Batch {
    /// What waits, at least one job; none when nobody can send any more.
    async fn gather(waiting: &mut mpsc::Receiver<Job>) -> Option<Self> {
        let mut batch = Self::default();
        batch.add(waiting.recv().await?);
        let until = Instant::now() + DECISIONS_LINGER;
        while batch.drafts.len() < BATCH_DRAFTS {
            let next = if batch.is_awaited {
                waiting.try_recv().ok()
            } else {
                timeout_at(until, waiting.recv()).await.ok().flatten()
            };
            match next {
                Some(job) => batch.add(job),
                None => break,
            }
        }
        Some(batch)
    }

    fn add(&mut self, job: Job) {
        let (mut drafts, reply) = match job {
            Job::Facts { drafts, reply } => (drafts, Some(reply)),
            Job::Decision(draft) => (vec![*draft], None),
        };
        self.is_awaited |= reply.is_some();
        self.callers.push((reply, drafts.len()));
        self.drafts.append(&mut drafts);
    }

    fn committed(self, appended: &[Appended]) -> Committed {
        let mut answers = Vec::with_capacity(self.callers.len());
        let mut rest = appended;
        for (reply, count) in self.callers {
            let (own, others) = rest.split_at(count.min(rest.len()));
            rest = others;
            answers.extend(reply.map(|reply| (reply, own.to_vec())));
        }
        let stored = |(draft, appended): (Draft, &Appended)| match appended {
            Appended::Stored(position) => {
                Some(Record { position: *position, recorded_at: draft.recorded_at, fact: draft.fact })
            }
            Appended::Duplicate(_) => None,
        };
        Committed { records: self.drafts.into_iter().zip(appended).filter_map(stored).collect(), answers }
    }

    fn fail(self, error: &mercer_store::Error) {
        let unlogged =
            self.drafts.iter().filter(|draft| matches!(draft.fact, Fact::Decided(_) | Fact::Searched(_))).count();
        metrics::counter!("mercer_decisions_unlogged_total").increment(unlogged as u64);
        tracing::error!(%error, records = self.drafts.len(), "the log refused a batch; nothing was acknowledged");
        for reply in self.callers.into_iter().filter_map(|(reply, _)| reply) {
            let _ = reply.send(Err(Error::NotAppended(error.to_string())));
        }
    }
}
