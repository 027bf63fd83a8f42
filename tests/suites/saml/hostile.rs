//! The hostile answers: each is one that somebody somewhere has taken. All speak of `boss`, or of ada with something wrong,
//! for an open request of this browser, and carry genuine signatures wherever the attack has one at hand.

use crate::forge::{Claims, DS, Recipe, SAML, Signer, at, finish, signature, transform};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use std::io::Write as _;
use std::process::{Command, Stdio};

/// A row: what it is called, and the message.
pub struct Row {
    pub name: String,
    pub message: String,
}

/// All of them, for an endpoint and a request.
pub fn rows(endpoint: &str, request: &str, signer: &Signer) -> Vec<Row> {
    let ground = Forger { endpoint, request, signer };
    let mut all = Vec::new();
    for (group, rows) in [
        ("b6_02_04_wrapping", ground.wrapped()),
        ("b6_05_07_xml", ground.odd_xml()),
        ("b6_06_signature", ground.odd_signatures()),
        ("b6_09_10_11_keys", ground.odd_keys()),
        ("b6_12_13_15_conditions", ground.odd_conditions()),
    ] {
        all.extend(rows.into_iter().map(|(name, message)| Row { name: format!("{group}: {name}"), message }));
    }
    all
}

/// Whoever forges, with what they can have signed.
pub struct Forger<'a> {
    pub endpoint: &'a str,
    pub request: &'a str,
    pub signer: &'a Signer,
}

/// Names and messages.
pub type Rows = Vec<(&'static str, String)>;

impl Forger<'_> {
    pub fn claims(&self) -> Claims {
        Claims::new(self.endpoint, self.request)
    }

    /// What the attacker wants to be believed.
    fn evil(&self) -> Claims {
        let own = self.claims();
        Claims { id: format!("{}-evil", own.id), subject: "boss".to_owned(), ..own }
    }

    /// Signature wrapping: a signed part is kept somewhere, and another one stands where it is read.
    fn wrapped(&self) -> Rows {
        let (own, evil) = (self.claims(), self.evil());
        let signed = own.signed(self.signer);
        let plain = own.assertion("");
        let wrapper = signature((&own.id, &plain), self.signer, &Recipe::default());
        let bare_evil = evil.assertion("");
        // The evil one with the id of the signed one.
        let twin = Claims { id: own.id.clone(), ..evil.clone() };
        let whole = own.response_signed(self.signer, &plain);
        let whole_signature = signature((&own.response_id, &own.response("", &plain)), self.signer, &Recipe::default());
        let evil_whole = Claims { response_id: format!("{}-evil", own.response_id), ..evil.clone() };
        let object = |inner: &str| format!("<ds:Object>{inner}</ds:Object></ds:Signature>");
        let with_object = |signature: &str, inner: &str| signature.replace("</ds:Signature>", &object(inner));
        let bare_whole = own.response("", &plain);
        let extensions = |inner: &str| format!("<samlp:Extensions>{inner}</samlp:Extensions>");
        let in_status = |inner: &str, rest: &str| {
            own.response("", rest).replace("<samlp:Status>", &format!("{}<samlp:Status>", extensions(inner)))
        };
        let advice = |inner: &str| format!("<saml:Advice>{inner}</saml:Advice>");
        let data = "</saml:SubjectConfirmationData>";
        vec![
            ("xsw1", evil_whole.response(&with_object(&whole_signature, &bare_whole), &bare_evil)),
            ("xsw1 below", evil_whole.response(&whole_signature, &format!("{bare_evil}{bare_whole}"))),
            ("xsw2", evil_whole.response(&format!("{bare_whole}{whole_signature}"), &bare_evil)),
            ("xsw3", own.response("", &format!("{bare_evil}{signed}"))),
            ("xsw3 after", own.response("", &format!("{signed}{bare_evil}"))),
            (
                "xsw4",
                own.response(
                    "",
                    &evil.assertion("").replace("</saml:Assertion>", &format!("{signed}</saml:Assertion>")),
                ),
            ),
            ("xsw5", own.response("", &format!("{}{plain}", evil.assertion(&wrapper)))),
            ("xsw6", own.response("", &evil.assertion(&with_object(&wrapper, &plain)))),
            ("xsw7", in_status(&bare_evil, &signed)),
            ("xsw7 signed inside", in_status(&signed, &bare_evil)),
            ("alone where none belongs", in_status(&signed, "")),
            ("xsw8", own.response("", &evil.assertion(&with_object(&wrapper, &signed)))),
            ("same id first", own.response("", &format!("{}{signed}", twin.assertion("")))),
            ("same id last", own.response("", &format!("{signed}{}", twin.assertion("")))),
            ("twin with the signature", own.response("", &twin.assertion(&wrapper))),
            ("signature of the twin's sibling", own.response("", &format!("{}{plain}", twin.assertion(&wrapper)))),
            (
                "in advice",
                own.response(
                    "",
                    &evil
                        .assertion("")
                        .replace("<saml:AuthnStatement", &format!("{}<saml:AuthnStatement", advice(&signed))),
                ),
            ),
            (
                "evil in the signed one's confirmation",
                own.response("", &signed.replace(data, &format!("{bare_evil}{data}"))),
            ),
            (
                "signed in the evil one's confirmation",
                own.response("", &bare_evil.replace(data, &format!("{signed}{data}"))),
            ),
            ("evil namespace", own.response("", &format!("{}{signed}", bare_evil.replace(SAML, "urn:evil")))),
            (
                "evil namespace, no issuer",
                own.response(
                    "",
                    &format!(
                        "{signed}{}",
                        bare_evil
                            .replace("saml:", "evil:")
                            .replace("xmlns:saml", "xmlns:evil")
                            .replace(SAML, "urn:evil")
                    ),
                ),
            ),
            ("signed response, evil inside", whole.replace(&plain, &format!("{plain}{bare_evil}"))),
            ("signed response, changed inside", whole.replace(">ada<", ">boss<")),
            ("signed response in a response", own.response("", &whole)),
            ("response in another root", format!("<a>{}</a>", own.genuine(self.signer))),
            (
                "id in another attribute",
                own.response("", &evil.assertion(&wrapper).replace(" ID=", &format!(" Id=\"{}\" ID=", own.id))),
            ),
            (
                "id of xml",
                own.response("", &evil.assertion(&wrapper).replace(" ID=", &format!(" xml:id=\"{}\" ID=", own.id))),
            ),
            (
                "id of 1.1",
                own.response(
                    "",
                    &evil.assertion(&wrapper).replace(" ID=", &format!(" AssertionID=\"{}\" ID=", own.id)),
                ),
            ),
            ("signature moved to the response", own.response(&wrapper, &bare_evil)),
            (
                "signature at the end",
                own.response("", &plain.replace("</saml:Assertion>", &format!("{wrapper}</saml:Assertion>"))),
            ),
            ("two signatures", own.response("", &own.assertion(&format!("{wrapper}{wrapper}")))),
            (
                "three signatures",
                own.response(&whole_signature, &own.assertion(&wrapper))
                    .replace("<samlp:Status>", &format!("{wrapper}<samlp:Status>")),
            ),
            ("no assertion", own.response("", "")),
        ]
    }

    /// What two readers would read differently.
    fn odd_xml(&self) -> Rows {
        let genuine = self.claims().genuine(self.signer);
        let named = |name: &str| genuine.replace(">ada</saml:NameID>", &format!(">{name}</saml:NameID>"));
        let with_head = |head: &str| format!("{head}{genuine}");
        let of = |name: &str| Claims { subject: name.to_owned(), ..self.claims() }.genuine(self.signer);
        let split = of("ada@corp.com.evil.com");
        vec![
            ("doctype", with_head("<!DOCTYPE samlp:Response>")),
            ("doctype with an entity", with_head("<!DOCTYPE r [<!ENTITY x \"boss\">]>").replace(">ada<", ">&x;<")),
            ("external doctype", with_head("<!DOCTYPE r SYSTEM \"http://127.0.0.1:9/x.dtd\">")),
            ("id attribute declared", with_head("<!DOCTYPE r [<!ATTLIST saml:Assertion ID ID #IMPLIED>]>")),
            ("stylesheet", with_head("<?xml-stylesheet href=\"http://127.0.0.1:9/x.xsl\"?>")),
            ("comment in the name", split.replace("ada@corp.com.evil.com<", "ada@corp.com<!-- -->.evil.com<")),
            ("comment in an attribute", genuine.replace("dagster-users<", "dagster-<!-- -->users<")),
            ("comment at the end", format!("{genuine}<!-- -->")),
            ("instruction in the name", split.replace("corp.com.", "corp.com<?x?>.")),
            ("cdata in the name", split.replace("corp.com.", "corp.com<![CDATA[.]]>")),
            ("cdata around the name", named("<![CDATA[ada]]>")),
            ("element in the name", {
                let own = self.claims();
                let odd = own.assertion("").replace(">ada</saml:NameID>", ">boss<saml:x></saml:x></saml:NameID>");
                let made = signature((&own.id, &odd), self.signer, &Recipe::default());
                own.response("", &odd.replace("</saml:Issuer>", &format!("</saml:Issuer>{made}")))
            }),
            ("utf-16 declared", with_head("<?xml version=\"1.0\" encoding=\"UTF-16\"?>")),
            ("xml 1.1", with_head("<?xml version=\"1.1\"?>")),
            ("byte order mark", with_head("\u{feff}")),
            ("text around", format!("x{genuine}")),
            ("two roots", format!("{genuine}{genuine}")),
            ("truncated", genuine.get(..genuine.len() - 20).unwrap_or_default().to_owned()),
            ("unknown entity", named("&boss;")),
            ("nul", named("a&#0;da")),
            ("doubled attribute", genuine.replace(" Version=\"2.0\"", " Version=\"2.0\" Version=\"2.0\"")),
            ("empty", String::new()),
            ("json", "{}".to_owned()),
        ]
    }

    /// Signatures that say something else than that the assertion is signed.
    fn odd_signatures(&self) -> Rows {
        let own = self.claims();
        let by = |recipe: Recipe| own.response("", &own.signed_by(self.signer, &recipe));
        let usual = Recipe::default;
        let genuine = own.genuine(self.signer);
        let plain = own.assertion("");
        let info = |signature: &str| {
            let (_, rest) = signature.split_once("<ds:SignedInfo>").expect("one");
            rest.split_once("</ds:SignedInfo>").expect("its end").0.to_owned()
        };
        let usual_info = info(&signature((&own.id, &plain), self.signer, &usual()));
        let made = |info: &str| own.response("", &own.assertion(&finish(info, self.signer, None, "")));
        let (head, reference) = usual_info.split_at(usual_info.find("<ds:Reference").expect("a reference"));
        let evil = self.evil();
        let evil_digest = STANDARD.encode(digest(&SHA256, evil.assertion("").as_bytes()));
        let second_info =
            format!("<ds:SignedInfo>{}</ds:SignedInfo>", reference.replace("<ds:DigestValue>", "<ds:DigestValue>x"));
        let xpath = "http://www.w3.org/TR/1999/REC-xpath-19991116";
        let exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
        let enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
        let chain = |all: &[&str]| all.iter().map(|one| transform(one)).collect::<String>();
        vec![
            ("whole document", by(Recipe { uri: Some(String::new()), ..usual() })),
            ("by xpointer", by(Recipe { uri: Some("#xpointer(/)".to_owned()), ..usual() })),
            ("another id", by(Recipe { uri: Some(format!("#{}", own.response_id)), ..usual() })),
            ("an address", by(Recipe { uri: Some("http://127.0.0.1:9/x".to_owned()), ..usual() })),
            (
                "inclusive",
                by(Recipe { canonical: "http://www.w3.org/TR/2001/REC-xml-c14n-20010315".to_owned(), ..usual() }),
            ),
            ("with comments", by(Recipe { canonical: format!("{exclusive}WithComments"), ..usual() })),
            ("unknown canonicalisation", by(Recipe { canonical: "urn:none".to_owned(), ..usual() })),
            ("no transform", by(Recipe { transforms: String::new(), ..usual() })),
            ("enveloped alone", by(Recipe { transforms: chain(&[enveloped]), ..usual() })),
            ("exclusive alone", by(Recipe { transforms: chain(&[exclusive]), ..usual() })),
            ("three transforms", by(Recipe { transforms: chain(&[enveloped, exclusive, exclusive]), ..usual() })),
            (
                "xpath",
                by(Recipe {
                    transforms: format!(
                        "{}<ds:Transform Algorithm=\"{xpath}\"><ds:XPath>self::x</ds:XPath></ds:Transform>",
                        chain(&[enveloped])
                    ),
                    ..usual()
                }),
            ),
            (
                "xslt",
                by(Recipe {
                    transforms: chain(&[enveloped, "http://www.w3.org/TR/1999/REC-xslt-19991116"]),
                    ..usual()
                }),
            ),
            (
                "base64",
                by(Recipe { transforms: chain(&[enveloped, "http://www.w3.org/2000/09/xmldsig#base64"]), ..usual() }),
            ),
            ("sha-1 signature", self.by_sha1(&own)),
            ("sha-1 digest", by(Recipe { digest: "http://www.w3.org/2000/09/xmldsig#sha1".to_owned(), ..usual() })),
            ("md5", by(Recipe { method: "http://www.w3.org/2001/04/xmldsig-more#rsa-md5".to_owned(), ..usual() })),
            (
                "ecdsa by an rsa key",
                by(Recipe { method: "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256".to_owned(), ..usual() }),
            ),
            (
                "sha-512 said, sha-256 made",
                by(Recipe { method: "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512".to_owned(), ..usual() }),
            ),
            ("two references", made(&format!("{usual_info}{reference}"))),
            ("no reference", made(head)),
            (
                "two digests",
                made(&usual_info.replace(
                    "<ds:DigestValue>",
                    &format!("<ds:DigestValue>{evil_digest}</ds:DigestValue><ds:DigestValue>"),
                )),
            ),
            ("two signed infos", genuine.replace("<ds:SignedInfo>", &format!("{second_info}<ds:SignedInfo>"))),
            (
                "two signed infos, the other way",
                genuine.replace("</ds:SignedInfo>", &format!("</ds:SignedInfo>{second_info}")),
            ),
            (
                "two values",
                genuine
                    .replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA</ds:SignatureValue><ds:SignatureValue>"),
            ),
            ("comment in the digest", genuine.replace("</ds:DigestValue>", "<!-- x --></ds:DigestValue>")),
            ("comment in the value", genuine.replace("</ds:SignatureValue>", "<!-- x --></ds:SignatureValue>")),
            ("empty digest", made(&usual_info.replace(&STANDARD.encode(digest(&SHA256, plain.as_bytes())), ""))),
            (
                "digest of nothing",
                made(&usual_info.replace(
                    &STANDARD.encode(digest(&SHA256, plain.as_bytes())),
                    &STANDARD.encode(digest(&SHA256, b"")),
                )),
            ),
            ("empty value", {
                let (before, rest) = genuine.split_once("<ds:SignatureValue>").expect("one");
                let (_, after) = rest.split_once("</ds:SignatureValue>").expect("its end");
                format!("{before}<ds:SignatureValue></ds:SignatureValue>{after}")
            }),
            (
                "manifest",
                genuine.replace("</ds:Signature>", "<ds:Object><ds:Manifest></ds:Manifest></ds:Object></ds:Signature>"),
            ),
            ("changed name", genuine.replace(">ada<", ">boss<")),
            ("changed group", genuine.replace("dagster-users", "administrators")),
            ("changed time", own.genuine(self.signer).replace(own.until.as_deref().unwrap_or_default(), &at(7200))),
            ("changed value", genuine.replace("<ds:SignatureValue>", "<ds:SignatureValue>AAAA")),
            (
                "prefix of another namespace",
                genuine.replace(&format!("xmlns:saml=\"{SAML}\" ID"), "xmlns:saml=\"urn:evil\" ID"),
            ),
        ]
    }

    /// Keys that are not the provider's.
    fn odd_keys(&self) -> Rows {
        let own = self.evil();
        let stranger = Signer::new();
        let certificate = |signer: &Signer| {
            let inner =
                format!("<ds:X509Data><ds:X509Certificate>{}</ds:X509Certificate></ds:X509Data>", signer.certificate);
            format!("<ds:KeyInfo>{inner}</ds:KeyInfo>")
        };
        let shown = Recipe { key_info: certificate(&stranger), ..Recipe::default() };
        let both =
            Recipe { key_info: format!("{}{}", certificate(self.signer), certificate(&stranger)), ..Recipe::default() };
        let hmac = |secret: Vec<u8>| Recipe {
            method: "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256".to_owned(),
            hmac: Some(secret),
            ..Recipe::default()
        };
        let der = STANDARD.decode(&self.signer.certificate).expect("base64");
        let by = |signer: &Signer, recipe: &Recipe| own.response("", &own.signed_by(signer, recipe));
        vec![
            ("a stranger's key", by(&stranger, &Recipe::default())),
            ("a stranger's key and certificate", by(&stranger, &shown)),
            ("a stranger's key and two certificates", by(&stranger, &both)),
            (
                "a stranger's key under the provider's certificate",
                by(&stranger, &Recipe { key_info: certificate(self.signer), ..Recipe::default() }),
            ),
            ("hmac under the certificate", by(self.signer, &hmac(der))),
            (
                "hmac under the text of the certificate",
                by(self.signer, &hmac(self.signer.certificate.clone().into_bytes())),
            ),
            ("hmac under pem", by(self.signer, &hmac(self.signer.certificate_pem().into_bytes()))),
            ("hmac under nothing", by(self.signer, &hmac(Vec::new()))),
            (
                "hmac-sha1",
                by(self.signer, &Recipe { method: format!("{DS}hmac-sha1"), hmac: Some(vec![0]), ..Recipe::default() }),
            ),
            ("unsigned", own.response("", &own.assertion(""))),
            (
                "empty signature",
                own.response("", &own.assertion(&format!("<ds:Signature xmlns:ds=\"{DS}\"></ds:Signature>"))),
            ),
            ("signature of another namespace", self.claims().genuine(self.signer).replace(DS, "urn:evil")),
            ("response signed by a stranger", own.response_signed(&stranger, &own.assertion(""))),
            ("response by a stranger, assertion genuine", {
                let claims = self.claims();
                claims.response_signed(&stranger, &claims.signed(self.signer))
            }),
        ]
    }

    /// Signed with SHA-1 by the right key, which only openssl still does.
    fn by_sha1(&self, own: &Claims) -> String {
        let method = format!("{DS}rsa-sha1");
        let made = own.signed_by(self.signer, &Recipe { method: method.clone(), ..Recipe::default() });
        let (_, rest) = made.split_once("<ds:SignedInfo>").expect("one");
        let info = rest.split_once("</ds:SignedInfo>").expect("its end").0;
        let signed = format!("<ds:SignedInfo xmlns:ds=\"{DS}\">{info}</ds:SignedInfo>");
        let scratch = doorward_testkit::scratch::Scratch::new("sha1");
        let key = scratch.write("key.pem", &self.signer.key_pem);
        let mut openssl = Command::new("openssl");
        openssl.args(["dgst", "-sha1", "-sign"]).arg(key).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut running = openssl.spawn().expect("openssl");
        running.stdin.take().expect("a pipe").write_all(signed.as_bytes()).expect("written");
        let value = STANDARD.encode(running.wait_with_output().expect("openssl").stdout);
        let (before, rest) = made.split_once("<ds:SignatureValue>").expect("a value");
        let (_, after) = rest.split_once("</ds:SignatureValue>").expect("its end");
        own.response("", &format!("{before}<ds:SignatureValue>{value}</ds:SignatureValue>{after}"))
    }
}
