//! The redirect binding (SAML Bindings §3.4): a message, compressed, in the query of an address, signed beside it. The
//! signature covers the query as it was sent, byte for byte, so that is what it is checked over.

use crate::certificate::Key;
use crate::limits;
use crate::own_key::OwnKey;
use crate::trouble::Trouble;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use miniz_oxide::deflate::compress_to_vec;
use miniz_oxide::inflate::decompress_to_vec_with_limit;
use url::form_urlencoded::{byte_serialize, parse};

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It asks.
    Request,
    /// It answers.
    Response,
}

impl Side {
    /// The parameter it travels in.
    pub fn parameter(self) -> &'static str {
        match self {
            Self::Request => "SAMLRequest",
            Self::Response => "SAMLResponse",
        }
    }
}

/// The address that carries a message, signed if there is a key.
///
/// # Errors
/// [`Trouble::OwnKey`]
pub fn address(
    to: &str,
    (side, message): (Side, &str),
    relay_state: Option<&str>,
    key: Option<&OwnKey>,
) -> Result<String, Trouble> {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let packed = STANDARD.encode(compress_to_vec(message.as_bytes(), 6));
    let mut query = format!("{}={}", side.parameter(), encode(&packed));
    if let Some(state) = relay_state.filter(|state| !state.is_empty()) {
        query.push_str(&format!("&RelayState={}", encode(state)));
    }
    if let Some(key) = key {
        query.push_str(&format!("&SigAlg={}", encode(key.algorithm())));
        let signature = STANDARD.encode(key.sign(query.as_bytes())?);
        query.push_str(&format!("&Signature={}", encode(&signature)));
    }
    let joint = if to.contains('?') { '&' } else { '?' };
    Ok(format!("{to}{joint}{query}"))
}

/// A message that came in a query.
#[derive(Debug, PartialEq, Eq)]
pub struct Carried {
    /// Which way it goes.
    pub side: Side,
    /// The message.
    pub message: Vec<u8>,
    /// What came along to be sent back.
    pub relay_state: Option<String>,
    /// Whether the provider signed the query.
    pub is_signed: bool,
}

/// Reads a query.
///
/// # Errors
/// [`Trouble::Answer`], [`Trouble::Signature`]: a signature that is not good is an error, none is not.
pub fn read(query: &str, keys: &[Key]) -> Result<Carried, Trouble> {
    const NAMES: [&str; 5] = ["SAMLRequest", "SAMLResponse", "RelayState", "SigAlg", "Signature"];
    if query.len() > limits::QUERY_BYTES {
        return Err(Trouble::Answer("the query is too long"));
    }
    // By their raw spelling and by what they mean: a name may not come twice, nor hide behind an escape.
    let mut raw: [Option<&str>; 5] = [None; 5];
    for pair in query.split('&') {
        let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
        let meant = parse(name.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default();
        let place = NAMES.iter().position(|known| *known == meant);
        match place.and_then(|place| raw.get_mut(place)) {
            Some(slot) if slot.is_none() && name == meant => *slot = Some(pair),
            Some(_) => return Err(Trouble::Answer("a parameter comes twice, or is spelled in an odd way")),
            None => {}
        }
    }
    let [request, response, state, method, signature] = raw;
    let (side, carrier) = match (request, response) {
        (Some(carrier), None) => (Side::Request, carrier),
        (None, Some(carrier)) => (Side::Response, carrier),
        _ => return Err(Trouble::Answer("the query holds no message, or two")),
    };
    let is_signed = match (method, signature) {
        (Some(method), Some(signature)) => {
            let signed = [Some(carrier), state, Some(method)].into_iter().flatten().collect::<Vec<_>>().join("&");
            let (method, signature) = (value(method), decode(&value(signature))?);
            if !keys.iter().any(|key| key.has_signed(&method, signed.as_bytes(), &signature)) {
                return Err(Trouble::Signature("none of the provider's certificates made that of the query"));
            }
            true
        }
        (None, None) => false,
        _ => return Err(Trouble::Signature("the query holds a part of one")),
    };
    let packed = decode(&value(carrier))?;
    let message = decompress_to_vec_with_limit(&packed, limits::MESSAGE_BYTES);
    let message = message.map_err(|_| Trouble::Answer("the message cannot be unpacked, or is too large"))?;
    Ok(Carried { side, message, relay_state: state.map(value), is_signed })
}

fn value(pair: &str) -> String {
    parse(pair.as_bytes()).next().map(|(_, value)| value.into_owned()).unwrap_or_default()
}

fn decode(text: &str) -> Result<Vec<u8>, Trouble> {
    let compact: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(compact).map_err(|_| Trouble::Answer("a parameter is not base64"))
}

#[cfg(test)]
mod tests {
    use super::{STANDARD, Side, address, byte_serialize, read};
    use crate::certificate::Key;
    use crate::tests::own_key;
    use crate::trouble::Trouble;
    use base64::Engine as _;

    #[test]
    fn gauntlet_b6_20_a_query_is_signed_as_it_was_sent() -> Result<(), Trouble> {
        let own = own_key()?;
        let keys = [Key::of_certificate(own.certificate())?];
        let sent = address("https://idp.example/slo?a=b", (Side::Request, "<aa/>"), Some("st&te"), Some(&own))?;
        let (_, query) = sent.split_once("?a=b&").ok_or(Trouble::Answer("no query"))?;
        let found = read(query, &keys)?;
        assert_eq!((found.message.as_slice(), found.relay_state.as_deref()), (&b"<aa/>"[..], Some("st&te")));
        assert!(found.is_signed && found.side == Side::Request);
        // What is not signed is beside the message; what is signed cannot be changed, moved or doubled.
        assert!(read(&format!("{query}&other=1"), &keys)?.is_signed);
        let parts: Vec<&str> = query.split('&').collect();
        let [message, state, method, signature] = parts.as_slice() else { panic!("{query}") };
        let lower = message.replace("%3D", "%3d");
        assert_ne!(lower, *message, "padding, which can be spelled in two ways");
        let odd_name = format!("{message}&{state}&{}", method.replacen("SigAlg", "%53igAlg", 1));
        let made = STANDARD.encode(own.sign(odd_name.as_bytes())?);
        let odd_name = format!("{odd_name}&Signature={}", byte_serialize(made.as_bytes()).collect::<String>());
        for odd in [
            format!("{message}&{state}&{state}&{method}&{signature}"),
            format!("{message}&{message}&{state}&{method}&{signature}"),
            format!("{message}&SAMLResponse=x&{state}&{method}&{signature}"),
            format!("{message}&{method}&{signature}"),
            format!("{message}&RelayState=x&{method}&{signature}"),
            format!("{lower}&{state}&{method}&{signature}"),
            // Spelled in another way, and signed so.
            odd_name,
            format!("{message}&{state}&{method}"),
            format!("{message}&{state}&{signature}"),
            format!("{message}&{state}&{method}&{signature}&%53igAlg=x"),
            format!("{message}&{state}&SigAlg=http%3A%2F%2Fwww.w3.org%2F2000%2F09%2Fxmldsig%23rsa-sha1&{signature}"),
            "RelayState=x".to_owned(),
            "SAMLRequest=%25".to_owned(),
        ] {
            assert!(read(&odd, &keys).is_err(), "{odd}");
        }
        // The order of the query is not what is signed (§3.4.4.1): the signature is over a fixed one.
        assert!(read(&format!("{signature}&{method}&{state}&{message}"), &keys)?.is_signed);
        // Beside the message there is room for some more, and not for as much as anybody likes.
        let padded = |size: usize| format!("{query}&x={}", "y".repeat(size - query.len() - 3));
        assert!(read(&padded(crate::limits::QUERY_BYTES), &keys)?.is_signed);
        assert!(read(&padded(crate::limits::QUERY_BYTES + 1), &keys).is_err());
        assert!(read(query, &[]).is_err());
        assert!(!read(&format!("{message}&{state}"), &keys)?.is_signed);
        Ok(())
    }
}
