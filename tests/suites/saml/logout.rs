//! Signing out together with the company: from here, from there, and not on anybody else's word.

use crate::forge::{COMPANY, Claims, Recipe, SAML, SAMLP, SIGN_OUT, Signer, at, signature};
use crate::ground::{Ground, attribute, unpacked};
use crate::{come, real};
use doorward_testkit::encoding::base64;
use doorward_testkit::http::{Answer, Request, percent};
use doorward_testkit::jar::Jar;
use doorward_testkit::webdriver::Browser;
use doorward_tests::{field, page_request};
use miniz_oxide::deflate::compress_to_vec;
use serde_json::Value;
use std::time::Duration;

#[test]
fn who_signs_out_here_is_out_at_simplesamlphp_and_the_other_way_round() {
    let (ground, company) = real(&["--single-logout"], &Value::Null);
    let browser = Browser::start();
    come(&ground, &browser, ("ada", "ada-there"), "tool.localhost");
    browser.goto(&format!("{}/realms/main/sign-out", ground.door.url()));
    browser.press_on("form button");
    browser.wait_for_url("/signed-out");
    // There too: whoever comes again has to say who they are.
    come(&ground, &browser, ("ada", "ada-there"), "tool.localhost");
    // And from there.
    browser.goto(
        &company.url(&format!("/saml2/idp/SingleLogoutService.php?ReturnTo={}", percent(&company.url("/index.php")))),
    );
    let over = || {
        browser.goto(&ground.tool_url("/again"));
        browser.url().contains("/sign-in")
    };
    doorward_testkit::process::wait_until("the session to be over here too", Duration::from_secs(20), over);
}

/// Ada, signed in, and what the company sends of her.
pub struct Parted {
    pub ground: Ground,
    pub signer: Signer,
    pub jar: Jar,
}

impl Parted {
    /// With ada signed in.
    pub fn new(words: &[&str]) -> Parted {
        let (ground, signer) = Ground::forged(words);
        let mut parted = Parted { ground, signer, jar: Jar::new() };
        parted.jar = parted.come("session-of-ada");
        parted
    }

    /// Lets ada in once more.
    pub fn come(&self, session: &str) -> Jar {
        let mut asked = self.ground.ask("company");
        let mut claims = Claims::new(&self.ground.endpoint("company"), &asked.id);
        session.clone_into(&mut claims.session);
        let end = self.ground.bring(&mut asked.jar, "company", &claims.genuine(&self.signer));
        assert_eq!(end.answer.status, 200, "{}", end.answer.text());
        asked.jar
    }

    /// Whether ada is in, in the browser she came in first.
    pub fn is_in(&mut self) -> bool {
        self.ground.is_in(&mut self.jar)
    }

    /// Sends a query as a browser without cookies would.
    pub fn by_query(&self, query: &str) -> Answer {
        page_request(&format!("{}?{query}", self.ground.endpoint("company"))).send()
    }

    /// Sends a form as a browser without cookies would.
    pub fn by_form(&self, message: &str) -> Answer {
        let packed = base64(message.as_bytes());
        Request::new("POST", &self.ground.endpoint("company")).form(&[("SAMLRequest", &packed)]).send()
    }

    /// A request to sign ada out.
    pub fn request(&self, id: &str) -> Asking {
        Asking::of(&self.ground, id)
    }
}

/// A request to sign somebody out.
#[derive(Clone)]
pub struct Asking {
    pub id: String,
    issuer: String,
    destination: String,
    at: String,
    until: Option<String>,
    pub name: String,
    pub session: String,
}

impl Asking {
    /// The usual one, of ada's session.
    pub fn of(ground: &Ground, id: &str) -> Asking {
        Asking {
            id: id.to_owned(),
            issuer: COMPANY.to_owned(),
            destination: ground.endpoint("company"),
            at: at(0),
            until: Some(at(60)),
            name: "ada".to_owned(),
            session: "<samlp:SessionIndex>session-of-ada</samlp:SessionIndex>".to_owned(),
        }
    }

    /// The same with other sessions.
    pub fn naming(self, session: String) -> Asking {
        Asking { session, ..self }
    }

    pub fn text(&self, signature: &str) -> String {
        let Asking { id, issuer, destination, at, name, session, .. } = self;
        let until = self.until.as_ref().map(|until| format!(" NotOnOrAfter=\"{until}\"")).unwrap_or_default();
        format!(
            "<samlp:LogoutRequest xmlns:samlp=\"{SAMLP}\" Destination=\"{destination}\" ID=\"{id}\" IssueInstant=\"{at}\"{until} \
             Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">{issuer}</saml:Issuer>{signature}<saml:NameID \
             xmlns:saml=\"{SAML}\" Format=\"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent\">{name}</saml:NameID>\
             {session}</samlp:LogoutRequest>"
        )
    }

    pub fn signed(&self, signer: &Signer) -> String {
        self.text(&signature((&self.id, &self.text("")), signer, &Recipe::default()))
    }
}

/// A query with a message, signed.
pub fn query(parameter: &str, message: &str, state: &str, signer: Option<&Signer>) -> String {
    let packed = base64(&compress_to_vec(message.as_bytes(), 6));
    let mut query = format!("{parameter}={}", percent(&packed));
    if !state.is_empty() {
        query.push_str(&format!("&RelayState={}", percent(state)));
    }
    if let Some(signer) = signer {
        query.push_str(&format!("&SigAlg={}", percent(crate::forge::RSA_SHA256)));
        query.push_str(&format!("&Signature={}", percent(&base64(&signer.sign(query.as_bytes())))));
    }
    query
}

#[test]
fn the_companys_word_ends_the_session_it_names_and_is_answered() {
    let mut parted = Parted::new(&[]);
    let mut other = parted.come("another-session");
    let answer =
        parted.by_query(&query("SAMLRequest", &parted.request("_1").text(""), "its state", Some(&parted.signer)));
    let back = answer.location().to_owned();
    assert!(
        back.starts_with(SIGN_OUT) && back.contains("RelayState=its+state") && back.contains("&Signature="),
        "{back}"
    );
    let told = unpacked(&back, "SAMLResponse");
    assert_eq!(attribute(&told, "InResponseTo"), "_1");
    assert!(told.contains("status:Success"), "{told}");
    assert!(!parted.is_in());
    assert!(parted.ground.is_in(&mut other));
    // Signed in a form, and of everything there is.
    let everything = Asking { session: String::new(), ..parted.request("_2") };
    let answer = parted.by_form(&everything.signed(&parted.signer));
    assert!(unpacked(answer.location(), "SAMLResponse").contains("status:Success"));
    assert!(!parted.ground.is_in(&mut other));
}

#[test]
fn gauntlet_b6_16_nobody_is_signed_out_on_anybody_elses_word() {
    let mut parted = Parted::new(&[]);
    let usual = parted.request("_1");
    let stranger = Signer::new();
    let mut number = 0;
    let mut with = |change: &dyn Fn(&mut Asking)| {
        number += 1;
        let mut asking = parted.request(&format!("_odd{number}"));
        change(&mut asking);
        asking
    };
    let text = |text: &str| text.to_owned();
    let changed = [
        ("another issuer", with(&|a| a.issuer = text("https://other.example/idp"))),
        ("another destination", with(&|a| a.destination = text("https://other.example/slo"))),
        ("over", with(&|a| a.until = Some(at(-61)))),
        (
            "old",
            with(&|a| {
                a.until = None;
                a.at = at(-400);
            }),
        ),
        (
            "old, and good for long by its own word",
            with(&|a| {
                a.until = Some(at(3600));
                a.at = at(-400);
            }),
        ),
        ("from the future", with(&|a| a.at = at(120))),
        ("another session", with(&|a| a.session = text("<samlp:SessionIndex>other</samlp:SessionIndex>"))),
        ("empty session", with(&|a| a.session = text("<samlp:SessionIndex></samlp:SessionIndex>"))),
        ("somebody else with her session", with(&|a| a.name = text("bob"))),
        ("nobody", with(&|a| a.name = String::new())),
    ];
    let mut rows: Vec<(String, Answer)> = Vec::new();
    for (name, asking) in changed {
        rows.push((
            format!("{name}, query"),
            parted.by_query(&query("SAMLRequest", &asking.text(""), "", Some(&parted.signer))),
        ));
        let again = Asking { id: format!("{}-form", asking.id), ..asking };
        rows.push((format!("{name}, form"), parted.by_form(&again.signed(&parted.signer))));
    }
    let good = query("SAMLRequest", &usual.text(""), "", Some(&parted.signer));
    let response = query("SAMLResponse", &usual.text(""), "", Some(&parted.signer));
    let signed = usual.signed(&parted.signer);
    let wrapped =
        parted.request("_evil").text("").replace("</samlp:LogoutRequest>", &format!("{signed}</samlp:LogoutRequest>"));
    let moved = parted.request("_evil").text(&signature(("_1", &usual.text("")), &parted.signer, &Recipe::default()));
    let (head, tail) = good.split_once("&SigAlg").expect("a signature");
    rows.extend([
        (text("unsigned"), parted.by_query(&query("SAMLRequest", &usual.text(""), "", None))),
        (text("unsigned, form"), parted.by_form(&usual.text(""))),
        (text("a stranger's"), parted.by_query(&query("SAMLRequest", &usual.text(""), "", Some(&stranger)))),
        (text("a stranger's, form"), parted.by_form(&usual.signed(&stranger))),
        (text("wrapped"), parted.by_form(&wrapped)),
        (text("signature of another"), parted.by_form(&moved)),
        (text("as an answer"), parted.by_query(&response)),
        (text("state added"), parted.by_query(&format!("{head}&RelayState=x&SigAlg{tail}"))),
        (text("doubled"), parted.by_query(&format!("{good}&SAMLRequest=x"))),
        (text("doubled, the other first"), parted.by_query(&format!("SAMLRequest=x&{good}"))),
        (text("half a signature"), parted.by_query(head)),
        (text("of another version"), {
            let older = usual.text("").replace("Version=\"2.0\"", "Version=\"1.1\"");
            parted.by_query(&query("SAMLRequest", &older, "", Some(&parted.signer)))
        }),
        (text("nothing"), parted.by_query("")),
        (text("a sign-in answer"), parted.by_query(&query("SAMLResponse", "<a/>", "", Some(&parted.signer)))),
    ]);
    for (name, answer) in rows {
        assert!(parted.is_in(), "{name}: {} {}", answer.status, answer.text());
        let is_told = answer.status == 303 && unpacked(answer.location(), "SAMLResponse").contains("SAML");
        assert!(answer.status == 400 || answer.status == 303 && is_told, "{name}: {} {}", answer.status, answer.text());
    }
    // The same words, genuine, are heard once.
    let first = parted.by_query(&good);
    assert!(unpacked(first.location(), "SAMLResponse").contains("status:Success"), "{}", first.text());
    assert!(!parted.is_in());
    let again = parted.by_query(&good);
    assert!(unpacked(again.location(), "SAMLResponse").contains("status:Requester"), "{}", again.text());
}

#[test]
fn who_signs_out_here_is_led_to_the_company_and_back() {
    let mut parted = Parted::new(&["--single-logout"]);
    let realm = format!("{}/realms/main", parted.ground.door.url());
    let page = parted.jar.send(page_request(&format!("{realm}/sign-out")));
    let csrf = field(&page.text(), "csrf");
    let form = [("csrf", csrf.as_str())];
    let left =
        parted.jar.send(Request::new("POST", &format!("{realm}/sign-out")).header("Accept", "text/html").form(&form));
    let html = left.text();
    let way = html.split('"').find(|part| part.starts_with(SIGN_OUT)).unwrap_or_else(|| panic!("no way out in {html}"));
    let way = way.replace("&#38;", "&").replace("&amp;", "&");
    assert!(!parted.is_in());
    let asked = unpacked(&way, "SAMLRequest");
    assert!(way.contains("&Signature="), "{way}");
    assert!(asked.contains(">ada</saml:NameID>") && asked.contains(">session-of-ada</samlp:SessionIndex>"), "{asked}");
    let answer = |request: &str, status: &str| {
        let endpoint = parted.ground.endpoint("company");
        format!(
            "<samlp:LogoutResponse xmlns:samlp=\"{SAMLP}\" Destination=\"{endpoint}\" ID=\"_r\" InResponseTo=\"{request}\" \
             IssueInstant=\"{}\" Version=\"2.0\"><saml:Issuer xmlns:saml=\"{SAML}\">{COMPANY}</saml:Issuer><samlp:Status>\
             <samlp:StatusCode Value=\"urn:oasis:names:tc:SAML:2.0:status:{status}\"></samlp:StatusCode></samlp:Status>\
             </samlp:LogoutResponse>",
            at(0)
        )
    };
    let id = attribute(&asked, "ID");
    let endpoint = parted.ground.endpoint("company");
    for (name, odd) in [
        ("unsigned", query("SAMLResponse", &answer(&id, "Success"), "", None)),
        ("a stranger's", query("SAMLResponse", &answer(&id, "Success"), "", Some(&Signer::new()))),
        ("refused", query("SAMLResponse", &answer(&id, "Responder"), "", Some(&parted.signer))),
    ] {
        assert_eq!(parted.jar.send(page_request(&format!("{endpoint}?{odd}"))).status, 400, "{name}");
    }
    // An answer to another request is no answer to this one: what comes after it waits.
    let waits =
        |jar: &Jar| jar.cookies.iter().any(|cookie| cookie.name.contains("parting") && !cookie.value.is_empty());
    let other = query("SAMLResponse", &answer("_other", "Success"), "", Some(&parted.signer));
    let end = parted.jar.send(page_request(&format!("{endpoint}?{other}")));
    assert!(end.location().ends_with("/signed-out") && waits(&parted.jar), "{} {}", end.status, end.text());
    let good = query("SAMLResponse", &answer(&id, "Success"), "", Some(&parted.signer));
    let end = parted.jar.send(page_request(&format!("{endpoint}?{good}")));
    assert!(end.location().ends_with("/signed-out"), "{} {}", end.status, end.text());
    assert!(!waits(&parted.jar));
}
