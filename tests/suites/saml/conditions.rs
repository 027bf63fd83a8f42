//! Hostile answers whose signatures are genuine: what they say is not for us, not now, or not for this browser.

use crate::forge::{COMPANY, Claims, Recipe, SAMLP, at, audience, signature};
use crate::hostile::{Forger, Rows};

impl Forger<'_> {
    /// Genuine signatures under what is not for us, not now, or not for this browser.
    pub fn odd_conditions(&self) -> Rows {
        let with = |change: &dyn Fn(&mut Claims)| {
            let mut claims = self.claims();
            change(&mut claims);
            claims.genuine(self.signer)
        };
        let other = "https://other.example/acs";
        let text = |text: &str| text.to_owned();
        let plain = |from: &str, to: &str| {
            // Signed after the change.
            let claims = self.claims();
            let changed = claims.assertion("").replace(from, to);
            let made = signature((&claims.id, &changed), self.signer, &Recipe::default());
            claims.response("", &changed.replace("</saml:Issuer>", &format!("</saml:Issuer>{made}")))
        };
        let one_time = "<saml:Condition></saml:Condition>";
        vec![
            ("another issuer", with(&|c| c.issuer = text("https://other.example/idp"))),
            ("another issuer of the assertion", {
                let claims = self.claims();
                let inner = Claims { issuer: text("https://other.example/idp"), ..claims.clone() }.signed(self.signer);
                claims.response("", &inner)
            }),
            ("another issuer of the response", {
                let claims = self.claims();
                Claims { issuer: text("https://other.example/idp"), ..claims.clone() }
                    .response("", &claims.signed(self.signer))
            }),
            ("no issuer", plain(&format!("<saml:Issuer>{COMPANY}</saml:Issuer>"), "<saml:Issuer></saml:Issuer>")),
            ("another destination", with(&|c| c.destination = text(other))),
            (
                "no destination",
                self.claims().genuine(self.signer).replace(&format!(" Destination=\"{}\"", self.endpoint), ""),
            ),
            ("destination with a slash", with(&|c| c.destination.push('/'))),
            ("another recipient", with(&|c| c.recipient = text(other))),
            ("no recipient", plain(&format!(" Recipient=\"{}\"", self.endpoint), "")),
            ("another audience", with(&|c| c.audiences = audience(&[other]))),
            ("two audiences without ours", with(&|c| c.audiences = audience(&[other, COMPANY]))),
            ("empty audience", with(&|c| c.audiences = audience(&[""]))),
            ("empty restriction", with(&|c| c.audiences = audience(&[]))),
            ("no audience", with(&|c| c.audiences = String::new())),
            (
                "two restrictions, one without us",
                with(&|c| c.audiences = format!("{}{}", audience(&[self.endpoint]), audience(&[other]))),
            ),
            ("prefix of our name", with(&|c| c.audiences = audience(&[&format!("{}x", self.endpoint)]))),
            ("unknown condition", with(&|c| c.audiences.push_str(one_time))),
            (
                "another request",
                with(&|c| {
                    c.request = Some(text("_other"));
                    c.response_request = Some(text("_other"));
                }),
            ),
            ("another request of the response", with(&|c| c.response_request = Some(text("_other")))),
            ("another request of the assertion", with(&|c| c.request = Some(text("_other")))),
            (
                "no request",
                with(&|c| {
                    c.request = None;
                    c.response_request = None;
                }),
            ),
            ("no request of the assertion", with(&|c| c.request = None)),
            (
                "empty request",
                with(&|c| {
                    c.request = Some(String::new());
                    c.response_request = Some(String::new());
                }),
            ),
            ("confirmation over", with(&|c| c.confirmed_until = Some(at(-61)))),
            ("confirmation without an end", with(&|c| c.confirmed_until = None)),
            ("confirmation without sense", with(&|c| c.confirmed_until = Some(text("tomorrow")))),
            ("conditions over", with(&|c| c.until = Some(at(-61)))),
            ("conditions not begun", with(&|c| c.from = at(65))),
            ("conditions without sense", with(&|c| c.from = String::new())),
            (
                "good for days",
                with(&|c| {
                    c.confirmed_until = Some(at(172_800));
                    c.until = Some(at(172_800));
                }),
            ),
            ("local time", with(&|c| c.until = Some(at(120).replace('Z', "+00:00")))),
            ("not a bearer", with(&|c| c.method = text("urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"))),
            ("holder of key", with(&|c| c.method = text("urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"))),
            ("made in the future", with(&|c| c.issued = at(120))),
            ("made at no time", plain(" IssueInstant=", " Issued=")),
            ("an answer without an id", {
                let claims = self.claims();
                claims.genuine(self.signer).replace(&format!(" ID=\"{}\"", claims.response_id), "")
            }),
            ("an answer of no time", self.claims().genuine(self.signer).replacen(" IssueInstant=", " Issued=", 1)),
            (
                "an issuer that is no provider",
                plain("<saml:Issuer>", "<saml:Issuer Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">"),
            ),
            ("proved in the future", with(&|c| c.proved_at = at(120))),
            ("proved at no time", with(&|c| c.proved_at = String::new())),
            ("session over", with(&|c| c.session_until = Some(at(-1)))),
            ("refused", with(&|c| c.status = text("urn:oasis:names:tc:SAML:2.0:status:Responder"))),
            ("refused inside", with(&|c| c.status = text("urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"))),
            ("no status", self.claims().genuine(self.signer).replace("samlp:StatusCode", "samlp:Stat")),
            ("transient name", with(&|c| c.format = text("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"))),
            ("unspecified name", with(&|c| c.format = text("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"))),
            ("email name", with(&|c| c.format = text("urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"))),
            ("empty name", with(&|c| c.subject = String::new())),
            ("name with spaces around", with(&|c| c.subject = text(" ada"))),
            (
                "name of another party",
                plain(">ada</saml:NameID>", &format!(" SPNameQualifier=\"{other}\">ada</saml:NameID>")),
            ),
            (
                "name by another provider",
                plain(">ada</saml:NameID>", &format!(" NameQualifier=\"{other}\">ada</saml:NameID>")),
            ),
            ("two names", plain("</saml:NameID>", "</saml:NameID><saml:NameID>boss</saml:NameID>")),
            (
                "two subjects",
                plain("</saml:Subject>", "</saml:Subject><saml:Subject><saml:NameID>boss</saml:NameID></saml:Subject>"),
            ),
            (
                "two statements",
                with(&|c| c.more = format!("<saml:AuthnStatement AuthnInstant=\"{}\"></saml:AuthnStatement>", at(0))),
            ),
            (
                "encrypted attribute",
                with(&|c| {
                    c.more = text(
                        "<saml:AttributeStatement><saml:EncryptedAttribute></saml:EncryptedAttribute></saml:AttributeStatement>",
                    )
                }),
            ),
            ("version 1.1", plain(" Version=\"2.0\"", " Version=\"1.1\"")),
            ("a request", self.claims().genuine(self.signer).replace("samlp:Response", "samlp:AuthnRequest")),
            ("a logout answer", self.claims().genuine(self.signer).replace("samlp:Response", "samlp:LogoutResponse")),
            ("response of another namespace", self.claims().genuine(self.signer).replacen(SAMLP, "urn:evil", 1)),
        ]
    }
}
