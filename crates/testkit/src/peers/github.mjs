// What answers like GitHub (or a GitHub Enterprise Server, whose API is below /api/v3): OAuth 2 without OpenID Connect,
// and the part of the REST API that says who somebody is and where they belong. The people stand in a file that is read
// anew at every request.
import { readFileSync } from "node:fs";
import { createHash, randomBytes } from "node:crypto";
import http from "node:http";

const { PORT, CLIENT, PEOPLE } = process.env;
const origin = `http://127.0.0.1:${PORT}`;
const client = JSON.parse(CLIENT);
const people = () => JSON.parse(readFileSync(PEOPLE, "utf8"));
const [codes, tokens] = [new Map(), new Map()];
let behaviour = {};
const asked = { token: 0, elsewhere: 0 };

const bodyOf = async (request) => {
  let body = "";
  for await (const piece of request) body += piece;
  return body;
};

const send = (response, status, body, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(typeof body === "string" ? body : JSON.stringify(body));
};

const authorize = async (request, response, url) => {
  const asks = Object.fromEntries(url.searchParams);
  if (asks.client_id !== client.client_id || asks.redirect_uri !== client.redirect_uri) return send(response, 404, {});
  const page = `<!doctype html><title>Sign in to GitHub</title><form method="post"><input name="name"><button>Go</button></form>`;
  if (request.method === "GET") return send(response, 200, page, { "content-type": "text/html" });
  const name = new URLSearchParams(await bodyOf(request)).get("name");
  const back = new URL(asks.redirect_uri);
  back.searchParams.set("state", asks.state ?? "");
  if (people()[name]) {
    const code = randomBytes(10).toString("hex");
    codes.set(code, { name, asks });
    back.searchParams.set("code", code);
  } else {
    back.searchParams.set("error", "access_denied");
    back.searchParams.set("error_description", "The user has denied your application access.");
  }
  send(response, 302, "", { location: back.href });
};

const give = async (request, response) => {
  asked.token += 1;
  const form = Object.fromEntries(new URLSearchParams(await bodyOf(request)));
  const code = codes.get(form.code);
  codes.delete(form.code);
  const isClient = form.client_id === client.client_id && form.client_secret === client.client_secret;
  const challenge = createHash("sha256").update(form.code_verifier ?? "").digest("base64url");
  const isProved = code?.asks.code_challenge_method === "S256" && code.asks.code_challenge === challenge;
  let given = { error: "bad_verification_code", error_description: "The code passed is incorrect or expired." };
  if (!isClient) given = { error: "incorrect_client_credentials" };
  else if (code && isProved && form.redirect_uri === code.asks.redirect_uri) {
    const token = `gho_${randomBytes(18).toString("hex")}`;
    tokens.set(token, { name: code.name, scopes: (code.asks.scope ?? "").split(" ") });
    given = { access_token: token, token_type: "bearer", scope: (code.asks.scope ?? "").replaceAll(" ", ",") };
  }
  // A refusal comes with a status that says yes, and a form unless JSON is asked for.
  const wantsJson = (request.headers.accept ?? "").includes("application/json");
  if (wantsJson) return send(response, 200, given);
  send(response, 200, String(new URLSearchParams(given)), { "content-type": "application/x-www-form-urlencoded" });
};

// A list in pages, with links from each to the next.
const list = (response, url, all, headers = {}) => {
  const page = Number(url.searchParams.get("page") ?? 1);
  const size = Math.min(Number(url.searchParams.get("per_page") ?? 30), behaviour.pageSize ?? 100);
  const next = new URL(`${behaviour.elsewhere ?? origin}${url.pathname}${url.search}`);
  next.searchParams.set("page", page + 1);
  const last = `<${origin}${url.pathname}?page=${Math.ceil(all.length / size)}>; rel="last"`;
  const link = all.length > page * size ? { link: `<${next.href}>; rel="next", ${last}` } : {};
  send(response, 200, all.slice((page - 1) * size, page * size), { ...link, ...headers });
};

const api = (request, response, url) => {
  const token = tokens.get((request.headers.authorization ?? "").replace("Bearer ", ""));
  const person = token && people()[token.name];
  if (!person) return send(response, 401, { message: "Bad credentials" });
  const may = (scope) => token.scopes.includes(scope);
  const path = url.pathname.replace("/api/v3", "");
  if (path === "/user") return send(response, 200, { login: token.name, ...person.user });
  if (path === "/user/emails" && may("user:email")) return list(response, url, person.emails ?? []);
  if (!may("read:org")) return send(response, 404, { message: "Not Found" });
  const sso = person.sso ? { "x-github-sso": `partial-results; organizations=${person.sso}` } : {};
  if (path === "/user/orgs") return list(response, url, person.orgs ?? [], sso);
  if (path === "/user/teams") return list(response, url, person.teams ?? [], sso);
  send(response, 404, { message: "Not Found" });
};

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, origin);
    if (url.pathname === "/asked") return send(response, 200, asked);
    if (url.pathname === "/behave") {
      behaviour = JSON.parse(await bodyOf(request));
      return send(response, 200, {});
    }
    if (url.pathname === "/login/oauth/authorize") return authorize(request, response, url);
    if (url.pathname === "/login/oauth/access_token") return give(request, response);
    if (url.pathname.startsWith("/api/v3/")) return api(request, response, url);
    asked.elsewhere += 1;
    send(response, 404, { message: "Not Found" });
  })
  .listen(Number(PORT), "127.0.0.1");
