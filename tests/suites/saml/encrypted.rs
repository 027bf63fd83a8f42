//! Encrypted assertions: genuine ones open, and nothing that is wrong with one is told apart from anything else.

use crate::forge::{Claims, DS, SAML};
use crate::judged::{ENDPOINT, Judge, REQUEST};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer as _, PublicKeyX509Der};
use aws_lc_rs::rsa::{
    OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPublicEncryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{KeyPair as _, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_saml::trouble::Trouble;

const XENC: &str = "http://www.w3.org/2001/04/xmlenc#";
const XENC11: &str = "http://www.w3.org/2009/xmlenc11#";

/// How something is encrypted; each part can be another one.
#[derive(Clone)]
pub struct Way {
    cipher: String,
    wrapping: String,
    /// What stands in the wrapping's method.
    hashes: String,
    how: &'static OaepAlgorithm,
    beside: bool,
}

impl Way {
    pub fn usual() -> Way {
        Way {
            cipher: format!("{XENC11}aes256-gcm"),
            wrapping: format!("{XENC}rsa-oaep-mgf1p"),
            hashes: String::new(),
            how: &OAEP_SHA1_MGF1SHA1,
            beside: false,
        }
    }
}

/// Puts a text into an `EncryptedAssertion` for whoever has the key.
fn encrypt(text: &str, secret: &str, way: &Way) -> String {
    let (pkcs8, _) = secret.split_once(' ').expect("two parts");
    let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(pkcs8).expect("base64")).expect("a key");
    let public: PublicKeyX509Der<'_> = pair.public_key().as_der().expect("a public key");
    encrypt_for(text, public.as_ref(), way)
}

/// The same for a public key.
pub fn encrypt_for(text: &str, public: &[u8], way: &Way) -> String {
    let public = PublicEncryptingKey::from_der(public).expect("a public key");
    let (content, nonce) = ([7u8; 32], [9u8; 12]);
    let key = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, &content).expect("a key"));
    let mut sealed = text.as_bytes().to_vec();
    let nonce_used = Nonce::assume_unique_for_key(nonce);
    key.seal_in_place_append_tag(nonce_used, Aad::empty(), &mut sealed).expect("sealed");
    let sealed = STANDARD.encode([&nonce[..], &sealed].concat());
    let oaep = OaepPublicEncryptingKey::new(public).expect("a key");
    let mut wrapped = vec![0; oaep.ciphertext_size()];
    let wrapped = STANDARD.encode(oaep.encrypt(way.how, &content, &mut wrapped, None).expect("wrapped"));
    let Way { cipher, wrapping, hashes, beside, .. } = way;
    // In its canonical form: the element around it has the prefix already.
    let declared = if *beside { format!(" xmlns:xenc=\"{XENC}\"") } else { String::new() };
    let key = format!(
        "<xenc:EncryptedKey{declared}><xenc:EncryptionMethod Algorithm=\"{wrapping}\">{hashes}\
         </xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue>{wrapped}</xenc:CipherValue></xenc:CipherData>\
         </xenc:EncryptedKey>"
    );
    let (inside, outside) = match beside {
        true => (String::new(), key),
        false => (format!("<ds:KeyInfo xmlns:ds=\"{DS}\">{key}</ds:KeyInfo>"), String::new()),
    };
    format!(
        "<saml:EncryptedAssertion xmlns:saml=\"{SAML}\"><xenc:EncryptedData xmlns:xenc=\"{XENC}\" \
         Type=\"{XENC}Element\"><xenc:EncryptionMethod Algorithm=\"{cipher}\"></xenc:EncryptionMethod>{inside}\
         <xenc:CipherData><xenc:CipherValue>{sealed}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>{outside}\
         </saml:EncryptedAssertion>"
    )
}

#[test]
fn an_encrypted_assertion_is_opened_and_judged_like_any_other() {
    let judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let (signed, plain) = (claims.signed(&judge.signer), claims.assertion(""));
    let sha256 = format!(
        "<ds:DigestMethod xmlns:ds=\"{DS}\" Algorithm=\"{XENC}sha256\"></ds:DigestMethod><x:MGF xmlns:x=\"{XENC11}\" \
         Algorithm=\"{XENC11}mgf1sha256\"></x:MGF>"
    );
    let newer =
        Way { wrapping: format!("{XENC11}rsa-oaep"), hashes: sha256, how: &OAEP_SHA256_MGF1SHA256, ..Way::usual() };
    for way in [Way::usual(), newer, Way { beside: true, ..Way::usual() }] {
        let inner = encrypt(&signed, &judge.secret, &way);
        assert_eq!(judge.who(claims.response("", &inner).as_bytes()), Ok("ada".to_owned()));
    }
    // Signed around: the signature is over what is encrypted.
    let inner = encrypt(&plain, &judge.secret, &Way::usual());
    let whole = claims.response_signed(&judge.signer, &inner);
    assert_eq!(judge.who(whole.as_bytes()), Ok("ada".to_owned()));
    let both = claims.response_signed(&judge.signer, &encrypt(&signed, &judge.secret, &Way::usual()));
    assert_eq!(judge.who(both.as_bytes()), Ok("ada".to_owned()));
    // Anybody can encrypt; that alone says nothing.
    let evil = Claims { subject: "boss".to_owned(), id: "_evil".to_owned(), ..claims.clone() };
    let evil_text = evil.assertion("");
    let sealed = |text: &str| encrypt(text, &judge.secret, &Way::usual());
    let wrapper = signed.replace("</saml:Assertion>", "");
    for (name, message) in [
        ("unsigned", claims.response("", &sealed(&evil_text))),
        ("swapped under a signature", whole.replace(&inner, &sealed(&evil_text))),
        ("beside a signed one", claims.response("", &format!("{signed}{}", sealed(&evil_text)))),
        ("two encrypted ones", claims.response("", &format!("{}{}", sealed(&signed), sealed(&evil_text)))),
        ("two in one", claims.response("", &sealed(&format!("{signed}{evil_text}")))),
        (
            "one around the other",
            claims
                .response("", &sealed(&evil_text.replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>")))),
        ),
        ("out of its place", claims.response("", &sealed(&format!("{signed}</samlp:Response><samlp:Response>")))),
        ("never ends", claims.response("", &sealed(&wrapper))),
        ("encrypted twice", claims.response("", &sealed(&sealed(&signed)))),
        ("a doctype inside", claims.response("", &sealed(&format!("<!DOCTYPE a>{signed}")))),
        ("a comment inside", claims.response("", &sealed(&signed.replace(">ada<", ">ad<!-- -->a<")))),
        (
            "in an extension",
            claims.response("", &signed).replace(
                "<samlp:Status>",
                &format!("<samlp:Extensions>{}</samlp:Extensions><samlp:Status>", sealed(&evil_text)),
            ),
        ),
    ] {
        assert!(judge.who(message.as_bytes()).is_err(), "{name}");
    }
}

#[test]
fn what_was_encrypted_has_the_shape_of_any_message_and_few_keys() {
    let judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    // An id that stands there twice, once what was encrypted is in its place.
    let twice = Claims { response_id: claims.id.clone(), ..claims.clone() };
    let sealed = encrypt(&twice.signed(&judge.signer), &judge.secret, &Way::usual());
    assert!(judge.who(twice.response("", &sealed).as_bytes()).is_err());
    // Keys for others stand beside ours, up to a number: each costs an operation with our private key.
    let mine = encrypt(&claims.signed(&judge.signer), &judge.secret, &Way::usual());
    let others = |count: usize| {
        let key = mine.split_once("<xenc:EncryptedKey>").and_then(|(_, rest)| rest.split_once("</xenc:EncryptedKey>"));
        let key = format!("<xenc:EncryptedKey>{}</xenc:EncryptedKey>", key.expect("a key").0);
        mine.replacen("<xenc:EncryptedKey>", &format!("{}<xenc:EncryptedKey>", key.repeat(count)), 1)
    };
    assert_eq!(judge.who(claims.response("", &others(2)).as_bytes()), Ok("ada".to_owned()));
    assert_eq!(judge.who(claims.response("", &others(3)).as_bytes()), Err(Trouble::Encryption));
}

#[test]
fn gauntlet_b6_17_what_is_wrong_with_a_ciphertext_is_not_told() {
    let judge = Judge::new();
    let claims = Claims::new(ENDPOINT, REQUEST);
    let signed = claims.signed(&judge.signer);
    let with = |way: Way| encrypt(&signed, &judge.secret, &way);
    let good = with(Way::usual());
    let stranger = Judge::new();
    let values: Vec<&str> =
        good.split("<xenc:CipherValue>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
    let [wrapped, sealed] = values.as_slice() else { panic!("{good}") };
    let bent = |value: &str| {
        let mut bytes = STANDARD.decode(value).expect("base64");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        good.replace(value, &STANDARD.encode(bytes))
    };
    for (name, inner) in [
        ("bent key", bent(wrapped)),
        ("bent text", bent(sealed)),
        ("short text", good.replace(*sealed, "AAAA")),
        ("empty text", good.replace(*sealed, "")),
        ("empty key", good.replace(*wrapped, "")),
        ("no base64", good.replace(*sealed, "!")),
        ("for somebody else", encrypt(&signed, &stranger.secret, &Way::usual())),
        ("cbc", with(Way { cipher: format!("{XENC}aes256-cbc"), ..Way::usual() })),
        ("3des", with(Way { cipher: format!("{XENC}tripledes-cbc"), ..Way::usual() })),
        ("gcm of another size", with(Way { cipher: format!("{XENC11}aes128-gcm"), ..Way::usual() })),
        ("pkcs 1", with(Way { wrapping: format!("{XENC}rsa-1_5"), ..Way::usual() })),
        ("key by kek", with(Way { wrapping: format!("{XENC}kw-aes256"), ..Way::usual() })),
        (
            "label",
            with(Way {
                hashes: format!("<xenc:OAEPparams xmlns:xenc=\"{XENC}\">AA==</xenc:OAEPparams>"),
                ..Way::usual()
            }),
        ),
        (
            "by reference",
            good.replace(
                "<xenc:CipherValue>",
                "<xenc:CipherReference URI=\"http://127.0.0.1:9/\"></xenc:CipherReference><xenc:CipherValue>",
            )
            .replacen("<xenc:CipherData>", "<xenc:Other>", 0)
            .replace("CipherValue", "CipherOther"),
        ),
        (
            "many keys",
            good.replace("<ds:KeyInfo", &format!("{}<ds:KeyInfo", "<xenc:EncryptedKey></xenc:EncryptedKey>".repeat(9))),
        ),
        ("nothing", format!("<saml:EncryptedAssertion xmlns:saml=\"{SAML}\"></saml:EncryptedAssertion>")),
    ] {
        let found = judge.who(claims.response("", &inner).as_bytes());
        match name {
            // Where wrapped keys do not stand they are not looked at.
            "many keys" => assert!(found.is_ok() || found == Err(Trouble::Encryption), "{name} {found:?}"),
            _ => assert_eq!(found, Err(Trouble::Encryption), "{name}"),
        }
    }
}
