//! Answers made ready for a person and an app. What all people's answers have in common, the names and
//! the empty values, is kept once and stays warm; of a person's own only the texts are kept, in one piece.
//! With a hundred thousand people signed in, an answer then touches a few lines of cold memory.

use arc_swap::ArcSwap;
use bytes::{Buf, Bytes};
use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};
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

    /// Takes headers apart: their shape, and their texts in one piece, behind the span of each. A text that
    /// stands in another one is kept once: there is less to fetch. `None` when a name stands twice or the
    /// texts are too long to be kept.
    pub fn take_apart(&self, told: &HeaderMap) -> Option<(Arc<Shape>, Arc<[u8]>)> {
        if told.len() != told.keys_len() {
            return None;
        }
        let mut longest_first: Vec<&[u8]> = told.values().map(HeaderValue::as_bytes).collect();
        longest_first.sort_by_key(|text| std::cmp::Reverse(text.len()));
        let mut texts: Vec<u8> = Vec::new();
        for text in longest_first {
            if place_in(&texts, text).is_none() {
                texts.extend_from_slice(text);
            }
        }
        let mut own = Vec::with_capacity(told.len() * SPAN_BYTES + texts.len());
        for value in told.values() {
            let start = told.len() * SPAN_BYTES + place_in(&texts, value.as_bytes())?;
            own.extend_from_slice(&u16::try_from(start).ok()?.to_le_bytes());
            own.extend_from_slice(&u16::try_from(value.len()).ok()?.to_le_bytes());
        }
        own.extend_from_slice(&texts);
        Some((self.of(told), own.into()))
    }
}

fn place_in(texts: &[u8], text: &[u8]) -> Option<usize> {
    if text.is_empty() { Some(0) } else { texts.windows(text.len()).position(|part| part == text) }
}

/// The names of headers, and the texts everybody is told the same; another crate keeps it without knowing it.
pub type Shape = dyn Any + Send + Sync;

/// Where a text begins and how long it is, two bytes each.
const SPAN_BYTES: usize = 4;

/// What goes back to the proxy of the client's own headers, made for one request.
pub struct Returned {
    /// The cookies that are not ours.
    pub cookie: HeaderValue,
    /// The Authorization header, unless it is ours; empty when the app is told one of ours.
    pub authorization: HeaderValue,
}

impl Returned {
    fn take(&mut self, name: &HeaderName) -> Option<HeaderValue> {
        let place = match name {
            name if *name == COOKIE => &mut self.cookie,
            name if *name == AUTHORIZATION => &mut self.authorization,
            _ => return None,
        };
        Some(std::mem::replace(place, HeaderValue::from_static("")))
    }
}

/// The headers as they were before they were taken apart, with what is returned to the client's proxy in
/// the places left empty for it.
pub fn put_together(shape: &Shape, own: &Arc<[u8]>, mut returned: Option<Returned>) -> Option<HeaderMap> {
    let shape: &HeaderMap = shape.downcast_ref()?;
    let mut told = shape.clone();
    let mut spans = own.get(..told.len() * SPAN_BYTES)?;
    // The texts are not copied, and counted for this request alone: a count shared by all would have to
    // travel between processors for every value.
    let texts = Bytes::from_owner(own.clone());
    for (name, value) in told.iter_mut() {
        let (start, length) = (usize::from(spans.try_get_u16_le().ok()?), usize::from(spans.try_get_u16_le().ok()?));
        if length > 0 {
            let end = start + length;
            *value = HeaderValue::from_maybe_shared((end <= texts.len()).then(|| texts.slice(start..end))?).ok()?;
        } else if let Some(returned) = returned.as_mut().and_then(|returned| returned.take(name)) {
            *value = returned;
        }
    }
    Some(told)
}

#[cfg(test)]
mod tests {
    use super::{Returned, Shapes, put_together};
    use http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, HeaderValue};

    fn told(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let value = |text: &str| HeaderValue::from_bytes(text.as_bytes()).unwrap_or(HeaderValue::from_static("bad"));
        pairs.iter().map(|(name, text)| (HeaderName::from_static(name), value(text))).collect()
    }

    fn there_and_back(shapes: &Shapes, headers: &HeaderMap) -> Option<HeaderMap> {
        let (shape, own) = shapes.take_apart(headers)?;
        put_together(&*shape, &own, None)
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
    fn what_is_returned_fills_the_places_left_empty_for_it_and_no_others() {
        let shapes = Shapes::default();
        let returned = || Returned {
            cookie: HeaderValue::from_static("a=1"),
            authorization: HeaderValue::from_static("Basic YTpi"),
        };
        let filled = |pairs: &[(&'static str, &'static str)]| {
            let (shape, own) = shapes.take_apart(&told(pairs))?;
            put_together(&*shape, &own, Some(returned()))
        };
        let all = [("remote-user", "alice"), ("remote-groups", ""), ("cookie", "a=1"), ("authorization", "Basic YTpi")];
        let empty = [("remote-user", "alice"), ("remote-groups", ""), ("cookie", ""), ("authorization", "")];
        assert_eq!(filled(&empty), Some(told(&all)));
        // A token of ours is told as it was made.
        let bearer = [("authorization", "Bearer ours"), ("cookie", "")];
        assert_eq!(filled(&bearer), Some(told(&[("authorization", "Bearer ours"), ("cookie", "a=1")])));
        assert_eq!(filled(&[("remote-user", "")]), Some(told(&[("remote-user", "")])));
        assert!(told(&all).contains_key(AUTHORIZATION));
    }

    #[test]
    fn a_text_inside_another_is_kept_once() {
        let shapes = Shapes::default();
        let pairs = [("a", "alice"), ("b", "alice@example.com"), ("c", "alice"), ("d", "ice")];
        let Some((_, own)) = shapes.take_apart(&told(&pairs)) else { panic!("not kept") };
        assert_eq!(own.len(), pairs.len() * super::SPAN_BYTES + "alice@example.com".len());
        assert_eq!(there_and_back(&shapes, &told(&pairs)), Some(told(&pairs)));
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
