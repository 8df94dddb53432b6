// Writes dist/: the client as ES module and CommonJS, which import MQTT.js, and in one file with MQTT.js for WeChat and
// for pages without a build.
import { copyFileSync, mkdirSync } from "node:fs";
import { build } from "esbuild";

const common = { entryPoints: ["src/index.ts"], bundle: true, minify: true, charset: "utf8", logLevel: "warning" };
const own = { ...common, external: ["mqtt"], platform: "neutral", target: "es2021", mangleProps: /^_/ };
await build({ ...own, format: "esm", outfile: "dist/doorstep.js" });
await build({ ...own, format: "cjs", outfile: "dist/doorstep.cjs" });
await build({ ...own, entryPoints: ["src/file.ts"], external: ["node:*"], format: "esm", outfile: "dist/file.js" });
await build({
  ...common,
  target: "es2018", // of phones with an old WeChat
  platform: "browser",
  inject: ["src/globals.js"],
  format: "iife",
  globalName: "doorstep",
  // In WeChat `require` gives it; in a page a script tag makes the global `doorstep`.
  footer: { js: 'if (typeof module === "object") module.exports = doorstep;' },
  outfile: "dist/doorstep.whole.js",
});
mkdirSync("dist/wechat", { recursive: true });
copyFileSync("dist/doorstep.whole.js", "dist/wechat/index.js"); // where WeChat's own npm support looks
mkdirSync("dist/types/protocol", { recursive: true });
copyFileSync("../protocol/doorstep.d.ts", "dist/types/protocol/doorstep.d.ts"); // what the types above import
