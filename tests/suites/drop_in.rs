//! Configurations people already have: what the documentation of oauth2-proxy, authentik and Authelia tells
//! them to write for nginx and Traefik, host names aside, run here against Doorward with the real proxies.
#![allow(clippy::expect_used, clippy::panic, reason = "tests fail by panicking")]

use doorward_testkit::door::{Door, DoorOptions};
use doorward_testkit::echo::Echo;
use doorward_testkit::http::{Answer, Request, get};
use doorward_testkit::jar::Jar;
use doorward_testkit::limits::BROWSER_WAIT;
use doorward_testkit::peers::{Peer, nginx, nginx_around, traefik};
use doorward_testkit::ports::free_port;
use doorward_testkit::process::wait_until;
use doorward_testkit::webdriver::Browser;
use doorward_tests::{PASSWORD, door, nested_groups, page_request, sign_in_at, user, with_password};
use std::time::Duration;

/// A door with alice (in the group through nesting) and bob (not), and an app at a host and port.
struct Scene {
    door: Door,
    echo: Echo,
    url: String,
    port: u16,
    _peer: Option<Peer>,
}

fn scene_with(door: Door, host: &str) -> Scene {
    nested_groups(&door);
    for name in ["alice", "bob"] {
        user(&door, name);
    }
    door.cli_text(&["group", "add-member", "data-engineers", "alice"]);
    let (echo, port) = (Echo::start(), free_port());
    let url = format!("http://{host}:{port}");
    door.cli_text(&["app", "create", "tool", "--address", &url, "--allow", "dagster-users", "--public", "/health"]);
    Scene { door, echo, url, port, _peer: None }
}

fn scene() -> Scene {
    scene_with(door(), "tool.localhost")
}

impl Scene {
    fn behind(mut self, peer: Peer) -> Scene {
        self._peer = Some(peer);
        let probe = format!("{}/probe", self.url);
        wait_until("the route", Duration::from_secs(15), || !matches!(get(&probe).status, 404 | 502));
        self
    }

    /// Asks a gate endpoint as a proxy would, for a URL of the app.
    fn ask(&self, path: &str, jar: Option<&Jar>, headers: &[(&str, &str)]) -> Answer {
        let mut request = Request::new("GET", &format!("{}{path}", self.door.url()));
        if let Some(cookies) = jar.and_then(|jar| jar.header_for(&self.url)) {
            request = request.header("Cookie", cookies);
        }
        headers.iter().fold(request, |request, (name, value)| request.header(name, value)).send()
    }
}

/// The story every configuration must tell: a deep link, bob refused, the tool told who came.
fn tells_the_story(scene: &Scene, user_header: &str, groups: (&str, &str)) {
    let deep = format!("{}/runs/7?view=all&q=x%2Fy", scene.url);
    let (mut jar, answer, at) = sign_in_through_pages(&deep, "alice");
    assert_eq!((answer.status, at.as_str()), (200, deep.as_str()), "{}", answer.text());
    let seen = scene.echo.last();
    assert_eq!(seen.path, "/runs/7?view=all&q=x%2Fy");
    assert_eq!(seen.header(user_header), Some("alice"), "{:?}", seen.headers);
    assert_eq!(seen.header(groups.0), Some(groups.1), "{:?}", seen.headers);
    let forged =
        Request::new("GET", &format!("{}/x", scene.url)).header(user_header, "root").header(groups.0, "admins");
    assert_eq!(jar.send(forged).status, 200);
    let seen = scene.echo.last();
    assert!(seen.headers.iter().all(|(_, value)| value != "root" && value != "admins"), "{:?}", seen.headers);
    let (_, answer, _) = sign_in_through_pages(&deep, "bob");
    assert_eq!(answer.status, 403, "{}", answer.text());
    assert!(answer.text().contains("dagster-users"));
    scene.door.cli_text(&["user", "disable", "alice"]);
    assert_ne!(jar.send(Request::new("GET", &format!("{}/x", scene.url))).status, 200, "out at the next request");
}

/// As [`sign_in_at`], for configurations that show a page which goes on by itself.
fn sign_in_through_pages(url: &str, name: &str) -> (Jar, Answer, String) {
    let mut jar = Jar::new();
    let page = jar.follow(page_request(url)).pop().expect("a page");
    let text = page.answer.text();
    let Some(rest) = text.split("http-equiv=\"refresh\"").nth(1) else { return sign_in_at(url, name) };
    let link = rest.split("url=").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    let link = link.replace("&amp;", "&").replace("&#38;", "&");
    sign_in_at(&link, name)
}

fn oauth2_proxy_on_nginx(scene: &Scene, error_page: &str) -> String {
    let (door, port, upstream) = (scene.door.port(), scene.port, scene.echo.port());
    nginx_around(&format!(
        r"  server {{
    listen 127.0.0.1:{port};
    location /oauth2/ {{
      proxy_pass http://127.0.0.1:{door};
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Auth-Request-Redirect $request_uri;
    }}
    location = /oauth2/auth {{
      internal;
      proxy_pass http://127.0.0.1:{door};
      proxy_set_header Host $http_host;
      proxy_set_header X-Real-IP $remote_addr;
      proxy_set_header X-Forwarded-Uri $request_uri;
      proxy_set_header Content-Length '';
      proxy_pass_request_body off;
    }}
    location / {{
      auth_request /oauth2/auth;
      {error_page}
      auth_request_set $user $upstream_http_x_auth_request_user;
      auth_request_set $email $upstream_http_x_auth_request_email;
      auth_request_set $groups $upstream_http_x_auth_request_groups;
      proxy_set_header X-User $user;
      proxy_set_header X-Email $email;
      proxy_set_header X-Groups $groups;
      auth_request_set $auth_cookie $upstream_http_set_cookie;
      add_header Set-Cookie $auth_cookie;
      proxy_pass http://127.0.0.1:{upstream};
    }}
    location @oauth2_signin {{ return 302 /oauth2/sign_in?rd=$scheme://$http_host$request_uri; }}
  }}"
    ))
}

#[test]
fn the_nginx_configuration_of_oauth2_proxy_works_unchanged() {
    let scene = scene();
    let config = oauth2_proxy_on_nginx(&scene, "error_page 401 = @oauth2_signin;");
    let peer = nginx(scene.port, &config);
    let scene = scene.behind(peer);
    // GHSA-style: the client names a public URL in a header this configuration does not set.
    for (name, value) in [
        ("X-Original-URL", format!("{}/health", scene.url)),
        ("X-Original-URL", "http://elsewhere.localhost/health".to_owned()),
        ("X-Forwarded-Host", "elsewhere.localhost".to_owned()),
        ("X-Original-URI", "/health".to_owned()),
    ] {
        let answer = Request::new("GET", &format!("{}/admin", scene.url)).header(name, &value).send();
        assert!(matches!(answer.status, 302 | 401 | 403 | 500), "{name}: {value}: {}", answer.status);
    }
    assert!(scene.echo.seen().is_empty(), "gauntlet B1-01: nothing passed");
    tells_the_story(&scene, "x-user", ("x-groups", "dagster-users,data-engineers"));
}

#[test]
fn the_older_nginx_configuration_of_oauth2_proxy_works_in_a_browser() {
    let scene = scene();
    let config = oauth2_proxy_on_nginx(&scene, "error_page 401 =403 /oauth2/sign_in;");
    let peer = nginx(scene.port, &config);
    let scene = scene.behind(peer);
    let browser = Browser::start();
    let deep = format!("{}/runs/7?view=all", scene.url);
    browser.goto(&deep);
    browser.wait_for("input[name=login]", BROWSER_WAIT);
    browser.fill("input[name=login]", "alice");
    browser.fill("input[name=password]", PASSWORD);
    browser.press_on("main form button");
    browser.wait_until_js("return location.hostname === 'tool.localhost'", BROWSER_WAIT);
    wait_until("the deep link", BROWSER_WAIT, || browser.url() == deep);
}

#[test]
fn the_endpoints_of_oauth2_proxy_keep_its_statuses() {
    let mut scene = scene();
    // Its own host, as an annotation `auth-url` names it, with the app's passes read from the app's cookies.
    let echo = scene.echo.url();
    let port = scene.door.port();
    let url = format!("http://tool.localhost:{port}");
    scene.door.cli_text(&["app", "delete", "tool"]);
    scene.door.cli_text(&[
        "app",
        "create",
        "tool",
        "--address",
        &url,
        "--upstream",
        &echo,
        "--allow",
        "dagster-users",
        "--public",
        "/health",
    ]);
    scene.url = url.clone();
    let (alice, answer, _) = sign_in_at(&format!("{url}/x"), "alice");
    assert_eq!(answer.status, 200);
    let original = format!("{url}/x");
    let from = [("X-Original-URL", original.as_str())];
    let good = scene.ask("/oauth2/auth", Some(&alice), &from);
    assert_eq!((good.status, good.body.len()), (202, 0));
    assert_eq!(good.header("x-auth-request-user"), Some("alice"));
    assert_eq!(good.header("x-auth-request-email"), Some("alice@example.com"));
    assert_eq!(good.header("gap-auth"), Some("alice@example.com"));
    assert_eq!(good.header("cache-control"), Some("no-store"));
    for (query, status) in [
        ("allowed_groups=dagster-users", 202),
        ("allowed_groups=nobody,data-engineers", 202),
        ("allowed_groups=nobody", 403),
        ("allowed_emails=alice@example.com", 202),
        ("allowed_emails=bob@example.com", 403),
        ("allowed_email_domains=example.com", 202),
        ("allowed_email_domains=*.example.com", 403),
        ("allowed_groups=dagster-users&allowed_emails=bob@example.com", 403),
    ] {
        assert_eq!(scene.ask(&format!("/oauth2/auth?{query}"), Some(&alice), &from).status, status, "{query}");
    }
    let nobody = scene.ask("/oauth2/auth", None, &[("X-Original-URL", &original), ("Accept", "text/html")]);
    assert_eq!(nobody.status, 401, "never a redirect from here");
    let health = format!("{url}/health");
    assert_eq!(scene.ask("/oauth2/auth", None, &[("X-Original-URL", &health)]).status, 202);
    let mut jar = alice;
    let info = jar.get(&format!("{url}/oauth2/userinfo"));
    assert_eq!((info.status, info.json()["user"].as_str()), (200, Some("alice")), "{}", info.text());
    assert_eq!(get(&format!("{url}/oauth2/userinfo")).status, 401);
    for path in ["/ping", "/ready"] {
        assert_eq!(get(&format!("{}{path}", scene.door.url())).status, 200, "{path}");
    }
    let out = jar.send(page_request(&format!("{url}/oauth2/sign_out?rd=%2Fbye")));
    assert_eq!((out.status / 100, out.location()), (3, format!("{url}/bye").as_str()));
    assert_eq!(scene.ask("/oauth2/auth", Some(&jar), &from).status, 401, "signed out everywhere");
}

#[test]
fn the_nginx_configuration_of_authentik_works_unchanged() {
    let scene = scene();
    let (door, port, upstream) = (scene.door.port(), scene.port, scene.echo.port());
    let config = nginx_around(&format!(
        r"  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{upstream};
      proxy_set_header Host $host;
      auth_request /outpost.goauthentik.io/auth/nginx;
      error_page 401 = @goauthentik_proxy_signin;
      auth_request_set $auth_cookie $upstream_http_set_cookie;
      add_header Set-Cookie $auth_cookie;
      auth_request_set $authentik_username $upstream_http_x_authentik_username;
      auth_request_set $authentik_groups $upstream_http_x_authentik_groups;
      auth_request_set $authentik_entitlements $upstream_http_x_authentik_entitlements;
      auth_request_set $authentik_email $upstream_http_x_authentik_email;
      auth_request_set $authentik_name $upstream_http_x_authentik_name;
      auth_request_set $authentik_uid $upstream_http_x_authentik_uid;
      proxy_set_header X-authentik-username $authentik_username;
      proxy_set_header X-authentik-groups $authentik_groups;
      proxy_set_header X-authentik-entitlements $authentik_entitlements;
      proxy_set_header X-authentik-email $authentik_email;
      proxy_set_header X-authentik-name $authentik_name;
      proxy_set_header X-authentik-uid $authentik_uid;
    }}
    location /outpost.goauthentik.io {{
      proxy_pass http://127.0.0.1:{door}/outpost.goauthentik.io;
      proxy_set_header Host $host;
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      add_header Set-Cookie $auth_cookie;
      auth_request_set $auth_cookie $upstream_http_set_cookie;
      proxy_pass_request_body off;
      proxy_set_header Content-Length '';
    }}
    location @goauthentik_proxy_signin {{
      internal;
      add_header Set-Cookie $auth_cookie;
      return 302 /outpost.goauthentik.io/start?rd=$scheme://$http_host$request_uri;
    }}
  }}"
    ));
    let peer = nginx(scene.port, &config);
    let scene = scene.behind(peer);
    tells_the_story(&scene, "x-authentik-username", ("x-authentik-groups", "dagster-users|data-engineers"));
}

fn traefik_with(port: u16, middleware: &str, extra_routers: &str, services: &str) -> Peer {
    let fixed = format!(
        "entryPoints: {{web: {{address: \"127.0.0.1:{port}\"}}}}\n\
         providers: {{file: {{filename: @DIR@/dynamic.yaml}}}}\n\
         global: {{checkNewVersion: false, sendAnonymousUsage: false}}\n"
    );
    let dynamic = format!(
        "http:\n  middlewares:\n    gate:\n      forwardAuth:\n{middleware}\n  routers:\n    tool:\n      rule: PathPrefix(`/`)\n      \
         priority: 10\n      middlewares: [gate]\n      service: tool\n{extra_routers}\n  services:\n{services}\n"
    );
    traefik(port, &fixed, &dynamic)
}

#[test]
fn the_traefik_configuration_of_authentik_works_unchanged() {
    let scene = scene();
    let (door, upstream) = (scene.door.url_as("127.0.0.1"), scene.echo.url());
    let middleware = format!(
        "        address: {door}/outpost.goauthentik.io/auth/traefik\n        trustForwardHeader: true\n        \
         authResponseHeaders: [X-authentik-username, X-authentik-groups, X-authentik-entitlements, X-authentik-email, \
         X-authentik-name, X-authentik-uid, X-authentik-jwt, X-authentik-meta-jwks, X-authentik-meta-outpost, \
         X-authentik-meta-provider, X-authentik-meta-app, X-authentik-meta-version]"
    );
    let routers =
        "    outpost:\n      rule: PathPrefix(`/outpost.goauthentik.io/`)\n      priority: 15\n      service: outpost";
    let services = format!(
        "    tool: {{loadBalancer: {{servers: [{{url: \"{upstream}\"}}]}}}}\n    outpost: {{loadBalancer: {{servers: [{{url: \"{door}\"}}]}}}}"
    );
    let peer = traefik_with(scene.port, &middleware, routers, &services);
    let scene = scene.behind(peer);
    tells_the_story(&scene, "x-authentik-username", ("x-authentik-groups", "dagster-users|data-engineers"));
    let token = scene.echo.seen().iter().rev().find_map(|seen| seen.header("x-authentik-jwt").map(str::to_owned));
    assert!(token.is_some_and(|token| token.split('.').count() == 3), "a signed token travels too");
}

/// Doorward and the app below one parent domain, as Authelia's portal and apps are.
fn below_one_domain() -> Scene {
    let port = free_port();
    let mut options = with_password(DoorOptions::serve());
    options.port = port;
    options.public_url = Some(format!("http://auth.corp.localhost:{port}"));
    options.arguments = ["--cookie-domain", "corp.localhost"].map(str::to_owned).to_vec();
    scene_with(Door::start(options), "tool.corp.localhost")
}

#[test]
fn the_nginx_configuration_of_authelia_works_unchanged() {
    let scene = below_one_domain();
    let (door, port, upstream) = (scene.door.port(), scene.port, scene.echo.port());
    let config = nginx_around(&format!(
        r"  server {{
    listen 127.0.0.1:{port};
    location /internal/authelia/authz {{
      internal;
      proxy_pass http://127.0.0.1:{door}/api/authz/auth-request;
      proxy_set_header X-Original-Method $request_method;
      proxy_set_header X-Original-URL $scheme://$http_host$request_uri;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header Content-Length '';
      proxy_set_header Connection '';
      proxy_pass_request_body off;
    }}
    location / {{
      auth_request /internal/authelia/authz;
      auth_request_set $user $upstream_http_remote_user;
      auth_request_set $groups $upstream_http_remote_groups;
      auth_request_set $name $upstream_http_remote_name;
      auth_request_set $email $upstream_http_remote_email;
      proxy_set_header Remote-User $user;
      proxy_set_header Remote-Groups $groups;
      proxy_set_header Remote-Email $email;
      proxy_set_header Remote-Name $name;
      auth_request_set $redirection_url $upstream_http_location;
      error_page 401 =302 $redirection_url;
      proxy_pass http://127.0.0.1:{upstream};
    }}
  }}"
    ));
    let peer = nginx(scene.port, &config);
    tells_the_story(&scene.behind(peer), "remote-user", ("remote-groups", "dagster-users,data-engineers"));
}

#[test]
fn the_traefik_configuration_of_authelia_works_unchanged() {
    let scene = below_one_domain();
    let (door, upstream) = (scene.door.url_as("127.0.0.1"), scene.echo.url());
    let middleware = format!(
        "        address: {door}/api/authz/forward-auth\n        trustForwardHeader: true\n        \
         authResponseHeaders: [Remote-User, Remote-Groups, Remote-Email, Remote-Name]"
    );
    let services = format!("    tool: {{loadBalancer: {{servers: [{{url: \"{upstream}\"}}]}}}}");
    let peer = traefik_with(scene.port, &middleware, "", &services);
    tells_the_story(&scene.behind(peer), "remote-user", ("remote-groups", "dagster-users,data-engineers"));
}

#[test]
fn the_endpoints_of_authelia_and_authentik_keep_their_statuses() {
    let scene = below_one_domain();
    let original = format!("{}/a?b=1", scene.url);
    let host = original.split('/').nth(2).unwrap_or_default().to_owned();
    let page = ("Accept", "text/html");
    let url = [("X-Original-URL", original.as_str()), page];
    let parts =
        [("X-Forwarded-Host", host.as_str()), ("X-Forwarded-Uri", "/a?b=1"), ("X-Forwarded-Proto", "http"), page];
    let authelia = scene.ask("/api/authz/auth-request", None, &url);
    assert_eq!(authelia.status, 401, "nginx: always 401, with the way in Location");
    assert!(authelia.location().starts_with(&scene.door.url()), "{}", authelia.location());
    let forward = scene.ask("/api/authz/forward-auth", None, &parts);
    assert_eq!(forward.status, 302);
    let mut posted = parts.to_vec();
    posted.push(("X-Forwarded-Method", "POST"));
    assert_eq!(
        scene.ask("/api/authz/forward-auth", None, &posted).status,
        303,
        "a method that changes is not repeated"
    );
    posted.push(("X-Requested-With", "XMLHttpRequest"));
    assert_eq!(scene.ask("/api/authz/forward-auth", None, &posted).status, 401);
    assert_eq!(scene.ask("/api/verify", None, &url).status, 401, "without a portal in the query it never redirects");
    let portal = format!("/api/verify?rd={}", doorward_testkit::http::percent(&scene.door.url()));
    assert_eq!(scene.ask(&portal, None, &url).status, 302);
    assert!(forward.location().ends_with("&rm=GET"), "{}", forward.location());
    let call = scene.ask("/api/authz/auth-request", None, &[("X-Original-URL", original.as_str())]);
    assert_eq!((call.status, call.location().is_empty()), (401, false), "calls are told the way too");
    assert_eq!(scene.ask("/outpost.goauthentik.io/auth/nginx", None, &url).status, 401);
    assert_eq!(scene.ask("/outpost.goauthentik.io/auth/traefik", None, &parts).status, 302);
    assert_eq!(scene.ask("/outpost.goauthentik.io/auth/caddy", None, &parts).status, 302);
    for (path, status) in [
        ("/api/authz/ext-authz/a?b=1", 302),
        ("/outpost.goauthentik.io/auth/envoy/a?b=1", 302),
        ("/gate/envoy/health", 200),
    ] {
        let request = Request::new("GET", &format!("{}{path}", scene.url))
            .via_port(scene.door.port())
            .header("Accept", "text/html");
        assert_eq!(request.send().status, status, "{path}");
    }
    let ping =
        Request::new("GET", &format!("{}/outpost.goauthentik.io/ping", scene.url)).via_port(scene.door.port()).send();
    assert_eq!(ping.status, 204);
    for path in ["/gate/nginx", "/outpost.goauthentik.io/auth/nginx", "/api/authz/auth-request"] {
        assert_eq!(scene.ask(path, None, &[]).status, 400, "{path} without a URL");
        assert_eq!(
            scene.ask(path, None, &[("X-Original-URL", "http://unknown.localhost/")]).status,
            403,
            "{path} elsewhere"
        );
    }
}

#[test]
fn machines_pass_with_a_service_token_and_get_401_without() {
    let scene = scene();
    let original = format!("{}/graphql", scene.url);
    let token = scene.door.cli_text(&["token", "create", "ci", "--app", "tool", "--expires-in", "1d"]);
    let bearer = format!("Bearer {}", token.trim());
    let with =
        |bearer: &str| scene.ask("/gate/nginx", None, &[("X-Original-URL", &original), ("Authorization", bearer)]);
    let good = with(&bearer);
    assert_eq!((good.status, good.header("remote-user")), (200, Some("service-ci")));
    let bad = with(&format!("Bearer dwa_{}", "a".repeat(43)));
    assert_eq!(bad.status, 401);
    assert!(bad.header("www-authenticate").is_some_and(|value| value.starts_with("Bearer")));
    scene.door.cli_text(&["token", "revoke", "ci"]);
    assert_eq!(with(&bearer).status, 401, "revoked is out at once");
}
