//! mercer-search
