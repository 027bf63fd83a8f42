//! A browser for the suites: headless Chromium behind chromedriver, one of each per value, both ended on drop.
//! Blocking; waits look at the page until it is as wanted. What the browser saw on the network: `observe`.
//! W3C WebDriver; `goog/cdp/execute` and the performance log are chromedriver's own.

mod observe;

use std::cell::RefCell;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

pub use observe::{Frame, Response};

use crate::encoding::from_base64;
use crate::http::Request;
use crate::limits;
use crate::ports::free_port;
use crate::process::{Process, poll};
use crate::scratch::Scratch;
use crate::tools;

/// The key under which WebDriver names an element (W3C WebDriver §11).
const ELEMENT_KEY: &str = "element-6066-11e4-a52e-4f735466cecf";

/// The Tab key for [`Browser::press`].
pub const KEY_TAB: &str = "\u{E004}";
/// The Enter key for [`Browser::press`].
pub const KEY_ENTER: &str = "\u{E007}";
/// The Escape key for [`Browser::press`].
pub const KEY_ESCAPE: &str = "\u{E00C}";

/// The colour scheme a page is told the person prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark text on a light page.
    Light,
    /// Light text on a dark page.
    Dark,
}

/// An element of the current page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element(String);

impl Element {
    fn from(value: &Value) -> Option<Element> {
        Some(Element(value.get(ELEMENT_KEY)?.as_str()?.to_owned()))
    }

    /// As a script argument.
    pub fn as_argument(&self) -> Value {
        json!({ ELEMENT_KEY: self.0 })
    }
}

/// What the browser answered instead of doing it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// WebDriver's short word, such as `no such element`.
    pub error: String,
    /// Its sentence.
    pub message: String,
}

/// One rule of axe-core that the page breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Rule, such as `color-contrast`.
    pub rule: String,
    /// `minor`, `moderate`, `serious`, `critical`.
    pub impact: String,
    /// What to do about it.
    pub help: String,
    /// The elements concerned: selector and what failed.
    pub places: Vec<String>,
}

/// A headless browser with an empty profile.
pub struct Browser {
    base: String,
    events: RefCell<Vec<Value>>,
    // Ended in this order: the driver with its browser, then the profile on disk.
    driver: Process,
    scratch: Scratch,
}

impl Browser {
    /// Starts chromedriver on a free port and opens one window of 1280 by 900.
    ///
    /// # Panics
    /// When the browser does not start.
    pub fn start() -> Browser {
        Browser::start_with(&[])
    }

    /// As [`Browser::start`], with these variables in its environment.
    ///
    /// # Panics
    /// When the browser does not start.
    pub fn start_with(environment: &[(&str, PathBuf)]) -> Browser {
        let scratch = Scratch::new("browser");
        let port = free_port();
        let mut command = Command::new(tools::debian_program("chromedriver"));
        command.arg(format!("--port={port}")).envs(environment.iter().map(|(name, value)| (name, value)));
        let mut driver = Process::start("chromedriver", command, &scratch.join("chromedriver.log"));
        driver.wait_port(port, limits::PEER_START);
        let root = format!("http://127.0.0.1:{port}");
        let wanted = capabilities(&guarded_chromium(&scratch), &scratch.join("profile"));
        let session = command_to(&root, "POST", "/session", &wanted)
            .unwrap_or_else(|refusal| panic!("no browser session: {refusal:?}\n{}", driver.tail()));
        let id = session.get("sessionId").and_then(Value::as_str).expect("a session has an id").to_owned();
        let browser = Browser { base: format!("{root}/session/{id}"), events: RefCell::default(), driver, scratch };
        browser.command("POST", "/timeouts", &json!({"pageLoad": 60_000, "script": 60_000, "implicit": 0}));
        browser.set_window_size(1280, 900);
        browser
    }

    /// Sends a WebDriver command of this session.
    ///
    /// # Errors
    /// The browser's refusal.
    pub fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, Refusal> {
        command_to(&self.base, method, path, body)
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        self.try_command(method, path, body)
            .unwrap_or_else(|refusal| panic!("{method} {path}: {}: {}", refusal.error, refusal.message))
    }

    fn word(&self, path: &str) -> String {
        self.command("GET", path, &Value::Null).as_str().unwrap_or_default().to_owned()
    }

    /// Sends a command of Chromium's own protocol.
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn devtools(&self, name: &str, parameters: &Value) -> Value {
        self.command("POST", "/goog/cdp/execute", &json!({"cmd": name, "params": parameters}))
    }

    /// Opens an address and waits until the page is loaded.
    ///
    /// # Panics
    /// When it cannot be reached.
    pub fn goto(&self, url: &str) {
        self.command("POST", "/url", &json!({ "url": url }));
    }

    /// Opens an address that may not be reachable.
    ///
    /// # Errors
    /// The browser's refusal.
    pub fn try_goto(&self, url: &str) -> Result<(), Refusal> {
        self.try_command("POST", "/url", &json!({ "url": url })).map(|_| ())
    }

    /// The address shown.
    pub fn url(&self) -> String {
        self.word("/url")
    }

    /// The page's title.
    pub fn title(&self) -> String {
        self.word("/title")
    }

    /// The page as it is now, as HTML.
    pub fn source(&self) -> String {
        self.word("/source")
    }

    /// Goes one page back.
    pub fn back(&self) {
        self.command("POST", "/back", &json!({}));
    }

    /// Loads the page again.
    pub fn refresh(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// The first element a CSS selector finds now.
    pub fn try_find(&self, css: &str) -> Option<Element> {
        let found = self.try_command("POST", "/element", &json!({"using": "css selector", "value": css}));
        found.ok().and_then(|value| Element::from(&value))
    }

    /// The first element a CSS selector finds now.
    ///
    /// # Panics
    /// When there is none; use [`Browser::wait_for`] for what appears later.
    pub fn find(&self, css: &str) -> Element {
        self.try_find(css).unwrap_or_else(|| self.fail(&format!("no element fits {css}")))
    }

    /// All elements a CSS selector finds now.
    pub fn find_all(&self, css: &str) -> Vec<Element> {
        let found = self.command("POST", "/elements", &json!({"using": "css selector", "value": css}));
        found.as_array().into_iter().flatten().filter_map(Element::from).collect()
    }

    /// Waits for an element; the usual limit is [`limits::BROWSER_WAIT`].
    ///
    /// # Panics
    /// When it does not appear within `limit`.
    pub fn wait_for(&self, css: &str, limit: Duration) -> Element {
        poll(limit, || self.try_find(css))
            .unwrap_or_else(|| self.fail(&format!("no element fits {css} after {limit:?}")))
    }

    /// Waits until a script body (`return …`) gives something true.
    ///
    /// # Panics
    /// When it does not within `limit`.
    pub fn wait_until_js(&self, script: &str, limit: Duration) -> Value {
        let ask = || {
            let value = self.try_execute(script, &[]).ok()?;
            let is_false = value.is_null() || (value == json!(false)) || (value == json!(0)) || (value == json!(""));
            if is_false { None } else { Some(value) }
        };
        poll(limit, ask).unwrap_or_else(|| self.fail(&format!("not true after {limit:?}: {script}")))
    }

    /// Waits until the page's visible text holds these words.
    ///
    /// # Panics
    /// When it does not within the usual limit.
    pub fn wait_for_text(&self, words: &str) {
        let has_words = || if self.page_text().contains(words) { Some(()) } else { None };
        if poll(limits::BROWSER_WAIT, has_words).is_none() {
            self.fail(&format!("the page never showed {words:?}"));
        }
    }

    /// Waits until the address shown holds these words.
    ///
    /// # Panics
    /// When it does not within the usual limit.
    pub fn wait_for_url(&self, words: &str) {
        let has_words = || if self.url().contains(words) { Some(()) } else { None };
        if poll(limits::BROWSER_WAIT, has_words).is_none() {
            self.fail(&format!("the address never held {words:?}"));
        }
    }

    /// The visible text of the whole page.
    pub fn page_text(&self) -> String {
        let text = self.try_execute("return document.body ? document.body.innerText : ''", &[]);
        text.ok().and_then(|text| text.as_str().map(str::to_owned)).unwrap_or_default()
    }

    /// Clicks an element.
    ///
    /// # Panics
    /// When it cannot be clicked.
    pub fn click(&self, element: &Element) {
        self.command("POST", &format!("/element/{}/click", element.0), &json!({}));
    }

    /// Types into an element.
    ///
    /// # Panics
    /// When it takes no keys.
    pub fn type_text(&self, element: &Element, text: &str) {
        self.command("POST", &format!("/element/{}/value", element.0), &json!({ "text": text }));
    }

    /// Empties a field.
    ///
    /// # Panics
    /// When it is not a field.
    pub fn clear(&self, element: &Element) {
        self.command("POST", &format!("/element/{}/clear", element.0), &json!({}));
    }

    /// Fills the field a selector finds: empties it, then types.
    ///
    /// # Panics
    /// When there is no such field.
    pub fn fill(&self, css: &str, text: &str) {
        let field = self.wait_for(css, limits::BROWSER_WAIT);
        self.clear(&field);
        self.type_text(&field, text);
    }

    /// Clicks what a selector finds, waiting for it.
    ///
    /// # Panics
    /// When it does not appear.
    pub fn press_on(&self, css: &str) {
        let element = self.wait_for(css, limits::BROWSER_WAIT);
        self.click(&element);
    }

    /// Presses one key with the focus where it is ([`KEY_TAB`] and its like, or a character).
    ///
    /// # Panics
    /// When the browser refuses.
    pub fn press(&self, key: &str) {
        let strokes = json!([{"type": "keyDown", "value": key}, {"type": "keyUp", "value": key}]);
        let actions = json!({"actions": [{"type": "key", "id": "keyboard", "actions": strokes}]});
        self.command("POST", "/actions", &actions);
    }

    /// The visible text of an element.
    ///
    /// # Panics
    /// When the element is gone.
    pub fn text(&self, element: &Element) -> String {
        self.word(&format!("/element/{}/text", element.0))
    }

    /// An attribute of an element, as in the page's source.
    ///
    /// # Panics
    /// When the element is gone.
    pub fn attribute(&self, element: &Element, name: &str) -> Option<String> {
        let value = self.command("GET", &format!("/element/{}/attribute/{name}", element.0), &Value::Null);
        value.as_str().map(str::to_owned)
    }

    /// Runs a script body; `arguments` are `arguments[0]` and so on, the result is what it returns.
    ///
    /// # Errors
    /// The browser's refusal, such as an exception in the script.
    pub fn try_execute(&self, script: &str, arguments: &[Value]) -> Result<Value, Refusal> {
        self.try_command("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// As [`Browser::try_execute`].
    ///
    /// # Panics
    /// When the script fails.
    pub fn execute(&self, script: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/sync", &json!({"script": script, "args": arguments}))
    }

    /// Runs a script body whose last argument is the function to call with the result.
    ///
    /// # Panics
    /// When the script fails or does not call it.
    pub fn execute_async(&self, script: &str, arguments: &[Value]) -> Value {
        self.command("POST", "/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// The cookies the current page would send, as WebDriver describes them (`name`, `value`, `domain`, `httpOnly`, …).
    pub fn cookies(&self) -> Vec<Value> {
        self.command("GET", "/cookie", &Value::Null).as_array().cloned().unwrap_or_default()
    }

    /// Forgets the cookies of the current page.
    pub fn delete_cookies(&self) {
        self.command("DELETE", "/cookie", &Value::Null);
    }

    /// Sets the window's outer size in CSS pixels.
    pub fn set_window_size(&self, width: u32, height: u32) {
        self.command("POST", "/window/rect", &json!({"width": width, "height": height}));
    }

    /// Makes the page as wide as a telephone or any other device; a headless window alone is never that narrow.
    pub fn emulate_device(&self, width: u32, height: u32) {
        let device = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600});
        self.devtools("Emulation.setDeviceMetricsOverride", &device);
    }

    /// Back to the window's own size.
    pub fn stop_emulating_device(&self) {
        self.devtools("Emulation.clearDeviceMetricsOverride", &json!({}));
    }

    /// Tells pages which colour scheme the person prefers.
    pub fn emulate_scheme(&self, scheme: Scheme) {
        let value = match scheme {
            Scheme::Light => "light",
            Scheme::Dark => "dark",
        };
        let features = json!({"features": [{"name": "prefers-color-scheme", "value": value}]});
        self.devtools("Emulation.setEmulatedMedia", &features);
    }

    /// Writes a picture of the visible part of the page (PNG).
    ///
    /// # Panics
    /// When it cannot be taken or written.
    pub fn screenshot(&self, path: &Path) {
        let picture = from_base64(&self.word("/screenshot")).expect("a screenshot is base64");
        if let Some(folder) = path.parent() {
            let _ = std::fs::create_dir_all(folder);
        }
        std::fs::write(path, picture).unwrap_or_else(|error| panic!("cannot write {}: {error}", path.display()));
    }

    /// Checks the page with axe-core; `tags` such as `wcag2a`, `wcag2aa`, `wcag22aa`, or none for every rule.
    ///
    /// # Panics
    /// When axe-core is not installed or does not run.
    pub fn axe(&self, tags: &[&str]) -> Vec<Violation> {
        let script = tools::axe_script();
        let text = std::fs::read_to_string(&script)
            .unwrap_or_else(|error| panic!("{}: {error}; run `cargo xtask setup`", script.display()));
        self.execute(&text, &[]);
        let run = "const [tags, done] = arguments; \
            const options = tags.length ? {runOnly: {type: 'tag', values: tags}} : {}; \
            axe.run(document, options).then(found => done({violations: found.violations.map(v => ({ \
                rule: v.id, impact: v.impact || '', help: v.help, \
                places: v.nodes.map(n => n.target.join(' ') + ': ' + n.failureSummary)}))}), \
              error => done({error: String(error)}));";
        let found = self.execute_async(run, &[json!(tags)]);
        let Some(violations) = found.get("violations").and_then(Value::as_array) else {
            panic!("axe-core did not run: {found}");
        };
        violations.iter().map(violation).collect()
    }

    /// Resident memory of the driver and the browser, in KiB.
    pub fn resident_kib(&self) -> u64 {
        self.driver.family_resident_kib()
    }

    /// Ends the test with the state of the page: address, title, visible text, and a picture in the scratch directory.
    fn fail(&self, what: &str) -> ! {
        let picture: PathBuf = self.scratch.join("failure.png");
        if let Some(bytes) = self.try_command("GET", "/screenshot", &Value::Null).ok().as_ref().and_then(Value::as_str)
        {
            let _ = std::fs::write(&picture, from_base64(bytes).unwrap_or_default());
        }
        let text: String = self.page_text().chars().take(1500).collect();
        panic!("{what}\nat {} ({:?}), picture {}\n{text}", self.url(), self.title(), picture.display());
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Lets Chromium end by itself; the driver and what is left are ended after.
        let _ = self.try_command("DELETE", "", &Value::Null);
    }
}

fn violation(found: &Value) -> Violation {
    let word = |name: &str| found.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let places = found.get("places").and_then(Value::as_array).into_iter().flatten();
    Violation {
        rule: word("rule"),
        impact: word("impact"),
        help: word("help"),
        places: places.filter_map(|place| place.as_str().map(str::to_owned)).collect(),
    }
}

/// A script that starts Chromium so that it ends with the driver, should the tests be killed before they can say so.
fn guarded_chromium(scratch: &Scratch) -> PathBuf {
    let chromium = tools::debian_program("chromium");
    let script = format!("#!/bin/sh\nexec setpriv --pdeathsig TERM -- {} \"$@\"\n", chromium.display());
    let path = scratch.write("chromium", &script);
    let made = std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755));
    made.unwrap_or_else(|error| panic!("cannot make {} a program: {error}", path.display()));
    path
}

fn capabilities(program: &Path, profile: &Path) -> Value {
    let arguments = [
        "--headless".to_owned(),
        // The suites run as root on throw-away machines, where Chromium's own sandbox refuses to start.
        "--no-sandbox".to_owned(),
        "--disable-gpu".to_owned(),
        "--disable-dev-shm-usage".to_owned(),
        "--disable-quic".to_owned(),
        "--no-first-run".to_owned(),
        "--disable-background-networking".to_owned(),
        "--disable-component-update".to_owned(),
        "--disable-sync".to_owned(),
        "--disable-breakpad".to_owned(),
        "--lang=en-US".to_owned(),
        "--force-prefers-reduced-motion".to_owned(),
        "--host-resolver-rules=MAP *.localhost 127.0.0.1".to_owned(),
        format!("--user-data-dir={}", profile.display()),
    ];
    let options = json!({"binary": program.display().to_string(), "args": arguments, "perfLoggingPrefs": {"enableNetwork": true, "enablePage": false}});
    let logs = json!({"performance": "ALL", "browser": "ALL"});
    json!({"capabilities": {"alwaysMatch": {
        "browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": logs, "acceptInsecureCerts": true,
    }}})
}

fn command_to(base: &str, method: &str, path: &str, body: &Value) -> Result<Value, Refusal> {
    let mut request = Request::new(method, &format!("{base}{path}")).within(limits::BROWSER_COMMAND);
    if !body.is_null() {
        request = request.json(body);
    }
    let lost = |error: std::io::Error| Refusal { error: "no answer".to_owned(), message: error.to_string() };
    let answer = request.try_send().map_err(lost)?;
    let mut told: Value = serde_json::from_slice(&answer.body)
        .map_err(|error| Refusal { error: "not JSON".to_owned(), message: format!("{error}: {}", answer.text()) })?;
    let value = told.get_mut("value").map(Value::take).unwrap_or_default();
    if answer.status == 200 {
        return Ok(value);
    }
    let word = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Err(Refusal { error: word("error"), message: word("message") })
}
