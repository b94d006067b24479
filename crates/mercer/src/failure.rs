//! Why a command ended: words for the user and the exit code that `mercer --help` lists.

use std::net::SocketAddr;
use std::process::ExitCode;

/// A command that did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
    /// The status that a server answered with.
    status: Option<u16>,
    /// Another process has the data folder; where it serves, as far as is known.
    locked: Option<Option<String>>,
}

impl Failure {
    const fn new(message: String, code: u8) -> Self {
        Self { message, code, status: None, locked: None }
    }

    /// The job failed, or found faults.
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self::new(message.into(), 1)
    }

    /// A server answered with an error.
    pub(crate) fn answer(status: u16, message: impl Into<String>) -> Self {
        Self { status: Some(status), ..Self::job(message) }
    }

    /// The command line asks for what cannot be.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(message.into(), 2)
    }

    /// The data folder cannot be used.
    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self::new(message.into(), 3)
    }

    /// The settings are wrong.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self::new(message.into(), 4)
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }

    pub(crate) fn is_answer(&self, status: u16) -> bool {
        self.status == Some(status)
    }

    /// When a running server has the folder: how to let that server do it.
    pub(crate) fn or_by_server(mut self, command_line: &str, listen: SocketAddr) -> Self {
        if let Some(address) = self.locked.take() {
            let whom = if address.is_some() { "it" } else { "it, if it is a server," };
            let address = address.unwrap_or_else(|| format!("http://{listen}"));
            self.message +=
                &format!(", or let {whom} do the work:\n  {command_line} --server {address} --key ADMIN_KEY");
        }
        self
    }
}

impl From<mercer_engine::Error> for Failure {
    fn from(error: mercer_engine::Error) -> Self {
        match error {
            mercer_engine::Error::Store(error) => error.into(),
            other => Self::job(other.to_string()),
        }
    }
}

impl From<mercer_store::Error> for Failure {
    fn from(error: mercer_store::Error) -> Self {
        match error {
            mercer_store::Error::InUse { folder, holder, address } => {
                let holder = match &address {
                    Some(address) => format!("{holder}, the server at {address}"),
                    None => holder,
                };
                let message = format!("the data folder `{}` is in use by {holder}. Stop it first", folder.display());
                Self { locked: Some(address), ..Self::data(message) }
            }
            other => Self::data(other.to_string()),
        }
    }
}

impl From<mercer_server::LoadError> for Failure {
    fn from(error: mercer_server::LoadError) -> Self {
        match error {
            mercer_server::LoadError::File(error) => Self::job(error.to_string()),
            mercer_server::LoadError::Engine(error) => error.into(),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::job(error.to_string())
    }
}

impl From<crate::config::ConfigError> for Failure {
    fn from(error: crate::config::ConfigError) -> Self {
        Self::settings(error.to_string())
    }
}
