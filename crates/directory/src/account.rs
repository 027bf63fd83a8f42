//! What a directory says of an account besides whether the password is right: disabled, expired, locked, to be changed.

use crate::protocol::message::{Entry, Outcome};
use crate::protocol::wire::WRONG;
use doorward_model::time::Timestamp;
use std::fmt;

/// Why somebody does not come in although they may be who they say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bar {
    /// The account is disabled.
    Disabled,
    /// The account's time is over.
    Expired,
    /// Too many wrong passwords.
    Locked,
    /// The password is too old.
    PasswordExpired,
    /// Another password must be chosen first.
    MustChange,
    /// Not at this time, or not from here.
    NotNow,
}

impl fmt::Display for Bar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Disabled => "the account is disabled there",
            Self::Expired => "the account has expired there",
            Self::Locked => "the account is locked there",
            Self::PasswordExpired => "the password has expired there",
            Self::MustChange => "the password must be changed there first",
            Self::NotNow => "the account may not sign in there at this time or from here",
        })
    }
}

/// Attributes in which directories say so.
pub(crate) const ATTRIBUTES: [&str; 9] = [
    "userAccountControl",
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "pwdLastSet",
    "pwdReset",
    "pwdAccountLockedTime",
    "nsAccountLock",
    "loginDisabled",
    "shadowExpire",
];

/// `ADS_UF_ACCOUNTDISABLE`, `ADS_UF_LOCKOUT`, `ADS_UF_DONT_EXPIRE_PASSWD`, `ADS_UF_PASSWORD_EXPIRED` (MS-ADTS 2.2.16).
const DISABLED: i64 = 0x2;
const LOCKED: i64 = 0x10;
const LASTING_PASSWORD: i64 = 0x1_0000;
const PASSWORD_EXPIRED: i64 = 0x80_0000;
/// From 1601 to 1970, in seconds: Active Directory counts from there, in steps of 100 ns.
const BEFORE_1970: i64 = 11_644_473_600;
/// "Never" in Active Directory, besides 0.
const NEVER: i64 = i64::MAX;
/// "For good" in password policies.
const FOR_GOOD: &str = "000001010000Z";

/// What an entry says of its account.
pub(crate) fn of_entry(entry: &Entry<'_>, now: Timestamp) -> Option<Bar> {
    let number = |name: &str| entry.text(name).and_then(|text| text.trim().parse::<i64>().ok());
    let is_true = |name: &str| entry.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let control = number("userAccountControl").unwrap_or(0);
    // What cannot be read bars: an account of which nothing is known is not let in.
    let is_unreadable = ["userAccountControl", "accountExpires", "shadowExpire"]
        .iter()
        .any(|name| entry.first(name).is_some() && number(name).is_none());
    let computed = number("msDS-User-Account-Control-Computed").unwrap_or(0);
    if is_unreadable || control & DISABLED != 0 || is_true("nsAccountLock") || is_true("loginDisabled") {
        return Some(Bar::Disabled);
    }
    let seconds = now.millis() / 1000;
    let ends = number("accountExpires").filter(|ends| *ends != 0 && *ends != NEVER);
    if ends.is_some_and(|ends| ends / 10_000_000 - BEFORE_1970 <= seconds) {
        return Some(Bar::Expired);
    }
    // Days since 1970; -1 for never (shadow(5)).
    if number("shadowExpire").is_some_and(|day| day >= 0 && day <= seconds / 86_400) {
        return Some(Bar::Expired);
    }
    if (control | computed) & LOCKED != 0 || entry.text("pwdAccountLockedTime") == Some(FOR_GOOD) {
        return Some(Bar::Locked);
    }
    if computed & PASSWORD_EXPIRED != 0 {
        return Some(if number("pwdLastSet") == Some(0) { Bar::MustChange } else { Bar::PasswordExpired });
    }
    let is_reset = number("pwdLastSet") == Some(0) && control & LASTING_PASSWORD == 0;
    (is_reset || is_true("pwdReset")).then_some(Bar::MustChange)
}

/// What the answer to a bind says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    /// The password is right.
    Right,
    /// The password is right, and the account is not to be used.
    RightBut(Bar),
    /// It is wrong, or nothing says that it is right.
    Wrong(Option<Bar>),
}

/// Reads the answer to a bind. Active Directory says why in words of its own, `data 533` among them; all but 775 come after
/// the password was found right.
pub(crate) fn of_bind(outcome: &Outcome) -> Said {
    match outcome.code {
        0 if outcome.must_change => Said::RightBut(Bar::MustChange),
        0 => Said::Right,
        WRONG => match data(&outcome.words) {
            Some("530" | "531") => Said::RightBut(Bar::NotNow),
            Some("532") => Said::RightBut(Bar::PasswordExpired),
            Some("533") => Said::RightBut(Bar::Disabled),
            Some("701") => Said::RightBut(Bar::Expired),
            Some("773") => Said::RightBut(Bar::MustChange),
            Some("775") => Said::Wrong(Some(Bar::Locked)),
            _ => Said::Wrong(match outcome.policy {
                // passwordExpired and accountLocked: told whether the password is right or not.
                Some(0) => Some(Bar::PasswordExpired),
                Some(1) => Some(Bar::Locked),
                _ => None,
            }),
        },
        _ => Said::Wrong(None),
    }
}

/// `80090308: LdapErr: DSID-0C0903A9, comment: AcceptSecurityContext error, data 52e, v1db1`
fn data(words: &str) -> Option<&str> {
    let (_, rest) = words.split_once("data ")?;
    rest.split([',', ' ', '\0']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound(code: i64, words: &str) -> Outcome {
        Outcome { code, words: words.to_owned(), ..Outcome::default() }
    }

    #[test]
    fn gauntlet_b8_06_words_of_active_directory_are_read_and_only_a_zero_lets_in() {
        let words = |data: &str| {
            format!("80090308: LdapErr: DSID-0C090446, comment: AcceptSecurityContext error, data {data}, v4563\0")
        };
        for (data, said) in [
            ("52e", Said::Wrong(None)),
            ("525", Said::Wrong(None)),
            ("530", Said::RightBut(Bar::NotNow)),
            ("531", Said::RightBut(Bar::NotNow)),
            ("532", Said::RightBut(Bar::PasswordExpired)),
            ("533", Said::RightBut(Bar::Disabled)),
            ("701", Said::RightBut(Bar::Expired)),
            ("773", Said::RightBut(Bar::MustChange)),
            ("775", Said::Wrong(Some(Bar::Locked))),
            ("0", Said::Wrong(None)),
            ("5330", Said::Wrong(None)),
        ] {
            assert_eq!(of_bind(&bound(WRONG, &words(data))), said, "{data}");
        }
        assert_eq!(of_bind(&bound(0, "")), Said::Right);
        assert_eq!(of_bind(&Outcome { must_change: true, ..bound(0, "") }), Said::RightBut(Bar::MustChange));
        for code in [1, 8, 10, 14, 48, 50, 53, 80, -1] {
            assert_eq!(of_bind(&bound(code, &words("533"))), Said::Wrong(None), "{code}");
        }
    }
}
