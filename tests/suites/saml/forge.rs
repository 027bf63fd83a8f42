//! Writing answers, genuine ones and others. Everything is written in its canonical form at once, so that what is signed is a
//! part of the text as it stands: nothing here is shared with what reads it.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use doorward_model::time::Timestamp;
use doorward_world::World;

pub const SAML: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub const SAMLP: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub const DS: &str = "http://www.w3.org/2000/09/xmldsig#";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
pub const RSA_SHA256: &str = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
pub const SHA256_NAME: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";

/// What the company that is forged here calls itself.
pub const COMPANY: &str = "https://company.example/idp";
/// Where people would sign in there.
pub const SIGN_ON: &str = "https://company.example/sso";
/// Where people would sign out there.
pub const SIGN_OUT: &str = "https://company.example/slo";

/// A key and its certificate.
pub struct Signer {
    pair: RsaKeyPair,
    /// The key in PEM.
    pub key_pem: String,
    /// The certificate in base64.
    pub certificate: String,
}

impl Signer {
    pub fn new() -> Signer {
        let made = doorward_jose::self_signed::make("company", now());
        let made = made.unwrap_or_else(|_| panic!("no key"));
        let (secret, certificate) = made.split_once(' ').expect("two parts");
        let pair = RsaKeyPair::from_pkcs8(&STANDARD.decode(secret).expect("base64")).expect("a key");
        Signer { pair, key_pem: pem("PRIVATE KEY", secret), certificate: certificate.to_owned() }
    }

    /// The certificate in PEM.
    pub fn certificate_pem(&self) -> String {
        pem("CERTIFICATE", &self.certificate)
    }

    /// Metadata of a company that signs with it.
    pub fn metadata(&self) -> String {
        let redirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
        format!(
            "<?xml version=\"1.0\"?>\n<!-- by hand -->\n<EntityDescriptor xmlns=\"urn:oasis:names:tc:SAML:2.0:metadata\" \
             entityID=\"{COMPANY}\"><IDPSSODescriptor protocolSupportEnumeration=\"{SAMLP}\"><KeyDescriptor use=\"signing\">\
             <KeyInfo xmlns=\"{DS}\"><X509Data><X509Certificate>\n{}\n</X509Certificate></X509Data></KeyInfo></KeyDescriptor>\
             <SingleLogoutService Binding=\"{redirect}\" Location=\"{SIGN_OUT}\"/>\
             <SingleSignOnService Binding=\"{redirect}\" Location=\"{SIGN_ON}\"/></IDPSSODescriptor></EntityDescriptor>",
            self.certificate
        )
    }

    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), message, &mut signature).expect("a signature");
        signature
    }
}

fn pem(label: &str, base64: &str) -> String {
    let lines: Vec<&str> = base64.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
    format!("-----BEGIN {label}-----\n{}\n-----END {label}-----\n", lines.join("\n"))
}

pub fn now() -> Timestamp {
    World::real().now()
}

/// In so many seconds, as messages write it.
pub fn at(seconds: i64) -> String {
    now().plus_seconds(seconds).rfc3339()
}

/// How a signature is made; the usual way, and each part that can be another one.
#[derive(Clone)]
pub struct Recipe {
    pub method: String,
    pub digest: String,
    pub canonical: String,
    pub transforms: String,
    pub uri: Option<String>,
    pub key_info: String,
    /// Signs with an HMAC under these bytes.
    pub hmac: Option<Vec<u8>>,
}

impl Default for Recipe {
    fn default() -> Self {
        Self {
            method: RSA_SHA256.to_owned(),
            digest: SHA256_NAME.to_owned(),
            canonical: EXCLUSIVE.to_owned(),
            transforms: format!("{}{}", transform(ENVELOPED), transform(EXCLUSIVE)),
            uri: None,
            key_info: String::new(),
            hmac: None,
        }
    }
}

pub fn transform(algorithm: &str) -> String {
    format!("<ds:Transform Algorithm=\"{algorithm}\"></ds:Transform>")
}

/// The signature of an element with this id and this canonical text, as it stands in that element.
pub fn signature((id, text): (&str, &str), signer: &Signer, recipe: &Recipe) -> String {
    let found = STANDARD.encode(digest(&SHA256, text.as_bytes()));
    let uri = recipe.uri.clone().unwrap_or_else(|| format!("#{id}"));
    let Recipe { method, digest, canonical, transforms, key_info, .. } = recipe;
    let info = format!(
        "<ds:CanonicalizationMethod Algorithm=\"{canonical}\"></ds:CanonicalizationMethod><ds:SignatureMethod \
         Algorithm=\"{method}\"></ds:SignatureMethod><ds:Reference URI=\"{uri}\"><ds:Transforms>{transforms}</ds:Transforms>\
         <ds:DigestMethod Algorithm=\"{digest}\"></ds:DigestMethod><ds:DigestValue>{found}</ds:DigestValue></ds:Reference>"
    );
    finish(&info, signer, recipe.hmac.as_deref(), key_info)
}

/// A signature around what a `SignedInfo` holds.
pub fn finish(info: &str, signer: &Signer, secret: Option<&[u8]>, key_info: &str) -> String {
    let signed = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}</ds:SignedInfo>");
    let value = match secret {
        Some(secret) => hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), signed.as_bytes()).as_ref().to_vec(),
        None => signer.sign(signed.as_bytes()),
    };
    let value = STANDARD.encode(value);
    format!(
        "<ds:Signature xmlns:ds=\"{DS}\"><ds:SignedInfo>{info}</ds:SignedInfo><ds:SignatureValue>{value}</ds:SignatureValue>\
         {key_info}</ds:Signature>"
    )
}

/// What an answer says.
#[derive(Clone)]
pub struct Claims {
    pub id: String,
    pub response_id: String,
    /// When it was written, read from the clock once: a message is put together twice, to be signed and with its signature.
    pub issued: String,
    pub issuer: String,
    pub destination: String,
    pub status: String,
    pub response_request: Option<String>,
    pub subject: String,
    pub format: String,
    pub recipient: String,
    pub request: Option<String>,
    pub confirmed_until: Option<String>,
    pub method: String,
    pub from: String,
    pub until: Option<String>,
    /// What stands in the conditions besides the times.
    pub audiences: String,
    pub proved_at: String,
    pub session: String,
    pub session_until: Option<String>,
    pub groups: Vec<String>,
    pub more: String,
}

pub fn audience(names: &[&str]) -> String {
    let all: String = names.iter().map(|name| format!("<saml:Audience>{name}</saml:Audience>")).collect();
    format!("<saml:AudienceRestriction>{all}</saml:AudienceRestriction>")
}

impl Claims {
    /// Genuine ones, of ada, for an endpoint and a request.
    pub fn new(endpoint: &str, request: &str) -> Claims {
        let id = format!("_{}", STANDARD.encode(request).replace(['+', '/', '='], "")).to_lowercase();
        Claims {
            response_id: format!("{id}-response"),
            id,
            issued: at(0),
            issuer: COMPANY.to_owned(),
            destination: endpoint.to_owned(),
            status: "urn:oasis:names:tc:SAML:2.0:status:Success".to_owned(),
            response_request: Some(request.to_owned()),
            subject: "ada".to_owned(),
            format: PERSISTENT.to_owned(),
            recipient: endpoint.to_owned(),
            request: Some(request.to_owned()),
            confirmed_until: Some(at(120)),
            method: "urn:oasis:names:tc:SAML:2.0:cm:bearer".to_owned(),
            from: at(-30),
            until: Some(at(120)),
            audiences: audience(&[endpoint]),
            proved_at: at(-10),
            session: "session-of-ada".to_owned(),
            session_until: None,
            groups: vec!["dagster-users".to_owned()],
            more: String::new(),
        }
    }

    /// The assertion, with this behind its issuer.
    pub fn assertion(&self, signature: &str) -> String {
        let maybe = |name: &str, value: &Option<String>| match value {
            Some(value) => format!(" {name}=\"{value}\""),
            None => String::new(),
        };
        let groups: String =
            self.groups.iter().map(|group| format!("<saml:AttributeValue>{group}</saml:AttributeValue>")).collect();
        let Claims {
            id, issued, issuer, subject, format, recipient, method, from, proved_at, session, audiences, ..
        } = self;
        format!(
            "<saml:Assertion xmlns:saml=\"{SAML}\" ID=\"{id}\" IssueInstant=\"{issued}\" Version=\"2.0\"><saml:Issuer>{issuer}\
             </saml:Issuer>{signature}<saml:Subject><saml:NameID Format=\"{format}\">{subject}</saml:NameID>\
             <saml:SubjectConfirmation Method=\"{method}\"><saml:SubjectConfirmationData{}{} Recipient=\"{recipient}\">\
             </saml:SubjectConfirmationData></saml:SubjectConfirmation></saml:Subject><saml:Conditions NotBefore=\"{from}\"{}>\
             {audiences}</saml:Conditions><saml:AuthnStatement AuthnInstant=\"{proved_at}\" SessionIndex=\"{session}\"{}>\
             <saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password\
             </saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement><saml:AttributeStatement>\
             <saml:Attribute Name=\"uid\"><saml:AttributeValue>{subject}</saml:AttributeValue></saml:Attribute>\
             <saml:Attribute Name=\"groups\">{groups}</saml:Attribute></saml:AttributeStatement>{}</saml:Assertion>",
            maybe("InResponseTo", &self.request),
            maybe("NotOnOrAfter", &self.confirmed_until),
            maybe("NotOnOrAfter", &self.until),
            maybe("SessionNotOnOrAfter", &self.session_until),
            self.more,
        )
    }

    /// The assertion, signed.
    pub fn signed(&self, signer: &Signer) -> String {
        self.signed_by(signer, &Recipe::default())
    }

    /// The assertion, signed in some way.
    pub fn signed_by(&self, signer: &Signer, recipe: &Recipe) -> String {
        self.assertion(&signature((&self.id, &self.assertion("")), signer, recipe))
    }

    /// An answer around something, with this behind its issuer.
    pub fn response(&self, signature: &str, inner: &str) -> String {
        let request = match &self.response_request {
            Some(request) => format!(" InResponseTo=\"{request}\""),
            None => String::new(),
        };
        let Claims { destination, response_id, issued, issuer, status, .. } = self;
        format!(
            "<samlp:Response xmlns:samlp=\"{SAMLP}\" Destination=\"{destination}\" ID=\"{response_id}\"{request} \
             IssueInstant=\"{issued}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>{signature}\
             <samlp:Status><samlp:StatusCode Value=\"{status}\"></samlp:StatusCode></samlp:Status>{inner}</samlp:Response>"
        )
    }

    /// An answer around something, signed as a whole.
    pub fn response_signed(&self, signer: &Signer, inner: &str) -> String {
        let signature = signature((&self.response_id, &self.response("", inner)), signer, &Recipe::default());
        self.response(&signature, inner)
    }

    /// The usual answer: its assertion is signed.
    pub fn genuine(&self, signer: &Signer) -> String {
        self.response("", &self.signed(signer))
    }
}
