//! What the user sees: results on standard output, progress and words on standard error.

use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use mercer_collect::import::Progress;
use serde::Serialize;

/// Writes one line of result.
pub(crate) fn line(text: impl AsRef<str>) {
    // A reader that went away (`| head`) is no failure of ours.
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Writes a remark that is no result.
pub(crate) fn remark(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr(), "{}", text.as_ref());
}

/// Writes a result as one line of JSON.
pub(crate) fn json(value: &impl Serialize) {
    line(serde_json::to_string(value).unwrap_or_default());
}

/// A bar on terminals; nothing elsewhere.
pub(crate) fn bar(label: &str, total: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("  {msg:<28} {bar:32} {percent:>3} %  {eta} left");
    let bar = ProgressBar::new(total).with_message(label.to_owned());
    if let Ok(style) = style {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar
}

/// Moves a bar as a file is read.
pub(crate) fn progress(bar: &ProgressBar) -> impl Fn(Progress) + use<> {
    let bar = bar.clone();
    move |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
    }
}

/// The next step of work under a moving mark; a line of its own where there is no terminal, so that nobody thinks it hangs.
pub(crate) fn step(spinner: &ProgressBar, text: &str) {
    if spinner.is_hidden() {
        remark(text);
    } else {
        spinner.set_message(text.to_owned());
    }
}

/// A moving mark for work of unknown length.
pub(crate) fn spinner(label: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let spinner = ProgressBar::new_spinner().with_message(label.to_owned());
    spinner.enable_steady_tick(Duration::from_millis(120));
    spinner
}
