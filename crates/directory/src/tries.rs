//! The servers of one directory, one after the other, until one is well: the only place where that is decided.

use crate::place::{For, Place};
use crate::protocol::wire::{Bounds, Wire};
use crate::trouble::Trouble;
use doorward_engine::federation::settings::Server;
use std::vec::IntoIter;
use zeroize::Zeroizing;

/// An attempt at the servers that have not failed a moment ago, in their order.
pub(crate) struct Tries<'a> {
    place: &'a Place,
    left: IntoIter<(usize, Server)>,
    last: Trouble,
}

impl<'a> Tries<'a> {
    /// # Errors
    /// How the last one failed, when all have a moment ago.
    pub(crate) fn of(place: &'a Place) -> Result<Self, Trouble> {
        let last = Trouble::Settings("it has no server".to_owned());
        Ok(Self { place, left: place.servers()?.into_iter(), last })
    }

    /// A new connection to the next server that takes one, and its number.
    ///
    /// # Errors
    /// How the last one failed, when none is left; what no other server would make better.
    pub(crate) async fn next(
        &mut self,
        purpose: For,
        sealed: Option<&Zeroizing<String>>,
        bounds: Bounds,
    ) -> Result<(usize, Wire), Trouble> {
        while let Some((number, server)) = self.left.next() {
            match self.place.connect(&server, purpose, sealed.cloned(), bounds).await {
                Ok(wire) => return Ok((number, wire)),
                Err(trouble) => self.failed(number, trouble.at_port_of(&server))?,
            }
        }
        Err(self.last.clone())
    }

    /// Notes that a server did not do: the next one may.
    ///
    /// # Errors
    /// What no other server would make better.
    pub(crate) fn failed(&mut self, number: usize, trouble: Trouble) -> Result<(), Trouble> {
        if !trouble.is_of_server() {
            return Err(trouble);
        }
        self.place.note(number, Some(&trouble));
        self.last = trouble;
        Ok(())
    }
}
