// A relying party: a small web application on openid-client, which is strict about everything a provider says.
// It shows what it learned as JSON, so that a test can read it.
import { generateKeyPairSync } from "node:crypto";
import http from "node:http";

const { OPENID_CLIENT, ISSUER, CLIENT_ID, CLIENT_SECRET, AUTH, SCOPE, PORT } = process.env;
const oidc = await import(OPENID_CLIENT);
const self = `http://127.0.0.1:${PORT}`;
// A key of its own: PKCS #8 in base64, and its name.
const key = async () => {
  const [pkcs8, kid] = CLIENT_SECRET.split(" ");
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const bytes = Buffer.from(pkcs8, "base64");
  return { key: await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]), kid };
};
// A pair for ES256, by way of DER: exporting the very object that was generated waits for itself for ever when Node
// collects garbage just then, because what generated it is ended under the lock the export holds.
const newPair = async () => {
  const made = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "der" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", made.privateKey, algorithm, true, ["sign"]),
    publicKey: await crypto.subtle.importKey("spki", made.publicKey, algorithm, true, ["verify"]),
  };
};
const [way, bound] = AUTH.split("+");
const proof = await {
  basic: () => oidc.ClientSecretBasic(CLIENT_SECRET),
  post: () => oidc.ClientSecretPost(CLIENT_SECRET),
  secret_jwt: () => oidc.ClientSecretJwt(CLIENT_SECRET),
  private_key_jwt: async () => oidc.PrivateKeyJwt(await key()),
  none: () => oidc.None(),
}[way]();
const config = await oidc.discovery(new URL(ISSUER), CLIENT_ID, undefined, proof, {
  execute: [oidc.allowInsecureRequests],
});
// What was called and how it was answered: a proof without our provider's nonce is made again with it.
const calls = [];
config[oidc.customFetch] = async (url, options) => {
  const answer = await fetch(url, options);
  const refused = answer.ok ? undefined : await answer.clone().json().catch(() => undefined);
  calls.push({ path: new URL(url).pathname.split("/").pop(), status: answer.status, error: refused?.error });
  return answer;
};
const DPoP = bound && oidc.getDPoPHandle(config, await newPair());
// Ways beyond a plain request and a plain answer: par, jar, jarm, hybrid (code id_token), implicit (id_token).
const ways = new Set((process.env.WITH ?? "").split(" "));
if (ways.has("jarm")) oidc.useJwtResponseMode(config);
if (ways.has("hybrid")) {
  oidc.useCodeIdTokenResponseType(config);
  oidc.enableDetachedSignatureResponseChecks(config);
}
if (ways.has("implicit")) oidc.useIdTokenResponseType(config);
const pen = await newPair();
const kid = "pen-1";

async function leave(parameters) {
  let to;
  if (ways.has("jar")) {
    to = await oidc.buildAuthorizationUrlWithJAR(config, parameters, { key: pen.privateKey, kid });
  }
  if (ways.has("par")) {
    to = await oidc.buildAuthorizationUrlWithPAR(config, to ? new URLSearchParams({ request: to.searchParams.get("request") }) : parameters);
  }
  return to ?? oidc.buildAuthorizationUrl(config, parameters);
}
const flows = new Map();
let last;
let tokens;
let device;

const pages = {
  "/login": async (url) => {
    const verifier = oidc.randomPKCECodeVerifier();
    const state = oidc.randomState();
    const nonce = oidc.randomNonce();
    flows.set(state, { verifier, nonce });
    last = { verifier, nonce, state };
    const more = Object.fromEntries(url.searchParams);
    if (DPoP) {
      more.dpop_jkt ??= await DPoP.calculateThumbprint();
    }
    const to = await leave({
      redirect_uri: `${self}/callback`,
      scope: SCOPE,
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: "S256",
      state,
      nonce,
      ...more,
    });
    return { location: to.href };
  },
  "/callback": async (url, posted) => {
    if (ways.has("implicit")) {
      return { claims: await oidc.implicitAuthentication(config, posted, last.nonce, { expectedState: last.state }) };
    }
    if (ways.has("jarm") || ways.has("hybrid")) {
      tokens = await oidc.authorizationCodeGrant(config, posted ?? url, {
        pkceCodeVerifier: last.verifier,
        expectedState: last.state,
        expectedNonce: last.nonce,
        idTokenExpected: true,
      });
      return { tokens, claims: tokens.claims() };
    }
    const { verifier, nonce } = flows.get(url.searchParams.get("state")) ?? {};
    const expected = {
      pkceCodeVerifier: verifier,
      expectedState: url.searchParams.get("state"),
      expectedNonce: nonce,
      idTokenExpected: true,
    };
    tokens = await oidc.authorizationCodeGrant(config, url, expected, undefined, { DPoP });
    const claims = tokens.claims();
    const userinfo = await oidc.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP });
    return { tokens, claims, userinfo };
  },
  "/refresh": async () => {
    const before = tokens.refresh_token;
    tokens = await oidc.refreshTokenGrant(config, before, undefined, { DPoP });
    return { tokens, rotated: before !== tokens.refresh_token, claims: tokens.claims() };
  },
  "/userinfo": async () => oidc.fetchUserInfo(config, tokens.access_token, oidc.skipSubjectCheck, { DPoP }),
  "/introspect": async () => oidc.tokenIntrospection(config, tokens.access_token),
  "/revoke": async () => {
    await oidc.tokenRevocation(config, tokens.refresh_token);
    return {};
  },
  "/device": async () => {
    device = await oidc.initiateDeviceAuthorization(config, { scope: SCOPE });
    return device;
  },
  "/device-tokens": async () => {
    tokens = await oidc.pollDeviceAuthorizationGrant(config, device, undefined, { DPoP });
    return { tokens, claims: tokens.claims() };
  },
  "/machine": async () => oidc.clientCredentialsGrant(config, undefined, { DPoP }),
  "/logout": async () => {
    const to = oidc.buildEndSessionUrl(config, {
      post_logout_redirect_uri: `${self}/bye`,
      id_token_hint: tokens.id_token,
      state: "bye",
    });
    return { location: to.href };
  },
  "/jwks": async () => ({ keys: [{ ...(await crypto.subtle.exportKey("jwk", pen.publicKey)), kid, key_ops: ["verify"] }] }),
  "/bye": async (url) => ({ bye: url.searchParams.get("state") }),
  "/calls": async () => calls.splice(0),
  "/": async () => ({ ready: true }),
};

async function form(url, request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  const headers = { "content-type": request.headers["content-type"] };
  return new Request(url, { method: "POST", headers, body: Buffer.concat(parts) });
}

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, self);
    try {
      const page = pages[url.pathname];
      const posted = request.method === "POST" ? await form(url, request) : undefined;
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
