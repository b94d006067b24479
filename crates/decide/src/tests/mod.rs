//! Decisions through their public face: each rule by what a customer sees.

mod aims;
mod arranging;
mod browsing;
mod circumstances;
mod facet_counts;
mod filtering;
mod hostile;
mod learned_order;
mod meaning;
mod paging;
mod person;
mod preferences;
mod properties;
mod search_pages;
mod search_rules;
mod searching;
mod sources;
mod spec;
mod speed;
mod suggesting;
mod words;
