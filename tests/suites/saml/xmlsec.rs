//! What another implementation signs and encrypts: xmlsec1, with every liberty XML leaves to whoever writes it.

use crate::forge::{COMPANY, Claims, DS, SAML, SAMLP, at};
use crate::judged::{ENDPOINT, Judge, REQUEST};
use doorward_testkit::scratch::Scratch;
use doorward_testkit::tools;
use std::process::Command;

fn xmlsec1(arguments: &[&str]) -> String {
    let output = Command::new(tools::debian_program("xmlsec1")).args(arguments).output().expect("xmlsec1");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

/// A template of a signature, as xmlsec1 fills it in.
fn template(id: &str, prefixes: &str) -> String {
    let kept = match prefixes {
        "" => String::new(),
        prefixes => format!(
            "<ec:InclusiveNamespaces xmlns:ec=\"http://www.w3.org/2001/10/xml-exc-c14n#\" PrefixList=\"{prefixes}\"/>"
        ),
    };
    format!(
        "<Signature xmlns=\"{DS}\"><SignedInfo><CanonicalizationMethod Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\"/>\
         \n<SignatureMethod Algorithm=\"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512\"/><Reference URI=\"#{id}\">\
         <Transforms><Transform Algorithm=\"http://www.w3.org/2000/09/xmldsig#enveloped-signature\"/><Transform \
         Algorithm=\"http://www.w3.org/2001/10/xml-exc-c14n#\">{kept}</Transform></Transforms>\n  <DigestMethod \
         Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha512\"/><DigestValue/></Reference></SignedInfo><SignatureValue/>\
         </Signature>"
    )
}

/// An answer as somebody else would write it: other prefixes, spaces, entities, attributes in any order.
fn written(signature: &str) -> String {
    let (now, until) = (at(-1), at(120));
    format!(
        "<?xml version='1.0' encoding='UTF-8'?>\n<Response xmlns='{SAMLP}'\n  xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" \
         xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xmlns:unused='urn:unused' Version='2.0' \
         InResponseTo='{REQUEST}' ID='_whole' IssueInstant='{now}'\tDestination='{ENDPOINT}'>\r\n\
         <a:Issuer xmlns:a='{SAML}'>{COMPANY}</a:Issuer><Status><StatusCode\n Value='urn:oasis:names:tc:SAML:2.0:status:Success'/>\
         </Status>\n <Assertion xmlns='{SAML}' xmlns:b='urn:b' Version=\"2.0\" ID=\"_inner\" b:z='1' b:a=\"&lt;&quot;&#9;&#xA;'\" \
         IssueInstant='{now}'><Issuer>{COMPANY}</Issuer>{signature}\n<Subject>\t<NameID \
         Format='urn:oasis:names:tc:SAML:2.0:nameid-format:persistent'>ad&#97;</NameID><SubjectConfirmation \
         Method='urn:oasis:names:tc:SAML:2.0:cm:bearer'><SubjectConfirmationData Recipient='{ENDPOINT}' \
         InResponseTo='{REQUEST}' NotOnOrAfter='{until}'/></SubjectConfirmation></Subject><Conditions NotBefore='{now}' \
         NotOnOrAfter='{until}'><AudienceRestriction><Audience>\n{ENDPOINT}\n</Audience></AudienceRestriction></Conditions>\
         <AuthnStatement AuthnInstant='{now}' SessionIndex='x'><AuthnContext/></AuthnStatement><AttributeStatement>\
         <Attribute Name='uid'><AttributeValue xsi:type='xs:string'>ada</AttributeValue></Attribute><c:Attribute \
         xmlns:c='{SAML}' Name='groups' FriendlyName='ü'><c:AttributeValue xmlns='' xsi:type=\"xs:string\">ä &gt; &amp; \
         ß\r\n</c:AttributeValue></c:Attribute></AttributeStatement></Assertion></Response>\n"
    )
}

#[test]
fn what_xmlsec1_signs_is_taken_however_it_is_written() {
    let judge = Judge::new();
    let scratch = Scratch::new("xmlsec");
    let key = scratch.write("key.pem", &judge.signer.key_pem);
    let key = key.to_str().expect("a path");
    for prefixes in ["", "xs", "xs xsi #default", "b none"] {
        let file = scratch.write("message.xml", &written(&template("_inner", prefixes)));
        let id = format!("{SAML}:Assertion");
        let signed = xmlsec1(&["--sign", "--privkey-pem", key, "--id-attr:ID", &id, file.to_str().expect("a path")]);
        assert_eq!(judge.who(signed.as_bytes()), Ok("ada".to_owned()), "{prefixes:?} {signed}");
        for (from, to) in [("ß", "s"), ("b:z=\"1\"", "b:z=\"2\""), ("xs:string", "xs:text"), ("'urn:b'", "'urn:c'")] {
            let changed = signed.replace(from, to).replace(&from.replace('\'', "\""), &to.replace('\'', "\""));
            assert_ne!(changed, signed, "{from}");
            assert!(judge.who(changed.as_bytes()).is_err(), "{prefixes:?} {from}");
        }
    }
}

#[test]
fn what_xmlsec1_encrypts_is_opened() {
    let judge = Judge::new();
    let scratch = Scratch::new("xmlsec");
    let claims = Claims::new(ENDPOINT, REQUEST);
    let assertion = scratch.write("assertion.xml", &claims.signed(&judge.signer));
    let (_, certificate) = judge.secret.split_once(' ').expect("two parts");
    let certificate = format!("-----BEGIN CERTIFICATE-----\n{certificate}\n-----END CERTIFICATE-----\n");
    let certificate = scratch.write("ours.pem", &certificate);
    let xenc = "http://www.w3.org/2001/04/xmlenc#";
    for (cipher, session, is_taken) in [
        ("http://www.w3.org/2009/xmlenc11#aes128-gcm", "aes-128", true),
        ("http://www.w3.org/2009/xmlenc11#aes256-gcm", "aes-256", true),
        ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes-256", false),
    ] {
        let template = format!(
            "<EncryptedData xmlns=\"{xenc}\" Type=\"{xenc}Element\"><EncryptionMethod Algorithm=\"{cipher}\"/><KeyInfo \
             xmlns=\"{DS}\"><EncryptedKey xmlns=\"{xenc}\"><EncryptionMethod Algorithm=\"{xenc}rsa-oaep-mgf1p\"/><CipherData>\
             <CipherValue/></CipherData></EncryptedKey></KeyInfo><CipherData><CipherValue/></CipherData></EncryptedData>"
        );
        let template = scratch.write("template.xml", &template);
        let path = |path: &std::path::Path| path.to_str().expect("a path").to_owned();
        let encrypted = xmlsec1(&[
            "--encrypt",
            "--pubkey-cert-pem",
            &path(&certificate),
            "--session-key",
            session,
            "--xml-data",
            &path(&assertion),
            &path(&template),
        ]);
        let (_, data) = encrypted.split_once("?>").expect("a declaration");
        let holder = format!("<saml:EncryptedAssertion xmlns:saml=\"{SAML}\">{data}</saml:EncryptedAssertion>");
        let found = judge.who(claims.response("", &holder).as_bytes());
        assert_eq!(found.is_ok(), is_taken, "{cipher} {found:?}");
    }
}
