// An identity provider for others to connect to, on oidc-provider, a certified library. Who the people are and what is
// said of them stands in a file that is read anew at every sign-in.
import { readFileSync } from "node:fs";
import http from "node:http";

const { OIDC_PROVIDER, PORT, CLIENT, PEOPLE } = process.env;
const { Provider } = await import(OIDC_PROVIDER);
const client = JSON.parse(CLIENT);
const issuer = `http://127.0.0.1:${PORT}`;
const people = () => JSON.parse(readFileSync(PEOPLE, "utf8"));

const provider = new Provider(issuer, {
  clients: [client],
  cookies: { keys: ["not a secret: a test ends before it matters"] },
  features: { devInteractions: { enabled: false } },
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

const answer = provider.callback();
let asked = { token: 0, jwks: 0 };
http
  .createServer(async (request, response) => {
    const path = request.url.split("?")[0];
    if (path === "/asked") return response.end(JSON.stringify(asked));
    if (path === "/token") asked.token += 1;
    if (path === "/jwks") asked.jwks += 1;
    if (!path.startsWith("/interaction/")) return answer(request, response);
    if (request.method === "GET") {
      response.setHeader("content-type", "text/html");
      return response.end(
        `<!doctype html><title>The company</title><form method="post"><label>Name <input name="name"></label><button>Go</button></form>`,
      );
    }
    let body = "";
    for await (const piece of request) body += piece;
    const person = people()[new URLSearchParams(body).get("name")];
    const result = person
      ? { login: { accountId: person.sub } }
      : { error: "access_denied", error_description: "the company knows nobody of that name" };
    await provider.interactionFinished(request, response, result);
  })
  .listen(Number(PORT), "127.0.0.1");
