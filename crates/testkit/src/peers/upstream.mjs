// An identity provider for others to connect to, on oidc-provider, a certified library. Who the people are and what is
// said of them stands in a file that is read anew at every sign-in.
import { readFileSync } from "node:fs";
import { createPrivateKey, generateKeyPairSync, sign } from "node:crypto";
import http from "node:http";

const { OIDC_PROVIDER, PORT, CLIENT, PEOPLE } = process.env;
const { Provider } = await import(OIDC_PROVIDER);
const client = JSON.parse(CLIENT);
const issuer = `http://127.0.0.1:${PORT}`;
const people = () => JSON.parse(readFileSync(PEOPLE, "utf8"));
const newKey = (kid) => {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
};
// The second one is nobody's: what is signed with it is not the provider's.
const [key, strangersKey] = [newKey("company"), newKey("company")];
let behaviour = {};
const asked = { token: 0, jwks: 0 };

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

const provider = new Provider(issuer, {
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
    openid: ["sub"],
    profile: ["name", "preferred_username"],
    email: ["email", "email_verified"],
    groups: ["groups", "_claim_names"],
  },
  conformIdTokenClaims: process.env.THIN === "yes",
  pkce: { required: () => true },
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

const answer = provider.callback();
const forTests = {
  "/asked": () => JSON.stringify(asked),
  "/sign": async (request) => signed(JSON.parse(await bodyOf(request))),
  "/behave": async (request) => {
    behaviour = JSON.parse(await bodyOf(request));
    return "";
  },
};

http
  .createServer(async (request, response) => {
    const url = new URL(request.url, issuer);
    const path = url.pathname;
    if (forTests[path]) return response.end(await forTests[path](request));
    const name = path.slice(1);
    if (name in asked) asked[name] += 1;
    if (behaviour[name] === "hang") return;
    if (behaviour[name]) {
      response.statusCode = behaviour[name];
      return response.end("{}");
    }
    // A page for signing out that is told where to return, and repeats nothing.
    if (path === "/plain-logout") {
      const returnTo = url.searchParams.get("returnTo");
      const isFine = returnTo && [...url.searchParams.keys()].join() === "client_id,returnTo";
      response.statusCode = isFine ? 302 : 400;
      if (isFine) response.setHeader("location", returnTo);
      return response.end();
    }
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
