//! Work that gives way: training uses what serving leaves of the processor.

use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

/// Threads of the lowest priority for a training. What a model computes in parallel runs on them, too.
pub(crate) fn threads() -> Result<ThreadPool, ThreadPoolBuildError> {
    ThreadPoolBuilder::new()
        .thread_name(|number| format!("mercer-train-{number}"))
        .start_handler(|_| give_way())
        .build()
}

/// On Linux, priorities belong to threads; elsewhere they would be those of the whole server. Not the idle policy: a thread
/// that holds a lock must get on even where serving takes all there is.
#[cfg(target_os = "linux")]
fn give_way() {
    const LOWEST: i32 = 19;
    if let Err(error) = rustix::process::setpriority_process(None, LOWEST) {
        tracing::warn!(%error, "training keeps the priority of serving");
    }
}

#[cfg(not(target_os = "linux"))]
const fn give_way() {}
