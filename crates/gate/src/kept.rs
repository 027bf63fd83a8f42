//! Answers made ready for a person and an app. What all people's answers have in common, the names and
//! the empty values, is kept once and stays warm; of a person's own only the texts are kept, in one piece.
//! With a hundred thousand people signed in, an answer then touches a few lines of cold memory.

use arc_swap::ArcSwap;
use bytes::{Buf, Bytes};
use http::header::{HeaderMap, HeaderValue};
use std::any::Any;
use std::sync::Arc;

/// How many shapes are kept: one for each set of names told, which differs by dialect and families.
const SHAPES_MAX: usize = 256;

/// The shapes in use.
#[derive(Default)]
pub struct Shapes(ArcSwap<Vec<Arc<HeaderMap>>>);

impl Shapes {
    /// The headers without their values, from those in use if it is there.
    fn of(&self, told: &HeaderMap) -> Arc<HeaderMap> {
        let known = self.0.load().iter().find(|shape| shape.keys().eq(told.keys())).cloned();
        known.unwrap_or_else(|| {
            let mut shape = told.clone();
            shape.values_mut().for_each(|value| *value = HeaderValue::from_static(""));
            let shape = Arc::new(shape);
            self.0.rcu(|shapes| {
                let room = shapes.len() < SHAPES_MAX;
                shapes.iter().cloned().chain(room.then(|| shape.clone())).collect::<Vec<_>>()
            });
            shape
        })
    }

    /// Takes headers apart: their shape, and their texts in one piece, each behind its length. `None` when
    /// a name stands twice or a value is too long to be kept.
    pub fn take_apart(&self, told: &HeaderMap) -> Option<(Arc<dyn Any + Send + Sync>, Bytes)> {
        if told.len() != told.keys_len() {
            return None;
        }
        let mut own = Vec::with_capacity(told.values().map(|value| LENGTH_BYTES + value.len()).sum());
        for value in told.values() {
            own.extend_from_slice(&u16::try_from(value.len()).ok()?.to_le_bytes());
        }
        told.values().for_each(|value| own.extend_from_slice(value.as_bytes()));
        Some((self.of(told), own.into()))
    }
}

/// A length in front of the texts.
const LENGTH_BYTES: usize = 2;

/// The headers as they were before they were taken apart.
pub fn put_together(shape: &(dyn Any + Send + Sync), own: &Bytes) -> Option<HeaderMap> {
    let shape: &HeaderMap = shape.downcast_ref()?;
    let mut told = shape.clone();
    let mut lengths = own.get(..told.len() * LENGTH_BYTES)?;
    let mut end = lengths.len();
    for value in told.values_mut() {
        let start = end;
        end += usize::from(lengths.try_get_u16_le().ok()?);
        if end > start {
            *value = HeaderValue::from_maybe_shared(own.slice(start..end)).ok()?;
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::{Shapes, put_together};
    use http::header::{COOKIE, HeaderMap, HeaderName, HeaderValue};

    fn told(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("bad"));
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    fn there_and_back(shapes: &Shapes, headers: &HeaderMap) -> Option<HeaderMap> {
        let (shape, own) = shapes.take_apart(headers)?;
        put_together(&*shape, &own)
    }

    #[test]
    fn what_was_taken_apart_is_put_together_as_it_was() {
        let shapes = Shapes::default();
        let alice = told(&[("remote-user", "alice"), ("remote-groups", ""), ("remote-name", "Alice Ågren")]);
        let bob = told(&[("remote-user", "bob"), ("remote-groups", "a,b"), ("remote-name", "")]);
        for headers in [&alice, &bob, &HeaderMap::new()] {
            assert_eq!(there_and_back(&shapes, headers).as_ref(), Some(headers));
        }
        assert_eq!(shapes.0.load().len(), 2, "the same names make the same shape");
    }

    #[test]
    fn what_cannot_be_kept_is_not() {
        let shapes = Shapes::default();
        let mut twice = told(&[("a", "1")]);
        twice.append("a", HeaderValue::from_static("2"));
        assert!(shapes.take_apart(&twice).is_none());
        let mut long = told(&[("a", "1")]);
        long.extend(HeaderValue::from_str(&"x".repeat(70_000)).map(|value| (COOKIE, value)));
        assert!(long.len() == 2 && shapes.take_apart(&long).is_none());
    }

    #[test]
    fn shapes_do_not_grow_without_end() {
        let shapes = Shapes::default();
        for number in 0..1000 {
            let name = HeaderName::from_bytes(format!("x-{number}").as_bytes()).unwrap_or(COOKIE);
            let headers = HeaderMap::from_iter([(name, HeaderValue::from_static("v"))]);
            assert_eq!(there_and_back(&shapes, &headers), Some(headers));
        }
        assert_eq!(shapes.0.load().len(), super::SHAPES_MAX);
    }
}
