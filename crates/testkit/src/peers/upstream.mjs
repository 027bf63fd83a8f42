// An identity provider for others to connect to, on oidc-provider, a certified library. Who the people are and what is
// said of them stands in a file that is read anew at every sign-in.
import { readFileSync } from "node:fs";
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign, verify } from "node:crypto";
import http from "node:http";

const { OIDC_PROVIDER, PORT, CLIENT, PEOPLE, LIKE } = process.env;
const { Provider } = await import(OIDC_PROVIDER);
const client = JSON.parse(CLIENT);
const issuer = `http://127.0.0.1:${PORT}`;
const people = () => JSON.parse(readFileSync(PEOPLE, "utf8"));
// By way of PEM: exporting the very object that was generated waits for itself for ever when Node collects garbage just
// then, because what generated it is ended under the lock the export holds.
const newKey = (kid) => {
  const encoding = { type: "pkcs8", format: "pem" };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048, privateKeyEncoding: encoding });
  return { ...createPrivateKey(privateKey).export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
};
// The second one is nobody's: what is signed with it is not the provider's.
const [key, strangersKey] = [newKey("company"), newKey("company")];
let behaviour = {};
const asked = { token: 0, jwks: 0, graph: 0, directory: 0 };
const [proofs, ways] = [[], []];

// Where a provider is below its host, whether its issuer ends with a slash, and whether its ID tokens say no more than who
// somebody is.
const { below = "", slash = "", thin = false } =
  {
    "okta-custom": { below: "/oauth2/default", thin: true },
    auth0: { slash: "/" },
    cognito: { below: "/eu-west-1_AbCdEfGhI" },
    keycloak: { below: "/realms/company" },
    authentik: { below: "/application/o/doorward", slash: "/" },
    zitadel: { thin: true },
    dex: { below: "/dex" },
  }[LIKE] ?? {};

// Tells Doorward's own host apart by its name, which this machine does not look up.
const callHome = (url, { method, headers, body, signal }) =>
  new Promise((resolve, reject) => {
    const { port, host, pathname, search } = new URL(url);
    const sent = { ...Object.fromEntries(headers), host };
    const call = http.request({ host: "127.0.0.1", port, path: pathname + search, method, headers: sent, signal });
    call.on("response", (answer) => {
      answer.resume();
      answer.on("end", () => resolve({ status: answer.statusCode }));
    });
    call.on("error", reject);
    call.end(String(body));
  });

const page = (ctx, title, inside) => {
  ctx.type = "html";
  ctx.body = `<!doctype html><title>${title}</title>${inside}`;
};

const provider = new Provider(`${issuer}${below}${slash}`, {
  clients: [client],
  cookies: { keys: ["not a secret: a test ends before it matters"] },
  jwks: { keys: [key] },
  features: {
    devInteractions: { enabled: false },
    backchannelLogout: { enabled: true },
    rpInitiatedLogout: {
      enabled: true,
      logoutSource: (ctx, form) =>
        page(ctx, "Leaving", `${form}<button type="submit" form="op.logoutForm" name="logout" value="yes">Leave</button>`),
      postLogoutSuccessSource: (ctx) => page(ctx, "Gone", "<p>You have left the company.</p>"),
    },
  },
  fetch: callHome,
  issueRefreshToken: async (_, asker) => asker.grantTypeAllowed("refresh_token"),
  rotateRefreshToken: true,
  scopes: ["openid", "profile", "email", "groups"],
  claims: {
    openid: [
      "sub", "hd", "nickname", "realm_access", "groups_direct", "cognito:groups", "cognito:username", "token_use",
      "urn:zitadel:iam:org:project:roles", "https://acme.example/groups", "federated_claims",
    ],
    // authentik says groups with the profile.
    profile: ["name", "preferred_username", ...(LIKE === "authentik" ? ["groups"] : [])],
    email: ["email", "email_verified"],
    groups: ["groups", "_claim_names"],
  },
  conformIdTokenClaims: thin,
  responseTypes: ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"],
  pkce: { required: () => true },
  assertJwtClientAuthClaimsAndHeader: async (_, claims, header) => {
    proofs.push({ header, claims });
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  findAccount: (_, id) => {
    const person = Object.values(people()).find((one) => one.sub === id);
    return person && { accountId: id, claims: () => person };
  },
  // Everybody agrees to everything.
  loadExistingGrant: async (ctx) => {
    const grant = new provider.Grant({ clientId: ctx.oidc.client.clientId, accountId: ctx.oidc.session.accountId });
    grant.addOIDCScope("openid profile email groups");
    await grant.save();
    return grant;
  },
  renderError: (ctx, out, error) => {
    console.error(error);
    ctx.type = "json";
    ctx.body = out;
  },
});

// Doorward's address is one of this machine's own, which a client of the web's would not be let have.
const { invalidate } = provider.Client.Schema.prototype;
provider.Client.Schema.prototype.invalidate = function (message, code) {
  if (!code?.startsWith("implicit-")) invalidate.call(this, message, code);
};

// Microsoft Entra ID wants its token endpoint named in signed proofs, and nothing else.
if (LIKE === "entra") {
  provider.OIDCContext.prototype.clientJwtAuthExpectedAudience = () => ({
    has: (audience) => audience.startsWith(issuer) && /^\/[^/]+\/oauth2\/v2.0\/token$/.test(new URL(audience).pathname),
  });
}

const bodyOf = async (request) => {
  let body = "";
  for await (const piece of request) body += piece;
  return body;
};

const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

// Signs whatever a test wants said.
const signed = ({ header, claims, stranger }) => {
  const from = stranger ? strangersKey : key;
  const text = `${encode({ alg: "RS256", kid: key.kid, ...header })}.${encode(claims)}`;
  const signature = sign("sha256", Buffer.from(text), createPrivateKey({ key: from, format: "jwk" }));
  return `${text}.${signature.toString("base64url")}`;
};

// What Microsoft Entra ID says of somebody: its own name for them in this application, tenant and object, groups by id
// or, of more than 200, a word where they are; by a token of either version.
const asEntra = (claims) => {
  const { tid, oid, groups = [], version } = Object.values(people()).find((one) => one.sub === claims.sub);
  const { sub, email, preferred_username, name, ...rest } = claims;
  for (const unsaid of ["email_verified", "groups", "iss"]) delete rest[unsaid];
  const far = { _claim_names: { groups: "src1" }, _claim_sources: { src1: { endpoint: "https://graph.windows.net/x" } } };
  return {
    ...rest, name, email, oid, tid, ver: version === 1 ? "1.0" : "2.0",
    iss: version === 1 ? `${issuer}/sts/${tid}/` : `${issuer}/${tid}/v2.0`,
    sub: createHash("sha256").update(`${client.client_id} ${sub}`).digest("base64url"),
    ...(version === 1 ? { upn: preferred_username } : { preferred_username }),
    ...(groups.length > 200 ? far : { groups }),
  };
};

// Its addresses, and what stands behind them here.
const entraPaths = [
  [/^\/[^/]+\/oauth2\/v2.0\/authorize$/, "/auth"],
  [/^\/[^/]+\/oauth2\/v2.0\/token$/, "/token"],
  [/^\/[^/]+\/discovery\/v2.0\/keys$/, "/jwks"],
];

const entraDocument = (tenant) => ({
  issuer: `${issuer}/${tenant === "organizations" ? "{tenantid}" : tenant}/v2.0`,
  authorization_endpoint: `${issuer}/${tenant}/oauth2/v2.0/authorize`,
  token_endpoint: `${issuer}/${tenant}/oauth2/v2.0/token`,
  jwks_uri: `${issuer}/${tenant}/discovery/v2.0/keys`,
  token_endpoint_auth_methods_supported: ["client_secret_post", "private_key_jwt", "client_secret_basic"],
  response_types_supported: ["code", "id_token", "code id_token", "id_token token"],
  subject_types_supported: ["pairwise"],
  id_token_signing_alg_values_supported: ["RS256"],
});

// Microsoft Graph, as far as it says in which groups somebody is: a hundred at once, and other things between them.
const graph = async (request, url) => {
  asked.graph += 1;
  const token = await provider.AccessToken.find((request.headers.authorization ?? "").replace("Bearer ", ""));
  const person = token && Object.values(people()).find((one) => one.sub === token.accountId);
  if (!person) return [401, { error: { code: "InvalidAuthenticationToken" } }];
  if (request.headers.consistencylevel !== "eventual") return [400, { error: { code: "Request_UnsupportedQuery" } }];
  const from = Number(url.searchParams.get("$skiptoken") ?? 0);
  const page = person.groups.slice(from, from + 100).map((id) => ({ "@odata.type": "#microsoft.graph.group", id }));
  page.push({ "@odata.type": "#microsoft.graph.directoryRole", id: "0000-role" });
  const next = new URL(`${behaviour.graphElsewhere ?? issuer}${url.pathname}${url.search}`);
  next.searchParams.set("$skiptoken", from + 100);
  return [200, { value: page, ...(person.groups.length > from + 100 ? { "@odata.nextLink": next.href } : {}) }];
};

// Entra does not say in its answers who it is.
const unsigned = (response) => {
  const end = response.end.bind(response);
  response.end = (...rest) => {
    const location = response.getHeader("location");
    if (location?.includes("code=")) {
      const url = new URL(location);
      url.searchParams.delete("iss");
      response.setHeader("location", url.href);
    }
    return end(...rest);
  };
};

// Google's tokens for service accounts: signed by the account, for its administrator's name.
const serviceTokens = new Set();
const serviceToken = async (request) => {
  const { account, administrator, jwk } = behaviour.directory;
  const form = new URLSearchParams(await bodyOf(request));
  const [head, body, signature] = (form.get("assertion") ?? "").split(".");
  const read = (part) => JSON.parse(Buffer.from(part, "base64url"));
  const isTheirs = verify(
    "sha256", Buffer.from(`${head}.${body}`), createPublicKey({ key: jwk, format: "jwk" }), Buffer.from(signature, "base64url"),
  );
  const { iss, sub, aud, scope, iat, exp } = read(body);
  const isFine =
    isTheirs && form.get("grant_type") === "urn:ietf:params:oauth:grant-type:jwt-bearer" && read(head).alg === "RS256" &&
    read(head).kid === "key-1" && iss === account && sub === administrator && aud === `${issuer}/google/token` &&
    scope === "https://www.googleapis.com/auth/admin.directory.group.readonly" && exp > iat && exp - iat <= 3600;
  if (!isFine) return [400, { error: "invalid_grant", error_description: "Invalid JWT Signature." }];
  const token = randomUUID();
  serviceTokens.add(token);
  return [200, { access_token: token, token_type: "Bearer", expires_in: 3599 }];
};

// Google's directory: two groups at once here, two hundred there.
const directoryGroups = (request, url) => {
  asked.directory += 1;
  if (!serviceTokens.has((request.headers.authorization ?? "").replace("Bearer ", "")))
    return [401, { error: { code: 401, status: "UNAUTHENTICATED" } }];
  const all = behaviour.directory.groups[url.searchParams.get("userKey")];
  if (!all) return [404, { error: { code: 404, message: "Resource Not Found: userKey" } }];
  const from = Number(url.searchParams.get("pageToken") ?? 0);
  const groups = all.slice(from, from + 2).map((email) => ({ kind: "admin#directory#group", id: `id-${email}`, email }));
  const more = all.length > from + 2 ? { nextPageToken: String(from + 2) } : {};
  return [200, { kind: "admin#directory#groups", ...(groups.length ? { groups } : {}), ...more }];
};

// What the token endpoint gives, as a test wants it: other claims in the ID token, something left out.
const rewrite = (response) => {
  const end = response.end.bind(response);
  response.end = (body, ...rest) => {
    if (response.statusCode !== 200 || !body) return end(body, ...rest);
    const given = JSON.parse(body);
    if (given.id_token && (behaviour.claims || LIKE === "entra")) {
      const claims = JSON.parse(Buffer.from(given.id_token.split(".")[1], "base64url"));
      const said = LIKE === "entra" ? asEntra(claims) : claims;
      given.id_token = signed({ claims: { ...said, ...behaviour.claims } });
    }
    for (const name of behaviour.without ?? []) delete given[name];
    const text = JSON.stringify(given);
    response.setHeader("content-length", Buffer.byteLength(text));
    return end(text, ...rest);
  };
};

const answer = provider.callback();
const forTests = {
  "/asked": () => JSON.stringify(asked),
  "/proofs": () => JSON.stringify(proofs),
  "/ways": () => JSON.stringify(ways),
  "/sign": async (request) => signed(JSON.parse(await bodyOf(request))),
  "/behave": async (request) => {
    behaviour = JSON.parse(await bodyOf(request));
    return "";
  },
};

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, issuer);
    let path = url.pathname;
    if (forTests[path]) return response.end(await forTests[path](request));
    if (LIKE === "entra") {
      const tenant = path.match(/^\/([^/]+)\/v2.0\/.well-known\/openid-configuration$/)?.[1];
      if (tenant) return response.end(JSON.stringify(entraDocument(tenant)));
      if (path.startsWith("/v1.0/me/transitiveMemberOf")) {
        const [status, body] = await graph(request, url);
        response.statusCode = status;
        return response.end(JSON.stringify(body));
      }
      const here = entraPaths.find(([theirs]) => theirs.test(path))?.[1];
      if (here) {
        request.url = here + url.search;
        path = here;
      }
      unsigned(response);
    }
    if (below && path.startsWith(`${below}/`)) {
      request.originalUrl = request.url;
      request.url = request.url.slice(below.length);
      path = path.slice(below.length);
    }
    const json = ([status, body]) => {
      response.statusCode = status;
      response.end(JSON.stringify(body));
    };
    if (path === "/google/token") return json(await serviceToken(request));
    if (path === "/admin/directory/v1/groups") return json(directoryGroups(request, url));
    if (path === "/auth") {
      ways.push(Object.fromEntries(url.searchParams));
      // Google asks which account; the library knows no such prompt.
      if (LIKE === "google" && url.searchParams.get("prompt") === "select_account") {
        url.searchParams.delete("prompt");
        request.url = `${path}${url.search}`;
      }
    }
    // Cognito's pages and endpoints are at another host than its issuer.
    if (LIKE === "cognito" && path === "/.well-known/openid-configuration") {
      const end = response.end.bind(response);
      response.end = (body, ...rest) => {
        const document = JSON.parse(body);
        const moved = (url) => url.replace("//127.0.0.1:", "//localhost:").replace(below, "");
        for (const [name, value] of Object.entries(document))
          if (/_endpoint$|^jwks_uri$/.test(name)) document[name] = moved(value);
        delete document.end_session_endpoint;
        const text = JSON.stringify(document);
        response.setHeader("content-length", Buffer.byteLength(text));
        return end(text, ...rest);
      };
    }
    // Its page for signing out takes exactly these, and repeats nothing.
    if (LIKE === "cognito" && path === "/logout") {
      const isFine = [...url.searchParams.keys()].join() === "client_id,logout_uri";
      response.statusCode = isFine ? 302 : 400;
      if (isFine) response.setHeader("location", url.searchParams.get("logout_uri"));
      return response.end();
    }
    const name = path.slice(1);
    if (name in asked) asked[name] += 1;
    if (behaviour[name] === "hang") return;
    if (behaviour[name]) {
      response.statusCode = behaviour[name];
      return response.end("{}");
    }
    // From now on its keys are others.
    if (path === "/jwks" && behaviour.turned) {
      const { kty, n, e } = strangersKey;
      return json([200, { keys: [{ kty, n, e, use: "sig", alg: "RS256", kid: "next" }] }]);
    }
    // A page for signing out that is told where to return, and repeats nothing.
    if (path === "/plain-logout") {
      const returnTo = url.searchParams.get("returnTo");
      const isFine = returnTo && [...url.searchParams.keys()].join() === "client_id,returnTo";
      response.statusCode = isFine ? 302 : 400;
      if (isFine) response.setHeader("location", returnTo);
      return response.end();
    }
    if (path === "/token") rewrite(response);
    if (!path.startsWith("/interaction/")) return answer(request, response);
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html");
      return response.end(
        `<!doctype html><title>The company</title><form method="post"><label>Name <input name="name"></label><button>Go</button></form>`,
      );
    }
    const person = people()[new URLSearchParams(await bodyOf(request)).get("name")];
    const result = person
      ? { login: { accountId: person.sub } }
      : { error: "access_denied", error_description: "the company knows nobody of that name" };
    await provider.interactionFinished(request, response, result);
  })
  .listen(Number(PORT), "127.0.0.1");
