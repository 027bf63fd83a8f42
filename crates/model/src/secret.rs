//! Secrets in two types that cannot be mixed up: the clear form a browser or machine holds, and the
//! hash the store keeps. Neither prints, serialises or compares with `==`.

use crate::dice::Dice;
use crate::limits;
use aws_lc_rs::{constant_time, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

/// What a random credential opens; its prefix makes leaks findable by secret scanners and keeps one
/// kind from being tried as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenKind {
    /// Session cookie on Doorward's own host.
    Session,
    /// Pass cookie on one app host.
    Pass,
    /// Pass cookie shared by a parent domain.
    SharedPass,
    /// From the sign-in page to the app host, single use.
    Ticket,
    /// Cookie binding a ticket to the browser that asked for it.
    Binding,
    /// Cookie by which a browser that signed in before is known.
    Device,
    /// One-time set-up link.
    Setup,
    /// Service token of a machine.
    Service,
    /// Authorization code, single use (RFC 6749 §4.1.2).
    Code,
    /// Refresh token (RFC 6749 §6).
    Refresh,
    /// Lets a program register clients (RFC 7591 §3).
    Registration,
    /// By which a registered client reads and changes itself (RFC 7592 §3).
    RegisteredClient,
    /// Secret of a client (RFC 6749 §2.3.1), when we draw it.
    ClientSecret,
    /// What a device shows while somebody signs in at another screen (RFC 8628 §3.2).
    DeviceCode,
    /// Name of a pushed authorization request (RFC 9126 §2.2), answered once.
    PushedRequest,
}

impl TokenKind {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "dws_",
            Self::Pass => "dwp_",
            Self::SharedPass => "dwx_",
            Self::Ticket => "dwt_",
            Self::Binding => "dwb_",
            Self::Device => "dwd_",
            Self::Setup => "dwu_",
            Self::Service => "dwa_",
            Self::Code => "dwo_",
            // Shaped as a JWT (`{"typ":"JWT"}`, `{"typ":"Refresh"}`): Keycloak's library for pages reads the middle part
            // of a refresh token before it uses it, and signs nobody in when there is none.
            Self::Refresh => "eyJ0eXAiOiJKV1QifQ.eyJ0eXAiOiJSZWZyZXNoIn0.dwr_",
            Self::Registration => "dwg_",
            Self::RegisteredClient => "dwk_",
            Self::ClientSecret => "dwc_",
            Self::DeviceCode => "dwv_",
            Self::PushedRequest => "dwq_",
        }
    }
}

/// A random 256-bit credential in clear. Shown once; the store keeps only its [`TokenHash`].
pub struct PlainToken(Zeroizing<String>);

impl PlainToken {
    /// Draws a fresh credential of a kind.
    pub fn draw(kind: TokenKind, dice: &dyn Dice) -> Self {
        let mut bytes = Zeroizing::new([0u8; 32]);
        dice.fill(bytes.as_mut());
        let mut text = Zeroizing::new(String::with_capacity(kind.prefix().len() + 48));
        text.push_str(kind.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes.as_ref(), &mut text);
        Self(text)
    }

    /// One we drew before and kept sealed; `None` when it is not of that kind's form.
    pub fn of_stored(kind: TokenKind, text: &str) -> Option<Self> {
        TokenHash::of_presented(kind, text).map(|_| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text to hand out, once.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// What the store keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash::digest(self.0.as_bytes())
    }
}

/// A client's secret in clear: one we drew, or one its tool has had from another provider.
pub struct ClientSecretText(Zeroizing<String>);

/// A text that is no client's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a client's secret has {} to {} printable ASCII letters and no spaces: let Doorward draw one instead",
    limits::CLIENT_SECRET_MIN,
    limits::CLIENT_SECRET_BYTES
)]
pub struct BadClientSecret;

impl ClientSecretText {
    /// Reads one that was drawn elsewhere.
    ///
    /// # Errors
    /// [`BadClientSecret`]: too short to resist guessing, or with letters that get lost on the way (RFC 6749 appendix A.2).
    pub fn parse(text: &str) -> Result<Self, BadClientSecret> {
        let fits = (limits::CLIENT_SECRET_MIN..=limits::CLIENT_SECRET_BYTES).contains(&text.len());
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits && is_plain { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(BadClientSecret) }
    }

    /// One that was kept sealed; `None` when it is no text.
    pub fn of_stored(bytes: &[u8]) -> Option<Self> {
        std::str::from_utf8(bytes).ok().map(|text| Self(Zeroizing::new(text.to_owned())))
    }

    /// The text.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// SHA-256 of a credential. Looking it up in an index reveals nothing useful about the credential,
/// because the credential has 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// Hashes a presented credential if it has the form of the kind; `None` for anything else, so
    /// that truncated, padded or foreign values never reach the store.
    pub fn of_presented(kind: TokenKind, text: &str) -> Option<Self> {
        let body = text.strip_prefix(kind.prefix())?;
        let shaped = body.len() == 43 && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        shaped.then(|| Self::digest(text.as_bytes()))
    }

    fn digest(bytes: &[u8]) -> Self {
        let mut hash = [0u8; 32];
        hash.copy_from_slice(digest::digest(&digest::SHA256, bytes).as_ref());
        Self(hash)
    }

    /// From the store.
    pub fn from_stored(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// To the store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Lower-case hexadecimal, for places that carry text.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Constant-time comparison.
    pub fn matches(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

/// What a form must carry to prove that its page came from us: derived from a secret cookie, useless
/// without it, and it reveals nothing about it.
pub struct FormProof(String);

impl FormProof {
    /// The proof for the holder of a cookie.
    pub fn of(cookie: &str) -> Self {
        Self(TokenHash::digest(format!("form proof {cookie}").as_bytes()).hex())
    }

    /// The text for the form.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Constant-time comparison with what a form carried.
    pub fn matches(&self, presented: &str) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), presented.as_bytes()).is_ok()
    }
}

/// A password as typed, normalised (NFKC) so that keyboards and systems agree on its bytes.
pub struct Password(Zeroizing<String>);

/// Why a password is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadPassword {
    /// Nothing was typed.
    #[error("type a password")]
    Empty,
    /// Longer than the cap.
    #[error("a password may have at most {} bytes", limits::PASSWORD_BYTES_MAX)]
    TooLong,
    /// Shorter than the minimum, when a new one is set.
    #[error("a password needs at least {} characters", limits::PASSWORD_CHARACTERS_MIN)]
    TooShort,
    /// One of the best-known passwords, or the user's own name.
    #[error("this password is too easy to guess: choose another")]
    TooCommon,
}

impl Password {
    /// Reads a presented password; only its size is judged.
    pub fn presented(text: &str) -> Result<Self, BadPassword> {
        if text.is_empty() {
            return Err(BadPassword::Empty);
        }
        if text.len() > limits::PASSWORD_BYTES_MAX {
            return Err(BadPassword::TooLong);
        }
        let normal = Zeroizing::new(text.nfkc().collect::<String>());
        if normal.len() > limits::PASSWORD_BYTES_MAX { Err(BadPassword::TooLong) } else { Ok(Self(normal)) }
    }

    /// Reads a new password for the user of that name.
    pub fn chosen(text: &str, user_name: &str) -> Result<Self, BadPassword> {
        let password = Self::presented(text)?;
        if password.0.chars().count() < limits::PASSWORD_CHARACTERS_MIN {
            return Err(BadPassword::TooShort);
        }
        if is_easy(&password.0, user_name) { Err(BadPassword::TooCommon) } else { Ok(password) }
    }

    /// The bytes to hash.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Patterns seen at the top of every leaked list that are long enough to pass the length rule.
fn is_easy(password: &str, user_name: &str) -> bool {
    const STEMS: [&str; 10] = [
        "password",
        "passw0rd",
        "qwertyuiop",
        "1234567890",
        "letmein",
        "welcome",
        "iloveyou",
        "administrator",
        "changeme",
        "doorward",
    ];
    let lower = password.to_lowercase();
    let core = lower.trim_matches(|c: char| c.is_ascii_digit() || c.is_ascii_punctuation());
    let one_letter = lower.chars().all(|c| lower.starts_with(c));
    let name = user_name.to_lowercase();
    one_letter
        || lower == name
        || (!core.is_empty() && (core == name || STEMS.contains(&core)))
        || lower.starts_with("1234567890")
}

#[cfg(test)]
mod tests {
    use super::{BadPassword, Password, PlainToken, TokenHash, TokenKind};
    use crate::dice::Counting;

    #[test]
    fn a_token_of_one_kind_is_not_another_and_a_cut_one_is_none() {
        let token = PlainToken::draw(TokenKind::Pass, &Counting::new(7));
        assert!(TokenHash::of_presented(TokenKind::Pass, token.reveal()).is_some_and(|h| h.matches(&token.hash())));
        assert!(TokenHash::of_presented(TokenKind::Session, token.reveal()).is_none());
        for cut in 0..token.reveal().len() {
            assert!(TokenHash::of_presented(TokenKind::Pass, &token.reveal()[..cut]).is_none());
        }
        assert!(TokenHash::of_presented(TokenKind::Pass, &format!("{}=", token.reveal())).is_none());
        // The right length with a letter no credential has.
        for letter in ["=", "+", "/", " ", "\0", "%", "\"", ";"] {
            let respelled = format!("{}{letter}", &token.reveal()[..token.reveal().len() - 1]);
            assert!(TokenHash::of_presented(TokenKind::Pass, &respelled).is_none(), "{respelled}");
        }
    }

    #[test]
    fn chosen_passwords_are_long_and_not_the_best_known() {
        for easy in ["password123", "1234567890", "aaaaaaaaaaaa", "alice.smith", "Welcome2026!!!"] {
            assert_eq!(Password::chosen(easy, "alice.smith").err(), Some(BadPassword::TooCommon), "{easy}");
        }
        assert_eq!(Password::chosen("short", "a").err(), Some(BadPassword::TooShort));
        assert!(Password::chosen("correct horse battery", "a").is_ok());
    }

    #[test]
    fn gauntlet_b11_10_composed_and_decomposed_letters_are_one_password_and_long_ones_are_refused() {
        let composed = Password::presented("p\u{e9}rfect-password");
        let decomposed = Password::presented("pe\u{301}rfect-password");
        assert!(composed.is_ok_and(|a| decomposed.is_ok_and(|b| a.bytes() == b.bytes())));
        assert_eq!(Password::presented(&"x".repeat(1025)).err(), Some(BadPassword::TooLong));
    }
}
