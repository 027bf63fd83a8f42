// A relying party on oauth4webapi, which does nothing by itself: each answer is handed to the function that checks it,
// signatures of ID tokens included. It shows what it learned as JSON, so that a test can read it.
import http from "node:http";

const { OAUTH4WEBAPI, ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH, SCOPE, PORT } = process.env;
const oauth = await import(OAUTH4WEBAPI);
const self = `http://127.0.0.1:${PORT}`;
const plain = { [oauth.allowInsecureRequests]: true };
const client = { client_id: CLIENT_ID };
const proof = {
  basic: () => oauth.ClientSecretBasic(CLIENT_SECRET),
  post: () => oauth.ClientSecretPost(CLIENT_SECRET),
  none: () => oauth.None(),
}[AUTH]();
const issuer = new URL(ISSUER);
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, { algorithm: "oidc", ...plain }),
);
const flows = new Map();
let tokens;

const pages = {
  "/login": async (url) => {
    const verifier = oauth.generateRandomCodeVerifier();
    const state = oauth.generateRandomState();
    const nonce = oauth.generateRandomNonce();
    const wishes = {
      client_id: CLIENT_ID,
      redirect_uri: `${self}/callback`,
      response_type: "code",
      scope: SCOPE,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
      max_age: "600",
      ...Object.fromEntries(url.searchParams),
    };
    flows.set(wishes.state, { verifier, nonce: wishes.nonce, maxAge: wishes.max_age });
    const to = new URL(server.authorization_endpoint);
    // An empty wish is none.
    to.search = new URLSearchParams(Object.entries(wishes).filter(([, text]) => text !== ""));
    return { location: to.href };
  },
  // The answer travels in the query, or in a form.
  "/callback": async (url, posted) => {
    const told = posted ?? url.searchParams;
    const state = told.get("state");
    if (!flows.has(state)) throw new Error(`nobody sent the state ${state}`);
    const { verifier, nonce, maxAge } = flows.get(state);
    // Also holds `iss` against the metadata (RFC 9207), because the metadata says it is sent.
    const parameters = oauth.validateAuthResponse(server, client, told, state);
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      proof,
      parameters,
      `${self}/callback`,
      verifier,
      plain,
    );
    // Other browsers may be on their way here too.
    const own = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: nonce || oauth.expectNoNonce,
      maxAge: maxAge ? Number(maxAge) : oauth.skipAuthTimeCheck,
      requireIdToken: true,
    });
    tokens = own;
    await oauth.validateApplicationLevelSignature(server, answer, plain);
    const claims = oauth.getValidatedIdTokenClaims(own);
    return { tokens: own, claims, userinfo: await userinfo(claims.sub, own.access_token) };
  },
  "/refresh": async () => {
    const answer = await oauth.refreshTokenGrantRequest(server, client, proof, tokens.refresh_token, plain);
    tokens = await oauth.processRefreshTokenResponse(server, client, answer);
    await oauth.validateApplicationLevelSignature(server, answer, plain);
    return { tokens, claims: oauth.getValidatedIdTokenClaims(tokens) };
  },
  "/introspect": async () => {
    const answer = await oauth.introspectionRequest(server, client, proof, tokens.access_token, plain);
    return oauth.processIntrospectionResponse(server, client, answer);
  },
  "/revoke": async () => {
    const answer = await oauth.revocationRequest(server, client, proof, tokens.refresh_token, plain);
    await oauth.processRevocationResponse(answer);
    return {};
  },
  "/logout": async () => {
    const to = new URL(server.end_session_endpoint);
    to.search = new URLSearchParams({ id_token_hint: tokens.id_token, post_logout_redirect_uri: `${self}/bye` });
    return { location: to.href };
  },
  "/bye": async () => ({ bye: true }),
  "/": async () => ({ ready: true }),
};

async function form(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

async function userinfo(sub, token) {
  const answer = await oauth.userInfoRequest(server, client, token, plain);
  return oauth.processUserInfoResponse(server, client, sub, answer);
}

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, self);
    try {
      const page = pages[url.pathname];
      const posted = request.method === "POST" ? await form(request) : undefined;
      const told = page ? await page(url, posted) : undefined;
      if (told?.location) {
        response.writeHead(302, { location: told.location }).end();
      } else {
        response.writeHead(told ? 200 : 404, { "content-type": "application/json" });
        response.end(JSON.stringify(told ?? {}));
      }
    } catch (error) {
      const { name, message, code, error: word, error_description: sentence, cause } = error;
      response.writeHead(500, { "content-type": "application/json" });
      response.end(JSON.stringify({ name, message, code, error: word, sentence, cause: String(cause) }));
    }
  })
  .listen(Number(PORT), "127.0.0.1");
