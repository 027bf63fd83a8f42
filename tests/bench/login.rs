//! A whole sign-in through the form, one after the other, against Argon2id alone with the same parameters.

use crate::figure::{Budget, Figure, median, paired};
use crate::limits;
use doorward_engine::passwords::Hasher;
use doorward_model::id::RealmId;
use doorward_model::secret::Password;
use doorward_testkit::door::Door;
use doorward_testkit::http::{Address, Answer, Request};
use doorward_testkit::jar::Jar;
use doorward_tests::{PASSWORD, action, door, field, page_request, user};
use doorward_world::World;
use std::io::{BufReader, Write as _};
use std::net::{Ipv4Addr, TcpStream};
use std::time::Instant;

/// `bench login`
pub fn run() -> bool {
    let door = door();
    user(&door, "ada");
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let hasher = Hasher::new();
    let world = World::real();
    let realm = RealmId::draw(&**world.dice());
    let hash = runtime.block_on(hasher.hash(password(), &**world.dice())).expect("a hash");
    let verify = || {
        let begun = Instant::now();
        let outcome = runtime.block_on(hasher.verify(&realm, password(), Some(&hash)));
        assert!(outcome.expect("a free core"), "the right password is refused");
        begun.elapsed().as_secs_f64() * 1e3
    };
    // The first ones touch memory and files for the first time.
    for _ in 0..3 {
        sign_in(&door);
        verify();
    }
    let (mut whole, mut alone) = (Vec::new(), Vec::new());
    for _ in 0..limits::SIGN_INS {
        whole.push(sign_in(&door));
        alone.push(verify());
    }
    let budget = Budget::RatioMax(limits::LOGIN_RATIO_MAX);
    let (value, baseline) = (median(&whole), Some(median(&alone)));
    let ratio = Some(paired(&whole, &alone));
    Figure { bench: "login", figure: "sign-in against Argon2id alone", value, unit: "ms", baseline, ratio, budget }
        .tell()
}

fn password() -> Password {
    Password::presented(PASSWORD).expect("a password")
}

/// Opens the page as a new browser and posts the form over the same connection, as browsers do; gives the time of the post in
/// milliseconds.
fn sign_in(door: &Door) -> f64 {
    let mut jar = Jar::new();
    let hops = jar.follow(page_request(&door.url()));
    let url = hops.last().expect("a hop").url.clone();
    let mut line = Line::open(door);
    let html = line.ask(&mut jar, page_request(&url)).text();
    let target = Address::parse(&url).join(&action(&html));
    let (flow, csrf) = (field(&html, "flow"), field(&html, "csrf"));
    let form = [("login", "ada"), ("password", PASSWORD), ("flow", flow.as_str()), ("csrf", csrf.as_str())];
    let request = Request::new("POST", &target).header("Accept", "text/html").form(&form);
    let begun = Instant::now();
    let answer = line.ask(&mut jar, request);
    let took = begun.elapsed().as_secs_f64() * 1e3;
    assert!(matches!(answer.status, 200 | 302 | 303), "the sign-in is refused: {} {}", answer.status, answer.text());
    assert!(jar.cookies.iter().any(|cookie| cookie.name.contains("session")), "no session after the sign-in");
    took
}

/// A browser's connection.
struct Line(BufReader<TcpStream>);

impl Line {
    fn open(door: &Door) -> Self {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port())).expect("a server that listens");
        stream.set_nodelay(true).expect("a socket option");
        Self(BufReader::new(stream))
    }

    fn ask(&mut self, jar: &mut Jar, request: Request) -> Answer {
        let url = request.url();
        let cookies = jar.header_for(&url).unwrap_or_default();
        let request = request.header("Cookie", cookies).header("Connection", "keep-alive");
        self.0.get_mut().write_all(&request.bytes()).expect("a connection that stays open");
        let answer = Answer::read(&mut self.0, false).expect("an answer");
        jar.store(&url, &answer);
        answer
    }
}
