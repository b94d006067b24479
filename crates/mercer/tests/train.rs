//! What people see of a training whose output goes into a file: each step as a line, and no colours anywhere.
#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

fn mercer(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mercer"));
    command.current_dir(folder).args(arguments);
    command
}

fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = mercer(folder, arguments).output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn stocked() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut orders = "order_id,order_date,customer_id,sku,quantity,price\n".to_owned();
    for number in 0..200_u32 {
        let (customer, month, day) = (number % 40, 1 + number / 40, 1 + number % 28);
        writeln!(orders, "o{number},2026-{month:02}-{day:02},c{customer},s{},1,2.00 EUR", customer % 9).unwrap();
    }
    std::fs::write(folder.path().join("orders.csv"), orders).unwrap();
    done(folder.path(), &["import", "orders", "orders.csv", "--data", "data"]);
    folder
}

#[test]
fn a_training_in_the_folder_tells_its_steps_where_there_is_no_terminal() {
    let folder = stocked();
    let output = done(folder.path(), &["train", "--data", "data"]);
    let told = String::from_utf8(output.stderr).unwrap();
    for step in ["Reading the lake", "Fitting: For you", "Writing the version"] {
        assert!(told.lines().any(|line| line == step), "{told}");
    }
    assert!(String::from_utf8(output.stdout).unwrap().starts_with("model 000001 is the champion now"));
}

/// A server that is gone when the test is.
struct Serving(Child);

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_training_on_a_server_tells_its_steps_and_the_servers_log_has_no_colours() {
    let folder = stocked();
    let made = done(folder.path(), &["key", "create", "ops", "--scope", "admin", "--data", "data"]);
    let key = String::from_utf8(made.stdout).unwrap();
    let log = folder.path().join("log.txt");
    let mut serve = mercer(folder.path(), &["serve", "--listen", "127.0.0.1:0", "--data", "data"]);
    let mut serving = Serving(serve.stdout(Stdio::piped()).stderr(File::create(&log).unwrap()).spawn().unwrap());
    let said = BufReader::new(serving.0.stdout.take().unwrap()).lines();
    let address = said.map_while(Result::ok).find_map(|line| line.strip_prefix("ready ").map(str::to_owned)).unwrap();
    let output = done(folder.path(), &["train", "--server", &address, "--key", key.trim()]);
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.lines().any(|line| line.contains(" of ") && line.contains(": Fitting")), "{told}");
    let logged = std::fs::read_to_string(&log).unwrap();
    assert!(logged.contains("Fitting: For you") && !logged.contains('\u{1b}'), "{logged}");
}
