//! How far a directory has come: what it is asked for again is what changed since then. Active Directory counts its changes,
//! each server its own ones; other directories note at each entry when it changed, by their own clocks.

use crate::limits;
use crate::protocol::message::{Entry, Scope, Search};
use crate::protocol::wire::{Wire, anything};
use crate::trouble::Trouble;
use doorward_engine::federation::directory::filter::Filter;
use doorward_engine::federation::settings::LdapSettings;
use doorward_model::time::Timestamp;
use std::time::{Duration, Instant};

/// The number of an entry's last change, at the server that is asked (MS-ADTS 3.1.1.1.9).
const NUMBER: &str = "uSNChanged";
/// When an entry changed (RFC 4512 §3.4.4).
const TIME: &str = "modifyTimestamp";

/// How far the server that is asked has come.
#[derive(Debug)]
pub(crate) struct Stand {
    /// Which history it counts in: other numbers mean nothing there.
    server: String,
    /// Active Directory's last change before anything was read.
    reached: Option<i64>,
    is_numbered: bool,
    /// The latest change that was seen, in milliseconds.
    latest: Option<i64>,
    begun: (Timestamp, Instant),
}

impl Stand {
    /// Asks, before anything is read.
    pub(crate) async fn read(wire: &mut Wire, settings: &LdapSettings, now: Timestamp) -> Result<Self, Trouble> {
        let begun = (now, Instant::now());
        let is_numbered = settings.active_directory;
        let mut stand = Self { server: wire.server().shown(), reached: None, is_numbered, latest: None, begun };
        if is_numbered {
            let told = one(wire, "", &["highestCommittedUSN", "dsServiceName"]).await?;
            let [Some(reached), Some(service)] = told.as_slice() else { return Ok(stand) };
            // The server's database: a restored one has another, and counts anew.
            let told = one(wire, &String::from_utf8_lossy(service), &["invocationId"]).await?;
            let [Some(invocation)] = told.as_slice() else { return Ok(stand) };
            stand.server = invocation.iter().map(|byte| format!("{byte:02x}")).collect();
            stand.reached = std::str::from_utf8(reached).ok().and_then(|reached| reached.parse().ok());
        }
        Ok(stand)
    }

    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    pub(crate) fn reached(&self) -> Option<i64> {
        self.reached
    }

    /// The attribute that has to be asked for besides.
    pub(crate) fn attribute(&self) -> Option<&'static str> {
        (!self.is_numbered).then_some(TIME)
    }

    /// Looks at an entry that was read.
    pub(crate) fn note(&mut self, entry: &Entry<'_>) {
        if !self.is_numbered {
            self.latest = self.latest.max(entry.text(TIME).and_then(parse));
        }
    }

    /// What changed since; a little more where clocks count.
    pub(crate) fn since(&self, at: i64) -> Filter {
        if self.is_numbered {
            return Filter::AtLeast(NUMBER.to_owned(), at.to_string().into_bytes());
        }
        let overlap = i64::try_from(limits::CHANGES_OVERLAP.as_millis()).unwrap_or(i64::MAX);
        Filter::AtLeast(TIME.to_owned(), written(at.saturating_sub(overlap)).into_bytes())
    }

    /// From where on changes are to be asked for next time; `None` when nothing says it.
    pub(crate) fn mark(&self) -> Option<i64> {
        if self.is_numbered {
            return self.reached;
        }
        let (now, clock) = self.begun;
        // Not behind the beginning, whichever clock is ahead: what changed while others were read is asked for again. The
        // latest change is by the directory's clock, and no later than now there; so much before, this reading began.
        let took = clock.elapsed() + Duration::from_secs(1);
        let took = i64::try_from(took.as_millis()).unwrap_or(i64::MAX);
        self.latest.map(|latest| latest.saturating_sub(took).min(now.millis()))
    }
}

/// Attributes of one entry, in the order they are asked for.
async fn one(wire: &mut Wire, base: &str, attributes: &[&str]) -> Result<Vec<Option<Vec<u8>>>, Trouble> {
    let filter = anything();
    let search = Search { base, scope: Scope::Base, filter: &filter, attributes, most: 1 };
    let mut told = vec![None; attributes.len()];
    wire.search(&search, None, |entry| {
        told = attributes.iter().map(|name| entry.first(name).map(<[u8]>::to_vec)).collect();
        Ok(())
    })
    .await?;
    Ok(told)
}

/// `GeneralizedTime` (RFC 4517 §3.3.13) as directories write it, in UTC; milliseconds, fractions of seconds left out.
fn parse(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_at_checked(14)?;
    let fraction = rest.strip_suffix('Z')?;
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_fraction = fraction.is_empty() || fraction.strip_prefix(['.', ',']).is_some_and(is_number);
    if !is_number(whole) || !is_fraction {
        return None;
    }
    let part = |from: usize, to: usize| whole.get(from..to).unwrap_or_default();
    let (day, time) = (part(6, 8), (part(8, 10), part(10, 12), part(12, 14)));
    let shown = format!("{}-{}-{day}T{}:{}:{}Z", part(0, 4), part(4, 6), time.0, time.1, time.2);
    Timestamp::parse_rfc3339(&shown).map(Timestamp::millis)
}

fn written(millis: i64) -> String {
    let shown = Timestamp::from_millis(millis.max(0)).rfc3339();
    shown.chars().filter(|letter| letter.is_ascii_digit() || *letter == 'Z').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stand(latest: Option<i64>, now: i64) -> Stand {
        let begun = (Timestamp::from_millis(now), Instant::now());
        Stand { server: "one".to_owned(), reached: None, is_numbered: false, latest, begun }
    }

    #[test]
    fn moments_are_read_and_written_as_directories_do() {
        for (text, millis) in [
            ("19700101000000Z", Some(0)),
            ("20261122224501Z", Some(1_795_387_501_000)),
            ("20261122224501.987654Z", Some(1_795_387_501_000)),
            ("20261122224501,9Z", Some(1_795_387_501_000)),
            ("20261322224501Z", None),
            ("20261122224501", None),
            ("20261122224501+0100", None),
            ("202611222245Z", None),
            ("20261122224501.xZ", None),
            ("+0261122224501Z", None),
            ("", None),
        ] {
            assert_eq!(parse(text), millis, "{text}");
        }
        assert_eq!(written(1_795_387_501_987), "20261122224501Z");
        assert_eq!(written(-5), "19700101000000Z");
    }

    #[test]
    fn nothing_that_changed_while_others_were_read_is_left_out_whichever_clock_is_ahead() {
        const NOW: i64 = 1_000_000_000;
        // The directory's clock is ahead: it counts no later than the beginning by ours.
        assert_eq!(stand(Some(NOW + 50_000), NOW).mark(), Some(NOW));
        // Ours is: the latest change there counts, less what the reading took.
        let mark = stand(Some(NOW - 50_000), NOW).mark();
        assert!(mark.is_some_and(|mark| mark < NOW - 50_000 && mark > NOW - 120_000), "{mark:?}");
        assert_eq!(stand(None, NOW).mark(), None);
    }

    #[test]
    fn what_changed_is_asked_for_by_number_in_active_directory_and_with_an_overlap_by_time() {
        let by_time = stand(None, 0);
        let at_least = |attribute: &str, value: &str| Filter::AtLeast(attribute.to_owned(), value.as_bytes().to_vec());
        assert_eq!(by_time.since(1_795_387_501_000), at_least("modifyTimestamp", "20261122223501Z"));
        let numbered = Stand { is_numbered: true, reached: Some(7), latest: Some(5), ..stand(None, 9) };
        assert_eq!(numbered.since(4711), at_least("uSNChanged", "4711"));
        assert_eq!((numbered.mark(), numbered.attribute()), (Some(7), None));
    }
}
