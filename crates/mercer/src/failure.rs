//! Why a command ended: words for the user and the exit code that `mercer --help` lists.

use std::process::ExitCode;

/// A command that did not end well.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    /// The job failed, or found faults.
    pub(crate) fn job(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 1 }
    }

    /// The data folder cannot be used.
    pub(crate) fn data(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 3 }
    }

    /// The settings are wrong.
    pub(crate) fn settings(message: impl Into<String>) -> Self {
        Self { message: message.into(), code: 4 }
    }

    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(self.code)
    }
}

impl From<mercer_engine::Error> for Failure {
    fn from(error: mercer_engine::Error) -> Self {
        match error {
            mercer_engine::Error::Store(error) => Self::data(error.to_string()),
            other => Self::job(other.to_string()),
        }
    }
}

impl From<mercer_store::Error> for Failure {
    fn from(error: mercer_store::Error) -> Self {
        Self::data(error.to_string())
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
