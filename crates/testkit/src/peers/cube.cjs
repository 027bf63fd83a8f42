// Cube on loopback only. Its model says who sees which rows.
const http = require("http");
const Module = require("module");
const { createRequire } = Module;

// The package's compiled part is not in it. It serves Cube's SQL and Python interfaces, which are off here: what asks
// whether it is there hears no, anything else stops with its name.
const absent = new Proxy(
  {
    setupLogger() {},
    isFallbackBuild: () => true,
    NativeInstance: class {
      newJinjaEngine() {
        return {};
      }
    },
  },
  {
    get(known, name) {
      if (name in known || typeof name === "symbol" || name === "then" || name === "__esModule") return known[name];
      return () => {
        throw new Error(`Cube's compiled part was asked for ${name}`);
      };
    },
  },
);
const load = Module._load;
Module._load = function (name, ...rest) {
  return name === "@cubejs-backend/native" ? absent : load.call(this, name, ...rest);
};

const need = createRequire(`${process.env.CUBE_PACKAGES}/`);
const { CubejsServerCore } = need("@cubejs-backend/server-core");
const express = need("express");

const core = new CubejsServerCore({
  telemetry: false,
  scheduledRefreshTimer: false,
  logger: (message, details) => console.log(message, JSON.stringify(details)),
});
const app = express();
app.use(express.json());
core.initApp(app).then(() => http.createServer(app).listen(Number(process.env.PORT), "127.0.0.1"));
