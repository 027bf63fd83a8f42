// The API server of a Kubernetes cluster, as far as it gives Secrets to accounts.
import { readFileSync } from "node:fs";
import https from "node:https";

const { PORT, KEY, CERTIFICATE, STATE } = process.env;

const refuse = (response, code, reason) => {
  response.statusCode = code;
  response.end(JSON.stringify({ kind: "Status", apiVersion: "v1", status: "Failure", reason, code }));
};

https
  .createServer({ key: readFileSync(KEY), cert: readFileSync(CERTIFICATE) }, (request, response) => {
    const { token, secrets, forbidden = [], odd } = JSON.parse(readFileSync(STATE, "utf8"));
    const path = request.url.match(/^\/api\/v1\/namespaces\/([^/]+)\/secrets\/([^/]+)$/);
    response.setHeader("content-type", "application/json");
    if (request.headers.authorization !== `Bearer ${token}`) return refuse(response, 401, "Unauthorized");
    const place = path && `${path[1]}/${path[2]}`;
    if (!place || forbidden.includes(place)) return refuse(response, 403, "Forbidden");
    if (!secrets[place]) return refuse(response, 404, "NotFound");
    if (odd) return response.end(odd);
    const encode = ([name, text]) => [name, Buffer.from(text).toString("base64")];
    const data = Object.fromEntries(Object.entries(secrets[place]).map(encode));
    response.end(JSON.stringify({ kind: "Secret", apiVersion: "v1", type: "Opaque", data }));
  })
  .listen(Number(PORT), "127.0.0.1");
