//! A bounded map for many readers: split into shards, each behind a lock of its own.

use parking_lot::RwLock;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

const SHARDS: usize = 64;

/// Spreads keys that are random already, such as hashes of our own credentials: their first bytes are as
/// good as any hash of them. Not for keys an outsider chooses.
#[derive(Default)]
pub struct Scattered(u64);

impl Hasher for Scattered {
    fn write(&mut self, bytes: &[u8]) {
        if let Some(first) = bytes.first_chunk::<8>() {
            self.0 = u64::from_le_bytes(*first);
        }
    }

    /// The length in front of the bytes: the same for every key.
    fn write_usize(&mut self, _: usize) {}

    fn finish(&self) -> u64 {
        self.0
    }
}

/// How [`Scattered`] is made.
pub type Scatter = BuildHasherDefault<Scattered>;

/// A part of the map, in a line of the processor's cache of its own: every look writes its lock.
#[repr(align(64))]
struct Shard<K, V, S>(RwLock<HashMap<K, V, S>>);

/// A bounded concurrent map. Values are cheap to clone.
pub struct Shards<K, V, S = RandomState> {
    shards: Box<[Shard<K, V, S>]>,
    hasher: S,
    shard_entries_max: usize,
}

impl<K: Eq + Hash + Clone, V: Clone, S: BuildHasher + Default> Shards<K, V, S> {
    /// At most about `entries_max` entries.
    pub fn new(entries_max: usize) -> Self {
        let shards = (0..SHARDS).map(|_| Shard(RwLock::new(HashMap::default()))).collect();
        Self { shards, hasher: S::default(), shard_entries_max: (entries_max / SHARDS).max(16) }
    }

    fn shard(&self, key: &K) -> Option<&RwLock<HashMap<K, V, S>>> {
        // The low bits choose the place inside a map and the top ones its tags: these are from between.
        let index = usize::try_from((self.hasher.hash_one(key) >> 40) % SHARDS as u64).unwrap_or(0);
        self.shards.get(index).map(|shard| &shard.0)
    }

    /// The value under a key.
    pub fn find(&self, key: &K) -> Option<V> {
        self.shard(key)?.read().get(key).cloned()
    }

    /// Looks at the value under a key where it lies: no counting of users, so that what it points to is
    /// read without waiting. Short questions only: the shard is locked.
    pub fn look<T>(&self, key: &K, question: impl FnOnce(&V) -> Option<T>) -> Option<T> {
        self.shard(key)?.read().get(key).and_then(question)
    }

    /// Changes the value under a key, if there is one.
    pub fn change(&self, key: &K, change: impl FnOnce(&mut V)) {
        if let Some(shard) = self.shard(key) {
            shard.write().get_mut(key).map(change);
        }
    }

    /// Puts a value under a key and hands back what had to leave: the key's former value, and from a
    /// full shard an eighth of its entries; which ones does not matter, they are loaded again when needed.
    pub fn put(&self, key: K, value: V) -> Vec<V> {
        let Some(shard) = self.shard(&key) else { return Vec::new() };
        let mut map = shard.write();
        let mut left = if map.contains_key(&key) { Vec::new() } else { self.make_room(&mut map) };
        left.extend(map.insert(key, value));
        left
    }

    /// Puts a value under a key, or changes the one that is there; nobody comes in between.
    pub fn put_or_change(&self, key: K, fresh: V, change: impl FnOnce(&mut V)) {
        let Some(shard) = self.shard(&key) else { return };
        let mut map = shard.write();
        if let Some(known) = map.get_mut(&key) {
            change(known);
            return;
        }
        drop(self.make_room(&mut map));
        map.insert(key, fresh);
    }

    /// What leaves a full shard so that something new fits in: an eighth of it.
    fn make_room(&self, map: &mut HashMap<K, V, S>) -> Vec<V> {
        if map.len() < self.shard_entries_max {
            return Vec::new();
        }
        let leaving: Vec<K> = map.keys().take(self.shard_entries_max / 8).cloned().collect();
        leaving.iter().filter_map(|key| map.remove(key)).collect()
    }

    /// Takes a value out.
    pub fn remove(&self, key: &K) -> Option<V> {
        self.shard(key)?.write().remove(key)
    }

    /// Keeps the entries a question says yes to, and gives memory back.
    pub fn retain(&self, mut keep: impl FnMut(&K, &V) -> bool) {
        for shard in &self.shards {
            let mut map = shard.0.write();
            let before = map.len();
            map.retain(|key, value| keep(key, value));
            if map.len() < before / 2 {
                map.shrink_to_fit();
            }
        }
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.0.read().len()).sum()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::Shards;

    #[test]
    fn gauntlet_b16_03_the_map_stays_bounded() {
        let map: Shards<_, _> = Shards::new(2048);
        for number in 0..100_000 {
            map.put(number, number);
        }
        assert!(map.len() <= 2048, "{}", map.len());
        assert_eq!(map.find(&99_999), Some(99_999));
    }

    #[test]
    fn gauntlet_b1_17_keys_are_whole_values_never_joined_text() {
        let map: Shards<_, _> = Shards::new(64);
        map.put(("ab".to_owned(), "c".to_owned()), 1);
        assert_eq!(map.find(&("a".to_owned(), "bc".to_owned())), None);
    }
}
