//! Two realms with the same names in them. What one gives is nothing in the other: the answer is that to a credential
//! somebody made up, and holds no word about what the first realm has.

use crate::ground::{Ground, door, now, request};
use crate::issue::Shown;
use crate::kinds::{Kind, Life, life};
use crate::places::Place;
use crate::routes::ADMIN;
use crate::{alive, attempt, listed};
use aws_lc_rs::rand::{SecureRandom as _, SystemRandom};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_tests::field;
use doorward_tests::proof::Holder;
use doorward_web::routes::{Access, Route, Site, table};
use serde_json::{Value, json};

/// What somebody would make up who has none. Anybody can sign a proof of possession; they just have another key.
fn invented(kind: Kind, from: &Ground<'_>, value: &str) -> String {
    match kind {
        Kind::DpopProof => Holder::default().proof("POST", &from.endpoint("token"), now(), &[]),
        _ => made_up(value),
    }
}

/// A text of the same form that nobody gave out.
fn made_up(value: &str) -> String {
    let parts: Vec<&str> = value.split('.').collect();
    if let ([head, claims, signature], true) = (&parts[..], value.starts_with("ey") && !value.contains(".dwr_")) {
        let decoded = URL_SAFE_NO_PAD.decode(head).expect("base64url");
        let mut header: Value = serde_json::from_slice(&decoded).expect("JSON");
        if let Some(kid) = header.get("kid").and_then(Value::as_str).map(respelled) {
            header["kid"] = json!(kid);
        }
        let head = URL_SAFE_NO_PAD.encode(header.to_string());
        return format!("{head}.{claims}.{}", respelled(signature));
    }
    respelled(value)
}

/// Other letters of the same sort behind the last mark of kind.
fn respelled(value: &str) -> String {
    const ALPHABETS: [&[u8]; 4] = [
        b"0123456789abcdef",
        b"abcdefghijklmnopqrstuvwxyz234567",
        b"BCDFGHJKLMNPQRSTVWXZ",
        b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
    ];
    let keep = match value.find("dw").filter(|at| value.get(at + 3..at + 4) == Some("_")) {
        Some(at) => at + 4,
        None if value.get(3..4) == Some("_") => 4,
        None => 0,
    };
    let (kind, tail) = value.split_at(keep);
    if tail.len() == 43 || tail.len() > 60 {
        // Base64url of whole bytes: its last letter is not any.
        let mut bytes = vec![0u8; tail.len() * 3 / 4];
        SystemRandom::new().fill(&mut bytes).expect("random bytes");
        return format!("{kind}{}", URL_SAFE_NO_PAD.encode(bytes));
    }
    let fits = |letters: &&&[u8]| tail.bytes().all(|byte| !byte.is_ascii_alphanumeric() || letters.contains(&byte));
    let letters = ALPHABETS.iter().find(fits).unwrap_or(&ALPHABETS[3]);
    let mut bytes = vec![0u8; tail.len()];
    SystemRandom::new().fill(&mut bytes).expect("random bytes");
    let drawn = tail.bytes().zip(bytes).map(|(old, random)| match old.is_ascii_alphanumeric() {
        true => char::from(letters[usize::from(random) % letters.len()]),
        false => char::from(old),
    });
    format!("{kind}{}", drawn.collect::<String>())
}

/// An answer without what differs from one to the next: numbers, ids, and what was shown.
fn gist(answer: &Answer, value: &str) -> String {
    let shown = doorward_testkit::http::percent(value);
    let mut lines = vec![answer.status.to_string()];
    let is_kept = |name: &str| !["date", "content-length"].iter().any(|other| name.eq_ignore_ascii_case(other));
    lines.extend(answer.headers.iter().filter(|(name, _)| is_kept(name)).map(|(name, text)| format!("{name}: {text}")));
    lines.push(answer.text());
    masked(&lines.join("\n").replace(value, "SHOWN").replace(&shown, "SHOWN"))
}

fn masked(text: &str) -> String {
    let is_inner = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    let mut gist = String::new();
    for (number, word) in text.split_inclusive(|letter: char| !is_inner(letter)).enumerate() {
        let (body, end) = word.split_at(word.trim_end_matches(|letter| !is_inner(letter)).len());
        let is_random = !body.is_empty()
            && (body.len() >= 20 || body.starts_with("req_") || body.bytes().all(|byte| byte.is_ascii_digit()));
        gist.push_str(if is_random && number > 0 { "#" } else { body });
        gist.push_str(end);
    }
    gist
}

/// What is wrong with the answer to a credential of another realm.
fn complaint(
    whose: &Ground<'_>,
    (foreign, value): (&Answer, &str),
    (invented, made): (&Answer, &str),
) -> Option<String> {
    let (told, wanted) = (gist(foreign, value), gist(invented, made));
    if told.contains(whose.mark) {
        return Some(format!("the answer speaks of the other realm: {told:.2000}"));
    }
    let differs = told.lines().zip(wanted.lines()).find(|(one, other)| one != other);
    (told != wanted).then(|| format!("the answer is another one than to a made-up one: {differs:?}"))
}

/// A credential as somebody would show it in the other realm.
fn carried(shown: &Shown, kind: Kind, (from, to): (&Ground<'_>, &Ground<'_>)) -> Shown {
    let beside = shown.beside.replace(&format!("/realms/{}/", from.realm), &format!("/realms/{}/", to.realm));
    let mut jar = shown.jar.clone().filter(|_| {
        matches!(kind, Kind::Flow | Kind::ProviderState | Kind::Renewal | Kind::Ticket | Kind::BrowserCookie)
    });
    if let Some(jar) = &mut jar {
        let hosts = [&from.app, &to.app].map(|app| Address::parse(app).host);
        jar.cookies.retain(|cookie| cookie.name != "doorward_session");
        for cookie in jar.cookies.iter_mut().filter(|cookie| cookie.domain == hosts[0]) {
            cookie.domain.clone_from(&hosts[1]);
        }
    }
    Shown { value: shown.value.clone(), jar, beside }
}

/// Whether a call of the admin API was refused to somebody it knows, without a word about who that is.
fn is_of_administration(answer: &Answer, whose: &Ground<'_>) -> bool {
    answer.status == 403 && !answer.text().contains(whose.mark)
}

fn at_places(kind: Kind, shown: &Shown, grounds: (&Ground<'_>, &Ground<'_>)) -> Vec<String> {
    let (from, to) = grounds;
    let carried = carried(shown, kind, grounds);
    let mut wrongs = Vec::new();
    // A set-up link names no realm: it is its own.
    for place in Place::ALL.iter().filter(|place| **place != Place::Setup) {
        let made = invented(kind, from, &carried.value);
        let unknown = Shown { value: made.clone(), jar: carried.jar.clone(), beside: carried.beside.clone() };
        let shown = attempt(to, *place, kind, &carried);
        let (foreign, invented) = match shown.and_then(|one| Ok((one, attempt(to, *place, kind, &unknown)?))) {
            Ok(answers) => answers,
            Err(why) => {
                wrongs.push(why);
                continue;
            }
        };
        if *place == Place::AdminBearer && is_of_administration(&foreign, from) {
            // One realm's administrators may be let into another one: theirs is known there.
        } else if !place.refuses(&foreign) {
            wrongs.push(format!("{kind:?} at {place:?}: {} {:.300}", foreign.status, foreign.text()));
        } else if *place == Place::AccountPassword && foreign.status == invented.status {
            // The page lists the sessions of both tries.
        } else if let Some(why) = complaint(from, (&foreign, &carried.value), (&invented, &made)) {
            wrongs.push(format!("{kind:?} at {place:?}: {why}"));
        }
    }
    wrongs
}

/// Fields any of our pages or endpoints reads a credential from.
const FIELDS: [&str; 22] = [
    "access_token",
    "assertion",
    "client",
    "client_assertion",
    "client_secret",
    "code",
    "csrf",
    "device_code",
    "flow",
    "id_token_hint",
    "password",
    "rd",
    "refresh_token",
    "request",
    "request_uri",
    "session",
    "state",
    "subject_token",
    "ticket",
    "token",
    "user_code",
    "username",
];

/// How a sweep shows a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Carrier {
    /// As a bearer, in every cookie of ours, and in every field.
    Anywhere,
    /// In every field, from a page of somebody signed in to the realm.
    OwnFields,
}

/// The address of a route in a realm; `None` where the route is of no realm.
fn address(route: &Route, ground: &Ground<'_>) -> Option<String> {
    let of_default = route.path.starts_with("/application/") && ground.realm == "main";
    let client = ground.registered.rsplit('/').next().unwrap_or_default();
    let path = route.path.replace("{realm}", ground.realm).replace("{client}", client);
    let path = path.replace("{slug}", "tool").replace("{name}", "nothing.css").replace("{*path}", "x");
    let path = ["{id}", "{group}", "{role}"].iter().fold(path, |path, part| path.replace(part, "x"));
    match route.site {
        Site::App => Some(format!("{}{path}", ground.app)),
        Site::Own if route.path.contains("{realm}") || of_default => Some(format!("{}{path}", ground.door.url())),
        Site::Own => None,
    }
}

fn swept(ground: &Ground<'_>, (method, url): (&str, &str), carrier: Carrier, (value, csrf): (&str, &str)) -> Answer {
    let fields: Vec<(&str, &str)> = match carrier {
        Carrier::Anywhere => FIELDS.map(|name| (name, value)).to_vec(),
        Carrier::OwnFields => FIELDS.map(|name| (name, if name == "csrf" { csrf } else { value })).to_vec(),
    };
    let asked: Request = match method {
        "POST" if url.contains(ADMIN.0) => request("POST", url).json(&json!({})),
        "POST" => request("POST", url).form(&fields),
        _ => {
            let pairs = fields.iter().map(|(name, text)| format!("{name}={}", doorward_testkit::http::percent(text)));
            request(method, &format!("{url}?{}", pairs.collect::<Vec<_>>().join("&")))
        }
    };
    match carrier {
        Carrier::OwnFields => ground.jar.clone().send(asked),
        Carrier::Anywhere => {
            let own = ["session", "browser", "device", "shared"].map(|name| format!("doorward_{name}"));
            let names = own.iter().chain(&ground.pass_names);
            let cookies: Vec<String> = names.map(|name| format!("{name}={value}")).collect();
            asked.header("Cookie", cookies.join("; ")).header("Authorization", format!("Bearer {value}")).send()
        }
    }
}

/// Passes over the line that takes a made-up session back on the sign-in page. A session of another realm stays: else any
/// link to this realm would sign its person out of that one. Whoever has its cookie learns no more than at home.
fn leave_taking_back(invented: &mut Answer) {
    let count = invented.headers.len();
    invented
        .headers
        .retain(|(name, value)| !(name.eq_ignore_ascii_case("set-cookie") && value.starts_with("doorward_session=;")));
    assert_eq!(invented.headers.len(), count - 1, "{:?}", invented.headers);
}

/// What is wrong with what a route answers to a credential of another realm.
fn judged(
    kind: Kind,
    (route, method, url): (&Route, &str, &str),
    (carrier, csrf): (Carrier, &str),
    (from, to, shown): (&Ground<'_>, &Ground<'_>, &Shown),
) -> Option<String> {
    let made = invented(kind, from, &shown.value);
    let foreign = swept(to, (method, url), carrier, (&shown.value, csrf));
    let mut invented = swept(to, (method, url), carrier, (&made, csrf));
    if kind == Kind::SessionCookie && (method, route.path) == ("GET", "/realms/{realm}/sign-in") {
        leave_taking_back(&mut invented);
    }
    match foreign.status {
        500.. => Some(format!("{}", foreign.status)),
        403 if route.path.starts_with(ADMIN.0) && is_of_administration(&foreign, from) => None,
        _ => complaint(from, (&foreign, &shown.value), (&invented, &made)),
    }
}

fn at_routes(kind: Kind, shown: &Shown, (from, to): (&Ground<'_>, &Ground<'_>)) -> Vec<String> {
    let mut wrongs = Vec::new();
    let csrf = field(&to.account_page(&mut to.jar.clone()), "csrf");
    for route in table() {
        let Some(url) = address(&route, to) else { continue };
        let is_admin = route.path.starts_with(ADMIN.0);
        // The admin API looks at access tokens alone: a token of each form is enough for its many calls.
        if is_admin && !matches!(kind, Kind::AccessOfAdmin | Kind::AccessOfPerson | Kind::IdToken | Kind::SessionCookie)
        {
            continue;
        }
        let methods = if route.method == "ANY" { vec!["GET", "POST"] } else { vec![route.method] };
        // What ends sessions takes no field of these, and would end the sweep.
        let is_end = ["sign-out", "logout", "end-others"].iter().any(|word| route.path.contains(word));
        let is_own = route.access == Access::SignedIn && !is_end;
        let carriers = [Carrier::Anywhere, Carrier::OwnFields];
        for carrier in carriers.into_iter().filter(|carrier| is_own || *carrier != Carrier::OwnFields) {
            for method in &methods {
                let judge = || judged(kind, (&route, method, &url), (carrier, &csrf), (from, to, shown));
                // The list of sessions begins with the one used last, and use is noted once a minute: of two answers one
                // may lie before that and one behind, but not twice.
                let why = judge().and_then(|_| judge());
                wrongs.extend(why.map(|why| format!("{kind:?} as {carrier:?} at {method} {}: {why}", route.path)));
            }
        }
    }
    wrongs
}

fn across(from: &Ground<'_>, to: &Ground<'_>) -> Vec<String> {
    let mut wrongs = Vec::new();
    for kind in Kind::ALL {
        let shown = from.issue(*kind);
        wrongs.extend(at_places(*kind, &shown, (from, to)));
        let homes = match life(*kind) {
            Life::At(places) => &places[..1],
            Life::Signed => &[],
        };
        // Whoever shows a ticket on another host had no right to it, so it is used up.
        if *kind != Kind::Ticket {
            wrongs.extend(alive(from, *kind, homes, &shown));
        }
        wrongs.extend(at_routes(*kind, &from.issue(*kind), (from, to)));
    }
    wrongs
}

#[test]
fn gauntlet_b13_01_no_credential_of_one_realm_is_more_than_a_made_up_one_in_another() {
    let door = door(None, &[]);
    let (main, sales) = (Ground::new(&door, "main", "ashen"), Ground::new(&door, "sales", "birch"));
    let mut wrongs = across(&main, &sales);
    wrongs.extend(across(&sales, &main));
    assert!(wrongs.is_empty(), "{} wrong:\n{}", wrongs.len(), listed(&wrongs));
}

#[test]
fn what_is_made_up_has_the_form_of_what_is_not() {
    for value in ["ses_abcdefghijklmnopqrstuvwx23", "BCDF-GHJK", "dwo_9vLJ0Zk4-_x", "0123abcd", "urn:x:dwq_Ab1"] {
        let made = made_up(value);
        let form = |text: &str| text.chars().map(|letter| letter.is_ascii_alphanumeric()).collect::<Vec<_>>();
        assert!(made != value && form(&made) == form(value), "{value}: {made}");
    }
    assert!(made_up("urn:x:dwq_Abcdefgh1").starts_with("urn:x:dwq_"));
    assert_eq!(masked("a req_123x, ses_abcdefghijklmnopqrstuvwx23; 17 b"), "a #, #; # b");
}
