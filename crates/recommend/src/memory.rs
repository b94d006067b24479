//! What models hold on the heap: as many bytes as their lists have room for.

/// Of one list, without what its entries hold.
pub(crate) const fn room_of<T>(list: &Vec<T>) -> usize {
    list.capacity() * size_of::<T>()
}
