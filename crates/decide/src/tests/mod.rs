//! Decisions through their public face: each rule by what a customer sees.

mod arranging;
mod filtering;
mod paging;
mod person;
mod properties;
mod sources;
mod speed;
mod words;
