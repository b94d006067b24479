//! Persistent collections for the live folds: a clone shares everything and never changes.
//!
//! Nothing here may depend on the order in which a hash map is walked; it is no part of a fold's state.

use imbl::shared_ptr::DefaultSharedPtr;
use rustc_hash::FxBuildHasher;

pub(crate) type Map<K, V> = imbl::GenericHashMap<K, V, FxBuildHasher, DefaultSharedPtr>;
pub(crate) type Set<A> = imbl::OrdSet<A>;

/// Keyed pieces of a fold's state since the last call; `None` deletes.
pub type Changes = Vec<(Vec<u8>, Option<Vec<u8>>)>;
