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
    /// Active Directory does not show whoever asks how it is with the account.
    Unread,
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
            Self::Unread => {
                "whether the account may sign in there cannot be read: the bind DN needs the right to read \
                 userAccountControl, or msDS-UserAccountDisabled in AD LDS"
            }
        })
    }
}

/// Attributes in which directories say so.
pub(crate) const ATTRIBUTES: [&str; 10] = [
    "userAccountControl",
    LIGHT,
    "msDS-User-Account-Control-Computed",
    "accountExpires",
    "pwdLastSet",
    "pwdReset",
    "pwdAccountLockedTime",
    "nsAccountLock",
    "loginDisabled",
    "shadowExpire",
];

/// How AD LDS says in place of `userAccountControl` whether an account is disabled (MS-ADA2, msDS-UserAccountDisabled).
const LIGHT: &str = "msDS-UserAccountDisabled";
/// `ADS_UF_ACCOUNTDISABLE`, `ADS_UF_LOCKOUT`, `ADS_UF_DONT_EXPIRE_PASSWD`, `ADS_UF_PASSWORD_EXPIRED` (MS-ADTS 2.2.16).
const DISABLED: i64 = 0x2;
const LOCKED: i64 = 0x10;
const LASTING_PASSWORD: i64 = 0x1_0000;
const PASSWORD_EXPIRED: i64 = 0x80_0000;
/// From 1601 to 1970, in seconds: Active Directory counts from there, in steps of 100 ns.
const BEFORE_1970: i64 = 11_644_473_600;
/// `constraintViolation`, `unwillingToPerform` (RFC 4511 appendix A).
const TRIED_TOO_OFTEN: i64 = 19;
const UNWILLING: i64 = 53;
/// "Never" in Active Directory, besides 0.
const NEVER: i64 = i64::MAX;
/// "For good" in password policies.
const FOR_GOOD: &str = "000001010000";

/// What an entry says of its account.
pub(crate) fn of_entry(entry: &Entry<'_>, active_directory: bool, now: Timestamp) -> Option<Bar> {
    let number = |name: &str| entry.text(name).and_then(|text| text.trim().parse::<i64>().ok());
    let is_true = |name: &str| entry.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let control = number("userAccountControl").unwrap_or(0);
    // What cannot be read bars: an account of which nothing is known is not let in.
    let is_unreadable = ["userAccountControl", "accountExpires", "shadowExpire"]
        .iter()
        .any(|name| entry.first(name).is_some() && number(name).is_none());
    let computed = number("msDS-User-Account-Control-Computed").unwrap_or(0);
    // Locked until an administrator says otherwise: how somebody is disabled where there is no other word for it.
    let is_for_good = entry.text("pwdAccountLockedTime").is_some_and(|since| since.starts_with(FOR_GOOD));
    let is_said = [LIGHT, "nsAccountLock", "loginDisabled"].into_iter().any(is_true);
    if is_unreadable || is_for_good || is_said || control & DISABLED != 0 {
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
    if (control | computed) & LOCKED != 0 {
        return Some(Bar::Locked);
    }
    if computed & PASSWORD_EXPIRED != 0 {
        return Some(if number("pwdLastSet") == Some(0) { Bar::MustChange } else { Bar::PasswordExpired });
    }
    let is_reset = number("pwdLastSet") == Some(0) && control & LASTING_PASSWORD == 0;
    let must_change = is_reset || is_true("pwdReset");
    // Every account of Active Directory has one, and those of AD LDS that are not disabled say so. Who may read neither would
    // take the disabled for free.
    let is_enabled = entry.text(LIGHT).is_some_and(|text| text.eq_ignore_ascii_case("false"));
    let is_unread = active_directory && entry.first("userAccountControl").is_none() && !is_enabled;
    if is_unread { Some(Bar::Unread) } else { must_change.then_some(Bar::MustChange) }
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

/// Reads the answer to a bind; `None` when the server has not said whether the password is right. Active Directory says why
/// in words of its own, `data 533` among them; all but 775 come after the password was found right. `known` is what the
/// entry says of the account: servers that refuse such accounts altogether do so with the result for anything they do not
/// like.
pub(crate) fn of_bind(outcome: &Outcome, known: Option<Bar>) -> Option<Said> {
    Some(match outcome.code {
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
        // Told before the password is looked at, so nothing is proved: 389 Directory Server's for too many wrong ones
        // (constraintViolation), and its, eDirectory's and others' for accounts that are shut (unwillingToPerform).
        TRIED_TOO_OFTEN => Said::Wrong(Some(Bar::Locked)),
        UNWILLING => Said::Wrong(Some(known.or_else(|| shut(&outcome.words))?)),
        // No such entry any more, a name that is none, no password to compare, not allowed to try.
        32 | 34 | 48 | 50 => Said::Wrong(None),
        // Busy, unavailable, to be asked elsewhere or otherwise: the password was looked at by nobody.
        _ => return None,
    })
}

/// What is wrong with an account, in the words of servers that have no number for it.
fn shut(words: &str) -> Option<Bar> {
    let words = words.to_ascii_lowercase();
    let says = |parts: &[&str]| parts.iter().any(|part| words.contains(part));
    let by_number = data(&words).and_then(|number| match number {
        "530" | "531" => Some(Bar::NotNow),
        "532" => Some(Bar::PasswordExpired),
        "533" => Some(Bar::Disabled),
        "701" => Some(Bar::Expired),
        "773" => Some(Bar::MustChange),
        "775" => Some(Bar::Locked),
        _ => None,
    });
    let by_words = || match () {
        () if says(&["inactivated", "inactive", "disabled", "(-220)"]) => Some(Bar::Disabled),
        () if says(&["locked", "lockout", "(-197)"]) => Some(Bar::Locked),
        () if says(&["account expired", "account has expired"]) => Some(Bar::Expired),
        () => None,
    };
    by_number.or_else(by_words)
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
            assert_eq!(of_bind(&bound(WRONG, &words(data)), None), Some(said), "{data}");
        }
        assert_eq!(of_bind(&bound(0, ""), None), Some(Said::Right));
        let reset = Outcome { must_change: true, ..bound(0, "") };
        assert_eq!(of_bind(&reset, None), Some(Said::RightBut(Bar::MustChange)));
        for code in [32, 34, 48, 50] {
            assert_eq!(of_bind(&bound(code, &words("533")), None), Some(Said::Wrong(None)), "{code}");
        }
    }

    #[test]
    fn who_looks_at_no_password_says_nothing_of_it() {
        // Operations error, protocol error, time limit, method, stronger, referral, limit, clear text, busy, unavailable,
        // unwilling, loop, other, no number at all.
        for code in [1, 2, 3, 7, 8, 10, 11, 13, 51, 52, 53, 54, 80, -1] {
            assert_eq!(of_bind(&bound(code, ""), None), None, "{code}");
        }
        // The entry says it is disabled, or the server does: then it is the account, and not the server.
        assert_eq!(of_bind(&bound(53, ""), Some(Bar::Disabled)), Some(Said::Wrong(Some(Bar::Disabled))));
        for (words, bar) in [
            ("Account inactivated. Contact system administrator.", Some(Bar::Disabled)),
            ("NDS error: log account expired (-220)", Some(Bar::Disabled)),
            ("NDS error: login lockout (-197)", Some(Bar::Locked)),
            ("Error, Account is locked", Some(Bar::Locked)),
            ("0000052D: AtrErr: DSID-0315, comment: AcceptSecurityContext error, data 701, v4563", Some(Bar::Expired)),
            ("unwilling to perform simple authentication", None),
            ("read only", None),
        ] {
            let said = of_bind(&bound(53, words), None);
            assert_eq!(said, bar.map(|bar| Said::Wrong(Some(bar))), "{words}");
        }
        assert_eq!(of_bind(&bound(51, "Account is locked"), Some(Bar::Locked)), None, "busy is busy");
        let said = of_bind(&bound(19, "Exceed password retry limit. Please try later."), None);
        assert_eq!(said, Some(Said::Wrong(Some(Bar::Locked))));
    }
}
